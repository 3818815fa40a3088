//! What can be wrong with a plugin, or with what is asked of one.

use super::{BlockFault, SoftFault, SplineFault};
use crate::abi::{self, Misfit, status};
use std::{error, fmt, io, path::PathBuf};

/// A kind's name and its plugin's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindId {
    /// The plugin's name.
    pub plugin: String,
    /// The kind's name.
    pub kind: String,
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.plugin, self.kind)
    }
}

/// A status that is not "done", with what the plugin said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: i32,
    /// The plugin's words; may be empty.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() { "no message" } else { &self.message };
        write!(f, "{} (status {}): {message}", status::describe(self.status), self.status)
    }
}

impl error::Error for Failure {}

/// Everything that can go wrong between the host and a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("{}: no plugin can be read there", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no dynamic library for this machine.
    #[error("{}: not a dynamic library that this machine loads: {}", path.display(), deepest(source))]
    Library {
        /// Where.
        path: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
    /// It is a dynamic library, but not a plugin.
    #[error("{}: not a plugin: it does not export {}", path.display(), abi::ENTRY)]
    NoEntry {
        /// Where.
        path: PathBuf,
    },
    /// It is a plugin for another version of the interface.
    #[error(
        "{}: a plugin for version {found} of the interface, expected {}; build it again with this \
         version's maso_plugin.h",
        path.display(),
        abi::MAJOR
    )]
    Version {
        /// Where.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Its entry refused.
    #[error("{}: its entry {failure}", path.display())]
    Entry {
        /// Where.
        path: PathBuf,
        /// What it said.
        failure: Failure,
    },
    /// A table or text that it handed over is not there, or not as the header says.
    #[error("{}: {what}: {misfit}", path.display())]
    Table {
        /// Where.
        path: PathBuf,
        /// Which table or text.
        what: String,
        /// What is wrong with it.
        misfit: Misfit,
    },
    /// It says that it has too many or too few of something.
    #[error("{}: {what}: {found}, expected {least} to {most}", path.display())]
    Count {
        /// Where.
        path: PathBuf,
        /// Of what.
        what: String,
        /// What it says.
        found: u64,
        /// The fewest.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A name that people cannot type.
    #[error(
        "{}: {what} is {found:?}, expected 1 to 64 letters, digits, '-', '_' and '.'",
        path.display()
    )]
    Name {
        /// Where.
        path: PathBuf,
        /// Whose name.
        what: String,
        /// The name.
        found: String,
    },
    /// Two kinds, or two parameters of a kind, have one name.
    #[error("{}: two {what} are named {name}", path.display())]
    Repeated {
        /// Where.
        path: PathBuf,
        /// Of what.
        what: String,
        /// The name.
        name: String,
    },
    /// A parameter's default and range do not go together.
    #[error(
        "{}: parameter {parameter} of kind {kind}: default {default} is not a finite number in its range, \
         {minimum} to {maximum}",
        path.display()
    )]
    Range {
        /// Where.
        path: PathBuf,
        /// The kind.
        kind: String,
        /// The parameter.
        parameter: String,
        /// Its default.
        default: f64,
        /// The smallest value it says it takes.
        minimum: f64,
        /// The largest.
        maximum: f64,
    },
    /// A kind has flags that this version does not know, or that contradict each other.
    #[error("{}: kind {kind}: flags {found:#x} are not flags of this version that go together", path.display())]
    Flags {
        /// Where.
        path: PathBuf,
        /// The kind.
        kind: String,
        /// Its flags.
        found: u64,
    },
    /// A function that every plugin must have is NULL.
    #[error("{}: {what}: its function {function} is NULL", path.display())]
    Function {
        /// Where.
        path: PathBuf,
        /// Whose function.
        what: String,
        /// Its name.
        function: &'static str,
    },
    /// Two files hold a plugin of one name.
    #[error(
        "two plugins are named {name}: {} and {}; remove one, or give it another name",
        first.display(),
        second.display()
    )]
    Twice {
        /// The name.
        name: String,
        /// The file that came first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// No folder of the search path has the plugin's file.
    #[error("no plugin named {name}: {}", searched(file, folders))]
    NotFound {
        /// What was asked for.
        name: String,
        /// The file that would hold it.
        file: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// The file of this name holds a plugin of another name.
    #[error("{}: found for plugin {expected}, but its name is {found}", path.display())]
    OtherName {
        /// Where.
        path: PathBuf,
        /// What was asked for.
        expected: String,
        /// What it says.
        found: String,
    },
    /// The plugin has no such kind.
    #[error("plugin {plugin} has no kind {kind}; it has {}", known.join(", "))]
    UnknownKind {
        /// The plugin.
        plugin: String,
        /// What was asked for.
        kind: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Several plugins have a kind of this name.
    #[error("several plugins have a kind {kind}; name one as {}", choices(found))]
    AmbiguousKind {
        /// What was asked for.
        kind: String,
        /// What there is.
        found: Vec<KindId>,
    },
    /// The kind has no such parameter.
    #[error("{kind} has no parameter {parameter}; it has {}", listed(known))]
    UnknownParameter {
        /// The kind.
        kind: KindId,
        /// What was asked for.
        parameter: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A parameter is set more than once.
    #[error("{kind}: parameter {parameter} is set twice")]
    ParameterTwice {
        /// The kind.
        kind: KindId,
        /// The parameter.
        parameter: String,
    },
    /// A parameter is out of its range.
    #[error("{kind}: {parameter} = {found}, expected a finite number from {minimum} to {maximum}")]
    OutOfRange {
        /// The kind.
        kind: KindId,
        /// The parameter.
        parameter: String,
        /// What was asked for.
        found: f64,
        /// The smallest it can be.
        minimum: f64,
        /// The largest.
        maximum: f64,
    },
    /// The plugin would not make an instance.
    #[error("{kind}: create {failure}")]
    Create {
        /// The kind.
        kind: KindId,
        /// What it said.
        failure: Failure,
    },
    /// Create returned "done" without an instance.
    #[error("{kind}: create returned no instance and no error")]
    NoInstance {
        /// The kind.
        kind: KindId,
    },
    /// An instance's pieces or rule are wrong.
    #[error("{kind}: {fault}")]
    Spline {
        /// The kind.
        kind: KindId,
        /// What is wrong.
        fault: SplineFault,
    },
    /// At a sample point, soft inference computed something wrong.
    #[error("{kind}: soft inference {fault}")]
    Soft {
        /// The kind.
        kind: KindId,
        /// What is wrong.
        fault: SoftFault,
    },
    /// Soft inference failed.
    #[error("{kind}: soft inference {failure}")]
    Call {
        /// The kind.
        kind: KindId,
        /// What it said.
        failure: Failure,
    },
    /// A block does not fit its arrays, or asks for what the kind does not offer.
    #[error("{kind}: {fault}")]
    Block {
        /// The kind.
        kind: KindId,
        /// What is wrong.
        fault: BlockFault,
    },
    /// Plugins may already be using other vectorised functions.
    #[error(
        "the vectorised functions are set once in a process, before the first plugin is loaded"
    )]
    MathSet,
}

/// The innermost cause: a loader's own words.
fn deepest(error: &dyn error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn searched(file: &str, folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return format!("name its file, or set {} to the folder of {file}", super::PATH_VARIABLE);
    }
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!("there is no {file} in {}", folders.join(", "))
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

fn choices(found: &[KindId]) -> String {
    found.iter().map(KindId::to_string).collect::<Vec<_>>().join(" or ")
}
