/* From request to decision. */
#include "mod_crossgate.h"

const cors_config *cors_config_of(const ap_conf_vector_t *vector) {
    return ap_get_module_config(vector, &crossgate_module);
}

cors_state *cors_state_of(request_rec *r) {
    cors_state *found = ap_get_module_config(r->request_config, &crossgate_module);
    if (found == NULL) {
        found = apr_pcalloc(r->pool, sizeof *found);
        ap_set_module_config(r->request_config, &crossgate_module, found);
    }
    return found;
}

static const cors_config *governing(request_rec *r) {
    const cors_state *known = ap_get_module_config(r->request_config, &crossgate_module);
    if (known != NULL && known->early != NULL
        && known->early != cors_config_of(r->server->lookup_defaults))
        return known->early;
    return cors_config_of(r->per_dir_config);
}

typedef struct {
    request_rec *r;
    const cors_config *config;
    crossgate_request request;
    int asked, verdict;
} question;

static int add_header(void *request, const char *name, const char *value) {
    crossgate_request_add_header(request, name, strlen(name), value, strlen(value));
    return 1;
}

static question question_of(request_rec *r, const cors_config *config) {
    question asked = {.r = r, .config = config};
    /* Not r->method: an ErrorDocument makes that GET. */
    const char *method = r->the_request ? r->the_request : "";
    crossgate_request_init(&asked.request, sizeof asked.request, method, strcspn(method, " "));
    apr_table_do(add_header, &asked.request, r->headers_in, NULL);
    return asked;
}

static int verdict(question *question) {
    static const char *const yes[] = {"allow", "1", "true", "yes", "on"};
    const cors_config *config = question->config;
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

/* One line, in which the library has escaped what comes from the request. */
static void describe(const question *question, const crossgate_policy *policy,
    const crossgate_decision *decision, const char *what, const char *more) {
    char text[CROSSGATE_DESCRIPTION_SIZE];
    size_t length;
    if (crossgate_decision_describe(
            decision, policy, &question->request, text, sizeof text, &length)
        == CROSSGATE_OK)
        ap_log_rerror(
            APLOG_MARK, APLOG_INFO, 0, question->r, "crossgate %s: %s%s", what, text, more);
}

static const char *denied_name(const question *question, const crossgate_decision *decision) {
    char text[CROSSGATE_DESCRIPTION_SIZE];
    size_t length;
    if (crossgate_decision_denied_name(
            decision, question->config->policy, &question->request, text, sizeof text, &length)
            != CROSSGATE_OK
        || length == 0)
        return NULL;
    return apr_pstrmemdup(question->r->pool, text, length);
}

static void compare_shadow(question *question, const crossgate_decision *live) {
    request_rec *r = question->r;
    const crossgate_decision *shadow = evaluate(question, question->config->shadow);
    crossgate_difference difference = {.struct_size = sizeof difference};
    if (crossgate_decision_difference(live, shadow, &difference) != CROSSGATE_OK
        || !difference.differs)
        return;
    describe(question, question->config->policy, live, "shadow differs",
        apr_pstrcat(r->pool, " shadow_reason=", crossgate_reason_string(shadow->reason),
            " shadow_action=", crossgate_action_string(shadow->action), NULL));
}

static int has_policy(const cors_config *config) {
    return config->enabled != OFF && config->policy != NULL;
}

cors_state *cors_decide(request_rec *r) {
    request_rec *asked = NULL;
    question question;
    cors_state *decided;

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
    decided = cors_state_of(r);
    decided->decided = 1;
    question = question_of(r, governing(asked));
    if (!has_policy(question.config))
        return decided;
    decided->decision = evaluate(&question, question.config->policy);
    decided->failed = decided->decision == NULL;
    if (decided->failed)
        return decided;
    if (decided->decision->allowed == 0) {
        if (decided->decision->kind == CROSSGATE_KIND_PREFLIGHT)
            decided->denied = denied_name(&question, decided->decision);
        if (APLOG_R_IS_LEVEL(r, APLOG_INFO))
            describe(&question, question.config->policy, decided->decision, "denied", "");
    }
    if (question.config->shadow != NULL)
        compare_shadow(&question, decided->decision);
    return decided;
}

/* CrossgateWebSocket: handshakes are no CORS requests, and browsers do not look at their answers,
 * so the server has to say no. Whatever an upstream could take for a handshake is one. The
 * configuration is that of the place the request is in now: a rewrite may have led to the one with
 * ProxyPass. */
int cors_denies_handshake(request_rec *r) {
    const cors_config *config = cors_config_of(r->per_dir_config);
    const char *upgrade = apr_table_get(r->headers_in, "Upgrade");
    question question;
    crossgate_status status;
    crossgate_str asked;
    int32_t answer;

    if (config->websocket != ON || !has_policy(config) || upgrade == NULL
        || ap_strcasestr(upgrade, "websocket") == NULL)
        return 0;
    question = question_of(r, config);
    if (crossgate_needs_verdict(config->policy, &question.request, &asked) == CROSSGATE_OK
        && asked.data != NULL)
        question.request.verdict = verdict(&question);
    status = crossgate_check_websocket(
        config->policy, &question.request, config->socket_access, &answer);
    if (status != CROSSGATE_OK)
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r, "crossgate: %s", crossgate_status_string(status));
    if (answer != CROSSGATE_WEBSOCKET_DENY)
        return 0;
    if (APLOG_R_IS_LEVEL(r, APLOG_INFO)) {
        const crossgate_decision *decision = evaluate(&question, config->policy);
        if (decision != NULL)
            describe(&question, config->policy, decision, "denied a WebSocket handshake", "");
    }
    return 1;
}
