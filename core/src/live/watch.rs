//! A policy file that is reloaded when it changes.

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::file_stamp::FileStamp;
use super::quiet_file::{QuietFile, RESTLESS, Step, Touched};
use super::shared::SharedPolicy;
use super::watched_paths::WatchedPaths;
use crate::config::LoadError;
use crate::policy::Policy;

/// Watches a policy file and puts every valid version of it into a [`SharedPolicy`], until it is
/// dropped.
///
/// The file may be overwritten, replaced by a rename (editors), deleted and made again, or stand
/// behind links that are exchanged (Kubernetes ConfigMaps, releases behind a `current` link). A
/// file that is not there, not valid or no regular file leaves the policy as it is.
///
/// It is read when nothing has changed for 100 ms, and while somebody has it open and writes, not
/// before it is closed (Linux; after 10 s all the same). Where the system tells of no changes, as
/// on network file systems, it is looked at every 5 s, whatever else goes on in its directory.
/// Still, the half of a TOML file can be a policy: write beside it and rename.
///
/// ```no_run
/// use std::sync::Arc;
/// use crossgate::{Policy, PolicyWatcher, SharedPolicy};
///
/// let shared = Arc::new(SharedPolicy::new(Policy::from_file("policy.json")?));
/// let watcher = PolicyWatcher::start("policy.json", shared.clone(), |outcome| match outcome {
///     Ok(policy) => println!("CORS policy {} is in force", policy.digest()),
///     Err(error) => eprintln!("the CORS policy stays as it was: {error}"),
/// })?;
/// // Serve with `shared`; keep `watcher`.
/// # drop(watcher);
/// # Ok::<(), crossgate::LoadError>(())
/// ```
#[must_use = "the file is watched only until this is dropped"]
pub struct PolicyWatcher {
    path: PathBuf,
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl PolicyWatcher {
    /// Starts a thread that watches. It reads the file once at the beginning, so that no change is
    /// lost between loading and watching, and then after every change; `report` is called there
    /// with each outcome, the policy that is in force now or why the old one stays. A `report` that
    /// panics is called again next time.
    ///
    /// # Errors
    /// The system cannot watch the file's directory.
    pub fn start(
        path: impl AsRef<Path>,
        shared: Arc<SharedPolicy>,
        report: impl FnMut(Result<Arc<Policy>, LoadError>) + Send + 'static,
    ) -> Result<Self, LoadError> {
        let given = path.as_ref().to_owned();
        let path =
            std::path::absolute(&given).map_err(|error| LoadError::Io { path: given, error })?;
        let mailbox = Arc::new(Mailbox::default());
        let sender = mailbox.clone();
        let watcher = notify::recommended_watcher(move |event| sender.put(event))
            .map_err(|error| watch_error(&path, error))?;
        let mut watching = Watching {
            path: path.clone(),
            shared,
            watcher,
            mailbox: mailbox.clone(),
        };
        watching.follow()?;
        let thread = std::thread::Builder::new()
            .name("crossgate-watch".into())
            .spawn(move || watching.run(report));
        let thread = thread.map_err(|error| LoadError::Watch {
            path: path.clone(),
            error,
        })?;
        Ok(PolicyWatcher {
            path,
            mailbox,
            thread: Some(thread),
        })
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Stops the watching. Waits for a report that is being made, so none comes afterwards.
impl Drop for PolicyWatcher {
    fn drop(&mut self) {
        self.mailbox.lock().stop = true;
        self.mailbox.changed.notify_all();
        // A report may drop its own watcher; the thread ends when that report is done.
        if let Some(thread) = self
            .thread
            .take()
            .filter(|thread| thread.thread().id() != std::thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PolicyWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyWatcher")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What the system refused, in words that say what there is too little of.
fn watch_error(path: &Path, error: notify::Error) -> LoadError {
    let error = match error.kind {
        notify::ErrorKind::MaxFilesWatch => io::Error::new(
            io::ErrorKind::QuotaExceeded,
            "no more inotify watches (see fs.inotify.max_user_watches)",
        ),
        notify::ErrorKind::Io(error) if is_out_of_instances(&error) => io::Error::new(
            error.kind(),
            format!(
                "no more inotify instances or open files (see fs.inotify.max_user_instances and \
                 `ulimit -n`): {error}"
            ),
        ),
        notify::ErrorKind::Io(error) => error,
        _ => io::Error::other(error),
    };
    LoadError::Watch {
        path: path.to_owned(),
        error,
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_out_of_instances(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMFILE)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_out_of_instances(_: &io::Error) -> bool {
    false
}

/// What happened that the thread has not yet seen. However much there is, it does not grow.
#[derive(Debug, Default)]
struct Happened {
    /// What of it concerns the file.
    watched: WatchedPaths,
    touched: Option<Touched>,
    failed: Option<notify::Error>,
    stop: bool,
}

#[derive(Debug, Default)]
struct Mailbox {
    happened: Mutex<Happened>,
    changed: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Happened> {
        // Nothing in it can be half done.
        self.happened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an event, if it concerns the file.
    fn put(&self, event: notify::Result<notify::Event>) {
        let mut happened = self.lock();
        match event {
            Ok(event) => {
                let Some(touched) = happened.touched_by(&event) else {
                    return;
                };
                happened.touched = Some(match happened.touched {
                    Some(before) => before.then(touched),
                    None => touched,
                });
            }
            Err(error) => happened.failed = Some(error),
        }
        self.changed.notify_all();
    }

    /// Waits until something happened, or until this time.
    fn wait(&self, until: Instant) {
        let happened = self.lock();
        let time = until.saturating_duration_since(Instant::now());
        // What was waited for is looked at by whoever waits.
        let _ = self
            .changed
            .wait_timeout_while(happened, time, |happened| happened.is_nothing());
    }
}

impl Happened {
    fn is_nothing(&self) -> bool {
        self.touched.is_none() && self.failed.is_none() && !self.stop
    }

    fn touched_by(&self, event: &notify::Event) -> Option<Touched> {
        if event.need_rescan() {
            return Some(Touched::Otherwise);
        }
        let touched = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Touched::Closed,
            // Reading the file is an event, too.
            EventKind::Access(_) => return None,
            EventKind::Modify(ModifyKind::Data(_)) => Touched::Written,
            EventKind::Create(_) | EventKind::Remove(_) => Touched::Named,
            EventKind::Modify(ModifyKind::Name(_)) => Touched::Named,
            EventKind::Any | EventKind::Other | EventKind::Modify(_) => Touched::Otherwise,
        };
        let concerns = event.paths.iter().any(|path| self.watched.concerns(path));
        concerns.then_some(touched)
    }
}

struct Watching {
    path: PathBuf,
    shared: Arc<SharedPolicy>,
    watcher: RecommendedWatcher,
    mailbox: Arc<Mailbox>,
}

impl Watching {
    fn run(mut self, mut report: impl FnMut(Result<Arc<Policy>, LoadError>)) {
        let mut tell = |outcome| {
            // It is the application's; its panic must not end the watching.
            let _ = catch_unwind(AssertUnwindSafe(|| report(outcome)));
        };
        let mut file = QuietFile::new(Instant::now());
        loop {
            let mut happened = self.mailbox.lock();
            if happened.stop {
                return;
            }
            let (touched, failed) = (happened.touched.take(), happened.failed.take());
            drop(happened);
            if let Some(error) = failed {
                tell(Err(watch_error(&self.path, error)));
            }
            let now = Instant::now();
            if let Some(touched) = touched {
                file.touched(now, touched);
            }
            match file.step(now) {
                Step::Wait(until) => self.mailbox.wait(until),
                Step::Look => self.look(&mut file, &mut tell),
                Step::Tell => {
                    file.told();
                    tell(Err(self.restless()));
                }
            }
        }
    }

    /// Looks at the file, and reads it if it is at rest.
    fn look(
        &mut self,
        file: &mut QuietFile<Option<FileStamp>>,
        tell: &mut impl FnMut(Result<Arc<Policy>, LoadError>),
    ) {
        let stamp = FileStamp::of(&self.path);
        if !file.looked(Instant::now(), stamp.clone()) {
            return;
        }
        // First the places, then the file: what changes in between is an event.
        if let Err(error) = self.follow() {
            tell(Err(error));
        }
        let outcome = Policy::from_file(&self.path);
        if FileStamp::of(&self.path) != stamp {
            // Nobody knows what was read.
            file.touched(Instant::now(), Touched::Otherwise);
            return;
        }
        file.was_read(stamp);
        tell(outcome.map(|policy| {
            let policy = Arc::new(policy);
            self.shared.replace(policy.clone());
            policy
        }));
    }

    /// Watches the places where something about the file can change now. Every one anew: a
    /// directory that was made again is another one.
    fn follow(&mut self) -> Result<(), LoadError> {
        let now = WatchedPaths::of(&self.path);
        let directories = now.directories.clone();
        let before = std::mem::replace(&mut self.mailbox.lock().watched, now);
        for directory in &before.directories {
            // It may be gone.
            let _ = self.watcher.unwatch(directory);
        }
        for directory in &directories {
            match self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                // It went just now: what comes next is seen by the regular look.
                Err(notify::Error {
                    kind: notify::ErrorKind::PathNotFound,
                    ..
                }) => {}
                other => other.map_err(|error| watch_error(&self.path, error))?,
            }
        }
        Ok(())
    }

    fn restless(&self) -> LoadError {
        let seconds = RESTLESS.as_secs();
        LoadError::Io {
            path: self.path.clone(),
            error: io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("it has not been at rest for {seconds} s, and is read when it is"),
            ),
        }
    }
}
