//! Nonlinearities of plugins in the place of a model's operators.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use maso_core::Nonlinearities;
use maso_core::graph::{Attribute, GraphNode};
use maso_core::network::ScalarSpline;

use super::{SplineError, spline};
use crate::host::{Error, Kind, Plugin, Registry};

/// `OP=KIND[:PARAMETER=VALUE,…]`: what stands in the place of an operator. KIND may be `PLUGIN/KIND`.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    /// The operator, as the file names it.
    pub op: String,
    /// The kind.
    pub kind: String,
    /// Values of its parameters; others have their defaults.
    pub parameters: Vec<(String, f64)>,
}

/// What is wrong with a text that is to be a [`Replacement`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?}: {why}; expected OP=KIND or OP=KIND:PARAMETER=VALUE,…, as in Relu=sigmoid-gated:beta=0.8"
)]
pub struct ReplacementError {
    text: String,
    why: String,
}

impl FromStr for Replacement {
    type Err = ReplacementError;

    fn from_str(text: &str) -> Result<Self, ReplacementError> {
        let error = |why: String| ReplacementError { text: text.to_owned(), why };
        let (op, rest) = text.split_once('=').ok_or_else(|| error("no '='".to_owned()))?;
        let (kind, parameters) = rest.split_once(':').unwrap_or((rest, ""));
        if op.is_empty() || kind.is_empty() {
            return Err(error("an empty name".to_owned()));
        }
        let parameter = |text: &str| {
            let (name, value) =
                text.split_once('=').ok_or_else(|| error(format!("{text:?} has no '='")))?;
            let value = value.parse().map_err(|_| error(format!("{value:?} is no number")))?;
            Ok((name.to_owned(), value))
        };
        let parameters = parameters.split(',').filter(|part| !part.is_empty()).map(parameter);
        let parameters = parameters.collect::<Result<_, _>>()?;
        Ok(Self { op: op.to_owned(), kind: kind.to_owned(), parameters })
    }
}

/// The nonlinearities that plugins bring to a model: replacements that were asked for, and operators of other domains
/// that are called like a kind (`SigmoidGated` like `sigmoid-gated`), their numbers being its parameters.
#[derive(Debug)]
pub struct PluginNonlinearities {
    registry: Registry,
    replacements: Vec<Used>,
    /// Instances for operators of other domains, by kind and parameters, so that equal ones are one.
    made: Mutex<BTreeMap<String, Result<ScalarSpline, String>>>,
}

#[derive(Debug)]
struct Used {
    replacement: Replacement,
    spline: ScalarSpline,
    times: AtomicUsize,
}

/// Why plugins cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The plugin.
    #[error(transparent)]
    Host(#[from] Error),
    /// Its instance.
    #[error(transparent)]
    Spline(#[from] SplineError),
}

impl PluginNonlinearities {
    /// Finds the kinds of `replacements`, among the plugins that have been loaded or in the folders of `registry`.
    ///
    /// # Errors
    /// If there is no such kind, or it refuses its parameters.
    pub fn new(
        registry: Registry,
        replacements: impl IntoIterator<Item = Replacement>,
    ) -> Result<Self, PluginError> {
        let replacements = replacements.into_iter().map(|replacement| {
            let kind = registry.kind(&replacement.kind)?;
            let spline = instance(kind, &replacement.parameters)?;
            Ok(Used { replacement, spline, times: AtomicUsize::new(0) })
        });
        let replacements = replacements.collect::<Result<_, PluginError>>()?;
        Ok(Self { registry, replacements, made: Mutex::default() })
    }

    /// Operators that were to be replaced, but of which a model that was lowered had none.
    #[must_use]
    pub fn unused(&self) -> Vec<&str> {
        let unused =
            self.replacements.iter().filter(|used| used.times.load(Ordering::Relaxed) == 0);
        unused.map(|used| used.replacement.op.as_str()).collect()
    }

    /// The spline of an operator of another domain.
    fn custom(&self, node: &GraphNode) -> Option<Result<ScalarSpline, String>> {
        let loaded = Plugin::loaded();
        let mut kinds = loaded.iter().flat_map(|plugin| plugin.kinds());
        let same = |kind: &&Kind| plain(kind.name()) == plain(&node.op);
        let kind = match kinds.find(same) {
            Some(kind) => kind,
            // A file is loaded only if it is called like the operator.
            None => self.registry.kind(&dashed(&node.op)).ok()?,
        };
        let parameters: Vec<_> = node.attributes.iter().filter_map(number).collect();
        let key = format!("{}{parameters:?}", kind.id());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || instance(kind, &parameters).map_err(|error| error.to_string());
        Some(made.entry(key).or_insert_with(make).clone())
    }
}

impl Nonlinearities for PluginNonlinearities {
    fn spline(&self, node: &GraphNode) -> Option<Result<ScalarSpline, String>> {
        if let Some(used) = self.replacements.iter().find(|used| used.replacement.op == node.op) {
            used.times.fetch_add(1, Ordering::Relaxed);
            return Some(Ok(used.spline.clone()));
        }
        let is_other = !node.domain.is_empty() && node.domain != "ai.onnx.ml";
        if is_other { self.custom(node) } else { None }
    }
}

fn instance(
    kind: &'static Kind,
    parameters: &[(String, f64)],
) -> Result<ScalarSpline, PluginError> {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    Ok(spline(&Arc::new(kind.create(&parameters)?))?)
}

/// An attribute that is a number.
fn number((name, value): (&String, &Attribute)) -> Option<(String, f64)> {
    let value = match value {
        Attribute::Float(value) => f64::from(*value),
        Attribute::Int(value) => f64::from(i32::try_from(*value).ok()?),
        _ => return None,
    };
    Some((name.clone(), value))
}

/// A name without case and dashes.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// `SigmoidGated` as `sigmoid-gated`.
fn dashed(name: &str) -> String {
    let mut dashed = String::new();
    for (i, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            dashed.push('-');
        }
        dashed.push(letter.to_ascii_lowercase());
    }
    dashed
}
