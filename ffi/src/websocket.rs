//! WebSocket handshakes.

use crossgate::{SocketAccess, WebSocketCheck};

use crate::policy::{borrow, crossgate_policy};
use crate::request::{Given, crossgate_request};
use crate::status::{
    CROSSGATE_ERR_INVALID_ARGUMENT, CROSSGATE_ERR_NULL_ARGUMENT, CROSSGATE_ERR_VERDICT_NOT_ASKED,
    crossgate_status, guard,
};

/// The handshake does not pass: answer 403 before the upgrade.
pub const CROSSGATE_WEBSOCKET_DENY: i32 = 0;
/// Go on.
pub const CROSSGATE_WEBSOCKET_ALLOW: i32 = 1;
/// No Origin: the client is not a browser. The application decides.
pub const CROSSGATE_WEBSOCKET_ABSENT: i32 = 2;

/// The socket serves users, who are known by their cookies: a foreign page must not speak for them.
pub const CROSSGATE_SOCKET_PRIVATE: i32 = 0;
/// The socket reads no cookie and serves everybody alike, so the policy counts as it is.
pub const CROSSGATE_SOCKET_PUBLIC: i32 = 1;

/// Checks the origin of a WebSocket handshake, which carries cookies and is not subject to CORS:
/// *result is CROSSGATE_WEBSOCKET_... . Of the request Origin and the verdict count. access is
/// CROSSGATE_SOCKET_PRIVATE or CROSSGATE_SOCKET_PUBLIC. For a private socket "*", null and what
/// credentials would not be given never allow. *result is CROSSGATE_WEBSOCKET_DENY on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crossgate_check_websocket(
    policy: *const crossgate_policy,
    request: *const crossgate_request,
    access: i32,
    result: *mut i32,
) -> crossgate_status {
    guard(|| {
        if result.is_null() {
            return Err(CROSSGATE_ERR_NULL_ARGUMENT);
        }
        // SAFETY: not NULL, so the caller's to write. A server that forgets the status must not let
        // anybody in.
        unsafe { result.write(CROSSGATE_WEBSOCKET_DENY) };
        // SAFETY: NULL or a policy of this library that is not freed during the call.
        let policy = unsafe { borrow(policy) }?;
        let access = match access {
            CROSSGATE_SOCKET_PRIVATE => SocketAccess::Private,
            CROSSGATE_SOCKET_PUBLIC => SocketAccess::Public,
            _ => return Err(CROSSGATE_ERR_INVALID_ARGUMENT),
        };
        // SAFETY: NULL or the caller's request, unchanged during the call.
        let given = unsafe { Given::read(request) }?;
        let check = policy
            .policy
            .check_websocket_with(given.origin(), access, given.verdict)
            .map_err(|_| CROSSGATE_ERR_VERDICT_NOT_ASKED)?;
        let number = match check {
            WebSocketCheck::Allow => CROSSGATE_WEBSOCKET_ALLOW,
            WebSocketCheck::Absent => CROSSGATE_WEBSOCKET_ABSENT,
            _ => CROSSGATE_WEBSOCKET_DENY,
        };
        // SAFETY: not NULL, so the caller's to write.
        unsafe { result.write(number) };
        Ok(())
    })
}
