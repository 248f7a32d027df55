//! Real servers over sockets: axum, plain hyper, a gRPC service behind tonic-web.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use crossgate::tower::CorsLayer;
use crossgate::{DecisionInfo, Policy, SharedPolicy};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceBuilder, service_fn};
use tower_http::compression::CompressionLayer;

const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";

fn policy() -> Policy {
    Policy::builder()
        .allow_origins([APP])
        .allow_methods(["PUT"])
        .allow_headers(["content-type", "x-grpc-web"])
        .expose_headers(["grpc-status", "grpc-message"])
        .allow_credentials(true)
        .build()
        .unwrap()
}

/// A response as it came over the wire.
struct Wire {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Wire {
    /// The lines of a header.
    fn all(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    fn origin(&self) -> Vec<&str> {
        self.all("access-control-allow-origin")
    }
}

/// A server that does not answer for so long hangs.
const HANG: Duration = Duration::from_secs(120);

/// Sends raw HTTP/1.1 and reads until the server closes.
async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Wire {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: api.example\r\n");
    if !headers.iter().any(|(name, _)| *name == "connection") {
        text.push_str("connection: close\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    headers
        .iter()
        .for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    let read = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            bytes.extend_from_slice(&buffer[..count]);
            // An upgraded connection stays open.
            if count == 0 || bytes.starts_with(b"HTTP/1.1 101") {
                return bytes;
            }
        }
    };
    let bytes = tokio::time::timeout(HANG, read)
        .await
        .expect("the server answers");
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Wire {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

/// Serves until the test ends.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn own() -> impl IntoResponse {
    (
        [
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "x-own"),
            ("vary", "accept-language"),
        ],
        "own",
    )
}

async fn stream() -> Response {
    let chunks = tokio_stream::iter(
        (0..3).map(|n| Ok::<_, Infallible>(Bytes::from(format!("chunk {n}\n")))),
    );
    Body::from_stream(chunks).into_response()
}

fn app(runs: Arc<AtomicUsize>) -> Router {
    // The timeout is an error, which becomes a response inside of the CORS layer.
    let times_out = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|_: tower::BoxError| async {
            StatusCode::GATEWAY_TIMEOUT
        }))
        .timeout(Duration::from_millis(200));
    Router::new()
        .route(
            "/",
            get(move || {
                runs.fetch_add(1, Ordering::Relaxed);
                async { "hello" }
            }),
        )
        .route("/own", get(own))
        .route("/stream", get(stream))
        .route(
            "/error",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .route("/slow", get(std::future::pending::<()>).layer(times_out))
        .route(
            "/socket",
            any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(|_| async {}) }),
        )
        .layer(CompressionLayer::new())
}

