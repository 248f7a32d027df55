//! An event for every decision: what was asked, what was decided, and by which policy.
//!
//! Target `crossgate`. A denied request is a `WARN` event, up to [`DENIALS_A_SECOND`] of each
//! reason in a second; what is above that, and every allowed request, is `DEBUG`; requests that are
//! no CORS requests are `TRACE`. The next `WARN` of the reason says in `suppressed` how many were
//! not.
//!
//! | field | what |
//! |---|---|
//! | `kind`, `reason`, `action` | as [`Decision`] names them |
//! | `origin` | the first `Origin` line, escaped |
//! | `denied_name` | the method or header name that failed: [`Policy::denied_name`] |
//! | `requested_headers` | if one of them failed: the first line, escaped |
//! | `policy` | [`Policy::digest`] |
//! | `suppressed` | if there were any |
//!
//! A response whose own CORS headers the policy replaced or removed is a `WARN` event
//! `CORS overwrote` of the middlewares, once in [`OVERWRITE_SECONDS`], with `path` (that of the
//! request, without its query), `allow_origin` (what the application said) and `suppressed`.
//!
//! What comes from the request is at most [`SHOWN_BYTES`] bytes long and then `...`; every byte
//! that no origin, method or list of names has is written as `\x0a`. So no request can end a line,
//! add a field or reach a terminal.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::Level;
use tracing::field::{DisplayValue, display};
use tracing::level_filters::LevelFilter;

use super::shadow::ShadowDifference;
use super::shared::Snapshot;
use crate::decide::Decision;
use crate::fetch::reason::{FailedCheck, Reason};
use crate::fetch::request::{Request, RequestKind};
use crate::policy::Policy;
use crate::text::escape::{self, Escaped};

/// How many bytes of a header an event shows.
pub const SHOWN_BYTES: usize = escape::SHOWN_BYTES;

/// How many denied requests of one reason are `WARN` events in a second.
pub const DENIALS_A_SECOND: u32 = 10;

/// How many seconds lie at least between two `WARN` events about CORS headers of the application
/// that the policy replaced or removed.
pub const OVERWRITE_SECONDS: u32 = 60;

macro_rules! emit {
    ($level:ident, $shown:expr, $suppressed:expr) => {
        tracing::event!(
            target: "crossgate",
            Level::$level,
            kind = $shown.decision.kind().as_str(),
            reason = $shown.decision.reason().as_str(),
            action = $shown.decision.action().as_str(),
            origin = $shown.origin(),
            denied_name = $shown.denied_name(),
            requested_headers = $shown.requested_headers(),
            policy = display($shown.policy.digest()),
            suppressed = $suppressed,
            "CORS"
        )
    };
}

impl Decision<'_> {
    /// Emits the [event](crate::trace) of this decision. Where nobody listens it costs one atomic
    /// load.
    ///
    /// ```
    /// use crossgate::{Policy, Request};
    /// let policy = Policy::builder()
    ///     .allow_origins(["https://a.example"])
    ///     .build()?;
    /// let request = Request::new("GET").header("Origin", "https://evil.example");
    /// let decision = policy.evaluate(&request);
    /// decision.trace(&policy, &request);
    /// // WARN crossgate: CORS kind="actual" reason="origin_not_listed" action="forward"
    /// //   origin=https://evil.example policy=…
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[inline]
    pub fn trace(&self, policy: &Policy, request: &Request<'_>) {
        let level = match (self.allowed(), self.kind()) {
            (Some(false), _) => Level::WARN,
            (_, RequestKind::NotCors) => Level::TRACE,
            _ => Level::DEBUG,
        };
        if level <= LevelFilter::current() {
            Shown {
                decision: self,
                policy,
                request,
            }
            .emit(level);
        }
    }
}

impl ShadowDifference {
    /// Emits a `WARN` event `CORS shadow` with what both policies say, at most [`DENIALS_A_SECOND`]
    /// in a second and the rest as `DEBUG`. The policies are those of the snapshot that found the
    /// difference.
    #[inline]
    pub fn trace(&self, snapshot: &Snapshot, request: &Request<'_>) {
        self.trace_of(
            snapshot.policy(),
            snapshot.shadow().map(|policy| &**policy),
            request,
        );
    }

