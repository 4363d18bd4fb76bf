//! Where things are when the command line does not say: the bundled application, the state under
//! `target/narae`, and the folder of keys. Reads the environment; creates nothing.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The bundled application's folder.
pub(crate) fn bundled_application() -> PathBuf {
    short(&workspace().join("examples/deliver/shop"))
}

/// The default GitOps repository.
pub(crate) fn default_repository() -> PathBuf {
    short(&workspace().join("target/narae/gitops.git"))
}

/// The default embedded store.
pub(crate) fn default_store() -> PathBuf {
    short(&workspace().join("target/narae/secrets.store"))
}

/// The folder of keys: outside every repository, so that no commit can carry one.
///
/// # Errors
///
/// When neither `NARAE_HOME`, `XDG_DATA_HOME` nor `HOME` says where, or where is inside a repository.
pub(crate) fn key_folder() -> Result<PathBuf> {
    let places = [
        ("NARAE_HOME", ""),
        ("XDG_DATA_HOME", "narae"),
        ("HOME", ".local/share/narae"),
    ];
    let set = |(name, below): (&'static str, &str)| {
        let folder = env::var_os(name).filter(|value| !value.is_empty())?;
        Some((name, PathBuf::from(folder).join(below)))
    };
    let (name, folder) = places.into_iter().find_map(set).context(
        "no folder for keys: set NARAE_HOME (or HOME) to a folder outside every repository",
    )?;
    if let Some(repository) = repository_around(&folder)? {
        bail!(
            "the key folder {} ({name}) is inside the repository {}: a commit could carry the keys\n  try: NARAE_HOME with a folder outside every repository",
            folder.display(),
            repository.display()
        );
    }
    Ok(folder)
}

/// The git repository that `folder` is in, or would be in once it is made: links and `..` are followed.
fn repository_around(folder: &Path) -> Result<Option<PathBuf>> {
    let folder = std::path::absolute(folder)?;
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("/")).canonicalize();
    let there = there.with_context(|| format!("cannot look at {}", folder.display()))?;
    let is_repository = |path: &&Path| {
        path.join(".git").exists() || (path.join("HEAD").exists() && path.join("objects").exists())
    };
    Ok(there.ancestors().find(is_repository).map(Path::to_owned))
}

/// The path as a person would type it from here: relative when that is possible.
pub(crate) fn short(path: &Path) -> PathBuf {
    let here = env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).map(Path::to_path_buf).ok())
        .unwrap_or_else(|| path.to_path_buf())
}

/// A path for people: below the home folder it begins with `~`.
pub(crate) fn shown(path: &Path) -> String {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    let below = home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf));
    below.map_or_else(
        || path.display().to_string(),
        |below| Path::new("~").join(below).display().to_string(),
    )
}

/// The checkout this program was built in, or the current folder once it has moved elsewhere.
fn workspace() -> PathBuf {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    match built_in {
        Some(root) if root.join("examples/deliver/shop").is_dir() => root.to_path_buf(),
        _ => env::current_dir().unwrap_or_default(),
    }
}
