/*
 * Runs the vectors of tests/vectors through the C interface: runner DIR
 *
 * Prints a line for each file and each failure; exits 1 if there is any. A missing file fails,
 * unless the environment says CROSSGATE_VECTORS_OPTIONAL=1. The form of the files:
 * tests/vectors/README.md.
 */
#define _POSIX_C_SOURCE 200809L

#include <crossgate.h>
#include <jansson.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_LINES = 512, SCRATCH_SIZE = 16384, TEXT_SIZE = 65536 };

typedef struct {
    const char *file, *id;
    int passed, failed, vector_failed;
} run;

static void fail(run *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("c: %s %s: ", run->file, run->id);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    run->vector_failed = 1;
}

/* Bytes that live until the vector is done. */
static struct {
    char *pieces[2 * MAX_LINES + 8];
    size_t count;
} kept;

static void free_kept(void) {
    while (kept.count > 0)
        free(kept.pieces[--kept.count]);
}

/* A JSON string as the bytes that its characters stand for (Latin-1). */
static crossgate_str latin1(const json_t *string) {
    const unsigned char *text = (const unsigned char *)json_string_value(string);
    size_t length = json_string_length(string), used = 0;
    if (text == NULL || kept.count == sizeof kept.pieces / sizeof kept.pieces[0]) {
        fprintf(stderr, "not a string, or too many of them\n");
        exit(2);
    }
    char *bytes = malloc(length + 1);
    kept.pieces[kept.count++] = bytes;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x80)
            bytes[used++] = (char)text[i];
        else if ((text[i] == 0xc2 || text[i] == 0xc3) && i + 1 < length) {
            bytes[used++] = (char)((text[i] << 6) | (text[i + 1] & 0x3f));
            i++;
        } else {
            fprintf(stderr, "a character above U+00FF\n");
            exit(2);
        }
    }
    bytes[used] = '\0';
    crossgate_str str = {bytes, used};
    return str;
}

