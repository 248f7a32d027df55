/*
 * mod_crossgate: CORS for Apache httpd 2.4. docs/httpd.md is the manual, build.sh builds it.
 *
 * A preflight is answered in header_parser, the last phase before access control whose
 * configuration is final, or, if a redirect would come before that, in its place. Headers are put
 * on by an output filter behind those of mod_headers and mod_cache and before the one that writes
 * the response, so that nothing is forgotten and nothing is cached.
 */
#include <crossgate.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_expr.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <util_filter.h>

#include <string.h>

module AP_MODULE_DECLARE_DATA crossgate_module;
APLOG_USE_MODULE(crossgate);

/* ---- configuration ---- */

enum { UNSET = -1, OFF = 0, ON = 1 };

/* One section's or, merged, one request's. httpd merges on every request, so it has to be cheap:
 * pointers to policies that belong to the pool of the configuration. */
typedef struct {
    int enabled;
    const crossgate_policy *policy, *shadow;
    const ap_expr_info_t *verdict_expr;
    const char *verdict_env;
} config;

static void *create_config(apr_pool_t *pool, char *directory) {
    config *created = apr_pcalloc(pool, sizeof *created);
    (void)directory;
    created->enabled = UNSET;
    return created;
}

static void *merge_config(apr_pool_t *pool, void *outer, void *inner) {
    const config *from = inner;
    config *merged = apr_pmemdup(pool, outer, sizeof *merged);
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
    return merged;
}

static apr_status_t free_policy(void *policy) {
    crossgate_policy_free(policy);
    return APR_SUCCESS;
}

static int in_htaccess(cmd_parms *cmd) {
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
}

/* The policies read so far, by path, so that a file that is named a hundred times is built once. A
 * .htaccess is read anew for every request, in that request's pool: what it names is read anew as
 * well, and no table helps. */
static apr_hash_t *known_policies(apr_pool_t *pool) {
    static const char key[] = "mod_crossgate policies";
    void *table;
    apr_pool_userdata_get(&table, key, pool);
    if (table == NULL) {
        table = apr_hash_make(pool);
        apr_pool_userdata_setn(table, key, NULL, pool);
    }
    return table;
}

static void log_finding(
    cmd_parms *cmd, const char *path, int level, const crossgate_problem *problem) {
    ap_log_error(APLOG_MARK, level | APLOG_STARTUP, 0, cmd->server, "%s: %s: %s at %s: %s%s%s",
        path, problem->severity == CROSSGATE_SEVERITY_NOTE ? "note" : "warning", problem->code.data,
        problem->path.len ? problem->path.data : "the policy", problem->message.data,
        problem->hint.data ? "; use: " : "", problem->hint.data ? problem->hint.data : "");
}

static void log_findings(cmd_parms *cmd, const char *path, const crossgate_policy *policy) {
    crossgate_problem problem = {.struct_size = sizeof problem};
    for (size_t i = 0; i < crossgate_policy_warning_count(policy); i++)
        if (crossgate_policy_warning(policy, i, &problem) == CROSSGATE_OK)
            log_finding(cmd, path, APLOG_WARNING, &problem);
    for (size_t i = 0; i < crossgate_policy_note_count(policy); i++)
        if (crossgate_policy_note(policy, i, &problem) == CROSSGATE_OK)
            log_finding(cmd, path, APLOG_INFO, &problem);
}

static const char *load(cmd_parms *cmd, const char *file, const crossgate_policy **slot) {
    const char *path = ap_server_root_relative(cmd->pool, file);
    apr_hash_t *known = in_htaccess(cmd) ? NULL : known_policies(cmd->pool);
    crossgate_policy *policy;
    crossgate_error *error;

    if (path == NULL)
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": invalid path ", file, NULL);
    policy = known ? apr_hash_get(known, path, APR_HASH_KEY_STRING) : NULL;
    if (policy == NULL) {
        crossgate_status status = crossgate_policy_from_file(path, strlen(path), &policy, &error);
        if (status != CROSSGATE_OK) {
            const char *text =
                error ? crossgate_error_text(error) : crossgate_status_string(status);
            text = apr_pstrcat(cmd->pool, cmd->cmd->name, " ", path, ":\n", text, NULL);
            crossgate_error_free(error);
            return text;
        }
        apr_pool_cleanup_register(cmd->pool, policy, free_policy, apr_pool_cleanup_null);
        if (known != NULL) {
            apr_hash_set(known, path, APR_HASH_KEY_STRING, policy);
            log_findings(cmd, path, policy);
        }
    }
    *slot = policy;
    return NULL;
}

