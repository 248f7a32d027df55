//! The header sets of a policy, known before any request: for bindings that keep them in a form of
//! their own.

use crate::decision::Decision;
use crate::headers::{Block, HeaderName, Op, Source, Value};
use crate::policy::Policy;

/// Where the value of a prepared header comes from.
///
/// ```
/// use crossgate::{Policy, PreparedValue, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .build()?;
/// let request = Request::new("GET").header("Origin", "https://a.example");
/// let decision = policy.evaluate(&request);
/// let (headers, _remove) = policy.prepared().nth(decision.prepared()).unwrap();
/// let values: Vec<_> = headers
///     .map(|(_, _, value)| decision.value_of(value).map(|(text, _)| text))
///     .collect();
/// assert_eq!(values, [Some("https://a.example"), Some("Origin")]);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreparedValue<'p> {
    /// The policy's text, the same in every decision.
    Fixed(&'p str),
    /// The origin that matched.
    Origin,
    /// The requested method.
    Method,
    /// The requested names.
    Names,
}

impl Policy {
    /// Every header set that a decision of this policy may have, in the order of
    /// [`Decision::prepared`]: the headers, and the names to remove.
    pub fn prepared(
        &self,
    ) -> impl Iterator<
        Item = (
            impl Iterator<Item = (HeaderName, Op, PreparedValue<'_>)>,
            &[HeaderName],
        ),
    > {
        self.blocks.all().map(|block: &Block| {
            let headers = block.lines.iter().map(|line| {
                let value = match &line.value {
                    Value::Fixed(text) => PreparedValue::Fixed(text.as_str()),
                    Value::Origin => PreparedValue::Origin,
                    Value::Method => PreparedValue::Method,
                    Value::Names => PreparedValue::Names,
                };
                (line.name, line.op, value)
            });
            (headers, &*block.remove)
        })
    }
}

impl Decision<'_> {
    /// Which of [`Policy::prepared`] the headers are.
    #[inline]
    pub fn prepared(&self) -> usize {
        self.block.index
    }

    /// What stands in a prepared header here; `None` if that header is not sent.
    #[inline]
    pub fn value_of<'d>(&'d self, value: PreparedValue<'d>) -> Option<(&'d str, Source)> {
        match value {
            PreparedValue::Fixed(text) => Some((text, Source::Policy)),
            PreparedValue::Origin => self.value(&Value::Origin),
            PreparedValue::Method => self.value(&Value::Method),
            PreparedValue::Names => self.value(&Value::Names),
        }
    }
}
