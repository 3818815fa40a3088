//! The plugins of this process: each file is loaded once, each name is taken once, and nothing is unloaded.

use super::{Error, Plugin, raw};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

static LOADED: Mutex<Vec<&'static Plugin>> = Mutex::new(Vec::new());

/// Loading holds the lock, so that two threads do not enter one plugin.
fn lock() -> MutexGuard<'static, Vec<&'static Plugin>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All plugins loaded so far, in order.
pub(super) fn all() -> Vec<&'static Plugin> {
    lock().clone()
}

/// The plugin in a file: the one loaded before, or a new one.
pub(super) fn open(path: &Path) -> Result<&'static Plugin, Error> {
    let path = canonical(path)?;
    let mut loaded = lock();
    if let Some(plugin) = loaded.iter().find(|plugin| plugin.path() == path) {
        return Ok(plugin);
    }
    let plugin = Plugin::new(path.clone(), raw::load(&path)?)?;
    if let Some(first) = loaded.iter().find(|first| first.name() == plugin.name()) {
        let (name, first) = (plugin.name().to_owned(), first.path().to_owned());
        return Err(Error::Twice { name, first, second: path });
    }
    // Its code stays for ever, and so does what is known of it.
    let plugin = Box::leak(Box::new(plugin));
    loaded.push(plugin);
    Ok(plugin)
}

/// One path for each file, absolute, so that the system's loader searches nowhere.
fn canonical(path: &Path) -> Result<PathBuf, Error> {
    let missing = |source| Error::File { path: path.into(), source };
    let canonical = path.canonicalize().map_err(missing)?;
    // The loader's words for a file that cannot be read say less than the system's.
    std::fs::File::open(&canonical).map_err(missing)?;
    Ok(canonical)
}
