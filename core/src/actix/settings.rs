//! What a layer was told, in the types of actix.

use std::future::Future;
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderMap, HeaderValue};

use crate::middleware::layer_settings::LayerSettings;
use crate::middleware::predicate::{Answered, IntoVerdict, Predicate};

/// The future of an answer.
pub(super) type VerdictFuture = dyn Future<Output = Answered>;
pub(super) type Settings = LayerSettings<RequestHead, HeaderMap, VerdictFuture>;
pub(super) type OriginPredicate = Predicate<HeaderValue, RequestHead, VerdictFuture>;

/// A predicate that answers later.
pub(super) fn ask_later<F>(
    ask: impl Fn(HeaderValue, &RequestHead) -> F + Send + Sync + 'static,
) -> OriginPredicate
where
    F: Future<Output: IntoVerdict> + 'static,
{
    Predicate::Async(Arc::new(move |origin, head| {
        let answer = ask(origin, head);
        Box::pin(async move { Answered::of(answer.await) })
    }))
}