    /// The same with the policies.
    pub(crate) fn trace_of(&self, live: &Policy, shadow: Option<&Policy>, request: &Request<'_>) {
        if !warnings_are_heard() {
            return;
        }
        static LIMIT: Limit = Limit::new();
        let shadow_policy = shadow.map(|policy| display(policy.digest()));
        macro_rules! emit {
            ($level:ident, $suppressed:expr) => {
                tracing::event!(
                    target: "crossgate",
                    Level::$level,
                    kind = self.live.kind.as_str(),
                    reason = self.live.reason.as_str(),
                    action = self.live.action.as_str(),
                    shadow_reason = self.shadow.reason.as_str(),
                    shadow_action = self.shadow.action.as_str(),
                    origin = origin(request),
                    policy = display(live.digest()),
                    shadow_policy,
                    suppressed = $suppressed,
                    "CORS shadow"
                )
            };
        }
        match LIMIT.admit_now() {
            Some(suppressed) => emit!(WARN, suppressed),
            None => emit!(DEBUG, None::<u64>),
        }
    }
}

/// Emits a `WARN` event `CORS predicate` for a question about an origin that the application did
/// not answer, at most [`DENIALS_A_SECOND`] in a second.
#[cfg(any(feature = "tower", feature = "actix"))]
#[cold]
pub(crate) fn predicate_failed(failure: &'static str) {
    static LIMIT: Limit = Limit::new();
    if LevelFilter::current() >= LevelFilter::WARN
        && let Some(suppressed) = LIMIT.admit_now()
    {
        tracing::event!(
            target: "crossgate",
            Level::WARN,
            failure,
            suppressed,
            "CORS predicate: the application did not answer, so the origin is denied"
        );
    }
}

/// Whether somebody listens to what is told at `WARN`.
#[inline]
pub(crate) fn warnings_are_heard() -> bool {
    LevelFilter::current() >= LevelFilter::WARN
}

/// Emits a `WARN` event `CORS overwrote` for a response whose own CORS headers the policy replaced
/// or removed, once in [`OVERWRITE_SECONDS`]. `path` is the request's, `allow_origin` what the
/// application said. Both are escaped.
#[cfg(any(feature = "tower", feature = "actix"))]
#[cold]
pub(crate) fn overwrote(path: Option<&str>, allow_origin: Option<&[u8]>) {
    static LIMIT: Limit = Limit::of(1, OVERWRITE_SECONDS);
    if warnings_are_heard()
        && let Some(suppressed) = LIMIT.admit_now()
    {
        tracing::event!(
            target: "crossgate",
            Level::WARN,
            path = path.map(|path| display(Escaped(path.as_bytes()))),
            allow_origin = allow_origin.map(|value| display(Escaped(value))),
            suppressed,
            "CORS overwrote: the application sets CORS headers itself, and the policy replaced them"
        );
    }
}

/// Whether somebody listens to requests that are no CORS requests.
#[cfg(any(feature = "tower", feature = "actix"))]
#[inline]
pub(crate) fn not_cors_is_heard() -> bool {
    LevelFilter::current() >= LevelFilter::TRACE
}

struct Shown<'a> {
    decision: &'a Decision<'a>,
    policy: &'a Policy,
    request: &'a Request<'a>,
}

impl Shown<'_> {
    #[cold]
    fn emit(&self, level: Level) {
        match level {
            Level::WARN => match LIMITS[self.decision.reason().number()].admit_now() {
                Some(suppressed) => emit!(WARN, self, suppressed),
                None => emit!(DEBUG, self, None::<u64>),
            },
            Level::TRACE => emit!(TRACE, self, None::<u64>),
            _ => emit!(DEBUG, self, None::<u64>),
        }
    }

    fn origin(&self) -> Option<DisplayValue<Escaped<'_>>> {
        origin(self.request)
    }

    fn denied_name(&self) -> Option<DisplayValue<String>> {
        let reason = self.decision.reason();
        self.policy.denied_name(self.request, reason).map(display)
    }

    fn requested_headers(&self) -> Option<DisplayValue<FirstLine<'_>>> {
        let failed = self.decision.reason().failed_check() == Some(FailedCheck::Headers);
        failed.then(|| display(FirstLine(self.request)))
    }
}

