//! The layer at every place of an axum application, and predicates that misbehave.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post, put};
use crossgate::tower::CorsLayer;
use crossgate::{Counters, Policy, PolicyBuilder, Reason};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt, service_fn};

const A: &str = "https://a.example";
const B: &str = "https://b.example";
const EVIL: &str = "https://evil.example";

fn layer(origin: &str) -> CorsLayer {
    CorsLayer::new(
        Policy::builder()
            .allow_origins([origin])
            .allow_methods(["PUT"])
            .build()
            .unwrap(),
    )
}

fn asking() -> PolicyBuilder {
    Policy::builder()
        .origin_predicate(true)
        .allow_methods(["PUT"])
}

async fn ask(app: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers.iter().fold(
        Request::builder().method(method).uri(path),
        |request, (name, value)| request.header(*name, *value),
    );
    app.clone()
        .oneshot(request.body(Body::from(vec![b'x'; 100])).unwrap())
        .await
        .unwrap()
}

fn origin(response: &Response) -> Option<&str> {
    response
        .headers()
        .get("access-control-allow-origin")
        .map(|origin| origin.to_str().unwrap())
}

/// The response to an origin that is allowed and to one that is not: the status, and that only the
/// first is named.
#[track_caller]
fn expect(allowed: &Response, denied: &Response, status: u16, named: &str) {
    assert_eq!(
        (allowed.status().as_u16(), origin(allowed)),
        (status, Some(named))
    );
    assert_eq!((denied.status().as_u16(), origin(denied)), (status, None));
    for response in [allowed, denied] {
        assert_eq!(
            response
                .headers()
                .get_all("vary")
                .iter()
                .filter(|vary| *vary == "Origin")
                .count(),
            1,
            "{:?}",
            response.headers()
        );
    }
}

async fn both(app: &Router, method: &str, path: &str) -> (Response, Response) {
    (
        ask(app, method, path, &[("origin", A)]).await,
        ask(app, method, path, &[("origin", EVIL)]).await,
    )
}

