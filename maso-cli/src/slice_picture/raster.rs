//! A figure as PNG: drawn twice as large, then made smaller, so that sharp rims come out smooth and without seams.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform,
};

use super::figure::{Anchor, Figure, Item, Stroke, Text};
use super::font;
use super::palette::Rgb;

/// How many times larger it is drawn.
const FINER: u32 = 2;
/// The largest side of a picture.
const LARGEST: u32 = 16_000;

/// Draws the figure, `width` pixels wide.
///
/// # Errors
/// If there is no room for so large a picture.
pub(super) fn write(figure: &Figure, width: u32) -> Result<Vec<u8>, String> {
    let height = (f64::from(width) * figure.size[1] / figure.size[0]).ceil();
    if width == 0 || width > LARGEST || height > f64::from(LARGEST) {
        return Err(format!(
            "a picture {width} pixels wide and {height} high; at most {LARGEST} are drawn"
        ));
    }
    let size = [width, height as u32];
    let pixmap = Pixmap::new(size[0] * FINER, size[1] * FINER)
        .ok_or_else(|| format!("no room for a picture {width} pixels wide and {height} high"))?;
    let scale = f64::from(width * FINER) / figure.size[0];
    let mut canvas = Canvas { pixmap, scale: scale as f32 };
    let [red, green, blue] = figure.paper;
    canvas.pixmap.fill(Color::from_rgba8(red, green, blue, 255));
    figure.items.iter().for_each(|item| canvas.item(item));
    encode(size, &smaller(canvas.pixmap.data(), size)).map_err(|error| error.to_string())
}

/// The mean of each square of pixels, without transparency: all is opaque.
fn smaller(fine: &[u8], [width, height]: [u32; 2]) -> Vec<u8> {
    let row = (width * FINER) as usize * 4;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height as usize {
        for x in 0..width as usize {
            let first = y * FINER as usize * row + x * FINER as usize * 4;
            for channel in 0..3 {
                let at = first + channel;
                let sum: u32 =
                    [at, at + 4, at + row, at + row + 4].map(|i| u32::from(fine[i])).iter().sum();
                pixels.push(((sum + 2) / 4) as u8);
            }
        }
    }
    pixels
}

fn encode([width, height]: [u32; 2], pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// What is drawn on.
struct Canvas {
    pixmap: Pixmap,
    scale: f32,
}

impl Canvas {
    fn whole(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fill { colour, rings } => {
                if let Some(path) = path(rings, true) {
                    let paint = Paint { anti_alias: false, ..paint(*colour, 1.0) };
                    let (rule, whole) = (FillRule::EvenOdd, self.whole());
                    self.pixmap.fill_path(&path, &paint, rule, whole, None);
                }
            }
            Item::Stroke(stroke) => self.stroke(stroke),
            Item::Dot { at, radius, colour, rim } => self.dot(*at, *radius, *colour, *rim),
            Item::Text(text) => self.text(text),
        }
    }

    fn stroke(&mut self, stroke: &Stroke) {
        let dash = stroke.dash.iter().map(|x| *x as f32).collect::<Vec<_>>();
        let style = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(dash, 0.0),
            ..tiny_skia::Stroke::default()
        };
        if let Some(path) = path(&stroke.lines, false) {
            let (paint, whole) = (paint(stroke.colour, stroke.opacity), self.whole());
            self.pixmap.stroke_path(&path, &paint, &style, whole, None);
        }
    }

    fn dot(&mut self, [x, y]: [f64; 2], radius: f64, colour: Rgb, rim: Rgb) {
        let whole = self.whole();
        for (radius, colour) in [(radius + 0.35, rim), (radius - 0.35, colour)] {
            if let Some(path) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
                self.pixmap.fill_path(&path, &paint(colour, 1.0), FillRule::Winding, whole, None);
            }
        }
    }

    fn text(&mut self, text: &Text) {
        let width = font::width(&text.text, text.size, text.bold);
        let start = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let mut pen = PathBuilder::new();
        font::outline(&text.text, text.size, text.bold, &mut pen);
        let Some(path) = pen.finish() else { return };
        let turn = if text.upright { -90.0 } else { 0.0 };
        let place = self
            .whole()
            .pre_translate(text.at[0] as f32, text.at[1] as f32)
            .pre_rotate(turn)
            .pre_translate(start as f32, 0.0);
        if let Some(halo) = text.halo {
            let style = tiny_skia::Stroke {
                width: 3.0,
                line_join: LineJoin::Round,
                ..tiny_skia::Stroke::default()
            };
            self.pixmap.stroke_path(&path, &paint(halo, 1.0), &style, place, None);
        }
        self.pixmap.fill_path(&path, &paint(text.colour, 1.0), FillRule::Winding, place, None);
    }
}

fn paint([red, green, blue]: Rgb, opacity: f64) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (opacity * 255.0).round() as u8);
    paint
}

fn path(lines: &[Vec<[f64; 2]>], closed: bool) -> Option<Path> {
    let mut pen = PathBuilder::new();
    for line in lines.iter().filter(|line| line.len() > 1) {
        pen.move_to(line[0][0] as f32, line[0][1] as f32);
        line[1..].iter().for_each(|[x, y]| pen.line_to(*x as f32, *y as f32));
        if closed {
            pen.close();
        }
    }
    pen.finish()
}
