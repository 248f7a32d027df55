//! What is done when a policy replaced or removed CORS headers of the application: it is counted
//! each time, and told once a minute with the path and the value.

use std::sync::Arc;

use crate::live::counters::Counters;

/// CORS headers of a response that the policy replaced or removed.
#[derive(Debug)]
pub(crate) struct Overwritten<V> {
    /// The first `Access-Control-Allow-Origin`, if the response had one.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "nobody is told"))]
    pub(crate) allow_origin: Option<V>,
}

/// Goes with a request until its response is there. `P` is the request's path in the framework's
/// own form, taken along only while somebody listens.
#[derive(Clone, Debug)]
pub(crate) struct OverwriteReport<P> {
    counters: Option<Arc<Counters>>,
    #[cfg(feature = "tracing")]
    path: Option<P>,
    #[cfg(not(feature = "tracing"))]
    path: std::marker::PhantomData<P>,
}

impl<P> OverwriteReport<P> {
    #[inline]
    pub(crate) fn new(counters: Option<&Arc<Counters>>, path: impl FnOnce() -> Option<P>) -> Self {
        #[cfg(feature = "tracing")]
        let path = if crate::live::trace::warnings_are_heard() {
            path()
        } else {
            None
        };
        #[cfg(not(feature = "tracing"))]
        let (path, _) = (std::marker::PhantomData, path);
        OverwriteReport {
            counters: counters.cloned(),
            path,
        }
    }

    /// Counts it, and tells it if nothing was told in the last minute. `text` gives the path
    /// without the query, which may hold secrets.
    #[cold]
    pub(crate) fn report<V: AsRef<[u8]>>(
        &self,
        overwritten: &Overwritten<V>,
        text: fn(&P) -> &str,
    ) {
        if let Some(counters) = &self.counters {
            counters.add_overwrote_upstream();
        }
        #[cfg(feature = "tracing")]
        crate::live::trace::overwrote(
            self.path.as_ref().map(text),
            overwritten.allow_origin.as_ref().map(AsRef::as_ref),
        );
        #[cfg(not(feature = "tracing"))]
        let _ = (overwritten, text, self.path);
    }
}
