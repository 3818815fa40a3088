//! `maso convert`: weights and an architecture as an ONNX file.

use maso_core::tensor::{Tensor, TensorData};
use maso_core::{Graph, LowerError};
use maso_io::model::weights::settle;
use maso_io::model::{self, ModelError, onnx};
use maso_io::write::AtomicFile;

use crate::Outcome;
use crate::args::ConvertArgs;
use crate::failure::Failure;
use crate::input::{read_options, stack_order};
use crate::output::{expect_ending, expect_other, talk};
use crate::table::count;

pub(crate) fn run(args: &ConvertArgs) -> Outcome {
    expect_ending(&args.out, &["onnx"])?;
    expect_other(&args.out, &[&args.file.model])?;
    let options = read_options(&args.file)?;
    if options.architecture.is_none() && is_onnx(args) {
        let path = args.file.model.display();
        return Err(Failure::Usage(format!("{path} is an ONNX model already")));
    }
    let mut graph = model::read(&args.file.model, &options)?;
    if args.float32 {
        narrow(&mut graph);
    }
    // Layers that do not fit together are found before anything is written.
    let network = settle(&mut graph).map_err(|error| refusal(args, error))?;
    let double = graph.constants.iter().any(|(_, tensor)| is_double(tensor));
    let file = AtomicFile::create(&args.out)?;
    file.finish_with(&onnx::write(&graph)?)?;
    if !args.quiet {
        let order = stack_order(&graph, &options);
        if !order.is_empty() {
            talk(&format!("note: layers in the order of their names: {}", order.join(", ")));
        }
        let note = if double {
            "; weights and sums are in double precision (--float32 rounds them)"
        } else {
            ""
        };
        talk(&format!(
            "wrote {}: {} and {}{note}",
            args.out.display(),
            count(graph.nodes.len() as u64, "node"),
            count(network.parameters, "parameter"),
        ));
    }
    Ok(())
}

/// An error of the file, without the offer to stop earlier: this verb has no --output.
fn refusal(args: &ConvertArgs, error: LowerError) -> ModelError {
    let error = match error {
        LowerError::Unsupported { nodes, .. } => LowerError::Unsupported { nodes, before: None },
        other => other,
    };
    ModelError::Lower { path: args.file.model.clone(), source: error.into() }
}

fn is_onnx(args: &ConvertArgs) -> bool {
    args.file.model.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
}

fn is_double(tensor: &Tensor) -> bool {
    matches!(tensor.data(), TensorData::F64(_))
}

/// All double-precision constants rounded to f32, and no cast to double.
fn narrow(graph: &mut Graph) {
    for (_, tensor) in &mut graph.constants {
        if is_double(tensor) {
            let rounded = tensor.to_f64().into_iter().map(|value| value as f32).collect();
            let rounded = Tensor::new(tensor.shape().to_vec(), TensorData::F32(rounded));
            *tensor = rounded.unwrap_or_else(|| tensor.clone());
        }
    }
    for node in graph.nodes.iter_mut().filter(|node| node.op == "Cast") {
        node.op = "Identity".to_owned();
        node.attributes.clear();
    }
}
