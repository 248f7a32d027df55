//! What an application says of an origin.

use crate::evaluate::Verdict;

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
}

impl<V: IntoVerdict, E> IntoVerdict for Result<V, E> {
    fn into_verdict(self) -> Verdict {
        self.map_or(Verdict::Deny, V::into_verdict)
    }
}
