//! The `maso` command: arguments, one call into the libraries, output.

mod args;
mod failure;
mod input;
mod output;
mod picture;
mod points;
mod session;
mod slice_picture;
mod table;
mod verbs;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Cli, Verb};
use failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let result = match cli.verb {
        Verb::Info(args) => verbs::info::run(&args),
        Verb::Forward(args) => verbs::forward::run(&args),
        Verb::Codes(args) => verbs::codes::run(&args),
        Verb::Census(args) => verbs::census::run(&args),
        Verb::Affine(args) => verbs::affine::run(&args),
        Verb::Region(args) => verbs::region::run(&args),
        Verb::Distance(args) => verbs::distance::run(&args),
        Verb::Power(args) => verbs::power::run(&args),
        Verb::Template(args) => verbs::template::run(&args),
        Verb::Complexity(args) => verbs::complexity::run(&args),
        Verb::Line(args) => verbs::line::run(&args),
        Verb::Slice(args) => verbs::slice::run(&args),
        Verb::Soften(args) => verbs::soften::run(&args),
        Verb::Harden(args) => verbs::soften::harden(&args),
        Verb::Convert(args) => verbs::convert::run(&args),
        Verb::Plugin(verb) => verbs::plugin::run(&verb),
        Verb::Demo(args) => verbs::demo::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::talk(&format!("maso: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version on standard output; a mistake on standard error, under the program's name.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // A closed pipe is the only way this fails, and then nobody reads.
        let _ = error.print();
        return ExitCode::from(u8::from(error.use_stderr()) * 2);
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    output::talk(&format!("maso: {}", text.trim_end()));
    ExitCode::from(2)
}

/// What a verb gives back.
type Outcome = Result<(), Failure>;
