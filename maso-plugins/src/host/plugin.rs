//! A loaded plugin, its kinds and their parameters.

use super::{
    Error, Instance, KindId, library,
    name::is_name,
    raw::{Declared, DeclaredKind, DeclaredParameter, Functions},
};
use crate::abi::flag;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// A plugin. Once loaded it stays as long as the process.
#[derive(Debug)]
pub struct Plugin {
    path: PathBuf,
    name: String,
    version: String,
    description: String,
    licence: String,
    kinds: Vec<Kind>,
}

impl Plugin {
    /// Loads a file, unless it has been loaded before. **Its code runs**, with all rights of the process.
    ///
    /// # Errors
    ///
    /// If the file is not a plugin of this version, if what it says of itself is not as the header demands, or if
    /// another file's plugin has its name.
    pub fn open(path: impl AsRef<Path>) -> Result<&'static Self, Error> {
        library::open(path.as_ref())
    }

    /// All plugins loaded so far.
    #[must_use]
    pub fn loaded() -> Vec<&'static Self> {
        library::all()
    }

    /// Checks what a plugin says of itself.
    pub(super) fn new(path: PathBuf, declared: Declared) -> Result<Self, Error> {
        let check = Check { path: &path };
        check.name("its name", &declared.name)?;
        check.distinct("kinds", declared.kinds.iter().map(|kind| &kind.name))?;
        let name = declared.name;
        let kinds = declared.kinds.into_iter().map(|kind| Kind::new(&check, &name, kind));
        Ok(Self {
            kinds: kinds.collect::<Result<_, _>>()?,
            name,
            version: declared.version,
            description: declared.description,
            licence: declared.licence,
            path,
        })
    }

    /// Where it is, as one absolute path for each file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that people load it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin's own version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// One sentence.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Its licence.
    #[must_use]
    pub fn licence(&self) -> &str {
        &self.licence
    }

    /// Its nonlinearities, at least one.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn kind(&self, name: &str) -> Result<&Kind, Error> {
        self.kinds.iter().find(|kind| kind.name() == name).ok_or_else(|| Error::UnknownKind {
            plugin: self.name.clone(),
            kind: name.into(),
            known: self.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
        })
    }
}

/// A nonlinearity.
#[derive(Debug)]
pub struct Kind {
    id: KindId,
    description: String,
    offers: Offers,
    parameters: Vec<Parameter>,
    functions: Functions,
}

/// What a kind's callbacks can compute beside values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offers {
    /// Derivatives of the values by the pre-activations.
    pub derivative: bool,
    /// Memberships of the pieces.
    pub membership: bool,
    /// The value is the mean of the pieces' values under the memberships.
    pub posterior_mean: bool,
}

/// A parameter of a kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// What people type.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Its value if nobody sets it.
    pub default: f64,
    /// The smallest value; may be −∞.
    pub minimum: f64,
    /// The largest value; may be ∞.
    pub maximum: f64,
}

impl Parameter {
    fn takes(&self, value: f64) -> bool {
        value.is_finite() && (self.minimum..=self.maximum).contains(&value)
    }
}

impl Kind {
    fn new(check: &Check<'_>, plugin: &str, declared: DeclaredKind) -> Result<Self, Error> {
        let DeclaredKind { name, description, flags, parameters, functions } = declared;
        check.name("the name of a kind", &name)?;
        check.distinct(
            &format!("parameters of kind {name}"),
            parameters.iter().map(|parameter| &parameter.name),
        )?;
        let offers = check.offers(&name, flags)?;
        let parameters = parameters.into_iter().map(|parameter| check.parameter(&name, parameter));
        Ok(Self {
            parameters: parameters.collect::<Result<_, _>>()?,
            id: KindId { plugin: plugin.into(), kind: name },
            description,
            offers,
            functions,
        })
    }

    /// Its name and its plugin's.
    #[must_use]
    pub fn id(&self) -> &KindId {
        &self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.id.kind
    }

