/*
 * Nothing that a request passes through allocates, or frees: malloc and its kin are the program's
 * own here, and count. (glibc; the library's calls come here too, since the program is searched
 * first.) The argument --list prints the functions that are counted.
 */
#include "crossgate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long allocations, frees;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    allocations++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    allocations++;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory) {
    frees += memory != NULL;
    __libc_free(memory);
}

static const char *const POLICIES[] = {
    "{\"allow_origins\": \"*\", \"allow_headers\": \"*\"}",
    "{\"allow_origins\": [\"https://a.example\", \"https://b.example\"], \"allow_methods\": "
    "[\"PUT\"],"
    " \"allow_headers\": [\"X-A\", \"Content-Type\"], \"expose_headers\": [\"X-B\"], \"max_age\": "
    "600}",
    "{\"allow_origins\": [\"https://*.a.example\", \"http://localhost:*\", "
    "\"https://p-{digits}--x.b.example\"],"
    " \"allow_methods\": \"*\", \"allow_headers\": \"*\", \"allow_credentials\": true}",
    "{\"origin_predicate\": true, \"allow_null_origin\": true}",
    "{\"allow_origins\": [\"https://a.example\"], \"denied_actual\": \"reject\", \"own_origins\": "
    "[\"https://own.example\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"single_origin\": \"static\"}",
    "{\"allow_origins\": [\"HTTPS://A.example\"], \"expose_headers\": [\"X-B\"]}",
    "{\"allow_origin_regexes\": [\"https://[a-z]{1,8}\\\\.a\\\\.example\"], \"allow_credentials\": "
    "true}",
};

static const char *const ORIGINS[] = {
    NULL,
    "https://a.example",
    "https://x.a.example",
    "http://localhost:3000",
    "https://p-12--x.b.example",
    "null",
    "https://evil.example",
    "https://own.example",
    "not an origin",
    "",
};

static const char *const LISTS[] = {NULL, "x-a", "content-type,x-a", "X-A , ,x-a,content-type",
    "authorization",
    "b\xe4"
    "d",
    ""};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char scratch[8192];
static char longest[10000];
static char block_out[8192];

static crossgate_counters *counters;

/* Each call by its name: the test compares them with crossgate.h. */
static const char *called[64];
static size_t called_count;

/* The last call that failed. */
static const char *failed;

static void note(const char *call) {
    size_t length = strcspn(call, "(");
    for (size_t i = 0; i < called_count; i++)
        if (strncmp(called[i], call, length) == 0 && called[i][length] == '(')
            return;
    if (called_count < COUNT(called))
        called[called_count++] = call;
}

static void check(const char *call, crossgate_status status) {
    note(call);
    if (status != CROSSGATE_OK)
        failed = call;
}

/* A call that gives a status, and one that gives something else. */
#define OK(call) check(#call, call)
#define GET(call) (note(#call), (call))

/* A response with an Access-Control-Allow-Origin of its own, and a Vary in two lines. */
static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    static const char *const lines[] = {"Accept-Encoding", "Cookie, origin"};
    (void)context;
    if (strcmp(name->data, "access-control-allow-origin") == 0 && index == 0) {
        value->data = "*";
        value->len = 1;
        return 1;
    }
    if (strcmp(name->data, "vary") != 0 || index > 1)
        return 0;
    value->data = lines[index];
    value->len = strlen(lines[index]);
    return 1;
}

static crossgate_status set(void *context, const crossgate_header *header) {
    (void)context;
    return header->value.data != NULL ? CROSSGATE_OK : CROSSGATE_ERR_NULL_ARGUMENT;
}

static crossgate_status drop(void *context, const crossgate_str *name) {
    (void)context;
    return name->data != NULL ? CROSSGATE_OK : CROSSGATE_ERR_NULL_ARGUMENT;
}

static const crossgate_response_functions functions = {sizeof functions, 0, get, set, drop};

