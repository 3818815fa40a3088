//! The `maso` command as a user runs it: results, the same bits on any threads, and what it says of
//! bad input.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Scratch, failure, json, maso, npy, stdout, testdata};
use serde_json::Value;

#[test]
fn the_demo_needs_nothing_and_counts_truly() {
    let scratch = Scratch::new();
    let picture = scratch.path("slice.svg");
    let text = stdout(&["demo", "--picture", &picture]);
    assert!(text.contains(&picture), "it says where the picture is: {text}");
    assert!(std::fs::read_to_string(&picture).expect("a picture").contains("<svg"), "an SVG");
    assert!(text.contains("2,000 rows in 1,995 regions: 1,990 with one row"), "{text}");
    assert!(text.contains("cargo run --release -- info"), "it says what to try next: {text}");
    let digits = testdata("data/mnist_test_x.npy");
    let (model, labels) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_y.npy"));
    let arguments =
        ["census", &model, &digits, "--scale", "1/255", "--labels", &labels, "--json", "--quiet"];
    let (demo, census) = (json(&["demo", "--json"]), json(&arguments));
    for key in ["rows", "regions", "singletons", "largest", "bits", "layers", "labels"] {
        assert_eq!(demo[key], census[key], "{key}");
    }
}

#[test]
fn info_lists_the_layers_and_their_bits() {
    let report = json(&["info", &testdata("models/mnist_lenet.onnx"), "--json"]);
    assert_eq!(report["rows"], "axis 0");
    assert_eq!(report["bits"], 9660);
    assert_eq!(report["parameters"], 61706);
    assert_eq!(report["multiply_adds"], 416_520);
    let layers = report["layers"].as_array().expect("layers");
    let column = |key: &str| layers.iter().map(|layer| layer[key].clone()).collect::<Vec<_>>();
    assert_eq!(column("op"), ["Relu", "MaxPool", "Relu", "MaxPool", "Relu", "Relu"]);
    assert_eq!(column("pieces"), [2, 4, 2, 4, 2, 2]);
    assert_eq!(column("first_bit"), [0, 4704, 7056, 8656, 9456, 9576]);
    let text = stdout(&["info", &testdata("models/mnist_resnet.onnx")]);
    assert!(text.contains("(conv 16→32 3×3") || text.contains("conv 16→32 1×1 stride 2"), "{text}");
}

#[test]
fn codes_are_the_same_for_any_threads_tier_and_rows() {
    let scratch = Scratch::new();
    let (model, digits) = (testdata("models/mnist_lenet.onnx"), testdata("data/mnist_test_x.npy"));
    let run = |name: &str, options: &[&str]| {
        let out = scratch.path(name);
        let fixed = ["codes", &model, &digits, "--scale", "1/255", "--quiet", "-o", &out];
        stdout(&[&fixed, options].concat());
        std::fs::read(out).expect("codes")
    };
    let one = run("one.npy", &["--rows", "0..300", "--threads", "1"]);
    assert_eq!(run("two.npy", &["--rows", "..300", "--threads", "2"]), one);
    assert_eq!(run("scalar.npy", &["--rows", "0..300", "--tier", "scalar"]), one);
    let header = 128;
    let row = (one.len() - header) / 300;
    let part = run("part.npy", &["--rows", "100..200"]);
    assert_eq!(part[header..], one[header + 100 * row..header + 200 * row]);
}

