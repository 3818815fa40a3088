//! Networks and rows, alike on every machine.

use std::path::PathBuf;
use std::sync::Arc;

use maso_core::eval::Rows;
use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::tensor::{Tensor, TensorData};
use maso_core::{Graph, LowerOptions, Network, lower};
use maso_io::dataset::{Dataset, OpenOptions, Scaling};
use maso_io::model;

use crate::suite::{Case, ConvolutionSpec, DataSpec, NetworkSpec};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Numbers from a 64-bit linear congruential generator.
struct Source(u64);

impl Source {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A multiple of 1/512 from −2 to 2.
    fn number(&mut self) -> f32 {
        ((self.next() % 2049) as f32 - 1024.0) / 512.0
    }

    /// Weights of units with `depth` inputs, as small as keeps numbers near 1.
    fn tensor(&mut self, shape: &[usize], depth: usize) -> Tensor {
        let scale = 1.0 / (depth as f32).sqrt();
        let count = shape.iter().product();
        let values = (0..count).map(|_| self.number() * scale).collect();
        Tensor::new(shape.to_vec(), TensorData::F32(values)).expect("as many numbers as the shape")
    }
}

/// The network of a case as a graph.
pub(crate) fn graph(spec: &NetworkSpec) -> Result<Graph> {
    match spec {
        NetworkSpec::Model(name) => {
            Ok(model::read(model_path(name), &model::ReadOptions::default())?)
        }
        NetworkSpec::Dense(widths) => Ok(dense(widths)),
        NetworkSpec::Convolutions(spec) => Ok(convolutions(spec)),
    }
}

pub(crate) fn network(spec: &NetworkSpec) -> Result<Arc<Network>> {
    Ok(Arc::new(lower(&graph(spec)?, &LowerOptions::default())?))
}

/// A model of the project, or any path.
fn model_path(name: &str) -> PathBuf {
    let own = testdata("models").join(name);
    if own.exists() { own } else { PathBuf::from(name) }
}

fn testdata(part: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata")).join(part)
}

/// A graph in the making.
struct Builder {
    graph: Graph,
    source: Source,
    /// The tensor made last.
    last: String,
}

impl Builder {
    fn new(shape: &[usize]) -> Self {
        let rows = Axis::Symbol("rows".to_owned());
        let axes = std::iter::once(rows).chain(shape.iter().copied().map(Axis::Fixed)).collect();
        let input = Port { name: "x".to_owned(), shape: axes, ..Port::default() };
        let graph = Graph { opset: 17, inputs: vec![input], ..Graph::default() };
        Self { graph, source: Source(1), last: "x".to_owned() }
    }

    fn weights(&mut self, shape: &[usize], depth: usize) -> String {
        let name = format!("c{}", self.graph.constants.len());
        self.graph.constants.push((name.clone(), self.source.tensor(shape, depth)));
        name
    }

    fn node(&mut self, op: &str, more: Vec<String>, attributes: Vec<(&str, Attribute)>) {
        let output = format!("t{}", self.graph.nodes.len());
        let inputs = std::iter::once(self.last.clone()).chain(more).collect();
        self.graph.nodes.push(GraphNode {
            name: output.clone(),
            op: op.to_owned(),
            inputs,
            outputs: vec![output.clone()],
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            ..GraphNode::default()
        });
        self.last = output;
    }

    fn finish(mut self) -> Graph {
        self.graph.outputs.push(Port { name: self.last, ..Port::default() });
        self.graph
    }
}

/// Gemm and ReLU, the last without.
fn dense(widths: &[usize]) -> Graph {
    let mut b = Builder::new(&widths[..1]);
    for (layer, pair) in widths.windows(2).enumerate() {
        let (depth, units) = (pair[0], pair[1]);
        let parameters = vec![b.weights(&[units, depth], depth), b.weights(&[units], depth)];
        b.node("Gemm", parameters, vec![("transB", Attribute::Int(1))]);
        if layer + 2 < widths.len() {
            b.node("Relu", Vec::new(), Vec::new());
        }
    }
    b.finish()
}

