/* From request to decision, and to HTTP/1.1 lines. */
#include "check.h"

/* Whether the first header's value lies in the decision. */
static int lies_in(const crossgate_decision *decision) {
    const char *value = decision->headers[0].value.data, *start = (const char *)decision;
    return value >= start && value < start + sizeof *decision;
}

static void actual_requests(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\", "
                                     "\"https://*.b.example\"], \"expose_headers\": [\"X-A\"],"
                                     " \"allow_credentials\": true}");
    crossgate_request request;
    crossgate_decision decision;
    start(&request, &decision, "GET");
    add(&request, "hOsT", "server.example");
    add(&request, "ORIGIN", "\thttps://a.example ");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.kind == CROSSGATE_KIND_ACTUAL && decision.reason == CROSSGATE_REASON_ALLOWED);
    CHECK(decision.action == CROSSGATE_ACTION_FORWARD && decision.allowed == 1
          && decision.status == 0);
    CHECK(decision.flags == CROSSGATE_DECISION_ORIGIN_LISTED);
    CHECK(decision.depends_on == CROSSGATE_DEPENDS_ON_ORIGIN);
    CHECK(decision.header_count == 4 && decision.remove_count == 4);
    CHECK(equal(decision.headers[0].name, "Access-Control-Allow-Origin"));
    CHECK(equal(decision.headers[0].lower_name, "access-control-allow-origin"));
    CHECK(equal(decision.headers[0].value, "https://a.example"));
    CHECK(decision.headers[0].op == CROSSGATE_OP_SET
          && decision.headers[0].id == CROSSGATE_HEADER_ALLOW_ORIGIN);
    CHECK(equal(decision.headers[2].value, "X-A") && decision.headers[2].op == CROSSGATE_OP_MERGE);
    CHECK(decision.headers[2].id == CROSSGATE_HEADER_EXPOSE_HEADERS);
    CHECK(equal(decision.headers[3].name, "Vary") && equal(decision.headers[3].value, "Origin"));
    CHECK(equal(decision.remove[0], "access-control-allow-methods"));
    /* A configured origin is the policy's text, not a copy. */
    CHECK(decision.headers[0].source == CROSSGATE_SOURCE_POLICY && !lies_in(&decision));

    /* An origin that a pattern matched is copied: the request may go. */
    char origin[] = "https://x.b.example";
    start(&request, &decision, "GET");
    add(&request, "Origin", origin);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    memset(origin, 'x', sizeof origin);
    CHECK(equal(decision.headers[0].value, "https://x.b.example") && lies_in(&decision));
    CHECK(decision.headers[0].source == CROSSGATE_SOURCE_DECISION);
    CHECK(decision.headers[1].source == CROSSGATE_SOURCE_POLICY);
    CHECK(decision.flags == 0 && decision.depends_on == CROSSGATE_DEPENDS_ON_ORIGIN);

    /* Lines of the server's own. */
    crossgate_str lines[] = {
        {LITERAL("https://a.example")}, {NULL, 0}, {LITERAL("https://a.example")}};
    start(&request, &decision, "GET");
    request.origin.data = lines;
    request.origin.count = 2;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 1);
    request.origin.count = 3;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0 && decision.reason == CROSSGATE_REASON_ORIGIN_MULTIPLE);
    /* Both ways together count together. */
    request.origin.count = 1;
    add(&request, "Origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.reason == CROSSGATE_REASON_ORIGIN_MULTIPLE);
    start(&request, &decision, "GET");
    add(&request, "Origin", "https://a.example");
    add(&request, "origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.reason == CROSSGATE_REASON_ORIGIN_MULTIPLE);

    /* An empty field is present. */
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_request_add_header(&request, LITERAL("Origin"), NULL, 0));
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.kind == CROSSGATE_KIND_ACTUAL
          && decision.reason == CROSSGATE_REASON_ORIGIN_MALFORMED);
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.kind == CROSSGATE_KIND_NOT_CORS && decision.allowed == -1);
    crossgate_policy_free(policy);
}