#[test]
fn codes_come_with_margins_and_certificates() {
    let scratch = Scratch::new();
    let (model, digits) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_x.npy"));
    let out = |name: &str| scratch.path(name);
    let run = |options: &[&str]| {
        let fixed = ["codes", &model, &digits, "--scale", "1/255", "--json", "--quiet"];
        json(&[&fixed, options].concat())
    };
    let margins = run(&["-o", &out("plain.npy"), "--margin", &out("m.npy")]);
    let certain = margins["margins"]["certain_rows"].as_u64().expect("a count");
    assert!((1800..2000).contains(&certain), "{certain} of 2,000 rows");
    let file = std::fs::read(out("m.npy")).expect("margins");
    let numbers: Vec<f32> = file[128..]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    assert_eq!(numbers.len(), 2 * 2000, "two for each row");
    let above = numbers.chunks_exact(2).filter(|pair| pair[1] > 1.0).count();
    assert_eq!(above as u64, certain, "relative margins above 1 are what is certain");
    let certified = run(&["-o", &out("certified.npy"), "--certify"]);
    assert_eq!(certified["certified"]["redone"], 2000 - certain);
    assert_eq!(certified["certified"]["undecided"].as_array().map(Vec::len), Some(0));
    let read = |name: &str| std::fs::read(out(name)).expect("codes");
    assert!(read("plain.npy") == read("certified.npy"), "no code of these rows changes");
    // Bounds do not depend on which rows are run.
    run(&["-o", &out("c.npy"), "--margin", &out("part.npy"), "--rows", "500..600"]);
    let part = std::fs::read(out("part.npy")).expect("margins");
    assert!(part[128..] == file[128 + 500 * 8..128 + 600 * 8], "rows 500 to 600");
    let same = out("c.npy");
    let error = failure(&["codes", &model, &digits, "-o", &same, "--margin", &same], 2);
    assert!(error.contains("choose two files"), "{error}");
    let error = failure(&["codes", &model, &digits, "-o", &same, "--margin", "m.json"], 2);
    assert!(error.contains(".npy"), "{error}");
}

#[test]
fn census_writes_json_and_npz() {
    let scratch = Scratch::new();
    let (model, moons) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let (report, archive) = (scratch.path("r.json"), scratch.path("r.npz"));
    stdout(&["census", &model, &moons, "-o", &report]);
    stdout(&["census", &model, &moons, "-o", &archive]);
    let report = std::fs::read_to_string(report).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let layer = &report["layers"][1];
    for key in ["rows", "regions", "singletons", "largest", "bits"] {
        assert!(report[key].is_u64(), "{key}");
    }
    for key in ["units", "bits", "distinct", "never_on", "always_on"] {
        assert!(layer[key].is_u64(), "{key}");
    }
    for key in ["entropy_bits", "entropy_plugin_bits"] {
        assert!(layer[key].is_f64(), "{key}");
    }
    assert_eq!((&layer["name"], &layer["op"]), (&"/3/Relu".into(), &"Relu".into()));
    let bytes = std::fs::read(archive).expect("an archive");
    for member in ["region.npy", "count.npy", "first_row.npy", "code.npy"] {
        let found = bytes.windows(member.len()).any(|part| part == member.as_bytes());
        assert!(found, "{member}");
    }
}

