//! Files that are wrong, cut off or hostile: always an error that says what and where.

mod common;

use std::error::Error;
use std::path::PathBuf;

use common::testdata;
use maso_core::eval::Rows;
use maso_core::{Evaluator, LowerOptions, Network};
use maso_io::dataset::{Dataset, OpenOptions, Scaling, read_labels};
use maso_io::model::{self, ModelError, ReadOptions};
use maso_io::write::{AtomicFile, NpyWriter, NpzWriter};

/// The error and its causes in one line.
fn line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn load_bytes(bytes: Vec<u8>) -> Result<Network, ModelError> {
    model::load_bytes("m.onnx", bytes, &LowerOptions::default(), &ReadOptions::default())
}

fn model_error(bytes: &[u8]) -> String {
    match load_bytes(bytes.to_vec()) {
        Ok(_) => panic!("{} bytes load as a model", bytes.len()),
        Err(error) => line(&error),
    }
}

fn moons() -> Vec<u8> {
    std::fs::read(testdata("models/moons_relu.onnx")).expect("a model")
}

/// A file with the given bytes in a folder of its own.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    (folder, path)
}

fn data_error(bytes: &[u8]) -> String {
    let (_folder, path) = file("x.npy", bytes);
    line(&Dataset::open(path).expect_err("it is refused"))
}

fn npy(header: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    [bytes, header.as_bytes().to_vec(), body.to_vec()].concat()
}

#[test]
fn files_that_are_no_model_say_what_they_are() {
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"PK\x03\x04....", "a .npz archive: it is truncated or damaged"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"{\"a\": 1}", "a text file"),
        (b"\xFF\xFF\xFF\xFF", "no ONNX message"),
        (b"1,2\n3,4\n", "a text file"),
        (b"\x07\0\0\0\0\0\0\0{\"a\":1}", "a safetensors file: its header is damaged"),
        (b"\x08\x07", "a protobuf without a graph"),
    ] {
        let error = model_error(bytes);
        assert!(error.contains(expected) && error.contains("m.onnx"), "{error}");
    }
}

#[test]
fn a_model_cut_off_anywhere_is_an_error() {
    let whole = moons();
    for len in 0..whole.len() {
        let error = model_error(&whole[..len]);
        assert!(!error.is_empty(), "cut at {len}");
    }
    let error = model_error(&whole[..whole.len() / 2]);
    assert!(error.contains("field graph at byte") && error.contains("truncated"), "{error}");
}

