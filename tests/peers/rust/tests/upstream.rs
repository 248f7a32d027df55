//! What the application or an upstream says of CORS itself, through both middlewares: replaced and
//! told, or kept.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::convert::Infallible;
use std::future::ready;

use actix_web::dev::{Service as _, ServiceRequest, Transform, fn_service};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse};
use crossgate::{OverwroteUpstream, Policy, UpstreamHeaders};
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response};
use tower::{Layer, ServiceExt, service_fn};

/// What the application sets.
type Headers = [(&'static str, &'static str)];

const UPSTREAM: &Headers = &[
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-own"),
    ("access-control-max-age", "5"),
    ("vary", "Accept-Encoding"),
];

/// The lines of the response in the order of their names, and whether it tells that something was
/// overwritten.
type Seen = (Vec<(String, String)>, bool);

fn sorted<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<(String, String)> {
    let mut lines: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), String::from_utf8(value.to_vec()).unwrap()))
        .collect();
    lines.sort();
    lines
}

fn through_tower(policy: Policy, origin: &str, set: &'static Headers) -> Seen {
    let handler = service_fn(move |_: Request<()>| {
        let mut response = Response::new(());
        for (name, value) in set {
            response
                .headers_mut()
                .insert(*name, HeaderValue::from_static(value));
        }
        ready(Ok::<_, Infallible>(response))
    });
    let request = Request::get("/").header("origin", origin).body(()).unwrap();
    let response = crossgate::tower::CorsLayer::new(policy)
        .layer(handler)
        .oneshot(request)
        .now_or_never()
        .unwrap()
        .unwrap();
    let lines = sorted(
        response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    (
        lines,
        response.extensions().get::<OverwroteUpstream>().is_some(),
    )
}

fn through_actix(policy: Policy, origin: &'static str, set: &'static Headers) -> Seen {
    let handler = fn_service(move |request: ServiceRequest| {
        let mut response = HttpResponse::Ok();
        for header in set {
            response.insert_header(*header);
        }
        ready(Ok::<_, Error>(request.into_response(response.finish())))
    });
    let handler = actix_web::dev::ServiceFactory::new_service(&handler, ())
        .now_or_never()
        .unwrap()
        .unwrap();
    let service = crossgate::actix::Cors::new(policy)
        .new_transform(handler)
        .now_or_never()
        .unwrap()
        .unwrap();
    let request = TestRequest::get()
        .insert_header(("origin", origin))
        .to_srv_request();
    let response = service.call(request).now_or_never().unwrap().unwrap();
    let lines = sorted(
        response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    let overwrote = response
        .response()
        .extensions()
        .get::<OverwroteUpstream>()
        .is_some();
    (lines, overwrote)
}

#[track_caller]
fn expect(
    upstream: UpstreamHeaders,
    origin: &'static str,
    set: &'static Headers,
    lines: &Headers,
    overwrote: bool,
) {
    let policy = || {
        Policy::builder()
            .allow_origins(["https://a.example"])
            .expose_headers(["x-total"])
            .upstream(upstream)
            .build()
            .unwrap()
    };
    let expected = (
        lines
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>(),
        overwrote,
    );
    assert_eq!(through_tower(policy(), origin, set), expected, "tower");
    assert_eq!(through_actix(policy(), origin, set), expected, "actix");
}

#[test]
fn an_upstreams_headers_are_replaced_and_told() {
    let lines = [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-expose-headers", "x-own, x-total"),
        ("vary", "Accept-Encoding, Origin"),
    ];
    expect(
        UpstreamHeaders::Replace,
        "https://a.example",
        UPSTREAM,
        &lines,
        true,
    );
}

#[test]
fn an_upstreams_headers_are_removed_for_an_origin_that_is_denied() {
    expect(
        UpstreamHeaders::Replace,
        "https://evil.example",
        UPSTREAM,
        &[("vary", "Accept-Encoding, Origin")],
        true,
    );
}

#[test]
fn the_same_origin_and_names_that_are_merged_overwrite_nothing() {
    let set = &[
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-expose-headers", "x-own"),
        ("vary", "Origin"),
    ];
    let lines = [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-expose-headers", "x-own, x-total"),
        ("vary", "Origin"),
    ];
    expect(
        UpstreamHeaders::Replace,
        "https://a.example",
        set,
        &lines,
        false,
    );
}

#[test]
fn an_upstreams_headers_are_kept_whole() {
    let lines = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-own"),
        ("access-control-max-age", "5"),
        ("vary", "Accept-Encoding, Origin"),
    ];
    expect(
        UpstreamHeaders::Keep,
        "https://a.example",
        UPSTREAM,
        &lines,
        false,
    );
    expect(
        UpstreamHeaders::Keep,
        "https://evil.example",
        UPSTREAM,
        &lines,
        false,
    );
}

#[test]
fn a_response_without_an_origin_is_no_upstreams_answer() {
    let set = &[("access-control-max-age", "5")];
    let lines = [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-expose-headers", "x-total"),
        ("vary", "Origin"),
    ];
    expect(
        UpstreamHeaders::Keep,
        "https://a.example",
        set,
        &lines,
        true,
    );
    expect(
        UpstreamHeaders::Keep,
        "https://evil.example",
        set,
        &[("vary", "Origin")],
        true,
    );
}
