//! What both middlewares tell beside serving: every decision in which a shadow policy differs, and
//! counts. Neither changes anything.
#![allow(clippy::unwrap_used, reason = "tests, their helpers included")]

use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::{Service as _, ServiceFactory, ServiceRequest, Transform, fn_service};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse};
use crossgate::{Counters, DeniedActual, Policy, PolicyBuilder, Reason, SharedPolicy};
use futures_util::FutureExt;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

/// A method and headers.
type Ask = (&'static str, &'static [(&'static str, &'static str)]);

/// What a client sees: the status and the lines, sorted.
type Seen = (u16, Vec<(String, String)>);

/// Reasons of the live and of the shadow policy, and the origin, as they were told.
type Told = Vec<(&'static str, &'static str, String)>;

fn sorted<'a>(lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<(String, String)> {
    let mut lines: Vec<_> = lines
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    lines.sort();
    lines
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Told>>);

impl Log {
    fn observe(
        &self,
    ) -> impl Fn(&crossgate::ShadowDifference, &crossgate::Request<'_>) + Send + Sync + 'static
    {
        let told = self.0.clone();
        move |difference, request| {
            let origin =
                String::from_utf8_lossy(request.origin().single().unwrap_or_default()).into_owned();
            told.lock().unwrap().push((
                difference.live.reason.as_str(),
                difference.shadow.reason.as_str(),
                origin,
            ));
        }
    }

    fn take(&self) -> Told {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn through_tower(layer: &crossgate::tower::CorsLayer, (method, headers): Ask) -> Seen {
    let service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(())))
    }));
    let request = headers.iter().fold(
        Request::builder().method(method),
        |request, (name, value)| request.header(*name, *value),
    );
    let response = service
        .oneshot(request.body(()).unwrap())
        .now_or_never()
        .unwrap()
        .unwrap();
    (
        response.status().as_u16(),
        sorted(
            response
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes())),
        ),
    )
}

fn through_actix(cors: &crossgate::actix::Cors, (method, headers): Ask) -> Seen {
    let handler = fn_service(|request: ServiceRequest| {
        ready(Ok::<_, Error>(
            request.into_response(HttpResponse::Ok().finish()),
        ))
    });
    let handler = ServiceFactory::new_service(&handler, ())
        .now_or_never()
        .unwrap()
        .unwrap();
    let service = cors.new_transform(handler).now_or_never().unwrap().unwrap();
    let request = TestRequest::default()
        .method(actix_web::http::Method::from_bytes(method.as_bytes()).unwrap());
    let request = headers
        .iter()
        .fold(request, |request, header| request.append_header(*header));
    let response = service
        .call(request.to_srv_request())
        .now_or_never()
        .unwrap()
        .unwrap();
    (
        response.status().as_u16(),
        sorted(
            response
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes())),
        ),
    )
}

const A: (&str, &str) = ("origin", "https://a.example");
const B: (&str, &str) = ("origin", "https://b.example");
const PUT: (&str, &str) = ("access-control-request-method", "PUT");
const PRIVATE: (&str, &str) = ("access-control-request-private-network", "true");

fn live() -> PolicyBuilder {
    Policy::builder()
        .allow_origins(["https://a.example"])
        .allow_methods(["PUT"])
}

fn shared(policy: PolicyBuilder) -> Arc<SharedPolicy> {
    Arc::new(SharedPolicy::new(policy.build().unwrap()))
}

#[test]
fn every_differing_decision_is_told_and_nothing_changes() {
    let asks: [Ask; 8] = [
        ("GET", &[]),
        ("GET", &[A]),
        ("GET", &[B]),
        ("GET", &[B, ("sec-fetch-site", "same-origin")]),
        ("OPTIONS", &[A, PUT]),
        ("OPTIONS", &[A, PUT, PRIVATE]),
        ("OPTIONS", &[B, PUT]),
        (
            "OPTIONS",
            &[
                A,
                PUT,
                ("access-control-request-headers", "x-a"),
                ("access-control-request-headers", "x-b"),
            ],
        ),
    ];
    let shadows: Vec<Policy> = [
        live(),
        Policy::builder().allow_origins(["*"]),
        live().allow_credentials(true),
        // These two read request headers that the live policy does not.
        live()
            .own_origins(["https://own.example"])
            .denied_actual(DeniedActual::Reject),
        live().allow_private_network(true),
        Policy::builder()
            .allow_origins(["https://*.example"])
            .allow_methods(["PUT"])
            .allow_headers(["x-a", "x-b"]),
    ]
    .map(|builder| builder.build().unwrap())
    .into();
    let shared = shared(live());
    let log = Log::default();
    let tower =
        crossgate::tower::CorsLayer::new(shared.clone()).on_shadow_difference(log.observe());
    let actix = crossgate::actix::Cors::new(shared.clone()).on_shadow_difference(log.observe());
    let (mut same, mut different) = (0, 0);
    for ask in asks {
        shared.set_shadow(None);
        let expected = (through_tower(&tower, ask), through_actix(&actix, ask));
        assert_eq!(log.take(), [], "without a shadow nothing is told");
        for shadow in &shadows {
            shared.set_shadow(Some(Arc::new(shadow.clone())));
            let request = ask
                .1
                .iter()
                .fold(crossgate::Request::new(ask.0), |request, (name, value)| {
                    request.header(name, *value)
                });
            let difference = shared.load().shadow_difference(&request, None).unwrap();
            let told: Told = difference
                .iter()
                .map(|difference| {
                    let origin = ask
                        .1
                        .first()
                        .map_or(String::new(), |(_, value)| (*value).to_owned());
                    (
                        difference.live.reason.as_str(),
                        difference.shadow.reason.as_str(),
                        origin,
                    )
                })
                .collect();
            assert_eq!(through_tower(&tower, ask), expected.0, "{ask:?}");
            assert_eq!(log.take(), told, "tower {ask:?} {shadow:?}");
            assert_eq!(through_actix(&actix, ask), expected.1, "{ask:?}");
            assert_eq!(log.take(), told, "actix {ask:?} {shadow:?}");
            *(if told.is_empty() {
                &mut same
            } else {
                &mut different
            }) += 1;
        }
    }
    assert!(
        same >= 10 && different >= 10,
        "{same} same, {different} different"
    );
}

