//! Numbers that begin at the start of a cache line, so that no register-wide load straddles two.

use std::ops::{Deref, DerefMut};

/// Numbers in a cache line.
const LINE: usize = 16;

/// A list of f32 whose first lies at a multiple of 64 bytes.
#[derive(Debug, Default)]
pub struct Aligned {
    /// The list, somewhere in a slightly larger one.
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        let data = vec![0.0f32; len + LINE - 1];
        // A platform that cannot tell leaves the list unaligned, which is slower and nothing else.
        let start = data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE - 1);
        Self { data, start, len }
    }

    /// At least `len` numbers; what they were is lost when the list grows.
    pub fn at_least(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            *self = Self::zeros(len);
        }
        &mut self[..len]
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[self.start..][..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..][..self.len]
    }
}
