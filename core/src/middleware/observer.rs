//! Reports what a shadow policy would have done otherwise.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::decide::{Decision, Verdict};
use crate::fetch::request::Request;
use crate::live::shadow::ShadowDifference;
use crate::policy::Policy;

type Observe = dyn Fn(&ShadowDifference, &Request<'_>) + Send + Sync;

/// The application's function, if it gave one; the feature `tracing` emits an event beside it.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Observe>>);

impl Observer {
    pub(crate) fn new(
        observe: impl Fn(&ShadowDifference, &Request<'_>) + Send + Sync + 'static,
    ) -> Self {
        Observer(Some(Arc::new(observe)))
    }

    /// Whether anybody has_listener: a shadow policy is not evaluated for nobody.
    #[inline]
    pub(crate) fn has_listener(&self) -> bool {
        #[cfg(feature = "tracing")]
        if crate::live::trace::warnings_are_heard() {
            return true;
        }
        self.0.is_some()
    }

    /// Evaluates the shadow policy and reports a difference. The decision stands already and
    /// nothing here changes it: if the application's function panics, the request goes on.
    #[cold]
    pub(crate) fn compare(
        &self,
        live: &Policy,
        shadow: &Policy,
        decision: &Decision<'_>,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) {
        let Some(difference) = ShadowDifference::find(shadow, decision, request, verdict) else {
            return;
        };
        #[cfg(feature = "tracing")]
        difference.trace_of(live, Some(shadow), request);
        #[cfg(not(feature = "tracing"))]
        let _ = live;
        if let Some(observe) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| observe(&difference, request)));
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some" } else { "None" })
    }
}
