//! Where the points are that a search has left to look at: in a box, in a ball, and beyond the nearest of them.

use crate::linearize::dot;

/// Offsets from the origin: those in a box of at most a length, that are at least as far in one direction. (All of a convex
/// set is such a way beyond the hyperplane through its nearest point.)
#[derive(Clone, Debug)]
pub(super) struct Domain<'d> {
    sides: &'d [[f64; 2]],
    radius: f64,
    /// The unit vector to the nearest point, and its distance; none where that is the origin itself.
    beyond: Option<(Vec<f64>, f64)>,
}

/// What rounding may take from a side, in parts of the radius.
const ROOM: f64 = 1e-12;

impl<'d> Domain<'d> {
    /// The points of a convex set within `sides` and at most `radius` away, `nearest` being the nearest of them.
    pub(super) fn new(sides: &'d [[f64; 2]], radius: f64, nearest: &[f64]) -> Self {
        let distance = dot(nearest, nearest).sqrt().min(radius);
        let unit = || nearest.iter().map(|y| y / distance).collect();
        Self { sides, radius, beyond: (distance > 0.0).then(|| (unit(), distance)) }
    }

    /// The box around what half-spaces `normal · y + slack ≥ 0` leave of the domain, as far as each alone says.
    pub(super) fn narrowed<'h>(
        &self,
        half_spaces: impl Iterator<Item = (&'h [f64], f64)>,
    ) -> Vec<[f64; 2]> {
        let room = ROOM * self.radius;
        let mut sides: Vec<[f64; 2]> = self.sides.to_vec();
        for (axis, side) in sides.iter_mut().enumerate() {
            let along = self.beyond.as_ref().map_or(0.0, |(unit, _)| unit[axis]);
            side[0] = side[0].max(-self.most(1.0, -along) - room);
            side[1] = side[1].min(self.most(1.0, along) + room);
        }
        for (normal, slack) in half_spaces {
            let highest = |(n, [from, to]): (&f64, &[f64; 2])| f64::max(n * from, n * to);
            let most: f64 = slack + normal.iter().zip(&sides).map(highest).sum::<f64>();
            for (n, side) in normal.iter().zip(&mut sides) {
                // The others can make up for as much.
                let reach = (highest((n, side)) - most) / n;
                if *n > 0.0 {
                    side[0] = side[0].max(reach - room);
                } else if *n < 0.0 {
                    side[1] = side[1].min(reach + room);
                }
            }
        }
        sides
    }

    /// The length that no offset is beyond.
    pub(super) fn radius(&self) -> f64 {
        self.radius
    }

    /// The extent of coordinate `axis`.
    pub(super) fn side(&self, axis: usize) -> [f64; 2] {
        self.sides[axis]
    }

    /// A lower bound of the least, and an upper bound of the largest value of `gradient · y`: those of the box or of the
    /// cap of the ball, whichever says more.
    pub(super) fn range(&self, gradient: &[f64]) -> [f64; 2] {
        let (mut least, mut most, mut squares, mut along) = (0.0, 0.0, 0.0, 0.0);
        let unit = self.beyond.as_ref().map_or(&[][..], |(unit, _)| unit);
        for (axis, (&slope, [from, to])) in gradient.iter().zip(self.sides).enumerate() {
            let (one, other) = (slope * from, slope * to);
            least += one.min(other);
            most += one.max(other);
            squares += slope * slope;
            along += slope * unit.get(axis).unwrap_or(&0.0);
        }
        let length = f64::sqrt(squares);
        [f64::max(least, -self.most(length, -along)), f64::min(most, self.most(length, along))]
    }

    /// The largest value on the cap of a function of slope `length`, which is `along` in the cap's direction.
    fn most(&self, length: f64, along: f64) -> f64 {
        match self.beyond {
            // The ball's highest point is outside of the cap: the highest is on its rim.
            Some((_, least)) if along * self.radius < least * length => {
                let across = (length * length - along * along).max(0.0).sqrt();
                along * least + across * (self.radius * self.radius - least * least).sqrt()
            }
            _ => self.radius * length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_all_points_of_a_cap_and_are_met() {
        let (radius, nearest) = (2.0, [0.9, -1.2, 0.0]);
        let domain = Domain::new(&[[-5.0, 5.0]; 3], radius, &nearest);
        for gradient in [[1.0, 0.0, 0.0], [0.9, -1.2, 0.1], [-3.0, 4.0, 0.0], [0.2, 0.1, 0.7]] {
            let [least, most] = domain.range(&gradient);
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for i in 0..400 {
                for j in 0..400 {
                    let (u, v) = (f64::from(i) / 400.0 * 6.3, f64::from(j) / 400.0 * 3.15);
                    let y = [v.sin() * u.cos(), v.sin() * u.sin(), v.cos()];
                    // On the ball, and on the cap's flat side.
                    let onto = |y: [f64; 3], by: f64| [0, 1, 2].map(|k| y[k] - by * nearest[k]);
                    let flat = onto(y, (dot(&y, &nearest) - 2.25) / 2.25);
                    for y in [y.map(|y| radius * y), flat] {
                        if dot(&y, &nearest) >= 2.25 - 1e-9 && dot(&y, &y) <= 4.0 + 1e-9 {
                            let value = dot(&gradient, &y);
                            (low, high) = (value.min(low), value.max(high));
                        }
                    }
                }
            }
            assert!(least <= low + 1e-8 && high <= most + 1e-8, "{gradient:?}: {least} {most}");
            assert!(low - least < 0.05 && most - high < 0.05, "{gradient:?}: {low} {high}");
        }
        let ball = Domain::new(&[[-5.0, 5.0]; 2], 2.0, &[0.0; 2]);
        assert_eq!(ball.range(&[3.0, 4.0]), [-10.0, 10.0], "a ball");
        let square = Domain::new(&[[-1.0, 0.5]; 2], 2.0, &[0.0; 2]);
        assert_eq!(square.range(&[3.0, 4.0]), [-7.0, 3.5], "a box in it");
    }
}
