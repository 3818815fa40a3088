//! `maso plugin` as an author of plugins runs it.

mod common;

use std::process::Command;

use common::{Scratch, failure, maso, stdout, testdata};

#[test]
fn what_is_no_plugin_fails_its_check() {
    let scratch = Scratch::new();
    let text = scratch.write("libtext.so", b"no library");
    for file in [text, scratch.path("missing.so")] {
        let output = maso(&["plugin", "check", &file]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with("maso: ") && said.contains("checks failed"), "{said}");
    }
}

#[test]
fn new_refuses_a_folder_that_exists_and_a_bad_name() {
    let scratch = Scratch::new();
    let folder = scratch.path("");
    let said = failure(&["plugin", "new", "kind", "--lang", "c", "-o", &folder], 2);
    assert!(said.contains("exists"), "{said}");
    failure(&["plugin", "new", "1kind", "--lang", "c", "-o", &scratch.path("kind")], 2);
}

#[test]
#[cfg(unix)]
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_new_plugin_in_c_builds_checks_and_is_listed_beside_a_broken_one() {
    if Command::new("cc").arg("--version").output().is_err() {
        eprintln!("skipped: no cc");
        return;
    }
    let scratch = Scratch::new();
    let folder = scratch.path("my-kind");
    let printed = stdout(&["plugin", "new", "my-kind", "--lang", "c", "-o", &folder]);
    let maso = env!("CARGO_BIN_EXE_maso");
    let script = format!("set -e; maso() {{ '{maso}' \"$@\"; }}; {printed}");
    let ran = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("Each Relu is my-kind here"), "it runs");
    in_a_model(&scratch, &format!("{folder}/{}", library("my_kind")));
    let broken =
        format!("my-kind/{}broken{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    scratch.write(&broken, b"no library");
    let mut list = Command::new(maso);
    let list = list.args(["plugin", "list"]).env("MASO_PLUGIN_PATH", &folder).output();
    let list = list.expect("maso runs");
    let text = String::from_utf8_lossy(&list.stdout);
    assert!(list.status.success() && text.contains("my-kind"), "{text}");
    assert!(text.contains("cannot be used"), "{text}");
}

/// The commands that are printed for a plugin in Rust, run as they are.
#[test]
#[cfg(unix)]
fn a_new_plugin_in_rust_builds_checks_and_runs() {
    let scratch = Scratch::new();
    let folder = scratch.path("rusty");
    let printed = stdout(&["plugin", "new", "rusty", "--lang", "rust", "-o", &folder]);
    let maso = env!("CARGO_BIN_EXE_maso");
    let script = format!("set -e; maso() {{ '{maso}' \"$@\"; }}; {printed}");
    let mut sh = Command::new("sh");
    // The folder of the test's own build is none of the plugin's business.
    let ran = sh.args(["-c", &script]).env_remove("CARGO_TARGET_DIR").output().expect("sh runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("Each Relu is rusty here"), "it runs");
}

#[cfg(unix)]
fn library(name: &str) -> String {
    format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// The plugin in the place of a model's ReLUs.
#[cfg(unix)]
fn in_a_model(scratch: &Scratch, plugin: &str) {
    let (model, data) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let out = |name: &str| scratch.path(name);
    stdout(&["forward", &model, &data, "-o", &out("relu.npy"), "--quiet"]);
    let forward = ["forward", &model, &data, "--plugin", plugin, "-o"];
    let replaced = |replace: &str, name: &str| {
        let mut arguments = forward.to_vec();
        let out = out(name);
        arguments.extend([out.as_str(), "--replace", replace, "--quiet"]);
        stdout(&arguments);
        std::fs::read(out).expect("written")
    };
    let relu = std::fs::read(out("relu.npy")).expect("written");
    let other = replaced("Relu=my-kind", "kind.npy");
    assert!(other.len() == relu.len() && other != relu, "another nonlinearity has other outputs");
    let mut arguments = forward.to_vec();
    let path = out("none.npy");
    arguments.extend([path.as_str(), "--replace", "Tanh=my-kind"]);
    let said = failure(&arguments, 2);
    assert!(said.contains("has no operator Tanh"), "{said}");
    assert!(!std::path::Path::new(&path).exists(), "no output after an error");
}