#[test]
fn forward_says_when_it_ends_before_the_file_does() {
    let scratch = Scratch::new();
    let (out, moons) = (scratch.path("y.npy"), testdata("data/moons.npy"));
    let said = |arguments: &[&str]| {
        let output =
            maso(&[&["forward", arguments[0], &moons, "-o", &out], &arguments[1..]].concat());
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let model = testdata("models/tiny_softmax.onnx");
    let text = said(&[&model]);
    assert!(text.contains("trailing Softmax (probabilities) is left off"), "{text}");
    assert!(text.contains("(logits)") && text.contains("shape [2000, 3]"), "{text}");
    let text = said(&[&model, "--output", "relu"]);
    assert!(!text.contains("left off") && text.contains("shape [2000, 5]"), "{text}");
    assert_eq!(said(&[&model, "--quiet"]), "");
    let report = json(&["forward", &model, &moons, "-o", &out, "--json", "--quiet"]);
    assert_eq!(report["head"][0]["op"], "Softmax");
}

#[test]
fn bad_models_are_named() {
    let scratch = Scratch::new();
    let (moons, out) = (testdata("data/moons.npy"), scratch.path("c.npy"));
    let refused = |model: &str| failure(&["codes", model, &moons, "-o", &out], 1);

    let text = scratch.write("m.onnx", b"<html>not found</html>");
    assert!(refused(&text).contains("expected an ONNX protobuf, found a text file"), "text");
    let model = std::fs::read(testdata("models/moons_relu.onnx")).expect("a model");
    let cut = scratch.write("cut.onnx", &model[..3000]);
    let message = refused(&cut);
    assert!(message.contains("cut.onnx") && message.contains("truncated"), "{message}");
    let message = refused(&scratch.path("nosuch.onnx"));
    assert!(message.contains("nosuch.onnx") && message.contains("No such file"), "{message}");
    assert!(!Path::new(&out).exists(), "no output after an error");
}

#[test]
fn soft_models_have_codes_and_first_order_maps_but_no_exact_geometry() {
    let scratch = Scratch::new();
    let (model, data) = (testdata("models/moons_silu.onnx"), testdata("data/moons.npy"));
    stdout(&["codes", &model, &data, "-o", &scratch.path("c.npy")]);
    let (out, point) = (scratch.path("a.npz"), format!("{data}:0"));
    for verb in [
        &["affine", &model, &data, "--rows", "0..4", "-o", &out, "--json"][..],
        &["distance", &model, &data, "--rows", "0..4", "-o", &scratch.path("d.npz"), "--json"],
        &["template", &model, &point, "-o", &scratch.path("t.png"), "--json"],
    ] {
        assert_eq!(json(verb)["first_order"], true, "{verb:?}");
    }
    let distances = scratch.path("e.npz");
    for verb in [
        &["codes", &model, &data, "-o", &scratch.path("d.npy"), "--certify"][..],
        &["distance", &model, &data, "-o", &distances, "--boundary"],
        &["region", &model, &point],
        &["slice", &model, "--box=-1,1,-1,1", "-o", &scratch.path("s.svg")],
    ] {
        let message = failure(verb, 1);
        assert!(
            message.contains("is soft") && message.contains("not piecewise affine"),
            "{message}"
        );
    }
    assert!(!Path::new(&distances).exists(), "no output after an error");
}

#[test]
fn models_are_softened_hardened_and_swept() {
    let scratch = Scratch::new();
    let (model, data) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let labels = testdata("data/moons_labels.npy");
    let (soft, hard) = (scratch.path("soft.onnx"), scratch.path("hard.onnx"));
    stdout(&["soften", &model, "--beta", "0.5", "-o", &soft]);
    let described = json(&["info", &soft, "--json"]);
    assert!(
        described["layers"].as_array().expect("layers").iter().all(|layer| layer["op"] == "Swish")
    );
    stdout(&["harden", &soft, "-o", &hard]);
    let forward = |model: &str, name: &str| {
        let out = scratch.path(name);
        stdout(&["forward", model, &data, "-o", &out]);
        std::fs::read(out).expect("written")
    };
    assert_eq!(forward(&model, "a.npy"), forward(&hard, "b.npy"), "ReLU again, bit for bit");
    assert_ne!(forward(&model, "a.npy"), forward(&soft, "c.npy"));

    let sweep =
        json(&["soften", &model, &data, "--labels", &labels, "--beta", "0.5..1:3", "--json"]);
    let points = sweep["sweep"].as_array().expect("a sweep");
    let betas: Vec<_> = points.iter().map(|point| point["beta"].as_f64()).collect();
    assert_eq!(betas, [Some(0.5), Some(0.75), Some(1.0)]);
    assert_eq!(points[2]["output_change"], 0.0);
    assert_eq!(points[2]["accuracy"], sweep["accuracy"]);
    assert_eq!(points[2]["region_predicts"], 1.0);
    let entropy = |point: usize| points[point]["entropy"][0].as_f64().expect("an entropy");
    assert!(entropy(0) > entropy(1) && entropy(1) > entropy(2) && entropy(2) == 0.0);

    let said = failure(&["soften", &model], 2);
    assert!(said.contains("-o OUT.onnx"), "{said}");
    let said = failure(&["soften", &model, "-o", &soft, "--layers", "nosuch"], 2);
    assert!(said.contains("nosuch") && said.contains("there are"), "{said}");
    let said = failure(&["soften", &model, "-o", &soft, "--beta", "1.5"], 2);
    assert!(said.contains("from 0 to 1"), "{said}");
}

#[test]
fn bad_data_are_named() {
    let scratch = Scratch::new();
    let (model, out) = (testdata("models/moons_relu.onnx"), scratch.path("c.npy"));
    let refused = |data: &str| failure(&["codes", &model, data, "-o", &out], 1);
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();

    let wide = scratch.write("wide.npy", &npy("<f4", "(1, 3)", &floats(&[1.0; 3])));
    let message = refused(&wide);
    assert!(message.contains("rows have 3 numbers") && message.contains("takes 2"), "{message}");

    let mut long = npy("<f4", "(1, 2)", &floats(&[1.0; 2]));
    long[9] = 0x7F;
    let message = refused(&scratch.write("long.npy", &long));
    assert!(message.contains("long.npy") && message.contains("header claims"), "{message}");

    let mut values = [1.0f32; 20];
    values[13] = f32::NAN;
    let nan = scratch.write("nan.npy", &npy("<f4", "(10, 2)", &floats(&values)));
    let message = refused(&nan);
    assert!(message.contains("nan.npy: row 6, column 1 is NaN"), "{message}");
    // Rows before the bad one are fine.
    stdout(&["codes", &model, &nan, "-o", &out, "--rows", "0..6", "--quiet"]);
    std::fs::remove_file(&out).expect("codes of six rows");

    let huge = scratch.write("huge.npy", &npy("<f4", "(1, 2)", &floats(&[3e38, -3e38])));
    let message = refused(&huge);
    assert!(message.contains("row 0 overflows at node"), "{message}");

    let empty = scratch.write("empty.npy", &npy("<f4", "(0, 2)", &[]));
    let message = refused(&empty);
    assert!(message.contains("empty.npy has no rows"), "{message}");

    assert!(scratch.names().iter().all(|name| *name != Path::new(&out)), "no output is left");
    assert_eq!(scratch.names().len(), 5, "nor a temporary file");
}

#[test]
fn a_fixed_first_axis_that_could_count_rows_is_said() {
    let scratch = Scratch::new();
    let model = std::fs::read(testdata("models/tiny_softmax.onnx")).expect("a model");
    // The symbolic batch `n` becomes the fixed extent 4, written in two bytes to keep its length.
    let symbolic = b"\x0A\x03\x12\x01n";
    let at = model.windows(5).position(|part| part == symbolic).expect("the symbolic axis");
    let mut fixed = model.clone();
    fixed.splice(at..at + 5, *b"\x0A\x03\x08\x84\x00");
    let model = scratch.write("fixed.onnx", &fixed);
    let (moons, out) = (testdata("data/moons.npy"), scratch.path("y.npy"));
    let message = failure(&["forward", &model, &moons, "-o", &out], 1);
    assert!(message.contains("fixed at 4") && message.contains("--row-axis 0"), "{message}");
    stdout(&["forward", &model, &moons, "-o", &out, "--row-axis", "0", "--quiet"]);
}

#[test]
fn labels_must_fit_the_rows() {
    let scratch = Scratch::new();
    let (model, moons) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let labels = scratch.write("l.npy", &npy("|u1", "(3,)", &[0, 1, 0]));
    let message = failure(&["census", &model, &moons, "--labels", &labels], 1);
    assert!(message.contains("are 3, but") && message.contains("has 2,000 rows"), "{message}");
}

#[test]
fn outputs_that_cannot_be_written_are_named_before_the_run() {
    let scratch = Scratch::new();
    let (model, moons) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let missing = scratch.path("no/such/folder/c.npy");
    let message = failure(&["codes", &model, &moons, "-o", &missing], 1);
    assert!(message.contains("cannot write") && message.contains("folder/c.npy"), "{message}");
    let folder = scratch.path("folder.npy");
    std::fs::create_dir(&folder).expect("a folder");
    let message = failure(&["codes", &model, &moons, "-o", &folder], 1);
    assert!(message.contains("it is a folder"), "{message}");
}

#[test]
fn wrong_usage_exits_with_two() {
    let (model, moons) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let wrong = |options: &[&str]| {
        failure(&[&["codes", &model, &moons, "-o", "c.npy"], options].concat(), 2)
    };
    assert!(wrong(&["--rows", "5..5"]).contains("5..5 holds no rows"), "an empty range");
    assert!(wrong(&["--rows", "9..2001"]).contains("9..2001:"), "a range past the end");
    assert!(wrong(&["--rows", "-5.."]).contains("expected A..B"), "a negative row");
    assert!(wrong(&["--scale", "1/0"]).contains("finite number or fraction"), "a fraction");
    assert!(wrong(&["--scale", "0"]).contains("makes all rows one"), "a scale of 0");
    assert!(wrong(&["--tier", "avx9"]).contains("this machine has scalar, portable"), "a tier");
    assert!(wrong(&["--threads", "0"]).contains("from 1 to 1024"), "no threads");
    assert!(wrong(&["--threads", "-1"]).contains("from 1 to 1024"), "fewer than none");
    assert!(wrong(&["--frobnicate"]).contains("--frobnicate"), "an unknown option");
    let message = failure(&["census", &model, &moons, "-o", "r.txt"], 2);
    assert!(message.contains("ending in .json or .npz"), "{message}");
    let message = failure(&["codes", &model, &moons, "-o", "c.json"], 2);
    assert!(message.contains("ending in .npy"), "{message}");
    assert!(failure(&["cods"], 2).contains("similar subcommand"), "a mistyped verb");
}

#[test]
fn inputs_are_not_written_over() {
    let scratch = Scratch::new();
    let model = testdata("models/moons_relu.onnx");
    let bytes = std::fs::read(testdata("data/moons.npy")).expect("data");
    let data = scratch.write("x.npy", &bytes);
    let message = failure(&["forward", &model, &data, "-o", &data], 2);
    assert!(message.contains("would replace the input"), "{message}");
    assert_eq!(std::fs::read(&data).expect("data"), bytes, "the data are as they were");
    let message = failure(&["codes", &model, &data, "-o", "-"], 2);
    assert!(message.contains("/dev/stdout"), "{message}");
}

#[test]
fn what_may_surprise_is_said() {
    let scratch = Scratch::new();
    let out = scratch.path("y.npy");
    let model = testdata("models/tiny_branches.onnx"); // 2×5×6
    let body = vec![1u8; 60];
    let said = |shape: &str, options: &[&str]| {
        let data = scratch.write("x.npy", &npy("|u1", shape, &body));
        let output = maso(&[&["forward", &model, &data, "-o", &out], options].concat());
        assert!(output.status.success(), "{shape}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let text = said("(1, 5, 6, 2)", &[]);
    assert!(text.contains("another layout") && text.contains("u8 numbers"), "{text}");
    let text = said("(1, 2, 5, 6)", &["--scale", "1"]);
    assert!(!text.contains("note:"), "{text}");
    assert!(!said("(1, 60)", &["--scale", "1"]).contains("note:"), "flat rows are plain");
    assert_eq!(said("(1, 5, 6, 2)", &["--quiet"]), "");

    let column = scratch.write("v.npy", &npy("|u1", "(60,)", &body));
    let message = failure(&["forward", &model, &column, "-o", &out], 1);
    assert!(message.contains("1 number each") && message.contains("x[None]"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_stopped_run_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let (model, digits) = (testdata("models/mnist_lenet.onnx"), testdata("data/mnist_test_x.npy"));
    let out = scratch.path("c.npy");
    let mut child = Command::new(env!("CARGO_BIN_EXE_maso"))
        .args(["codes", &model, &digits, "--scale", "1/255", "--tier", "scalar", "-o", &out])
        .args(["--threads", "1"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("maso runs");
    while scratch.names().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success(), "the run is still going");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert!(scratch.names().is_empty(), "{:?}", scratch.names());
}

#[test]
fn weights_are_run_and_converted_with_an_architecture() {
    let folder = Scratch::new();
    let (weights, rows) = (testdata("formats/moons.safetensors"), testdata("data/moons.npy"));
    let (a, b, c) = (folder.path("a.npy"), folder.path("b.npy"), folder.path("c.npy"));
    stdout(&["codes", &weights, &rows, "--arch", "mlp:relu", "-o", &a]);
    let model = folder.path("moons.onnx");
    stdout(&["convert", &weights, "--arch", "mlp:relu", "-o", &model]);
    stdout(&["codes", &model, &rows, "-o", &b]);
    stdout(&["codes", &testdata("models/moons_relu.onnx"), &rows, "--buffered", "-o", &c]);
    let read = |path: &str| std::fs::read(path).expect("codes");
    assert!(read(&a) == read(&b) && read(&b) == read(&c), "the same codes three ways");

    let error = failure(&["convert", &model, "-o", &folder.path("again.onnx")], 2);
    assert!(error.contains("is an ONNX model already"), "{error}");
    let error = failure(&["info", &model, "--arch", "mlp:relu"], 1);
    assert!(error.contains("holds its own architecture; leave --arch out"), "{error}");
    let error = failure(&["info", &weights, "--arch", "mlp:rleu"], 1);
    assert!(error.contains("no nonlinearity \"rleu\"; known are relu,"), "{error}");
    let text = stdout(&["info", &weights, "--arch", "mlp:tanh"]);
    assert!(text.contains("Tanh"), "{text}");
    let wrong = testdata("hostile/wrong_order.json");
    let error = failure(&["convert", &weights, "--arch", &wrong, "-o", &model], 1);
    assert!(error.contains("moons.safetensors: 1 node cannot be represented"), "{error}");
    assert!(error.contains("0.weight (Gemm): its matrix takes 2 numbers"), "the tensor: {error}");
    assert!(!error.contains("--output"), "convert has no such option: {error}");
    assert!(read(&model).len() > 5000, "a failed conversion leaves the file that was there");
}

/// A protobuf field's content by the numbers that lead to it, the first of each.
fn inside<'b>(mut bytes: &'b [u8], path: &[u8]) -> Option<&'b [u8]> {
    fn varint(bytes: &mut &[u8]) -> Option<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            value |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                return Some(value);
            }
        }
    }
    let (&wanted, further) = path.split_first()?;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = varint(&mut bytes)?;
        if tag & 7 == 2 {
            let (content, rest) = bytes.split_at_checked(value)?;
            bytes = rest;
            if tag >> 3 == usize::from(wanted) {
                return if further.is_empty() { Some(content) } else { inside(content, further) };
            }
        }
    }
    None
}

