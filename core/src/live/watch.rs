//! A policy file that is reloaded when it changes.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::shared::SharedPolicy;
use super::watched_paths::WatchedPaths;
use crate::config::LoadError;
use crate::policy::Policy;

/// So long nothing happens before the file is read: one change is often several events.
const QUIET: Duration = Duration::from_millis(100);

/// So long a file is waited for that does not stop changing.
const AT_MOST: Duration = Duration::from_secs(1);

/// So often the file is looked at without an event: network file systems report none.
const LOOK: Duration = Duration::from_secs(5);

/// Watches a policy file and puts every valid version of it into a [`SharedPolicy`], until it is
/// dropped.
///
/// The file may be overwritten, replaced by a rename (editors), deleted and made again, or stand
/// behind links that are exchanged (Kubernetes ConfigMaps, releases behind a `current` link).
/// Changes within 100 ms are one. A file that is not there or not valid leaves the policy as it is.
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
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Event(notify::Result<notify::Event>),
    Stop,
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
        let (messages, received) = channel();
        let sender = messages.clone();
        let io = |error| watch_error(&path, error);
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody receives any more once the watching stops.
            let _ = sender.send(Message::Event(event));
        })
        .map_err(io)?;
        let mut watching = Watching {
            path: path.clone(),
            shared,
            watcher,
            watched: WatchedPaths::default(),
            stamp: None,
        };
        watching.follow()?;
        let thread = std::thread::Builder::new()
            .name("crossgate-watch".into())
            .spawn(move || watching.run(&received, report));
        let thread = thread.map_err(|error| LoadError::Io {
            path: path.clone(),
            error,
        })?;
        Ok(PolicyWatcher {
            path,
            messages,
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
        let _ = self.messages.send(Message::Stop);
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

fn watch_error(path: &Path, error: notify::Error) -> LoadError {
    let error = match error.kind {
        notify::ErrorKind::Io(error) => error,
        _ => std::io::Error::other(error),
    };
    LoadError::Io {
        path: path.to_owned(),
        error,
    }
}

/// What tells two states of a file apart without reading it.
#[derive(PartialEq, Eq)]
struct Stamp {
    real: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let real = path.canonicalize().ok()?;
        let found = real.metadata().ok()?;
        Some(Stamp {
            length: found.len(),
            modified: found.modified().ok(),
            real,
        })
    }
}

/// Why the thread goes on.
enum Woken {
    Changed,
    Failed(notify::Error),
    Stopped,
}

struct Watching {
    path: PathBuf,
    shared: Arc<SharedPolicy>,
    watcher: RecommendedWatcher,
    watched: WatchedPaths,
    stamp: Option<Stamp>,
}

impl Watching {
    fn run(
        mut self,
        received: &Receiver<Message>,
        mut report: impl FnMut(Result<Arc<Policy>, LoadError>),
    ) {
        let mut tell = |outcome| {
            // It is the application's; its panic must not end the watching.
            let _ = catch_unwind(AssertUnwindSafe(|| report(outcome)));
        };
        tell(self.load());
        loop {
            match self.wait(received) {
                Woken::Stopped => return,
                Woken::Failed(error) => tell(Err(watch_error(&self.path, error))),
                Woken::Changed => {
                    // First the places, then the file: what changes in between is an event.
                    if let Err(error) = self.follow() {
                        tell(Err(error));
                    }
                    tell(self.load());
                }
            }
        }
    }

    fn load(&mut self) -> Result<Arc<Policy>, LoadError> {
        self.stamp = Stamp::of(&self.path);
        let policy = Arc::new(Policy::from_file(&self.path)?);
        self.shared.replace(policy.clone());
        Ok(policy)
    }

    /// Watches the places where something about the file can change now. Every one anew: a
    /// directory that was made again is another one.
    fn follow(&mut self) -> Result<(), LoadError> {
        for directory in &self.watched.directories {
            // It may be gone.
            let _ = self.watcher.unwatch(directory);
        }
        self.watched = WatchedPaths::of(&self.path);
        for directory in &self.watched.directories {
            match self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                // It went just now: what comes next is seen by the regular look.
                Err(notify::Error {
                    kind: notify::ErrorKind::PathNotFound,
                    ..
                }) => {}
                other => other.map_err(|error| watch_error(directory, error))?,
            }
        }
        Ok(())
    }

    fn wait(&self, received: &Receiver<Message>) -> Woken {
        loop {
            match received.recv_timeout(LOOK) {
                Ok(Message::Event(Ok(event))) if self.concerns(&event) => {
                    return self.settle(received);
                }
                Ok(Message::Event(Ok(_))) => {}
                Ok(Message::Event(Err(error))) => return Woken::Failed(error),
                Err(RecvTimeoutError::Timeout) if Stamp::of(&self.path) != self.stamp => {
                    return Woken::Changed;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Woken::Stopped,
            }
        }
    }

    /// Waits until the file is left alone for a moment.
    fn settle(&self, received: &Receiver<Message>) -> Woken {
        let latest = Instant::now() + AT_MOST;
        let mut until = Instant::now() + QUIET;
        loop {
            let left = until.min(latest).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woken::Changed;
            }
            match received.recv_timeout(left) {
                Ok(Message::Event(Ok(event))) if self.concerns(&event) => {
                    until = Instant::now() + QUIET
                }
                Ok(Message::Event(_)) => {}
                Err(RecvTimeoutError::Timeout) => return Woken::Changed,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Woken::Stopped,
            }
        }
    }

    fn concerns(&self, event: &notify::Event) -> bool {
        // Reading the file is an event, too.
        let changes = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            EventKind::Access(_) => false,
            _ => true,
        };
        event.need_rescan() || changes && event.paths.iter().any(|path| self.watched.concerns(path))
    }
}
