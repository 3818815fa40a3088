//! Results: as a table, as JSON, and to compare.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// One measured job of a case.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) case: String,
    pub(crate) job: String,
    pub(crate) tier: String,
    pub(crate) threads: usize,
    pub(crate) rows: usize,
    /// Medians.
    pub(crate) seconds: f64,
    pub(crate) rows_per_second: f64,
    /// Multiply-adds of the affine operators, counted twice; none for a census or where there are none.
    pub(crate) gflops: f64,
    /// Share of the measured peak of as many threads.
    pub(crate) share_of_peak: f64,
    /// Rows read and results written.
    pub(crate) gigabytes_per_second: f64,
    /// Distance between the quartiles, as a share of the median.
    pub(crate) spread: f64,
    /// Digest of the codes, and whether it is the expected one (null where none is).
    pub(crate) digest: Option<String>,
    pub(crate) as_expected: Option<bool>,
    /// For certified codes, the share of rows that were done again in f64.
    #[serde(default)]
    pub(crate) redone: Option<f64>,
}

impl Measured {
    /// What is said of the codes.
    fn codes(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or_default();
        let codes = match self.as_expected {
            Some(true) => "as expected".to_owned(),
            Some(false) => format!("WRONG: {digest}"),
            None => digest.to_owned(),
        };
        self.redone.map_or(codes.clone(), |share| format!("{codes}; {:.1} % redone", 100.0 * share))
    }
}

/// Results of a suite.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) suite: String,
    pub(crate) machine: Machine,
    /// GFLOP/s of one thread at most, for each tier that ran.
    pub(crate) peaks: Vec<(String, f64)>,
    pub(crate) measured: Vec<Measured>,
}

impl Results {
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine.text());
        for (tier, peak) in &self.peaks {
            text += &format!("peak of {tier}: {peak:.1} GFLOP/s a thread, measured in this run\n");
        }
        let heading = [
            "case", "job", "tier", "threads", "rows/s", "GFLOP/s", "of peak", "GB/s", "spread",
            "codes",
        ];
        let rows = self.measured.iter().map(|m| {
            [
                m.case.clone(),
                m.job.clone(),
                m.tier.clone(),
                m.threads.to_string(),
                grouped(m.rows_per_second),
                format!("{:.1}", m.gflops),
                format!("{:.0} %", 100.0 * m.share_of_peak),
                format!("{:.2}", m.gigabytes_per_second),
                format!("{:.1} %", 100.0 * m.spread),
                m.codes(),
            ]
        });
        let rows: Vec<[String; 10]> =
            std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
        text + "\n" + &table(3, &rows)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        serde_json::from_str(&text).map_err(|error| named(&error).into())
    }
}

/// Columns, the first `left` flush left, the others right but for the last.
pub(crate) fn table<const N: usize>(left: usize, rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < left || column + 1 == N {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A count with commas.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A line on standard output.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

/// A line on standard error; that nobody may read it does not matter.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes `value` as JSON, whole or not at all.
pub(crate) fn write_json(
    path: &Path,
    value: &impl Serialize,
) -> Result<(), Box<dyn std::error::Error>> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    Ok(maso_io::write::AtomicFile::create(path)?.finish_with(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        let counts = [0.0, 999.0, 1000.4, 1_234_567.0].map(grouped);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
    }
}
