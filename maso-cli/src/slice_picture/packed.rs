//! Numbers as text that a page can hold: little-endian bytes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A whole number of 32 bits for a place between two ends: finer than an f32, and as fine everywhere.
pub(super) fn fixed(value: f64, [low, high]: [f64; 2]) -> u32 {
    let share = (value - low) / (high - low);
    if share.is_finite() { (share.clamp(0.0, 1.0) * f64::from(u32::MAX)).round() as u32 } else { 0 }
}

pub(super) fn u32s(numbers: &[u32]) -> String {
    STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

pub(super) fn u16s(numbers: &[u16]) -> String {
    STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

pub(super) fn f32s(numbers: &[f32]) -> String {
    STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

pub(super) fn bytes(numbers: &[u8]) -> String {
    STANDARD.encode(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middle() {
        let ends = [-2.0, 2.0];
        assert_eq!(fixed(-2.0, ends), 0, "the low end");
        assert_eq!(fixed(2.0, ends), u32::MAX, "the high end");
        assert_eq!(fixed(0.0, ends), 1 << 31, "the middle");
        assert_eq!(fixed(1.0, [1.0, 1.0]), 0, "no range");
    }

    #[test]
    fn bytes_are_little_endian() {
        assert_eq!(u32s(&[1]), "AQAAAA==", "the low byte first");
        assert_eq!(u16s(&[1, 2]), "AQACAA==", "two numbers");
        assert_eq!(f32s(&[1.0]), "AACAPw==", "an f32");
        assert_eq!(bytes(b"abc"), "YWJj", "bytes");
    }
}
