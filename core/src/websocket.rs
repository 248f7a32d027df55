//! WebSocket handshakes: not CORS, but the same question. They carry cookies, so only rules that
//! hold with credentials count, whatever the policy's own are.

use crate::evaluate::{Verdict, VerdictError};
use crate::origin::grammar::Origin;
use crate::policy::Policy;
use crate::request::Field;

/// What a WebSocket handshake's origin is allowed.
///
/// ```
/// use crossgate::{Field, Policy, WebSocketCheck};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .build()?;
/// assert_eq!(
///     policy.check_websocket(Field::one(b"https://a.example"), false),
///     WebSocketCheck::Allow
/// );
/// assert_eq!(
///     policy.check_websocket(Field::one(b"https://evil.example"), false),
///     WebSocketCheck::Deny
/// );
/// assert_eq!(
///     policy.check_websocket(Field::ABSENT, false),
///     WebSocketCheck::Absent
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebSocketCheck {
    /// Go on.
    Allow,
    /// Answer 403 before the upgrade.
    Deny,
    /// No `Origin`: not a browser. The host decides.
    Absent,
}

impl WebSocketCheck {
    /// `allow`, `deny`, `absent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            WebSocketCheck::Allow => "allow",
            WebSocketCheck::Deny => "deny",
            WebSocketCheck::Absent => "absent",
        }
    }
}

impl Policy {
    /// Checks the origin of a WebSocket handshake. `*`, null and whatever would need a gate with
    /// credentials never allow, unless `public` says that the socket serves everybody alike;
    /// `own_origins` allow.
    ///
    /// ```
    /// use crossgate::{Field, Policy, WebSocketCheck};
    /// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// assert_eq!(policy.check_websocket(Field::one(b"https://a.example"), false), WebSocketCheck::Allow);
    /// assert_eq!(policy.check_websocket(Field::one(b"https://evil.example"), false), WebSocketCheck::Deny);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn check_websocket(&self, origin: Field<'_>, public: bool) -> WebSocketCheck {
        self.websocket(origin, public, None)
    }

    /// The same with the host's verdict on an origin that nothing else matched.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the policy has no `host_origins`.
    pub fn check_websocket_with(
        &self,
        origin: Field<'_>,
        public: bool,
        verdict: Option<Verdict>,
    ) -> Result<WebSocketCheck, VerdictError> {
        if verdict.is_some() && !self.host_origins {
            return Err(VerdictError);
        }
        Ok(self.websocket(origin, public, verdict))
    }

    fn websocket(
        &self,
        origin: Field<'_>,
        public: bool,
        verdict: Option<Verdict>,
    ) -> WebSocketCheck {
        if !origin.is_present() {
            return WebSocketCheck::Absent;
        }
        if public && self.any_origin {
            return WebSocketCheck::Allow;
        }
        let Some(bytes) = origin.single() else {
            return WebSocketCheck::Deny;
        };
        let by_policy = if public {
            self.matcher.finds(bytes) || (bytes == b"null" && self.allow_null_origin)
        } else {
            self.matcher.allows_with_credentials(bytes)
        };
        let by_host = || {
            verdict == Some(Verdict::Allow)
                && Origin::parse(bytes).is_some_and(|origin| public || !origin.is_insecure())
        };
        if by_policy || self.own_origins.find(bytes).is_some() || by_host() {
            WebSocketCheck::Allow
        } else {
            WebSocketCheck::Deny
        }
    }
}
