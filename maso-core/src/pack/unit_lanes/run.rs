//! What a step sees of a tile: its inputs' rows, its output's rows, the code words.

use maso_simd::{Gate, Kernels, Occupied, PANEL, Param, bits};

use crate::pack::{Pass, StepMargins};

/// Rows of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowsView<'a> {
    pub(crate) data: &'a [f32],
    /// Distance between rows.
    pub(crate) stride: usize,
}

impl<'a> RowsView<'a> {
    /// The first `len` numbers of `row`.
    pub(crate) fn row(&self, row: usize, len: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..len]
    }
}

/// What is known of zeros in a step's first input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Zeros<'a> {
    Unknown,
    /// Which numbers of each row are not zero, where it pays to pass over those that are.
    Known(Option<&'a Occupied>),
}

/// One step over one tile.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) pass: Pass,
    pub(crate) rows: usize,
    pub(crate) inputs: &'a [RowsView<'a>],
    pub(crate) zeros: Zeros<'a>,
    pub(crate) out: &'a mut [f32],
    pub(crate) out_stride: usize,
    /// The tile's code words: zero where values will write, `None` if codes are not asked for.
    pub(crate) codes: Option<&'a mut [u64]>,
    /// Words of one row's code.
    pub(crate) words: usize,
    /// Where the step's bits begin.
    pub(crate) first_bit: usize,
    /// Where margins go, if they are asked for: one for each row. Steps with windows keep none.
    pub(crate) margins: Option<StepMargins<'a>>,
}

impl Run<'_> {
    /// The first `len` numbers of an output row.
    pub(crate) fn out_row(&mut self, row: usize, len: usize) -> &mut [f32] {
        &mut self.out[row * self.out_stride..][..len]
    }

    /// Writes `bits` bits of `field` at bit `at` of the step's part of a row's code.
    #[inline]
    pub(crate) fn put_bits(&mut self, row: usize, at: usize, field: u64, bits: usize) {
        if bits > 0
            && let Some(codes) = self.codes.as_deref_mut()
        {
            let code = &mut codes[row * self.words..][..self.words];
            bits::insert(code, self.first_bit + at, field, bits);
        }
    }
}

impl Run<'_> {
    /// Writes `bits` bits of each row's field at bit `at` of the step's part of its code.
    #[inline]
    pub(crate) fn put_fields(&mut self, at: usize, fields: &[u64], bits: usize) {
        let (words, first) = (self.words, self.first_bit + at);
        let Some(codes) = self.codes.as_deref_mut().filter(|_| bits > 0) else { return };
        let (mask, word, shift) = (bits::low_mask(bits), first / 64, first % 64);
        let rows = codes.chunks_exact_mut(words).zip(fields);
        if shift + bits <= 64 {
            rows.for_each(|(code, field)| code[word] |= (field & mask) << shift);
        } else {
            rows.for_each(|(code, field)| bits::insert(code, first, *field, bits));
        }
    }
}

impl Run<'_> {
    /// The piece of `unit`, of `bits` bits, in a row's code.
    pub(super) fn piece(&self, row: usize, unit: usize, bits: usize) -> usize {
        let codes = self.codes.as_deref().expect("tangents follow values that made codes");
        let code = &codes[row * self.words..][..self.words];
        bits::extract(code, self.first_bit + unit * bits, bits) as usize
    }

    /// Multiplies `len` numbers of a row, from unit `first` on, by the slopes of their pieces.
    pub(super) fn gate(
        &mut self,
        row: usize,
        first: usize,
        len: usize,
        slopes: &[Param<'_>],
        planes: &mut Vec<u32>,
    ) {
        let width = bits::width(slopes.len());
        let codes = self.codes.as_deref().expect("tangents follow values that made codes");
        let code = &codes[row * self.words..][..self.words];
        planes.clear();
        for start in (0..len).step_by(PANEL) {
            let live = (len - start).min(PANEL) * width;
            let field = bits::extract(code, self.first_bit + (first + start) * width, live);
            match width {
                0 => {}
                1 => planes.push(field as u32),
                _ => planes.extend(<[u32; 2]>::from(bits::deinterleave(field))),
            }
        }
        let numbers = &mut self.out[row * self.out_stride + first..][..len];
        self.kernels.gate(&Gate { slopes, planes }, numbers);
    }
}

/// Working memory that steps share, kept from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Gathered inputs, lanes side by side.
    pub(crate) panel: Vec<f32>,
    /// A block of outputs.
    pub(crate) block: Vec<f32>,
    /// Its field words.
    pub(crate) fields: Vec<u64>,
    /// Bits of a row's units.
    pub(crate) planes: Vec<u32>,
    /// Inputs that are not zero.
    pub(crate) occupied: Occupied,
}

/// `buffer` with at least `len` entries.
pub(crate) fn at_least<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}
