/* Directives. */
#include "mod_crossgate.h"

void *cors_create_config(apr_pool_t *pool, char *directory) {
    cors_config *created = apr_pcalloc(pool, sizeof *created);
    (void)directory;
    created->enabled = UNSET;
    created->websocket = UNSET;
    return created;
}

void *cors_merge_config(apr_pool_t *pool, void *outer, void *inner) {
    const cors_config *from = inner;
    cors_config *merged = apr_pmemdup(pool, outer, sizeof *merged);
    if (from->enabled != UNSET)
        merged->enabled = from->enabled;
    if (from->policy != NULL) {
        merged->policy = from->policy;
        /* The outer one is meant to be compared with the outer policy. */
        merged->shadow = NULL;
    }
    if (from->shadow != NULL)
        merged->shadow = from->shadow;
    if (from->verdict_expr != NULL || from->verdict_env != NULL) {
        merged->verdict_expr = from->verdict_expr;
        merged->verdict_env = from->verdict_env;
    }
    if (from->websocket != UNSET) {
        merged->websocket = from->websocket;
        merged->socket_access = from->socket_access;
    }
    return merged;
}

int cors_in_htaccess(cmd_parms *cmd) { return ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL; }

/* httpd ignores <Limit> for directives that do not ask: they would hold for every method. */
static const char *misplaced(cmd_parms *cmd) { return ap_check_cmd_context(cmd, NOT_IN_LIMIT); }

static const char *set_policy(cmd_parms *cmd, void *section, const char *given) {
    cors_config *config = section;
    const char *error = misplaced(cmd);
    if (error != NULL)
        return error;
    if (ap_cstr_casecmp(given, "off") == 0)
        return "CrossgatePolicy needs a policy: to have none here, write \"Crossgate Off\"";
    config->enabled = ON;
    return cors_load(cmd, given, &config->policy);
}

static const char *set_shadow(cmd_parms *cmd, void *section, const char *given) {
    cors_config *config = section;
    const char *error = misplaced(cmd);
    return error != NULL ? error : cors_load(cmd, given, &config->shadow);
}

static const char *set_enabled(cmd_parms *cmd, void *section, int on) {
    cors_config *config = section;
    config->enabled = on ? ON : OFF;
    return misplaced(cmd);
}

/* A directive that does nothing without a policy, the section it stands in, and its place. */
typedef struct {
    const cors_config *section;
    const char *directive, *file;
    unsigned line;
} directive_place;

/* The places of such directives, but for those of a .htaccess. */
static apr_array_header_t *known_places(apr_pool_t *pool) {
    static const char key[] = "mod_crossgate places";
    void *places;
    apr_pool_userdata_get(&places, key, pool);
    if (places == NULL) {
        places = apr_array_make(pool, 4, sizeof(directive_place));
        apr_pool_userdata_setn(places, key, NULL, pool);
    }
    return places;
}

static void note_place(cmd_parms *cmd, const cors_config *section) {
    if (!cors_in_htaccess(cmd)) {
        directive_place place = {
            section, cmd->cmd->name, cmd->directive->filename, (unsigned)cmd->directive->line_num};
        APR_ARRAY_PUSH(known_places(cmd->pool), directive_place) = place;
    }
}

static const char *set_verdict(cmd_parms *cmd, void *section, const char *source) {
    cors_config *config = section;
    const char *error = misplaced(cmd);
    if (error != NULL)
        return error;
    note_place(cmd, config);
    config->verdict_env = NULL;
    config->verdict_expr = NULL;
    if (strncmp(source, "env=", 4) == 0 && source[4] != '\0') {
        config->verdict_env = source + 4;
    } else if (strncmp(source, "expr=", 5) == 0 && source[5] != '\0') {
        /* Vary is the engine's matter: httpd would add to it, but not to every response. */
        unsigned flags =
            AP_EXPR_FLAG_DONT_VARY | (cors_in_htaccess(cmd) ? AP_EXPR_FLAG_RESTRICTED : 0);
        config->verdict_expr = ap_expr_parse_cmd(cmd, source + 5, flags, &error, NULL);
        if (error != NULL)
            return apr_pstrcat(cmd->pool, "CrossgateVerdict: ", error, NULL);
    } else {
        return "CrossgateVerdict takes expr=EXPRESSION or env=VARIABLE";
    }
    return NULL;
}

