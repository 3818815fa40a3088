//! Text tables and numbers for people.

use serde::Serialize;

/// Columns as wide as their widest cell, the first `left` of them aligned left, the rest right.
pub(crate) fn table(left: usize, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            let space = " ".repeat(widths[column] - cell.chars().count());
            if column < left { format!("{cell}{space}") } else { format!("{space}{cell}") }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A row of a table.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

/// `6×28×28`; a single number where a row is one.
pub(crate) fn shape(extents: &[usize]) -> String {
    if extents.is_empty() {
        return "1".to_owned();
    }
    extents.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `1 row`, `2,000 rows`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A number with four digits that count.
pub(crate) fn short(number: f64) -> String {
    let magnitude = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    match magnitude {
        _ if !number.is_finite() => format!("{number}"),
        -4..=5 => format!("{number:.*}", usize::try_from(3 - magnitude).unwrap_or(0)),
        _ => format!("{number:.3e}"),
    }
}

/// How numbers are spread.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Quantiles {
    least: f64,
    p5: f64,
    median: f64,
    p95: f64,
    largest: f64,
}

impl Quantiles {
    /// Of finite numbers; none if there are none.
    pub(crate) fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64).round() as usize];
        let [least, p5, median, p95, largest] = [0.0, 0.05, 0.5, 0.95, 1.0];
        (!sorted.is_empty()).then(|| Self {
            least: at(least),
            p5: at(p5),
            median: at(median),
            p95: at(p95),
            largest: at(largest),
        })
    }

    /// The cells of counts.
    pub(crate) fn whole(&self) -> [String; 5] {
        let Self { least, p5, median, p95, largest } = *self;
        [least, p5, median, p95, largest].map(|number| grouped(number as u64))
    }

    /// A row of a table.
    pub(crate) fn row(&self, name: &str) -> Vec<String> {
        let Self { least, p5, median, p95, largest } = *self;
        let numbers = [least, p5, median, p95, largest].map(short);
        std::iter::once(name.to_owned()).chain(numbers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 7, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 0.034298, 12.3456, 123_456.7, 1.5e-9, -2.0].map(short);
        assert_eq!(shown, ["0.000", "0.03430", "12.35", "123457", "1.500e-9", "-2.000"]);
    }

    #[test]
    fn quantiles_are_numbers_of_the_sample() {
        let quantiles = Quantiles::of((0..101).rev().map(f64::from)).expect("numbers");
        let Quantiles { least, p5, median, p95, largest } = quantiles;
        assert_eq!([least, p5, median, p95, largest], [0.0, 5.0, 50.0, 95.0, 100.0]);
        assert!(Quantiles::of(std::iter::empty()).is_none(), "none of nothing");
    }

    #[test]
    fn columns_align() {
        let rows = [row(["a", "bb", "1"]), row(["ccc", "d", "22"])];
        assert_eq!(table(1, &rows), "  a    bb   1\n  ccc   d  22");
    }
}
