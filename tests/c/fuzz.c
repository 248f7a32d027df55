/*
 * Every function with whatever a careless program may hand over: NULL, nothing, too little, too
 * much, text that is not UTF-8, numbers out of range, buffers that are too small. Pseudo-random and
 * the same each time; the first argument is the number of calls, the second another seed. Texts and
 * buffers are blocks of the heap of exactly their size, so that a checker of memory sees a byte too
 * many. What is checked here: no call fails with CROSSGATE_ERR_PANIC, and after a failure every
 * output is as the header promises, whatever was in it before: a decision or an answer says
 * nothing, a text buffer is empty, a pointer is NULL, and all others are untouched.
 */
#include "crossgate.h"
#include "says_nothing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 0x9e3779b97f4a7c15u;
static long failures;

static uint32_t number(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

#define PICK(array) ((array)[number(sizeof(array) / sizeof(array)[0])])

/* The call, and the number of its function in call(). */
static long now;
static uint32_t function;

static void wrong(const char *what) {
    if (failures++ < 20)
        fprintf(stderr, "call %ld, function %u: %s\n", now, function, what);
}

/* What is handed over as text. */
struct text {
    char *data;
    size_t len;
};

static const char *const WORDS[] = {
    "",
    "*",
    "GET",
    "OPTIONS",
    "PUT",
    "connect",
    "Origin",
    "origin",
    "Access-Control-Request-Method",
    "access-control-request-headers",
    "Access-Control-Request-Private-Network",
    "Sec-Fetch-Site",
    "https://a.example",
    "https://x.b.example",
    "https://a.example, https://b.example",
    "null",
    "true",
    "same-origin",
    "x-a,content-type, x-b",
    ",,,, ,",
    "HTTPS://A.example:443/",
    "\xff\xfe",
    "\xc3\x28",
    "b\xc3\xbc"
    "cher",
    "\r\nSet-Cookie: a=b",
    "allow_origins",
    "allow_credentials",
    "max_age",
    "denied_actual",
    "allow_headers",
    "reject",
    "Accept-Encoding,origin",
    "policy.json",
    "/no/such.toml",
    "{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"], \"allow_methods\": "
    "[\"PUT\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"allow_methods\": \"*\", \"allow_headers\": "
    "\"*\", \"allow_credentials\": true}",
    "{\"origin_predicate\": true}",
    "{\"allow_origins\": \"*\"}",
    "{\"allow_origins\": [\"https://a.example\"], \"single_origin\": \"static\"}",
    "{\"allow_origin_regexes\": [\"https://[a-z]+\\\\.example\"]}",
    "{\"allow_origins\": [",
    "[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\\u0000\": {}}",
    "allow_origins = ['https://a.example']\nmax_age = 600\n",
    "allow_origins = ",
    "a.b.c.d.e = [[[",
    "CORS",
    "A=B",
};

static struct text text(void) {
    struct text made = {NULL, 0};
    size_t size;
    const char *word;
    switch (number(12)) {
    case 0: /* absent */
        return made;
    case 1: /* NULL with a length */
        made.len = number(2) ? 1 : SIZE_MAX;
        return made;
    case 2: /* much of the same */
        size = number(20) ? number(9000) : 200000;
        made.data = malloc(size ? size : 1);
        memset(made.data, ",a[ {\xff*"[number(7)], size);
        made.len = size;
        return made;
    case 3: /* any bytes */
        size = number(80);
        made.data = malloc(size ? size : 1);
        for (size_t i = 0; i < size; i++)
            made.data[i] = (char)number(256);
        made.len = size;
        return made;
    default: /* something that means something, now and then cut off or with a byte changed */
        word = PICK(WORDS);
        size = strlen(word);
        if (number(8) == 0)
            size = number((uint32_t)size + 1);
        made.data = malloc(size ? size : 1);
        memcpy(made.data, word, size);
        if (size > 0 && number(8) == 0)
            made.data[number((uint32_t)size)] = (char)number(256);
        made.len = size;
        /* A length that no memory has. */
        if (number(40) == 0)
            made.len = SIZE_MAX - number(3);
        return made;
    }
}

static int32_t any_number(void) {
    static const int32_t numbers[] = {0, 0, 0, 1, 1, 2, 3, -1, 7, 8, 13, INT32_MAX, INT32_MIN};
    return PICK(numbers);
}

static size_t any_size(size_t right) {
    switch (number(8)) {
    case 0:
        return 0;
    case 1:
        return right - 8;
    case 2:
        return right + 8;
    case 3:
        return SIZE_MAX;
    default:
        return right;
    }
}

