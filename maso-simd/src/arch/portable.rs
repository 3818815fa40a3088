//! The portable tier: `wide`'s 8-lane vectors, compiled for whatever the build's baseline is.
//!
//! `wide` picks its instructions when it is compiled, so this tier multiplies and adds separately
//! everywhere: the bits do not depend on the build.

use wide::f32x8;

use crate::kernel::{self, Vector};
use crate::kernels::{AffineBlock, Combine, ExtremeBlock, Kernels};
use crate::{PANEL, Tier, reference};

pub(crate) static KERNELS: Kernels = Kernels { tier: Tier::Portable, affine, combine, extreme };

fn affine(block: &AffineBlock<'_>, out: &mut [f32], ldo: usize, fields: &mut [u64]) -> bool {
    kernel::affine::<f32x8, 4, 1>(block, out, ldo, fields)
}

fn combine(sum: &Combine<'_>, out: &mut [f32], fields: &mut [u64]) -> bool {
    kernel::combine::<f32x8>(sum, out, fields, reference::combine_from)
}

fn extreme(block: &ExtremeBlock<'_>, out: &mut [f32; PANEL], winner: &mut [u32; PANEL]) {
    kernel::extreme::<f32x8>(block, out, winner);
}

impl Vector for f32x8 {
    const LANES: usize = 8;
    type Mask = Self;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self::splat(value)
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let lanes: &[f32; 8] = from.first_chunk().expect("a register of lanes");
        Self::new(*lanes)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        *to.first_chunk_mut().expect("a register of lanes") = self.to_array();
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    #[inline(always)]
    fn gt(self, other: Self) -> Self {
        self.simd_gt(other)
    }

    #[inline(always)]
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        mask.select(yes, no)
    }

    #[inline(always)]
    fn bits(mask: Self) -> u32 {
        mask.to_bitmask()
    }
}
