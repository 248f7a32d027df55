//! Where the policy of a request comes from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;

use super::header_map::HeaderMap;
use super::templates::Templates;
use crate::decide::VerdictError;
use crate::live::shared::SharedPolicy;
use crate::live::swap::Pair;
use crate::policy::Policy;

/// Chooses a policy by the head of a request.
pub(crate) type Choose<H> = dyn Fn(&H) -> Option<Arc<Policy>> + Send + Sync;

/// Where the policy of a request comes from. `H` is the head of a request, as the framework calls
/// it.
pub(crate) enum PolicySource<H> {
    /// One policy for good.
    Fixed(Arc<Policy>),
    /// One that is replaced while serving.
    Shared(Arc<SharedPolicy>),
    /// One by request. A request that gets none is treated by the second one, which allows nobody.
    Chosen(Arc<Choose<H>>, Arc<Policy>),
}

impl<H> PolicySource<H> {
    pub(crate) fn chosen(
        choose: impl Fn(&H) -> Option<Arc<Policy>> + Send + Sync + 'static,
    ) -> Self {
        // Lists nobody; the middleware never asks the application for it.
        let deny_all = Policy::builder()
            .origin_predicate(true)
            .build()
            .expect("origin_predicate alone is a valid policy");
        PolicySource::Chosen(Arc::new(choose), Arc::new(deny_all))
    }

    /// Whether it takes a look at the request.
    #[inline]
    pub(crate) fn needs_head(&self) -> bool {
        matches!(self, PolicySource::Chosen(..))
    }

    /// The policy of requests that were not looked at.
    #[inline]
    pub(crate) fn without_head(&self) -> PolicyRef<'_> {
        match self {
            PolicySource::Fixed(policy) => PolicyRef::Fixed(policy),
            PolicySource::Chosen(_, deny_all) => PolicyRef::DenyAll(deny_all),
            PolicySource::Shared(shared) => PolicyRef::Shared(shared.current()),
        }
    }

    /// Makes the framework's values of a policy that is known already, so that the first request
    /// does not have to.
    pub(crate) fn make_templates<T: HeaderMap>(&self) {
        Templates::<T>::of_policy(&self.without_head());
    }

    /// Whether the application may be asked about origins: a policy for all requests must have
    /// `origin_predicate`.
    pub(crate) fn can_ask(&self) -> Result<(), VerdictError> {
        if self.needs_head() || self.without_head().has_origin_predicate() {
            Ok(())
        } else {
            Err(VerdictError)
        }
    }

    /// The policy of a request.
    #[inline]
    pub(crate) fn of(&self, head: &H) -> PolicyRef<'_> {
        match self {
            PolicySource::Chosen(choose, _) => {
                choose(head).map_or(self.without_head(), PolicyRef::Chosen)
            }
            _ => self.without_head(),
        }
    }
}

/// The policy of one request, and the shadow policy that stands beside it. Dereferences to the
/// policy.
pub(crate) enum PolicyRef<'a> {
    Fixed(&'a Arc<Policy>),
    /// The policy of a request that no policy was chosen for.
    DenyAll(&'a Arc<Policy>),
    Shared(Guard<Arc<Pair<Policy>>>),
    Chosen(Arc<Policy>),
    /// What was shared, for a request that waits.
    Pair(Arc<Pair<Policy>>),
}

impl PolicyRef<'_> {
    /// Whether the application may be asked about origins.
    #[inline]
    pub(crate) fn may_ask(&self) -> bool {
        !matches!(self, PolicyRef::DenyAll(_))
    }

    /// The policy that is evaluated beside this one.
    #[inline]
    pub(crate) fn shadow(&self) -> Option<&Policy> {
        match self {
            PolicyRef::Fixed(_) | PolicyRef::DenyAll(_) | PolicyRef::Chosen(_) => None,
            PolicyRef::Shared(pair) => pair.shadow.as_deref(),
            PolicyRef::Pair(pair) => pair.shadow.as_deref(),
        }
    }

    /// The policy itself.
    #[inline]
    pub(crate) fn policy(&self) -> Arc<Policy> {
        match self {
            PolicyRef::Fixed(policy) | PolicyRef::DenyAll(policy) => (*policy).clone(),
            PolicyRef::Shared(pair) => pair.live.clone(),
            PolicyRef::Chosen(policy) => policy.clone(),
            PolicyRef::Pair(pair) => pair.live.clone(),
        }
    }

    /// The same for as long as it takes.
    pub(crate) fn into_owned(self) -> PolicyRef<'static> {
        match self {
            PolicyRef::Fixed(policy) | PolicyRef::DenyAll(policy) => {
                PolicyRef::Chosen(policy.clone())
            }
            PolicyRef::Shared(pair) => PolicyRef::Pair(Guard::into_inner(pair)),
            PolicyRef::Chosen(policy) => PolicyRef::Chosen(policy),
            PolicyRef::Pair(pair) => PolicyRef::Pair(pair),
        }
    }
}

impl Deref for PolicyRef<'_> {
    type Target = Policy;

    #[inline]
    fn deref(&self) -> &Policy {
        match self {
            PolicyRef::Fixed(policy) | PolicyRef::DenyAll(policy) => policy,
            PolicyRef::Shared(pair) => &pair.live,
            PolicyRef::Chosen(policy) => policy,
            PolicyRef::Pair(pair) => &pair.live,
        }
    }
}

impl<H> Clone for PolicySource<H> {
    fn clone(&self) -> Self {
        match self {
            PolicySource::Fixed(policy) => PolicySource::Fixed(policy.clone()),
            PolicySource::Shared(shared) => PolicySource::Shared(shared.clone()),
            PolicySource::Chosen(choose, deny_all) => {
                PolicySource::Chosen(choose.clone(), deny_all.clone())
            }
        }
    }
}

impl<H> fmt::Debug for PolicySource<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicySource::Fixed(policy) => {
                f.debug_tuple("Fixed").field(&policy.document()).finish()
            }
            PolicySource::Shared(shared) => f
                .debug_tuple("Shared")
                .field(&shared.policy().document())
                .finish(),
            PolicySource::Chosen(..) => f.write_str("Chosen"),
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
pub struct LayerPolicy(PolicyOrShared);

#[derive(Clone, Debug)]
enum PolicyOrShared {
    Fixed(Arc<Policy>),
    Shared(Arc<SharedPolicy>),
}

impl<H> From<LayerPolicy> for PolicySource<H> {
    fn from(LayerPolicy(kept): LayerPolicy) -> Self {
        match kept {
            PolicyOrShared::Fixed(policy) => PolicySource::Fixed(policy),
            PolicyOrShared::Shared(shared) => PolicySource::Shared(shared),
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
        LayerPolicy(PolicyOrShared::Fixed(policy))
    }
}

impl From<SharedPolicy> for LayerPolicy {
    fn from(shared: SharedPolicy) -> Self {
        Arc::new(shared).into()
    }
}

impl From<Arc<SharedPolicy>> for LayerPolicy {
    fn from(shared: Arc<SharedPolicy>) -> Self {
        LayerPolicy(PolicyOrShared::Shared(shared))
    }
}
