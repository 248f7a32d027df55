//! When a watched file is read: at rest, since the half of a policy can be a policy. Knows no clock
//! and no file system; `watch.rs` tells it the time and what it saw, and does what it says.

use std::time::{Duration, Instant};

/// So long a file is left alone before it is read: one change is often several events.
const QUIET: Duration = Duration::from_millis(100);

/// The same for a file that somebody writes and has not closed, where the system tells of closing.
const OPEN_QUIET: Duration = Duration::from_secs(10);

/// The same for a change without an event: a network file system shows a writer's steps late.
const LOOK_QUIET: Duration = Duration::from_secs(1);

/// So often the file is looked at, whatever events there are: network file systems report none.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// After this time without rest it is said that the file is not read.
pub(super) const RESTLESS: Duration = Duration::from_secs(30);

/// Whether every writer is heard when it closes the file.
const TELLS_CLOSING: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What an event says of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Bytes of it changed.
    Written,
    /// Somebody who could write closed it.
    Closed,
    /// Its name means another file, or none.
    Named,
    /// Something else, or nobody knows what.
    Otherwise,
}

impl Touched {
    /// Both events, the later one second.
    pub(super) fn then(self, later: Touched) -> Touched {
        match later {
            Touched::Otherwise => self,
            known => known,
        }
    }
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing before this time.
    Wait(Instant),
    /// See in what state the file is, and say so with [`QuietFile::looked`].
    Look,
    /// Say that it keeps changing, and so with [`QuietFile::told`].
    Tell,
}

/// `S` is a state of the file: two that are equal have the same bytes.
#[derive(Debug)]
pub(super) struct QuietFile<S> {
    /// How it was when it was read.
    read: Option<S>,
    look_at: Instant,
    change: Option<Change<S>>,
}

/// Something changed and the file has not been read since.
#[derive(Debug)]
struct Change<S> {
    since: Instant,
    quiet: Duration,
    /// How it was when the rest began, as far as there was a look.
    seen: Option<S>,
    until: Instant,
    told: bool,
}

impl<S> Change<S> {
    fn new(now: Instant, quiet: Duration, seen: Option<S>) -> Self {
        Change {
            since: now,
            quiet,
            seen,
            until: now + quiet,
            told: false,
        }
    }
}

impl<S: PartialEq> QuietFile<S> {
    /// A file that was never read.
    pub(super) fn new(now: Instant) -> Self {
        QuietFile {
            read: None,
            look_at: now + LOOK,
            change: Some(Change::new(now, QUIET, None)),
        }
    }

    /// There was an event.
    pub(super) fn touched(&mut self, now: Instant, touched: Touched) {
        let change = self
            .change
            .get_or_insert_with(|| Change::new(now, QUIET, None));
        change.quiet = match touched {
            Touched::Written if TELLS_CLOSING => OPEN_QUIET,
            Touched::Written | Touched::Closed | Touched::Named => QUIET,
            Touched::Otherwise => change.quiet,
        };
        change.seen = None;
    }

    pub(super) fn step(&self, now: Instant) -> Step {
        let mut next = self.look_at;
        if let Some(change) = &self.change {
            if change.seen.is_none() {
                return Step::Look;
            }
            next = next.min(change.until);
            if !change.told {
                let restless = change.since + RESTLESS;
                // A look that is due may end it.
                if now >= restless && now < next {
                    return Step::Tell;
                }
                next = next.min(restless.max(now));
            }
        }
        if now >= next {
            Step::Look
        } else {
            Step::Wait(next)
        }
    }

    /// The file was in this state. Whether it is to be read.
    pub(super) fn looked(&mut self, now: Instant, state: S) -> bool {
        self.look_at = now + LOOK;
        let Some(change) = &mut self.change else {
            if self.read.as_ref() != Some(&state) {
                self.change = Some(Change::new(now, LOOK_QUIET, Some(state)));
            }
            return false;
        };
        if change.seen.as_ref() == Some(&state) {
            return now >= change.until;
        }
        change.seen = Some(state);
        change.until = now + change.quiet;
        false
    }

    /// The file was read, and was in this state before and after.
    pub(super) fn was_read(&mut self, state: S) {
        self.read = Some(state);
        self.change = None;
    }

