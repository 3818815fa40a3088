//! Shared by the tests: the command as a user runs it, and a folder for what it writes.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use maso_io::dataset::{Dataset, OpenOptions};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn testdata(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name);
    path.to_str().expect("a UTF-8 path").to_owned()
}

pub(crate) fn maso(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maso"));
    command.args(arguments).env_remove("MASO_TIER").output().expect("maso runs")
}

pub(crate) fn stdout(arguments: &[&str]) -> String {
    let output = maso(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&stdout(arguments)).expect("one JSON object")
}

/// The message of a run that fails with `code`.
pub(crate) fn failure(arguments: &[&str], code: i32) -> String {
    let output = maso(arguments);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.starts_with("maso: "), "{message}");
    assert!(output.stdout.is_empty(), "nothing on standard output");
    message
}

/// A folder for outputs, with nothing in it.
pub(crate) struct Scratch(pub(crate) TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.0.path().join(name), bytes).expect("a file");
        self.path(name)
    }

    pub(crate) fn names(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

pub(crate) fn npy(description: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    [bytes, header.into_bytes(), body.to_vec()].concat()
}

/// All numbers of an array of an `.npz` file.
pub(crate) fn array(path: &str, name: &str) -> Vec<f32> {
    let mut options = OpenOptions::default();
    options.array = Some(name.to_owned());
    let rows = Dataset::open_with(path, &options).unwrap_or_else(|error| panic!("{error}"));
    rows.to_vec().expect("numbers")
}
