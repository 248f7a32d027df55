//! Where the policy of a request comes from.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::evaluate::VerdictError;
use crate::policy::Policy;
use crate::shared::SharedPolicy;

/// Chooses a policy by the head of a request.
pub(crate) type Choose<H> = dyn Fn(&H) -> Option<Arc<Policy>> + Send + Sync;

/// Where the policy of a request comes from. `H` is the head of a request, as the framework calls it.
pub(crate) enum Source<H> {
    /// One policy for good.
    Fixed(Arc<Policy>),
    /// One that is replaced while serving.
    Shared(Arc<SharedPolicy>),
    /// One by request, and what a request gets that has none.
    Chosen(Arc<Choose<H>>, Arc<Policy>),
}

impl<H> Source<H> {
    pub(crate) fn chosen(choose: impl Fn(&H) -> Option<Arc<Policy>> + Send + Sync + 'static) -> Self {
        // A request that no policy is for gets one that asks a host who never answers.
        let nobody = Policy::builder().host_origins(true).build().expect("host_origins alone is a valid policy");
        Source::Chosen(Arc::new(choose), Arc::new(nobody))
    }

    /// The policy, if no look at the request is needed.
    #[inline]
    pub(crate) fn without_head(&self) -> Option<Cow<'_, Arc<Policy>>> {
        match self {
            Source::Fixed(policy) => Some(Cow::Borrowed(policy)),
            Source::Shared(shared) => Some(Cow::Owned(shared.policy())),
            Source::Chosen(..) => None,
        }
    }

    /// Whether the application may be asked about origins: a policy for all requests must have `host_origins`.
    pub(crate) fn can_ask(&self) -> Result<(), VerdictError> {
        match self.without_head() {
            Some(policy) if !policy.has_host_origins() => Err(VerdictError),
            _ => Ok(()),
        }
    }

    /// The policy of a request.
    #[inline]
    pub(crate) fn of(&self, head: &H) -> Cow<'_, Arc<Policy>> {
        match self {
            Source::Fixed(policy) => Cow::Borrowed(policy),
            Source::Shared(shared) => Cow::Owned(shared.policy()),
            Source::Chosen(choose, nobody) => choose(head).map_or(Cow::Borrowed(nobody), Cow::Owned),
        }
    }
}

impl<H> Clone for Source<H> {
    fn clone(&self) -> Self {
        match self {
            Source::Fixed(policy) => Source::Fixed(policy.clone()),
            Source::Shared(shared) => Source::Shared(shared.clone()),
            Source::Chosen(choose, nobody) => Source::Chosen(choose.clone(), nobody.clone()),
        }
    }
}

impl<H> fmt::Debug for Source<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Fixed(policy) => f.debug_tuple("Fixed").field(&policy.document()).finish(),
            Source::Shared(shared) => f.debug_tuple("Shared").field(&shared.policy().document()).finish(),
            Source::Chosen(..) => f.write_str("Chosen"),
        }
    }
}

/// A policy for the whole of a layer: a [`Policy`], an `Arc` of one, or a [`SharedPolicy`] that is replaced while
/// serving.
#[derive(Clone, Debug)]
pub struct LayerPolicy(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Fixed(Arc<Policy>),
    Shared(Arc<SharedPolicy>),
}

impl<H> From<LayerPolicy> for Source<H> {
    fn from(LayerPolicy(kept): LayerPolicy) -> Self {
        match kept {
            Kept::Fixed(policy) => Source::Fixed(policy),
            Kept::Shared(shared) => Source::Shared(shared),
        }
    }
}

impl From<Policy> for LayerPolicy {
    fn from(policy: Policy) -> Self {
        Arc::new(policy).into()
    }
}

impl From<Arc<Policy>> for LayerPolicy {
    fn from(policy: Arc<Policy>) -> Self {
        LayerPolicy(Kept::Fixed(policy))
    }
}

impl From<SharedPolicy> for LayerPolicy {
    fn from(shared: SharedPolicy) -> Self {
        Arc::new(shared).into()
    }
}

impl From<Arc<SharedPolicy>> for LayerPolicy {
    fn from(shared: Arc<SharedPolicy>) -> Self {
        LayerPolicy(Kept::Shared(shared))
    }
}