static const char *set_policy(cmd_parms *cmd, void *section, const char *file) {
    config *config = section;
    config->enabled = ON;
    return load(cmd, file, &config->policy);
}

static const char *set_shadow(cmd_parms *cmd, void *section, const char *file) {
    config *config = section;
    return load(cmd, file, &config->shadow);
}

static const char *set_enabled(cmd_parms *cmd, void *section, int on) {
    config *config = section;
    (void)cmd;
    config->enabled = on ? ON : OFF;
    return NULL;
}

/* A section with CrossgateVerdict, and where that stands. */
typedef struct {
    const config *section;
    const char *file;
    unsigned line;
} verdict_place;

/* The sections with CrossgateVerdict, but for those of a .htaccess. */
static apr_array_header_t *known_verdicts(apr_pool_t *pool) {
    static const char key[] = "mod_crossgate verdicts";
    void *places;
    apr_pool_userdata_get(&places, key, pool);
    if (places == NULL) {
        places = apr_array_make(pool, 4, sizeof(verdict_place));
        apr_pool_userdata_setn(places, key, NULL, pool);
    }
    return places;
}

static const char *set_verdict(cmd_parms *cmd, void *section, const char *source) {
    config *config = section;
    if (!in_htaccess(cmd)) {
        verdict_place place = {
            config, cmd->directive->filename, (unsigned)cmd->directive->line_num};
        APR_ARRAY_PUSH(known_verdicts(cmd->pool), verdict_place) = place;
    }
    config->verdict_env = NULL;
    config->verdict_expr = NULL;
    if (strncmp(source, "env=", 4) == 0 && source[4] != '\0') {
        config->verdict_env = source + 4;
    } else if (strncmp(source, "expr=", 5) == 0 && source[5] != '\0') {
        const char *error;
        /* Vary is the engine's matter: httpd would add to it, but not to every response. */
        unsigned flags = AP_EXPR_FLAG_DONT_VARY | (in_htaccess(cmd) ? AP_EXPR_FLAG_RESTRICTED : 0);
        config->verdict_expr = ap_expr_parse_cmd(cmd, source + 5, flags, &error, NULL);
        if (error != NULL)
            return apr_pstrcat(cmd->pool, "CrossgateVerdict: ", error, NULL);
    } else {
        return "CrossgateVerdict takes expr=EXPRESSION or env=VARIABLE";
    }
    return NULL;
}

static int asks(const crossgate_policy *policy) {
    return crossgate_policy_has_origin_predicate(policy);
}

/* A verdict that no policy asks for is a mistake: mostly origin_predicate was forgotten. Which
 * policy a section inherits is known with each request only, so a section is judged by its own
 * policy or, if it has none, by all there are. */
static int check_verdicts(
    apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *server) {
    const apr_array_header_t *places = known_verdicts(pool);
    int some_ask = 0;
    (void)log;
    for (apr_hash_index_t *at = apr_hash_first(temporary, known_policies(pool)); at != NULL;
         at = apr_hash_next(at)) {
        void *policy;
        apr_hash_this(at, NULL, NULL, &policy);
        some_ask |= asks(policy);
    }
    for (int i = 0; i < places->nelts; i++) {
        const verdict_place *place = &APR_ARRAY_IDX(places, i, verdict_place);
        const config *section = place->section;
        if (!some_ask
            || (section->policy != NULL && !asks(section->policy) && !asks(section->shadow)))
            ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, server,
                "CrossgateVerdict at %s:%u is never asked: %s; set \"origin_predicate\" to true in "
                "the "
                "policy, or "
                "remove the directive",
                place->file, place->line,
                some_ask ? "the policy of its section has no origin_predicate"
                         : "no policy has origin_predicate");
    }
    return OK;
}

