//! Policies from files: what decides how they are read, and what is said of files that are no
//! policy.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use crossgate::{LoadError, Policy, ProblemCode, SharedPolicy};

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("the folder for tests is writable");
    path
}

#[test]
fn the_ending_decides() {
    let json = Policy::from_file(file(
        "a.json",
        br#"{"allow_origins": ["https://a.example"]}"#,
    ))
    .unwrap();
    let toml = Policy::from_file(file(
        "a.TOML",
        b"\xef\xbb\xbfallow_origins = ['https://a.example']",
    ))
    .unwrap();
    assert_eq!(json, toml);
    let error = Policy::from_file(file("a.yaml", b"")).unwrap_err();
    assert!(
        matches!(&error, LoadError::Io { .. }) && error.to_string().contains(".json or .toml"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Policy::from_file("/no/such/policy.json").unwrap_err();
    assert!(
        error.to_string().contains("/no/such/policy.json"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_text_is_an_invalid_document() {
    let LoadError::Policy(error) =
        Policy::from_file(file("b.json", b"{\n  \"allow_origins\": \"\xff\"")).unwrap_err()
    else {
        panic!("not the file's fault")
    };
    assert_eq!(error.problems()[0].code, ProblemCode::DocumentInvalid);
    assert!(
        error.problems()[0].message.contains("line 2, column 21"),
        "{error}"
    );
}

/// More than is read, in a file that takes no room.
fn sparse(name: &str, length: u64) -> PathBuf {
    let path = file(name, b"{}");
    let grow = |file: std::fs::File| file.set_len(length);
    std::fs::File::options()
        .write(true)
        .open(&path)
        .and_then(grow)
        .expect("a file may have holes");
    path
}

/// It is an error at once, and a policy that serves stays.
fn is_refused(path: &Path, code: ProblemCode) {
    let before = Policy::builder().allow_origins(["https://a.example"]);
    let shared = SharedPolicy::new(before.build().unwrap());
    let digest = shared.policy().digest();
    for error in [
        Policy::from_file(path).unwrap_err(),
        shared.replace_file(path).unwrap_err(),
    ] {
        let LoadError::Policy(error) = error else {
            panic!("{error}")
        };
        let [problem] = error.problems() else {
            panic!("{error}")
        };
        assert_eq!(problem.code, code, "{error}");
        assert!(
            path.to_string_lossy().starts_with(&problem.value[..20]),
            "the file is named: {error}"
        );
    }
    assert_eq!(shared.policy().digest(), digest);
}

#[test]
fn a_directory_is_no_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    std::fs::create_dir(&path).unwrap();
    is_refused(&path, ProblemCode::DocumentNotAFile);
}

#[test]
fn what_is_too_large_is_not_read() {
    const LIMIT: u64 = 128 << 20;
    let before = std::time::Instant::now();
    is_refused(
        &sparse("large.json", 2 << 30),
        ProblemCode::DocumentTooLarge,
    );
    is_refused(
        &sparse("larger.toml", LIMIT + 1),
        ProblemCode::DocumentTooLarge,
    );
    // Only against reading to the end: no disk and no memory gives 4 GB so soon.
    assert!(before.elapsed().as_secs() < 60);
    // At the limit it is read, and is no text of a policy.
    let Err(LoadError::Policy(error)) = Policy::from_file(sparse("at_limit.json", LIMIT)) else {
        panic!("holes are no policy")
    };
    assert_eq!(error.problems()[0].code, ProblemCode::DocumentInvalid);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn fifo(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }

    /// Nobody writes to it, or somebody does and never ends.
    #[test]
    fn a_named_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        fifo(&path);
        is_refused(&path, ProblemCode::DocumentNotAFile);
        let writer = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        is_refused(&path, ProblemCode::DocumentNotAFile);
        drop(writer);
    }

    #[test]
    fn a_device_or_socket_is_no_policy_behind_a_link_either() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for target in [Path::new("/dev/zero"), Path::new("/dev/null"), &socket] {
            let path = folder.path().join("policy.toml");
            symlink(target, &path).unwrap();
            is_refused(&path, ProblemCode::DocumentNotAFile);
            std::fs::remove_file(path).unwrap();
        }
        drop(listener);
    }

    #[test]
    fn links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        let target = file("target", br#"{"allow_origins": "*"}"#);
        symlink(&target, folder.path().join("between")).unwrap();
        symlink("between", &path).unwrap();
        assert!(Policy::from_file(&path).is_ok());
        std::fs::remove_file(target).unwrap();
        let error = Policy::from_file(&path).unwrap_err();
        assert!(matches!(error, LoadError::Io { .. }), "{error}");
    }

    /// Files of /proc have the length 0.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_length_that_is_said_is_no_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        symlink("/proc/self/cmdline", &path).unwrap();
        let LoadError::Policy(error) = Policy::from_file(&path).unwrap_err() else {
            panic!("it can be read")
        };
        let message = &error.problems()[0].message;
        assert!(!message.contains("EOF"), "something was read: {message}");
    }

    /// Whatever is read of it, it is what stood there at some time, and reading ends.
    #[test]
    fn a_file_that_grows_is_read_to_an_end() {
        let path = file("grows.toml", b"allow_origins = '*'\n");
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                use std::io::Write;
                let mut file = std::fs::File::options().append(true).open(&path).unwrap();
                while !ends.load(Ordering::Relaxed) {
                    file.write_all(b"# more\n").unwrap();
                    std::thread::sleep(std::time::Duration::from_micros(20));
                }
            });
            let results: Vec<_> = (0..5).map(|_| Policy::from_file(&path)).collect();
            ends.store(true, Ordering::Relaxed);
            for result in results {
                match result {
                    Ok(policy) => assert!(policy.document().get("allow_origins").is_some()),
                    Err(error) => assert!(matches!(error, LoadError::Policy(_)), "{error}"),
                }
            }
        });
    }

    /// The root user may read everything, so this test runs itself as another one.
    #[test]
    fn permission_lost() {
        const CHILD: &str = "CROSSGATE_TEST_PERMISSION";
        let Ok(path) = std::env::var(CHILD) else {
            let folder = tempfile::tempdir().unwrap();
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(folder.path(), open).unwrap();
            let own = folder.path().join("test");
            std::fs::copy(std::env::current_exe().unwrap(), &own).unwrap();
            let path = folder.path().join("policy.json");
            std::fs::write(&path, r#"{"allow_origins": "*"}"#).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
            let mut child = Command::new(own);
            child.args(["--exact", "unix::permission_lost"]);
            child.env(CHILD, &path).current_dir(folder.path());
            if std::fs::read(&path).is_ok() {
                child.uid(65534).gid(65534);
            }
            assert!(child.status().unwrap().success());
            return;
        };
        let before = Policy::builder().allow_origins(["https://a.example"]);
        let shared = SharedPolicy::new(before.build().unwrap());
        let digest = shared.policy().digest();
        let error = shared.replace_file(&path).unwrap_err();
        let is_denied = matches!(&error, LoadError::Io { error, .. }
            if error.kind() == std::io::ErrorKind::PermissionDenied);
        assert!(is_denied && error.to_string().contains(&path), "{error}");
        assert_eq!(shared.policy().digest(), digest);
    }

    /// A writer that may write no more leaves a half: here at a limit, as on a full disk.
    #[test]
    fn a_file_that_was_cut_leaves_the_policy() {
        let text = format!(
            r#"{{"allow_origins": ["https://a.example"], "allow_headers": ["{}"]}}"#,
            "X".repeat(100_000)
        );
        let whole = file("whole.json", text.as_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        let status = Command::new("sh")
            .args(["-c", "ulimit -f 1; trap '' XFSZ; cat \"$0\" > \"$1\""])
            .args([&whole, &path])
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "the writer came to its limit");
        let shared = SharedPolicy::new(Policy::from_file(&whole).unwrap());
        let digest = shared.policy().digest();
        let LoadError::Policy(error) = shared.replace_file(&path).unwrap_err() else {
            panic!("it can be read")
        };
        assert_eq!(error.problems()[0].code, ProblemCode::DocumentInvalid);
        assert_eq!(shared.policy().digest(), digest);
    }
}

