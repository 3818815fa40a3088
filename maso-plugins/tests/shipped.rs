//! The plugins of `plugins/`: what they say, what they compute, and that many threads can load them at once.

mod common;

use maso_plugins::host::{Block, Error, Inference, PATH_VARIABLE, Plugin, Registry, conformance};
use std::{path::Path, process::Command, sync::Barrier, thread};

/// The C plugin; `None` without a compiler.
fn soft_clip() -> Option<&'static Plugin> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/soft-clip/soft_clip.c");
    let out = common::scratch("c").join(common::library_file("soft-clip"));
    common::compile(&source, &out, &["-shared", "-fPIC"])?;
    Some(Plugin::open(out).unwrap())
}

fn assert_conforms(plugin: &Plugin) {
    let report = conformance::check(plugin.path());
    let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed()).collect();
    assert!(report.passed(), "{failed:#?}");
    assert!(report.checks.len() > plugin.kinds().len(), "{report:#?}");
}

#[test]
fn sigmoid_gated_names_the_hosts_rule() {
    let plugin = Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    assert_conforms(plugin);
    let kind = plugin.kind("sigmoid-gated").unwrap();
    let silu = kind.create(&[]).unwrap();
    assert_eq!(silu.inference(), Inference::BetaVq { beta: 0.5 });
    assert_eq!(silu.pieces().slopes(), [0.0, 1.0]);
    assert_eq!(silu.pieces().offsets(), [0.0, 0.0]);
    assert_eq!(silu.pieces().knots(), [0.0]);
    let hard = kind.create(&[("beta", 1.0)]).unwrap();
    assert_eq!(hard.inference(), Inference::BetaVq { beta: 1.0 });
    assert!(matches!(kind.create(&[("beta", 1.01)]).unwrap_err(), Error::OutOfRange { .. }));
}

/// Values of swish, to ten digits.
#[test]
fn sigmoid_gated_computes_swish() {
    let plugin = Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    let kind = plugin.kind("sigmoid-gated-callback").unwrap();
    for (beta, expected) in [
        (0.5, [0.731_058_578_6, -0.268_941_421_4]),
        (0.75, [0.952_574_126_8, -0.047_425_873_2]),
        (0.9, [0.999_876_605_4, -1.233_945_8e-4]),
        (0.0, [0.5, -0.5]),
    ] {
        let swish = kind.create(&[("beta", beta)]).unwrap();
        let mut value = [0.0; 2];
        swish.soft_f64(Block::line(&[1.0, -1.0]).value(&mut value, 2)).unwrap();
        for (value, expected) in value.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-10, "{beta}: {value} {expected}");
        }
    }
    let hard = kind.create(&[("beta", 1.0)]).unwrap();
    assert_eq!(hard.inference(), Inference::Hard);
}

#[test]
fn triangle_is_a_hat() {
    let plugin = Plugin::open(common::shipped("triangle")).unwrap();
    assert_conforms(plugin);
    let hat = plugin.kinds()[0].create(&[("width", 2.0)]).unwrap();
    assert_eq!(hat.inference(), Inference::Hard);
    let pieces = hat.pieces();
    for (z, piece, value) in [
        (-3.0, 0, 0.0),
        (-2.0, 0, 0.0),
        (-1.0, 1, 0.5),
        (0.0, 1, 1.0),
        (0.5, 2, 0.75),
        (9.0, 3, 0.0),
    ] {
        assert_eq!((pieces.at(z), pieces.value(z)), (piece, value), "at {z}");
    }
}

#[test]
fn soft_clip_in_c() {
    let Some(plugin) = soft_clip() else { return };
    assert_conforms(plugin);
    let kind = plugin.kind("soft-clip").unwrap();
    let clip = kind.create(&[("low", -1.0), ("high", 2.0), ("beta", 0.9)]).unwrap();
    assert_eq!(clip.pieces().knots(), [-1.0, 2.0]);
    let (z, mut value, mut membership) = ([-4.0_f32, 0.5, 7.0], [0.0; 3], [0.0; 9]);
    let block = Block::line(&z).value(&mut value, 3).membership(&mut membership, 3, 3);
    clip.soft_f32(block).unwrap();
    for (value, expected) in value.iter().zip([-1.0, 0.5, 2.0]) {
        assert!((value - expected).abs() < 1e-4, "{value} {expected}");
    }
    for (piece, point) in [(0, 0), (1, 1), (2, 2)] {
        assert!(membership[piece * 3 + point] > 0.99, "{membership:?}");
    }
    let error = kind.create(&[("low", 3.0)]).unwrap_err();
    assert!(error.to_string().ends_with("low must be less than high"), "{error}");
}

#[test]
fn many_threads_load_one_file_once() {
    let path = common::shipped("sigmoid-gated");
    let (start, path) = (&Barrier::new(16), path.as_path());
    let expected = 0.731_058_6_f32;
    let load = || {
        start.wait();
        let plugin = Plugin::open(path).unwrap();
        let swish = plugin.kind("sigmoid-gated-callback").unwrap().create(&[]).unwrap();
        let mut value = [0.0];
        for _ in 0..1000 {
            swish.soft_f32(Block::line(&[1.0]).value(&mut value, 1)).unwrap();
            assert!((value[0] - expected).abs() < 1e-6, "{value:?}");
        }
        std::ptr::from_ref(plugin) as usize
    };
    let addresses = thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(addresses.iter().all(|address| *address == addresses[0]), "{addresses:?}");
    assert_eq!(
        Plugin::loaded().iter().filter(|plugin| plugin.name() == "sigmoid-gated").count(),
        1
    );
}

/// One instance, used by many threads at once.
#[test]
fn instances_are_shared_among_threads() {
    let plugin = Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    let swish = plugin.kind("sigmoid-gated-callback").unwrap().create(&[]).unwrap();
    let z: Vec<f32> = (0..1000_u16).map(|i| f32::from(i) * 0.01 - 5.0).collect();
    let run = || {
        let mut value = vec![0.0; z.len()];
        swish.soft_f32(Block::line(&z).value(&mut value, z.len())).unwrap();
        value
    };
    let expected = run();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..200).for_each(|_| assert_eq!(run(), expected, "on another thread")));
        }
    });
}

#[test]
fn plugins_are_found_by_name() {
    let path = common::shipped("triangle");
    let registry = Registry::new([path.parent().unwrap().to_owned()]);
    assert!(registry.files().unwrap().contains(&path));
    let triangle = registry.find("triangle").unwrap();
    assert_eq!(triangle.path(), path.canonicalize().unwrap());
    assert_eq!(registry.kind("triangle").unwrap().id().to_string(), "triangle/triangle");
    common::shipped("sigmoid-gated");
    let called = registry.kind("sigmoid-gated/sigmoid-gated-callback").unwrap();
    assert_eq!(called.parameters()[0].name, "beta");
}

/// The environment can only be set for another process: this test runs itself there.
#[test]
fn the_environment_says_where_plugins_are() {
    const NAME: &str = "the_environment_says_where_plugins_are";
    let path = common::shipped("triangle");
    let folder = path.parent().unwrap();
    let registry = Registry::from_env();
    if registry.folders() == [folder] {
        assert_eq!(registry.find("triangle").unwrap().path(), path.canonicalize().unwrap());
        return;
    }
    let folders = std::env::join_paths([Path::new(""), folder]).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(PATH_VARIABLE, folders)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}
