/*
 * What the C examples share: the command line, the policy, the routes, and a decision put on a
 * response.
 */
#ifndef CROSSGATE_EXAMPLES_COMMON_H
#define CROSSGATE_EXAMPLES_COMMON_H

#include <crossgate.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the command line and the policy ---- */

typedef struct {
    crossgate_policy *policy;
    /* What crossgate_policy_scratch_size() says, for lists that are echoed. Every thread needs a
       buffer of its own. */
    size_t scratch_size;
    uint16_t port;
} server;

/* Reads the arguments and the policy, or ends the program. */
static inline server configure(int argc, char **argv) {
    server server = {.port = 8080};
    const char *path = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--policy") == 0)
            path = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            server.port = (uint16_t)atoi(argv[i + 1]);
    }
    if (path == NULL || argc % 2 == 0) {
        fprintf(stderr, "usage: %s --policy FILE [--port N]\n", argv[0]);
        exit(2);
    }
    crossgate_error *error;
    if (crossgate_policy_from_file(path, strlen(path), &server.policy, &error) != CROSSGATE_OK) {
        fprintf(stderr, "%s\n", crossgate_error_text(error));
        crossgate_error_free(error);
        exit(1);
    }
    for (size_t i = 0; i < crossgate_policy_warning_count(server.policy); i++) {
        crossgate_problem warning;
        crossgate_problem_init(&warning, sizeof warning);
        crossgate_policy_warning(server.policy, i, &warning);
        fprintf(stderr, "warning: %s at %s: %s\n", warning.code.data, warning.path.data,
            warning.message.data);
    }
    server.scratch_size = crossgate_policy_scratch_size(server.policy);
    return server;
}

static inline void announce(int port) {
    printf("listening on 127.0.0.1:%d\n", port);
    fflush(stdout);
}

/* The server cannot listen: says so and ends the program. */
static inline void give_up(const server *server) {
    fprintf(stderr, "cannot listen on 127.0.0.1:%d\n", server->port);
    exit(1);
}

/* ---- a decision and a response ---- */

/* The header fields of a server's response. Names compare in any case. */
typedef struct {
    void *context;
    /* The value of the line with this index, of those that have this name; NULL if there is none.
     */
    const char *(*line)(void *context, const char *name, size_t index);
    /* Deletes every line of that name. */
    void (*erase)(void *context, const char *name);
    /* Adds a line; copies both. */
    void (*add)(void *context, const char *name, const char *value);
} fields;

static inline int32_t fields_get(
    void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    const fields *response = context;
    value->data = response->line(response->context, name->data, index);
    value->len = value->data ? strlen(value->data) : 0;
    return value->data != NULL;
}

static inline crossgate_status fields_set(void *context, const crossgate_header *header) {
    const fields *response = context;
    response->erase(response->context, header->name.data);
    response->add(response->context, header->name.data, header->value.data);
    return CROSSGATE_OK;
}

static inline crossgate_status fields_remove(void *context, const crossgate_str *name) {
    const fields *response = context;
    response->erase(response->context, name->data);
    return CROSSGATE_OK;
}

/* Afterwards the response says what the policy says, whatever the application or an upstream had
   set. */
static inline void apply(const crossgate_decision *decision, fields *response) {
    static const crossgate_response_functions functions = {
        sizeof functions, 0, fields_get, fields_set, fields_remove};
    crossgate_decision_apply(decision, &functions, response, NULL);
}

/* Decides, and tells the log about a mistake of ours: the decision then has no permission in it. */
static inline void decide(const server *server, const crossgate_request *request,
    crossgate_decision *decision, char *scratch) {
    crossgate_decision_init(decision, sizeof *decision);
    crossgate_status outcome =
        crossgate_evaluate(server->policy, request, decision, scratch, server->scratch_size);
    if (outcome != CROSSGATE_OK)
        fprintf(stderr, "crossgate: %s\n", crossgate_status_string(outcome));
    /* With origin_predicate: if decision->flags has CROSSGATE_DECISION_NEEDS_VERDICT, look
       decision->origin up and call crossgate_decision_resume(). */
}

/* ---- the application ---- */

/* Four routes; gives the body. */
static inline const char *application(
    const char *path, size_t path_len, const fields *response, int *status) {
    int upstream = path_len == 9 && memcmp(path, "/upstream", 9) == 0;
    *status = 200;
    if (upstream || (path_len == 5 && memcmp(path, "/data", 5) == 0)) {
        response->add(response->context, "Content-Type", "application/json");
        if (upstream) {
            /* As a proxied server may answer that has ideas of its own. */
            response->add(response->context, "Access-Control-Allow-Origin", "*");
            response->add(response->context, "Access-Control-Expose-Headers", "X-Own");
            response->add(response->context, "Vary", "Accept-Encoding");
        }
        return "{\"ok\":true}\n";
    }
    response->add(response->context, "Content-Type", "text/plain");
    if (path_len == 6 && memcmp(path, "/error", 6) == 0) {
        *status = 500;
        return "error\n";
    }
    *status = 404;
    return "not found\n";
}

static inline const char *phrase(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 500:
        return "Internal Server Error";
    default:
        return "CORS";
    }
}

/* ---- a list of fields, for servers whose own cannot be changed any more ---- */

typedef struct {
    int count;
    struct {
        char *name, *value;
    } lines[32];
} list;

static inline const char *list_line(void *context, const char *name, size_t index) {
    list *list = context;
    for (int i = 0; i < list->count; i++)
        if (strcasecmp(list->lines[i].name, name) == 0 && index-- == 0)
            return list->lines[i].value;
    return NULL;
}

static inline void list_erase(void *context, const char *name) {
    list *list = context;
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        if (name == NULL || strcasecmp(list->lines[i].name, name) == 0) {
            free(list->lines[i].name);
            free(list->lines[i].value);
        } else {
            list->lines[kept++] = list->lines[i];
        }
    }
    list->count = kept;
}

static inline void list_add(void *context, const char *name, const char *value) {
    list *list = context;
    char *a = strdup(name), *b = strdup(value);
    if (list->count < 32 && a && b) {
        list->lines[list->count].name = a;
        list->lines[list->count++].value = b;
    } else {
        free(a);
        free(b);
    }
}

#endif