static int same(crossgate_str str, const char *text, size_t length) {
    return str.len == length && memcmp(str.data, text, length) == 0;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static crossgate_status build(
    const json_t *document, crossgate_policy **policy, crossgate_error **error) {
    char *text = json_dumps(document, JSON_ENCODE_ANY);
    crossgate_status status = crossgate_policy_from_json(text, strlen(text), policy, error);
    free(text);
    return status;
}

static crossgate_policy *must_build(run *run, const json_t *document) {
    crossgate_policy *policy;
    crossgate_error *error;
    if (build(document, &policy, &error) != CROSSGATE_OK) {
        fail(run, "the policy is not built: %s", crossgate_error_text(error));
        crossgate_error_free(error);
    }
    return policy;
}

static int32_t verdict_of(const json_t *object) {
    const char *verdict = text_of(object, "verdict");
    return strcmp(verdict, "allow") == 0  ? CROSSGATE_VERDICT_ALLOW
           : strcmp(verdict, "deny") == 0 ? CROSSGATE_VERDICT_DENY
                                          : CROSSGATE_VERDICT_ABSENT;
}

/* The header block that a decision vector says, as HTTP/1.1. */
static size_t expected_block(const json_t *expected, char *block) {
    size_t used = 0, index;
    json_t *pair;
    json_array_foreach(json_object_get(expected, "headers"), index, pair) {
        int upper = 1;
        for (const char *name = json_string_value(json_array_get(pair, 0)); *name; name++) {
            block[used++] =
                (char)(upper && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
            upper = *name == '-';
        }
        crossgate_str value = latin1(json_array_get(pair, 1));
        block[used++] = ':';
        block[used++] = ' ';
        memcpy(block + used, value.data, value.len);
        used += value.len;
        memcpy(block + used, "\r\n", 2);
        used += 2;
    }
    if (strcmp(text_of(expected, "action"), "answer") == 0
        && json_integer_value(json_object_get(expected, "status")) != 204)
        used += (size_t)sprintf(block + used, "Content-Length: 0\r\n");
    return used;
}

static void compare_word(run *run, const json_t *expected, const char *key, const char *got) {
    if (strcmp(text_of(expected, key), got) != 0)
        fail(run, "%s is %s, not %s", key, got, text_of(expected, key));
}

static void compare(run *run, const json_t *expected, const crossgate_decision *decision) {
    static char wanted[TEXT_SIZE], block[TEXT_SIZE];
    compare_word(run, expected, "kind", crossgate_kind_string(decision->kind));
    compare_word(run, expected, "reason", crossgate_reason_string(decision->reason));
    compare_word(run, expected, "action", crossgate_action_string(decision->action));
    const json_t *allowed = json_object_get(expected, "allowed");
    if (decision->allowed != (json_is_null(allowed) ? -1 : json_is_true(allowed)))
        fail(run, "allowed is %d", decision->allowed);
    /* null is 0 here too. */
    if (decision->status != json_integer_value(json_object_get(expected, "status")))
        fail(run, "status is %d", decision->status);

    const json_t *headers = json_object_get(expected, "headers"),
                 *removed = json_object_get(expected, "remove");
    if (decision->header_count != json_array_size(headers))
        fail(run, "%u headers, not %zu", decision->header_count, json_array_size(headers));
    for (uint32_t i = 0; i < decision->header_count; i++) {
        const crossgate_header *header = &decision->headers[i];
        const json_t *pair = json_array_get(headers, i);
        int merged =
            header->id == CROSSGATE_HEADER_VARY || header->id == CROSSGATE_HEADER_EXPOSE_HEADERS;
        if (header->op != (merged ? CROSSGATE_OP_MERGE : CROSSGATE_OP_SET))
            fail(run, "%s has the wrong op", header->name.data);
        if (header->value.data[header->value.len] != '\0'
            || header->name.data[header->name.len] != '\0'
            || header->lower_name.data[header->lower_name.len] != '\0')
            fail(run, "%.*s has a string without a NUL", (int)header->name.len, header->name.data);
        if (pair == NULL)
            continue;
        crossgate_str name = latin1(json_array_get(pair, 0)),
                      value = latin1(json_array_get(pair, 1));
        if (!same(header->lower_name, name.data, name.len)
            || !same(header->value, value.data, value.len))
            fail(run, "header \"%s: %s\", not \"%s: %s\"", header->lower_name.data,
                header->value.data, name.data, value.data);
    }
    if (decision->remove_count != json_array_size(removed))
        fail(run, "%u removed, not %zu", decision->remove_count, json_array_size(removed));
    for (uint32_t i = 0; i < decision->remove_count; i++) {
        const char *name = json_string_value(json_array_get(removed, i));
        if (name != NULL && !same(decision->remove[i], name, strlen(name)))
            fail(run, "removes %s, not %s", decision->remove[i].data, name);
        if (decision->remove[i].data[decision->remove[i].len] != '\0')
            fail(run, "a removed name has no NUL");
    }

    size_t length, size = expected_block(expected, wanted);
    crossgate_status status =
        crossgate_decision_write_http1(decision, block, sizeof block, &length);
    if (status != CROSSGATE_OK || length != size || memcmp(block, wanted, size) != 0)
        fail(run, "the HTTP/1.1 block is %s\n%s", crossgate_status_string(status),
            status == CROSSGATE_OK ? block : "");
}

/* The short way to the block gives the same block and the same outcome. */
static void compare_block(run *run, const crossgate_decision *decision,
    const crossgate_policy *policy, const crossgate_request *request) {
    static char one[TEXT_SIZE], two[TEXT_SIZE];
    size_t length_one = 0, length_two = 0;
    crossgate_decision other;
    crossgate_decision_init(&other, sizeof other);
    crossgate_decision_write_http1(decision, one, sizeof one, &length_one);
    crossgate_status status =
        crossgate_evaluate_http1(policy, request, &other, two, sizeof two, &length_two);
    if (status != CROSSGATE_OK || length_one != length_two || strcmp(one, two) != 0)
        fail(run, "crossgate_evaluate_http1: %s\n%s", crossgate_status_string(status), two);
    /* It asks no question. */
    other.flags |= decision->flags & CROSSGATE_DECISION_NEEDS_VERDICT;
    if (memcmp(decision, &other, offsetof(crossgate_decision, header_count)) != 0)
        fail(run, "crossgate_evaluate_http1 decides differently");
}

/* The lines of one name, for a server that has them in an array of its own. */
static crossgate_lines collect(
    const crossgate_str (*pairs)[2], size_t count, const char *name, crossgate_str *room) {
    crossgate_lines lines = {room, 0};
    for (size_t i = 0; i < count; i++)
        if (pairs[i][0].len == strlen(name)) {
            size_t at = 0;
            while (
                name[at] != '\0'
                && (pairs[i][0].data[at] | ((unsigned)(pairs[i][0].data[at] - 'A') < 26 ? 0x20 : 0))
                       == name[at])
                at++;
            if (name[at] == '\0')
                room[lines.count++] = pairs[i][1];
        }
    return lines;
}

static void decision(run *run, const json_t *vector) {
    static crossgate_str pairs[MAX_LINES][2], rooms[5][MAX_LINES];
    static char scratch[SCRATCH_SIZE];
    const json_t *asked = json_object_get(vector, "request"),
                 *expected = json_object_get(vector, "decision");
    const json_t *headers = json_object_get(asked, "headers");
    crossgate_policy *policy = must_build(run, json_object_get(vector, "policy"));
    if (policy == NULL)
        return;
    size_t count = json_array_size(headers);
    if (count > MAX_LINES || crossgate_policy_scratch_size(policy) > sizeof scratch) {
        fail(run, "too large for this program");
        crossgate_policy_free(policy);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t side = 0; side < 2; side++)
            pairs[i][side] = latin1(json_array_get(json_array_get(headers, i), side));
    crossgate_str method = latin1(json_object_get(asked, "method"));
    crossgate_request request;
    crossgate_decision answer;

    /* Both ways of handing a request over. */
    crossgate_request_init(&request, sizeof request, method.data, method.len);
    request.origin = collect((const crossgate_str(*)[2])pairs, count, "origin", rooms[0]);
    request.acrm =
        collect((const crossgate_str(*)[2])pairs, count, "access-control-request-method", rooms[1]);
    request.acrh = collect(
        (const crossgate_str(*)[2])pairs, count, "access-control-request-headers", rooms[2]);
    request.acrpn = collect((const crossgate_str(*)[2])pairs, count,
        "access-control-request-private-network", rooms[3]);
    request.sec_fetch_site =
        collect((const crossgate_str(*)[2])pairs, count, "sec-fetch-site", rooms[4]);
    size_t list_lines = request.acrh.count;
    for (int added = 0; added < 2; added++) {
        /* More lines than there is room for have a rule of their own. */
        if (added && list_lines > CROSSGATE_ADDED_LINES)
            break;
        if (added) {
            crossgate_request_init(&request, sizeof request, method.data, method.len);
            for (size_t i = 0; i < count; i++)
                crossgate_request_add_header(
                    &request, pairs[i][0].data, pairs[i][0].len, pairs[i][1].data, pairs[i][1].len);
        }
        request.verdict = verdict_of(asked);
        crossgate_decision_init(&answer, sizeof answer);
        crossgate_status status =
            crossgate_evaluate(policy, &request, &answer, scratch, sizeof scratch);
        if (status == CROSSGATE_OK)
            compare(run, expected, &answer);
        else
            fail(run, "crossgate_evaluate: %s", crossgate_status_string(status));
        compare_block(run, &answer, policy, &request);
        if (run->vector_failed)
            break;
    }
    crossgate_policy_free(policy);
}

/* The problems of a build: those of the error, or the policy's warnings and then its notes. */
static int problem_at(const crossgate_policy *policy, const crossgate_error *error, size_t index,
    crossgate_problem *problem) {
    size_t warnings = crossgate_policy_warning_count(policy);
    problem->struct_size = sizeof *problem;
    return (error                 ? crossgate_error_problem(error, index, problem)
               : index < warnings ? crossgate_policy_warning(policy, index, problem)
                                  : crossgate_policy_note(policy, index - warnings, problem))
           == CROSSGATE_OK;
}

static int matches(const json_t *vector, const char *key, crossgate_str got) {
    const json_t *expected = json_object_get(vector, key);
    return !json_is_string(expected)
           || (got.data != NULL
               && same(got, json_string_value(expected), json_string_length(expected)));
}

static void check_document(run *run, const json_t *expected, const crossgate_policy *policy) {
    size_t length;
    crossgate_policy_document_json(policy, NULL, 0, &length);
    char *text = malloc(length + 1);
    crossgate_policy_document_json(policy, text, length + 1, &length);
    json_t *document = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)expected, key, value) {
        if (!json_equal(value, json_object_get(document, key)))
            fail(run, "the document has another %s:\n%s", key, text);
    }
    json_decref(document);
    free(text);
}

