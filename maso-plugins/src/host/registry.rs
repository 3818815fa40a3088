//! Plugins by name: those of this process, and those in the folders of `MASO_PLUGIN_PATH`.

use super::{
    Error, Kind, Plugin,
    name::{is_library_file, is_name, library_file},
};
use std::{
    env, io,
    path::{Path, PathBuf},
};

/// The environment variable with the folders of plugins, separated as in `PATH`.
pub const PATH_VARIABLE: &str = "MASO_PLUGIN_PATH";

/// Folders in which plugins are found by name. Nothing there is loaded before it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    folders: Vec<PathBuf>,
}

impl Registry {
    /// Searches these folders, in order.
    #[must_use]
    pub fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect() }
    }

    /// Searches the folders of `MASO_PLUGIN_PATH`; none if it is not set.
    #[must_use]
    pub fn from_env() -> Self {
        let variable = env::var_os(PATH_VARIABLE).unwrap_or_default();
        Self::new(env::split_paths(&variable).filter(|folder| !folder.as_os_str().is_empty()))
    }

    /// Where it searches.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The plugin of this name: one that has been loaded, or the one in the file of that name
    /// (`libmy_kind.so` for `my-kind`), which is loaded.
    ///
    /// # Errors
    ///
    /// If no folder has the file, if two have different ones, or if it cannot be loaded.
    pub fn find(&self, name: &str) -> Result<&'static Plugin, Error> {
        if let Some(plugin) = Plugin::loaded().into_iter().find(|plugin| plugin.name() == name) {
            return Ok(plugin);
        }
        let plugin = Plugin::open(self.file(name)?)?;
        if plugin.name() == name {
            return Ok(plugin);
        }
        let (path, found) = (plugin.path().into(), plugin.name().into());
        Err(Error::OtherName { path, expected: name.into(), found })
    }

    /// The kind that people mean by `kind` or `plugin/kind`: of a plugin that has been loaded, else of the plugin of
    /// that name.
    ///
    /// # Errors
    ///
    /// If there is none, or if several loaded plugins have it.
    pub fn kind(&self, name: &str) -> Result<&'static Kind, Error> {
        if let Some((plugin, kind)) = name.split_once('/') {
            return self.find(plugin)?.kind(kind);
        }
        let loaded = Plugin::loaded();
        let same: Vec<_> = loaded.iter().filter_map(|plugin| plugin.kind(name).ok()).collect();
        match same.as_slice() {
            [] => self.find(name)?.kind(name),
            [kind] => Ok(kind),
            several => Err(Error::AmbiguousKind {
                kind: name.into(),
                found: several.iter().map(|kind| kind.id().clone()).collect(),
            }),
        }
    }

    /// The files in its folders that are called like dynamic libraries, sorted within each folder. None is loaded.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for folder in &self.folders {
            let listed = libraries(folder);
            files.extend(listed.map_err(|source| Error::File { path: folder.clone(), source })?);
        }
        Ok(files)
    }

    /// The file that holds a plugin.
    fn file(&self, name: &str) -> Result<PathBuf, Error> {
        let file = library_file(name);
        // A name that is none could lead out of the folders.
        let folders = self.folders.iter().filter(|_| is_name(name));
        let found: Vec<_> = folders.filter_map(|f| f.join(&file).canonicalize().ok()).collect();
        let Some(first) = found.first() else {
            return Err(Error::NotFound { name: name.into(), file, folders: self.folders.clone() });
        };
        match found.iter().find(|path| *path != first) {
            None => Ok(first.clone()),
            Some(second) => Err(Error::Twice {
                name: name.into(),
                first: first.clone(),
                second: second.clone(),
            }),
        }
    }
}

fn libraries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_library_file);
        if named && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
