//! The way to a file: every name and link on it, and the directories in which they would change.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Linux follows no more.
const LINKS: usize = 40;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WatchedPaths {
    /// What the file's path goes through, links resolved.
    names: BTreeSet<PathBuf>,
    /// Where the links and the file stand, or, of what is not there, the directory where it would
    /// begin.
    pub(super) directories: BTreeSet<PathBuf>,
}

impl WatchedPaths {
    /// The way as it is now.
    pub(super) fn of(path: &Path) -> Self {
        let mut watched = WatchedPaths::default();
        let mut here = PathBuf::new();
        let mut left: Vec<OsString> = parts(path);
        let mut links = 0;
        while let Some(part) = left.pop() {
            match Path::new(&part).components().next() {
                Some(Component::Normal(name)) => {
                    let next = here.join(name);
                    watched.names.insert(next.clone());
                    if left.is_empty() {
                        watched.directories.insert(here.clone());
                    }
                    match next.read_link() {
                        Ok(target) if links < LINKS => {
                            links += 1;
                            watched.directories.insert(here.clone());
                            left.extend(parts(&target));
                        }
                        _ if next.exists() => here = next,
                        _ => {
                            watched.directories.insert(here);
                            break;
                        }
                    }
                }
                Some(Component::ParentDir) => {
                    here.pop();
                }
                Some(Component::Prefix(_)) => here = PathBuf::from(&part),
                Some(Component::RootDir) => here.push(&part),
                Some(Component::CurDir) | None => {}
            }
        }
        watched
    }

    /// Whether a change of this path is one of the file, or may be.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        self.names.contains(path)
    }
}

/// The last part first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_and_what_is_missing_is_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("mount/..v1")).unwrap();
        std::fs::write(root.join("mount/..v1/policy.json"), "").unwrap();
        symlink("..v1", root.join("mount/..data")).unwrap();
        symlink("..data/policy.json", root.join("mount/policy.json")).unwrap();
        symlink("mount/../mount", root.join("link")).unwrap();
        let watched = WatchedPaths::of(&root.join("link/policy.json"));
        assert_eq!(
            watched.directories,
            BTreeSet::from([root.clone(), root.join("mount"), root.join("mount/..v1")])
        );
        for name in [
            "link",
            "mount",
            "mount/policy.json",
            "mount/..data",
            "mount/..v1",
            "mount/..v1/policy.json",
        ] {
            assert!(watched.concerns(&root.join(name)), "{name} {watched:?}");
        }
        assert!(!watched.concerns(&root.join("mount/other.json")));

        let watched = WatchedPaths::of(&root.join("a/b/policy.json"));
        assert_eq!(watched.directories, BTreeSet::from([root.clone()]));
        assert!(watched.concerns(&root.join("a")));

        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(
            WatchedPaths::of(&root.join("loop/policy.json")).directories,
            BTreeSet::from([root])
        );
    }
}
