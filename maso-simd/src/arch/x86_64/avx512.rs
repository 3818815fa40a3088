//! The AVX-512 tier: 16 lanes, fused multiply-add, masks in registers of their own.
//!
//! Safety of the whole file: instructions of AVX-512F run only below the functions of [`KERNELS`], and
//! [`Kernels::of`](crate::Kernels::of) hands that table out only where the processor has them. Nothing else names [`Zmm`].

use std::arch::x86_64::*;

use crate::Tier;
use crate::kernel::{Double, Lanes, Vector, tier_kernels};

tier_kernels! {
    Tier::Avx512, vector: Zmm, double: ZmmDouble, features: "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,bmi2,popcnt",
    panel: (8, 2, 6), windows: 2, product: (12, 2)
}

/// 16 lanes.
#[derive(Clone, Copy)]
pub(crate) struct Zmm(__m512);

impl Lanes for Zmm {
    type Number = f32;
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let lanes: &[f32; 16] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 16 numbers are there; the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_loadu_ps(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let lanes: &mut [f32; 16] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 16 numbers; the processor has AVX-512F (see the file's head).
        unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }
}

impl Vector for Zmm {
    type Mask = __mmask16;
    const HAS_MASKS: bool = true;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn exponent_bits(self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { exponent_bits(self.0) })
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { exponent(self.0) })
    }

    #[inline(always)]
    fn with_sign_of(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { with_sign_of(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_abs_ps(self.0) })
    }

    #[inline(always)]
    fn gt(self, other: Self) -> __mmask16 {
        // SAFETY: the processor has AVX-512F (see the file's head).
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: __mmask16, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_mask_blend_ps(mask, no.0, yes.0) })
    }

    #[inline(always)]
    fn bits(mask: __mmask16) -> u32 {
        mask.into()
    }

    #[inline(always)]
    fn mask(bits: u32) -> __mmask16 {
        bits as __mmask16
    }

    #[inline(always)]
    fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
        let mut rows = [Self::splat(0.0); 16];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = Self::load(&from[i * from_stride..]);
        }
        // SAFETY: the processor has AVX-512F (see the file's head).
        let columns = unsafe { transposed(rows.map(|row| row.0)) };
        for (i, column) in columns.into_iter().enumerate() {
            Self(column).store(&mut to[i * to_stride..]);
        }
    }
}

/// The lowest bits moved to the top, where exponents are.
#[inline]
#[target_feature(enable = "avx512f")]
fn exponent_bits(number: __m512) -> __m512 {
    _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(number)))
}

/// What stands where exponents are, as a number.
#[inline]
#[target_feature(enable = "avx512f")]
fn exponent(number: __m512) -> __m512 {
    let field = _mm512_srli_epi32::<23>(_mm512_castps_si512(number));
    _mm512_sub_ps(_mm512_cvtepi32_ps(field), _mm512_set1_ps(127.0))
}

/// Bit for bit: the second where the first is set, the third elsewhere.
#[inline]
#[target_feature(enable = "avx512f")]
fn with_sign_of(size: __m512, sign: __m512) -> __m512 {
    let (top, size) = (_mm512_set1_epi32(i32::MIN), _mm512_castps_si512(size));
    let number = _mm512_ternarylogic_epi32::<0b1100_1010>(top, _mm512_castps_si512(sign), size);
    _mm512_castsi512_ps(number)
}

/// 16 registers turned about their diagonal: by single lanes, pairs, quarters and halves.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: [__m512; 16]) -> [__m512; 16] {
    let (mut a, mut b) = (rows, rows);
    for i in 0..8 {
        a[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    let pairs = |low: __m512, high: __m512| {
        let (low, high) = (_mm512_castps_pd(low), _mm512_castps_pd(high));
        let first = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        (first, _mm512_castpd_ps(_mm512_unpackhi_pd(low, high)))
    };
    for i in (0..16).step_by(4) {
        (b[i], b[i + 1]) = pairs(a[i], a[i + 2]);
        (b[i + 2], b[i + 3]) = pairs(a[i + 1], a[i + 3]);
    }
    // b[4 i + j] now has, in each quarter q, column 4 q + j of rows 4 i .. 4 i + 4.
    let (mut c, mut out) = (b, b);
    for j in 0..4 {
        for half in [0, 8] {
            c[half + j] = _mm512_shuffle_f32x4::<0b10_00_10_00>(b[half + j], b[half + 4 + j]);
            c[half + 4 + j] = _mm512_shuffle_f32x4::<0b11_01_11_01>(b[half + j], b[half + 4 + j]);
        }
        out[j] = _mm512_shuffle_f32x4::<0b10_00_10_00>(c[j], c[8 + j]);
        out[8 + j] = _mm512_shuffle_f32x4::<0b11_01_11_01>(c[j], c[8 + j]);
        out[4 + j] = _mm512_shuffle_f32x4::<0b10_00_10_00>(c[4 + j], c[12 + j]);
        out[12 + j] = _mm512_shuffle_f32x4::<0b11_01_11_01>(c[4 + j], c[12 + j]);
    }
    out
}

/// 8 lanes of f64.
#[derive(Clone, Copy)]
pub(crate) struct ZmmDouble(__m512d);

impl Lanes for ZmmDouble {
    type Number = f64;
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_set1_pd(value) })
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let lanes: &[f64; 8] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 8 numbers are there; the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_loadu_pd(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let lanes: &mut [f64; 8] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 8 numbers; the processor has AVX-512F (see the file's head).
        unsafe { _mm512_storeu_pd(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_fmadd_pd(self.0, factor.0, addend.0) })
    }
}

impl Double for ZmmDouble {
    type Mask = __mmask8;
    const IS_FUSED: bool = true;

    #[inline(always)]
    fn gt(self, other: Self) -> __mmask8 {
        // SAFETY: the processor has AVX-512F (see the file's head).
        unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: __mmask8, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_mask_blend_pd(mask, no.0, yes.0) })
    }

    #[inline(always)]
    fn bits(mask: __mmask8) -> u32 {
        mask.into()
    }

    #[inline(always)]
    fn widen(from: &[f32]) -> Self {
        let lanes: &[f32; 8] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 8 numbers are there; the processor has AVX (see the file's head).
        let narrow = unsafe { _mm256_loadu_ps(lanes.as_ptr()) };
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_cvtps_pd(narrow) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_abs_pd(self.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512F (see the file's head).
        Self(unsafe { _mm512_max_pd(self.0, other.0) })
    }
}
