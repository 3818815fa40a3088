//! Named patterns: groups of nodes by which exporters write one nonlinearity. The last node of a group
//! stands for it; the others stay where something else reads them.

use std::collections::{BTreeMap, HashMap};

use super::Producers;
use crate::graph::{Attribute, Graph, GraphNode};
use crate::tensor::{Tensor, TensorData};

/// For the last node of each pattern, by its index, the node that says it in one.
pub(super) fn stand_ins(graph: &Graph, producers: &Producers<'_>) -> HashMap<usize, GraphNode> {
    // What no comparison is in needs no search.
    if !graph.nodes.iter().any(|node| node.op == "Greater") {
        return HashMap::new();
    }
    let constants = graph.constants.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let finder = Finder { producers, constants };
    let found = graph.nodes.iter().enumerate().filter_map(|(index, node)| {
        let (z, lambda) = finder.softshrink(node)?;
        let lambda = Tensor::new(Vec::new(), TensorData::F64(vec![lambda]))?;
        let stand_in = GraphNode {
            op: "Softshrink".to_owned(),
            inputs: vec![z.to_owned()],
            attributes: BTreeMap::from([("lambd".to_owned(), Attribute::Tensor(lambda))]),
            ..node.clone()
        };
        Some((index, stand_in))
    });
    found.collect()
}

struct Finder<'g, 'p> {
    producers: &'p Producers<'g>,
    constants: HashMap<&'g str, &'g Tensor>,
}

impl<'g> Finder<'g, '_> {
    /// The inputs of the node that makes `tensor`, if that is an `op` of two inputs.
    fn pair(&self, tensor: &str, op: &str) -> Option<[&'g str; 2]> {
        let node = self.maker(tensor, op)?;
        Some([node.input(0)?, node.input(1)?])
    }

    fn maker(&self, tensor: &str, op: &str) -> Option<&'g GraphNode> {
        let node = *self.producers.get(tensor)?;
        (node.op == op && node.domain.is_empty()).then_some(node)
    }

    /// The number that a constant of one element holds.
    fn number(&self, tensor: &str) -> Option<f64> {
        let node = || self.maker(tensor, "Constant")?.attributes.get("value");
        let constant = self.constants.get(tensor).copied();
        let constant = constant.or_else(|| match node() {
            Some(Attribute::Tensor(tensor)) => Some(tensor),
            _ => None,
        })?;
        (constant.len() == 1).then(|| constant.to_f64()[0])
    }

    /// z and λ, if `node` ends a Softshrink.
    fn softshrink(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        match node.op.as_str() {
            "Add" => self.sides(node),
            "Where" => self.signed(node),
            _ => None,
        }
    }

    /// `Where(z > λ, z − λ, 0) + Where(z < −λ, z + λ, 0)`, PyTorch's older exporter.
    fn sides(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        let side = |index: usize, compare: &str, shift: &str| {
            let choice = self.maker(node.input(index)?, "Where")?;
            let [z, knot] = self.pair(choice.input(0)?, compare)?;
            let [shifted, lambda] = self.pair(choice.input(1)?, shift)?;
            let zero = self.number(choice.input(2)?)? == 0.0;
            (zero && z == shifted).then_some((z, self.number(knot)?, self.number(lambda)?))
        };
        let (above, high, down) = side(0, "Greater", "Sub")?;
        let (below, low, up) = side(1, "Less", "Add")?;
        let same = above == below && high == down && low == -up && high == up;
        same.then_some((above, high))
    }

    /// `Where(|z| > λ, z − λ·sign(z), 0)`, PyTorch's newer exporter; the 0 may be written 0·z.
    fn signed(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        let [size, knot] = self.pair(node.input(0)?, "Greater")?;
        let z = self.maker(size, "Abs")?.input(0)?;
        let [from, shift] = self.pair(node.input(1)?, "Sub")?;
        let [sign, lambda] = self.pair(shift, "Mul")?;
        let signed = self.maker(sign, "Sign")?.input(0)?;
        let zero = node.input(2)?;
        let nothing = match self.pair(zero, "Mul") {
            Some([factor, by]) => factor == z && self.number(by)? == 0.0,
            None => self.number(zero)? == 0.0,
        };
        let (knot, lambda) = (self.number(knot)?, self.number(lambda)?);
        (nothing && from == z && signed == z && knot == lambda).then_some((z, knot))
    }
}
