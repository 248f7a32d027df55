/*
 * A small HTTP/1.1 and HTTP/2 server with libh2o and crossgate.
 *
 *     cc h2o.c -o server -lh2o-evloop -lcrossgate
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - It keeps the pointers that it is given until the response is sent, which may be after the
 *   handler has returned. So the decision and its scratch lie in the request's pool, not on the
 *   stack.
 * - HTTP/2 wants lower-case names: add() gets them in any case and lowers them.
 * - h2o_send_error_404() and its like drop all headers unless they get H2O_SEND_ERROR_KEEP_HEADERS.
 *   Send errors as here.
 * - A route is one handler for all methods: a preflight reaches it. Handlers registered before ours
 *   may answer first, though.
 * - h2o_send() sends the body that it gets, for HEAD too, where it would be taken for the next
 *   response.
 * - h2o_find_header() gives one line: go through the array.
 */
#define _POSIX_C_SOURCE 200809L
#define H2O_USE_LIBUV 0
#include "common.h"

#include <h2o.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>

typedef struct {
    h2o_handler_t super;
    const server *server;
} handler;

/* ---- crossgate and h2o ---- */

static int is(const h2o_header_t *line, const char *name) {
    return line->name->len == strlen(name)
           && strncasecmp(line->name->base, name, line->name->len) == 0;
}

/* The values are those of add(), which have a NUL. */
static const char *line(void *context, const char *name, size_t index) {
    h2o_req_t *req = context;
    for (size_t i = 0; i < req->res.headers.size; i++)
        if (is(&req->res.headers.entries[i], name) && index-- == 0)
            return req->res.headers.entries[i].value.base;
    return NULL;
}

static void erase(void *context, const char *name) {
    h2o_req_t *req = context;
    for (size_t i = req->res.headers.size; i-- > 0;)
        if (is(&req->res.headers.entries[i], name))
            h2o_delete_header(&req->res.headers, (ssize_t)i);
}

static void add(void *context, const char *name, const char *value) {
    h2o_req_t *req = context;
    h2o_iovec_t lower = h2o_strdup(&req->pool, name, SIZE_MAX),
                copy = h2o_strdup(&req->pool, value, SIZE_MAX);
    for (size_t i = 0; i < lower.len; i++)
        lower.base[i] = (char)tolower((unsigned char)lower.base[i]);
    h2o_add_header_by_str(
        &req->pool, &req->res.headers, lower.base, lower.len, 1, NULL, copy.base, copy.len);
}

/* ---- both together ---- */

static int answer(h2o_handler_t *self, h2o_req_t *req) {
    const server *server = ((handler *)self)->server;
    crossgate_request request;
    crossgate_request_init(&request, sizeof request, req->method.base, req->method.len);
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *line = &req->headers.entries[i];
        crossgate_request_add_header(
            &request, line->name->base, line->name->len, line->value.base, line->value.len);
    }
    crossgate_decision *decision = h2o_mem_alloc_pool(&req->pool, sizeof *decision);
    decide(server, &request, decision, h2o_mem_alloc_pool(&req->pool, server->scratch_size + 1));

    fields response = {req, line, erase, add};
    const char *body = "";
    int status = decision->status;
    if (decision->action == CROSSGATE_ACTION_FORWARD)
        body = application(req->path_normalized.base, req->path_normalized.len, &response, &status);
    apply(decision, &response);

    static h2o_generator_t nothing_more = {NULL, NULL};
    h2o_iovec_t bytes = h2o_iovec_init(body, strlen(body));
    int is_head = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
    req->res.status = status;
    req->res.reason = phrase(status);
    if (status != 204)
        req->res.content_length = bytes.len;
    h2o_start_response(req, &nothing_more);
    h2o_send(req, &bytes, is_head ? 0 : 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static h2o_accept_ctx_t accepted;

static void on_accept(h2o_socket_t *listener, const char *error) {
    h2o_socket_t *connection = error == NULL ? h2o_evloop_socket_accept(listener) : NULL;
    if (connection != NULL)
        h2o_accept(&accepted, connection);
}

static volatile sig_atomic_t stopped;

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

int main(int argc, char **argv) {
    server server = configure(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);

    h2o_globalconf_t config;
    h2o_config_init(&config);
    h2o_hostconf_t *everywhere =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    handler *handler =
        (void *)h2o_create_handler(h2o_config_register_path(everywhere, "/", 0), sizeof *handler);
    handler->super.on_req = answer;
    handler->server = &server;

    h2o_context_t context;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accepted.ctx = &context;
    accepted.hosts = config.hosts;

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int reuse = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, SOMAXCONN) != 0)
        give_up(&server);
    getsockname(fd, (struct sockaddr *)&address, &size);
    h2o_socket_t *listener = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start(listener, on_accept);

    announce(ntohs(address.sin_port));
    /* A tenth of a second at most, for a signal that comes between the check and the wait. */
    while (!stopped && h2o_evloop_run(context.loop, 100) == 0)
        continue;
    crossgate_policy_free(server.policy);
    return 0;
}
