//! Where the plane and the window of a slice come from: a specification, rows of data, or a box.

use maso_core::Network;
use maso_core::geometry::slice::{Plane, Window};
use serde::Deserialize;

use crate::args::{Anchors, SliceArgs};
use crate::failure::Failure;
use crate::input::Data;
use crate::slice_picture::ScenePoint;

/// What is to be looked at.
pub(super) struct View {
    pub(super) plane: Plane,
    pub(super) window: Window,
    /// Rows in the plane.
    pub(super) points: Vec<ScenePoint>,
    pub(super) axes: [String; 2],
    /// Where it comes from, in a few words.
    pub(super) source: String,
    /// Whether directions were drawn at random.
    pub(super) is_random: bool,
}

/// A specification as its file has it. Further fields are left alone.
#[derive(Deserialize)]
struct Spec {
    origin: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    r#box: Option<[f64; 4]>,
    polygon: Option<Vec<[f64; 2]>>,
}

/// How far a window goes beyond anchors if nothing is said.
const MARGIN: f64 = 0.25;

pub(super) fn view(args: &SliceArgs, network: &Network) -> Result<View, Failure> {
    match (&args.spec, &args.anchors, args.r#box) {
        (Some(path), _, _) => of_spec(path, network),
        (_, Some(anchors), _) => of_anchors(anchors, args, network),
        (_, _, Some(bounds)) => of_box(bounds, network),
        _ => unreachable!("one of them is required"),
    }
}

fn of_spec(path: &std::path::Path, network: &Network) -> Result<View, Failure> {
    let wrong = |what: String| Failure::Library(format!("{}: {what}", path.display()).into());
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let spec: Spec = serde_json::from_slice(&text).map_err(|error| {
        wrong(format!("{error}; expected an object with origin, u, v and box (or polygon)"))
    })?;
    let (expected, found) = (network.input().len(), spec.origin.len());
    if expected != found {
        return Err(wrong(format!(
            "its origin has {found} numbers, but the model's input has {expected}"
        )));
    }
    let window = match (spec.r#box, &spec.polygon) {
        (Some([a, b, c, d]), None) => Window::new_box([a, b], [c, d]),
        (None, Some(corners)) => Window::polygon(corners),
        _ => return Err(wrong("expected either box or polygon".to_owned())),
    };
    let window = window.map_err(|error| wrong(error.to_string()))?;
    let plane =
        Plane::new(spec.origin, spec.u, spec.v).map_err(|error| wrong(error.to_string()))?;
    let axes = ["s (along u)", "t (along v)"].map(str::to_owned);
    let source = path.display().to_string();
    Ok(View { plane, window, points: Vec::new(), axes, source, is_random: false })
}

fn of_box([a, b, c, d]: [f64; 4], network: &Network) -> Result<View, Failure> {
    let inputs = network.input().len();
    if inputs != 2 {
        return Err(Failure::Usage(format!(
            "--box is for networks with 2 inputs, and this one has {inputs}: give a plane with --spec or \
             --anchors"
        )));
    }
    let usage = |error: String| Failure::Usage(format!("--box: {error}"));
    let window = Window::new_box([a, b], [c, d]).map_err(|error| usage(error.to_string()))?;
    if window.corners().is_empty() {
        return Err(usage(format!("{a},{b},{c},{d} has no inside: expected A < B and C < D")));
    }
    let plane = Plane::new(vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]);
    let plane = plane.map_err(|error| usage(error.to_string()))?;
    let axes = ["input 0", "input 1"].map(str::to_owned);
    let source = format!("box {a},{b},{c},{d}");
    Ok(View { plane, window, points: Vec::new(), axes, source, is_random: false })
}

fn of_anchors(anchors: &Anchors, args: &SliceArgs, network: &Network) -> Result<View, Failure> {
    let (file, preparation) = (&args.model.file, &args.preparation);
    let rows = Data::rows_at(&anchors.data, &anchors.rows, preparation, file, network)?;
    let numbers = || anchors.rows.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let name = format!("{}:{}", anchors.data.display(), numbers());
    let wrong = |error: String| Failure::Library(format!("--anchors {name}: {error}").into());
    let margin = args.margin.unwrap_or(if rows.len() == 1 { 1.0 } else { MARGIN });
    let wide = [-margin, 1.0 + margin];
    let random = |other| Plane::at_random(&rows[0], other, args.seed);
    let (plane, s, t) = match &rows[..] {
        [_] => (random(None), [-margin, margin], [-margin, margin]),
        [_, other] => {
            let half = 0.5 + margin;
            (random(Some(other.as_slice())), wide, [-half, half])
        }
        [p, q, r] => (Plane::through([p, q, r]), wide, wide),
        _ => unreachable!("one to three rows"),
    };
    let plane = plane.map_err(|error| wrong(error.to_string()))?;
    let window = Window::new_box(s, t).map_err(|error| wrong(error.to_string()))?;
    let places = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let points = anchors.rows.iter().zip(places).zip(&rows).map(|((row, at), x)| {
        let outputs = network.output_of(x);
        ScenePoint { at, class: class_of(&outputs), label: format!("row {row}") }
    });
    let points = points.collect();
    let toward = |row: Option<&usize>| match row {
        Some(row) => format!("row {} → row {row}", anchors.rows[0]),
        None => "a random direction".to_owned(),
    };
    let axes = [toward(anchors.rows.get(1)), toward(anchors.rows.get(2))];
    Ok(View { plane, window, points, axes, source: name, is_random: rows.len() < 3 })
}

/// The largest output, of several.
fn class_of(outputs: &[f64]) -> Option<u32> {
    let best =
        (0..outputs.len()).reduce(|best, i| if outputs[i] > outputs[best] { i } else { best });
    best.filter(|_| outputs.len() > 1).map(|class| class as u32)
}
