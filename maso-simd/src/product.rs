//! Sums of chosen rows of a matrix: the products that linearisation is made of, where the units that are off
//! are left out of both factors.

/// Columns come in blocks of this many.
pub const PRODUCT_LANES: usize = 16;

/// `Σ_k factors[r][k] · matrix[chosen[k]][c]` for every row r and column c, in the order of `chosen`.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a, N> {
    /// Row r starts at `r * ldf` and has a factor for each chosen row of the matrix.
    pub factors: &'a [N],
    /// Distance between rows of `factors`.
    pub ldf: usize,
    /// Rows of the result.
    pub rows: usize,
    /// Row i starts at `i * ldm`.
    pub matrix: &'a [N],
    /// Distance between rows of `matrix`.
    pub ldm: usize,
    /// Which rows of the matrix are summed.
    pub chosen: &'a [u32],
    /// Columns, a multiple of [`PRODUCT_LANES`].
    pub columns: usize,
}

impl<N> Product<'_, N> {
    pub(crate) fn check(&self, out: usize, ldo: usize) {
        assert!(self.columns.is_multiple_of(PRODUCT_LANES), "whole blocks of columns");
        assert!(self.rows < 2 || ldo >= self.columns, "rows of the result do not overlap");
        let needed = |row: usize, ld: usize, len: usize| row * ld + len;
        if let Some(last) = self.rows.checked_sub(1) {
            assert!(out >= needed(last, ldo, self.columns), "out is short");
            assert!(
                self.factors.len() >= needed(last, self.ldf, self.chosen.len()),
                "a factor for each chosen row"
            );
        }
        if let Some(&last) = self.chosen.iter().max() {
            assert!(
                self.matrix.len() >= needed(last as usize, self.ldm, self.columns),
                "the matrix has not all chosen rows"
            );
        }
    }
}
