//! A dense node's weights turned about, input after input, so that a form is added to all units at once; and how well
//! their sums are known.

use maso_simd::{FormSum, Kernels, Weights};

use super::{BLOCK, Bounds, Forms, ROUNDING};
use crate::network::{Coefficients, Dense};

/// A tile of the matrix that is turned about at a time.
const TILE: usize = 16;

/// The weights of all units for each input, filled up to whole blocks, and what bounds need to know of them.
#[derive(Debug)]
pub(super) struct Matrix {
    weights: Turned,
    units: usize,
    stride: usize,
    bias: Vec<f64>,
    /// The largest sum of a unit's weights, without sign.
    sum: f64,
    /// The largest Euclidean norm of a unit's weights.
    norm: f64,
    largest_bias: f64,
    /// The largest weight of each input, without sign.
    largest: Vec<f64>,
}

#[derive(Debug)]
enum Turned {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

/// The inputs of a sum and their forms; lists that are used again and again.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    inputs: Vec<u32>,
    forms: Vec<[f64; 3]>,
    /// The sum of the squares of the forms' sizes.
    squares: f64,
    /// What is known of each of the forms.
    pub(super) bounds: Bounds,
}

impl Chosen {
    pub(super) fn clear(&mut self) {
        self.inputs.clear();
        self.forms.clear();
        (self.squares, self.bounds) = (0.0, Bounds::default());
    }

    #[inline]
    pub(super) fn push(&mut self, input: usize, form: [f64; 3], reach: [f64; 2]) {
        let size = form[0].abs() * reach[0] + form[1].abs() * reach[1] + form[2].abs();
        self.squares += size * size;
        self.inputs.push(input as u32);
        self.forms.push(form);
    }
}

impl Matrix {
    /// The matrix of a dense node that reads one vector.
    pub(super) fn new(dense: &Dense) -> Self {
        debug_assert_eq!(dense.batch, 1, "one vector");
        let stride = dense.units.next_multiple_of(BLOCK);
        let weights = match &dense.weight {
            Coefficients::F32(weights) => Turned::Single(turned(weights, dense, stride)),
            Coefficients::F64(weights) => Turned::Double(turned(weights, dense, stride)),
        };
        let mut matrix = Self {
            weights,
            units: dense.units,
            stride,
            bias: dense.bias.clone(),
            sum: 0.0,
            norm: 0.0,
            largest_bias: dense.bias.iter().fold(0.0, |most, bias| most.max(bias.abs())),
            largest: Vec::new(),
        };
        matrix.measure(dense.depth);
        matrix
    }

    fn measure(&mut self, depth: usize) {
        let (mut sums, mut squares) = (vec![0.0; self.stride], vec![0.0; self.stride]);
        self.largest = (0..depth)
            .map(|input| match self.column(input) {
                Weights::Single(column) => add_sizes(column, &mut sums, &mut squares),
                Weights::Double(column) => add_sizes(column, &mut sums, &mut squares),
            })
            .collect();
        let largest = |numbers: Vec<f64>| numbers.into_iter().fold(0.0, f64::max);
        self.sum = 1.01 * largest(sums);
        self.norm = 1.01 * largest(squares).sqrt();
    }

    /// The weights of all units for one input.
    pub(super) fn column(&self, input: usize) -> Weights<'_> {
        let range = input * self.stride..(input + 1) * self.stride;
        match &self.weights {
            Turned::Single(weights) => Weights::Single(&weights[range]),
            Turned::Double(weights) => Weights::Double(&weights[range]),
        }
    }

    /// The largest of them, without sign.
    pub(super) fn largest(&self, input: usize) -> f64 {
        self.largest[input]
    }

    /// Writes the sums of `chosen` and how far they may be from the exact ones; gradients and sizes are not measured.
    pub(super) fn sum(&self, kernels: &Kernels, chosen: &Chosen, out: &mut Forms) {
        self.start(out);
        kernels.sum_forms(&self.form_sum(chosen), &mut out.numbers);
        let (through, size) = self.passed_on(chosen);
        let rounding = (chosen.inputs.len() + 2) as f64 * (ROUNDING / 2.0) * size;
        out.bounds.error = 1.01 * (through + rounding) + underflow(chosen.inputs.len());
    }

    /// The same in twice the precision, rounded at the end.
    pub(super) fn sum_twice_as_well(&self, kernels: &Kernels, chosen: &Chosen, out: &mut Forms) {
        self.start(out);
        kernels.sum_forms_twice_as_well(&self.form_sum(chosen), &mut out.numbers);
        let (through, size) = self.passed_on(chosen);
        let small = (chosen.inputs.len() + 2) as f64 * ROUNDING;
        let rounding = (small * small + ROUNDING) * size;
        out.bounds.error = 1.01 * (through + rounding) + underflow(chosen.inputs.len());
    }

    fn start(&self, out: &mut Forms) {
        out.resize(self.units);
        debug_assert_eq!(out.stride, self.stride, "whole blocks of units");
        out.numbers[2 * self.stride..][..self.units].copy_from_slice(&self.bias);
    }

    fn form_sum<'a>(&'a self, chosen: &'a Chosen) -> FormSum<'a> {
        let weights = match &self.weights {
            Turned::Single(weights) => Weights::Single(weights),
            Turned::Double(weights) => Weights::Double(weights),
        };
        let (inputs, factors) = (&chosen.inputs, &chosen.forms);
        FormSum { weights, stride: self.stride, chosen: inputs, factors }
    }

    /// What the forms' errors make of a sum's, and the size of all its terms together. What a form adds to a unit's
    /// error or size is at most its weight times the form's own; the sum of that over all inputs is bounded by the sum of
    /// the weights times the largest, and by the product of two Euclidean norms (Cauchy and Schwarz).
    fn passed_on(&self, chosen: &Chosen) -> (f64, f64) {
        let count = chosen.inputs.len() as f64;
        let through = chosen.bounds.error * self.sum.min(self.norm * count.sqrt());
        let size = (self.sum * chosen.bounds.size).min(self.norm * chosen.squares.sqrt());
        (through, 1.01 * size + self.largest_bias)
    }
}

/// What underflow loses of `count` products.
fn underflow(count: usize) -> f64 {
    4.0 * count as f64 * f64::MIN_POSITIVE
}

/// `depth` columns of a matrix of rows, each filled up to `stride`.
fn turned<N: Copy + Default>(rows: &[N], dense: &Dense, stride: usize) -> Vec<N> {
    let (units, depth) = (dense.units, dense.depth);
    let mut columns = vec![N::default(); depth * stride];
    for first in (0..units).step_by(TILE) {
        for input in (0..depth).step_by(TILE) {
            for unit in first..units.min(first + TILE) {
                let row = &rows[unit * depth..][..depth];
                for (input, &weight) in row.iter().enumerate().skip(input).take(TILE) {
                    columns[input * stride + unit] = weight;
                }
            }
        }
    }
    columns
}

/// Adds the weights' sizes and squares to their units' sums; gives the largest size.
fn add_sizes<N: Copy + Into<f64>>(column: &[N], sums: &mut [f64], squares: &mut [f64]) -> f64 {
    let mut largest = 0.0f64;
    for ((&weight, sum), square) in column.iter().zip(sums).zip(squares) {
        let size = weight.into().abs();
        *sum += size;
        *square += size * size;
        largest = if size > largest { size } else { largest };
    }
    largest
}
