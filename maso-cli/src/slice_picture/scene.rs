//! The picture of a slice: cells, edges, the decision boundary, rows of data, axes and a legend.

use maso_core::geometry::slice::{CellComplex, WallOf};

use super::axes::{Frame, labels, step};
use super::cells::Cells;
use super::figure::{Anchor, Figure, Item, Stroke, Text, shortened, wrapped};
use super::legend::{Legend, Sample};
use super::outline::{Chain, chains, rims, thinned, thinned_ring, vertices};
use super::paint::{Key, Paint, class_name, paint};
use super::palette::{self, Rgb};
use super::{Scene, ScenePoint, font};

/// Width of the whole.
const WIDTH: f64 = 1000.0;
/// Left of the frame: numbers and the axis' label.
const LEFT: f64 = 78.0;
/// Width of the legend, with the room beside it.
const LEGEND: f64 = 226.0;
/// Below the frame.
const BELOW: f64 = 84.0;
/// The frame's height in terms of its width, at least and at most.
const ASPECT: [f64; 2] = [0.4, 1.25];
/// A figure with a legend is this high, at least.
const LEAST_HEIGHT: f64 = 480.0;
/// How far a line may be drawn from where it is, where points of it are left out.
const SLACK: f64 = 0.03;
/// Points with labels, at most: more would cover one another.
const MOST_LABELS: usize = 60;

/// Lays the scene out.
pub(super) fn compose(scene: &Scene<'_>) -> Figure {
    let cells = Cells::of(scene.slice);
    let paint = paint(scene.network, scene.slice, &cells, scene.colour, &scene.classes);
    let paper = scene.theme.paper();
    let size = [WIDTH, 0.0];
    let mut figure = Figure { size, paper, title: scene.title.clone(), items: Vec::new() };
    let top = heading(&mut figure, scene.theme, &scene.title, &scene.subtitle);
    let frame = frame(scene, top);
    let picture = Picture { scene, cells, frame, weight: weight(&cells, &frame) };
    if scene.slice.window.corners().is_empty() {
        let middle = [frame.left + frame.width / 2.0, frame.top + frame.height / 2.0];
        let text = Text::new(middle, 14.0, scene.theme.faint(), "the window has no inside");
        figure.text(text.anchored(Anchor::Middle));
    }
    picture.fill(&mut figure, &paint);
    picture.edges(&mut figure, &paint);
    picture.boundary(&mut figure);
    frame.draw_axes(&mut figure, scene.theme, [&scene.axes[0], &scene.axes[1]]);
    picture.scale_bar(&mut figure);
    picture.points(&mut figure);
    let bottom = picture.legend(&mut figure, &paint);
    figure.size[1] = (frame.bottom() + BELOW).max(bottom + 16.0).max(LEAST_HEIGHT);
    figure
}

/// Title and subtitle; gives back where the rest may begin.
pub(super) fn heading(
    figure: &mut Figure,
    theme: super::Theme,
    title: &str,
    subtitle: &str,
) -> f64 {
    let room = figure.size[0] - 48.0;
    let mut y = 34.0;
    let title = shortened(title, 20.0, room * 0.92);
    figure.text(Text::new([24.0, y], 20.0, theme.ink(), title).bold());
    for line in wrapped(subtitle, 13.0, room) {
        y += 20.0;
        figure.text(Text::new([24.0, y], 13.0, theme.faint(), line));
    }
    y + 24.0
}

/// The frame around the window. Lengths along both axes are as the input space measures them, unless that would make
/// it too narrow.
fn frame(scene: &Scene<'_>, top: f64) -> Frame {
    let corners = scene.slice.window.corners();
    let end = |axis: usize, start: f64, choose: fn(f64, f64) -> f64| {
        corners.iter().fold(start, |end, corner| choose(end, corner[axis]))
    };
    let mut low = [0, 1].map(|axis| end(axis, f64::INFINITY, f64::min));
    let mut high = [0, 1].map(|axis| end(axis, f64::NEG_INFINITY, f64::max));
    if corners.is_empty() {
        (low, high) = ([0.0; 2], [1.0; 2]);
    }
    let plane = &scene.slice.plane;
    let lengths = [plane.length([high[0] - low[0], 0.0]), plane.length([0.0, high[1] - low[1]])];
    let width = WIDTH - LEFT - LEGEND;
    let height = width * (lengths[1] / lengths[0]).clamp(ASPECT[0], ASPECT[1]);
    Frame { left: LEFT, top, width, height, low, high }
}

/// How heavy lines may be, from 0 to 1: the smaller the cells, the lighter.
fn weight(cells: &Cells<'_>, frame: &Frame) -> f64 {
    let side = (frame.width * frame.height / cells.len().max(1) as f64).sqrt();
    (side / 16.0).clamp(0.0, 1.0)
}