#[test]
fn converted_models_say_their_shapes_and_may_be_smooth() {
    let folder = Scratch::new();
    let weights = testdata("formats/moons.safetensors");
    for activation in ["relu", "tanh", "sigmoid", "softplus", "leaky_relu"] {
        let model = folder.path("m.onnx");
        let arch = format!("mlp:{activation}");
        let output = maso(&["convert", &weights, "--arch", &arch, "-o", &model]);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "{activation}: {said}");
        assert!(said.contains("layers in the order of their names: 0, 2, 4"), "{said}");
        let bytes = std::fs::read(&model).expect("a model");
        // Graph, output, type, tensor type, shape: the rows' axis by its name, and two numbers.
        let shape = inside(&bytes, &[7, 12, 2, 1, 2]).expect("the output has a shape");
        assert_eq!(shape, b"\x0A\x06\x12\x04rows\x0A\x02\x08\x02", "{activation}");
        let node = format!("{}{}", &activation[..1].to_uppercase(), &activation[1..4]);
        assert!(bytes.windows(4).any(|part| part == node.as_bytes()), "the node itself is written");
    }
}

#[test]
fn the_order_of_a_stack_is_said_or_refused() {
    let report =
        json(&["info", &testdata("formats/moons.safetensors"), "--arch", "mlp:relu", "--json"]);
    assert_eq!(report["layer_order"], serde_json::json!(["0", "2", "4"]));
    let text = stdout(&["info", &testdata("formats/moons_weights.npz"), "--arch", "mlp:relu"]);
    assert!(text.contains("layers in the order of their names: W0, W1, W2"), "{text}");
    let report = json(&["info", &testdata("models/moons_relu.onnx"), "--json"]);
    assert_eq!(report["layer_order"], Value::Null, "an ONNX model has its own");
    let names = testdata("hostile/encoder_decoder.safetensors");
    let error = failure(&["info", &names, "--arch", "mlp:relu"], 1);
    assert!(error.contains("the order of the layers is not in their names"), "{error}");
    assert!(error.contains("use --arch FILE.json, see docs/formats.md"), "{error}");
}