fn origin<'a>(request: &Request<'a>) -> Option<DisplayValue<Escaped<'a>>> {
    request
        .origin
        .first_line()
        .map(|line| display(Escaped(line)))
}

/// The first line of `Access-Control-Request-Headers`.
struct FirstLine<'a>(&'a Request<'a>);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Ok(());
        self.0.acrh.each(|line| {
            written = Escaped(line).fmt(f);
            false
        });
        written
    }
}

/// How many there were in one second, by reason.
static LIMITS: [Limit; Reason::ALL.len()] = [const { Limit::new() }; Reason::ALL.len()];

/// How many events there may be in a period of time.
#[derive(Debug)]
struct Limit {
    /// When the period began in the upper half, in seconds from 1; how many events there were in it
    /// in the lower: one word, so no lock.
    state: AtomicU64,
    events: u32,
    seconds: u32,
}

impl Limit {
    /// [`DENIALS_A_SECOND`].
    const fn new() -> Self {
        Limit::of(DENIALS_A_SECOND, 1)
    }

    const fn of(events: u32, seconds: u32) -> Self {
        Limit {
            state: AtomicU64::new(0),
            events,
            seconds,
        }
    }

    /// Whether there is one more in this period; if so, how many there were not before.
    fn admit_now(&self) -> Option<Option<u64>> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        self.admit(START.elapsed().as_secs())
    }

    fn admit(&self, second: u64) -> Option<Option<u64>> {
        let now = second + 1;
        let (began, count) = (
            |state: u64| state >> 32,
            |state: u64| state & u64::from(u32::MAX),
        );
        let is_over = |state| began(state) == 0 || began(state) + u64::from(self.seconds) <= now;
        let limit = u64::from(self.events);
        let seen = self.state.load(Ordering::Relaxed);
        // Who loses against another that begins the period counts itself like all others.
        if is_over(seen)
            && self
                .state
                .compare_exchange(seen, now << 32 | 1, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            return Some(
                Some(count(seen).saturating_sub(limit)).filter(|suppressed| *suppressed > 0),
            );
        }
        (count(self.state.fetch_add(1, Ordering::Relaxed)) < limit).then_some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_limit_and_the_next_says_what_was_left_out() {
        let limit = Limit::new();
        for second in [0, 1, 5, u64::from(u32::MAX) - 1] {
            let first = limit.admit(second).unwrap();
            assert_eq!(first, (second > 0).then_some(90));
            let others = (1..100).filter(|_| limit.admit(second).is_some()).count();
            assert_eq!(others, DENIALS_A_SECOND as usize - 1);
        }
    }

    #[test]
    fn a_minute_has_one_event() {
        let limit = Limit::of(1, 60);
        let admitted: Vec<u64> = (59..=200).filter(|s| limit.admit(*s).is_some()).collect();
        assert_eq!(admitted, [59, 119, 179]);
    }

    #[test]
    fn threads_together_have_one_limit() {
        let limit = Limit::new();
        for second in 1..=50 {
            let admitted: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| (0..100).filter(|_| limit.admit(second).is_some()).count())
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .sum()
            });
            assert_eq!(admitted, DENIALS_A_SECOND as usize, "second {second}");
        }
    }

    #[test]
    fn every_byte_is_shown_safely() {
        let all: Vec<u8> = (0..=255).collect();
        let shown = Escaped(&all).to_string();
        assert!(
            shown
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"'=<>%&;{}".contains(&byte)),
            "{shown}"
        );
        assert_eq!(
            Escaped(b"https://a.example:8080").to_string(),
            "https://a.example:8080"
        );
        assert_eq!(
            Escaped(b"a\r\nb c=\"\\\xff").to_string(),
            r"a\x0d\x0ab\x20c\x3d\x22\x5c\xff"
        );
        assert_eq!(Escaped(&[b'x'; SHOWN_BYTES]).to_string().len(), SHOWN_BYTES);
        let longest = Escaped(&[0; 100_000]).to_string();
        assert!(longest.len() == 4 * SHOWN_BYTES + 3 && longest.ends_with("\\x00..."));
    }
}
