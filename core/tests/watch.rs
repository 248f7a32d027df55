//! Real files that change in the ways that files change.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crossgate::{LoadError, Policy, PolicyWatcher, ProblemCode, Request, SharedPolicy};
use tempfile::TempDir;

/// Far more than any machine needs; the tests end when what they wait for is there.
const PATIENCE: Duration = Duration::from_secs(120);
/// So long nothing is heard before it counts as silence.
const SILENCE: Duration = Duration::from_millis(700);

type Outcome = Result<Arc<Policy>, LoadError>;

struct Watched {
    folder: TempDir,
    path: PathBuf,
    shared: Arc<SharedPolicy>,
    outcomes: Receiver<Outcome>,
    watcher: Option<PolicyWatcher>,
}

fn text(origin: &str) -> String {
    format!(r#"{{"allow_origins": ["{origin}"]}}"#)
}

impl Watched {
    /// Watches `name` in a new folder that `prepare` fills.
    fn start(name: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let path = folder.path().join(name);
        let shared = Arc::new(SharedPolicy::new(
            Policy::builder()
                .allow_origins(["https://start.example"])
                .build()
                .unwrap(),
        ));
        let (sender, outcomes) = channel();
        let watcher = PolicyWatcher::start(&path, shared.clone(), move |outcome| {
            sender.send(outcome).unwrap_or_default()
        })
        .unwrap();
        assert_eq!(watcher.path(), path);
        Watched {
            folder,
            path,
            shared,
            outcomes,
            watcher: Some(watcher),
        }
    }

    fn simple() -> Self {
        let watched = Self::start("policy.json", |folder| {
            write(folder.join("policy.json"), &text("https://a.example"))
        });
        watched.wait_for("https://a.example");
        watched
    }

    fn allows(&self, origin: &str) -> bool {
        allows(&self.shared.policy(), origin)
    }

    /// The outcome that `is` waits for, however many come before.
    fn outcome(&self, is: impl Fn(&Outcome) -> bool) -> Outcome {
        let end = Instant::now() + PATIENCE;
        loop {
            let outcome = self
                .outcomes
                .recv_timeout(end.saturating_duration_since(Instant::now()))
                .expect("an outcome in time");
            if is(&outcome) {
                return outcome;
            }
        }
    }

    fn wait_for(&self, origin: &str) {
        let policy = self
            .outcome(|outcome| outcome.as_ref().is_ok_and(|policy| allows(policy, origin)))
            .unwrap();
        assert_eq!(policy.digest(), self.shared.policy().digest());
    }

    /// Until nothing more comes of what was written before.
    fn wait_for_silence(&self) {
        while self.outcomes.recv_timeout(SILENCE).is_ok() {}
    }
}

fn allows(policy: &Policy, origin: &str) -> bool {
    policy
        .evaluate(&Request::new("GET").header("Origin", origin))
        .allowed()
        == Some(true)
}

fn write(path: impl AsRef<Path>, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[test]
fn the_file_is_loaded_at_the_start() {
    let watched = Watched::simple();
    assert!(!watched.allows("https://start.example"));
}

#[test]
fn overwritten() {
    let watched = Watched::simple();
    write(&watched.path, &text("https://b.example"));
    watched.wait_for("https://b.example");
    write(&watched.path, &text("https://c.example"));
    watched.wait_for("https://c.example");
}

#[test]
fn renamed_over() {
    let watched = Watched::simple();
    for origin in ["https://b.example", "https://c.example"] {
        let temporary = watched.folder.path().join(".policy.json.swp");
        write(&temporary, &text(origin));
        std::fs::rename(&temporary, &watched.path).unwrap();
        watched.wait_for(origin);
    }
}

/// As vim does: the file becomes its own backup, a new one is written in pieces, the backup goes.
#[test]
fn kept_as_a_backup_and_written_anew() {
    let watched = Watched::simple();
    let backup = watched.folder.path().join("policy.json~");
    for origin in ["https://b.example", "https://c.example"] {
        std::fs::rename(&watched.path, &backup).unwrap();
        write(&watched.path, &text(origin));
        std::fs::remove_file(&backup).unwrap();
        watched.wait_for(origin);
    }
}

/// A half is no policy: neither one that cannot be read nor one that would be valid.
#[test]
fn written_in_pieces() {
    use std::io::Write;
    let watched = Watched::start("policy.toml", |folder| {
        write(
            folder.join("policy.toml"),
            "allow_origins = ['https://a.example']",
        )
    });
    watched.wait_for("https://a.example");
    // The first that is heard of is the whole file. A machine that is busy may stop one of the
    // threads for longer than the watcher waits; then once more. A watcher that does not wait
    // reads the empty file of the beginning, each time.
    let end = Instant::now() + PATIENCE;
    for attempt in 0.. {
        assert!(Instant::now() < end, "halves were read in every attempt");
        let origin = format!("'https://b{attempt}.example']\n");
        let pieces = [
            "allow_origins = [",
            &origin,
            "allow_methods = [",
            "'PUT']\n",
            "max_age = 60\n",
        ];
        let mut file = std::fs::File::create(&watched.path).unwrap();
        for piece in pieces {
            file.write_all(piece.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(15));
        }
        drop(file);
        let expected = Policy::from_toml(&pieces.concat()).unwrap().digest();
        let first = watched.outcome(|_| true);
        if first.is_ok_and(|policy| policy.digest() == expected) {
            break;
        }
        while watched.shared.policy().digest() != expected {
            let _ = watched.outcome(|_| true);
        }
        watched.wait_for_silence();
    }
    // Emptied, as by a full disk: an error, and the policy stays.
    write(&watched.path, "");
    let before = watched.shared.policy().digest();
    assert!(matches!(
        watched.outcome(Result::is_err),
        Err(LoadError::Policy(_))
    ));
    assert_eq!(watched.shared.policy().digest(), before);
}

#[test]
fn deleted_and_made_again() {
    let watched = Watched::simple();
    std::fs::remove_file(&watched.path).unwrap();
    let gone = watched.outcome(Result::is_err).unwrap_err();
    assert!(
        matches!(&gone, LoadError::Io { error, .. } if error.kind() == ErrorKind::NotFound),
        "{gone}"
    );
    assert!(watched.allows("https://a.example"), "the old policy stays");
    write(&watched.path, &text("https://b.example"));
    watched.wait_for("https://b.example");
}

#[test]
fn its_folder_deleted_and_made_again() {
    let watched = Watched::start("a/b/policy.json", |_| ());
    assert!(matches!(
        watched.outcome(|_| true),
        Err(LoadError::Io { .. })
    ));
    for origin in ["https://b.example", "https://c.example"] {
        std::fs::create_dir_all(watched.path.parent().unwrap()).unwrap();
        write(&watched.path, &text(origin));
        watched.wait_for(origin);
        std::fs::remove_dir_all(watched.folder.path().join("a")).unwrap();
        watched.outcome(Result::is_err).unwrap_err();
        assert!(watched.allows(origin));
    }
}

/// As the kubelet does: the file is a link through `..data`, a link to a folder, which is exchanged
/// by a rename.
#[cfg(unix)]
#[test]
fn a_config_map() {
    use std::os::unix::fs::symlink;
    let version = |folder: &Path, number: u32, origin: &str| {
        let name = format!("..version_{number}");
        std::fs::create_dir(folder.join(&name)).unwrap();
        write(folder.join(&name).join("policy.json"), &text(origin));
        symlink(&name, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        if number > 1 {
            std::fs::remove_dir_all(folder.join(format!("..version_{}", number - 1))).unwrap();
        }
    };
    let watched = Watched::start("policy.json", |folder| {
        version(folder, 1, "https://a.example");
        symlink("..data/policy.json", folder.join("policy.json")).unwrap();
    });
    watched.wait_for("https://a.example");
    for (number, origin) in [
        (2, "https://b.example"),
        (3, "https://c.example"),
        (4, "https://d.example"),
    ] {
        version(watched.folder.path(), number, origin);
        watched.wait_for(origin);
    }
}

/// A folder above the file is a link, as `current` of a release.
#[cfg(unix)]
#[test]
fn a_link_above() {
    use std::os::unix::fs::symlink;
    let watched = Watched::start("current/etc/policy.json", |folder| {
        for (release, origin) in [("1", "https://a.example"), ("2", "https://b.example")] {
            std::fs::create_dir_all(folder.join(release).join("etc")).unwrap();
            write(folder.join(release).join("etc/policy.json"), &text(origin));
        }
        symlink("1", folder.join("current")).unwrap();
    });
    watched.wait_for("https://a.example");
    symlink("2", watched.folder.path().join("next")).unwrap();
    std::fs::rename(
        watched.folder.path().join("next"),
        watched.folder.path().join("current"),
    )
    .unwrap();
    watched.wait_for("https://b.example");
    write(
        watched.folder.path().join("2/etc/policy.json"),
        &text("https://c.example"),
    );
    watched.wait_for("https://c.example");
}

#[test]
fn invalid_and_then_valid() {
    let watched = Watched::simple();
    for wrong in [r#"{"allow_origins": ["https://b.example/"]}"#, "{"] {
        write(&watched.path, wrong);
        let LoadError::Policy(error) = watched.outcome(Result::is_err).unwrap_err() else {
            panic!("the file is there")
        };
        assert!(
            matches!(
                error.problems()[0].code,
                ProblemCode::OriginHasPath | ProblemCode::DocumentInvalid
            ),
            "{error}"
        );
        assert!(watched.allows("https://a.example"), "the old policy stays");
    }
    write(&watched.path, &text("https://b.example"));
    watched.wait_for("https://b.example");
}

/// What comes in the place of the file, how it is made there, and what is said of it.
#[cfg(unix)]
type Replacement<'a> = (&'a str, &'a dyn Fn(&Path), ProblemCode);

/// Whatever comes in its place is an error and no more: the file is watched on.
#[cfg(unix)]
#[test]
fn replaced_by_what_is_no_file() {
    use std::os::unix::fs::symlink;
    let watched = Watched::simple();
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let directory = |path: &Path| std::fs::create_dir(path).unwrap();
    let device = |path: &Path| symlink("/dev/zero", path).unwrap();
    // A hole: it takes no room.
    let large = |path: &Path| {
        let file = std::fs::File::create(path).unwrap();
        file.set_len(2 << 30).unwrap();
    };
    let make: [Replacement; 4] = [
        ("a named pipe", &pipe, ProblemCode::DocumentNotAFile),
        ("a directory", &directory, ProblemCode::DocumentNotAFile),
        ("a device", &device, ProblemCode::DocumentNotAFile),
        ("128 MiB", &large, ProblemCode::DocumentTooLarge),
    ];
    for (round, (what, make, code)) in make.into_iter().enumerate() {
        let kept = watched.shared.policy().digest();
        std::fs::remove_file(&watched.path).unwrap();
        make(&watched.path);
        let outcome = watched.outcome(|outcome| {
            let is = |error: &LoadError| error.to_string().contains(what);
            outcome.as_ref().is_err_and(is)
        });
        let Err(LoadError::Policy(error)) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(error.problems()[0].code, code);
        assert_eq!(watched.shared.policy().digest(), kept);
        std::fs::remove_file(&watched.path)
            .or_else(|_| std::fs::remove_dir(&watched.path))
            .unwrap();
        let origin = format!("https://n{round}.example");
        write(&watched.path, &text(&origin));
        watched.wait_for(&origin);
    }
}

#[cfg(unix)]
#[test]
fn dropped_while_there_is_a_named_pipe() {
    let mut watched = Watched::start("policy.json", |folder| {
        let path = folder.join("policy.json");
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    });
    watched.outcome(Result::is_err).unwrap_err();
    // It would never return.
    drop(watched.watcher.take());
}

/// A change that no event tells of, in a directory where something happens all the time: reading
/// alone was enough to put the look off for ever.
#[cfg(unix)]
#[test]
fn changed_through_another_name_beside_a_busy_neighbour() {
    let elsewhere = tempfile::tempdir().unwrap();
    let other_name = elsewhere.path().join("same-file");
    let watched = Watched::start("policy.json", |folder| {
        let path = folder.join("policy.json");
        write(&path, &text("https://a.example"));
        write(folder.join("neighbour"), "");
        std::fs::hard_link(path, &other_name).unwrap();
    });
    watched.wait_for("https://a.example");
    let ends = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                std::fs::read(watched.folder.path().join("neighbour")).unwrap();
                write(watched.folder.path().join("neighbour"), "x");
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        write(&other_name, &text("https://b.example"));
        watched.wait_for("https://b.example");
        ends.store(true, Ordering::Relaxed);
    });
}

/// The half of this file is a policy, and allows everybody.
#[cfg(target_os = "linux")]
#[test]
fn half_a_policy_that_is_one() {
    use std::io::Write;
    let watched = Watched::start("policy.toml", |folder| {
        write(
            folder.join("policy.toml"),
            "allow_origins = ['https://a.example']",
        )
    });
    watched.wait_for("https://a.example");
    watched.wait_for_silence();
    let mut file = std::fs::File::create(&watched.path).unwrap();
    file.write_all(b"allow_origins = '*'\n").unwrap();
    // Much longer than a quiet file is waited for; the writer still has it.
    assert!(watched.outcomes.recv_timeout(SILENCE * 2).is_err());
    file.write_all(b"allow_methods = ['PUT']\n").unwrap();
    drop(file);
    let policy = watched.outcome(|_| true).unwrap();
    assert!(
        policy.document().get("allow_methods")
            != Policy::from_toml("allow_origins = '*'")
                .unwrap()
                .document()
                .get("allow_methods")
    );
}

/// The system has nothing left to watch with: that is said, and not that the file is at fault.
#[cfg(target_os = "linux")]
#[test]
fn out_of_inotify_instances() {
    const CHILD: &str = "CROSSGATE_TEST_INOTIFY";
    if std::env::var_os(CHILD).is_none() {
        let status = std::process::Command::new("sh")
            .args([
                "-c",
                "ulimit -n 64; exec \"$0\" --exact out_of_inotify_instances",
            ])
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let shared = Arc::new(SharedPolicy::new(
        Policy::builder().allow_origins(["*"]).build().unwrap(),
    ));
    let files: Vec<_> = std::iter::repeat_with(|| std::fs::File::open("/dev/null"))
        .map_while(Result::ok)
        .collect();
    assert!(files.len() > 10);
    let error = PolicyWatcher::start("policy.json", shared, |_| ()).unwrap_err();
    assert!(matches!(error, LoadError::Watch { .. }), "{error:?}");
    assert!(error.to_string().contains("inotify instances"), "{error}");
}

#[test]
fn a_burst_is_few_reloads_and_reading_is_none() {
    let watched = Watched::simple();
    let started = Instant::now();
    for number in 0..400 {
        write(&watched.path, &text(&format!("https://n{number}.example")));
        std::thread::sleep(Duration::from_millis(1));
    }
    write(&watched.path, &text("https://last.example"));
    let mut reloads = 0;
    while !watched.allows("https://last.example") {
        watched.outcome(|_| true).unwrap();
        reloads += 1;
    }
    // A reload waits for 100 ms without a change, or for a second. Where the writing is slow, there
    // are more of them, so the time that it took says how many there may be.
    let most = 3 + started.elapsed().as_millis() / 100;
    assert!((1..=most).contains(&reloads), "{reloads}, not {most}");
    // Others in the folder, and whoever reads the file, change nothing. Something of before may
    // still be on its way, so one round of several must be silent; a watcher that minded would
    // never be.
    let silent = (0..20).any(|_| {
        watched.wait_for_silence();
        write(watched.folder.path().join("other.json"), "{}");
        std::fs::read(&watched.path).unwrap();
        watched.outcomes.recv_timeout(SILENCE).is_err()
    });
    assert!(silent);
}

#[test]
fn dropped_it_stops() {
    let mut watched = Watched::simple();
    drop(watched.watcher.take());
    write(&watched.path, &text("https://b.example"));
    // Its thread has ended, and the report with it: nothing can come any more.
    while watched.outcomes.try_recv().is_ok() {}
    assert!(matches!(
        watched.outcomes.try_recv(),
        Err(std::sync::mpsc::TryRecvError::Disconnected)
    ));
    assert!(watched.allows("https://a.example"));
}

#[test]
fn a_report_may_panic_and_may_drop_its_watcher() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write(&path, "allow_origins = ['https://a.example']");
    let shared = Arc::new(SharedPolicy::new(
        Policy::builder().allow_origins(["*"]).build().unwrap(),
    ));
    let (calls, own) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(std::sync::Mutex::new(None::<PolicyWatcher>)),
    );
    let (sender, called) = channel();
    let report = {
        let (calls, own) = (calls.clone(), own.clone());
        move |_: Outcome| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            if call == 1 {
                drop(own.lock().unwrap().take());
            }
            sender.send(call).unwrap();
            assert!(call > 0, "the first report panics");
        }
    };
    *own.lock().unwrap() = Some(PolicyWatcher::start(&path, shared, report).unwrap());
    assert_eq!(called.recv_timeout(PATIENCE), Ok(0));
    write(&path, "allow_origins = ['https://b.example']");
    assert_eq!(called.recv_timeout(PATIENCE), Ok(1));
    // The thread ends with its report, and its sender with it.
    assert!(called.recv_timeout(PATIENCE).is_err());
    assert!(own.lock().unwrap().is_none());
}
