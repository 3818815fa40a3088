//! Points of the boundary not far off, before the search and now and then during it: no more than upper bounds, but the
//! better they are, the less has to be searched.

use super::Norm;
use super::side::Side;
use crate::linearize::Linearization;
use crate::network::Network;

/// Steps towards the boundary, and along it.
const STEPS: usize = 50;

/// Directions to look in, beside the axes.
const DIRECTIONS: usize = 64;
/// Axes to look along, where there are no more.
const FEW_AXES: usize = 32;
/// Points on other sides to go on from.
const STARTS: usize = 3;

/// What the descent works with.
pub(super) struct Descent<'d, 'n> {
    pub(super) norm: Norm,
    pub(super) sides: &'d [Side],
    pub(super) network: &'n Network,
    pub(super) origin: &'d [f64],
}

/// A point of the boundary not far off, and its distance: steps towards the hyperplane that is nearest where the
/// network is linearised, and back along the line (after Moosavi-Dezfooli, Fawzi and Frossard, *DeepFool*, 2016). From
/// there again and again to the point of the boundary's own hyperplane that is nearest to the origin.
pub(super) fn descend(
    norm: Norm,
    sides: &[Side],
    map: &Linearization<'_>,
) -> Option<(Vec<f64>, f64)> {
    let descent = Descent { norm, sides, network: map.network(), origin: map.point() };
    let first = descent.reach(map).map(|outside| descent.settle(&outside));
    let seen = descent.look_around(first.as_ref().map(|(_, distance)| *distance));
    let found = first.into_iter().chain(seen.iter().map(|outside| descent.settle(outside)));
    found.min_by(|a, b| a.1.total_cmp(&b.1))
}

impl Descent<'_, '_> {
    /// A point of the boundary, and its distance, from one on another side.
    pub(super) fn settle(&self, outside: &[f64]) -> (Vec<f64>, f64) {
        let mut best = self.first_outside(outside);
        for _ in 0..STEPS {
            let Some(next) = self.improve(&best.0) else { break };
            if next.1 >= best.1 * (1.0 - 1e-6) {
                break;
            }
            best = next;
        }
        best
    }

    /// Points on other sides, on the first of some spheres that has any: nearer than `known`, if a distance is.
    fn look_around(&self, known: Option<f64>) -> Vec<Vec<f64>> {
        let size = self.origin.iter().fold(1.0f64, |size, x| size.max(x.abs()));
        let radii: Vec<f64> = match known {
            Some(known) => (0..20).rev().map(|i| known * 0.75f64.powi(i)).collect(),
            None => (-10..40).map(|i| size * 2f64.powi(i)).collect(),
        };
        let directions = self.directions();
        let outside = |radius: f64| {
            let points = directions.iter().map(move |direction| {
                self.origin.iter().zip(direction).map(|(x, d)| x + radius * d).collect()
            });
            points.filter(|point: &Vec<f64>| !self.is_inside(point)).take(STARTS).collect()
        };
        let found = radii.into_iter().map(outside).find(|points: &Vec<_>| !points.is_empty());
        found.unwrap_or_default()
    }

    /// Both ways along each axis, if they are few, and spread all over the sphere; of length 1.
    fn directions(&self) -> Vec<Vec<f64>> {
        let dims = self.origin.len();
        let axis =
            |i: usize, sign: f64| (0..dims).map(|k| if k == i { sign } else { 0.0 }).collect();
        let axes = (0..if dims <= FEW_AXES { dims } else { 0 })
            .flat_map(|i| [axis(i, 1.0), axis(i, -1.0)]);
        let mut state = 1u64;
        let mut number = || {
            // Knuth's linear congruential generator; sums of its numbers are nearly normal.
            let mut uniform = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
            };
            uniform() + uniform() + uniform() + uniform()
        };
        let spread: Vec<Vec<f64>> = (0..DIRECTIONS)
            .map(|_| {
                let direction: Vec<f64> = (0..dims).map(|_| number()).collect();
                let length = self.norm.of(&direction);
                direction.iter().map(|d| d / length).collect()
            })
            .collect();
        axes.chain(spread).collect()
    }

    /// Whether a point is on the origin's side; one whose outputs are not finite says nothing.
    fn is_inside(&self, x: &[f64]) -> bool {
        let outputs = self.network.output_of(x);
        outputs.iter().any(|output| !output.is_finite())
            || self.sides.iter().all(|side| side.at(&outputs) > 0.0)
    }

    /// A point on another side.
    pub(super) fn reach(&self, map: &Linearization<'_>) -> Option<Vec<f64>> {
        let mut there = map.clone();
        for _ in 0..STEPS {
            let next = self.towards(&there, there.point(), 1.02)?;
            if !self.is_inside(&next) {
                return Some(next);
            }
            // A trial that overflows ends the descent, not the search.
            there = self.network.linearize(&next).ok()?;
        }
        None
    }

    /// The point nearest to `from` on the nearest hyperplane of the map, or a little beyond; none where there is
    /// no hyperplane.
    fn towards(&self, map: &Linearization<'_>, from: &[f64], beyond: f64) -> Option<Vec<f64>> {
        let matrix = map.matrix();
        let steps = self.sides.iter().filter_map(|side| {
            let gradient = side.gradient(&matrix);
            let slope = self.norm.dual().of(&gradient);
            let offset = from.iter().zip(map.point()).map(|(a, b)| a - b);
            let rise: f64 = gradient.iter().zip(offset).map(|(g, d)| g * d).sum();
            let height = side.at(map.value()) + rise;
            (slope > 0.0).then_some((height, height / slope, gradient))
        });
        let (height, _, gradient) = steps.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let shortest = self.norm.shortest(&gradient);
        let next: Vec<f64> =
            from.iter().zip(&shortest).map(|(x, v)| x - beyond * height * v).collect();
        next.iter().all(|x| x.is_finite()).then_some(next)
    }

    /// A nearer point, by the hyperplane of the region that `point` (on the boundary) is in.
    fn improve(&self, point: &[f64]) -> Option<(Vec<f64>, f64)> {
        let map = self.network.linearize(point).ok()?;
        let mut beyond = 1.0 + 1e-6;
        for _ in 0..6 {
            let next = self.towards(&map, self.origin, beyond)?;
            if !self.is_inside(&next) {
                return Some(self.first_outside(&next));
            }
            beyond += 0.02;
        }
        None
    }

    /// The point on the segment from the origin (inside) to `to` (outside) where it seems to leave, by bisection, and its
    /// distance: the last one outside.
    pub(super) fn first_outside(&self, to: &[f64]) -> (Vec<f64>, f64) {
        let at = |t: f64| -> Vec<f64> {
            self.origin.iter().zip(to).map(|(a, b)| a + t * (b - a)).collect()
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..54 {
            let middle = 0.5 * (low + high);
            if self.is_inside(&at(middle)) { low = middle } else { high = middle }
        }
        let point = at(high);
        let offset: Vec<f64> = point.iter().zip(self.origin).map(|(a, b)| a - b).collect();
        let distance = self.norm.of(&offset);
        (point, distance)
    }
}