static const command_rec commands[] = {AP_INIT_TAKE1("CrossgatePolicy", set_policy, NULL,
                                           OR_FILEINFO, "the CORS policy: a .json or .toml file"),
    AP_INIT_FLAG("Crossgate", set_enabled, NULL, OR_FILEINFO,
        "Off: no CORS here; On: the inherited policy again"),
    AP_INIT_TAKE1("CrossgateShadow", set_shadow, NULL, OR_FILEINFO,
        "a policy that is only compared with the one in use"),
    AP_INIT_TAKE1("CrossgateVerdict", set_verdict, NULL, OR_FILEINFO,
        "for origin_predicate: expr=EXPRESSION or env=VARIABLE that allows an origin"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};

/* ---- the decision, once for a request and whatever it is redirected to internally ---- */

typedef struct {
    int translating, decided, failed;
    /* Server and <Location>; what governs if translation or the directory walk fails. */
    const config *early;
    crossgate_decision *decision; /* NULL: off, or failed */
} state;

static const config *config_of(const ap_conf_vector_t *vector) {
    return ap_get_module_config(vector, &crossgate_module);
}

static state *state_of(request_rec *r) {
    state *found = ap_get_module_config(r->request_config, &crossgate_module);
    if (found == NULL) {
        found = apr_pcalloc(r->pool, sizeof *found);
        ap_set_module_config(r->request_config, &crossgate_module, found);
    }
    return found;
}

static const config *governing(request_rec *r) {
    const state *known = ap_get_module_config(r->request_config, &crossgate_module);
    if (known != NULL && known->early != NULL
        && known->early != config_of(r->server->lookup_defaults))
        return known->early;
    return config_of(r->per_dir_config);
}

typedef struct {
    request_rec *r;
    const config *config;
    crossgate_request request;
    int asked, verdict;
} question;

static int add_header(void *request, const char *name, const char *value) {
    crossgate_request_add_header(request, name, strlen(name), value, strlen(value));
    return 1;
}

static int verdict(question *question) {
    static const char *const yes[] = {"allow", "1", "true", "yes", "on"};
    const config *config = question->config;
    if (config->verdict_expr != NULL) {
        const char *error = NULL;
        int result = ap_expr_exec(question->r, config->verdict_expr, &error);
        if (result < 0 || error != NULL) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, question->r, "CrossgateVerdict: %s",
                error ? error : "failed");
            return CROSSGATE_VERDICT_ABSENT;
        }
        return result > 0 ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_DENY;
    }
    if (config->verdict_env != NULL) {
        const char *value = apr_table_get(question->r->subprocess_env, config->verdict_env);
        if (value == NULL)
            return CROSSGATE_VERDICT_ABSENT;
        for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
            if (ap_cstr_casecmp(value, yes[i]) == 0)
                return CROSSGATE_VERDICT_ALLOW;
        return CROSSGATE_VERDICT_DENY;
    }
    return CROSSGATE_VERDICT_ABSENT;
}

static crossgate_decision *evaluate(question *question, const crossgate_policy *policy) {
    apr_pool_t *pool = question->r->pool;
    crossgate_decision *decision = apr_palloc(pool, sizeof *decision);
    size_t scratch_size = crossgate_policy_scratch_size(policy);
    char *scratch = scratch_size ? apr_palloc(pool, scratch_size) : NULL;
    crossgate_status status;

    crossgate_decision_init(decision, sizeof *decision);
    status = crossgate_evaluate(policy, &question->request, decision, scratch, scratch_size);
    if (decision->flags & CROSSGATE_DECISION_NEEDS_VERDICT) {
        if (!question->asked) {
            question->asked = 1;
            question->verdict = verdict(question);
        }
        status = crossgate_decision_resume(decision, question->verdict);
    }
    if (status != CROSSGATE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, question->r, "crossgate: %s",
            crossgate_status_string(status));
        return NULL;
    }
    return decision;
}

