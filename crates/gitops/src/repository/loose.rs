//! Loose objects, one file each, in the format of `gitformat-loose`: deflated, a header before the bytes.
//!
//! Those of a remote are written here without a sync to disk, so a loss of power may leave a file empty or cut short. libgit2
//! would say that such an object is there, and reading one that is cut short does not end; here it is damaged, and
//! is written again when it comes again.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use flate2::read::ZlibDecoder;
use flate2::{Compression, write::ZlibEncoder};
use git2::{ObjectType, Oid};

use super::object::Object;
use super::{MAX_FILE_BYTES, store};

/// More than any header has.
const MAX_HEADER_BYTES: usize = 32;

pub(super) enum Found {
    /// There is no such file; it may be in a pack.
    Nothing,
    /// The file is there and is not the object.
    Damaged,
    Whole(Object),
}

/// The object `id`, if it is a file of its own.
pub(super) fn read(git: &git2::Repository, id: Oid) -> Found {
    let Ok(file) = File::open(path(git, id)) else {
        return Found::Nothing;
    };
    match decode(file) {
        Some(object) if object.id == id => Found::Whole(object),
        _ => Found::Damaged,
    }
}

/// Writes it beside its name and renames it, unless it is there.
pub(super) fn write(git: &git2::Repository, object: &Object) -> io::Result<()> {
    if matches!(read(git, object.id), Found::Whole(_)) {
        return Ok(());
    }
    // Directories are mostly ids, which do not get smaller.
    let level = match object.kind {
        ObjectType::Tree => Compression::none(),
        _ => Compression::fast(),
    };
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(object.bytes.len() + 64), level);
    write!(encoder, "{} {}\0", object.kind, object.bytes.len())?;
    encoder.write_all(&object.bytes)?;
    let bytes = encoder.finish()?;
    let path = path(git, object.id);
    let folder = path.parent().unwrap_or(&path);
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // `git gc` removes what is left of one that was killed, by this beginning of its name.
    let making = folder.join(format!("tmp_obj_{}", store::unique()));
    fs::write(&making, bytes).and_then(|()| fs::rename(&making, &path))
}

fn path(git: &git2::Repository, id: Oid) -> PathBuf {
    let name = id.to_string();
    let (folder, file) = name.split_at(2);
    git.commondir().join("objects").join(folder).join(file)
}

fn decode(file: File) -> Option<Object> {
    let mut bytes = Vec::new();
    // One more than the largest: that is none of ours, and the end of the stream has to be seen.
    let most = u64::try_from(MAX_FILE_BYTES + MAX_HEADER_BYTES).ok()? + 1;
    let mut decoder = ZlibDecoder::new(file).take(most);
    decoder.read_to_end(&mut bytes).ok()?;
    let header = bytes
        .iter()
        .take(MAX_HEADER_BYTES)
        .position(|byte| *byte == 0)?;
    let (kind, size) = std::str::from_utf8(bytes.get(..header)?)
        .ok()?
        .split_once(' ')?;
    let (kind, size) = (ObjectType::from_str(kind)?, size.parse::<usize>().ok()?);
    let content = bytes.split_off(header + 1);
    let object = Object::new(kind, content).ok()?;
    (object.bytes.len() == size).then_some(object)
}
