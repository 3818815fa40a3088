//! The portable tier: `wide`'s 8-lane vectors, compiled for whatever the build's baseline is.
//!
//! `wide` picks its instructions when it is compiled, so this tier multiplies and adds separately
//! everywhere: the bits do not depend on the build.

use wide::bytemuck::cast;
use wide::{f32x8, f64x4, u32x8};

use crate::Tier;
use crate::kernel::{self, Double, Lanes, Vector};
use crate::kernels::Kernels;

pub(crate) static KERNELS: Kernels = Kernels {
    tier: Tier::Portable,
    affine: kernel::affine::<f32x8, 4, 1, 0>,
    combine: kernel::combine::<f32x8>,
    extreme: kernel::extreme::<f32x8>,
    map: kernel::map::<f32x8>,
    second_pass: kernel::second_pass::<f32x8>,
    soft_extreme: kernel::soft_extreme::<f32x8>,
    soft_window_extreme: kernel::soft_window_extreme::<f32x8>,
    windows: kernel::windows::<f32x8, 1>,
    window_extreme: kernel::window_extreme::<f32x8>,
    double: kernel::double::<f64x4, 1>,
    double_spline: kernel::double_spline::<f64x4>,
    double_extreme: kernel::double_extreme::<f64x4>,
    product: kernel::product::<f32x8, 4, 1>,
    double_product: kernel::product::<f64x4, 4, 1>,
    form_signs: kernel::form_signs::<f64x4>,
    add_column: kernel::add_column::<f64x4>,
    add_column_to: kernel::add_column_to::<f64x4>,
    largest_forms: kernel::largest_forms::<f64x4>,
    sum_forms: kernel::sum_forms::<f64x4>,
    sum_forms_twice_as_well: kernel::sum_forms_twice_as_well::<f64x4>,
    gate: kernel::gate::<f32x8>,
    pick: kernel::pick::<f32x8>,
    put_back: kernel::put_back::<f32x8>,
    to_lanes: kernel::to_lanes::<f32x8>,
    from_lanes: kernel::from_lanes::<f32x8>,
    codes: kernel::codes,
    occupied_row: kernel::occupied_row::<f32x8>,
    occupied_lanes: kernel::occupied_lanes::<f32x8>,
    finite: kernel::finite::<f32x8>,
    norms: kernel::norms::<f32x8>,
    peak: kernel::peak::<f32x8>,
};

impl Lanes for f32x8 {
    type Number = f32;
    const LANES: usize = 8;

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
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }
}

impl Vector for f32x8 {
    type Mask = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self / other
    }

    #[inline(always)]
    fn exponent_bits(self) -> Self {
        cast(cast::<Self, u32x8>(self) << 23)
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        let field = cast::<Self, u32x8>(self) >> 23;
        Self::from_i32x8(cast(field)) - Self::splat(127.0)
    }

    #[inline(always)]
    fn with_sign_of(self, other: Self) -> Self {
        let sign = Self::splat(-0.0);
        (!sign & self) | (sign & other)
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

    #[inline(always)]
    fn mask(bits: u32) -> Self {
        let lane = |lane: usize| if bits >> lane & 1 == 1 { 1.0 } else { 0.0 };
        Self::new(std::array::from_fn(lane)).simd_gt(Self::splat(0.0))
    }

    #[inline(always)]
    fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize) {
        let rows = std::array::from_fn(|row| <Self as Lanes>::load(&from[row * from_stride..]));
        for (row, column) in Self::transpose(rows).into_iter().enumerate() {
            column.store(&mut to[row * to_stride..]);
        }
    }
}

impl Lanes for f64x4 {
    type Number = f64;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self::splat(value)
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let lanes: &[f64; 4] = from.first_chunk().expect("a register of lanes");
        Self::new(*lanes)
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        *to.first_chunk_mut().expect("a register of lanes") = self.to_array();
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }
}

impl Double for f64x4 {
    type Mask = Self;
    const IS_FUSED: bool = false;

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

    #[inline(always)]
    fn widen(from: &[f32]) -> Self {
        let lanes: &[f32; 4] = from.first_chunk().expect("a register of lanes");
        Self::new(lanes.map(f64::from))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.fast_max(other)
    }
}
