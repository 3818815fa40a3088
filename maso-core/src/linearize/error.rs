//! What can be wrong with a point.

use crate::eval::EvalError;

/// Why a network cannot be linearised at a point.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// The point is not as long as the model's input.
    #[error("the point has {found} numbers; the model's input takes {expected}")]
    Length {
        /// What the model takes.
        expected: usize,
        /// What the point has.
        found: usize,
    },
    /// The point holds NaN or infinity.
    #[error("number {column} of the point is {value}; all must be finite")]
    NotFinite {
        /// Place in the point.
        column: usize,
        /// The value.
        value: f64,
    },
    /// The point leads to NaN or infinity inside the network.
    #[error("the point overflows at node {node}: unit {unit} is {value}")]
    Overflow {
        /// The node.
        node: String,
        /// The unit.
        unit: usize,
        /// Its value.
        value: f64,
    },
    /// What is asked for is exact on piecewise-affine networks only.
    #[error(
        "layer {node} is soft, so the network is not piecewise affine, and its regions have no exact maps"
    )]
    Soft {
        /// The first soft layer.
        node: String,
    },
}

impl PointError {
    /// The same of a row of a data set.
    #[must_use]
    pub fn at_row(self, row: usize) -> EvalError {
        match self {
            Self::Length { expected, found } => EvalError::Width { expected, found },
            Self::NotFinite { column, value } => {
                EvalError::NotFinite { row, column, value: value as f32 }
            }
            Self::Overflow { node, unit, value } => {
                EvalError::Overflow { row, node, unit, value: value as f32 }
            }
            Self::Soft { node } => {
                EvalError::Soft { node, op: "soft".to_owned(), what: "exact maps of regions" }
            }
        }
    }
}
