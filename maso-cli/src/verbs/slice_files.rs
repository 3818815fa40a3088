//! A slice as arrays of an npz file.

use std::path::Path;

use maso_core::Network;
use maso_core::geometry::slice::{CellComplex, Pieces, Slice, SliceEdge, WallOf};
use maso_io::write::NpzWriter;

use crate::Outcome;

/// Writes vertices, edges, cells, codes and maps.
pub(super) fn write_npz(
    out: &Path,
    network: &Network,
    slice: &Slice,
    pieces: Option<&Pieces>,
) -> Outcome {
    let mut writer = NpzWriter::create(out)?;
    let plane = &slice.plane;
    for (name, vector) in [("origin", plane.origin()), ("u", plane.u()), ("v", plane.v())] {
        writer.array(name, &[vector.len()], vector)?;
    }
    let corners = slice.window.corners();
    writer.array("window", &[corners.len(), 2], corners.as_flattened())?;
    complex(&mut writer, "", &slice.regions)?;
    let (count, words) = (slice.regions.len(), network.layout().words());
    writer.begin::<u64>("codes", &[count, words])?;
    (0..count).try_for_each(|region| writer.write(&slice.code(region)))?;
    let areas: Vec<f64> =
        (0..count).map(|cell| slice.regions.area(cell) * plane.unit_area()).collect();
    writer.array("area", &[count], &areas)?;
    if let Some(pieces) = pieces {
        writer.array("piece", &[count], &widened(&pieces.of))?;
    }
    if let Some(maps) = &slice.maps {
        writer.begin::<f64>("maps", &[count, maps.outputs, 3])?;
        writer.write(maps.numbers.as_flattened())?;
    }
    if let Some(target) = &slice.target {
        complex(&mut writer, "class_", &target.complex)?;
        writer.array("class", &[target.class.len()], &widened(&target.class))?;
        writer.array("class_region", &[target.region.len()], &widened(&target.region))?;
    }
    Ok(writer.finish()?)
}

fn complex(writer: &mut NpzWriter, prefix: &str, complex: &CellComplex) -> Outcome {
    let mut array = |name: &str, width: usize, numbers: Vec<i64>| -> Outcome {
        let shape = [numbers.len() / width, width];
        let shape = if width == 1 { &shape[..1] } else { &shape[..] };
        Ok(writer.array(&format!("{prefix}{name}"), shape, &numbers)?)
    };
    let edges = &complex.edges;
    let number = |index: u32| if index == SliceEdge::NOTHING { -1 } else { i64::from(index) };
    array("edges", 2, edges.iter().flat_map(|edge| edge.ends).map(i64::from).collect())?;
    array("edge_cells", 2, edges.iter().flat_map(|edge| edge.cells).map(number).collect())?;
    let wall = |edge: &SliceEdge| match edge.wall {
        WallOf::Unit { layer, unit } => [i64::from(layer), i64::from(unit)],
        WallOf::Window(_) => [-1, -1],
        WallOf::Target => [-2, -1],
    };
    array("edge_unit", 2, edges.iter().flat_map(wall).collect())?;
    let corners = |cell: usize| complex.corners(cell).map(i64::from);
    array("cell_corners", 1, (0..complex.len()).flat_map(corners).collect())?;
    let mut starts = vec![0];
    for cell in 0..complex.len() {
        starts.push(starts[cell] + complex.corners(cell).len() as i64);
    }
    array("cell_starts", 1, starts)?;
    let vertices = complex.vertices.as_flattened();
    Ok(writer.array(&format!("{prefix}vertices"), &[complex.vertices.len(), 2], vertices)?)
}

fn widened(numbers: &[u32]) -> Vec<i64> {
    numbers.iter().map(|&number| number.into()).collect()
}
