//! The response headers of the CORS protocol.

use std::fmt;

use crate::text::merge::{merge_names, merge_vary};

/// A response header that crossgate writes.
///
/// ```
/// use crossgate::HeaderName;
/// assert_eq!(HeaderName::MaxAge.as_str(), "Access-Control-Max-Age");
/// assert_eq!(HeaderName::MaxAge.lower(), "access-control-max-age");
/// assert_eq!(HeaderName::Vary.to_string(), "Vary");
/// ```
///
/// It equals its own name, in any case ([RFC 9110, 5.1][name]):
///
/// ```
/// # use crossgate::HeaderName;
/// assert!(HeaderName::MaxAge == "access-control-max-age" && HeaderName::Vary != "Date");
/// ```
///
/// [name]: https://www.rfc-editor.org/rfc/rfc9110#section-5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderName {
    /// `Access-Control-Allow-Origin`
    AllowOrigin,
    /// `Access-Control-Allow-Credentials`
    AllowCredentials,
    /// `Access-Control-Allow-Methods`
    AllowMethods,
    /// `Access-Control-Allow-Headers`
    AllowHeaders,
    /// `Access-Control-Expose-Headers`
    ExposeHeaders,
    /// `Access-Control-Max-Age`
    MaxAge,
    /// `Access-Control-Allow-Private-Network`
    AllowPrivateNetwork,
    /// `Vary`
    Vary,
}

impl HeaderName {
    /// Every header; the position of each is its number in bindings.
    pub const ALL: &'static [HeaderName] = &[
        HeaderName::AllowOrigin,
        HeaderName::AllowCredentials,
        HeaderName::AllowMethods,
        HeaderName::AllowHeaders,
        HeaderName::ExposeHeaders,
        HeaderName::MaxAge,
        HeaderName::AllowPrivateNetwork,
        HeaderName::Vary,
    ];

    /// The headers that belong to CORS alone, in the order in which they are removed.
    pub(crate) fn of_cors() -> impl Iterator<Item = HeaderName> {
        Self::ALL
            .iter()
            .copied()
            .filter(|name| *name != HeaderName::Vary)
    }

    /// The name as it is written in documents, followed in memory by a NUL.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        without_nul(self.with_nul())
    }

    /// The name in lower case (HTTP/2, ASGI, Node), followed in memory by a NUL.
    #[inline]
    pub const fn lower(self) -> &'static str {
        without_nul(self.lower_with_nul())
    }

    /// The name and a NUL, for C.
    #[doc(hidden)]
    pub const fn with_nul(self) -> &'static str {
        match self {
            HeaderName::AllowOrigin => "Access-Control-Allow-Origin\0",
            HeaderName::AllowCredentials => "Access-Control-Allow-Credentials\0",
            HeaderName::AllowMethods => "Access-Control-Allow-Methods\0",
            HeaderName::AllowHeaders => "Access-Control-Allow-Headers\0",
            HeaderName::ExposeHeaders => "Access-Control-Expose-Headers\0",
            HeaderName::MaxAge => "Access-Control-Max-Age\0",
            HeaderName::AllowPrivateNetwork => "Access-Control-Allow-Private-Network\0",
            HeaderName::Vary => "Vary\0",
        }
    }

    /// The lower-case name and a NUL, for C.
    #[doc(hidden)]
    pub const fn lower_with_nul(self) -> &'static str {
        match self {
            HeaderName::AllowOrigin => "access-control-allow-origin\0",
            HeaderName::AllowCredentials => "access-control-allow-credentials\0",
            HeaderName::AllowMethods => "access-control-allow-methods\0",
            HeaderName::AllowHeaders => "access-control-allow-headers\0",
            HeaderName::ExposeHeaders => "access-control-expose-headers\0",
            HeaderName::MaxAge => "access-control-max-age\0",
            HeaderName::AllowPrivateNetwork => "access-control-allow-private-network\0",
            HeaderName::Vary => "vary\0",
        }
    }
}

