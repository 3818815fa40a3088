//! `maso soften` and `maso harden`: another inference in a model's layers, as an ONNX file; [`sweep`] says what that
//! does to data.

use std::path::Path;

use maso_core::network::{Node, Operator};
use maso_core::rewrite::{self, RewriteError};
use maso_core::{Graph, Network};
use maso_io::model::{self, onnx};
use maso_io::write::AtomicFile;

use super::soften_sweep as sweep;
use crate::Outcome;
use crate::args::{HardenArgs, SoftenArgs};
use crate::failure::Failure;
use crate::input;
use crate::output::{expect_other, expect_output, talk};
use crate::table::count;

pub(crate) fn run(args: &SoftenArgs) -> Outcome {
    let data = args.data();
    let mut inputs = vec![args.model.file.model.as_path()];
    inputs.extend(args.data.as_deref());
    if let Some(out) = &args.out {
        expect_output(Some(out), "onnx", &[&args.model.file.model])?;
        expect_other(out, &inputs)?;
    }
    if args.out.is_none() && data.is_none() {
        return Err(Failure::Usage(
            "nothing to do: name a file to write (-o OUT.onnx), or rows to try it on (DATA)"
                .to_owned(),
        ));
    }
    let (graph, network) = input::load_graph(&args.model)?;
    let chosen = layers(&network, &args.layers)?;
    if let Some(out) = &args.out {
        let [beta] = args.beta.0[..] else {
            return Err(Failure::Usage("-o takes one --beta, not a range".to_owned()));
        };
        let soft = rewrite::soften(&graph, &network, |layer, node| {
            is_chosen(&chosen, layer, !node.is_soft()).then(|| args.rule.inference(beta))
        })
        .map_err(refusal)?;
        write(out, &args.model.file.model, &soft)?;
        if !args.run.quiet {
            let changed = changed(&network, &chosen, |node| !node.is_soft());
            talk(&format!("wrote {}: {} softened", out.display(), count(changed as u64, "layer")));
        }
    }
    data.map_or(Ok(()), |data| sweep::run(args, &data, &network, &chosen))
}

pub(crate) fn harden(args: &HardenArgs) -> Outcome {
    expect_output(Some(&args.out), "onnx", &[&args.model.file.model])?;
    let (graph, network) = input::load_graph(&args.model)?;
    let chosen = layers(&network, &args.layers)?;
    let choose = |layer, node: &Node| is_chosen(&chosen, layer, node.is_soft());
    let hard = rewrite::harden(&graph, &network, choose).map_err(refusal)?;
    write(&args.out, &args.model.file.model, &hard)?;
    if !args.quiet {
        let changed = changed(&network, &chosen, Node::is_soft);
        talk(&format!("wrote {}: {} hardened", args.out.display(), count(changed as u64, "layer")));
    }
    Ok(())
}

fn refusal(error: RewriteError) -> Failure {
    let hint = match error {
        RewriteError::Node { .. } => "; --layers names the layers to change",
        _ => "",
    };
    Failure::Refused(format!("{error}{hint}"))
}

/// Writes a graph that reads again.
fn write(out: &Path, from: &Path, graph: &Graph) -> Outcome {
    model::network(from, graph, &maso_core::LowerOptions::default())?;
    let bytes = onnx::write(graph)?;
    Ok(AtomicFile::create(out)?.finish_with(&bytes)?)
}

/// The layers that the user named, by number; `None` for all that fit.
pub(super) type Chosen = Option<Vec<usize>>;

/// Whether a layer is to be changed; `fits` where all are that fit.
pub(super) fn is_chosen(chosen: &Chosen, layer: usize, fits: bool) -> bool {
    chosen.as_ref().map_or(fits, |chosen| chosen.contains(&layer))
}

fn changed(network: &Network, chosen: &Chosen, fits: impl Fn(&Node) -> bool) -> usize {
    layer_nodes(network).enumerate().filter(|(i, node)| is_chosen(chosen, *i, fits(node))).count()
}

/// The nodes of the network's layers.
pub(super) fn layer_nodes(network: &Network) -> impl Iterator<Item = &Node> {
    network.nodes().iter().filter(|node| matches!(node.operator, Operator::Nonlinear(_)))
}

fn layers(network: &Network, named: &[String]) -> Result<Chosen, Failure> {
    if named.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = layer_nodes(network).map(|node| node.name.as_str()).collect();
    let find = |name: &String| {
        let number = name.parse().ok().filter(|&number| number < names.len());
        names.iter().position(|known| known == name).or(number).ok_or_else(|| {
            Failure::Usage(format!(
                "--layers {name}: no such layer; there are {} (numbers from 0): {}",
                names.len(),
                names.join(", ")
            ))
        })
    };
    named.iter().map(find).collect::<Result<_, _>>().map(Some)
}
