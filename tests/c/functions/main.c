/*
 * Calls every function of crossgate.h. Arguments: a folder for temporary files and the version
 * expected, or --reasons to print the names of the reasons.
 */
#include "check.h"

int failures;

void check_status(
    crossgate_status expected, crossgate_status got, const char *call, const char *file, int line) {
    if (got != expected) {
        fprintf(stderr, "%s:%d: %s gave \"%s\", not \"%s\"\n", file, line, call,
            crossgate_status_string(got), crossgate_status_string(expected));
        failures++;
    }
}

crossgate_policy *build(const char *json) {
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

int equal(crossgate_str str, const char *text) {
    /* Whatever the library gives back has a NUL, where its comment says so. */
    return str.data != NULL && str.len == strlen(text) && memcmp(str.data, text, str.len + 1) == 0;
}

void start(crossgate_request *request, crossgate_decision *decision, const char *method) {
    /* Not zeroes: nothing may depend on what the init functions leave alone. */
    memset(request, 0xa5, sizeof *request);
    memset(decision, 0xa5, sizeof *decision);
    STATUS(CROSSGATE_OK, crossgate_request_init(request, sizeof *request, method, strlen(method)));
    STATUS(CROSSGATE_OK, crossgate_decision_init(decision, sizeof *decision));
}

void add(crossgate_request *request, const char *name, const char *value) {
    STATUS(CROSSGATE_OK,
        crossgate_request_add_header(request, name, strlen(name), value, strlen(value)));
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
    test_policies(argv[1], argv[2]);
    test_decisions();
    test_blocks();
    test_verdicts();
    test_responses();
    test_serving(argv[1]);
    return failures != 0;
}
