//! Which columns of a table are used.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Columns by name or by number (from 0), in the order given; a range A..B ends before B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Name(String),
    Range(usize, Option<usize>),
}

impl Columns {
    /// The single column of this name or number.
    #[must_use]
    pub fn one(name: &str) -> Self {
        Self(vec![name.parse().map_or_else(
            |_| Part::Name(name.to_owned()),
            |number: usize| Part::Range(number, number.checked_add(1)),
        )])
    }

    /// Whether any of them is chosen by its name.
    pub(super) fn have_names(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name(_)))
    }

    /// Their places among `width` columns of these names.
    pub(super) fn of(&self, width: usize, names: &[String]) -> Result<Vec<usize>, String> {
        let mut places = Vec::new();
        for part in &self.0 {
            match part {
                Part::Name(name) => places.push(named(name, names)?),
                Part::Range(from, to) => places.extend(within(*from, *to, width)?),
            }
        }
        Ok(places)
    }
}

/// The one column of this name.
fn named(name: &str, names: &[String]) -> Result<usize, String> {
    let mut places = names.iter().enumerate().filter(|(_, known)| *known == name);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some((first, _)), Some((second, _))) => {
            Err(format!("columns {first} and {second} are both named {name:?}; choose by number"))
        }
        (None, _) => Err(missing(name, names)),
    }
}

/// A range, if all of it is there.
fn within(from: usize, to: Option<usize>, width: usize) -> Result<Range<usize>, String> {
    let end = to.unwrap_or(width.max(from.saturating_add(1)));
    if end <= width {
        return Ok(from..end);
    }
    let absent = from.max(width);
    Err(match width {
        1 => format!("it has no column {absent}; it has one, column 0"),
        _ => format!("it has no column {absent}; it has {width}, 0 to {}", width.saturating_sub(1)),
    })
}

fn missing(name: &str, names: &[String]) -> String {
    let shown = names.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 12 { ", …" } else { "" };
    match names {
        [] => format!("it has no line of names, so no column {name:?}; give numbers, from 0"),
        _ => format!("it has no column {name:?}; it has {shown}{more}"),
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { "," } else { "" })?;
            match part {
                Part::Name(name) => f.write_str(name)?,
                Part::Range(from, Some(to)) if to.checked_sub(1) == Some(*from) => {
                    write!(f, "{from}")?
                }
                Part::Range(from, Some(to)) => write!(f, "{from}..{to}")?,
                Part::Range(from, None) => write!(f, "{from}..")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<usize>().ok();
        let range = |text: &str| match text.split_once("..") {
            Some((from, "")) => number(from).map(|from| Part::Range(from, None)),
            Some((from, to)) => {
                let from = if from.is_empty() { Some(0) } else { number(from) };
                from.zip(number(to)).map(|(from, to)| Part::Range(from, Some(to)))
            }
            None => None,
        };
        let parts = text.split(',').map(str::trim).map(|text| match (range(text), number(text)) {
            _ if text.is_empty() => {
                Err("a name is empty; expected such as 1..785 or a,b".to_owned())
            }
            (Some(Part::Range(from, Some(to))), _) if to <= from => {
                Err(format!("{from}..{to} is empty: {to} is not beyond {from}"))
            }
            (Some(part), _) => Ok(part),
            (None, Some(at)) => Ok(Part::Range(at, at.checked_add(1))),
            (None, None) => Ok(Part::Name(text.to_owned())),
        });
        parts.collect::<Result<_, _>>().map(Self)
    }
}