const fn without_nul(text: &'static str) -> &'static str {
    text.split_at(text.len() - 1).0
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for HeaderName {
    fn eq(&self, name: &str) -> bool {
        self.lower().eq_ignore_ascii_case(name)
    }
}

impl PartialEq<&str> for HeaderName {
    fn eq(&self, name: &&str) -> bool {
        self == *name
    }
}

impl PartialEq<HeaderName> for str {
    fn eq(&self, name: &HeaderName) -> bool {
        name == self
    }
}

impl PartialEq<HeaderName> for &str {
    fn eq(&self, name: &HeaderName) -> bool {
        name == *self
    }
}

/// A set of header names.
#[cfg(any(feature = "tower", feature = "actix"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderFlags(u8);

#[cfg(any(feature = "tower", feature = "actix"))]
impl HeaderFlags {
    #[inline]
    pub(crate) fn add(&mut self, name: HeaderName) {
        self.0 |= 1 << name as u8;
    }

    #[inline]
    pub(crate) fn has(self, name: HeaderName) -> bool {
        self.0 & 1 << name as u8 != 0
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = HeaderName> + Clone {
        let names = HeaderName::ALL.iter().copied();
        names.filter(move |name| self.has(*name))
    }

    /// Adds a header of a response by its lower-case name, if it is one of ours.
    #[inline]
    pub(crate) fn add_named(&mut self, name: &str) {
        if name.len() == 4 {
            self.0 |= u8::from(name == HeaderName::Vary.lower()) << HeaderName::Vary as u8;
        } else if name.starts_with("access-control-") {
            let known = |known: &&HeaderName| known.lower() == name;
            HeaderName::ALL
                .iter()
                .filter(known)
                .for_each(|name| self.add(*name));
        }
    }
}

#[cfg(any(feature = "tower", feature = "actix"))]
impl FromIterator<HeaderName> for HeaderFlags {
    fn from_iter<I: IntoIterator<Item = HeaderName>>(names: I) -> Self {
        let mut flags = HeaderFlags::default();
        names.into_iter().for_each(|name| flags.add(name));
        flags
    }
}

/// What is done with a header of the decision.
///
/// ```
/// use crossgate::{HeaderName, HeaderOp, Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let decision = policy.evaluate(&Request::new("GET"));
/// let vary = decision.headers().next().unwrap();
/// assert_eq!((vary.name, vary.op), (HeaderName::Vary, HeaderOp::Merge));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderOp {
    /// Replaces every line of that name.
    Set,
    /// Its names are added to those that the response has, each once.
    Merge,
}

/// Whose memory a header's value is.
///
/// ```
/// use crossgate::{Policy, Request, ValueSource};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example", "https://*.b.example"])
///     .build()?;
/// let origin = |origin| {
///     policy
///         .evaluate(&Request::new("GET").header("Origin", origin))
///         .headers()
///         .next()
///         .unwrap()
///         .source
/// };
/// assert_eq!(origin("https://a.example"), ValueSource::Policy); // listed to the letter
/// assert_eq!(origin("https://x.b.example"), ValueSource::Request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueSource {
    /// The policy's; followed by a NUL.
    Policy,
    /// The request's: an origin or method whose bytes matched.
    Request,
    /// A list of names made for this decision.
    Scratch,
}

/// One header of a decision.
///
/// ```
/// use crossgate::{HeaderOp, Policy, Request, ValueSource};
/// let policy = Policy::builder()
///     .allow_origins(["https://*.a.example"])
///     .build()?;
/// let request = Request::new("GET").header("Origin", "https://x.a.example");
/// let decision = policy.evaluate(&request);
/// let headers: Vec<_> = decision.headers().map(|h| (h.op, h.source)).collect();
/// assert_eq!(
///     headers,
///     [
///         (HeaderOp::Set, ValueSource::Request),
///         (HeaderOp::Merge, ValueSource::Policy)
///     ]
/// ); // the origin, Vary
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header<'d> {
    /// The name.
    pub name: HeaderName,
    /// The value; ASCII.
    pub value: &'d str,
    /// Set or merge.
    pub op: HeaderOp,
    /// Whose memory the value is.
    pub source: ValueSource,
}

impl Header<'_> {
    /// The value to send in place of the lines that the response has: both lists of names, each
    /// name once ([`HeaderOp::Merge`]). A `*` in `Vary` stays alone.
    ///
    /// ```
    /// # use crossgate::{Policy, Request};
    /// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let decision = policy.evaluate(&Request::new("GET"));
    /// let vary = decision.headers().next().unwrap();
    /// assert_eq!(vary.merge(["Accept-Encoding", "origin"]), "Accept-Encoding, origin");
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn merge<'a>(&'a self, existing: impl IntoIterator<Item = &'a str>) -> String {
        if self.name == HeaderName::Vary {
            merge_vary(existing, self.value)
        } else {
            merge_names(existing, self.value)
        }
    }
}

#[cfg(test)]
mod name_tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_name_are_one_name() {
        for name in HeaderName::ALL {
            assert_eq!(name.as_str().to_ascii_lowercase(), name.lower());
        }
    }

    #[test]
    fn a_name_equals_its_text_in_any_case_and_no_other() {
        for name in HeaderName::ALL {
            let upper = name.lower().to_ascii_uppercase();
            for text in [name.as_str(), name.lower(), &upper] {
                let equal = HeaderName::ALL.iter().filter(|other| **other == text);
                assert_eq!(equal.collect::<Vec<_>>(), [name]);
                let other_way = HeaderName::ALL.iter().filter(|other| text == **other);
                assert_eq!(other_way.collect::<Vec<_>>(), [name]);
            }
            assert!(*name != "" && *name != name.with_nul() && *name != "access-control");
        }
    }
}

#[cfg(all(test, any(feature = "tower", feature = "actix")))]
mod tests {
    use super::*;

    #[test]
    fn every_header_has_a_place_of_its_own() {
        for (index, name) in HeaderName::ALL.iter().copied().enumerate() {
            assert_eq!(name as usize, index);
            let mut flags = HeaderFlags::default();
            flags.add_named(name.lower());
            assert!(flags.has(name));
            assert_eq!(flags.iter().count(), 1);
        }
        let mut flags = HeaderFlags::default();
        for other in [
            "date",
            "access-control-",
            "access-control-request-method",
            "content-type",
        ] {
            flags.add_named(other);
        }
        assert!(flags.is_empty());
    }
}
