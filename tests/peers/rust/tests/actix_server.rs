//! A real actix server over sockets.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, error, rt, web};
use crossgate::actix::Cors;
use crossgate::{Policy, SharedPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

fn policy() -> Policy {
    Policy::builder()
        .allow_origins([APP])
        .allow_methods(["PUT"])
        .expose_headers(["x-total"])
        .allow_credentials(true)
        .build()
        .unwrap()
}

/// A server that lives as long as the test's runtime.
fn serve(cors: Cors, runs: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let server = HttpServer::new(move || {
        let runs = runs.clone();
        App::new()
            .route(
                "/",
                web::get().to(move || {
                    runs.fetch_add(1, Ordering::Relaxed);
                    async { "hello" }
                }),
            )
            .route(
                "/error",
                web::get().to(|| async {
                    Err::<HttpResponse, _>(error::ErrorInternalServerError("an error"))
                }),
            )
            .route(
                "/own",
                web::get().to(|| async {
                    HttpResponse::Ok()
                        .insert_header(("access-control-allow-origin", "*"))
                        .insert_header(("vary", "accept"))
                        .body("own")
                }),
            )
            .route(
                "/socket",
                web::get()
                    .to(|| async { HttpResponse::SwitchingProtocols().upgrade("test").finish() }),
            )
            .route(
                "/answered",
                web::route().to(|request: HttpRequest| async move {
                    HttpResponse::Ok().body(request.method().to_string())
                }),
            )
            .wrap(cors.clone())
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let address = server.addrs()[0];
    rt::spawn(server.run());
    address
}

/// Status, head in lower case, and body.
async fn send(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String, String) {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n");
    headers
        .iter()
        .for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    let read = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            bytes.extend_from_slice(&buffer[..count]);
            // An upgraded connection stays open.
            if count == 0 || bytes.starts_with(b"HTTP/1.1 101") {
                return String::from_utf8(bytes).unwrap();
            }
        }
    };
    let response = tokio::time::timeout(Duration::from_secs(120), read)
        .await
        .expect("the server answers or hangs");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        format!("{}\r\n", head.to_lowercase()),
        body.to_owned(),
    )
}

fn origin(head: &str) -> Option<&str> {
    head.lines()
        .find_map(|line| line.strip_prefix("access-control-allow-origin: "))
}

#[actix_web::test]
async fn every_response_has_its_headers() {
    let runs = Arc::new(AtomicUsize::new(0));
    let address = serve(Cors::new(policy()), runs.clone());
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/answered", 200),
        ("GET", "/missing", 404),
        ("GET", "/error", 500),
        ("GET", "/own", 200),
    ] {
        let (got, head, _) = send(address, method, path, &[("origin", APP)]).await;
        assert_eq!(
            (got, origin(&head)),
            (status, Some(APP)),
            "{method} {path}\n{head}"
        );
        assert!(
            head.contains("access-control-allow-credentials: true\r\n")
                && head.contains("access-control-expose-headers: x-total\r\n"),
            "{head}"
        );
        let (got, denied, _) = send(address, method, path, &[("origin", EVIL)]).await;
        assert_eq!(
            (got, origin(&denied)),
            (status, None),
            "{method} {path}\n{denied}"
        );
        for head in [&head, &denied] {
            assert_eq!(head.matches("\r\nvary: ").count(), 1, "{head}");
            assert!(
                head.contains(if path == "/own" {
                    "vary: accept, origin\r\n"
                } else {
                    "vary: origin\r\n"
                }),
                "{head}"
            );
        }
    }
    let before = runs.load(Ordering::Relaxed);
    // No route matches OPTIONS: the answer comes before the router.
    let (status, head, body) = send(
        address,
        "OPTIONS",
        "/",
        &[("origin", APP), ("access-control-request-method", "PUT")],
    )
    .await;
    assert_eq!((status, origin(&head), body.as_str()), (204, Some(APP), ""));
    assert!(
        head.contains("access-control-allow-methods: put\r\n") && !head.contains("content-length"),
        "{head}"
    );
    let (status, head, _) = send(
        address,
        "OPTIONS",
        "/",
        &[("origin", EVIL), ("access-control-request-method", "PUT")],
    )
    .await;
    assert_eq!((status, origin(&head)), (403, None));
    assert!(head.contains("content-length: 0\r\n"), "{head}");
    assert_eq!(runs.load(Ordering::Relaxed), before);
    let (status, head, _) = send(
        address,
        "GET",
        "/socket",
        &[("origin", APP), ("upgrade", "test")],
    )
    .await;
    assert_eq!((status, origin(&head)), (101, None), "{head}");
}

