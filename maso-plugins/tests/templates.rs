//! A new plugin in each language: written out, built by the command that its README prints, and checked.

mod common;

use maso_plugins::{
    host::{Inference, Plugin, conformance},
    templates::{Lang, SDK, files},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Writes a new plugin to an empty folder.
fn written(lang: Lang, name: &str) -> PathBuf {
    let folder = common::scratch("templates").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for (path, text) in files(lang, name, Path::new(SDK)).unwrap() {
        assert!(!text.contains("{{"), "{path:?} has a placeholder left");
        fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    }
    folder
}

/// The commands that a README prints.
fn commands(folder: &Path) -> Vec<String> {
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    readme.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

/// Builds a new plugin as its README says, and looks at what comes out.
fn assert_builds(folder: &Path, name: &str) {
    let commands = commands(folder);
    let [build, check] = commands.as_slice() else { panic!("{commands:?}") };
    let output = Command::new("sh")
        .args(["-c", build])
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("warning"), "{output:?}");
    let library = check.strip_prefix("maso plugin check ").unwrap();
    assert_works(&folder.join(library), name);
}

fn assert_works(library: &Path, name: &str) {
    let report = conformance::check(library);
    assert!(report.passed(), "{report:#?}");
    let plugin = Plugin::open(library).unwrap();
    let said = (plugin.name(), plugin.version(), plugin.kinds().len());
    assert_eq!(said, (name, "0.1.0", 1), "name, version and kinds");
    let leaky = plugin.kind(name).unwrap().create(&[("slope", 0.1)]).unwrap();
    assert_eq!(leaky.inference(), Inference::BetaVq { beta: 1.0 }, "the rule");
    let values = [-2.0, 3.0].map(|z| leaky.pieces().value(z));
    assert_eq!(values, [-0.2, 3.0], "leaky ReLU");
}

#[test]
fn new_plugin_in_rust() {
    assert_builds(&written(Lang::Rust, "my-rust-kind"), "my-rust-kind");
}

#[test]
fn new_plugin_in_c() {
    let folder = written(Lang::C, "my-c-kind");
    if common::compiler().is_some() {
        assert_builds(&folder, "my-c-kind");
    }
}

#[test]
fn names_that_cannot_be() {
    let long = "x".repeat(65);
    for name in ["", "../up", "a b", "1st", "a.b", "-x", "é", &long] {
        let error = files(Lang::C, name, Path::new(SDK)).unwrap_err();
        assert!(error.to_string().contains("cannot name a plugin"), "{error}");
    }
}
