//! A request, as far as CORS reads it: the method and five header fields.

use super::lines::{Field, Lines};

/// A request, as far as CORS reads it. Nothing is copied.
///
/// ```
/// use crossgate::{Policy, Request, RequestKind};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .allow_methods(["PUT"])
///     .build()?;
/// let request = Request::new("OPTIONS")
///     .header("Origin", b"https://a.example")
///     .header("Access-Control-Request-Method", b"PUT");
/// assert_eq!(policy.evaluate(&request).kind(), RequestKind::Preflight);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) origin: Field<'a>,
    pub(crate) acrm: Field<'a>,
    pub(crate) acrh: Lines<'a>,
    pub(crate) acrpn: Field<'a>,
    pub(crate) sec_fetch_site: Field<'a>,
}

impl<'a> Request<'a> {
    /// The lower-case names of the headers that are read, for hosts that look them up.
    pub const NAMES: &'static [&'static str] = &[
        "origin",
        "access-control-request-method",
        "access-control-request-headers",
        "access-control-request-private-network",
        "sec-fetch-site",
    ];

    /// A request without headers.
    #[inline]
    pub fn new(method: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Request {
            method: method.as_ref(),
            ..Request::default()
        }
    }

    /// Takes one header line; names that CORS does not read are passed over.
    #[must_use]
    #[inline]
    pub fn header(
        mut self,
        name: impl AsRef<[u8]>,
        value: &'a (impl AsRef<[u8]> + ?Sized),
    ) -> Self {
        self.push(name.as_ref(), value.as_ref());
        self
    }

    /// Takes one header line, for servers that iterate over all lines.
    #[inline]
    pub fn push(&mut self, name: &[u8], value: &'a [u8]) {
        match RequestHeader::from_name(name) {
            Some(RequestHeader::Origin) => self.origin.push(value),
            Some(RequestHeader::SecFetchSite) => self.sec_fetch_site.push(value),
            Some(RequestHeader::Method) => self.acrm.push(value),
            Some(RequestHeader::Headers) => self.acrh.push(value),
            Some(RequestHeader::PrivateNetwork) => self.acrpn.push(value),
            None => {}
        }
    }

    /// Takes every header line of an iterator.
    pub fn from_pairs(
        method: &'a [u8],
        pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Self {
        let mut request = Request::new(method);
        for (name, value) in pairs {
            request.push(name, value);
        }
        request
    }

    /// Sets the lines of `Origin`.
    #[must_use]
    #[inline]
    pub fn with_origin(mut self, origin: Field<'a>) -> Self {
        self.origin = origin;
        self
    }

    /// Sets the lines of `Access-Control-Request-Method`.
    #[must_use]
    #[inline]
    pub fn with_acrm(mut self, acrm: Field<'a>) -> Self {
        self.acrm = acrm;
        self
    }

    /// Sets the lines of `Access-Control-Request-Headers`.
    #[must_use]
    #[inline]
    pub fn with_acrh(mut self, acrh: Lines<'a>) -> Self {
        self.acrh = acrh;
        self
    }

    /// Sets the lines of `Access-Control-Request-Private-Network`.
    #[must_use]
    #[inline]
    pub fn with_acrpn(mut self, acrpn: Field<'a>) -> Self {
        self.acrpn = acrpn;
        self
    }

    /// Sets the lines of `Sec-Fetch-Site`.
    #[must_use]
    #[inline]
    pub fn with_sec_fetch_site(mut self, sec_fetch_site: Field<'a>) -> Self {
        self.sec_fetch_site = sec_fetch_site;
        self
    }

    /// The method, its bytes as sent.
    #[inline]
    pub fn method(&self) -> &'a [u8] {
        self.method
    }

    /// The lines of `Origin`.
    #[inline]
    pub fn origin(&self) -> Field<'a> {
        self.origin
    }

    /// The lines of `Access-Control-Request-Method`.
    #[inline]
    pub fn acrm(&self) -> Field<'a> {
        self.acrm
    }

    /// The lines of `Access-Control-Request-Headers`.
    #[inline]
    pub fn acrh(&self) -> &Lines<'a> {
        &self.acrh
    }

    /// The lines of `Access-Control-Request-Private-Network`.
    #[inline]
    pub fn acrpn(&self) -> Field<'a> {
        self.acrpn
    }

    /// The lines of `Sec-Fetch-Site`, which only policies that reject read.
    #[inline]
    pub fn sec_fetch_site(&self) -> Field<'a> {
        self.sec_fetch_site
    }

    /// Which kind of request this is ([CORS request](https://fetch.spec.whatwg.org/#cors-request),
    /// [CORS-preflight request](https://fetch.spec.whatwg.org/#cors-preflight-request)).
    #[inline]
    pub fn kind(&self) -> RequestKind {
        if !self.origin.is_present() {
            RequestKind::NotCors
        } else if self.method == b"OPTIONS" && self.acrm.is_present() {
            RequestKind::Preflight
        } else {
            RequestKind::Actual
        }
    }
}

