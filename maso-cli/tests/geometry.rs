//! The verbs of linearisation and geometry as a user runs them.

mod common;

use common::{Scratch, array, failure, json, npy, stdout, testdata};

const SCALE: [&str; 2] = ["--scale", "1/255"];

#[test]
fn affine_writes_maps_that_give_the_outputs() {
    let (scratch, digits) = (Scratch::new(), testdata("data/mnist_test_x.npy"));
    for name in ["mnist_mlp", "mnist_lenet"] {
        let (model, out) = (testdata(&format!("models/{name}.onnx")), scratch.path("maps.npz"));
        let run = |options: &[&str]| {
            let fixed = ["affine", &model, &digits, "--rows", "5..8", "--quiet", "-o", &out];
            stdout(&[&fixed, &SCALE[..], options].concat());
            ["A", "b", "y"].map(|name| array(&out, name))
        };
        let pixels = std::fs::read(&digits).expect("digits");
        let pixels = &pixels[pixels.len() - 2000 * 784..];
        let row = |row: usize| pixels[row * 784..][..784].iter().map(|&p| f32::from(p) / 255.0);
        let [matrices, offsets, values] = run(&[]);
        for (i, number) in (5..8).enumerate() {
            for output in 0..10 {
                let weights = &matrices[(i * 10 + output) * 784..][..784];
                let sum: f32 = weights.iter().zip(row(number)).map(|(a, x)| a * x).sum();
                let (found, expected) = (sum + offsets[i * 10 + output], values[i * 10 + output]);
                assert!((found - expected).abs() < 1e-3, "{name}: {found} for {expected}");
            }
        }
        let [_, _, alone] = run(&["--threads", "1", "--tier", "portable"]);
        assert_eq!(values, alone, "{name}: outputs do not depend on threads");
        let [fast, fast_offsets, _] = run(&["--f32"]);
        for (what, exact, fast) in [("A", &matrices, &fast), ("b", &offsets, &fast_offsets)] {
            let size = exact.iter().fold(0.0f32, |size, a| size.max(a.abs()));
            let error = exact.iter().zip(fast).fold(0.0f32, |e, (a, b)| e.max((a - b).abs()));
            assert!(error < 1e-4 * size, "{name}: {what} in f32 is {error} off");
        }
    }
    let (model, out) = (testdata("models/mnist_mlp.onnx"), scratch.path("layer.npz"));
    let layer = |options: &[&str]| {
        let fixed = ["affine", &model, &digits, "--rows", "5..6", "--quiet", "-o", &out];
        stdout(&[&fixed, &SCALE[..], options].concat());
        array(&out, "y")
    };
    let (by_name, before) = (layer(&["--at", "/1/Relu"]), layer(&["--at", "0", "--pre"]));
    assert_eq!(by_name, layer(&["--at", "0"]), "by name and by number");
    let hinge: Vec<f32> = before.iter().map(|z| z.max(0.0)).collect();
    assert_eq!(by_name, hinge, "the layer is ReLU of its pre-activations");
    let arguments = ["affine", &model, &digits, "--at", "7", "-o", &out];
    let message = failure(&arguments, 2);
    assert!(message.contains("no such layer; there are 0 (/1/Relu), 1 (/3/Relu)"), "{message}");
}

#[test]
fn region_reports_walls_facets_and_neighbours() {
    let digits = testdata("data/mnist_test_x.npy");
    let point = format!("{digits}:3");
    let model = testdata("models/mnist_mlp.onnx");
    let report = json(&[&["region", &model, &point, "--json"], &SCALE[..]].concat());
    assert_eq!(report["walls"].as_array().expect("walls").len(), 128);
    assert_eq!(report["facets"].as_array().expect("facets").len(), 128);
    let neighbours = report["neighbours"].as_array().expect("neighbours");
    assert_eq!(neighbours.len(), 128, "every facet has a neighbour");
    assert!(report["inradius"].is_null() && report["bounded"] == false, "unbounded");
    assert_eq!((&report["full_dimensional"], &report["ties"]), (&true.into(), &0.into()));
    let wall = report["wall_l2"].as_f64().expect("a distance");
    assert!((wall - 0.022_004_8).abs() < 1e-6, "{wall}");
    let scratch = Scratch::new();
    let out = scratch.path("walls.npz");
    let text = stdout(&[&["region", &model, &point, "-o", &out], &SCALE[..]].concat());
    assert!(text.contains("128 walls: 128 facets, 0 redundant, 0 undecided"), "{text}");
    let (normals, distances) = (array(&out, "normal"), array(&out, "distance"));
    assert_eq!((normals.len(), distances.len()), (128 * 784, 128), "the walls as arrays");
    // With the sides of a box, in next to no time: what is not settled is said to be so.
    let boxed = ["region", &model, &point, "--box", "0..1", "--time", "0.1", "--json"];
    let boxed = json(&[&boxed, &SCALE[..]].concat());
    assert_eq!((&boxed["bounded"], &boxed["ties"]), (&true.into(), &0.into()), "a box is bounded");
    assert_eq!(boxed["wall_l2"], 0.0, "black pixels are on its sides");
    let statuses = |status: &str| {
        let walls = boxed["walls"].as_array().expect("walls").iter();
        walls.filter(|wall| wall["status"] == status).count() as u64
    };
    assert_eq!(boxed["undecided"], statuses("undecided"), "{boxed}");
    assert_eq!(statuses("facet") + statuses("redundant") + statuses("undecided"), 128 + 2 * 784);
    let (model, point) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    let boxed = json(&["region", &model, &format!("{point}:3"), "--box", "-3..3", "--json"]);
    assert!(boxed["inradius"].as_f64().is_some_and(|radius| radius > 0.0), "a ball fits: {boxed}");
    assert_eq!((&boxed["bounded"], &boxed["undecided"]), (&true.into(), &0.into()), "{boxed}");
}

