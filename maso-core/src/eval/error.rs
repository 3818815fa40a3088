//! What can go wrong with rows.

/// A source of rows could not give some of them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RowError(pub String);

/// Why rows could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The data's rows are not the model's.
    #[error("rows have {found} numbers each; the model's input takes {expected}")]
    Width {
        /// What the model takes.
        expected: usize,
        /// What a row has.
        found: usize,
    },
    /// The data have not all the rows asked for.
    #[error("rows {range:?} are asked for; the data have {rows}, numbered from 0")]
    Range {
        /// The rows asked for.
        range: std::ops::Range<usize>,
        /// The data's rows.
        rows: usize,
    },
    /// A slice of the caller's does not fit.
    #[error("the {what} slice has {found} entries, expected {expected} (or a multiple, for rows)")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Entries expected.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// A row holds NaN or infinity.
    #[error(
        "row {row}, column {column} is {value} (as f32, after any scale and shift); all values must \
         be finite"
    )]
    NotFinite {
        /// Row of the data.
        row: usize,
        /// Place in the row.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A finite row leads to NaN or infinity inside the network.
    #[error(
        "row {row} overflows at node {node}: unit {unit} is {value}; scale the data, or check that \
         it is what the model was trained on"
    )]
    Overflow {
        /// Row of the data.
        row: usize,
        /// The node.
        node: String,
        /// The unit.
        unit: usize,
        /// Its value.
        value: f32,
    },
    /// A soft function of the caller's failed.
    #[error("row {row}: the nonlinearity of layer {node} failed: {why}")]
    Function {
        /// Row of the data.
        row: usize,
        /// The layer.
        node: String,
        /// What it says.
        why: String,
    },
    /// A direction holds NaN or infinity.
    #[error(
        "the tangent of row {row} is {value} in column {column}; all its numbers must be finite"
    )]
    Tangent {
        /// Row of the data.
        row: usize,
        /// Place in the row.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A finite row leads to a product or a matrix that is not finite.
    #[error("the {what} of row {row} is beyond the range of f32; scale the data")]
    OutOfRange {
        /// Row of the data.
        row: usize,
        /// What is asked for.
        what: &'static str,
    },
    /// What is asked for is defined for piecewise-affine networks only.
    #[error(
        "layer {node} ({op}) is soft, so the network is not piecewise affine: {what} are not defined for it"
    )]
    Soft {
        /// The first soft layer.
        node: String,
        /// Its operator.
        op: String,
        /// What is asked for.
        what: &'static str,
    },
    /// The source failed.
    #[error(transparent)]
    Rows(#[from] RowError),
}

impl EvalError {
    /// The same of rows that are numbered from `first` on.
    #[must_use]
    pub fn in_rows_from(mut self, first: usize) -> Self {
        match &mut self {
            Self::NotFinite { row, .. }
            | Self::Overflow { row, .. }
            | Self::Function { row, .. }
            | Self::Tangent { row, .. }
            | Self::OutOfRange { row, .. } => *row += first,
            Self::Width { .. }
            | Self::Range { .. }
            | Self::Length { .. }
            | Self::Soft { .. }
            | Self::Rows(_) => {}
        }
        self
    }
}
