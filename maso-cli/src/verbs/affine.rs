//! `maso affine`: the affine map that the model is on each row's region.

use std::time::Instant;

use maso_core::network::{NodeId, Operator};
use maso_core::{Matrix, Network};
use maso_io::write::NpzWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::AffineArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{expect_output, print_json};
use crate::session::{RunReport, Session};
use crate::table::count;

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    /// The tensor that the map ends at.
    to: String,
    outputs: usize,
    inputs: usize,
    seconds: f64,
}

/// One row's map.
struct Map {
    matrix: Matrix,
    offset: Vec<f64>,
    value: Vec<f64>,
    code: Vec<u64>,
}

/// What is kept of all rows until the matrices are written.
#[derive(Default)]
struct Kept {
    offsets: Vec<f64>,
    values: Vec<f64>,
    codes: Vec<u64>,
}

pub(crate) fn run(args: &AffineArgs) -> Outcome {
    expect_output(Some(&args.out), "npz", &[&args.model.file.model, &args.data.data])?;
    let network = input::load(&args.model)?;
    let target = target(&network, args)?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let session = Session::new(network, data, &args.run)?;
    if target == session.network().output() {
        session.note_heads();
    }
    let started = Instant::now();
    if args.f32 {
        write_fast(args, &session)?
    } else {
        write(args, &session, target)?
    }
    let seconds = started.elapsed().as_secs_f64();
    let node = session.network().node(target);
    let (rows, inputs) = (session.data.range.len(), session.network().input().len());
    session.talk(&format!(
        "wrote {}: {} of {} × {inputs} to {}, in {seconds:.2} s",
        args.out.display(),
        count(rows as u64, "map"),
        node.len(),
        node.tensor
    ));
    if !args.run.json {
        return Ok(());
    }
    let (run, to) = (session.report_of_maps(&args.model.file.model), node.tensor.clone());
    print_json(&Report { run, rows, to, outputs: node.len(), inputs, seconds })
}

/// Where the map ends.
fn target(network: &Network, args: &AffineArgs) -> Result<NodeId, Failure> {
    let Some(name) = &args.at else { return Ok(network.output()) };
    let layers = network.layout().layers();
    let named = layers.iter().find(|layer| layer.name() == name);
    let numbered = || name.parse().ok().and_then(|number: usize| layers.get(number));
    let layer = named.or_else(numbered).ok_or_else(|| {
        let names: Vec<String> =
            layers.iter().enumerate().map(|(i, layer)| format!("{i} ({})", layer.name())).collect();
        Failure::Usage(format!("--at {name}: no such layer; there are {}", names.join(", ")))
    })?;
    let node = network.node(layer.node());
    let Operator::Nonlinear(_) = &node.operator else { unreachable!("a layer") };
    match (args.pre, node.inputs[..] == [node.inputs[0]]) {
        (false, _) => Ok(layer.node()),
        (true, true) => Ok(node.inputs[0]),
        (true, false) => Err(Failure::Usage(format!(
            "--pre: layer {} chooses among {} tensors; name one of them with --output",
            layer.name(),
            node.inputs.len()
        ))),
    }
}

fn write(args: &AffineArgs, session: &Session, target: NodeId) -> Outcome {
    let network = session.network();
    let (rows, inputs) = (session.data.range.len(), network.input().len());
    let (outputs, words) = (network.node(target).len(), network.layout().words());
    let mut writer = NpzWriter::create(&args.out)?;
    writer.begin::<f64>("A", &[rows, outputs, inputs])?;
    let mut kept = Kept::default();
    let tier = session.evaluator.tier();
    let map = |row: usize, x: &[f64]| {
        let map = network.linearize(x).map_err(|error| error.at_row(row))?.to(target);
        let (value, code) = (map.value().to_vec(), map.code());
        let frozen = map.frozen().clone().with_tier(tier);
        Ok(Map { matrix: frozen.matrix(), offset: frozen.offset(), value, code })
    };
    session.each_row(map, |_, map| {
        kept.offsets.extend_from_slice(&map.offset);
        kept.values.extend_from_slice(&map.value);
        kept.codes.extend_from_slice(&map.code);
        Ok(writer.write(map.matrix.numbers())?)
    })?;
    writer.array("b", &[rows, outputs], &kept.offsets)?;
    writer.array("y", &[rows, outputs], &kept.values)?;
    writer.array("code", &[rows, words], &kept.codes)?;
    Ok(writer.finish()?)
}

/// Rows of a block in f32.
const BLOCK: usize = 256;

/// The same in f32, block by block.
fn write_fast(args: &AffineArgs, session: &Session) -> Outcome {
    let network = session.network();
    let (rows, inputs) = (session.data.range.len(), network.input().len());
    let outputs: usize = network.output_shape().iter().product();
    let words = network.layout().words();
    let mut writer = NpzWriter::create(&args.out)?;
    writer.begin::<f32>("A", &[rows, outputs, inputs])?;
    let (mut offsets, mut values) = (vec![0.0f32; rows * outputs], vec![0.0f32; rows * outputs]);
    let mut codes = vec![0u64; rows * words];
    let mut matrices = vec![0.0f32; BLOCK.min(rows) * outputs * inputs];
    session.each_block(BLOCK, |first, x| {
        let count = x.len() / inputs;
        let matrices = &mut matrices[..count * outputs * inputs];
        let evaluator = &session.evaluator;
        evaluator.jacobians_into(
            x,
            matrices,
            &mut offsets[first * outputs..][..count * outputs],
        )?;
        evaluator.forward_into(x, &mut values[first * outputs..][..count * outputs])?;
        evaluator.codes_into(x, &mut codes[first * words..][..count * words])?;
        Ok(writer.write(matrices)?)
    })?;
    writer.array("b", &[rows, outputs], &offsets)?;
    writer.array("y", &[rows, outputs], &values)?;
    writer.array("code", &[rows, words], &codes)?;
    Ok(writer.finish()?)
}
