//! Builds plugins while the tests run: C with the system's compiler, Rust with cargo.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{
    env::{
        self,
        consts::{DLL_PREFIX, DLL_SUFFIX},
    },
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where tests may write.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The file that holds a plugin of this name.
pub(crate) fn library_file(name: &str) -> String {
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"))
}

/// The C compiler, if there is one; says so if there is none.
pub(crate) fn compiler() -> Option<String> {
    let cc = env::var("CC").unwrap_or_else(|_| "cc".into());
    let found = Command::new(&cc).arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: no C compiler ({cc})");
    }
    found.then_some(cc)
}

/// Compiles a C file against the header; `None` without a compiler.
pub(crate) fn compile(source: &Path, out: &Path, flags: &[&str]) -> Option<()> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let output = Command::new(compiler()?)
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O2", "-I"])
        .arg(include)
        .args(flags)
        .arg(source)
        .arg("-o")
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

/// `tests/plugins/variant.c` under a name of its own, with these macros; `None` without a compiler.
pub(crate) fn variant(name: &str, macros: &[&str]) -> Option<PathBuf> {
    variant_in("variants", name, macros)
}

/// The same in a folder of its own.
pub(crate) fn variant_in(folder: &str, name: &str, macros: &[&str]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/variant.c");
    let out = scratch(folder).join(library_file(name));
    let named = format!("-DNAME=\"{name}\"");
    let macros: Vec<_> = macros.iter().map(|text| format!("-D{text}")).collect();
    let mut flags = vec!["-shared", "-fPIC", named.as_str()];
    flags.extend(macros.iter().map(String::as_str));
    compile(&source, &out, &flags)?;
    Some(out)
}

/// Runs cargo, and returns the folder with what it built.
fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["build", "--offline"])
        .args(arguments)
        .arg("--target-dir")
        .arg(target)
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("debug")
}

/// A plugin of this workspace.
pub(crate) fn shipped(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    cargo(&root, &scratch("shipped"), &["--locked", "-p", name]).join(library_file(name))
}

/// The plugin of a crate outside of the workspace.
pub(crate) fn built(folder: &Path, name: &str) -> PathBuf {
    cargo(folder, &scratch("built"), &[]).join(library_file(name))
}
