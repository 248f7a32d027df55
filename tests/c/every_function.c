/*
 * Calls every function of crossgate.h: as meant, with NULLs, with the wrong struct_size, with text
 * that is not UTF-8. Arguments: a folder for temporary files and the version expected, or --reasons
 * to print the names of the reasons.
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

#define STATUS(expected, call) check_status(expected, call, #call, __LINE__)

static void check_status(
    crossgate_status expected, crossgate_status got, const char *call, int line) {
    if (got != expected) {
        fprintf(stderr, "%s:%d: %s gave \"%s\", not \"%s\"\n", __FILE__, line, call,
            crossgate_status_string(got), crossgate_status_string(expected));
        failures++;
    }
}

/* The layout is what programs were compiled with: a change here is a new ABI number. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(crossgate_status) == 4, "status");
_Static_assert(sizeof(crossgate_str) == 16, "crossgate_str");
_Static_assert(offsetof(crossgate_str, data) == 0, "crossgate_str.data");
_Static_assert(offsetof(crossgate_str, len) == 8, "crossgate_str.len");
_Static_assert(sizeof(crossgate_lines) == 16, "crossgate_lines");
_Static_assert(offsetof(crossgate_lines, data) == 0, "crossgate_lines.data");
_Static_assert(offsetof(crossgate_lines, count) == 8, "crossgate_lines.count");
_Static_assert(sizeof(crossgate_header) == 56, "crossgate_header");
_Static_assert(offsetof(crossgate_header, name) == 0, "crossgate_header.name");
_Static_assert(offsetof(crossgate_header, lower_name) == 16, "crossgate_header.lower_name");
_Static_assert(offsetof(crossgate_header, value) == 32, "crossgate_header.value");
_Static_assert(offsetof(crossgate_header, op) == 48, "crossgate_header.op");
_Static_assert(offsetof(crossgate_header, id) == 52, "crossgate_header.id");
_Static_assert(sizeof(crossgate_request) == 448, "crossgate_request");
_Static_assert(offsetof(crossgate_request, struct_size) == 0, "crossgate_request.struct_size");
_Static_assert(offsetof(crossgate_request, flags) == 4, "crossgate_request.flags");
_Static_assert(offsetof(crossgate_request, method) == 8, "crossgate_request.method");
_Static_assert(offsetof(crossgate_request, origin) == 24, "crossgate_request.origin");
_Static_assert(offsetof(crossgate_request, acrm) == 40, "crossgate_request.acrm");
_Static_assert(offsetof(crossgate_request, acrh) == 56, "crossgate_request.acrh");
_Static_assert(offsetof(crossgate_request, acrpn) == 72,
    "crossgate_request.acrpn");
_Static_assert(
    offsetof(crossgate_request, sec_fetch_site) == 88, "crossgate_request.sec_fetch_site");
_Static_assert(offsetof(crossgate_request, verdict) == 104, "crossgate_request.verdict");
_Static_assert(offsetof(crossgate_request, added_acr_headers_count) == 108,
    "crossgate_request.added_acr_headers_count");
_Static_assert(
    offsetof(crossgate_request, added_origin_count) == 112, "crossgate_request.added_origin_count");
_Static_assert(offsetof(crossgate_request, added_acr_method_count) == 116,
    "crossgate_request.added_acr_method_count");
_Static_assert(offsetof(crossgate_request, added_acr_private_network_count) == 120,
    "crossgate_request.added_acr_private_network_count");
_Static_assert(offsetof(crossgate_request, added_sec_fetch_site_count) == 124,
    "crossgate_request.added_sec_fetch_site_count");
_Static_assert(offsetof(crossgate_request, added_origin) == 128, "crossgate_request.added_origin");
_Static_assert(
    offsetof(crossgate_request, added_acr_method) == 144, "crossgate_request.added_acr_method");
_Static_assert(offsetof(crossgate_request, added_acr_private_network) == 160,
    "crossgate_request.added_acr_private_network");
_Static_assert(offsetof(crossgate_request, added_sec_fetch_site) == 176,
    "crossgate_request.added_sec_fetch_site");
_Static_assert(
    offsetof(crossgate_request, added_acr_headers) == 192, "crossgate_request.added_acr_headers");
_Static_assert(sizeof(crossgate_decision) == 1128, "crossgate_decision");
_Static_assert(offsetof(crossgate_decision, struct_size) == 0, "crossgate_decision.struct_size");
_Static_assert(offsetof(crossgate_decision, flags) == 4, "crossgate_decision.flags");
_Static_assert(offsetof(crossgate_decision, kind) == 8, "crossgate_decision.kind");
_Static_assert(offsetof(crossgate_decision, reason) == 12, "crossgate_decision.reason");
_Static_assert(offsetof(crossgate_decision, action) == 16, "crossgate_decision.action");
_Static_assert(offsetof(crossgate_decision, allowed) == 20, "crossgate_decision.allowed");
_Static_assert(offsetof(crossgate_decision, status) == 24, "crossgate_decision.status");
_Static_assert(offsetof(crossgate_decision, header_count) == 28, "crossgate_decision.header_count");
_Static_assert(offsetof(crossgate_decision, remove_count) == 32, "crossgate_decision.remove_count");
_Static_assert(offsetof(crossgate_decision, reserved) == 36, "crossgate_decision.reserved");
_Static_assert(offsetof(crossgate_decision, headers) == 40, "crossgate_decision.headers");
_Static_assert(offsetof(crossgate_decision, remove) == 488, "crossgate_decision.remove");
_Static_assert(offsetof(crossgate_decision, text) == 616, "crossgate_decision.text");
_Static_assert(sizeof(crossgate_problem) == 88, "crossgate_problem");
_Static_assert(offsetof(crossgate_problem, struct_size) == 0, "crossgate_problem.struct_size");
_Static_assert(offsetof(crossgate_problem, severity) == 4, "crossgate_problem.severity");
_Static_assert(offsetof(crossgate_problem, code) == 8, "crossgate_problem.code");
_Static_assert(offsetof(crossgate_problem, path) == 24, "crossgate_problem.path");
_Static_assert(offsetof(crossgate_problem, value) == 40, "crossgate_problem.value");
_Static_assert(offsetof(crossgate_problem, message) == 56, "crossgate_problem.message");
_Static_assert(offsetof(crossgate_problem, hint) == 72, "crossgate_problem.hint");
_Static_assert(sizeof(crossgate_difference) == 48, "crossgate_difference");
_Static_assert(
    offsetof(crossgate_difference, struct_size) == 0, "crossgate_difference.struct_size");
_Static_assert(offsetof(crossgate_difference, differs) == 4, "crossgate_difference.differs");
_Static_assert(offsetof(crossgate_difference, kind) == 8, "crossgate_difference.kind");
_Static_assert(offsetof(crossgate_difference, headers) == 12, "crossgate_difference.headers");
_Static_assert(
    offsetof(crossgate_difference, live_reason) == 16, "crossgate_difference.live_reason");
_Static_assert(
    offsetof(crossgate_difference, live_action) == 20, "crossgate_difference.live_action");
_Static_assert(
    offsetof(crossgate_difference, live_allowed) == 24, "crossgate_difference.live_allowed");
_Static_assert(
    offsetof(crossgate_difference, live_status) == 28, "crossgate_difference.live_status");
_Static_assert(
    offsetof(crossgate_difference, shadow_reason) == 32, "crossgate_difference.shadow_reason");
_Static_assert(
    offsetof(crossgate_difference, shadow_action) == 36, "crossgate_difference.shadow_action");
_Static_assert(
    offsetof(crossgate_difference, shadow_allowed) == 40, "crossgate_difference.shadow_allowed");
_Static_assert(
    offsetof(crossgate_difference, shadow_status) == 44, "crossgate_difference.shadow_status");
#endif
_Static_assert(sizeof(((crossgate_request *)0)->added_acr_headers) / sizeof(crossgate_str)
                   == CROSSGATE_ADDED_LINES,
    "");
_Static_assert(sizeof(((crossgate_decision *)0)->text) == CROSSGATE_DECISION_TEXT_SIZE, "");
_Static_assert(CROSSGATE_DECISION_TEXT_SIZE >= 336, "an origin has at most 330 bytes");

#define LITERAL(text) text, sizeof(text) - 1

static crossgate_policy *build(const char *json) {
    crossgate_policy *policy;
    crossgate_error *error;
    crossgate_status status = crossgate_policy_from_json(json, strlen(json), &policy, &error);
    if (status != CROSSGATE_OK) {
        fprintf(stderr, "%s\n%s\n%s\n", crossgate_status_string(status), json,
            crossgate_error_text(error));
        exit(1);
    }
    CHECK(policy != NULL && error == NULL);
    return policy;
}

static int equal(crossgate_str str, const char *text) {
    /* Whatever the library gives back has a NUL, where its comment says so. */
    return str.data != NULL && str.len == strlen(text) && memcmp(str.data, text, str.len + 1) == 0;
}

