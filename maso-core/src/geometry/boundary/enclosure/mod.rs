//! What a network's numbers can be on a part of the input: each is an affine function of the offset from the origin, give
//! or take the errors of units whose piece is not settled there (zonotopes, after Singh, Gehr, Mirman, Püschel and Vechev,
//! *Fast and Effective Robustness Certification*, 2018, for any splines and maxima).
//!
//! A row of numbers says what the function is at the origin, how it depends on each axis, and on each error: a unit that
//! can be on several pieces has one, between −1 and 1. Errors go through affine operators as everything does, and may
//! cancel.

mod band;
mod split;

pub(super) use split::Split;

use maso_simd::Kernels;

use super::domain::Domain;
use super::side::Side;
use crate::geometry::cell::Form;
use crate::linearize::{Gate, Tangents, dot, uncleaned};
use crate::network::{Extreme, Network, Node, Operator, Rule, Run, ScalarSpline, View};
use band::Band;

/// For each unit, in code order, the pieces that it can be on: a bit for each.
pub(super) type Pieces = Vec<u64>;

/// Most pieces of a unit.
const MOST_PIECES: usize = u64::BITS as usize;

/// All pieces of all units; `None` if a unit has too many.
pub(super) fn all_pieces(network: &Network) -> Option<Pieces> {
    let layers = network.layout().layers().iter();
    let pieces = layers.flat_map(|layer| std::iter::repeat_n(layer.pieces(), layer.units()));
    pieces.map(|count| (count <= MOST_PIECES).then(|| u64::MAX >> (64 - count))).collect()
}

/// The pieces that a unit can be on.
fn each_piece(mut pieces: u64) -> impl Iterator<Item = usize> + Clone {
    std::iter::from_fn(move || {
        let piece = (pieces != 0).then(|| pieces.trailing_zeros() as usize);
        pieces &= pieces.wrapping_sub(1);
        piece
    })
}

/// All numbers of a network on a part of the input; the memory stays from part to part.
#[derive(Debug)]
pub(super) struct Enclosure<'n> {
    network: &'n Network,
    kernels: &'static Kernels,
    origin: &'n [f64],
    /// Each node's rows; none of a node that is its input under another shape.
    nodes: Vec<Tangents>,
    /// Where the rows of each node are.
    places: Vec<usize>,
    /// Units with errors, in the order of these.
    open: Vec<Open>,
    /// For each unit, in code order.
    bands: Vec<Band>,
    /// Of a function that is pulled back, for each node.
    slopes: Vec<Vec<f64>>,
}

/// A unit with an error.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Its number among all.
    unit: usize,
    node: usize,
    index: usize,
}

/// Why there is no enclosure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// No point of the domain leaves a unit any of its pieces.
    Nowhere,
    /// Numbers got out of hand.
    Overflow,
}

/// Most numbers that the rows of all nodes may take together: some hundred megabytes.
const MOST_NUMBERS: usize = 32 << 20;

impl<'n> Enclosure<'n> {
    /// `None` if it could take too much memory.
    pub(super) fn new(
        network: &'n Network,
        kernels: &'static Kernels,
        origin: &'n [f64],
    ) -> Option<Self> {
        let mut width = 1 + origin.len();
        let mut numbers = 0usize;
        for node in network.nodes() {
            let errors =
                if matches!(node.operator, Operator::Nonlinear(_)) { node.len() } else { 0 };
            width += errors;
            numbers = numbers.saturating_add(node.len().saturating_mul(width));
        }
        if numbers > MOST_NUMBERS {
            return None;
        }
        let mut places: Vec<usize> = (0..network.nodes().len()).collect();
        for (index, node) in network.nodes().iter().enumerate() {
            if let Operator::View(View::Same) = node.operator {
                places[index] = places[node.inputs[0].index()];
            }
        }
        let nodes = vec![Tangents::default(); places.len()];
        let slopes = vec![Vec::new(); places.len()];
        let (open, bands) = (Vec::new(), Vec::new());
        Some(Self { network, kernels, origin, nodes, places, open, bands, slopes })
    }

    /// Encloses all numbers on `domain`, and takes from `pieces` those that no point of it is on.
    pub(super) fn enclose(
        &mut self,
        domain: &Domain<'_>,
        pieces: &mut Pieces,
    ) -> Result<(), Failure> {
        self.open.clear();
        self.bands.clear();
        let width = self.width();
        self.nodes[0].clear(self.origin.len(), width);
        for (axis, &x) in self.origin.iter().enumerate() {
            self.nodes[0].put(axis, 0, x);
            self.nodes[0].put(axis, 1 + axis, 1.0);
        }
        for (index, node) in self.network.nodes().iter().enumerate().skip(1) {
            if self.places[index] != index {
                continue;
            }
            let mut rows = std::mem::take(&mut self.nodes[index]);
            let done = self.node(index, node, domain, pieces, &mut rows);
            self.nodes[index] = rows;
            done?;
        }
        Ok(())
    }