/// Conv and ReLU.
fn convolutions(spec: &ConvolutionSpec) -> Graph {
    let (plane, kernel) = (spec.plane, spec.kernel);
    let mut b = Builder::new(&[spec.channels[0], plane, plane]);
    let pads = vec![(kernel / 2) as i64; 4];
    for pair in spec.channels.windows(2) {
        let (channels, outputs) = (pair[0], pair[1]);
        let depth = channels * kernel * kernel;
        let parameters = vec![
            b.weights(&[outputs, channels, kernel, kernel], depth),
            b.weights(&[outputs], depth),
        ];
        b.node("Conv", parameters, vec![("pads", Attribute::Ints(pads.clone()))]);
        b.node("Relu", Vec::new(), Vec::new());
    }
    b.finish()
}

/// Rows of a case.
pub(crate) enum Data {
    /// In memory, as the kernels read them.
    Numbers(Vec<f32>),
    /// Bytes, converted block by block.
    Bytes(Dataset),
}

impl Data {
    pub(crate) fn of(case: &Case, width: usize) -> Result<Self> {
        let count = case.rows * width;
        match &case.data {
            DataSpec::Random => {
                let mut source = Source(2);
                Ok(Self::Numbers((0..count).map(|_| source.number()).collect()))
            }
            DataSpec::Digits => {
                let digits = Dataset::open(testdata("data/mnist_test_x.npy"))?
                    .with_scaling(Scaling { scale: 1.0 / 255.0, shift: 0.0 })
                    .to_vec()?;
                if width != 784 {
                    return Err(
                        format!("{}: digits have 784 numbers, not {width}", case.name).into()
                    );
                }
                Ok(Self::Numbers(digits.into_iter().cycle().take(count).collect()))
            }
            DataSpec::Bytes { distinct } => Ok(Self::Bytes(bytes(case.rows, width, *distinct)?)),
        }
    }

    /// The rows as numbers in memory.
    pub(crate) fn numbers(&self) -> Option<&[f32]> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::Bytes(_) => None,
        }
    }

    /// The first `count` numbers, where they are in memory as such.
    pub(crate) fn first(&self, count: usize) -> Vec<f32> {
        self.numbers().map_or_else(Vec::new, |numbers| numbers[..count].to_vec())
    }

    /// Bytes of a row as it is stored.
    pub(crate) fn row_bytes(&self, width: usize) -> usize {
        match self {
            Self::Numbers(_) => width * size_of::<f32>(),
            Self::Bytes(_) => width,
        }
    }

    /// The rows, `width` numbers each.
    pub(crate) fn with_rows<R>(&self, width: usize, job: impl FnOnce(&dyn Rows) -> R) -> R {
        match self {
            Self::Numbers(numbers) => {
                let rows = maso_core::eval::SliceRows::new(numbers, width);
                job(&rows.expect("whole rows"))
            }
            Self::Bytes(dataset) => job(dataset),
        }
    }
}

/// Rows of bytes as a `.npy` file in memory; numbers from −2 to 2 once they are scaled.
fn bytes(rows: usize, width: usize, distinct: usize) -> Result<Dataset> {
    let mut source = Source(3);
    let few: Vec<u8> = (0..distinct.min(rows) * width).map(|_| source.next() as u8).collect();
    let mut header =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend(u16::try_from(header.len())?.to_le_bytes());
    file.extend(header.bytes());
    while file.len() < 10 + header.len() + rows * width {
        let missing = 10 + header.len() + rows * width - file.len();
        file.extend(&few[..missing.min(few.len())]);
    }
    let scaling = Scaling { scale: 4.0 / 255.0, shift: -2.0 };
    Ok(Dataset::from_bytes("bytes.npy", file, &OpenOptions::default())?.with_scaling(scaling))
}
