/*
 * A decision put on a response.
 */

#include "ngx_http_crossgate.h"


static ngx_flag_t ngx_http_crossgate_concerned(ngx_list_t *list);
static void ngx_http_crossgate_log_overwrite(ngx_http_request_t *r, const crossgate_str *said);
static ngx_int_t ngx_http_crossgate_push(ngx_http_request_t *r, const crossgate_header *header);
static int32_t ngx_http_crossgate_response_get(void *context, const crossgate_str *name,
    size_t index, crossgate_str *value);
static crossgate_status ngx_http_crossgate_response_set(void *context,
    const crossgate_header *header);
static crossgate_status ngx_http_crossgate_response_remove(void *context,
    const crossgate_str *name);


static const crossgate_str  ngx_http_crossgate_allow_origin = {
    CROSSGATE_STR("access-control-allow-origin")
};

static const crossgate_response_functions  ngx_http_crossgate_response = {
    sizeof(crossgate_response_functions),
    0,
    ngx_http_crossgate_response_get,
    ngx_http_crossgate_response_set,
    ngx_http_crossgate_response_remove
};


void
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


ngx_int_t
ngx_http_crossgate_apply(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx)
{
    /*
     * nginx may come here twice with one response: with 416, which it finds out about late.
     * All of this can be done twice.
     */

    int32_t                    overwrote;
    uint32_t                   i;
    crossgate_str              said;
    const crossgate_decision  *decision;

    decision = ctx->decision;

    /* Most responses say nothing of CORS: one look at them instead of one for each name. */

    if (!ngx_http_crossgate_concerned(&r->headers_out.headers)) {

        for (i = 0; i < decision->header_count; i++) {
            if (ngx_http_crossgate_push(r, &decision->headers[i]) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        return NGX_OK;
    }

    if (!ngx_http_crossgate_response_get(r, &ngx_http_crossgate_allow_origin, 0, &said)) {
        said.data = NULL;
    }

    if (crossgate_decision_apply(decision, &ngx_http_crossgate_response, r, &overwrote)
        != CROSSGATE_OK)
    {
        return NGX_ERROR;
    }

    if (overwrote && !ctx->overwrote) {
        ctx->overwrote = 1;
        ngx_http_crossgate_log_overwrite(r, &said);
    }

    return NGX_OK;
}


/*
 * Two places that answer CORS are worth knowing of: each worker says so once a minute at most.
 * nginx adds the request's line.
 */

static void
ngx_http_crossgate_log_overwrite(ngx_http_request_t *r, const crossgate_str *said)
{
    size_t         escaped;
    ngx_str_t      value;
    static time_t  next;

    if (ngx_time() < next || r->connection->log->log_level < NGX_LOG_WARN) {
        return;
    }

    next = ngx_time() + 60;

    if (said->data == NULL) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "crossgate: replaced CORS headers of the response");
        return;
    }

    escaped = ngx_escape_json(NULL, (u_char *) said->data, said->len);

    value.data = ngx_pnalloc(r->pool, said->len + escaped);
    if (value.data == NULL) {
        return;
    }

    value.len = (u_char *) ngx_escape_json(value.data, (u_char *) said->data, said->len)
                - value.data;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "crossgate: replaced CORS headers of the response, "
                  "which said \"Access-Control-Allow-Origin: %V\"", &value);
}


/* Whether a response has any of the headers that decisions are about. */

static ngx_flag_t
ngx_http_crossgate_concerned(ngx_list_t *list)
{
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    ngx_http_crossgate_lines(&lines, list);

    while ((h = ngx_http_crossgate_next(&lines, NULL)) != NULL) {

        if ((h->key.len == sizeof("Vary") - 1
             && ngx_strncasecmp(h->key.data, (u_char *) "Vary", sizeof("Vary") - 1) == 0)
            || (h->key.len > sizeof("Access-Control-") - 1
                && ngx_strncasecmp(h->key.data, (u_char *) "Access-Control-",
                                   sizeof("Access-Control-") - 1)
                   == 0))
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


static int32_t
ngx_http_crossgate_response_get(void *context, const crossgate_str *name, size_t index,
    crossgate_str *value)
{
    ngx_http_request_t *r = context;

    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

    while ((h = ngx_http_crossgate_next(&lines, name)) != NULL) {

        if (index-- == 0) {
            value->data = h->value.len ? (char *) h->value.data : "";
            value->len = h->value.len;
            return 1;
        }
    }

    return 0;
}


/* The first line of the name takes the value and keeps its place. */

static crossgate_status
ngx_http_crossgate_response_set(void *context, const crossgate_header *header)
{
    ngx_http_request_t *r = context;

    ngx_str_t                    value;
    ngx_table_elt_t             *h, *first;
    ngx_http_crossgate_lines_t   lines;

    first = NULL;

    ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

    while ((h = ngx_http_crossgate_next(&lines, &header->lower_name)) != NULL) {

        if (first == NULL) {
            first = h;

        } else {
            h->hash = 0;
        }
    }

    if (first == NULL) {
        return ngx_http_crossgate_push(r, header) == NGX_OK ? CROSSGATE_OK : NGX_ERROR;
    }

    value.data = (u_char *) header->value.data;
    value.len = header->value.len;

    /* All others last as long as the request. */

    if (header->source == CROSSGATE_SOURCE_MERGED) {
        value.data = ngx_pnalloc(r->pool, value.len);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(value.data, header->value.data, value.len);
    }

    first->value = value;

    return CROSSGATE_OK;
}


static crossgate_status
ngx_http_crossgate_response_remove(void *context, const crossgate_str *name)
{
    ngx_http_request_t *r = context;

    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    ngx_http_crossgate_lines(&lines, &r->headers_out.headers);

    while ((h = ngx_http_crossgate_next(&lines, name)) != NULL) {
        h->hash = 0;
    }

    return CROSSGATE_OK;
}
