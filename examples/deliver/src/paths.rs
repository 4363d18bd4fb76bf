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
/// When neither `NARAE_HOME`, `XDG_DATA_HOME` nor `HOME` says where.
pub(crate) fn key_folder() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = set("NARAE_HOME") {
        let here = env::current_dir().unwrap_or_default().join(&folder);
        let is_repository = |path: &Path| {
            path.join(".git").exists()
                || (path.join("HEAD").exists() && path.join("objects").exists())
        };
        if let Some(repository) = here.ancestors().find(|path| is_repository(path)) {
            bail!(
                "NARAE_HOME {} is inside the repository {}: a commit could carry the keys\n  try: a folder outside every repository",
                folder.display(),
                repository.display()
            );
        }
    }
    set("NARAE_HOME")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("narae")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/narae")))
        .context(
            "no folder for keys: set NARAE_HOME (or HOME) to a folder outside every repository",
        )
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
