//! `maso plugin`: lists plugins, checks one, writes the files of a new one.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use maso_plugins::host::{Inference, Kind, PATH_VARIABLE, Plugin, Registry, conformance};
use maso_plugins::templates::{self, Lang};
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::{LangArg, PluginCheckArgs, PluginListArgs, PluginNewArgs, PluginVerb};
use crate::failure::Failure;
use crate::output::{print, print_json};

pub(crate) fn run(verb: &PluginVerb) -> Outcome {
    match verb {
        PluginVerb::List(args) => list(args),
        PluginVerb::Check(args) => check(args),
        PluginVerb::New(args) => new(args),
    }
}

fn list(args: &PluginListArgs) -> Outcome {
    let registry = Registry::from_env();
    let files = registry.files().map_err(library)?;
    let found: Vec<_> = files.into_iter().map(|file| (Plugin::open(&file), file)).collect();
    if args.json {
        let plugins: Vec<_> = found
            .iter()
            .map(|(plugin, file)| match plugin {
                Ok(plugin) => described(plugin),
                Err(error) => json!({ "file": file, "error": chain(error) }),
            })
            .collect();
        return print_json(&json!({ "folders": registry.folders(), "plugins": plugins }));
    }
    if registry.folders().is_empty() {
        return print(&format!(
            "{PATH_VARIABLE} is not set; set it to the folders of your plugins"
        ));
    }
    if found.is_empty() {
        return print(&format!("no dynamic library in the folders of {PATH_VARIABLE}"));
    }
    let rows: Vec<_> = found
        .iter()
        .map(|(plugin, file)| match plugin {
            Ok(plugin) => listed(plugin),
            Err(error) => format!("{}\n  cannot be used: {}", file.display(), chain(error)),
        })
        .collect();
    print(&rows.join("\n"))
}

fn listed(plugin: &'static Plugin) -> String {
    let (name, version, path) = (plugin.name(), plugin.version(), plugin.path().display());
    let mut text = format!("{name} {version}: {}\n  {path}", plugin.description());
    for kind in plugin.kinds() {
        let rule = rule(kind);
        text += &format!("\n  {}: {} (inference: {rule})", kind.name(), kind.description());
    }
    for (kind, parameter) in
        plugin.kinds().iter().flat_map(|kind| kind.parameters().iter().map(move |p| (kind, p)))
    {
        let (low, high) = (parameter.minimum, parameter.maximum);
        let (name, default) = (&parameter.name, parameter.default);
        text += &format!("\n    {}:{name} from {low} to {high}, default {default}", kind.name());
    }
    text
}

fn described(plugin: &'static Plugin) -> Value {
    json!({
        "name": plugin.name(),
        "version": plugin.version(),
        "description": plugin.description(),
        "file": plugin.path(),
        "kinds": plugin.kinds().iter().map(described_kind).collect::<Vec<_>>(),
    })
}

/// Limits that are infinite are null.
fn described_kind(kind: &'static Kind) -> Value {
    let parameters = kind.parameters().iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "description": parameter.description,
            "default": parameter.default,
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
        })
    });
    json!({
        "name": kind.name(),
        "description": kind.description(),
        "inference": rule(kind),
        "parameters": parameters.collect::<Vec<_>>(),
    })
}

/// The rule of an instance with default parameters, or why there is none.
fn rule(kind: &'static Kind) -> String {
    match kind.create(&[]).map(|instance| instance.inference()) {
        Ok(Inference::Hard) => "hard".to_owned(),
        Ok(Inference::BetaVq { beta }) => format!("beta-vq, beta {beta}"),
        Ok(Inference::LogPartition { beta }) => format!("log-partition, beta {beta}"),
        Ok(Inference::Probit) => "probit".to_owned(),
        Ok(Inference::ProbitTanh) => "probit-tanh".to_owned(),
        Ok(Inference::Callback) => "callback".to_owned(),
        Ok(_) => "another".to_owned(),
        Err(error) => format!("none: {}", chain(&error)),
    }
}

fn check(args: &PluginCheckArgs) -> Outcome {
    let report = conformance::check(&args.file);
    if args.json {
        let checks = report.checks.iter().map(|check| {
            json!({ "name": check.name, "subject": check.subject, "problem": check.problem })
        });
        let checks = checks.collect::<Vec<_>>();
        print_json(&json!({ "file": args.file, "passed": report.passed(), "checks": checks }))?;
    } else {
        let lines = report.checks.iter().map(|check| match &check.problem {
            None => format!("ok    {}: {}", check.subject, check.name),
            Some(problem) => format!("wrong {}: {}: {problem}", check.subject, check.name),
        });
        print(&lines.collect::<Vec<_>>().join("\n"))?;
    }
    let wrong = report.checks.iter().filter(|check| !check.passed()).count();
    if report.passed() {
        return Ok(());
    }
    let (file, all) = (args.file.display(), report.checks.len());
    Err(Failure::Library(format!("{file}: {wrong} of {all} checks failed").into()))
}

fn new(args: &PluginNewArgs) -> Outcome {
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let lang = match args.lang {
        LangArg::Rust => Lang::Rust,
        LangArg::C => Lang::C,
    };
    let files = templates::files(lang, &args.name, Path::new(templates::SDK))
        .map_err(|error| Failure::Usage(error.to_string()))?;
    if folder.exists() {
        let text = format!("{} exists; choose another folder with -o", folder.display());
        return Err(Failure::Usage(text));
    }
    for (path, text) in files {
        write(&folder.join(path), &text)?;
    }
    print(&commands(lang, &args.name, &folder))
}

fn write(path: &Path, text: &str) -> Outcome {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| {
        Failure::Library(format!("cannot write {}: {error}", path.display()).into())
    })
}

/// What builds and checks the new plugin, and runs the embedded network with it.
fn commands(lang: Lang, name: &str, folder: &Path) -> String {
    let file = name.replace('-', "_");
    let library = format!("{DLL_PREFIX}{file}{DLL_SUFFIX}");
    let (build, library) = match lang {
        Lang::C => (
            format!("cc -std=c99 -Wall -Wextra -O2 -shared -fPIC {file}.c -o {library}"),
            format!("./{library}"),
        ),
        _ => ("cargo build --release".to_owned(), format!("target/release/{library}")),
    };
    format!(
        "cd '{}'\n{build}\nmaso plugin check {library}\nmaso demo --plugin {library} --replace Relu={name}",
        folder.display()
    )
}

fn library(error: maso_plugins::host::Error) -> Failure {
    Failure::Library(Box::new(error))
}

fn chain(error: &maso_plugins::host::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
