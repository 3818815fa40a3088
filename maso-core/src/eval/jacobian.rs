//! The matrix and the offset of each row's region.
//!
//! Matrices and scalar splines alone are pulled back row by row, units that are off left out
//! ([`Chain`]). Everything else goes through the kernels with pairs across lanes: of a row and an output, from
//! the output back ([`PullPlan`]), or of a row and an input, forward, where there are fewer inputs.
//!
//! An offset is `y − A x`, summed in f64 and rounded once: `A x + b` is then the value that the network gave,
//! whatever cancels, and `b` is as wrong as `y` and `A` are.

use std::ops::Range;
use std::sync::OnceLock;

use maso_simd::PANEL;

use super::tile::{Tile, TileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want, check_length, row_tile};
use crate::pack::chain::{Chain, ChainBuffers, Codes};
use crate::pack::pull::{PullBuffers, PullPlan};

/// Rows of a tile: enough to pass over weights that are near, few enough that matrices stay near.
const TILE_ROWS: usize = 16;

/// How matrices are made.
#[derive(Debug)]
enum Way {
    Chain(Chain),
    Pull(PullPlan),
    /// Forward, by the evaluator's own plan.
    Push,
}

/// Made when matrices are first asked for.
#[derive(Debug, Default)]
pub(super) struct JacobianPlan(OnceLock<Way>);

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct JacobianBuffers {
    values: Vec<f32>,
    planes: Vec<u32>,
    products: Vec<f32>,
    chain: ChainBuffers,
    pull: PullBuffers,
}

/// A block of rows and where the results go.
struct MapTile<'o> {
    first_row: usize,
    rows: usize,
    matrices: &'o mut [f32],
    offsets: &'o mut [f32],
}

impl Evaluator {
    /// The affine maps `A x + b` of the regions of rows that lie in memory, one after another: each row's A,
    /// `outputs × inputs`, row after row, to `matrices`, its b to `offsets`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a number is or becomes NaN or infinite.
    pub fn jacobians_into(
        &self,
        rows: &[f32],
        matrices: &mut [f32],
        offsets: &mut [f32],
    ) -> Result<(), EvalError> {
        let (source, outputs) = (self.slice_rows(rows)?, self.outputs());
        let numbers = outputs * source.width();
        check_length("matrices", source.count() * numbers, matrices.len())?;
        check_length("offsets", source.count() * outputs, offsets.len())?;
        // A few tiles for each thread.
        let share = source.count().div_ceil(4 * self.threads()).clamp(1, TILE_ROWS);
        let tile_rows = self.tile_rows.unwrap_or(share).min(PANEL);
        let results = matrices.chunks_mut(tile_rows * numbers);
        let results = results.zip(offsets.chunks_mut(tile_rows * outputs));
        let tiles = results.enumerate().map(|(i, (matrices, offsets))| MapTile {
            first_row: i * tile_rows,
            rows: offsets.len() / outputs,
            matrices,
            offsets,
        });
        self.spread(tiles, |tile, buffers| tile.run_or_explain(self, &source, buffers))
    }

    fn way(&self) -> &Way {
        self.jacobian_plan.0.get_or_init(|| {
            if self.network.input().len() < self.outputs() {
                return Way::Push;
            }
            let pull = || Way::Pull(PullPlan::new(&self.network));
            Chain::of(&self.network).map_or_else(pull, Way::Chain)
        })
    }
}

