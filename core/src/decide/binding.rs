//! What only bindings of other languages need. Exempt from the promises of semantic versioning.
//!
//! A binding translates the [header sets](Policy::header_sets) of a policy into its language's own
//! values once. A decision then says the number of its set and the few values that come from the
//! request.

use super::Decision;
pub use super::apply::{Response, apply};
pub use super::description::{REGEX_STEP_LIMIT, describe, shown};
pub use super::{Dependencies, Unlisted};
use crate::fetch::header::{HeaderName, HeaderOp, ValueSource};
use crate::policy::Policy;
use crate::policy::header_line::LineValue;
use crate::policy::header_set::{HeaderSet, OptionalHeaders};
use crate::text::merge::merge_tokens;

/// The headers of one outcome, without what comes from the request.
///
/// ```
/// use crossgate::{Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let request = Request::new("GET").header("Origin", "https://a.example");
/// let decision = policy.evaluate(&request);
/// let template = policy.header_sets().nth(decision.header_set()).unwrap();
/// let values = template.headers().map(|header| decision.value_of(header.value));
/// let texts: Vec<_> = values.map(|value| value.map(|(text, _)| text)).collect();
/// assert_eq!(texts, [Some("https://a.example"), Some("Origin")]);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderTemplates<'p>(&'p HeaderSet);

/// One header of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderTemplate<'p> {
    /// The name.
    pub name: HeaderName,
    /// Set or merge.
    pub op: HeaderOp,
    /// Where the value comes from.
    pub value: TemplateValue<'p>,
}

/// Where the value of a header comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateValue<'p> {
    /// The policy's text, the same in every decision.
    Fixed(&'p str),
    /// The origin that matched.
    Origin,
    /// The requested method, if it passed.
    Method,
    /// The requested names, if they passed and there are any.
    Names,
}

impl<'p> HeaderTemplates<'p> {
    /// The headers in their order.
    pub fn headers(self) -> impl Iterator<Item = HeaderTemplate<'p>> {
        self.0.lines.iter().map(|line| HeaderTemplate {
            name: line.name,
            op: line.op,
            value: match &line.value {
                LineValue::Fixed(text) => TemplateValue::Fixed(text.as_str()),
                LineValue::Origin => TemplateValue::Origin,
                LineValue::Method => TemplateValue::Method,
                LineValue::Names => TemplateValue::Names,
            },
        })
    }

    /// The names to remove from the response.
    pub fn remove(self) -> &'p [HeaderName] {
        &self.0.remove
    }

    /// Whether no header of the set comes from the request.
    pub fn is_constant(self) -> bool {
        let fixed = |line: &crate::policy::header_line::HeaderLine| {
            matches!(line.value, LineValue::Fixed(_))
        };
        self.0.lines.iter().all(fixed)
    }
}

/// Merges the names of a header ([`HeaderOp::Merge`]) into those that a response has, as
/// [`Header::merge`](crate::Header::merge) does, for header values that are bytes: `put` gets the
/// merged value in pieces, in order, and nothing is allocated. Several lines of a response are
/// given joined with commas.
///
/// ```
/// use crossgate::HeaderName;
/// use crossgate::binding::merge_bytes;
/// let mut merged = Vec::new();
/// merge_bytes(HeaderName::Vary, b"Accept-Encoding,origin", b"Origin, X-A", |piece| {
///     merged.extend_from_slice(piece);
/// });
/// assert_eq!(merged, b"Accept-Encoding, origin, X-A");
/// ```
pub fn merge_bytes(name: HeaderName, existing: &[u8], added: &[u8], mut put: impl FnMut(&[u8])) {
    merge_tokens(&[existing], added, super::apply::star(name), &mut put);
}

impl Policy {
    /// Every header set that a decision of this policy may have, in the order of their numbers
    /// ([`Decision::header_set`]).
    #[doc(hidden)]
    pub fn header_sets(&self) -> impl Iterator<Item = HeaderTemplates<'_>> {
        self.header_sets.all().map(HeaderTemplates)
    }

    /// The header set of an allowed request, or of an allowed preflight without what only some of
    /// them get.
    #[doc(hidden)]
    pub fn allowed_header_set(&self, is_preflight: bool) -> HeaderTemplates<'_> {
        HeaderTemplates(if is_preflight {
            self.header_sets.preflights.with(OptionalHeaders::default())
        } else {
            &self.header_sets.other.allowed
        })
    }
}

impl Decision<'_> {
    /// The number of the decision's header set.
    #[doc(hidden)]
    #[inline]
    pub fn header_set(&self) -> usize {
        self.set.number
    }

    /// What stands in a header of the set in this decision, and whose memory it is; `None` if the
    /// header is not sent.
    #[doc(hidden)]
    #[inline]
    pub fn value_of<'d>(&'d self, value: TemplateValue<'d>) -> Option<(&'d str, ValueSource)> {
        match value {
            TemplateValue::Fixed(text) => Some((text, ValueSource::Policy)),
            TemplateValue::Origin => self.value(&LineValue::Origin),
            TemplateValue::Method => self.value(&LineValue::Method),
            TemplateValue::Names => self.value(&LineValue::Names),
        }
    }
}