#[tokio::test]
async fn whatever_answers_has_the_headers() {
    async fn failing() -> Result<&'static str, (StatusCode, &'static str)> {
        Err((StatusCode::CONFLICT, "a handler's error"))
    }
    async fn unchanged() -> Response {
        (
            StatusCode::NOT_MODIFIED,
            [("etag", "\"1\""), ("cache-control", "no-cache")],
        )
            .into_response()
    }
    let app = Router::new()
        .route("/error", get(failing))
        .route(
            "/redirect",
            get(|| async { Redirect::temporary("/elsewhere") }),
        )
        .route("/unchanged", get(unchanged))
        .route(
            "/part",
            get(|| async {
                (
                    StatusCode::PARTIAL_CONTENT,
                    [("content-range", "bytes 0-1/3")],
                    "ab",
                )
            }),
        )
        .route(
            "/beyond",
            get(|| async { StatusCode::RANGE_NOT_SATISFIABLE }),
        )
        .route(
            "/limited",
            post(|body: axum::body::Bytes| async move { body.len().to_string() })
                .layer(DefaultBodyLimit::max(10)),
        )
        .nest_service(
            "/service",
            service_fn(|_: Request<Body>| async {
                Ok::<_, std::convert::Infallible>(StatusCode::IM_A_TEAPOT.into_response())
            }),
        )
        .method_not_allowed_fallback(|| async { (StatusCode::METHOD_NOT_ALLOWED, "use another") })
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is no such page") })
        .layer(layer(A));
    for (method, path, status) in [
        ("GET", "/error", 409),
        ("GET", "/redirect", 307),
        ("GET", "/unchanged", 304),
        ("GET", "/part", 206),
        ("GET", "/beyond", 416),
        ("POST", "/limited", 413),
        ("GET", "/service/x", 418),
        ("POST", "/error", 405),
        ("GET", "/missing", 404),
    ] {
        let (allowed, denied) = both(&app, method, path).await;
        expect(&allowed, &denied, status, A);
    }
    for path in ["/error", "/missing", "/service/x"] {
        let preflight = ask(
            &app,
            "OPTIONS",
            path,
            &[("origin", A), ("access-control-request-method", "PUT")],
        )
        .await;
        assert_eq!(
            (preflight.status().as_u16(), origin(&preflight)),
            (204, Some(A)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nested_routers_have_their_own_policies() {
    let api = Router::new()
        .route("/item", put(|| async { "item" }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(layer(A));
    let public = Router::new()
        .route("/page", get(|| async { "page" }))
        .layer(CorsLayer::permissive());
    let merged = Router::new()
        .route("/merged", get(|| async { "merged" }))
        .layer(layer(B));
    let app = Router::new()
        .nest("/api", api)
        .nest("/public", public)
        .merge(merged)
        .route("/plain", get(|| async { "plain" }));
    for (path, from, named) in [
        ("/api/item", A, Some(A)),
        ("/api/item", B, None),
        ("/api/missing", A, Some(A)),
        ("/public/page", EVIL, Some("*")),
        ("/merged", B, Some(B)),
        ("/merged", A, None),
        ("/plain", A, None),
    ] {
        assert_eq!(
            origin(&ask(&app, "GET", path, &[("origin", from)]).await),
            named,
            "{path} {from}"
        );
    }
    let preflight = [("origin", A), ("access-control-request-method", "PUT")];
    assert_eq!(
        origin(&ask(&app, "OPTIONS", "/api/item", &preflight).await),
        Some(A)
    );
    assert_eq!(
        ask(&app, "OPTIONS", "/merged", &preflight).await.status(),
        403
    );
    assert_eq!(
        ask(&app, "OPTIONS", "/plain", &preflight).await.status(),
        405,
        "there is no policy"
    );
}

/// Traps of axum, which docs/rust.md names.
#[tokio::test]
async fn what_stands_outside_of_a_layer() {
    let preflight = [("origin", A), ("access-control-request-method", "PUT")];
    let late = Router::new()
        .route("/early", put(|| async { "early" }))
        .layer(layer(A))
        .route("/late", put(|| async { "late" }));
    let answer = ask(&late, "OPTIONS", "/early", &preflight).await;
    assert_eq!((answer.status().as_u16(), origin(&answer)), (204, Some(A)));
    let answer = ask(&late, "OPTIONS", "/late", &preflight).await;
    assert_eq!((answer.status().as_u16(), origin(&answer)), (405, None));

    let api = || Router::new().route("/item", put(|| async { "item" }));
    let missing = [
        (Router::new().nest("/api", api().layer(layer(A))), None),
        (
            Router::new().nest(
                "/api",
                api()
                    .fallback(|| async { StatusCode::NOT_FOUND })
                    .layer(layer(A)),
            ),
            Some(A),
        ),
        (Router::new().nest("/api", api()).layer(layer(A)), Some(A)),
    ];
    for (app, named) in missing {
        let answer = ask(&app, "GET", "/api/missing", &[("origin", A)]).await;
        assert_eq!((answer.status().as_u16(), origin(&answer)), (404, named));
    }
}

#[tokio::test]
async fn a_route_layer_stands_at_its_routes_alone() {
    let app = Router::new()
        .route("/item", put(|| async { "item" }))
        .route_layer(layer(A));
    assert_eq!(
        origin(&ask(&app, "PUT", "/item", &[("origin", A)]).await),
        Some(A)
    );
    let preflight = [("origin", A), ("access-control-request-method", "PUT")];
    let answer = ask(&app, "OPTIONS", "/item", &preflight).await;
    assert_eq!(
        (answer.status().as_u16(), origin(&answer)),
        (204, Some(A)),
        "a preflight is answered where the route is"
    );
    let missing = ask(&app, "GET", "/missing", &[("origin", A)]).await;
    assert_eq!(
        (missing.status().as_u16(), origin(&missing)),
        (404, None),
        "why docs/rust.md says layer()"
    );
}

/// Counts how often the application is called.
fn counted(layer: CorsLayer) -> (Router, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    let handler = move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { "hello" }
    };
    (Router::new().route("/", get(handler)).layer(layer), runs)
}

#[tokio::test]
async fn a_predicate_that_panics_takes_its_own_request_along_and_no_other() {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("a predicate's") {
            eprintln!("{info}");
        }
    }));
    let sync = CorsLayer::new(asking().build().unwrap())
        .origin_predicate(|origin, _| {
            if origin == EVIL {
                panic!("a predicate's")
            } else {
                true
            }
        })
        .unwrap();
    let later = CorsLayer::new(asking().build().unwrap())
        .origin_predicate_async(|origin, _| async move {
            tokio::task::yield_now().await;
            if origin == EVIL {
                panic!("a predicate's")
            } else {
                true
            }
        })
        .unwrap();
    for layer in [sync, later] {
        let (app, runs) = counted(layer);
        let panicking = app.clone();
        let task =
            tokio::spawn(async move { ask(&panicking, "GET", "/", &[("origin", EVIL)]).await });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(runs.load(Ordering::Relaxed), 0, "the handler did not run");
        let others = ask(&app, "GET", "/", &[("origin", A)]).await;
        assert_eq!(
            (
                others.status().as_u16(),
                origin(&others),
                runs.load(Ordering::Relaxed)
            ),
            (200, Some(A), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_predicate_that_takes_too_long_denies_if_it_says_so() {
    let layer = CorsLayer::new(asking().build().unwrap()).origin_predicate_async(|_, _| async {
        // A look-up that never comes back.
        tokio::time::timeout(Duration::from_secs(2), std::future::pending::<bool>()).await
    });
    let (app, runs) = counted(layer.unwrap());
    let started = tokio::time::Instant::now();
    let response = ask(&app, "GET", "/", &[("origin", A)]).await;
    assert_eq!(
        (
            response.status().as_u16(),
            origin(&response),
            runs.load(Ordering::Relaxed)
        ),
        (200, None, 1)
    );
    assert_eq!(response.headers()["vary"], "Origin");
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    // Origins that need no look-up are not held up: there are none here, but requests without one.
    assert_eq!(ask(&app, "GET", "/", &[]).await.status(), 200);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn what_the_application_does_not_answer_denies_and_is_counted() {
    let time = Duration::from_millis(20);
    let asking = || CorsLayer::new(asking().build().unwrap()).verdict_timeout(time);
    let layers = [
        (asking().origin_predicate(|_, _| Err::<bool, _>("away")), 1),
        (
            asking().origin_predicate(|_, _| Some(Err::<bool, _>("away"))),
            1,
        ),
        (
            asking().origin_predicate_async(|_, _| async { Err::<bool, _>("away") }),
            1,
        ),
        (
            asking().origin_predicate_async(|_, _| std::future::pending::<bool>()),
            1,
        ),
        (asking().origin_predicate(|_, _| None::<bool>), 0),
        (asking().origin_predicate(|_, _| false), 0),
        (
            asking().origin_predicate_async(|_, _| async { Ok::<_, ()>(false) }),
            0,
        ),
    ];
    for (layer, failures) in layers {
        let counters = Arc::new(Counters::new());
        let (app, runs) = counted(layer.unwrap().counters(counters.clone()));
        let response = ask(&app, "GET", "/", &[("origin", A)]).await;
        assert_eq!((response.status().as_u16(), origin(&response)), (200, None));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        assert_eq!(counters.predicate_failed(), failures);
        assert_eq!(counters.get(Reason::OriginNotListed), 1);
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_while_it_waits_is_gone() {
    struct Gone(Arc<AtomicUsize>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let policy = Arc::new(asking().build().unwrap());
    let layer = CorsLayer::new(policy.clone()).origin_predicate_async(move |_, _| {
        let gone = Gone(count.clone());
        async move {
            std::future::pending::<()>().await;
            drop(gone);
            true
        }
    });
    let (app, runs) = counted(layer.unwrap());
    // Each of axum's routes has the policy.
    let before = Arc::strong_count(&policy);
    {
        let waiting = ask(&app, "GET", "/", &[("origin", A)]);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), waiting)
                .await
                .is_err(),
            "it waits"
        );
    }
    assert_eq!(
        (
            dropped.load(Ordering::Relaxed),
            runs.load(Ordering::Relaxed)
        ),
        (1, 0)
    );
    assert_eq!(Arc::strong_count(&policy), before, "nothing is left of it");
}

/// The service that was polled ready is the one that is called, also behind a predicate that is
/// waited for.
#[tokio::test]
async fn back_pressure_is_the_inner_services() {
    #[derive(Clone)]
    struct Strict {
        ready: bool,
    }
    impl Service<Request<Body>> for Strict {
        type Response = Response;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Response, Self::Error>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            self.ready = true;
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            assert!(
                std::mem::take(&mut self.ready),
                "called without being ready"
            );
            std::future::ready(Ok("ready".into_response()))
        }
    }
    let asked = CorsLayer::new(asking().build().unwrap())
        .origin_predicate_async(|_, _| async { true })
        .unwrap();
    for layer in [layer(A), asked] {
        let mut service = layer.layer(Strict { ready: false });
        for _ in 0..3 {
            let request = Request::get("/")
                .header("origin", A)
                .body(Body::empty())
                .unwrap();
            let response = service.ready().await.unwrap().call(request).await.unwrap();
            assert_eq!(origin(&response), Some(A));
            assert_eq!(
                response.into_body().collect().await.unwrap().to_bytes(),
                "ready"
            );
        }
    }
}
