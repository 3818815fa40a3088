//! The same rows and the same networks in every format that is read, written by other programs.

mod common;

use std::path::Path;

use common::testdata;
use maso_core::eval::Rows;
use maso_core::{Evaluator, LowerOptions, Network, Tier, lower};
use maso_io::dataset::{
    Access, Columns, Dataset, Layout, OpenOptions, Preparation, Scaling, read_labels,
};
use maso_io::model::{self, Architecture, ReadOptions, onnx, side::NoFiles};

fn options(array: Option<&str>, columns: Option<&str>, access: Access) -> OpenOptions {
    let mut options = OpenOptions::default();
    options.array = array.map(str::to_owned);
    options.columns = columns.map(|text| text.parse::<Columns>().expect("columns"));
    options.access = access;
    options
}

fn both() -> [Access; 2] {
    [Access::default(), Access::Buffered]
}

/// Files of the 20 digits, with the array or the columns that hold them.
const DIGITS: [(&str, Option<&str>, Option<&str>); 9] = [
    ("digits.npy", None, None),
    ("digits.npz", Some("x"), None),
    ("digits_compressed.npz", Some("x"), None),
    ("digits.safetensors", Some("x"), None),
    ("digits-idx3-ubyte", None, None),
    ("digits-idx3-ubyte.gz", None, None),
    ("digits.txt", None, None),
    ("digits.csv", None, Some("1..")),
    ("digits.csv", None, Some("p0,2..785")),
];

#[test]
fn every_format_and_access_gives_the_same_rows() {
    let expected = common::golden(&testdata("formats/digits.npz"), "x").expect("the digits");
    let raw: Vec<f32> = expected.data.iter().map(|&value| value as f32).collect();
    let scaling = Scaling { scale: 1.0 / 255.0, shift: -0.1307 };
    let scaled: Vec<f32> =
        expected.data.iter().map(|x| (x * (1.0 / 255.0) - 0.1307) as f32).collect();
    for (file, array, columns) in DIGITS {
        for access in both() {
            let path = testdata(&format!("formats/{file}"));
            let rows = Dataset::open_with(path, &options(array, columns, access));
            let rows = rows.unwrap_or_else(|error| panic!("{file}: {error:?}"));
            assert_eq!((rows.len(), rows.width()), (20, 784), "{file}");
            assert!(rows.to_vec().expect("rows") == raw, "{file}, {access:?}");
            let mut buffer = Vec::new();
            let middle = rows.block(7..12, &mut buffer).expect("five rows");
            assert!(middle == &raw[7 * 784..12 * 784], "{file}, {access:?}");
            let rows = rows.with_scaling(scaling);
            assert!(rows.to_vec().expect("rows") == scaled, "{file}, {access:?}");
        }
    }
}

/// A table in memory, and which of its columns are wanted.
fn table(text: &str, columns: Option<&str>) -> Result<Vec<f32>, String> {
    let options = options(None, columns, Access::default());
    let rows = Dataset::from_bytes("t.csv", text.into(), &options).map_err(|e| e.to_string())?;
    rows.to_vec().map_err(|e| e.to_string())
}

const IRIS: &str = "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n";