/* The vector's code, or one that also says it. */
static int is_code(const json_t *vector, crossgate_str code) {
    const json_t *others = json_object_get(vector, "or"), *other;
    size_t index;
    if (matches(vector, "code", code))
        return 1;
    json_array_foreach(others, index,
        other) if (same(code, json_string_value(other), json_string_length(other))) return 1;
    return 0;
}

static void check_build(run *run, const json_t *vector, crossgate_status status,
    crossgate_policy *policy, crossgate_error *error) {
    const char *expect = text_of(vector, "expect");
    int32_t severity = strcmp(expect, "note") == 0 ? CROSSGATE_SEVERITY_NOTE
                       : policy != NULL            ? CROSSGATE_SEVERITY_WARNING
                                                   : CROSSGATE_SEVERITY_ERROR;
    size_t warnings = crossgate_policy_warning_count(policy);
    size_t count =
        error ? crossgate_error_count(error) : warnings + crossgate_policy_note_count(policy);
    if ((status == CROSSGATE_OK) != (policy != NULL)
        || (status == CROSSGATE_ERR_INVALID_POLICY) != (error != NULL))
        fail(run, "%s, but the outputs say something else", crossgate_status_string(status));
    else if ((policy != NULL) != (strcmp(expect, "error") != 0))
        fail(run, "%s, not %s: %s", crossgate_status_string(status), expect,
            crossgate_error_text(error));
    else if (strcmp(expect, "ok") == 0) {
        /* documents.jsonl says nothing of warnings. */
        if (warnings > 0 && json_object_get(vector, "text") == NULL)
            fail(run, "%zu warnings", warnings);
    } else {
        static const char *const severities[] = {"error", "warning", "note"};
        int found = 0, code_found = 0;
        crossgate_problem problem;
        for (size_t i = 0; i < count && problem_at(policy, error, i, &problem); i++)
            if (problem.severity == severity && is_code(vector, problem.code)) {
                code_found = 1;
                found |=
                    matches(vector, "path", problem.path) && matches(vector, "hint", problem.hint);
            }
        if (!found) {
            fail(run, "%s %s is %s", expect, text_of(vector, "code"),
                code_found ? "there with another path or hint:" : "not among");
            for (size_t i = 0; i < count && problem_at(policy, error, i, &problem); i++)
                printf("    %s %s %s (%s)\n", severities[problem.severity], problem.code.data,
                    problem.path.data, problem.hint.data ? problem.hint.data : "");
        }
    }
    if (policy != NULL && json_is_object(json_object_get(vector, "document")))
        check_document(run, json_object_get(vector, "document"), policy);
    crossgate_policy_free(policy);
    crossgate_error_free(error);
}

