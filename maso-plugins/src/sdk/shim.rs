//! What stands between the header's functions and an author's trait: pointers become slices, panics become statuses.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "the plugin's side of the interface")]

use super::{Error, Kind, Real, Spline, line::Lines};
use crate::abi::{self, status};
use std::{
    any::Any,
    ffi::c_void,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
    sync::OnceLock,
};

/// A table's own size.
#[allow(clippy::cast_possible_truncation, reason = "layout.rs asserts the sizes")]
pub(super) const fn size<T: abi::Table>() -> u32 {
    size_of::<T>() as u32
}

/// What the host handed over at the entry.
struct Shared {
    host: abi::Host,
    math: abi::Math,
}

// SAFETY: the header: the host's tables never change, and every function in them is for any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

static HOST: OnceLock<Shared> = OnceLock::new();

/// The host's vectorised functions.
pub(super) fn math() -> &'static abi::Math {
    let shared =
        HOST.get().expect("vectorised functions are there once a host has loaded the plugin");
    &shared.math
}

/// The body of `maso_plugin_entry_v1`.
///
/// # Safety
///
/// `host` and `table` are what a host calls the entry with.
#[doc(hidden)]
pub unsafe fn enter(
    host: *const abi::Host,
    table: *mut *const abi::PluginTable,
    ours: &'static abi::PluginTable,
) -> i32 {
    // SAFETY: the header: the host's table is there and says its size.
    let Ok(host) = (unsafe { abi::read(host) }) else { return status::VERSION };
    // SAFETY: as above.
    let Ok(math) = (unsafe { abi::read(host.math) }) else { return status::VERSION };
    if table.is_null() {
        return status::ARGUMENT;
    }
    HOST.get_or_init(|| Shared { host, math });
    // SAFETY: not null, and the header says that a pointer can be put there.
    unsafe { table.write(ours) };
    status::OK
}

/// A plugin's table, from its name, version, description and licence.
#[doc(hidden)]
#[must_use]
pub const fn plugin_table(
    [name, version, description, licence]: [&'static str; 4],
    kinds: &'static [&'static abi::Kind],
    kind: abi::KindFn,
) -> abi::PluginTable {
    abi::PluginTable {
        struct_size: size::<abi::PluginTable>(),
        abi_minor: abi::MINOR,
        name: abi::Str::new(name),
        version: abi::Str::new(version),
        description: abi::Str::new(description),
        licence: abi::Str::new(licence),
        kind_count: kinds.len() as u64,
        kind: Some(kind),
    }
}

/// Kind `index`, or null.
#[doc(hidden)]
#[must_use]
pub fn pick(kinds: &'static [&'static abi::Kind], index: u64) -> *const abi::Kind {
    let kind = usize::try_from(index).ok().and_then(|index| kinds.get(index));
    kind.map_or(ptr::null(), |kind| ptr::from_ref(*kind))
}

/// A kind's table.
#[doc(hidden)]
#[must_use]
pub const fn kind_table<K: Kind>() -> &'static abi::Kind {
    Shim::<K>::TABLE
}

/// An author's instance with its spline as the host sees it.
struct Instance<K> {
    kind: K,
    table: abi::Spline,
    /// What the table's pointers lead to. A vector's numbers stay where they are.
    spline: Spline,
}

impl<K: Kind> Instance<K> {
    fn new(kind: K) -> Self {
        let spline = kind.spline();
        let (rule, beta) = spline.rule.number();
        let table = abi::Spline {
            struct_size: size::<abi::Spline>(),
            abi_minor: abi::MINOR,
            pieces: spline.slopes.len() as u64,
            slopes: spline.slopes.as_ptr(),
            offsets: spline.offsets.as_ptr(),
            knots: spline.knots.as_ptr(),
            rule,
            reserved: 0,
            beta,
        };
        Self { kind, table, spline }
    }
}

/// The header's functions for a kind.
struct Shim<K>(PhantomData<K>);