static void preflights(void) {
    crossgate_policy *policy =
        build("{\"allow_origins\": [\"https://a.example\"], \"allow_methods\": \"*\", "
              "\"allow_headers\": \"*\","
              " \"allow_credentials\": true, \"preflight_status\": 200, \"max_age\": 600}");
    size_t size = crossgate_policy_scratch_size(policy);
    CHECK(size > 4096);
    char *scratch = malloc(size);
    memset(scratch, 0xa5, size);
    crossgate_request request;
    crossgate_decision decision;
    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://a.example");
    add(&request, "Access-Control-Request-Method", "PATCH");
    add(&request, "Access-Control-Request-Headers", "x-b,X-A");
    add(&request, "access-control-request-headers", "content-type, x-a");
    STATUS(
        CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate(policy, &request, &decision, scratch, size - 1));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, size));
    CHECK(decision.header_count == 0);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
    CHECK(decision.kind == CROSSGATE_KIND_PREFLIGHT && decision.action == CROSSGATE_ACTION_ANSWER);
    CHECK(decision.allowed == 1 && decision.status == 200 && decision.header_count == 6);
    CHECK(equal(decision.headers[2].value, "PATCH"));
    CHECK(equal(decision.headers[3].value, "x-b, x-a, content-type")
          && decision.headers[3].value.data == scratch);
    CHECK(decision.headers[2].source == CROSSGATE_SOURCE_DECISION
          && decision.headers[3].source == CROSSGATE_SOURCE_SCRATCH);
    CHECK(decision.depends_on
          == (CROSSGATE_DEPENDS_ON_ORIGIN | CROSSGATE_DEPENDS_ON_ACRM | CROSSGATE_DEPENDS_ON_ACRH));

    const char expected[] =
        "Access-Control-Allow-Origin: https://a.example\r\n"
        "Access-Control-Allow-Credentials: true\r\n"
        "Access-Control-Allow-Methods: PATCH\r\n"
        "Access-Control-Allow-Headers: x-b, x-a, content-type\r\n"
        "Access-Control-Max-Age: 600\r\n"
        "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
        "Content-Length: 0\r\n";
    char block[sizeof expected];
    size_t length = 0;
    STATUS(CROSSGATE_OK, crossgate_decision_write_http1(&decision, block, sizeof block, &length));
    CHECK(length == sizeof expected - 1 && strcmp(block, expected) == 0);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_decision_write_http1(&decision, block, sizeof block - 1, &length));
    CHECK(length == sizeof expected - 1 && block[0] == '\0');
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_decision_write_http1(&decision, NULL, 0, &length));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_write_http1(&decision, NULL, 1, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_decision_write_http1(&decision, block, sizeof block, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_decision_write_http1(NULL, block, sizeof block, &length));

    /* Both calls in one say the same. */
    crossgate_decision other;
    memset(&other, 0xa5, sizeof other);
    memset(block, 0xa5, sizeof block);
    STATUS(CROSSGATE_OK, crossgate_decision_init(&other, sizeof other));
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate_http1(policy, &request, &other, block, sizeof block - 1, &length));
    CHECK(length == sizeof expected - 1 && block[0] == '\0' && says_nothing(&other));
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate_http1(policy, &request, &other, NULL, 0, &length));
    STATUS(CROSSGATE_OK,
        crossgate_evaluate_http1(policy, &request, &other, block, sizeof block, &length));
    CHECK(length == sizeof expected - 1 && strcmp(block, expected) == 0);
    CHECK(memcmp(&other, &decision, offsetof(crossgate_decision, header_count)) == 0);
    CHECK(other.header_count == 0 && other.remove_count == 0);
    CHECK(size < 5000);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_http1(NULL, &request, &other, block, sizeof block, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_http1(policy, NULL, &other, block, sizeof block, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_http1(policy, &request, NULL, block, sizeof block, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_http1(policy, &request, &other, NULL, sizeof block, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_http1(policy, &request, &other, block, sizeof block, NULL));
    request.verdict = CROSSGATE_VERDICT_ALLOW;
    STATUS(CROSSGATE_ERR_VERDICT_NOT_ASKED,
        crossgate_evaluate_http1(policy, &request, &other, block, sizeof block, &length));

    decision.header_count = 9;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_decision_write_http1(&decision, block, sizeof block, &length));

    /* As many lines as there is room for, and one more. */
    for (int extra = 0; extra < 2; extra++) {
        start(&request, &decision, "OPTIONS");
        add(&request, "Origin", "https://a.example");
        add(&request, "Access-Control-Request-Method", "GET");
        for (int i = 0; i < CROSSGATE_ADDED_LINES + extra; i++)
            add(&request, "Access-Control-Request-Headers", "x-a");
        STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
        CHECK(decision.reason
              == (extra ? CROSSGATE_REASON_HEADER_LIST_TOO_LONG : CROSSGATE_REASON_ALLOWED));
    }

    /* Lines of the server's own have no such bound. */
    crossgate_str lines[100];
    for (int i = 0; i < 100; i++)
        lines[i] = (crossgate_str){LITERAL("x-a")};
    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://a.example");
    add(&request, "Access-Control-Request-Method", "GET");
    request.acrh.data = lines;
    request.acrh.count = 100;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
    CHECK(decision.allowed == 1 && equal(decision.headers[3].value, "x-a"));
    lines[99].data = NULL;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate(policy, &request, &decision, scratch, size));

    /* A method longer than any real one is not echoed; what passes fits into the decision. */
    char method[513];
    for (size_t i = 0; i < sizeof method - 1; i++) {
        memset(method, 'M', i);
        method[i] = '\0';
        start(&request, &decision, "OPTIONS");
        add(&request, "Origin", "https://a.example");
        add(&request, "Access-Control-Request-Method", method);
        STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
        if (decision.allowed)
            CHECK(equal(decision.headers[2].value, method)
                  && decision.headers[2].id == CROSSGATE_HEADER_ALLOW_METHODS);
        else
            CHECK(decision.reason == CROSSGATE_REASON_METHOD_NOT_ALLOWED);
        CHECK(decision.allowed == (i > 0 && i <= 128));
    }
    free(scratch);
    crossgate_policy_free(policy);

    /* Under a literal "*" too, more lines than there is room for deny. */
    policy = build("{\"allow_origins\": \"*\", \"allow_headers\": \"*\"}");
    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://a.example");
    add(&request, "Access-Control-Request-Method", "GET");
    for (int i = 0; i < CROSSGATE_ADDED_LINES + 1; i++)
        add(&request, "Access-Control-Request-Headers", "x-a");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0);
    crossgate_policy_free(policy);

    policy = build("{\"allow_origins\": [\"https://a.example\"], \"allow_private_network\": true, "
                   "\"upstream\": \"keep\"}");
    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://a.example");
    add(&request, "Access-Control-Request-Method", "GET");
    add(&request, "Access-Control-Request-Private-Network", "true");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.flags == (CROSSGATE_DECISION_KEEP_UPSTREAM | CROSSGATE_DECISION_ORIGIN_LISTED));
    CHECK(
        decision.headers[1].id == CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK && decision.status == 204);
    crossgate_policy_free(policy);
}

