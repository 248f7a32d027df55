/*
 * A small HTTP server with CivetWeb and crossgate.
 *
 *     cc civetweb.c -o server -lcivetweb -lcrossgate
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - CivetWeb has a CORS of its own, switched on: it answers every preflight with 200, "*" and
 *   whatever was asked for, before the handlers of mg_set_request_handler() are looked at. The
 *   begin_request callback comes before that: preflights must be answered there.
 * - Static files get "Access-Control-Allow-Origin: *" from it, and mg_send_http_error() writes a
 *   response without our headers. The options in main() empty its settings; whatever shall have the
 *   policy's headers is written as in answer().
 * - mg_get_header() gives the first line only: go through the array.
 * - Requests run on many threads. A policy may be shared, a scratch buffer may not.
 */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <civetweb.h>

#include <signal.h>

/* Comes first for every request; 1 says that it is answered. */
static int answer(struct mg_connection *connection) {
    const struct mg_request_info *info = mg_get_request_info(connection);
    const server *server = mg_get_user_data(mg_get_context(connection));
    crossgate_request request;
    crossgate_decision decision;
    crossgate_request_init(
        &request, sizeof request, info->request_method, strlen(info->request_method));
    for (int i = 0; i < info->num_headers; i++)
        crossgate_request_add_header(&request, info->http_headers[i].name,
            strlen(info->http_headers[i].name), info->http_headers[i].value,
            strlen(info->http_headers[i].value));
    char *scratch = malloc(server->scratch_size + 1);
    decide(server, &request, &decision, scratch);

    /* Lines that were given to CivetWeb cannot be taken back, so they are gathered first. */
    list headers = {.count = 0};
    fields response = {&headers, list_line, list_erase, list_add};
    const char *body = "";
    int status = decision.status;
    if (decision.action == CROSSGATE_ACTION_FORWARD)
        body = application(info->local_uri, strlen(info->local_uri), &response, &status);
    apply(&decision, &response);

    char length[32];
    snprintf(length, sizeof length, "%zu", strlen(body));
    if (status != 204)
        list_add(&headers, "Content-Length", length);
    mg_response_header_start(connection, status);
    for (int i = 0; i < headers.count; i++)
        mg_response_header_add(connection, headers.lines[i].name, headers.lines[i].value, -1);
    mg_response_header_send(connection);
    if (strcmp(info->request_method, "HEAD") != 0)
        mg_write(connection, body, strlen(body));
    list_erase(&headers, NULL);
    free(scratch);
    return 1;
}

int main(int argc, char **argv) {
    server server = configure(argc, argv);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* inherited by CivetWeb's threads */

    char port[32];
    snprintf(port, sizeof port, "127.0.0.1:%d", server.port);
    const char *options[] = {
        "listening_ports",
        port,
        "num_threads",
        "4",
        "enable_keep_alive",
        "yes",
        /* Its own CORS off, for all that does not pass answer(). */
        "access_control_allow_origin",
        "",
        "access_control_allow_methods",
        "",
        "access_control_allow_headers",
        "",
        NULL,
    };
    struct mg_callbacks callbacks = {.begin_request = answer};
    mg_init_library(0);
    struct mg_context *civetweb = mg_start(&callbacks, &server, options);
    struct mg_server_port bound;
    if (civetweb == NULL || mg_get_server_ports(civetweb, 1, &bound) != 1)
        give_up(&server);
    announce(bound.port);
    int received;
    sigwait(&signals, &received);
    mg_stop(civetweb);
    mg_exit_library();
    crossgate_policy_free(server.policy);
    return 0;
}
