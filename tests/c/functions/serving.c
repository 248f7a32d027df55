/* Policies that are replaced while serving, shadows, counters. */
#include "check.h"

/* Whether the live policy allows an origin; -1 if there is none. */
static int allows(const crossgate_shared_policy *shared, const char *origin) {
    crossgate_request request;
    crossgate_decision decision;
    crossgate_policy *policy = crossgate_shared_policy_load(shared);
    if (policy == NULL)
        return -1;
    start(&request, &decision, "GET");
    add(&request, "Origin", origin);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    crossgate_policy_free(policy);
    return decision.allowed;
}

static void shared_policies(const char *folder) {
    crossgate_policy *a = build("{\"allow_origins\": [\"https://a.example\"]}");
    crossgate_policy *b =
        build("{\"allow_origins\": [\"https://b.example\"], \"allow_credentials\": true}");
    crossgate_shared_policy *shared = (crossgate_shared_policy *)&shared;
    crossgate_error *error = (crossgate_error *)&error;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_new(NULL, &shared));
    CHECK(shared == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_new(a, NULL));
    STATUS(CROSSGATE_OK, crossgate_shared_policy_new(a, &shared));
    CHECK(allows(shared, "https://a.example") == 1 && allows(shared, "https://b.example") == 0);

    /* What was loaded stays, whoever frees and replaces. */
    crossgate_policy *loaded = crossgate_shared_policy_load(shared);
    CHECK(loaded == a);
    crossgate_policy_free(a);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_replace(shared, b));
    CHECK(allows(shared, "https://a.example") == 0 && allows(shared, "https://b.example") == 1);
    CHECK(crossgate_policy_warning_count(loaded) == 0);

    /* A failure leaves the old policy. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_shared_policy_replace_json(shared, LITERAL("{\"allow_origins\": []}"), &error));
    CHECK(crossgate_error_count(error) == 1 && allows(shared, "https://b.example") == 1);
    crossgate_error_free(error);
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_shared_policy_replace_toml(shared, LITERAL("allow_origins = "), NULL));
    STATUS(CROSSGATE_ERR_NOT_UTF8,
        crossgate_shared_policy_replace_toml(shared, LITERAL("\xff"), &error));
    CHECK(error == NULL);
    char path[4096];
    snprintf(path, sizeof path, "%s/every_function_shared.json", folder);
    remove(path);
    STATUS(CROSSGATE_ERR_FILE,
        crossgate_shared_policy_replace_file(shared, path, strlen(path), &error));
    CHECK(strstr(crossgate_error_text(error), "every_function_shared") != NULL
          && allows(shared, "https://b.example") == 1);
    crossgate_error_free(error);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs("{\"allow_origins\": [\"https://c.example\"]}", file);
        fclose(file);
        STATUS(
            CROSSGATE_OK, crossgate_shared_policy_replace_file(shared, path, strlen(path), &error));
        CHECK(error == NULL && allows(shared, "https://c.example") == 1);
        remove(path);
    }
    STATUS(CROSSGATE_OK, crossgate_shared_policy_replace_toml(
                             shared, LITERAL("allow_origins = ['https://d.example']"), NULL));
    CHECK(allows(shared, "https://d.example") == 1);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_replace_json(shared,
                             LITERAL("{\"allow_origins\": [\"https://a.example\"]}"), &error));
    CHECK(error == NULL && allows(shared, "https://a.example") == 1);

    /* A shadow decides nothing and tells. */
    crossgate_request request;
    crossgate_decision decision;
    crossgate_difference difference;
    memset(&difference, 0xa5, sizeof difference);
    difference.struct_size = sizeof difference;
    start(&request, &decision, "GET");
    add(&request, "Origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.differs == 0 && difference.headers == 0
          && difference.kind == CROSSGATE_KIND_ACTUAL);
    CHECK(difference.live_allowed == 1 && difference.shadow_allowed == 1);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_set_shadow(shared, b));
    CHECK(allows(shared, "https://a.example") == 1);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.differs == 1 && difference.headers == 1u << CROSSGATE_HEADER_ALLOW_ORIGIN);
    CHECK(difference.live_reason == CROSSGATE_REASON_ALLOWED
          && difference.shadow_reason == CROSSGATE_REASON_ORIGIN_NOT_LISTED);
    CHECK(difference.live_allowed == 1 && difference.shadow_allowed == 0);
    CHECK(difference.live_action == CROSSGATE_ACTION_FORWARD
          && difference.shadow_action == CROSSGATE_ACTION_FORWARD);
    CHECK(difference.live_status == 0 && difference.shadow_status == 0);
    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://b.example");
    add(&request, "Access-Control-Request-Method", "GET");
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.kind == CROSSGATE_KIND_PREFLIGHT && difference.live_status == 403
          && difference.shadow_status == 204);
    CHECK(difference.headers
          == (1u << CROSSGATE_HEADER_ALLOW_ORIGIN | 1u << CROSSGATE_HEADER_ALLOW_CREDENTIALS));
    CHECK(difference.live_action == CROSSGATE_ACTION_ANSWER
          && difference.shadow_action == CROSSGATE_ACTION_ANSWER);
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.differs == 0);
    request.verdict = CROSSGATE_VERDICT_ALLOW;
    STATUS(CROSSGATE_ERR_VERDICT_NOT_ASKED,
        crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    request.verdict = CROSSGATE_VERDICT_ABSENT;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_compare_shadow(NULL, &request, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_compare_shadow(shared, NULL, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_compare_shadow(shared, &request, NULL));
    difference.struct_size = 0;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE,
        crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    STATUS(CROSSGATE_OK, crossgate_shared_policy_set_shadow(shared, NULL));
    difference.struct_size = sizeof difference;
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.differs == 0);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_set_shadow(shared, b));

    /* Two decisions that are there already. */
    crossgate_decision shadow;
    start(&request, &decision, "GET");
    start(&request, &shadow, "GET");
    add(&request, "Origin", "https://b.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(b, &request, &shadow, NULL, 0));
    crossgate_policy *live = crossgate_shared_policy_load(shared);
    STATUS(CROSSGATE_OK, crossgate_evaluate(live, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_OK, crossgate_decision_difference(&decision, &shadow, &difference));
    crossgate_difference asked = {.struct_size = sizeof asked};
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &asked));
    CHECK(asked.differs == 1 && memcmp(&asked, &difference, sizeof asked) == 0);
    STATUS(CROSSGATE_OK, crossgate_decision_difference(&shadow, &shadow, &difference));
    CHECK(difference.differs == 0 && difference.headers == 0);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_difference(NULL, &shadow, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_difference(&shadow, NULL, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_difference(&shadow, &shadow, NULL));
    crossgate_policy_free(live);

    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_set_shadow(NULL, b));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace(NULL, b));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace(shared, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_replace_json(NULL, LITERAL("{}"), &error));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_json(shared, NULL, 2, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_replace_toml(NULL, LITERAL(""), &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_replace_file(NULL, LITERAL("p.json"), &error));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_file(shared, NULL, 0, &error));
    CHECK(crossgate_shared_policy_load(NULL) == NULL);
    CHECK(allows(shared, "https://a.example") == 1);
    crossgate_policy_free(b);
    crossgate_policy_free(loaded);
    loaded = crossgate_shared_policy_load(shared);
    crossgate_shared_policy_free(shared);
    CHECK(crossgate_policy_warning_count(loaded) == 0);
    crossgate_policy_free(loaded);
    crossgate_shared_policy_free(NULL);
}