    /// It was said that the file keeps changing.
    pub(super) fn told(&mut self) {
        if let Some(change) = &mut self.change {
            change.told = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A clock, a file whose state is a number, and what was done.
    struct Scene {
        now: Instant,
        state: u32,
        /// When the state changed last.
        changed: Option<Instant>,
        file: QuietFile<u32>,
        looks: Vec<Instant>,
        reads: Vec<u32>,
        /// How long the state had been what it was, at each read after a change.
        rests: Vec<Duration>,
        told: usize,
    }

    impl Scene {
        fn new() -> Self {
            let now = Instant::now();
            Scene {
                now,
                state: 0,
                changed: None,
                file: QuietFile::new(now),
                looks: Vec::new(),
                reads: Vec::new(),
                rests: Vec::new(),
                told: 0,
            }
        }

        /// One that was read and at rest.
        fn at_rest() -> Self {
            let mut scene = Self::new();
            scene.pass(QUIET);
            assert_eq!(scene.reads, [0]);
            scene.reads.clear();
            scene
        }

        /// Time goes on, and everything is done that is due.
        fn pass(&mut self, time: Duration) {
            let end = self.now + time;
            loop {
                match self.file.step(self.now) {
                    Step::Wait(until) if until > end => break,
                    Step::Wait(until) => {
                        assert!(until > self.now, "it does not spin");
                        self.now = until;
                    }
                    Step::Tell => {
                        self.told += 1;
                        self.file.told();
                    }
                    Step::Look => {
                        self.looks.push(self.now);
                        if self.file.looked(self.now, self.state) {
                            self.reads.push(self.state);
                            self.rests.extend(self.changed.map(|at| self.now - at));
                            self.file.was_read(self.state);
                        }
                    }
                }
            }
            self.now = end;
        }

        fn touch(&mut self, touched: Touched) {
            self.file.touched(self.now, touched);
            self.pass(Duration::ZERO);
        }

        fn change(&mut self) {
            self.state += 1;
            self.changed = Some(self.now);
        }

        fn write(&mut self, touched: Touched) {
            self.change();
            self.touch(touched);
        }
    }

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn a_change_is_read_once_it_is_quiet() {
        for touched in [Touched::Closed, Touched::Named, Touched::Otherwise] {
            let mut scene = Scene::at_rest();
            for _ in 0..5 {
                scene.write(touched);
                scene.pass(QUIET - MOMENT);
                assert!(scene.reads.is_empty(), "{touched:?}");
            }
            scene.pass(MOMENT);
            assert_eq!(scene.reads, [5], "{touched:?}");
            scene.pass(LOOK * 10);
            assert_eq!(scene.reads, [5], "{touched:?}");
        }
    }

    #[test]
    fn a_file_that_is_still_open_is_not_read() {
        let mut scene = Scene::at_rest();
        scene.write(Touched::Named);
        scene.write(Touched::Written);
        // The writer takes its time; its mode and owner are set while it writes.
        let wait = if TELLS_CLOSING { OPEN_QUIET } else { QUIET };
        scene.pass(wait / 2);
        scene.touch(Touched::Otherwise);
        scene.pass(wait - MOMENT);
        assert!(scene.reads.is_empty());
        scene.write(Touched::Written);
        scene.write(Touched::Closed);
        scene.pass(QUIET);
        assert_eq!(scene.reads, [4]);
        // One who never closes it is not waited for without end.
        scene.write(Touched::Written);
        scene.pass(wait);
        assert_eq!(scene.reads, [4, 5]);
    }

    #[test]
    fn a_change_without_an_event_is_seen_by_the_look() {
        let mut scene = Scene::at_rest();
        scene.state = 7;
        scene.pass(LOOK);
        scene.state = 8;
        scene.pass(LOOK_QUIET * 2 - MOMENT);
        assert!(scene.reads.is_empty());
        scene.pass(MOMENT);
        assert_eq!(scene.reads, [8]);
    }

    #[test]
    fn a_file_that_never_rests_is_not_read_and_told_of_once() {
        let mut scene = Scene::at_rest();
        for _ in 0..RESTLESS.as_millis() / 50 + 100 {
            scene.write(Touched::Closed);
            scene.pass(QUIET / 2);
        }
        assert_eq!((&scene.reads[..], scene.told), (&[][..], 1));
        scene.pass(QUIET);
        assert_eq!((scene.reads.len(), scene.told), (1, 1));
    }

    fn any_touch() -> impl Strategy<Value = Touched> {
        prop_oneof![
            Just(Touched::Written),
            Just(Touched::Closed),
            Just(Touched::Named),
            Just(Touched::Otherwise)
        ]
    }

    proptest! {
        /// Whatever happens: the look comes in time, nothing is read that has just changed, and
        /// what was written last is read in the end.
        #[test]
        fn it_is_looked_at_and_read_in_time(
            happenings in prop::collection::vec(
                (0u64..7_000, any::<bool>(), prop::option::of(any_touch())),
                0..60,
            )
        ) {
            let mut scene = Scene::at_rest();
            scene.looks.clear();
            for (wait, changes, touched) in happenings {
                scene.pass(Duration::from_millis(wait));
                if changes {
                    scene.change();
                }
                if let Some(touched) = touched {
                    scene.touch(touched);
                }
            }
            // An event that tells nothing of what was written keeps the longest wait.
            scene.pass(LOOK + OPEN_QUIET + LOOK_QUIET);
            let last = scene.state;
            prop_assert!(
                last == 0 || scene.reads.last() == Some(&last),
                "{:?}, not {last}", scene.reads
            );
            for pair in scene.looks.windows(2) {
                prop_assert!(pair[1] - pair[0] <= LOOK);
            }
            for rest in &scene.rests {
                prop_assert!(*rest >= QUIET);
            }
        }
    }
}