#[test]
fn a_model_with_one_byte_changed_loads_or_fails_without_panic() {
    let (mut loaded, mut refused) = (0, 0);
    for name in ["moons_relu", "tiny_branches"] {
        let whole = std::fs::read(testdata(&format!("models/{name}.onnx"))).expect("a model");
        for at in 0..whole.len() {
            for flip in [0x01, 0x08, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                match load_bytes(bytes) {
                    // What loads can run: on a row of ones it gives values, or an error.
                    Ok(network) if network.input().len() < 1000 => {
                        let row = vec![1.0; network.input().len()];
                        let outputs: usize = network.output_shape().iter().product();
                        let evaluator = Evaluator::new(network.into());
                        let _ = evaluator.forward_into(&row, &mut vec![0.0; outputs]);
                        loaded += 1;
                    }
                    Ok(_) => loaded += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(loaded > 1000 && refused > 1000, "{loaded} loaded, {refused} refused");
}

#[test]
fn headers_longer_than_the_file_and_other_broken_arrays() {
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
    let body = [0; 8];
    let (_folder, path) = file("x.npy", &npy(good, &body));
    assert_eq!(Dataset::open(path).expect("a good file").len(), 2);

    let mut long = npy(good, &body);
    (long[8], long[9]) = (0xFF, 0xFF);
    let error = data_error(&long);
    assert!(error.contains("header claims 65535 bytes from byte 10"), "{error}");

    for (from, to, expected) in [
        ("(2, 1)", "(3, 1)", "shape [3, 1] needs 12 bytes"),
        ("(2, 1)", "(4611686018427387904, 8)", "overflows"),
        ("(2, 1)", "(0, 18446744073709551615, 9)", "overflows"),
        ("(2, 1)", "(0, 5)", "has no rows: its first axis is 0"),
        ("(2, 1)", "(2, 0)", "rows are empty"),
        ("(2, 1)", "()", "a single number"),
        ("(2, 1)", "(2, -1)", "not a number"),
        ("(2, 1)", "2", "no tuple as shape"),
        ("<f4", "<c8", "elements are <c8"),
        ("'<f4'", "[('a', '<f4')]", "elements are [('a'"),
        ("'descr'", "'desk'", "no descr"),
        ("False", "Maybe", "fortran_order"),
    ] {
        let error = data_error(&npy(&good.replace(from, to), &body));
        assert!(error.contains(expected) && error.contains("x.npy"), "{from} as {to}: {error}");
    }
    let fortran = good.replace("False", "True").replace("(2, 1)", "(2, 2)");
    let error = data_error(&npy(&fortran, &[0; 16]));
    assert!(error.contains("Fortran order") && error.contains("ascontiguousarray"), "{error}");
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"{\"a\": 1}", "found a text file"),
        (b"PK\x03\x04...", "a .npz archive: it is truncated or damaged"),
        (b"\x08\x08\x12", "MODEL comes before DATA"),
        (b"\x93NUMPY", "version 0"),
        (b"\x93NUMPY\x09\x00\x00\x00", "version 9"),
    ] {
        let error = data_error(bytes);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn any_rank_and_version_two_headers_are_read() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 3), }\n";
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    let bytes = [bytes, header.as_bytes().to_vec(), (0..6).collect()].concat();
    let (_folder, path) = file("x.npy", &bytes);
    let data = Dataset::open(path).expect("a good file");
    assert_eq!((data.len(), data.width()), (2, 3));
    let data = data.with_scaling(Scaling { scale: 2.0, shift: 1.0 });
    assert_eq!(data.to_vec().expect("rows"), [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
}

#[test]
fn labels_are_a_list_of_integers() {
    let label_error = |header: &str, body: &[u8]| {
        let (_folder, path) = file("l.npy", &npy(header, body));
        line(&read_labels(path, &OpenOptions::default()).expect_err("it is refused"))
    };
    let error = label_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &[0; 4]);
    assert!(error.contains("f32 numbers; expected integers"), "{error}");
    let error = label_error("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", &[0; 4]);
    assert!(error.contains("shape [2, 2]"), "{error}");
}

/// y = w · x with w = [[1], [2]] in a side file, behind another number.
fn external(location: &str, folder: &std::path::Path) -> PathBuf {
    let weight = common::external("w", location, 4, 2);
    let path = folder.join("m.onnx");
    std::fs::write(&path, common::products(&["w"], &[weight])).expect("a file");
    path
}

fn load(path: PathBuf) -> Result<Network, String> {
    model::load(path, &LowerOptions::default()).map_err(|error| line(&error))
}

#[test]
fn external_data_is_read_and_stays_in_the_models_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let weights: Vec<u8> = [9.0f32, 1.0, 2.0].iter().flat_map(|w| w.to_le_bytes()).collect();
    let inside = folder.path().join("model");
    std::fs::create_dir(&inside).expect("a folder");
    std::fs::write(inside.join("w.bin"), &weights).expect("a file");
    std::fs::write(folder.path().join("out.bin"), &weights).expect("a file");

    let network = load(external("w.bin", &inside)).expect("a model with a side file");
    let trace = network.trace(&[3.0f64, 5.0]);
    assert_eq!(trace.values[network.output().index()], [13.0]);

    for outside in ["../out.bin", "/etc/hostname", "a/../../out.bin", ""] {
        let error = load(external(outside, &inside)).expect_err("it leads out");
        assert!(error.contains("leaves the model's folder"), "{outside}: {error}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../out.bin", inside.join("link.bin")).expect("a link");
        let error = load(external("link.bin", &inside)).expect_err("a link out");
        assert!(error.contains("link out of the model's folder"), "{error}");
    }
    let error = load(external("gone.bin", &inside)).expect_err("no such file");
    assert!(error.contains("tensor \"w\"") && error.contains("gone.bin"), "{error}");
    // What is no regular file could be waited for as long as nobody writes to it.
    std::fs::create_dir(inside.join("folder.bin")).expect("a folder");
    let error = load(external("folder.bin", &inside)).expect_err("a folder");
    assert!(error.contains("no regular file"), "{error}");
    #[cfg(unix)]
    {
        let made = std::process::Command::new("mkfifo").arg(inside.join("pipe.bin")).status();
        assert!(made.expect("mkfifo runs").success(), "a pipe");
        let error = load(external("pipe.bin", &inside)).expect_err("a pipe");
        assert!(error.contains("\"pipe.bin\" is no regular file"), "{error}");
    }
    std::fs::write(inside.join("w.bin"), &weights[..8]).expect("a file");
    let error = load(external("w.bin", &inside)).expect_err("too short");
    assert!(error.contains("has 8 bytes, too few"), "{error}");
}

#[test]
fn side_files_of_tensors_that_nothing_reads_are_not_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("w.bin"), [0; 8]).expect("a file");
    let tensors =
        [common::external("w", "w.bin", 0, 2), common::external("spare", "gone.bin", 0, 9)];
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, common::products(&["w"], &tensors)).expect("a file");
    load(path.clone()).expect("a model");
    std::fs::write(&path, common::products(&["w", "spare"], &tensors)).expect("a file");
    let error = load(path).expect_err("a node reads it");
    assert!(error.contains("tensor \"spare\"") && error.contains("gone.bin"), "{error}");
}

