//! The application's function that is asked about origins, and what it answers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::decide::Verdict;

/// The answer of an application that was asked about an origin: `bool`, [`Verdict`], or one of them
/// in an `Option` or a `Result`. `None` and `Err` deny: a look-up that failed opens nothing.
///
/// ```
/// use crossgate::{IntoVerdict, Verdict};
/// assert_eq!(true.into_verdict(), Verdict::Allow);
/// assert_eq!(Err::<bool, _>("the database is away").into_verdict(), Verdict::Deny);
/// assert_eq!(None::<bool>.into_verdict(), Verdict::Deny);
/// ```
pub trait IntoVerdict {
    /// The verdict.
    fn into_verdict(self) -> Verdict;

    /// Whether the application could not tell, as with an `Err`. Such a question is counted
    /// ([`Counters::predicate_failed`](crate::Counters::predicate_failed)).
    fn is_failure(&self) -> bool {
        false
    }
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for bool {
    fn into_verdict(self) -> Verdict {
        if self { Verdict::Allow } else { Verdict::Deny }
    }
}

impl<V: IntoVerdict> IntoVerdict for Option<V> {
    fn into_verdict(self) -> Verdict {
        self.map_or(Verdict::Deny, V::into_verdict)
    }

    fn is_failure(&self) -> bool {
        self.as_ref().is_some_and(V::is_failure)
    }
}

impl<V: IntoVerdict, E> IntoVerdict for Result<V, E> {
    fn into_verdict(self) -> Verdict {
        self.map_or(Verdict::Deny, V::into_verdict)
    }

    fn is_failure(&self) -> bool {
        self.as_ref().map_or(true, V::is_failure)
    }
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) verdict: Verdict,
    /// Why the application has no verdict, if it has none.
    pub(crate) failure: Option<&'static str>,
}

impl Answered {
    /// The time was over.
    pub(crate) const TOO_LATE: Answered = Answered {
        verdict: Verdict::Deny,
        failure: Some("timeout"),
    };

    pub(crate) fn of<A: IntoVerdict>(answer: A) -> Self {
        let failure = answer.is_failure().then_some("error");
        Answered {
            verdict: answer.into_verdict(),
            failure,
        }
    }
}

type AskNow<V, H> = dyn Fn(&V, &H) -> Answered + Send + Sync;
type AskLater<V, H, F> = dyn Fn(V, &H) -> Pin<Box<F>> + Send + Sync;

/// An application's function. `V` is a header value, `H` the head of a request, and `F` the kind of
/// future that an answer may be (`dyn Future`, with `Send` where tasks move between threads).
pub(crate) enum Predicate<V, H, F: ?Sized> {
    /// Answers at once.
    Sync(Arc<AskNow<V, H>>),
    /// Answers later.
    Async(Arc<AskLater<V, H, F>>),
}

/// The application's answer.
pub(crate) enum Asked<F: ?Sized> {
    Now(Answered),
    Later(Pin<Box<F>>),
}

impl<V, H, F: ?Sized> Predicate<V, H, F> {
    pub(crate) fn sync<A: IntoVerdict>(ask: impl Fn(&V, &H) -> A + Send + Sync + 'static) -> Self {
        Predicate::Sync(Arc::new(move |origin, head| {
            Answered::of(ask(origin, head))
        }))
    }

    pub(crate) fn ask(&self, origin: V, head: &H) -> Asked<F> {
        match self {
            Predicate::Sync(ask) => Asked::Now(ask(&origin, head)),
            Predicate::Async(ask) => Asked::Later(ask(origin, head)),
        }
    }
}

impl<V, H, F: ?Sized> Clone for Predicate<V, H, F> {
    fn clone(&self) -> Self {
        match self {
            Predicate::Sync(ask) => Predicate::Sync(ask.clone()),
            Predicate::Async(ask) => Predicate::Async(ask.clone()),
        }
    }
}

impl<V, H, F: ?Sized> fmt::Debug for Predicate<V, H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Predicate::Sync(_) => "Sync",
            Predicate::Async(_) => "Async",
        })
    }
}
