//! One region in a search: its walls and the network's outputs, seen from the point that distances are measured
//! from.

use super::half_space::with_target;
use super::nearest::{Polyhedron, Settled};
use super::wall::{Crossing, Wall, grouped};
use crate::linearize::{Linearization, Tangents, dot};

/// An affine function of the offset from the origin.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) gradient: Vec<f64>,
    /// Its value at the origin.
    pub(super) value: f64,
}

/// A region as a search sees it.
#[derive(Debug)]
pub(super) struct Cell<'n> {
    pub(super) map: Linearization<'n>,
    pub(super) code: Vec<u64>,
    /// What changes at each half-space of the polyhedron.
    pub(super) crossings: Vec<Vec<Crossing>>,
    /// Around the origin.
    pub(super) polyhedron: Polyhedron,
    /// The outputs.
    pub(super) outputs: Vec<Form>,
    /// The point nearest to the origin; none where rounding got the better of the search for it.
    pub(super) settled: Option<Settled>,
    /// Whether crossing a wall changes nothing but its units, if these are of one layer: no unit is at its knot
    /// all over the region.
    pub(super) is_plain: bool,
}

impl<'n> Cell<'n> {
    /// The region of the point of `map`, which ends at the output.
    pub(super) fn new(origin: &[f64], map: Linearization<'n>) -> Self {
        let mut walls = Vec::new();
        let axes = Tangents::identity(origin.len());
        let (constants, gradients) = with_target(&map, axes, |half_space| {
            walls.push(Wall::new(&half_space));
        });
        let (walls, hidden) = grouped(walls);
        let here: Vec<f64> = map.point().iter().zip(origin).map(|(x, from)| x - from).collect();
        let mut polyhedron = Polyhedron::new(here.len());
        let mut crossings = Vec::with_capacity(walls.len());
        let seen = walls.into_iter().zip(hidden).filter(|(_, hidden)| !hidden);
        for (wall, _) in seen {
            polyhedron.push(&wall.normal, wall.distance - dot(&wall.normal, &here));
            crossings.push(wall.crossings);
        }
        let outputs = map.value().iter().enumerate().map(|(output, value)| {
            let gradient = gradients.row(output).to_vec();
            let value = value - dot(&gradient, &here);
            Form { gradient, value }
        });
        let outputs = outputs.collect();
        let settled = polyhedron.settle(&vec![0.0; here.len()]);
        let is_plain = constants.at_knots == 0;
        let code = map.code();
        Self { map, code, crossings, polyhedron, outputs, settled, is_plain }
    }

    /// The code across half-space `index` of the polyhedron, where it can be told without a look: nothing changes
    /// but the wall's own units.
    pub(super) fn code_across(&self, index: usize) -> Option<Vec<u64>> {
        let layout = self.map.network().layout();
        let crossings = &self.crossings[index];
        let (first, _) = layout.place(crossings.first()?.unit)?;
        let mut code = self.code.clone();
        for (i, crossing) in crossings.iter().enumerate() {
            // Of several candidates that may win, a look has to tell.
            if crossings[..i].iter().any(|other| other.unit == crossing.unit) {
                return None;
            }
            let (layer, unit) = layout.place(crossing.unit)?;
            if layer != first || !self.is_plain {
                return None;
            }
            layout.layers()[layer].replace_piece(&mut code, unit, crossing.across);
        }
        Some(code)
    }
}