#[test]
fn an_input_without_a_shape_is_no_single_number() {
    let bytes = std::fs::read(testdata("hostile/no_shape.onnx")).expect("a model");
    let error = model_error(&bytes);
    assert!(error.contains("the file gives no shape for input \"x\"; export the model"), "{error}");
}

#[test]
fn outputs_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = || std::fs::read_dir(folder.path()).expect("a folder").count();
    let path = folder.path().join("y.npy");

    let mut writer = NpyWriter::create::<f32>(&path, &[2, 2]).expect("a writer");
    writer.write(&[1.0f32, 2.0]).expect("space");
    assert!(!path.exists(), "nothing stands under the name yet");
    let error = writer.finish().expect_err("half the elements are missing");
    assert!(line(&error).contains("8 bytes of elements are missing"), "{error}");
    assert_eq!(names(), 0, "nothing is left behind");

    let mut writer = NpyWriter::create::<f32>(&path, &[2, 2]).expect("a writer");
    writer.write(&[1.0f32, 2.0]).expect("space");
    assert!(writer.write(&[1.0f32; 3]).is_err(), "more than the shape");
    drop(writer);
    assert_eq!(names(), 0, "nothing is left behind");

    let mut writer = NpyWriter::create::<f32>(&path, &[2, 2]).expect("a writer");
    writer.write(&[1.0f32, 2.0, 3.0, 4.0]).expect("space");
    writer.finish().expect("complete");
    let data = Dataset::open(&path).expect("what was written");
    assert_eq!(data.to_vec().expect("rows"), [1.0, 2.0, 3.0, 4.0]);

    let mut archive = NpzWriter::create(folder.path().join("r.npz")).expect("a writer");
    archive.begin::<i64>("a", &[3]).expect("space");
    archive.write(&[1i64]).expect("space");
    assert!(archive.begin::<i64>("b", &[1]).is_err(), "array a is not complete");
    archive.write(&[2i64, 3]).expect("space");
    archive.array("b", &[1], &[7u64]).expect("space");
    archive.finish().expect("complete");
    let read = common::golden(&folder.path().join("r.npz"), "a").expect("array a");
    assert_eq!((read.shape, read.data), (vec![3], vec![1.0, 2.0, 3.0]));
    assert_eq!(names(), 2);

    let error = AtomicFile::create(folder.path()).expect_err("a folder is no file");
    assert!(line(&error).contains("it is a folder"), "{error}");
    let error = AtomicFile::create(folder.path().join("no/such/r.json")).expect_err("no folder");
    assert!(line(&error).contains("r.json: there is no folder"), "{error}");
    AtomicFile::create(folder.path().join("r.json"))
        .and_then(|file| file.finish_with(b"text"))
        .expect("a text file");
    assert_eq!(names(), 3);
}

#[cfg(unix)]
#[test]
fn replaced_files_keep_their_mode_and_links_stay_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str| {
        AtomicFile::create(folder.path().join(name)).and_then(|file| file.finish_with(b"new"))
    };
    let path = folder.path().join("old.json");
    std::fs::write(&path, "old").expect("a file");
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
    mode(0o640).expect("a mode");
    symlink("old.json", folder.path().join("link.json")).expect("a link");
    symlink("later.json", folder.path().join("ahead.json")).expect("a link to nothing yet");
    write("link.json").expect("through the link");
    write("ahead.json").expect("through the link");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "new");
    assert_eq!(path.metadata().expect("the file").permissions().mode() & 0o777, 0o640);
    assert!(folder.path().join("link.json").is_symlink(), "the link stays");
    assert!(folder.path().join("later.json").is_file(), "what the link led to was made");
    mode(0o444).expect("a mode");
    let error = write("old.json").expect_err("a read-only file");
    assert!(line(&error).contains("it is read-only"), "{error}");
}
