//! A block of rows whose linear maps are asked for, whatever of them: cut from all rows, run, and explained
//! where it fails.

use super::tile::{Tile, TileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want};

/// Rows, and where their results go.
pub(super) struct LinearTile<'o> {
    pub(super) first_row: usize,
    pub(super) rows: usize,
    /// A direction for each row, or none.
    pub(super) tangents: &'o [f32],
    /// As many numbers for each row as the network has outputs.
    pub(super) vectors: &'o mut [f32],
    /// Products or matrices.
    pub(super) products: &'o mut [f32],
}

/// Runs a tile; false if a number was or became NaN or infinite.
pub(super) type RunTile =
    fn(&mut LinearTile<'_>, &Evaluator, &dyn Rows, &mut TileBuffers) -> Result<bool, RowError>;

impl<'o> LinearTile<'o> {
    /// Cuts itself into tiles of `tile_rows` rows.
    pub(super) fn split(self, tile_rows: usize) -> impl Iterator<Item = LinearTile<'o>> {
        let Self { first_row, rows, mut tangents, mut vectors, mut products } = self;
        let each = [tangents.len(), vectors.len(), products.len()].map(|len| len / rows.max(1));
        (0..rows).step_by(tile_rows).map(move |start| {
            let rows = tile_rows.min(rows - start);
            let own_vectors = vectors.split_off_mut(..rows * each[1]).expect("rows of vectors");
            let own_products = products.split_off_mut(..rows * each[2]).expect("rows of products");
            LinearTile {
                first_row: first_row + start,
                rows,
                tangents: tangents.split_off(..rows * each[0]).expect("rows of tangents"),
                vectors: own_vectors,
                products: own_products,
            }
        })
    }

    /// Runs the tile. Of several rows that fail, the first is reported, whatever the tile: `what` is asked
    /// for.
    pub(super) fn run_or_explain(
        &mut self,
        run: RunTile,
        what: &'static str,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<(), EvalError> {
        if run(self, evaluator, rows, buffers)? {
            return Ok(());
        }
        let whole = LinearTile {
            first_row: self.first_row,
            rows: self.rows,
            tangents: self.tangents,
            vectors: self.vectors,
            products: self.products,
        };
        for mut one in whole.split(1) {
            if !run(&mut one, evaluator, rows, buffers)? {
                return Err(one.failure(what, evaluator, rows, buffers));
            }
        }
        unreachable!("a row's numbers do not depend on the tile it is in")
    }

    /// Why the tile's one row fails.
    fn failure(
        &mut self,
        what: &'static str,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let (row, values) = (self.first_row, &mut *self.vectors);
        let (codes, margins): (&mut [u64], &mut [_]) = (&mut [], &mut []);
        let want = Want::VALUES;
        let mut tile = Tile { first_row: row, rows: 1, want, values, codes, margins };
        if let Err(error) = tile.run_or_explain(evaluator, rows, buffers) {
            return error;
        }
        match self.tangents.iter().position(|number| !number.is_finite()) {
            Some(column) => EvalError::Tangent { row, column, value: self.tangents[column] },
            None => EvalError::OutOfRange { row, what },
        }
    }
}
