/*
 * mod_crossgate: what its files share.
 *
 *   mod_crossgate.c     the module: phases, and the answers made in them
 *   cors_conf.c         directives
 *   cors_policy.c       policies from files and from the configuration, and what is wrong with them
 *   cors_decide.c       from request to decision; WebSocket handshakes
 *   cors_response.c     a decision put on a response
 *   cors_connection.c   what goes to the connection around the filters of its request
 */
#ifndef MOD_CROSSGATE_H
#define MOD_CROSSGATE_H

#include <crossgate.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_expr.h>
#include <apr_atomic.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <util_filter.h>

#include <string.h>

extern module AP_MODULE_DECLARE_DATA crossgate_module;
APLOG_USE_MODULE(crossgate);

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

enum { UNSET = -1, OFF = 0, ON = 1 };

/* One section's or, merged, one request's. httpd merges on every request, so it has to be cheap:
 * pointers to policies that belong to the pool of the configuration. */
typedef struct {
    int enabled;
    const crossgate_policy *policy, *shadow;
    const ap_expr_info_t *verdict_expr;
    const char *verdict_env;
    int websocket;         /* UNSET, OFF or ON */
    int32_t socket_access; /* CROSSGATE_SOCKET_... */
} cors_config;

/* The decision, once for a request and whatever it is redirected to internally. */
typedef struct {
    int translating, decided, failed, applied;
    /* Server and <Location>; what governs if translation or the directory walk fails. */
    const cors_config *early;
    crossgate_decision *decision; /* NULL: off, or failed */
    const char *denied;           /* the method or header name at fault */
} cors_state;

void *cors_create_config(apr_pool_t *pool, char *directory);
void *cors_merge_config(apr_pool_t *pool, void *outer, void *inner);
extern const command_rec cors_commands[];
int cors_check_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server);

int cors_in_htaccess(cmd_parms *cmd);
apr_hash_t *cors_known_policies(apr_pool_t *pool);
const char *cors_load(cmd_parms *cmd, const char *given, const crossgate_policy **slot);
const char *cors_read_section(cmd_parms *cmd, void *tree, const char *arguments);

const cors_config *cors_config_of(const ap_conf_vector_t *vector);
cors_state *cors_state_of(request_rec *r);
cors_state *cors_decide(request_rec *r);
int cors_denies_handshake(request_rec *r);

void cors_apply(request_rec *r, const crossgate_decision *decision);
void cors_register_response(void);
void cors_insert_filter(request_rec *r);

void cors_register_connection(void);
void cors_watch_connection(request_rec *r, cors_state *decided);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
