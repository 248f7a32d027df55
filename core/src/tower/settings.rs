//! What a layer was told, in the types of tower.

use std::future::Future;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use http::request::Parts;

use crate::middleware::layer_settings::LayerSettings;
use crate::middleware::predicate::{Answered, IntoVerdict, Predicate};

/// The future of an answer.
pub(super) type VerdictFuture = dyn Future<Output = Answered> + Send;
pub(super) type Settings = LayerSettings<Parts, HeaderMap, VerdictFuture>;
pub(super) type OriginPredicate = Predicate<HeaderValue, Parts, VerdictFuture>;

/// A predicate that answers later.
pub(super) fn ask_later<F>(
    ask: impl Fn(HeaderValue, &Parts) -> F + Send + Sync + 'static,
) -> OriginPredicate
where
    F: Future<Output: IntoVerdict> + Send + 'static,
{
    Predicate::Async(Arc::new(move |origin, head| {
        let answer = ask(origin, head);
        Box::pin(async move { Answered::of(answer.await) })
    }))
}
