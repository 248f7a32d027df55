/* Policies, from files and from the configuration, and what is wrong with them. */
#include "mod_crossgate.h"

typedef crossgate_status (*builder)(
    const char *text, size_t length, crossgate_policy **policy, crossgate_error **error);

static apr_status_t free_policy(void *policy) {
    crossgate_policy_free(policy);
    return APR_SUCCESS;
}

/* The policies read so far, by the path of the file or the place in the configuration, so that a
 * file that is named a hundred times is built once. A .htaccess is read anew for every request, in
 * that request's pool: what it names is read anew as well, and no table helps. */
apr_hash_t *cors_known_policies(apr_pool_t *pool) {
    static const char key[] = "mod_crossgate policies";
    void *table;
    apr_pool_userdata_get(&table, key, pool);
    if (table == NULL) {
        table = apr_hash_make(pool);
        apr_pool_userdata_setn(table, key, NULL, pool);
    }
    return table;
}

/* One line for each problem: httpd would escape the ends of lines. A note is true and needs nothing
 * done, so it is not logged. */
static void log_problem(cmd_parms *cmd, const char *name, const crossgate_problem *problem) {
    int warning = problem->severity == CROSSGATE_SEVERITY_WARNING;
    int level = (warning ? APLOG_WARNING : APLOG_ERR) | (cors_in_htaccess(cmd) ? 0 : APLOG_STARTUP);
    const char *at = problem->path.len ? " at " : "";
    const char *found = problem->value.len ? " (found \"" : "", *end = *found ? "\")" : "";
    const char *write = problem->hint.data ? "; write: " : "";
    if (problem->severity == CROSSGATE_SEVERITY_NOTE)
        return;
    ap_log_error(APLOG_MARK, level, 0, cmd->server, "crossgate: %s: %s %s%s%s: %s%s%s%s%s%s", name,
        warning ? "warning" : "error", problem->code.data, at, problem->path.data,
        problem->message.data, found, problem->value.data, end, write,
        problem->hint.data ? problem->hint.data : "");
}

/* Of very many problems the last are only counted. */
static void log_omitted(cmd_parms *cmd, int level, const char *name, size_t omitted) {
    level |= cors_in_htaccess(cmd) ? 0 : APLOG_STARTUP;
    if (omitted != 0)
        ap_log_error(APLOG_MARK, level, 0, cmd->server,
            "crossgate: %s: and %" APR_SIZE_T_FMT " more", name, omitted);
}

/* Logs the problems and says in one line that there are some. */
static const char *refused(
    cmd_parms *cmd, const char *name, crossgate_status status, crossgate_error *error) {
    crossgate_problem problem = {.struct_size = sizeof problem};
    const char *text = error ? crossgate_error_text(error) : crossgate_status_string(status);
    int errors = 0;
    for (size_t i = 0; i < crossgate_error_count(error); i++)
        if (crossgate_error_problem(error, i, &problem) == CROSSGATE_OK) {
            log_problem(cmd, name, &problem);
            errors += problem.severity == CROSSGATE_SEVERITY_ERROR;
        }
    log_omitted(cmd, APLOG_ERR, name, crossgate_error_omitted(error));
    if (errors != 0)
        text = apr_psprintf(cmd->pool, "%s: %s has %d error%s, see above", cmd->cmd->name, name,
            errors, errors == 1 ? "" : "s");
    else /* The text names the file. */
        text = apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", text, NULL);
    crossgate_error_free(error);
    return text;
}

static int ends_in(const char *text, const char *end) {
    size_t length = strlen(text), last = strlen(end);
    return length >= last && ap_cstr_casecmp(text + length - last, end) == 0;
}

/* How a document in the configuration is read; NULL for the name of a file. */
static builder language(const char *given) {
    if (given[strspn(given, " \t\r\n")] == '{')
        return crossgate_policy_from_json;
    if (strchr(given, '\n') != NULL)
        return crossgate_policy_from_toml;
    if (ends_in(given, ".json") || ends_in(given, ".toml"))
        return NULL;
    return strchr(given, '=') != NULL ? crossgate_policy_from_toml : NULL;
}

