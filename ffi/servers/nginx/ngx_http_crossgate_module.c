/*
 * CORS for nginx: crossgate_policy FILE; answers preflights and puts the right headers on every response.
 *
 * The life of a request:
 *
 * - both rewrite phases: note which server and location it is in, before return and rewrite do anything;
 * - pre-access phase, behind all rewrites and before any authentication: the location is final, so its policy decides;
 *   a preflight (or a request that the policy rejects) is answered here;
 * - header filter: the decision is put on the response. A response that was made before the pre-access phase (return,
 *   redirects, "location /dir/" asked for as "/dir") is turned into the answer to a preflight here.
 *
 * The first location with a policy decides for good: error_page, try_files and X-Accel-Redirect keep its decision.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <crossgate.h>


/* The decision about requests with this one Origin that are not OPTIONS: it depends on nothing else. */
typedef struct {
    size_t              len;
    u_char              origin[56];
    crossgate_decision  decision;
} ngx_http_crossgate_known_t;


#define NGX_HTTP_CROSSGATE_KNOWN  8

typedef struct {
    ngx_str_t          path;
    crossgate_policy  *policy;        /* NULL: off */
    size_t             scratch_size;

    /* For requests without Origin: all there is to say, known before they come. By whether the method is OPTIONS. */
    crossgate_decision          not_cors[2];

    /* For all others that are not OPTIONS, whatever their Origin, where the reason is "allowed_any". */
    crossgate_decision          any;

    /* Listed origins that have asked this worker. Filled up once, never changed: requests point at the decisions. */
    ngx_uint_t                  nknown;
    ngx_http_crossgate_known_t  known[NGX_HTTP_CROSSGATE_KNOWN];
} ngx_http_crossgate_policy_t;


/* crossgate_verdict */
typedef struct {
    ngx_http_complex_value_t  value;
    ngx_str_t                 file;
    ngx_uint_t                line;
    ngx_uint_t                asked;  /* a policy for which it holds has origin_predicate */
} ngx_http_crossgate_verdict_t;


typedef struct {
    ngx_array_t  policies;            /* of ngx_http_crossgate_policy_t *: each file is read once */
    ngx_array_t  verdicts;            /* of ngx_http_crossgate_verdict_t * */
} ngx_http_crossgate_main_conf_t;


typedef struct {
    ngx_http_crossgate_policy_t  *policy;
    ngx_http_crossgate_policy_t  *shadow;
    ngx_http_crossgate_verdict_t *verdict;
} ngx_http_crossgate_loc_conf_t;


typedef struct {
    ngx_http_crossgate_loc_conf_t  *conf;         /* whose policy decides; NULL: there is none so far */
    const crossgate_decision       *decision;     /* NULL: none so far, or off */
    unsigned                        pending:1;    /* a preflight is to be answered, whatever comes first */
    unsigned                        fixed:1;      /* conf is that of the place before an internal redirect */
    unsigned                        overwrote:1;  /* CORS headers of an upstream or of add_header */
} ngx_http_crossgate_ctx_t;


/* Goes through the lines of a list of headers. */
typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_http_crossgate_lines_t;


static ngx_int_t ngx_http_crossgate_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_preaccess_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_header_filter(ngx_http_request_t *r);
static ngx_http_crossgate_ctx_t *ngx_http_crossgate_get_ctx(ngx_http_request_t *r);
static ngx_http_crossgate_ctx_t *ngx_http_crossgate_create_ctx(ngx_http_request_t *r);
static void ngx_http_crossgate_cleanup_ctx(void *data);
static void ngx_http_crossgate_note(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);
static ngx_int_t ngx_http_crossgate_decide(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);
static ngx_int_t ngx_http_crossgate_add_headers(ngx_http_request_t *r, crossgate_request *request,
    ngx_flag_t options);
static ngx_uint_t ngx_http_crossgate_origin(ngx_http_request_t *r, ngx_str_t *origin);
static ngx_http_crossgate_known_t *ngx_http_crossgate_find_known(ngx_http_crossgate_policy_t *policy,
    ngx_str_t *origin);