impl<K: Kind> Shim<K> {
    const TABLE: &'static abi::Kind = &abi::Kind {
        struct_size: size::<abi::Kind>(),
        abi_minor: abi::MINOR,
        name: abi::Str::new(K::NAME),
        description: abi::Str::new(K::DESCRIPTION),
        flags: K::OFFERS.0,
        parameter_count: K::PARAMETERS.len() as u64,
        parameter: Some(Self::parameter),
        create: Some(Self::create),
        destroy: Some(Self::destroy),
        spline: Some(Self::spline),
        soft_f32: Some(Self::soft::<f32>),
        soft_f64: Some(Self::soft::<f64>),
    };

    unsafe extern "C" fn parameter(_: *const abi::Kind, index: u64) -> *const abi::Parameter {
        let parameter = usize::try_from(index).ok().and_then(|index| K::PARAMETERS.get(index));
        parameter.map_or(ptr::null(), |parameter| ptr::from_ref(&parameter.0))
    }

    unsafe extern "C" fn create(
        _: *const abi::Kind,
        values: *const f64,
        count: u64,
        instance: *mut *mut c_void,
    ) -> i32 {
        guard(|| {
            if count != K::PARAMETERS.len() as u64
                || (values.is_null() && count > 0)
                || instance.is_null()
            {
                return Err(Error::argument(format!("{count} values for {}", K::NAME)));
            }
            let values = match K::PARAMETERS.len() {
                0 => &[],
                // SAFETY: not null, and the header says that it leads to `count` numbers, which we compared.
                many => unsafe { slice::from_raw_parts(values, many) },
            };
            let made = Box::new(Instance::new(K::create(values)?));
            // SAFETY: not null, and the header says that a pointer can be put there.
            unsafe { instance.write(Box::into_raw(made).cast()) };
            Ok(())
        })
    }

    unsafe extern "C" fn destroy(instance: *mut c_void) {
        if instance.is_null() {
            return;
        }
        // A status cannot be given; a panic in an author's Drop ends here.
        guard(|| {
            // SAFETY: the header: made by `create`, and nobody uses it any more.
            drop(unsafe { Box::from_raw(instance.cast::<Instance<K>>()) });
            Ok(())
        });
    }

    unsafe extern "C" fn spline(instance: *const c_void) -> *const abi::Spline {
        // SAFETY: the header: made by `create` and not destroyed.
        let instance = unsafe { instance.cast::<Instance<K>>().as_ref() };
        instance.map_or(ptr::null(), |instance| ptr::from_ref(&instance.table))
    }

    unsafe extern "C" fn soft<S: Real>(instance: *const c_void, block: *const abi::Block<S>) -> i32
    where
        abi::Block<S>: abi::Table,
    {
        guard(|| {
            // SAFETY: the header: made by `create` and not destroyed.
            let instance = unsafe { instance.cast::<Instance<K>>().as_ref() };
            let instance = instance.ok_or_else(|| Error::argument("the instance is NULL"))?;
            // SAFETY: the header: a block of the host that says its size.
            let block = unsafe { abi::read(block) };
            let block = block.map_err(|e| Error::argument(format!("the block: {e}")))?;
            // SAFETY: the host's block for this instance, and this is the call.
            let lines = unsafe { Lines::new(block, instance.spline.slopes.len()) };
            let mut lines = lines.ok_or_else(|| Error::argument("a stride fits no array"))?;
            lines.try_for_each(|line| instance.kind.soft(line))
        })
    }
}

/// Runs an author's code: errors and panics become statuses with messages.
fn guard(run: impl FnOnce() -> Result<(), Error>) -> i32 {
    let outcome =
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(panicked(payload)));
    outcome.map_or_else(
        |error| {
            say(&error.message);
            error.status
        },
        |()| status::OK,
    )
}

fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned());
    // Its destructor is the author's and could panic in its turn.
    std::mem::forget(payload);
    Error { status: status::PANIC, message: text }
}

/// Tells the host why the call is about to fail.
fn say(message: &str) {
    let Some(Shared { host, .. }) = HOST.get() else { return };
    let Some(set_error) = host.set_error else { return };
    // SAFETY: the host's function with its context and a text of this length, on the thread of the call.
    unsafe { set_error(host.context, message.as_ptr(), message.len() as u64) };
}
