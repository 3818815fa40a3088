//! A digest of codes that is the same on every machine: FNV-1a over their words.

/// The digest, in hexadecimal.
pub(crate) fn digest(codes: &[u64]) -> String {
    let bytes = codes.iter().flat_map(|word| word.to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn digests_are_those_of_fnv() {
        assert_eq!(digest(&[]), "cbf29ce484222325");
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
    }
}
