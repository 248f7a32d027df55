/*
 * $crossgate_kind, $crossgate_reason, $crossgate_denied, $crossgate_allowed, $crossgate_overwrote.
 */

#include "ngx_http_crossgate.h"


#define NGX_HTTP_CROSSGATE_KIND       0
#define NGX_HTTP_CROSSGATE_REASON     1
#define NGX_HTTP_CROSSGATE_ALLOWED    2
#define NGX_HTTP_CROSSGATE_OVERWROTE  3


static ngx_http_crossgate_ctx_t *ngx_http_crossgate_decided(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data);
static ngx_int_t ngx_http_crossgate_denied_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_crossgate_variables[] = {

    /* Not to be cached: before the decision there is nothing, and the access log asks last. */

    { ngx_string("crossgate_kind"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_KIND, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_reason"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_denied"), NULL, ngx_http_crossgate_denied_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_allowed"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_ALLOWED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("crossgate_overwrote"), NULL, ngx_http_crossgate_variable,
      NGX_HTTP_CROSSGATE_OVERWROTE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/*
 * The context of a request that is decided, or NULL. The response of return gets here before the
 * module has decided: add_header asks first. Then the location is final.
 */

static ngx_http_crossgate_ctx_t *
ngx_http_crossgate_decided(ngx_http_request_t *r)
{
    ngx_http_crossgate_ctx_t  *ctx;

    ctx = ngx_http_crossgate_get_ctx(r);

    if (ctx == NULL) {
        return NULL;
    }

    if (ctx->decision == NULL && r->headers_out.status != 0 && (ctx->fixed || !r->internal)
        && ngx_http_crossgate_decide(r, ctx) != NGX_OK)
    {
        return NULL;
    }

    return ctx->decision != NULL ? ctx : NULL;
}


static ngx_int_t
ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    const char                *text;
    ngx_http_crossgate_ctx_t  *ctx;

    ctx = ngx_http_crossgate_decided(r->main);
    text = NULL;

    if (ctx != NULL) {

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


/* The method or header name that a preflight was refused for. */

static ngx_int_t
ngx_http_crossgate_denied_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    char                       text[CROSSGATE_DESCRIPTION_SIZE];
    size_t                     length;
    crossgate_request          request;
    ngx_http_crossgate_ctx_t  *ctx;

    r = r->main;
    ctx = ngx_http_crossgate_decided(r);

    v->not_found = 1;

    if (ctx == NULL || ctx->decision->allowed != 0
        || ctx->decision->kind != CROSSGATE_KIND_PREFLIGHT)
    {
        return NGX_OK;
    }

    if (ngx_http_crossgate_request(r, &request) != NGX_OK) {
        return NGX_ERROR;
    }

    if (crossgate_decision_denied_name(ctx->decision, ctx->conf->policy->policy, &request, text,
                                       sizeof(text), &length)
        != CROSSGATE_OK
        || length == 0)
    {
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, length);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(v->data, text, length);

    v->len = length;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


ngx_int_t
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