const char *cors_load(cmd_parms *cmd, const char *given, const crossgate_policy **slot) {
    apr_hash_t *known = cors_in_htaccess(cmd) ? NULL : cors_known_policies(cmd->pool);
    builder build = language(given);
    const char *text = given, *name, *key;
    crossgate_policy *policy;
    crossgate_error *error = NULL;

    if (build == NULL) {
        build = crossgate_policy_from_file;
        if (ap_strstr_c(given, "%{") != NULL)
            return apr_pstrcat(cmd->pool, cmd->cmd->name, " ", given,
                ": the name of a policy file has no variables: policies are read when httpd "
                "starts; for origins that differ by tenant write CrossgateVerdict",
                NULL);
        name = text = ap_server_root_relative(cmd->pool, given);
        if (name == NULL)
            return apr_pstrcat(cmd->pool, cmd->cmd->name, ": invalid path ", given, NULL);
    } else {
        name = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    }
    /* A file that is included twice may have other values of ${...} each time. */
    key = apr_pstrcat(cmd->pool, name, "\n", text, NULL);
    policy = known ? apr_hash_get(known, key, APR_HASH_KEY_STRING) : NULL;
    if (policy == NULL) {
        crossgate_problem problem = {.struct_size = sizeof problem};
        crossgate_status status = build(text, strlen(text), &policy, &error);
        if (status != CROSSGATE_OK)
            return refused(cmd, name, status, error);
        apr_pool_cleanup_register(cmd->pool, policy, free_policy, apr_pool_cleanup_null);
        if (known != NULL) {
            apr_hash_set(known, key, APR_HASH_KEY_STRING, policy);
            for (size_t i = 0; i < crossgate_policy_warning_count(policy); i++)
                if (crossgate_policy_warning(policy, i, &problem) == CROSSGATE_OK)
                    log_problem(cmd, name, &problem);
            log_omitted(cmd, APLOG_WARNING, name, crossgate_policy_omitted_problems(policy));
        }
    }
    *slot = policy;
    return NULL;
}

/* A text as httpd reads one argument. */
static const char *quoted(apr_pool_t *pool, const char *text) {
    char *all = apr_palloc(pool, 2 * strlen(text) + 3), *to = all;
    *to++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *to++ = '\\';
        *to++ = *text;
    }
    *to++ = '"';
    *to = '\0';
    return all;
}

/* The text between <CrossgatePolicy> and </CrossgatePolicy>, as the argument of a directive
 * CrossgatePolicy in its place. */
const char *cors_read_section(cmd_parms *cmd, void *tree, const char *arguments) {
    const char *name = cmd->cmd->name + 1;
    const char *end = apr_pstrcat(cmd->temp_pool, "</", name, ">", NULL);
    ap_directive_t *directive = apr_pcalloc(cmd->pool, sizeof *directive);
    apr_array_header_t *lines = apr_array_make(cmd->temp_pool, 16, sizeof(const char *));
    char line[HUGE_STRING_LEN];
    apr_status_t status;

    directive->filename = apr_pstrdup(cmd->pool, cmd->config_file->name);
    directive->line_num = (int)cmd->config_file->line_number;
    directive->directive = name;
    if (*arguments != '\0' && strcmp(arguments, ">") != 0)
        return apr_pstrcat(cmd->pool, "<", name, "> takes no argument: the policy stands between ",
            "it and ", end, NULL);
    while ((status = ap_cfg_getline(line, sizeof line, cmd->config_file)) == APR_SUCCESS
           && ap_cstr_casecmp(line, end) != 0)
        APR_ARRAY_PUSH(lines, const char *) = apr_pstrdup(cmd->temp_pool, line);
    if (status != APR_SUCCESS)
        return status == APR_EOF ? apr_pstrcat(cmd->pool, "<", name, "> has no ", end, NULL)
                                 : ap_pcfg_strerror(cmd->pool, cmd->config_file, status);
    /* So that there is an end of a line in any case: it is the document, and no name of a file. */
    APR_ARRAY_PUSH(lines, const char *) = "";
    directive->args = quoted(cmd->pool, apr_array_pstrcat(cmd->temp_pool, lines, '\n'));
    *(ap_directive_t **)tree = directive;
    return NULL;
}