static void wrong_arguments(void) {
    crossgate_policy *policy = build("{\"allow_origins\": \"*\"}");
    crossgate_request request;
    crossgate_decision decision;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE,
        crossgate_request_init(
            &request, offsetof(crossgate_request, sec_fetch_site) - 1, LITERAL("GET")));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_init(NULL, sizeof request, LITERAL("GET")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_init(&request, sizeof request, NULL, 3));
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_decision_init(&decision, SIZE_MAX));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_init(NULL, sizeof decision));
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(NULL, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, NULL, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, NULL, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_request_add_header(NULL, LITERAL("a"), LITERAL("b")));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_add_header(&request, NULL, 6, LITERAL("b")));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_add_header(&request, LITERAL("a"), NULL, 1));
    request.origin.count = 1;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.origin.count = SIZE_MAX;
    request.origin.data = &request.method;
    STATUS(
        CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.origin.count = 0;
    const uint32_t size = request.struct_size;
    request.struct_size = offsetof(crossgate_request, sec_fetch_site) - 1;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_STRUCT_SIZE,
        crossgate_request_add_header(&request, LITERAL("a"), LITERAL("b")));
    request.struct_size = UINT32_MAX;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.struct_size = size;

    /* After a failure a decision says nothing, whatever it said before. */
    start(&request, &decision, "GET");
    add(&request, "Origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.header_count > 0 && decision.allowed == 1);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(NULL, &request, &decision, NULL, 0));
    CHECK(says_nothing(&decision));
    decision.struct_size = 0;
    size_t length;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_decision_write_http1(&decision, NULL, 0, &length));
    crossgate_policy_free(policy);
}

