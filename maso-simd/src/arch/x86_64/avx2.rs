//! The AVX2 tier: 8 lanes, fused multiply-add.
//!
//! Safety of the whole file: instructions of AVX2 and FMA run only below the functions of [`KERNELS`],
//! and [`Kernels::of`](crate::Kernels::of) hands that table out only where the processor has them. Nothing else names [`Ymm`].

use std::arch::x86_64::*;

use crate::Tier;
use crate::kernel::{Double, Lanes, Vector, tier_kernels};

tier_kernels! {
    Tier::Avx2, vector: Ymm, double: YmmDouble, features: "avx2,fma,bmi2,popcnt",
    panel: (6, 2, 0), windows: 1, product: (6, 2)
}

/// 8 lanes.
#[derive(Clone, Copy)]
pub(crate) struct Ymm(__m256);

impl Lanes for Ymm {
    type Number = f32;
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let lanes: &[f32; 8] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 8 numbers are there; the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_loadu_ps(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let lanes: &mut [f32; 8] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 8 numbers; the processor has AVX2 (see the file's head).
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has FMA (see the file's head).
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
    }
}

impl Vector for Ymm {
    type Mask = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn exponent_bits(self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { exponent_bits(self.0) })
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { exponent(self.0) })
    }

    #[inline(always)]
    fn with_sign_of(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { with_sign_of(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn gt(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, mask.0) })
    }

    #[inline(always)]
    fn bits(mask: Self) -> u32 {
        // SAFETY: the processor has AVX2 (see the file's head).
        (unsafe { _mm256_movemask_ps(mask.0) }) as u32
    }

    #[inline(always)]
    fn mask(bits: u32) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { masked(bits) })
    }

    #[inline(always)]
    fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
        let mut rows = [Self::splat(0.0); 8];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = Self::load(&from[i * from_stride..]);
        }
        // SAFETY: the processor has AVX2 (see the file's head).
        let columns = unsafe { transposed(rows.map(|row| row.0)) };
        for (i, column) in columns.into_iter().enumerate() {
            Self(column).store(&mut to[i * to_stride..]);
        }
    }
}

/// The lowest bits moved to the top, where exponents are.
#[inline]
#[target_feature(enable = "avx2")]
fn exponent_bits(number: __m256) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(number)))
}

/// What stands where exponents are, as a number.
#[inline]
#[target_feature(enable = "avx2")]
fn exponent(number: __m256) -> __m256 {
    let field = _mm256_srli_epi32::<23>(_mm256_castps_si256(number));
    _mm256_sub_ps(_mm256_cvtepi32_ps(field), _mm256_set1_ps(127.0))
}

#[inline]
#[target_feature(enable = "avx2")]
fn with_sign_of(size: __m256, sign: __m256) -> __m256 {
    let top = _mm256_set1_ps(-0.0);
    _mm256_or_ps(_mm256_andnot_ps(top, size), _mm256_and_ps(top, sign))
}

/// All bits of the lanes whose bit is set.
#[inline]
#[target_feature(enable = "avx2")]
fn masked(bits: u32) -> __m256 {
    let places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    let set = _mm256_and_si256(_mm256_set1_epi32(bits as i32), places);
    _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, places))
}

/// 8 registers turned about their diagonal: by single lanes, pairs and halves.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(rows: [__m256; 8]) -> [__m256; 8] {
    let (mut a, mut b, mut out) = (rows, rows, rows);
    for i in 0..4 {
        a[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    let pairs = |low: __m256, high: __m256| {
        let (low, high) = (_mm256_castps_pd(low), _mm256_castps_pd(high));
        let first = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
        (first, _mm256_castpd_ps(_mm256_unpackhi_pd(low, high)))
    };
    for i in [0, 4] {
        (b[i], b[i + 1]) = pairs(a[i], a[i + 2]);
        (b[i + 2], b[i + 3]) = pairs(a[i + 1], a[i + 3]);
    }
    for j in 0..4 {
        out[j] = _mm256_permute2f128_ps::<0x20>(b[j], b[4 + j]);
        out[4 + j] = _mm256_permute2f128_ps::<0x31>(b[j], b[4 + j]);
    }
    out
}

/// 4 lanes of f64.
#[derive(Clone, Copy)]
pub(crate) struct YmmDouble(__m256d);

impl Lanes for YmmDouble {
    type Number = f64;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        // SAFETY: the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_set1_pd(value) })
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let lanes: &[f64; 4] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 4 numbers are there; the processor has AVX2 (see the file's head).
        Self(unsafe { _mm256_loadu_pd(lanes.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let lanes: &mut [f64; 4] = to.first_chunk_mut().expect("a register of lanes");
        // SAFETY: there is room for 4 numbers; the processor has AVX2 (see the file's head).
        unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the processor has FMA (see the file's head).
        Self(unsafe { _mm256_fmadd_pd(self.0, factor.0, addend.0) })
    }
}

impl Double for YmmDouble {
    type Mask = Self;
    const IS_FUSED: bool = true;

    #[inline(always)]
    fn gt(self, other: Self) -> Self {
        // SAFETY: the processor has AVX (see the file's head).
        Self(unsafe { _mm256_cmp_pd::<_CMP_GT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the processor has AVX (see the file's head).
        Self(unsafe { _mm256_blendv_pd(no.0, yes.0, mask.0) })
    }

    #[inline(always)]
    fn bits(mask: Self) -> u32 {
        // SAFETY: the processor has AVX (see the file's head).
        (unsafe { _mm256_movemask_pd(mask.0) }) as u32
    }

    #[inline(always)]
    fn widen(from: &[f32]) -> Self {
        let lanes: &[f32; 4] = from.first_chunk().expect("a register of lanes");
        // SAFETY: 4 numbers are there; the processor has SSE.
        let narrow = unsafe { _mm_loadu_ps(lanes.as_ptr()) };
        // SAFETY: the processor has AVX (see the file's head).
        Self(unsafe { _mm256_cvtps_pd(narrow) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        let sign = Self::splat(-0.0);
        // SAFETY: the processor has AVX (see the file's head).
        Self(unsafe { _mm256_andnot_pd(sign.0, self.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: the processor has AVX (see the file's head).
        Self(unsafe { _mm256_max_pd(self.0, other.0) })
    }
}
