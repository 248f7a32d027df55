/*
 * From request to decision. The library says what a decision depends on; of those that depend on
 * little, each worker remembers some.
 */

#include "ngx_http_crossgate.h"


static void ngx_http_crossgate_cleanup_ctx(void *data);
static ngx_uint_t ngx_http_crossgate_origin(ngx_http_request_t *r, ngx_str_t *origin);
static ngx_http_crossgate_known_t *ngx_http_crossgate_find_known(
    ngx_http_crossgate_policy_t *policy, ngx_str_t *origin);
static void ngx_http_crossgate_learn(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_str_t *origin, crossgate_request *request, const crossgate_decision *decision);
static void ngx_http_crossgate_log_shadow(ngx_http_request_t *r, const crossgate_decision *live,
    const crossgate_decision *shadow);


ngx_http_crossgate_ctx_t *
ngx_http_crossgate_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_crossgate_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_crossgate_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        /* nginx forgets the contexts of all modules at an internal redirect; the pool remembers. */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_crossgate_cleanup_ctx) {
                ctx = cln->data;
                ngx_http_set_ctx(r, ctx, ngx_http_crossgate_module);

                ctx->fixed = ctx->conf != NULL;

                if (!ctx->fixed) {
                    /* A policy may begin here; that of an error page answers no preflights. */
                    ctx->pending = r->err_status == 0;
                }

                break;
            }
        }
    }

    return ctx;
}


ngx_http_crossgate_ctx_t *
ngx_http_crossgate_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_crossgate_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_crossgate_cleanup_ctx;
    ngx_memzero(cln->data, sizeof(ngx_http_crossgate_ctx_t));
    ngx_http_set_ctx(r, cln->data, ngx_http_crossgate_module);

    return cln->data;
}


static void
ngx_http_crossgate_cleanup_ctx(void *data)
{
    /* Only there to be found. */
}


void
ngx_http_crossgate_note(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    ngx_http_crossgate_loc_conf_t  *conf;

    if (ctx->fixed || ctx->decision != NULL) {
        return;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_crossgate_module);

    ctx->conf = conf->policy != NULL ? conf : NULL;
}


ngx_int_t
ngx_http_crossgate_decide(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    ngx_str_t                       method, origin;
    ngx_uint_t                      count;
    ngx_flag_t                      options, shadowed, learns;
    crossgate_request               request;
    crossgate_decision              shadow, *decision;
    ngx_http_crossgate_known_t     *known;
    ngx_http_crossgate_loc_conf_t  *conf;

    ngx_http_crossgate_note(r, ctx);

    conf = ctx->conf;

    if (ctx->decision != NULL || conf == NULL || conf->policy->policy == NULL) {
        return NGX_OK;
    }

    options = ngx_http_crossgate_method(r, &method);

    shadowed = conf->shadow != NULL && conf->shadow->policy != NULL
               && r->connection->log->log_level >= NGX_LOG_INFO;

    ngx_str_null(&origin);

    count = ngx_http_crossgate_origin(r, &origin);

    if (count == 0) {
        ctx->decision = &conf->policy->not_cors[options];

        if (shadowed) {
            ngx_http_crossgate_log_shadow(r, ctx->decision, &conf->shadow->not_cors[options]);
        }

        return NGX_OK;
    }

    if (conf->policy->any.depends_on == 0 && !options && !shadowed) {
        ctx->decision = &conf->policy->any;
        return NGX_OK;
    }

    /* Where a shadow is asked, every request is decided anew. */

    learns = count == 1 && !options && !shadowed;

    if (learns) {
        known = ngx_http_crossgate_find_known(conf->policy, &origin);

        if (known) {
            ctx->decision = &known->decision;
            return NGX_OK;
        }
    }

    decision = ngx_palloc(r->pool, sizeof(crossgate_decision));
    if (decision == NULL) {
        return NGX_ERROR;
    }

    ctx->decision = decision;

    if (learns && !(conf->policy->any.depends_on & CROSSGATE_DEPENDS_ON_SEC_FETCH_SITE)) {

        /* Nothing else of such a request counts, and the line is found. */

        crossgate_request_init(&request, sizeof(request), (char *) method.data, method.len);
        crossgate_request_add_header(&request, "Origin", sizeof("Origin") - 1,
                                     (char *) origin.data, origin.len);

    } else if (ngx_http_crossgate_request(r, &request) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_crossgate_evaluate(r, conf, conf->policy, &request, decision) != NGX_OK) {
        return NGX_ERROR;
    }

    if (decision->allowed == 0) {
        ngx_http_crossgate_log_decision(r, "denied", conf->policy, &request, decision);
    }

    if (learns) {
        ngx_http_crossgate_learn(r, conf, &origin, &request, decision);
    }

    if (shadowed
        && ngx_http_crossgate_evaluate(r, conf, conf->shadow, &request, &shadow) == NGX_OK)
    {
        ngx_http_crossgate_log_shadow(r, ctx->decision, &shadow);
    }

    return NGX_OK;
}


/* The first Origin line, and how many there are. */

static ngx_uint_t
ngx_http_crossgate_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_uint_t                   count;
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    count = 0;

    ngx_http_crossgate_lines(&lines, &r->headers_in.headers);

    while ((h = ngx_http_crossgate_next(&lines, NULL)) != NULL) {

        if (h->key.len != sizeof("origin") - 1) {
            continue;
        }

        /* nginx makes the lower-case name, other modules may not. */

        if (h->lowcase_key
            ? ngx_memcmp(h->lowcase_key, "origin", sizeof("origin") - 1) != 0
            : ngx_strncasecmp(h->key.data, (u_char *) "origin", sizeof("origin") - 1) != 0)
        {
            continue;
        }

        if (count++ == 0) {
            *origin = h->value;
        }
    }

    return count;
}