#[test]
fn the_verdict_that_was_asked_for_is_the_shadows_too() {
    let asking = || live().origin_predicate(true);
    let shared = shared(asking());
    shared.set_shadow(Some(Arc::new(
        asking().allow_credentials(true).build().unwrap(),
    )));
    let (log, asked) = (Log::default(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let tower = crossgate::tower::CorsLayer::new(shared.clone())
        .on_shadow_difference(log.observe())
        .origin_predicate_async(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            ready(true)
        });
    let seen = through_tower(&tower.unwrap(), ("GET", &[B]));
    assert!(
        seen.1.contains(&(
            "access-control-allow-origin".into(),
            "https://b.example".into()
        )),
        "{seen:?}"
    );
    // Both allow it, one with credentials; it was asked once.
    assert_eq!(
        (log.take().as_slice(), asked.load(Ordering::Relaxed)),
        (
            &[("allowed", "allowed", "https://b.example".to_owned())][..],
            1
        )
    );
    let count = asked.clone();
    let actix = crossgate::actix::Cors::new(shared)
        .on_shadow_difference(log.observe())
        .origin_predicate_async(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            ready(false)
        });
    assert_eq!(
        through_actix(&actix.unwrap(), ("GET", &[B])).1,
        [("vary".into(), "Origin".into())]
    );
    assert_eq!(
        (log.take().as_slice(), asked.load(Ordering::Relaxed)),
        (&[][..], 2),
        "both deny it"
    );
}

#[test]
fn every_decision_is_counted_once() {
    let counters = [(); 2].map(|()| Arc::new(Counters::new()));
    let policy = Arc::new(live().build().unwrap());
    let tower = crossgate::tower::CorsLayer::new(policy.clone()).counters(counters[0].clone());
    let actix = crossgate::actix::Cors::new(policy).counters(counters[1].clone());
    let asks: [Ask; 5] = [
        ("GET", &[]),
        ("OPTIONS", &[]),
        ("GET", &[A]),
        ("OPTIONS", &[B, PUT]),
        ("OPTIONS", &[A, ("access-control-request-method", "PATCH")]),
    ];
    for ask in asks {
        through_tower(&tower, ask);
        through_actix(&actix, ask);
    }
    for counters in counters {
        let counted: Vec<_> = counters.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            counted,
            [
                (Reason::Allowed, 1),
                (Reason::NoOrigin, 2),
                (Reason::OriginNotListed, 1),
                (Reason::MethodNotAllowed, 1)
            ]
        );
    }
}

#[test]
fn an_observer_that_panics_changes_nothing() {
    let shared = shared(live());
    shared.set_shadow(Some(Arc::new(
        Policy::builder().allow_origins(["*"]).build().unwrap(),
    )));
    let silent = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let tower = crossgate::tower::CorsLayer::new(shared.clone())
        .on_shadow_difference(|_, _| panic!("an observer's"));
    let actix =
        crossgate::actix::Cors::new(shared).on_shadow_difference(|_, _| panic!("an observer's"));
    let expected = vec![
        (
            "access-control-allow-origin".to_owned(),
            "https://a.example".to_owned(),
        ),
        ("vary".into(), "Origin".into()),
    ];
    let seen = (
        through_tower(&tower, ("GET", &[A])),
        through_actix(&actix, ("GET", &[A])),
    );
    std::panic::set_hook(silent);
    assert_eq!(seen, ((200, expected.clone()), (200, expected)));
}