static void start(crossgate_request *request, crossgate_decision *decision, const char *method) {
    /* Not zeroes: nothing may depend on what the init functions leave alone. */
    memset(request, 0xa5, sizeof *request);
    memset(decision, 0xa5, sizeof *decision);
    STATUS(CROSSGATE_OK, crossgate_request_init(request, sizeof *request, method, strlen(method)));
    STATUS(CROSSGATE_OK, crossgate_decision_init(decision, sizeof *decision));
}

static void add(crossgate_request *request, const char *name, const char *value) {
    STATUS(CROSSGATE_OK,
        crossgate_request_add_header(request, name, strlen(name), value, strlen(value)));
}

static void versions(const char *expected) {
    char text[32];
    CHECK(strcmp(crossgate_version(), expected) == 0);
    snprintf(text, sizeof text, "%d.%d.%d", CROSSGATE_VERSION_MAJOR, CROSSGATE_VERSION_MINOR,
        CROSSGATE_VERSION_PATCH);
    CHECK(strcmp(text, expected) == 0);
    CHECK(crossgate_abi_version() == CROSSGATE_ABI_VERSION);
}

static void names(void) {
    CHECK(strcmp(crossgate_status_string(CROSSGATE_OK), "ok") == 0);
    for (int status = 0; status <= CROSSGATE_ERR_PANIC; status++)
        CHECK(strcmp(crossgate_status_string(status), "unknown status") != 0);
    CHECK(strcmp(crossgate_status_string(CROSSGATE_ERR_PANIC + 1), "unknown status") == 0);
    CHECK(strcmp(crossgate_status_string(-1), "unknown status") == 0);
    CHECK(strcmp(crossgate_kind_string(CROSSGATE_KIND_PREFLIGHT), "preflight") == 0);
    CHECK(strcmp(crossgate_kind_string(3), "unknown") == 0);
    CHECK(strcmp(crossgate_action_string(CROSSGATE_ACTION_REJECT), "reject") == 0);
    CHECK(strcmp(crossgate_action_string(-1), "unknown") == 0);
    CHECK(strcmp(crossgate_reason_string(CROSSGATE_REASON_HEADER_LIST_TOO_LONG),
              "header_list_too_long")
          == 0);
    CHECK(strcmp(crossgate_reason_string(13), "unknown") == 0);
}

