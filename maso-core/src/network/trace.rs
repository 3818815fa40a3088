//! The slow, obvious evaluation of one row, in f32 or f64, with every value and piece kept. It shares
//! nothing with the packed kernels and is what they are tested against.

use super::{Network, Number, Operator, Scalar};

/// Every value and piece of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace<S> {
    /// Values of each node, by its index.
    pub values: Vec<Vec<S>>,
    /// Pieces of the units of each nonlinear layer, in layer order.
    pub pieces: Vec<Vec<usize>>,
}

impl Network {
    /// Evaluates one row of [`input`](Self::input)`().len()` numbers, node by node.
    ///
    /// # Panics
    /// If the row has another length, or a layer is soft and the number type is exact.
    #[must_use]
    pub fn trace<S: Scalar>(&self, row: &[S]) -> Trace<S> {
        assert_eq!(row.len(), self.input().len(), "a row of the input's length");
        let mut trace = Trace { values: Vec::with_capacity(self.nodes.len()), pieces: Vec::new() };
        for node in &self.nodes {
            let inputs: Vec<&[S]> = node.inputs.iter().map(|id| &*trace.values[id.0]).collect();
            let mut values = vec![S::from_f64(0.0); node.len()];
            match &node.operator {
                Operator::Input => values.clone_from_slice(row),
                Operator::Nonlinear(rule) => {
                    let mut pieces = vec![0; values.len()];
                    rule.apply(&inputs, &mut values, &mut pieces);
                    trace.pieces.push(pieces);
                }
                operator => operator.apply_affine(&inputs, &mut values),
            }
            trace.values.push(values);
        }
        trace
    }
}

impl Network {
    /// The output for one row, by the same evaluation.
    ///
    /// # Panics
    /// If the row has another length.
    #[must_use]
    pub fn output_of<S: Scalar>(&self, row: &[S]) -> Vec<S> {
        self.trace(row).values.swap_remove(self.output().index())
    }
}

impl Operator {
    /// Writes the values of an affine, sum or view node to `y`.
    pub(crate) fn apply_affine<S: Number>(&self, inputs: &[&[S]], y: &mut [S]) {
        match self {
            Self::Affine(affine) => affine.apply(inputs[0], y),
            Self::Sum { negate } => sum(inputs, *negate, y),
            Self::View(view) => view.apply(inputs, y),
            Self::Input | Self::Nonlinear(_) => unreachable!("no affine map of other nodes"),
        }
    }
}

fn sum<S: Number>(inputs: &[&[S]], negate: bool, y: &mut [S]) {
    let sign = S::from_f64(if negate { -1.0 } else { 1.0 });
    for (unit, y) in y.iter_mut().enumerate() {
        let (first, second) = (inputs[0][unit].clone(), inputs[1][unit].clone());
        *y = first.add(second.mul(sign.clone()));
    }
}

impl<S: Scalar> Trace<S> {
    /// The row's region code in `network`'s layout.
    #[must_use]
    pub fn code(&self, network: &Network) -> Vec<u64> {
        let layout = network.layout();
        let mut code = vec![0; layout.words()];
        for (layer, pieces) in layout.layers().iter().zip(&self.pieces) {
            for (unit, &piece) in pieces.iter().enumerate() {
                layer.set_piece(&mut code, unit, piece);
            }
        }
        code
    }
}
