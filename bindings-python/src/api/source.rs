//! Where a middleware's policy comes from, and what it makes of a policy.

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use crossgate::{Decision, Request, Verdict};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::denials;
use super::policy::Policy;
use super::shared::{Current, SharedPolicy};
use crate::convert::request::PyRequest;
use crate::convert::text::type_name;

/// Something that is made of a policy.
pub(crate) trait OfPolicy {
    fn policy(&self) -> &Arc<crossgate::Policy>;
}

/// What a middleware makes of its policy.
pub(crate) enum PolicySource<T> {
    /// The policy never changes.
    Fixed(Arc<T>),
    /// The policy may be replaced.
    Shared {
        shared: Py<SharedPolicy>,
        /// Of the policy as it was at the last request.
        made: ArcSwap<T>,
    },
}

/// The policy for one request.
pub(crate) struct Moment<'a, T> {
    pub(crate) made: Cow<'a, Arc<T>>,
    current: Option<Arc<Current>>,
}

impl<T: OfPolicy> PolicySource<T> {
    /// Takes a `Policy` or a `SharedPolicy`.
    pub(crate) fn new(
        policy: &Bound<'_, PyAny>,
        make: impl FnOnce(Arc<crossgate::Policy>) -> PyResult<T>,
    ) -> PyResult<Self> {
        if let Ok(policy) = policy.cast::<Policy>() {
            return Ok(PolicySource::Fixed(Arc::new(make(policy.get().0.clone())?)));
        }
        let Ok(shared) = policy.cast::<SharedPolicy>() else {
            return Err(PyTypeError::new_err(format!(
                "policy must be a Policy or a SharedPolicy, not {}",
                type_name(policy)
            )));
        };
        let made = make(shared.get().load().live().clone())?;
        Ok(PolicySource::Shared {
            shared: shared.clone().unbind(),
            made: ArcSwap::from_pointee(made),
        })
    }

    /// What is made of the policy as it is now.
    #[inline]
    pub(crate) fn load(
        &self,
        make: impl FnOnce(Arc<crossgate::Policy>) -> PyResult<T>,
    ) -> PyResult<Moment<'_, T>> {
        let (shared, last) = match self {
            PolicySource::Fixed(made) => {
                return Ok(Moment {
                    made: Cow::Borrowed(made),
                    current: None,
                });
            }
            PolicySource::Shared { shared, made } => (shared, made),
        };
        let current = shared.get().load();
        let mut made = last.load_full();
        if !Arc::ptr_eq(made.policy(), current.live()) {
            made = Arc::new(make(current.live().clone())?);
            drop(last.swap(made.clone()));
        }
        Ok(Moment {
            made: Cow::Owned(made),
            current: Some(current),
        })
    }

    /// The policy as it is now.
    pub(crate) fn policy(&self) -> Arc<crossgate::Policy> {
        match self {
            PolicySource::Fixed(made) => made.policy().clone(),
            PolicySource::Shared { shared, .. } => shared.get().load().live().clone(),
        }
    }

    /// Whether two sources have equal policies, now and later.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (PolicySource::Fixed(one), PolicySource::Fixed(other)) => {
                one.policy() == other.policy()
            }
            (
                PolicySource::Shared { shared: one, .. },
                PolicySource::Shared { shared: other, .. },
            ) => one.is(other),
            _ => false,
        }
    }
}

impl<T: OfPolicy> Moment<'_, T> {
    /// Tells of a decision: the log, if it denies, and the application, if the shadow policy
    /// decides otherwise.
    #[inline]
    pub(crate) fn tell(
        &self,
        py: Python<'_>,
        live: &Decision<'_>,
        asked: &PyRequest,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) -> PyResult<()> {
        if live.allowed() == Some(false) {
            denials::tell(py, self.made.policy(), request, live)?;
        }
        match &self.current {
            None => Ok(()),
            Some(current) => current.report_difference(py, live, asked, request, verdict),
        }
    }

    /// Whether the policy is that of a `SharedPolicy`, which may have a shadow policy.
    pub(crate) fn is_shared(&self) -> bool {
        self.current.is_some()
    }

    /// The same without borrows, for a request that has to wait.
    pub(crate) fn into_owned(self) -> Moment<'static, T> {
        Moment {
            made: Cow::Owned(self.made.into_owned()),
            current: self.current,
        }
    }
}