static void errors(void) {
    const char text[] =
        "{\"allow_origins\": [\"https://a.example/\", \"HTTPS://b.example\", \"null\"]}";
    crossgate_policy *policy = (crossgate_policy *)&policy;
    crossgate_error *error = (crossgate_error *)&error;
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json(LITERAL(text), &policy, &error));
    CHECK(policy == NULL && error != NULL);
    CHECK(crossgate_error_count(error) == 3);
    CHECK(strstr(crossgate_error_text(error), "origin_has_path") != NULL);

    crossgate_problem problem;
    memset(&problem, 0xa5, sizeof problem);
    problem.struct_size = sizeof problem;
    STATUS(CROSSGATE_OK, crossgate_error_problem(error, 0, &problem));
    CHECK(problem.severity == CROSSGATE_SEVERITY_ERROR);
    CHECK(equal(problem.code, "origin_has_path"));
    CHECK(equal(problem.path, "allow_origins[0]"));
    CHECK(equal(problem.value, "https://a.example/"));
    CHECK(problem.message.len > 10 && problem.message.data[problem.message.len] == '\0');
    CHECK(equal(problem.hint, "https://a.example"));
    STATUS(CROSSGATE_OK, crossgate_error_problem(error, 1, &problem));
    CHECK(problem.severity == CROSSGATE_SEVERITY_WARNING
          && equal(problem.code, "origin_not_canonical"));

    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_error_problem(error, 3, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_error_problem(error, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_error_problem(NULL, 0, &problem));
    problem.struct_size = sizeof problem - 8;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_error_problem(error, 0, &problem));
    crossgate_error_free(error);
    crossgate_error_free(NULL);
    CHECK(crossgate_error_count(NULL) == 0);
    CHECK(crossgate_error_text(NULL)[0] == '\0');

    /* Nobody has to ask. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json(LITERAL("{}"), &policy, NULL));
    STATUS(
        CROSSGATE_ERR_NOT_UTF8, crossgate_policy_from_json(LITERAL("{\"\xff\": 1}"), &policy, &error));
    CHECK(policy == NULL && error == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(NULL, 0, &policy, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(NULL, 5, &policy, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(LITERAL("{}"), NULL, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_toml(LITERAL(""), NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_file(LITERAL("x.json"), NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_env(LITERAL("X"), NULL, NULL));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_policy_from_json("{}", SIZE_MAX, &policy, &error));
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json("", 0, &policy, NULL));

    /* A NUL in the text ends no string early. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_json(
            LITERAL("{\"allow_origins\":[\"https://a\\u0000.example\"]}"), &policy, &error));
    CHECK(
        crossgate_error_count(error) >= 1 && strstr(crossgate_error_text(error), "\\u{0}") != NULL);
    crossgate_error_free(error);
}

static void files(const char *folder) {
    char path[4096];
    crossgate_policy *policy;
    crossgate_error *error;
    snprintf(path, sizeof path, "%s/every_function_policy.toml", folder);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    fputs("allow_origins = ['https://a.example']\nmax_age = 600\n", file);
    fclose(file);
    STATUS(CROSSGATE_OK, crossgate_policy_from_file(path, strlen(path), &policy, &error));
    CHECK(policy != NULL && error == NULL);
    crossgate_policy_free(policy);
    remove(path);

    STATUS(CROSSGATE_ERR_FILE, crossgate_policy_from_file(path, strlen(path), &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 0
          && strstr(crossgate_error_text(error), "every_function_policy") != NULL);
    crossgate_error_free(error);
    STATUS(CROSSGATE_ERR_FILE, crossgate_policy_from_file(LITERAL("policy.ini"), &policy, NULL));

    STATUS(
        CROSSGATE_OK, crossgate_policy_from_toml(LITERAL("allow_origins = '*'"), &policy, &error));
    crossgate_policy_free(policy);
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_toml(LITERAL("allow_origins = "), &policy, NULL));

    STATUS(CROSSGATE_OK, crossgate_policy_from_env(LITERAL("CGTEST"), &policy, &error));
    crossgate_policy_free(policy);
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_env(LITERAL("CGTEST_NOTHING"), &policy, NULL));
}

static void policies(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"HTTPS://a.example\"]}");
    CHECK(crossgate_policy_warning_count(policy) == 1);
    crossgate_problem problem = {.struct_size = sizeof problem};
    STATUS(CROSSGATE_OK, crossgate_policy_warning(policy, 0, &problem));
    CHECK(equal(problem.code, "origin_not_canonical")
          && problem.severity == CROSSGATE_SEVERITY_WARNING);
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_policy_warning(policy, 1, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_warning(NULL, 0, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_warning(policy, 0, NULL));
    CHECK(crossgate_policy_warning_count(NULL) == 0);
    CHECK(crossgate_policy_scratch_size(policy) == 0 && crossgate_policy_scratch_size(NULL) == 0);

    /* Two calls: the length, then the text. */
    size_t length = 0;
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_policy_document_json(policy, NULL, 0, &length));
    CHECK(length > 100);
    char *document = malloc(length + 1);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_policy_document_json(policy, document, length, &length));
    STATUS(CROSSGATE_OK, crossgate_policy_document_json(policy, document, length + 1, &length));
    CHECK(strlen(document) == length && strstr(document, "\"https://a.example\"") != NULL);
    crossgate_policy *again = build(document);
    CHECK(crossgate_policy_warning_count(again) == 0);
    crossgate_policy_free(again);
    free(document);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(NULL, NULL, 0, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(policy, NULL, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(policy, NULL, 10, &length));

    /* The second reference keeps it alive. */
    CHECK(crossgate_policy_ref(policy) == policy);
    crossgate_policy_free(policy);
    CHECK(crossgate_policy_warning_count(policy) == 1);
    crossgate_policy_free(policy);
    CHECK(crossgate_policy_ref(NULL) == NULL);
    crossgate_policy_free(NULL);
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
    CHECK(decision.flags == 0 && decision.header_count == 4 && decision.remove_count == 4);
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
    CHECK(decision.headers[0].value.data < decision.text
          || decision.headers[0].value.data >= decision.text + sizeof decision.text);

    /* An origin that a pattern matched is copied: the request may go. */
    char origin[] = "https://x.b.example";
    start(&request, &decision, "GET");
    add(&request, "Origin", origin);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    memset(origin, 'x', sizeof origin);
    CHECK(equal(decision.headers[0].value, "https://x.b.example")
          && decision.headers[0].value.data == decision.text);

    /* Lines of the host's own. */
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
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_evaluate(policy, &request, &decision, scratch, size - 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, size));
    CHECK(decision.header_count == 0);
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, scratch, size));
    CHECK(decision.kind == CROSSGATE_KIND_PREFLIGHT && decision.action == CROSSGATE_ACTION_ANSWER);
    CHECK(decision.allowed == 1 && decision.status == 200 && decision.header_count == 6);
    CHECK(equal(decision.headers[2].value, "PATCH"));
    CHECK(equal(decision.headers[3].value, "x-b, x-a, content-type")
          && decision.headers[3].value.data == scratch);

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
    CHECK(length == sizeof expected - 1);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_decision_write_http1(&decision, NULL, 0, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_write_http1(&decision, NULL, 1, &length));
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
    CHECK(length == sizeof expected - 1 && other.status == 0);
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

    /* Lines of the host's own have no such bound. */
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
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, &decision, scratch, size));

    /* A method longer than any real one is not echoed; what passes fits into the decision. */
    char method[CROSSGATE_DECISION_TEXT_SIZE + 1];
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
    CHECK(decision.flags == CROSSGATE_DECISION_KEEP_UPSTREAM);
    CHECK(
        decision.headers[1].id == CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK && decision.status == 204);
    crossgate_policy_free(policy);
}

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
    CHECK(decision.allowed == 0);
    request.verdict = CROSSGATE_VERDICT_DENY;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 0);
    request.verdict = CROSSGATE_VERDICT_ALLOW;
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.allowed == 1 && equal(decision.headers[0].value, "https://tenant.example"));
    decision.header_count = 77;
    STATUS(CROSSGATE_ERR_VERDICT_NOT_ASKED, crossgate_evaluate(listed, &request, &decision, NULL, 0));
    request.verdict = 3;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    CHECK(decision.header_count == 77);
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_needs_verdict(policy, &request, &origin));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(policy, &request, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(policy, NULL, &origin));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_needs_verdict(NULL, &request, &origin));
    CHECK(origin.data == NULL);

    int32_t result = 7;
    crossgate_str lines[] = {{LITERAL("https://a.example")}, {LITERAL("https://tenant.example")}};
    STATUS(CROSSGATE_OK,
        crossgate_check_websocket(policy, lines, 1, 0, CROSSGATE_VERDICT_ABSENT, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_ALLOW);
    STATUS(CROSSGATE_OK,
        crossgate_check_websocket(policy, lines, 2, 0, CROSSGATE_VERDICT_ABSENT, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_DENY);
    STATUS(CROSSGATE_OK,
        crossgate_check_websocket(policy, lines + 1, 1, 0, CROSSGATE_VERDICT_ALLOW, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_ALLOW);
    STATUS(CROSSGATE_OK,
        crossgate_check_websocket(policy, NULL, 0, 0, CROSSGATE_VERDICT_ABSENT, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_ABSENT);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_check_websocket(policy, NULL, 1, 0, CROSSGATE_VERDICT_ABSENT, &result));
    CHECK(result == CROSSGATE_WEBSOCKET_DENY);
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_check_websocket(policy, lines, 1, 2, CROSSGATE_VERDICT_ABSENT, &result));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_check_websocket(policy, lines, 1, 0, -1, &result));
    STATUS(CROSSGATE_ERR_VERDICT_NOT_ASKED,
        crossgate_check_websocket(listed, lines, 1, 0, CROSSGATE_VERDICT_DENY, &result));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_check_websocket(NULL, lines, 1, 0, 0, &result));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_check_websocket(policy, lines, 1, 0, 0, NULL));
    crossgate_policy_free(policy);
    crossgate_policy_free(listed);
}

