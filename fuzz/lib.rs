//! What the targets share: limits that small inputs are held to, and the use that is made of what they
//! give.

use maso_core::{Evaluator, Graph, LowerOptions, lower};
use maso_io::Limits;
use maso_io::dataset::{Dataset, OpenOptions};

/// Limits under which no input needs more than some megabytes.
#[must_use]
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.nodes = 1 << 10;
    limits.tensors = 1 << 10;
    limits.elements = 1 << 20;
    limits.constant_bytes = 1 << 24;
    limits.columns = 1 << 12;
    limits.held_numbers = 1 << 20;
    limits.inflated_bytes = 1 << 22;
    limits
}

/// Opens bytes as a data set, and reads some of its rows.
pub fn data(bytes: &[u8], array: Option<&str>) {
    let mut options = OpenOptions::default();
    options.array = array.map(str::to_owned);
    rows(bytes, options);
}

/// The same with some columns of a table.
pub fn columns(bytes: &[u8], columns: &str) {
    let mut options = OpenOptions::default();
    options.columns = columns.parse().ok();
    rows(bytes, options);
}

fn rows(bytes: &[u8], mut options: OpenOptions) {
    options.limits = limits();
    let Ok(rows) = Dataset::from_bytes("fuzz", bytes.to_vec(), &options) else { return };
    let mut buffer = Vec::new();
    use maso_core::eval::Rows;
    if rows.width() < 1 << 16 {
        let count = rows.len().min(200);
        let _ = rows.block(0..count, &mut buffer);
        let last = rows.len();
        let _ = rows.block(last - count.min(3)..last, &mut buffer);
    }
}

/// Lowers a graph and runs it on one row, where that is small.
pub fn network(graph: &Graph) {
    let Ok(network) = lower(graph, &LowerOptions::default()) else { return };
    let _ = network.describe();
    let outputs: usize = network.output_shape().iter().product();
    if network.input().len() < 1 << 12 && outputs < 1 << 12 && network.layout().bits() < 1 << 14 {
        let row = vec![0.5; network.input().len()];
        let mut codes = vec![0; network.layout().words()];
        let evaluator = Evaluator::new(network.into());
        let _ = evaluator.forward_into(&row, &mut vec![0.0; outputs]);
        let _ = evaluator.codes_into(&row, &mut codes);
    }
}