static void config(run *run, const json_t *vector) {
    crossgate_policy *policy;
    crossgate_error *error;
    crossgate_status status = build(json_object_get(vector, "policy"), &policy, &error);
    check_build(run, vector, status, policy, error);
}

static void document(run *run, const json_t *vector) {
    crossgate_policy *policy;
    crossgate_error *error;
    const json_t *text = json_object_get(vector, "text");
    int is_json = strcmp(text_of(vector, "format"), "json") == 0;
    crossgate_status status = (is_json ? crossgate_policy_from_json : crossgate_policy_from_toml)(
        json_string_value(text), json_string_length(text), &policy, &error);
    check_build(run, vector, status, policy, error);
}

static size_t origin_lines(const json_t *vector, crossgate_str *lines) {
    const json_t *array = json_object_get(vector, "origin_lines");
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++)
        lines[i] = latin1(json_array_get(array, i));
    return count;
}

static void websocket(run *run, const json_t *vector) {
    static const char *const RESULTS[] = {"deny", "allow", "absent"};
    crossgate_str lines[16];
    int32_t result;
    crossgate_policy *policy = must_build(run, json_object_get(vector, "policy"));
    if (policy == NULL)
        return;
    int32_t access = json_is_true(json_object_get(vector, "public")) ? CROSSGATE_SOCKET_PUBLIC
                                                                     : CROSSGATE_SOCKET_PRIVATE;
    crossgate_request request;
    crossgate_request_init(&request, sizeof request, "GET", 3);
    request.origin.data = lines;
    request.origin.count = origin_lines(vector, lines);
    request.verdict = verdict_of(vector);
    crossgate_status status = crossgate_check_websocket(policy, &request, access, &result);
    if (status != CROSSGATE_OK)
        fail(run, "%s", crossgate_status_string(status));
    else if (strcmp(RESULTS[result], text_of(vector, "expect")) != 0)
        fail(run, "%s, not %s", RESULTS[result], text_of(vector, "expect"));
    crossgate_policy_free(policy);
}