static void compare_shadow(question *question, const crossgate_decision *live) {
    request_rec *r = question->r;
    const crossgate_decision *shadow = evaluate(question, question->config->shadow);
    const char *origin = apr_table_get(r->headers_in, "Origin");
    crossgate_difference difference = {.struct_size = sizeof difference};
    if (crossgate_decision_difference(live, shadow, &difference) != CROSSGATE_OK
        || !difference.differs)
        return;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
        "crossgate shadow differs: %s with Origin %.330s: %s (%s), shadow: %s (%s)",
        crossgate_kind_string(live->kind), origin ? origin : "-",
        crossgate_reason_string(live->reason), crossgate_action_string(live->action),
        crossgate_reason_string(shadow->reason), crossgate_action_string(shadow->action));
}

static state *decide(request_rec *r) {
    request_rec *asked = NULL;
    question question = {.r = r};
    state *decided;
    const char *method, *end;

    /* The URL that was asked for governs, also where an ErrorDocument, a rewrite or an index
     * answers: a preflight for it would be answered there. */
    for (request_rec *q = r; q != NULL; q = q->prev) {
        decided = ap_get_module_config(q->request_config, &crossgate_module);
        if (decided != NULL && decided->decided)
            return decided;
        if (governing(q)->enabled != UNSET)
            asked = q;
    }
    if (asked == NULL)
        return NULL;
    decided = state_of(r);
    decided->decided = 1;
    question.config = governing(asked);
    if (question.config->enabled == OFF || question.config->policy == NULL)
        return decided;

    /* Not r->method: an ErrorDocument makes that GET. */
    method = r->the_request ? r->the_request : "";
    end = strchr(method, ' ');
    crossgate_request_init(&question.request, sizeof question.request, method,
        end ? (size_t)(end - method) : strlen(method));
    apr_table_do(add_header, &question.request, r->headers_in, NULL);
    decided->decision = evaluate(&question, question.config->policy);
    decided->failed = decided->decision == NULL;
    if (decided->decision != NULL && question.config->shadow != NULL)
        compare_shadow(&question, decided->decision);
    return decided;
}

/* ---- the response ---- */

/* httpd writes both tables. headers_out is lost on errors, err_headers_out is not; here either
   will do. */
static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    const request_rec *r = context;
    const apr_table_t *const tables[] = {r->err_headers_out, r->headers_out};
    for (int t = 0; t < 2; t++) {
        const apr_array_header_t *lines = apr_table_elts(tables[t]);
        for (int i = 0; i < lines->nelts; i++) {
            const apr_table_entry_t *line = &APR_ARRAY_IDX(lines, i, apr_table_entry_t);
            if (line->key != NULL && ap_cstr_casecmp(line->key, name->data) == 0 && index-- == 0) {
                value->data = line->val;
                value->len = strlen(line->val);
                return 1;
            }
        }
    }
    return 0;
}

static crossgate_status set(void *context, const crossgate_header *header) {
    request_rec *r = context;
    const char *value = header->value.data;
    /* All others live as long as the request. */
    if (header->source == CROSSGATE_SOURCE_MERGED)
        value = apr_pstrmemdup(r->pool, value, header->value.len);
    apr_table_unset(r->err_headers_out, header->name.data);
    apr_table_setn(r->headers_out, header->name.data, value);
    return CROSSGATE_OK;
}

static crossgate_status drop(void *context, const crossgate_str *name) {
    request_rec *r = context;
    apr_table_unset(r->headers_out, name->data);
    apr_table_unset(r->err_headers_out, name->data);
    return CROSSGATE_OK;
}

static const crossgate_response_functions response = {sizeof response, 0, get, set, drop};

static void apply(request_rec *r, const crossgate_decision *decision) {
    static const char acao[] = "Access-Control-Allow-Origin";
    const char *in_headers = apr_table_get(r->headers_out, acao),
               *in_errors = apr_table_get(r->err_headers_out, acao);
    const char *theirs = in_headers ? in_headers : in_errors, *ours;
    int32_t overwrote;
    crossgate_status status = crossgate_decision_apply(decision, &response, r, &overwrote);
    if (status != CROSSGATE_OK)
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r, "crossgate: %s", crossgate_status_string(status));
    /* An application that answers CORS itself is worth knowing of. */
    ours = apr_table_get(r->headers_out, acao);
    if (theirs != NULL && overwrote && (ours == NULL || strcmp(theirs, ours) != 0))
        apr_table_setn(r->notes, "crossgate-overwrote", theirs);
}

