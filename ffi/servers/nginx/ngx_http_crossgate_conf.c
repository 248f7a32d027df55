/*
 * Configuration: directives, and which of them hold where.
 */

#include "ngx_http_crossgate.h"


static char *ngx_http_crossgate_off(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_set_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_crossgate_set_websocket(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_http_crossgate_place_t *ngx_http_crossgate_place(ngx_conf_t *cf, const char *unused);


#define NGX_HTTP_CROSSGATE_ANYWHERE  (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

ngx_command_t  ngx_http_crossgate_commands[] = {

    { ngx_string("crossgate_policy"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_set_policy,
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
      ngx_http_crossgate_set_policy,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_crossgate_loc_conf_t, shadow),
      NULL },

    { ngx_string("crossgate_verdict"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_set_verdict,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("crossgate_websocket"),
      NGX_HTTP_CROSSGATE_ANYWHERE|NGX_CONF_TAKE1,
      ngx_http_crossgate_set_websocket,
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
        || ngx_array_init(&conf->places, cf->pool, 1, sizeof(ngx_http_crossgate_place_t *))
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
        conf->verdict->place->used = 1;
    }

    if (conf->websocket == NULL) {
        conf->websocket = prev->websocket;
    }

    if (conf->websocket != NULL
        && (!conf->websocket->on || (conf->policy != NULL && conf->policy->policy != NULL)))
    {
        conf->websocket->place->used = 1;
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


/* crossgate_policy POLICY; crossgate_shadow POLICY | off; */

static char *
ngx_http_crossgate_set_policy(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                     *value;
    ngx_flag_t                     shadow, off;
    ngx_http_crossgate_policy_t  **field;

    field = (ngx_http_crossgate_policy_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;
    shadow = cmd->offset == offsetof(ngx_http_crossgate_loc_conf_t, shadow);
    off = ngx_strcmp(value[1].data, "off") == 0;

    if (off && !shadow) {
        return "needs a policy: to have none here, write \"crossgate off;\"";
    }

    if (*field == &ngx_http_crossgate_no_policy && !shadow) {
        return "contradicts \"crossgate off\"";
    }

    if (*field != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    *field = off ? &ngx_http_crossgate_no_policy
                 : ngx_http_crossgate_load(cf, &cmd->name, &value[1]);

    return *field == NULL ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* crossgate_verdict VALUE; */

static char *
ngx_http_crossgate_set_verdict(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t                          *value;
    ngx_http_crossgate_verdict_t       *verdict;
    ngx_http_compile_complex_value_t    ccv;

    if (lcf->verdict != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    verdict = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_verdict_t));
    if (verdict == NULL) {
        return NGX_CONF_ERROR;
    }

    verdict->place = ngx_http_crossgate_place(cf,
        "\"crossgate_verdict\" is never asked: no policy where it holds has \"origin_predicate\": "
        "set that to true there, or remove the directive");
    if (verdict->place == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->verdict = verdict;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = &verdict->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* crossgate_websocket on | public | off; */

static char *
ngx_http_crossgate_set_websocket(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_crossgate_loc_conf_t  *lcf = conf;

    ngx_str_t                       *value;
    ngx_http_crossgate_websocket_t  *websocket;

    if (lcf->websocket != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    websocket = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_websocket_t));
    if (websocket == NULL) {
        return NGX_CONF_ERROR;
    }

    websocket->on = 1;
    websocket->access = CROSSGATE_SOCKET_PRIVATE;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        websocket->on = 0;

    } else if (ngx_strcmp(value[1].data, "public") == 0) {
        websocket->access = CROSSGATE_SOCKET_PUBLIC;

    } else if (ngx_strcmp(value[1].data, "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"crossgate_websocket\": "
                           "it must be \"on\", \"public\" or \"off\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    websocket->place = ngx_http_crossgate_place(cf,
        "\"crossgate_websocket\" checks nothing: no policy holds where it stands: "
        "write \"crossgate_policy\" there, or remove the directive");
    if (websocket->place == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->websocket = websocket;

    return NGX_CONF_OK;
}


/* Where the directive stands that is being read. */

static ngx_http_crossgate_place_t *
ngx_http_crossgate_place(ngx_conf_t *cf, const char *unused)
{
    ngx_http_crossgate_place_t      *place, **known;
    ngx_http_crossgate_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_crossgate_module);

    place = ngx_pcalloc(cf->pool, sizeof(ngx_http_crossgate_place_t));
    known = ngx_array_push(&mcf->places);

    if (place == NULL || known == NULL) {
        return NULL;
    }

    *known = place;

    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;
    place->unused = unused;

    return place;
}


/* All servers and locations are merged now, so it is known which directive is ever used. */

void
ngx_http_crossgate_check_places(ngx_conf_t *cf, ngx_http_crossgate_main_conf_t *mcf)
{
    ngx_uint_t                     i;
    ngx_http_crossgate_place_t   **place;

    place = mcf->places.elts;

    for (i = 0; i < mcf->places.nelts; i++) {
        if (!place[i]->used) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0, "crossgate: %s in %V:%ui",
                          place[i]->unused, &place[i]->file, place[i]->line);
        }
    }
}