#[tokio::test]
async fn axum_gives_every_response_its_headers() {
    let runs = Arc::new(AtomicUsize::new(0));
    let address = serve(app(runs.clone()).layer(CorsLayer::new(policy()))).await;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/missing", 404),
        ("POST", "/", 405),
        ("GET", "/error", 500),
        ("GET", "/slow", 504),
        ("GET", "/stream", 200),
    ] {
        let allowed = send(address, method, path, &[("origin", APP)], b"").await;
        assert_eq!(
            (allowed.status, allowed.origin()),
            (status, vec![APP]),
            "{method} {path}\n{}",
            allowed.head
        );
        assert_eq!(allowed.all("access-control-allow-credentials"), ["true"]);
        let denied = send(address, method, path, &[("origin", EVIL)], b"").await;
        assert_eq!(
            (denied.status, denied.origin()),
            (status, vec![]),
            "{method} {path}"
        );
        for wire in [&allowed, &denied] {
            assert!(
                wire.all("vary").join(", ").contains("Origin"),
                "{method} {path}\n{}",
                wire.head
            );
            assert_eq!(wire.all("vary").len(), 1, "{}", wire.head);
        }
    }
    let whole = send(address, "GET", "/stream", &[("origin", APP)], b"").await;
    assert!(String::from_utf8_lossy(&whole.body).contains("chunk 2"));
    let compressed = send(
        address,
        "GET",
        "/stream",
        &[("origin", APP), ("accept-encoding", "gzip")],
        b"",
    )
    .await;
    assert_eq!(
        compressed.all("content-encoding"),
        ["gzip"],
        "{}",
        compressed.head
    );
    assert_eq!(compressed.all("vary"), ["accept-encoding, Origin"]);

    let before = runs.load(Ordering::Relaxed);
    let preflight = send(
        address,
        "OPTIONS",
        "/",
        &[("origin", APP), ("access-control-request-method", "PUT")],
        b"",
    )
    .await;
    assert_eq!(
        (
            preflight.status,
            preflight.origin(),
            preflight.all("access-control-allow-methods")
        ),
        (204, vec![APP], vec!["PUT"])
    );
    assert_eq!(preflight.all("content-length"), Vec::<&str>::new());
    let denied = send(
        address,
        "OPTIONS",
        "/",
        &[("origin", EVIL), ("access-control-request-method", "PUT")],
        b"",
    )
    .await;
    assert_eq!(
        (denied.status, denied.origin(), denied.all("content-length")),
        (403, vec![], vec!["0"])
    );
    assert_eq!(
        runs.load(Ordering::Relaxed),
        before,
        "no preflight reaches the handler"
    );
    // An ordinary OPTIONS does reach the router.
    assert_eq!(
        send(address, "OPTIONS", "/", &[("origin", APP)], b"")
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn a_handlers_own_headers_are_replaced_merged_and_removed() {
    let address = serve(app(Arc::default()).layer(CorsLayer::new(policy()))).await;
    let allowed = send(address, "GET", "/own", &[("origin", APP)], b"").await;
    assert_eq!(allowed.origin(), [APP]);
    assert_eq!(
        allowed.all("access-control-expose-headers"),
        ["x-own, grpc-status, grpc-message"]
    );
    assert_eq!(allowed.all("vary").len(), 1);
    assert!(
        allowed.all("vary")[0].starts_with("accept-language")
            && allowed.all("vary")[0].ends_with("Origin"),
        "{}",
        allowed.head
    );
    let denied = send(address, "GET", "/own", &[("origin", EVIL)], b"").await;
    assert_eq!(
        (denied.origin(), denied.all("access-control-expose-headers")),
        (vec![], vec![])
    );
}

#[tokio::test]
async fn a_web_socket_handshake_is_left_alone() {
    let address = serve(app(Arc::default()).layer(CorsLayer::new(policy()))).await;
    let headers = [
        ("origin", APP),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let wire = send(address, "GET", "/socket", &headers, b"").await;
    assert_eq!(
        (wire.status, wire.origin(), wire.all("vary")),
        (101, vec![], vec![]),
        "{}",
        wire.head
    );
}

#[tokio::test]
async fn a_policy_is_swapped_while_serving_and_rejects_before_the_handler() {
    let shared = Arc::new(SharedPolicy::new(policy()));
    let runs = Arc::new(AtomicUsize::new(0));
    let address = serve(app(runs.clone()).layer(CorsLayer::new(shared.clone()))).await;
    assert_eq!(
        send(address, "GET", "/", &[("origin", APP)], b"")
            .await
            .origin(),
        [APP]
    );
    let rejecting = Policy::builder()
        .allow_origins(["https://new.example"])
        .own_origins(["https://api.example"])
        .denied_actual(crossgate::DeniedActual::Reject);
    shared.replace(rejecting.build().unwrap());
    let before = runs.load(Ordering::Relaxed);
    let old = send(address, "GET", "/", &[("origin", APP)], b"").await;
    assert_eq!(
        (old.status, old.origin(), old.all("vary")),
        (403, vec![], vec!["Origin"])
    );
    assert_eq!(runs.load(Ordering::Relaxed), before);
    assert_eq!(
        send(
            address,
            "GET",
            "/",
            &[("origin", "https://new.example")],
            b""
        )
        .await
        .origin(),
        ["https://new.example"]
    );
    assert_eq!(
        send(
            address,
            "GET",
            "/",
            &[("origin", "https://api.example")],
            b""
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn the_application_decides_about_origins_and_policies() {
    let asking = || {
        Policy::builder()
            .allow_origins([APP])
            .origin_predicate(true)
            .build()
            .unwrap()
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let layer = CorsLayer::new(asking()).origin_predicate_async(move |origin, _| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            match origin.as_bytes() {
                b"https://tenant.example" => Ok(true),
                b"https://other.example" => Ok(false),
                _ => Err("the database is away"),
            }
        }
    });
    let address = serve(app(Arc::default()).layer(layer.unwrap())).await;
    for (origin, allowed, asks) in [
        (APP, true, 0),
        ("null", false, 0),
        ("https://Upper.example", false, 0),
        ("https://tenant.example", true, 1),
        ("https://other.example", false, 1),
        ("https://third.example", false, 1),
    ] {
        asked.store(0, Ordering::Relaxed);
        let wire = send(address, "GET", "/", &[("origin", origin)], b"").await;
        assert_eq!(
            (
                wire.origin() == [origin],
                asked.load(Ordering::Relaxed),
                wire.status
            ),
            (allowed, asks, 200),
            "{origin}"
        );
    }
    let preflight = send(
        address,
        "OPTIONS",
        "/",
        &[
            ("origin", "https://tenant.example"),
            ("access-control-request-method", "GET"),
        ],
        b"",
    )
    .await;
    assert_eq!(
        (preflight.status, preflight.origin()),
        (204, vec!["https://tenant.example"])
    );

    assert!(
        CorsLayer::new(policy())
            .origin_predicate(|_, _| true)
            .is_err(),
        "nobody would be asked"
    );

    let (public, own) = (
        Arc::new(Policy::builder().allow_origins(["*"]).build().unwrap()),
        Arc::new(policy()),
    );
    let layer = CorsLayer::per_request(move |head| match head.uri.path() {
        "/" => Some(public.clone()),
        "/stream" => Some(own.clone()),
        _ => None,
    });
    let address = serve(app(Arc::default()).layer(layer)).await;
    assert_eq!(
        send(address, "GET", "/", &[("origin", EVIL)], b"")
            .await
            .origin(),
        ["*"]
    );
    assert_eq!(
        send(address, "GET", "/stream", &[("origin", APP)], b"")
            .await
            .origin(),
        [APP]
    );
    assert_eq!(
        send(address, "GET", "/own", &[("origin", APP)], b"")
            .await
            .origin(),
        Vec::<&str>::new()
    );
}

#[tokio::test]
async fn handlers_see_the_decision_if_they_are_told() {
    async fn reason(request: axum::extract::Request) -> String {
        request
            .extensions()
            .get::<DecisionInfo>()
            .map_or("untold".to_owned(), |decided| {
                format!("{} {}", decided.kind, decided.reason)
            })
    }
    let app = Router::new().route("/", get(reason));
    let told = serve(
        app.clone()
            .layer(CorsLayer::new(policy()).insert_extension(true)),
    )
    .await;
    assert_eq!(
        send(told, "GET", "/", &[("origin", EVIL)], b"").await.body,
        b"actual origin_not_listed"
    );
    let untold = serve(app.layer(CorsLayer::new(policy()))).await;
    assert_eq!(
        send(untold, "GET", "/", &[("origin", EVIL)], b"")
            .await
            .body,
        b"untold"
    );
}

/// A client of HTTP/2: status, headers and trailers.
async fn send_http2(
    address: SocketAddr,
    request: http::Request<Full<Bytes>>,
) -> (u16, HeaderMap, Option<HeaderMap>) {
    let exchange = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            TokioIo::new(stream),
        )
        .await
        .unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let trailers = body.collect().await.unwrap().trailers().cloned();
        connection.abort();
        (head.status.as_u16(), head.headers, trailers)
    };
    tokio::time::timeout(HANG, exchange)
        .await
        .expect("the server answers")
}

#[tokio::test]
async fn http_2_with_trailers() {
    async fn trailing() -> Response {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", http::HeaderValue::from_static("1"));
        let frames = [
            http_body::Frame::data(Bytes::from_static(b"streamed")),
            http_body::Frame::trailers(trailers),
        ];
        Response::new(Body::new(StreamBody::new(tokio_stream::iter(
            frames.map(Ok::<_, Infallible>),
        ))))
    }
    let address = serve(
        Router::new()
            .route("/", get(trailing))
            .layer(CorsLayer::new(policy())),
    )
    .await;
    let request = |method: &str, headers: &[(&str, &str)]| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{address}/"))
            .version(http::Version::HTTP_2);
        headers
            .iter()
            .fold(request, |request, (name, value)| {
                request.header(*name, *value)
            })
            .body(Full::default())
            .unwrap()
    };
    let (status, headers, trailers) = send_http2(address, request("GET", &[("origin", APP)])).await;
    assert_eq!(
        (
            status,
            &headers["access-control-allow-origin"],
            &headers["vary"]
        ),
        (200, &APP.parse().unwrap(), &"Origin".parse().unwrap())
    );
    let trailers = trailers.unwrap();
    assert_eq!(trailers["x-checksum"], "1");
    assert!(
        !trailers.contains_key("access-control-allow-origin") && !trailers.contains_key("vary"),
        "{trailers:?}"
    );
    let (status, headers, _) = send_http2(address, request("GET", &[("origin", EVIL)])).await;
    assert_eq!(
        (status, headers.get("access-control-allow-origin")),
        (200, None)
    );
    let (status, headers, _) = send_http2(
        address,
        request(
            "OPTIONS",
            &[("origin", APP), ("access-control-request-method", "PUT")],
        ),
    )
    .await;
    // hyper itself gives every empty response over HTTP/2 a length.
    assert_eq!(
        (status, &headers["access-control-allow-methods"]),
        (204, &"PUT".parse().unwrap())
    );
}

#[tokio::test]
async fn plain_hyper() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = CorsLayer::new(policy()).layer(service_fn(
        |_: http::Request<hyper::body::Incoming>| async {
            Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"hyper"))))
        },
    ));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(service.clone()),
            );
            tokio::spawn(connection);
        }
    });
    let wire = send(address, "GET", "/", &[("origin", APP)], b"").await;
    assert_eq!(
        (wire.status, wire.origin(), wire.body.as_slice()),
        (200, vec![APP], &b"hyper"[..])
    );
    let preflight = send(
        address,
        "OPTIONS",
        "/",
        &[("origin", APP), ("access-control-request-method", "PUT")],
        b"",
    )
    .await;
    assert_eq!((preflight.status, preflight.origin()), (204, vec![APP]));
}