    /// One sentence.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What its callbacks can compute, if an instance names them as its rule.
    #[must_use]
    pub fn offers(&self) -> Offers {
        self.offers
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// An instance with these parameters, and defaults for the others. Its pieces are checked, and what its
    /// callbacks compute is checked at sample points.
    ///
    /// # Errors
    ///
    /// If a parameter is unknown, set twice or out of its range, if the plugin refuses, or if the instance is not as
    /// the header demands.
    pub fn create(&'static self, settings: &[(&str, f64)]) -> Result<Instance, Error> {
        self.create_with(&self.values(settings)?)
    }

    /// An instance with a value for each parameter, in order.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create).
    ///
    /// # Panics
    ///
    /// If there are more or fewer values than parameters.
    pub fn create_with(&'static self, values: &[f64]) -> Result<Instance, Error> {
        let instance = Instance::make(self, values)?;
        instance.probe()?;
        Ok(instance)
    }

    /// All values, from the settings of some.
    fn values(&self, settings: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        let mut values: Vec<_> =
            self.parameters.iter().map(|parameter| parameter.default).collect();
        let mut set = HashSet::new();
        for &(name, value) in settings {
            let index = self.parameters.iter().position(|parameter| parameter.name == name);
            values[index.ok_or_else(|| self.unknown(name))?] = value;
            if !set.insert(name) {
                return Err(Error::ParameterTwice {
                    kind: self.id.clone(),
                    parameter: name.into(),
                });
            }
        }
        Ok(values)
    }

    fn unknown(&self, name: &str) -> Error {
        Error::UnknownParameter {
            kind: self.id.clone(),
            parameter: name.into(),
            known: self.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
        }
    }

    /// Checks that every value is within its parameter's range.
    pub(super) fn check(&self, values: &[f64]) -> Result<(), Error> {
        assert_eq!(values.len(), self.parameters.len(), "a value for each parameter");
        let mut pairs = self.parameters.iter().zip(values);
        match pairs.find(|(parameter, value)| !parameter.takes(**value)) {
            None => Ok(()),
            Some((parameter, &found)) => Err(Error::OutOfRange {
                kind: self.id.clone(),
                parameter: parameter.name.clone(),
                found,
                minimum: parameter.minimum,
                maximum: parameter.maximum,
            }),
        }
    }
}

/// Checks what a file says, and names the file if it is wrong.
struct Check<'a> {
    path: &'a Path,
}

impl Check<'_> {
    fn name(&self, what: &str, name: &str) -> Result<(), Error> {
        if is_name(name) {
            return Ok(());
        }
        Err(Error::Name { path: self.path.into(), what: what.into(), found: name.into() })
    }

    fn distinct<'n>(
        &self,
        what: &str,
        mut names: impl Iterator<Item = &'n String>,
    ) -> Result<(), Error> {
        let mut seen = HashSet::new();
        names.find(|name| !seen.insert(name.as_str())).map_or(Ok(()), |name| {
            Err(Error::Repeated { path: self.path.into(), what: what.into(), name: name.clone() })
        })
    }

    fn offers(&self, kind: &str, flags: u64) -> Result<Offers, Error> {
        let has = |bit| flags & bit != 0;
        let orphan = has(flag::POSTERIOR_MEAN) && !has(flag::HAS_MEMBERSHIP);
        if orphan || has(!flag::ALL) {
            return Err(Error::Flags { path: self.path.into(), kind: kind.into(), found: flags });
        }
        Ok(Offers {
            derivative: has(flag::HAS_DERIVATIVE),
            membership: has(flag::HAS_MEMBERSHIP),
            posterior_mean: has(flag::POSTERIOR_MEAN),
        })
    }

    fn parameter(&self, kind: &str, declared: DeclaredParameter) -> Result<Parameter, Error> {
        let DeclaredParameter { name, description, default, minimum, maximum } = declared;
        self.name(&format!("the name of a parameter of kind {kind}"), &name)?;
        let parameter = Parameter { name, description, default, minimum, maximum };
        if parameter.takes(default) {
            return Ok(parameter);
        }
        Err(Error::Range {
            path: self.path.into(),
            kind: kind.into(),
            parameter: parameter.name,
            default,
            minimum,
            maximum,
        })
    }
}