enum { KEPT = 4, LINES = 40 };

static crossgate_policy *policies[KEPT];
static crossgate_error *errors[KEPT];
static crossgate_builder *builders[KEPT];
static crossgate_shared_policy *shareds[KEPT];
static crossgate_counters *counters[KEPT];

static void keep_policy(crossgate_policy *policy) {
    crossgate_policy **place = &PICK(policies);
    crossgate_policy_free(*place);
    *place = policy;
}

static void keep_error(crossgate_error *error) {
    crossgate_error **place = &PICK(errors);
    crossgate_error_free(*place);
    *place = error;
}

/* What is evaluated; the texts stay as long as the request. */
static crossgate_request request;
static crossgate_decision decision;
static struct text kept[LINES];
static crossgate_str lines[LINES];
static size_t kept_count;
/* The decision may be used only as long as these. */
static crossgate_policy *decided_by;
static char *scratch;

static struct text keep_text(void) {
    struct text made = kept_count < LINES ? text() : (struct text){NULL, 0};
    if (kept_count < LINES)
        kept[kept_count++] = made;
    return made;
}

static void forget_decision(void) {
    crossgate_decision_init(&decision, sizeof decision);
    crossgate_policy_free(decided_by);
    decided_by = NULL;
    free(scratch);
    scratch = NULL;
}

/* Outputs are full before each call, so that what a failure leaves behind is seen. */
enum { UNTOUCHED = 77 };
static char untouched;
#define NO_POINTER ((void *)&untouched)

/* What a decision of the request before may have said. */
static void fill_decision(void) {
    decision.kind = CROSSGATE_KIND_PREFLIGHT;
    decision.action = CROSSGATE_ACTION_ANSWER;
    decision.allowed = 1;
    decision.status = 204;
    decision.flags = CROSSGATE_DECISION_ORIGIN_LISTED;
    decision.header_count = 3;
    decision.remove_count = 2;
    decision.origin.data = "https://a.example";
    decision.origin.len = 17;
}

/* What a call that should have filled the decision left in it; `given` if it got the decision. */
static void check_decision(crossgate_status status, int given) {
    /* A struct_size that no version has: nothing can be written. */
    int is_known = decision.struct_size == sizeof decision;
    if (status != CROSSGATE_OK && given && is_known && !says_nothing(&decision))
        wrong("the decision says something after a failure");
    if (status != CROSSGATE_OK || !given)
        forget_decision();
}

static void new_request(void) {
    for (size_t i = 0; i < kept_count; i++)
        free(kept[i].data);
    kept_count = 0;
    forget_decision();
    memset(&request, 0xa5, sizeof request);
    crossgate_request_init(&request, sizeof request, "OPTIONS", number(2) ? 7 : 3);
}

static crossgate_lines some_lines(void) {
    crossgate_lines some = {NULL, 0};
    if (number(3) == 0)
        return some;
    size_t count = number(4), first = number(LINES - 4);
    for (size_t i = first; i < first + count; i++) {
        struct text line = keep_text();
        lines[i].data = line.data;
        lines[i].len = line.len;
    }
    some.data = number(10) ? &lines[first] : NULL;
    some.count = number(20) ? count : SIZE_MAX;
    return some;
}

/* A call that fills a buffer of exactly some size. */
static char *room;
static size_t room_size, length;
static int room_is_given;

static void any_room(void) {
    static const uint32_t sizes[] = {0, 1, 2, 10, 100, 600, 8000};
    free(room);
    room_size = PICK(sizes);
    room = room_size ? malloc(room_size) : NULL;
    if (room != NULL)
        memset(room, 'x', room_size);
    room_is_given = room != NULL;
    /* NULL with a size is a mistake too. */
    if (room == NULL && number(4) == 0)
        room_size = 5;
}

/* The header lines of a request in one piece, most of them well-formed. */
static struct text block(void) {
    static const char *const names[] = {"Origin", "Access-Control-Request-Method",
        "Access-Control-Request-Headers", "Access-Control-Request-Private-Network",
        "Sec-Fetch-Site", "Host", "", " Origin", "origin:"};
    char lines[4096];
    size_t used = 0;
    for (uint32_t i = number(6); i > 0; i--) {
        const char *end = number(20) ? "\r\n" : number(2) ? "\n" : "";
        used += (size_t)snprintf(lines + used, 600, "%s%s%.300s%s", PICK(names),
            number(30) ? ": " : "", PICK(WORDS), end);
    }
    struct text made = {malloc(used ? used : 1), used};
    memcpy(made.data, lines, used);
    if (used > 0 && number(8) == 0)
        made.data[number((uint32_t)used)] = (char)number(256);
    return made;
}

