//! The fused tiers of x86-64 processors, chosen at run time.

pub(crate) mod avx2;
pub(crate) mod avx512;
