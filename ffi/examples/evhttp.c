/*
 * A small HTTP server with libevent's evhttp and crossgate.
 *
 *     cc evhttp.c -o server -levent -lcrossgate
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - OPTIONS is not among the methods that evhttp accepts by default: a preflight gets 501 before
 *   any callback runs. See evhttp_set_allowed_methods() in main().
 * - evhttp_send_error() throws away all headers, so that an error has no
 *   Access-Control-Allow-Origin and a page cannot read it. Send errors with evhttp_send_reply(), as
 *   here.
 * - It sends the body that it gets, for HEAD too, where it would be taken for the next response.
 * - It makes up a Content-Type for whatever has none, refused preflights included:
 *   evhttp_set_default_content_type().
 * - evhttp_find_header() gives the first line only: go through the list, as collect() does.
 * - What evhttp answers by itself (a malformed request, a method outside the mask) does not come
 *   this way.
 */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <arpa/inet.h>
#include <signal.h>

typedef struct {
    server server;
    char *scratch; /* one thread, one buffer */
} state;

/* ---- crossgate and evhttp ---- */

/* The method is a number here. */
static const char *method_name(enum evhttp_cmd_type type) {
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    case EVHTTP_REQ_CONNECT:
        return "CONNECT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    }
    return "";
}

static void collect(struct evhttp_request *from, crossgate_request *request) {
    const char *method = method_name(evhttp_request_get_command(from));
    crossgate_request_init(request, sizeof *request, method, strlen(method));
    for (struct evkeyval *line = evhttp_request_get_input_headers(from)->tqh_first; line;
         line = line->next.tqe_next)
        crossgate_request_add_header(
            request, line->key, strlen(line->key), line->value, strlen(line->value));
}

static const char *line(void *context, const char *name, size_t index) {
    for (struct evkeyval *line = ((struct evkeyvalq *)context)->tqh_first; line;
         line = line->next.tqe_next)
        if (strcasecmp(line->key, name) == 0 && index-- == 0)
            return line->value;
    return NULL;
}

static void erase(void *context, const char *name) {
    while (evhttp_remove_header(context, name) == 0)
        continue;
}

static void add(void *context, const char *name, const char *value) {
    evhttp_add_header(context, name, value);
}

/* ---- both together ---- */

static void answer(struct evhttp_request *req, void *context) {
    const state *state = context;
    crossgate_request request;
    crossgate_decision decision;
    collect(req, &request);
    decide(&state->server, &request, &decision, state->scratch);

    fields response = {evhttp_request_get_output_headers(req), line, erase, add};
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req)), *body = "";
    int status = decision.status;
    if (decision.action == CROSSGATE_ACTION_FORWARD)
        body = application(path ? path : "", path ? strlen(path) : 0, &response, &status);
    apply(&decision, &response);

    struct evbuffer *buffer = evbuffer_new();
    if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
        evbuffer_add_reference(buffer, body, strlen(body), NULL, NULL);
    evhttp_send_reply(req, status, phrase(status), buffer);
    evbuffer_free(buffer);
}

static void stop(evutil_socket_t signal, short what, void *base) {
    (void)signal;
    (void)what;
    event_base_loopexit(base, NULL);
}

int main(int argc, char **argv) {
    state state = {.server = configure(argc, argv)};
    state.scratch = malloc(state.server.scratch_size + 1);

    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST
                                         | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH
                                         | EVHTTP_REQ_OPTIONS);
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_gencb(http, answer, &state);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(http, "127.0.0.1", state.server.port);
    if (bound == NULL)
        give_up(&state.server);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size);

    struct event *interrupt = evsignal_new(base, SIGINT, stop, base),
                 *terminate = evsignal_new(base, SIGTERM, stop, base);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    announce(ntohs(address.sin_port));
    event_base_dispatch(base);
    event_free(interrupt);
    event_free(terminate);
    evhttp_free(http);
    event_base_free(base);
    free(state.scratch);
    crossgate_policy_free(state.server.policy);
    return 0;
}
