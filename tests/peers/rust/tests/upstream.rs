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
use http::{Request, Response};
use serde::Deserialize;
use tower::{Layer, ServiceExt, service_fn};

/// Lines that a test writes down.
type Headers = [(&'static str, &'static str)];

/// Lines of a request, or those that the application sets.
type Lines = Vec<(String, String)>;

fn lines(headers: &Headers) -> Lines {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    headers.iter().map(owned).collect()
}

const UPSTREAM: &Headers = &[
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-own"),
    ("access-control-max-age", "5"),
    ("vary", "Accept-Encoding"),
];

/// The lines of the response in the order of their names, and whether it tells that something was
/// overwritten.
type Seen = (Lines, bool);

fn sorted<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Lines {
    let mut lines: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), String::from_utf8(value.to_vec()).unwrap()))
        .collect();
    lines.sort();
    lines
}

fn through_tower(policy: Policy, method: &str, asked: &Lines, set: Lines) -> Seen {
    let handler = service_fn(move |_: Request<()>| {
        let mut response = Response::builder();
        for (name, value) in &set {
            response = response.header(name, value);
        }
        ready(Ok::<_, Infallible>(response.body(()).unwrap()))
    });
    let mut request = Request::builder().method(method);
    for (name, value) in asked {
        request = request.header(name, value);
    }
    let request = request.body(()).unwrap();
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

fn through_actix(policy: Policy, method: &str, asked: &Lines, set: Lines) -> Seen {
    let handler = fn_service(move |request: ServiceRequest| {
        let mut response = HttpResponse::Ok();
        for (name, value) in &set {
            response.append_header((name.as_str(), value.as_str()));
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
    let mut request = TestRequest::default().method(method.parse().unwrap());
    for (name, value) in asked {
        request = request.append_header((name.as_str(), value.as_str()));
    }
    let request = request.to_srv_request();
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
    expected: &Headers,
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
    let expected = (lines(expected), overwrote);
    let asked = lines(&[("origin", origin)]);
    let tower = through_tower(policy(), "GET", &asked, lines(set));
    assert_eq!(tower, expected, "tower");
    let actix = through_actix(policy(), "GET", &asked, lines(set));
    assert_eq!(actix, expected, "actix");
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    policy: serde_json::Value,
    request: Asked,
    response: Lines,
    expect: Lines,
    overwrote: bool,
}

#[derive(Deserialize)]
struct Asked {
    method: String,
    headers: Lines,
}

#[test]
fn every_vector_of_responses() {
    let mut ran = 0;
    for line in include_str!("../../../vectors/responses.jsonl").lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let Asked { method, headers } = vector.request;
        let is_preflight = |(name, _): &(String, String)| {
            name.eq_ignore_ascii_case("access-control-request-method")
        };
        if headers.iter().any(is_preflight) {
            continue; // It is answered before the handler.
        }
        ran += 1;
        let policy = || Policy::from_json(&vector.policy.to_string()).unwrap();
        let mut expected = vector.expect;
        expected.sort();
        let expected = (expected, vector.overwrote);
        let tower = through_tower(policy(), &method, &headers, vector.response.clone());
        assert_eq!(tower, expected, "tower: {}", vector.id);
        let actix = through_actix(policy(), &method, &headers, vector.response);
        assert_eq!(actix, expected, "actix: {}", vector.id);
    }
    assert!(ran > 35, "{ran}");
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