static void wrong_arguments(void) {
    crossgate_policy *policy = build("{\"allow_origins\": \"*\"}");
    crossgate_request request;
    crossgate_decision decision;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE,
        crossgate_request_init(&request, sizeof request - 1, LITERAL("GET")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_init(NULL, sizeof request, LITERAL("GET")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_init(&request, sizeof request, NULL, 3));
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_decision_init(&decision, sizeof decision + 8));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_init(NULL, sizeof decision));
    start(&request, &decision, "GET");
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(NULL, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, NULL, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, NULL, NULL, 0));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_add_header(NULL, LITERAL("a"), LITERAL("b")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_add_header(&request, NULL, 6, LITERAL("b")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_request_add_header(&request, LITERAL("a"), NULL, 1));
    request.flags = 1;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.flags = 0;
    request.origin.count = 1;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.origin.count = SIZE_MAX;
    request.origin.data = &request.method;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    request.origin.count = 0;
    request.struct_size -= 8;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(
        CROSSGATE_ERR_STRUCT_SIZE, crossgate_request_add_header(&request, LITERAL("a"), LITERAL("b")));
    request.struct_size += 8;
    decision.struct_size = 0;
    size_t length;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_decision_write_http1(&decision, NULL, 0, &length));
    crossgate_policy_free(policy);
}

