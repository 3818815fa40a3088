//! What colour each cell has, and what the colours mean.

use maso_core::geometry::slice::{Slice, SliceEdge, WallOf};
use maso_core::network::Network;

use super::cells::Cells;
use super::palette::{self, Rgb};
use super::{Colour, Theme};
use crate::table::short;

/// Steps of a continuous scale.
const STEPS: usize = 100;

/// A colour's number for each cell, and what the numbers stand for.
pub(super) struct Paint {
    pub(super) of_cell: Vec<u16>,
    pub(super) key: Key,
    /// What is shown, for the legend; empty for nothing.
    pub(super) title: String,
}

/// What the numbers of a paint stand for.
pub(super) enum Key {
    Nothing,
    /// Classes, and their names.
    Classes(Vec<(u32, String)>),
    /// Few things, none of which is more than another.
    Pieces(Vec<String>),
    /// Few things in order, the first of which stands for none of them.
    Steps(Vec<String>),
    /// A scale: its ends and its middle.
    Scale([String; 3]),
}

impl Key {
    /// The colour of each number.
    pub(super) fn colours(&self, theme: Theme) -> Vec<Rgb> {
        let share = |i: usize, n: usize| i as f64 / n.saturating_sub(1).max(1) as f64;
        match self {
            Self::Nothing => vec![theme.blank()],
            Self::Classes(classes) => classes.iter().map(|(class, _)| theme.cell(*class)).collect(),
            Self::Pieces(names) => {
                let two = [palette::mix(theme.blank(), theme.ink(), 0.06), theme.cell(0)];
                let many = |i: usize| theme.cell(i as u32);
                (0..names.len()).map(|i| if names.len() < 3 { two[i] } else { many(i) }).collect()
            }
            Self::Steps(names) => {
                let step = |i| theme.step(share(i, names.len() - 1));
                let steps = (0..names.len() - 1).map(step);
                [theme.blank()].into_iter().chain(steps).collect()
            }
            Self::Scale(_) => (0..STEPS).map(|i| palette::scale(share(i, STEPS))).collect(),
        }
    }
}

impl Paint {
    /// Whether any cell has a number, for each.
    pub(super) fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.key.colours(Theme::Light).len()];
        self.of_cell.iter().for_each(|&number| used[usize::from(number)] = true);
        used
    }
}

/// The name of a class.
pub(super) fn class_name(classes: &[String], class: u32) -> String {
    classes.get(class as usize).cloned().unwrap_or_else(|| class.to_string())
}

/// Paints cells. What is not known of this slice is not shown.
pub(super) fn paint(
    network: &Network,
    slice: &Slice,
    cells: &Cells<'_>,
    colour: Colour,
    classes: &[String],
) -> Paint {
    let painted = match colour {
        _ if cells.len() == 0 => None,
        Colour::None => None,
        Colour::Class => by_class(cells, classes),
        Colour::Area => by_area(slice, cells),
        Colour::Gradient => by_gradient(slice, cells),
        Colour::Layer => Some(by_layer(network, slice, cells)),
        Colour::Unit { layer, unit } => by_unit(network, slice, cells, layer, unit),
    };
    painted.unwrap_or_else(|| Paint {
        of_cell: vec![0; cells.len()],
        key: Key::Nothing,
        title: String::new(),
    })
}

fn by_class(cells: &Cells<'_>, names: &[String]) -> Option<Paint> {
    let class = cells.class?;
    let mut seen = class.to_vec();
    seen.sort_unstable();
    seen.dedup();
    let number = |class: &u32| seen.partition_point(|other| other < class) as u16;
    let of_cell = class.iter().map(number).collect();
    let key = seen.iter().map(|&class| (class, class_name(names, class))).collect();
    Some(Paint { of_cell, key: Key::Classes(key), title: "class".to_owned() })
}

fn by_area(slice: &Slice, cells: &Cells<'_>) -> Option<Paint> {
    let areas = areas(slice);
    let logs: Vec<f64> = areas.iter().map(|area| area.log10()).collect();
    on_scale(slice, cells, &logs, |log| 10_f64.powf(log), "area of the region".to_owned())
}

/// The area of each region as the input space measures it.
pub(super) fn areas(slice: &Slice) -> Vec<f64> {
    let unit = slice.plane.unit_area();
    (0..slice.regions.len()).map(|cell| slice.regions.area(cell).max(0.0) * unit).collect()
}

