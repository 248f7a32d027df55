//! crossgate's layer and tower-http's side by side.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use crossgate::tower::{self as ours, CorsBuilder};
use crossgate_peers::{Answer, Ask, Outcome, Pair, asks, compare, refused, served};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::cors::{self as peer, CorsLayer as PeerLayer};

async fn handle(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"handled")));
    let headers = response.headers_mut();
    match request.uri().path() {
        "/own" => {
            headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
            headers.insert(
                "access-control-expose-headers",
                HeaderValue::from_static("x-own"),
            );
            headers.insert("vary", HeaderValue::from_static("accept-encoding"));
        }
        "/missing" => *response.status_mut() = StatusCode::NOT_FOUND,
        "/error" => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
        _ => {}
    }
    Ok(response)
}

/// Asks a service; a panic is a refusal, which is how tower-http says that options are wrong.
fn serve<S>(make: impl FnOnce() -> Result<S, String>, ask: &Ask) -> Outcome
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let mut request = Request::builder().method(ask.method).uri(ask.path);
    for (name, value) in &ask.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::default()).unwrap();
    let served = catch_unwind(AssertUnwindSafe(|| {
        let service = make()?;
        let Ok(response) = service
            .oneshot(request)
            .now_or_never()
            .expect("nothing waits");
        Ok(response)
    }));
    let response = served.unwrap_or_else(|_| Err("it panics".to_owned()))?;
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .now_or_never()
        .expect("nothing waits")
        .unwrap()
        .to_bytes();
    Ok(Answer::new(
        head.status.as_u16(),
        head.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
        &body,
    ))
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn names<const N: usize>(names: [&'static str; N]) -> [HeaderName; N] {
    names.map(HeaderName::from_static)
}

/// Both sides with the same calls.
macro_rules! both {
    ($name:literal, $($call:ident($($argument:expr)?)).*) => {{
        let ask_peer: fn() -> PeerLayer = || {
            #[allow(unused_imports)]
            use peer::*;
            PeerLayer::new()$(.$call($($argument)?))*
        };
        let ask_ours: fn() -> CorsBuilder = || {
            #[allow(unused_imports)]
            use ours::*;
            CorsBuilder::new()$(.$call($($argument)?))*
        };
        ($name, ask_peer, ask_ours)
    }};
}

type Options = (&'static str, fn() -> PeerLayer, fn() -> CorsBuilder);

fn options() -> Vec<Options> {
    vec![
        ("default", PeerLayer::new, CorsBuilder::new),
        ("permissive", PeerLayer::permissive, CorsBuilder::permissive),
        (
            "very permissive",
            PeerLayer::very_permissive,
            CorsBuilder::very_permissive,
        ),
        both!(
            "list",
            allow_origin([value("https://a.example"), value("https://b.example")])
                .allow_methods([Method::GET, Method::PUT])
                .allow_headers(names(["content-type", "x-a"]))
        ),
        both!(
            "list with credentials",
            allow_origin(vec![value("https://a.example"), value("https://b.example")])
                .allow_methods([Method::PUT, Method::DELETE])
                .allow_headers(names(["content-type", "authorization"]))
                .expose_headers(names(["x-total", "x-id"]))
                .allow_credentials(true)
                .max_age(Duration::from_secs(600))
        ),
        both!(
            "any origin",
            allow_origin(Any)
                .allow_methods([Method::PUT])
                .expose_headers(names(["x-total"]))
        ),
        both!(
            "exact",
            allow_origin(value("https://a.example"))
                .allow_methods(Method::PUT)
                .expose_headers(names(["x-total"]))
        ),
        both!(
            "exact with credentials",
            allow_origin(AllowOrigin::exact(value("https://a.example")))
                .allow_methods([Method::PUT])
                .allow_credentials(true)
        ),
        both!(
            "predicate",
            allow_origin(AllowOrigin::predicate(
                |origin, _| origin != "https://evil.test"
            ))
            .allow_methods([Method::PUT])
            .allow_credentials(true)
        ),
        both!(
            "asynchronous predicate",
            allow_origin(AllowOrigin::async_predicate(|origin, _| async move {
                origin == "https://a.example"
            }))
            .allow_methods([Method::PUT])
        ),
        both!(
            "mirrored origin",
            allow_origin(AllowOrigin::mirror_request()).expose_headers(names(["x-total"]))
        ),
        both!(
            "mirrored lists",
            allow_origin([value("https://a.example")])
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
        ),
        both!(
            "mirrored lists with credentials",
            allow_origin([value("https://a.example")])
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
                .allow_credentials(true)
        ),
        both!(
            "any lists",
            allow_origin([value("https://a.example")])
                .allow_methods(Any)
                .allow_headers(Any)
                .expose_headers(Any)
        ),
        both!(
            "any headers with credentials",
            allow_origin([value("https://a.example")])
                .allow_headers(Any)
                .allow_credentials(true)
        ),
        both!(
            "any with credentials",
            allow_origin(Any).allow_credentials(true)
        ),
        both!(
            "every type by its constructor",
            allow_origin(AllowOrigin::list([value("https://a.example")]))
                .allow_methods(AllowMethods::list([Method::PUT]))
                .allow_headers(AllowHeaders::list(names(["x-a"])))
                .expose_headers(ExposeHeaders::list(names(["x-total"])))
                .allow_credentials(AllowCredentials::yes())
                .allow_private_network(AllowPrivateNetwork::yes())
                .max_age(MaxAge::exact(Duration::from_millis(60_900)))
                .vary(Vary::list(names(["accept-language"])))
        ),
        both!(
            "own vary",
            allow_origin([value("https://a.example")])
                .allow_methods([Method::PUT])
                .vary(names(["accept-language"]))
        ),
        both!(
            "private network",
            allow_origin([value("https://a.example")])
                .allow_methods([Method::PUT])
                .allow_private_network(true)
        ),
        both!(
            "trailing slash",
            allow_origin([value("https://a.example/")])
        ),
        both!(
            "long age",
            allow_origin([value("https://a.example")]).max_age(Duration::from_secs(100_000))
        ),
        both!(
            "pattern",
            allow_origin([value("https://*.example")]).allow_methods([Method::PUT])
        ),
        both!(
            "forbidden method",
            allow_origin([value("https://a.example")]).allow_methods([Method::TRACE])
        ),
        both!(
            "plain http with credentials",
            allow_origin([value("http://a.example")]).allow_credentials(true)
        ),
        both!("null", allow_origin([value("null")])),
    ]
}

/// Options that add a name to `Vary`.
const OWN_VARY: [&str; 2] = ["own vary", "every type by its constructor"];
const ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const EXPOSED: &str = "access-control-expose-headers";
const LISTS: [&str; 3] = [
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
];
const MIRRORED_VARY: &str = "origin, access-control-request-method, access-control-request-headers";

/// What ours says of the lines in `Vary` of a response to OPTIONS.
fn is_vary_of_options(line: Option<&str>) -> bool {
    const BASE: &str = "Origin, Access-Control-Request-Method";
    line.and_then(|line| line.strip_prefix(BASE))
        .is_some_and(|rest| {
            [
                "",
                ", Access-Control-Request-Headers",
                ", Access-Control-Request-Private-Network",
            ]
            .contains(&rest)
        })
}

/// What the peer says there.
fn is_peers_vary(answer: &Answer) -> bool {
    !answer.has("vary") || matches!(answer.line("vary"), Some("origin" | MIRRORED_VARY))
}

#[test]
fn every_difference_is_documented() {
    // tower-http's panics are expected.
    std::panic::set_hook(Box::new(|_| {}));
    let mut pairs = Vec::new();
    for (name, peer, ours) in options() {
        for ask in asks() {
            let peer = serve(|| Ok(peer().layer(service_fn(handle))), &ask);
            let ours = serve(
                || {
                    ours()
                        .build()
                        .map(|layer| layer.layer(service_fn(handle)))
                        .map_err(|error| error.to_string())
                },
                &ask,
            );
            pairs.push(Pair {
                options: name,
                ask,
                peer,
                ours,
            });
        }
    }
    let _ = std::panic::take_hook();
    compare(
        include_str!("../../differences/tower-http.json"),
        pairs,
        &[
            ("errors-not-panics", |pair| {
                let panics = pair.peer == Err("it panics".to_owned());
                if panics
                    && pair
                        .ours
                        .as_ref()
                        .is_err_and(|error| error.contains("error any_with_credentials at "))
                {
                    pair.peer = pair.ours.clone();
                }
            }),
            ("very-permissive-is-refused", |pair| {
                refused(pair, "very permissive", "any_with_credentials")
            }),
            ("any-header-with-credentials", |pair| {
                if pair.options == "any headers with credentials"
                    && pair.peer == Err("it panics".to_owned())
                    && pair
                        .ours
                        .as_ref()
                        .is_ok_and(|ours| ours.headers.values().flatten().all(|line| line != "*"))
                {
                    pair.peer = pair.ours.clone();
                }
            }),
            ("origins-are-checked", |pair| {
                refused(pair, "trailing slash", "origin_has_path");
                refused(pair, "null", "origin_null");
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
                        let origin = ask
                            .get("origin")
                            .filter(|origin| ours.line(ORIGIN) == Some(origin));
                        // The handler's own stays in the peer's answer.
                        if origin.is_some() && matches!(peer.line(ORIGIN), None | Some("*")) {
                            peer.take(ours, &[ORIGIN]);
                        }
                    });
                }
            }),
            ("options-reach-the-handler", |pair| {
                let own_vary = OWN_VARY.contains(&pair.options);
                served(pair, |ask, peer, ours| {
                    if ask.method == "OPTIONS"
                        && !ask.is_preflight()
                        && peer.body.is_empty()
                        && ours.body == "handled"
                    {
                        peer.take_content(ours);
                        peer.drop_surplus(ours, &LISTS);
                        if ours.has(ORIGIN) {
                            peer.take_missing(ours, &[EXPOSED]);
                        }
                        if !own_vary && is_peers_vary(peer) && is_vary_of_options(ours.line("vary"))
                        {
                            peer.take(ours, &["vary"]);
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
                    }
                });
            }),
            ("only-well-formed-origins-are-asked", |pair| {
                if pair.options == "predicate" {
                    served(pair, |ask, peer, ours| {
                        let malformed =
                            matches!(ask.get("origin"), Some("null" | "https://A.example"));
                        if malformed && peer.line(ORIGIN) == ask.get("origin") && !ours.has(ORIGIN)
                        {
                            peer.take(ours, &[ORIGIN]);
                        }
                    });
                }
            }),
            ("star-for-every-origin", |pair| {
                if pair.options == "mirrored origin" {
                    served(pair, |ask, peer, ours| {
                        if ours.line(ORIGIN) == Some("*") && peer.line(ORIGIN) == ask.get("origin")
                        {
                            peer.take(ours, &[ORIGIN]);
                        }
                        if ask.method != "OPTIONS"
                            && let Some(lines) = peer.headers.get_mut("vary")
                        {
                            lines.retain(|line| line != "origin");
                            if lines.is_empty() {
                                peer.drop_surplus(ours, &["vary"]);
                            }
                        }
                    });
                }
            }),
            ("mirrored-methods", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    served(pair, |ask, peer, ours| {
                        const METHODS: &str = "access-control-allow-methods";
                        let requested = ask.get("access-control-request-method");
                        if ask.is_preflight()
                            && peer.line(METHODS) == requested
                            && (ours.line(METHODS) == Some("*")
                                || !ours.has(METHODS)
                                    && ours.has(ORIGIN)
                                    && requested == Some("GET, DELETE"))
                        {
                            peer.take(ours, &[METHODS]);
                        }
                    });
                }
            }),
            ("mirrored-headers", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    let credentials = pair.options == "mirrored lists with credentials";
                    served(pair, |ask, peer, ours| {
                        const NAMES: &str = "access-control-allow-headers";
                        let expected = match ask.get("access-control-request-headers") {
                            _ if !credentials => Some("*,authorization"),
                            Some("content-type" | "content-type,x-a") => Some("content-type,x-a"),
                            Some("x-a,,content-type") => Some("x-a,content-type"),
                            _ => None,
                        };
                        if ask.is_preflight()
                            && ours.has(ORIGIN)
                            && peer.line(NAMES) == ask.get("access-control-request-headers")
                            && ours.line(NAMES) == expected
                        {
                            peer.take(ours, &[NAMES]);
                        }
                    });
                }
            }),
            ("own-vary-adds", |pair| {
                if OWN_VARY.contains(&pair.options) {
                    served(pair, |_, peer, ours| {
                        let (last, own) = (
                            peer.headers.get("vary").and_then(|lines| lines.last()),
                            ours.line("vary").unwrap_or_default(),
                        );
                        if last.is_some_and(|last| last == "accept-language")
                            && own.contains("Origin")
                            && own.ends_with(", accept-language")
                        {
                            peer.take(ours, &["vary"]);
                        }
                    });
                }
            }),
            ("one-vary-field", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.path == "/own"
                        && ours.line("vary").is_some()
                        && let Some(lines) = peer.headers.get_mut("vary")
                        && lines.len() == 2
                    {
                        *lines = vec![lines.join(", ")];
                    }
                });
            }),
            ("preflight-vary", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight()
                        && is_peers_vary(peer)
                        && is_vary_of_options(ours.line("vary"))
                    {
                        peer.take(ours, &["vary"]);
                    }
                });
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
                    let merged = peer
                        .line(EXPOSED)
                        .map(|theirs| format!("x-own, {}", theirs.replace(',', ", ")));
                    if ask.path == "/own"
                        && merged.is_some()
                        && merged.as_deref() == ours.line(EXPOSED)
                    {
                        peer.take(ours, &[EXPOSED]);
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
            ("denied-preflights-grant-nothing", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() && !ours.has(ORIGIN) {
                        peer.drop_surplus(ours, &LISTS);
                    }
                });
            }),
            ("private-network-after-the-origin", |pair| {
                served(pair, |ask, peer, ours| {
                    const PRIVATE: &str = "access-control-allow-private-network";
                    if peer.line(PRIVATE) == Some("true")
                        && !(ask.is_preflight() && ours.has(ORIGIN))
                    {
                        peer.drop_surplus(ours, &[PRIVATE]);
                    }
                });
            }),
            ("vary-of-other-methods", |pair| {
                if pair.options.starts_with("mirrored lists") {
                    served(pair, |ask, peer, _| {
                        if ask.method != "OPTIONS"
                            && let Some([line]) =
                                peer.headers.get_mut("vary").map(Vec::as_mut_slice)
                            && let Some(others) = line.strip_suffix(MIRRORED_VARY)
                        {
                            *line = format!("{others}origin");
                        }
                    });
                }
            }),
            ("vary-is-spelled-origin", |pair| {
                served(pair, |_, peer, ours| {
                    let spelled = peer
                        .line("vary")
                        .map(|line| line.replace("origin", "Origin"));
                    if spelled.is_some() && spelled.as_deref() == ours.line("vary") {
                        peer.take(ours, &["vary"]);
                    }
                });
            }),
            ("content-length", |pair| {
                served(pair, |ask, peer, ours| {
                    if ask.is_preflight() && ours.line("content-length") == Some("0") {
                        peer.take_missing(ours, &["content-length"]);
                    }
                });
            }),
        ],
    );
}
