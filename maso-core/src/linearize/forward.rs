//! Tangents pushed forward: how every number of a node depends on some directions of the input.
//!
//! A node's tangents are a row for each of its numbers. Rows that are zero (units that are off) are left out
//! of the products that follow, and of rows that are zero but for a stretch only the stretch is summed: near
//! the input of a convolutional network that is most of the work. A sum whose terms cancel but for rounding is
//! zero: units that copy one another with opposite signs give exact zeros, whatever the order of the sum.

use std::ops::Range;
use std::rc::Rc;

use maso_simd::{Kernels, PRODUCT_LANES, Product};

use super::gates::{Gate, by_unit};
use super::matrix::dot;
use crate::network::{Affine, Coefficients, Convolution, Dense, Node, Operator, View};

/// A sum that is shorter than this part of its terms' lengths together is rounding.
const ROUNDING: f64 = 1e-12;

/// A row of `width` numbers for each number of a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tangents {
    width: usize,
    /// Distance between rows: `width` in whole blocks of lanes.
    stride: usize,
    numbers: Vec<f64>,
    /// Outside of its span a row is zero.
    spans: Vec<Range<usize>>,
}

impl Tangents {
    fn zeros(rows: usize, width: usize) -> Self {
        let mut tangents = Self::default();
        tangents.clear(rows, width);
        tangents
    }

    /// Becomes `rows` rows of `width` zeros, in the memory that there is.
    pub(crate) fn clear(&mut self, rows: usize, width: usize) {
        let stride = width.next_multiple_of(PRODUCT_LANES);
        (self.width, self.stride) = (width, stride);
        self.numbers.clear();
        self.numbers.resize(rows * stride, 0.0);
        self.spans.clear();
        self.spans.resize(rows, 0..0);
    }

    /// The tangents of the input along each of its own axes.
    pub(crate) fn identity(width: usize) -> Self {
        let mut tangents = Self::zeros(width, width);
        (0..width).for_each(|i| tangents.put(i, i, 1.0));
        tangents
    }

    /// Adds to how number `row` depends on direction `column`.
    pub(crate) fn put(&mut self, row: usize, column: usize, slope: f64) {
        self.numbers[row * self.stride + column] += slope;
        self.spans[row] = hull(&self.spans[row], &(column..column + 1));
    }

    /// The tangents of the input along `directions`, each as long as the input, one after another.
    pub(crate) fn along(directions: &[f64], input: usize) -> Self {
        let width = directions.len() / input.max(1);
        let mut tangents = Self::zeros(input, width);
        for (i, span) in tangents.spans.iter_mut().enumerate() {
            *span = 0..width;
            for direction in 0..width {
                tangents.numbers[i * tangents.stride + direction] =
                    directions[direction * input + i];
            }
        }
        tangents
    }

    /// How number `index` of the node depends on each direction.
    pub(crate) fn row(&self, index: usize) -> &[f64] {
        &self.numbers[index * self.stride..][..self.width]
    }

    /// The Euclidean length of row `index`.
    pub(crate) fn length(&self, index: usize) -> f64 {
        let row = &self.row(index)[self.span(index)];
        dot(row, row).sqrt()
    }

    fn lengths(&self) -> Vec<f64> {
        (0..self.rows()).map(|index| self.length(index)).collect()
    }

