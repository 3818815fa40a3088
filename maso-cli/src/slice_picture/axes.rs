//! Axes: round numbers along them, and the frame that takes coordinates to places of a figure.

use super::Theme;
use super::figure::{Anchor, Figure, Text};

/// Size of the numbers at an axis.
const NUMBERS: f64 = 11.0;
/// Length of a mark.
const MARK: f64 = 5.0;

/// Round numbers from `low` to `high`, about as many as asked for.
pub(super) fn ticks(low: f64, high: f64, about: f64) -> Vec<f64> {
    let step = step(high - low, about);
    let usable = step > 0.0 && step.is_finite() && low + step != low && high + step != high;
    if !usable {
        return Vec::new();
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A round number that goes `about` times into `range`.
pub(super) fn step(range: f64, about: f64) -> f64 {
    let rough = range / about;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Numbers in the same form: as many decimals as the steps between them need.
pub(super) fn labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
    let step = match ticks {
        [first, second, ..] => second - first,
        _ => largest,
    };
    if largest != 0.0 && !(1e-4..1e6).contains(&largest) {
        return ticks.iter().map(|tick| signed(&short_power(*tick, step))).collect();
    }
    let decimals = decimals(step);
    ticks.iter().map(|tick| signed(&format!("{:.decimals$}", tick + 0.0))).collect()
}

fn decimals(step: f64) -> usize {
    (0..12)
        .find(|&places| {
            let scaled = step * 10_f64.powi(places as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.abs()
        })
        .unwrap_or(12)
}

/// A number as a power of ten, with as many digits as steps of `step` need.
fn short_power(number: f64, step: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let digits = (number.abs().log10().floor() - step.abs().log10().floor()).clamp(0.0, 12.0);
    format!("{number:.*e}", digits as usize)
}

/// A minus sign where a hyphen was, and no sign at 0.
pub(super) fn signed(number: &str) -> String {
    let is_zero = number.chars().all(|letter| "-0.".contains(letter));
    if is_zero { number.replace('-', "") } else { number.replace('-', "−") }
}

/// A rectangle of the figure that shows a rectangle of coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) low: [f64; 2],
    pub(super) high: [f64; 2],
}

impl Frame {
    /// The place of a point.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let share =
            |axis: usize, value: f64| (value - self.low[axis]) / (self.high[axis] - self.low[axis]);
        [self.left + share(0, x) * self.width, self.bottom() - share(1, y) * self.height]
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn contains(&self, at: [f64; 2]) -> bool {
        (0..2).all(|axis| (self.low[axis]..=self.high[axis]).contains(&at[axis]))
    }

    /// Marks and numbers along the left and below, the axes' labels, and a line around.
    pub(super) fn draw_axes(&self, figure: &mut Figure, theme: Theme, names: [&str; 2]) {
        let (ink, faint) = (theme.ink(), theme.faint());
        let (left, right, top, bottom) = (self.left, self.right(), self.top, self.bottom());
        let around = vec![[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
        figure.line(faint, 1.0, around);
        let across = ticks(self.low[0], self.high[0], (self.width / 68.0).max(2.0));
        for (tick, label) in across.iter().zip(labels(&across)) {
            let [x, _] = self.place([*tick, self.low[1]]);
            figure.line(faint, 1.0, vec![[x, bottom], [x, bottom + MARK]]);
            let text = Text::new([x, bottom + MARK + NUMBERS + 2.0], NUMBERS, ink, label);
            figure.text(text.anchored(Anchor::Middle));
        }
        let up = ticks(self.low[1], self.high[1], (self.height / 52.0).max(2.0));
        for (tick, label) in up.iter().zip(labels(&up)) {
            let [_, y] = self.place([self.low[0], *tick]);
            figure.line(faint, 1.0, vec![[left - MARK, y], [left, y]]);
            let text = Text::new([left - MARK - 3.0, y + NUMBERS * 0.36], NUMBERS, ink, label);
            figure.text(text.anchored(Anchor::End));
        }
        let below = [left + self.width / 2.0, bottom + MARK + 2.0 * NUMBERS + 14.0];
        figure.text(Text::new(below, 12.0, ink, names[0]).anchored(Anchor::Middle));
        let beside = [left - 52.0, top + self.height / 2.0];
        figure.text(Text::new(beside, 12.0, ink, names[1]).anchored(Anchor::Middle).upright());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let found = ticks(-2.0, 3.0, 6.0);
        assert_eq!(found, [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0], "whole numbers");
        assert_eq!(labels(&found)[..3], ["−2", "−1", "0"], "without decimals");
        let found = ticks(0.1, 0.35, 5.0);
        assert_eq!(labels(&found), ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"], "two each");
    }

    #[test]
    fn hard_ranges_have_ticks_or_none() {
        assert_eq!(ticks(1.0, 1.0, 5.0).len(), 0, "no range");
        assert_eq!(ticks(1e300, 1e300 * (1.0 + 1e-16), 5.0).len(), 0, "no number in between");
        for (low, high) in [(1e-9, 3e-9), (-4e12, 5e12), (123_456.0, 123_457.0)] {
            let found = ticks(low, high, 5.0);
            assert!((3..12).contains(&found.len()), "{low} to {high}: {found:?}");
            let mut written = labels(&found);
            written.dedup();
            assert_eq!(written.len(), found.len(), "{written:?} can be told apart");
        }
    }

    #[test]
    fn the_frame_turns_y_around() {
        let (low, high) = ([0.0, -1.0], [2.0, 1.0]);
        let frame = Frame { left: 10.0, top: 20.0, width: 100.0, height: 50.0, low, high };
        assert_eq!(frame.place([0.0, -1.0]), [10.0, 70.0], "the low corner");
        assert_eq!(frame.place([2.0, 1.0]), [110.0, 20.0], "the high corner");
    }
}
