/*
 * mod_crossgate: CORS for Apache httpd 2.4. docs/httpd.md is the manual, build.sh builds it.
 *
 * A preflight is answered in header_parser, the last phase before access control whose
 * configuration is final, or, if a redirect would come before that, in its place. Headers are put
 * on by an output filter behind those of mod_headers and mod_cache and before the one that writes
 * the response, so that nothing is forgotten and nothing is cached.
 */
#include "mod_crossgate.h"

/* DECLINED, or what the phase returns in which the decision was made. */
static int act(request_rec *r, const cors_state *decided) {
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
    cors_state *current, *decided;
    int result, whole_server = strcmp(r->uri, "*") == 0;

    if (r->main != NULL || (current = cors_state_of(r))->translating)
        return DECLINED;
    current->early = cors_config_of(r->per_dir_config);
    if (whole_server)
        cors_insert_filter(r);
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
    decided = cors_decide(r);
    if (decided == NULL || decided->decision == NULL
        || decided->decision->action != CROSSGATE_ACTION_ANSWER)
        return result;
    /* Without Location and the like. */
    r->headers_out = headers_out;
    r->err_headers_out = err_headers_out;
    return act(r, decided);
}

static int header_parser(request_rec *r) {
    const cors_state *before = NULL, *decided;
    if (cors_denies_handshake(r))
        return HTTP_FORBIDDEN;
    for (request_rec *q = r; q != NULL; q = q->prev) {
        before = ap_get_module_config(q->request_config, &crossgate_module);
        if (before != NULL && before->decided)
            return DECLINED;
    }
    /* The configuration is final now. */
    cors_state_of(r)->early = NULL;
    decided = cors_decide(r);
    return decided ? act(r, decided) : DECLINED;
}

static void register_hooks(apr_pool_t *pool) {
    (void)pool;
    cors_register_response();
    cors_register_connection();
    ap_hook_check_config(cors_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* Behind mod_setenvif, whose variables CrossgateVerdict may read. */
    ap_hook_header_parser(header_parser, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(cors_insert_filter, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(cors_insert_filter, NULL, NULL, APR_HOOK_REALLY_LAST);
}

module AP_MODULE_DECLARE_DATA crossgate_module = {STANDARD20_MODULE_STUFF, cors_create_config,
    cors_merge_config, NULL, NULL, cors_commands, register_hooks, AP_MODULE_FLAG_NONE};
