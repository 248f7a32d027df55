/*
 * $crossgate_kind, $crossgate_reason, $crossgate_allowed and $crossgate_overwrote.
 */

#include "ngx_http_crossgate.h"


#define NGX_HTTP_CROSSGATE_KIND       0
#define NGX_HTTP_CROSSGATE_REASON     1
#define NGX_HTTP_CROSSGATE_ALLOWED    2
#define NGX_HTTP_CROSSGATE_OVERWROTE  3


static ngx_int_t ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data);


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
ngx_http_crossgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
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
