//! What a decision depends on, for those who remember decisions.

use std::fmt;
use std::ops::BitOr;

/// Which values of a request a decision depends on, beyond the [kind](crate::RequestKind) of the
/// request and whether its method is `OPTIONS`.
///
/// A cache of decisions is keyed by these values and no others: two requests of one kind that agree
/// in them, both or neither with the method `OPTIONS`, get the same decision.
///
/// ```
/// use crossgate::{Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let preflight = Request::new("OPTIONS")
///     .header("Origin", "https://evil.example")
///     .header("Access-Control-Request-Method", "PUT");
/// let depends_on = policy.evaluate(&preflight).depends_on();
/// // The origin was refused, so nothing else was looked at.
/// assert!(depends_on.origin() && !depends_on.acrm() && !depends_on.acrh());
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dependencies(u8);

impl Dependencies {
    pub(crate) const NONE: Dependencies = Dependencies(0);
    pub(crate) const ORIGIN: Dependencies = Dependencies(1);
    pub(crate) const ACRM: Dependencies = Dependencies(1 << 1);
    pub(crate) const ACRH: Dependencies = Dependencies(1 << 2);
    pub(crate) const ACRPN: Dependencies = Dependencies(1 << 3);
    pub(crate) const SEC_FETCH_SITE: Dependencies = Dependencies(1 << 4);
    pub(crate) const VERDICT: Dependencies = Dependencies(1 << 5);

    const fn has(self, other: Dependencies) -> bool {
        self.0 & other.0 != 0
    }

    /// The value of `Origin`.
    pub const fn origin(self) -> bool {
        self.has(Self::ORIGIN)
    }

    /// The value of `Access-Control-Request-Method`.
    pub const fn acrm(self) -> bool {
        self.has(Self::ACRM)
    }

    /// The lines of `Access-Control-Request-Headers`.
    pub const fn acrh(self) -> bool {
        self.has(Self::ACRH)
    }

    /// The value of `Access-Control-Request-Private-Network`.
    pub const fn acrpn(self) -> bool {
        self.has(Self::ACRPN)
    }

    /// The value of `Sec-Fetch-Site`.
    pub const fn sec_fetch_site(self) -> bool {
        self.has(Self::SEC_FETCH_SITE)
    }

    /// The application's verdict: such a decision is only worth remembering with it.
    pub const fn verdict(self) -> bool {
        self.has(Self::VERDICT)
    }

    /// The same as bits, for bindings: 1 origin, 2 ACRM, 4 ACRH, 8 ACRPN, 16 `Sec-Fetch-Site`,
    /// 32 verdict.
    #[doc(hidden)]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl BitOr for Dependencies {
    type Output = Dependencies;

    #[inline(always)]
    fn bitor(self, other: Dependencies) -> Dependencies {
        Dependencies(self.0 | other.0)
    }
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.origin(), "origin"),
            (self.acrm(), "acrm"),
            (self.acrh(), "acrh"),
            (self.acrpn(), "acrpn"),
            (self.sec_fetch_site(), "sec_fetch_site"),
            (self.verdict(), "verdict"),
        ];
        let set = names
            .into_iter()
            .filter_map(|(has, name)| has.then_some(name));
        f.debug_set().entries(set).finish()
    }
}
