//! Suites as data: what is run, and which answer is expected of it.

use std::path::Path;

use serde::Deserialize;

use crate::Outcome;
use crate::report::print;

/// A list of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    /// What it measures, in a sentence.
    pub(crate) about: String,
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Case>,
}

/// A network, rows, and a job.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) network: NetworkSpec,
    #[serde(default)]
    pub(crate) data: DataSpec,
    pub(crate) rows: usize,
    pub(crate) jobs: Vec<Job>,
    #[serde(default = "one_thread")]
    pub(crate) threads: Vec<usize>,
    /// Digest of the codes in each family of rounding: a fast wrong kernel fails.
    #[serde(default)]
    pub(crate) digest: Digests,
}

fn one_thread() -> Vec<usize> {
    vec![1]
}

/// Where a network comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum NetworkSpec {
    /// An ONNX file of the project's `testdata/models`, or any path.
    Model(String),
    /// Widths of a dense ReLU network with reproducible weights.
    Dense(Vec<usize>),
    /// Convolutions with ReLU, each with its plane kept.
    Convolutions(ConvolutionSpec),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConvolutionSpec {
    /// Height and width.
    pub(crate) plane: usize,
    /// Channels of the input, then of each layer.
    pub(crate) channels: Vec<usize>,
    pub(crate) kernel: usize,
}

/// Where rows come from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DataSpec {
    /// The 2,000 digits of `testdata/data`, over and over, as f32 from 0 to 1.
    Digits,
    /// Numbers from −2 to 2, alike on every machine.
    #[default]
    Random,
    /// Bytes, of which so many rows are distinct, converted on the way in.
    Bytes { distinct: usize },
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    /// Outputs.
    Forward,
    /// Region codes.
    Codes,
    /// Codes, with the margin of each row.
    Margins,
    /// Codes, proven to be those of the network in f64.
    Certify,
    /// Codes, counted.
    Census,
    /// Outputs, and the product of each row's Jacobian with a direction.
    Jvp,
    /// The affine map of each row's region, as a matrix and an offset.
    Jacobian,
    /// Codes of one row at a time.
    Latency,
}

impl Job {
    /// Whether other programs do it too.
    pub(crate) fn has_peers(self) -> bool {
        matches!(self, Self::Forward | Self::Codes | Self::Latency)
    }

    /// Whether it takes rows that are numbers in memory.
    pub(crate) fn needs_numbers(self) -> bool {
        matches!(self, Self::Jvp | Self::Jacobian)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Codes => "codes",
            Self::Margins => "margins",
            Self::Certify => "certify",
            Self::Census => "census",
            Self::Jvp => "jvp",
            Self::Jacobian => "jacobian",
            Self::Latency => "latency",
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digests {
    pub(crate) fused: Option<String>,
    pub(crate) separate: Option<String>,
}

/// The suites that come with the program.
const SUITES: [(&str, &str); 8] = [
    ("quick", include_str!("../suites/quick.toml")),
    ("dense", include_str!("../suites/dense.toml")),
    ("convolution", include_str!("../suites/convolution.toml")),
    ("margins", include_str!("../suites/margins.toml")),
    ("linearize", include_str!("../suites/linearize.toml")),
    ("census", include_str!("../suites/census.toml")),
    ("soft", include_str!("../suites/soft.toml")),
    ("peers", include_str!("../suites/peers.toml")),
];

impl Suite {
    /// The suite of a name, or in a file.
    pub(crate) fn find(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let own = SUITES.iter().find(|(own, _)| *own == name).map(|(_, text)| (*text).to_owned());
        let text = match own {
            Some(text) => text,
            None if Path::new(name).extension().is_some_and(|ending| ending == "toml") => {
                std::fs::read_to_string(name).map_err(|error| format!("suite {name}: {error}"))?
            }
            None => {
                let names = SUITES.map(|(name, _)| name).join(", ");
                return Err(
                    format!("no suite {name}; there are {names}, or give a .toml file").into()
                );
            }
        };
        toml::from_str(&text).map_err(|error| format!("suite {name}: {error}").into())
    }

    /// The cases whose name contains `part`.
    pub(crate) fn only(mut self, part: Option<&str>) -> Result<Self, Box<dyn std::error::Error>> {
        let Some(part) = part else { return Ok(self) };
        self.cases.retain(|case| case.name.contains(part));
        if self.cases.is_empty() {
            return Err(format!("no case's name contains {part:?}").into());
        }
        Ok(self)
    }
}

/// Prints the suites and their cases.
pub(crate) fn list() -> Outcome {
    for (name, _) in SUITES {
        let suite = Suite::find(name)?;
        print(&format!("{name}: {}", suite.about))?;
        for case in &suite.cases {
            let jobs: Vec<_> = case.jobs.iter().map(|job| job.name()).collect();
            print(&format!("  {} ({} rows: {})", case.name, case.rows, jobs.join(", ")))?;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_read_and_its_names_are_unique() {
        for (name, _) in SUITES {
            let suite = Suite::find(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut names: Vec<_> = suite.cases.iter().map(|case| &case.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), suite.cases.len(), "{name} has a name twice");
        }
    }

    #[test]
    fn unknown_suites_and_fields_are_named() {
        let error = Suite::find("fast").expect_err("no such suite").to_string();
        assert!(error.contains("quick"), "{error}");
        let error =
            toml::from_str::<Suite>("about = ''\ncase = []\nspeed = 1").expect_err("a field");
        assert!(error.to_string().contains("speed"), "{error}");
    }
}
