//! `maso demo`: the census on an embedded network and data set.

use std::path::Path;
use std::sync::Arc;

use maso_core::LowerOptions;
use maso_io::dataset::{self, Dataset, Scaling};
use maso_io::model::{self, ReadOptions};

use super::census::{Report, count_regions, text};
use crate::Outcome;
use crate::args::DemoArgs;
use crate::input::Data;
use crate::output::{print, print_json};
use crate::session::Session;

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
  cargo run --release -- codes testdata/models/moons_relu.onnx testdata/data/moons.npy -o codes.npy";

pub(crate) fn run(args: &DemoArgs) -> Outcome {
    let network = model::load_bytes(
        "mnist_mlp.onnx",
        MODEL.to_vec(),
        &LowerOptions::default(),
        &ReadOptions::default(),
    )?;
    let rows = Dataset::embedded("2,000 MNIST test digits", DIGITS)?;
    let scaling = Scaling { scale: 1.0 / 255.0, shift: 0.0 };
    let labels = dataset::embedded_labels("their labels", LABELS)?;
    let session = Session::new(Arc::new(network), Data::whole(rows, scaling), &args.run)?;
    let census = count_regions(&session, Some(&labels), None)?;
    let report = Report { run: session.report(Path::new("mnist_mlp.onnx")), census };
    if args.run.json {
        return print_json(&report);
    }
    print(INTRODUCTION)?;
    print(&text(&report))?;
    print(NEXT)
}
