//! Why a verb failed: one line with its causes, and the exit code.

use std::error::Error;
use std::{fmt, io};

use maso_core::{EvalError, LowerError};
use maso_io::dataset::DataError;
use maso_io::model::ModelError;
use maso_io::model::onnx::OnnxError;
use maso_io::model::weights::ArchitectureError;
use maso_io::write::WriteError;

/// A failure to be printed after `maso: `.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage that the argument parser cannot see.
    Usage(String),
    /// What the verb does is not defined for the model.
    Refused(String),
    /// A run over the rows of a file failed.
    Rows { data: String, source: EvalError },
    /// Any library error.
    Library(Box<dyn Error + Send + Sync>),
    /// The user or the system asked the program to stop.
    Interrupted,
    /// Standard output could not be written to.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            // 128 and the number of SIGINT, as shells have it.
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// Whether the reader of standard output has gone, which is no failure of ours.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Refused(text) => f.write_str(text),
            Self::Rows { data, source } => {
                write!(f, "{data}: {source}")?;
                match source {
                    EvalError::NotFinite { .. } => f.write_str(
                        "; fill such numbers, or leave their rows out (--rows takes others)",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Interrupted => f.write_str("interrupted; nothing was written"),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Self::Library(error) => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

macro_rules! from_library {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Library(Box::new(error))
            }
        }
    )*};
}

from_library!(
    ModelError,
    ArchitectureError,
    OnnxError,
    LowerError,
    DataError,
    WriteError,
    EvalError,
    serde_json::Error
);
