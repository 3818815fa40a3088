//! In which order the layers of a stack come, as far as their names tell: by their numbers where the
//! names are equal but for those, or by families (`conv2`, `bn2`, `fc1`). Alphabetical order is none:
//! a decoder does not come before its encoder.

use std::collections::BTreeMap;

use super::WeightsError;
use super::names::{Group, Natural};

/// A layer's tensors, and the shape of its weights.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) group: Group,
    pub(super) shape: Vec<usize>,
}

/// What a family of names is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Conv,
    Linear,
    /// After the layer of the same number.
    Norm,
    /// After that and its norm.
    Slopes,
}

const FAMILIES: [(&str, Family); 16] = [
    ("conv", Family::Conv),
    ("conv1d", Family::Conv),
    ("conv2d", Family::Conv),
    ("conv3d", Family::Conv),
    ("fc", Family::Linear),
    ("lin", Family::Linear),
    ("linear", Family::Linear),
    ("dense", Family::Linear),
    ("bn", Family::Norm),
    ("norm", Family::Norm),
    ("batchnorm", Family::Norm),
    ("batch_norm", Family::Norm),
    ("batchnorm1d", Family::Norm),
    ("batchnorm2d", Family::Norm),
    ("prelu", Family::Slopes),
    ("act", Family::Slopes),
];

/// Where a layer stands: what its name has before the family, the owner's family and number, and its
/// own family, by which a norm comes after its owner.
type Place = (Natural, Family, Option<u64>, Family);

/// The layers, which come in natural order of their names, in the order that those tell.
pub(super) fn ordered(layers: Vec<Found>) -> Result<Vec<Found>, WeightsError> {
    let alike = |pair: &[Found]| skeleton(&pair[0].group.stem) == skeleton(&pair[1].group.stem);
    if layers.windows(2).all(alike) {
        return Ok(layers);
    }
    let names =
        layers.iter().map(|layer| Name::of(layer, &layers)).collect::<Result<Vec<_>, _>>()?;
    for pair in names.windows(2) {
        if skeleton(pair[0].before) != skeleton(pair[1].before) {
            return Err(unordered(pair[0].stem, pair[1].stem));
        }
    }
    let places = (0..layers.len()).map(|at| place(at, &layers, &names));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let mut ordered: BTreeMap<Place, Found> = BTreeMap::new();
    for (place, layer) in places.into_iter().zip(layers) {
        let stem = layer.group.stem.clone();
        if let Some(other) = ordered.insert(place, layer) {
            return Err(unordered(&other.group.stem, &stem));
        }
    }
    unnumbered_alone(&ordered)?;
    Ok(ordered.into_values().collect())
}

/// Where the layer at `at` stands among the others.
fn place(at: usize, layers: &[Found], names: &[Name<'_>]) -> Result<Place, WeightsError> {
    let own = &names[at];
    let place = |family| (Natural(own.before.to_owned()), family, own.number, own.family);
    if matches!(own.family, Family::Conv | Family::Linear) {
        return Ok(place(own.family));
    }
    let owners = names.iter().zip(layers).filter(|(name, _)| {
        matches!(name.family, Family::Conv | Family::Linear)
            && (name.before, name.number) == (own.before, own.number)
    });
    let owners: Vec<_> = owners.collect();
    let fits = |layer: &Found| layer.shape.first() == layers[at].shape.first();
    match owners[..] {
        [(owner, _)] => Ok(place(owner.family)),
        // A conv and a linear layer of one number: the one with as many channels.
        [(a, first), (_, second)] if fits(first) && !fits(second) => Ok(place(a.family)),
        [(_, first), (b, second)] if fits(second) && !fits(first) => Ok(place(b.family)),
        [(a, _), (b, _), ..] => {
            Err(names_error(format!("{:?} may come after {:?} or {:?}", own.stem, a.stem, b.stem)))
        }
        [] => Err(names_error(format!(
            "the order of the layers is not in their names ({:?} has the number of no conv or linear layer)",
            own.stem
        ))),
    }
}

/// A layer without a number is the only one of its family, or it could stand anywhere.
fn unnumbered_alone(ordered: &BTreeMap<Place, Found>) -> Result<(), WeightsError> {
    let places: Vec<_> = ordered.iter().collect();
    for pair in places.windows(2) {
        let [((a, first, number, _), one), ((b, second, other, _), two)] = pair else { continue };
        if a == b && first == second && number != other && number.is_none() {
            return Err(unordered(&one.group.stem, &two.group.stem));
        }
    }
    Ok(())
}

/// A name of a family: `features.conv2` is conv number 2, after `features.`.
struct Name<'n> {
    stem: &'n str,
    before: &'n str,
    family: Family,
    number: Option<u64>,
}

