//! Names of plugins, kinds and parameters, and the file that holds a plugin.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

/// Whether people can type it: 1 to 64 letters, digits, `-`, `_` and `.`.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Name of the file that holds a plugin, as cargo would call it on this system.
pub(crate) fn library_file(plugin: &str) -> String {
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", plugin.replace(['-', '.'], "_"))
}

/// Whether a file is called like a dynamic library of this system.
pub(crate) fn is_library_file(name: &str) -> bool {
    name.starts_with(DLL_PREFIX) && name.ends_with(DLL_SUFFIX)
}
