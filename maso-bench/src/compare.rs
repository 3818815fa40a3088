//! Two results side by side.

use std::path::Path;

use crate::Outcome;
use crate::report::{Results, grouped, print, table};

/// Prints B's speed as a multiple of A's, for each job that both have.
pub(crate) fn compare(a: &Path, b: &Path) -> Outcome {
    let (first, second) = (Results::read(a)?, Results::read(b)?);
    let mut rows =
        vec![["case", "job", "tier", "threads", "A rows/s", "B rows/s", "B/A"].map(str::to_owned)];
    for a in &first.measured {
        let same = second
            .measured
            .iter()
            .find(|b| (&b.case, &b.job, b.threads) == (&a.case, &a.job, a.threads));
        let Some(b) = same else { continue };
        rows.push([
            a.case.clone(),
            a.job.clone(),
            if a.tier == b.tier { a.tier.clone() } else { format!("{} | {}", a.tier, b.tier) },
            a.threads.to_string(),
            grouped(a.rows_per_second),
            grouped(b.rows_per_second),
            format!("{:.2}", b.rows_per_second / a.rows_per_second),
        ]);
    }
    print(&format!("A: {}\nB: {}\n", first.machine.text(), second.machine.text()))?;
    if rows.len() == 1 {
        return Err("the two results have no case in common".into());
    }
    print(&table(3, &rows))?;
    Ok(true)
}