#[test]
fn digits_tie_in_max_pools() {
    let (model, digits) = (testdata("models/mnist_lenet.onnx"), testdata("data/mnist_test_x.npy"));
    let (scratch, digits) = (Scratch::new(), digits.as_str());
    let out = scratch.path("distances.npz");
    let fixed = ["distance", &model, digits, "--rows", "0..3", "-o", &out, "--json"];
    let report = json(&[&fixed, &SCALE[..]].concat());
    assert_eq!(report["on_walls"], 3, "flat backgrounds are equal candidates");
    assert_eq!(array(&out, "wall"), [0.0; 3]);
    assert!(array(&out, "wall_free").iter().all(|free| *free > 0.0), "walls not through the row");
    assert!(array(&out, "ties").iter().all(|ties| *ties > 100.0), "hundreds of pooled patches");
}

#[test]
fn distances_to_walls_and_boundaries() {
    let scratch = Scratch::new();
    let (model, rows) = (testdata("models/moons_relu.onnx"), testdata("data/moons.npy"));
    for norm in ["l1", "l2", "linf"] {
        let out = scratch.path("distances.npz");
        let fixed = ["distance", &model, &rows, "--rows", "0..12", "--boundary", "--json"];
        let report = json(&[&fixed, &["--norm", norm, "-o", &out][..]].concat());
        assert_eq!(report["boundary"]["exact"], 12, "{norm}: {report}");
        let [lower, upper, wall] = ["lower", "upper", "wall"].map(|name| array(&out, name));
        assert_eq!(lower, upper, "{norm}: exact distances");
        assert!(upper.iter().all(|upper| *upper > 0.0 && upper.is_finite()), "{norm}: {upper:?}");
        assert!(wall.iter().all(|wall| *wall > 0.0), "{norm}: {wall:?}");
        assert_eq!(array(&out, "point").len(), 24, "a point for each row");
        assert_eq!(array(&out, "exact"), [1.0; 12], "{norm}");
    }
    let out = scratch.path("cut.npz");
    let fixed = ["distance", &model, &rows, "--rows", "0..12", "--boundary", "--json", "-o", &out];
    let report = json(&[&fixed, &["--max-regions", "1"][..]].concat());
    assert!(report["boundary"]["exact"].as_u64() < Some(12), "cut short: {report}");
    let exact = array(&scratch.path("distances.npz"), "upper");
    assert_eq!(exact.len(), 12, "of the last norm");
    let [lower, upper] = ["lower", "upper"].map(|name| array(&out, name));
    assert!(lower.iter().zip(&upper).all(|(lower, upper)| lower <= upper), "honest bounds");
    let message = failure(&[&fixed, &["--level", "1"][..]].concat(), 2);
    assert!(message.contains("--level is for a single output"), "{message}");
}

#[test]
fn power_says_its_caveat_and_checks_itself() {
    let point = format!("{}:0", testdata("data/mnist_test_x.npy"));
    for name in ["mnist_mlp", "mnist_lenet", "mnist_mlp_hardtanh"] {
        let model = testdata(&format!("models/{name}.onnx"));
        let report = json(&[&["power", &model, &point, "--json"], &SCALE[..]].concat());
        let layers = report["layers"].as_array().expect("layers");
        assert!(layers.iter().all(|layer| layer["nearest_is_code"] == true), "{name}: {report}");
        assert!(report["caveat"].as_str().is_some_and(|text| text.contains("scaled")), "{name}");
    }
    let text =
        stdout(&[&["power", &testdata("models/mnist_mlp.onnx"), &point], &SCALE[..]].concat());
    assert!(text.contains("depend on how units are scaled"), "{text}");
}

