//! Where the policy of a request comes from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;

use crate::evaluate::VerdictError;
use crate::pair::Pair;
use crate::policy::Policy;
use crate::shared::SharedPolicy;

/// Chooses a policy by the head of a request.
pub(crate) type Choose<H> = dyn Fn(&H) -> Option<Arc<Policy>> + Send + Sync;

/// Where the policy of a request comes from. `H` is the head of a request, as the framework calls
/// it.
pub(crate) enum Source<H> {
    /// One policy for good.
    Fixed(Arc<Policy>),
    /// One that is replaced while serving.
    Shared(Arc<SharedPolicy>),
    /// One by request, and what a request gets that has none.
    Chosen(Arc<Choose<H>>, Arc<Policy>),
}

impl<H> Source<H> {
    pub(crate) fn chosen(
        choose: impl Fn(&H) -> Option<Arc<Policy>> + Send + Sync + 'static,
    ) -> Self {
        // A request that no policy is for gets one that asks a host who never answers.
        let nobody = Policy::builder()
            .host_origins(true)
            .build()
            .expect("host_origins alone is a valid policy");
        Source::Chosen(Arc::new(choose), Arc::new(nobody))
    }

    /// Whether it takes a look at the request.
    #[inline]
    pub(crate) fn needs_head(&self) -> bool {
        matches!(self, Source::Chosen(..))
    }

    /// The policy of requests that were not looked at.
    #[inline]
    pub(crate) fn without_head(&self) -> Held<'_> {
        match self {
            Source::Fixed(policy) | Source::Chosen(_, policy) => Held::Fixed(policy),
            Source::Shared(shared) => Held::Shared(shared.current()),
        }
    }

    /// Whether the application may be asked about origins: a policy for all requests must have
    /// `host_origins`.
    pub(crate) fn can_ask(&self) -> Result<(), VerdictError> {
        if self.needs_head() || self.without_head().has_host_origins() {
            Ok(())
        } else {
            Err(VerdictError)
        }
    }

    /// The policy of a request.
    #[inline]
    pub(crate) fn of(&self, head: &H) -> Held<'_> {
        match self {
            Source::Chosen(choose, _) => choose(head).map_or(self.without_head(), Held::Chosen),
            _ => self.without_head(),
        }
    }
}

/// The policy of one request, and the shadow policy that stands beside it. Dereferences to the
/// policy.
pub(crate) enum Held<'a> {
    Fixed(&'a Arc<Policy>),
    Shared(Guard<Arc<Pair<Policy>>>),
    Chosen(Arc<Policy>),
    /// What was shared, for a request that waits.
    Pair(Arc<Pair<Policy>>),
}

impl Held<'_> {
    /// The policy that is evaluated beside this one.
    #[inline]
    pub(crate) fn shadow(&self) -> Option<&Policy> {
        match self {
            Held::Fixed(_) | Held::Chosen(_) => None,
            Held::Shared(pair) => pair.shadow.as_deref(),
            Held::Pair(pair) => pair.shadow.as_deref(),
        }
    }

    /// The policy itself.
    #[inline]
    pub(crate) fn policy(&self) -> Arc<Policy> {
        match self {
            Held::Fixed(policy) => (*policy).clone(),
            Held::Shared(pair) => pair.live.clone(),
            Held::Chosen(policy) => policy.clone(),
            Held::Pair(pair) => pair.live.clone(),
        }
    }

    /// The same for as long as it takes.
    pub(crate) fn keep(self) -> Held<'static> {
        match self {
            Held::Fixed(policy) => Held::Chosen(policy.clone()),
            Held::Shared(pair) => Held::Pair(Guard::into_inner(pair)),
            Held::Chosen(policy) => Held::Chosen(policy),
            Held::Pair(pair) => Held::Pair(pair),
        }
    }
}

impl Deref for Held<'_> {
    type Target = Policy;

    #[inline]
    fn deref(&self) -> &Policy {
        match self {
            Held::Fixed(policy) => policy,
            Held::Shared(pair) => &pair.live,
            Held::Chosen(policy) => policy,
            Held::Pair(pair) => &pair.live,
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
            Source::Shared(shared) => f
                .debug_tuple("Shared")
                .field(&shared.policy().document())
                .finish(),
            Source::Chosen(..) => f.write_str("Chosen"),
        }
    }
}

/// A policy for the whole of a layer: a [`Policy`], an `Arc` of one, or a [`SharedPolicy`] that is
/// replaced while serving.
///
/// ```
/// use std::sync::Arc;
/// use crossgate::{LayerPolicy, Policy, SharedPolicy};
/// let policy = Policy::builder().allow_origins(["https://app.example.com"]).build()?;
/// let shared = Arc::new(SharedPolicy::new(policy.clone()));
/// // Functions of your own may take what the layers take.
/// fn all(policies: [LayerPolicy; 3]) -> usize { policies.len() }
/// assert_eq!(all([policy.clone().into(), Arc::new(policy).into(), shared.into()]), 3);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
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
