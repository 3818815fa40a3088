//! Slices and lines as a user runs them.

mod common;

use common::{Scratch, array, failure, json, stdout, testdata};

const BOX: &str = "--box=-2,3,-2,2";

#[test]
fn slice_reports_what_the_plane_sees() {
    let model = testdata("models/moons_relu.onnx");
    let report = json(&["slice", &model, BOX, "--verify", "--json"]);
    assert_eq!((&report["regions"], &report["status"]), (&1314.into(), &"complete".into()));
    assert_eq!(report["regions_per_layer"], serde_json::json!([349, 1314]), "after each layer");
    let number = |name: &str| report[name].as_f64().unwrap_or_else(|| panic!("{name}: {report}"));
    assert_eq!(number("vertices") - number("edges") + number("regions"), 1.0, "V − E + F");
    assert!((number("area") - 20.0).abs() < 1e-9, "the window's area: {}", number("area"));
    assert!(number("boundary_length") > 5.0, "a boundary");
    assert_eq!(report["verify"]["wrong_codes"], 0, "{}", report["verify"]);
    assert_eq!(report["statistics_per_layer"].as_array().expect("a list").len(), 1, "layer 0");
    let capped = json(&["slice", &model, BOX, "--max-regions", "100", "--quiet", "--json"]);
    assert_eq!((&capped["regions"], &capped["status"]), (&100.into(), &"capped".into()));
    let text = stdout(&["slice", &model, BOX, "--layers", "1"]);
    assert!(text.contains("349"), "the first layer's regions: {text}");
}

#[test]
fn slice_writes_pictures_pages_and_arrays() {
    let (scratch, model) = (Scratch::new(), testdata("models/moons_relu.onnx"));
    for (ending, theme, colour, beginning) in [
        ("svg", "light", "class", &b"<"[..]),
        ("png", "dark", "gradient", &b"\x89PNG"[..]),
        ("html", "light", "area", &b"<!"[..]),
        ("json", "light", "none", &b"{"[..]),
    ] {
        let out = scratch.path(&format!("slice.{ending}"));
        let options = ["--theme", theme, "--color", colour, "--quiet", "-o", &out];
        stdout(&[&["slice", &model, BOX], &options[..]].concat());
        let bytes = std::fs::read(&out).expect("a file");
        assert!(bytes.starts_with(beginning) && bytes.len() > 1000, "{ending}: {}", bytes.len());
    }
    let out = scratch.path("slice.npz");
    stdout(&["slice", &model, BOX, "--quiet", "-o", &out]);
    let area: f32 = array(&out, "area").iter().sum();
    assert!((area - 20.0).abs() < 1e-3, "{area}");
    let starts = array(&out, "cell_starts");
    let corners = array(&out, "cell_corners");
    assert_eq!(starts.len(), 1315, "1,314 regions and the end");
    assert_eq!(starts[1314] as usize, corners.len(), "the end");
    assert_eq!(array(&out, "maps").len(), 1314 * 2 * 3, "a map for each region and output");
}

#[test]
fn planes_come_from_rows_and_from_files() {
    let scratch = Scratch::new();
    let (model, digits) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_x.npy"));
    let anchors = format!("{digits}:0,1,2");
    let fixed = ["slice", &model, "--scale", "1/255", "--quiet", "--json"];
    let report = json(&[&fixed[..], &["--anchors", &anchors, "--verify"]].concat());
    assert_eq!(report["verify"]["euler"], 1, "{}", report["verify"]);
    let one = format!("{digits}:5");
    let random = |seed: &str| {
        let options = ["--anchors", &one, "--margin", "2", "--seed", seed];
        json(&[&fixed[..], &options[..]].concat())["regions"].clone()
    };
    assert_eq!(random("3"), random("3"), "a seed's directions stay");
    let moons = testdata("models/moons_relu.onnx");
    let spec = |text: &str| scratch.write("plane.json", text.as_bytes());
    let triangle = spec(
        r#"{"origin": [0, 0], "u": [1, 0], "v": [0, 1], "polygon": [[0, 0], [2, 0], [0, 2]]}"#,
    );
    let report = json(&["slice", &moons, "--spec", &triangle, "--json"]);
    assert!((report["area"].as_f64().expect("a number") - 2.0).abs() < 1e-9, "half of four");
    for (text, said) in [
        (r#"{"origin": [0, 0], "u": [1, 0], "v": [2, 0], "box": [0, 1, 0, 1]}"#, "parallel"),
        (
            r#"{"origin": [0, 0, 0], "u": [1, 0, 0], "v": [0, 1, 0], "box": [0, 1, 0, 1]}"#,
            "3 numbers",
        ),
        (r#"{"origin": [0, 0], "u": [1, 0], "v": [0, 1]}"#, "box or polygon"),
        (r#"{"origin": [0, 0]"#, "expected an object"),
    ] {
        let message = failure(&["slice", &moons, "--spec", &spec(text)], 1);
        assert!(message.contains(said), "{message}");
    }
    let twice = format!("{digits}:1,1,2");
    let message = failure(&[&fixed[..], &["--anchors", &twice]].concat(), 1);
    assert!(message.contains("parallel"), "{message}");
}

#[test]
fn wrong_usage_of_slices_is_told() {
    let (moons, digits) = (testdata("models/moons_relu.onnx"), testdata("data/mnist_test_x.npy"));
    let mlp = testdata("models/mnist_mlp.onnx");
    let far = format!("{digits}:0,1,2000");
    for (arguments, said) in [
        (vec!["slice", &mlp, "--box", "0,1,0,1"], "784"),
        (vec!["slice", &moons, "--box", "1,0,0,1"], "A < B"),
        (vec!["slice", &moons], "--anchors"),
        (vec!["slice", &moons, BOX, "-o", "x.gif"], ".svg or .png"),
        (vec!["slice", &moons, BOX, "--color", "blue"], "gradient"),
        (vec!["slice", &moons, BOX, "--color", "unit:0,99"], "32 units"),
        (vec!["slice", &moons, BOX, "--layers", "9"], "there are 2"),
        (vec!["slice", &mlp, "--anchors", &far], "2000 rows"),
        (vec!["line", &mlp, &far], "line"),
    ] {
        let message = failure(&arguments, 2);
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
}

#[test]
fn line_follows_rows_one_after_another() {
    let scratch = Scratch::new();
    let (model, digits) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_x.npy"));
    let rows: Vec<String> = (0..3).map(|row| format!("{digits}:{row}")).collect();
    let fixed = ["line", &model, &rows[0], &rows[1], &rows[2], "--scale", "1/255", "--quiet"];
    let report = json(&[&fixed[..], &["--json"]].concat());
    let segments = report["segments"].as_array().expect("a list");
    assert_eq!(segments.len(), 2, "two segments");
    for segment in segments {
        let breaks = segment["breaks"].as_array().expect("a list");
        let places: Vec<f64> = breaks.iter().map(|b| b["t"].as_f64().expect("a number")).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert_eq!(breaks.len() + 1, segment["regions"].as_u64().expect("a count") as usize);
    }
    assert_eq!(report["class_changes"], 3, "digits of three classes, and one on the way");
    for ending in ["svg", "png", "json", "npz"] {
        let out = scratch.path(&format!("line.{ending}"));
        stdout(&[&fixed[..], &["-o", &out]].concat());
        assert!(std::fs::metadata(&out).expect("a file").len() > 500, "{ending}");
    }
    let regions = report["regions"].as_u64().expect("a count") as usize;
    assert_eq!(array(&scratch.path("line.npz"), "segment").len(), regions, "all regions");
}
