//! Every call into a plugin, and every read of what it hands over. What comes out of this file is owned data and
//! handles whose use is safe as long as the plugin keeps the header's promises.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "the host's side of the interface")]

use super::{
    Error, SplineFault,
    block::{Block, Checked},
    error::Failure,
    instance::Scalar,
    math,
    pieces::MOST_PIECES,
};
use crate::abi::{self, Misfit, status};
use std::{
    cell::Cell,
    ffi::c_void,
    mem::ManuallyDrop,
    path::Path,
    ptr::{self, NonNull},
    slice,
};

/// The most kinds of a plugin.
const MOST_KINDS: u64 = 1024;
/// The most parameters of a kind.
const MOST_PARAMETERS: u64 = 64;
/// The most bytes of a message; the rest is cut off.
const MOST_MESSAGE: u64 = 4096;

// ---- Messages ----

thread_local! {
    /// What a plugin said during the call in progress on this thread.
    static MESSAGE: Cell<String> = const { Cell::new(String::new()) };
}

/// The host's table.
struct Shared(abi::Host);

// SAFETY: the table never changes, its context is null, and its functions are for any thread.
unsafe impl Sync for Shared {}

static HOST: Shared = Shared(abi::Host {
    #[allow(clippy::cast_possible_truncation, reason = "32 bytes")]
    struct_size: size_of::<abi::Host>() as u32,
    abi_minor: abi::MINOR,
    context: ptr::null_mut(),
    set_error: Some(set_error),
    math: &raw const math::TABLE,
});

unsafe extern "C" fn set_error(_: *mut c_void, message: *const u8, length: u64) {
    let Ok(length) = usize::try_from(length.min(MOST_MESSAGE)) else { return };
    if message.is_null() {
        return;
    }
    // SAFETY: not null, and the header says that it leads to so many bytes.
    let bytes = unsafe { slice::from_raw_parts(message, length) };
    let text = printable(&String::from_utf8_lossy(bytes));
    // A thread that is ending has no place for it.
    let _ = MESSAGE.try_with(|place| place.set(text));
}

/// The text on one line, and without what would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Makes a call, and takes what the plugin said if it failed.
fn call(run: impl FnOnce() -> i32) -> Result<(), Failure> {
    MESSAGE.set(String::new());
    match run() {
        status::OK => Ok(()),
        status => Err(Failure { status, message: MESSAGE.take() }),
    }
}

// ---- Loading ----

/// What a plugin says of itself; texts and tables have been read, nothing else has been checked.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: String,
    pub(super) licence: String,
    pub(super) kinds: Vec<DeclaredKind>,
}

/// What a plugin says of a kind.
pub(super) struct DeclaredKind {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) flags: u64,
    pub(super) parameters: Vec<DeclaredParameter>,
    pub(super) functions: Functions,
}

/// What a plugin says of a parameter.
pub(super) struct DeclaredParameter {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) default: f64,
    pub(super) minimum: f64,
    pub(super) maximum: f64,
}

/// Loads a file for ever, and reads its tables.
pub(super) fn load(path: &Path) -> Result<Declared, Error> {
    // SAFETY: whoever asks for a plugin wants its code to run; the module says so.
    let library = unsafe { libloading::Library::new(path.as_os_str()) };
    let library = library.map_err(|source| Error::Library { path: path.into(), source })?;
    // Unloading Rust code is not sound: destructors of thread-local values would be gone before they run.
    let library = ManuallyDrop::new(library);
    // SAFETY: the header gives a symbol of this name this type, and the library stays.
    let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY) };
    let entry = entry.map_err(|_| no_entry(path, &library))?;
    settle_and_enter(path, *entry)
}

/// Why there is no entry: another version of the interface, or no plugin at all.
fn no_entry(path: &Path, library: &libloading::Library) -> Error {
    let exports = |version: &u32| {
        let symbol = format!("maso_plugin_entry_v{version}");
        // SAFETY: the symbol is not called or read, whatever it is.
        unsafe { library.get::<abi::Entry>(symbol) }.is_ok()
    };
    match (0..10).find(exports) {
        Some(found) => Error::Version { path: path.into(), found },
        None => Error::NoEntry { path: path.into() },
    }
}

fn settle_and_enter(path: &Path, entry: abi::Entry) -> Result<Declared, Error> {
    math::settle();
    let mut table = ptr::null();
    // SAFETY: a host's table that lives for ever and a place for a pointer, under the loader's lock.
    let entered = call(|| unsafe { entry(&raw const HOST.0, &raw mut table) });
    entered.map_err(|failure| Error::Entry { path: path.into(), failure })?;
    let reader = Reader { path };
    // SAFETY: null, or a table that says its size, as the header demands.
    let table = reader.named("its table", unsafe { abi::read(table) })?;
    reader.plugin(&table)
}

