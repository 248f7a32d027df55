/*
 * crossgate_evaluate_block() against crossgate_evaluate(), with whatever the fuzzer invents. The
 * first byte chooses the policy, the second the verdict; then a line with the method, and the
 * header lines. run.sh builds the library with the fuzzer's counters.
 */
#include "crossgate.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const POLICIES[] = {
    "{\"allow_origins\": \"*\", \"allow_headers\": [\"*\", \"Authorization\"]}",
    "{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"], \"allow_headers\": "
    "\"*\", \"allow_methods\": \"*\", \"allow_credentials\": true, \"expose_headers\": [\"X-E\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"allow_methods\": [\"PUT\"], \"max_age\": 5,"
    " \"denied_actual\": \"reject\", \"own_origins\": [\"https://evil.example\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"origin_predicate\": true, "
    "\"allow_private_network\": true}",
    "{\"allow_origin_regexes\": [\"(?!https://evil)https://(.+)\\\\.example\"]}",
};
enum { COUNT = sizeof POLICIES / sizeof POLICIES[0] };

static void require(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static const crossgate_policy *policy_of(uint8_t choice) {
    static crossgate_policy *policies[COUNT];
    crossgate_policy **policy = &policies[choice % COUNT];
    const char *text = POLICIES[choice % COUNT];
    if (*policy == NULL)
        require(crossgate_policy_from_json(text, strlen(text), policy, NULL) == CROSSGATE_OK, text);
    return *policy;
}

/* The same request, line by line. Whether the block is well-formed. */
static int add_lines(crossgate_request *request, const char *lines, size_t size) {
    int is_well_formed = 1;
    while (size > 0) {
        const char *end = memchr(lines, '\n', size);
        size_t whole = end ? (size_t)(end - lines) : size, length = whole;
        if (length > 0 && lines[length - 1] == '\r')
            length--;
        if (length > 0) {
            const char *colon = memchr(lines, ':', length);
            if (colon == NULL || lines[0] == ' ' || lines[0] == '\t') {
                is_well_formed = 0;
            } else {
                size_t name = (size_t)(colon - lines);
                crossgate_request_add_header(request, lines, name, colon + 1, length - name - 1);
            }
        }
        lines += end ? whole + 1 : whole;
        size -= end ? whole + 1 : whole;
    }
    return is_well_formed;
}

/* One operation of the block for each header and each name to remove. */
static size_t operations(const char *out) {
    size_t count = 0;
    for (; (out = strstr(out, "\r\n")) != NULL; out += 2)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int32_t verdicts[] = {
        CROSSGATE_VERDICT_ABSENT, CROSSGATE_VERDICT_ALLOW, CROSSGATE_VERDICT_DENY};
    static char out[65536], scratch[65536];
    if (size < 2)
        return 0;
    const crossgate_policy *policy = policy_of(data[0]);
    int32_t verdict = verdicts[data[1] % 3];
    const char *method = (const char *)data + 2, *end = memchr(method, '\n', size - 2);
    size_t method_length = end ? (size_t)(end - method) : size - 2;
    const char *lines = method + method_length + (end ? 1 : 0);
    size_t lines_length = size - 2 - method_length - (end ? 1 : 0), length = 1;

    crossgate_request request;
    crossgate_decision decision;
    crossgate_answer answer;
    crossgate_answer_init(&answer, sizeof answer);
    crossgate_status status = crossgate_evaluate_block(policy, method, method_length, lines,
        lines_length, verdict, &answer, out, sizeof out, &length);
    require(length == strlen(out) || status == CROSSGATE_ERR_BUFFER_TOO_SMALL, "the length");

    crossgate_decision_init(&decision, sizeof decision);
    crossgate_request_init(&request, sizeof request, method, method_length);
    int is_well_formed = add_lines(&request, lines, lines_length);
    request.verdict = verdict;
    crossgate_status expected =
        is_well_formed ? crossgate_evaluate(policy, &request, &decision, scratch, sizeof scratch)
                       : CROSSGATE_ERR_INVALID_ARGUMENT;
    if (verdict != CROSSGATE_VERDICT_ABSENT && !crossgate_policy_has_origin_predicate(policy))
        expected = CROSSGATE_ERR_VERDICT_NOT_ASKED;
    require(status == expected, "the status");
    if (status != CROSSGATE_OK) {
        require(out[0] == '\0' && answer.action == CROSSGATE_ACTION_FORWARD && answer.allowed == -1
                    && answer.status == 0,
            "a failure that says something");
        return 0;
    }
    require(answer.kind == decision.kind && answer.reason == decision.reason
                && answer.action == decision.action && answer.allowed == decision.allowed
                && answer.status == decision.status && answer.flags == decision.flags
                && answer.depends_on == decision.depends_on,
        "the answer");
    require(operations(out) == decision.header_count + decision.remove_count, "the operations");
    for (uint32_t i = 0; i < decision.header_count; i++) {
        char line[70000];
        snprintf(line, sizeof line, "%s%s: %s\r\n",
            decision.headers[i].op == CROSSGATE_OP_MERGE ? "+" : "", decision.headers[i].name.data,
            decision.headers[i].value.data);
        require(strstr(out, line) != NULL, "a header");
    }
    return 0;
}
