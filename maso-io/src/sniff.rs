//! What a file is, by its first bytes.

use crate::array;

/// Kinds of files, those that are read and those that are often given by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Zip,
    Safetensors,
    Idx,
    Gzip,
    Parquet,
    Text,
    Onnx,
    Hdf5,
    Pickle,
    LfsPointer,
    Markup,
    Json,
    Empty,
    Other,
}

/// The kind of file that begins with `bytes`.
pub(crate) fn format(bytes: &[u8]) -> Format {
    let starts: [(&[u8], Format); 11] = [
        (b"\x93NUMPY", Format::Npy),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
        (b"\x1F\x8B", Format::Gzip),
        (b"PAR1", Format::Parquet),
        (b"\x89HDF", Format::Hdf5),
        (b"\x80\x02", Format::Pickle),
        (b"\x80\x04", Format::Pickle),
        (b"version https://git-lfs", Format::LfsPointer),
        (b"<", Format::Markup),
        (b"{", Format::Json),
    ];
    if bytes.is_empty() {
        return Format::Empty;
    }
    if bytes.len() > 9 && bytes[8] == b'{' && bytes[4..8] == [0; 4] {
        return Format::Safetensors;
    }
    if array::begins_as_idx(bytes) {
        return Format::Idx;
    }
    let known = starts.iter().find(|(start, _)| bytes.starts_with(start));
    match known {
        Some((_, format)) => *format,
        None if is_text(bytes) => Format::Text,
        // An ONNX model begins with its version as a protobuf field.
        None if bytes[0] == 0x08 => Format::Onnx,
        None => Format::Other,
    }
}

/// Whether the first bytes are printable ASCII, after UTF-8's mark if that is there.
fn is_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(64)];
    start.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 0x20..0x7F))
}

/// A kind of file in words, for one that is not what was expected.
pub(crate) fn describe(format: Format) -> &'static str {
    match format {
        Format::Npy => "a NumPy array",
        Format::Zip => "a zip archive (a NumPy .npz or PyTorch .pt file, perhaps)",
        Format::Safetensors => "a safetensors file",
        Format::Idx => "an IDX file",
        Format::Gzip => "a gzip archive",
        Format::Parquet => "a Parquet file",
        Format::Text | Format::Markup | Format::Json => "a text file",
        Format::Onnx => "an ONNX model",
        Format::Hdf5 => "an HDF5 file",
        Format::Pickle => "a Python pickle",
        Format::LfsPointer => "a Git LFS pointer",
        Format::Empty => "an empty file",
        Format::Other => "bytes of another kind",
    }
}

/// A file that is no model, in words, and what to do.
pub(crate) fn no_model(format: Format) -> String {
    let advice = match format {
        Format::Npy | Format::Idx | Format::Parquet => "MODEL comes before DATA",
        Format::Gzip => "unpack it first",
        Format::Hdf5 => {
            "export the model to ONNX (Keras: model.export(\"model.onnx\", format=\"onnx\"))"
        }
        Format::Pickle => "export the model to ONNX (PyTorch: torch.onnx.export)",
        Format::LfsPointer => "fetch the file itself (git lfs pull)",
        Format::Empty => "copy or export it again",
        _ => "give the ONNX file itself, or copy or export it again",
    };
    format!("{}; {advice}", describe(format))
}

/// A file that holds no data, in words, and what to do.
pub(crate) fn no_data(format: Format) -> String {
    let advice = match format {
        Format::Onnx => "MODEL comes before DATA",
        Format::Hdf5 | Format::Pickle => "save the array with numpy.save",
        Format::LfsPointer => "fetch the file itself (git lfs pull)",
        Format::Empty => "copy or save it again",
        _ => "save the rows in one of those formats",
    };
    format!("{}; {advice}", describe(format))
}
