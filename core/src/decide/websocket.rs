//! WebSocket handshakes. They are not CORS, but ask the same question: may this origin? They carry
//! cookies, so only rules that hold with credentials count, whatever the policy's own are.

use super::{Verdict, VerdictError};
use crate::fetch::lines::Field;
use crate::origin::serialized::Origin;
use crate::policy::Policy;

/// The answer to a WebSocket handshake.
///
/// ```
/// use crossgate::{Field, Policy, SocketAccess, WebSocketCheck};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let check = |origin| policy.check_websocket(origin, SocketAccess::Private);
/// assert_eq!(check(Field::one(b"https://a.example")), WebSocketCheck::Allow);
/// assert_eq!(check(Field::one(b"https://evil.example")), WebSocketCheck::Deny);
/// assert_eq!(check(Field::ABSENT), WebSocketCheck::Absent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebSocketCheck {
    /// Go on with the handshake.
    Allow,
    /// Answer 403 before the upgrade.
    Deny,
    /// No `Origin`: the client is not a browser. The application decides.
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

/// Who a WebSocket serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SocketAccess {
    /// Users, who are known by their cookies: a foreign page must not speak for them.
    #[default]
    Private,
    /// Everybody alike: the socket reads no cookie, so the policy counts as it is.
    Public,
}

impl Policy {
    /// Checks the origin of a WebSocket handshake. For a private socket `*`, `null` and whatever
    /// would be an error with credentials never allow; `own_origins` always do.
    pub fn check_websocket(&self, origin: Field<'_>, access: SocketAccess) -> WebSocketCheck {
        self.websocket(origin, access, None)
    }

    /// As [`Policy::check_websocket`], with the application's verdict on an origin that nothing
    /// else matched.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the policy has no `origin_predicate`.
    pub fn check_websocket_with(
        &self,
        origin: Field<'_>,
        access: SocketAccess,
        verdict: Option<Verdict>,
    ) -> Result<WebSocketCheck, VerdictError> {
        self.accepts(verdict)?;
        Ok(self.websocket(origin, access, verdict))
    }

    fn websocket(
        &self,
        origin: Field<'_>,
        access: SocketAccess,
        verdict: Option<Verdict>,
    ) -> WebSocketCheck {
        if !origin.is_present() {
            return WebSocketCheck::Absent;
        }
        let public = access == SocketAccess::Public;
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
        let by_verdict = || {
            verdict == Some(Verdict::Allow)
                && Origin::parse(bytes)
                    .is_some_and(|origin| public || self.matcher.is_secure(&origin))
        };
        if by_policy || self.own_origins.find(bytes).is_some() || by_verdict() {
            WebSocketCheck::Allow
        } else {
            WebSocketCheck::Deny
        }
    }
}
