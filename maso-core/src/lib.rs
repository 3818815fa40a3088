//! Networks as compositions of max-affine splines.
//!
//! A trained network with piecewise-affine nonlinearities cuts its input space into convex regions and
//! is one affine map on each (Balestriero and Baraniuk, *A Spline Theory of Deep Networks*, 2018).
//! This crate holds the mathematics of that view and none of the files: a reader hands in a
//! [`graph::Graph`], [`lower::lower`] makes a checked [`network::Network`] of it, and an
//! [`eval::Evaluator`] takes rows through it to values and region codes, and a [`Census`]
//! counts the regions that a data set occupies.

#![forbid(unsafe_code)]

pub mod census;
pub mod code;
pub mod eval;
pub mod geometry;
pub mod graph;
pub mod insight;
pub mod linearize;
pub mod lower;
pub mod margin;
pub mod network;
pub mod rewrite;
pub mod tensor;

mod orthogonal;
mod pack;
mod random;

pub use census::{Census, CensusReport};
pub use code::{CodeLayout, Layer};
pub use eval::{Batch, CertifiedBatch, EvalError, Evaluator, Redone, Rows, Verdict, Want};
pub use graph::Graph;
pub use linearize::{Frozen, Linearization, Matrix};
pub use lower::{LowerError, LowerOptions, Nonlinearities, lower};
pub use margin::Margin;
pub use maso_simd::{Rounding, Tier};
pub use network::{Network, RowAxis};