static void merge_case(
    const char *existing, const char *added, const char *vary, const char *expose) {
    char text[128];
    size_t length;
    STATUS(CROSSGATE_OK, crossgate_vary_merge(existing, strlen(existing), added, strlen(added),
                             text, sizeof text, &length));
    CHECK(strcmp(text, vary) == 0 && length == strlen(vary));
    crossgate_header header = {
        {NULL, 0}, {NULL, 0}, {added, strlen(added)}, CROSSGATE_OP_MERGE, CROSSGATE_HEADER_VARY};
    STATUS(CROSSGATE_OK,
        crossgate_header_merge(&header, existing, strlen(existing), text, sizeof text, &length));
    CHECK(strcmp(text, vary) == 0);
    header.id = CROSSGATE_HEADER_EXPOSE_HEADERS;
    STATUS(CROSSGATE_OK,
        crossgate_header_merge(&header, existing, strlen(existing), text, sizeof text, &length));
    CHECK(strcmp(text, expose) == 0 && length == strlen(expose));
}

static void merges(void) {
    merge_case("Accept-Encoding,origin", "Origin, X-A", "Accept-Encoding, origin, X-A",
        "Accept-Encoding, origin, X-A");
    merge_case("", "Origin", "Origin", "Origin");
    merge_case("X-A, *", "X-B, x-a", "*", "X-A, *, X-B");
    merge_case("X-A", "*", "*", "X-A, *");
    /* Bytes that are no UTF-8 stay what they are. */
    merge_case("X-\xe4, \xff", "Origin", "X-\xe4, \xff, Origin", "X-\xe4, \xff, Origin");
    /* Each comma becomes two bytes; the room that the header names is enough all the same. */
    const char *const tight[] = {"", "a", "a,b", "a,b,c,d,e,f,g,h", ",,a,,", " a , b "};
    for (size_t i = 0; i < sizeof tight / sizeof tight[0]; i++) {
        for (size_t j = 0; j < sizeof tight / sizeof tight[0]; j++) {
            char room[64];
            size_t size = 2 * (strlen(tight[i]) + strlen(tight[j])) + 1, used = 77;
            STATUS(CROSSGATE_OK, crossgate_vary_merge(tight[i], strlen(tight[i]), tight[j],
                                     strlen(tight[j]), room, size, &used));
            CHECK(used < size && strlen(room) == used);
        }
    }
    merge_case("a,b,c,d", "e,f", "a, b, c, d, e, f", "a, b, c, d, e, f");
    char text[8];
    size_t length;
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_vary_merge(LITERAL("Accept"), LITERAL("Origin"), text, sizeof text, &length));
    CHECK(length == 14);
    STATUS(
        CROSSGATE_OK, crossgate_vary_merge(NULL, 0, LITERAL("Origin"), text, sizeof text, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_vary_merge(NULL, 1, LITERAL("Origin"), text, sizeof text, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_vary_merge(NULL, 0, NULL, 1, text, sizeof text, &length));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_vary_merge(NULL, 0, NULL, 0, text, sizeof text, NULL));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_header_merge(NULL, NULL, 0, text, sizeof text, &length));
    crossgate_header header = {
        {NULL, 0}, {NULL, 0}, {LITERAL("*")}, CROSSGATE_OP_SET, CROSSGATE_HEADER_ALLOW_ORIGIN};
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_header_merge(&header, NULL, 0, text, sizeof text, &length));
}

