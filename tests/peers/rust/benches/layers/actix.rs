//! The middleware for actix.

use std::hint::black_box;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, fn_service};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse};
use crossgate::actix::Cors;

use crate::{ROUNDS, Row, Workload, fields, run, time, tower};

fn handler()
-> impl Service<ServiceRequest, Response = ServiceResponse, Error = Error, Future: 'static> {
    run!(actix_web::dev::ServiceFactory::new_service(
        &fn_service(|request: ServiceRequest| {
            let mut response = HttpResponse::Ok();
            response.insert_header(("content-type", "application/json"));
            std::future::ready(Ok::<_, Error>(
                request.into_response(response.body("{\"ok\":true}")),
            ))
        }),
        (),
    ))
    .unwrap_or_else(|()| unreachable!("a function makes a service"))
}

fn peer(workload: &Workload) -> actix_cors::Cors {
    let mut cors = actix_cors::Cors::default()
        .allowed_methods(["PUT", "DELETE"])
        .allowed_headers(["authorization", "content-type"])
        .expose_headers(["x-total-count", "x-request-id"])
        .supports_credentials()
        .max_age(7200);
    if workload.wildcard {
        return cors.allowed_origin_fn(|origin, _| {
            origin.as_bytes().starts_with(b"https://")
                && origin.as_bytes().ends_with(b".example.com")
        });
    }
    for origin in workload.origins() {
        cors = cors.allowed_origin(&origin);
    }
    cors
}

fn request(workload: &Workload) -> ServiceRequest {
    let mut request = TestRequest::with_uri("/items/1")
        .method(Method::from_bytes(workload.method.as_bytes()).expect("a method"));
    for (name, value) in fields(workload) {
        let value = HeaderValue::from_maybe_shared(value).expect("a header value");
        request = request.insert_header((
            HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            value,
        ));
    }
    request.to_srv_request()
}

fn round<B: MessageBody>(
    workload: &Workload,
    service: &impl Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
) -> f64 {
    time(
        || request(workload),
        |request| {
            black_box(run!(service.call(request)).is_ok());
        },
    )
}

/// Every workload, the three services in turn.
pub(crate) fn measure(workloads: &[Workload]) -> Vec<(&'static str, Row)> {
    workloads
        .iter()
        .map(|workload| {
            let bare = handler();
            let peer = run!(peer(workload).new_transform(handler()))
                .expect("the peer's options are valid");
            let ours = run!(Cors::new(tower::policy(workload)).new_transform(handler()))
                .expect("the policy is valid");
            let mut row = Row::default();
            for index in 0..=ROUNDS {
                let times = (
                    round(workload, &bare),
                    round(workload, &peer),
                    round(workload, &ours),
                );
                // The first round warms up.
                if index > 0 {
                    row.bare.push(times.0);
                    row.peer.push(times.1);
                    row.ours.push(times.2);
                }
            }
            (workload.name, row)
        })
        .collect()
}
