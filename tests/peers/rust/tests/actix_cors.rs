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
use crossgate_peers::{Answer, Ask, Outcome, Pair, asks, compare, refused, served};

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
            "/error" => {
                return ready(Err(error::ErrorInternalServerError(
                    "an error of the handler",
                )));
            }
            _ => {}
        }
        let response = response
            .insert_header((header::CONTENT_TYPE, "text/plain"))
            .body("handled");
        ready(Ok(request.into_response(response)))
    }
}

async fn serve<M, B>(middleware: M, ask: &Ask) -> Answer
where
    M: Transform<
            Handler,
            ServiceRequest,
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        >,
    B: MessageBody + 'static,
{
    let service = middleware
        .new_transform(Handler)
        .await
        .expect("the options are valid");
    let mut request =
        TestRequest::with_uri(ask.path).method(Method::from_bytes(ask.method.as_bytes()).unwrap());
    for (name, value) in &ask.headers {
        request = request.append_header((*name, *value));
    }
    let response = match service.call(request.to_srv_request()).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.unwrap_or_default();
    Answer::new(
        head.status().as_u16(),
        head.headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
        &body,
    )
}

/// Both sides with the same calls.
macro_rules! both {
    ($name:literal, $($call:ident($($argument:expr),*)).*) => {{
        let ask_peer: fn() -> actix_cors::Cors =
            || actix_cors::Cors::default()$(.$call($($argument),*))*;
        let ask_ours: fn() -> CorsBuilder = || CorsBuilder::new()$(.$call($($argument),*))*;
        ($name, ask_peer, ask_ours)
    }};
}

