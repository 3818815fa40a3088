//! Region codes: which bits of a row's words belong to which unit.
//!
//! Layers follow one another in file order, units in row-major order of the node's output tensor. A
//! unit with R pieces has ceil(log2 R) bits, its piece's index with the low bit first; the first unit
//! has the lowest bits of word 0; fields may straddle words, and spare bits are 0. A code written as
//! little-endian `u64` words unpacks in numpy with
//! `np.unpackbits(c.view(np.uint8), axis=1, bitorder='little')[:, :bits]`.

use maso_simd::bits;

use crate::network::{Node, NodeId};

/// One nonlinear layer and its place in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    node: NodeId,
    name: String,
    op: String,
    shape: Vec<usize>,
    pieces: usize,
    first_bit: usize,
}

impl Layer {
    pub(crate) fn new(id: NodeId, node: &Node, pieces: usize) -> Self {
        let (name, op, shape) = (node.name.clone(), node.op.clone(), node.shape.clone());
        Self { node: id, name, op, shape, pieces, first_bit: 0 }
    }

    /// The network's node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The file's node name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's operator.
    #[must_use]
    pub fn op(&self) -> &str {
        &self.op
    }

    /// Shape of its output for one row.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its units: the scalars of its output.
    #[must_use]
    pub fn units(&self) -> usize {
        self.shape.iter().product()
    }

    /// Pieces of each unit.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.pieces
    }

    /// Bits of each unit.
    #[must_use]
    pub fn unit_bits(&self) -> usize {
        bits::width(self.pieces)
    }

    /// Bits of the layer.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.units() * self.unit_bits()
    }

    /// Position of its first bit in the code.
    #[must_use]
    pub fn first_bit(&self) -> usize {
        self.first_bit
    }

    /// The piece of `unit` in a row's `code`.
    #[must_use]
    pub fn piece(&self, code: &[u64], unit: usize) -> usize {
        let at = self.first_bit + unit * self.unit_bits();
        bits::extract(code, at, self.unit_bits()) as usize
    }

    /// Writes the piece of `unit` into a `code` that has no bits there yet.
    pub fn set_piece(&self, code: &mut [u64], unit: usize, piece: usize) {
        if self.unit_bits() > 0 {
            let at = self.first_bit + unit * self.unit_bits();
            bits::insert(code, at, piece as u64, self.unit_bits());
        }
    }

    /// Writes the piece of `unit` over the one that is there.
    pub(crate) fn replace_piece(&self, code: &mut [u64], unit: usize, piece: usize) {
        let at = self.first_bit + unit * self.unit_bits();
        for bit in 0..self.unit_bits() {
            let (word, place) = ((at + bit) / 64, (at + bit) % 64);
            code[word] = code[word] & !(1 << place) | ((piece >> bit & 1) as u64) << place;
        }
    }

    /// Copies the layer's own bits out of a row's `code`, to start at bit 0 of `own`.
    pub fn copy_bits(&self, code: &[u64], own: &mut [u64]) {
        for (i, word) in own.iter_mut().enumerate() {
            let len = (self.bits() - i * 64).min(64);
            *word = bits::extract(code, self.first_bit + i * 64, len);
        }
    }

    /// Writes the layer's own bits, which start at bit 0 of `own`, into a `code` that has none there yet.
    pub(crate) fn put_bits(&self, code: &mut [u64], own: &[u64]) {
        for at in (0..self.bits()).step_by(64) {
            let len = (self.bits() - at).min(64);
            bits::insert(code, self.first_bit + at, bits::extract(own, at, len), len);
        }
    }
}

/// All layers of a network and the size of its codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeLayout {
    layers: Vec<Layer>,
    bits: usize,
}

impl CodeLayout {
    pub(crate) fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        let mut layout = Self::default();
        for mut layer in layers {
            layer.first_bit = layout.bits;
            layout.bits += layer.bits();
            layout.layers.push(layer);
        }
        layout
    }

    /// The layers, in file order.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Bits of a code.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// `u64` words of a code.
    #[must_use]
    pub fn words(&self) -> usize {
        self.bits.div_ceil(64)
    }

    /// Units of all layers.
    #[must_use]
    pub fn units(&self) -> usize {
        self.layers.iter().map(Layer::units).sum()
    }

    /// The number, among all units, of the first unit of a layer.
    #[must_use]
    pub fn first_unit(&self, layer: usize) -> usize {
        self.layers[..layer].iter().map(Layer::units).sum()
    }

    /// The layer of `unit` (numbered through all layers, in code order), and its number there.
    #[must_use]
    pub fn place(&self, mut unit: usize) -> Option<(usize, usize)> {
        for (index, layer) in self.layers.iter().enumerate() {
            if unit < layer.units() {
                return Some((index, unit));
            }
            unit -= layer.units();
        }
        None
    }
}
