//! crossgate's middleware and actix-cors side by side.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse, error};
use crossgate::actix::CorsBuilder;
use crossgate_peers::{Answer, Ask, Outcome, Pair, asks, compare};

/// The application.
struct Handler;

impl Service<ServiceRequest> for Handler {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Ready<Result<ServiceResponse, Error>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let mut response = HttpResponse::Ok();
        match request.path() {
            "/own" => {
                response.insert_header(("access-control-allow-origin", "*"));
                response.insert_header(("access-control-expose-headers", "x-own"));
                response.insert_header(("vary", "accept-encoding"));
            }
            "/missing" => {
                response.status(StatusCode::NOT_FOUND);
            }
            "/error" => return ready(Err(error::ErrorInternalServerError("an error of the handler"))),
            _ => {}
        }
        let response = response.insert_header((header::CONTENT_TYPE, "text/plain")).body("handled");
        ready(Ok(request.into_response(response)))
    }
}

async fn serve<M, B>(middleware: M, ask: &Ask) -> Answer
where
    M: Transform<Handler, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()>,
    B: MessageBody + 'static,
{
    let service = middleware.new_transform(Handler).await.expect("the options are valid");
    let mut request = TestRequest::with_uri(ask.path).method(Method::from_bytes(ask.method.as_bytes()).unwrap());
    for (name, value) in &ask.headers {
        request = request.append_header((*name, *value));
    }
    let response = match service.call(request.to_srv_request()).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.unwrap_or_default();
    Answer::new(head.status().as_u16(), head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())), &body)
}

/// Both sides with the same calls.
macro_rules! both {
    ($name:literal, $($call:ident($($argument:expr),*)).*) => {{
        let ask_peer: fn() -> actix_cors::Cors = || actix_cors::Cors::default()$(.$call($($argument),*))*;
        let ask_ours: fn() -> CorsBuilder = || CorsBuilder::new()$(.$call($($argument),*))*;
        ($name, ask_peer, ask_ours)
    }};
}

