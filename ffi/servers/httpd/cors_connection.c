/*
 * What goes to the connection around the filters of its request, as text: the interim responses of
 * an upstream (ap_send_interim_response), and the whole response of a script whose name begins with
 * nph-. Here an interim response loses its CORS headers, and any other gets those of the decision.
 */
#include "mod_crossgate.h"

/* A longer head is not looked at, and not sent either. */
#define MAX_HEAD 65536

/* The request whose response passes a connection now. It belongs to the request's pool, which may
 * end after the next request has begun. */
typedef struct watch {
    struct watch **slot; /* of the connection's filter */
    request_rec *r;
    const cors_state *decided;
    int done;
    char *held; /* the beginning of a head */
    apr_size_t length;
} watch;

static ap_filter_rec_t *connection_handle;

static apr_status_t forget(void *data) {
    watch *watched = data;
    if (*watched->slot == watched)
        *watched->slot = NULL;
    return APR_SUCCESS;
}

/* One filter for the life of a connection. */
void cors_watch_connection(request_rec *r, cors_state *decided) {
    ap_filter_t *f = r->connection->output_filters;
    watch *watched = apr_pcalloc(r->pool, sizeof *watched);
    /* What comes behind the answer to CONNECT is another protocol. */
    if (r->method_number == M_CONNECT)
        return;
    while (f != NULL && f->frec != connection_handle)
        f = f->next;
    if (f == NULL) {
        watch **slot = apr_pcalloc(r->connection->pool, sizeof *slot);
        f = ap_add_output_filter_handle(connection_handle, slot, r, r->connection);
    }
    watched->slot = f->ctx;
    watched->r = r;
    watched->decided = decided;
    *watched->slot = watched;
    apr_pool_cleanup_register(r->pool, watched, forget, apr_pool_cleanup_null);
}

/* The length of a head with the empty line behind it; 0: it is not whole. */
static apr_size_t head_length(const char *text, apr_size_t length) {
    for (apr_size_t i = 0; i < length; i++)
        if (text[i] == '\n') {
            if (i + 1 < length && text[i + 1] == '\n')
                return i + 2;
            if (i + 2 < length && text[i + 1] == '\r' && text[i + 2] == '\n')
                return i + 3;
        }
    return 0;
}

/* Cuts the next field off, without its end and as one line. */
static char *next_line(char **rest) {
    char *line = *rest, *end = line;
    while ((end = strchr(end, '\n')) != NULL && (end[1] == ' ' || end[1] == '\t')) {
        if (end > line && end[-1] == '\r')
            end[-1] = ' ';
        *end = ' ';
    }
    *rest = end ? end + 1 : line + strlen(line);
    if (end != NULL) {
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
    }
    return line;
}

static int put_line(void *pieces, const char *name, const char *value) {
    apr_array_header_t *lines = pieces;
    const char *line = apr_pstrcat(lines->pool, name, ": ", value, CRLF, NULL);
    APR_ARRAY_PUSH(lines, const char *) = line;
    return 1;
}

/* The head of an interim response without CORS headers, or that of a final one with those of the
 * decision. */
static const char *rewritten(watch *watched, char *head, int interim) {
    request_rec *r = watched->r;
    apr_array_header_t *lines = apr_array_make(r->pool, 16, sizeof(const char *));
    apr_table_t *fields = apr_table_make(r->pool, 16);
    char *line = next_line(&head);

    APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(r->pool, line, CRLF, NULL);
    while (*(line = next_line(&head)) != '\0') {
        static const char cors[] = "Access-Control-";
        char *value = strchr(line, ':');
        if (value == NULL || (interim && ap_cstr_casecmpn(line, cors, sizeof cors - 1) == 0))
            continue;
        *value++ = '\0';
        apr_table_addn(fields, line, value + strspn(value, " \t"));
    }
    if (!interim) {
        r->headers_out = fields;
        apr_table_clear(r->err_headers_out);
        cors_apply(r, watched->decided->decision);
    }
    apr_table_do(put_line, lines, fields, NULL);
    APR_ARRAY_PUSH(lines, const char *) = CRLF;
    return apr_array_pstrcat(r->pool, lines, '\0');
}

static void put_before(watch *watched, apr_bucket *next, const char *text, apr_size_t length) {
    apr_bucket_alloc_t *list = watched->r->connection->bucket_alloc;
    if (length > 0)
        APR_BUCKET_INSERT_BEFORE(next, apr_bucket_heap_create(text, length, NULL, list));
}

/* Sends the heads that are whole. What is no head, and what comes behind the last one, goes as it
 * is. */
static void send_heads(watch *watched, apr_bucket *next) {
    static const char http[] = "HTTP/1.";
    apr_size_t length;
    while (!watched->done && watched->length > 0) {
        apr_size_t seen = watched->length < sizeof http - 1 ? watched->length : sizeof http - 1;
        char *head;
        int status;
        if (memcmp(watched->held, http, seen) != 0) {
            watched->done = 1;
            break;
        }
        if ((length = head_length(watched->held, watched->length)) == 0)
            return;
        head = apr_pstrmemdup(watched->r->pool, watched->held, length);
        status = atoi(head + strcspn(head, " \r\n"));
        watched->done = status == HTTP_SWITCHING_PROTOCOLS || !ap_is_HTTP_INFO(status);
        if (status == HTTP_SWITCHING_PROTOCOLS) {
            put_before(watched, next, head, length);
        } else {
            const char *text = rewritten(watched, head, ap_is_HTTP_INFO(status));
            put_before(watched, next, text, strlen(text));
        }
        watched->held += length;
        watched->length -= length;
    }
    put_before(watched, next, watched->held, watched->length);
    watched->length = 0;
}

static void hold(watch *watched, const char *data, apr_size_t length) {
    char *all = apr_palloc(watched->r->pool, watched->length + length);
    if (watched->length > 0)
        memcpy(all, watched->held, watched->length);
    memcpy(all + watched->length, data, length);
    watched->held = all;
    watched->length += length;
}

static apr_status_t connection_filter(ap_filter_t *f, apr_bucket_brigade *brigade) {
    watch *watched = *(watch **)f->ctx;
    apr_bucket *b, *next;

    if (watched == NULL || watched->done || watched->decided->applied)
        return ap_pass_brigade(f->next, brigade);
    for (b = APR_BRIGADE_FIRST(brigade); b != APR_BRIGADE_SENTINEL(brigade) && !watched->done;
         b = next) {
        const char *data;
        apr_size_t length;
        apr_status_t status;
        if (APR_BUCKET_IS_METADATA(b)) {
            next = APR_BUCKET_NEXT(b);
            if (watched->length == 0)
                continue;
            if (APR_BUCKET_IS_FLUSH(b)) {
                apr_bucket_delete(b);
                continue;
            }
            /* The response ends within its head. */
            f->c->aborted = 1;
            return APR_EGENERAL;
        }
        if ((status = apr_bucket_read(b, &data, &length, APR_BLOCK_READ)) != APR_SUCCESS)
            return status;
        hold(watched, data, length);
        next = APR_BUCKET_NEXT(b);
        apr_bucket_delete(b);
        send_heads(watched, next);
        if (watched->length > MAX_HEAD) {
            f->c->aborted = 1;
            return APR_EGENERAL;
        }
    }
    return APR_BRIGADE_EMPTY(brigade) ? APR_SUCCESS : ap_pass_brigade(f->next, brigade);
}

void cors_register_connection(void) {
    connection_handle = ap_register_output_filter(
        "CROSSGATE_CONNECTION", connection_filter, NULL, AP_FTYPE_CONNECTION);
}