/* A response whose every name has this line. */
static struct text response_line;

static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    (void)context;
    (void)name;
    value->data = response_line.data;
    value->len = response_line.len;
    return index < 2;
}

static crossgate_status set(void *context, const crossgate_header *header) {
    (void)context;
    if (header->value.data[header->value.len] != '\0')
        wrong("no NUL behind a value");
    return number(20) ? CROSSGATE_OK : -1;
}

static crossgate_status drop(void *context, const crossgate_str *name) {
    (void)context;
    (void)name;
    return number(20) ? CROSSGATE_OK : CROSSGATE_ERR_PANIC;
}

static const crossgate_response_functions functions = {sizeof functions, 0, get, set, drop};

/* Makes a struct ready, which a newer header may have made longer. */
#define INIT(type)                                                                                 \
    do {                                                                                           \
        struct {                                                                                   \
            type known;                                                                            \
            uint64_t newer;                                                                        \
        } other;                                                                                   \
        status = type##_init(number(9) ? &other.known : NULL, any_size(sizeof other.known));       \
    } while (0)

static crossgate_status call(uint32_t which, struct text a, struct text b) {
    const crossgate_policy *policy = PICK(policies);
    crossgate_policy *made = NO_POINTER;
    crossgate_error *error = NO_POINTER;
    crossgate_problem problem = {.severity = UNTOUCHED};
    crossgate_difference difference = {.differs = UNTOUCHED};
    crossgate_status status = CROSSGATE_OK;
    int32_t result = UNTOUCHED;
    uint64_t count = UNTOUCHED;
    crossgate_str origin = {NULL, UNTOUCHED};
    crossgate_policy **out = number(10) ? &made : NULL;
    crossgate_error **error_out = number(3) ? &error : NULL;
    size_t *length_out = number(20) ? &length : NULL;
    room_is_given = 0;
    switch (which) {
    case 0:
        status = crossgate_policy_from_json(a.data, a.len, out, error_out);
        break;
    case 1:
        status = crossgate_policy_from_toml(a.data, a.len, out, error_out);
        break;
    case 2:
        status = crossgate_policy_from_file(a.data, a.len, out, error_out);
        break;
    case 3:
        status = crossgate_policy_from_env(a.data, a.len, out, error_out);
        break;
    case 4:
        made = crossgate_policy_ref(policy);
        out = &made;
        break;
    case 5:
        crossgate_policy_scratch_size(policy);
        crossgate_policy_has_origin_predicate(policy);
        crossgate_policy_warning_count(policy);
        crossgate_policy_note_count(policy);
        if (strlen(crossgate_policy_digest(policy)) > 16)
            wrong("a long digest");
        break;
    case 6:
        problem.struct_size = (uint32_t)any_size(sizeof problem);
        status = crossgate_policy_warning(policy, number(3), number(9) ? &problem : NULL);
        break;
    case 7:
        any_room();
        status = crossgate_policy_document_json(policy, room, room_size, length_out);
        break;
    case 8:
        crossgate_error_count(PICK(errors));
        if (strlen(crossgate_error_text(PICK(errors))) == SIZE_MAX)
            failures++;
        break;
    case 9:
        problem.struct_size = (uint32_t)any_size(sizeof problem);
        status = crossgate_error_problem(PICK(errors), number(3), number(9) ? &problem : NULL);
        break;
    case 10: {
        struct {
            crossgate_request known;
            uint64_t newer;
        } other;
        status = crossgate_request_init(
            number(9) ? &other.known : NULL, any_size(sizeof other.known), a.data, a.len);
        break;
    }
    case 11:
    case 12:
    case 13:
        b = keep_text();
        status = crossgate_request_add_header(
            number(20) ? &request : NULL, a.data, a.len, b.data, b.len);
        break;
    case 14:
        INIT(crossgate_decision);
        break;
    case 50:
        INIT(crossgate_problem);
        break;
    case 51:
        INIT(crossgate_difference);
        break;
    case 52:
        INIT(crossgate_answer);
        break;
    case 15:
        request.verdict = any_number();
        break;
    case 16:
        request.origin = some_lines();
        request.acrm = some_lines();
        request.acrh = some_lines();
        request.sec_fetch_site = some_lines();
        request.acrpn = some_lines();
        break;
    case 17:
    case 18: {
        forget_decision();
        size_t size = number(2) ? crossgate_policy_scratch_size(policy) : number(100);
        scratch = size ? malloc(size) : NULL;
        decided_by = crossgate_policy_ref(policy);
        if (number(30) == 0)
            decision.struct_size = (uint32_t)any_size(sizeof decision);
        crossgate_decision *given = number(30) ? &decision : NULL;
        fill_decision();
        status = crossgate_evaluate(policy, number(30) ? &request : NULL, given, scratch, size);
        check_decision(status, given != NULL);
        break;
    }
    case 19: {
        forget_decision();
        any_room();
        crossgate_decision *given = number(30) ? &decision : NULL;
        fill_decision();
        status = crossgate_evaluate_http1(
            policy, number(30) ? &request : NULL, given, room, room_size, length_out);
        check_decision(status, given != NULL);
        break;
    }
    case 45: {
        struct text lines_in = number(6) ? block() : (struct text){NULL, 0};
        crossgate_answer answer = {(uint32_t)(number(30) ? sizeof answer : any_size(sizeof answer)),
            1, 2, 3, 2, 1, 204, 7};
        int is_known = answer.struct_size == sizeof answer;
        any_room();
        status = crossgate_evaluate_block(policy, number(2) ? "OPTIONS" : "GET", number(2) ? 7 : 3,
            lines_in.data, lines_in.len, any_number(), &answer, room, room_size, length_out);
        if (status != CROSSGATE_OK && is_known
            && (answer.flags != 0 || answer.action != CROSSGATE_ACTION_FORWARD
                || answer.allowed != -1 || answer.status != 0))
            wrong("the answer says something after a failure");
        free(lines_in.data);
        break;
    }
    case 20:
        any_room();
        status = crossgate_decision_write_http1(
            number(20) ? &decision : NULL, room, room_size, length_out);
        break;
    case 21:
        status = crossgate_needs_verdict(
            policy, number(20) ? &request : NULL, number(20) ? &origin : NULL);
        /* Its comment says more: after a failure nobody is asked. */
        if (status != CROSSGATE_OK && origin.data == NULL && origin.len == 0)
            origin.len = UNTOUCHED;
        break;
    case 22: {
        status = crossgate_check_websocket(
            policy, number(20) ? &request : NULL, any_number(), number(20) ? &result : NULL);
        /* Its comment says more: a failed check denies. */
        if (status != CROSSGATE_OK && result == CROSSGATE_WEBSOCKET_DENY)
            result = UNTOUCHED;
        break;
    }
    case 23:
        any_room();
        status = crossgate_vary_merge(a.data, a.len, b.data, b.len, room, room_size, length_out);
        break;
    case 24: {
        any_room();
        crossgate_header header = {
            {NULL, 0}, {NULL, 0}, {b.data, b.len}, CROSSGATE_OP_MERGE, any_number(), 0, 0};
        status = crossgate_header_merge(
            number(20) ? &header : NULL, a.data, a.len, room, room_size, length_out);
        break;
    }
    case 25: {
        crossgate_builder **place = &PICK(builders);
        crossgate_builder_free(*place);
        *place = NULL;
        if (number(4))
            status = crossgate_builder_new(place);
        break;
    }
    case 26:
        status = crossgate_builder_set_bool(PICK(builders), a.data, a.len, any_number());
        break;
    case 27:
        status = crossgate_builder_set_integer(PICK(builders), a.data, a.len, any_number());
        break;
    case 28:
        status = crossgate_builder_set_string(PICK(builders), a.data, a.len, b.data, b.len);
        break;
    case 29:
    case 30:
        if (number(2))
            status = crossgate_builder_add(PICK(builders), "allow_origins", 13, b.data, b.len);
        else
            status = crossgate_builder_add(PICK(builders), a.data, a.len, b.data, b.len);
        break;
    case 31:
        status = crossgate_builder_unset(PICK(builders), a.data, a.len);
        break;
    case 32:
        status = crossgate_builder_build(PICK(builders), out, error_out);
        break;
    case 33: {
        crossgate_shared_policy **place = &PICK(shareds);
        crossgate_shared_policy_free(*place);
        *place = NULL;
        status = crossgate_shared_policy_new(policy, place);
        break;
    }
    case 34:
        made = crossgate_shared_policy_load(PICK(shareds));
        out = &made;
        break;
    case 35:
        status = crossgate_shared_policy_replace(PICK(shareds), policy);
        break;
    case 36:
        status = crossgate_shared_policy_replace_json(PICK(shareds), a.data, a.len, error_out);
        break;
    case 37:
        status = crossgate_shared_policy_replace_toml(PICK(shareds), a.data, a.len, error_out);
        break;
    case 38:
        status = crossgate_shared_policy_replace_file(PICK(shareds), a.data, a.len, error_out);
        break;
    case 39:
        status = crossgate_shared_policy_set_shadow(PICK(shareds), policy);
        break;
    case 40:
        difference.struct_size = (uint32_t)any_size(sizeof difference);
        status = crossgate_shared_policy_compare_shadow(
            PICK(shareds), number(20) ? &request : NULL, number(20) ? &difference : NULL);
        break;
    case 41: {
        crossgate_counters **place = &PICK(counters);
        crossgate_counters_free(*place);
        *place = NULL;
        if (number(4))
            status = crossgate_counters_new(place);
        break;
    }
    case 42:
        status = crossgate_counters_record(PICK(counters), number(20) ? &decision : NULL);
        break;
    case 46:
        status = crossgate_decision_resume(&decision, any_number());
        check_decision(status, 1);
        break;
    case 47:
        difference.struct_size = (uint32_t)any_size(sizeof difference);
        status = crossgate_decision_difference(number(20) ? &decision : NULL,
            number(20) ? &decision : NULL, number(20) ? &difference : NULL);
        break;
    case 48:
        response_line = a;
        status = crossgate_decision_apply(number(20) ? &decision : NULL,
            number(20) ? &functions : NULL, NULL, number(2) ? &result : NULL);
        /* Its comment says more: it is 0 or 1 whatever happens. */
        if (result == 0 || result == 1)
            result = UNTOUCHED;
        break;
    case 49:
        problem.struct_size = (uint32_t)any_size(sizeof problem);
        status = crossgate_policy_note(policy, number(3), number(9) ? &problem : NULL);
        break;
    case 43:
        status = crossgate_counters_get(PICK(counters), any_number(), number(20) ? &count : NULL);
        break;
    case 44:
        any_room();
        status = crossgate_counters_to_prometheus(PICK(counters), room, room_size, length_out);
        break;
    default: {
        int32_t any = any_number();
        if (!crossgate_status_string(any) || !crossgate_kind_string(any)
            || !crossgate_action_string(any) || !crossgate_reason_string(any)
            || !crossgate_version() || crossgate_abi_version() != CROSSGATE_ABI_VERSION)
            failures++;
        break;
    }
    }
    if (status != CROSSGATE_OK) {
        if (out != NULL && made != NULL && made != NO_POINTER)
            wrong("a policy after a failure");
        if (room_is_given && room[0] != '\0')
            wrong("text in a buffer after a failure");
        if (result != UNTOUCHED || count != UNTOUCHED || origin.len != UNTOUCHED
            || problem.severity != UNTOUCHED || difference.differs != UNTOUCHED)
            wrong("an output was written in spite of a failure");
    }
    int makes_policy = which < 4 || which == 32;
    int tells_errors = makes_policy || (which >= 36 && which <= 38);
    if (makes_policy && out != NULL && made == NO_POINTER)
        wrong("no policy and no NULL");
    if (tells_errors && error_out != NULL && error == NO_POINTER)
        wrong("no error and no NULL");
    if (status == CROSSGATE_OK && error != NULL && error != NO_POINTER)
        wrong("an error after a success");
    if (made != NULL && made != NO_POINTER)
        keep_policy(made);
    if (error != NULL && error != NO_POINTER)
        keep_error(error);
    return status;
}