/* A response, its lines in the order in which it got them. */
typedef struct {
    struct {
        char name[64], value[256];
        size_t length;
        int is_there;
    } lines[32];
    size_t count;
} response;

static void add_line(response *response, crossgate_str name, crossgate_str value) {
    if (response->count == sizeof response->lines / sizeof response->lines[0]
        || name.len >= sizeof response->lines[0].name
        || value.len >= sizeof response->lines[0].value) {
        fprintf(stderr, "the response is too large for this program\n");
        exit(2);
    }
    size_t at = response->count++;
    memcpy(response->lines[at].name, name.data, name.len);
    response->lines[at].name[name.len] = '\0';
    memcpy(response->lines[at].value, value.data, value.len);
    response->lines[at].length = value.len;
    response->lines[at].is_there = 1;
}

static int response_get(
    void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    response *response = context;
    for (size_t i = 0; i < response->count; i++)
        if (response->lines[i].is_there
            && same(*name, response->lines[i].name, strlen(response->lines[i].name))
            && index-- == 0) {
            value->data = response->lines[i].value;
            value->len = response->lines[i].length;
            return 1;
        }
    return 0;
}

static crossgate_status response_remove(void *context, const crossgate_str *name) {
    response *response = context;
    for (size_t i = 0; i < response->count; i++)
        if (same(*name, response->lines[i].name, strlen(response->lines[i].name)))
            response->lines[i].is_there = 0;
    return CROSSGATE_OK;
}

static crossgate_status response_set(void *context, const crossgate_header *header) {
    response_remove(context, &header->lower_name);
    add_line(context, header->lower_name, header->value);
    return CROSSGATE_OK;
}

