//! `maso line`: the network along a segment, or a polyline through rows of data.

use std::path::Path;
use std::time::Instant;

use maso_core::Network;
use maso_core::geometry::line::{Break, ClassChange, Line, LineOptions, LineStatus, Piece};
use maso_core::geometry::slice::SliceTarget;
use maso_io::write::NpzWriter;
use serde::Serialize;

use super::slice::write;
use crate::Outcome;
use crate::args::LineArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{expect_ending, expect_other, print, print_json, talk};
use crate::slice_picture::{self, Plot};
use crate::table::{count, grouped, row, short, table};

#[derive(Serialize)]
struct Report<'a> {
    model: String,
    /// The tensor that the network ends at.
    output: String,
    /// The rows, in order.
    points: Vec<String>,
    status: LineStatus,
    /// Stretches of one code, on all segments.
    regions: usize,
    /// Stretches of one affine map.
    pieces: usize,
    breaks: usize,
    class_changes: usize,
    /// As the input space measures it.
    length: f64,
    exact_decisions: u64,
    segments: Vec<SegmentReport<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct SegmentReport<'a> {
    from: &'a str,
    to: &'a str,
    length: f64,
    regions: usize,
    pieces: usize,
    breaks: &'a [Break],
    /// Slope and offset of each output, in t from 0 to 1.
    affine: &'a [Piece],
    first_class: Option<u32>,
    class_changes: &'a [ClassChange],
}

const ENDINGS: [&str; 4] = ["svg", "png", "json", "npz"];

/// Outputs that are drawn, at most.
const MOST_CURVES: usize = 12;

pub(crate) fn run(args: &LineArgs) -> Outcome {
    let ending = args.out.as_deref().map(|out| expect_ending(out, &ENDINGS)).transpose()?;
    if let Some(out) = &args.out {
        let mut inputs: Vec<&Path> = vec![&args.model.file.model];
        inputs.extend(args.points.iter().map(|point| point.data.as_path()));
        expect_other(out, &inputs)?;
    }
    if args.points.len() < 2 {
        return Err(Failure::Usage(
            "a line needs two points or more (DATA:ROW DATA:ROW …)".to_owned(),
        ));
    }
    let network = input::load_piecewise_affine(&args.model, "an exact line")?;
    let rows = rows(args, &network)?;
    let options = LineOptions { target: target(args, &network)?, ..LineOptions::default() };
    let started = Instant::now();
    let points: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    let lines = args.run.pool()?.install(|| network.polyline(&points, &options));
    let lines = lines.map_err(|error| Failure::Usage(error.to_string()))?;
    let names: Vec<String> =
        args.points.iter().map(|point| format!("{}:{}", point.data.display(), point.row)).collect();
    let report = report(args, &network, &names, &lines, started.elapsed().as_secs_f64());
    if let (Some(out), Some(ending)) = (&args.out, ending) {
        match ending {
            "json" => write(out, serde_json::to_string_pretty(&report)?.as_bytes())?,
            "npz" => write_npz(out, &network, &lines)?,
            _ => write_plot(args, out, ending, &lines)?,
        }
        if !args.run.quiet {
            talk(&format!("wrote {}", out.display()));
        }
    }
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

fn rows(args: &LineArgs, network: &Network) -> Result<Vec<Vec<f64>>, Failure> {
    let mut rows = Vec::new();
    for point in &args.points {
        let (file, preparation) = (&args.model.file, &args.preparation);
        rows.extend(Data::rows_at(&point.data, &[point.row], preparation, file, network)?);
    }
    Ok(rows)
}

fn target(args: &LineArgs, network: &Network) -> Result<Option<SliceTarget>, Failure> {
    let outputs: usize = network.output_shape().iter().product();
    match (args.level, outputs) {
        (_, 0) => Ok(None),
        (None, 2..) => Ok(Some(SliceTarget::Class)),
        (level, 1) => Ok(Some(SliceTarget::OutputAbove { output: 0, level: level.unwrap_or(0.0) })),
        (Some(_), _) => {
            let text =
                format!("--level is for networks with one output, and this one has {outputs}");
            Err(Failure::Usage(text))
        }
    }
}

fn report<'a>(
    args: &LineArgs,
    network: &Network,
    names: &'a [String],
    lines: &'a [Line],
    seconds: f64,
) -> Report<'a> {
    let ends = names.iter().zip(&names[1..]);
    let segments = ends.zip(lines).map(|((from, to), line)| SegmentReport {
        from,
        to,
        length: line.length,
        regions: line.pieces.len(),
        pieces: line.linear_count(),
        breaks: &line.breaks,
        affine: &line.pieces,
        first_class: line.first_class,
        class_changes: &line.class_changes,
    });
    let is_capped = lines.iter().any(|line| line.status == LineStatus::Capped);
    let sum = |of: fn(&Line) -> usize| lines.iter().map(of).sum();
    Report {
        model: args.model.file.model.display().to_string(),
        output: network.describe().output.name,
        points: names.to_vec(),
        status: if is_capped { LineStatus::Capped } else { LineStatus::Complete },
        regions: sum(|line| line.pieces.len()),
        pieces: sum(Line::linear_count),
        breaks: sum(|line| line.breaks.len()),
        class_changes: sum(|line| line.class_changes.len()),
        length: lines.iter().map(|line| line.length).sum(),
        exact_decisions: lines.iter().map(|line| line.exact_decisions).sum(),
        segments: segments.collect(),
        seconds,
    }
}

