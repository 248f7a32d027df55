//! Middleware for actix-web 4.
//!
//! # Where it belongs
//!
//! Outermost, which in actix is the last `wrap`: whatever answers in its stead (authentication,
//! compression, the router's 404) stands inside, so that its responses have their headers, too.
//! Errors that handlers and inner middleware return get them when actix makes responses of them.
//! Around the whole `App` a preflight is answered before the router looks at it; around a scope or
//! resource, only where a route matches OPTIONS or the scope's default service is reached.
//!
//! ```
//! use actix_web::{App, HttpServer, Responder, web};
//! use crossgate::Policy;
//! use crossgate::actix::Cors;
//!
//! async fn hello() -> impl Responder {
//!     "hello"
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cors = Cors::new(
//!     Policy::builder()
//!         .allow_origins(["https://app.example.com"])
//!         .build()?,
//! );
//! let server = HttpServer::new(move || {
//!     App::new()
//!         .route("/", web::get().to(hello))
//!         .wrap(cors.clone())
//! });
//! # let _ = server;
//! # Ok(())
//! # }
//! ```
//!
//! # Coming from actix-cors
//!
//! [`Cors::builder`] has its methods.

mod builder;
mod cors;
mod header_map;
mod service;
mod settings;

pub use builder::CorsBuilder;
pub use cors::Cors;
pub use service::{CorsMiddleware, ResponseFuture};
