//! The matrix and the offset of each row's region.
//!
//! Matrices and scalar splines alone are pulled back row by row, units that are off left out
//! ([`Chain`]). Everything else goes through the kernels with pairs across lanes: of a row and an output, from
//! the output back ([`PullPlan`]), or of a row and an input, forward, where there are fewer inputs.
//!
//! An offset is `y − A x`, summed in f64 and rounded once: `A x + b` is then the value that the network gave,
//! whatever cancels, and `b` is as wrong as `y` and `A` are. Errors of A are in proportion to the products that it is
//! the sum of, of units that are on.

use maso_simd::PANEL;

use super::linear_tile::LinearTile;
use super::pairs::Pairs;
use super::tile::{Tile, TileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want, check_length, row_tile};
use crate::linearize::dot;
use crate::pack::chain::{Chain, ChainBuffers, Codes};
use crate::pack::pull::{PullBuffers, PullPlan};

/// Rows of a tile: enough to pass over weights that are near, few enough that matrices stay near.
const TILE_ROWS: usize = 16;

/// How matrices are made.
#[derive(Debug)]
pub(super) enum JacobianPlan {
    Chain(Chain),
    Pull(PullPlan),
    /// Forward, by the evaluator's own plan.
    Push,
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct JacobianBuffers {
    values: Vec<f32>,
    planes: Vec<u32>,
    products: Vec<f32>,
    chain: ChainBuffers,
    pull: PullBuffers,
}

impl Evaluator {
    /// The affine maps `A x + b` of the regions of rows that lie in memory, one after another: each row's A,
    /// `outputs × inputs`, row after row, to `matrices`, its b to `offsets`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, a number is or becomes NaN or infinite, or the network is soft.
    pub fn jacobians_into(
        &self,
        rows: &[f32],
        matrices: &mut [f32],
        offsets: &mut [f32],
    ) -> Result<(), EvalError> {
        self.only_piecewise_affine("affine maps of regions")?;
        let (source, outputs) = (self.slice_rows(rows)?, self.outputs());
        check_length("matrices", source.count() * outputs * source.width(), matrices.len())?;
        check_length("offsets", source.count() * outputs, offsets.len())?;
        // A few tiles for each thread.
        let share = source.count().div_ceil(4 * self.threads()).clamp(1, TILE_ROWS);
        let tile_rows = self.tile_rows.unwrap_or(share).min(PANEL);
        let (rows, tangents, vectors, products) = (source.count(), &[][..], offsets, matrices);
        let all = LinearTile { first_row: 0, rows, tangents, vectors, products };
        self.spread(all.split(tile_rows), |tile, buffers| {
            tile.run_or_explain(run, "affine map", self, &source, buffers)
        })
    }

    fn jacobian_plan(&self) -> &JacobianPlan {
        self.jacobian_plan.get_or_init(|| {
            if self.network.input().len() < self.outputs() {
                return JacobianPlan::Push;
            }
            let pull = || JacobianPlan::Pull(PullPlan::new(&self.network));
            Chain::of(&self.network).map_or_else(pull, JacobianPlan::Chain)
        })
    }
}

/// Runs the tile; false if a number was or became NaN or infinite.
fn run(
    linear: &mut LinearTile<'_>,
    evaluator: &Evaluator,
    rows: &dyn Rows,
    buffers: &mut TileBuffers,
) -> Result<bool, RowError> {
    let (mut codes, mut own) =
        (std::mem::take(&mut buffers.codes), std::mem::take(&mut buffers.jacobian));
    let words = evaluator.network.layout().words();
    codes.resize(words * linear.rows, 0);
    own.values.resize(linear.vectors.len(), 0.0);
    let mut tile = Tile {
        first_row: linear.first_row,
        rows: linear.rows,
        want: Want { codes: true, ..Want::VALUES },
        values: &mut own.values,
        codes: &mut codes,
        margins: &mut [],
    };
    let mut finite = tile.run(evaluator, rows, buffers)?;
    if finite {
        let codes = Codes { rows: linear.rows, words, codes: &codes };
        let (kernels, matrices) = (evaluator.kernels, &mut *linear.products);
        match evaluator.jacobian_plan() {
            JacobianPlan::Chain(chain) => chain.jacobians(kernels, codes, matrices, &mut own.chain),
            JacobianPlan::Pull(plan) => pull(plan, evaluator, codes, matrices, &mut own),
            JacobianPlan::Push => finite = push(evaluator, codes, matrices, buffers, &mut own),
        }
        let range = linear.first_row..linear.first_row + linear.rows;
        make_offsets(linear, rows.block(range, &mut buffers.input)?, &own.values);
        finite &= kernels.finite(linear.products) && kernels.finite(linear.vectors);
    }
    (buffers.codes, buffers.jacobian) = (codes, own);
    Ok(finite)
}

/// Rows of the matrices, from the output back.
fn pull(
    plan: &PullPlan,
    evaluator: &Evaluator,
    codes: Codes<'_>,
    matrices: &mut [f32],
    own: &mut JacobianBuffers,
) {
    let (network, kernels) = (&evaluator.network, evaluator.kernels);
    let inputs = network.input().len();
    for pairs in Pairs::split(codes.rows, evaluator.outputs()) {
        pairs.fill_planes(codes, network.layout().bits(), &mut own.planes);
        let seeds = |lanes: &mut [f32]| pairs.fill_axes(lanes);
        let lanes = plan.run(kernels, &own.planes, &mut own.pull, seeds);
        let out = &mut matrices[pairs.all.start * inputs..pairs.all.end * inputs];
        kernels.from_lanes(lanes, inputs, out);
    }
}

/// Columns of the matrices, forward; false if a number on the way is NaN or infinite.
fn push(
    evaluator: &Evaluator,
    codes: Codes<'_>,
    matrices: &mut [f32],
    buffers: &mut TileBuffers,
    own: &mut JacobianBuffers,
) -> bool {
    let (inputs, outputs) = (evaluator.network.input().len(), evaluator.outputs());
    let mut finite = true;
    for pairs in Pairs::split(codes.rows, inputs) {
        own.products.resize(pairs.all.len() * outputs, 0.0);
        pairs.fill_planes(codes, evaluator.network.layout().bits(), &mut own.planes);
        let fill = |lanes: &mut [f32], planes: &mut [u32]| {
            planes.copy_from_slice(&own.planes);
            pairs.fill_axes(lanes);
        };
        // Lanes without a pair are zero, so that a row fails in any company or alone.
        finite &= row_tile::push_filled(evaluator, &mut buffers.row, fill, &mut own.products);
        for (pair, column) in pairs.all.clone().zip(own.products.chunks_exact(outputs)) {
            let (row, input) = (pair / inputs, pair % inputs);
            let numbers = matrices[row * outputs * inputs + input..].iter_mut().step_by(inputs);
            numbers.zip(column).for_each(|(number, product)| *number = *product);
        }
    }
    finite
}

/// `y − A x` of every row.
fn make_offsets(linear: &mut LinearTile<'_>, rows: &[f32], values: &[f32]) {
    let (inputs, outputs) = (rows.len() / linear.rows, values.len() / linear.rows);
    let offsets = linear.vectors.iter_mut().zip(values);
    let functionals = linear.products.chunks_exact(inputs);
    for (at, ((offset, &value), functional)) in offsets.zip(functionals).enumerate() {
        let row = &rows[at / outputs * inputs..][..inputs];
        *offset = (f64::from(value) - dot(functional, row)) as f32;
    }
}
