//! The legend: what colours and lines mean.

use super::Theme;
use super::figure::{Anchor, Figure, Item, Stroke, Text, shortened};
use super::paint::{Key, Paint};
use super::palette::Rgb;

/// Size of its texts.
const SIZE: f64 = 12.0;
/// From one line to the next.
const STEP: f64 = 20.0;
/// Entries of one kind, at most.
const MOST: usize = 12;
/// Width of a sample of a colour or a line.
const SAMPLE: f64 = 22.0;
/// Height of a scale.
const SCALE: f64 = 150.0;

/// A legend as it grows downwards.
pub(super) struct Legend<'a> {
    pub(super) figure: &'a mut Figure,
    pub(super) theme: Theme,
    pub(super) left: f64,
    /// Where the next line begins.
    pub(super) top: f64,
    pub(super) width: f64,
}

/// What stands beside a text.
pub(super) enum Sample<'a> {
    Area(Rgb),
    Line {
        colour: Rgb,
        width: f64,
        dash: &'a [f64],
    },
    /// A line that is too light for the paper.
    LineOn {
        colour: Rgb,
        width: f64,
        below: Rgb,
    },
    /// A line on top of a broader one.
    Cased {
        colour: Rgb,
        width: f64,
        casing: Rgb,
    },
    Dot {
        colour: Rgb,
        radius: f64,
    },
}

impl Legend<'_> {
    /// The line above entries.
    pub(super) fn heading(&mut self, text: &str) {
        let place = [self.left, self.top + SIZE];
        let text = shortened(text, SIZE, self.width);
        self.figure.text(Text::new(place, SIZE, self.theme.ink(), text).bold());
        self.top += STEP;
    }

    /// Room before another heading.
    pub(super) fn gap(&mut self) {
        self.top += STEP / 2.0;
    }

    pub(super) fn entry(&mut self, sample: &Sample<'_>, text: &str) {
        let middle = self.top + STEP / 2.0 - 2.0;
        let line = vec![vec![[self.left, middle], [self.left + SAMPLE, middle]]];
        let stroke = |colour, width| Stroke::solid(colour, width, line.clone());
        match sample {
            Sample::Area(colour) => {
                let place = [self.left, middle - 7.0];
                self.figure.rectangle(*colour, place, [SAMPLE, 14.0]);
            }
            Sample::Line { colour, width, dash } => {
                self.figure.stroke(Stroke { dash: dash.to_vec(), ..stroke(*colour, *width) });
            }
            Sample::LineOn { colour, width, below } => {
                self.figure.rectangle(*below, [self.left, middle - 7.0], [SAMPLE, 14.0]);
                self.figure.stroke(stroke(*colour, *width));
            }
            Sample::Cased { colour, width, casing } => {
                self.figure.stroke(stroke(*casing, width + 2.4));
                self.figure.stroke(stroke(*colour, *width));
            }
            Sample::Dot { colour, radius } => {
                let (at, rim) = ([self.left + SAMPLE / 2.0, middle], self.theme.rim());
                self.figure.items.push(Item::Dot { at, radius: *radius, colour: *colour, rim });
            }
        }
        self.words(text);
    }

    fn words(&mut self, text: &str) {
        let place = [self.left + SAMPLE + 8.0, self.top + SIZE];
        let text = shortened(text, SIZE, self.width - SAMPLE - 8.0);
        self.figure.text(Text::new(place, SIZE, self.theme.ink(), text));
        self.top += STEP;
    }

    /// Entries, and how many more there are than room.
    pub(super) fn entries<'s>(&mut self, entries: &[(Sample<'s>, String)]) {
        let shown = if entries.len() > MOST + 1 { MOST } else { entries.len() };
        for (sample, text) in &entries[..shown] {
            self.entry(sample, text);
        }
        if shown < entries.len() {
            self.words(&format!("and {} more", entries.len() - shown));
        }
    }

    /// What the cells' colours mean.
    pub(super) fn paint(&mut self, paint: &Paint) {
        let colours = paint.key.colours(self.theme);
        let names: Vec<String> = match &paint.key {
            Key::Nothing => return,
            Key::Scale(ends) => return self.scale(&paint.title, &colours, ends),
            Key::Classes(classes) => classes.iter().map(|(_, name)| name.clone()).collect(),
            Key::Pieces(names) | Key::Steps(names) => names.clone(),
        };
        self.heading(&paint.title);
        let entries: Vec<(Sample<'_>, String)> = colours
            .into_iter()
            .zip(names)
            .zip(paint.used())
            .filter(|(_, used)| *used)
            .map(|((colour, name), _)| (Sample::Area(colour), name))
            .collect();
        self.entries(&entries);
        self.gap();
    }

    fn scale(&mut self, title: &str, colours: &[Rgb], ends: &[String; 3]) {
        self.heading(title);
        self.top += 6.0;
        let step = SCALE / colours.len() as f64;
        for (i, colour) in colours.iter().rev().enumerate() {
            let place = [self.left, self.top + i as f64 * step];
            self.figure.rectangle(*colour, place, [SAMPLE, step + 0.3]);
        }
        for (i, end) in ends.iter().rev().enumerate() {
            let y = self.top + i as f64 * SCALE / 2.0;
            let right = self.left + SAMPLE;
            self.figure.line(self.theme.faint(), 1.0, vec![[right, y], [right + 4.0, y]]);
            let text = Text::new([right + 8.0, y + SIZE * 0.36], SIZE, self.theme.ink(), end);
            self.figure.text(text.anchored(Anchor::Start));
        }
        self.top += SCALE + STEP;
    }
}
