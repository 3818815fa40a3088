//! Pictures: a canvas of pixels with captions, and its way into a PNG file.

use std::io::Write;
use std::path::Path;

use font8x8::UnicodeFonts;
use maso_io::write::AtomicFile;

use crate::failure::Failure;

/// Height and width of a letter.
pub(crate) const LETTER: usize = 8;

type Colour = [u8; 3];

const PAPER: Colour = [255; 3];
const INK: Colour = [40; 3];

/// Pixels, row after row.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![PAPER; width * height] }
    }

    /// Fills a rectangle; what lies beyond the canvas is left out.
    pub(crate) fn fill(&mut self, left: usize, top: usize, size: [usize; 2], colour: Colour) {
        let [width, height] = size;
        for y in top..(top + height).min(self.height) {
            for x in left..(left + width).min(self.width) {
                self.pixels[y * self.width + x] = colour;
            }
        }
    }

    /// Writes a line of text; letters that the font has not are left blank.
    pub(crate) fn text(&mut self, left: usize, top: usize, text: &str) {
        for (i, letter) in text.chars().enumerate() {
            let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
            for (y, row) in rows.iter().enumerate() {
                for x in (0..LETTER).filter(|x| row >> x & 1 == 1) {
                    self.fill(left + i * LETTER + x, top + y, [1, 1], INK);
                }
            }
        }
    }

    /// Writes the canvas as a PNG file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let library = |error: png::EncodingError| Failure::Library(error.into());
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().map_err(library)?;
        writer.write_image_data(self.pixels.as_flattened()).map_err(library)?;
        writer.finish().map_err(library)?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(&bytes).map_err(|error| Failure::Library(error.into()))?;
        Ok(file.finish()?)
    }
}

/// Blue below 0, red above, white at 0; `value` from −1 to 1.
pub(crate) fn diverging(value: f64) -> Colour {
    let strength = value.abs().min(1.0);
    let fade = |end: f64| (255.0 + strength * (end - 255.0)).round() as u8;
    let ends = if value < 0.0 { [33.0, 102.0, 172.0] } else { [178.0, 24.0, 43.0] };
    ends.map(fade)
}

/// Black at 0, white at 1.
pub(crate) fn grey(value: f64) -> Colour {
    [(255.0 * value.clamp(0.0, 1.0)).round() as u8; 3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_ends_and_the_middle() {
        assert_eq!(diverging(0.0), [255; 3], "white in the middle");
        assert_eq!((diverging(-2.0), diverging(1.0)), ([33, 102, 172], [178, 24, 43]), "the ends");
        assert_eq!((grey(0.0), grey(1.0)), ([0; 3], [255; 3]), "black and white");
    }

    #[test]
    fn a_picture_is_what_was_drawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("picture.png");
        let mut canvas = Canvas::new(20, 12);
        canvas.fill(3, 2, [4, 5], [1, 2, 3]);
        canvas.text(10, 2, "1");
        canvas.write(&path).expect("a file");
        let file = std::io::BufReader::new(std::fs::File::open(&path).expect("a file"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut pixels = vec![0; 20 * 12 * 3];
        reader.next_frame(&mut pixels).expect("pixels");
        let at = |x: usize, y: usize| &pixels[(y * 20 + x) * 3..][..3];
        assert_eq!((at(3, 2), at(6, 6), at(7, 6)), (&[1, 2, 3][..], &[1, 2, 3][..], &PAPER[..]));
        let inked = (10..18).flat_map(|x| (2..10).map(move |y| (x, y)));
        assert!(inked.filter(|&(x, y)| at(x, y) == INK).count() > 8, "a letter");
    }
}
