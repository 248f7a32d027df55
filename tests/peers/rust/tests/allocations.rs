//! What the middlewares allocate: for tower a preflight's header table, for actix nothing.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use actix_web::dev::{Service as _, ServiceFactory, ServiceRequest, Transform, fn_service};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse};
use crossgate::actix::Cors;
use crossgate::tower::CorsLayer;
use crossgate::{Policy, PolicyBuilder, SharedPolicy};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use tower::{Layer, Service, service_fn};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a cell of this
// thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations<T>(call: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.get();
    let value = call();
    (ALLOCATIONS.get() - before, value)
}

/// A handler that gives its response `count` headers.
fn handled(count: usize) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = HeaderMap::with_capacity(8);
    for name in ["content-type", "etag"].into_iter().take(count) {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("x"));
    }
    response
}

fn builder() -> PolicyBuilder {
    Policy::builder()
        .allow_origins(["https://a.example", "https://*.b.example"])
        .allow_methods(["PUT"])
        .allow_headers(["authorization", "content-type"])
        .expose_headers(["x-total"])
        .allow_credentials(true)
        .max_age(7200)
}

fn policy() -> Policy {
    builder().build().unwrap()
}

const PREFLIGHT: [(&str, &str); 2] = [
    ("access-control-request-method", "PUT"),
    (
        "access-control-request-headers",
        "authorization,content-type",
    ),
];

/// A method, an origin and more headers.
type Asked = (
    &'static str,
    Option<&'static str>,
    &'static [(&'static str, &'static str)],
);

const REQUESTS: [Asked; 6] = [
    ("GET", None, &[]),
    ("GET", Some("https://a.example"), &[]),
    ("GET", Some("https://x.b.example"), &[]),
    ("GET", Some("https://evil.example"), &[]),
    ("OPTIONS", Some("https://a.example"), &PREFLIGHT),
    ("OPTIONS", Some("https://evil.example"), &PREFLIGHT),
];

#[test]
fn tower_allocates_nothing_beside_the_header_table() {
    let chosen = Arc::new(policy());
    let layers = [
        ("policy", CorsLayer::new(policy())),
        (
            "shared",
            CorsLayer::new(Arc::new(SharedPolicy::new(policy()))),
        ),
        (
            "per request",
            CorsLayer::per_request(move |_| Some(chosen.clone())),
        ),
        (
            "asking",
            CorsLayer::new(builder().origin_predicate(true).build().unwrap())
                .origin_predicate(|origin, _| origin == "https://tenant.example")
                .unwrap(),
        ),
    ];
    for (name, layer) in layers {
        allocates_nothing_beside_the_header_table(name, &layer);
    }
}

fn allocates_nothing_beside_the_header_table(name: &str, layer: &CorsLayer) {
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(handled(2)))
    }));
    // A thread that reads a shared policy for the first time is taken down as a reader, and the
    // first request with a policy that is chosen per request makes its header templates.
    let warm = Request::builder()
        .header("origin", "https://a.example")
        .body(())
        .unwrap();
    let _ = service.call(warm).now_or_never();
    for (method, origin, more) in REQUESTS {
        let mut request = Request::builder().method(method);
        for (name, value) in origin
            .map(|origin| ("origin", origin))
            .into_iter()
            .chain(more.iter().copied())
        {
            request = request.header(name, value);
        }
        let request = request.body(()).unwrap();
        // A server's buffer is shared by the values of a request; the first clone makes it so.
        let _ = request.headers().clone();
        // The two tables of a header map.
        let expected = if method == "GET" {
            allocations(|| handled(2)).0
        } else {
            2
        };
        let (count, response) = allocations(|| service.call(request).now_or_never());
        assert_eq!(count, expected, "{name}: {method} {origin:?}");
        assert!(response.is_some_and(|response| {
            response.is_ok_and(|response| response.headers().contains_key("vary"))
        }));
    }
}

#[test]
fn actix_allocates_nothing() {
    let handler = || {
        let handler = fn_service(|request: ServiceRequest| {
            ready(Ok::<_, Error>(
                request.into_response(HttpResponse::Ok().finish()),
            ))
        });
        ServiceFactory::new_service(&handler, ())
            .now_or_never()
            .unwrap()
            .unwrap()
    };
    let bare = handler();
    let service = Cors::new(policy())
        .new_transform(handler())
        .now_or_never()
        .unwrap()
        .unwrap();
    for (method, origin, more) in REQUESTS {
        let request = || {
            let mut request =
                TestRequest::default().method(Method::from_bytes(method.as_bytes()).unwrap());
            for header in origin
                .map(|origin| ("origin", origin))
                .into_iter()
                .chain(more.iter().copied())
            {
                request = request.insert_header(header);
            }
            let request = request.to_srv_request();
            let _ = request.headers().clone();
            request
        };
        // actix keeps a pool of heads with their tables: the first responses fill it.
        (0..2).for_each(|_| drop(service.call(request()).now_or_never()));
        let expected = if method == "GET" {
            let request = request();
            allocations(|| bare.call(request).now_or_never()).0
        } else {
            0
        };
        let request = request();
        let (count, response) = allocations(|| service.call(request).now_or_never());
        assert_eq!(count, expected, "{method} {origin:?}");
        assert!(response.is_some_and(|response| {
            response.is_ok_and(|response| response.headers().contains_key("vary"))
        }));
    }
}
