//! What softening does to data: accuracy, change of the outputs, whether the most probable region's map still
//! predicts, and how undecided the layers are.

use std::sync::Arc;
use std::time::Instant;

use maso_core::Network;
use maso_core::insight::Softness;
use serde::Serialize;

use super::soften::{Chosen, is_chosen, layer_nodes};
use crate::Outcome;
use crate::args::{DataArgs, RuleArg, SoftenArgs};
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{count, percent, row, table};

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    rule: &'static str,
    /// The layers that are softened.
    layers: Vec<String>,
    /// Of the model as it is.
    accuracy: Option<f64>,
    sweep: Vec<Point>,
    seconds: f64,
}

/// One β.
#[derive(Debug, Serialize)]
struct Point {
    beta: f64,
    accuracy: Option<f64>,
    /// Root mean square of the outputs' change, over that of the model's outputs.
    output_change: f64,
    /// Share of rows of the same class as before.
    same_class: f64,
    /// Share of rows for which the hard map of the most probable region gives the class that the soft network gives.
    region_predicts: f64,
    /// Mean entropy of a unit's memberships in each softened layer, in nats.
    entropy: Vec<f64>,
}

/// What is summed over rows.
#[derive(Clone, Debug, Default)]
struct Sums {
    rows: usize,
    right: usize,
    same: usize,
    region: usize,
    change: f64,
    size: f64,
    entropy: Vec<f64>,
}

pub(super) fn run(
    args: &SoftenArgs,
    data: &DataArgs,
    network: &Arc<Network>,
    chosen: &Chosen,
) -> Outcome {
    let data = Data::open(data, &args.model.file, network)?;
    let array = args.labels_array.as_deref();
    let labels = |path| input::labels(path, array, &args.model.file, &data);
    let labels = args.labels.as_deref().map(labels).transpose()?;
    let session = Session::new(Arc::clone(network), data, &args.run)?;
    let started = Instant::now();
    let mut hard = Vec::with_capacity(session.data.range.len());
    let mut right = 0;
    session.each_row(
        |number, x| {
            let map = network.linearize(x).map_err(|error| error.at_row(number))?;
            Ok(map.value().to_vec())
        },
        |number, outputs| {
            right += usize::from(is_right(labels.as_deref(), number, &outputs));
            hard.push(outputs);
            Ok(())
        },
    )?;
    let names: Vec<&maso_core::network::Node> = layer_nodes(network).collect();
    let layers: Vec<usize> = (0..names.len())
        .filter(|&layer| is_chosen(chosen, layer, !names[layer].is_soft()))
        .collect();
    let sweep = args.beta.0.iter().map(|&beta| {
        let soft = soften(network, args.rule, beta, chosen)?;
        let sums = sums(&session, &soft, &hard, labels.as_deref())?;
        Ok(point(beta, &sums, labels.is_some(), &layers))
    });
    let sweep = sweep.collect::<Result<Vec<_>, Failure>>()?;
    let rows = session.data.range.len();
    let mut run = session.report(&args.model.file.model);
    run.labels_file = args.labels.as_ref().map(|path| path.display().to_string());
    let report = Report {
        run,
        rows,
        rule: rule_name(args.rule),
        layers: layers.iter().map(|&layer| names[layer].name.clone()).collect(),
        accuracy: labels.is_some().then(|| right as f64 / rows.max(1) as f64),
        sweep,
        seconds: started.elapsed().as_secs_f64(),
    };
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

fn soften(
    network: &Network,
    rule: RuleArg,
    beta: f64,
    chosen: &Chosen,
) -> Result<Network, Failure> {
    let soft = network.softened(|layer, node| {
        is_chosen(chosen, layer, !node.is_soft()).then(|| rule.inference(beta))
    });
    soft.map_err(|error| Failure::Refused(error.to_string()))
}

fn sums(
    session: &Session,
    soft: &Network,
    hard: &[Vec<f64>],
    labels: Option<&[i64]>,
) -> Result<Sums, Failure> {
    let mut sums = Sums::default();
    let first = session.data.range.start;
    session.each_row(
        |_, x| Ok(soft.softness(x)),
        |number, row: Softness| {
            let before = &hard[number - first];
            let class = class(&row.outputs);
            sums.rows += 1;
            sums.right += usize::from(is_right(labels, number, &row.outputs));
            sums.same += usize::from(class == self::class(before));
            sums.region += usize::from(class == self::class(&row.hard_outputs));
            sums.change +=
                row.outputs.iter().zip(before).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            sums.size += before.iter().map(|y| y * y).sum::<f64>();
            sums.entropy.resize(row.entropies.len(), 0.0);
            sums.entropy.iter_mut().zip(&row.entropies).for_each(|(sum, entropy)| *sum += entropy);
            Ok(())
        },
    )?;
    Ok(sums)
}

fn point(beta: f64, sums: &Sums, has_labels: bool, layers: &[usize]) -> Point {
    let rows = sums.rows.max(1) as f64;
    let share = |number: usize| number as f64 / rows;
    Point {
        beta,
        accuracy: has_labels.then(|| share(sums.right)),
        output_change: if sums.change == 0.0 { 0.0 } else { (sums.change / sums.size).sqrt() },
        same_class: share(sums.same),
        region_predicts: share(sums.region),
        entropy: layers
            .iter()
            .map(|&layer| sums.entropy.get(layer).map_or(0.0, |sum| sum / rows))
            .collect(),
    }
}

/// The first largest output; of a single one whether it is above 0.
fn class(outputs: &[f64]) -> i64 {
    if let [output] = outputs {
        return i64::from(*output > 0.0);
    }
    let best =
        (1..outputs.len()).fold(0, |best, i| if outputs[i] > outputs[best] { i } else { best });
    best as i64
}

fn is_right(labels: Option<&[i64]>, row: usize, outputs: &[f64]) -> bool {
    labels.is_some_and(|labels| labels[row] == class(outputs))
}

fn rule_name(rule: RuleArg) -> &'static str {
    match rule {
        RuleArg::BetaVq => "beta-vq",
        RuleArg::LogPartition => "log-partition",
        RuleArg::Probit => "probit",
        RuleArg::ProbitTanh => "probit-tanh",
    }
}

fn text(report: &Report) -> String {
    let mut head = row(["beta", "accuracy", "output change", "same class", "region predicts"]);
    head.extend(report.layers.iter().map(|layer| format!("H {layer}")));
    let mut rows = vec![head];
    for point in &report.sweep {
        let mut cells = vec![
            format!("{:.4}", point.beta),
            point.accuracy.map_or_else(|| "-".to_owned(), percent),
            percent(point.output_change),
            percent(point.same_class),
            percent(point.region_predicts),
        ];
        cells.extend(point.entropy.iter().map(|entropy| format!("{entropy:.4}")));
        rows.push(cells);
    }
    let accuracy = report.accuracy.map_or(String::new(), |share| {
        format!("; accuracy of the model as it is {}", percent(share))
    });
    format!(
        "{}, {} softened by {}{accuracy}\n\n{}\n\noutput change: root mean square, relative to the outputs; region \
         predicts: rows whose most probable\nregion's affine map gives the soft network's class; H: mean entropy of a \
         unit's memberships, in nats",
        count(report.rows as u64, "row"),
        count(report.layers.len() as u64, "layer"),
        report.rule,
        table(0, &rows)
    )
}
