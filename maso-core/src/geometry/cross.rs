//! A step across a wall: the region just beyond, evaluated anew.

use super::Norm;
use super::half_space::sizes;
use super::touch::touches;
use super::wall::Crossing;
use crate::linearize::{Linearization, PointError};

/// The region beyond a wall.
#[derive(Clone, Debug)]
pub struct Neighbour<'n> {
    /// The network just across.
    pub map: Linearization<'n>,
    /// The units whose pieces are others there, in code order: the wall's, and such as are at their knots
    /// all over one side of it.
    pub changed: Vec<usize>,
}

/// Steps across a wall that are smaller than this part of the point's size are lost in rounding.
const SMALLEST_STEP: f64 = 1e-13;

impl Neighbour<'_> {
    pub(super) fn has_changed(&self, unit: usize) -> bool {
        self.changed.binary_search(&unit).is_ok()
    }

    /// Whether a unit has changed in this way.
    pub(super) fn has_taken(&self, crossing: &Crossing) -> bool {
        let place = self.map.network().layout().place(crossing.unit);
        let (layer, index) = place.expect("a unit of the network");
        self.has_changed(crossing.unit) && self.map.trace().pieces[layer][index] == crossing.across
    }
}

/// A wall to be crossed at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gateway<'g> {
    /// A point on the wall, inside of all others.
    pub(super) on_wall: &'g [f64],
    /// The wall's unit normal, pointing back.
    pub(super) normal: &'g [f64],
    /// The units that change.
    pub(super) crossings: &'g [Crossing],
    /// How far the next of the other walls is; infinite if there is none.
    pub(super) room: f64,
}

/// The region beyond a wall of the region of `map`; none where rounding leaves no room between the wall and
/// the next.
///
/// Beyond the wall there are other walls than before. So the step is cut until the region that it leads to
/// has the point on the wall in reach.
pub(super) fn cross<'n>(
    map: &Linearization<'n>,
    gateway: &Gateway<'_>,
) -> Result<Option<Neighbour<'n>>, PointError> {
    let size = Norm::L2.of(gateway.on_wall);
    let here = sizes(map);
    let mut step = match (gateway.room.is_finite(), size > 0.0) {
        (true, _) => 0.5 * gateway.room,
        (false, true) => 1e-3 * size,
        (false, false) => 1e-3,
    };
    while step > SMALLEST_STEP * size {
        let pairs = gateway.on_wall.iter().zip(gateway.normal);
        let across: Vec<f64> = pairs.map(|(x, n)| x - step * n).collect();
        let there = map.network().linearize(&across)?.to(map.target());
        let neighbour = Neighbour { changed: changed(map, &there), map: there };
        let crossed = first_units(map, gateway.crossings).all(|unit| neighbour.has_changed(unit));
        if crossed {
            let there = larger(sizes(&neighbour.map), &here);
            if touches(&neighbour.map, gateway.on_wall, &there) {
                return Ok(Some(neighbour));
            }
        }
        step /= 16.0;
    }
    Ok(None)
}

/// The larger of each pair.
pub(super) fn larger(mut a: Vec<Vec<f64>>, b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    for (a, b) in a.iter_mut().zip(b) {
        a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(*b));
    }
    a
}

/// The units of a wall that are in the first of their layers: nothing before them changes, so that they must.
/// (A deeper one may be folded back by these: it meets its knot at the wall from either side.)
fn first_units<'c>(
    map: &Linearization<'_>,
    crossings: &'c [Crossing],
) -> impl Iterator<Item = usize> + 'c {
    let layout = map.network().layout();
    let layers = crossings.iter().map(|c| layout.place(c.unit).map_or(0, |(layer, _)| layer));
    let layers: Vec<usize> = layers.collect();
    let first = layers.iter().copied().min();
    let pairs = crossings.iter().zip(layers);
    pairs.filter(move |(_, layer)| Some(*layer) == first).map(|(crossing, _)| crossing.unit)
}

/// The units that have other pieces at one point than at another.
fn changed(here: &Linearization<'_>, there: &Linearization<'_>) -> Vec<usize> {
    let layers = here.trace().pieces.iter().zip(&there.trace().pieces);
    let pairs = layers.flat_map(|(a, b)| a.iter().zip(b));
    pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(unit, _)| unit).collect()
}