int main(int argc, char **argv) {
    long calls = argc > 1 ? atol(argv[1]) : 100000, statuses[CROSSGATE_ERR_CALLBACK + 1] = {0};
    if (argc > 2)
        state ^= strtoull(argv[2], NULL, 10) << 1;
    crossgate_decision_init(&decision, sizeof decision);
    new_request();
    for (long i = 0; i < calls; i++) {
        struct text a = text(), b = text();
        now = i;
        function = number(54);
        crossgate_status status = call(function, a, b);
        if (status < 0 || status == CROSSGATE_ERR_PANIC || status > CROSSGATE_ERR_CALLBACK)
            wrong(crossgate_status_string(status));
        else
            statuses[status]++;
        free(a.data);
        free(b.data);
        if (kept_count == LINES || number(40) == 0)
            new_request();
    }
    new_request();
    free(room);
    for (int i = 0; i < KEPT; i++) {
        crossgate_policy_free(policies[i]);
        crossgate_error_free(errors[i]);
        crossgate_builder_free(builders[i]);
        crossgate_shared_policy_free(shareds[i]);
        crossgate_counters_free(counters[i]);
    }
    for (int status = 0; status <= CROSSGATE_ERR_CALLBACK; status++)
        printf("%-45s %ld\n", crossgate_status_string(status), statuses[status]);
    if (failures)
        fprintf(stderr, "%ld wrong\n", failures);
    return failures != 0;
}