static ap_filter_rec_t *filter_handle;

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *brigade) {
    if (!ap_is_HTTP_INFO(f->r->status)) {
        ap_remove_output_filter(f);
        apply(f->r, f->ctx);
    }
    return ap_pass_brigade(f->next, brigade);
}

static void insert_filter(request_rec *r) {
    state *decided;
    /* What a sub-request answers is part of another response. */
    if (r->main != NULL || (decided = decide(r)) == NULL || decided->decision == NULL)
        return;
    apr_table_setn(
        r->notes, "crossgate-reason", crossgate_reason_string(decided->decision->reason));
    ap_add_output_filter_handle(filter_handle, decided->decision, r, r->connection);
}

/* DECLINED, or what the phase returns in which the decision was made. */
static int act(request_rec *r, const state *decided) {
    const crossgate_decision *decision = decided->decision;
    int status;
    if (decided->failed)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (decision == NULL || decision->action == CROSSGATE_ACTION_FORWARD)
        return DECLINED;
    if (decision->action == CROSSGATE_ACTION_REJECT)
        return HTTP_FORBIDDEN;
    if ((status = ap_discard_request_body(r)) != OK)
        return status;
    r->status = decision->status;
    if (decision->status != HTTP_NO_CONTENT)
        ap_set_content_length(r, 0);
    /* After DONE nobody else inserts filters: this one, and that of "Header always". */
    ap_run_insert_error_filter(r);
    return DONE;
}

/* ---- phases ---- */

/* A redirect by mod_alias, or by mod_rewrite in a server's configuration, ends the request in this
 * phase. No directory is looked at then, so the policy known here is the one, and it comes first.
 * Otherwise header_parser knows more. */
static int translate_name(request_rec *r) {
    apr_table_t *headers_out, *err_headers_out;
    state *current, *decided;
    int result, whole_server = strcmp(r->uri, "*") == 0;

    if (r->main != NULL || (current = state_of(r))->translating)
        return DECLINED;
    current->early = config_of(r->per_dir_config);
    if (whole_server)
        insert_filter(r);
    if (strcmp(r->method, "OPTIONS") != 0 || current->early->enabled != ON)
        return DECLINED;
    headers_out = apr_table_copy(r->pool, r->headers_out);
    err_headers_out = apr_table_copy(r->pool, r->err_headers_out);
    current->translating = 1;
    result = ap_run_translate_name(r);
    current->translating = 0;
    /* "OPTIONS *" is not looked up any further either. */
    if (!ap_is_HTTP_VALID_RESPONSE(result) && !whole_server)
        return result;
    decided = decide(r);
    if (decided == NULL || decided->decision == NULL
        || decided->decision->action != CROSSGATE_ACTION_ANSWER)
        return result;
    /* Without Location and the like. */
    r->headers_out = headers_out;
    r->err_headers_out = err_headers_out;
    return act(r, decided);
}

static int header_parser(request_rec *r) {
    const state *before = NULL, *decided;
    for (request_rec *q = r; q != NULL; q = q->prev) {
        before = ap_get_module_config(q->request_config, &crossgate_module);
        if (before != NULL && before->decided)
            return DECLINED;
    }
    /* The configuration is final now. */
    state_of(r)->early = NULL;
    decided = decide(r);
    return decided ? act(r, decided) : DECLINED;
}

static void register_hooks(apr_pool_t *pool) {
    (void)pool;
    filter_handle = ap_register_output_filter("CROSSGATE", filter, NULL, AP_FTYPE_PROTOCOL - 1);
    ap_hook_check_config(check_verdicts, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* Behind mod_setenvif, whose variables CrossgateVerdict may read. */
    ap_hook_header_parser(header_parser, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(insert_filter, NULL, NULL, APR_HOOK_REALLY_LAST);
}

module AP_MODULE_DECLARE_DATA crossgate_module = {STANDARD20_MODULE_STUFF, create_config,
    merge_config, NULL, NULL, commands, register_hooks, AP_MODULE_FLAG_NONE};
