//! A region as a polytope, and what lies beyond its facets.

use super::cross::{Gateway, Neighbour, cross};
use super::half_space::for_half_spaces;
use super::shape::{Limits, Shape};
use super::wall::{Wall, grouped};
use super::{Norm, Units};
use crate::linearize::{Linearization, PointError, Tangents};
use crate::network::NodeId;

/// The region of a point: all inputs with its code, and the walls around them.
#[derive(Clone, Debug)]
pub struct Region<'n> {
    map: Linearization<'n>,
    walls: Vec<Wall>,
    hidden: Vec<bool>,
    constant: usize,
    ties: usize,
}

/// A box that regions are cut to, the same on every axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The least value of an input.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// How a network's map changes at a wall: beyond it,
/// `A' = A + response ⊗ normal` and `A' x + b'` is `response · distance` more than `A x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bend {
    /// For each number of the target, what it gains for each unit of distance from the wall.
    pub response: Vec<f64>,
    /// The wall's unit normal.
    pub normal: Vec<f64>,
}

impl<'n> Region<'n> {
    /// The region of the point of `map`, cut to `bounds` if there are any.
    ///
    /// # Errors
    /// If the point lies outside of the bounds: the number that does.
    pub fn new(map: &Linearization<'n>, bounds: Option<Bounds>) -> Result<Self, OutsideBounds> {
        let (mut walls, mut tied) = (Vec::new(), Units::default());
        let layers = 0..map.network().layout().layers().len();
        let axes = Tangents::identity(map.inputs());
        let constants = for_half_spaces(map, axes, layers, |half_space| {
            if half_space.slack == 0.0 {
                tied.add(half_space.unit);
            }
            walls.push(Wall::new(&half_space));
        });
        if let Some(bounds) = bounds {
            walls.extend(sides(map.point(), bounds)?);
        }
        let (walls, hidden) = grouped(walls);
        let (constant, ties) = (constants.units, tied.count());
        Ok(Self { map: map.clone(), walls, hidden, constant, ties })
    }

    /// The network at the region's point.
    #[must_use]
    pub fn map(&self) -> &Linearization<'n> {
        &self.map
    }

    /// All walls, each once, in the order of their first units.
    #[must_use]
    pub fn walls(&self) -> &[Wall] {
        &self.walls
    }

    /// Units whose pieces are the same wherever one goes inside the region, walls included.
    #[must_use]
    pub fn constant_units(&self) -> usize {
        self.constant
    }

    /// Units that have a wall through the point.
    #[must_use]
    pub fn ties(&self) -> usize {
        self.ties
    }

    /// How far inside of all walls `x` is: the least signed Euclidean distance, negative outside, infinite
    /// without walls.
    ///
    /// # Panics
    /// If `x` has not the input's length.
    #[must_use]
    pub fn margin(&self, x: &[f64]) -> f64 {
        assert_eq!(x.len(), self.map.inputs(), "a number for each input");
        let offset: Vec<f64> = x.iter().zip(self.map.point()).map(|(x, from)| x - from).collect();
        let distances = self.walls.iter().map(|wall| wall.distance_at(&offset));
        distances.fold(f64::INFINITY, f64::min)
    }

    /// Whether `x` lies inside or on the walls.
    ///
    /// # Panics
    /// If `x` has not the input's length.
    #[must_use]
    pub fn contains(&self, x: &[f64]) -> bool {
        self.margin(x) >= 0.0
    }

    /// The nearest wall in a norm and its distance; of several the first. None without walls.
    #[must_use]
    pub fn nearest_wall(&self, norm: Norm) -> Option<(usize, f64)> {
        let distance = |wall: &Wall| wall.distance / norm.dual().of(&wall.normal);
        let distances = self.walls.iter().map(distance).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The region's shape: interior, largest ball, facets.
    #[must_use]
    pub fn shape(&self, limits: &Limits<'_>) -> Shape {
        Shape::new(&self.walls, &self.hidden, self.map.inputs(), limits)
    }

    /// The region just across facet `wall`, evaluated anew near `facet_point` (an offset, as
    /// [`Shape::facet_points`] has it). None for a side of the box, and where rounding leaves no room between
    /// the wall and the next.
    ///
    /// # Errors
    /// If values there are not finite.
    pub fn neighbour(
        &self,
        wall: usize,
        facet_point: &[f64],
    ) -> Result<Option<Neighbour<'n>>, PointError> {
        if self.walls[wall].crossings.is_empty() {
            return Ok(None);
        }
        let Wall { normal, crossings, .. } = &self.walls[wall];
        let pairs = self.map.point().iter().zip(facet_point);
        let on_wall: Vec<f64> = pairs.map(|(x, offset)| x + offset).collect();
        let others = self.walls.iter().enumerate().filter(|&(index, _)| index != wall);
        let distances = others.map(|(_, other)| other.distance_at(facet_point));
        let room = distances.fold(f64::INFINITY, f64::min);
        cross(&self.map, &Gateway { on_wall: &on_wall, normal, crossings, room })
    }

    /// How the map to the region's target bends at `wall`, from the map beyond it: a change of rank one. What the
    /// units gain that change there is proportional to the distance from the wall, and the map beyond says what
    /// the target makes of it.
    #[must_use]
    pub fn bend(&self, wall: usize, across: &Neighbour<'_>) -> Bend {
        let layout = self.map.network().layout();
        let mut response = vec![0.0; self.map.outputs()];
        let mut seeds: Vec<(NodeId, Vec<f64>)> = Vec::new();
        let crossings = self.walls[wall].crossings.iter();
        for crossing in crossings.filter(|crossing| across.has_taken(crossing)) {
            let (layer, index) = layout.place(crossing.unit).expect("a unit of the network");
            let node = layout.layers()[layer].node();
            if seeds.last().is_none_or(|(last, _)| *last != node) {
                seeds.push((node, vec![0.0; self.map.network().node(node).len()]));
            }
            // The distance grows inwards; beyond the wall it is negative.
            seeds.last_mut().expect("pushed").1[index] += crossing.bend;
        }
        for (node, seed) in seeds {
            let part = across.map.response(node, &seed);
            response.iter_mut().zip(part).for_each(|(r, part)| *r += part);
        }
        Bend { response, normal: self.walls[wall].normal.clone() }
    }
}

/// A point lies outside of the box.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("number {column} of the point is {value}, outside of the box {low}..{high}")]
pub struct OutsideBounds {
    /// Place in the point.
    pub column: usize,
    /// The number there.
    pub value: f64,
    /// The box's lower side.
    pub low: f64,
    /// The box's upper side.
    pub high: f64,
}

/// The sides of a box around `point`.
fn sides(point: &[f64], Bounds { low, high }: Bounds) -> Result<Vec<Wall>, OutsideBounds> {
    let mut walls = Vec::with_capacity(2 * point.len());
    for (column, &value) in point.iter().enumerate() {
        if !(low..=high).contains(&value) {
            return Err(OutsideBounds { column, value, low, high });
        }
        for (sign, distance) in [(1.0, value - low), (-1.0, high - value)] {
            let mut normal = vec![0.0; point.len()];
            normal[column] = sign;
            walls.push(Wall { normal, distance, crossings: Vec::new() });
        }
    }
    Ok(walls)
}
