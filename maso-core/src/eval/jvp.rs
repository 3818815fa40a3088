//! Jacobian-vector products: a tile's values first, then its tangents through the same steps.
//!
//! The second pass shares buffers and packed weights with the first and takes the pieces from its bits, so
//! that there is no difference to cancel. (*Fast Jacobian-Vector Product for Deep Networks*, 2021, runs
//! both as one batch and subtracts.)

use super::tile::{Tile, TileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want, check_length, row_tile, unit_tile};

/// A block of rows with their tangents, and where the results go.
struct PairTile<'o> {
    first_row: usize,
    rows: usize,
    tangents: &'o [f32],
    values: &'o mut [f32],
    products: &'o mut [f32],
}

impl Evaluator {
    /// Evaluates rows that lie in memory, one after another, and for each row x, in whose region the network
    /// is `A x + b`, the product `A v` with its own tangent v, as long as the row. Output values go to
    /// `values` and products to `products`, each `rows × outputs`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a number is or becomes NaN or infinite.
    pub fn jvp_into(
        &self,
        rows: &[f32],
        tangents: &[f32],
        values: &mut [f32],
        products: &mut [f32],
    ) -> Result<(), EvalError> {
        let (source, outputs) = (self.slice_rows(rows)?, self.outputs());
        check_length("tangents", rows.len(), tangents.len())?;
        check_length("values", source.count() * outputs, values.len())?;
        check_length("products", source.count() * outputs, products.len())?;
        let tile_rows = self.tile_rows(source.count(), Want::VALUES);
        let results = values.chunks_mut(tile_rows * outputs);
        let results = results.zip(products.chunks_mut(tile_rows * outputs));
        let tiles = tangents.chunks(tile_rows * source.width()).zip(results);
        let tiles = tiles.enumerate().map(|(i, (tangents, (values, products)))| PairTile {
            first_row: i * tile_rows,
            rows: tangents.len() / source.width(),
            tangents,
            values,
            products,
        });
        self.spread(tiles, |tile, buffers| tile.run_or_explain(self, &source, buffers))
    }
}

impl PairTile<'_> {
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
        let (width, outputs) = (self.tangents.len() / self.rows, self.values.len() / self.rows);
        for row in 0..self.rows {
            let mut one = PairTile {
                first_row: self.first_row + row,
                rows: 1,
                tangents: &self.tangents[row * width..][..width],
                values: &mut self.values[row * outputs..][..outputs],
                products: &mut self.products[row * outputs..][..outputs],
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
        let kernels = evaluator.kernels;
        let across = evaluator.uses_row_lanes(self.rows, Want::VALUES);
        let mut codes = std::mem::take(&mut buffers.codes);
        // With rows across lanes the bits stay where they were made.
        let words = if across { 0 } else { evaluator.network.layout().words() };
        codes.resize(words * self.rows, 0);
        let mut tile = Tile {
            first_row: self.first_row,
            rows: self.rows,
            want: Want { codes: !across, ..Want::VALUES },
            values: self.values,
            codes: &mut codes,
            margins: &mut [],
        };
        let mut finite = tile.run(evaluator, rows, buffers)?;
        if finite && across {
            let (tangents, row) = (self.tangents, &mut buffers.row);
            finite = row_tile::push(self.rows, evaluator, tangents, row, self.products);
        } else if finite {
            let (tangents, unit) = (self.tangents, &mut buffers.unit);
            finite = unit_tile::push(&mut tile, evaluator, tangents, unit, self.products);
        }
        buffers.codes = codes;
        Ok(finite && kernels.finite(self.products))
    }

    /// Why the tile's one row fails.
    fn failure(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let (first_row, values) = (self.first_row, &mut *self.values);
        let (codes, margins): (&mut [u64], &mut [_]) = (&mut [], &mut []);
        let mut tile = Tile { first_row, rows: 1, want: Want::VALUES, values, codes, margins };
        if let Err(error) = tile.run_or_explain(evaluator, rows, buffers) {
            return error;
        }
        let row = first_row;
        match self.tangents.iter().position(|number| !number.is_finite()) {
            Some(column) => EvalError::Tangent { row, column, value: self.tangents[column] },
            None => EvalError::OutOfRange { row, what: "Jacobian-vector product" },
        }
    }
}
