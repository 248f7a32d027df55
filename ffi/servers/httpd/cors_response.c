/* A decision put on a response. */
#include "mod_crossgate.h"

/* httpd writes both tables. headers_out is lost on errors, err_headers_out is not; here either
   will do. */
static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    const request_rec *r = context;
    const apr_table_t *const tables[] = {r->err_headers_out, r->headers_out};
    for (int t = 0; t < 2; t++) {
        const apr_array_header_t *lines = apr_table_elts(tables[t]);
        for (int i = 0; i < lines->nelts; i++) {
            const apr_table_entry_t *line = &APR_ARRAY_IDX(lines, i, apr_table_entry_t);
            if (line->key != NULL && ap_cstr_casecmp(line->key, name->data) == 0 && index-- == 0) {
                value->data = line->val;
                value->len = strlen(line->val);
                return 1;
            }
        }
    }
    return 0;
}

static crossgate_status set(void *context, const crossgate_header *header) {
    request_rec *r = context;
    const char *value = header->value.data;
    /* All others live as long as the request. */
    if (header->source == CROSSGATE_SOURCE_MERGED)
        value = apr_pstrmemdup(r->pool, value, header->value.len);
    apr_table_unset(r->err_headers_out, header->name.data);
    apr_table_setn(r->headers_out, header->name.data, value);
    return CROSSGATE_OK;
}

static crossgate_status drop(void *context, const crossgate_str *name) {
    request_rec *r = context;
    apr_table_unset(r->headers_out, name->data);
    apr_table_unset(r->err_headers_out, name->data);
    return CROSSGATE_OK;
}

static const crossgate_response_functions response = {sizeof response, 0, get, set, drop};

/* Two places that answer CORS are worth knowing of: each process says so once a minute at most. */
static void log_overwrite(request_rec *r, const char *said) {
    static apr_uint32_t next;
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(r->request_time), from = apr_atomic_read32(&next);
    if (now < from || apr_atomic_cas32(&next, now + 60, from) != from)
        return;
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
        "crossgate: replaced CORS headers of the response to %s, which said "
        "Access-Control-Allow-Origin: %s",
        ap_escape_logitem(r->pool, r->uri), ap_escape_logitem(r->pool, said));
}

void cors_apply(request_rec *r, const crossgate_decision *decision) {
    static const char acao[] = "Access-Control-Allow-Origin";
    const char *in_headers = apr_table_get(r->headers_out, acao),
               *in_errors = apr_table_get(r->err_headers_out, acao);
    const char *theirs = in_headers ? in_headers : in_errors, *ours;
    int32_t overwrote;
    crossgate_status status = crossgate_decision_apply(decision, &response, r, &overwrote);
    if (status != CROSSGATE_OK)
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r, "crossgate: %s", crossgate_status_string(status));
    /* An application that answers CORS itself is worth knowing of. */
    ours = apr_table_get(r->headers_out, acao);
    if (theirs != NULL && overwrote && (ours == NULL || strcmp(theirs, ours) != 0)) {
        apr_table_setn(r->notes, "crossgate-overwrote", theirs);
        log_overwrite(r, theirs);
    }
}

static ap_filter_rec_t *filter_handle;

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *brigade) {
    if (!ap_is_HTTP_INFO(f->r->status)) {
        cors_state *decided = f->ctx;
        ap_remove_output_filter(f);
        decided->applied = 1;
        cors_apply(f->r, decided->decision);
    }
    return ap_pass_brigade(f->next, brigade);
}

void cors_insert_filter(request_rec *r) {
    cors_state *decided;
    /* What a sub-request answers is part of another response. */
    if (r->main != NULL || (decided = cors_decide(r)) == NULL || decided->decision == NULL)
        return;
    apr_table_setn(
        r->notes, "crossgate-reason", crossgate_reason_string(decided->decision->reason));
    if (decided->denied != NULL)
        apr_table_setn(r->notes, "crossgate-denied", decided->denied);
    ap_add_output_filter_handle(filter_handle, decided, r, r->connection);
    cors_watch_connection(r, decided);
}

void cors_register_response(void) {
    filter_handle = ap_register_output_filter("CROSSGATE", filter, NULL, AP_FTYPE_PROTOCOL - 1);
}
