//! The layers for tower.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};

use bytes::Bytes;
use crossgate::Policy;
use crossgate::tower::CorsLayer;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer as PeerLayer};

use crate::{ROUNDS, Row, Workload, fields, run, time};

/// The bare handler.
#[derive(Clone)]
struct Handler;

impl Service<Request<Full<Bytes>>> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        black_box(&request);
        let mut response = Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}")));
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        ready(Ok(response))
    }
}

fn names(names: [&'static str; 2]) -> [HeaderName; 2] {
    names.map(HeaderName::from_static)
}

fn peer(workload: &Workload) -> PeerLayer {
    let origin = if workload.wildcard {
        AllowOrigin::predicate(|origin, _| {
            origin.as_bytes().starts_with(b"https://")
                && origin.as_bytes().ends_with(b".example.com")
        })
    } else {
        AllowOrigin::list(
            workload
                .origins()
                .iter()
                .map(|origin| HeaderValue::from_str(origin).expect("an origin is a header value")),
        )
    };
    PeerLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::PUT, Method::DELETE])
        .allow_headers(names(["authorization", "content-type"]))
        .expose_headers(names(["x-total-count", "x-request-id"]))
        .allow_credentials(true)
        .max_age(std::time::Duration::from_secs(7200))
}

/// The policy of a workload.
pub(crate) fn policy(workload: &Workload) -> Policy {
    Policy::builder()
        .allow_origins(if workload.wildcard {
            vec!["https://*.example.com".to_owned()]
        } else {
            workload.origins()
        })
        .allow_methods(["PUT", "DELETE"])
        .allow_headers(["authorization", "content-type"])
        .expose_headers(["x-total-count", "x-request-id"])
        .allow_credentials(true)
        .max_age(7200)
        .build()
        .expect("the policy is valid")
}

fn request(workload: &Workload) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(workload.method)
        .uri("/items/1")
        .body(Full::default())
        .expect("the request is valid");
    for (name, value) in fields(workload) {
        let value = HeaderValue::from_maybe_shared(value).expect("a header value");
        request.headers_mut().insert(
            HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            value,
        );
    }
    request
}

fn round<S>(workload: &Workload, service: &mut S) -> f64
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    time(
        || request(workload),
        |request| {
            let Ok(response) = run!(service.call(request));
            black_box(&response);
        },
    )
}

/// Every workload, the three services in turn.
pub(crate) fn measure(workloads: &[Workload]) -> Vec<(&'static str, Row)> {
    workloads
        .iter()
        .map(|workload| {
            let (mut bare, mut peer, mut ours) = (
                Handler,
                peer(workload).layer(Handler),
                CorsLayer::new(policy(workload)).layer(Handler),
            );
            let mut row = Row::default();
            for index in 0..=ROUNDS {
                let times = (
                    round(workload, &mut bare),
                    round(workload, &mut peer),
                    round(workload, &mut ours),
                );
                // The first round warms up.
                if index > 0 {
                    row.bare.push(times.0);
                    row.peer.push(times.1);
                    row.ours.push(times.2);
                }
            }
            (workload.name, row)
        })
        .collect()
}
