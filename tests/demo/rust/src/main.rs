//! A real axum server behind a policy file: `crossgate-demo-server --policy FILE --port N`.

use std::error::Error;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use crossgate::{Action, HeaderName, Policy, ResponseHeaders};

/// The response's headers as crossgate changes them.
struct Headers<'a>(&'a mut HeaderMap);

impl ResponseHeaders for Headers<'_> {
    fn get_all(&self, name: HeaderName) -> Vec<String> {
        self.0
            .get_all(name.lower())
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    fn remove(&mut self, name: HeaderName) {
        self.0.remove(name.lower());
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.insert(name.lower(), value);
        }
    }
}

/// The outermost layer: a preflight is answered here, every other response gets its headers here.
async fn cors(State(policy): State<Arc<Policy>>, request: Request, next: Next) -> Response {
    // The request is the handler's; what CORS reads of it is kept.
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let decision = policy.evaluate(&crossgate::Request::from_pairs(
        method.as_str().as_bytes(),
        pairs,
    ));
    let mut response = match decision.action() {
        Action::Forward => next.run(request).await,
        // The answer is already known: a preflight, or a request that the policy rejects.
        _ => {
            let status = decision
                .status()
                .and_then(|status| StatusCode::from_u16(status).ok());
            status.unwrap_or(StatusCode::FORBIDDEN).into_response()
        }
    };
    decision.apply(&mut Headers(response.headers_mut()));
    response
}

async fn data() -> impl IntoResponse {
    ([("content-type", "application/json")], "{\"ok\":true}\n")
}

/// A handler that has its own ideas about CORS.
async fn upstream() -> impl IntoResponse {
    (
        [
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "X-Own"),
            ("vary", "Accept-Encoding"),
        ],
        "upstream\n",
    )
}

async fn error() -> impl IntoResponse {
    (StatusCode::INTERNAL_SERVER_ERROR, "error\n")
}

fn argument(name: &str) -> Option<String> {
    std::env::args()
        .skip_while(|argument| argument != name)
        .nth(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file =
        argument("--policy").ok_or("usage: crossgate-demo-server --policy FILE [--port N]")?;
    let port: u16 = argument("--port").map_or(Ok(0), |port| port.parse())?;
    let policy = match Policy::from_file(&file) {
        Ok(policy) => policy,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    for warning in policy.warnings() {
        eprintln!("{warning}");
    }
    let app = Router::new()
        .route("/data", routing::any(data))
        .route("/upstream", routing::any(upstream))
        .route("/error", routing::any(error))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .layer(middleware::from_fn_with_state(Arc::new(policy), cors));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
