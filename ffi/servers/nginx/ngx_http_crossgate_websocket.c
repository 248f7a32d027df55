/*
 * crossgate_websocket: handshakes are no CORS requests, and browsers do not look at their answers.
 * So the server has to say no, before an upstream is asked.
 */

#include "ngx_http_crossgate.h"


static ngx_flag_t ngx_http_crossgate_is_handshake(ngx_http_request_t *r);


/* NGX_OK, NGX_HTTP_FORBIDDEN, or NGX_ERROR. */

ngx_int_t
ngx_http_crossgate_check_handshake(ngx_http_request_t *r)
{
    int32_t                          answer;
    crossgate_str                    asked;
    crossgate_status                 status;
    crossgate_request                request;
    crossgate_decision               decision;
    ngx_http_crossgate_loc_conf_t   *conf;
    ngx_http_crossgate_websocket_t  *websocket;

    /*
     * The location that the request is in now, and not the one whose policy decided: try_files
     * may have led to the one with proxy_pass.
     */

    conf = ngx_http_get_module_loc_conf(r, ngx_http_crossgate_module);
    websocket = conf->websocket;

    if (websocket == NULL || !websocket->on || conf->policy == NULL
        || conf->policy->policy == NULL || !ngx_http_crossgate_is_handshake(r))
    {
        return NGX_OK;
    }

    if (ngx_http_crossgate_request(r, &request) != NGX_OK) {
        return NGX_ERROR;
    }

    status = crossgate_needs_verdict(conf->policy->policy, &request, &asked);

    if (status == CROSSGATE_OK && asked.data != NULL
        && ngx_http_crossgate_verdict(r, conf, &request.verdict) != NGX_OK)
    {
        return NGX_ERROR;
    }

    status = crossgate_check_websocket(conf->policy->policy, &request, websocket->access, &answer);

    if (status != CROSSGATE_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "crossgate: %s",
                      crossgate_status_string(status));
    }

    if (answer != CROSSGATE_WEBSOCKET_DENY) {
        return NGX_OK;
    }

    if (r->connection->log->log_level >= NGX_LOG_INFO
        && ngx_http_crossgate_evaluate(r, conf, conf->policy, &request, &decision) == NGX_OK)
    {
        ngx_http_crossgate_log_decision(r, "WebSocket handshake denied", conf->policy, &request,
                                        &decision);
    }

    return NGX_HTTP_FORBIDDEN;
}


/* Whatever an upstream could take for one: browsers send "Upgrade: websocket". */

static ngx_flag_t
ngx_http_crossgate_is_handshake(ngx_http_request_t *r)
{
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    static const crossgate_str   name = { "upgrade", sizeof("upgrade") - 1 };

    ngx_http_crossgate_lines(&lines, &r->headers_in.headers);

    while ((h = ngx_http_crossgate_next(&lines, &name)) != NULL) {
        if (ngx_strcasestrn(h->value.data, "websocket", sizeof("websocket") - 2) != NULL) {
            return 1;
        }
    }

    return 0;
}
