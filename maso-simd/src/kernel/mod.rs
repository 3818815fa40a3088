//! The kernels, written once: generic over a vector type and the block shape.

mod affine;
mod combine;
mod extreme;
mod spline;
mod vector;

pub(crate) use affine::affine;
pub(crate) use combine::combine;
pub(crate) use extreme::extreme;
pub(crate) use vector::Vector;
