//! What the tower layer allocates beside the response's header table: nothing.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;

use crossgate::Policy;
use crossgate::tower::CorsLayer;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use tower::{Layer, Service, service_fn};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a cell of this thread.
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
        response.headers_mut().insert(name, HeaderValue::from_static("x"));
    }
    response
}

#[test]
fn nothing_is_allocated_beside_the_header_table() {
    let policy = Policy::builder()
        .allow_origins(["https://a.example", "https://*.b.example"])
        .allow_methods(["PUT"])
        .allow_headers(["authorization", "content-type"])
        .expose_headers(["x-total"])
        .allow_credentials(true)
        .max_age(7200)
        .build()
        .unwrap();
    let mut service = CorsLayer::new(policy).layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(handled(2)))));
    let preflight = [("access-control-request-method", "PUT"), ("access-control-request-headers", "authorization,content-type")];
    for (method, origin, more, allowed) in [
        ("GET", None, &[][..], 0),
        ("GET", Some("https://a.example"), &[], 0),
        ("GET", Some("https://x.b.example"), &[], 0),
        ("GET", Some("https://evil.example"), &[], 0),
        // The two tables of a header map.
        ("OPTIONS", Some("https://a.example"), &preflight, 2),
        ("OPTIONS", Some("https://evil.example"), &preflight, 2),
    ] {
        let request = || {
            let mut request = Request::builder().method(method);
            for (name, value) in origin.map(|origin| ("origin", origin)).into_iter().chain(more.iter().copied()) {
                request = request.header(name, value);
            }
            // A server's buffer is shared by the values of a request; the first clone makes it so.
            let request = request.body(()).unwrap();
            let _ = request.headers().clone();
            request
        };
        let bare = if method == "GET" { allocations(|| handled(2)).0 } else { 0 };
        let request = request();
        let (count, response) = allocations(|| service.call(request).now_or_never());
        assert_eq!(count, bare + allowed, "{method} {origin:?}");
        assert!(response.is_some_and(|response| response.is_ok_and(|response| response.headers().contains_key("vary"))));
    }
}
