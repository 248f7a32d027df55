//! The options that are a choice between names, and the separator of lists.

/// What the server does with an actual request whose origin is not allowed.
///
/// ```
/// use crossgate::{Action, DeniedActual, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .own_origins(["https://api.example.com"])
///     .denied_actual(DeniedActual::Reject)
///     .build()?;
/// let asked = |origin| policy.evaluate(&Request::new("POST").header("Origin", origin)).action();
/// assert_eq!(asked("https://evil.example"), Action::Reject);
/// assert_eq!(asked("https://api.example.com"), Action::Forward);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeniedActual {
    /// The handler runs; the response has no CORS headers, so script cannot read it.
    #[default]
    Forward,
    /// The server answers 403 before the handler. Needs `own_origins`.
    Reject,
}

/// What a policy with one exact origin answers to the others.
///
/// ```
/// use crossgate::{Policy, Request, SingleOrigin};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .single_origin(SingleOrigin::Static)
///     .build()?;
/// let request = Request::new("GET"); // no Origin: one answer for every cache
/// let headers: Vec<_> = policy
///     .evaluate(&request)
///     .headers()
///     .map(|h| (h.name.lower(), h.value.to_owned()))
///     .collect();
/// assert_eq!(
///     headers,
///     [(
///         "access-control-allow-origin",
///         "https://a.example".to_owned()
///     )]
/// );
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SingleOrigin {
    /// Only the origin itself gets the headers, with `Vary: Origin`.
    #[default]
    Match,
    /// The headers are sent always, without `Vary` ([CORS protocol and HTTP
    /// caches](https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches)).
    Static,
}

/// What happens to CORS headers that the application or an upstream set.
///
/// ```
/// use crossgate::{Policy, Request, UpstreamHeaders};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .upstream(UpstreamHeaders::Keep)
///     .build()?;
/// let mut response = vec![(
///     "access-control-allow-origin".to_string(),
///     "https://own.example".to_string(),
/// )];
/// policy
///     .evaluate(&Request::new("GET").header("Origin", "https://a.example"))
///     .apply(&mut response);
/// assert_eq!(response[0].1, "https://own.example");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamHeaders {
    /// They are replaced or removed.
    #[default]
    Replace,
    /// A response that already has `Access-Control-Allow-Origin` is left whole; `Vary` is still
    /// merged.
    Keep,
    /// Where the policy says nothing (no `Origin`, or one that is denied or the server's own), a
    /// response whose only `Access-Control-Allow-Origin` is `*`, without credentials, keeps that
    /// and what it exposes: files that are public by their owner's word. An origin that is allowed
    /// gets the policy's headers.
    KeepPublic,
}

/// A named exception to a safety rule. No gate exists for any origin or null with credentials.
///
/// ```
/// use crossgate::{SafetyException, Policy};
/// let intranet = Policy::builder()
///     .allow_origins(["http://wiki.corp.example"])
///     .allow_credentials(true);
/// assert!(intranet.build().is_err());
/// let exception = SafetyException::InsecureOriginsWithCredentials;
/// assert!(intranet.dangerously_allow([exception]).build().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SafetyException {
    /// Plain-http origins with credentials.
    InsecureOriginsWithCredentials,
    /// `*.` directly below a public suffix with credentials.
    PublicSuffixSubdomainsWithCredentials,
    /// `scheme://*` with credentials.
    AnyHostOfSchemeWithCredentials,
}

macro_rules! named {
    ($type:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $type {
            pub(crate) const NAMED: &'static [(&'static str, $type)] =
                &[$(($text, $type::$variant)),*];

            /// The value as it stands in a policy document.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text),* }
            }
        }
    };
}

named!(DeniedActual { Forward = "forward", Reject = "reject" });

named!(SingleOrigin { Match = "match", Static = "static" });

named!(UpstreamHeaders {
    Replace = "replace",
    Keep = "keep",
    KeepPublic = "keep_public",
});

named!(SafetyException {
    InsecureOriginsWithCredentials = "insecure_origins_with_credentials",
    PublicSuffixSubdomainsWithCredentials = "public_suffix_subdomains_with_credentials",
    AnyHostOfSchemeWithCredentials = "any_host_of_scheme_with_credentials",
});

/// What stands between the names that the answer lists (`Access-Control-Allow-MethodSet`,
/// `-Allow-Headers`, `-Expose-Headers`). Both mean the same to every browser; drop-ins write what
/// the middleware they replace wrote.
///
/// ```
/// use crossgate::{ListSeparator, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["*"])
///     .expose_headers(["X-A", "X-B"])
///     .list_separator(ListSeparator::Comma)
///     .build()?;
/// let request = Request::new("GET");
/// assert_eq!(policy.evaluate(&request).headers().nth(1).unwrap().value, "X-A,X-B");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListSeparator {
    /// `, `
    #[default]
    CommaSpace,
    /// `,`
    Comma,
}

impl ListSeparator {
    /// The text itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            ListSeparator::CommaSpace => ", ",
            ListSeparator::Comma => ",",
        }
    }
}
