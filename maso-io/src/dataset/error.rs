//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use crate::array::ArrayError;

/// Why a data set or a list of labels could not be opened, and which.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {what} {}", path.display())]
    Read {
        /// Data or labels.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is not a usable array.
    #[error("{} is not a usable data file", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ArrayError,
    },
    /// The file is not a usable table.
    #[error("{} is not a usable table: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An option that chooses within files of another kind.
    #[error("{option} chooses {of}, but {} is {found}; {instead}", path.display())]
    Misplaced {
        /// The option.
        option: &'static str,
        /// What it chooses.
        of: &'static str,
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What to do.
        instead: &'static str,
    },
    /// There are no rows.
    #[error("{} has no rows: {why}; give a file with at least one row along its first axis", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// The labels are not a list of integers.
    #[error(
        "labels {} are {found}; expected integers of shape (rows,): number the classes, and choose one \
         column or array with --labels-array",
        path.display()
    )]
    Labels {
        /// The file.
        path: PathBuf,
        /// What they are.
        found: String,
    },
    /// The mean, std or layout does not fit the rows or the model.
    #[error("{reason}")]
    Preparation {
        /// What does not fit.
        reason: String,
    },
}