/// Reads tables, and says of which file they are if they are wrong.
struct Reader<'a> {
    path: &'a Path,
}

impl Reader<'_> {
    fn plugin(&self, table: &abi::PluginTable) -> Result<Declared, Error> {
        self.count("its count of kinds", table.kind_count, 1, MOST_KINDS)?;
        let kind = self.function("its table", "kind", table.kind)?;
        let kinds = (0..table.kind_count).map(|index| self.kind(kind, index));
        Ok(Declared {
            name: self.text("its name", table.name)?,
            version: self.text("its version", table.version)?,
            description: self.text("its description", table.description)?,
            licence: self.text("its licence", table.licence)?,
            kinds: kinds.collect::<Result<_, _>>()?,
        })
    }

    fn kind(&self, kind: abi::KindFn, index: u64) -> Result<DeclaredKind, Error> {
        let what = format!("the table of kind {index}");
        // SAFETY: the plugin's function, with an index below its count.
        let address = unsafe { kind(index) };
        // SAFETY: null, or a table that says its size, as the header demands.
        let table = self.named(&what, unsafe { abi::read(address) })?;
        let name = self.text(&format!("the name of kind {index}"), table.name)?;
        let what = format!("kind {name}");
        let functions = Functions {
            kind: address,
            create: self.function(&what, "create", table.create)?,
            destroy: self.function(&what, "destroy", table.destroy)?,
            spline: self.function(&what, "spline", table.spline)?,
            soft_f32: table.soft_f32,
            soft_f64: table.soft_f64,
        };
        Ok(DeclaredKind {
            description: self.text(&format!("the description of {what}"), table.description)?,
            flags: table.flags,
            parameters: self.parameters(&what, address, &table)?,
            functions,
            name,
        })
    }

    fn parameters(
        &self,
        kind: &str,
        address: *const abi::Kind,
        table: &abi::Kind,
    ) -> Result<Vec<DeclaredParameter>, Error> {
        let count = table.parameter_count;
        self.count(&format!("the count of parameters of {kind}"), count, 0, MOST_PARAMETERS)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let parameter = self.function(kind, "parameter", table.parameter)?;
        (0..count)
            .map(|index| {
                // SAFETY: the plugin's function, with its own table and an index below its count.
                let parameter = unsafe { parameter(address, index) };
                self.parameter(&format!("parameter {index} of {kind}"), parameter)
            })
            .collect()
    }

    fn parameter(
        &self,
        what: &str,
        address: *const abi::Parameter,
    ) -> Result<DeclaredParameter, Error> {
        // SAFETY: null, or a table that says its size, as the header demands.
        let table = self.named(what, unsafe { abi::read(address) })?;
        Ok(DeclaredParameter {
            name: self.text(&format!("the name of {what}"), table.name)?,
            description: self.text(&format!("the description of {what}"), table.description)?,
            default: table.default_value,
            minimum: table.minimum,
            maximum: table.maximum,
        })
    }

    fn text(&self, what: &str, text: abi::Str) -> Result<String, Error> {
        // SAFETY: the header: a plugin's texts live for ever and have the length they say.
        let text = self.named(what, unsafe { abi::text(text) })?;
        Ok(printable(&text))
    }

    fn named<T>(&self, what: &str, read: Result<T, Misfit>) -> Result<T, Error> {
        read.map_err(|misfit| Error::Table { path: self.path.into(), what: what.into(), misfit })
    }

    fn count(&self, what: &str, found: u64, least: u64, most: u64) -> Result<(), Error> {
        if (least..=most).contains(&found) {
            return Ok(());
        }
        Err(Error::Count { path: self.path.into(), what: what.into(), found, least, most })
    }

    fn function<F>(
        &self,
        what: &str,
        function: &'static str,
        found: Option<F>,
    ) -> Result<F, Error> {
        let path = self.path;
        found.ok_or_else(|| Error::Function { path: path.into(), what: what.into(), function })
    }
}

// ---- Kinds and instances ----

/// A kind's functions. They are there as long as the process, since no plugin is unloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Functions {
    kind: *const abi::Kind,
    create: abi::CreateFn,
    destroy: abi::DestroyFn,
    spline: abi::SplineFn,
    pub(super) soft_f32: Option<abi::SoftFn<f32>>,
    pub(super) soft_f64: Option<abi::SoftFn<f64>>,
}

// SAFETY: the header: the table behind the pointer never changes, and all of its functions are for any thread.
unsafe impl Send for Functions {}
// SAFETY: as above.
unsafe impl Sync for Functions {}

