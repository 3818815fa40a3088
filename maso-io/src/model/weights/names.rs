//! What the names of weights say: which belong together, and how numbers in them compare.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::WeightsError;

/// The tensors of one layer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// What their names share.
    pub(super) stem: String,
    pub(super) weight: Option<String>,
    pub(super) bias: Option<String>,
    /// Whether running statistics are among them.
    pub(super) statistics: bool,
    /// Which way round a matrix is, where the convention of the names says.
    pub(super) transposed: Option<bool>,
}

enum Role {
    Weight,
    Bias,
    Statistics,
    Ignored,
}

/// The layers that `names` tell of, in natural order (`fc2` before `fc10`).
pub(super) fn groups(names: &[String]) -> Result<Vec<Group>, WeightsError> {
    let mut groups: BTreeMap<Natural, Group> = BTreeMap::new();
    for name in names {
        let (stem, role, transposed) = parse(name).ok_or_else(|| WeightsError::Names {
            reason: format!(
                "{name:?} is not named as weights are (fc1.weight and fc1.bias; W0 and b0; coefs_0 and \
                 intercepts_0; arr_0 and arr_1)"
            ),
        })?;
        let group = groups.entry(Natural(stem.clone())).or_default();
        group.stem = stem;
        group.transposed = group.transposed.or(transposed);
        let before = match role {
            Role::Weight => group.weight.replace(name.clone()),
            Role::Bias => group.bias.replace(name.clone()),
            Role::Statistics => {
                group.statistics = true;
                None
            }
            Role::Ignored => None,
        };
        if let Some(before) = before {
            let reason = format!("{before:?} and {name:?} may both be of layer {:?}", group.stem);
            return Err(WeightsError::Names { reason });
        }
    }
    Ok(groups.into_values().collect())
}

/// Stem, role, and whether matrices of that convention are (in, out).
fn parse(name: &str) -> Option<(String, Role, Option<bool>)> {
    if let Some((stem, role)) = name.rsplit_once('.') {
        let role = match role {
            "weight" => Role::Weight,
            "bias" => Role::Bias,
            "running_mean" | "running_var" => Role::Statistics,
            "num_batches_tracked" => Role::Ignored,
            _ => return None,
        };
        return Some((stem.to_owned(), role, Some(false)));
    }
    let at = name.find(|c: char| c.is_ascii_digit())?;
    let (kind, number) = name.split_at(at);
    let number: usize = number.parse().ok()?;
    let (number, role, transposed) = match kind {
        "W" | "w" => (number, Role::Weight, None),
        "B" | "b" => (number, Role::Bias, None),
        "coefs_" | "coef_" => (number, Role::Weight, Some(true)),
        "intercepts_" | "intercept_" => (number, Role::Bias, Some(true)),
        // numpy.savez(file, W0, b0, W1, …)
        "arr_" if number.is_multiple_of(2) => (number / 2, Role::Weight, None),
        "arr_" => (number / 2, Role::Bias, None),
        _ => return None,
    };
    Some((number.to_string(), role, transposed))
}

/// A name by which 2 comes before 10.
#[derive(PartialEq, Eq)]
pub(super) struct Natural(pub(super) String);

impl Natural {
    /// Stretches of digits as numbers (their length first, so that none is too large), others as text.
    fn parts(&self) -> Vec<(usize, &str)> {
        let bytes = self.0.as_bytes();
        let mut parts = Vec::new();
        let mut start = 0;
        for end in 1..=bytes.len() {
            let is_digit = |at: usize| bytes[at].is_ascii_digit();
            if end == bytes.len() || is_digit(end) != is_digit(start) {
                let text = &self.0[start..end];
                let digits = text.trim_start_matches('0');
                parts.push(if is_digit(start) {
                    (digits.len(), digits)
                } else {
                    (usize::MAX, text)
                });
                start = end;
            }
        }
        parts
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_come_in_natural_order() {
        let names = ["net.10.weight", "net.2.bias", "net.2.weight", "net.10.bias", "net.9.weight"];
        let groups = groups(&names.map(str::to_owned)).expect("names of weights");
        let stems: Vec<_> = groups.iter().map(|group| group.stem.as_str()).collect();
        assert_eq!(stems, ["net.2", "net.9", "net.10"]);
        assert_eq!(groups[1].bias, None);
    }

    #[test]
    fn numbered_names_pair_up() {
        let names = ["b0", "W0", "W1", "b1", "W10"].map(str::to_owned);
        let found = groups(&names).expect("names of weights");
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].weight.as_deref(), Some("W10"));
        let found =
            groups(&["arr_0", "arr_1", "arr_2", "arr_3"].map(str::to_owned)).expect("arrays");
        assert_eq!((found.len(), found[1].bias.as_deref()), (2, Some("arr_3")));
        assert!(groups(&["step".to_owned()]).is_err(), "no name of weights");
    }
}
