//! What a kernel asks of an instruction set.

/// A register of lanes that can multiply and add: all that sums of products ask for, in either precision.
pub(crate) trait Lanes: Copy {
    /// What a lane holds.
    type Number: Copy;
    /// Lanes; a divisor of [`PANEL`](crate::PANEL).
    const LANES: usize;

    fn splat(value: Self::Number) -> Self;
    /// The first [`LANES`](Self::LANES) numbers.
    fn load(from: &[Self::Number]) -> Self;
    /// Writes the first [`LANES`](Self::LANES) numbers.
    fn store(self, to: &mut [Self::Number]);
    /// `self · factor + addend`, rounded once (fused tiers) or twice (separate tiers).
    fn mul_add(self, factor: Self, addend: Self) -> Self;
}

/// A register of f64 lanes that can be compared.
pub(crate) trait Double: Lanes<Number = f64> {
    /// One truth value for each lane.
    type Mask: Copy;
    /// The bits of all lanes.
    const ALL: u32 = (1 << Self::LANES) - 1;
    /// Whether [`mul_add`](Lanes::mul_add) rounds once.
    const IS_FUSED: bool;

    /// The first [`LANES`](Lanes::LANES) numbers, widened.
    fn widen(from: &[f32]) -> Self;
    fn abs(self) -> Self;
    /// The larger of each lane; what it is for NaN does not matter.
    fn max(self, other: Self) -> Self;
    fn gt(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Lane i's truth at bit i.
    fn bits(mask: Self::Mask) -> u32;

    /// Lane i's truth of `self > other` at bit i.
    #[inline(always)]
    fn above(self, other: Self) -> u32 {
        Self::bits(self.gt(other))
    }
}

/// A register of f32 lanes. Its operations round as its tier's family says (see
/// [`contract`](crate::contract)).
pub(crate) trait Vector: Lanes<Number = f32> {
    /// One truth value for each lane.
    type Mask: Copy;
    /// Whether masks have registers of their own, so that [`bits`](Self::bits) costs next to nothing.
    const HAS_MASKS: bool = false;

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// The quotient as IEEE 754 rounds it.
    fn div(self, other: Self) -> Self;
    /// The number whose exponent field (and sign) are the lowest bits of `self`, and whose other bits are 0: 2^n where
    /// the lowest 8 bits are n + 127, for n from −126 to 127.
    fn exponent_bits(self) -> Self;
    /// n where a lane is a normal number from 2ⁿ up to below 2ⁿ⁺¹.
    fn exponent(self) -> Self;
    /// The size of `self`, the sign of `other`.
    fn with_sign_of(self, other: Self) -> Self;

    /// The smaller of each lane; `other` where one of them is NaN.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::select(other.gt(self), self, other)
    }

    /// The larger of each lane; `other` where one of them is NaN.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::select(self.gt(other), self, other)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.max(self.mul(Self::splat(-1.0)))
    }

    fn gt(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Lane i's truth at bit i.
    fn bits(mask: Self::Mask) -> u32;
    /// The mask whose lane i is true where bit i is set; further bits do not matter.
    fn mask(bits: u32) -> Self::Mask;
    /// Moves a block of `LANES × LANES` numbers, turned about its diagonal: column c of `from` (whose
    /// rows are `from_stride` apart) becomes row c of `to` (rows `to_stride` apart).
    fn transpose(from: &[f32], from_stride: usize, to: &mut [f32], to_stride: usize);

    /// Fewer numbers than a register holds, zeros behind them.
    #[inline(always)]
    fn load_part(from: &[f32]) -> Self {
        let mut lanes = [0.0; crate::PANEL];
        lanes[..from.len()].copy_from_slice(from);
        Self::load(&lanes)
    }

    /// Writes as many numbers as `to` has, fewer than a register holds.
    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        let mut lanes = [0.0; crate::PANEL];
        self.store(&mut lanes);
        to.copy_from_slice(&lanes[..to.len()]);
    }
}
