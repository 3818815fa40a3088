//! One file for each instruction set: the vector type, the block shape, the table of kernels.

pub(crate) mod portable;
