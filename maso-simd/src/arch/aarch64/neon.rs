//! The NEON tier: 4 lanes, fused multiply-add. Every 64-bit ARM processor that Rust's targets name has
//! it; [`Kernels::of`](crate::Kernels::of) checks all the same.
//!
//! Safety of the whole file: NEON instructions run only below the functions of [`KERNELS`], and
//! [`Kernels::of`](crate::Kernels::of) hands that table out only where the processor has them. Nothing else names [`Quad`].

use std::arch::aarch64::*;

use crate::Tier;
use crate::kernel::{Double, Lanes, Vector, tier_kernels};

tier_kernels! {
    Tier::Neon, vector: Quad, double: QuadDouble, features: "neon",
    panel: (6, 4, 0), windows: 2, product: (6, 4)
}

/// 4 lanes.
#[derive(Clone, Copy)]
pub(crate) struct Quad(float32x4_t);

/// One truth value for each lane: all bits or none.
#[derive(Clone, Copy)]
pub(crate) struct QuadMask(uint32x4_t);

/// The bit that each lane's truth gives.
static LANE_BITS: [u32; 4] = [1, 2, 4, 8];

impl Lanes for Quad {
    type Number = f32;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let lanes: &[f32; 4] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 4 numbers are there; the processor has NEON (see the file's head).
        Self(unsafe { vld1q_f32(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let lanes: &mut [f32; 4] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 4 numbers; the processor has NEON (see the file's head).
        unsafe { vst1q_f32(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vfmaq_f32(addend.0, self.0, factor.0) })
    }
}

impl Vector for Quad {
    type Mask = QuadMask;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vsubq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vdivq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn exponent_bits(self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { exponent_bits(self.0) })
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { exponent(self.0) })
    }

    #[inline(always)]
    fn with_sign_of(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { with_sign_of(self.0, other.0) })
    }

    #[inline(always)]
    fn gt(self, other: Self) -> QuadMask {
        // SAFETY: the processor has NEON (see the file's head).
        QuadMask(unsafe { vcgtq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn select(mask: QuadMask, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vbslq_f32(mask.0, yes.0, no.0) })
    }

    #[inline(always)]
    fn mask(bits: u32) -> QuadMask {
        // SAFETY: LANE_BITS has 4 numbers; the processor has NEON (see the file's head).
        let places = unsafe { vld1q_u32(LANE_BITS.as_ptr()) };
        // SAFETY: the processor has NEON (see the file's head).
        let all = unsafe { vdupq_n_u32(bits) };
        // SAFETY: the processor has NEON (see the file's head).
        QuadMask(unsafe { vtstq_u32(all, places) })
    }

    #[inline(always)]
    fn bits(mask: QuadMask) -> u32 {
        // SAFETY: LANE_BITS has 4 numbers; the processor has NEON (see the file's head).
        let places = unsafe { vld1q_u32(LANE_BITS.as_ptr()) };
        // SAFETY: the processor has NEON (see the file's head).
        let set = unsafe { vandq_u32(mask.0, places) };
        // SAFETY: the processor has NEON (see the file's head).
        unsafe { vaddvq_u32(set) }
    }

    #[inline(always)]
    fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
        for column in 0..4 {
            for row in 0..4 {
                to[column * to_stride + row] = from[row * from_stride + column];
            }
        }
    }
}

/// The lowest bits moved to the top, where exponents are.
#[inline]
#[target_feature(enable = "neon")]
fn exponent_bits(number: float32x4_t) -> float32x4_t {
    vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(number)))
}

/// What stands where exponents are, as a number.
#[inline]
#[target_feature(enable = "neon")]
fn exponent(number: float32x4_t) -> float32x4_t {
    let field = vshrq_n_u32::<23>(vreinterpretq_u32_f32(number));
    vsubq_f32(vcvtq_f32_u32(field), vdupq_n_f32(127.0))
}

#[inline]
#[target_feature(enable = "neon")]
fn with_sign_of(size: float32x4_t, sign: float32x4_t) -> float32x4_t {
    vbslq_f32(vdupq_n_u32(1 << 31), sign, size)
}

/// 2 lanes of f64.
#[derive(Clone, Copy)]
pub(crate) struct QuadDouble(float64x2_t);

impl Lanes for QuadDouble {
    type Number = f64;
    const LANES: usize = 2;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vdupq_n_f64(value) })
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let lanes: &[f64; 2] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 2 numbers are there; the processor has NEON (see the file's head).
        Self(unsafe { vld1q_f64(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let lanes: &mut [f64; 2] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 2 numbers; the processor has NEON (see the file's head).
        unsafe { vst1q_f64(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vfmaq_f64(addend.0, self.0, factor.0) })
    }
}

impl Double for QuadDouble {
    type Mask = uint64x2_t;
    const IS_FUSED: bool = true;

    #[inline(always)]
    fn gt(self, other: Self) -> uint64x2_t {
        // SAFETY: the processor has NEON (see the file's head).
        unsafe { vcgtq_f64(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: uint64x2_t, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vbslq_f64(mask, yes.0, no.0) })
    }

    #[inline(always)]
    fn bits(mask: uint64x2_t) -> u32 {
        // SAFETY: the processor has NEON (see the file's head).
        let first = unsafe { vgetq_lane_u64::<0>(mask) };
        // SAFETY: the processor has NEON (see the file's head).
        let second = unsafe { vgetq_lane_u64::<1>(mask) };
        (first & 1 | second & 2) as u32
    }

    #[inline(always)]
    fn widen(from: &[f32]) -> Self {
        let lanes: &[f32; 2] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 2 numbers are there; the processor has NEON (see the file's head).
        let narrow = unsafe { vld1_f32(lanes.as_ptr()) };
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vcvt_f64_f32(narrow) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vabsq_f64(self.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: the processor has NEON (see the file's head).
        Self(unsafe { vmaxq_f64(self.0, other.0) })
    }
}
