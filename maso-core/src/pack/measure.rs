//! What a layer's margins are measured by, rounded to f32 and laid out for its step.

use maso_simd::{Gauge, Kept, MOST_PIECES, MarginLane, Measure, Param};

use super::parameters::Packed;
use super::{Plan, Step, Work};
use crate::margin::{Bounds, LayerBound};
use crate::network::{Network, Operator, PerUnit, Rule};

/// The measure of one layer: a number of each parameter for each of its step's groups of units.
#[derive(Clone, Debug)]
pub(crate) struct PackedMeasure {
    minus_knots: [Packed; MOST_PIECES - 1],
    inverse: Packed,
    inverse_size: f32,
    zeros_are_exact: bool,
}

/// A layer's measure, and where its margins go.
#[derive(Debug)]
pub(crate) struct StepMargins<'a> {
    pub(crate) measure: &'a PackedMeasure,
    pub(crate) kept: Kept<'a>,
}

impl StepMargins<'_> {
    /// A kernel's gauge for rows from `row` on, or for all lanes; `part` picks parameters from each list.
    pub(crate) fn gauge<'a>(
        &'a mut self,
        row: usize,
        part: impl Fn(&'a [f32]) -> Param<'a>,
    ) -> Gauge<'a> {
        let kept = match &mut self.kept {
            Kept::Rows(rows) => Kept::Rows(&mut rows[row..]),
            Kept::Lanes(lanes) => Kept::Lanes(lanes),
        };
        Gauge { measure: self.measure.bind(part), kept }
    }

    /// Takes in what was seen of `row`.
    pub(crate) fn merge(&mut self, row: usize, seen: MarginLane) {
        if let Kept::Rows(rows) = &mut self.kept {
            rows[row].merge(seen);
        }
    }
}

/// The measures of a plan's steps; none where a step ends without a layer.
pub(crate) fn measures<W: Work>(
    plan: &Plan<W>,
    network: &Network,
    bounds: &Bounds,
) -> Vec<Option<PackedMeasure>> {
    let of_step = |step: &Step<W>| {
        let knots: &[PerUnit] = match &network.node(step.node).operator {
            Operator::Nonlinear(Rule::Spline(spline)) => &spline.knots,
            _ => &[],
        };
        bounds.layer(step.node).map(|layer| PackedMeasure::new(step, layer, knots))
    };
    plan.steps.iter().map(of_step).collect()
}

impl PackedMeasure {
    /// As a kernel's measure; `part` picks parameters from each list.
    pub(crate) fn bind<'a>(&'a self, part: impl Fn(&'a [f32]) -> Param<'a>) -> Measure<'a> {
        Measure {
            minus_knots: self.minus_knots.each_ref().map(|knots| knots.bind(&part)),
            inverse: self.inverse.bind(&part),
            inverse_size: self.inverse_size,
            zeros_are_exact: self.zeros_are_exact,
        }
    }

    fn new<W: Work>(step: &Step<W>, layer: &LayerBound, knots: &[PerUnit]) -> Self {
        let groups = step.work.groups(step.len);
        let mut reach = vec![0.0f64; groups];
        // Units left out, and lanes without units, are infinitely far from their knots.
        let mut minus_knots: [_; MOST_PIECES - 1] =
            std::array::from_fn(|_| vec![f32::NEG_INFINITY; groups]);
        for unit in 0..step.len {
            let group = step.work.group(unit);
            reach[group] = reach[group].max(layer.reach[unit]);
            if layer.left_out[unit] {
                continue;
            }
            for (minus_knots, knot) in minus_knots.iter_mut().zip(knots) {
                minus_knots[group] = -(knot.at(unit) as f32);
            }
        }
        Self {
            minus_knots: minus_knots.map(Packed::of),
            inverse: Packed::of(reach.into_iter().map(inverse).collect()),
            inverse_size: inverse(layer.size),
            zeros_are_exact: layer.zeros_are_exact,
        }
    }
}

/// One over `x`, as a finite f32 above 0, since infinity times 0 is no distance. What is beyond f32 in effect
/// becomes the smallest number, by which no finite f32 reaches 1.
fn inverse(x: f64) -> f32 {
    let inverse = (1.0 / x) as f32;
    if inverse < f32::MIN_POSITIVE { f32::from_bits(1) } else { inverse.min(f32::MAX) }
}
