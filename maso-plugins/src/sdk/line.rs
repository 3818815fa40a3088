//! What soft inference reads and writes: a line of at most [`CHUNK`] numbers.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "views of the host's arrays are made from pointers and strides")]

use crate::{abi, sdk::Real};
use std::{fmt, marker::PhantomData, ptr::NonNull, slice};

/// The most numbers of a [`Line`].
pub const CHUNK: usize = 256;

/// Lists of a [`Line`] to compute with.
pub const SCRATCH: usize = 4;

/// Pre-activations, and a place for each result that is wanted. All have the same length, at most [`CHUNK`].
#[derive(Debug)]
pub struct Line<'a, S> {
    /// Pre-activations.
    pub input: &'a [S],
    /// Values.
    pub value: Option<&'a mut [S]>,
    /// Derivatives of the values by the pre-activations.
    pub derivative: Option<&'a mut [S]>,
    /// Memberships of the pieces.
    pub membership: Option<Membership<'a, S>>,
    /// Lists to compute with, so that nothing need be allocated. What is in them means nothing.
    pub scratch: [&'a mut [S]; SCRATCH],
}

/// A place for the membership of each piece.
pub struct Membership<'a, S> {
    first: *mut S,
    stride: usize,
    pieces: usize,
    length: usize,
    array: PhantomData<&'a mut [S]>,
}

impl<S> Membership<'_, S> {
    /// How many pieces.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.pieces
    }

    /// A place for the memberships of a piece.
    ///
    /// # Panics
    ///
    /// If there is no such piece.
    pub fn piece(&mut self, piece: usize) -> &mut [S] {
        assert!(piece < self.pieces, "piece {piece} of {}", self.pieces);
        // SAFETY: the host's array holds all pieces at this stride.
        let start = unsafe { self.first.add(piece * self.stride) };
        // SAFETY: `length` numbers of the host's array, which no other view covers while `self` is borrowed.
        unsafe { slice::from_raw_parts_mut(start, self.length) }
    }
}

impl<S> fmt::Debug for Membership<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("pieces", &self.pieces)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A block whose counts fit this machine.
pub(super) struct Lines<S> {
    block: abi::Block<S>,
    lines: usize,
    length: usize,
    pieces: usize,
}

impl<S: Real> Lines<S> {
    /// `None` if a count or a stride fits no array.
    ///
    /// # Safety
    ///
    /// The block is the host's, for an instance with so many pieces, and its call is in progress.
    pub(super) unsafe fn new(block: abi::Block<S>, pieces: usize) -> Option<Self> {
        let strides = [
            block.input_stride,
            block.value_stride,
            block.derivative_stride,
            block.membership_line_stride,
            block.membership_piece_stride,
        ];
        let fits = |count: u64| isize::try_from(count).is_ok();
        let (lines, length) = (block.lines.try_into().ok()?, block.length.try_into().ok()?);
        strides.into_iter().all(fits).then_some(Self { block, lines, length, pieces })
    }

    /// Calls `each` for all lines, in chunks.
    pub(super) fn try_for_each<E>(
        &mut self,
        mut each: impl FnMut(Line<'_, S>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut scratch = [[S::default(); CHUNK]; SCRATCH];
        for line in 0..self.lines {
            for start in (0..self.length).step_by(CHUNK) {
                each(self.chunk(line, start, &mut scratch))?;
            }
        }
        Ok(())
    }

    fn chunk<'a>(
        &'a mut self,
        line: usize,
        start: usize,
        scratch: &'a mut [[S; CHUNK]; SCRATCH],
    ) -> Line<'a, S> {
        let length = CHUNK.min(self.length - start);
        let place = |array: *mut S, stride: u64| self.place(array, stride, line, start);
        let input = place(self.block.input.cast_mut(), self.block.input_stride);
        let input = input.unwrap_or(NonNull::dangling().as_ptr());
        let value = place(self.block.value, self.block.value_stride);
        let derivative = place(self.block.derivative, self.block.derivative_stride);
        let membership = place(self.block.membership, self.block.membership_line_stride);
        // SAFETY: the header: `length` numbers from there on are the host's input, which nobody writes.
        let input = unsafe { slice::from_raw_parts(input, length) };
        // SAFETY: the header: so many numbers from there on are the host's, and no two arrays overlap. The view
        // ends with the borrow of `self`, so that there is one at a time.
        let value = value.map(|at| unsafe { slice::from_raw_parts_mut(at, length) });
        // SAFETY: as for values.
        let derivative = derivative.map(|at| unsafe { slice::from_raw_parts_mut(at, length) });
        let (stride, pieces) = (self.block.membership_piece_stride, self.pieces);
        let membership = membership.map(|first| Membership {
            first,
            // `new` has seen that it fits.
            stride: usize::try_from(stride).unwrap_or(0),
            pieces,
            length,
            array: PhantomData,
        });
        let scratch = scratch.each_mut().map(|list| &mut list[..length]);
        Line { input, value, derivative, membership, scratch }
    }

    /// Where a chunk begins in an array; `None` if the array is not wanted.
    fn place(&self, array: *mut S, stride: u64, line: usize, start: usize) -> Option<*mut S> {
        // `new` has seen that it fits.
        let stride = usize::try_from(stride).ok()?;
        // SAFETY: the header: the number at this place is in the array.
        (!array.is_null()).then(|| unsafe { array.add(line * stride + start) })
    }
}
