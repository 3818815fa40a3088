//! Codes of many points in f64, found afresh: dense nodes as products of whole batches, all else row by row as
//! [`Network::trace`] does it.

use maso_simd::{Kernels, PRODUCT_LANES, Product, Tier};

use crate::network::{Affine, Dense, Network, Operator, Trace};

/// Points that go through the network together.
pub(super) const BATCH: usize = 64;

/// A network made ready for it.
#[derive(Debug)]
pub(super) struct Fresh<'n> {
    network: &'n Network,
    kernels: &'static Kernels,
    /// The weights of each node that is a product.
    weights: Vec<Option<Vec<f64>>>,
}

impl<'n> Fresh<'n> {
    pub(super) fn new(network: &'n Network) -> Self {
        let weights = network.nodes().iter().map(|node| match &node.operator {
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => {
                Some((0..dense.units * dense.depth).map(|i| dense.weight.get(i)).collect())
            }
            _ => None,
        });
        Self { network, kernels: Kernels::of(Tier::best()), weights: weights.collect() }
    }

    /// The code of each point.
    pub(super) fn codes(&self, points: &[Vec<f64>]) -> Vec<Vec<u64>> {
        let none = || Trace { values: Vec::new(), pieces: Vec::new() };
        let mut traces: Vec<Trace<f64>> = points.iter().map(|_| none()).collect();
        for (node, weights) in self.network.nodes().iter().zip(&self.weights) {
            if let (Some(weights), Operator::Affine(Affine::Dense(dense))) =
                (weights, &node.operator)
            {
                self.product(dense, weights, node.inputs[0].index(), &mut traces);
                continue;
            }
            for (trace, point) in traces.iter_mut().zip(points) {
                let inputs: Vec<&[f64]> =
                    node.inputs.iter().map(|id| &*trace.values[id.index()]).collect();
                let mut values = vec![0.0; node.len()];
                match &node.operator {
                    Operator::Input => values.clone_from_slice(point),
                    Operator::Nonlinear(rule) => {
                        let mut pieces = vec![0; values.len()];
                        rule.apply(&inputs, &mut values, &mut pieces);
                        trace.pieces.push(pieces);
                    }
                    operator => operator.apply_affine(&inputs, &mut values),
                }
                trace.values.push(values);
            }
        }
        traces.iter().map(|trace| trace.code(self.network)).collect()
    }

    /// A dense node of all points: weights times a matrix that has a column for each.
    fn product(&self, dense: &Dense, weights: &[f64], input: usize, traces: &mut [Trace<f64>]) {
        let columns = traces.len().next_multiple_of(PRODUCT_LANES);
        let mut matrix = vec![0.0; dense.depth * columns];
        for (column, trace) in traces.iter().enumerate() {
            for (row, &value) in trace.values[input].iter().enumerate() {
                matrix[row * columns + column] = value;
            }
        }
        let mut out: Vec<f64> =
            dense.bias.iter().flat_map(|&bias| std::iter::repeat_n(bias, columns)).collect();
        let chosen: Vec<u32> = (0..dense.depth as u32).collect();
        let product = Product {
            factors: weights,
            ldf: dense.depth,
            rows: dense.units,
            matrix: &matrix,
            ldm: columns,
            chosen: &chosen,
            columns,
        };
        self.kernels.double_product(&product, &mut out, columns);
        for (column, trace) in traces.iter_mut().enumerate() {
            trace.values.push(out.iter().skip(column).step_by(columns).copied().collect());
        }
    }
}
