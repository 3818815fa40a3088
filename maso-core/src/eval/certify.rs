//! Codes that are proven to be the f64 network's: what f32 does not settle is done again in f64, with that
//! arithmetic's own bounds.

use std::ops::Range;

use maso_simd::DOUBLE_LANES;
use rayon::prelude::*;

use super::{Batch, EvalError, Evaluator, Lent, Rows, Want};

/// How sure a code is that was found in f64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the code of the f64 network.
    Certain,
    /// It is, if candidates of a maximum whose f64 values are equal to the last bit are equal; the
    /// first of them is taken, as everywhere.
    Tied,
    /// A pre-activation is so near to its knot that rounding in f64 can have moved it across.
    Undecided,
}

/// A row that was done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redone {
    /// Its number in the data.
    pub row: usize,
    /// How sure its code is now.
    pub verdict: Verdict,
    /// Whether the code is another than f32 gave.
    pub changed: bool,
}

/// Consecutive rows with certified codes.
#[derive(Clone, Copy, Debug)]
pub struct CertifiedBatch<'a> {
    /// The rows: final codes, and margins as f32 found them.
    pub batch: Batch<'a>,
    /// Those that were done again, in order.
    pub redone: &'a [Redone],
}

impl Evaluator {
    /// Evaluates `range` of `rows` to region codes of the network in f64, and hands them to `sink` in
    /// order. See [`Redone`] for the few rows of which that cannot be proven.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn certify<E: From<EvalError>>(
        &self,
        rows: &dyn Rows,
        range: Range<usize>,
        mut sink: impl FnMut(CertifiedBatch<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let words = self.network.layout().words();
        let (mut codes, mut redone) = (Vec::new(), Vec::new());
        self.run(rows, range, Want::MARGINS, |batch| {
            codes.clear();
            codes.extend_from_slice(batch.codes);
            let unclear = batch.margins.iter().enumerate().filter(|(_, m)| !m.is_certain());
            let unclear: Vec<usize> = unclear.map(|(i, _)| batch.first_row + i).collect();
            redone.clear();
            for (row, code, verdict) in self.again(rows, &unclear)? {
                let own = &mut codes[(row - batch.first_row) * words..][..words];
                redone.push(Redone { row, verdict, changed: *own != code });
                own.copy_from_slice(&code);
            }
            let batch = Batch { codes: &codes, ..batch };
            sink(CertifiedBatch { batch, redone: &redone })
        })
    }

    /// Rows in f64, on all threads.
    fn again(
        &self,
        rows: &dyn Rows,
        numbers: &[usize],
    ) -> Result<Vec<(usize, Vec<u64>, Verdict)>, EvalError> {
        let tile = |buffers: &mut Lent<'_>, numbers: &[usize]| self.tile(rows, numbers, buffers);
        let tiles: Vec<_> = match &self.pool {
            Some(pool) => pool.install(|| {
                let tiles = numbers.par_chunks(DOUBLE_LANES);
                tiles.map_init(|| self.lend_buffers(), tile).collect::<Result<_, _>>()
            })?,
            None => {
                let mut buffers = self.lend_buffers();
                let tiles = numbers.chunks(DOUBLE_LANES);
                tiles.map(|numbers| tile(&mut buffers, numbers)).collect::<Result<_, _>>()?
            }
        };
        Ok(tiles.into_iter().flatten().collect())
    }

    /// Up to [`DOUBLE_LANES`] rows in f64.
    fn tile(
        &self,
        rows: &dyn Rows,
        numbers: &[usize],
        buffers: &mut Lent<'_>,
    ) -> Result<Vec<(usize, Vec<u64>, Verdict)>, EvalError> {
        let mut tile = Vec::with_capacity(numbers.len() * self.network.input().len());
        for &row in numbers {
            tile.extend_from_slice(rows.block(row..row + 1, &mut buffers.buffers.input)?);
        }
        let plan = self.margin_plan();
        let mut done = Vec::with_capacity(numbers.len());
        plan.double.codes(&plan.double_bounds, &tile, &mut buffers.buffers.double, |i, code, v| {
            done.push((numbers[i], code.to_vec(), v));
        });
        Ok(done)
    }
}
