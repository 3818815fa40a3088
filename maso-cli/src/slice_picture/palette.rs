//! Colours: of paper and ink in both themes, of classes, and of a scale. All can be told apart by people who do not
//! see red and green as different.

use super::Theme;

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Classes: the seven colours of Okabe and Ito (2008), and three more that are as far from them and from each other
/// as can be, also for eyes without red, green or blue cones.
const CLASSES: [Rgb; 10] = [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [213, 94, 0],
    [240, 228, 66],
    [70, 17, 216],
    [78, 40, 0],
    [60, 245, 140],
];

/// The scale viridis (van der Walt and Smith, 2015), of equal steps in lightness.
const SCALE: [Rgb; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

/// Share of `second` in the mixture, from 0 to 1.
pub(super) fn mix(first: Rgb, second: Rgb, share: f64) -> Rgb {
    let channel = |i: usize| {
        let (first, second) = (f64::from(first[i]), f64::from(second[i]));
        (first + share * (second - first)).round() as u8
    };
    [channel(0), channel(1), channel(2)]
}

/// The colour of a class. After ten the same come again, lighter and darker in turn.
pub(super) fn class(number: u32) -> Rgb {
    let base = CLASSES[number as usize % CLASSES.len()];
    let round = number as usize / CLASSES.len();
    let share = 1.0 - 0.65_f64.powi(round.div_ceil(2) as i32);
    if round == 0 { base } else { mix(base, if round % 2 == 1 { [255; 3] } else { [0; 3] }, share) }
}

/// A place on the scale, from 0 to 1.
pub(super) fn scale(place: f64) -> Rgb {
    let place = place.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    let below = (place as usize).min(SCALE.len() - 2);
    mix(SCALE[below], SCALE[below + 1], place - below as f64)
}

/// `#rrggbb`.
pub(super) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

impl Theme {
    /// What is drawn on.
    pub(super) fn paper(self) -> Rgb {
        match self {
            Self::Light => [255, 255, 255],
            Self::Dark => [21, 24, 30],
        }
    }

    /// Texts, axes, and edges.
    pub(super) fn ink(self) -> Rgb {
        match self {
            Self::Light => [26, 28, 34],
            Self::Dark => [232, 234, 240],
        }
    }

    /// Texts that stand back.
    pub(super) fn faint(self) -> Rgb {
        mix(self.ink(), self.paper(), 0.38)
    }

    /// Lines of grids.
    pub(super) fn line(self) -> Rgb {
        mix(self.ink(), self.paper(), 0.8)
    }

    /// A cell that has no colour of its own.
    pub(super) fn blank(self) -> Rgb {
        mix(self.ink(), self.paper(), 0.95)
    }

    /// The colour of a point of a class.
    pub(super) fn point(self, number: u32) -> Rgb {
        match self {
            Self::Light => class(number),
            Self::Dark => mix(class(number), self.ink(), 0.22),
        }
    }

    /// Around points.
    pub(super) fn rim(self) -> Rgb {
        Self::Dark.paper()
    }

    /// Few things in order: a place on the middle of the scale, from 0 to 1.
    pub(super) fn step(self, place: f64) -> Rgb {
        mix(scale(0.22 + 0.6 * place), self.paper(), 0.22)
    }

    /// The colour of a cell of a class: softer than a point's, so that edges and points stand out.
    pub(super) fn cell(self, number: u32) -> Rgb {
        match self {
            Self::Light => mix(class(number), self.paper(), 0.42),
            Self::Dark => mix(class(number), self.paper(), 0.4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(first: Rgb, second: Rgb) -> u32 {
        (0..3).map(|i| u32::from(first[i].abs_diff(second[i]))).sum()
    }

    #[test]
    fn classes_differ() {
        for first in 0..30 {
            for second in 0..first {
                let apart = distance(class(first), class(second));
                let least = if first < 10 { 60 } else { 1 };
                assert!(apart >= least, "classes {first} and {second} are {apart} apart");
            }
        }
    }

    #[test]
    fn cells_of_classes_differ_in_both_themes() {
        for theme in [Theme::Light, Theme::Dark] {
            for first in 0..10 {
                for second in 0..first {
                    let apart = distance(theme.cell(first), theme.cell(second));
                    assert!(apart >= 30, "{theme:?}: {first} and {second} are {apart} apart");
                }
            }
        }
    }

    #[test]
    fn the_scale_gets_lighter_all_along() {
        let light = |rgb: Rgb| {
            0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2])
        };
        for step in 0..64 {
            let [first, second] = [step, step + 1].map(|step| light(scale(f64::from(step) / 64.0)));
            assert!(second > first, "step {step}: {first} then {second}");
        }
        assert_eq!((scale(-1.0), scale(2.0)), (SCALE[0], SCALE[10]), "the ends");
    }

    #[test]
    fn colours_in_writing() {
        assert_eq!(hex([0, 10, 255]), "#000aff", "two digits each");
    }
}