/// A gRPC service without generated code: it answers one message to one message.
#[derive(Clone)]
struct Echo;

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl tower::Service<http::Request<tonic::body::Body>> for Echo {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(async move {
            let frame = request
                .into_body()
                .collect()
                .await
                .map(|body| body.to_bytes())
                .unwrap_or_default();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            let frames = [
                http_body::Frame::data(frame),
                http_body::Frame::trailers(trailers),
            ];
            let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Infallible>)));
            Ok(http::Response::builder()
                .header("content-type", "application/grpc")
                .body(tonic::body::Body::new(body))
                .unwrap())
        })
    }
}

#[tokio::test]
async fn a_grpc_web_request_to_a_tonic_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(
        tonic::transport::Server::builder()
            .accept_http1(true)
            .layer(CorsLayer::new(policy()))
            .layer(tonic_web::GrpcWebLayer::new())
            .add_service(Echo)
            .serve_with_incoming(incoming),
    );
    let preflight = [
        ("origin", APP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-grpc-web"),
    ];
    let wire = send(address, "OPTIONS", "/test.Echo/Say", &preflight, b"").await;
    assert_eq!(
        (
            wire.status,
            wire.origin(),
            wire.all("access-control-allow-headers")
        ),
        (204, vec![APP], vec!["content-type, x-grpc-web"])
    );
    let call = [
        ("origin", APP),
        ("content-type", "application/grpc-web+proto"),
        ("x-grpc-web", "1"),
    ];
    let wire = send(address, "POST", "/test.Echo/Say", &call, b"\0\0\0\0\x02hi").await;
    assert_eq!(
        (wire.status, wire.origin()),
        (200, vec![APP]),
        "{}",
        wire.head
    );
    assert_eq!(
        wire.all("access-control-expose-headers"),
        ["grpc-status, grpc-message"]
    );
    let body = String::from_utf8_lossy(&wire.body).into_owned();
    assert!(
        body.contains("hi") && body.contains("grpc-status:0"),
        "{body:?}"
    );
    let denied = send(
        address,
        "POST",
        "/test.Echo/Say",
        &[("origin", EVIL), call[1], call[2]],
        b"\0\0\0\0\x02hi",
    )
    .await;
    assert_eq!(denied.origin(), Vec::<&str>::new());
}
