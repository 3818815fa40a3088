//! The plot of a segment: outputs along it, where pieces change, and where the class does.

use super::Theme;
use super::axes::Frame;
use super::figure::{Figure, Stroke};
use super::legend::{Legend, Sample};
use super::outline::thinned;
use super::palette::{self, Rgb};
use super::scene::heading;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 84.0;
const LEGEND: f64 = 216.0;
const HEIGHT: f64 = 420.0;
/// Height of a layer's row of marks below the curves.
const LANE: f64 = 16.0;
/// Layers with rows of their own, at most.
const MOST_LANES: usize = 12;
/// Breaks that get lines through the curves, at most.
const MOST_LINES: usize = 80;
/// Kinds of lines beside colours, so that more curves than colours can be told apart.
const DASHES: [&[f64]; 3] = [&[], &[6.0, 3.0], &[1.5, 2.5]];

/// What a plot shows.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) x_label: String,
    /// Names and points, from left to right.
    pub(crate) curves: Vec<(String, Vec<[f64; 2]>)>,
    /// Where a piece changes, and the layer.
    pub(crate) breaks: Vec<(f64, u32)>,
    /// Where another output becomes the largest.
    pub(crate) class_changes: Vec<f64>,
    pub(crate) theme: Theme,
}

/// Lays the plot out.
pub(super) fn compose(plot: &Plot) -> Figure {
    let paper = plot.theme.paper();
    let size = [WIDTH, 0.0];
    let mut figure = Figure { size, paper, title: plot.title.clone(), items: Vec::new() };
    let top = heading(&mut figure, plot.theme, &plot.title, &plot.subtitle);
    let drawing = Drawing::new(plot, top);
    drawing.breaks(&mut figure);
    drawing.zero(&mut figure);
    drawing.class_changes(&mut figure);
    drawing.curves(&mut figure);
    drawing.frame.draw_axes(&mut figure, plot.theme, [&plot.x_label, "output"]);
    let below = drawing.lanes(&mut figure);
    let bottom = drawing.legend(&mut figure);
    figure.size[1] = (below + 14.0).max(bottom + 16.0);
    figure
}

/// A plot on its way into a figure.
struct Drawing<'a> {
    plot: &'a Plot,
    frame: Frame,
    /// The layers that have breaks.
    layers: Vec<u32>,
}

impl<'a> Drawing<'a> {
    fn new(plot: &'a Plot, top: f64) -> Self {
        let points = || plot.curves.iter().flat_map(|(_, points)| points);
        let marks = plot.breaks.iter().map(|(t, _)| *t).chain(plot.class_changes.iter().copied());
        let across = range(points().map(|point| point[0]).chain(marks), 0.0);
        let up = range(points().map(|point| point[1]), 0.05);
        let (low, high) = ([across[0], up[0]], [across[1], up[1]]);
        let (width, height) = (WIDTH - LEFT - LEGEND, HEIGHT);
        let mut layers: Vec<u32> = plot.breaks.iter().map(|(_, layer)| *layer).collect();
        layers.sort_unstable();
        layers.dedup();
        Self { plot, frame: Frame { left: LEFT, top, width, height, low, high }, layers }
    }

    fn upright(&self, t: f64) -> Vec<[f64; 2]> {
        let [x, _] = self.frame.place([t, self.frame.low[1]]);
        vec![[x, self.frame.top], [x, self.frame.bottom()]]
    }

    /// The place of a layer on a scale: the first is dark in the light theme and light in the dark one.
    fn layer_colour(&self, layer: u32) -> Rgb {
        let place = self.layers.iter().position(|other| *other == layer).unwrap_or(0) as f64;
        let share = place / self.layers.len().max(2).saturating_sub(1) as f64;
        match self.plot.theme {
            Theme::Light => palette::scale(0.72 * share),
            Theme::Dark => palette::scale(1.0 - 0.62 * share),
        }
    }

    /// Faint lines where pieces change, if they are few.
    fn breaks(&self, figure: &mut Figure) {
        if self.plot.breaks.len() > MOST_LINES {
            return;
        }
        let lines = self.plot.breaks.iter().map(|(t, _)| self.upright(*t)).collect();
        figure.stroke(Stroke::solid(self.plot.theme.line(), 0.8, lines));
    }

    fn zero(&self, figure: &mut Figure) {
        if self.frame.low[1] < 0.0 && self.frame.high[1] > 0.0 {
            let [_, y] = self.frame.place([self.frame.low[0], 0.0]);
            let line = vec![[self.frame.left, y], [self.frame.right(), y]];
            figure.line(
                palette::mix(self.plot.theme.faint(), self.plot.theme.paper(), 0.4),
                1.0,
                line,
            );
        }
    }