/// The width of a layer's edges: the first layer's are the heaviest.
pub(super) fn edge_width(layer: usize, layers: usize, weight: f64) -> f64 {
    let depth = layer as f64 / layers.saturating_sub(1).max(1) as f64;
    (0.14 + 0.86 * weight) * (1.5 - depth)
}

/// A scene on its way into a figure.
struct Picture<'a> {
    scene: &'a Scene<'a>,
    cells: Cells<'a>,
    frame: Frame,
    weight: f64,
}

impl Picture<'_> {
    fn complex(&self) -> &CellComplex {
        self.cells.complex
    }

    fn place(&self, vertex: u32) -> [f64; 2] {
        self.frame.place(self.complex().vertices[vertex as usize])
    }

    fn line(&self, chain: &Chain) -> Vec<[f64; 2]> {
        let vertices = vertices(self.complex(), chain);
        let places: Vec<[f64; 2]> = vertices.into_iter().map(|at| self.place(at)).collect();
        thinned(&places, SLACK)
    }

    /// All cells of one colour are one area.
    fn fill(&self, figure: &mut Figure, paint: &Paint) {
        let colours = paint.key.colours(self.scene.theme);
        let rims = rims(self.complex(), &paint.of_cell, colours.len());
        for (colour, rims) in colours.into_iter().zip(rims) {
            let ring = |rim: Vec<u32>| {
                let places: Vec<[f64; 2]> = rim.into_iter().map(|at| self.place(at)).collect();
                thinned_ring(&places, 1e-3)
            };
            let rings: Vec<_> = rims.into_iter().map(ring).filter(|ring| ring.len() > 2).collect();
            if !rings.is_empty() {
                figure.fill(colour, rings);
            }
        }
    }

    /// The colour of edges, and how much of it: on a scale from dark to light they are lighter than the dark end.
    fn edge_ink(&self, paint: &Paint) -> (Rgb, f64) {
        let opacity = 0.36 + 0.38 * self.weight;
        match paint.key {
            Key::Scale(_) | Key::Steps(_) => (self.scene.theme.paper(), opacity),
            _ => (self.scene.theme.ink(), opacity),
        }
    }

    /// One stroke for each layer, the deepest first.
    fn edges(&self, figure: &mut Figure, paint: &Paint) {
        let (colour, opacity) = self.edge_ink(paint);
        let layers = self.scene.slice.layers();
        let mut of_layer = vec![Vec::new(); layers];
        let edges = (0u32..).zip(&self.complex().edges);
        let keyed = edges.filter_map(|(number, edge)| match edge.wall {
            WallOf::Unit { layer, unit } => Some(((layer, unit), number)),
            _ => None,
        });
        for ((layer, _), chain) in chains(self.complex(), keyed) {
            of_layer[layer as usize].push(self.line(&chain));
        }
        for (layer, lines) in of_layer.into_iter().enumerate().rev() {
            let width = edge_width(layer, layers, self.weight);
            if !lines.is_empty() {
                figure.stroke(Stroke { colour, width, opacity, dash: Vec::new(), lines });
            }
        }
    }

    fn boundary(&self, figure: &mut Figure) {
        let keyed = self.cells.boundary().map(|edge| ((), edge));
        let lines = chains(self.complex(), keyed);
        let lines: Vec<_> = lines.iter().map(|(_, chain)| self.line(chain)).collect();
        if !lines.is_empty() {
            let (ink, paper) = (self.scene.theme.ink(), self.scene.theme.paper());
            let width = self.boundary_width();
            figure.stroke(Stroke::solid(paper, width + 2.4, lines.clone()));
            figure.stroke(Stroke::solid(ink, width, lines));
        }
    }

    fn boundary_width(&self) -> f64 {
        1.6 + 0.8 * self.weight
    }

    /// The points inside of the frame.
    fn inside(&self) -> impl Iterator<Item = &ScenePoint> {
        let is_empty = self.scene.slice.window.corners().is_empty();
        self.scene.points.iter().filter(move |point| !is_empty && self.frame.contains(point.at))
    }

    fn point_colour(&self, class: Option<u32>) -> Rgb {
        class.map_or(self.scene.theme.ink(), |class| self.scene.theme.point(class))
    }

    fn radius(&self) -> f64 {
        let points = self.scene.points.len().max(1) as f64;
        (40.0 / points.sqrt()).clamp(2.2, 5.0)
    }

    fn points(&self, figure: &mut Figure) {
        let (radius, rim) = (self.radius(), self.scene.theme.rim());
        for point in self.inside() {
            let (at, colour) = (self.frame.place(point.at), self.point_colour(point.class));
            figure.items.push(Item::Dot { at, radius, colour, rim });
        }
        self.labels(figure);
    }

    /// Labels where there is room for them beside their points.
    fn labels(&self, figure: &mut Figure) {
        let radius = self.radius();
        let dot = |at: [f64; 2]| [at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius];
        let mut taken: Vec<[f64; 4]> =
            self.inside().map(|point| dot(self.frame.place(point.at))).collect();
        let labelled = self.inside().filter(|point| !point.label.is_empty());
        for point in labelled.take(MOST_LABELS) {
            let width = font::width(&point.label, 11.0, false);
            let place = self.frame.place(point.at);
            let Some(found) = self.room(place, width, &taken) else { continue };
            taken.push(found);
            let text =
                Text::new([found[0], found[3] - 3.0], 11.0, self.scene.theme.ink(), &*point.label);
            figure.text(text.with_halo(self.scene.theme.paper()));
        }
    }

    /// A box beside a point that no other is in.
    fn room(&self, [x, y]: [f64; 2], width: f64, taken: &[[f64; 4]]) -> Option<[f64; 4]> {
        let (gap, height) = (self.radius() + 3.0, 13.0);
        let corners = [
            [x + gap, y - height / 2.0],
            [x - gap - width, y - height / 2.0],
            [x - width / 2.0, y - gap - height],
            [x - width / 2.0, y + gap],
        ];
        let boxes = corners.map(|[left, top]| [left, top, left + width, top + height]);
        boxes.into_iter().find(|new| {
            let apart = |old: &[f64; 4]| {
                new[0] > old[2] || old[0] > new[2] || new[1] > old[3] || old[1] > new[3]
            };
            let within = new[0] > self.frame.left
                && new[2] < self.frame.right()
                && new[1] > self.frame.top
                && new[3] < self.frame.bottom();
            within && taken.iter().all(apart)
        })
    }

    /// A length of the input space along the first axis, below the frame.
    fn scale_bar(&self, figure: &mut Figure) {
        let (frame, theme) = (&self.frame, self.scene.theme);
        let unit = self.scene.slice.plane.length([1.0, 0.0]);
        let per_length = frame.width / ((frame.high[0] - frame.low[0]) * unit);
        let length = step(70.0 / per_length, 1.0);
        let (right, y) = (frame.right(), frame.bottom() + 58.0);
        let left = right - length * per_length;
        if !left.is_finite() {
            return;
        }
        figure.line(theme.faint(), 1.5, vec![[left, y], [right, y]]);
        for x in [left, right] {
            figure.line(theme.faint(), 1.5, vec![[x, y - 4.0], [x, y + 4.0]]);
        }
        let text = format!("distance {} in input space", labels(&[length])[0]);
        let text = Text::new([left - 8.0, y + 4.0], 11.0, theme.faint(), text);
        figure.text(text.anchored(Anchor::End));
    }

    /// Gives back where it ends.
    fn legend(&self, figure: &mut Figure, paint: &Paint) -> f64 {
        let (left, theme) = (self.frame.right() + 24.0, self.scene.theme);
        let width = WIDTH - left - 16.0;
        let mut legend = Legend { figure, theme, left, top: self.frame.top, width };
        legend.paint(paint);
        self.edge_entries(&mut legend, paint);
        self.point_entries(&mut legend);
        legend.top
    }

    fn edge_entries(&self, legend: &mut Legend<'_>, paint: &Paint) {
        let (colour, _) = self.edge_ink(paint);
        let on_scale = colour == self.scene.theme.paper();
        let layers = self.scene.slice.layers();
        let layout = self.scene.network.layout().layers();
        let entry = |layer: usize| {
            let width = edge_width(layer, layers, 1.0);
            let sample = match on_scale {
                true => Sample::LineOn { colour, width, below: palette::scale(0.5) },
                false => Sample::Line { colour, width, dash: &[] },
            };
            let units = layout[layer].units();
            (sample, format!("layer {layer}: {}, {units} units", layout[layer].op()))
        };
        if layers > 0 {
            legend.heading("walls");
            legend.entries(&(0..layers).map(entry).collect::<Vec<_>>());
        }
        if self.cells.boundary().next().is_some() {
            let (colour, casing) = (self.scene.theme.ink(), self.scene.theme.paper());
            let width = self.boundary_width();
            legend.entry(&Sample::Cased { colour, width, casing }, "decision boundary");
        }
        legend.gap();
    }

    /// How many points there are, and of which classes.
    fn point_entries(&self, legend: &mut Legend<'_>) {
        let mut classes: Vec<Option<u32>> = self.inside().map(|point| point.class).collect();
        let count = classes.len();
        if count == 0 {
            return;
        }
        classes.sort_unstable();
        classes.dedup();
        legend.heading(&crate::table::count(count as u64, "row"));
        let radius = self.radius();
        let entry = |class: &Option<u32>| {
            let name = class.map_or("no class".to_owned(), |class| {
                format!("class {}", class_name(&self.scene.classes, class))
            });
            (Sample::Dot { colour: self.point_colour(*class), radius }, name)
        };
        legend.entries(&classes.iter().map(entry).collect::<Vec<_>>());
    }
}
