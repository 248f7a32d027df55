/* crossgate_evaluate_block(): text in, text and integers out. It says what crossgate_evaluate()
 * says. */
#include "check.h"

static char out[8192];

static crossgate_answer ask(const crossgate_policy *policy, const char *method, const char *lines,
    int32_t verdict, crossgate_status expected) {
    crossgate_answer answer;
    size_t length = 999;
    memset(&answer, 0xa5, sizeof answer);
    answer.struct_size = sizeof answer;
    memset(out, 'x', sizeof out);
    STATUS(expected, crossgate_evaluate_block(policy, method, strlen(method), lines, strlen(lines),
                         verdict, &answer, out, sizeof out, &length));
    CHECK(length == strlen(out));
    return answer;
}

static void put(char *text, const char *more, size_t length) {
    size_t used = strlen(text);
    memcpy(text + used, more, length);
    text[used + length] = '\0';
}

/* The operations of a decision in the same form. */
static void write_operations(const crossgate_decision *decision, char *text) {
    text[0] = '\0';
    for (uint32_t i = 0; i < decision->header_count; i++) {
        const crossgate_header *header = &decision->headers[i];
        if (header->op == CROSSGATE_OP_MERGE)
            put(text, CROSSGATE_STR("+"));
        put(text, header->name.data, header->name.len);
        put(text, CROSSGATE_STR(": "));
        put(text, header->value.data, header->value.len);
        put(text, CROSSGATE_STR("\r\n"));
    }
    for (uint32_t i = 0; i < decision->remove_count; i++) {
        /* crossgate_evaluate() gives names to remove in lower case. */
        put(text, CROSSGATE_STR("-"));
        put(text, decision->remove[i].data, decision->remove[i].len);
        put(text, CROSSGATE_STR("\r\n"));
    }
}

static void lower(char *text) {
    int is_name = 0;
    for (; *text; text++) {
        if (*text == '-' && (text[-1] == '\n' || text[-1] == '\0'))
            is_name = 1;
        else if (*text == '\n')
            is_name = 0;
        else if (is_name && *text >= 'A' && *text <= 'Z')
            *text = (char)(*text + 32);
    }
}

static const char *const METHODS[] = {"GET", "OPTIONS", "PUT", "options", ""};
static const char *const NAMES[] = {"Origin", "origin", "Access-Control-Request-Method",
    "Access-Control-Request-Headers", "ACCESS-CONTROL-REQUEST-HEADERS", "Sec-Fetch-Site",
    "Access-Control-Request-Private-Network", "Host", "Origins"};
static const char *const VALUES[] = {"https://a.example", " https://x.b.example\t",
    "https://evil.example", "null", "PUT", "x-a", "x-a, x-b,content-type", "", "same-origin",
    "true", "a:b"};
static const char *const POLICIES[] = {
    "{\"allow_origins\": \"*\", \"allow_headers\": \"*\"}",
    "{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"], \"allow_headers\": "
    "\"*\","
    " \"allow_methods\": \"*\", \"allow_credentials\": true, \"expose_headers\": [\"X-E\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"allow_methods\": [\"PUT\"], \"max_age\": 5,"
    " \"denied_actual\": \"reject\", \"own_origins\": [\"https://evil.example\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"origin_predicate\": true}",
    "{\"allow_origin_regexes\": [\"(?!https://evil)https://(.+)\\\\.example\"]}",
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint32_t state = 20261201;