static const char *set_websocket(cmd_parms *cmd, void *section, const char *value) {
    cors_config *config = section;
    const char *error = misplaced(cmd);
    if (error != NULL)
        return error;
    config->websocket = ON;
    config->socket_access = CROSSGATE_SOCKET_PRIVATE;
    if (ap_cstr_casecmp(value, "off") == 0)
        config->websocket = OFF;
    else if (ap_cstr_casecmp(value, "public") == 0)
        config->socket_access = CROSSGATE_SOCKET_PUBLIC;
    else if (ap_cstr_casecmp(value, "on") != 0)
        return "CrossgateWebSocket takes On, Public or Off";
    if (config->websocket == ON)
        note_place(cmd, config);
    return NULL;
}

static int asks(const crossgate_policy *policy) {
    return crossgate_policy_has_origin_predicate(policy);
}

/* Why a directive does nothing, or NULL. Which policy a section inherits is known with each request
 * only, so a section is judged by its own policy or, if it has none, by all there are. */
static const char *unused(const directive_place *place, unsigned policies, int some_ask) {
    const cors_config *section = place->section;
    if (strcmp(place->directive, "CrossgateWebSocket") == 0)
        return policies == 0
                   ? "checks nothing: there is no policy; write CrossgatePolicy, or remove the "
                     "directive"
                   : NULL;
    if (!some_ask)
        return "is never asked: no policy has origin_predicate; set \"origin_predicate\" to true "
               "in "
               "the policy, or remove the directive";
    if (section->policy != NULL && !asks(section->policy) && !asks(section->shadow))
        return "is never asked: the policy of its section has no origin_predicate; set "
               "\"origin_predicate\" to true in the policy, or remove the directive";
    return NULL;
}

int cors_check_config(
    apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
    const apr_array_header_t *places = known_places(pool);
    apr_hash_t *policies = cors_known_policies(pool);
    int some_ask = 0;
    (void)log;
    for (apr_hash_index_t *at = apr_hash_first(temporary, policies); at != NULL;
         at = apr_hash_next(at)) {
        void *policy;
        apr_hash_this(at, NULL, NULL, &policy);
        some_ask |= asks(policy);
    }
    for (int i = 0; i < places->nelts; i++) {
        const directive_place *place = &APR_ARRAY_IDX(places, i, directive_place);
        const char *why = unused(place, apr_hash_count(policies), some_ask);
        if (why != NULL)
            ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server, "%s at %s:%u %s",
                place->directive, place->file, place->line, why);
    }
    return OK;
}

const command_rec cors_commands[] = {
    AP_INIT_TAKE1("CrossgatePolicy", set_policy, NULL, OR_FILEINFO,
        "the CORS policy: a .json or .toml file, or the document itself"),
    AP_INIT_RAW_ARGS("<CrossgatePolicy", cors_read_section, NULL, OR_FILEINFO | EXEC_ON_READ,
        "the CORS policy, as JSON or TOML"),
    AP_INIT_FLAG("Crossgate", set_enabled, NULL, OR_FILEINFO,
        "Off: no CORS here; On: the inherited policy again"),
    AP_INIT_TAKE1("CrossgateShadow", set_shadow, NULL, OR_FILEINFO,
        "a policy that is only compared with the one in use"),
    AP_INIT_RAW_ARGS("<CrossgateShadow", cors_read_section, NULL, OR_FILEINFO | EXEC_ON_READ,
        "the same, as JSON or TOML"),
    AP_INIT_TAKE1("CrossgateVerdict", set_verdict, NULL, OR_FILEINFO,
        "for origin_predicate: expr=EXPRESSION or env=VARIABLE that allows an origin"),
    AP_INIT_TAKE1("CrossgateWebSocket", set_websocket, NULL, OR_FILEINFO,
        "On: the policy decides about WebSocket handshakes; Public: about those of a socket that "
        "reads no cookies; Off"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};