type Options = (&'static str, fn() -> actix_cors::Cors, fn() -> CorsBuilder);

fn options() -> Vec<Options> {
    vec![
        ("default", actix_cors::Cors::default, CorsBuilder::new),
        (
            "permissive",
            actix_cors::Cors::permissive,
            CorsBuilder::permissive,
        ),
        both!(
            "list",
            allowed_origin("https://a.example")
                .allowed_origin("https://b.example")
                .allowed_methods(["GET", "PUT"])
                .allowed_headers(["content-type", "x-a"])
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
        both!(
            "any origin",
            allow_any_origin()
                .allowed_methods(["PUT"])
                .expose_headers(["x-total"])
        ),
        both!(
            "wildcard",
            allow_any_origin()
                .send_wildcard()
                .allowed_methods(["PUT"])
                .expose_headers(["x-total"])
                .max_age(None)
        ),
        both!(
            "any origin with credentials",
            allow_any_origin().supports_credentials()
        ),
        both!(
            "function",
            allowed_origin_fn(|origin, _| origin != "https://evil.test")
                .allowed_methods(["PUT"])
                .supports_credentials()
        ),
        both!(
            "list and function",
            allowed_origin("https://b.example")
                .allowed_origin_fn(|origin, _| origin == "https://a.example")
                .allowed_methods(["PUT", "POST"])
        ),
        both!(
            "any lists",
            allowed_origin("https://a.example")
                .allow_any_method()
                .allow_any_header()
                .expose_any_header()
        ),
        both!(
            "any headers with credentials",
            allowed_origin("https://a.example")
                .allowed_methods(["PUT"])
                .allow_any_header()
                .supports_credentials()
        ),
        both!(
            "exposes any with credentials",
            allowed_origin("https://a.example")
                .expose_any_header()
                .supports_credentials()
        ),
        both!(
            "without preflight",
            allowed_origin("https://a.example")
                .allowed_methods(["PUT"])
                .disable_preflight()
        ),
        both!(
            "private network",
            allowed_origin("https://a.example")
                .allowed_methods(["PUT"])
                .allow_private_network_access()
        ),
        both!("trailing slash", allowed_origin("https://a.example/")),
        both!(
            "long age",
            allowed_origin("https://a.example").max_age(100_000)
        ),
        both!(
            "forbidden method",
            allowed_origin("https://a.example").allowed_methods(["TRACE"])
        ),
        both!(
            "plain http with credentials",
            allowed_origin("http://a.example").supports_credentials()
        ),
        both!(
            "pattern",
            allowed_origin("https://*.example").allowed_methods(["PUT"])
        ),
        (
            "without vary",
            || {
                actix_cors::Cors::default()
                    .allowed_origin("https://a.example")
                    .allowed_methods(["PUT"])
                    .disable_vary_header()
            },
            || {
                CorsBuilder::new()
                    .allowed_origin("https://a.example")
                    .allowed_methods(["PUT"])
            },
        ),
        (
            "blocking",
            || {
                actix_cors::Cors::default()
                    .allowed_origin("https://a.example")
                    .allowed_methods(["PUT"])
                    .block_on_origin_mismatch(true)
            },
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

const ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const METHODS: &str = "access-control-allow-methods";
const HEADERS: &str = "access-control-allow-headers";
const EXPOSED: &str = "access-control-expose-headers";
const PRIVATE: &str = "access-control-allow-private-network";
const LISTS: [&str; 3] = [METHODS, HEADERS, EXPOSED];
/// What a granting preflight has.
const GRANT: [&str; 5] = [
    ORIGIN,
    CREDENTIALS,
    METHODS,
    HEADERS,
    "access-control-max-age",
];
const NOT_ALLOWED: &str = "Origin is not allowed to make this request";
/// What the peer says in `Vary`, everywhere.
const PEERS_VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
    Access-Control-Request-Private-Network";

/// Whether ours names nothing in `Vary` that the peer does not.
fn names_no_more(ours: &Answer, peers: &str) -> bool {
    ours.headers.get("vary").is_none_or(|lines| {
        lines.len() == 1
            && lines[0]
                .split(", ")
                .all(|name| peers.split(", ").any(|other| other == name))
    })
}

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
            pairs.push(Pair {
                options: name,
                ask,
                peer,
                ours,
            });
        }
    }
    compare(
        include_str!("../../differences/actix-cors.json"),
        pairs,
        &[
            ("permissive-is-refused", |pair| {
                refused(pair, "permissive", "any_with_credentials");
                refused(pair, "any origin with credentials", "any_with_credentials");
            }),
            ("exposing-any-with-credentials", |pair| {
                refused(
                    pair,
                    "exposes any with credentials",
                    "expose_any_with_credentials",
                )
            }),
            ("origins-are-checked", |pair| {
                refused(pair, "trailing slash", "origin_has_path")
            }),
            ("insecure-origins-with-credentials", |pair| {
                refused(
                    pair,
                    "plain http with credentials",
                    "insecure_origin_with_credentials",
                )
            }),
            ("age-is-bounded", |pair| {
                refused(pair, "long age", "max_age_too_long")
            }),
            ("forbidden-methods", |pair| {
                refused(pair, "forbidden method", "method_forbidden")
            }),
            ("patterns", |pair| {
                if pair.options == "pattern" {
                    served(pair, |ask, peer, ours| {
                        // The handler's own stays in the peer's answer.
                        if ask
                            .get("origin")
                            .is_some_and(|origin| ours.line(ORIGIN) == Some(origin))
                            && matches!(peer.line(ORIGIN), None | Some("*"))
                        {
                            peer.take(ours, &[ORIGIN]);
                            if ask.is_preflight()
                                && peer.status == 400
                                && peer.body == NOT_ALLOWED
                                && ours.status == 200
                            {
                                peer.take_content(ours);
                                peer.take_missing(ours, &["vary", METHODS]);
                            }
                        }
                    });
                }
            }),
            ("blocked-requests", |pair| {
                if pair.options == "blocking" {
                    served(pair, |ask, peer, ours| {
                        if !ask.is_preflight()
                            && (peer.status, peer.body.as_str()) == (400, NOT_ALLOWED)
                            && (ours.status, ours.body.as_str()) == (403, "")
                        {
                            peer.take_content(ours);
                        }
                    });
                }
            }),
            ("preflights-have-an-origin", |pair| {
                served(pair, |ask, peer, ours| {
                    let is_answered = match peer.status {
                        400 => {
                            peer.body == "Request header `Origin` is required but was not provided"
                        }
                        _ => peer.status == 200 && peer.body.is_empty(),
                    };
                    let requests = ask.method == "OPTIONS"
                        && ask.get("access-control-request-method").is_some();
                    if requests
                        && ask.get("origin").is_none()
                        && is_answered
                        && (ours.status, ours.body.as_str()) == (200, "handled")
                    {
                        peer.take_content(ours);
                        peer.drop_surplus(ours, &[METHODS]);
                        peer.take_missing(ours, &["vary"]);
                        if ours.has(ORIGIN) {
                            peer.take_missing(ours, &[EXPOSED]);
                        }
                    }
                });
            }),
            ("several-origins", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.has_several_origins()
                        && peer.line(ORIGIN) == ask.get("origin")
                        && !ours.has(ORIGIN)
                    {
                        peer.take(ours, &[ORIGIN]);
                        // Under blocking.
                        if (ours.status, ours.body.as_str()) == (403, "") {
                            peer.take_content(ours);
                        }
                    }
                });
            }),
            ("only-well-formed-origins-are-asked", |pair| {
                if pair.options == "function" {
                    served(pair, |ask, peer, ours| {
                        let malformed =
                            matches!(ask.get("origin"), Some("null" | "https://A.example"));
                        if malformed && peer.line(ORIGIN) == ask.get("origin") && !ours.has(ORIGIN)
                        {
                            peer.take(ours, &[ORIGIN]);
                            if ask.is_preflight() && (peer.status, ours.status) == (200, 400) {
                                peer.status = ours.status;
                                peer.drop_surplus(ours, &[METHODS]);
                            }
                        }
                    });
                }
            }),
            ("requested-method-is-a-token", |pair| {
                served(pair, |ask, peer, ours| {
                    let is_list = ask.is_preflight()
                        && ask.get("access-control-request-method") == Some("GET, DELETE");
                    if is_list
                        && (peer.status, peer.body.as_str()) == (200, "handled")
                        && ours.body.is_empty()
                    {
                        peer.take_content(ours);
                        peer.take_missing(ours, &[METHODS, HEADERS, "access-control-max-age"]);
                        peer.drop_surplus(ours, &[EXPOSED]);
                    }
                });
            }),
            ("preflights-that-go-on", |pair| {
                if pair.options == "without preflight" {
                    served(pair, |ask, peer, ours| {
                        if ask.is_preflight() && ours.line(METHODS) == Some("PUT") {
                            peer.take_missing(ours, &[METHODS]);
                        }
                    });
                }
            }),
            ("refused-preflights", |pair| {
                served(pair, |ask, peer, ours| {
                    let by_origin =
                        peer.body == NOT_ALLOWED && ours.status == 400 && !ours.has(ORIGIN);
                    let by_lists = [
                        "Requested method is not allowed",
                        "One or more request headers are not allowed",
                        "Request header `Access-Control-Request-Headers` has an invalid value",
                    ]
                    .contains(&peer.body.as_str())
                        && ours.status == 200
                        && ours.has(ORIGIN);
                    if ask.is_preflight()
                        && peer.status == 400
                        && (by_origin || by_lists)
                        && ours.body.is_empty()
                    {
                        peer.take_content(ours);
                        peer.take_missing(ours, &["vary"]);
                        if by_lists {
                            peer.take_missing(ours, &GRANT);
                        }
                    }
                });
            }),
            ("star-for-every-origin", |pair| {
                if matches!(pair.options, "any origin" | "wildcard") {
                    served(pair, |ask, peer, ours| {
                        if ours.line(ORIGIN) == Some("*") && peer.line(ORIGIN) == ask.get("origin")
                        {
                            peer.take(ours, &[ORIGIN]);
                        }
                    });
                }
            }),
            ("order-of-lists", |pair| {
                served(pair, |_, peer, ours| {
                    for name in LISTS {
                        if let (Some(theirs), Some(own)) = (peer.line(name), ours.line(name))
                            && sorted(&theirs.to_lowercase()) == sorted(&own.to_lowercase())
                        {
                            peer.take(ours, &[name]);
                        }
                    }
                });
            }),
            ("any-method-is-any", |pair| {
                if pair.options == "any lists" {
                    served(pair, |_, peer, ours| {
                        let nine = [
                            "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
                            "TRACE",
                        ];
                        if peer.line(METHODS).is_some_and(|list| sorted(list) == nine)
                            && ours.line(METHODS) == Some("*")
                        {
                            peer.take(ours, &[METHODS]);
                        }
                    });
                }
            }),
            ("any-header-is-any", |pair| {
                if matches!(pair.options, "any lists" | "any headers with credentials") {
                    let credentials = pair.options == "any headers with credentials";
                    served(pair, |ask, peer, ours| {
                        let expected = match ask.get("access-control-request-headers") {
                            _ if !credentials => Some("*, Authorization"),
                            Some("content-type" | "content-type,x-a") => Some("content-type, x-a"),
                            Some("x-a,,content-type") => Some("x-a, content-type"),
                            _ => None,
                        };
                        let echoes =
                            peer.line(HEADERS) == ask.get("access-control-request-headers");
                        if ask.is_preflight()
                            && ours.has(ORIGIN)
                            && echoes
                            && ours.line(HEADERS) == expected
                        {
                            peer.take(ours, &[HEADERS]);
                        }
                    });
                }
            }),
            ("any-exposed-is-any", |pair| {
                if pair.options == "any lists" {
                    served(pair, |ask, peer, ours| {
                        let names = peer.line(EXPOSED).map(sorted).unwrap_or_default();
                        let lists = !names.is_empty() && names.iter().all(|name| peer.has(name));
                        let own = if ask.path == "/own" { "x-own, *" } else { "*" };
                        if lists && ours.line(EXPOSED) == Some(own) {
                            peer.take(ours, &[EXPOSED]);
                        }
                    });
                }
            }),
            ("handlers-own-headers", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own" && !ours.has(ORIGIN) {
                        if peer.line(ORIGIN) == Some("*") {
                            peer.take(ours, &[ORIGIN]);
                        }
                        if peer.line(EXPOSED) == Some("x-own") {
                            peer.drop_surplus(ours, &[EXPOSED]);
                        }
                    }
                });
            }),
            ("exposed-names-are-merged", |pair| {
                served(pair, |ask, peer, ours| {
                    let own = ours
                        .line(EXPOSED)
                        .and_then(|list| list.strip_prefix("x-own, "));
                    let same = peer
                        .line(EXPOSED)
                        .zip(own)
                        .is_some_and(|(theirs, own)| sorted(theirs) == sorted(own));
                    if ask.path == "/own" && same {
                        peer.take(ours, &[EXPOSED]);
                    }
                });
            }),
            ("vary-always", |pair| {
                if pair.options == "without vary" {
                    served(pair, |_, peer, ours| {
                        let expected = match peer.line("vary") {
                            None => ours.line("vary").is_some_and(|line| {
                                line == "Origin" || line == "Origin, Access-Control-Request-Method"
                            }),
                            Some(line) => {
                                line == "accept-encoding"
                                    && ours.line("vary") == Some("accept-encoding, Origin")
                            }
                        };
                        if expected {
                            peer.take(ours, &["vary"]);
                        }
                    });
                }
            }),
            ("vary-of-what-matters", |pair| {
                served(pair, |_, peer, ours| {
                    if peer
                        .line("vary")
                        .is_some_and(|line| line.ends_with(PEERS_VARY) && names_no_more(ours, line))
                    {
                        peer.take(ours, &["vary"]);
                    }
                });
            }),
            ("no-credentials-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has(ORIGIN) && peer.line(CREDENTIALS) == Some("true") {
                        peer.drop_surplus(ours, &[CREDENTIALS]);
                    }
                });
            }),
            ("no-exposed-headers-without-origin", |pair| {
                served(pair, |_, peer, ours| {
                    if !ours.has(ORIGIN) {
                        peer.drop_surplus(ours, &[EXPOSED]);
                    }
                });
            }),
            ("private-network-in-preflights", |pair| {
                served(pair, |ask, peer, ours| {
                    if peer.line(PRIVATE) == Some("true")
                        && !(ask.is_preflight() && ours.has(ORIGIN))
                    {
                        peer.drop_surplus(ours, &[PRIVATE]);
                    }
                });
            }),
        ],
    );
}
