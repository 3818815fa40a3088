//! Where rows come from.

use std::ops::Range;

use super::RowError;

/// A data set: rows of equal width that can be read in blocks, from any thread.
pub trait Rows: Sync {
    /// How many rows.
    fn count(&self) -> usize;

    /// Numbers in each row.
    fn width(&self) -> usize;

    /// The rows of `range`, one after another: in place where the data allow that, else converted
    /// into `buffer`.
    ///
    /// # Errors
    /// If the rows cannot be read.
    fn block<'a>(
        &'a self,
        range: Range<usize>,
        buffer: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], RowError>;
}

/// Rows that lie in memory.
#[derive(Clone, Copy, Debug)]
pub struct SliceRows<'d> {
    data: &'d [f32],
    width: usize,
}

impl<'d> SliceRows<'d> {
    /// Rows of `width` numbers; `None` if `data` is not whole rows.
    #[must_use]
    pub fn new(data: &'d [f32], width: usize) -> Option<Self> {
        (width > 0 && data.len().is_multiple_of(width)).then_some(Self { data, width })
    }
}

impl Rows for SliceRows<'_> {
    fn count(&self) -> usize {
        self.data.len() / self.width
    }

    fn width(&self) -> usize {
        self.width
    }

    fn block<'a>(
        &'a self,
        range: Range<usize>,
        _: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], RowError> {
        Ok(&self.data[range.start * self.width..range.end * self.width])
    }
}
