//! What tells two states of a file apart without reading it.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    /// Behind every link.
    real: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    identity: Identity,
}

impl FileStamp {
    /// `None`: there is no file, or nobody may see it.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let real = path.canonicalize().ok()?;
        let found = real.metadata().ok()?;
        Some(FileStamp {
            length: found.len(),
            modified: found.modified().ok(),
            identity: Identity::of(&found),
            real,
        })
    }
}

/// Which file it is, and when anything about it changed: a writer can set the time of writing back,
/// and another file can have the same length and time.
#[cfg(unix)]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

#[cfg(unix)]
impl Identity {
    fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Identity {
            device: found.dev(),
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

#[cfg(not(unix))]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    created: Option<SystemTime>,
}

#[cfg(not(unix))]
impl Identity {
    fn of(found: &Metadata) -> Self {
        Identity {
            created: found.created().ok(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_same_length_and_time_are_another_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        let old = SystemTime::UNIX_EPOCH;
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            std::fs::File::options()
                .write(true)
                .open(path)
                .and_then(|file| file.set_modified(old))
                .unwrap();
        };
        write(&path, "aaaa");
        let first = FileStamp::of(&path);
        assert_eq!(FileStamp::of(&path), first);
        // Another file in its place: two that exist at the same time have two numbers.
        let other = folder.path().join("other");
        write(&other, "bbbb");
        std::fs::rename(&other, &path).unwrap();
        let second = FileStamp::of(&path);
        assert_ne!(second, first);
        // The same file, written in place. The clock of a file system goes in steps.
        let changes = (0..1_000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            write(&path, "cccc");
            FileStamp::of(&path) != second
        });
        assert!(changes);
        assert_eq!(FileStamp::of(&folder.path().join("none")), None);
    }
}
