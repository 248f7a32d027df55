/*
 * A small HTTP server with libmicrohttpd and crossgate.
 *
 *     cc libmicrohttpd.c -o server -lmicrohttpd -lcrossgate
 *     ./server --policy policy.json --port 8080
 *
 * What to take from here: collect() reads every header line, crossgate_decision_apply() puts a
 * decision on a response through get(), set() and delete_all(), and answer() calls both around the
 * application, so that errors and 404s get their headers too. (What libmicrohttpd refuses by
 * itself, such as a malformed request line, does not come this way.)
 */
#define _POSIX_C_SOURCE 200809L

#include <crossgate.h>
#include <microhttpd.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    crossgate_policy *policy;
    /* For echoed lists. One buffer will do, since the daemon below has one thread. */
    char *scratch;
    size_t scratch_size;
} server;

/* ---- crossgate and libmicrohttpd ---- */

/* Called for every header line, so that a second Origin is seen as well. */
static enum MHD_Result collect(void *request, enum MHD_ValueKind kind, const char *name,
    size_t name_size, const char *value, size_t value_size) {
    (void)kind;
    return crossgate_request_add_header(request, name, name_size, value, value_size) == CROSSGATE_OK
               ? MHD_YES
               : MHD_NO;
}

typedef struct {
    const char *name;       /* what is looked for, in any case */
    size_t index;           /* how many of these lines to pass over */
    const char *key, *line; /* the one found, as it is written */
} lookup;

static enum MHD_Result look(
    void *closure, enum MHD_ValueKind kind, const char *key, const char *line) {
    lookup *found = closure;
    (void)kind;
    if (strcasecmp(key, found->name) != 0 || found->index-- > 0)
        return MHD_YES;
    found->key = key;
    found->line = line;
    return MHD_NO;
}

static lookup find(struct MHD_Response *response, const char *name, size_t index) {
    lookup found = {.name = name, .index = index};
    MHD_get_response_headers(response, look, &found);
    return found;
}

static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    lookup found = find(context, name->data, index);
    value->data = found.line;
    value->len = found.line ? strlen(found.line) : 0;
    return found.line != NULL;
}

/* libmicrohttpd deletes a header by its exact name and value, of which it wants copies. */
static crossgate_status delete_all(void *context, const crossgate_str *name) {
    enum MHD_Result deleted = MHD_YES;
    lookup found;
    while (deleted == MHD_YES && (found = find(context, name->data, 0)).key != NULL) {
        char *key = strdup(found.key), *line = strdup(found.line);
        deleted = key && line ? MHD_del_response_header(context, key, line) : MHD_NO;
        free(key);
        free(line);
    }
    return CROSSGATE_OK;
}

/* libmicrohttpd copies both. */
static crossgate_status set(void *context, const crossgate_header *header) {
    delete_all(context, &header->name);
    MHD_add_response_header(context, header->name.data, header->value.data);
    return CROSSGATE_OK;
}

static const crossgate_response_functions functions = {sizeof functions, 0, get, set, delete_all};

/* ---- the application ---- */

static struct MHD_Response *text_response(const char *text, const char *type) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", type);
    return response;
}

static struct MHD_Response *application(const char *path, unsigned *status) {
    struct MHD_Response *response;
    *status = MHD_HTTP_OK;
    if (strcmp(path, "/data") == 0)
        return text_response("{\"ok\":true}\n", "application/json");
    if (strcmp(path, "/upstream") == 0) {
        /* As a proxied server may answer that has ideas of its own. */
        response = text_response("{\"ok\":true}\n", "application/json");
        MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
        MHD_add_response_header(response, "Access-Control-Expose-Headers", "X-Own");
        MHD_add_response_header(response, "Vary", "Accept-Encoding");
        return response;
    }
    if (strcmp(path, "/error") == 0) {
        *status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        return text_response("error\n", "text/plain");
    }
    *status = MHD_HTTP_NOT_FOUND;
    return text_response("not found\n", "text/plain");
}

/* ---- both together ---- */

static enum MHD_Result answer(void *closure, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload, size_t *upload_size,
    void **state) {
    const server *server = closure;
    (void)version;
    (void)upload;
    /* The first call comes with the headers, later ones with the body, the last one without. */
    if (*state == NULL || *upload_size > 0) {
        *state = closure;
        *upload_size = 0;
        return MHD_YES;
    }
    crossgate_request request;
    crossgate_decision decision;
    crossgate_request_init(&request, sizeof request, method, strlen(method));
    crossgate_decision_init(&decision, sizeof decision);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, &request);
    crossgate_status outcome = crossgate_evaluate(
        server->policy, &request, &decision, server->scratch, server->scratch_size);
    if (outcome != CROSSGATE_OK)
        fprintf(stderr, "crossgate: %s\n", crossgate_status_string(outcome));
    /* With origin_predicate: if decision.flags has CROSSGATE_DECISION_NEEDS_VERDICT, look
       decision.origin up and call crossgate_decision_resume(). */

    struct MHD_Response *response;
    unsigned status = (unsigned)decision.status;
    if (decision.action == CROSSGATE_ACTION_FORWARD)
        response = application(path, &status);
    else
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    /* Afterwards the response says what the policy says, whatever the application had set. */
    crossgate_decision_apply(&decision, &functions, response, NULL);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static crossgate_policy *load(const char *path) {
    crossgate_policy *policy;
    crossgate_error *error;
    if (crossgate_policy_from_file(path, strlen(path), &policy, &error) != CROSSGATE_OK) {
        fprintf(stderr, "%s\n", crossgate_error_text(error));
        crossgate_error_free(error);
        return NULL;
    }
    for (size_t i = 0; i < crossgate_policy_warning_count(policy); i++) {
        crossgate_problem warning;
        crossgate_problem_init(&warning, sizeof warning);
        crossgate_policy_warning(policy, i, &warning);
        fprintf(stderr, "warning: %s at %s: %s\n", warning.code.data, warning.path.data,
            warning.message.data);
    }
    return policy;
}

int main(int argc, char **argv) {
    const char *path = NULL;
    int port = 8080;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--policy") == 0)
            path = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            port = atoi(argv[i + 1]);
    }
    if (path == NULL || argc % 2 == 0) {
        fprintf(stderr, "usage: %s --policy FILE [--port N]\n", argv[0]);
        return 2;
    }
    server server = {.policy = load(path)};
    if (server.policy == NULL)
        return 1;
    server.scratch_size = crossgate_policy_scratch_size(server.policy);
    server.scratch = malloc(server.scratch_size + 1);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0,
        NULL, NULL, answer, &server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "cannot listen on 127.0.0.1:%d\n", port);
        return 1;
    }
    printf("listening on 127.0.0.1:%d\n",
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    int received;
    sigwait(&signals, &received);
    MHD_stop_daemon(daemon);
    free(server.scratch);
    crossgate_policy_free(server.policy);
    return 0;
}
