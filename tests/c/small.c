/*
 * A library without documents, regexes, IDNA and public suffixes says what it lacks, and does the
 * rest.
 */
#include <crossgate.h>
#include <string.h>

#define TEXT(text) text, sizeof text - 1

/* Whether a policy with this option is built (code NULL), or refused with this code first. */
static int built(const char *option, const char *value, const char *code) {
    crossgate_builder *builder;
    crossgate_policy *policy;
    crossgate_error *error;
    crossgate_problem problem = {.struct_size = sizeof problem};
    crossgate_builder_new(&builder);
    crossgate_builder_add(builder, option, strlen(option), value, strlen(value));
    crossgate_builder_set_bool(builder, TEXT("allow_credentials"), 1);
    crossgate_status status = crossgate_builder_build(builder, &policy, &error);
    int same = code == NULL ? status == CROSSGATE_OK
                            : status == CROSSGATE_ERR_INVALID_POLICY
                                  && crossgate_error_problem(error, 0, &problem) == CROSSGATE_OK
                                  && strcmp(problem.code.data, code) == 0;
    crossgate_policy_free(policy);
    crossgate_error_free(error);
    crossgate_builder_free(builder);
    return same;
}

int main(void) {
    crossgate_policy *policy;
    if (crossgate_policy_from_json(TEXT("{\"allow_origins\": \"*\"}"), &policy, NULL)
            != CROSSGATE_ERR_FEATURE_MISSING
        || policy != NULL)
        return 1;
    if (!built("allow_origins", "https://a.example", NULL)
        || !built("allow_origins", "https://*.a.example", "feature_missing"))
        return 2;
    if (!built("allow_origin_regexes", "https://a[.]example", "feature_missing")
        || !built("allow_origins", "https://b\xc3\xbc.example", "feature_missing"))
        return 3;
    return 0;
}