fn write_npz(out: &Path, network: &Network, lines: &[Line]) -> Outcome {
    let mut writer = NpzWriter::create(out)?;
    let count: usize = lines.iter().map(|line| line.pieces.len()).sum();
    let pieces = || lines.iter().flat_map(|line| &line.pieces);
    let segment = lines.iter().zip(0i64..).flat_map(|(line, i)| vec![i; line.pieces.len()]);
    writer.array("segment", &[count], &segment.collect::<Vec<i64>>())?;
    let spans: Vec<f64> = pieces().flat_map(|piece| [piece.from, piece.to]).collect();
    writer.array("t", &[count, 2], &spans)?;
    let outputs = lines.first().map_or(0, |line| line.pieces[0].outputs.len());
    let affine: Vec<f64> =
        pieces().flat_map(|piece| piece.outputs.as_flattened().to_vec()).collect();
    writer.array("affine", &[count, outputs, 2], &affine)?;
    writer.begin::<u64>("codes", &[count, network.layout().words()])?;
    lines.iter().flat_map(Line::codes).try_for_each(|code| writer.write(&code))?;
    Ok(writer.finish()?)
}

fn write_plot(args: &LineArgs, out: &Path, ending: &str, lines: &[Line]) -> Outcome {
    let plot = plot(args, lines);
    let bytes = if ending == "svg" {
        slice_picture::plot_svg(&plot)
    } else {
        slice_picture::plot_png(&plot, args.width).map_err(|text| Failure::Library(text.into()))?
    };
    write(out, &bytes)
}

/// All segments one after another: t counts from 0 to the number of segments.
fn plot(args: &LineArgs, lines: &[Line]) -> Plot {
    let outputs = lines.first().map_or(0, |line| line.pieces[0].outputs.len());
    let curve = |output: usize| {
        let mut points = Vec::new();
        for (line, start) in lines.iter().zip(0i32..) {
            for piece in &line.pieces {
                let [slope, offset] = piece.outputs[output];
                let at = |t: f64| [f64::from(start) + t, slope * t + offset];
                points.extend([at(piece.from), at(piece.to)]);
            }
        }
        (format!("output {output}"), points)
    };
    let placed = |line: &Line, start: i32| {
        let at = move |t: f64| f64::from(start) + t;
        let layer = |b: &Break| b.changes.iter().map(|change| change.layer).min().unwrap_or(0);
        line.breaks.iter().map(|b| (at(b.t), layer(b))).collect::<Vec<_>>()
    };
    let changes = lines.iter().zip(0i32..).flat_map(|(line, start)| {
        line.class_changes.iter().map(move |change| f64::from(start) + change.t)
    });
    let name = args.model.file.model.file_name().map(|name| name.to_string_lossy().into_owned());
    let rows =
        args.points.iter().map(|point| point.row.to_string()).collect::<Vec<_>>().join(" → ");
    let regions: usize = lines.iter().map(|line| line.pieces.len()).sum();
    Plot {
        title: name.unwrap_or_default(),
        subtitle: format!(
            "rows {rows} of {}: {}",
            args.points[0].data.display(),
            count(regions as u64, "region")
        ),
        x_label: if lines.len() == 1 {
            "t, from the first row to the second"
        } else {
            "t, one for each segment"
        }
        .to_owned(),
        curves: (0..outputs.min(MOST_CURVES)).map(curve).collect(),
        breaks: lines.iter().zip(0i32..).flat_map(|(line, start)| placed(line, start)).collect(),
        class_changes: changes.collect(),
        theme: args.theme.theme(),
    }
}

fn text(report: &Report<'_>) -> String {
    let heading = ["segment", "length", "regions", "linear pieces", "classes"];
    let mut rows = vec![row(heading)];
    for segment in &report.segments {
        let mut classes: Vec<String> = segment.first_class.iter().map(u32::to_string).collect();
        classes.extend(
            segment
                .class_changes
                .iter()
                .map(|change| format!("{} at {}", change.to, short(change.t))),
        );
        rows.push(vec![
            format!("{} → {}", segment.from, segment.to),
            short(segment.length),
            grouped(segment.regions as u64),
            grouped(segment.pieces as u64),
            classes.join(", "),
        ]);
    }
    let note = match report.status {
        LineStatus::Complete => "",
        LineStatus::Capped => " (a limit was reached: the rest is missing)",
    };
    format!(
        "{} along {}: {} in {}, {}{note}\n\n{}",
        report.model,
        count(report.segments.len() as u64, "segment"),
        count(report.regions as u64, "region"),
        count(report.pieces as u64, "linear piece"),
        count(report.exact_decisions, "exact decision"),
        table(1, &rows)
    )
}
