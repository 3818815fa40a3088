//! The same network with other inference in its layers: softened, or hard again.

use super::{Inference, Network, Node, Operator, Rule, SoftenError};

/// Why a layer cannot have another inference.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerSoftenError {
    /// Its rule does not allow it.
    #[error("layer {node} ({op}): {source}")]
    Rule {
        /// The layer.
        node: String,
        /// Its operator.
        op: String,
        /// Why.
        source: SoftenError,
    },
    /// Its hard choice would be a step, which is no max-affine spline.
    #[error(
        "layer {node} ({op}) gives the memberships of its pieces; hard memberships are a step, not a continuous \
         piecewise-affine function"
    )]
    Step {
        /// The layer.
        node: String,
        /// Its operator.
        op: String,
    },
}

impl Network {
    /// The same network with the inference that `choose` names for each layer (by its number and node) over the pieces
    /// that it has; layers for which it names none stay as they are.
    ///
    /// # Errors
    /// If a layer cannot be softened so.
    pub fn softened(
        &self,
        choose: impl Fn(usize, &Node) -> Option<Inference>,
    ) -> Result<Self, LayerSoftenError> {
        self.with_rules(|layer, node, rule| {
            let Some(inference) = choose(layer, node) else { return Ok(rule.clone()) };
            let soft = match rule {
                Rule::Spline(spline) => spline.softened(&inference).map(Rule::Spline),
                Rule::Extreme(extreme) => extreme.softened(&inference).map(Rule::Extreme),
            };
            soft.map_err(|source| LayerSoftenError::Rule {
                node: node.name.clone(),
                op: node.op.clone(),
                source,
            })
        })
    }

    /// The same network with the hard choice in each layer for which `choose` says so.
    ///
    /// # Errors
    /// If such a layer gives memberships, as sigmoid and tanh do.
    pub fn hardened(
        &self,
        choose: impl Fn(usize, &Node) -> bool,
    ) -> Result<Self, LayerSoftenError> {
        self.with_rules(|layer, node, rule| {
            let mut hard = rule.clone();
            if !choose(layer, node) {
                return Ok(hard);
            }
            match &mut hard {
                Rule::Spline(spline) => {
                    if spline.soft.take().is_some_and(|soft| soft.is_membership()) {
                        let (node, op) = (node.name.clone(), node.op.clone());
                        return Err(LayerSoftenError::Step { node, op });
                    }
                }
                Rule::Extreme(extreme) => extreme.soft = None,
            }
            Ok(hard)
        })
    }

    /// The same network with each layer's rule changed, to one of as many pieces.
    fn with_rules(
        &self,
        change: impl Fn(usize, &Node, &Rule) -> Result<Rule, LayerSoftenError>,
    ) -> Result<Self, LayerSoftenError> {
        let mut network = self.clone();
        let mut layer = 0;
        for (node, new) in self.nodes.iter().zip(&mut network.nodes) {
            if let Operator::Nonlinear(rule) = &node.operator {
                new.operator = Operator::Nonlinear(change(layer, node, rule)?);
                layer += 1;
            }
        }
        Ok(network)
    }
}
