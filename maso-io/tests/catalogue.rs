//! Every file of `testdata/hostile`, and some thousand damaged copies of good ones: an error or a right
//! answer, never a panic, and no memory beyond the limits.

mod common;

use std::path::PathBuf;
use std::sync::Mutex;

use common::testdata;
use maso_core::eval::Rows;
use maso_core::{Evaluator, LowerOptions, Network};
use maso_io::Limits;
use maso_io::dataset::{Dataset, OpenOptions};
use maso_io::model::{self, Architecture, ReadOptions};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What is allocated while one test runs is not to be counted in another.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes allocated at most, beyond those from before, while `work` runs.
fn peak(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// Reads a file every way there is; whether any way gave an answer.
fn try_all(path: &PathBuf, limits: Limits) -> bool {
    let mut options = OpenOptions::default();
    options.limits = limits;
    let mut answered = false;
    for array in [None, Some("x")] {
        options.array = array.map(str::to_owned);
        if let Ok(rows) = Dataset::open_with(path, &options) {
            let first = rows.len().min(100);
            answered |= rows.width() < 1 << 20 && rows.block(0..first, &mut Vec::new()).is_ok();
        }
    }
    for architecture in [None, Some("mlp:relu"), Some("conv:relu:1x9x9")] {
        let mut how = ReadOptions::default();
        how.limits = limits;
        how.architecture = architecture.map(|text| text.parse().expect("an architecture"));
        if let Ok(network) = model::load_with(path, &LowerOptions::default(), &how) {
            answered |= runs(network);
        }
    }
    if path.extension().is_some_and(|ending| ending == "json") {
        let _ = Architecture::read(path, &limits);
    }
    answered
}

/// Whether a network gives values for a row of ones.
fn runs(network: Network) -> bool {
    let outputs: usize = network.output_shape().iter().product();
    if network.input().len() > 1 << 12 || outputs > 1 << 12 {
        return true;
    }
    let row = vec![1.0; network.input().len()];
    Evaluator::new(network.into()).forward_into(&row, &mut vec![0.0; outputs]).is_ok()
}

/// Files with right answers: side files that are shared or not needed, and rows and tables that do not
/// fit another file or option.
const RIGHT: [&str; 13] = [
    "external_overlap.onnx",
    "external_unused.onnx",
    "few.npy",
    "fractions.csv",
    "wrong_width.npy",
    "infinite.npy",
    "two_arrays.npz",
    "wide.csv",
    "columns.csv",
    "columns.npy",
    "array.csv",
    "missing_column.csv",
    "same_name.csv",
];

#[test]
fn hostile_files_are_refused_within_the_limits() {
    let _alone = ALONE.lock();
    let mut count = 0;
    for entry in std::fs::read_dir(testdata("hostile")).expect("the catalogue") {
        let path = entry.expect("an entry").path();
        let mut answered = false;
        let used = peak(|| answered = try_all(&path, Limits::default()));
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert_eq!(answered, RIGHT.contains(&name), "{name}: an answer, or none");
        // What inflates is stopped at 64 MiB; a buffer that grows is held twice, once at double the size.
        let bound = if name.starts_with("bomb") { 208 << 20 } else { 4 << 20 };
        assert!(used < bound, "{name}: {used} bytes were allocated");
        count += 1;
    }
    assert!(count > 98, "found only {count} files");
}

/// Good files of every format.
const GOOD: [&str; 18] = [
    "models/tiny_branches.onnx",
    "models/tiny_softmax.onnx",
    "exported/keras_mlp.onnx",
    "exported/mlp_half.onnx",
    "exported/mlp_softshrink_dynamo.onnx",
    "exported/adaptive_dynamo.onnx",
    "exported/sklearn_words.onnx",
    "exported/unet_nearest.onnx",
    "formats/moons.safetensors",
    "formats/moons_weights.npz",
    "formats/moons_double.npz",
    "formats/digits_compressed.npz",
    "formats/digits-idx3-ubyte.gz",
    "formats/labels-idx1-ubyte",
    "formats/pixels_nhwc.npy",
    "formats/moons.csv",
    "formats/moons.parquet",
    "formats/lenet.json",
];

const CASES: usize = 400;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// One to four damages: bits, bytes of meaning, cuts, repetitions, and stretches moved.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let len = bytes.len();
        if len < 16 {
            return;
        }
        // Headers are where the meaning is.
        let near = if random.below(2) == 0 { len } else { len.min(400) };
        let at = random.below(near - 8);
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'9', b'-', b'.'][random.below(8)],
            2 => bytes[at..at + 8].fill(0xFF),
            3 => bytes[at..at + 4].copy_from_slice(&(1u32 << random.below(32)).to_le_bytes()),
            4 => bytes.truncate(at + 8),
            5 => {
                let end = (at + 1 + random.below(64)).min(len);
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 => drop(bytes.drain(at..(at + 1 + random.below(32)).min(len))),
            _ => {
                let from = random.below(len - 8);
                let copy: [u8; 8] = bytes[from..from + 8].try_into().expect("eight bytes");
                bytes[at..at + 8].copy_from_slice(&copy);
            }
        }
    }
}

