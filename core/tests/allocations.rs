//! What evaluation allocates (nothing, unless a list is echoed) and what an origin costs in memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crossgate::{Policy, Request};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting touches only cells of this
// thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size() as isize));
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() - layout.size() as isize));
        // SAFETY: the caller's promise is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(call: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    call();
    ALLOCATIONS.get() - before
}

fn policy() -> Policy {
    Policy::builder()
        .allow_origins([
            "https://a.example",
            "https://b.example",
            "https://*.c.example",
            "http://localhost:*",
        ])
        .allow_methods(["PUT"])
        .allow_headers(["Authorization", "Content-Type"])
        .expose_headers(["X-A"])
        .allow_credentials(true)
        .build()
        .expect("the policy is valid")
}

#[test]
fn evaluation_allocates_nothing() {
    let policy = policy();
    let commas = ",".repeat(10_000);
    for (method, headers) in [
        ("GET", vec![]),
        ("GET", vec![("origin", "https://b.example")]),
        ("GET", vec![("origin", "https://x.c.example")]),
        ("GET", vec![("origin", "http://localhost:3000")]),
        ("GET", vec![("origin", "https://evil.example")]),
        ("GET", vec![("origin", "null")]),
        (
            "OPTIONS",
            vec![
                ("origin", "https://a.example"),
                ("access-control-request-method", "PUT"),
                (
                    "access-control-request-headers",
                    "authorization,content-type",
                ),
            ],
        ),
        (
            "OPTIONS",
            vec![
                ("origin", "https://a.example"),
                ("access-control-request-method", "PATCH"),
                ("access-control-request-headers", "x-z"),
            ],
        ),
        (
            "OPTIONS",
            vec![
                ("origin", "https://a.example"),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", &commas),
            ],
        ),
    ] {
        let mut buffer = [0u8; 1024];
        let count = allocations(|| {
            let request = headers
                .iter()
                .fold(Request::new(method), |request, (name, value)| {
                    request.header(name, *value)
                });
            let decision = policy.evaluate(&request);
            assert!(decision.headers().all(|header| !header.value.is_empty()));
            decision.write_http1(&mut buffer).unwrap();
        });
        assert_eq!(count, 0, "{method} {headers:?}");
    }
}

#[test]
fn regexes_and_websockets_allocate_nothing_while_serving() {
    let policy = Policy::builder()
        .allow_origin_regexes([
            r"https://[a-z]+\.example\.com",
            r"https://x\.(a|b)\.example\.org",
        ])
        .build()
        .unwrap();
    for origin in [
        "https://app.example.com",
        "https://x.b.example.org",
        "https://evil.example",
        "null",
    ] {
        let request = Request::new("GET").header("origin", origin);
        let count = allocations(|| {
            let allowed = policy.evaluate(&request).allowed();
            let socket = policy.check_websocket(request.origin(), crossgate::SocketAccess::Private);
            assert_eq!(
                allowed == Some(true),
                socket == crossgate::WebSocketCheck::Allow
            );
        });
        assert_eq!(count, 0, "{origin}");
    }
}

#[test]
fn only_an_echoed_list_allocates_and_not_into_scratch() {
    let policy = Policy::builder()
        .allow_origins(["https://a.example"])
        .allow_credentials(true)
        .allow_headers(["*"])
        .build()
        .unwrap();
    let names: Vec<String> = (0..200).map(|n| format!("x-{n}")).collect();
    let names = names.join(",");
    let request = Request::new("OPTIONS")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", &names);
    assert!(allocations(|| assert!(policy.evaluate(&request).headers().count() > 3)) > 0);
    let mut scratch = vec![0; policy.scratch_size()];
    let count = allocations(|| {
        let decision = policy.evaluate_into(&request, None, &mut scratch).unwrap();
        assert!(
            decision
                .headers()
                .any(|header| header.value.len() > names.len())
        );
    });
    assert_eq!(count, 0);
}

#[test]
fn an_origin_costs_at_most_64_bytes_and_its_length() {
    const COUNT: usize = 1_000_000;
    let origin = |n: usize| format!("https://tenant-{n:07}.example.com");
    let before = BYTES.get();
    let policy = Policy::builder()
        .allow_origins((0..COUNT).map(origin))
        .build()
        .unwrap();
    let each = (BYTES.get() - before) as f64 / COUNT as f64;
    println!("{each:.1} bytes an origin of {} bytes", origin(0).len());
    assert!(each <= (64 + origin(0).len()) as f64, "{each}");
    assert_eq!(
        policy
            .evaluate(&Request::new("GET").header("origin", &origin(COUNT - 1)))
            .allowed(),
        Some(true)
    );
}
