/*
 * Configuration: directives, and policies read from files.
 */

#include "ngx_http_crossgate.h"


static char *ngx_http_crossgate_off(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_http_crossgate_policy_t *ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *name);
static ngx_int_t ngx_http_crossgate_prepare(ngx_conf_t *cf, ngx_http_crossgate_policy_t *policy);
static void ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *path,
    const crossgate_problem *problem);
static void ngx_http_crossgate_free(void *data);


#define NGX_HTTP_CROSSGATE_ANYWHERE  (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

ngx_command_t  ngx_http_crossgate_commands[] = {

    { ngx_string("crossgate_policy"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, policy),
      NULL },

    { ngx_string("crossgate"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_off,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, policy),
      NULL },

    { ngx_string("crossgate_shadow"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, shadow),
      NULL },

    { ngx_string("crossgate_verdict"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_set_verdict,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


ngx_http_crossgate_policy_t  ngx_http_crossgate_no_policy;


void *
ngx_http_crossgate_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_crossgate_main_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_main_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->policies, cf->pool, 4, sizeof(ngx_http_crossgate_policy_t *))
        != NGX_OK
        || ngx_array_init(&conf->verdicts, cf->pool, 1, sizeof(ngx_http_crossgate_verdict_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


void *
ngx_http_crossgate_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_crossgate_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->policy = NGX_CONF_UNSET_PTR;
    conf->shadow = NGX_CONF_UNSET_PTR;

    return conf;
}


char *
ngx_http_crossgate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_crossgate_loc_conf_t  *prev = parent;
    ngx_http_crossgate_loc_conf_t  *conf = child;

    ngx_conf_merge_ptr_value(conf->policy, prev->policy, NULL);
    ngx_conf_merge_ptr_value(conf->shadow, prev->shadow, NULL);

    if (conf->verdict == NULL) {
        conf->verdict = prev->verdict;
    }

    if (conf->verdict != NULL
        && ((conf->policy != NULL
             && crossgate_policy_has_origin_predicate(conf->policy->policy))
            || (conf->shadow != NULL
                && crossgate_policy_has_origin_predicate(conf->shadow->policy))))
    {
        conf->verdict->asked = 1;
    }

    return NGX_CONF_OK;
}


/* crossgate off; */

static char *
ngx_http_crossgate_off(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"crossgate\": it can only be \"off\"; "
                           "\"crossgate_policy FILE;\" turns it on", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (lcf->policy == &ngx_http_crossgate_no_policy) {
        return "is duplicate";
    }

    if (lcf->policy != NGX_CONF_UNSET_PTR) {
        return "contradicts \"crossgate_policy\"";
    }

    lcf->policy = &ngx_http_crossgate_no_policy;

    return NGX_CONF_OK;
}


/* crossgate_policy FILE; crossgate_shadow FILE | off; */

static char *
ngx_http_crossgate_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
    ngx_http_crossgate_policy_t  **field;

    field = (ngx_http_crossgate_policy_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (cmd->offset == offsetof(ngx_http_crossgate_loc_conf_t, shadow)) {

        if (*field != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        if (ngx_strcmp(value[1].data, "off") == 0) {
            *field = &ngx_http_crossgate_no_policy;
            return NGX_CONF_OK;
        }
    }

    if (*field == &ngx_http_crossgate_no_policy) {
        return "contradicts \"crossgate off\"";
    }

    if (*field != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *field = ngx_http_crossgate_load(cf, &value[1]);

    return *field == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* crossgate_verdict VALUE; */

static char *
ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t                          *value;
    ngx_http_crossgate_verdict_t       *verdict, **known;
    ngx_http_crossgate_main_conf_t     *mcf;
    ngx_http_compile_complex_value_t    ccv;

    if (lcf->verdict != NULL) {
        return "is duplicate";
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);
    value = cf->args->elts;

    verdict = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_verdict_t));
    known = ngx_array_push(&mcf->verdicts);

    if (verdict == NULL || known == NULL) {
        return NGX_CONF_ERROR;
    }

    *known = verdict;
    lcf->verdict = verdict;

    verdict->file = cf->conf_file->file.name;
    verdict->line = cf->conf_file->line;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = &verdict->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_http_crossgate_policy_t *
ngx_http_crossgate_load(ngx_conf_t *cf, ngx_str_t *name)
{
    size_t                            i;
    ngx_str_t                         path;
    crossgate_error                  *error;
    crossgate_policy                 *built;
    crossgate_status                  status;
    crossgate_problem                 problem;
    ngx_pool_cleanup_t               *cln;
    ngx_http_crossgate_policy_t      *policy, **known;
    ngx_http_crossgate_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NULL;
    }

    known = mcf->policies.elts;

    for (i = 0; i < mcf->policies.nelts; i++) {
        if (known[i]->path.len == path.len
            && ngx_strncmp(known[i]->path.data, path.data, path.len) == 0)
        {
            return known[i];
        }
    }

    /* All that can fail comes before the policy is there, so that it is always freed. */

    policy = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_policy_t));
    known = ngx_array_push(&mcf->policies);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (policy == NULL || known == NULL || cln == NULL) {
        return NULL;
    }

    *known = policy;
    policy->path = path;

    problem.struct_size = sizeof(problem);
    status = crossgate_policy_from_file((char *) path.data, path.len, &built, &error);

    if (status != CROSSGATE_OK) {

        if (crossgate_error_count(error) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: \"%V\": %s", &path,
                               error ? crossgate_error_text(error)
                                     : crossgate_status_string(status));
        }

        for (i = 0; i < crossgate_error_count(error); i++) {
            if (crossgate_error_problem(error, i, &problem) == CROSSGATE_OK) {
                ngx_http_crossgate_log_problem(cf, &path, &problem);
            }
        }

        crossgate_error_free(error);

        return NULL;
    }

    policy->policy = built;
    policy->scratch_size = crossgate_policy_scratch_size(built);

    if (ngx_http_crossgate_prepare(cf, policy) != NGX_OK) {
        crossgate_policy_free(built);
        return NULL;
    }

    /* The configuration's pool lives until the last worker that serves it is gone. */

    cln->handler = ngx_http_crossgate_free;
    cln->data = built;

    for (i = 0; i < crossgate_policy_warning_count(built); i++) {
        if (crossgate_policy_warning(built, i, &problem) == CROSSGATE_OK) {
            ngx_http_crossgate_log_problem(cf, &path, &problem);
        }
    }

    for (i = 0; i < crossgate_policy_note_count(built); i++) {
        if (crossgate_policy_note(built, i, &problem) == CROSSGATE_OK) {
            ngx_http_crossgate_log_problem(cf, &path, &problem);
        }
    }

    return policy;
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
            /* Which origin it is matters only where the decision is not used. */
            crossgate_request_add_header(&request, "Origin", sizeof("Origin") - 1,
                                         "null", sizeof("null") - 1);
        }

        status = crossgate_evaluate(policy->policy, &request, decisions[i], NULL, 0);

        if (status != CROSSGATE_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "crossgate: \"%V\": %s", &policy->path,
                               crossgate_status_string(status));
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_crossgate_log_problem(ngx_conf_t *cf, ngx_str_t *path,
    const crossgate_problem *problem)
{
    size_t      escaped;
    ngx_str_t   hint;
    ngx_uint_t  level;

    level = problem->severity == CROSSGATE_SEVERITY_NOTE ? NGX_LOG_INFO
            : problem->severity == CROSSGATE_SEVERITY_WARNING ? NGX_LOG_WARN
            : NGX_LOG_EMERG;

    hint.len = 0;
    hint.data = NULL;

    if (problem->hint.data != NULL) {

        /* The only part that comes as it is. */

        escaped = ngx_escape_json(NULL, (u_char *) problem->hint.data, problem->hint.len);

        hint.data = ngx_pnalloc(cf->temp_pool, problem->hint.len + escaped);
        if (hint.data == NULL) {
            return;
        }

        hint.len = (u_char *) ngx_escape_json(hint.data, (u_char *) problem->hint.data,
                                              problem->hint.len)
                   - hint.data;
    }

    ngx_conf_log_error(level, cf, 0, "crossgate: \"%V\": %s%s%s: %s (found \"%s\")%s%V",
                       path, problem->code.data,
                       problem->path.len ? " at " : "", problem->path.data,
                       problem->message.data, problem->value.data,
                       hint.data ? "; write: " : "", &hint);
}


static void
ngx_http_crossgate_free(void *data)
{
    crossgate_policy_free(data);
}


/* All servers and locations are merged now, so it is known which directive is ever asked. */

void
ngx_http_crossgate_check_verdicts(ngx_conf_t *cf, ngx_http_crossgate_main_conf_t *mcf)
{
    ngx_uint_t                       i;
    ngx_http_crossgate_verdict_t   **verdict;

    verdict = mcf->verdicts.elts;

    for (i = 0; i < mcf->verdicts.nelts; i++) {
        if (!verdict[i]->asked) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "crossgate: \"crossgate_verdict\" is never asked: no policy where "
                          "it holds has \"origin_predicate\": set that to true there, or remove "
                          "the directive in %V:%ui",
                          &verdict[i]->file, verdict[i]->line);
        }
    }
}