/// Every example of docs/errors.md, run in a folder that sees the test data.
#[cfg(target_os = "linux")]
#[test]
fn what_the_docs_say_of_broken_files_is_what_is_printed() {
    let folder = Scratch::new();
    let link = folder.0.path().join("testdata");
    std::os::unix::fs::symlink(testdata(""), link).expect("a link to the test data");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let page = std::fs::read_to_string(page).expect("docs/errors.md");
    let examples: Vec<&str> = page.split("```text\n$ maso ").skip(1).collect();
    for example in &examples {
        let example = example.split("\n```").next().unwrap_or_default();
        let (command, said) = example.split_once('\n').expect("a command and what it says");
        if cfg!(feature = "parquet") && command.contains(".parquet") {
            continue;
        }
        let output = Command::new(env!("CARGO_BIN_EXE_maso"))
            .args(command.split(' '))
            .current_dir(folder.0.path())
            .env_remove("MASO_TIER")
            .output()
            .expect("maso runs");
        assert_eq!(output.status.code(), Some(1), "maso {command}");
        let found = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(found.trim_end(), said, "maso {command}: run scripts/make_hostile.py");
    }
    assert!(examples.len() > 90, "found only {} examples", examples.len());
}

#[test]
fn options_that_choose_within_a_file_are_refused_where_they_do_nothing() {
    let folder = Scratch::new();
    let (model, out) = (testdata("models/moons_relu.onnx"), folder.path("c.npy"));
    let refused = |data: &str, options: &[&str]| {
        failure(&[&["codes", &model, &testdata(data), "-o", &out], options].concat(), 1)
    };
    let error = refused("data/moons.npy", &["--columns", "0"]);
    assert!(error.contains("--columns chooses columns of a table, but "), "{error}");
    assert!(
        error.contains("moons.npy is an array of shape [2000, 2]; slice it in numpy"),
        "{error}"
    );
    let error = refused("formats/moons.csv", &["--array", "x"]);
    assert!(error.contains("--array chooses an array of an archive, but "), "{error}");
    let error = refused("formats/moons.csv", &["--columns", "1"]);
    assert!(error.contains("rows have 1 number each (the file's shape is [200, 2])"), "{error}");
    let arguments =
        ["codes", &model, &testdata("formats/moons.csv"), "-o", &out, "--columns", "1..0"];
    assert!(failure(&arguments, 2).contains("1..0 is empty: 0 is not beyond 1"), "no columns");
}

