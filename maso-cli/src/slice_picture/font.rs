//! The letters: outlines and widths of DejaVu Sans, which comes with the program.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

static REGULAR: LazyLock<Face<'static>> = LazyLock::new(|| parse(dejavu::sans::regular()));
static BOLD: LazyLock<Face<'static>> = LazyLock::new(|| parse(dejavu::sans::bold()));

fn parse(bytes: &'static [u8]) -> Face<'static> {
    Face::parse(bytes, 0).expect("the font that comes with the program is whole")
}

fn face(bold: bool) -> &'static Face<'static> {
    if bold { &BOLD } else { &REGULAR }
}

/// Each letter, where it begins, and how wide it is, in units of the size.
fn letters(text: &str, bold: bool) -> impl Iterator<Item = (GlyphId, f64, f64)> {
    let face = face(bold);
    let unit = f64::from(face.units_per_em());
    let mut place = 0.0;
    text.chars().map(move |letter| {
        // Glyph 0 is the box that stands for what the font has not.
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
        let advance = f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / unit;
        place += advance;
        (glyph, place - advance, advance)
    })
}

/// The width of a line of text.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    letters(text, bold).map(|(_, _, advance)| advance * size).sum()
}

/// Hands the outlines of a line of text to `pen`, its baseline at y = 0 and y downwards.
pub(super) fn outline(text: &str, size: f64, bold: bool, pen: &mut tiny_skia::PathBuilder) {
    let face = face(bold);
    let scale = size / f64::from(face.units_per_em());
    for (glyph, place, _) in letters(text, bold) {
        let mut pen = Pen { pen: &mut *pen, scale: scale as f32, left: (place * size) as f32 };
        face.outline_glyph(glyph, &mut pen);
    }
}

/// Takes a letter's outline to its place.
struct Pen<'a> {
    pen: &'a mut tiny_skia::PathBuilder,
    scale: f32,
    left: f32,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.pen.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.pen.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.pen.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_of_our_texts() {
        for letter in "aZ09−×·≤≥°äéλ‖…→∂".chars() {
            for bold in [false, true] {
                assert!(face(bold).glyph_index(letter).is_some(), "{letter} is missing");
            }
        }
    }

    #[test]
    fn widths_add_up() {
        let [both, first, second] = ["maso", "ma", "so"].map(|text| width(text, 10.0, false));
        assert!((both - first - second).abs() < 1e-9, "{both} is {first} and {second}");
        assert!(width("maso", 10.0, true) > both, "bold letters are wider");
    }
}
