//! How a unit is enclosed that can be on several pieces.

use crate::linearize::Gate;
use crate::network::ScalarSpline;

/// How a unit depends on what it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// The middle of a band that holds it.
    pub(super) gate: Gate,
    /// Half of the band's height.
    pub(super) error: f64,
    /// Slope and offset of a line below it, and of one above.
    pub(super) bounds: [[f64; 2]; 2],
}

impl Band {
    /// Of a unit on one piece.
    pub(super) fn on_piece(spline: &ScalarSpline, unit: usize, piece: usize) -> Self {
        let (slope, offset) = (spline.slopes[piece].at(unit), spline.offsets[piece].at(unit));
        let gate = Gate { slope, offset, input: 0, index: unit, piece };
        Self { gate, error: 0.0, bounds: [[slope, offset]; 2] }
    }

    /// Of a unit on some pieces, between the two ends of each.
    pub(super) fn around(
        spline: &ScalarSpline,
        unit: usize,
        pieces: impl Iterator<Item = usize> + Clone,
        ends: impl Fn(usize) -> [f64; 2] + Copy,
    ) -> Self {
        let line = |piece: usize| [spline.slopes[piece].at(unit), spline.offsets[piece].at(unit)];
        let corners = || {
            pieces.clone().flat_map(move |piece| {
                let [slope, offset] = line(piece);
                ends(piece).map(|z| [z, slope * z + offset])
            })
        };
        let band = |slope: f64| {
            corners().fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], [z, value]| {
                let offset = value - slope * z;
                [offset.min(least), offset.max(most)]
            })
        };
        let first = corners().next().expect("some pieces");
        let last = corners().last().expect("some pieces");
        let slope =
            if last[0] > first[0] { (last[1] - first[1]) / (last[0] - first[0]) } else { 0.0 };
        let [least, most] = band(slope);
        let mut bounds = [[slope, least], [slope, most]];
        // Of a convex unit the line of a piece is below it, of a concave one above: the one that leaves less.
        let outer = [pieces.clone().next(), pieces.clone().last()];
        for (side, bound) in bounds.iter_mut().enumerate() {
            let gap = |[slope, offset]: [f64; 2]| {
                [first, last]
                    .map(|[z, value]| (value - (slope * z + offset)).abs())
                    .iter()
                    .sum::<f64>()
            };
            for piece in outer.into_iter().flatten() {
                let [slope, _] = line(piece);
                let parallel = [slope, band(slope)[side]];
                if gap(parallel) < gap(*bound) {
                    *bound = parallel;
                }
            }
        }
        let (offset, piece) = (0.5 * (least + most), outer[0].unwrap_or_default());
        let gate = Gate { slope, offset, input: 0, index: unit, piece };
        Self { gate, error: 0.5 * (most - least), bounds }
    }

    /// Of a maximum that is at least a candidate and at most so much more; of a minimum, with `excess` negative.
    pub(super) fn above(candidate: Gate, excess: f64) -> Self {
        let Gate { slope, offset, .. } = candidate;
        let ends = [offset.min(offset + excess), offset.max(offset + excess)];
        Self {
            gate: Gate { offset: offset + 0.5 * excess, ..candidate },
            error: 0.5 * excess.abs(),
            bounds: ends.map(|offset| [slope, offset]),
        }
    }
}