#[test]
fn a_first_row_beside_words_is_a_row() {
    assert_eq!(table(IRIS, Some("0..2")).expect("numbers"), [5.1, 3.5, 4.9, 3.0]);
    assert_eq!(table(IRIS, Some("1")).expect("numbers"), [3.5, 3.0]);
    assert_eq!(table("1,2\n3,4\n", None).expect("numbers"), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_first_line_of_words_is_names() {
    for text in ["a,b\n1,2\n", "a,\n1,2\n", "# of mine\n\"a\",b\n1,2\n", "\u{FEFF}a,b\r\n1,2\r\n"] {
        assert_eq!(table(text, None).expect("a row"), [1.0, 2.0], "{text:?}");
    }
    // Numbers may be names where another is chosen by what it says.
    assert_eq!(table("label,7\n1,2\n", Some("label,1")).expect("a row"), [1.0, 2.0]);
    let error = table("1,2\n3,4\n", Some("a")).expect_err("no names");
    assert!(error.contains("no line of names, so no column \"a\"; give numbers"), "{error}");
}

#[test]
fn a_first_line_of_words_and_numbers_is_not_guessed() {
    let error = table(IRIS, None).expect_err("mixed");
    assert!(error.contains("line 1 is neither names nor a row"), "{error}");
    assert!(error.contains("column 2 is \"Iris-setosa\", column 0 is \"5.1\"; choose"), "{error}");
    // Names that happen to be numbers, beside one that is none.
    let error = table("label,0,1\n7,1,2\n8,3,4\n", Some("1..")).expect_err("names, perhaps");
    assert!(error.contains("column 0 is \"label\" and a number below"), "{error}");
    let pandas = ",0,1\n0,1,2\n";
    assert!(
        table(pandas, None).expect_err("an index").contains("line 1, column 0 is empty; choose")
    );
    let error = table(pandas, Some("1..")).expect_err("names, perhaps");
    assert!(error.contains("begin it with #"), "{error}");
}

#[test]
fn columns_that_are_not_there_or_not_clear_are_named() {
    let error = |text: &str, columns: &str| table(text, Some(columns)).expect_err("no such column");
    let two = "x,y\n1,2\n";
    assert!(error(two, "5,6").contains("it has no column 5; it has 2, 0 to 1"));
    assert!(error(two, "1..4").contains("it has no column 2; it has 2"));
    assert!(error("x\n1\n", "1..").contains("it has no column 1; it has one, column 0"));
    let twice = error("x,y,x\n1,2,3\n", "x");
    assert!(twice.contains("columns 0 and 2 are both named \"x\"; choose by number"), "{twice}");
    assert_eq!(table("x,y,x\n1,2,3\n", Some("2,y")).expect("by number"), [3.0, 2.0]);
    let empty = "1..0".parse::<Columns>().expect_err("no columns");
    assert_eq!(empty, "1..0 is empty: 0 is not beyond 1");
}

#[test]
fn options_for_other_kinds_of_files_are_refused() {
    let refused = |file: &str, array: Option<&str>, columns: Option<&str>| {
        let path = testdata(&format!("formats/{file}"));
        let opened = Dataset::open_with(path, &options(array, columns, Access::default()));
        opened.expect_err("the option does not apply").to_string()
    };
    for file in ["digits.npy", "digits-idx3-ubyte.gz"] {
        let error = refused(file, None, Some("0..784"));
        assert!(error.contains("--columns chooses columns of a table, but "), "{error}");
        assert!(
            error.contains("is an array of shape [20, 784]; slice it in numpy")
                || error.contains("is an array of shape [20, 28, 28]; slice it in numpy"),
            "{error}"
        );
    }
    let error = refused("digits.npz", Some("x"), Some("0..784"));
    assert!(error.contains("is an array of shape"), "{error}");
    let error = refused("digits.csv", Some("x"), None);
    assert!(error.contains("--array chooses an array of an archive, but "), "{error}");
    assert!(
        error.contains("is a table; leave it out, or choose columns with --columns"),
        "{error}"
    );
    // Labels have one option for both.
    let both = options(Some("label"), Some("label"), Access::default());
    assert_eq!(read_labels(testdata("formats/digits.csv"), &both).expect("labels").len(), 20);
    let labels = options(Some("label"), None, Access::default());
    assert!(read_labels(testdata("formats/digits.csv"), &labels).is_err(), "no column was named");
}

#[test]
fn a_table_keeps_the_shape_of_its_file() {
    let columns = options(None, Some("1"), Access::default());
    let rows = Dataset::open_with(testdata("formats/moons.csv"), &columns).expect("a column");
    assert_eq!((rows.header().shape.clone(), rows.file_shape()), (vec![200, 1], vec![200, 2]));
}

#[test]
fn blocks_of_a_long_table_are_its_rows() {
    let path = testdata("formats/moons.csv");
    let expected =
        Dataset::open(testdata("data/moons.npy")).expect("moons").to_vec().expect("rows");
    for access in both() {
        let rows = Dataset::open_with(&path, &options(None, None, access)).expect("a table");
        assert_eq!((rows.len(), rows.width()), (200, 2));
        let mut buffer = Vec::new();
        for range in [0..200, 0..1, 63..65, 64..128, 127..129, 199..200, 5..190] {
            let found = rows.block(range.clone(), &mut buffer).expect("rows");
            assert_eq!(found, &expected[range.start * 2..range.end * 2], "{range:?}");
        }
    }
}

#[test]
fn labels_come_from_any_format() {
    let expected = common::golden(&testdata("formats/digits.npz"), "y").expect("labels").data;
    let expected: Vec<i64> = expected.iter().map(|&label| label as i64).collect();
    for (file, array, columns) in [
        ("digits.npz", Some("y"), None),
        ("digits_compressed.npz", Some("y"), None),
        ("digits.safetensors", Some("y"), None),
        ("labels-idx1-ubyte", None, None),
        ("digits.csv", None, Some("label")),
        ("digits.csv", None, Some("0")),
    ] {
        for access in both() {
            let path = testdata(&format!("formats/{file}"));
            let labels = read_labels(path, &options(array, columns, access)).expect(file);
            assert_eq!(labels, expected, "{file}");
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_columns_are_read_across_row_groups() {
    let expected =
        Dataset::open(testdata("data/moons.npy")).expect("moons").to_vec().expect("rows");
    for file in ["moons.parquet", "moons_groups.parquet"] {
        let path = testdata(&format!("formats/{file}"));
        for columns in ["a,b", "0..2"] {
            let rows = Dataset::open_with(&path, &options(None, Some(columns), Access::Buffered));
            assert_eq!(rows.expect(file).to_vec().expect("rows"), &expected[..400], "{file}");
        }
        let error = Dataset::open(&path).expect_err("a column of words").to_string();
        assert!(error.contains("\"name\"") && error.contains("holds no numbers"), "{error}");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_names_the_feature_that_is_missing() {
    let error = Dataset::open(testdata("formats/moons.parquet")).expect_err("no parquet here");
    assert!(error.to_string().contains("--features parquet"), "{error}");
}

#[test]
fn means_and_layouts_follow_the_channels() {
    let raw = common_pixels("pixels_nchw.npy");
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let scale = 1.0 / 255.0;
    let expected: Vec<f32> = raw
        .iter()
        .enumerate()
        .map(|(place, &value)| {
            let channel = place / 30 % 3;
            (value * (scale / std[channel]) + (0.0 - mean[channel]) / std[channel]) as f32
        })
        .collect();
    let how = |layout| Preparation {
        scaling: Scaling { scale, shift: 0.0 },
        mean: mean.to_vec(),
        std: std.to_vec(),
        layout,
    };
    for (file, layout) in [
        ("pixels_nchw.npy", None),
        ("pixels_nchw.npy", Some(Layout::Nchw)),
        ("pixels_nhwc.npy", Some(Layout::Nhwc)),
    ] {
        let rows = Dataset::open(testdata(&format!("formats/{file}"))).expect("images");
        let rows = rows.prepared(&how(layout), &[3, 6, 5]).expect("channels of images");
        assert_eq!(rows.to_vec().expect("rows"), expected, "{file}, {layout:?}");
    }
    // A model that takes pixels: the same numbers, pixel after pixel.
    let rows = Dataset::open(testdata("formats/pixels_nchw.npy")).expect("images");
    let rows = rows.prepared(&how(Some(Layout::Nchw)), &[6, 5, 3]).expect("channels of images");
    let turned = rows.to_vec().expect("rows");
    let pixel = |row: usize, c: usize, at: usize| row * 90 + at * 3 + c;
    let plane = |row: usize, c: usize, at: usize| row * 90 + c * 30 + at;
    for (row, c, at) in [(0, 0, 0), (1, 2, 7), (2, 1, 29)] {
        assert_eq!(turned[pixel(row, c, at)], expected[plane(row, c, at)]);
    }
}

fn common_pixels(file: &str) -> Vec<f64> {
    let rows = Dataset::open(testdata(&format!("formats/{file}"))).expect("images");
    rows.to_vec().expect("rows").into_iter().map(f64::from).collect()
}

#[test]
fn means_by_channel_fit_inputs_that_are_no_plain_images() {
    let raw = common_pixels("pixels_nchw.npy");
    let how = Preparation { mean: vec![1.0, 2.0, 3.0], ..Preparation::default() };
    // Leading axes of one place are no channels; of two axes, or four, the first is.
    for input in [&[1, 3, 6, 5][..], &[1, 1, 3, 6, 5], &[3, 30], &[1, 3, 30], &[3, 2, 3, 5]] {
        let rows = Dataset::open(testdata("formats/pixels_nchw.npy")).expect("images");
        let rows = rows.prepared(&how, input).expect("three channels").to_vec().expect("rows");
        for (place, (&raw, row)) in raw.iter().zip(rows).enumerate() {
            assert_eq!(f64::from(row), raw - how.mean[place / 30 % 3], "{input:?}, {place}");
        }
    }
    // As many as the numbers of a row: one for each.
    let how = Preparation { mean: (0..90).map(f64::from).collect(), ..Preparation::default() };
    let rows = Dataset::open(testdata("formats/pixels_nchw.npy")).expect("images");
    let rows = rows.prepared(&how, &[3, 30]).expect("ninety numbers").to_vec().expect("rows");
    assert_eq!(f64::from(rows[100]), raw[100] - 10.0);
}

#[test]
fn another_layout_is_offered_only_where_it_would_be_accepted() {
    let rows = |file: &str| Dataset::open(testdata(&format!("formats/{file}"))).expect("images");
    let (pixels, planes) = (rows("pixels_nhwc.npy"), rows("pixels_nchw.npy"));
    assert_eq!(pixels.other_layout(&[3, 6, 5]), Some(Layout::Nhwc));
    assert_eq!(pixels.other_layout(&[1, 3, 6, 5]), Some(Layout::Nhwc));
    assert_eq!(planes.other_layout(&[6, 5, 3]), Some(Layout::Nchw));
    for input in [&[6, 5, 3][..], &[3, 5, 6], &[3, 30], &[90], &[9, 10, 1], &[2, 9, 5]] {
        assert_eq!(pixels.other_layout(input), None, "{input:?}");
    }
    assert_eq!(planes.other_layout(&[3, 6, 5]), None, "the model's own");
    for (input, layout) in [(&[3, 6, 5][..], Layout::Nhwc), (&[1, 3, 6, 5], Layout::Nhwc)] {
        let how = Preparation { layout: Some(layout), ..Preparation::default() };
        let turned = rows("pixels_nhwc.npy").prepared(&how, input).expect("what is offered fits");
        assert_eq!(turned.to_vec().expect("rows"), planes.to_vec().expect("rows"));
    }
}

#[test]
fn preparations_that_do_not_fit_say_why() {
    let refused = |how: Preparation, input: &[usize]| {
        let rows = Dataset::open(testdata("formats/pixels_nhwc.npy")).expect("images");
        rows.prepared(&how, input).expect_err("it does not fit").to_string()
    };
    let plain = Preparation::default();
    let two = Preparation { mean: vec![0.0, 1.0], ..plain.clone() };
    for (input, expected) in [
        (&[3, 6, 5][..], "expected 1 or 3, as many as the channels of the model's input [3, 6, 5]"),
        (
            &[1, 3, 6, 5],
            "expected 1 or 3, as many as the channels of the model's input [1, 3, 6, 5]",
        ),
        (
            &[3, 30],
            "expected 1 or 3, as many as the places on the first axis of the model's input [3, 30]",
        ),
        (&[90], "expected 1 or 90, as many as the numbers of a row [90]"),
        (&[1, 9, 10], "expected 1 (the model's input is [1, 9, 10])"),
    ] {
        let error = refused(two.clone(), input);
        assert!(error.contains("2 numbers for the mean") && error.contains(expected), "{error}");
    }
    assert!(refused(two, &[3, 6, 6]).contains("rows have 90 numbers"), "rows of another model");
    let zero = Preparation { std: vec![0.0], ..plain.clone() };
    assert!(refused(zero, &[3, 6, 5]).contains("std is 0"));
    let layout = Preparation { layout: Some(Layout::Nhwc), ..plain.clone() };
    assert!(refused(layout.clone(), &[90]).contains("takes images"));
    let error = refused(layout, &[3, 5, 6]);
    assert!(error.contains("no images of the model's input [3, 5, 6]"), "{error}");
}

fn weights(file: &str, architecture: &str) -> Network {
    let mut how = ReadOptions::default();
    let text = if architecture.ends_with(".json") {
        testdata(architecture).display().to_string()
    } else {
        architecture.to_owned()
    };
    how.architecture = Some(Architecture::parse(&text, &how.limits).expect("an architecture"));
    let path = testdata(&format!("formats/{file}"));
    model::load_with(path, &LowerOptions::default(), &how).unwrap_or_else(|e| panic!("{e:?}"))
}

fn onnx_model(name: &str) -> Network {
    let path = testdata(&format!("models/{name}.onnx"));
    model::load(path, &LowerOptions::default()).expect("a model")
}

fn run(network: Network, data: &Path, scale: f64) -> (Vec<f32>, Vec<u64>) {
    let rows = Dataset::open(data).expect("data");
    let rows = rows.with_scaling(Scaling { scale, shift: 0.0 }).to_vec().expect("rows");
    let count = rows.len() / network.input().len();
    let mut values = vec![0.0; count * network.output_shape().iter().product::<usize>()];
    let mut codes = vec![0; count * network.layout().words()];
    let evaluator = Evaluator::new(network.into()).with_tier(Tier::Portable);
    evaluator.forward_into(&rows, &mut values).expect("finite rows");
    evaluator.codes_into(&rows, &mut codes).expect("finite rows");
    (values, codes)
}

#[test]
fn weights_with_an_architecture_are_the_exported_network() {
    let moons = testdata("data/moons.npy");
    let expected = run(onnx_model("moons_relu"), &moons, 1.0);
    for file in ["moons.safetensors", "moons_weights.npz"] {
        assert_eq!(run(weights(file, "mlp:relu"), &moons, 1.0), expected, "{file}");
    }
    let digits = testdata("formats/digits.npy");
    let expected = run(onnx_model("mnist_lenet"), &digits, 1.0 / 255.0);
    let lenet = weights("lenet.safetensors", "formats/lenet.json");
    assert_eq!(run(lenet, &digits, 1.0 / 255.0), expected);
}

#[test]
fn double_weights_stay_double() {
    let network = weights("moons_double.npz", "mlp:relu");
    let single = onnx_model("moons_relu");
    let row = [0.25, -0.5];
    let (wide, narrow) = (network.trace::<f64>(&row), single.trace::<f64>(&row));
    let output = |network: &Network, values: &[Vec<f64>]| values[network.output().index()].clone();
    let pairs = output(&network, &wide.values).into_iter().zip(output(&single, &narrow.values));
    for (wide, narrow) in pairs {
        let difference = (wide - narrow).abs();
        assert!(difference > 0.0 && difference < 1e-9, "{wide} and {narrow}");
    }
}

#[test]
fn graphs_of_weights_survive_being_written_as_onnx() {
    for (file, architecture) in [
        ("moons.safetensors", "mlp:relu"),
        ("moons_double.npz", "mlp:abs"),
        ("lenet.safetensors", "formats/lenet.json"),
    ] {
        let mut how = ReadOptions::default();
        let json = testdata(architecture).display().to_string();
        let text = if architecture.ends_with(".json") { &json } else { architecture };
        how.architecture = Some(Architecture::parse(text, &how.limits).expect("an architecture"));
        let graph = model::read(testdata(&format!("formats/{file}")), &how).expect("weights");
        let bytes = onnx::write(&graph).expect("a small file");
        let back = onnx::read(&bytes, &NoFiles, &how.limits).expect("what was written");
        assert_eq!(back.nodes, graph.nodes, "{file}");
        assert_eq!(back.constants, graph.constants, "{file}");
        let lowered = |graph| lower(graph, &LowerOptions::default()).expect("a network");
        assert_eq!(lowered(&back), lowered(&graph), "{file}");
    }
}

#[test]
fn a_stack_without_the_slopes_it_needs_says_so() {
    let mut how = ReadOptions::default();
    how.architecture = Some("mlp:prelu".parse().expect("an architecture"));
    let error = model::read(testdata("formats/moons.safetensors"), &how).expect_err("no slopes");
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("has no slopes of a PReLU after \"0\""), "{source}");
}

#[test]
fn architectures_that_do_not_fit_say_which_layer() {
    let error = |file: &str, text: &str| {
        let mut how = ReadOptions::default();
        how.architecture = Some(Architecture::from_json(text.as_bytes()).expect("layers"));
        let path = testdata(&format!("formats/{file}"));
        let error = model::load_with(path, &LowerOptions::default(), &how).expect_err("no fit");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    let missing = error("moons.safetensors", r#"{"layers": [{"op": "Linear", "params": "9"}]}"#);
    assert!(missing.contains("no array \"9.weight\"; it has 0.bias, 0.weight"), "{missing}");
    let order = r#"{"layers": [{"op": "Linear", "params": "2"}, {"op": "Linear", "params": "0"}]}"#;
    let order = error("moons.safetensors", order);
    assert!(order.contains("takes 2 numbers, its input has 32"), "{order}");
    let input = error("lenet.safetensors", r#"{"layers": [{"op": "Conv", "params": "0"}]}"#);
    assert!(input.contains("layer 1: the shape of a row is not known"), "{input}");
    let flat = r#"{"input": [1, 28, 28], "layers": [{"op": "Conv", "params": "7"}]}"#;
    let flat = error("lenet.safetensors", flat);
    assert!(flat.contains("layer 1: 7.weight has shape [120, 400]"), "{flat}");
    let unknown =
        Architecture::from_json(br#"{"layers": [{"op": "Lstm"}]}"#).expect_err("no layer");
    assert!(unknown.to_string().contains("unknown variant `Lstm`"), "{unknown}");
    for text in ["mlp", "mlp:tanhh", "conv:relu", "mlp:relu:1x2:3", "rnn:relu"] {
        let error = text.parse::<Architecture>().expect_err(text).to_string();
        assert!(error.contains("expected such as mlp:relu"), "{error}");
    }
}
