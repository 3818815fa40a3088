//! One region in a search: its walls, and the values that the search is after, seen from the point that
//! distances are measured from.

use super::half_space::with_target;
use super::nearest::{Polyhedron, Settled};
use super::wall::{Wall, grouped};
use crate::linearize::{Linearization, Tangents, dot};
use crate::network::{Affine, Network, Operator, View};

/// The coordinates that a search takes place in: orthonormal directions from its origin.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) origin: Vec<f64>,
    /// None: the input's own axes.
    basis: Option<Vec<Vec<f64>>>,
}

impl Frame {
    /// All of the input.
    pub(super) fn whole(origin: &[f64]) -> Self {
        Self { origin: origin.to_vec(), basis: None }
    }

    /// Where everything that reads the input is a matrix of few rows, these span all that matters: along the rest
    /// nothing changes, and no nearest point in L2 lies off them.
    pub(super) fn of_first_matrices(network: &Network, origin: &[f64]) -> Self {
        let basis = first_rows(network)
            .map(|rows| {
                super::reduce::span(
                    &rows.iter().map(|row| &**row).collect::<Vec<_>>(),
                    origin.len(),
                )
            })
            .filter(|basis| basis.len() < origin.len());
        Self { origin: origin.to_vec(), basis }
    }

    pub(super) fn tangents(&self) -> Tangents {
        match &self.basis {
            None => Tangents::identity(self.origin.len()),
            Some(basis) => Tangents::along(&basis.concat(), self.origin.len()),
        }
    }

    /// The coordinates of a point.
    pub(super) fn coordinates(&self, x: &[f64]) -> Vec<f64> {
        let offset: Vec<f64> = x.iter().zip(&self.origin).map(|(x, from)| x - from).collect();
        match &self.basis {
            None => offset,
            Some(basis) => basis.iter().map(|q| dot(q, &offset)).collect(),
        }
    }

    /// The input's direction for a direction in coordinates.
    pub(super) fn direction(&self, y: &[f64]) -> Vec<f64> {
        match &self.basis {
            None => y.to_vec(),
            Some(basis) => super::reduce::lift(basis, y, self.origin.len()),
        }
    }

    /// The point at coordinates `y`.
    pub(super) fn point(&self, y: &[f64]) -> Vec<f64> {
        self.origin.iter().zip(self.direction(y)).map(|(from, d)| from + d).collect()
    }
}

/// The rows of all matrices that read the input, if nothing else does.
fn first_rows(network: &Network) -> Option<Vec<Vec<f64>>> {
    let mut is_input = vec![false; network.nodes().len()];
    is_input[0] = true;
    let mut rows = Vec::new();
    for (index, node) in network.nodes().iter().enumerate().skip(1) {
        if !node.inputs.iter().any(|id| is_input[id.index()]) {
            continue;
        }
        match &node.operator {
            Operator::View(View::Same) => is_input[index] = true,
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => {
                let row =
                    |unit| (0..dense.depth).map(move |i| dense.weight.get(unit * dense.depth + i));
                rows.extend((0..dense.units).map(|unit| row(unit).collect()));
            }
            _ => return None,
        }
    }
    Some(rows)
}

/// An affine function of the frame's coordinates.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) gradient: Vec<f64>,
    /// Its value at the frame's origin.
    pub(super) value: f64,
}

/// A region as a search sees it.
#[derive(Debug)]
pub(super) struct Cell<'n> {
    pub(super) map: Linearization<'n>,
    /// In the frame's coordinates; distances are those of the map's own point.
    pub(super) walls: Vec<Wall>,
    /// Which wall each half-space of the polyhedron is.
    pub(super) places: Vec<usize>,
    /// Around the frame's origin.
    pub(super) polyhedron: Polyhedron,
    /// The outputs.
    pub(super) outputs: Vec<Form>,
    /// The point nearest to the frame's origin; none where rounding got the better of the search for it.
    pub(super) settled: Option<Settled>,
    /// Whether crossing a wall changes nothing but its units, if these are of one layer: no unit is at its knot
    /// all over the region.
    pub(super) is_plain: bool,
}

impl<'n> Cell<'n> {
    /// The region of the point of `map`, which ends at the output.
    pub(super) fn new(frame: &Frame, map: Linearization<'n>) -> Self {
        let mut walls = Vec::new();
        let (constants, gradients) = with_target(&map, frame.tangents(), |half_space| {
            walls.push(Wall::new(&half_space));
        });
        let (walls, hidden) = grouped(walls);
        let here = frame.coordinates(map.point());
        let mut polyhedron = Polyhedron::new(here.len());
        let places: Vec<usize> = (0..walls.len()).filter(|&wall| !hidden[wall]).collect();
        for &place in &places {
            let Wall { normal, distance, .. } = &walls[place];
            polyhedron.push(normal, distance - dot(normal, &here));
        }
        let outputs = map.value().iter().enumerate().map(|(output, value)| {
            let gradient = gradients.row(output).to_vec();
            let value = value - dot(&gradient, &here);
            Form { gradient, value }
        });
        let outputs = outputs.collect();
        let settled = polyhedron.settle(&vec![0.0; here.len()]);
        let is_plain = constants.at_knots == 0;
        Self { map, walls, places, polyhedron, outputs, settled, is_plain }
    }

    /// The code across half-space `index` of the polyhedron, where it can be told without a look: nothing changes
    /// but the wall's own units.
    pub(super) fn code_across(&self, index: usize) -> Option<Vec<u64>> {
        let layout = self.map.network().layout();
        let crossings = &self.walls[self.places[index]].crossings;
        let (first, _) = layout.place(crossings.first()?.unit)?;
        let mut code = self.map.code();
        for crossing in crossings {
            let (layer, unit) = layout.place(crossing.unit)?;
            if layer != first || !self.is_plain {
                return None;
            }
            layout.layers()[layer].replace_piece(&mut code, unit, crossing.across);
        }
        Some(code)
    }
}