/* Whether a function writes this, also into a buffer that just holds it, and nothing into less. */
#define WRITES(text, function)                                                                     \
    do {                                                                                           \
        char buffer[CROSSGATE_DESCRIPTION_SIZE];                                                   \
        size_t length = 99;                                                                        \
        STATUS(                                                                                    \
            CROSSGATE_OK, function(&decision, policy, &request, buffer, sizeof buffer, &length));  \
        CHECK(length == strlen(text) && strcmp(buffer, text) == 0);                                \
        STATUS(CROSSGATE_OK,                                                                       \
            function(&decision, policy, &request, buffer, strlen(text) + 1, &length));             \
        STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,                                                     \
            function(&decision, policy, &request, buffer, strlen(text), &length));                 \
        CHECK(length == strlen(text));                                                             \
        STATUS(CROSSGATE_ERR_NULL_ARGUMENT,                                                        \
            function(NULL, policy, &request, buffer, sizeof buffer, &length));                     \
        CHECK(length == 0 && buffer[0] == '\0');                                                   \
        STATUS(CROSSGATE_ERR_NULL_ARGUMENT,                                                        \
            function(&decision, NULL, &request, buffer, sizeof buffer, &length));                  \
        STATUS(CROSSGATE_ERR_NULL_ARGUMENT,                                                        \
            function(&decision, policy, NULL, buffer, sizeof buffer, &length));                    \
        STATUS(                                                                                    \
            CROSSGATE_ERR_NULL_ARGUMENT, function(&decision, policy, &request, NULL, 1, &length)); \
        STATUS(CROSSGATE_ERR_NULL_ARGUMENT,                                                        \
            function(&decision, policy, &request, buffer, sizeof buffer, NULL));                   \
    } while (0)

/* What was refused, in words. */
static void descriptions(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\"], "
                                     "\"allow_headers\": [\"X-A\"]}");
    crossgate_request request;
    crossgate_decision decision;
    char longest[CROSSGATE_DESCRIPTION_SIZE], forged[3000];
    size_t length = 0;

    start(&request, &decision, "OPTIONS");
    add(&request, "Origin", "https://a.example");
    add(&request, "Access-Control-Request-Method", "GET");
    add(&request, "Access-Control-Request-Headers", "x-a,bag gage,tracestate");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    WRITES("bag\\x20gage", crossgate_decision_denied_name);
    WRITES("kind=preflight reason=header_list_malformed action=answer denied_name=bag\\x20gage "
           "origin=https://a.example",
        crossgate_decision_describe);

    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    WRITES("", crossgate_decision_denied_name);
    WRITES("kind=not_cors reason=no_origin action=forward", crossgate_decision_describe);

    /* The longest that there is. */
    memset(forged, '\n', sizeof forged);
    start(&request, &decision, "OPTIONS");
    crossgate_request_add_header(&request, LITERAL("Origin"), forged, sizeof forged);
    crossgate_request_add_header(
        &request, LITERAL("Access-Control-Request-Method"), forged, sizeof forged);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    decision.reason = CROSSGATE_REASON_METHOD_NOT_ALLOWED;
    STATUS(CROSSGATE_OK,
        crossgate_decision_describe(&decision, policy, &request, longest, sizeof longest, &length));
    CHECK(length > 2048 && strchr(longest, '\n') == NULL);

    decision.reason = 99;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_decision_denied_name(&decision, policy,
                                               &request, longest, sizeof longest, &length));
    decision.struct_size = 3;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE,
        crossgate_decision_describe(&decision, policy, &request, longest, sizeof longest, &length));
    crossgate_policy_free(policy);
}

void test_decisions(void) {
    actual_requests();
    descriptions();
    preflights();
    wrong_arguments();
}