#[test]
fn a_table_beside_words_keeps_its_first_row() {
    let folder = Scratch::new();
    let (model, out) = (testdata("models/moons_relu.onnx"), folder.path("c.npy"));
    let iris = folder.write("iris.data", b"5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n");
    let report =
        json(&["codes", &model, &iris, "--columns", "0..2", "-o", &out, "--json", "--quiet"]);
    assert_eq!(report["rows"], 2);
    let error = failure(&["codes", &model, &iris, "-o", &out], 1);
    assert!(error.contains("column 2 is \"Iris-setosa\", column 0 is \"5.1\"; choose"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_models_folder_is_not_waited_for() {
    let folder = Scratch::new();
    let model = std::fs::read(testdata("hostile/external_beyond.onnx")).expect("a model");
    let model = folder.write("m.onnx", &model);
    let made = Command::new("mkfifo").arg(folder.path("eight_bytes.data")).status();
    assert!(made.expect("mkfifo runs").success(), "a pipe");
    let error = failure(&["info", &model], 1);
    assert!(error.contains("\"eight_bytes.data\" is no regular file"), "{error}");
}

#[test]
fn rows_are_standardised_and_turned_as_asked() {
    let folder = Scratch::new();
    let model = testdata("exported/reducing_dynamo.onnx"); // takes (3, 9, 8)
    let image = |order: &dyn Fn(usize, usize) -> usize| {
        let mut bytes = vec![0u8; 216];
        for c in 0..3 {
            for at in 0..72 {
                bytes[order(c, at)] = (c * 80 + at) as u8;
            }
        }
        bytes
    };
    let header = |shape: &str| {
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (text.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, text.as_bytes()].concat()
    };
    let planes = image(&|c, at| c * 72 + at);
    let pixels = image(&|c, at| at * 3 + c);
    let nchw = folder.write("nchw.npy", &[header("(1, 3, 9, 8)"), planes].concat());
    let nhwc = folder.write("nhwc.npy", &[header("(1, 9, 8, 3)"), pixels].concat());
    let scaling = ["--scale", "1/255", "--mean", "0.5,0.4,-.3", "--std", "0.2,0.3,0.4"];
    let values = |rows: &str, more: &[&str]| {
        let out = folder.path("y.npy");
        stdout(&[&["forward", &model, rows, "-o", &out], &scaling[..], more].concat());
        std::fs::read(out).expect("outputs")
    };
    let expected = values(&nchw, &[]);
    assert!(values(&nhwc, &["--layout", "nhwc"]) == expected, "pixels turned into planes");
    assert!(values(&nhwc, &[]) != expected, "and not turned unless asked");
    let out = folder.path("y.npy");
    let report = json(&["codes", &model, &nchw, "-o", &out, "--std", "2", "--json", "--quiet"]);
    assert_eq!(report["std"], serde_json::json!([2.0]));
    let error = failure(&["codes", &model, &nchw, "-o", &out, "--mean", "1,2"], 1);
    assert!(error.contains("2 numbers for the mean, expected 1 or 3"), "{error}");
    let error = failure(&["codes", &model, &nchw, "-o", &out, "--mean", "1,b"], 2);
    assert!(error.contains("expected a finite number"), "{error}");
}

#[test]
fn labels_and_rows_of_one_archive_or_table() {
    let model = testdata("models/mnist_mlp.onnx");
    let mut reports = Vec::new();
    for (file, choice) in [
        ("digits.npz", ["--array", "x", "--labels-array", "y"]),
        ("digits.csv", ["--columns", "1..", "--labels-array", "label"]),
    ] {
        let data = testdata(&format!("formats/{file}"));
        let census = ["census", &model, &data, "--labels", &data, "--scale", "1/255", "--json"];
        let mut report = json(&[&census[..], &choice].concat());
        for key in ["data", "labels_file", "chosen"] {
            report.as_object_mut().expect("an object").remove(key);
        }
        reports.push(report);
    }
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0]["labels"]["classes"], 10);
    let data = testdata("formats/digits.npz");
    let error = failure(&["census", &model, &data], 1);
    assert!(error.contains("Choose one with --array NAME; it has x, y"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_plainly() {
    let (model, rows) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let error = failure(&["codes", &model, &rows, "-o", "/dev/full"], 1);
    assert!(error.contains("cannot write /dev/full: No space left on device"), "{error}");
    assert!(error.contains("free some space"), "{error}");
}