#[actix_web::test]
async fn policies_are_swapped_asked_for_and_chosen() {
    let shared = Arc::new(SharedPolicy::new(policy()));
    let address = serve(Cors::new(shared.clone()), Arc::default());
    assert_eq!(
        origin(&send(address, "GET", "/", &[("origin", APP)]).await.1),
        Some(APP)
    );
    shared.replace(
        Policy::builder()
            .allow_origins(["https://new.example"])
            .build()
            .unwrap(),
    );
    assert_eq!(
        origin(&send(address, "GET", "/", &[("origin", APP)]).await.1),
        None
    );

    let asking = Policy::builder().origin_predicate(true).build().unwrap();
    let cors = Cors::new(asking).origin_predicate_async(|origin, _| async move {
        rt::task::yield_now().await;
        if origin == "https://tenant.example" {
            Ok(true)
        } else {
            Err("the database is away")
        }
    });
    let address = serve(cors.unwrap(), Arc::default());
    for (asked, allowed) in [
        ("https://tenant.example", true),
        (EVIL, false),
        ("null", false),
    ] {
        let (status, head, _) = send(address, "GET", "/", &[("origin", asked)]).await;
        assert_eq!(
            (status, origin(&head) == Some(asked)),
            (200, allowed),
            "{asked}"
        );
    }

    let own = Arc::new(policy());
    let address = serve(
        Cors::per_request(move |head| (head.uri.path() == "/").then(|| own.clone())),
        Arc::default(),
    );
    assert_eq!(
        origin(&send(address, "GET", "/", &[("origin", APP)]).await.1),
        Some(APP)
    );
    assert_eq!(
        origin(&send(address, "GET", "/own", &[("origin", APP)]).await.1),
        None
    );
}

#[actix_web::test]
async fn a_forwarded_preflight_gets_its_headers_from_the_policy() {
    let address = serve(Cors::new(policy()).forward_preflights(true), Arc::default());
    let (status, head, body) = send(
        address,
        "OPTIONS",
        "/answered",
        &[("origin", APP), ("access-control-request-method", "PUT")],
    )
    .await;
    assert_eq!(
        (status, origin(&head), body.as_str()),
        (200, Some(APP), "OPTIONS")
    );
    assert!(
        head.contains("access-control-allow-methods: put\r\n"),
        "{head}"
    );
}

