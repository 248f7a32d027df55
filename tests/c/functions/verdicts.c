/* Origins that the application decides about, and WebSocket handshakes. */
#include "check.h"

static void verdicts(void) {
    crossgate_policy *policy =
        build("{\"origin_predicate\": true, \"allow_origins\": [\"https://a.example\"]}");
    crossgate_policy *listed = build("{\"allow_origins\": [\"https://a.example\"]}");
    crossgate_request request;
    crossgate_decision decision;
    crossgate_str origin;
    CHECK(crossgate_policy_has_origin_predicate(policy) == 1
          && crossgate_policy_has_origin_predicate(listed) == 0);
    CHECK(crossgate_policy_has_origin_predicate(NULL) == 0);
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_needs_verdict(policy, &request, &origin));
    CHECK(origin.data == NULL);
    add(&request, "Origin", "https://tenant.example");
    STATUS(CROSSGATE_OK, crossgate_needs_verdict(listed, &request, &origin));
    CHECK(origin.data == NULL);
    STATUS(CROSSGATE_OK, crossgate_needs_verdict(policy, &request, &origin));
    CHECK(origin.len == 22 && memcmp(origin.data, "https://tenant.example", 22) == 0);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0 && decision.reason == CROSSGATE_REASON_ORIGIN_NOT_LISTED);
    CHECK(decision.flags == CROSSGATE_DECISION_NEEDS_VERDICT);
    CHECK(equal(decision.origin, "https://tenant.example"));
    request.verdict = CROSSGATE_VERDICT_DENY;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0);
    request.verdict = CROSSGATE_VERDICT_ALLOW;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 1 && equal(decision.headers[0].value, "https://tenant.example"));
    STATUS(
        CROSSGATE_ERR_VERDICT_NOT_ASKED, crossgate_evaluate(listed, &request, &decision, NULL, 0));
    request.verdict = 3;
    STATUS(
        CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(says_nothing(&decision));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_needs_verdict(policy, &request, &origin));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(policy, &request, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(policy, NULL, &origin));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(NULL, &request, &origin));
    CHECK(origin.data == NULL);
    crossgate_policy_free(policy);
    crossgate_policy_free(listed);
}

/* The verdict chooses between two decisions that are there: the request may be gone. */
static void resumed(void) {
    crossgate_policy *policy =
        build("{\"origin_predicate\": true, \"allow_credentials\": true, \"allow_methods\": \"*\", "
              "\"allow_headers\": \"*\", \"denied_actual\": \"reject\", \"own_origins\": "
              "[\"https://own.example\"]}");
    size_t size = crossgate_policy_scratch_size(policy);
    char *scratch = malloc(size);
    crossgate_request request;
    crossgate_decision decision, whole;
    for (int preflight = 0; preflight < 2; preflight++) {
        for (int verdict = CROSSGATE_VERDICT_ABSENT; verdict <= CROSSGATE_VERDICT_DENY; verdict++) {
            char origin[] = "https://tenant.example", names[] = "x-a";
            char one[1024], other[1024];
            size_t length;
            start(&request, &decision, preflight ? "OPTIONS" : "GET");
            add(&request, "Origin", origin);
            if (preflight) {
                add(&request, "Access-Control-Request-Method", "PATCH");
                add(&request, "Access-Control-Request-Headers", names);
            }
            STATUS(CROSSGATE_OK, crossgate_decision_init(&whole, sizeof whole));
            request.verdict =
                verdict == CROSSGATE_VERDICT_ABSENT ? CROSSGATE_VERDICT_DENY : verdict;
            STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &whole, scratch, size));
            STATUS(CROSSGATE_OK, crossgate_decision_write_http1(&whole, one, sizeof one, &length));
            request.verdict = CROSSGATE_VERDICT_ABSENT;
            STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
            CHECK(decision.flags & CROSSGATE_DECISION_NEEDS_VERDICT);
            CHECK(decision.depends_on & CROSSGATE_DEPENDS_ON_VERDICT);
            memset(origin, '?', sizeof origin - 1);
            memset(names, '?', sizeof names - 1);
            memset(&request, 0xa5, sizeof request);
            CHECK(equal(decision.origin, "https://tenant.example"));
            STATUS(CROSSGATE_OK, crossgate_decision_resume(&decision, verdict));
            CHECK((decision.flags & CROSSGATE_DECISION_NEEDS_VERDICT) == 0
                  && decision.origin.data == NULL);
            CHECK(decision.allowed == (verdict == CROSSGATE_VERDICT_ALLOW));
            CHECK(decision.action == whole.action && decision.status == whole.status
                  && decision.reason == whole.reason && decision.depends_on == whole.depends_on
                  && decision.header_count == whole.header_count
                  && decision.remove_count == whole.remove_count);
            STATUS(CROSSGATE_OK,
                crossgate_decision_write_http1(&decision, other, sizeof other, &length));
            CHECK(strcmp(one, other) == 0);
            /* Once only. */
            STATUS(CROSSGATE_ERR_VERDICT_NOT_ASKED,
                crossgate_decision_resume(&decision, CROSSGATE_VERDICT_ALLOW));
            CHECK(says_nothing(&decision));
        }
    }

    /* With credentials no verdict lets an insecure origin in. */
    start(&request, &decision, "GET");
    add(&request, "Origin", "http://tenant.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
    CHECK(equal(decision.origin, "http://tenant.example"));
    STATUS(CROSSGATE_OK, crossgate_decision_resume(&decision, CROSSGATE_VERDICT_ALLOW));
    CHECK(decision.allowed == 0 && decision.action == CROSSGATE_ACTION_REJECT);

    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_decision_resume(&decision, 3));
    CHECK(says_nothing(&decision));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_resume(NULL, CROSSGATE_VERDICT_ALLOW));
    free(scratch);
    crossgate_policy_free(policy);
}