fn by_gradient(slice: &Slice, cells: &Cells<'_>) -> Option<Paint> {
    let norms = gradients(slice)?;
    let (low, high) = spread(slice, &norms)?;
    let title = "norm of the gradient".to_owned();
    // A wide range is easier to see by its powers of ten.
    if low > 0.0 && high > 30.0 * low {
        let logs: Vec<f64> = norms.iter().map(|norm| norm.log10()).collect();
        return on_scale(slice, cells, &logs, |log| 10_f64.powf(log), title);
    }
    on_scale(slice, cells, &norms, |norm| norm, title)
}

/// The Frobenius norm, along the plane, of each region's map.
pub(super) fn gradients(slice: &Slice) -> Option<Vec<f64>> {
    let maps = slice.maps.as_ref()?;
    let norm = |[a, b, _]: &[f64; 3]| slice.plane.gradient_norm([*a, *b]);
    let square = |region| maps.of(region).iter().map(|map| norm(map).powi(2)).sum::<f64>();
    Some((0..slice.regions.len()).map(|region| square(region).sqrt()).collect())
}

/// Between which numbers most of the picture is: all of its area but a 50th at either end.
fn spread(slice: &Slice, numbers: &[f64]) -> Option<(f64, f64)> {
    let area = |region: usize| slice.regions.area(region).max(0.0);
    let finite = numbers.iter().enumerate().filter(|(_, x)| x.is_finite());
    let mut sorted: Vec<(f64, f64)> = finite.map(|(region, x)| (*x, area(region))).collect();
    sorted.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
    let cut = sorted.iter().map(|(_, area)| area).sum::<f64>() / 50.0;
    Some((beyond(sorted.iter(), cut)?, beyond(sorted.iter().rev(), cut)?))
}

/// The first number up to which there is more than this area.
fn beyond<'a>(sorted: impl Iterator<Item = &'a (f64, f64)>, area: f64) -> Option<f64> {
    let mut sum = 0.0;
    let mut last = None;
    for (number, own) in sorted {
        last = Some(*number);
        sum += own;
        if sum > area {
            break;
        }
    }
    last
}

/// Puts a number of each region on a scale. `back` makes it what the legend says.
fn on_scale(
    slice: &Slice,
    cells: &Cells<'_>,
    numbers: &[f64],
    back: impl Fn(f64) -> f64,
    title: String,
) -> Option<Paint> {
    let (low, high) = spread(slice, numbers)?;
    let range = if high > low { high - low } else { 1.0 };
    let place = |number: f64| ((number - low) / range).clamp(0.0, 1.0) * (STEPS - 1) as f64;
    let of_cell =
        (0..cells.len()).map(|cell| place(numbers[cells.region(cell)]).round() as u16).collect();
    let ends = [low, low + range / 2.0, low + range];
    Some(Paint { of_cell, key: Key::Scale(ends.map(|end| short(back(end)))), title })
}

fn by_layer(network: &Network, slice: &Slice, cells: &Cells<'_>) -> Paint {
    let deepest = deepest_layers(slice);
    let of_cell = (0..cells.len()).map(|cell| deepest[cells.region(cell)] as u16).collect();
    let layers = network.layout().layers()[..slice.layers()].iter().enumerate();
    let names = layers.map(|(number, layer)| format!("layer {number} ({})", layer.op()));
    let key = ["no layer".to_owned()].into_iter().chain(names).collect();
    Paint { of_cell, key: Key::Steps(key), title: "deepest wall".to_owned() }
}

/// For each region, one more than the deepest layer whose walls are around it; 0 if there is none.
fn deepest_layers(slice: &Slice) -> Vec<u32> {
    let mut deepest = vec![0; slice.regions.len()];
    for edge in &slice.regions.edges {
        let WallOf::Unit { layer, .. } = edge.wall else { continue };
        for cell in edge.cells.into_iter().filter(|&cell| cell != SliceEdge::NOTHING) {
            let deepest = &mut deepest[cell as usize];
            *deepest = (*deepest).max(layer + 1);
        }
    }
    deepest
}

fn by_unit(
    network: &Network,
    slice: &Slice,
    cells: &Cells<'_>,
    number: usize,
    unit: usize,
) -> Option<Paint> {
    let layer = network.layout().layers().get(number).filter(|layer| unit < layer.units())?;
    let of_region: Vec<u16> =
        (0..slice.regions.len()).map(|at| layer.piece(&slice.code(at), unit) as u16).collect();
    let of_cell = (0..cells.len()).map(|cell| of_region[cells.region(cell)]).collect();
    let names = (0..layer.pieces()).map(|piece| format!("piece {piece}")).collect();
    let title = format!("unit {unit} of layer {number}");
    Some(Paint { of_cell, key: Key::Pieces(names), title })
}
