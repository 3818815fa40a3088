//! What a kernel asks of an instruction set.

/// A register of f32 lanes. Its operations round as its tier's family says (see
/// [`contract`](crate::contract)).
pub(crate) trait Vector: Copy {
    /// Lanes; a divisor of [`PANEL`](crate::PANEL).
    const LANES: usize;
    /// One truth value for each lane.
    type Mask: Copy;

    fn splat(value: f32) -> Self;
    /// The first [`LANES`](Self::LANES) numbers.
    fn load(from: &[f32]) -> Self;
    /// Writes the first [`LANES`](Self::LANES) numbers.
    fn store(self, to: &mut [f32]);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once (fused tiers) or twice (separate tiers).
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    fn gt(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Lane i's truth at bit i.
    fn bits(mask: Self::Mask) -> u32;
}
