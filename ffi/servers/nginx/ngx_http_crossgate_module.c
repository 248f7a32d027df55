/*
 * CORS for nginx: crossgate_policy FILE; answers preflights and puts the right headers on every
 * response.
 *
 * The life of a request:
 *
 * - both rewrite phases: note which server and location it is in, before return and rewrite do
 *   anything;
 * - pre-access phase, behind all rewrites and before any authentication: the location is final, so
 *   its policy decides; a preflight (or a request that the policy rejects) is answered here, and a
 *   handshake that it does not allow;
 * - header filter: the decision is put on the response. A response that was made before the
 *   pre-access phase (return, redirects, "location /dir/" asked for as "/dir") is turned into the
 *   answer to a preflight here.
 *
 * The first location with a policy decides for good: error_page, try_files and X-Accel-Redirect
 * keep its decision.
 */

#include "ngx_http_crossgate.h"


static ngx_int_t ngx_http_crossgate_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_preaccess_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_interim_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_crossgate_init(ngx_conf_t *cf);


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

    if (r->headers_in.upgrade != NULL) {
        rc = ngx_http_crossgate_check_handshake(r);
        if (rc != NGX_OK) {
            return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
        }
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

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    if (r->headers_out.status < NGX_HTTP_OK) {
        return ngx_http_crossgate_interim_filter(r);
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


/*
 * nginx takes an upstream's 103 for the final response, with its headers, and what comes behind it
 * for the body. That cannot be put right here, and must not reach a browser. A switch of protocols
 * is no response to read.
 */

static ngx_int_t
ngx_http_crossgate_interim_filter(ngx_http_request_t *r)
{
    ngx_http_crossgate_ctx_t  *ctx;

    ctx = ngx_http_crossgate_get_ctx(r);

    if (r->upstream == NULL || ctx == NULL
        || (r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS && r->upstream->upgrade))
    {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_http_crossgate_decide(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->decision == NULL) {
        return ngx_http_next_header_filter(r);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "crossgate: the upstream sent status %ui, which nginx takes for the final "
                  "response: 502 instead", r->headers_out.status);

    return ngx_http_filter_finalize_request(r, &ngx_http_crossgate_module, NGX_HTTP_BAD_GATEWAY);
}


static ngx_int_t
ngx_http_crossgate_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_crossgate_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);

    ngx_http_crossgate_check_places(cf, mcf);

    /* Loaded but not used, the module costs nothing. */

    if (mcf->policies.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /* The handler that came last is called first: this one, before limit_req and the like. */

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
