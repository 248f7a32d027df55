//! A table of 100,000 tenants: each has its own policy, found by the first segment of the path, as
//! the preflight and the request share it. `cargo run --release -p crossgate --features tower
//! --example tenants`

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crossgate::tower::CorsLayer;
use crossgate::{Policy, PolicyError};
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

const TENANTS: usize = 100_000;

/// The application; an axum router stands here as well.
#[derive(Clone)]
struct Application;

impl Service<Request<()>> for Application {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        ready(Ok(Response::new(format!(
            "hello from {}",
            request.uri().path()
        ))))
    }
}

/// Tenants by name, each with the origins that it registered.
fn tenants() -> Result<HashMap<String, Arc<Policy>>, PolicyError> {
    (0..TENANTS)
        .map(|number| {
            let policy = Policy::builder()
                .allow_origins([format!("https://app.tenant-{number}.example")])
                .allow_methods(["PUT"])
                .allow_credentials(true)
                .build()?;
            Ok((format!("tenant-{number}"), Arc::new(policy)))
        })
        .collect()
}

/// The tenant whose resource it is. A path of no tenant gets `None`, and so a policy that allows
/// nobody.
fn tenant(head: &Parts) -> &str {
    head.uri
        .path()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default()
}

fn allowed_origin(
    service: &mut impl Service<Request<()>, Response = Response<String>, Error = Infallible>,
    path: &str,
    origin: &str,
) -> Option<String> {
    let request = Request::get(path)
        .header("Origin", origin)
        .body(())
        .expect("the request is valid");
    // Nothing here waits; a server's runtime polls in real life.
    match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response
            .headers()
            .get("access-control-allow-origin")
            .map(|origin| origin.to_str().unwrap_or_default().to_owned()),
        Poll::Pending => None,
    }
}

fn main() -> Result<(), PolicyError> {
    let started = Instant::now();
    let tenants = tenants()?;
    println!(
        "{TENANTS} policies in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let mut service =
        CorsLayer::per_request(move |head| tenants.get(tenant(head)).cloned()).layer(Application);
    for (path, origin) in [
        ("/tenant-4711/items", "https://app.tenant-4711.example"),
        ("/tenant-4711/items", "https://app.tenant-4712.example"),
        ("/nobody/items", "https://app.tenant-4711.example"),
    ] {
        println!(
            "{path} from {origin}: {}",
            allowed_origin(&mut service, path, origin)
                .as_deref()
                .unwrap_or("not allowed")
        );
    }
    let started = Instant::now();
    for number in 0..TENANTS {
        let origin = format!("https://app.tenant-{number}.example");
        assert_eq!(
            allowed_origin(&mut service, &format!("/tenant-{number}/"), &origin),
            Some(origin)
        );
    }
    println!(
        "one request of each: {:.0} ns a request",
        started.elapsed().as_nanos() as f64 / TENANTS as f64
    );
    Ok(())
}
