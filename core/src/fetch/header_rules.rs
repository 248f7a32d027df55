//! The Fetch standard's lists of header names.

/// [Forbidden request-headers](https://fetch.spec.whatwg.org/#forbidden-request-header); so are
/// names that start with `proxy-` or `sec-`.
pub(crate) const FORBIDDEN_REQUEST: [&str; 21] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// [Forbidden response-header names](https://fetch.spec.whatwg.org/#forbidden-response-header-name).
pub(crate) const FORBIDDEN_RESPONSE: [&str; 2] = ["set-cookie", "set-cookie2"];

/// [CORS-safelisted response-header names](https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
pub(crate) const SAFELISTED_RESPONSE: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// How the names of the
/// [CORS protocol's response headers](https://fetch.spec.whatwg.org/#http-responses) start.
pub(crate) const CORS_RESPONSE: [&str; 3] = [
    "access-control-allow-",
    "access-control-expose-",
    "access-control-max-age",
];
