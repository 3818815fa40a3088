//! What the first bytes of a file give away, for files that are not what was expected.

/// An ONNX model begins with its version as a protobuf field.
pub(crate) const ONNX: &str = "an ONNX model (MODEL comes before DATA)";

/// The kind of file that begins with `bytes`, if that is plain.
pub(crate) fn known(bytes: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &str); 11] = [
        (b"\x93NUMPY", "a NumPy array (MODEL comes before DATA)"),
        (b"PK\x03\x04", "a zip archive (a NumPy .npz or PyTorch .pt file, perhaps)"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\x80\x02", "a Python pickle"),
        (b"\x80\x04", "a Python pickle"),
        (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"PAR1", "a Parquet file"),
        (b"<", "a text file"),
        (b"{", "a text file"),
        (&[0x08], ONNX),
    ];
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if bytes.len() > 9 && bytes[8] == b'{' && bytes[4..8] == [0; 4] {
        return Some("a safetensors file");
    }
    let start = starts.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what);
    let text = || {
        let start = &bytes[..bytes.len().min(64)];
        start.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 0x20..0x7F))
    };
    start.or_else(|| text().then_some("a text file"))
}
