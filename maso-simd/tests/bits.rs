//! Bit fields and aligned lists.

use maso_simd::Aligned;
use maso_simd::bits::{extract, insert, interleave, low_mask};

#[test]
fn fields_of_every_width_come_back_from_every_position() {
    for bits in 1..=64 {
        for at in 0..70 {
            let field = 0xDEAD_BEEF_1234_5679u64.rotate_left(at as u32) & low_mask(bits);
            let mut words = [0; 3];
            insert(&mut words, at, field, bits);
            assert_eq!(extract(&words, at, bits), field, "{bits} bits at {at}");
            let total: u32 = words.iter().map(|w| w.count_ones()).sum();
            assert_eq!(total, field.count_ones(), "nothing else is set");
        }
    }
}

#[test]
fn interleave_equals_bit_by_bit() {
    let (low, high) = (0xA5C3_0FF1u32, 0x1234_8765u32);
    let slow = (0..32).fold(0u64, |f, i| {
        f | u64::from(low >> i & 1) << (2 * i) | u64::from(high >> i & 1) << (2 * i + 1)
    });
    assert_eq!(interleave(low, high), slow);
}

#[test]
fn lists_and_their_copies_begin_at_cache_lines() {
    for len in [0, 1, 15, 16, 17, 1000] {
        let mut list = Aligned::zeros(len);
        list.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
        let copy = list.clone();
        assert_eq!(list[..], copy[..]);
        for list in [list, copy] {
            assert_eq!(list.as_ptr().align_offset(64), 0, "{len} numbers");
        }
    }
}