    /// Makes row `index` zero if it is rounding beside terms of `size`.
    fn clean(&mut self, index: usize, size: f64) {
        let span = self.span(index);
        if !span.is_empty() && self.length(index) <= ROUNDING * size {
            self.numbers[index * self.stride..][span].fill(0.0);
            self.spans[index] = 0..0;
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Where row `index` may be other than zero.
    pub(crate) fn span(&self, index: usize) -> Range<usize> {
        self.spans[index].clone()
    }

    /// Row `to` becomes `factor` times row `index` of `from`.
    fn set(&mut self, to: usize, from: &Self, index: usize, factor: f64) {
        let span = from.span(index);
        if factor == 0.0 || span.is_empty() {
            return;
        }
        let source = &from.numbers[index * from.stride..][span.clone()];
        let target = &mut self.numbers[to * self.stride..][span.clone()];
        target.iter_mut().zip(source).for_each(|(to, from)| *to = factor * from);
        self.spans[to] = span;
    }

    /// Adds `factor` times row `index` of `from` to row `to`.
    fn add(&mut self, to: usize, from: &Self, index: usize, factor: f64) {
        let span = from.span(index);
        if factor == 0.0 || span.is_empty() {
            return;
        }
        let source = &from.numbers[index * from.stride..][span.clone()];
        let target = &mut self.numbers[to * self.stride..][span.clone()];
        target.iter_mut().zip(source).for_each(|(to, from)| *to += factor * from);
        self.spans[to] = hull(&self.spans[to], &span);
    }
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    if a.is_empty() {
        return b.clone();
    }
    if b.is_empty() { a.clone() } else { a.start.min(b.start)..a.end.max(b.end) }
}

/// The tangents of `node`, from those of its inputs.
pub(super) fn node(
    kernels: &Kernels,
    node: &Node,
    gates: &[Gate],
    inputs: &[&Rc<Tangents>],
) -> Rc<Tangents> {
    if let Operator::View(View::Same) = node.operator {
        return Rc::clone(inputs[0]);
    }
    let views: Vec<&Tangents> = inputs.iter().map(|input| &***input).collect();
    let mut out = Tangents::zeros(node.len(), inputs[0].width);
    uncleaned(kernels, node, gates, &views, &mut out);
    match &node.operator {
        Operator::Affine(affine) => clean(affine, inputs[0], &mut out),
        Operator::Sum { .. } => (0..node.len()).for_each(|unit| {
            out.clean(unit, inputs[0].length(unit) + inputs[1].length(unit));
        }),
        _ => {}
    }
    Rc::new(out)
}

/// The same with whatever rounding leaves of sums that cancel, added to the zeros of `out`, which may be wider.
pub(crate) fn uncleaned(
    kernels: &Kernels,
    node: &Node,
    gates: &[Gate],
    inputs: &[&Tangents],
    out: &mut Tangents,
) {
    match &node.operator {
        Operator::Input => unreachable!("handled by the caller"),
        Operator::Affine(affine) => push(kernels, affine, inputs[0], out),
        Operator::Sum { negate } => {
            let sign = if *negate { -1.0 } else { 1.0 };
            for unit in 0..node.len() {
                out.set(unit, inputs[0], unit, 1.0);
                out.add(unit, inputs[1], unit, sign);
            }
        }
        Operator::View(view) => {
            for (to, input, from, len) in view.copies() {
                (0..len).for_each(|i| out.set(to + i, inputs[input], from + i, 1.0));
            }
        }
        Operator::Nonlinear(_) => {
            for (unit, gates) in by_unit(gates, node.len()) {
                for gate in gates {
                    out.add(unit, inputs[gate.input], gate.index, gate.slope);
                }
            }
        }
    }
}

/// Makes sums zero whose terms cancel.
fn clean(affine: &Affine, x: &Tangents, y: &mut Tangents) {
    let lengths = x.lengths();
    for unit in 0..y.rows() {
        let mut size = 0.0;
        affine.for_terms(unit, |index, weight| size += weight.abs() * lengths[index]);
        y.clean(unit, size);
    }
}

/// The linear part of an affine operator.
fn push(kernels: &Kernels, affine: &Affine, x: &Tangents, y: &mut Tangents) {
    match affine {
        Affine::Dense(dense) => push_dense(kernels, dense, x, y),
        Affine::Convolution(convolution) => push_convolution(kernels, convolution, x, y),
        Affine::AveragePool(_) | Affine::Interpolation(_) | Affine::Scale(_) => {
            for unit in 0..y.rows() {
                affine.for_terms(unit, |index, weight| y.add(unit, x, index, weight));
            }
        }
    }
}

fn push_dense(kernels: &Kernels, dense: &Dense, x: &Tangents, y: &mut Tangents) {
    let mut shared = Shared::default();
    for vector in 0..dense.batch {
        shared.choose((0..dense.depth).map(|i| (vector * dense.depth + i, i)), x);
        let units = Units { first: vector * dense.units, step: 1, count: dense.units };
        let depth = dense.depth;
        // One loop for each kind of number, and no look at the kind inside.
        match &dense.weight {
            Coefficients::F32(weights) => {
                shared.push(kernels, x, y, &units, |unit, i| weights[unit * depth + i].into());
            }
            Coefficients::F64(weights) => {
                shared.push(kernels, x, y, &units, |unit, i| weights[unit * depth + i]);
            }
        }
    }
}

fn push_convolution(kernels: &Kernels, convolution: &Convolution, x: &Tangents, y: &mut Tangents) {
    let (map, depth) = (&convolution.map, convolution.depth());
    let (taps, cells) = (map.taps(), map.cells());
    let out_channels = convolution.out_channels / convolution.groups;
    let in_channels = convolution.in_channels / convolution.groups;
    let mut shared = Shared::default();
    for image_group in 0..convolution.batch * convolution.groups {
        let group = image_group % convolution.groups;
        for cell in 0..cells {
            let sources = (0..depth).filter_map(|i| {
                let channel = image_group * in_channels + i / taps;
                let source = map.source(i % taps, cell)?;
                Some((channel * map.source_cells() + source, i))
            });
            shared.choose(sources, x);
            let first = image_group * out_channels * cells + cell;
            let units = Units { first, step: cells, count: out_channels };
            shared.push(kernels, x, y, &units, |unit, i| {
                convolution.weight.get((group * out_channels + unit) * depth + i)
            });
        }
    }
}

/// Units that read the same numbers.
struct Units {
    first: usize,
    step: usize,
    count: usize,
}

/// The numbers that several units read, without those that do not depend on any direction.
#[derive(Default)]
struct Shared {
    chosen: Vec<u32>,
    /// Which weight of a unit goes with each.
    weights: Vec<usize>,
    factors: Vec<f64>,
    span: Range<usize>,
    /// Length of all spans together.
    filled: usize,
}

impl Shared {
    /// Takes those of `sources` (index of a number, and of its weight) that are not zero.
    fn choose(&mut self, sources: impl Iterator<Item = (usize, usize)>, x: &Tangents) {
        self.chosen.clear();
        self.weights.clear();
        (self.span, self.filled) = (0..0, 0);
        for (source, weight) in sources.filter(|(source, _)| !x.spans[*source].is_empty()) {
            self.chosen.push(source as u32);
            self.weights.push(weight);
            self.span = hull(&self.span, &x.spans[source]);
            self.filled += x.spans[source].len();
        }
    }

    /// The sums of all `units`.
    fn push(
        &mut self,
        kernels: &Kernels,
        x: &Tangents,
        y: &mut Tangents,
        units: &Units,
        weight: impl Fn(usize, usize) -> f64,
    ) {
        if self.filled * 8 < self.chosen.len() * self.span.len() {
            return self.push_sparse(x, y, units, weight);
        }
        self.factors.clear();
        for unit in 0..units.count {
            self.factors.extend(self.weights.iter().map(|&i| weight(unit, i)));
        }
        let from = self.span.start / PRODUCT_LANES * PRODUCT_LANES;
        let columns = (self.span.end - from).next_multiple_of(PRODUCT_LANES);
        let product = Product {
            factors: &self.factors,
            ldf: self.chosen.len(),
            rows: units.count,
            matrix: &x.numbers[from..],
            ldm: x.stride,
            chosen: &self.chosen,
            columns: if self.chosen.is_empty() { 0 } else { columns },
        };
        let stride = y.stride;
        let out = &mut y.numbers[units.first * stride + from..];
        kernels.double_product(&product, out, units.step * stride);
        for unit in 0..units.count {
            y.spans[units.first + unit * units.step] = self.span.clone();
        }
    }

    /// The same where spans are short.
    fn push_sparse(
        &self,
        x: &Tangents,
        y: &mut Tangents,
        units: &Units,
        weight: impl Fn(usize, usize) -> f64,
    ) {
        for unit in 0..units.count {
            let to = units.first + unit * units.step;
            for (&source, &i) in self.chosen.iter().zip(&self.weights) {
                y.add(to, x, source as usize, weight(unit, i));
            }
        }
    }
}
