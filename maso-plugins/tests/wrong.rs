//! Plugins that are wrong in one way each, and uses of good ones that are: every one is an error that says what,
//! and none brings the process down.

mod common;

use common::{scratch, variant, variant_in};
use maso_plugins::{
    abi,
    host::{
        Block, BlockFault, Error, Failure, Inference, Kind, Plugin, Registry, SoftFault,
        SplineFault, conformance,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn refused(path: &Path) -> Error {
    Plugin::open(path).expect_err("the plugin is wrong")
}

/// Asserts that a variant is not loaded, and that the error says so in these words.
fn assert_refused(name: &str, macros: &[&str], words: &str) {
    let Some(path) = variant(name, macros) else { return };
    let error = refused(&path).to_string();
    let file = path.canonicalize().unwrap().display().to_string();
    assert!(error.contains(words) && error.contains(&file), "{name}: {error}");
}

/// The one kind of a variant that loads; `None` without a compiler.
fn kind(name: &str, macros: &[&str]) -> Option<&'static Kind> {
    Some(&Plugin::open(variant(name, macros)?).unwrap().kinds()[0])
}

#[test]
fn files_that_are_no_plugins() {
    let folder = scratch("files");
    let error = refused(&folder.join("nowhere.so"));
    assert!(matches!(error, Error::File { .. }), "{error}");
    for (name, bytes) in [("text.so", &b"not a library"[..]), ("empty.so", b"")] {
        fs::write(folder.join(name), bytes).unwrap();
        let error = refused(&folder.join(name));
        assert!(matches!(error, Error::Library { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = refused(&folder);
    assert!(matches!(error, Error::Library { .. } | Error::File { .. }), "{error}");
}

#[test]
fn libraries_that_are_no_plugins_of_this_version() {
    assert_refused("no-entry", &["ENTRY=something_else"], "does not export maso_plugin_entry_v1");
    assert_refused(
        "old",
        &["ENTRY=maso_plugin_entry_v0"],
        "for version 0 of the interface, expected 1",
    );
    assert_refused(
        "later",
        &["ENTRY=maso_plugin_entry_v2"],
        "for version 2 of the interface, expected 1",
    );
    let refuses = "ENTER=fail(\"no licence key\"); return MASO_ERROR_VERSION";
    assert_refused("refuses", &[refuses], "its entry host too old (status -4): no licence key");
    let silent = "ENTER=return 17";
    assert_refused(
        "silent",
        &[silent],
        "a status that is not in the interface (status 17): no message",
    );
}

#[test]
fn tables_that_are_not_as_the_header_says() {
    assert_refused("no-table", &["TABLE=NULL"], "its table: it is NULL");
    let small = ["TABLE_SIZE=16"];
    assert_refused("small-table", &small, "its table: its struct_size is 16, expected 88");
    assert_refused("wild-table", &["TABLE_SIZE=4294967295u"], "its struct_size is 4294967295");
    let skewed = ["TABLE=(const maso_plugin_table *)((const char *)&table + 1)"];
    assert_refused("skewed-table", &skewed, "its table: its address is not aligned");
    assert_refused("no-kinds", &["KIND_COUNT=0"], "its count of kinds: 0, expected 1 to 1024");
    let many = ["KIND_COUNT=UINT64_C(1)<<60"];
    assert_refused("many-kinds", &many, "its count of kinds: 1152921504606846976");
    assert_refused("null-kind", &["KIND=NULL"], "the table of kind 0: it is NULL");
    assert_refused("small-kind", &["KIND_SIZE=8"], "the table of kind 0: its struct_size is 8");
    let many = ["PARAMETER_COUNT=65"];
    assert_refused("many-parameters", &many, "parameters of kind leaky: 65, expected 0 to 64");
    assert_refused("no-create", &["CREATE=NULL"], "kind leaky: its function create is NULL");
    assert_refused("flags", &["FLAGS=0x80"], "kind leaky: flags 0x80");
    assert_refused("orphan", &["FLAGS=MASO_KIND_POSTERIOR_MEAN"], "kind leaky: flags 0x4");
}

#[test]
fn names_and_ranges_that_are_none() {
    assert_refused("null-name", &["PLUGIN_NAME={NULL, 3}"], "its name: it is NULL");
    let long = ["PLUGIN_NAME={\"x\", UINT64_MAX}"];
    assert_refused(
        "long-name",
        &long,
        "its length is 18446744073709551615 bytes, expected at most",
    );
    let bytes = ["PLUGIN_NAME=MASO_STR(\"ab\\xff\")"];
    assert_refused("bytes-name", &bytes, "its name: it is not UTF-8 from byte 2 on");
    let spaced = ["PLUGIN_NAME=MASO_STR(\"a b\")"];
    assert_refused("spaced-name", &spaced, "its name is \"a b\", expected 1 to 64 letters");
    assert_refused("empty-name", &["PLUGIN_NAME={NULL, 0}"], "its name is \"\"");
    assert_refused("twin-kinds", &["KIND_COUNT=2"], "two kinds are named leaky");
    let twins = ["PARAMETER_COUNT=2"];
    assert_refused("twin-parameters", &twins, "two parameters of kind leaky are named gain");
    let outside = ["DEFAULT=1.5"];
    assert_refused("outside", &outside, "parameter gain of kind leaky: default 1.5 is not");
    assert_refused("nan-default", &["DEFAULT=NAN"], "default NaN is not");
}

#[test]
fn one_name_in_two_files() {
    let Some(first) = variant_in("first", "twice", &[]) else { return };
    let second = variant_in("second", "twice", &[]).unwrap();
    let registry = Registry::new([&first, &second].map(|path| path.parent().unwrap().to_owned()));
    assert!(matches!(registry.find("twice").unwrap_err(), Error::Twice { .. }));
    let plugin = Plugin::open(&first).unwrap();
    let error = refused(&second);
    let Error::Twice { name, first: kept, second: refused } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), kept.as_path()), ("twice", plugin.path()));
    assert_eq!(refused, &second.canonicalize().unwrap());
    // What is loaded is found without a search, and is not disturbed.
    assert!(std::ptr::eq(registry.find("twice").unwrap(), plugin));
}

#[test]
fn names_that_lead_nowhere() {
    let Some(path) = variant_in("misnamed", "misnamed", &[]) else { return };
    let folder = path.parent().unwrap();
    fs::copy(&path, folder.join(common::library_file("another"))).unwrap();
    let registry = Registry::new([folder.to_owned()]);
    let error = registry.find("another").unwrap_err();
    assert!(
        error.to_string().contains("found for plugin another, but its name is misnamed"),
        "{error}"
    );
    let error = registry.find("absent").unwrap_err().to_string();
    assert!(error.contains(&folder.display().to_string()), "{error}");
    for outside in ["../misnamed/misnamed", "", "/"] {
        assert!(registry.find(outside).is_err(), "{outside}");
    }
    let error = Registry::default().find("absent").unwrap_err().to_string();
    assert!(error.contains("set MASO_PLUGIN_PATH"), "{error}");
}

#[test]
fn one_kind_in_two_plugins() {
    let Some(first) = kind("first-of-two", &[]) else { return };
    let second = kind("second-of-two", &[]).unwrap();
    let error = Registry::default().kind("leaky").unwrap_err().to_string();
    let named = [first, second].map(|kind| kind.id().to_string());
    assert!(named.iter().all(|name| error.contains(name)), "{error}");
    let chosen = Registry::default().kind("second-of-two/leaky").unwrap();
    assert!(std::ptr::eq(chosen, second), "{}", chosen.id());
}

#[test]
fn a_later_minor_version_loads() {
    let Some(kind) = kind("minor", &["KIND_SIZE=sizeof(maso_kind) + 32"]) else { return };
    assert_eq!(kind.create(&[]).unwrap().pieces().slopes(), [0.0, 1.0]);
}

#[test]
fn parameters_out_of_place() {
    let Some(kind) = kind("parameters", &[]) else { return };
    let error = |settings: &[(&str, f64)]| kind.create(settings).unwrap_err();
    let outside = error(&[("gain", 1.25)]);
    assert_eq!(
        outside.to_string(),
        "parameters/leaky: gain = 1.25, expected a finite number from 0 to 1"
    );
    assert!(matches!(error(&[("gain", f64::NAN)]), Error::OutOfRange { .. }));
    assert!(matches!(error(&[("gain", 0.5), ("gain", 0.5)]), Error::ParameterTwice { .. }));
    let unknown = error(&[("slope", 0.5)]).to_string();
    assert_eq!(unknown, "parameters/leaky has no parameter slope; it has gain");
    let mut loaded = Plugin::loaded().into_iter();
    let error = loaded.find(|plugin| plugin.name() == "parameters").unwrap().kind("ReLU");
    assert!(error.unwrap_err().to_string().contains("no kind ReLU; it has leaky"));
}

/// Asserts that an instance of a variant is refused for its spline, in these words.
fn assert_spline(name: &str, macros: &[&str], words: &str) {
    let Some(kind) = kind(name, macros) else { return };
    let error = kind.create(&[]).expect_err(name);
    assert!(matches!(error, Error::Spline { .. }), "{name}: {error}");
    let text = error.to_string();
    assert!(text.contains(words) && text.contains(&format!("{name}/leaky")), "{name}: {text}");
}

#[test]
fn pieces_that_are_no_spline() {
    assert_spline("nan-slope", &["SLOPES=0.0, NAN"], "slope 1 is NaN, expected a finite number");
    assert_spline("inf-offset", &["OFFSETS=-INFINITY, 0.0"], "offset 0 is -inf");
    assert_spline("nan-knot", &["KNOTS=NAN"], "knot 0 is NaN");
    assert_spline("huge", &["SLOPES=0.0, 1e39"], "slope 1 is 1000000000000000");
    let jump = ["KNOTS=1.0", "OFFSETS=0.0, 0.5"];
    assert_spline("jump", &jump, "a jump at knot 0: at 1, piece 0 is 0 and the next one 1.5");
    let backwards = ["PIECES=3", "SLOPES=0, 0, 0", "OFFSETS=0, 0, 0", "KNOTS=1.0, -1.0"];
    assert_spline("backwards", &backwards, "knot 1 is -1, expected more than the 1");
    let equal = ["PIECES=3", "SLOPES=0, 0, 0", "OFFSETS=0, 0, 0", "KNOTS=1.0, 1.0"];
    assert_spline("equal-knots", &equal, "knot 1 is 1, expected more than the 1");
    assert_spline("no-pieces", &["PIECES=0"], "0 pieces, expected 1 to 4096");
    assert_spline("many-pieces", &["PIECES=UINT64_C(1)<<61"], "2305843009213693952 pieces");
    assert_spline("null-spline", &["SPLINE=NULL"], "its spline: it is NULL");
    assert_spline("null-slopes", &["SLOPE_ARRAY=NULL"], "its slopes: it is NULL");
}

#[test]
fn rules_that_are_none() {
    assert_spline("rule", &["RULE=17"], "rule 17 is not in version 1 of the interface");
    let above = ["RULE=MASO_RULE_BETA_VQ", "BETA=1.5"];
    assert_spline("beta", &above, "beta is 1.5, expected a number in [0, 1] for rule BETA_VQ");
    let zero = ["RULE=MASO_RULE_LOG_PARTITION"];
    assert_spline("lse", &zero, "beta is 0, expected a number in (0, 1] for rule LOG_PARTITION");
    assert_spline("hard-beta", &["BETA=0.5"], "beta is 0.5, expected 0 for rule HARD");
    let one = ["RULE=MASO_RULE_PROBIT", "PIECES=1"];
    assert_spline("probit", &one, "rule PROBIT on 1 pieces, expected 2");
    assert_spline("reserved", &["RESERVED=1"], "the reserved field is 1");
    let missing = ["RULE=MASO_RULE_CALLBACK", "SOFT_F64=NULL"];
    assert_spline("missing", &missing, "its rule is CALLBACK, but its function soft_f64 is NULL");
}

#[test]
fn create_that_fails() {
    let fails = "CREATED=*instance = NULL; return fail(\"the moon\\nis full\")";
    let Some(kind) = kind("fails", &[fails]) else { return };
    let error = kind.create(&[]).unwrap_err();
    let Error::Create { failure, .. } = &error else { panic!("{error}") };
    // On one line, whatever the plugin says.
    assert_eq!(failure.message, "the moon is full");
    assert_eq!(failure.status, abi::status::FAILED);
}

#[test]
fn create_that_returns_nothing() {
    let Some(kind) = kind("nothing", &["CREATED=*instance = NULL; return MASO_OK"]) else { return };
    assert!(matches!(kind.create(&[]).unwrap_err(), Error::NoInstance { .. }));
}

const CALLBACK: &str = "RULE=MASO_RULE_CALLBACK";

/// What is found when an instance of a variant is created; `None` without a compiler.
fn soft_fault(name: &str, deviation: &str) -> Option<SoftFault> {
    match kind(name, &[CALLBACK, deviation])?.create(&[]).expect_err(name) {
        Error::Soft { fault, .. } => Some(fault),
        other => panic!("{name}: {other}"),
    }
}

/// Asserts a pattern of what [`soft_fault`] finds.
macro_rules! assert_soft {
    ($name:literal, $deviation:literal, $pattern:pat) => {
        if let Some(fault) = soft_fault($name, $deviation) {
            assert!(matches!(fault, $pattern), "{}: {fault}", $name);
        }
    };
}

#[test]
fn soft_inference_that_does_not_go_together() {
    assert_soft!(
        "soft-nan",
        "VALUE=z > 3 ? (z - z) / (z - z) : z * s",
        SoftFault::NotFinite { what: "value", .. }
    );
    assert_soft!("soft-sum", "OFF=0.9 - s", SoftFault::Sum { .. });
    assert_soft!("soft-negative", "SOFT=s = z < -2 ? -1 : s", SoftFault::Sum { .. });
    assert_soft!("soft-majority", "SOFT=s = 1 - s", SoftFault::Majority { .. });
    assert_soft!("soft-mean", "VALUE=z * s + (z > 2)", SoftFault::Mean { .. });
    assert_soft!("soft-slope", "DERIVATIVE=s", SoftFault::Derivative { .. });
    assert_soft!(
        "soft-precision",
        "VALUE=sizeof z == 4 ? z * s + 1 : z * s",
        SoftFault::Precision { what: "value", .. }
    );
    // What it does not write is no result.
    assert_soft!("soft-unwritten", "SOFT=if (z > 5) continue", SoftFault::NotFinite { .. });
}

#[test]
fn failing_in_the_middle_of_a_batch() {
    let fails = "SOFT=if (z > 1000) return fail(\"more than a thousand\")";
    let Some(kind) = kind("mid-batch", &[CALLBACK, fails]) else { return };
    let swish = kind.create(&[]).unwrap();
    let mut value = [0.0_f32; 4];
    let error =
        swish.soft_f32(Block::line(&[1.0, 2.0, 2000.0, 3.0]).value(&mut value, 4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mid-batch/leaky: soft inference failed (status -5): more than a thousand"
    );
    // It is as good as before, and the message is not kept for another failure.
    swish.soft_f32(Block::line(&[1.0, 2.0, 3.0, 4.0]).value(&mut value, 4)).unwrap();
    assert!((value[0] - 0.731_058_6).abs() < 1e-6, "{value:?}");
}

#[test]
fn blocks_that_do_not_fit() {
    let Some(kind) = kind("blocks", &[CALLBACK, "FLAGS=MASO_KIND_HAS_MEMBERSHIP"]) else { return };
    let swish = kind.create(&[]).unwrap();
    let (z, mut y) = ([0.0_f64; 12], [0.0_f64; 12]);
    let fault = |block: Block<'_, f64>| match swish.soft_f64(block).unwrap_err() {
        Error::Block { fault, .. } => fault,
        other => panic!("{other}"),
    };
    let short = fault(Block::lines(&z, 3, 4, 5));
    assert_eq!(short, BlockFault::Short { array: "input", found: 12, expected: 14 });
    let overlap = fault(Block::lines(&z, 3, 4, 4).value(&mut y, 3));
    assert_eq!(overlap, BlockFault::Stride { array: "value", found: 3, least: 4 });
    let planes = fault(Block::lines(&z, 3, 4, 4).membership(&mut y, 4, 12));
    assert_eq!(planes, BlockFault::Short { array: "membership", found: 12, expected: 24 });
    let wild = fault(Block::lines(&z, usize::MAX, 4, 4));
    assert_eq!(wild, BlockFault::Overflow { array: "input" });
    let derivative = fault(Block::line(&z).derivative(&mut y, 12));
    assert_eq!(derivative, BlockFault::NotOffered { what: "derivatives" });
}

#[test]
fn soft_inference_of_an_instance_that_has_none() {
    let Some(kind) = kind("named-rule", &["RULE=MASO_RULE_BETA_VQ", "BETA=0.25"]) else { return };
    let swish = kind.create(&[]).unwrap();
    assert_eq!(swish.inference(), Inference::BetaVq { beta: 0.25 });
    let error = swish.soft_f64(Block::line(&[1.0])).unwrap_err().to_string();
    assert!(error.contains("soft inference is beta-VQ with beta = 0.25"), "{error}");
}

/// The checks that a variant fails, by name; `None` without a compiler.
fn failed_checks(name: &str, macros: &[&str]) -> Option<Vec<&'static str>> {
    let report = conformance::check(variant(name, macros)?);
    Some(report.checks.iter().filter(|check| !check.passed()).map(|check| check.name).collect())
}

#[test]
fn conformance_finds_what_samples_do_not() {
    let Some(good) = failed_checks("conforms", &[CALLBACK]) else { return };
    assert_eq!(good, [""; 0]);
    let block = "a result does not depend on the block, and nothing else is written";
    let beyond = "SOFT=if (block->lines > 1 && block->value) block->value[block->length] = 1";
    assert_eq!(failed_checks("beyond", &[CALLBACK, beyond]).unwrap(), [block; 3]);
    let position = "VALUE=z * s * (1 + (i > 300) * 3e-7)";
    assert_eq!(failed_checks("position", &[CALLBACK, position]).unwrap(), [block; 3]);
    let unwanted = "SOFT=if (!block->value) return fail(\"why then\")";
    assert_eq!(failed_checks("unwanted", &[CALLBACK, unwanted]).unwrap(), [block; 3]);
    let state = "VALUE=z * s * (1 + (calls % 2) * 3e-7)";
    assert!(!failed_checks("state", &[CALLBACK, state]).unwrap().is_empty());
    let odd = "SOFT=if (z != z) return MASO_ERROR_FAILED";
    assert_eq!(failed_checks("odd", &[CALLBACK, odd]).unwrap(), ["takes NaN and infinities"; 3]);
    let pieces = failed_checks("no-spline", &["SLOPES=NAN, 0.0"]).unwrap();
    assert_eq!(pieces, ["its pieces and rule are well-formed"; 3]);
    let loads = failed_checks("loads", &["KIND_COUNT=0"]).unwrap();
    assert_eq!(loads, ["loads, and its tables are well-formed"]);
}

/// The crate of `tests/plugins/panics.rs`, written out outside of the workspace.
fn panics_crate(folder: &str) -> PathBuf {
    let folder = scratch(folder);
    let manifest = format!(
        "[package]\nname = \"panics\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\npath = {:?}\n\
         crate-type = [\"cdylib\"]\n\n[dependencies.maso-plugins]\npath = {:?}\n\
         default-features = false\nfeatures = [\"sdk\"]\n\n[workspace]\n",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugins/panics.rs"),
        env!("CARGO_MANIFEST_DIR"),
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    folder
}

#[test]
fn panics_become_statuses() {
    let library = common::built(&panics_crate("panics"), "panics");
    let plugin = Plugin::open(library).unwrap();
    let create = |kind: &str| plugin.kind(kind).unwrap().create(&[]);
    let failure = |kind| match create(kind).unwrap_err() {
        Error::Create { failure, .. } => failure,
        other => panic!("{other}"),
    };
    let panic = |message: &str| Failure { status: abi::status::PANIC, message: message.into() };
    assert_eq!(failure("in-create"), panic("index out of bounds: the len is 2 but the index is 3"));
    assert_eq!(failure("in-spline"), panic("no spline today"));
    assert_eq!(failure("with-bomb"), panic("a panic without a text"));
    assert_eq!(failure("refuses").to_string(), "wrong parameters (status -2): there is no entry 3");
    drop(create("in-drop").unwrap());
    for (kind, words) in [
        ("in-soft", "panicked (status -6): too far out"),
        ("mid-batch", "failed (status -5): a pre-activation is above 1000"),
    ] {
        let instance = create(kind).unwrap();
        let mut value = [0.0_f32; 3];
        let error = instance.soft_f32(Block::line(&[1.0, 1e4, 2.0]).value(&mut value, 3));
        let error = error.unwrap_err().to_string();
        assert_eq!(error, format!("panics/{kind}: soft inference {words}"));
        instance.soft_f32(Block::line(&[1.0, 10.0, 2.0]).value(&mut value, 3)).unwrap();
        assert_eq!(value, [1.0, 10.0, 2.0], "it works on after an error");
    }
}

/// Without unwinding a panic would be the end of the host.
#[test]
fn a_plugin_that_cannot_unwind_does_not_compile() {
    let folder = panics_crate("aborts");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--target-dir", "target"])
        .current_dir(folder)
        .env("CARGO_PROFILE_DEV_PANIC", "abort")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("a plugin must unwind"), "{text}");
}

#[test]
fn errors_keep_their_cause() {
    let Some(kind) = kind("cause", &["SLOPES=0.0, NAN"]) else { return };
    let error = kind.create(&[]).unwrap_err();
    let Error::Spline { fault, .. } = error else { panic!("{error}") };
    assert!(matches!(fault, SplineFault::NotFinite { what: "slope", index: 1, .. }), "{fault}");
}