#[test]
fn thousands_of_damaged_files_neither_panic_nor_fill_the_memory() {
    let _alone = ALONE.lock();
    let mut limits = Limits::default();
    limits.inflated_bytes = 1 << 22;
    limits.elements = 1 << 22;
    limits.held_numbers = 1 << 22;
    let folder = tempfile::tempdir().expect("a folder");
    let (mut answered, mut refused, mut random) = (0, 0, Random(2026));
    for good in GOOD {
        let whole = std::fs::read(testdata(good)).expect("a good file");
        let ending = good.rsplit('.').next().filter(|ending| ending.len() < 12).unwrap_or("bin");
        let path = folder.path().join(format!("damaged.{ending}"));
        for case in 0..CASES {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut random);
            std::fs::write(&path, &bytes).expect("a damaged file");
            let mut answer = false;
            let used = peak(|| answer = try_all(&path, limits));
            assert!(used < 256 << 20, "{good}, case {case}: {used} bytes were allocated");
            *(if answer { &mut answered } else { &mut refused }) += 1;
        }
    }
    assert_eq!(answered + refused, GOOD.len() * CASES, "every case was one or the other");
    assert!(answered > 400 && refused > 400, "{answered} answered, {refused} refused");
}

#[test]
fn limits_of_the_caller_are_kept() {
    let _alone = ALONE.lock();
    let error = |change: &dyn Fn(&mut Limits), file: &str, architecture: Option<&str>| {
        let mut how = ReadOptions::default();
        change(&mut how.limits);
        how.architecture = architecture.map(|text| text.parse().expect("an architecture"));
        let error = model::load_with(testdata(file), &LowerOptions::default(), &how);
        let error = error.expect_err("beyond a limit");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    let moons = "models/moons_relu.onnx";
    let e = error(&|limits| limits.model_bytes = 100, moons, None);
    assert!(e.contains("the limit is 100 (Limits::model_bytes)"), "{e}");
    let e = error(&|limits| limits.nodes = 2, moons, None);
    assert!(e.contains("nodes, the limit is 2"), "{e}");
    let e = error(&|limits| limits.tensors = 3, moons, None);
    assert!(e.contains("6 initialisers, the limit is 3"), "{e}");
    let e = error(&|limits| limits.rank = 1, moons, None);
    assert!(e.contains("2 axes, the limit is 1"), "{e}");
    let e = error(&|limits| limits.constant_bytes = 1000, moons, None);
    assert!(e.contains("would take more than 1000 bytes (Limits::constant_bytes)"), "{e}");
    let e = error(&|l| l.constant_bytes = 1000, "formats/moons.safetensors", Some("mlp:relu"));
    assert!(e.contains("would take more than 1000 bytes (Limits::constant_bytes)"), "{e}");
    let e = error(&|limits| limits.elements = 63, moons, None);
    assert!(e.contains("more than 63 elements"), "{e}");
    let e = error(&|l| l.tensors = 3, "formats/moons.safetensors", Some("mlp:relu"));
    assert!(e.contains("6 tensors, the limit is 3"), "{e}");

    let mut options = OpenOptions::default();
    options.limits.columns = 1;
    let e = Dataset::open_with(testdata("formats/moons.csv"), &options).expect_err("two columns");
    assert!(e.to_string().contains("2 fields, the limit is 1"), "{e}");
    // A hundred thousand empty nodes are a quarter of a megabyte, and would be many.
    let mut bytes = vec![0x08, 8, 0x3A, 0x80, 0xB5, 0x18];
    bytes.extend([0x0A, 0].repeat(200_000));
    let many = [&bytes[..], &[0x42, 2, 0x10, 17]].concat();
    let mut limits = Limits::default();
    limits.nodes = 100_000;
    let used = peak(|| {
        let error = model::onnx::read(&many, &model::side::NoFiles, &limits).expect_err("too many");
        assert!(error.to_string().contains("200000 nodes, the limit is 100000"), "{error}");
    });
    assert!(used < 1 << 20, "{used} bytes were allocated for nodes that were refused");
}

/// A model of some kilobytes whose 200 tensors all lie over one sparse side file.
#[test]
fn overlapping_side_data_take_no_memory_for_each_tensor() {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir().expect("a folder");
    let elements = 2 << 20;
    let side = std::fs::File::create(folder.path().join("side.data")).expect("a file");
    side.set_len(4 * elements as u64).expect("a sparse file");
    let names: Vec<String> = (0..200).map(|index| format!("w{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tensor = |name: &&str| common::external(name, "side.data", 0, elements);
    let tensors: Vec<_> = names.iter().map(tensor).collect();
    let path = folder.path().join("m.onnx");
    let load = |used: &[&str], limits: Limits| {
        std::fs::write(&path, common::products(used, &tensors)).expect("a model");
        let mut how = ReadOptions::default();
        how.limits = limits;
        let mut error = None;
        let used = peak(|| error = model::read(&path, &how).err());
        let source = error.as_ref().and_then(std::error::Error::source);
        (source.map(ToString::to_string).unwrap_or_default(), used)
    };
    let (error, used) = load(&[], Limits::default());
    assert_eq!(error, "", "nothing reads them");
    assert!(used < 1 << 20, "{used} bytes were allocated for tensors that nothing reads");
    let (error, used) = load(&names, Limits::default());
    assert!(error.contains("read more than 4 times as many of them"), "{error}");
    // Four tensors, and the bytes of the one that is being read.
    assert!(used < 6 * 4 * elements, "{used} bytes were allocated for one side file");
    let mut limits = Limits::default();
    limits.constant_bytes = 4 * elements as u64 - 1;
    let (error, used) = load(&names, limits);
    assert!(error.contains("(Limits::constant_bytes)"), "{error}");
    assert!(used < 1 << 20, "{used} bytes were allocated for tensors that were refused");
}

/// Files that change while they are in use are noticed.
#[test]
fn a_file_that_shrinks_or_grows_meanwhile_is_noticed() {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.npy");
    let good = std::fs::read(testdata("data/moons.npy")).expect("moons");
    for access in [maso_io::dataset::Access::default(), maso_io::dataset::Access::Buffered] {
        for len in [good.len() as u64 / 2, good.len() as u64 + 8] {
            std::fs::write(&path, &good).expect("a file");
            let mut options = OpenOptions::default();
            options.access = access;
            let rows = Dataset::open_with(&path, &options).expect("rows");
            assert!(rows.block(0..10, &mut Vec::new()).is_ok(), "unchanged");
            let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file");
            file.set_len(len).expect("another length");
            let error =
                rows.block(10..20, &mut Vec::new()).expect_err("it was changed").to_string();
            assert!(error.contains("changed while it was read"), "{access:?}: {error}");
        }
    }
}
