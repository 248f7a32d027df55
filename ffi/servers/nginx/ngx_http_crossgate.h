/*
 * CORS for nginx: what the files of this module share.
 *
 *   ngx_http_crossgate_module.c     the module: phases, header filter, the life of a request
 *   ngx_http_crossgate_conf.c       directives, and which of them hold where
 *   ngx_http_crossgate_policy.c     policies, from files and from nginx.conf
 *   ngx_http_crossgate_request.c    a request as the library reads it
 *   ngx_http_crossgate_decide.c     from request to decision, and what is remembered of decisions
 *   ngx_http_crossgate_websocket.c  handshakes
 *   ngx_http_crossgate_apply.c      a decision put on a response
 *   ngx_http_crossgate_variables.c  $crossgate_kind and the like
 */
#ifndef _NGX_HTTP_CROSSGATE_H_INCLUDED_
#define _NGX_HTTP_CROSSGATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <crossgate.h>


/* A decision that depends on the Origin alone, for requests that are not OPTIONS. */
typedef struct {
    size_t              len;
    u_char              origin[56];
    crossgate_decision  decision;
} ngx_http_crossgate_known_t;


#define NGX_HTTP_CROSSGATE_KNOWN  8

typedef struct {
    ngx_str_t           path;          /* of its file; empty: it stands in nginx.conf */
    ngx_str_t           name;          /* for messages */
    crossgate_policy   *policy;        /* NULL: off */
    size_t              scratch_size;

    /* For requests without Origin, by whether the method is OPTIONS: all that counts then. */
    crossgate_decision  not_cors[2];

    /*
     * For a request with an Origin that is not OPTIONS. It is used if it depends on nothing, and
     * tells what such a decision can depend on.
     */
    crossgate_decision  any;

    /* Listed origins that have asked this worker. Not changed: requests point at them. */
    ngx_uint_t                  nknown;
    ngx_http_crossgate_known_t  known[NGX_HTTP_CROSSGATE_KNOWN];
} ngx_http_crossgate_policy_t;


/* A directive that does nothing unless a policy holds in the same place. */
typedef struct {
    ngx_str_t    file;
    ngx_uint_t   line;
    const char  *unused;              /* what nginx -t says if no such policy was found */
    ngx_uint_t   used;
} ngx_http_crossgate_place_t;


/* crossgate_verdict */
typedef struct {
    ngx_http_complex_value_t     value;
    ngx_http_crossgate_place_t  *place;
} ngx_http_crossgate_verdict_t;


/* crossgate_websocket */
typedef struct {
    ngx_uint_t                   on;
    int32_t                      access;  /* CROSSGATE_SOCKET_... */
    ngx_http_crossgate_place_t  *place;
} ngx_http_crossgate_websocket_t;


typedef struct {
    ngx_array_t  policies;            /* of ngx_http_crossgate_policy_t *: each file is read once */
    ngx_array_t  places;              /* of ngx_http_crossgate_place_t * */
} ngx_http_crossgate_main_conf_t;


typedef struct {
    ngx_http_crossgate_policy_t     *policy;
    ngx_http_crossgate_policy_t     *shadow;
    ngx_http_crossgate_verdict_t    *verdict;
    ngx_http_crossgate_websocket_t  *websocket;
} ngx_http_crossgate_loc_conf_t;


typedef struct {
    ngx_http_crossgate_loc_conf_t  *conf;         /* whose policy decides; NULL: none so far */
    const crossgate_decision       *decision;     /* NULL: none so far, or off */
    unsigned                        pending:1;    /* a preflight is to be answered */
    unsigned                        fixed:1;      /* conf is from before an internal redirect */
    unsigned                        overwrote:1;  /* CORS headers of an upstream or add_header */
} ngx_http_crossgate_ctx_t;


/* Goes through the lines of a list of headers. */
typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_http_crossgate_lines_t;


static ngx_inline void
ngx_http_crossgate_lines(ngx_http_crossgate_lines_t *lines, ngx_list_t *list)
{
    lines->part = &list->part;
    lines->i = 0;
}


static ngx_inline ngx_flag_t
ngx_http_crossgate_named(ngx_table_elt_t *h, const crossgate_str *name)
{
    return h->key.len == name->len
           && ngx_strncasecmp(h->key.data, (u_char *) name->data, name->len) == 0;
}


/* The next line with that lower-case name, or the next line at all. */

static ngx_inline ngx_table_elt_t *
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


extern ngx_module_t  ngx_http_crossgate_module;


/* The rest is for the files of this module alone: calls need no way around through the linker. */
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Configured by "off", so that it is no empty place to inherit into. */
extern ngx_http_crossgate_policy_t  ngx_http_crossgate_no_policy;

extern ngx_command_t  ngx_http_crossgate_commands[];

void *ngx_http_crossgate_create_main_conf(ngx_conf_t *cf);
void *ngx_http_crossgate_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_crossgate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
void ngx_http_crossgate_check_places(ngx_conf_t *cf, ngx_http_crossgate_main_conf_t *mcf);

ngx_http_crossgate_policy_t *ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_str_t *given);

ngx_int_t ngx_http_crossgate_add_variables(ngx_conf_t *cf);

ngx_http_crossgate_ctx_t *ngx_http_crossgate_get_ctx(ngx_http_request_t *r);
ngx_http_crossgate_ctx_t *ngx_http_crossgate_create_ctx(ngx_http_request_t *r);

ngx_flag_t ngx_http_crossgate_method(ngx_http_request_t *r, ngx_str_t *method);
ngx_int_t ngx_http_crossgate_request(ngx_http_request_t *r, crossgate_request *request);

void ngx_http_crossgate_note(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);
ngx_int_t ngx_http_crossgate_decide(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);
ngx_int_t ngx_http_crossgate_evaluate(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request, crossgate_decision *decision);
ngx_int_t ngx_http_crossgate_verdict(ngx_http_request_t *r, ngx_http_crossgate_loc_conf_t *conf,
    int32_t *verdict);
void ngx_http_crossgate_log_decision(ngx_http_request_t *r, const char *what,
    ngx_http_crossgate_policy_t *policy, crossgate_request *request,
    const crossgate_decision *decision);

ngx_int_t ngx_http_crossgate_check_handshake(ngx_http_request_t *r);

void ngx_http_crossgate_set_answer(ngx_http_request_t *r, const crossgate_decision *decision);
ngx_int_t ngx_http_crossgate_apply(ngx_http_request_t *r, ngx_http_crossgate_ctx_t *ctx);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif


#endif /* _NGX_HTTP_CROSSGATE_H_INCLUDED_ */
