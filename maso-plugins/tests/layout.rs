//! Sizes and offsets that a C compiler gives the header's structs, against Rust's.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod common;

use maso_plugins::abi::{self, Block, Host, Kind, Math, Parameter, PluginTable, Spline, Str};
use std::{
    fmt::Write,
    fs,
    mem::{offset_of, size_of},
    process::Command,
};

/// Lines of a C program that prints a struct's layout, and what Rust expects it to print. The pattern without
/// `..` makes it a compile error to leave a field out.
macro_rules! layout {
    ($program:ident, $expected:ident, $(($c:literal, $type:ty, $pattern:ident { $($field:ident),+ })),+ $(,)?) => {$(
        let _ = |$pattern { $($field: _),+ }: $type| ();
        writeln!($program, "    printf(\"%s %zu\\n\", \"{0}\", sizeof({0}));", $c).unwrap();
        writeln!($expected, "{} {}", $c, size_of::<$type>()).unwrap();
        $(
            let name = stringify!($field);
            writeln!($program, "    printf(\"%s %zu\\n\", \"{0}.{1}\", offsetof({0}, {1}));", $c, name).unwrap();
            writeln!($expected, "{}.{name} {}", $c, offset_of!($type, $field)).unwrap();
        )+
    )+};
}

/// The program without its frame, and its output.
fn layouts() -> (String, String) {
    let (mut program, mut expected) = (String::new(), String::new());
    layout!(
        program, expected,
        ("maso_str", Str, Str { data, length }),
        ("maso_math", Math, Math {
            struct_size, abi_minor, exp_f32, sigmoid_f32, tanh_f32, exp_f64, sigmoid_f64, tanh_f64
        }),
        ("maso_host", Host, Host { struct_size, abi_minor, context, set_error, math }),
        ("maso_spline", Spline, Spline {
            struct_size, abi_minor, pieces, slopes, offsets, knots, rule, reserved, beta
        }),
        ("maso_block_f32", Block<f32>, Block {
            struct_size, abi_minor, lines, length, input, input_stride, value, value_stride, derivative,
            derivative_stride, membership, membership_line_stride, membership_piece_stride
        }),
        ("maso_block_f64", Block<f64>, Block {
            struct_size, abi_minor, lines, length, input, input_stride, value, value_stride, derivative,
            derivative_stride, membership, membership_line_stride, membership_piece_stride
        }),
        ("maso_parameter", Parameter, Parameter {
            struct_size, abi_minor, name, description, default_value, minimum, maximum
        }),
        ("maso_kind", Kind, Kind {
            struct_size, abi_minor, name, description, flags, parameter_count, parameter, create, destroy,
            spline, soft_f32, soft_f64
        }),
        ("maso_plugin_table", PluginTable, PluginTable {
            struct_size, abi_minor, name, version, description, licence, kind_count, kind
        }),
    );
    (program, expected)
}

/// The header's constants, as C prints them and as Rust has them.
fn constants() -> (String, String) {
    let (mut program, mut expected) = (String::new(), String::new());
    let rules = ["HARD", "BETA_VQ", "LOG_PARTITION", "PROBIT", "PROBIT_TANH", "CALLBACK"];
    let errors = ["ARGUMENT", "PARAMETER", "UNSUPPORTED", "VERSION", "FAILED", "PANIC"];
    let flags = ["HAS_DERIVATIVE", "HAS_MEMBERSHIP", "POSTERIOR_MEAN"];
    use abi::{flag, rule, status};
    let rules = rules.map(|name| format!("RULE_{name}")).into_iter().zip(
        [
            rule::HARD,
            rule::BETA_VQ,
            rule::LOG_PARTITION,
            rule::PROBIT,
            rule::PROBIT_TANH,
            rule::CALLBACK,
        ]
        .map(i64::from),
    );
    let errors = errors.map(|name| format!("ERROR_{name}")).into_iter().zip(
        [
            status::ARGUMENT,
            status::PARAMETER,
            status::UNSUPPORTED,
            status::VERSION,
            status::FAILED,
            status::PANIC,
        ]
        .map(i64::from),
    );
    let flags = flags.map(|name| format!("KIND_{name}")).into_iter().zip(
        [flag::HAS_DERIVATIVE, flag::HAS_MEMBERSHIP, flag::POSTERIOR_MEAN]
            .map(|bit| bit.cast_signed()),
    );
    let others =
        [("OK".to_owned(), status::OK.into()), ("PLUGIN_ABI_MINOR".into(), abi::MINOR.into())];
    for (name, value) in rules.chain(errors).chain(flags).chain(others) {
        writeln!(program, "    printf(\"%s %lld\\n\", \"{name}\", (long long)MASO_{name});")
            .unwrap();
        writeln!(expected, "{name} {value}").unwrap();
    }
    (program, expected)
}

#[test]
fn c_and_rust_see_the_same_structs() {
    let ((structs, layouts), (numbers, constants)) = (layouts(), constants());
    let folder = common::scratch("layout");
    let (source, program) = (folder.join("layout.c"), folder.join("layout"));
    let text = format!(
        "#include <maso_plugin.h>\n#include <stddef.h>\n#include <stdio.h>\n\nint main(void) {{\n{structs}{numbers}    \
         return 0;\n}}\n"
    );
    fs::write(&source, text).unwrap();
    if common::compile(&source, &program, &[]).is_none() {
        return;
    }
    let output = Command::new(program).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), layouts + &constants);
}

/// C++ users include the same header.
#[test]
fn the_header_is_cpp_too() {
    let folder = common::scratch("layout");
    let source = folder.join("header.cpp");
    fs::write(&source, "#include <maso_plugin.h>\nint main() { return 0; }\n").unwrap();
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/include");
    let compiled = Command::new("c++")
        .args(["-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include])
        .arg(source)
        .output();
    match compiled {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr))
        }
        Err(error) => eprintln!("SKIPPED: no C++ compiler (c++: {error})"),
    }
}