impl Functions {
    /// An instance; `None` if the plugin returned none.
    pub(super) fn create(&self, values: &[f64]) -> Result<Option<Handle>, Failure> {
        let mut instance = ptr::null_mut();
        // SAFETY: the plugin's function with its own table; `values` are as many as its parameters, in their ranges,
        // since `Kind` sees to that.
        call(|| unsafe {
            (self.create)(self.kind, values.as_ptr(), values.len() as u64, &raw mut instance)
        })?;
        Ok(NonNull::new(instance).map(|instance| Handle { instance, functions: *self }))
    }
}

/// An instance, destroyed with this value.
#[derive(Debug)]
pub(super) struct Handle {
    instance: NonNull<c_void>,
    functions: Functions,
}

// SAFETY: the header: an instance does not change, and its functions are for any thread; destroy is exclusive, as drop
// is.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by this kind's create, and nothing else has it.
        unsafe { (self.functions.destroy)(self.instance.as_ptr()) }
    }
}

/// An instance's spline; counts and arrays have been read, nothing else has been checked.
pub(super) struct DeclaredSpline {
    pub(super) knots: Vec<f64>,
    pub(super) slopes: Vec<f64>,
    pub(super) offsets: Vec<f64>,
    pub(super) rule: i32,
    pub(super) reserved: u32,
    pub(super) beta: f64,
}

impl Handle {
    /// The instance's pieces and rule.
    pub(super) fn spline(&self) -> Result<DeclaredSpline, SplineFault> {
        // SAFETY: made by this kind's create, and not destroyed.
        let address = unsafe { (self.functions.spline)(self.instance.as_ptr()) };
        // SAFETY: null, or a table that says its size, as the header demands.
        let table = unsafe { abi::read(address) };
        let table = table.map_err(|misfit| SplineFault::Table { what: "its spline", misfit })?;
        let wrong = SplineFault::Pieces { found: table.pieces };
        if !(1..=MOST_PIECES).contains(&table.pieces) {
            return Err(wrong);
        }
        let pieces = usize::try_from(table.pieces).map_err(|_| wrong)?;
        Ok(DeclaredSpline {
            // SAFETY: the header: so many numbers, as long as the instance lives.
            knots: unsafe { numbers("its knots", table.knots, pieces - 1) }?,
            // SAFETY: as above.
            slopes: unsafe { numbers("its slopes", table.slopes, pieces) }?,
            // SAFETY: as above.
            offsets: unsafe { numbers("its offsets", table.offsets, pieces) }?,
            rule: table.rule,
            reserved: table.reserved,
            beta: table.beta,
        })
    }

    /// Soft inference over a block.
    pub(super) fn soft<S: Scalar>(
        &self,
        soft: abi::SoftFn<S>,
        block: Checked<'_, S>,
    ) -> Result<(), Failure> {
        let block = lower(block.into_inner());
        // SAFETY: made by this kind's create and not destroyed; the block's arrays are borrowed for this call, have
        // been seen to hold what it spans, and do not overlap, since some of them are exclusive borrows.
        call(|| unsafe { soft(self.instance.as_ptr(), &raw const block) })
    }
}

/// A copy of an array.
///
/// # Safety
///
/// `first` is null or unaligned, or leads to so many numbers.
unsafe fn numbers(
    what: &'static str,
    first: *const f64,
    count: usize,
) -> Result<Vec<f64>, SplineFault> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if first.is_null() {
        return Err(SplineFault::Table { what, misfit: Misfit::Null });
    }
    if !first.is_aligned() {
        return Err(SplineFault::Table { what, misfit: Misfit::Unaligned });
    }
    // SAFETY: neither null nor unaligned, so it leads to so many numbers by contract.
    Ok(unsafe { slice::from_raw_parts(first, count) }.to_vec())
}

/// A block as the header has it.
fn lower<S>(block: Block<'_, S>) -> abi::Block<S> {
    let output = |output: Option<super::block::Output<'_, S>>| {
        output
            .map_or((ptr::null_mut(), 0), |output| (output.data.as_mut_ptr(), output.stride as u64))
    };
    let (value, value_stride) = output(block.value);
    let (derivative, derivative_stride) = output(block.derivative);
    let (membership, line_stride, piece_stride) =
        block.membership.map_or((ptr::null_mut(), 0, 0), |planes| {
            (planes.data.as_mut_ptr(), planes.line_stride as u64, planes.piece_stride as u64)
        });
    abi::Block {
        #[allow(clippy::cast_possible_truncation, reason = "96 bytes")]
        struct_size: size_of::<abi::Block<S>>() as u32,
        abi_minor: abi::MINOR,
        lines: block.lines as u64,
        length: block.length as u64,
        input: block.input.data.as_ptr(),
        input_stride: block.input.stride as u64,
        value,
        value_stride,
        derivative,
        derivative_stride,
        membership,
        membership_line_stride: line_stride,
        membership_piece_stride: piece_stride,
    }
}
