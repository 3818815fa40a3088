//! Packed panels and fused kernels of max-affine layers.
//!
//! A kernel takes a block of rows through one affine step, applies a scalar spline of up to four
//! pieces, hard or soft, and hands back the values together with the bits of the pieces taken. This crate knows nothing of
//! networks: slices in, slices out.
//!
//! From the tree: `kernel/` holds each kernel once, generic over a small vector trait; `arch/`
//! implements that trait for each instruction set, and is the one room with unsafe code; [`tier`] names
//! the instruction sets and picks one; [`kernels`] is the checked public edge, with [`mod@windows`] for
//! kernels whose lanes are rows, [`double`] for layers in f64, [`forms`] for layers on a plane, [`product`] for sums of chosen rows of a
//! matrix, [`gate`] for pieces taken before, [`margins`] for distances to knots, [`occupied`] for inputs that are zero, [`soft`] for units without a hard choice
//! and [`soft64`] for the same in f64; [`mod@reference`] is the
//! obvious scalar version that every tier is compared with; [`contract`] states the rules of rounding, ties
//! and bits.

#![deny(unsafe_code)]

pub mod aligned;
pub mod bits;
mod coefficients;
pub mod contract;
pub mod double;
pub mod forms;
pub mod gate;
pub mod kernels;
pub mod margins;
pub mod occupied;
pub mod panel;
pub mod product;
pub mod reference;
mod second_pass;
pub mod soft;
pub mod soft64;
pub mod tier;
pub mod windows;

#[allow(unsafe_code, reason = "intrinsics, each behind a check of the processor")]
mod arch;
mod kernel;

pub use aligned::Aligned;
pub use double::{
    DOUBLE_LANES, DoubleBlock, DoubleCandidate, DoubleExtreme, DoubleLanes, DoubleMargins,
    DoubleMeasure, DoubleSpline,
};
pub use forms::{FormBlock, FormSum, Weights};
pub use gate::{Gate, Winners};
pub use kernels::{AffineBlock, Combine, ExtremeBlock, Kernels, MOST_PIECES, Param, Spline, Term};
pub use margins::{Gauge, Kept, MarginLane, MarginLanes, Measure, Norms};
pub use occupied::Occupied;
pub use panel::{PANEL, Panels};
pub use product::{PRODUCT_LANES, Product};
pub use soft::{Link, PoolRule, Soft, SoftFunction, SoftGate, SoftPool, SoftUnit};
pub use tier::{Rounding, Tier};
pub use windows::{
    Addend, ChannelWeights, Meeting, Tap, UnitOrder, WindowBlock, WindowExtreme, Windows,
};
