//! A policy that is swapped while serving, and the place of the shadow policy beside it.

#[cfg(any(feature = "tower", feature = "actix"))]
use arc_swap::Guard;
use std::ops::Deref;
#[cfg(feature = "config")]
use std::path::Path;
use std::sync::Arc;

use super::swap::{Pair, Swapped};
use crate::config::Document;
#[cfg(feature = "config")]
use crate::config::LoadError;
use crate::policy::Policy;
use crate::problem::PolicyError;

/// A policy that can be replaced while others read it. Readers are wait-free (the `arc-swap` crate;
/// once in `usize::MAX / 4` reads one may have to try again); the old policy lives until the last
/// of its snapshots is dropped. Writers never hold readers up and do not lose each other's work:
/// one may replace the policy while another sets the shadow.
///
/// ```
/// use crossgate::{Document, Policy, Request, SharedPolicy};
/// let shared = SharedPolicy::new(Policy::builder().allow_origins(["https://a.example"]).build()?);
/// let snapshot = shared.load();
/// let request = Request::new("GET").header("Origin", b"https://a.example");
/// assert_eq!(snapshot.evaluate(&request).allowed(), Some(true));
/// // A document that is wrong changes nothing.
/// assert!(shared.replace_document(&Document::new()).is_err());
/// assert_eq!(shared.load().evaluate(&request).allowed(), Some(true));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct SharedPolicy {
    current: Swapped<Policy>,
}

impl SharedPolicy {
    /// Shares a policy.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        SharedPolicy {
            current: Swapped::new(policy.into()),
        }
    }

    /// The policies as they are now, for one request.
    pub fn load(&self) -> Snapshot {
        Snapshot {
            pair: self.current.load_full(),
        }
    }

    /// The same without counting: for a look that is short.
    #[cfg(any(feature = "tower", feature = "actix"))]
    #[inline]
    pub(crate) fn current(&self) -> Guard<Arc<Pair<Policy>>> {
        self.current.load()
    }

    /// The live policy as it is now, for one request.
    pub fn policy(&self) -> Arc<Policy> {
        self.current.load().live.clone()
    }

    /// Replaces the live policy. The old one is dropped here, or with the last snapshot that has
    /// it.
    pub fn replace(&self, policy: impl Into<Arc<Policy>>) {
        self.current.replace(&policy.into());
    }

    /// Builds the live policy anew.
    ///
    /// # Errors
    /// Every problem of the document; the old policy stays.
    pub fn replace_document(&self, document: &Document) -> Result<(), PolicyError> {
        self.replace(Policy::from_document(document)?);
        Ok(())
    }

    /// Builds the live policy anew from JSON text.
    ///
    /// # Errors
    /// Every problem of the text; the old policy stays.
    #[cfg(feature = "config")]
    pub fn replace_json(&self, text: &str) -> Result<(), PolicyError> {
        self.replace(Policy::from_json(text)?);
        Ok(())
    }

    /// Builds the live policy anew from TOML text.
    ///
    /// # Errors
    /// Every problem of the text; the old policy stays.
    #[cfg(feature = "config")]
    pub fn replace_toml(&self, text: &str) -> Result<(), PolicyError> {
        self.replace(Policy::from_toml(text)?);
        Ok(())
    }

    /// Builds the live policy anew from a file.
    ///
    /// # Errors
    /// As [`Policy::from_file`]; the old policy stays.
    #[cfg(feature = "config")]
    pub fn replace_file(&self, path: impl AsRef<Path>) -> Result<(), LoadError> {
        self.replace(Policy::from_file(path)?);
        Ok(())
    }

    /// Sets or drops the policy that is evaluated beside the live one.
    pub fn set_shadow(&self, shadow: Option<Arc<Policy>>) {
        self.current.set_shadow(&shadow);
    }
}

/// The policies of one moment. Dereferences to the live policy.
///
/// ```
/// use crossgate::{Policy, Request, SharedPolicy};
/// let shared = SharedPolicy::new(Policy::builder().allow_origins(["https://a.example"]).build()?);
/// let snapshot = shared.load();
/// shared.replace(Policy::builder().allow_origins(["https://b.example"]).build()?);
/// // A request is served to its end with the policy it began with.
/// let request = Request::new("GET").header("Origin", "https://a.example");
/// assert_eq!(snapshot.evaluate(&request).allowed(), Some(true));
/// assert_eq!(shared.load().evaluate(&request).allowed(), Some(false));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    pair: Arc<Pair<Policy>>,
}

impl Snapshot {
    /// The live policy.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.pair.live
    }

    /// The policy that is evaluated beside it.
    pub fn shadow(&self) -> Option<&Arc<Policy>> {
        self.pair.shadow.as_ref()
    }
}

impl Deref for Snapshot {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.pair.live
    }
}
