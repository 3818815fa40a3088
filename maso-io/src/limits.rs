//! How much a file may ask for before it is refused.

/// Bounds on what readers accept, checked before anything is allocated for it. The defaults are beyond
/// what real models and data need and within what a workstation has; the fields can be changed.
///
/// ```
/// let mut limits = maso_io::Limits::default();
/// limits.nodes = 500;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a model file (side files count on their own).
    pub model_bytes: u64,
    /// Bytes of an architecture description.
    pub architecture_bytes: u64,
    /// Constant tensors of a model, or arrays of an archive.
    pub tensors: usize,
    /// Axes of a tensor.
    pub rank: usize,
    /// Numbers of one constant tensor.
    pub elements: usize,
    /// Bytes that the constant tensors of a model may take in memory, all told.
    pub constant_bytes: u64,
    /// Nodes of a model.
    pub nodes: usize,
    /// Columns of a table.
    pub columns: usize,
    /// Numbers that a data set may have which is held in memory (a table that is not mapped).
    pub held_numbers: usize,
    /// Bytes that compressed data may become, all told.
    pub inflated_bytes: u64,
    /// How many times their size compressed data may become, once they are beyond 64 MiB.
    pub inflate_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            model_bytes: 1 << 34,
            architecture_bytes: 1 << 20,
            tensors: 1 << 18,
            rank: 32,
            elements: 1 << 31,
            constant_bytes: 1 << 34,
            nodes: 1 << 18,
            columns: 1 << 20,
            held_numbers: 1 << 31,
            inflated_bytes: 1 << 34,
            inflate_ratio: 200,
        }
    }
}

/// Compressed data up to this may become whatever they claim.
const SMALL: u64 = 64 << 20;

impl Limits {
    /// Bytes that `compressed` bytes may become.
    pub(crate) fn most_inflated(&self, compressed: u64) -> u64 {
        compressed.saturating_mul(self.inflate_ratio).max(SMALL).min(self.inflated_bytes)
    }

    /// Whether a tensor of `shape` is within the limits; its number of elements.
    pub(crate) fn check_shape(&self, shape: &[usize]) -> Result<usize, String> {
        if shape.len() > self.rank {
            return Err(format!(
                "it has {} axes, the limit is {} (Limits::rank): the file is damaged; copy or export it \
                 again",
                shape.len(),
                self.rank
            ));
        }
        // Extents of 0 must not hide others that overflow.
        let product = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent.max(1)));
        match product {
            Some(n) if n <= self.elements => Ok(shape.iter().product()),
            _ => Err(format!(
                "its shape {shape:?} claims more than {} elements (Limits::elements): the file is damaged, \
                 or beyond what is read; export it again",
                self.elements
            )),
        }
    }
}