impl MapTile<'_> {
    /// Runs the tile. Of several rows that fail, the first is reported, whatever the tile.
    fn run_or_explain(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<(), EvalError> {
        if self.run(evaluator, rows, buffers)? {
            return Ok(());
        }
        let numbers = self.matrices.len() / self.rows;
        let outputs = self.offsets.len() / self.rows;
        for row in 0..self.rows {
            let mut one = MapTile {
                first_row: self.first_row + row,
                rows: 1,
                matrices: &mut self.matrices[row * numbers..][..numbers],
                offsets: &mut self.offsets[row * outputs..][..outputs],
            };
            if !one.run(evaluator, rows, buffers)? {
                return Err(one.failure(evaluator, rows, buffers));
            }
        }
        unreachable!("a row's numbers do not depend on the tile it is in")
    }

    /// Runs the tile; false if a number was or became NaN or infinite.
    fn run(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<bool, RowError> {
        let (mut codes, mut own) =
            (std::mem::take(&mut buffers.codes), std::mem::take(&mut buffers.jacobian));
        let words = evaluator.network.layout().words();
        codes.resize(words * self.rows, 0);
        own.values.resize(self.offsets.len(), 0.0);
        let mut tile = Tile {
            first_row: self.first_row,
            rows: self.rows,
            want: Want { codes: true, ..Want::VALUES },
            values: &mut own.values,
            codes: &mut codes,
            margins: &mut [],
        };
        let mut finite = tile.run(evaluator, rows, buffers)?;
        if finite {
            let codes = Codes { rows: self.rows, words, codes: &codes };
            self.make_matrices(evaluator, codes, buffers, &mut own);
            let range = self.first_row..self.first_row + self.rows;
            self.make_offsets(rows.block(range, &mut buffers.input)?, &own.values);
            let kernels = evaluator.kernels;
            finite = kernels.finite(self.matrices) && kernels.finite(self.offsets);
        }
        (buffers.codes, buffers.jacobian) = (codes, own);
        Ok(finite)
    }

    fn make_matrices(
        &mut self,
        evaluator: &Evaluator,
        codes: Codes<'_>,
        buffers: &mut TileBuffers,
        own: &mut JacobianBuffers,
    ) {
        let inputs = evaluator.network.input().len();
        let outputs = self.offsets.len() / self.rows;
        let kernels = evaluator.kernels;
        match evaluator.way() {
            Way::Chain(chain) => chain.jacobians(kernels, codes, self.matrices, &mut own.chain),
            Way::Pull(plan) => {
                for pairs in Pairs::split(self.rows, outputs) {
                    pairs.fill_planes(codes, evaluator.network.layout().bits(), &mut own.planes);
                    let seeds = |lanes: &mut [f32]| pairs.fill_axes(lanes);
                    let lanes = plan.run(kernels, &own.planes, &mut own.pull, seeds);
                    let out = &mut self.matrices[pairs.all.start * inputs..pairs.all.end * inputs];
                    kernels.from_lanes(lanes, inputs, out);
                }
            }
            Way::Push => {
                for pairs in Pairs::split(self.rows, inputs) {
                    own.products.resize(pairs.all.len() * outputs, 0.0);
                    pairs.fill_planes(codes, evaluator.network.layout().bits(), &mut own.planes);
                    let fill = |lanes: &mut [f32], planes: &mut [u32]| {
                        planes.copy_from_slice(&own.planes);
                        pairs.fill_axes(lanes);
                    };
                    row_tile::push_filled(evaluator, &mut buffers.row, fill, &mut own.products);
                    for (pair, column) in pairs.all.clone().zip(own.products.chunks_exact(outputs))
                    {
                        let (row, input) = (pair / inputs, pair % inputs);
                        let matrix = &mut self.matrices[row * outputs * inputs + input..];
                        let numbers = matrix.iter_mut().step_by(inputs);
                        numbers.zip(column).for_each(|(number, product)| *number = *product);
                    }
                }
            }
        }
    }

    /// `y − A x` of every row.
    fn make_offsets(&mut self, rows: &[f32], values: &[f32]) {
        let (inputs, outputs) = (rows.len() / self.rows, self.offsets.len() / self.rows);
        let offsets = self.offsets.iter_mut().zip(values);
        let functionals = self.matrices.chunks_exact(inputs);
        for (at, ((offset, &value), functional)) in offsets.zip(functionals).enumerate() {
            let row = &rows[at / outputs * inputs..][..inputs];
            *offset = (f64::from(value) - dot(functional, row)) as f32;
        }
    }

    /// Why the tile's one row fails.
    fn failure(
        &self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let (first_row, mut values) = (self.first_row, vec![0.0; self.offsets.len()]);
        let values = &mut values[..];
        let (codes, margins): (&mut [u64], &mut [_]) = (&mut [], &mut []);
        let mut tile = Tile { first_row, rows: 1, want: Want::VALUES, values, codes, margins };
        match tile.run_or_explain(evaluator, rows, buffers) {
            Err(error) => error,
            Ok(()) => EvalError::OutOfRange { row: first_row, what: "affine map" },
        }
    }
}

/// Up to [`PANEL`] pairs of a row and an axis of the output or the input, which are counted through.
struct Pairs {
    all: Range<usize>,
    axes: usize,
}

impl Pairs {
    fn split(rows: usize, axes: usize) -> impl Iterator<Item = Self> {
        let end = rows * axes;
        (0..end)
            .step_by(PANEL)
            .map(move |start| Self { all: start..(start + PANEL).min(end), axes })
    }

    /// Puts a 1 to each lane's axis, over zeros.
    fn fill_axes(&self, lanes: &mut [f32]) {
        for (lane, pair) in self.all.clone().enumerate() {
            lanes[pair % self.axes * PANEL + lane] = 1.0;
        }
    }

    /// The bits of each lane's row, as words of lanes. Lanes without a pair repeat the last: a piece that a
    /// unit has not would be no piece.
    fn fill_planes(&self, codes: Codes<'_>, bits: usize, planes: &mut Vec<u32>) {
        planes.clear();
        planes.resize(bits, 0);
        let mut lane = 0;
        while lane < self.all.len() {
            let pair = self.all.start + lane;
            let own = self.axes - pair % self.axes;
            let last = lane + own >= self.all.len();
            let count = if last { PANEL - lane } else { own };
            let lanes = u32::MAX >> (PANEL - count);
            let code = codes.row(pair / self.axes);
            for (planes, word) in planes.chunks_mut(64).zip(code) {
                for (bit, plane) in planes.iter_mut().enumerate() {
                    *plane |= ((word >> bit & 1) as u32 * lanes) << lane;
                }
            }
            lane += count;
        }
    }
}

/// Σ aᵢ bᵢ in f64, where the products are exact, over eight partial sums, so that it runs at the speed of
/// vectors.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: f32, b: f32| f64::from(a) * f64::from(b);
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += product(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(&a, &b)| product(a, b)).sum::<f64>()
}
