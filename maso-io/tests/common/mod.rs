//! Shared by the tests: where the test data are, and arrays read from `.npz` files.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file of the project's test data.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name)
}

/// An array of a `.npz` file: its shape, and its numbers as f64.
#[derive(Debug)]
pub(crate) struct Golden {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

/// Reads array `name`; `None` if the archive has no such member. Independent of the library's reader.
pub(crate) fn golden(path: &Path, name: &str) -> Option<Golden> {
    let mut archive = zip::ZipArchive::new(File::open(path).expect("golden file")).expect("a zip");
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy")).ok()?.read_to_end(&mut bytes).expect("a member");
    let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + header_len].to_vec()).expect("ASCII");
    let shape = header.split('(').nth(1).and_then(|rest| rest.split(')').next()).expect("a shape");
    let shape = shape.split(',').filter_map(|extent| extent.trim().parse().ok()).collect();
    let body = &bytes[10 + header_len..];
    let data = if header.contains("<f8") {
        body.as_chunks().0.iter().map(|c| f64::from_le_bytes(*c)).collect()
    } else if header.contains("<f4") {
        body.as_chunks().0.iter().map(|c| f32::from_le_bytes(*c).into()).collect()
    } else if header.contains("|u1") {
        body.iter().map(|&byte| byte.into()).collect()
    } else {
        body.as_chunks().0.iter().map(|c| i64::from_le_bytes(*c) as f64).collect()
    };
    Some(Golden { shape, data })
}