    /// Numbers in a row, with all errors so far.
    fn width(&self) -> usize {
        1 + self.origin.len() + self.open.len()
    }

    /// The rows of a node's input.
    fn input(&self, node: &Node, input: usize) -> &Tangents {
        &self.nodes[self.places[node.inputs[input].index()]]
    }

    fn node(
        &mut self,
        index: usize,
        node: &Node,
        domain: &Domain<'_>,
        pieces: &mut Pieces,
        rows: &mut Tangents,
    ) -> Result<(), Failure> {
        if let Operator::Nonlinear(rule) = &node.operator {
            return self.layer(index, node, rule, domain, pieces, rows);
        }
        rows.clear(node.len(), self.width());
        self.push(node, &[], rows);
        match &node.operator {
            Operator::Affine(affine) => {
                (0..node.len()).for_each(|unit| rows.put(unit, 0, affine.bias(unit)));
            }
            Operator::View(View::Runs(runs)) => fills(runs, |unit, value| rows.put(unit, 0, value)),
            _ => {}
        }
        Ok(())
    }

    /// What is linear.
    fn push(&self, node: &Node, gates: &[Gate], rows: &mut Tangents) {
        let inputs: Vec<&Tangents> = (0..node.inputs.len()).map(|i| self.input(node, i)).collect();
        uncleaned(self.kernels, node, gates, &inputs, rows);
    }

    fn layer(
        &mut self,
        index: usize,
        node: &Node,
        rule: &Rule,
        domain: &Domain<'_>,
        pieces: &mut Pieces,
        rows: &mut Tangents,
    ) -> Result<(), Failure> {
        let first = self.bands.len();
        for unit in 0..node.len() {
            let own = &mut pieces[first + unit];
            let band = match rule {
                Rule::Spline(spline) => self.spline(node, spline, unit, domain, own)?,
                Rule::Extreme(extreme) => self.extreme(node, extreme, unit, domain, own)?,
            };
            self.bands.push(band);
        }
        let bands = &self.bands[first..];
        let gates: Vec<Gate> = bands.iter().map(|band| band.gate).collect();
        let errors = bands.iter().filter(|band| band.error > 0.0).count();
        rows.clear(node.len(), self.width() + errors);
        self.push(node, &gates, rows);
        for unit in 0..node.len() {
            let Band { gate, error, .. } = self.bands[first + unit];
            rows.put(unit, 0, gate.offset);
            if error > 0.0 {
                rows.put(unit, self.width(), error);
                self.open.push(Open { unit: first + unit, node: index, index: unit });
            }
        }
        Ok(())
    }

    /// The least and the largest value of a row.
    fn range(&self, domain: &Domain<'_>, row: &[f64]) -> Result<[f64; 2], Failure> {
        let (center, gradient, errors) = self.parts(row);
        let error: f64 = errors.iter().map(|error| error.abs()).sum();
        let [least, most] = domain.range(gradient);
        let ends = [center + least - error, center + most + error];
        if ends.iter().all(|end| end.is_finite()) { Ok(ends) } else { Err(Failure::Overflow) }
    }

