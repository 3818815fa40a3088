//! Bytes in, checked values out.
//!
//! [`model`] reads model files into networks, [`dataset`] reads data sets as rows, [`mod@write`] writes
//! results that appear whole or not at all. Nothing read is trusted: every length is checked against
//! what is there before anything is sliced or allocated.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata");
//! use maso_core::{Evaluator, LowerOptions};
//! use maso_io::{dataset::Dataset, model};
//!
//! let network = model::load(format!("{folder}/models/moons_relu.onnx"), &LowerOptions::default())?;
//! let rows = Dataset::open(format!("{folder}/data/moons.npy"))?;
//! let mut codes = vec![0; rows.len() * network.layout().words()];
//! let evaluator = Evaluator::new(network.into());
//! evaluator.codes_into(&rows.to_vec()?, &mut codes)?;
//! assert_eq!(codes.len(), 2000); // 64 units, one bit each: a word for every row
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_code)]
#![warn(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

pub mod dataset;
pub mod model;
pub mod write;

mod array;
mod bytes;
mod limits;
mod sniff;

pub use limits::Limits;

/// The README's example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// So is that of the page on geometry.
#[cfg(doctest)]
#[doc = include_str!("../../docs/geometry.md")]
struct Geometry;

/// And that of the page on slices.
#[cfg(doctest)]
#[doc = include_str!("../../docs/slices.md")]
struct Slices;