/* The lines are what the vector expects; those of one name in their order. */
static void compare_response(run *run, const json_t *expected, const response *response) {
    size_t left = 0, index;
    for (size_t i = 0; i < response->count; i++)
        left += (size_t)response->lines[i].is_there;
    if (left != json_array_size(expected))
        fail(run, "%zu lines, not %zu", left, json_array_size(expected));
    json_t *pair;
    size_t of_name = 0;
    const char *before = "";
    json_array_foreach(expected, index, pair) {
        const char *name = json_string_value(json_array_get(pair, 0));
        crossgate_str key = {name, strlen(name)}, found, value = latin1(json_array_get(pair, 1));
        of_name = strcmp(name, before) == 0 ? of_name + 1 : 0;
        before = name;
        if (!response_get((void *)response, &key, of_name, &found))
            fail(run, "%s is missing", name);
        else if (!same(found, value.data, value.len))
            fail(run, "%s: %.*s, not %s", name, (int)found.len, found.data, value.data);
    }
}

static void apply_to_response(run *run, const json_t *vector) {
    static const crossgate_response_functions functions = {
        sizeof functions, 0, response_get, response_set, response_remove};
    static response response;
    const json_t *asked = json_object_get(vector, "request");
    crossgate_policy *policy = must_build(run, json_object_get(vector, "policy"));
    if (policy == NULL)
        return;
    crossgate_str method = latin1(json_object_get(asked, "method"));
    crossgate_request request;
    crossgate_request_init(&request, sizeof request, method.data, method.len);
    size_t index;
    json_t *pair;
    json_array_foreach(json_object_get(asked, "headers"), index, pair) {
        crossgate_str name = latin1(json_array_get(pair, 0));
        crossgate_str value = latin1(json_array_get(pair, 1));
        crossgate_request_add_header(&request, name.data, name.len, value.data, value.len);
    }
    response.count = 0;
    json_array_foreach(json_object_get(vector, "response"), index, pair)
        add_line(&response, latin1(json_array_get(pair, 0)), latin1(json_array_get(pair, 1)));
    crossgate_decision decision;
    crossgate_decision_init(&decision, sizeof decision);
    int overwrote = -1;
    crossgate_status status = crossgate_evaluate(policy, &request, &decision, NULL, 0);
    if (status == CROSSGATE_OK)
        status = crossgate_decision_apply(&decision, &functions, &response, &overwrote);
    if (status != CROSSGATE_OK)
        fail(run, "%s", crossgate_status_string(status));
    else {
        compare_response(run, json_object_get(vector, "expect"), &response);
        if (overwrote != json_is_true(json_object_get(vector, "overwrote")))
            fail(run, "overwrote is %d", overwrote);
    }
    crossgate_policy_free(policy);
}

/* Of the processor, spent by this thread: what else the machine does is not in it. */
static long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

enum { GROWTH = 32 };

/* The time of GROWTH / times evaluations with an Origin that is so many times as long: with more of
 * the byte in its middle, which is what these vectors are full of. The least of three. */
static long cost(const crossgate_policy *policy, crossgate_str line, size_t times) {
    crossgate_request request;
    crossgate_decision answer;
    size_t half = line.len / 2, more = line.len * (times - 1);
    char *grown = malloc(line.len + more);
    memcpy(grown, line.data, half);
    memset(grown + half, line.data[half], more);
    memcpy(grown + half + more, line.data + half, line.len - half);
    crossgate_str lines[] = {{grown, line.len + more}};
    crossgate_request_init(&request, sizeof request, "GET", 3);
    request.origin.data = lines;
    request.origin.count = 1;
    crossgate_decision_init(&answer, sizeof answer);
    long least = 0;
    for (int round = 0; round < 3; round++) {
        long start = nanoseconds();
        for (size_t i = 0; i < GROWTH / times; i++)
            crossgate_evaluate(policy, &request, &answer, NULL, 0);
        long took = nanoseconds() - start;
        least = round == 0 || took < least ? took : least;
    }
    free(grown);
    return least;
}

