//! Middleware for every [tower](tower_service::Service) service with the types of `http` 1.x: axum,
//! hyper, tonic.
//!
//! # Where it belongs
//!
//! Outermost: whatever answers in the layer's stead (a timeout, a limit, authentication,
//! compression, the router's 404) stands inside, so that its responses have their headers, too. An
//! error that is no response (`Err`) passes through as it is; turn it into a response inside
//! (axum's `HandleErrorLayer`, `tower-http`'s `CatchPanic`), and the response has its headers.
//!
//! ```
//! use crossgate::Policy;
//! use crossgate::tower::CorsLayer;
//! use http::{Request, Response};
//! use std::convert::Infallible;
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! # #[derive(Clone)] struct Api;
//! # impl Service<Request<()>> for Api {
//! #     type Response = Response<String>;
//! #     type Error = Infallible;
//! #     type Future = std::future::Ready<Result<Response<String>, Infallible>>;
//! #     fn poll_ready(
//! #         &mut self,
//! #         _: &mut std::task::Context<'_>,
//! #     ) -> std::task::Poll<Result<(), Infallible>> {
//! #         std::task::Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, _: Request<()>) -> Self::Future {
//! #         std::future::ready(Ok(Response::new("hello".into())))
//! #     }
//! # }
//! let policy = Policy::builder()
//!     .allow_origins(["https://app.example.com"])
//!     .build()?;
//! let mut service = CorsLayer::new(policy).layer(Api); // any service
//! let request = Request::get("/")
//!     .header("Origin", "https://app.example.com")
//!     .body(())?;
//! let response = service.call(request);
//! # let mut response = std::pin::pin!(response);
//! # let waker = std::task::Waker::noop();
//! # let mut context = std::task::Context::from_waker(waker);
//! # let std::task::Poll::Ready(response) = response.as_mut().poll(&mut context) else { panic!() };
//! # let response = response?;
//! assert_eq!(
//!     response.headers()["access-control-allow-origin"],
//!     "https://app.example.com"
//! );
//! assert_eq!(response.headers()["vary"], "Origin");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A preflight is answered without the inner service; a request that the policy rejects
//! (`denied_actual = "reject"`) gets its 403 without it, too. Nothing is boxed and nothing
//! allocated beside the header table, but for the future of an asynchronous predicate, a `Vary` or
//! `Access-Control-Expose-Headers` that the handler set, an echoed list of names, and names given
//! to [`CorsLayer::vary`].
//!
//! # Coming from tower-http
//!
//! [`CorsLayer::builder`] has its methods.

mod builder;
mod header_map;
mod layer;
mod options;
mod service;
mod settings;

pub use builder::CorsBuilder;
pub use layer::CorsLayer;
pub use options::{
    AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, AllowPrivateNetwork, Any,
    ExposeHeaders, MaxAge, Vary,
};
pub use service::{Cors, ResponseFuture};