/* What a server does with one request. */
static void one_request(const crossgate_shared_policy *shared, const char *method,
    const char *origin, const char *list) {
    crossgate_request request;
    crossgate_decision decision, shadow;
    crossgate_difference difference;
    OK(crossgate_difference_init(&difference, sizeof difference));
    crossgate_str asked;
    crossgate_problem problem;
    OK(crossgate_problem_init(&problem, sizeof problem));
    int32_t websocket, overwrote;
    uint64_t count;
    size_t length;
    char block[2048], merged[4096];

    crossgate_policy *policy = GET(crossgate_shared_policy_load(shared));
    crossgate_policy *mine = GET(crossgate_policy_ref(policy));
    OK(crossgate_request_init(&request, sizeof request, method, strlen(method)));
    OK(crossgate_decision_init(&decision, sizeof decision));
    if (origin != NULL)
        OK(crossgate_request_add_header(&request, "Origin", 6, origin, strlen(origin)));
    if (list != NULL) {
        OK(crossgate_request_add_header(&request, "Access-Control-Request-Method", 29, "PUT", 3));
        /* Two lines: the way over several lines allocates nothing either. */
        OK(crossgate_request_add_header(
            &request, "Access-Control-Request-Headers", 30, list, strlen(list)));
        OK(crossgate_request_add_header(&request, "Access-Control-Request-Headers", 30, "x-a", 3));
    }
    OK(crossgate_needs_verdict(mine, &request, &asked));
    request.verdict = asked.data ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_ABSENT;
    if (asked.data != NULL && GET(crossgate_policy_has_origin_predicate(mine)) != 1)
        failed = "crossgate_policy_has_origin_predicate";
    if (GET(crossgate_policy_scratch_size(mine)) > sizeof scratch)
        failed = "crossgate_policy_scratch_size";
    OK(crossgate_evaluate(mine, &request, &decision, scratch, sizeof scratch));
    if (asked.data != NULL) {
        /* Asked in between, it says the same. */
        request.verdict = CROSSGATE_VERDICT_ABSENT;
        OK(crossgate_decision_init(&shadow, sizeof shadow));
        OK(crossgate_evaluate(mine, &request, &shadow, scratch, sizeof scratch));
        OK(crossgate_decision_resume(&shadow, CROSSGATE_VERDICT_ALLOW));
        OK(crossgate_decision_difference(&decision, &shadow, &difference));
        if (difference.differs)
            failed = "crossgate_decision_resume";
        request.verdict = CROSSGATE_VERDICT_ALLOW;
    }
    OK(crossgate_decision_apply(&decision, &functions, NULL, &overwrote));
    if (overwrote)
        OK(crossgate_counters_add_overwrote_upstream(counters));
    OK(crossgate_counters_overwrote_upstream(counters, &count));
    OK(crossgate_counters_regex_step_limit(counters, &count));
    OK(crossgate_request_origin(&request, &asked));
    if (strlen(GET(crossgate_public_suffix_list_date())) != 10)
        failed = "crossgate_public_suffix_list_date";
    /* The same request as text. */
    char lines[10500] = "";
    crossgate_answer answer;
    OK(crossgate_answer_init(&answer, sizeof answer));
    if (origin != NULL)
        length = (size_t)snprintf(lines, sizeof lines, "Origin: %s\r\n", origin);
    if (list != NULL)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
            "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: %s\r\n"
            "Access-Control-Request-Headers: x-a\r\n",
            list);
    OK(crossgate_evaluate_block(mine, method, strlen(method), lines, strlen(lines), request.verdict,
        &answer, block_out, sizeof block_out, &length));
    if (answer.reason != decision.reason)
        failed = "crossgate_evaluate_block";
    OK(crossgate_decision_write_http1(&decision, block, sizeof block, &length));
    OK(crossgate_counters_record(counters, &decision));
    OK(crossgate_counters_get(counters, decision.reason, &count));
    if (*GET(crossgate_kind_string(decision.kind)) == '\0'
        || *GET(crossgate_action_string(decision.action)) == '\0'
        || *GET(crossgate_reason_string(decision.reason)) == '\0'
        || *GET(crossgate_status_string(CROSSGATE_OK)) == '\0' || *GET(crossgate_version()) == '\0'
        || GET(crossgate_abi_version()) != CROSSGATE_ABI_VERSION)
        failed = "a name";
    /* The application has headers of its own: text, bytes that are none, and more than the merge
       would ever see. */
    static const char *const existing[] = {"", "Accept-Encoding,origin", "X-\xe4, \xff", "*",
        "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w"};
    for (size_t e = 0; e < COUNT(existing); e++) {
        OK(crossgate_vary_merge(existing[e], strlen(existing[e]), "Origin, Cookie", 14, merged,
            sizeof merged, &length));
        for (uint32_t h = 0; h < decision.header_count; h++)
            if (decision.headers[h].op == CROSSGATE_OP_MERGE)
                OK(crossgate_header_merge(&decision.headers[h], existing[e], strlen(existing[e]),
                    merged, sizeof merged, &length));
    }
    (void)GET(crossgate_policy_omitted_problems(mine));
    for (size_t w = 0; w < GET(crossgate_policy_warning_count(mine)); w++)
        OK(crossgate_policy_warning(mine, w, &problem));
    for (size_t n = 0; n < GET(crossgate_policy_note_count(mine)); n++)
        OK(crossgate_policy_note(mine, n, &problem));
    if (strlen(GET(crossgate_policy_digest(mine))) != 16)
        failed = "crossgate_policy_digest";
    OK(crossgate_evaluate_http1(mine, &request, &decision, block, sizeof block, &length));
    OK(crossgate_shared_policy_compare_shadow(shared, &request, &difference));
    OK(crossgate_check_websocket(mine, &request, CROSSGATE_SOCKET_PRIVATE, &websocket));
    /* Not the last references, which are the shared policy's and main()'s. */
    GET(crossgate_policy_free(mine));
    crossgate_policy_free(policy);
}