impl<'n> Name<'n> {
    fn of(layer: &'n Found, layers: &[Found]) -> Result<Self, WeightsError> {
        let stem = layer.group.stem.as_str();
        let last = stem.rfind('.').map_or(0, |dot| dot + 1);
        let (before, own) = stem.split_at(last);
        let word = own.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = own[word.len()..].parse().ok();
        let known = |text: &str| {
            let text = text.trim_end_matches(['_', '-']).to_ascii_lowercase();
            FAMILIES.iter().find(|(word, _)| *word == text).map(|(_, family)| *family)
        };
        // The 2 of conv2d is no number.
        let family = known(word).map(|family| (family, number));
        let family = family.or_else(|| known(own).map(|family| (family, None)));
        let Some((family, number)) = family else {
            let other = layers.iter().map(|other| other.group.stem.as_str());
            let other = other.into_iter().find(|other| skeleton(other) != skeleton(stem));
            return Err(unordered(stem, other.unwrap_or(stem)));
        };
        Ok(Self { stem, before, family, number })
    }
}

/// A name with `#` for each number in it.
fn skeleton(name: &str) -> String {
    let mut skeleton = String::new();
    for c in name.chars() {
        match c.is_ascii_digit() {
            true if skeleton.ends_with('#') => {}
            true => skeleton.push('#'),
            false => skeleton.push(c),
        }
    }
    skeleton
}

fn unordered(one: &str, other: &str) -> WeightsError {
    names_error(format!("the order of the layers is not in their names ({one:?} and {other:?})"))
}

fn names_error(reason: String) -> WeightsError {
    WeightsError::Names { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of layers with these names and weights, or why there is none.
    fn order(layers: &[(&str, &[usize])]) -> Result<Vec<String>, String> {
        let mut layers: Vec<Found> = layers
            .iter()
            .map(|&(stem, shape)| {
                let group = Group { stem: stem.to_owned(), ..Group::default() };
                Found { group, shape: shape.to_vec() }
            })
            .collect();
        layers.sort_by_key(|layer| Natural(layer.group.stem.clone()));
        let ordered = ordered(layers).map_err(|error| error.to_string())?;
        Ok(ordered.into_iter().map(|layer| layer.group.stem).collect())
    }

    /// The order of linear layers with these names.
    fn linear(names: &[&str]) -> Result<Vec<String>, String> {
        order(&names.iter().map(|&name| (name, &[2, 2][..])).collect::<Vec<_>>())
    }

    #[test]
    fn names_equal_but_for_numbers_come_by_number() {
        for names in [
            &["fc1", "fc2", "fc10"][..],
            &["0", "2", "11"],
            &["layer1.0.a", "layer1.1.a", "layer2.0.a", "layer10.0.a"],
            &["encoder"],
        ] {
            assert_eq!(linear(names).expect("an order"), names);
        }
    }

    #[test]
    fn names_without_an_order_are_refused() {
        for names in [
            &["encoder", "decoder"][..],
            &["input", "hidden", "output"],
            &["features.0", "features.3", "classifier.1"],
            &["fc1", "fc2", "out"],
            &["fc1", "fc"],
            &["fc1", "linear1"],
            &["a.fc1", "b.conv1"],
            &["fc1", "bn2"],
            &["0", "fc1"],
        ] {
            let error = linear(names).expect_err("no order");
            assert!(error.contains("the order of the layers is not in their names ("), "{error}");
            assert!(error.ends_with("; use --arch FILE.json, see docs/formats.md"), "{error}");
        }
    }

    #[test]
    fn families_come_convolutions_first_and_norms_after_their_layer() {
        let (conv, conv2, linear) = (&[6, 1, 3, 3][..], &[9, 6, 3, 3][..], &[10, 90][..]);
        let found = order(&[
            ("bn1", &[6]),
            ("bn2", &[9]),
            ("conv1", conv),
            ("conv2", conv2),
            ("fc", linear),
        ]);
        assert_eq!(found.expect("an order"), ["conv1", "bn1", "conv2", "bn2", "fc"]);
        let found = order(&[("fc1", linear), ("fc2", linear), ("bn1", &[10]), ("act1", &[1])]);
        assert_eq!(found.expect("an order"), ["fc1", "bn1", "act1", "fc2"]);
        // Of a conv and a linear layer with one number, the one with as many channels has the norm.
        let found = order(&[("conv1", conv), ("fc1", linear), ("bn1", &[6])]);
        assert_eq!(found.expect("an order"), ["conv1", "bn1", "fc1"]);
        let found = order(&[("conv1", conv), ("fc1", linear), ("bn1", &[10])]);
        assert_eq!(found.expect("an order"), ["conv1", "fc1", "bn1"]);
        let found = order(&[("conv1", conv), ("fc1", &[6, 54]), ("bn1", &[6])]);
        assert!(found.expect_err("two owners").contains("may come after \"conv1\" or \"fc1\""));
        let found = order(&[("net.1.conv1", conv), ("net.0.fc", linear), ("net.0.conv2d", conv2)]);
        assert_eq!(found.expect("an order"), ["net.0.conv2d", "net.0.fc", "net.1.conv1"]);
    }
}
