/*
 * Structs that grow: compiled against an older header (-DOLDER: the last member of each struct that
 * has a struct_size is not there yet), against a newer one (-DNEWER: each has a member
 * added_later), and against crossgate.h itself; run with one library. The test makes both headers.
 */
#include "crossgate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define LITERAL(text) text, sizeof(text) - 1

/* A struct, and bytes behind it that nothing may write to. */
#define GUARDED(type)                                                                              \
    struct {                                                                                       \
        type it;                                                                                   \
        unsigned char behind[64];                                                                  \
    }

#define FILL(guarded) memset(&(guarded), 0xa5, sizeof(guarded))
#define CHECK_BEHIND(guarded)                                                                      \
    for (size_t i = 0; i < sizeof(guarded).behind; i++)                                            \
    CHECK((guarded).behind[i] == 0xa5)

static crossgate_policy *build(const char *json) {
    crossgate_policy *policy;
    if (crossgate_policy_from_json(json, strlen(json), &policy, NULL) != CROSSGATE_OK)
        exit(2);
    return policy;
}

static GUARDED(crossgate_request) request;
static GUARDED(crossgate_decision) decision;

static void ask(const char *method, const char *origin) {
    FILL(request);
    FILL(decision);
    CHECK(crossgate_request_init(&request.it, sizeof request.it, method, strlen(method))
          == CROSSGATE_OK);
    CHECK(crossgate_decision_init(&decision.it, sizeof decision.it) == CROSSGATE_OK);
    CHECK(crossgate_request_add_header(&request.it, LITERAL("Origin"), origin, strlen(origin))
          == CROSSGATE_OK);
    CHECK_BEHIND(request);
    CHECK_BEHIND(decision);
}

static void evaluated(const crossgate_policy *policy, const char *origin) {
    char *scratch = malloc(crossgate_policy_scratch_size(policy));
    char lines[1024];
    size_t length;

    ask("OPTIONS", origin);
    crossgate_request_add_header(
        &request.it, LITERAL("Access-Control-Request-Method"), LITERAL("PATCH"));
    crossgate_request_add_header(
        &request.it, LITERAL("Access-Control-Request-Headers"), LITERAL("x-b"));
    /* Both ways of handing lines over, and both ways through the library. */
    crossgate_str names = {LITERAL("x-a")};
    for (int own = 0; own < 2; own++) {
        CHECK(crossgate_evaluate(
                  policy, &request.it, &decision.it, scratch, crossgate_policy_scratch_size(policy))
              == CROSSGATE_OK);
        CHECK(
            decision.it.allowed == 1 && decision.it.status == 204 && decision.it.header_count == 5);
        CHECK(strcmp(decision.it.headers[0].value.data, origin) == 0);
        CHECK(strcmp(decision.it.headers[3].value.data, own ? "x-a, x-b" : "x-b") == 0);
        CHECK(crossgate_decision_write_http1(&decision.it, lines, sizeof lines, &length)
              == CROSSGATE_OK);
        CHECK(crossgate_evaluate_http1(
                  policy, &request.it, &decision.it, lines, sizeof lines, &length)
                  == CROSSGATE_OK
              && strstr(lines, origin) != NULL);
        CHECK_BEHIND(request);
        CHECK_BEHIND(decision);
        request.it.acrh.data = &names;
        request.it.acrh.count = 1;
    }
    free(scratch);

#ifdef NEWER
    /* A member that the library does not know says nothing, or too much. */
    CHECK(decision.it.added_later == 0 && request.it.added_later == 0);
    request.it.added_later = 1;
    CHECK(crossgate_evaluate(policy, &request.it, &decision.it, NULL, 0)
          == CROSSGATE_ERR_STRUCT_SIZE);
    CHECK(decision.it.allowed == -1 && decision.it.header_count == 0);
#endif
}

static void asked(void) {
    crossgate_policy *policy = build("{\"origin_predicate\": true}");
    ask("GET", "https://tenant.example");
    CHECK(crossgate_evaluate(policy, &request.it, &decision.it, NULL, 0) == CROSSGATE_OK);
    CHECK(decision.it.allowed == 0 && decision.it.flags == CROSSGATE_DECISION_NEEDS_VERDICT);
#ifndef OLDER
    CHECK(strcmp(decision.it.origin.data, "https://tenant.example") == 0);
#endif
    CHECK(crossgate_decision_resume(&decision.it, CROSSGATE_VERDICT_ALLOW) == CROSSGATE_OK);
    CHECK(decision.it.allowed == 1);
    CHECK_BEHIND(decision);
    crossgate_policy_free(policy);
}