#[test]
fn templates_are_reported_and_drawn() {
    let scratch = Scratch::new();
    let point = format!("{}:7", testdata("data/mnist_test_x.npy"));
    let (model, out) = (testdata("models/mnist_mlp.onnx"), scratch.path("t.png"));
    let fixed = ["template", &model, &point, "-o", &out, "--json", "--quiet"];
    let report = json(&[&fixed, &SCALE[..]].concat());
    let outputs = report["outputs"].as_array().expect("outputs");
    assert_eq!(outputs.len(), 10);
    for output in outputs {
        let [value, template, offset] =
            ["value", "template", "offset"].map(|key| output[key].as_f64().expect("a number"));
        assert!((value - template - offset).abs() < 1e-9, "{output}");
    }
    assert_eq!(report["nearest"].as_array().expect("rows").len(), 5);
    assert!(report["last_layer"]["orthogonality_penalty"].as_f64() > Some(0.0));
    let (exact, estimate) = (&report["squared_norm"], &report["squared_norm_estimate"]);
    let error = estimate["mean"].as_f64().expect("a mean") - exact.as_f64().expect("a norm");
    assert!(error.abs() < 6.0 * estimate["standard_error"].as_f64().expect("an error"), "{error}");
    let picture = std::fs::read(&out).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG\r\n"), "a PNG");
    let moons = format!("{}:0", testdata("data/moons.npy"));
    stdout(&["template", &testdata("models/moons_relu.onnx"), &moons, "-o", &out, "--quiet"]);
    let message = failure(&[&fixed[..3], &SCALE[..], &["--image", "20x20"]].concat(), 2);
    assert!(message.contains("--image 1x20x20: the input has 784 numbers"), "{message}");
}

#[test]
fn complexity_counts_near_walls() {
    let (model, digits) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_x.npy"));
    let (scratch, fixed) = (Scratch::new(), ["complexity", &model, &digits, "--rows", "0..20"]);
    let out = scratch.path("c.npz");
    let options = ["--radius", "0.05", "--json", "-o", &out];
    let report = json(&[&fixed, &SCALE[..], &options].concat());
    assert_eq!(report["directions"], 20);
    let near = array(&out, "near");
    assert_eq!(near.len(), 40, "20 rows, 2 layers");
    let mean = near.iter().sum::<f32>() / 20.0;
    let total = report["total"]["near_mean"].as_f64().expect("a mean");
    assert!(total > 0.0 && (total - f64::from(mean)).abs() < 1e-6, "{report}");
    let message = failure(&[&fixed, &["--radius", "0"][..]].concat(), 2);
    assert!(message.contains("expected a positive number"), "{message}");
}

#[test]
fn points_that_are_none_are_refused() {
    let (model, digits) = (testdata("models/mnist_mlp.onnx"), testdata("data/mnist_test_x.npy"));
    let message = failure(&["region", &model, &digits], 2);
    assert!(message.contains("expected a file, a colon and a row's number"), "{message}");
    let message = failure(&["region", &model, &format!("{digits}:2000")], 2);
    assert!(message.contains("the file has 2000 rows, numbered from 0"), "{message}");
    let message = failure(&["power", &model, "nowhere.npy:0"], 1);
    assert!(message.contains("nowhere.npy"), "{message}");
    let scratch = Scratch::new();
    let rows: Vec<u8> = [f32::NAN; 784].iter().flat_map(|x| x.to_le_bytes()).collect();
    let path = scratch.write("nan.npy", &npy("<f4", "(1, 784)", &rows));
    for verb in ["region", "power", "template"] {
        let message = failure(&[verb, &model, &format!("{path}:0")], 1);
        assert!(message.contains("row 0, column 0 is NaN"), "{verb}: {message}");
    }
    let out = scratch.path("out.npz");
    for verb in ["affine", "distance"] {
        let message = failure(&[verb, &model, &path, "-o", &out], 1);
        assert!(message.contains("row 0, column 0 is NaN"), "{verb}: {message}");
    }
    let message = failure(&["affine", &model, &path, "--f32", "-o", &out], 1);
    assert!(message.contains("row 0, column 0 is NaN"), "in f32: {message}");
    assert_eq!(scratch.names().len(), 1, "no half-written file stays");
    let point = format!("{digits}:0");
    let message = failure(&["region", &model, &point, "--scale", "2/255", "--box", "0..1"], 2);
    assert!(message.contains("outside of the box 0..1"), "{message}");
}