static uint32_t next(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

/* Random requests, both ways. */
static void the_same(void) {
    static char expected[sizeof out + 1], found[sizeof out + 1], scratch[16384];
    unsigned long allowed = 0, asked = 0;
    for (size_t p = 0; p < COUNT(POLICIES); p++) {
        crossgate_policy *policy = build(POLICIES[p]);
        for (int round = 0; round < 4000; round++) {
            char lines[2048] = "";
            const char *method = METHODS[next(COUNT(METHODS))];
            crossgate_request request;
            crossgate_decision decision;
            start(&request, &decision, method);
            for (uint32_t i = next(6); i > 0; i--) {
                const char *name = NAMES[next(COUNT(NAMES))], *value = VALUES[next(COUNT(VALUES))];
                add(&request, name, value);
                put(lines, name, strlen(name));
                put(lines, CROSSGATE_STR(": "));
                put(lines, value, strlen(value));
                /* The last line may lack its end. */
                if (i > 1 || next(2) == 0)
                    put(lines, CROSSGATE_STR("\r\n"));
            }
            int32_t verdict = CROSSGATE_VERDICT_ABSENT;
            if (crossgate_policy_has_origin_predicate(policy))
                verdict = (int32_t[]){CROSSGATE_VERDICT_ABSENT, CROSSGATE_VERDICT_ALLOW,
                    CROSSGATE_VERDICT_DENY}[next(3)];
            request.verdict = verdict;
            STATUS(CROSSGATE_OK,
                crossgate_evaluate(policy, &request, &decision, scratch, sizeof scratch));
            write_operations(&decision, expected);
            crossgate_answer answer = ask(policy, method, lines, verdict, CROSSGATE_OK);
            strcpy(found, out);
            lower(found);
            lower(expected);
            CHECK(strcmp(found, expected) == 0);
            CHECK(answer.flags == decision.flags && answer.kind == decision.kind
                  && answer.reason == decision.reason && answer.action == decision.action
                  && answer.allowed == decision.allowed && answer.status == decision.status
                  && answer.depends_on == decision.depends_on);
            allowed += answer.allowed == 1;
            asked += (answer.flags & CROSSGATE_DECISION_NEEDS_VERDICT) != 0;
        }
        crossgate_policy_free(policy);
    }
    CHECK(allowed > 1000 && asked > 50);
}

static int is_nothing(const crossgate_answer *answer) {
    return answer->flags == 0 && answer->kind == CROSSGATE_KIND_NOT_CORS
           && answer->action == CROSSGATE_ACTION_FORWARD && answer->allowed == -1
           && answer->status == 0 && answer->depends_on == 0 && out[0] == '\0';
}

static void mistakes(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\"]}");
    const char *lines = "Host: a\r\nOrigin: https://a.example\r\n";
    crossgate_answer answer = ask(policy, "GET", lines, CROSSGATE_VERDICT_ABSENT, CROSSGATE_OK);
    CHECK(answer.allowed == 1 && strncmp(out, "Access-Control-Allow-Origin: https://a", 38) == 0);
    CHECK(strstr(out, "\r\n+Vary: Origin\r\n-Access-Control-Allow-Credentials\r\n") != NULL);

    answer = ask(policy, "GET", lines, CROSSGATE_VERDICT_ALLOW, CROSSGATE_ERR_VERDICT_NOT_ASKED);
    CHECK(is_nothing(&answer));
    answer = ask(policy, "GET", lines, 7, CROSSGATE_ERR_INVALID_ARGUMENT);
    CHECK(is_nothing(&answer));
    /* A folded line and one without a colon: nobody can say what they mean. */
    const char *const broken[] = {
        "Origin: https://a.example\r\n x\r\n", "Origin\r\n", "\tx: y\r\n"};
    for (size_t i = 0; i < COUNT(broken); i++) {
        answer =
            ask(policy, "GET", broken[i], CROSSGATE_VERDICT_ABSENT, CROSSGATE_ERR_INVALID_ARGUMENT);
        CHECK(is_nothing(&answer));
    }
    size_t length = 0;
    memset(out, 'x', sizeof out);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), lines, strlen(lines),
            CROSSGATE_VERDICT_ABSENT, &answer, out, 10, &length));
    CHECK(is_nothing(&answer) && length > 100);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), lines, strlen(lines),
            CROSSGATE_VERDICT_ABSENT, &answer, NULL, 0, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate_block(NULL, CROSSGATE_STR("GET"), NULL,
                                            0, 0, &answer, out, sizeof out, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_evaluate_block(policy, NULL, 3, NULL, 0, 0, &answer, out, sizeof out, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), NULL,
                                            1, 0, &answer, out, sizeof out, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), NULL,
                                            0, 0, NULL, out, sizeof out, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), NULL,
                                            0, 0, &answer, out, sizeof out, NULL));
    answer.struct_size = sizeof answer - 8;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate_block(policy, CROSSGATE_STR("GET"), NULL,
                                          0, 0, &answer, out, sizeof out, &length));
    crossgate_policy_free(policy);
}

/* What logs ask for. */
static void origins(void) {
    crossgate_request request;
    crossgate_decision decision;
    crossgate_str origin;
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_OK, crossgate_request_origin(&request, &origin));
    CHECK(origin.data == NULL);
    add(&request, "Origin", "https://a.example");
    add(&request, "Origin", "https://b.example");
    STATUS(CROSSGATE_OK, crossgate_request_origin(&request, &origin));
    CHECK(origin.len == 17 && memcmp(origin.data, "https://a.example", 17) == 0);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_origin(NULL, &origin));
    CHECK(origin.data == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_origin(&request, NULL));
    CHECK(strlen(crossgate_public_suffix_list_date()) == 10);
}

/* A regex that takes too many steps is counted. */
static void step_limit(void) {
    crossgate_policy *policy = build("{\"allow_origin_regexes\": [\"https://(a|b|ab)*(?=c)\"]}");
    crossgate_counters *counters;
    uint64_t count = 99;
    STATUS(CROSSGATE_OK, crossgate_counters_new(&counters));
    crossgate_request request;
    crossgate_decision decision;
    start(&request, &decision, "GET");
    add(&request, "Origin", "https://abababababababababababababababababababababababababababab");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0 && decision.reason == CROSSGATE_REASON_ORIGIN_NOT_LISTED);
    CHECK(decision.flags == CROSSGATE_DECISION_REGEX_STEP_LIMIT);
    char line[CROSSGATE_DESCRIPTION_SIZE];
    size_t length;
    STATUS(CROSSGATE_OK,
        crossgate_decision_describe(&decision, policy, &request, line, sizeof line, &length));
    CHECK(strstr(line, " regex_step_limit=true") == line + length - 22);
    STATUS(CROSSGATE_OK, crossgate_counters_record(counters, &decision));
    STATUS(CROSSGATE_OK, crossgate_counters_regex_step_limit(counters, &count));
    CHECK(count == 1);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_regex_step_limit(NULL, &count));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_regex_step_limit(counters, NULL));
    crossgate_counters_free(counters);
    crossgate_policy_free(policy);
}

void test_blocks(void) {
    the_same();
    mistakes();
    origins();
    step_limit();
}
