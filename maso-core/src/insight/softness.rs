//! What softening does to a row: its output, the hard map of its most probable region, and how undecided its units are.

use crate::network::{Network, Node, Operator, Rule, Trace};

/// A soft network at one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Softness {
    /// The network's outputs.
    pub outputs: Vec<f64>,
    /// What the affine map of the row's most probable region, every unit hard on its most probable piece, gives.
    pub hard_outputs: Vec<f64>,
    /// For each layer the mean entropy of its units' memberships, in nats; 0 for hard layers. Units of several hinges
    /// have the sum of theirs.
    pub entropies: Vec<f64>,
}

impl Network {
    /// Looks at `x`, a row, in f64.
    ///
    /// # Panics
    /// If `x` has not a number for each input.
    #[must_use]
    pub fn softness(&self, x: &[f64]) -> Softness {
        let trace = self.trace(x);
        let frozen = self.freeze(&trace.code(self)).expect("the pieces of a row exist");
        let layers = self.nodes().iter().filter_map(|node| match &node.operator {
            Operator::Nonlinear(rule) => Some(entropy(node, rule, &trace)),
            _ => None,
        });
        Softness {
            outputs: trace.values[self.output().index()].clone(),
            hard_outputs: frozen.apply(x),
            entropies: layers.collect(),
        }
    }
}

/// The mean over a layer's units.
fn entropy(node: &Node, rule: &Rule, trace: &Trace<f64>) -> f64 {
    if !node.is_soft() || node.is_empty() {
        return 0.0;
    }
    let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &*trace.values[id.index()]).collect();
    let of_unit = |unit: usize| match rule {
        Rule::Spline(spline) => {
            spline.soft.as_ref().map_or(0.0, |soft| soft.entropy(inputs[0][unit], unit))
        }
        Rule::Extreme(extreme) => extreme.soft.as_ref().map_or(0.0, |pool| {
            let pieces = 0..extreme.candidates.pieces();
            let candidates = pieces.filter_map(|p| extreme.candidates.value(&inputs, unit, p));
            pool.entropy(extreme.smallest, &candidates.collect::<Vec<f64>>())
        }),
    };
    (0..node.len()).map(of_unit).sum::<f64>() / node.len() as f64
}