static ngx_http_crossgate_known_t *
ngx_http_crossgate_find_known(ngx_http_crossgate_policy_t *policy, ngx_str_t *origin)
{
    ngx_uint_t                   i;
    ngx_http_crossgate_known_t  *known;

    for (i = 0; i < policy->nknown; i++) {
        known = &policy->known[i];

        if (known->len == origin->len
            && ngx_memcmp(known->origin, origin->data, origin->len) == 0)
        {
            return known;
        }
    }

    return NULL;
}


/*
 * Only decisions that depend on an Origin that is listed to the letter, and what is known stays.
 * Of those that a pattern allows anyone can invent any number, and would fill the places with what
 * never comes again.
 */

static void
ngx_http_crossgate_learn(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_str_t *origin, crossgate_request *request, const crossgate_decision *decision)
{
    ngx_http_crossgate_known_t   *known;
    ngx_http_crossgate_policy_t  *policy;

    policy = conf->policy;

    if (decision->depends_on != CROSSGATE_DEPENDS_ON_ORIGIN
        || !(decision->flags & CROSSGATE_DECISION_ORIGIN_LISTED)
        || policy->nknown == NGX_HTTP_CROSSGATE_KNOWN || origin->len > sizeof(known->origin))
    {
        return;
    }

    /* Asked again and not copied: a decision may point into itself. */

    known = &policy->known[policy->nknown];

    if (ngx_http_crossgate_evaluate(r, conf, policy, request, &known->decision) == NGX_OK
        && known->decision.flags & CROSSGATE_DECISION_ORIGIN_LISTED)
    {
        known->len = origin->len;
        ngx_memcpy(known->origin, origin->data, origin->len);
        policy->nknown++;
    }
}


ngx_int_t
ngx_http_crossgate_evaluate(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request, crossgate_decision *decision)
{
    char              *scratch;
    int32_t            verdict;
    crossgate_status   status;

    crossgate_decision_init(decision, sizeof(crossgate_decision));

    scratch = NULL;

    if (policy->scratch_size != 0 && request->method.len == sizeof("OPTIONS") - 1
        && ngx_strncmp(request->method.data, "OPTIONS", sizeof("OPTIONS") - 1) == 0)
    {
        scratch = ngx_pnalloc(r->pool, policy->scratch_size);
        if (scratch == NULL) {
            return NGX_ERROR;
        }
    }

    status = crossgate_evaluate(policy->policy, request, decision, scratch,
                                scratch ? policy->scratch_size : 0);

    if (decision->flags & CROSSGATE_DECISION_NEEDS_VERDICT && conf->verdict != NULL) {

        if (ngx_http_crossgate_verdict(r, conf, &verdict) != NGX_OK) {
            return NGX_ERROR;
        }

        status = crossgate_decision_resume(decision, verdict);
    }

    if (status != CROSSGATE_OK) {
        /* The decision permits nothing. */
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "crossgate: %s",
                      crossgate_status_string(status));
    }

    return NGX_OK;
}


/* What crossgate_verdict says of the request. */

ngx_int_t
ngx_http_crossgate_verdict(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    int32_t *verdict)
{
    ngx_str_t  said;

    *verdict = CROSSGATE_VERDICT_ABSENT;

    if (conf->verdict == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, &conf->verdict->value, &said) != NGX_OK) {
        return NGX_ERROR;
    }

    *verdict = said.len == sizeof("allow") - 1
               && ngx_strncmp(said.data, "allow", sizeof("allow") - 1) == 0
               ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_DENY;

    return NGX_OK;
}


/* The library escapes what comes from the request: it ends no line and adds no field. */

void
ngx_http_crossgate_log_decision(ngx_http_request_t *r, const char *what,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request,
    const crossgate_decision *decision)
{
    char    text[CROSSGATE_DESCRIPTION_SIZE];
    size_t  length;

    if (r->connection->log->log_level >= NGX_LOG_INFO
        && crossgate_decision_describe(decision, policy->policy, request, text, sizeof(text),
                                       &length)
           == CROSSGATE_OK)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "crossgate: %s: %s", what, text);
    }
}


static void
ngx_http_crossgate_log_shadow(ngx_http_request_t *r, const crossgate_decision *live,
    const crossgate_decision *shadow)
{
    uint32_t                 i, bits;
    crossgate_difference     difference;
    const crossgate_header  *a, *b;

    difference.struct_size = sizeof(crossgate_difference);

    if (crossgate_decision_difference(live, shadow, &difference) != CROSSGATE_OK
        || !difference.differs)
    {
        return;
    }

    /* The values are the policies' own or were matched by them: nothing in them disturbs a log. */

    for (i = 0; i < live->header_count && i < shadow->header_count; i++) {

        a = &live->headers[i];
        b = &shadow->headers[i];
        bits = (1u << a->id) | (1u << b->id);

        if (!(difference.headers & bits)) {
            continue;
        }

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "crossgate: the shadow policy differs: %s %s %d, not %s %s %d, "
                      "\"%s: %s\", not \"%s: %s\"",
                      crossgate_action_string(shadow->action),
                      crossgate_reason_string(shadow->reason), (int) shadow->status,
                      crossgate_action_string(live->action),
                      crossgate_reason_string(live->reason), (int) live->status,
                      b->name.data, b->value.data, a->name.data, a->value.data);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "crossgate: the shadow policy differs: %s %s %d, not %s %s %d, "
                  "%uD headers, not %uD",
                  crossgate_action_string(shadow->action),
                  crossgate_reason_string(shadow->reason), (int) shadow->status,
                  crossgate_action_string(live->action),
                  crossgate_reason_string(live->reason), (int) live->status,
                  shadow->header_count, live->header_count);
}