/* Every request once; the number of requests, or 0 if a call failed. */
static unsigned long ask(const crossgate_shared_policy *shared) {
    unsigned long requests = 0;
    for (size_t o = 0; o < COUNT(ORIGINS); o++) {
        for (size_t l = 0; l <= COUNT(LISTS); l++) {
            one_request(shared, l == 0 ? "GET" : "OPTIONS", ORIGINS[o],
                l == COUNT(LISTS) ? longest : LISTS[l]);
            if (failed != NULL) {
                fprintf(stderr, "%s failed\n", failed);
                return 0;
            }
            requests++;
        }
    }
    return requests;
}

int main(int argc, char **argv) {
    unsigned long total = 0, requests = 0;
    memset(longest, ',', sizeof longest - 1);
    crossgate_policy *shadow;
    if (crossgate_policy_from_json(POLICIES[1], strlen(POLICIES[1]), &shadow, NULL) != CROSSGATE_OK
        || crossgate_counters_new(&counters) != CROSSGATE_OK)
        return 1;
    for (size_t p = 0; p < COUNT(POLICIES); p++) {
        crossgate_policy *policy;
        crossgate_shared_policy *shared;
        if (crossgate_policy_from_json(POLICIES[p], strlen(POLICIES[p]), &policy, NULL)
                != CROSSGATE_OK
            || crossgate_shared_policy_new(policy, &shared) != CROSSGATE_OK
            || crossgate_shared_policy_set_shadow(shared, shadow) != CROSSGATE_OK) {
            fprintf(stderr, "policy %zu is not built\n", p);
            return 1;
        }
        unsigned long before = allocations + frees, asked = ask(shared),
                      made = allocations + frees - before;
        if (asked == 0)
            return 1;
        if (made != 0)
            fprintf(stderr, "%lu allocations or frees by policy %zu: %s\n", made, p, POLICIES[p]);
        requests += asked;
        total += made;
        crossgate_shared_policy_free(shared);
        crossgate_policy_free(policy);
    }
    crossgate_policy_free(shadow);
    crossgate_counters_free(counters);
    /* The counter counts. */
    if (allocations == 0 || frees == 0) {
        fprintf(stderr, "nothing was counted at all\n");
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        for (size_t i = 0; i < called_count; i++)
            printf("%.*s\n", (int)strcspn(called[i], "("), called[i]);
    else
        printf("%lu requests, %lu allocations\n", requests, total);
    return total != 0;
}
