//! A dense node's weights turned about, input after input, so that a form is added to all units at once; and how well
//! their sums are known.

use maso_simd::{FormSum, Kernels, Weights};

use super::spectral::spectral_bound;
use super::{BLOCK, Bounds, Forms, Plan, ROUNDING};
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
    /// At most how much longer it makes a vector.
    spectral: f64,
    largest_bias: f64,
    /// The largest weight of each input, without sign, and the Euclidean norm of all of them.
    largest: Vec<[f64; 2]>,
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
    /// The Euclidean norm of all their errors together, as in [`Forms`].
    pub(super) error_norm: f64,
}

impl Chosen {
    pub(super) fn clear(&mut self) {
        self.inputs.clear();
        self.forms.clear();
        (self.squares, self.bounds, self.error_norm) = (0.0, Bounds::default(), 0.0);
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
    /// The matrix of a dense node that reads one vector. Whether it `is_deep`, that is, errors pass through many
    /// like it, decides how much work goes into its norm.
    pub(super) fn new(kernels: &Kernels, dense: &Dense, is_deep: bool) -> Self {
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
            spectral: 0.0,
            largest_bias: dense.bias.iter().fold(0.0, |most, bias| most.max(bias.abs())),
            largest: Vec::new(),
        };
        matrix.measure(kernels, dense.depth, is_deep);
        matrix
    }

    fn measure(&mut self, kernels: &Kernels, depth: usize, is_deep: bool) {
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
        self.spectral = if is_deep {
            spectral_bound(kernels, &self.weights.to_double(), self.stride)
        } else {
            1.01 * self.largest.iter().map(|[_, length]| length * length).sum::<f64>().sqrt()
        };
    }

    /// Inputs.
    pub(super) fn depth(&self) -> usize {
        self.largest.len()
    }

    /// The weights of all units for one input.
    pub(super) fn column(&self, input: usize) -> Weights<'_> {
        let range = input * self.stride..(input + 1) * self.stride;
        match &self.weights {
            Turned::Single(weights) => Weights::Single(&weights[range]),
            Turned::Double(weights) => Weights::Double(&weights[range]),
        }
    }

    /// The largest of them, without sign, and their Euclidean norm.
    pub(super) fn largest(&self, input: usize) -> [f64; 2] {
        self.largest[input]
    }

    /// Writes the sums of `chosen`, and what is known of them.
    pub(super) fn sum(&self, plan: &Plan<'_>, chosen: &Chosen, out: &mut Forms) {
        self.start(out);
        plan.kernels.sum_forms(&self.form_sum(chosen), &mut out.numbers);
        plan.measure(out);
        let terms = (chosen.inputs.len() + 2) as f64;
        self.pass_on(chosen, terms * (ROUNDING / 2.0) * self.size_of_terms(chosen), out);
    }

    /// The same in twice the precision, rounded at the end.
    pub(super) fn sum_twice_as_well(&self, plan: &Plan<'_>, chosen: &Chosen, out: &mut Forms) {
        self.start(out);
        plan.kernels.sum_forms_twice_as_well(&self.form_sum(chosen), &mut out.numbers);
        plan.measure(out);
        let small = (chosen.inputs.len() + 2) as f64 * ROUNDING;
        let within = small * small * self.size_of_terms(chosen);
        self.pass_on(chosen, within + ROUNDING * out.bounds.size, out);
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

    /// The size of all terms of a unit together, at most.
    fn size_of_terms(&self, chosen: &Chosen) -> f64 {
        let size = (self.sum * chosen.bounds.size).min(self.norm * chosen.squares.sqrt());
        1.01 * size + self.largest_bias
    }

    /// What is known of the sums of `chosen`, each rounded by at most `rounding`.
    ///
    /// What the forms' errors make of a unit's is at most: the largest times the sum of its weights; the largest times
    /// the Euclidean norm of its weights times √count; their norm times that of its weights, for each of a, b and c
    /// (Cauchy and Schwarz). And the norm of all units' errors is at most the matrix's spectral norm times theirs.
    fn pass_on(&self, chosen: &Chosen, rounding: f64, out: &mut Forms) {
        let count = chosen.inputs.len() as f64;
        let own = rounding + underflow(chosen.inputs.len());
        let of_each = chosen.bounds.error * self.sum.min(self.norm * count.sqrt());
        let of_all = 1.74 * self.norm * chosen.error_norm;
        let root = (self.units as f64).sqrt();
        out.bounds.error = 1.01 * (of_each.min(of_all) + own);
        out.error_norm =
            1.01 * ((self.spectral * chosen.error_norm).min(root * of_each) + root * own);
    }
}

impl Turned {
    fn to_double(&self) -> std::borrow::Cow<'_, [f64]> {
        match self {
            Self::Single(weights) => weights.iter().map(|&weight| weight.into()).collect(),
            Self::Double(weights) => weights.into(),
        }
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

/// Adds the weights' sizes and squares to their units' sums; gives the largest size and the norm.
fn add_sizes<N: Copy + Into<f64>>(column: &[N], sums: &mut [f64], squares: &mut [f64]) -> [f64; 2] {
    let (mut largest, mut length) = (0.0f64, 0.0);
    for ((&weight, sum), square) in column.iter().zip(sums).zip(squares) {
        let size = weight.into().abs();
        *sum += size;
        *square += size * size;
        length += size * size;
        largest = if size > largest { size } else { largest };
    }
    [largest, 1.01 * length.sqrt()]
}