    fn class_changes(&self, figure: &mut Figure) {
        let lines = self.plot.class_changes.iter().map(|t| self.upright(*t)).collect();
        figure.stroke(Stroke {
            dash: vec![7.0, 4.0],
            ..Stroke::solid(self.plot.theme.ink(), 1.4, lines)
        });
    }

    fn curve_style(&self, number: usize) -> (Rgb, &'static [f64]) {
        // Yellow is hard to see on white as a line; a little ink makes it gold.
        let colour = palette::class(number as u32 % 10);
        let colour = match self.plot.theme {
            Theme::Light => palette::mix(colour, self.plot.theme.ink(), 0.1),
            Theme::Dark => palette::mix(colour, self.plot.theme.ink(), 0.25),
        };
        (colour, DASHES[number / 10 % DASHES.len()])
    }

    fn curves(&self, figure: &mut Figure) {
        for (number, (_, points)) in self.plot.curves.iter().enumerate() {
            let (colour, dash) = self.curve_style(number);
            let places: Vec<_> = points.iter().map(|point| self.frame.place(*point)).collect();
            let stroke = Stroke::solid(colour, 1.8, vec![thinned(&places, 0.03)]);
            figure.stroke(Stroke { dash: dash.to_vec(), ..stroke });
        }
    }

    /// Below the axis, a row of marks for each layer; gives back where they end.
    fn lanes(&self, figure: &mut Figure) -> f64 {
        let top = self.frame.bottom() + 56.0;
        let lanes = self.layers.len().min(MOST_LANES);
        for (number, layer) in self.layers.iter().enumerate() {
            let top = top + number.min(MOST_LANES - 1) as f64 * LANE;
            let of_layer: Vec<f64> =
                self.plot.breaks.iter().filter(|one| one.1 == *layer).map(|one| one.0).collect();
            let mark = |t: &f64| {
                let [x, _] = self.frame.place([*t, self.frame.low[1]]);
                vec![[x, top], [x, top + LANE - 5.0]]
            };
            let lines = of_layer.iter().map(mark).collect();
            // Marks that are closer than they are wide would make one bar.
            let opacity = (self.frame.width / (1.5 * of_layer.len() as f64)).clamp(0.35, 1.0);
            let stroke = Stroke::solid(self.layer_colour(*layer), 1.3, lines);
            figure.stroke(Stroke { opacity, ..stroke });
        }
        top + lanes as f64 * LANE
    }

    fn legend(&self, figure: &mut Figure) -> f64 {
        let (left, theme) = (self.frame.right() + 24.0, self.plot.theme);
        let width = WIDTH - left - 16.0;
        let mut legend = Legend { figure, theme, left, top: self.frame.top, width };
        let curve = |(number, (name, _)): (usize, &(String, Vec<[f64; 2]>))| {
            let (colour, dash) = self.curve_style(number);
            (Sample::Line { colour, width: 1.8, dash }, name.clone())
        };
        legend.heading("outputs");
        legend.entries(&self.plot.curves.iter().enumerate().map(curve).collect::<Vec<_>>());
        if !self.plot.class_changes.is_empty() {
            let sample = Sample::Line { colour: theme.ink(), width: 1.4, dash: &[7.0, 4.0] };
            legend.entry(&sample, "class changes");
        }
        if !self.layers.is_empty() {
            legend.gap();
            legend.heading("breaks, by layer");
            let entry = |layer: &u32| {
                let count = self.plot.breaks.iter().filter(|one| one.1 == *layer).count();
                let colour = self.layer_colour(*layer);
                let sample = Sample::Line { colour, width: 3.0, dash: &[1.3, 3.0] };
                (sample, format!("layer {layer}: {count}"))
            };
            legend.entries(&self.layers.iter().map(entry).collect::<Vec<_>>());
        }
        legend.top
    }
}

/// The range of some numbers, and a share of it more at either end.
fn range(numbers: impl Iterator<Item = f64>, more: f64) -> [f64; 2] {
    let ends = numbers.filter(|x| x.is_finite()).fold(None, |ends: Option<[f64; 2]>, x| {
        Some(ends.map_or([x, x], |[low, high]| [low.min(x), high.max(x)]))
    });
    let [low, high] = ends.unwrap_or([0.0, 1.0]);
    // A curve that does not change, or a single point, gets room around.
    let half = if high > low { (high - low) * more } else { 0.5 * low.abs().max(1.0) };
    [low - half, high + half]
}
