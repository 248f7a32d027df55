//! All that a layer was told: the policy, the application's function, and options of its own.

use super::header_map::HeaderMap;
use super::observer::Observer;
use super::plan::LayerOptions;
use super::policy_source::PolicySource;
use super::predicate::{Asked, Predicate};
use crate::decide::VerdictError;

/// `H` is the head of a request, `T` the framework's map of headers, `F` the future of a verdict.
pub(crate) struct LayerSettings<H, T: HeaderMap, F: ?Sized> {
    pub(crate) source: PolicySource<H>,
    pub(crate) predicate: Option<Predicate<T::Value, H, F>>,
    pub(crate) options: LayerOptions<T::Value>,
}

impl<H, T: HeaderMap, F: ?Sized> LayerSettings<H, T, F> {
    pub(crate) fn new(source: PolicySource<H>) -> Self {
        source.make_templates::<T>();
        LayerSettings {
            source,
            predicate: None,
            options: LayerOptions::default(),
        }
    }

    /// Sets the application's function.
    pub(crate) fn set_predicate(
        &mut self,
        predicate: Predicate<T::Value, H, F>,
    ) -> Result<(), VerdictError> {
        self.source.can_ask()?;
        self.predicate = Some(predicate);
        Ok(())
    }

    /// Whether the policy or the verdict depends on the request's head, or the handler gets an
    /// extension.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn needs_head(&self) -> bool {
        self.predicate.is_some() || self.options.insert_extension || self.source.needs_head()
    }

    /// Asks the application about an origin, if there is an application to ask.
    pub(crate) fn ask(&self, origin: T::Value, head: &H) -> Option<Asked<F>> {
        Some(self.predicate.as_ref()?.ask(origin, head))
    }

    pub(crate) fn set_observer(&mut self, observer: Observer) {
        self.options.observer = observer;
    }
}

impl<H, T: HeaderMap, F: ?Sized> Clone for LayerSettings<H, T, F> {
    fn clone(&self) -> Self {
        LayerSettings {
            source: self.source.clone(),
            predicate: self.predicate.clone(),
            options: self.options.clone(),
        }
    }
}

impl<H, T: HeaderMap, F: ?Sized> std::fmt::Debug for LayerSettings<H, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerSettings")
            .field("source", &self.source)
            .field("predicate", &self.predicate)
            .finish_non_exhaustive()
    }
}