static void answers(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\"]}");
    GUARDED(crossgate_answer) answer;
    char lines[1024];
    size_t length;
    FILL(answer);
    CHECK(crossgate_answer_init(&answer.it, 4) == CROSSGATE_ERR_STRUCT_SIZE);
    CHECK(crossgate_answer_init(&answer.it, sizeof answer.it) == CROSSGATE_OK);
    CHECK(crossgate_evaluate_block(policy, CROSSGATE_STR("GET"),
              CROSSGATE_STR("Origin: https://a.example\r\n"), CROSSGATE_VERDICT_ABSENT, &answer.it,
              lines, sizeof lines, &length)
          == CROSSGATE_OK);
    CHECK(answer.it.struct_size == sizeof answer.it && answer.it.allowed == 1);
#ifndef OLDER
    CHECK(answer.it.depends_on == CROSSGATE_DEPENDS_ON_ORIGIN);
#endif
    CHECK_BEHIND(answer);
    crossgate_policy_free(policy);
}

static void problems(void) {
    const char text[] = "{\"allow_origins\": [\"https://a.example/\"]}";
    crossgate_policy *policy;
    crossgate_error *error;
    GUARDED(crossgate_problem) problem;
    FILL(problem);
    CHECK(crossgate_problem_init(&problem.it, 4) == CROSSGATE_ERR_STRUCT_SIZE);
    CHECK(crossgate_problem_init(&problem.it, sizeof problem.it) == CROSSGATE_OK);
    CHECK(
        crossgate_policy_from_json(LITERAL(text), &policy, &error) == CROSSGATE_ERR_INVALID_POLICY);
    CHECK(crossgate_error_problem(error, 0, &problem.it) == CROSSGATE_OK);
    CHECK(problem.it.struct_size == sizeof problem.it);
    CHECK(strcmp(problem.it.code.data, "origin_has_path") == 0 && problem.it.message.len > 0);
#ifndef OLDER
    CHECK(strcmp(problem.it.hint.data, "https://a.example") == 0);
#endif
    CHECK_BEHIND(problem);
    crossgate_error_free(error);
}

static void differences(const crossgate_policy *policy) {
    crossgate_policy *strict = build("{\"allow_origins\": [\"https://b.example\"]}");
    crossgate_shared_policy *shared;
    GUARDED(crossgate_difference) difference;
    CHECK(crossgate_shared_policy_new(policy, &shared) == CROSSGATE_OK);
    CHECK(crossgate_shared_policy_set_shadow(shared, strict) == CROSSGATE_OK);
    FILL(difference);
    CHECK(crossgate_difference_init(&difference.it, 4) == CROSSGATE_ERR_STRUCT_SIZE);
    CHECK(crossgate_difference_init(&difference.it, sizeof difference.it) == CROSSGATE_OK);
    ask("GET", "https://a.example");
    CHECK(crossgate_shared_policy_compare_shadow(shared, &request.it, &difference.it)
          == CROSSGATE_OK);
    CHECK(difference.it.struct_size == sizeof difference.it && difference.it.differs == 1);
    CHECK(difference.it.live_allowed == 1 && difference.it.shadow_allowed == 0);
#ifndef OLDER
    CHECK(difference.it.shadow_status == 0);
#endif
    CHECK_BEHIND(difference);
    crossgate_shared_policy_free(shared);
    crossgate_policy_free(strict);
}

static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    (void)context, (void)name, (void)index, (void)value;
    return 0;
}

static crossgate_status set(void *context, const crossgate_header *header) {
    (void)header;
    ++*(int *)context;
    return CROSSGATE_OK;
}

#ifndef OLDER
static crossgate_status drop(void *context, const crossgate_str *name) {
    (void)context, (void)name;
    return CROSSGATE_OK;
}
#endif

static void applied(const crossgate_policy *policy) {
    crossgate_response_functions functions;
    int sets = 0;
    memset(&functions, 0, sizeof functions);
    functions.struct_size = sizeof functions;
    functions.get = get;
    functions.set = set;
    ask("GET", "https://a.example");
    CHECK(crossgate_evaluate(policy, &request.it, &decision.it, NULL, 0) == CROSSGATE_OK);
#ifdef OLDER
    /* Its first version has all three, so there is none that is older. */
    CHECK(crossgate_decision_apply(&decision.it, &functions, &sets, NULL)
          == CROSSGATE_ERR_STRUCT_SIZE);
    CHECK(sets == 0);
#else
    functions.remove = drop;
    CHECK(crossgate_decision_apply(&decision.it, &functions, &sets, NULL) == CROSSGATE_OK);
    CHECK(sets == (int)decision.it.header_count && sets > 0);
#endif
}

int main(void) {
    crossgate_policy *policy =
        build("{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"], "
              "\"allow_methods\": \"*\", \"allow_headers\": \"*\", \"allow_credentials\": true}");
    evaluated(policy, "https://a.example");
    evaluated(policy, "https://x.b.example");
    asked();
    answers();
    problems();
    differences(policy);
    applied(policy);
    crossgate_policy_free(policy);
    printf("request %zu, decision %zu\n", sizeof(crossgate_request), sizeof(crossgate_decision));
    return failures != 0;
}
