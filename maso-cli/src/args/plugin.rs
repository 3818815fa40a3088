//! Arguments of `maso plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    /// Load the plugins in the folders of MASO_PLUGIN_PATH and say what they bring
    List(PluginListArgs),
    /// Load a plugin, try all it brings, and say what is not as the interface demands
    Check(PluginCheckArgs),
    /// Write the files of a new plugin
    New(PluginNewArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PluginListArgs {
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginCheckArgs {
    /// The dynamic library; its code runs
    pub(crate) file: PathBuf,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PluginNewArgs {
    /// The plugin's name: a letter, then letters, digits, '-' and '_'
    pub(crate) name: String,
    /// What it is written in
    #[arg(long)]
    pub(crate) lang: LangArg,
    /// The folder to make [default: NAME]
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LangArg {
    Rust,
    C,
}
