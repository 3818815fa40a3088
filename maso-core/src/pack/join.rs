//! Which nodes share a step: an affine operator, the sum of its result with another branch, and the
//! scalar spline that follows, where nothing else reads what stands between.

use maso_simd::Meeting;

use crate::network::{Affine, Network, Node, NodeId, Operator, Rule, ScalarSpline};

/// The nodes of one step, in the order they are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joined<'n> {
    /// The first operator.
    pub(crate) base: &'n Node,
    /// Another branch that meets its result.
    pub(crate) addend: Option<(NodeId, Meeting)>,
    /// The spline at the end.
    pub(crate) spline: Option<&'n ScalarSpline>,
}

/// The steps of a network.
#[derive(Debug)]
pub(super) struct Joins<'n> {
    network: &'n Network,
    readers: Vec<usize>,
    /// Nodes that are part of a later node's step.
    swallowed: Vec<bool>,
    /// For each node that ends a step, what the step joins.
    joined: Vec<Joined<'n>>,
}

impl<'n> Joins<'n> {
    /// Joins nodes; sums too, where the steps can take them.
    pub(super) fn new(network: &'n Network, sums: bool) -> Self {
        let readers = readers(network);
        let swallowed = vec![false; readers.len()];
        let mut joins = Self { network, readers, swallowed, joined: Vec::new() };
        for node in network.nodes() {
            let joined = joins.join(node, sums);
            joins.joined.push(joined);
        }
        joins
    }

    /// Whether `id` is part of a later node's step.
    pub(super) fn is_swallowed(&self, id: NodeId) -> bool {
        self.swallowed[id.0]
    }

    /// What the step that ends at `id` joins.
    pub(super) fn of(&self, id: NodeId) -> Joined<'n> {
        self.joined[id.0]
    }

    fn join(&mut self, node: &'n Node, sums: bool) -> Joined<'n> {
        let mut joined = Joined { base: node, addend: None, spline: None };
        if let Operator::Nonlinear(Rule::Spline(spline)) = &node.operator {
            joined.spline = Some(spline);
            let before = node.inputs[0];
            // What the node before has already joined comes with it.
            if self.readers[before.0] == 1 && self.joined[before.0].takes(spline) {
                self.swallowed[before.0] = true;
                return Joined { spline: Some(spline), ..self.joined[before.0] };
            }
        }
        if let (Operator::Sum { negate }, true) = (&node.operator, sums)
            && let Some(sum) = self.join_sum(node, *negate)
        {
            return sum;
        }
        joined
    }

    /// A sum whose later branch is the result of an affine step that can end with it.
    fn join_sum(&mut self, node: &Node, negate: bool) -> Option<Joined<'n>> {
        let [first, second] = [node.inputs[0], node.inputs[1]];
        let (own, other) = if first.0 > second.0 { (first, second) } else { (second, first) };
        let joined = self.joined[own.0];
        let free = joined.addend.is_none() && joined.spline.is_none();
        let affine = matches!(
            joined.base.operator,
            Operator::Affine(Affine::Dense(_) | Affine::Convolution(_))
        );
        if own == other || self.readers[own.0] != 1 || !free || !affine {
            return None;
        }
        let meeting = match (negate, own == first) {
            (false, _) => Meeting::Plus,
            (true, true) => Meeting::Minus,
            (true, false) => Meeting::From,
        };
        self.swallowed[own.0] = true;
        Some(Joined { addend: Some((other, meeting)), ..joined })
    }

    /// The nodes that the step ending at `id` reads.
    pub(super) fn inputs(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<'_, 'n> {
        let joined = self.of(id);
        let addend = joined.addend.map(|(branch, _)| branch);
        joined.base.inputs.iter().copied().chain(addend)
    }

    pub(super) fn network(&self) -> &'n Network {
        self.network
    }
}

impl Joined<'_> {
    /// Whether the step can apply `spline` to what it has.
    fn takes(&self, spline: &ScalarSpline) -> bool {
        let uniform = || spline.parameters().all(|parameter| parameter.as_uniform().is_some());
        if self.spline.is_some() {
            return false;
        }
        match &self.base.operator {
            Operator::Affine(Affine::Dense(dense)) => dense.batch == 1 || uniform(),
            Operator::Affine(Affine::Convolution(convolution)) => {
                let cells = convolution.map.cells();
                uniform()
                    || convolution.batch == 1
                        && spline.parameters().all(|parameter| parameter.is_blocked_by(cells))
            }
            Operator::Affine(Affine::Scale(_)) | Operator::Sum { .. } => true,
            _ => false,
        }
    }
}

/// How many nodes read each node; the output counts as one.
fn readers(network: &Network) -> Vec<usize> {
    let mut readers = vec![0; network.nodes().len()];
    readers[network.output().0] += 1;
    for input in network.nodes().iter().flat_map(|node| &node.inputs) {
        readers[input.0] += 1;
    }
    readers
}
