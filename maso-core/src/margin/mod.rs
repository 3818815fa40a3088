//! Margins: how far a row's pre-activations are from the knots that decide its code, and how far rounding
//! can have moved them.
//!
//! `bounds` derives, once for a network, how far each unit's computed pre-activation can be from the one
//! of the f64 network; the kernels compare with it while they run. `docs/margins.md` has the derivation.

mod bounds;
mod magnitude;
mod sizes;

pub(crate) use bounds::{Bounds, LayerBound, Precision};
pub(crate) use sizes::Sizes;

use maso_simd::MarginLane;

/// How clearly a row is in its region.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Margin {
    /// Smallest distance of a pre-activation to a knot, or of a winner to the next candidate that is not
    /// its equal.
    pub absolute: f32,
    /// The smallest such distance over the proven bound of its rounding error. Above 1 the f64 network
    /// takes the same pieces.
    pub relative: f32,
    /// Whether candidates of a maximum were equal, without being known to be equal in the f64 network. The
    /// first of them won; the distances leave it out.
    pub tied: bool,
}

impl Margin {
    /// From what the kernels kept; `scale` is how much larger the row is than what bounds are for.
    pub(crate) fn new(kept: MarginLane, scale: f32) -> Self {
        let scale = scale.max(kept.largest).max(1.0);
        Self { absolute: kept.absolute, relative: kept.relative / scale, tied: kept.tied }
    }

    /// Whether the code is proven to be that of the f64 network.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.relative > 1.0 && !self.tied
    }
}