type Options = (&'static str, fn() -> actix_cors::Cors, fn() -> CorsBuilder);

fn options() -> Vec<Options> {
    vec![
        ("default", actix_cors::Cors::default, CorsBuilder::new),
        ("permissive", actix_cors::Cors::permissive, CorsBuilder::permissive),
        both!(
            "list",
            allowed_origin("https://a.example").allowed_origin("https://b.example").allowed_methods(["GET", "PUT"]).allowed_headers(["content-type", "x-a"])
        ),
        both!(
            "list with credentials",
            allowed_origin("https://a.example")
                .allowed_methods(vec![Method::PUT, Method::DELETE])
                .allowed_header("Authorization")
                .allowed_header("x-a")
                .expose_headers(["x-total", "x-id"])
                .supports_credentials()
                .max_age(600)
        ),
        both!("any origin", allow_any_origin().allowed_methods(["PUT"]).expose_headers(["x-total"])),
        both!("wildcard", allow_any_origin().send_wildcard().allowed_methods(["PUT"]).expose_headers(["x-total"]).max_age(None)),
        both!("any origin with credentials", allow_any_origin().supports_credentials()),
        both!("function", allowed_origin_fn(|origin, _| origin != "https://evil.test").allowed_methods(["PUT"]).supports_credentials()),
        both!(
            "list and function",
            allowed_origin("https://b.example").allowed_origin_fn(|origin, _| origin == "https://a.example").allowed_methods(["PUT", "POST"])
        ),
        both!("any lists", allowed_origin("https://a.example").allow_any_method().allow_any_header().expose_any_header()),
        both!("any headers with credentials", allowed_origin("https://a.example").allowed_methods(["PUT"]).allow_any_header().supports_credentials()),
        both!("exposes any with credentials", allowed_origin("https://a.example").expose_any_header().supports_credentials()),
        both!("without preflight", allowed_origin("https://a.example").allowed_methods(["PUT"]).disable_preflight()),
        both!("private network", allowed_origin("https://a.example").allowed_methods(["PUT"]).allow_private_network_access()),
        both!("trailing slash", allowed_origin("https://a.example/")),
        both!("long age", allowed_origin("https://a.example").max_age(100_000)),
        both!("forbidden method", allowed_origin("https://a.example").allowed_methods(["TRACE"])),
        both!("plain http with credentials", allowed_origin("http://a.example").supports_credentials()),
        both!("pattern", allowed_origin("https://*.example").allowed_methods(["PUT"])),
        (
            "without vary",
            || actix_cors::Cors::default().allowed_origin("https://a.example").allowed_methods(["PUT"]).disable_vary_header(),
            || CorsBuilder::new().allowed_origin("https://a.example").allowed_methods(["PUT"]),
        ),
        (
            "blocking",
            || actix_cors::Cors::default().allowed_origin("https://a.example").allowed_methods(["PUT"]).block_on_origin_mismatch(true),
            || {
                CorsBuilder::new()
                    .allowed_origin("https://a.example")
                    .allowed_methods(["PUT"])
                    .block_on_origin_mismatch(true)
                    .own_origins(["https://api.example"])
            },
        ),
    ]
}

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

const VARY: &[&str] = &["vary"];
const ORIGIN: &str = "access-control-allow-origin";
const LISTS: [&str; 3] = ["access-control-allow-methods", "access-control-allow-headers", "access-control-expose-headers"];

fn sorted(list: &str) -> Vec<&str> {
    let mut names: Vec<&str> = list.split(", ").collect();
    names.sort_unstable();
    names
}

#[actix_web::test]
async fn every_difference_is_documented() {
    let mut pairs = Vec::new();
    for (name, peer, ours) in options() {
        for ask in asks() {
            let peer = Ok(serve(peer(), &ask).await);
            let ours: Outcome = match ours().build() {
                Ok(cors) => Ok(serve(cors, &ask).await),
                Err(error) => Err(error.to_string()),
            };
            pairs.push(Pair { options: name, ask, peer, ours });
        }
    }
    compare(
        include_str!("../../differences/actix-cors.json"),
        pairs,
        &[
            ("permissive-is-refused", |pair| under(pair, &["permissive", "any origin with credentials"])),
            ("exposing-any-with-credentials", |pair| under(pair, &["exposes any with credentials"])),
            ("origins-are-checked", |pair| under(pair, &["trailing slash"])),
            ("insecure-origins-with-credentials", |pair| under(pair, &["plain http with credentials"])),
            ("age-is-bounded", |pair| under(pair, &["long age"])),
            ("forbidden-methods", |pair| under(pair, &["forbidden method"])),
            ("patterns", |pair| under(pair, &["pattern"])),
            ("blocked-requests", |pair| {
                if pair.options == "blocking" {
                    served(pair, |_, peer, ours| {
                        if peer.status == 400 && ours.status == 403 {
                            *peer = ours.clone();
                        }
                    });
                }
            }),
            ("preflights-have-an-origin", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.method == "OPTIONS" && ask.get("origin").is_none() {
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
                if pair.options == "function" {
                    served(pair, |ask, peer, ours| {
                        if matches!(ask.get("origin"), Some("null" | "https://A.example")) {
                            *peer = ours.clone();
                        }
                    });
                }
            }),
            ("requested-method-is-a-token", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.get("access-control-request-method") == Some("GET, DELETE") {
                        *peer = ours.clone();
                    }
                });
            }),
            ("preflights-that-go-on", |pair| {
                if pair.options == "without preflight" {
                    served(pair, |ask, peer, ours| {
                        if ask.is_preflight() {
                            *peer = ours.clone();
                        }
                    });
                }
            }),
            ("refused-preflights", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() && peer.status == 400 {
                        *peer = ours.clone();
                    }
                });
            }),
            ("star-for-every-origin", |pair| {
                if matches!(pair.options, "any origin" | "wildcard") {
                    served(pair, |_, peer, ours| {
                        if ours.headers.get(ORIGIN).is_some_and(|lines| *lines == ["*"]) {
                            peer.take(ours, &[ORIGIN]);
                        }
                    });
                }
            }),
            ("order-of-lists", |pair| {
                served(pair, |_, peer, ours| {
                    for name in LISTS {
                        if let (Some([theirs]), Some([own])) = (peer.headers.get(name).map(Vec::as_slice), ours.headers.get(name).map(Vec::as_slice))
                            && sorted(&theirs.to_lowercase()) == sorted(&own.to_lowercase())
                        {
                            peer.take(ours, &[name]);
                        }
                    }
                });
            }),
            ("any-method-is-any", |pair| {
                if pair.options == "any lists" {
                    served(pair, |_, peer, ours| peer.take(ours, &["access-control-allow-methods"]));
                }
            }),
            ("any-header-is-any", |pair| {
                if matches!(pair.options, "any lists" | "any headers with credentials") {
                    served(pair, |_, peer, ours| peer.take(ours, &["access-control-allow-headers"]));
                }
            }),
            ("any-exposed-is-any", |pair| {
                if pair.options == "any lists" {
                    served(pair, |ask, peer, ours| {
                        if ours.has(ORIGIN) && ask.path != "/own" {
                            peer.take(ours, &["access-control-expose-headers"]);
                        }
                    });
                }
            }),
            ("handlers-own-headers", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" && !ours.has(ORIGIN) {
                        peer.take(ours, &[ORIGIN, "access-control-expose-headers"]);
                    }
                });
            }),
            ("exposed-names-are-merged", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" && ours.has(ORIGIN) {
                        peer.take(ours, &["access-control-expose-headers"]);
                    }
                });
            }),
            ("vary-always", |pair| {
                if pair.options == "without vary" {
                    served(pair, |_, peer, ours| peer.take(ours, VARY));
                }
            }),
            ("vary-of-what-matters", |pair| served(pair, |_, peer, ours| peer.take(ours, VARY))),
            ("no-credentials-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has(ORIGIN) {
                        peer.take(ours, &["access-control-allow-credentials"]);
                    }
                });
            }),
            ("no-exposed-headers-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has(ORIGIN) {
                        peer.take(ours, &["access-control-expose-headers"]);
                    }
                });
            }),
            ("private-network-in-preflights", |pair| served(pair, |_, peer, ours| peer.take(ours, &["access-control-allow-private-network"]))),
        ],
    );
}
