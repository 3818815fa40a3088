//! A figure: what is drawn, in order, in units of a 96th of an inch, with y downwards.

use super::font;
use super::palette::Rgb;

/// A drawing with a title for those who cannot see it.
pub(super) struct Figure {
    pub(super) size: [f64; 2],
    pub(super) paper: Rgb,
    pub(super) title: String,
    pub(super) items: Vec<Item>,
}

/// One thing drawn.
pub(super) enum Item {
    /// Areas inside of rings, by the even-odd rule. Their rims are sharp, so that neighbours leave no seam.
    Fill { colour: Rgb, rings: Vec<Vec<[f64; 2]>> },
    /// Open lines.
    Stroke(Stroke),
    /// A disc with a rim.
    Dot { at: [f64; 2], radius: f64, colour: Rgb, rim: Rgb },
    /// A line of text.
    Text(Text),
}

/// Lines of one kind.
pub(super) struct Stroke {
    pub(super) colour: Rgb,
    pub(super) width: f64,
    pub(super) opacity: f64,
    /// Lengths of dashes and gaps; none for a solid line.
    pub(super) dash: Vec<f64>,
    pub(super) lines: Vec<Vec<[f64; 2]>>,
}

/// A line of text.
pub(super) struct Text {
    pub(super) at: [f64; 2],
    pub(super) size: f64,
    pub(super) colour: Rgb,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
    /// Upwards, not to the right.
    pub(super) upright: bool,
    pub(super) text: String,
    /// What is drawn around the letters, so that they stand out from what is below.
    pub(super) halo: Option<Rgb>,
}

/// Which point of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Figure {
    pub(super) fn fill(&mut self, colour: Rgb, rings: Vec<Vec<[f64; 2]>>) {
        self.items.push(Item::Fill { colour, rings });
    }

    pub(super) fn rectangle(&mut self, colour: Rgb, [left, top]: [f64; 2], size: [f64; 2]) {
        let (right, bottom) = (left + size[0], top + size[1]);
        self.fill(colour, vec![vec![[left, top], [right, top], [right, bottom], [left, bottom]]]);
    }

    pub(super) fn stroke(&mut self, stroke: Stroke) {
        self.items.push(Item::Stroke(stroke));
    }

    pub(super) fn line(&mut self, colour: Rgb, width: f64, line: Vec<[f64; 2]>) {
        self.stroke(Stroke::solid(colour, width, vec![line]));
    }

    pub(super) fn text(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }
}

impl Stroke {
    pub(super) fn solid(colour: Rgb, width: f64, lines: Vec<Vec<[f64; 2]>>) -> Self {
        Self { colour, width, opacity: 1.0, dash: Vec::new(), lines }
    }
}

impl Text {
    pub(super) fn new(at: [f64; 2], size: f64, colour: Rgb, text: impl Into<String>) -> Self {
        let (anchor, text) = (Anchor::Start, text.into());
        Self { at, size, colour, anchor, bold: false, upright: false, text, halo: None }
    }

    pub(super) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn upright(self) -> Self {
        Self { upright: true, ..self }
    }

    pub(super) fn with_halo(self, halo: Rgb) -> Self {
        Self { halo: Some(halo), ..self }
    }
}

/// Puts a text into lines of at most this width, broken between words.
pub(super) fn wrapped(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer {
            Some(longer) if font::width(&longer, size, false) <= width => {
                *lines.last_mut().expect("there is a line") = longer;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Cuts a text off where it would be wider than this.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    if font::width(text, size, false) <= width {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() && font::width(&format!("{kept}…"), size, false) > width {}
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_asked() {
        let text = "a text of a dozen words that is to be broken into some lines";
        let lines = wrapped(text, 12.0, 120.0);
        assert!(lines.len() > 2, "several lines: {lines:?}");
        assert_eq!(lines.join(" "), text, "nothing is lost");
        for line in &lines {
            assert!(font::width(line, 12.0, false) <= 120.0, "{line} is too wide");
        }
    }

    #[test]
    fn long_texts_are_cut_off() {
        assert_eq!(shortened("short", 12.0, 200.0), "short", "it fits");
        let cut = shortened("a name that is far too long for its place", 12.0, 100.0);
        assert!(cut.ends_with('…'), "{cut} tells that something is missing");
        assert!(font::width(&cut, 12.0, false) <= 100.0, "{cut} fits");
    }
}
