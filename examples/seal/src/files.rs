//! Files: bounded reading, and replacing as a whole.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use narae_secrets::sealed::SealedFile;
use zeroize::Zeroizing;

/// Largest input read: a List of some hundred Secrets of the largest size.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// What a file or standard input holds; it may be plaintext, so it is wiped.
pub(crate) fn read(file: Option<&Path>, expected: &str) -> Result<Zeroizing<Vec<u8>>> {
    match file {
        Some(file) => File::open(file)
            .and_then(bounded)
            .with_context(|| format!("cannot read {}", file.display())),
        None => {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                crate::output::note(&format!(
                    "(reading {expected} from the terminal; end with Ctrl-D)"
                ));
            }
            bounded(stdin.lock()).context("cannot read standard input")
        }
    }
}

/// The same as text.
pub(crate) fn read_text(file: Option<&Path>, expected: &str) -> Result<Zeroizing<String>> {
    let mut bytes = read(file, expected)?;
    let Ok(text) = String::from_utf8(std::mem::take(&mut *bytes)) else {
        bail!("{} is not UTF-8", name(file));
    };
    Ok(Zeroizing::new(text))
}

/// What messages call an input.
pub(crate) fn name(file: Option<&Path>) -> String {
    file.map_or_else(
        || "standard input".to_owned(),
        |file| file.display().to_string(),
    )
}

fn bounded(mut from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Grown by hand: a vector that grows by itself leaves copies of its bytes behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    loop {
        let room = bytes.capacity() - bytes.len();
        if room == 0 {
            let mut larger = Zeroizing::new(Vec::with_capacity(bytes.capacity() * 2));
            larger.extend_from_slice(&bytes);
            bytes = larger;
            continue;
        }
        let read = from.by_ref().take(room as u64).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_BYTES {
            return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
        }
        if read == 0 {
            return Ok(bytes);
        }
    }
}

/// Who may read a file that was not there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Whoever the system's default lets.
    Shared,
    /// Its owner: it holds plaintext.
    Private,
}

/// Replaces a file as a whole: whoever looks sees the old bytes or the new ones. A file that is there
/// keeps its permissions and owner, and a link keeps pointing at it. A pipe or device is written to.
pub(crate) fn replace(file: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    let write = || -> io::Result<()> {
        if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
            return fs::OpenOptions::new()
                .write(true)
                .open(file)?
                .write_all(bytes);
        }
        let file = match fs::canonicalize(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => file.to_owned(),
            found => found?,
        };
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".seal-");
        #[cfg(unix)]
        if mode == Mode::Shared {
            // What the umask takes away is taken away here, too.
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let mut beside = builder.tempfile_in(folder)?;
        beside.write_all(bytes)?;
        if let Ok(old) = fs::metadata(&file) {
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt as _, fchown};
                // Only root may give a file away; for others it stays theirs.
                let _ = fchown(beside.as_file(), Some(old.uid()), Some(old.gid()));
            }
            beside.as_file().set_permissions(old.permissions())?;
        }
        beside.as_file().sync_all()?;
        beside.persist(&file)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

/// Edits a file, unless it stays as it is. Others may edit it at the same moment: of several `seal`s each sees what the one
/// before wrote, and what another program wrote meanwhile is not overwritten.
pub(crate) fn edit(file: &Path, edit: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let turn = turn(file).with_context(|| format!("cannot lock {}", file.display()))?;
    let text = read_text(Some(file), "a SealedSecret")?;
    let edited = edit(&text)?;
    if edited == *text {
        return Ok(());
    }
    // A moment remains in which a change would be lost: renaming cannot be made conditional.
    if turn.is_some() && *read_text(Some(file), "")? != *text {
        bail!(
            "{}: somebody changed it meanwhile; run again",
            file.display()
        );
    }
    replace(file, edited.as_bytes(), Mode::Shared)
}

/// Waits for the other `seal`s that edit this file; `None` for what is no file, and where files cannot be locked.
fn turn(file: &Path) -> io::Result<Option<File>> {
    loop {
        if !fs::metadata(file)?.is_file() {
            return Ok(None);
        }
        let held = File::open(file)?;
        match held.lock() {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
            locked => locked?,
        }
        // Whoever had it has put another file in its place.
        if is_same(&held.metadata()?, &fs::metadata(file)?) {
            return Ok(Some(held));
        }
    }
}

fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}

/// Writes a file that is not there yet, for its owner only; `false` if there is one by now, which stays as it is.
pub(crate) fn create_private(file: &Path, bytes: &[u8]) -> Result<bool> {
    let write = || -> io::Result<bool> {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut beside = tempfile::Builder::new()
            .prefix(".seal-")
            .tempfile_in(folder)?;
        beside.write_all(bytes)?;
        beside.as_file().sync_all()?;
        match beside.persist_noclobber(file) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

/// Whether this is a file that group or others may read, as far as this system has such modes.
pub(crate) fn is_open_to_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = |there: fs::Metadata| there.is_file() && there.permissions().mode() & 0o077 != 0;
        fs::metadata(file).is_ok_and(open)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// The SealedSecrets of a file; `None` if it has none, whatever else it is.
pub(crate) fn sealed(path: &Path) -> Result<Option<SealedFile>> {
    let bytes = read(Some(path), "")?;
    // Half a repository may be templates and other things that no YAML reader takes.
    if !bytes.windows(12).any(|window| window == b"SealedSecret") {
        return Ok(None);
    }
    let file = SealedFile::read_bytes(path.display().to_string(), &bytes)?;
    Ok((!file.secrets().is_empty()).then_some(file))
}
