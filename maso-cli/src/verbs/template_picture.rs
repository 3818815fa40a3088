//! The picture of a row and its templates: tiles in rows, each with a caption.

use maso_core::Linearization;
use maso_core::insight::Template;

use crate::args::ImageShape;
use crate::picture::{Canvas, LETTER, diverging, grey};
use crate::table::short;

/// Pixels of a tile's side, at least.
const TILE: usize = 140;
/// Pixels between tiles.
const GAP: usize = 12;
/// Height of a caption of two lines.
const CAPTION: usize = 2 * (LETTER + 2) + 2;
/// Tiles side by side, at most.
const COLUMNS: usize = 6;
/// Templates drawn, at most: the largest outputs.
const MOST_TILES: usize = 35;

/// Draws the row and the templates of the largest outputs, largest first. All templates share one scale, on which the
/// largest number is full red or blue.
pub(crate) fn draw(
    map: &Linearization<'_>,
    templates: &[Template],
    image: Option<ImageShape>,
) -> Canvas {
    let mut order: Vec<usize> = (0..templates.len()).collect();
    order.sort_by(|&a, &b| templates[b].output.total_cmp(&templates[a].output));
    order.truncate(MOST_TILES);
    let tiles = order.len() + 1;
    let zoom =
        image.map_or(1, |ImageShape([_, height, width])| TILE.div_ceil(height.max(width)).max(1));
    let [width, height] =
        image.map_or([TILE, TILE], |ImageShape([_, height, width])| [width * zoom, height * zoom]);
    let columns = tiles.min(COLUMNS);
    let step = [width.max(TILE) + GAP, height + CAPTION + GAP];
    let lines = tiles.div_ceil(columns);
    let mut canvas = Canvas::new(columns * step[0] + GAP, lines * step[1] + GAP);
    let place = |tile: usize| [GAP + tile % columns * step[0], GAP + tile / columns * step[1]];
    let scale = order.iter().flat_map(|&output| &templates[output].row);
    let scale = scale.fold(f64::MIN_POSITIVE, |scale, number| scale.max(number.abs()));

    let tile = Tile { zoom, size: [width, height], image };
    let [left, top] = place(0);
    canvas.text(left, top, "the row");
    canvas.text(left, top + LETTER + 2, &format!("colours +-{}", short(scale)));
    tile.input(&mut canvas, [left, top + CAPTION], map.point());
    for (index, &output) in order.iter().enumerate() {
        let template = &templates[output];
        let [left, top] = place(index + 1);
        canvas.text(left, top, &format!("{output}: {}", short(template.output)));
        canvas.text(left, top + LETTER + 2, &format!("cos {:.3}", template.cosine));
        let scaled = template.row.iter().map(|number| number / scale).collect::<Vec<_>>();
        tile.template(&mut canvas, [left, top + CAPTION], &scaled);
    }
    canvas
}

/// How tiles are drawn.
struct Tile {
    zoom: usize,
    size: [usize; 2],
    image: Option<ImageShape>,
}

impl Tile {
    /// The row: black to white from its least to its largest number.
    fn input(&self, canvas: &mut Canvas, place: [usize; 2], x: &[f64]) {
        let low = x.iter().copied().fold(f64::INFINITY, f64::min);
        let high = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = (high - low).max(f64::MIN_POSITIVE);
        match self.image {
            None => {
                let largest = low.abs().max(high.abs()).max(f64::MIN_POSITIVE);
                let scaled: Vec<f64> = x.iter().map(|x| x / largest).collect();
                self.bars(canvas, place, &scaled);
            }
            Some(shape) => self.cells(canvas, place, shape, |cell| {
                let [channels, height, width] = shape.0;
                let at = |channel: usize| (x[channel * height * width + cell] - low) / range;
                if channels == 3 {
                    [0, 1, 2].map(|channel| grey(at(channel))[0])
                } else {
                    grey(at(0))
                }
            }),
        }
    }

    /// A template: the mean of its channels, blue below 0 and red above.
    fn template(&self, canvas: &mut Canvas, place: [usize; 2], row: &[f64]) {
        match self.image {
            None => self.bars(canvas, place, row),
            Some(shape) => self.cells(canvas, place, shape, |cell| {
                let [channels, height, width] = shape.0;
                let sum: f64 = (0..channels).map(|c| row[c * height * width + cell]).sum();
                diverging(sum / channels as f64)
            }),
        }
    }

    fn cells(
        &self,
        canvas: &mut Canvas,
        [left, top]: [usize; 2],
        ImageShape([_, height, width]): ImageShape,
        colour: impl Fn(usize) -> [u8; 3],
    ) {
        for y in 0..height {
            for x in 0..width {
                let corner = [left + x * self.zoom, top + y * self.zoom];
                canvas.fill(corner[0], corner[1], [self.zoom; 2], colour(y * width + x));
            }
        }
    }

    /// A bar for each number, up for positive ones; numbers that share a pixel are drawn over one another.
    fn bars(&self, canvas: &mut Canvas, [left, top]: [usize; 2], row: &[f64]) {
        let [width, height] = self.size;
        let middle = height / 2;
        canvas.fill(left, top + middle, [width, 1], [160; 3]);
        let step = width as f64 / row.len() as f64;
        for (i, &value) in row.iter().enumerate() {
            let length = (value.abs().min(1.0) * middle as f64).round() as usize;
            let from = if value > 0.0 { top + middle - length } else { top + middle };
            let bar = [(step * 0.8).max(1.0) as usize, length.max(1)];
            canvas.fill(left + (i as f64 * step) as usize, from, bar, diverging(value.signum()));
        }
    }
}
