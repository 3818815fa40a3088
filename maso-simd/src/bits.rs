//! Bits of pieces: interleaving two masks into two-bit fields, and placing fields of any width at
//! any position of a row of `u64` words.

/// Bits that hold an index below `pieces`: ceil(log2 `pieces`), 0 for a single piece.
///
/// ```
/// use maso_simd::bits::width;
/// assert_eq!([1, 2, 3, 4, 5, 9].map(width), [0, 1, 2, 2, 3, 4]);
/// ```
#[must_use]
pub const fn width(pieces: usize) -> usize {
    if pieces <= 1 { 0 } else { (usize::BITS - (pieces - 1).leading_zeros()) as usize }
}

/// The low `bits` bits set; all of them from 64 on.
#[must_use]
pub const fn low_mask(bits: usize) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// Spreads the bits of `low` and `high` to alternate, `low` first: two bits a unit.
///
/// ```
/// use maso_simd::bits::interleave;
/// assert_eq!(interleave(0b01, 0b10), 0b1001);
/// ```
#[must_use]
pub const fn interleave(low: u32, high: u32) -> u64 {
    spread(low) | (spread(high) << 1)
}

/// Puts bit i of `x` at bit 2i (the classic Morton spread).
const fn spread(x: u32) -> u64 {
    let mut x = x as u64;
    x = (x | (x << 16)) & 0x0000_FFFF_0000_FFFF;
    x = (x | (x << 8)) & 0x00FF_00FF_00FF_00FF;
    x = (x | (x << 4)) & 0x0F0F_0F0F_0F0F_0F0F;
    x = (x | (x << 2)) & 0x3333_3333_3333_3333;
    (x | (x << 1)) & 0x5555_5555_5555_5555
}

/// The even bits of `field`, and the odd ones: what [`interleave`] joined.
///
/// ```
/// use maso_simd::bits::{deinterleave, interleave};
/// assert_eq!(deinterleave(interleave(0xDEAD_BEEF, 0x1234_5678)), (0xDEAD_BEEF, 0x1234_5678));
/// ```
#[must_use]
pub const fn deinterleave(field: u64) -> (u32, u32) {
    (gathered(field), gathered(field >> 1))
}

/// Puts bit 2i of `x` at bit i.
const fn gathered(x: u64) -> u32 {
    let mut x = x & 0x5555_5555_5555_5555;
    x = (x | (x >> 1)) & 0x3333_3333_3333_3333;
    x = (x | (x >> 2)) & 0x0F0F_0F0F_0F0F_0F0F;
    x = (x | (x >> 4)) & 0x00FF_00FF_00FF_00FF;
    x = (x | (x >> 8)) & 0x0000_FFFF_0000_FFFF;
    (x | (x >> 16)) as u32
}

/// Sets the `bits` low bits of `field` at bit position `at` of `words`, which must be 0 there.
///
/// # Panics
/// If the field ends past the last word.
#[inline]
pub fn insert(words: &mut [u64], at: usize, field: u64, bits: usize) {
    let field = field & low_mask(bits);
    let (word, shift) = (at / 64, at % 64);
    words[word] |= field << shift;
    if shift + bits > 64 {
        words[word + 1] |= field >> (64 - shift);
    }
}

/// Reads `bits` (at most 64) bits at position `at` of `words`.
///
/// # Panics
/// If the field ends past the last word.
#[must_use]
#[inline]
pub fn extract(words: &[u64], at: usize, bits: usize) -> u64 {
    if bits == 0 {
        return 0;
    }
    let (word, shift) = (at / 64, at % 64);
    let mut field = words[word] >> shift;
    if shift + bits > 64 {
        field |= words[word + 1] << (64 - shift);
    }
    field & low_mask(bits)
}
