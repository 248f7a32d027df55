//! crossgate's layer and tower-http's side by side.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use crossgate::tower::{self as ours, CorsBuilder};
use crossgate_peers::{Answer, Ask, Outcome, Pair, asks, compare};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::cors::{self as peer, CorsLayer as PeerLayer};

async fn handle(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"handled")));
    let headers = response.headers_mut();
    match request.uri().path() {
        "/own" => {
            headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
            headers.insert("access-control-expose-headers", HeaderValue::from_static("x-own"));
            headers.insert("vary", HeaderValue::from_static("accept-encoding"));
        }
        "/missing" => *response.status_mut() = StatusCode::NOT_FOUND,
        "/error" => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        _ => {}
    }
    Ok(response)
}

/// Asks a service; a panic is a refusal, which is how tower-http says that options are wrong.
fn serve<S>(make: impl FnOnce() -> Result<S, String>, ask: &Ask) -> Outcome
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let mut request = Request::builder().method(ask.method).uri(ask.path);
    for (name, value) in &ask.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::default()).unwrap();
    let served = catch_unwind(AssertUnwindSafe(|| {
        let service = make()?;
        let Ok(response) = service.oneshot(request).now_or_never().expect("nothing waits");
        Ok(response)
    }));
    let response = served.unwrap_or_else(|_| Err("it panics".to_owned()))?;
    let (head, body) = response.into_parts();
    let body = body.collect().now_or_never().expect("nothing waits").unwrap().to_bytes();
    Ok(Answer::new(head.status.as_u16(), head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), &body))
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn names<const N: usize>(names: [&'static str; N]) -> [HeaderName; N] {
    names.map(HeaderName::from_static)
}

/// Both sides with the same calls.
macro_rules! both {
    ($name:literal, $($call:ident($($argument:expr)?)).*) => {{
        let ask_peer: fn() -> PeerLayer = || { #[allow(unused_imports)] use peer::*; PeerLayer::new()$(.$call($($argument)?))* };
        let ask_ours: fn() -> CorsBuilder = || { #[allow(unused_imports)] use ours::*; CorsBuilder::new()$(.$call($($argument)?))* };
        ($name, ask_peer, ask_ours)
    }};
}

type Options = (&'static str, fn() -> PeerLayer, fn() -> CorsBuilder);

fn options() -> Vec<Options> {
    vec![
        ("default", PeerLayer::new, CorsBuilder::new),
        ("permissive", PeerLayer::permissive, CorsBuilder::permissive),
        ("very permissive", PeerLayer::very_permissive, CorsBuilder::very_permissive),
        both!(
            "list",
            allow_origin([value("https://a.example"), value("https://b.example")])
                .allow_methods([Method::GET, Method::PUT])
                .allow_headers(names(["content-type", "x-a"]))
        ),
        both!(
            "list with credentials",
            allow_origin(vec![value("https://a.example"), value("https://b.example")])
                .allow_methods([Method::PUT, Method::DELETE])
                .allow_headers(names(["content-type", "authorization"]))
                .expose_headers(names(["x-total", "x-id"]))
                .allow_credentials(true)
                .max_age(Duration::from_secs(600))
        ),
        both!("any origin", allow_origin(Any).allow_methods([Method::PUT]).expose_headers(names(["x-total"]))),
        both!("exact", allow_origin(value("https://a.example")).allow_methods(Method::PUT).expose_headers(names(["x-total"]))),
        both!("exact with credentials", allow_origin(AllowOrigin::exact(value("https://a.example"))).allow_methods([Method::PUT]).allow_credentials(true)),
        both!(
            "predicate",
            allow_origin(AllowOrigin::predicate(|origin, _| origin != "https://evil.test")).allow_methods([Method::PUT]).allow_credentials(true)
        ),
        both!(
            "asynchronous predicate",
            allow_origin(AllowOrigin::async_predicate(|origin, _| async move { origin == "https://a.example" })).allow_methods([Method::PUT])
        ),
        both!("mirrored origin", allow_origin(AllowOrigin::mirror_request()).expose_headers(names(["x-total"]))),
        both!(
            "mirrored lists",
            allow_origin([value("https://a.example")]).allow_methods(AllowMethods::mirror_request()).allow_headers(AllowHeaders::mirror_request())
        ),
        both!(
            "mirrored lists with credentials",
            allow_origin([value("https://a.example")])
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
                .allow_credentials(true)
        ),
        both!("any lists", allow_origin([value("https://a.example")]).allow_methods(Any).allow_headers(Any).expose_headers(Any)),
        both!("any headers with credentials", allow_origin([value("https://a.example")]).allow_headers(Any).allow_credentials(true)),
        both!("any with credentials", allow_origin(Any).allow_credentials(true)),
        both!("own vary", allow_origin([value("https://a.example")]).allow_methods([Method::PUT]).vary(names(["accept-language"]))),
        both!("private network", allow_origin([value("https://a.example")]).allow_methods([Method::PUT]).allow_private_network(true)),
        both!("trailing slash", allow_origin([value("https://a.example/")])),
        both!("long age", allow_origin([value("https://a.example")]).max_age(Duration::from_secs(100_000))),
        both!("pattern", allow_origin([value("https://*.example")]).allow_methods([Method::PUT])),
        both!("forbidden method", allow_origin([value("https://a.example")]).allow_methods([Method::TRACE])),
        both!("plain http with credentials", allow_origin([value("http://a.example")]).allow_credentials(true)),
        both!("null", allow_origin([value("null")])),
    ]
}

const LISTS: [&str; 3] = ["access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"];

/// Runs on pairs where both sides serve.
fn served(pair: &mut Pair, change: impl FnOnce(&Ask, &mut Answer, &mut Answer)) {
    if let (Ok(peer), Ok(ours)) = (&mut pair.peer, &mut pair.ours) {
        change(&pair.ask, peer, ours);
    }
}

/// Runs on pairs of some options, whatever they came to.
fn under(pair: &mut Pair, options: &[&str]) {
    if options.contains(&pair.options) {
        pair.peer = pair.ours.clone();
    }
}

#[test]
fn every_difference_is_documented() {
    // tower-http's panics are expected.
    std::panic::set_hook(Box::new(|_| {}));
    let mut pairs = Vec::new();
    for (name, peer, ours) in options() {
        for ask in asks() {
            let peer = serve(|| Ok(peer().layer(service_fn(handle))), &ask);
            let ours = serve(|| ours().build().map(|layer| layer.layer(service_fn(handle))).map_err(|error| error.to_string()), &ask);
            pairs.push(Pair { options: name, ask, peer, ours });
        }
    }
    let _ = std::panic::take_hook();
    compare(
        include_str!("../../differences/tower-http.json"),
        pairs,
        &[
            ("errors-not-panics", |pair| {
                if pair.peer.is_err() && pair.ours.is_err() {
                    pair.peer = pair.ours.clone();
                }
            }),
            ("very-permissive-is-refused", |pair| under(pair, &["very permissive"])),
            ("any-header-with-credentials", |pair| under(pair, &["any headers with credentials"])),
            ("origins-are-checked", |pair| under(pair, &["trailing slash", "null"])),
            ("insecure-origins-with-credentials", |pair| under(pair, &["plain http with credentials"])),
            ("age-is-bounded", |pair| under(pair, &["long age"])),
            ("forbidden-methods", |pair| under(pair, &["forbidden method"])),
            ("patterns", |pair| under(pair, &["pattern"])),
            ("options-reach-the-handler", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.method == "OPTIONS" && !ask.is_preflight() {
                        *peer = ours.clone();
                    }
                });
            }),
            ("several-origins", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.headers.iter().filter(|(name, _)| *name == "origin").count() > 1 {
                        *peer = ours.clone();
                    }
                });
            }),
            ("only-well-formed-origins-are-asked", |pair| {
                if pair.options == "predicate" {
                    served(pair, |ask, peer, ours| {
                        if matches!(ask.get("origin"), Some("null" | "https://A.example")) {
                            *peer = ours.clone();
                        }
                    });
                }
            }),
            ("star-for-every-origin", |pair| {
                if pair.options == "mirrored origin" {
                    served(pair, |_, peer, ours| peer.take(ours, &["access-control-allow-origin", "vary"]));
                }
            }),
            ("mirrored-methods", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    served(pair, |ask, peer, ours| {
                        if ask.is_preflight() && ours.has("access-control-allow-origin") {
                            peer.take(ours, &["access-control-allow-methods"]);
                        }
                    });
                }
            }),
            ("mirrored-headers", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    served(pair, |ask, peer, ours| {
                        if ask.is_preflight() && ours.has("access-control-allow-origin") {
                            peer.take(ours, &["access-control-allow-headers"]);
                        }
                    });
                }
            }),
            ("own-vary-adds", |pair| {
                if pair.options == "own vary" {
                    served(pair, |_, peer, ours| peer.take(ours, &["vary"]));
                }
            }),
            ("one-vary-field", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" {
                        peer.take(ours, &["vary"]);
                    }
                });
            }),
            ("preflight-vary", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() {
                        peer.take(ours, &["vary"]);
                    }
                });
            }),
            ("handlers-own-headers", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" && !ours.has("access-control-allow-origin") {
                        peer.take(ours, &["access-control-allow-origin", "access-control-expose-headers"]);
                    }
                });
            }),
            ("exposed-names-are-merged", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" && ours.has("access-control-allow-origin") {
                        peer.take(ours, &["access-control-expose-headers"]);
                    }
                });
            }),
            ("no-credentials-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has("access-control-allow-origin") {
                        peer.take(ours, &["access-control-allow-credentials"]);
                    }
                });
            }),
            ("no-exposed-headers-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has("access-control-allow-origin") {
                        peer.take(ours, &["access-control-expose-headers"]);
                    }
                });
            }),
            ("denied-preflights-grant-nothing", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() && !ours.has("access-control-allow-origin") {
                        peer.take(ours, &LISTS);
                    }
                });
            }),
            ("private-network-after-the-origin", |pair| served(pair, |_, peer, ours| peer.take(ours, &["access-control-allow-private-network"]))),
            ("vary-of-other-methods", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    served(pair, |ask, peer, ours| {
                        if !ask.is_preflight() {
                            peer.take(ours, &["vary"]);
                        }
                    });
                }
            }),
            ("vary-is-spelled-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if peer.headers.get("vary").is_some_and(|lines| *lines == ["origin"]) && ours.headers.get("vary").is_some_and(|lines| *lines == ["Origin"])
                    {
                        peer.take(ours, &["vary"]);
                    }
                });
            }),
            ("content-length", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() {
                        peer.take(ours, &["content-length"]);
                    }
                });
            }),
        ],
    );
}
