//! The rules of rounding, ties and bits that every tier keeps.
//!
//! **Sums.** A pre-activation starts from its bias and adds its products in input order, one lane
//! for each unit: no sum ever runs across lanes, so the width of a register never changes a bit.
//! Tiers fall in two families. The *separate* family (`scalar`, `portable`) rounds the product and
//! then the sum; the *fused* family (`avx2`, `avx512`, `neon`) rounds once. Within a family all tiers
//! agree bit for bit.
//!
//! **Zeros.** A sum that is zero is +0. So products with inputs that are zero can be left out, whichever their sign,
//! without a trace: they could change nothing but the sign of a zero. (Weights are finite.)
//!
//! **Pieces.** A spline of `R` pieces has `R - 1` ascending knots. The piece of `z` is the number of
//! knots that `z` is *strictly* above, and the value is `slope·z + offset` of that very piece: value
//! and piece come from one comparison.
//!
//! ```
//! use maso_simd::{Spline, reference};
//! let relu = Spline::relu();
//! assert_eq!(reference::spline(&relu, 0, 0, 0.0), (0.0, 0)); // on the knot: the first piece
//! assert_eq!(reference::spline(&relu, 0, 0, 1.5), (1.5, 1));
//! let six = Spline::clip(0.0, 6.0);
//! assert_eq!(reference::spline(&six, 0, 0, 6.0), (6.0, 1)); // on the high knot: the middle
//! assert_eq!(reference::spline(&six, 0, 0, 6.5), (6.0, 2));
//! ```
//!
//! **Maxima.** The first largest wins, the first smallest for a minimum: a later entry replaces an
//! earlier one only if it is strictly better. `-inf` (`+inf` for a minimum) marks a position that
//! cannot win.
//!
//! **Bits.** A block of [`PANEL`](crate::PANEL) units gives one *field word*: one bit a unit for two
//! pieces, two bits a unit (low bit first) for three or four, the first unit lowest.
//!
//! **NaN and infinity.** A kernel reports whether all values it produced were finite. It never
//! hides a non-finite pre-activation: a slope of zero turns infinity into NaN.