/// One loader for every language and server: no other source opens a file.
#[test]
fn nothing_else_reads_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let opens: [(&str, &[&str]); 4] = [
        (
            "rs",
            &[
                "fs::read(",
                "read_to_string(",
                "File::open",
                "File::options",
                "OpenOptions",
            ],
        ),
        ("py", &["open(", ".read_text(", ".read_bytes("]),
        (
            "cjs",
            &["readFile", "openSync", "createReadStream", "fs.open"],
        ),
        (
            "c",
            &["fopen(", "open(", "apr_file_open(", "ngx_open_file("],
        ),
    ];
    // The second reads its own package.json, where no native module could be loaded.
    let allowed = |path: &Path| {
        path.ends_with("core/src/config/file.rs")
            || path.ends_with("bindings-node/lib/engine/load-failure.cjs")
    };
    let mut left: Vec<PathBuf> = [
        "core/src",
        "ffi/src",
        "ffi/servers",
        "bindings-python/src",
        "bindings-python/python",
        "bindings-node/src",
        "bindings-node/lib",
        "bindings-node/adapters",
    ]
    .iter()
    .map(|folder| root.join(folder))
    .collect();
    let mut seen = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let inside = std::fs::read_dir(path).unwrap();
            left.extend(inside.map(|entry| entry.unwrap().path()));
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str());
        let Some((_, words)) = opens.iter().find(|(known, _)| Some(*known) == ending) else {
            continue;
        };
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        // Unit tests write and read what they like.
        let text = text.split("\nmod tests {").next().unwrap_or_default();
        for word in words.iter().filter(|_| !allowed(&path)) {
            let found = text.match_indices(word).find(|(at, _)| {
                let before = text[..*at].chars().next_back();
                word.starts_with('.') || before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            });
            assert!(found.is_none(), "{} has {word}", path.display());
        }
    }
    assert!(seen > 150, "{seen} files were looked at");
}