    /// A row's value at the origin, its gradient and its errors, which may be fewer than there are.
    fn parts<'r>(&self, row: &'r [f64]) -> (f64, &'r [f64], &'r [f64]) {
        let (gradient, errors) = row[1..].split_at(self.origin.len());
        (row[0], gradient, errors)
    }

    /// The narrowest band around the spline's pieces in the direction of its chord.
    fn spline(
        &self,
        node: &Node,
        spline: &ScalarSpline,
        unit: usize,
        domain: &Domain<'_>,
        pieces: &mut u64,
    ) -> Result<Band, Failure> {
        if pieces.count_ones() == 1 {
            return Ok(Band::on_piece(spline, unit, pieces.trailing_zeros() as usize));
        }
        let [least, most] = self.range(domain, self.input(node, 0).row(unit))?;
        let ends = |piece: usize| {
            let below =
                piece.checked_sub(1).map_or(f64::NEG_INFINITY, |k| spline.knots[k].at(unit));
            let above = spline.knots.get(piece).map_or(f64::INFINITY, |knot| knot.at(unit));
            [below.max(least), above.min(most)]
        };
        *pieces = each_piece(*pieces)
            .filter(|&piece| ends(piece)[0] <= ends(piece)[1])
            .fold(0, |all, piece| all | 1 << piece);
        match pieces.count_ones() {
            0 => Err(Failure::Nowhere),
            1 => Ok(Band::on_piece(spline, unit, pieces.trailing_zeros() as usize)),
            _ => Ok(Band::around(spline, unit, each_piece(*pieces), ends)),
        }
    }

    /// The candidate that promises most, and by how much another can be better.
    fn extreme(
        &self,
        node: &Node,
        extreme: &Extreme,
        unit: usize,
        domain: &Domain<'_>,
        pieces: &mut u64,
    ) -> Result<Band, Failure> {
        let sign = if extreme.smallest { -1.0 } else { 1.0 };
        let candidates: Vec<(Gate, Vec<f64>)> = each_piece(*pieces)
            .filter_map(|piece| extreme.gate(unit, piece))
            .map(|gate| (gate, self.candidate(node, &gate, sign)))
            .collect();
        let promises = candidates.iter().map(|(_, row)| Ok(self.range(domain, row)?[0]));
        let promises = promises.collect::<Result<Vec<f64>, Failure>>()?;
        let most = (0..promises.len()).max_by(|&a, &b| promises[a].total_cmp(&promises[b]));
        let best = &candidates[most.ok_or(Failure::Nowhere)?];
        *pieces = 1 << best.0.piece;
        let mut excess = 0.0f64;
        for other in candidates.iter().filter(|other| other.0.piece != best.0.piece) {
            let most = self.range(domain, &difference(&other.1, &best.1))?[1];
            if most >= 0.0 {
                *pieces |= 1 << other.0.piece;
                excess = excess.max(most);
            }
        }
        Ok(Band::above(best.0, sign * excess))
    }

    /// A candidate's row, times `sign`.
    fn candidate(&self, node: &Node, gate: &Gate, sign: f64) -> Vec<f64> {
        let rows = self.input(node, gate.input);
        let mut row = vec![0.0; self.width()];
        if gate.slope != 0.0 {
            row.iter_mut().zip(rows.row(gate.index)).for_each(|(to, from)| *to = sign * from);
        }
        row[0] += sign * gate.offset;
        row
    }

    /// A function of the outputs, which it is at least, on the domain: as a function of the offset from the origin, less
    /// the sizes of its errors, which follow.
    pub(super) fn side(&self, side: &Side) -> (Form, Vec<f64>) {
        let output = &self.nodes[self.places[self.network.output().index()]];
        let whole = |index: usize| Form { gradient: output.row(index).to_vec(), value: 0.0 };
        let outputs: Vec<Form> = (0..output.rows()).map(whole).collect();
        let form = side.form(&outputs);
        let (value, gradient, errors) = self.parts(&form.gradient);
        let errors = errors.iter().map(|error| error.abs()).collect();
        (Form { gradient: gradient.to_vec(), value: value + form.value }, errors)
    }

    /// Another function that this one is at least: pulled back through the lines below and above each unit.
    pub(super) fn pulled_back(&mut self, side: &Side) -> Form {
        let nodes = self.network.nodes();
        let slopes = &mut self.slopes;
        for (slopes, node) in slopes.iter_mut().zip(nodes) {
            slopes.clear();
            slopes.resize(node.len(), 0.0);
        }
        let mut value = side.functional(&mut slopes[self.network.output().index()]);
        let mut layer_end = self.bands.len();
        for (index, node) in nodes.iter().enumerate().skip(1).rev() {
            let own = std::mem::take(&mut slopes[index]);
            match &node.operator {
                Operator::Affine(affine) => {
                    affine.apply_transposed(&own, &mut slopes[node.inputs[0].index()]);
                    value += (0..own.len()).map(|unit| own[unit] * affine.bias(unit)).sum::<f64>();
                }
                Operator::Sum { negate } => {
                    let sign = if *negate { -1.0 } else { 1.0 };
                    for (id, sign) in node.inputs.iter().zip([1.0, sign]) {
                        let x = &mut slopes[id.index()];
                        x.iter_mut().zip(&own).for_each(|(x, own)| *x += sign * own);
                    }
                }
                Operator::View(View::Same) => {
                    let x = &mut slopes[node.inputs[0].index()];
                    x.iter_mut().zip(&own).for_each(|(x, own)| *x += own);
                }
                Operator::View(view) => {
                    for (at, input, from, len) in view.copies() {
                        let x = &mut slopes[node.inputs[input].index()][from..from + len];
                        x.iter_mut().zip(&own[at..at + len]).for_each(|(x, own)| *x += own);
                    }
                    if let View::Runs(runs) = view {
                        fills(runs, |unit, fill| value += own[unit] * fill);
                    }
                }
                Operator::Nonlinear(_) => {
                    let first = layer_end - own.len();
                    for (own, band) in own.iter().zip(&self.bands[first..layer_end]) {
                        let [slope, offset] = band.bounds[usize::from(*own < 0.0)];
                        if slope != 0.0 {
                            let input = node.inputs[band.gate.input].index();
                            slopes[input][band.gate.index] += own * slope;
                        }
                        value += own * offset;
                    }
                    layer_end = first;
                }
                Operator::Input => {}
            }
            slopes[index] = own;
        }
        let gradient = slopes[0].clone();
        Form { value: value + dot(&gradient, self.origin), gradient }
    }
}

/// The constants that a view puts in: where, and what.
fn fills(runs: &[Run], mut fill: impl FnMut(usize, f64)) {
    let mut at = 0;
    for run in runs {
        if let Run::Fill { value, len } = run {
            (at..at + len).for_each(|unit| fill(unit, *value));
        }
        at += run.len();
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