/// The request headers that CORS reads.
///
/// ```
/// use crossgate::RequestHeader;
/// assert_eq!(RequestHeader::from_name(b"origin"), Some(RequestHeader::Origin));
/// assert_eq!(RequestHeader::from_name(b"Host"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestHeader {
    /// `Origin`
    Origin,
    /// `Access-Control-Request-Method`
    Method,
    /// `Access-Control-Request-Headers`
    Headers,
    /// `Access-Control-Request-Private-Network`
    PrivateNetwork,
    /// `Sec-Fetch-Site`
    SecFetchSite,
}

impl RequestHeader {
    /// Which one a name is, whatever its case.
    #[inline]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        // The length tells the five names apart, so most headers cost one comparison of integers.
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"origin") => Some(RequestHeader::Origin),
            14 if name.eq_ignore_ascii_case(b"sec-fetch-site") => Some(RequestHeader::SecFetchSite),
            29 if name.eq_ignore_ascii_case(b"access-control-request-method") => {
                Some(RequestHeader::Method)
            }
            30 if name.eq_ignore_ascii_case(b"access-control-request-headers") => {
                Some(RequestHeader::Headers)
            }
            38 if name.eq_ignore_ascii_case(b"access-control-request-private-network") => {
                Some(RequestHeader::PrivateNetwork)
            }
            _ => None,
        }
    }
}

/// The kinds of requests.
///
/// ```
/// use crossgate::{RequestKind, Request};
/// let request = Request::new("OPTIONS").header("Origin", "https://a.example");
/// // No Access-Control-Request-Method: an ordinary OPTIONS.
/// assert_eq!(request.kind(), RequestKind::Actual);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// No `Origin`.
    NotCors,
    /// `Origin`, and not a preflight: cross-origin or a same-origin request that carries the header
    /// all the same.
    Actual,
    /// Method exactly OPTIONS, `Origin` and `Access-Control-Request-Method` present.
    Preflight,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: &'static [RequestKind] = &[
        RequestKind::NotCors,
        RequestKind::Actual,
        RequestKind::Preflight,
    ];

    /// `not_cors`, `actual`, `preflight`.
    pub const fn as_str(self) -> &'static str {
        match self {
            RequestKind::NotCors => "not_cors",
            RequestKind::Actual => "actual",
            RequestKind::Preflight => "preflight",
        }
    }
}

impl std::fmt::Display for RequestKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_decisions_cross_threads() {
        fn crosses<T: Send + Sync>() {}
        crosses::<Request<'_>>();
        crosses::<crate::Decision<'_>>();
        crosses::<crate::Policy>();
        crosses::<crate::SharedPolicy>();
    }

    #[test]
    fn kinds() {
        let kind = |method: &'static str, names: &[&str]| {
            names
                .iter()
                .fold(Request::new(method), |r, n| r.header(n, b""))
                .kind()
        };
        assert_eq!(
            kind("OPTIONS", &["origin", "access-control-request-method"]),
            RequestKind::Preflight
        );
        assert_eq!(
            kind("options", &["origin", "access-control-request-method"]),
            RequestKind::Actual
        );
        assert_eq!(kind("OPTIONS", &["origin"]), RequestKind::Actual);
        assert_eq!(
            kind("OPTIONS", &["access-control-request-method"]),
            RequestKind::NotCors
        );
    }

    #[test]
    fn names_are_told_apart_by_their_lengths() {
        let headers: Vec<_> = Request::NAMES
            .iter()
            .map(|name| RequestHeader::from_name(name.as_bytes()))
            .collect();
        let known = [
            RequestHeader::Origin,
            RequestHeader::Method,
            RequestHeader::Headers,
            RequestHeader::PrivateNetwork,
            RequestHeader::SecFetchSite,
        ];
        assert_eq!(headers, known.map(Some));
    }

    #[test]
    fn white_space_around_a_value_is_no_part_of_it() {
        assert_eq!(Field::one(b" \ta b\t ").single(), Some(&b"a b"[..]));
        assert_eq!(Field::one(b" \t").single(), Some(&b""[..]));
    }
}
