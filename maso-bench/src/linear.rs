//! Jobs of linearisation: products with each row's Jacobian and the Jacobians, and whether they are those of
//! the network in f64.

use maso_core::{EvalError, Evaluator};

use crate::suite::Job;

/// Rows that are run to be checked: enough for every layout that the timed run may take.
const CHECKED_ROWS: usize = 40;
/// Of these, rows that are compared with f64.
const COMPARED_ROWS: usize = 6;
/// Rounding errors that are allowed, in units of the largest number.
const TOLERANCE: f64 = 1e-4;

/// What a job is given, and where its results go.
pub(crate) struct Linear<'a> {
    evaluator: &'a Evaluator,
    job: Job,
    rows: &'a [f32],
    tangents: Vec<f32>,
    /// Output values, or offsets.
    vectors: Vec<f32>,
    /// Products, or matrices.
    products: Vec<f32>,
}

impl<'a> Linear<'a> {
    pub(crate) fn new(job: Job, evaluator: &'a Evaluator, rows: &'a [f32]) -> Self {
        let network = evaluator.network();
        let width = network.input().len();
        let vectors = rows.len() / width * network.output_shape().iter().product::<usize>();
        let products = if job == Job::Jvp { vectors } else { vectors * width };
        // Any directions do: what they are changes no work.
        let tangents =
            if job == Job::Jvp { rows.iter().rev().copied().collect() } else { Vec::new() };
        let (vectors, products) = (vec![0.0; vectors], vec![0.0; products]);
        Self { evaluator, job, rows, tangents, vectors, products }
    }

    pub(crate) fn run(&mut self) -> Result<(), EvalError> {
        let Self { evaluator, rows, tangents, vectors, products, .. } = self;
        match self.job {
            Job::Jvp => evaluator.jvp_into(rows, tangents, vectors, products),
            _ => evaluator.jacobians_into(rows, products, vectors),
        }
    }

    /// Whether some rows give what the network gives in f64: the first whose codes are the same there, at least one.
    pub(crate) fn is_right(
        job: Job,
        evaluator: &Evaluator,
        rows: &[f32],
    ) -> Result<bool, EvalError> {
        let network = evaluator.network();
        let width = network.input().len();
        let rows = &rows[..rows.len().min(CHECKED_ROWS * width)];
        let mut few = Linear::new(job, evaluator, rows);
        few.run()?;
        let words = network.layout().words();
        let mut codes = vec![0; rows.len() / width * words];
        evaluator.codes_into(rows, &mut codes)?;
        let each = few.products.len() * width / rows.len().max(1);
        let (mut compared, mut right) = (0, true);
        for (row, x) in rows.chunks_exact(width).enumerate() {
            if compared == COMPARED_ROWS {
                break;
            }
            let map = network.linearize(&widen(x)).expect("a finite row");
            if map.code() != codes[row * words..][..words] {
                continue;
            }
            let expected = match job {
                Job::Jvp => map.jvp(&widen(&few.tangents[row * width..][..width])),
                _ => map.matrix().numbers().to_vec(),
            };
            right &= is_close(&few.products[row * each..][..each], &expected);
            compared += 1;
        }
        Ok(right && compared > 0)
    }
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().copied().map(f64::from).collect()
}

fn is_close(found: &[f32], expected: &[f64]) -> bool {
    let largest = expected.iter().fold(0.0f64, |largest, number| largest.max(number.abs()));
    let mut errors =
        found.iter().zip(expected).map(|(&found, expected)| (f64::from(found) - expected).abs());
    found.len() == expected.len() && errors.all(|error| error <= TOLERANCE * largest)
}
