//! Packed panels and fused kernels of max-affine layers.
//!
//! A kernel takes a block of rows through one affine step, applies a scalar spline of one to three
//! pieces, and hands back the values together with the bits of the pieces taken, all from the same
//! registers. This crate knows nothing of networks: slices in, slices out.
//!
//! From the tree: `kernel/` holds each kernel once, generic over a small vector trait; `arch/`
//! implements that trait for each instruction set; [`tier`] names the instruction sets and picks
//! one; [`kernels`] is the checked public edge; [`mod@reference`] is the obvious scalar version that
//! every tier is compared with; [`contract`] states the rules of rounding, ties and bits.

#![forbid(unsafe_code)]

pub mod bits;
pub mod contract;
pub mod kernels;
pub mod panel;
pub mod reference;
pub mod tier;

mod arch;
mod kernel;

pub use kernels::{AffineBlock, Combine, ExtremeBlock, Kernels, Param, Spline, Term};
pub use panel::{PANEL, Panels};
pub use tier::Tier;
