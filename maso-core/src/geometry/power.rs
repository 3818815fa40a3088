//! Power diagrams: each layer's cells as nearest-centroid cells with radii.
//!
//! Inside one region of the layers before, a layer of convex units cuts the space into the cells of a power
//! diagram: the cell of code q is where the Laguerre distance ‖x − μ‖² − ρ is least among all codes, for
//! μ_q the sum of its units' slopes and ρ_q = ‖μ_q‖² + 2 Σ offsets (Balestriero, Cosentino, Aazhang and Baraniuk,
//! *The Geometry of Deep Networks: Power Diagram Subdivision*, 2019, Theorems 1 and 2). Units that are not convex are
//! taken as what they are made of: a spline as one hinge for each knot, a minimum as the maximum of its
//! negated candidates. That changes no wall.
//!
//! Centroids and radii are not those of the function alone: multiplying a unit by c and what reads it by 1/c
//! leaves function, codes and distances as they are, and moves both. And cells are comparable only inside one
//! region of the layers before.

use super::half_space::for_half_spaces;
use crate::linearize::{Frozen, Gate, Linearization, Tangents, dot};
use crate::network::{Network, NodeId, Operator, Rule, ScalarSpline};

/// A cell of a power diagram in the input space.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerCell {
    /// μ; it need not lie in the cell.
    pub centroid: Vec<f64>,
    /// ρ, the squared radius; it may be negative.
    pub radius: f64,
}

impl PowerCell {
    /// ‖x − μ‖² − ρ.
    ///
    /// # Panics
    /// If `x` has not a number for each of the centroid's.
    #[must_use]
    pub fn laguerre_distance(&self, x: &[f64]) -> f64 {
        assert_eq!(x.len(), self.centroid.len(), "a number for each of the centroid's");
        let squares = x.iter().zip(&self.centroid).map(|(x, mu)| (x - mu).powi(2));
        squares.sum::<f64>() - self.radius
    }

    fn of_form(gradient: Vec<f64>, constant: f64) -> Self {
        let radius = dot(&gradient, &gradient) + 2.0 * constant;
        Self { centroid: gradient, radius }
    }
}

/// The cell of a layer's code in the space of what the layer reads.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerCell {
    /// The nodes that it reads (nonlinear ones, or the input), each with its part of the centroid.
    pub sources: Vec<(NodeId, Vec<f64>)>,
    /// The squared radius.
    pub radius: f64,
    /// The sum of offsets: what the layer's units sum to where all sources are 0.
    constant: f64,
}

/// How a point lies in the diagram of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerCheck {
    /// Laguerre distance to the point's own cell.
    pub distance: f64,
    /// How much larger it is to the nearest other cell, of those that differ in one unit; infinite if there is
    /// none.
    pub gap: f64,
    /// Whether no other cell is nearer, up to rounding: whether the cell is that of the point's code.
    pub is_code: bool,
}

impl Frozen<'_> {
    /// The cell, in the input space, of the frozen code of nonlinear layer `layer` (by its place in the code), among
    /// the layer's codes inside the region of the layers before.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn power_cell(&self, layer: usize) -> PowerCell {
        let gates = self.convex_gates(layer);
        let mut gradient = vec![0.0; self.inputs()];
        for (source, slopes) in self.summed_slopes(layer, &gates) {
            let part = self.to(source).vjp(&slopes);
            gradient.iter_mut().zip(&part).for_each(|(g, part)| *g += part);
        }
        let node = self.layer_node(layer);
        let needed = self.network().ancestors([node]);
        let origin = self.values(&vec![0.0; self.inputs()], &needed);
        PowerCell::of_form(gradient, self.summed_values(layer, &gates, &origin))
    }

    /// The cell of one unit of a layer as if it were alone, on the piece that it is frozen to.
    ///
    /// # Panics
    /// If there is no such unit.
    #[must_use]
    pub fn unit_power_cell(&self, layer: usize, unit: usize) -> PowerCell {
        let gate = self.convex_gates(layer)[unit];
        let source = self.network().node(self.layer_node(layer)).inputs[gate.input];
        let mut slopes = vec![0.0; self.network().node(source).len()];
        slopes[gate.index] = gate.slope;
        let to = self.to(source);
        let constant = gate.slope * to.offset()[gate.index] + gate.offset;
        PowerCell::of_form(to.vjp(&slopes), constant)
    }

    /// The cell of the frozen code of a layer in the space of what the layer itself reads.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn layer_cell(&self, layer: usize) -> LayerCell {
        let gates = self.convex_gates(layer);
        let mut sources: Vec<(NodeId, Vec<f64>)> = Vec::new();
        for (from, slopes) in self.summed_slopes(layer, &gates) {
            for (source, part) in self.to(from).pull_back_to_sources(&slopes) {
                match sources.iter_mut().find(|(known, _)| *known == source) {
                    None => sources.push((source, part)),
                    Some((_, sum)) => sum.iter_mut().zip(&part).for_each(|(s, p)| *s += p),
                }
            }
        }
        sources.sort_by_key(|(source, _)| *source);
        let constant = self.summed_values(layer, &gates, &silent_values(self.network()));
        let squares = sources.iter().map(|(_, part)| dot(part, part)).sum::<f64>();
        LayerCell { sources, radius: squares + 2.0 * constant, constant }
    }

    /// The same cell in the input space: the centroid pulled back through the layers before, and their offsets
    /// weighed by it.
    #[must_use]
    pub fn composed(&self, cell: &LayerCell) -> PowerCell {
        let mut gradient = vec![0.0; self.inputs()];
        let mut constant = cell.constant;
        for (source, part) in &cell.sources {
            let to = self.to(*source);
            gradient.iter_mut().zip(to.vjp(part)).for_each(|(g, p)| *g += p);
            constant += dot(&to.offset(), part);
        }
        PowerCell::of_form(gradient, constant)
    }

    fn layer_node(&self, layer: usize) -> NodeId {
        self.network().layout().layers()[layer].node()
    }

    /// The frozen pieces of a layer's units, as those of convex units with the same walls.
    fn convex_gates(&self, layer: usize) -> Vec<Gate> {
        let node = self.layer_node(layer);
        let Operator::Nonlinear(rule) = &self.network().node(node).operator else {
            unreachable!("a layer")
        };
        let gates = self.gates(node).iter().enumerate();
        gates.map(|(unit, gate)| convex(rule, unit, gate)).collect()
    }

    /// For each input of a layer's node, the slopes of its numbers in the sum of the layer's units.
    fn summed_slopes(&self, layer: usize, gates: &[Gate]) -> Vec<(NodeId, Vec<f64>)> {
        let inputs = self.network().node(self.layer_node(layer)).inputs.iter();
        let zeros = |id: &NodeId| (*id, vec![0.0; self.network().node(*id).len()]);
        let mut slopes: Vec<(NodeId, Vec<f64>)> = inputs.map(zeros).collect();
        gates.iter().for_each(|gate| slopes[gate.input].1[gate.index] += gate.slope);
        slopes
    }

    /// The sum of the layer's units for these values of all nodes.
    fn summed_values(&self, layer: usize, gates: &[Gate], values: &[Vec<f64>]) -> f64 {
        let inputs = self.network().node(self.layer_node(layer)).inputs.iter();
        let inputs: Vec<&[f64]> = inputs.map(|id| &*values[id.index()]).collect();
        gates.iter().map(|gate| gate.apply(&inputs)).sum()
    }
}

