//! `maso demo`: the census on an embedded network and data set, and a slice of it.

use std::path::Path;
use std::sync::Arc;

use maso_core::{LowerOptions, Nonlinearities, Rows};
use maso_io::dataset::{self, Dataset, Scaling};
use maso_io::model::{self, ReadOptions};

use maso_core::geometry::slice::{Plane, SliceOptions, SliceTarget, Window};

use super::census::{Report, count_regions, text};
use super::slice::write_picture;
use crate::Outcome;
use crate::args::DemoArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{print, print_json};
use crate::session::Session;
use crate::slice_picture::{Colour, Scene, ScenePoint, Theme};
use crate::table::count;

const MODEL: &[u8] = include_bytes!("../../../testdata/models/mnist_mlp.onnx");
const DIGITS: &[u8] = include_bytes!("../../../testdata/data/mnist_test_x.npy");
const LABELS: &[u8] = include_bytes!("../../../testdata/data/mnist_test_y.npy");

const INTRODUCTION: &str = "\
A 784-64-64-10 ReLU network cuts the space of 28×28 images into convex regions and is one affine map on
each. Which of them do 2,000 MNIST test digits occupy?
";

const NEXT: &str = "
Next, from the project's folder (or with files of your own):
  cargo run --release -- info testdata/models/mnist_lenet.onnx
  cargo run --release -- census testdata/models/mnist_mlp.onnx testdata/data/mnist_test_x.npy \\
      --scale 1/255 --labels testdata/data/mnist_test_y.npy -o census.json
  cargo run --release -- slice testdata/models/moons_relu.onnx --box=-2,3,-2,2 -o moons.html
  cargo run --release -- codes testdata/models/moons_relu.onnx testdata/data/moons.npy -o codes.npy";

pub(crate) fn run(args: &DemoArgs) -> Outcome {
    let plugins = Arc::new(input::plugins(&args.plugins)?);
    let nonlinearities = Some(Arc::clone(&plugins) as Arc<dyn Nonlinearities>);
    let options = LowerOptions { nonlinearities, ..LowerOptions::default() };
    let name = Path::new("mnist_mlp.onnx");
    let network =
        model::load_bytes("mnist_mlp.onnx", MODEL.to_vec(), &options, &ReadOptions::default())?;
    input::expect_used(&plugins, name)?;
    let rows = Dataset::embedded("2,000 MNIST test digits", DIGITS)?;
    let scaling = Scaling { scale: 1.0 / 255.0, shift: 0.0 };
    let labels = dataset::embedded_labels("their labels", LABELS)?;
    let session = Session::new(Arc::new(network), Data::whole(rows, scaling), &args.run)?;
    let census = count_regions(&session, Some(&labels), None)?;
    let report = Report { run: session.report(name), census };
    if args.run.json {
        return print_json(&report);
    }
    print(INTRODUCTION)?;
    for replacement in &args.plugins.replace {
        print(&format!("(Each {} is {} here.)\n", replacement.op, replacement.kind))?;
    }
    print(&text(&report))?;
    match session.network().soft_layer() {
        Some(_) => print("\nA soft network has no exact slice, so none is drawn.")?,
        None => draw_slice(&session, args)?,
    }
    print(NEXT)
}

/// Draws the plane through the first three digits.
fn draw_slice(session: &Session, args: &DemoArgs) -> Outcome {
    let network = session.network();
    let mut buffer = Vec::new();
    let values = session.data.rows.block(0..3, &mut buffer);
    let values = values.map_err(|error| session.explain_rows(error.into()))?;
    let rows: Vec<Vec<f64>> = values
        .chunks_exact(session.data.rows.width())
        .map(|row| row.iter().map(|&value| value.into()).collect())
        .collect();
    let drawn = |error: &dyn std::fmt::Display| Failure::Library(error.to_string().into());
    let plane = Plane::through([&rows[0], &rows[1], &rows[2]]).map_err(|error| drawn(&error))?;
    let window = Window::new_box([-0.25, 1.25], [-0.25, 1.25]).map_err(|error| drawn(&error))?;
    let options =
        SliceOptions { target: Some(SliceTarget::Class), maps: true, ..SliceOptions::default() };
    let slice = network.slice(&plane, &window, &options).map_err(|error| drawn(&error))?;
    let regions = count(slice.regions.len() as u64, "region");
    let points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]].into_iter().zip(0..);
    let scene = Scene {
        network,
        slice: &slice,
        title: "mnist_mlp.onnx".to_owned(),
        subtitle: format!("the plane through the first three digits: {regions}"),
        points: points
            .map(|(at, row)| ScenePoint { at, class: None, label: format!("row {row}") })
            .collect(),
        colour: Colour::Class,
        theme: Theme::Light,
        axes: ["row 0 → row 1".to_owned(), "row 0 → row 2".to_owned()],
        classes: Vec::new(),
    };
    write_picture(&args.picture, "svg", &scene, 0)?;
    print(&format!(
        "\nThe plane through the first three digits crosses {regions}: drawn in {}",
        args.picture.display()
    ))
}
