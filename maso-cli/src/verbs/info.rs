//! `maso info`: a model as max-affine operators.

use maso_core::network::ModelReport;
use serde::Serialize;

use crate::Outcome;
use crate::args::InfoArgs;
use crate::input;
use crate::output::{print, print_json};
use crate::table::{count, grouped, row, shape, table};

#[derive(Serialize)]
struct Report {
    model: String,
    /// The tier that a run would use.
    tier: &'static str,
    /// The layers of a stack (--arch mlp:… or conv:…) in the order that their names were taken to tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layer_order: Vec<String>,
    #[serde(flatten)]
    network: ModelReport,
}

pub(crate) fn run(args: &InfoArgs) -> Outcome {
    let (network, layer_order) = input::load_ordered(&args.model)?;
    let network = network.describe();
    let model = args.model.file.model.display().to_string();
    let report = Report { model, tier: args.tier.choose()?.name(), layer_order, network };
    if args.json { print_json(&report) } else { print(&text(&report)) }
}

fn text(report: &Report) -> String {
    let Report { model, tier, layer_order, network } = report;
    let rows = match network.rows {
        "none" => "the whole input is one row".to_owned(),
        axis => format!("rows along {axis}"),
    };
    let (input, output) = (&network.input, &network.output);
    let mut text = format!(
        "{model}: {} {} → {} {}, {rows}\n\n",
        input.name,
        shape(&input.shape),
        output.name,
        shape(&output.shape)
    );
    text += &layers(network);
    text += "\n\n";
    if !layer_order.is_empty() {
        text += &format!("layers in the order of their names: {}\n", layer_order.join(", "));
    }
    if !network.further_outputs.is_empty() {
        let names = network.further_outputs.join(", ");
        text += &format!("further outputs of the file (choose one with --output): {names}\n");
    }
    for head in &network.head {
        text += &format!("left off at the end: {} ({})\n", head.op, head.name);
    }
    text += &format!(
        "{}, {} a row\n{} and {} ({} of 64 bits) a region code; kernels: {tier}",
        count(network.parameters, "parameter"),
        count(network.multiply_adds, "multiply-add"),
        count(network.units as u64, "unit"),
        count(network.bits as u64, "bit"),
        count(network.words as u64, "word"),
    );
    text
}

fn layers(network: &ModelReport) -> String {
    let heading =
        ["", "layer", "op", "shape", "affine part", "units", "pieces", "bits", "first bit"];
    let mut rows = vec![row(heading)];
    for (number, layer) in network.layers.iter().enumerate() {
        rows.push(vec![
            number.to_string(),
            layer.name.clone(),
            layer.op.clone(),
            shape(&layer.shape),
            if layer.affine.is_empty() { "–".to_owned() } else { layer.affine.clone() },
            grouped(layer.units as u64),
            grouped(layer.pieces as u64),
            grouped(layer.bits as u64),
            grouped(layer.first_bit as u64),
        ]);
    }
    let output = &network.output;
    if !output.affine.is_empty() {
        let extents = shape(&output.shape);
        rows.push(row(["", &format!("→ {}", output.name), "", &extents, &output.affine]));
    }
    table(5, &rows)
}