#[actix_web::test]
async fn scopes_and_resources_have_their_own_policies() {
    use actix_web::http::header;
    use actix_web::test::{TestRequest, call_service, init_service};
    let only = |origin: &str| {
        Cors::new(
            Policy::builder()
                .allow_origins([origin])
                .allow_methods(["PUT"])
                .build()
                .unwrap(),
        )
    };
    let (shop, page) = (only("https://shop.example"), only("https://page.example"));
    let app = init_service(
        App::new()
            .service(
                web::scope("/shop")
                    .route("/item", web::put().to(HttpResponse::Ok))
                    .default_service(web::to(|| async {
                        HttpResponse::NotFound().body("no such item")
                    }))
                    .wrap(shop),
            )
            .service(
                web::resource("/page")
                    .wrap(page)
                    .route(web::get().to(HttpResponse::Ok)),
            )
            .route("/unchanged", web::get().to(HttpResponse::NotModified))
            .default_service(web::to(HttpResponse::NotFound)),
    )
    .await;
    for (method, path, from, status, named) in [
        ("PUT", "/shop/item", "https://shop.example", 200, true),
        ("PUT", "/shop/item", "https://page.example", 200, false),
        ("GET", "/shop/item", "https://shop.example", 404, true),
        ("GET", "/shop/missing", "https://shop.example", 404, true),
        ("GET", "/page", "https://page.example", 200, true),
        ("POST", "/page", "https://page.example", 405, true),
        ("GET", "/unchanged", "https://shop.example", 304, false),
    ] {
        let method = actix_web::http::Method::from_bytes(method.as_bytes()).unwrap();
        let request = TestRequest::default()
            .method(method.clone())
            .uri(path)
            .insert_header((header::ORIGIN, from))
            .to_request();
        let response = call_service(&app, request).await;
        let origin = response
            .headers()
            .get(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .map(|origin| origin.to_str().unwrap());
        assert_eq!(
            (response.status().as_u16(), origin),
            (status, named.then_some(from)),
            "{method} {path} {from}"
        );
    }
    let preflight = |path: &str| {
        let request = TestRequest::default()
            .method(actix_web::http::Method::OPTIONS)
            .uri(path)
            .insert_header((header::ORIGIN, "https://shop.example"));
        request
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "PUT"))
            .to_request()
    };
    assert_eq!(
        call_service(&app, preflight("/shop/item")).await.status(),
        204
    );
    assert_eq!(
        call_service(&app, preflight("/page")).await.status(),
        403,
        "its policy does not know the shop"
    );
}

#[actix_web::test]
async fn an_inner_middlewares_error_has_the_headers_and_a_request_that_is_given_up_is_gone() {
    use actix_web::dev::Service as _;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    let policy = Arc::new(policy());
    let app = init_service(
        App::new()
            .route("/", web::get().to(HttpResponse::Ok))
            .wrap_fn(|request, _| {
                drop(request);
                std::future::ready(Err::<actix_web::dev::ServiceResponse, _>(
                    error::ErrorUnauthorized("no token"),
                ))
            })
            .wrap(Cors::new(policy.clone())),
    )
    .await;
    let error = try_call_service(
        &app,
        TestRequest::get()
            .insert_header(("origin", APP))
            .to_request(),
    )
    .await
    .unwrap_err();
    let response = error.error_response();
    let named = response
        .headers()
        .get("access-control-allow-origin")
        .map(|origin| origin.to_str().unwrap());
    assert_eq!((response.status().as_u16(), named), (401, Some(APP)));

    for (failures, late) in [(1, true), (1, false)] {
        let counters = Arc::new(crossgate::Counters::new());
        let asking = Policy::builder().origin_predicate(true).build().unwrap();
        let cors = Cors::new(asking)
            .verdict_timeout(Duration::from_millis(20))
            .counters(counters.clone())
            .origin_predicate_async(move |_, _| async move {
                if late {
                    std::future::pending::<()>().await;
                }
                Err::<bool, _>("away")
            })
            .unwrap();
        let hello = || async { "hello" };
        let app = init_service(App::new().route("/", web::get().to(hello)).wrap(cors)).await;
        let request = TestRequest::get().insert_header(("origin", APP));
        let response = app.call(request.to_request()).await.unwrap();
        let named = response.headers().get("access-control-allow-origin");
        assert_eq!((response.status().as_u16(), named), (200, None));
        assert_eq!(counters.predicate_failed(), failures);
    }

    let asking = Arc::new(Policy::builder().origin_predicate(true).build().unwrap());
    let runs = Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    let handler = move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { "hello" }
    };
    let cors = Cors::new(asking.clone())
        .origin_predicate_async(|_, _| std::future::pending::<bool>())
        .unwrap();
    let app = init_service(App::new().route("/", web::get().to(handler)).wrap(cors)).await;
    let before = Arc::strong_count(&asking);
    let waiting = app.call(
        TestRequest::get()
            .insert_header(("origin", APP))
            .to_request(),
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(20), waiting)
            .await
            .is_err()
    );
    assert_eq!(
        (runs.load(Ordering::Relaxed), Arc::strong_count(&asking)),
        (0, before)
    );
}