static int32_t websocket(const crossgate_policy *policy, crossgate_status expected,
    const crossgate_str *lines, size_t count, int32_t access, int32_t verdict) {
    int32_t result = 7;
    crossgate_request request;
    crossgate_decision unused;
    start(&request, &unused, "GET");
    request.origin.data = lines;
    request.origin.count = count;
    request.verdict = verdict;
    STATUS(expected, crossgate_check_websocket(policy, &request, access, &result));
    return result;
}

static void websockets(void) {
    crossgate_policy *policy =
        build("{\"origin_predicate\": true, \"allow_origins\": [\"https://a.example\"]}");
    crossgate_policy *listed = build("{\"allow_origins\": [\"https://a.example\"]}");
    const crossgate_str lines[] = {
        {LITERAL("https://a.example")}, {LITERAL("https://tenant.example")}};
    const int32_t absent = CROSSGATE_VERDICT_ABSENT, users = CROSSGATE_SOCKET_PRIVATE;
    CHECK(websocket(policy, CROSSGATE_OK, lines, 1, users, absent) == CROSSGATE_WEBSOCKET_ALLOW);
    CHECK(websocket(policy, CROSSGATE_OK, lines, 2, users, absent) == CROSSGATE_WEBSOCKET_DENY);
    CHECK(websocket(policy, CROSSGATE_OK, lines + 1, 1, users, CROSSGATE_VERDICT_ALLOW)
          == CROSSGATE_WEBSOCKET_ALLOW);
    CHECK(websocket(policy, CROSSGATE_OK, NULL, 0, users, absent) == CROSSGATE_WEBSOCKET_ABSENT);
    CHECK(websocket(policy, CROSSGATE_ERR_NULL_ARGUMENT, NULL, 1, users, absent)
          == CROSSGATE_WEBSOCKET_DENY);
    CHECK(websocket(policy, CROSSGATE_ERR_INVALID_ARGUMENT, lines, 1, 2, absent)
          == CROSSGATE_WEBSOCKET_DENY);
    websocket(policy, CROSSGATE_ERR_INVALID_ARGUMENT, lines, 1, users, -1);
    websocket(listed, CROSSGATE_ERR_VERDICT_NOT_ASKED, lines, 1, users, CROSSGATE_VERDICT_DENY);
    websocket(NULL, CROSSGATE_ERR_NULL_ARGUMENT, lines, 1, users, absent);

    /* A request filled line by line is whole. */
    crossgate_request request;
    crossgate_decision unused;
    int32_t result;
    start(&request, &unused, "GET");
    add(&request, "Origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_check_websocket(listed, &request, users, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_ALLOW);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_check_websocket(listed, NULL, users, &result));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_check_websocket(listed, &request, users, NULL));
    crossgate_policy_free(policy);
    crossgate_policy_free(listed);
}

void test_verdicts(void) {
    verdicts();
    resumed();
    websockets();
}
