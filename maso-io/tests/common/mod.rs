//! Shared by the tests: where the test data are, arrays read from `.npz` files, and the smallest ONNX
//! models with side files.

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

/// A protobuf field that has a length.
pub(crate) fn field(number: u8, body: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(body.len()), body.to_vec()].concat()
}

/// A number, seven bits to a byte.
fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A float tensor of an ONNX model, its `elements` at `offset` of a side file.
pub(crate) fn external(name: &str, location: &str, offset: usize, elements: usize) -> Vec<u8> {
    let entry = |key: &str, value: &str| {
        field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    };
    [
        [vec![0x08], varint(elements)].concat(),
        vec![0x08, 1, 0x10, 1],
        field(8, name.as_bytes()),
        entry("location", location),
        entry("offset", &offset.to_string()),
        entry("length", &(4 * elements).to_string()),
        vec![14 << 3, 1],
    ]
    .concat()
}

/// A model of rows of 2 numbers through MatMul nodes that each read the input and one of `weights`; all
/// `tensors` are its initialisers.
pub(crate) fn products(weights: &[&str], tensors: &[Vec<u8>]) -> Vec<u8> {
    let node = |(index, weight): (usize, &&str)| {
        let output = if index == 0 { "y".to_owned() } else { format!("y{index}") };
        let inputs = [field(1, b"x"), field(1, weight.as_bytes())].concat();
        field(1, &[inputs, field(2, output.as_bytes()), field(4, b"MatMul")].concat())
    };
    let extent = |value: u8| field(1, &[0x08, value]);
    let shape = field(2, &[field(1, &field(2, b"n")), extent(2)].concat());
    let kind = field(2, &field(1, &[vec![0x08, 1], shape].concat()));
    let graph = [
        weights.iter().enumerate().flat_map(node).collect(),
        tensors.iter().flat_map(|tensor| field(5, tensor)).collect(),
        field(11, &[field(1, b"x"), kind].concat()),
        field(12, &field(1, b"y")),
    ];
    [vec![0x08, 8], field(7, &graph.concat()), field(8, &[0x10, 17])].concat()
}
