/*
 * Policies, from files and from nginx.conf itself, and what is wrong with them.
 */

#include "ngx_http_crossgate.h"


typedef crossgate_status (*ngx_http_crossgate_build_pt)(const char *text, size_t len,
    crossgate_policy **policy, crossgate_error **error);


static ngx_http_crossgate_build_pt ngx_http_crossgate_language(ngx_str_t *given);
static ngx_int_t ngx_http_crossgate_name(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy,
    ngx_str_t *given);
static ngx_int_t ngx_http_crossgate_build(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy,
    ngx_http_crossgate_build_pt build, ngx_str_t *source);
static ngx_int_t ngx_http_crossgate_prepare(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy);
static void ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *name,
    const crossgate_problem *problem);
static void ngx_http_crossgate_log_omitted(ngx_conf_t *cf, ngx_uint_t level, ngx_str_t *name,
    size_t omitted);
static void ngx_http_crossgate_free(void *data);


/* The policy that a directive gives: the name of a file, or a document. */

ngx_http_crossgate_policy_t *
ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *directive, ngx_str_t *given)
{
    ngx_uint_t                        i;
    ngx_str_t                         source;
    ngx_http_crossgate_policy_t      *policy, **known;
    ngx_http_crossgate_build_pt       build;
    ngx_http_crossgate_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);

    source = *given;
    build = ngx_http_crossgate_language(given);

    if (build == NULL) {

        if (ngx_strchr(given->data, '$') != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V %V\": the name of a policy file has no variables: "
                               "policies are read when nginx starts; for origins that differ by "
                               "tenant write \"crossgate_verdict\" with a \"map\"",
                               directive, given);
            return NULL;
        }

        if (ngx_conf_full_name(cf->cycle, &source, 1) != NGX_OK) {
            return NULL;
        }

        known = mcf->policies.elts;

        for (i = 0; i < mcf->policies.nelts; i++) {
            if (known[i]->path.len == source.len
                && ngx_strncmp(known[i]->path.data, source.data, source.len) == 0)
            {
                return known[i];
            }
        }
    }

    policy = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_policy_t));
    known = ngx_array_push(&mcf->policies);

    if (policy == NULL || known == NULL) {
        return NULL;
    }

    *known = policy;

    if (build == NULL) {
        policy->path = source;
        policy->name = source;
        build = crossgate_policy_from_file;

    } else if (ngx_http_crossgate_name(cf, policy, given) != NGX_OK) {
        return NULL;
    }

    return ngx_http_crossgate_build(cf, policy, build, &source) == NGX_OK ? policy : NULL;
}


/* How a document in nginx.conf is read; NULL for the name of a file. */

