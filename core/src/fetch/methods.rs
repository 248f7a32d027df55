//! The Fetch standard's lists of methods.

/// [Forbidden methods](https://fetch.spec.whatwg.org/#forbidden-method); compared without case.
pub(crate) const FORBIDDEN: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// The methods that `fetch()` writes in upper case
/// ([normalize a method](https://fetch.spec.whatwg.org/#concept-method-normalize)).
pub(crate) const NORMALISED: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/// Registered methods that people write in lower case.
pub(crate) const REGISTERED: [&str; 33] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// [CORS-safelisted methods](https://fetch.spec.whatwg.org/#cors-safelisted-method): they pass every preflight.
#[inline]
pub(crate) const fn is_safelisted(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}