/* Something quadratic takes GROWTH times as long in one piece; what is exponential never ends. */
static void linear(run *run, const crossgate_policy *policy, crossgate_str line) {
    long parts = cost(policy, line, 1), whole = cost(policy, line, GROWTH);
    if (whole > 8 * (parts > 200000 ? parts : 200000))
        fail(run, "%ld ns in parts, %ld ns in one piece", parts, whole);
}

/* An allow needs a policy that builds; where it is refused, nobody is let in either. */
static void origin(run *run, const json_t *vector) {
    crossgate_str lines[16];
    crossgate_request request;
    crossgate_decision answer;
    crossgate_policy *policy;
    const crossgate_header *acao = NULL;
    const json_t *value = json_object_get(vector, "acao");
    crossgate_decision_init(&answer, sizeof answer);
    if (build(json_object_get(vector, "policy"), &policy, NULL) == CROSSGATE_OK) {
        crossgate_request_init(&request, sizeof request, "GET", 3);
        request.origin.data = lines;
        request.origin.count = origin_lines(vector, lines);
        crossgate_status status = crossgate_evaluate(policy, &request, &answer, NULL, 0);
        if (status != CROSSGATE_OK)
            fail(run, "crossgate_evaluate: %s", crossgate_status_string(status));
        if (json_is_true(json_object_get(vector, "linear")))
            linear(run, policy, lines[0]);
    }
    for (uint32_t i = 0; i < answer.header_count; i++)
        if (answer.headers[i].id == CROSSGATE_HEADER_ALLOW_ORIGIN)
            acao = &answer.headers[i];
    const char *got = acao ? "allow" : "deny";
    if (strcmp(got, text_of(vector, "expect")) != 0)
        fail(run, "%s (%s), not %s", got, crossgate_reason_string(answer.reason),
            text_of(vector, "expect"));
    else if (acao != NULL && json_is_string(value)) {
        crossgate_str wanted = latin1(value);
        if (!same(acao->value, wanted.data, wanted.len))
            fail(run, "allows %s, not %s", acao->value.data, wanted.data);
    }
    crossgate_policy_free(policy);
}

static int run_file(const char *folder, const char *name, void (*each)(run *, const json_t *)) {
    run run = {name, "?", 0, 0, 0};
    char path[4096], *line = NULL;
    size_t size = 0;
    ssize_t length;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        const char *optional = getenv("CROSSGATE_VECTORS_OPTIONAL");
        int tolerated = optional != NULL && strcmp(optional, "1") == 0;
        printf("c: %s is missing%s\n", name, tolerated ? " (tolerated)" : "");
        return !tolerated;
    }
    for (int number = 1; (length = getline(&line, &size, file)) > 0; number++) {
        json_error_t problem;
        if (line[strspn(line, " \t\r\n")] == '\0')
            continue;
        json_t *vector = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, &problem);
        char place[32];
        snprintf(place, sizeof place, "line %d", number);
        run.id = vector && *text_of(vector, "id") ? text_of(vector, "id") : place;
        run.vector_failed = 0;
        if (vector == NULL)
            fail(&run, "%s", problem.text);
        else
            each(&run, vector);
        *(run.vector_failed ? &run.failed : &run.passed) += 1;
        free_kept();
        json_decref(vector);
    }
    free(line);
    fclose(file);
    printf("c: %s %d passed, %d failed\n", name, run.passed, run.failed);
    return run.failed > 0 || run.passed == 0;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    int failed = run_file(argv[1], "decisions.jsonl", decision);
    failed |= run_file(argv[1], "configs.jsonl", config);
    failed |= run_file(argv[1], "documents.jsonl", document);
    failed |= run_file(argv[1], "websocket.jsonl", websocket);
    failed |= run_file(argv[1], "responses.jsonl", apply_to_response);
    failed |= run_file(argv[1], "contract/origins.jsonl", origin);
    failed |= run_file(argv[1], "contract/configs.jsonl", config);
    failed |= run_file(argv[1], "contract/lint.jsonl", config);
    return failed;
}