static ngx_http_crossgate_build_pt
ngx_http_crossgate_language(ngx_str_t *given)
{
    u_char  *p, *ending;

    for (p = given->data; *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'; p++) { /* void */ }

    if (*p == '{') {
        return crossgate_policy_from_json;
    }

    if (ngx_strchr(given->data, '\n') != NULL) {
        return crossgate_policy_from_toml;
    }

    ending = given->data + given->len - (sizeof(".toml") - 1);

    if (given->len >= sizeof(".toml") - 1
        && (ngx_strcasecmp(ending, (u_char *) ".json") == 0
            || ngx_strcasecmp(ending, (u_char *) ".toml") == 0))
    {
        return NULL;
    }

    return ngx_strchr(given->data, '=') != NULL ? crossgate_policy_from_toml : NULL;
}


/* A policy in nginx.conf is called by the line on which it begins; nginx is at its last one. */

static ngx_int_t
ngx_http_crossgate_name(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy, ngx_str_t *given)
{
    size_t       size;
    u_char      *p;
    ngx_str_t   *file;
    ngx_uint_t   line;

    file = &cf->conf_file->file.name;
    line = cf->conf_file->line;

    for (p = given->data; p < given->data + given->len; p++) {
        if (*p == '\n' && line > 1) {
            line--;
        }
    }

    size = file->len + sizeof(":") - 1 + NGX_INT_T_LEN;

    policy->name.data = ngx_pnalloc(cf->pool, size);
    if (policy->name.data == NULL) {
        return NGX_ERROR;
    }

    policy->name.len = ngx_snprintf(policy->name.data, size, "%V:%ui", file, line)
                       - policy->name.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_crossgate_build(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy,
    ngx_http_crossgate_build_pt build, ngx_str_t *source)
{
    size_t               i;
    crossgate_error     *error;
    crossgate_status     status;
    crossgate_problem    problem;
    ngx_pool_cleanup_t  *cln;

    /* All that can fail comes before the policy is there, so that it is always freed. */

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    problem.struct_size = sizeof(problem);
    status = build((char *) source->data, source->len, &policy->policy, &error);

    if (status != CROSSGATE_OK) {

        if (crossgate_error_count(error) == 0) {
            /* The text names the file. */
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: %s",
                               error ? crossgate_error_text(error)
                                     : crossgate_status_string(status));
        }

        for (i = 0; i < crossgate_error_count(error); i++) {
            if (crossgate_error_problem(error, i, &problem) == CROSSGATE_OK) {
                ngx_http_crossgate_log_problem(cf, &policy->name, &problem);
            }
        }

        ngx_http_crossgate_log_omitted(cf, NGX_LOG_EMERG, &policy->name,
                                       crossgate_error_omitted(error));
        crossgate_error_free(error);

        return NGX_ERROR;
    }

    /* The configuration's pool lives until the last worker that serves it is gone. */

    cln->handler = ngx_http_crossgate_free;
    cln->data = policy->policy;

    policy->scratch_size = crossgate_policy_scratch_size(policy->policy);

    for (i = 0; i < crossgate_policy_warning_count(policy->policy); i++) {
        if (crossgate_policy_warning(policy->policy, i, &problem) == CROSSGATE_OK) {
            ngx_http_crossgate_log_problem(cf, &policy->name, &problem);
        }
    }

    ngx_http_crossgate_log_omitted(cf, NGX_LOG_WARN, &policy->name,
                                   crossgate_policy_omitted_problems(policy->policy));

    return ngx_http_crossgate_prepare(cf, policy);
}


/* The decisions that are known before any request comes. */

static ngx_int_t
ngx_http_crossgate_prepare(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy)
{
    size_t               i;
    crossgate_status     status;
    crossgate_request    request;
    crossgate_decision  *decisions[3];

    static const char   *methods[] = { "GET", "OPTIONS", "GET" };

    decisions[0] = &policy->not_cors[0];
    decisions[1] = &policy->not_cors[1];
    decisions[2] = &policy->any;

    for (i = 0; i < 3; i++) {
        crossgate_request_init(&request, sizeof(request), methods[i], ngx_strlen(methods[i]));
        crossgate_decision_init(decisions[i], sizeof(crossgate_decision));

        if (decisions[i] == &policy->any) {
            /*
             * Which origin it is matters only where the decision is not used. No policy lists this
             * one, so that the decision depends on all that one of a request like this can.
             */
            crossgate_request_add_header(&request, "Origin", sizeof("Origin") - 1, "", 0);
        }

        status = crossgate_evaluate(policy->policy, &request, decisions[i], NULL, 0);

        if (status != CROSSGATE_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: \"%V\": %s", &policy->name,
                               crossgate_status_string(status));
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Of very many problems the last are only counted. */

static void
ngx_http_crossgate_log_omitted(ngx_conf_t *cf, ngx_uint_t level, ngx_str_t *name, size_t omitted)
{
    if (omitted != 0) {
        ngx_conf_log_error(level, cf, 0, "crossgate: \"%V\": and %uz more", name, omitted);
    }
}


/* One line for each problem. A note is true and needs nothing done: it is not logged. */

static void
ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *name,
    const crossgate_problem *problem)
{
    u_char      *p;
    size_t       escaped;
    ngx_str_t    hint;
    ngx_flag_t   has_value, has_path;

    if (problem->severity == CROSSGATE_SEVERITY_NOTE) {
        return;
    }

    has_path = problem->path.len != 0;
    has_value = problem->value.len != 0;

    /* The only part that comes as it is; it is shown so, too, unless that would disturb the log. */

    hint.data = (u_char *) problem->hint.data;
    hint.len = problem->hint.len;

    for (p = hint.data; p < hint.data + hint.len; p++) {

        if (*p >= ' ' && *p < 0x7f) {
            continue;
        }

        escaped = ngx_escape_json(NULL, hint.data, hint.len);

        p = ngx_pnalloc(cf->temp_pool, hint.len + escaped);
        if (p == NULL) {
            return;
        }

        hint.len = (u_char *) ngx_escape_json(p, hint.data, hint.len) - p;
        hint.data = p;

        break;
    }

    ngx_conf_log_error(problem->severity == CROSSGATE_SEVERITY_WARNING ? NGX_LOG_WARN
                                                                       : NGX_LOG_EMERG,
                       cf, 0, "crossgate: \"%V\": %s%s%s: %s%s%s%s%s%V",
                       name, problem->code.data, has_path ? " at " : "", problem->path.data,
                       problem->message.data, has_value ? " (found \"" : "",
                       problem->value.data, has_value ? "\")" : "",
                       hint.data ? "; write: " : "", &hint);
}


static void
ngx_http_crossgate_free(void *data)
{
    crossgate_policy_free(data);
}
