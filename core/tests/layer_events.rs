//! The events of the tower layer, as a real subscriber writes them. A process of its own: the limit
//! of denials is one for all, and other tests' decisions would use it up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod log;

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crossgate::tower::CorsLayer;
use crossgate::{Counters, Policy, SharedPolicy};
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

/// Answers with what it says of CORS itself.
#[derive(Clone)]
struct Application(Option<&'static str>);

impl Service<Request<()>> for Application {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        if let Some(said) = self.0 {
            let said = HeaderValue::from_static(said);
            response
                .headers_mut()
                .insert(ACCESS_CONTROL_ALLOW_ORIGIN, said);
        }
        ready(Ok(response))
    }
}

fn policy(origin: &str) -> Policy {
    Policy::builder().allow_origins([origin]).build().unwrap()
}

/// What is written while requests with these headers are served: kind, reason, and the shadow's
/// reason.
fn events(
    level: tracing::Level,
    layer: &CorsLayer,
    asks: &[(&str, &[(&str, &str)])],
) -> Vec<String> {
    let lines = log::logged(level, || {
        for (method, headers) in asks {
            let request = headers.iter().fold(
                Request::builder().method(*method),
                |request, (name, value)| request.header(*name, *value),
            );
            let served = pin!(
                layer
                    .layer(Application(None))
                    .call(request.body(()).unwrap())
            )
            .poll(&mut Context::from_waker(Waker::noop()));
            assert!(served.is_ready());
        }
    });
    let field = |line: &str, name: &str| {
        line.split(&format!(" {name}=\""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .map(str::to_owned)
    };
    let shown = |line: &str| {
        ["kind", "reason", "shadow_reason"]
            .iter()
            .filter_map(|name| field(line, name))
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines.iter().map(|line| shown(line)).collect()
}

const A: (&str, &str) = ("origin", "https://a.example");
const B: (&str, &str) = ("origin", "https://b.example");

#[test]
fn each_decision_is_told_once_and_a_differing_shadow_beside_it() {
    let put = ("access-control-request-method", "PUT");
    let asks: [(&str, &[(&str, &str)]); 4] = [
        ("GET", &[]),
        ("GET", &[A]),
        ("OPTIONS", &[A, put]),
        ("GET", &[B]),
    ];
    let decisions = [
        "not_cors no_origin",
        "actual allowed",
        "preflight method_not_allowed",
        "actual origin_not_listed",
    ];
    let fixed = CorsLayer::new(policy("https://a.example"));
    assert_eq!(events(tracing::Level::TRACE, &fixed, &asks), decisions);
    assert_eq!(events(tracing::Level::DEBUG, &fixed, &asks), decisions[1..]);
    assert_eq!(events(tracing::Level::WARN, &fixed, &asks), decisions[2..]);

    // Without an observer's function: the event is enough.
    let shared = Arc::new(SharedPolicy::new(policy("https://a.example")));
    let layer = CorsLayer::new(shared.clone());
    assert_eq!(events(tracing::Level::WARN, &layer, &asks), decisions[2..]);
    shared.set_shadow(Some(Arc::new(policy("https://b.example"))));
    let told = events(tracing::Level::WARN, &layer, &asks);
    let expected = [
        "actual allowed origin_not_listed",
        "preflight method_not_allowed",
        "preflight method_not_allowed origin_not_listed",
        "actual origin_not_listed",
        "actual origin_not_listed allowed",
    ];
    assert_eq!(told, expected);
    shared.set_shadow(None);
    assert_eq!(events(tracing::Level::WARN, &layer, &asks), decisions[2..]);
}

/// The first response whose headers the policy removed is told with path and value, without the
/// query and on one line, and no other within a minute; each is counted.
#[test]
fn the_first_overwritten_response_is_told_with_path_and_value() {
    let counters = Arc::new(Counters::new());
    let layer = CorsLayer::new(policy("https://a.example")).counters(counters.clone());
    let ask = |path: &str| {
        let request = Request::builder().uri(path).body(()).unwrap();
        let served = pin!(layer.layer(Application(Some("*"))).call(request))
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(served.is_ready());
    };
    let lines = log::logged(tracing::Level::WARN, || {
        ask("/fonts/a=b.woff2?token=secret");
        ask("/other");
    });
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(
        line.contains("CORS overwrote")
            && line.contains(r" path=/fonts/a\x3db.woff2 ")
            && line.contains(" allow_origin=*"),
        "{line}"
    );
    assert!(!line.contains("secret"), "{line}");
    assert_eq!(counters.overwrote_upstream(), 2);
}
