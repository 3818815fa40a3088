//! Jacobian-vector products: a tile's values first, then its tangents through the same steps.
//!
//! The second pass shares buffers and packed weights with the first and takes the pieces from its bits, so
//! that there is no difference to cancel. (*Fast Jacobian-Vector Product for Deep Networks*, 2021, runs
//! both as one batch and subtracts.)

use super::linear_tile::LinearTile;
use super::tile::{Tile, TileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want, check_length, row_tile, unit_tile};

impl Evaluator {
    /// Evaluates rows that lie in memory, one after another, and for each row x, in whose region the network
    /// is `A x + b`, the product `A v` with its own tangent v, as long as the row. Output values go to
    /// `values` and products to `products`, each `rows × outputs`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, a number is or becomes NaN or infinite, or the network is soft.
    pub fn jvp_into(
        &self,
        rows: &[f32],
        tangents: &[f32],
        values: &mut [f32],
        products: &mut [f32],
    ) -> Result<(), EvalError> {
        self.only_piecewise_affine("products with maps of regions")?;
        let (source, outputs) = (self.slice_rows(rows)?, self.outputs());
        check_length("tangents", rows.len(), tangents.len())?;
        check_length("values", source.count() * outputs, values.len())?;
        check_length("products", source.count() * outputs, products.len())?;
        let tile_rows = self.tile_rows(source.count(), Want::VALUES);
        let (rows, vectors) = (source.count(), values);
        let all = LinearTile { first_row: 0, rows, tangents, vectors, products };
        self.spread(all.split(tile_rows), |tile, buffers| {
            tile.run_or_explain(run, "Jacobian-vector product", self, &source, buffers)
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
    let across = evaluator.uses_row_lanes(linear.rows, Want::VALUES);
    let mut codes = std::mem::take(&mut buffers.codes);
    // With rows across lanes the bits stay where they were made.
    let words = if across { 0 } else { evaluator.network.layout().words() };
    codes.resize(words * linear.rows, 0);
    let mut tile = Tile {
        first_row: linear.first_row,
        rows: linear.rows,
        want: Want { codes: !across, ..Want::VALUES },
        values: linear.vectors,
        codes: &mut codes,
        margins: &mut [],
    };
    let (tangents, products) = (linear.tangents, &mut *linear.products);
    let finite = tile.run(evaluator, rows, buffers)?
        && if across {
            row_tile::push(linear.rows, evaluator, tangents, &mut buffers.row, products)
        } else {
            unit_tile::push(&mut tile, evaluator, tangents, &mut buffers.unit, products)
        }
        && evaluator.kernels.finite(products);
    buffers.codes = codes;
    Ok(finite)
}