static void counts(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\"]}");
    crossgate_counters *counters = (crossgate_counters *)&counters;
    crossgate_request request;
    crossgate_decision decision;
    uint64_t count = 77;
    STATUS(CROSSGATE_OK, crossgate_counters_new(&counters));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_new(NULL));
    start(&request, &decision, "GET");
    add(&request, "Origin", "null");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_OK, crossgate_counters_record(counters, &decision));
    STATUS(CROSSGATE_OK, crossgate_counters_record(counters, &decision));
    STATUS(CROSSGATE_OK, crossgate_counters_get(counters, CROSSGATE_REASON_ORIGIN_NULL, &count));
    CHECK(count == 2);
    STATUS(CROSSGATE_OK, crossgate_counters_get(counters, CROSSGATE_REASON_ALLOWED, &count));
    CHECK(count == 0);
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_get(counters, INT32_MAX, &count));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_get(counters, -1, &count));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_get(counters, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_get(NULL, 0, &count));
    decision.reason = 99;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_record(counters, &decision));
    decision.struct_size = 1;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_counters_record(counters, &decision));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_record(counters, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_record(NULL, &decision));
    STATUS(CROSSGATE_OK, crossgate_counters_add_overwrote_upstream(counters));
    STATUS(CROSSGATE_OK, crossgate_counters_overwrote_upstream(counters, &count));
    CHECK(count == 1);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_add_overwrote_upstream(NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_overwrote_upstream(counters, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_overwrote_upstream(NULL, &count));
    size_t length;
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_counters_to_prometheus(counters, NULL, 0, &length));
    char *text = malloc(length + 1);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_counters_to_prometheus(counters, text, length, &length));
    STATUS(CROSSGATE_OK, crossgate_counters_to_prometheus(counters, text, length + 1, &length));
    CHECK(strlen(text) == length
          && strstr(text, "crossgate_decisions_total{reason=\"origin_null\"} 2\n") != NULL);
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_to_prometheus(NULL, text, length, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_counters_to_prometheus(counters, text, length, NULL));
    free(text);
    crossgate_counters_free(counters);
    crossgate_counters_free(NULL);
    crossgate_policy_free(policy);
}

void test_serving(const char *folder) {
    shared_policies(folder);
    counts();
}
