/*
 * A request as the library reads it.
 */

#include "ngx_http_crossgate.h"


/*
 * The method as it was sent, and whether it is OPTIONS. Not r->method_name: error_page and
 * X-Accel-Redirect make that GET.
 */

ngx_flag_t
ngx_http_crossgate_method(ngx_http_request_t *r, ngx_str_t *method)
{
    u_char  *p, *last;

    if (r->method_name.data == r->request_line.data) {
        *method = r->method_name;
        return r->method == NGX_HTTP_OPTIONS;
    }

    method->data = r->request_line.data;
    last = method->data + r->request_line.len;
    for (p = method->data; p < last && *p != ' '; p++) { /* void */ }
    method->len = p - method->data;

    return method->len == sizeof("OPTIONS") - 1
           && ngx_memcmp(method->data, "OPTIONS", sizeof("OPTIONS") - 1) == 0;
}


/* The request as the library reads it. It points at the lines of nginx. */

ngx_int_t
ngx_http_crossgate_request(ngx_http_request_t *r, crossgate_request *request)
{
    size_t                       count;
    ngx_str_t                    method;
    ngx_flag_t                   options;
    crossgate_str               *names;
    ngx_table_elt_t             *h;
    ngx_http_crossgate_lines_t   lines;

    static const crossgate_str   name = {
        "access-control-request-headers", sizeof("access-control-request-headers") - 1
    };

    options = ngx_http_crossgate_method(r, &method);

    crossgate_request_init(request, sizeof(crossgate_request), (char *) method.data, method.len);

    /* The request has room for some lines with names. Only a preflight needs any: one mostly. */

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