static ngx_flag_t ngx_http_crossgate_listed(const crossgate_decision *decision);
static void ngx_http_crossgate_learn(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf, ngx_str_t *origin,
    crossgate_request *request, const crossgate_decision *decision);
static ngx_int_t ngx_http_crossgate_evaluate(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request, crossgate_decision *decision);
static void ngx_http_crossgate_log_shadow(ngx_http_request_t *r, const crossgate_decision *live,
    const crossgate_decision *shadow);
static void ngx_http_crossgate_set_answer(ngx_http_request_t *r, const crossgate_decision *decision);
static ngx_int_t ngx_http_crossgate_apply(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);
static ngx_flag_t ngx_http_crossgate_concerned(ngx_list_t *list);
static ngx_int_t ngx_http_crossgate_push(ngx_http_request_t *r, const crossgate_header *header);
static ngx_int_t ngx_http_crossgate_set(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx,
    const crossgate_header *header);
static void ngx_http_crossgate_lines(ngx_http_crossgate_lines_t *lines, ngx_list_t *list);
static ngx_table_elt_t *ngx_http_crossgate_next(ngx_http_crossgate_lines_t *lines, const crossgate_str *name);
static ngx_flag_t ngx_http_crossgate_named(ngx_table_elt_t *h, const crossgate_str *name);

static ngx_int_t ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_crossgate_add_variables(ngx_conf_t *cf);
static void *ngx_http_crossgate_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_crossgate_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_crossgate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static char *ngx_http_crossgate_off(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_http_crossgate_policy_t *ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *name);
static void ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *path, const crossgate_problem *problem);
static void ngx_http_crossgate_free(void *data);
static ngx_int_t ngx_http_crossgate_init(ngx_conf_t *cf);


#define NGX_HTTP_CROSSGATE_ANYWHERE  (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