#define NAME(name) (name), strlen(name)

static void builders(void) {
    crossgate_builder *builder = (crossgate_builder *)&builder;
    crossgate_policy *policy = (crossgate_policy *)&policy;
    crossgate_error *error = (crossgate_error *)&error;
    STATUS(CROSSGATE_OK, crossgate_builder_new(&builder));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_new(NULL));
    /* Nothing configured means nobody, and is an error. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 1);
    crossgate_error_free(error);

    STATUS(CROSSGATE_OK,
        crossgate_builder_add(builder, NAME("allow_origins"), LITERAL("https://a.example")));
    STATUS(CROSSGATE_OK,
        crossgate_builder_add(builder, NAME("allow_origins"), LITERAL("https://*.b.example")));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_credentials"), 0));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_credentials"), 1));
    STATUS(CROSSGATE_OK, crossgate_builder_set_integer(builder, NAME("max_age"), 600));
    STATUS(CROSSGATE_OK, crossgate_builder_set_string(builder, NAME("upstream"), LITERAL("keep")));
    STATUS(
        CROSSGATE_OK, crossgate_builder_set_string(builder, NAME("allow_methods"), LITERAL("*")));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_builder_add(builder, NAME("allow_methods"), LITERAL("PUT")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_methods")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("never_set")));
    STATUS(CROSSGATE_OK, crossgate_builder_add(builder, NAME("allow_methods"), LITERAL("PUT")));
    STATUS(CROSSGATE_OK, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy != NULL && error == NULL);
    char document[2048];
    size_t length;
    STATUS(
        CROSSGATE_OK, crossgate_policy_document_json(policy, document, sizeof document, &length));
    CHECK(strstr(document, "https://*.b.example") != NULL && strstr(document, "600") != NULL
          && strstr(document, "keep") != NULL);
    crossgate_policy_free(policy);

    /* Everything that is wrong, at once; the builder can be mended and built again. */
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("max_age"), 1));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_orgins"), 1));
    STATUS(
        CROSSGATE_OK, crossgate_builder_set_integer(builder, NAME("allow_credentials"), INT64_MIN));
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 3);
    crossgate_problem problem = {.struct_size = sizeof problem};
    int hints = 0;
    for (size_t i = 0; i < crossgate_error_count(error); i++) {
        STATUS(CROSSGATE_OK, crossgate_error_problem(error, i, &problem));
        hints += equal(problem.code, "unknown_option") && equal(problem.hint, "allow_origins");
    }
    CHECK(hints == 1);
    crossgate_error_free(error);
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, NULL));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("max_age")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_orgins")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_credentials")));
    STATUS(CROSSGATE_OK, crossgate_builder_build(builder, &policy, NULL));
    crossgate_policy_free(policy);

    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_bool(NULL, NAME("max_age"), 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_bool(builder, NULL, 0, 1));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_builder_set_bool(builder, NAME("max_age"), 2));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_integer(NULL, NAME("max_age"), 1));
    STATUS(CROSSGATE_ERR_NOT_UTF8, crossgate_builder_set_integer(builder, NAME("max\xff"), 1));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_string(builder, NAME("upstream"), NULL, 4));
    STATUS(CROSSGATE_ERR_NOT_UTF8,
        crossgate_builder_set_string(builder, NAME("upstream"), LITERAL("\xe4")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_builder_set_string(NULL, NAME("upstream"), LITERAL("keep")));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_add(NULL, NAME("allow_origins"), LITERAL("*")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_add(builder, NAME("allow_origins"), NULL, 0));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_builder_add(builder, "allow_origins", SIZE_MAX, LITERAL("*")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_unset(NULL, NAME("upstream")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_unset(builder, NULL, 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_build(NULL, &policy, &error));
    CHECK(policy == NULL && error == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_build(builder, NULL, &error));
    crossgate_builder_free(builder);
    crossgate_builder_free(NULL);
}

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
    STATUS(
        CROSSGATE_ERR_NOT_UTF8, crossgate_shared_policy_replace_toml(shared, LITERAL("\xff"), &error));
    CHECK(error == NULL);
    char path[4096];
    snprintf(path, sizeof path, "%s/every_function_shared.json", folder);
    remove(path);
    STATUS(
        CROSSGATE_ERR_FILE, crossgate_shared_policy_replace_file(shared, path, strlen(path), &error));
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
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_compare_shadow(NULL, &request, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_compare_shadow(shared, NULL, &difference));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_compare_shadow(shared, &request, NULL));
    difference.struct_size = 0;
    STATUS(
        CROSSGATE_ERR_STRUCT_SIZE, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    STATUS(CROSSGATE_OK, crossgate_shared_policy_set_shadow(shared, NULL));
    difference.struct_size = sizeof difference;
    STATUS(CROSSGATE_OK, crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    CHECK(difference.differs == 0);
    STATUS(CROSSGATE_OK, crossgate_shared_policy_set_shadow(shared, b));

    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_set_shadow(NULL, b));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace(NULL, b));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace(shared, NULL));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_json(NULL, LITERAL("{}"), &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_json(shared, NULL, 2, &error));
    STATUS(
        CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_toml(NULL, LITERAL(""), &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_shared_policy_replace_file(NULL, LITERAL("p.json"), &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_shared_policy_replace_file(shared, NULL, 0, &error));
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
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_get(counters, 13, &count));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_get(counters, -1, &count));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_get(counters, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_get(NULL, 0, &count));
    decision.reason = 99;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_counters_record(counters, &decision));
    decision.struct_size = 1;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_counters_record(counters, &decision));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_record(counters, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_record(NULL, &decision));
    size_t length;
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_counters_to_prometheus(counters, NULL, 0, &length));
    char *text = malloc(length + 1);
    STATUS(
        CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_counters_to_prometheus(counters, text, length, &length));
    STATUS(CROSSGATE_OK, crossgate_counters_to_prometheus(counters, text, length + 1, &length));
    CHECK(strlen(text) == length
          && strstr(text, "crossgate_decisions_total{reason=\"origin_null\"} 2\n") != NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_to_prometheus(NULL, text, length, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_counters_to_prometheus(counters, text, length, NULL));
    free(text);
    crossgate_counters_free(counters);
    crossgate_counters_free(NULL);
    crossgate_policy_free(policy);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--reasons") == 0) {
        for (int reason = 0; strcmp(crossgate_reason_string(reason), "unknown") != 0; reason++)
            puts(crossgate_reason_string(reason));
        return 0;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER VERSION | --reasons\n", argv[0]);
        return 2;
    }
    versions(argv[2]);
    names();
    errors();
    files(argv[1]);
    policies();
    actual_requests();
    preflights();
    verdicts();
    wrong_arguments();
    merges();
    builders();
    shared_policies(argv[1]);
    counts();
    return failures != 0;
}