impl Linearization<'_> {
    /// How the point lies in the power diagram of a layer, inside the region of the layers before.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn power_check(&self, layer: usize) -> PowerCheck {
        let own = self.power_cell(layer);
        let x = self.point();
        let distance = own.laguerre_distance(x);
        let constant = 0.5 * (own.radius - dot(&own.centroid, &own.centroid));
        let size = dot(x, x) + dot(&own.centroid, &own.centroid) + own.radius.abs();
        let mut check = PowerCheck { distance, gap: f64::INFINITY, is_code: true };
        let axes = Tangents::identity(x.len());
        for_half_spaces(self, axes, layer..layer + 1, |half_space| {
            // Beyond the wall the sum of units is larger by as much as the half-space is left.
            let steps = half_space.convex_bend;
            let mu = own.centroid.iter().zip(half_space.normal).map(|(mu, n)| mu - steps * n);
            let at_origin = half_space.slack - dot(half_space.normal, x);
            let other = PowerCell::of_form(mu.collect(), constant - steps * at_origin);
            let gap = other.laguerre_distance(x) - distance;
            check.gap = check.gap.min(gap);
            check.is_code &= gap >= -1e-10 * size;
        });
        if check.is_code {
            check.gap = check.gap.max(0.0);
        }
        check
    }
}

/// The values of all nodes that follow from biases alone, nonlinear nodes and the input being 0.
fn silent_values(network: &Network) -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> = Vec::with_capacity(network.nodes().len());
    for node in network.nodes() {
        let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &*values[id.index()]).collect();
        let mut y = vec![0.0; node.len()];
        if !matches!(node.operator, Operator::Input | Operator::Nonlinear(_)) {
            node.operator.apply_affine(&inputs, &mut y);
        }
        values.push(y);
    }
    values
}

/// A unit's piece as one of a convex unit with the same walls.
fn convex(rule: &Rule, unit: usize, gate: &Gate) -> Gate {
    match rule {
        Rule::Spline(spline) if !is_convex(spline, unit) => hinges(spline, unit, gate),
        Rule::Extreme(extreme) if extreme.smallest => {
            Gate { slope: -gate.slope, offset: -gate.offset, ..*gate }
        }
        _ => *gate,
    }
}

/// Whether the slopes of a spline ascend.
pub(super) fn is_convex(spline: &ScalarSpline, unit: usize) -> bool {
    let slope = |piece: usize| spline.slopes[piece].at(unit);
    (1..spline.slopes.len()).all(|piece| slope(piece - 1) <= slope(piece))
}

/// The sum of a hinge max(u − t, 0) for each knot t, on the piece of the gate.
fn hinges(spline: &ScalarSpline, unit: usize, gate: &Gate) -> Gate {
    let knots = spline.knots[..gate.piece].iter().map(|knot| knot.at(unit));
    let knots: Vec<f64> = knots.filter(|knot| knot.is_finite()).collect();
    Gate { slope: knots.len() as f64, offset: -knots.iter().sum::<f64>(), ..*gate }
}