static ngx_command_t  ngx_http_crossgate_commands[] = {

    { ngx_string("crossgate_policy"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, policy),
      NULL },

    { ngx_string("crossgate"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_off,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, policy),
      NULL },

    { ngx_string("crossgate_shadow"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, shadow),
      NULL },

    { ngx_string("crossgate_verdict"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_set_verdict,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_crossgate_module_ctx = {
    ngx_http_crossgate_add_variables,      /* preconfiguration */
    ngx_http_crossgate_init,               /* postconfiguration */

    ngx_http_crossgate_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_crossgate_create_loc_conf,    /* create location configuration */
    ngx_http_crossgate_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_crossgate_module = {
    NGX_MODULE_V1,
    &ngx_http_crossgate_module_ctx,        /* module context */
    ngx_http_crossgate_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

/* Configured by "off", so that it is no empty place to inherit into. */
static ngx_http_crossgate_policy_t  ngx_http_crossgate_no_policy;


/* ---- requests ---- */


static ngx_int_t
ngx_http_crossgate_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_crossgate_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_crossgate_get_ctx(r);
    if (ctx == NULL) {
        ctx = ngx_http_crossgate_create_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ctx->pending = 1;
    }

    ngx_http_crossgate_note(r, ctx);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_crossgate_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_crossgate_ctx_t  *ctx;

    /* post_action comes here again behind the response. */
    if (r != r->main || r->header_sent) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_crossgate_get_ctx(r);
    if (ctx == NULL || !ctx->pending) {
        return NGX_DECLINED;
    }

    ctx->pending = 0;

    if (ngx_http_crossgate_decide(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->decision == NULL || ctx->decision->action == CROSSGATE_ACTION_FORWARD) {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_crossgate_set_answer(r, ctx->decision);
    ngx_http_finalize_request(r, ngx_http_send_header(r));

    return NGX_DONE;
}


static ngx_int_t
ngx_http_crossgate_header_filter(ngx_http_request_t *r)
{
    ngx_http_crossgate_ctx_t  *ctx;

    /* An interim answer and a switch of protocols are no responses to read. */
    if (r != r->main || r->headers_out.status < NGX_HTTP_OK) {
        return ngx_http_next_header_filter(r);
    }

    /* There is none for a request that is refused before any phase, with 400 for example. */
    ctx = ngx_http_crossgate_get_ctx(r);
    if (ctx == NULL) {
        ctx = ngx_http_crossgate_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_crossgate_decide(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->decision == NULL) {
        return ngx_http_next_header_filter(r);
    }

    if (ctx->pending && ctx->decision->action != CROSSGATE_ACTION_FORWARD) {
        ngx_http_crossgate_set_answer(r, ctx->decision);
    }

    if (ngx_http_crossgate_apply(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_http_crossgate_ctx_t *
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
                    /* A policy may begin here; that of an error page has no preflights to answer. */
                    ctx->pending = r->err_status == 0;
                }

                break;
            }
        }
    }

    return ctx;
}


static ngx_http_crossgate_ctx_t *
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


static void
ngx_http_crossgate_note(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    ngx_http_crossgate_loc_conf_t  *conf;

    if (ctx->fixed || ctx->decision != NULL) {
        return;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_crossgate_module);

    ctx->conf = conf->policy != NULL ? conf : NULL;
}


static ngx_int_t
ngx_http_crossgate_decide(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    u_char                         *p, *last;
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

    /* Not r->method_name: error_page and X-Accel-Redirect make that GET. */

    method.data = r->request_line.data;
    last = method.data + r->request_line.len;
    for (p = method.data; p < last && *p != ' '; p++) { /* void */ }
    method.len = p - method.data;

    options = method.len == sizeof("OPTIONS") - 1
              && ngx_memcmp(method.data, "OPTIONS", sizeof("OPTIONS") - 1) == 0;

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

    if (conf->policy->any.reason == CROSSGATE_REASON_ALLOWED_ANY && !options && !shadowed) {
        ctx->decision = &conf->policy->any;
        return NGX_OK;
    }

    /* Where the host has a say or a shadow is asked, every request is decided anew. */

    learns = count == 1 && !options && conf->verdict == NULL && !shadowed;

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

    crossgate_request_init(&request, sizeof(request), (char *) method.data, method.len);

    if (ngx_http_crossgate_add_headers(r, &request, options) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_crossgate_evaluate(r, conf, conf->policy, &request, decision) != NGX_OK) {
        return NGX_ERROR;
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


static ngx_int_t
ngx_http_crossgate_add_headers(ngx_http_request_t *r, crossgate_request *request, ngx_flag_t options)
{
    size_t                       count;
    crossgate_str               *names;
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    static const crossgate_str   name = {
        "access-control-request-headers", sizeof("access-control-request-headers") - 1
    };

    /* The request has room for some lines with names. Nobody but a preflight needs any, and browsers send one. */

    count = 0;
    names = NULL;

    if (options
        && (r->headers_in.headers.part.next != NULL
            || r->headers_in.headers.part.nelts > CROSSGATE_ADDED_LINES))
    {
        ngx_http_crossgate_lines(&lines, &r->headers_in.headers);

        while (ngx_http_crossgate_next(&lines, &name) != NULL) {
            count++;
        }
    }

    if (count > CROSSGATE_ADDED_LINES) {
        names = ngx_palloc(r->pool, count * sizeof(crossgate_str));
        if (names == NULL) {
            return NGX_ERROR;
        }

        request->acrh.data = names;
        request->acrh.count = count;
    }

    ngx_http_crossgate_lines(&lines, &r->headers_in.headers);

    while ((h = ngx_http_crossgate_next(&lines, NULL)) != NULL) {

        if (names != NULL && ngx_http_crossgate_named(h, &name)) {
            names->data = h->value.len ? (char *) h->value.data : "";
            names->len = h->value.len;
            names++;

        } else {
            crossgate_request_add_header(request, (char *) h->key.data, h->key.len,
                                         (char *) h->value.data, h->value.len);
        }
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

        if (h->lowcase_key ? ngx_memcmp(h->lowcase_key, "origin", sizeof("origin") - 1) != 0
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

        if (known->len == origin->len && ngx_memcmp(known->origin, origin->data, origin->len) == 0) {
            return known;
        }
    }

    return NULL;
}


/* Whether the policy allows this origin to the letter: then the origin in the answer is the policy's, else a copy. */

static ngx_flag_t
ngx_http_crossgate_listed(const crossgate_decision *decision)
{
    uint32_t   i;
    uintptr_t  value, text;

    text = (uintptr_t) decision->text;

    for (i = 0; i < decision->header_count; i++) {
        if (decision->headers[i].id == CROSSGATE_HEADER_ALLOW_ORIGIN) {
            value = (uintptr_t) decision->headers[i].value.data;
            return value < text || value >= text + sizeof(decision->text);
        }
    }

    return 0;
}


/*
 * Only origins that are listed to the letter, and what is known stays. Of those that a pattern allows anybody can
 * invent as many as he likes, and would fill the places with what never comes again.
 */

static void
ngx_http_crossgate_learn(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf, ngx_str_t *origin,
    crossgate_request *request, const crossgate_decision *decision)
{
    ngx_http_crossgate_known_t   *known;
    ngx_http_crossgate_policy_t  *policy;

    policy = conf->policy;

    if (decision->kind != CROSSGATE_KIND_ACTUAL || decision->allowed != 1
        || policy->nknown == NGX_HTTP_CROSSGATE_KNOWN || origin->len > sizeof(known->origin)
        || !ngx_http_crossgate_listed(decision))
    {
        return;
    }

    /* Asked again and not copied: a decision may point into itself. */

    known = &policy->known[policy->nknown];

    if (ngx_http_crossgate_evaluate(r, conf, policy, request, &known->decision) == NGX_OK
        && known->decision.allowed == 1)
    {
        known->len = origin->len;
        ngx_memcpy(known->origin, origin->data, origin->len);
        policy->nknown++;
    }
}


static ngx_int_t
ngx_http_crossgate_evaluate(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request, crossgate_decision *decision)
{
    char              *scratch;
    ngx_str_t          verdict;
    crossgate_str      origin;
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

    request->verdict = CROSSGATE_VERDICT_ABSENT;

    if (conf->verdict != NULL
        && crossgate_needs_verdict(policy->policy, request, &origin) == CROSSGATE_OK && origin.data != NULL)
    {
        if (ngx_http_complex_value(r, &conf->verdict->value, &verdict) != NGX_OK) {
            return NGX_ERROR;
        }

        request->verdict = (verdict.len == 5 && ngx_strncmp(verdict.data, "allow", 5) == 0)
                           ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_DENY;
    }

    status = crossgate_evaluate(policy->policy, request, decision, scratch,
                                scratch ? policy->scratch_size : 0);

    if (status != CROSSGATE_OK) {
        /* The decision permits nothing. */
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "crossgate: %s", crossgate_status_string(status));
    }

    return NGX_OK;
}


static void
ngx_http_crossgate_log_shadow(ngx_http_request_t *r, const crossgate_decision *live, const crossgate_decision *shadow)
{
    uint32_t                 i;
    ngx_flag_t               same;
    const crossgate_header  *a, *b;

    same = live->action == shadow->action && live->reason == shadow->reason && live->allowed == shadow->allowed
           && live->status == shadow->status && live->flags == shadow->flags
           && live->header_count == shadow->header_count;

    a = b = NULL;

    for (i = 0; i < live->header_count && i < shadow->header_count; i++) {
        a = &live->headers[i];
        b = &shadow->headers[i];

        if (a->id != b->id || a->value.len != b->value.len
            || ngx_memcmp(a->value.data, b->value.data, a->value.len) != 0)
        {
            same = 0;
            break;
        }
    }

    if (same) {
        return;
    }

    /* The values are the policies' own or were matched by them: nothing in them disturbs a log. */

    if (i < live->header_count && i < shadow->header_count) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "crossgate: the shadow policy differs: %s %s %d, not %s %s %d, \"%s: %s\", not \"%s: %s\"",
                      crossgate_action_string(shadow->action), crossgate_reason_string(shadow->reason),
                      (int) shadow->status,
                      crossgate_action_string(live->action), crossgate_reason_string(live->reason),
                      (int) live->status,
                      b->name.data, b->value.data, a->name.data, a->value.data);
    } else {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "crossgate: the shadow policy differs: %s %s %d, not %s %s %d, %uD headers, not %uD",
                      crossgate_action_string(shadow->action), crossgate_reason_string(shadow->reason),
                      (int) shadow->status,
                      crossgate_action_string(live->action), crossgate_reason_string(live->reason),
                      (int) live->status,
                      shadow->header_count, live->header_count);
    }
}


/* ---- responses ---- */


static void
ngx_http_crossgate_set_answer(ngx_http_request_t *r, const crossgate_decision *decision)
{
    /* There may be another response already, made by return for example. */

    ngx_http_clear_location(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    ngx_str_null(&r->headers_out.content_type);
    ngx_str_null(&r->headers_out.charset);
    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = 0;

    r->headers_out.status = decision->status;
    r->headers_out.status_line.len = 0;
    r->err_status = 0;
    r->header_only = 1;
}


static ngx_int_t
ngx_http_crossgate_apply(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    /*
     * nginx may come here twice with one response: with 416, which it finds out about late. All of this can be done
     * twice.
     */

    uint32_t                     i;
    ngx_flag_t                   keep;
    crossgate_str                acao;
    ngx_table_elt_t             *h;
    const crossgate_decision    *decision;
    ngx_http_crossgate_lines_t   lines;

    decision = ctx->decision;
    keep = 0;

    if (!ngx_http_crossgate_concerned(&r->headers_out.headers)) {

        for (i = 0; i < decision->header_count; i++) {
            if (ngx_http_crossgate_push(r, &decision->headers[i]) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        return NGX_OK;
    }

    if (decision->flags & CROSSGATE_DECISION_KEEP_UPSTREAM) {
        acao.data = "access-control-allow-origin";
        acao.len = sizeof("access-control-allow-origin") - 1;

        ngx_http_crossgate_lines(&lines, &r->headers_out.headers);
        keep = ngx_http_crossgate_next(&lines, &acao) != NULL;
    }

    for (i = 0; i < decision->remove_count && !keep; i++) {

        ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

        while ((h = ngx_http_crossgate_next(&lines, &decision->remove[i])) != NULL) {
            h->hash = 0;
            ctx->overwrote = 1;
        }
    }

    for (i = 0; i < decision->header_count; i++) {

        if (keep && decision->headers[i].id != CROSSGATE_HEADER_VARY) {
            continue;
        }

        if (ngx_http_crossgate_set(r, ctx, &decision->headers[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Whether a response has any of the headers that decisions are about. Most have none: one look instead of one a name. */

static ngx_flag_t
ngx_http_crossgate_concerned(ngx_list_t *list)
{
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    ngx_http_crossgate_lines(&lines, list);

    while ((h = ngx_http_crossgate_next(&lines, NULL)) != NULL) {

        if ((h->key.len == sizeof("Vary") - 1 && ngx_strncasecmp(h->key.data, (u_char *) "Vary", h->key.len) == 0)
            || (h->key.len > sizeof("Access-Control-") - 1
                && ngx_strncasecmp(h->key.data, (u_char *) "Access-Control-", sizeof("Access-Control-") - 1) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_crossgate_push(ngx_http_request_t *r, const crossgate_header *header)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* Names are static in the library, values last as long as the request. */

    h->hash = 1;
    h->key.data = (u_char *) header->name.data;
    h->key.len = header->name.len;
    h->lowcase_key = (u_char *) header->lower_name.data;
    h->value.data = (u_char *) header->value.data;
    h->value.len = header->value.len;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_crossgate_set(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx, const crossgate_header *header)
{
    char                        *joined, *merged, *p;
    size_t                       len, room, count;
    ngx_str_t                    value;
    ngx_table_elt_t             *h, *first;
    ngx_http_crossgate_lines_t   lines;

    value.data = (u_char *) header->value.data;
    value.len = header->value.len;

    first = NULL;
    len = 0;
    count = 0;

    ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

    while ((h = ngx_http_crossgate_next(&lines, &header->lower_name)) != NULL) {
        if (first == NULL) {
            first = h;
        }

        len += h->value.len;
        count++;
    }

    if (first == NULL) {
        return ngx_http_crossgate_push(r, header);
    }

    if (header->op == CROSSGATE_OP_MERGE) {

        len += 2 * (count - 1);

        room = 2 * (len + value.len) + 1;

        joined = ngx_pnalloc(r->pool, len + room);
        if (joined == NULL) {
            return NGX_ERROR;
        }

        p = joined;
        ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

        while ((h = ngx_http_crossgate_next(&lines, &header->lower_name)) != NULL) {
            if (p != joined) {
                *p++ = ',';
                *p++ = ' ';
            }

            p = (char *) ngx_cpymem(p, h->value.data, h->value.len);
        }

        merged = joined + len;

        if (crossgate_header_merge(header, joined, p - joined, merged, room, &value.len) != CROSSGATE_OK)
        {
            return NGX_ERROR;
        }

        value.data = (u_char *) merged;

    } else if (first->value.data != value.data) {
        ctx->overwrote = 1;
    }

    ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

    while ((h = ngx_http_crossgate_next(&lines, &header->lower_name)) != NULL) {
        if (h != first) {
            h->hash = 0;
        }
    }

    first->value = value;

    return NGX_OK;
}


static void
ngx_http_crossgate_lines(ngx_http_crossgate_lines_t *lines, ngx_list_t *list)
{
    lines->part = &list->part;
    lines->i = 0;
}


/* The next line with that lower-case name, or the next line at all. */

static ngx_table_elt_t *
ngx_http_crossgate_next(ngx_http_crossgate_lines_t *lines, const crossgate_str *name)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {

        if (lines->i >= lines->part->nelts) {
            if (lines->part->next == NULL) {
                return NULL;
            }

            lines->part = lines->part->next;
            lines->i = 0;
            continue;
        }

        h = (ngx_table_elt_t *) lines->part->elts + lines->i++;

        /* 0: nginx passes over it. */
        if (h->hash == 0) {
            continue;
        }

        if (name == NULL || ngx_http_crossgate_named(h, name)) {
            return h;
        }
    }
}


static ngx_flag_t
ngx_http_crossgate_named(ngx_table_elt_t *h, const crossgate_str *name)
{
    return h->key.len == name->len && ngx_strncasecmp(h->key.data, (u_char *) name->data, name->len) == 0;
}


/* ---- variables ---- */


#define NGX_HTTP_CROSSGATE_KIND       0
#define NGX_HTTP_CROSSGATE_REASON     1
#define NGX_HTTP_CROSSGATE_ALLOWED    2
#define NGX_HTTP_CROSSGATE_OVERWROTE  3

static ngx_http_variable_t  ngx_http_crossgate_variables[] = {

    /* Not to be cached: before the decision there is nothing, and the access log asks last. */

    { ngx_string("crossgate_kind"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_KIND, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_reason"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_allowed"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_ALLOWED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_overwrote"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_OVERWROTE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    const char                *text;
    ngx_http_crossgate_ctx_t  *ctx;

    ctx = ngx_http_crossgate_get_ctx(r->main);
    text = NULL;

    if (ctx != NULL && ctx->decision != NULL) {

        switch (data) {

        case NGX_HTTP_CROSSGATE_KIND:
            text = crossgate_kind_string(ctx->decision->kind);
            break;

        case NGX_HTTP_CROSSGATE_REASON:
            text = crossgate_reason_string(ctx->decision->reason);
            break;

        case NGX_HTTP_CROSSGATE_ALLOWED:
            if (ctx->decision->allowed >= 0) {
                text = ctx->decision->allowed ? "1" : "0";
            }
            break;

        default: /* NGX_HTTP_CROSSGATE_OVERWROTE */
            text = ctx->overwrote ? "1" : "0";
        }
    }

    if (text == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) text;
    v->len = ngx_strlen(text);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_crossgate_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_crossgate_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* ---- configuration ---- */


static void *
ngx_http_crossgate_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_crossgate_main_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_main_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->policies, cf->pool, 4, sizeof(ngx_http_crossgate_policy_t *)) != NGX_OK
        || ngx_array_init(&conf->verdicts, cf->pool, 1, sizeof(ngx_http_crossgate_verdict_t *)) != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


static void *
ngx_http_crossgate_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_crossgate_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->policy = NGX_CONF_UNSET_PTR;
    conf->shadow = NGX_CONF_UNSET_PTR;

    return conf;
}


static char *
ngx_http_crossgate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_crossgate_loc_conf_t  *prev = parent;
    ngx_http_crossgate_loc_conf_t  *conf = child;

    ngx_conf_merge_ptr_value(conf->policy, prev->policy, NULL);
    ngx_conf_merge_ptr_value(conf->shadow, prev->shadow, NULL);

    if (conf->verdict == NULL) {
        conf->verdict = prev->verdict;
    }

    if (conf->verdict != NULL
        && ((conf->policy != NULL && crossgate_policy_has_origin_predicate(conf->policy->policy))
            || (conf->shadow != NULL && crossgate_policy_has_origin_predicate(conf->shadow->policy))))
    {
        conf->verdict->asked = 1;
    }

    return NGX_CONF_OK;
}


/* crossgate off; */

static char *
ngx_http_crossgate_off(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"crossgate\": it can only be \"off\"; "
                           "\"crossgate_policy FILE;\" turns it on", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (lcf->policy == &ngx_http_crossgate_no_policy) {
        return "is duplicate";
    }

    if (lcf->policy != NGX_CONF_UNSET_PTR) {
        return "contradicts \"crossgate_policy\"";
    }

    lcf->policy = &ngx_http_crossgate_no_policy;

    return NGX_CONF_OK;
}


/* crossgate_policy FILE; crossgate_shadow FILE | off; */

static char *
ngx_http_crossgate_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
    ngx_http_crossgate_policy_t  **field;

    field = (ngx_http_crossgate_policy_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (cmd->offset == offsetof(ngx_http_crossgate_loc_conf_t, shadow)) {

        if (*field != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        if (ngx_strcmp(value[1].data, "off") == 0) {
            *field = &ngx_http_crossgate_no_policy;
            return NGX_CONF_OK;
        }
    }

    if (*field == &ngx_http_crossgate_no_policy) {
        return "contradicts \"crossgate off\"";
    }

    if (*field != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *field = ngx_http_crossgate_load(cf, &value[1]);

    return *field == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* crossgate_verdict VALUE; */

static char *
ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t                          *value;
    ngx_http_crossgate_verdict_t       *verdict, **known;
    ngx_http_crossgate_main_conf_t     *mcf;
    ngx_http_compile_complex_value_t    ccv;

    if (lcf->verdict != NULL) {
        return "is duplicate";
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);
    value = cf->args->elts;

    verdict = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_verdict_t));
    known = ngx_array_push(&mcf->verdicts);

    if (verdict == NULL || known == NULL) {
        return NGX_CONF_ERROR;
    }

    *known = verdict;
    lcf->verdict = verdict;

    verdict->file = cf->conf_file->file.name;
    verdict->line = cf->conf_file->line;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = &verdict->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_http_crossgate_policy_t *
ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *name)
{
    size_t                            i;
    ngx_str_t                         path;
    crossgate_error                  *error;
    crossgate_policy                 *built;
    crossgate_status                  status;
    crossgate_problem                 problem;
    crossgate_request                 request;
    ngx_pool_cleanup_t               *cln;
    ngx_http_crossgate_policy_t      *policy, **known;
    ngx_http_crossgate_main_conf_t   *mcf;

    crossgate_decision               *decisions[3];

    static const char                *methods[] = { "GET", "OPTIONS", "GET" };

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NULL;
    }

    known = mcf->policies.elts;

    for (i = 0; i < mcf->policies.nelts; i++) {
        if (known[i]->path.len == path.len && ngx_strncmp(known[i]->path.data, path.data, path.len) == 0) {
            return known[i];
        }
    }

    /* All that can fail comes before the policy is there, so that it is always freed. */

    policy = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_policy_t));
    known = ngx_array_push(&mcf->policies);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (policy == NULL || known == NULL || cln == NULL) {
        return NULL;
    }

    *known = policy;
    policy->path = path;

    problem.struct_size = sizeof(problem);
    status = crossgate_policy_from_file((char *) path.data, path.len, &built, &error);

    if (status != CROSSGATE_OK) {

        if (crossgate_error_count(error) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: \"%V\": %s", &path,
                               error ? crossgate_error_text(error) : crossgate_status_string(status));
        }

        for (i = 0; i < crossgate_error_count(error); i++) {
            if (crossgate_error_problem(error, i, &problem) == CROSSGATE_OK) {
                ngx_http_crossgate_log_problem(cf, &path, &problem);
            }
        }

        crossgate_error_free(error);

        return NULL;
    }

    policy->policy = built;
    policy->scratch_size = crossgate_policy_scratch_size(built);

    decisions[0] = &policy->not_cors[0];
    decisions[1] = &policy->not_cors[1];
    decisions[2] = &policy->any;

    for (i = 0; i < 3; i++) {
        crossgate_request_init(&request, sizeof(request), methods[i], ngx_strlen(methods[i]));
        crossgate_decision_init(decisions[i], sizeof(crossgate_decision));

        if (decisions[i] == &policy->any) {
            /* Which origin it is matters only where the decision is not used. */
            crossgate_request_add_header(&request, "Origin", sizeof("Origin") - 1, "null", sizeof("null") - 1);
        }

        status = crossgate_evaluate(built, &request, decisions[i], NULL, 0);

        if (status != CROSSGATE_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: \"%V\": %s", &path, crossgate_status_string(status));
            crossgate_policy_free(built);
            return NULL;
        }
    }

    /* The configuration's pool lives until the last worker that serves it is gone. */

    cln->handler = ngx_http_crossgate_free;
    cln->data = built;

    for (i = 0; i < crossgate_policy_warning_count(built); i++) {
        if (crossgate_policy_warning(built, i, &problem) == CROSSGATE_OK) {
            ngx_http_crossgate_log_problem(cf, &path, &problem);
        }
    }

    return policy;
}


static void
ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *path, const crossgate_problem *problem)
{
    size_t      escaped;
    ngx_str_t   hint;
    ngx_uint_t  level;

    level = problem->severity == CROSSGATE_SEVERITY_WARNING ? NGX_LOG_WARN : NGX_LOG_EMERG;

    hint.len = 0;
    hint.data = NULL;

    if (problem->hint.data != NULL) {

        /* The only part that comes as it is. */

        escaped = ngx_escape_json(NULL, (u_char *) problem->hint.data, problem->hint.len);

        hint.data = ngx_pnalloc(cf->temp_pool, problem->hint.len + escaped);
        if (hint.data == NULL) {
            return;
        }

        hint.len = (u_char *) ngx_escape_json(hint.data, (u_char *) problem->hint.data, problem->hint.len) - hint.data;
    }

    ngx_conf_log_error(level, cf, 0, "crossgate: \"%V\": %s%s%s: %s (found \"%s\")%s%V",
                       path, problem->code.data, problem->path.len ? " at " : "", problem->path.data,
                       problem->message.data, problem->value.data, hint.data ? "; write: " : "", &hint);
}


static void
ngx_http_crossgate_free(void *data)
{
    crossgate_policy_free(data);
}


static ngx_int_t
ngx_http_crossgate_init(ngx_conf_t *cf)
{
    ngx_uint_t                        i;
    ngx_http_handler_pt              *h;
    ngx_http_core_main_conf_t        *cmcf;
    ngx_http_crossgate_verdict_t    **verdict;
    ngx_http_crossgate_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);
    verdict = mcf->verdicts.elts;

    /* All servers and locations are merged now, so it is known who is ever asked. */

    for (i = 0; i < mcf->verdicts.nelts; i++) {
        if (!verdict[i]->asked) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "crossgate: \"crossgate_verdict\" is never asked: no policy where it holds has "
                          "\"origin_predicate\": set that to true there, or remove the directive in %V:%ui",
                          &verdict[i]->file, verdict[i]->line);
        }
    }

    /* Loaded but not used, the module costs nothing. */

    if (mcf->policies.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /* Of the handlers of a phase the one that came last is called first: this one, before limit_req and the like. */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_crossgate_rewrite_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_crossgate_rewrite_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_crossgate_preaccess_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_crossgate_header_filter;

    return NGX_OK;
}
