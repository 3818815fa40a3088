//! The files of a new plugin, for `maso plugin new`.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    error, fmt,
    path::{Path, PathBuf},
};

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lang {
    /// A crate that implements a trait.
    Rust,
    /// One file, beside the header.
    C,
}

/// This crate's folder when it was built: where a new plugin in Rust finds the kit, if the sources are still there.
pub const SDK: &str = env!("CARGO_MANIFEST_DIR");

const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../templates/rust/lib.rs.in")),
    ("README.md", include_str!("../templates/rust/README.md.in")),
    (".gitignore", include_str!("../templates/rust/gitignore.in")),
];

const C: &[(&str, &str)] = &[
    ("{{file}}.c", include_str!("../templates/c/plugin.c.in")),
    ("maso_plugin.h", include_str!("../include/maso_plugin.h")),
    ("README.md", include_str!("../templates/c/README.md.in")),
];

/// The files of a plugin of this name, with their paths in its folder. `sdk` is the folder of `maso-plugins`
/// ([`SDK`], unless it has moved), which plugins in Rust depend on.
///
/// # Errors
///
/// If the name is no name for a plugin.
pub fn files(lang: Lang, name: &str, sdk: &Path) -> Result<Vec<(PathBuf, String)>, NameError> {
    let name = check(name)?;
    let file = name.replace('-', "_");
    let library = format!("{DLL_PREFIX}{file}{DLL_SUFFIX}");
    let sdk = format!("{:?}", sdk.display().to_string());
    let render = |text: &str| {
        [("{{name}}", name), ("{{file}}", &file), ("{{library}}", &library), ("{{sdk}}", &sdk)]
            .iter()
            .fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
    };
    let templates = match lang {
        Lang::Rust => RUST,
        Lang::C => C,
    };
    Ok(templates.iter().map(|(path, text)| (render(path).into(), render(text))).collect())
}

/// A name for a plugin and a crate: no dots, and a letter first.
fn check(name: &str) -> Result<&str, NameError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 64
        && name.bytes().all(plain);
    good.then_some(name).ok_or_else(|| NameError { found: name.into() })
}

/// A name that no new plugin can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    found: String,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} cannot name a plugin: expected a letter, then letters, digits, '-' and '_', at most 64",
            self.found
        )
    }
}

impl error::Error for NameError {}
