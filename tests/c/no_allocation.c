/*
 * Evaluation allocates nothing: malloc and its kin are the program's own here, and count. (glibc; the library's calls come
 * here too, since the program is searched first.)
 */
#include "crossgate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

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

static const char *const POLICIES[] = {
    "{\"allow_origins\": \"*\", \"allow_headers\": \"*\"}",
    "{\"allow_origins\": [\"https://a.example\", \"https://b.example\"], \"allow_methods\": [\"PUT\"],"
    " \"allow_headers\": [\"X-A\", \"Content-Type\"], \"expose_headers\": [\"X-B\"], \"max_age\": 600}",
    "{\"allow_origins\": [\"https://*.a.example\", \"http://localhost:*\", \"https://p-{digits}--x.b.example\"],"
    " \"allow_methods\": \"*\", \"allow_headers\": \"*\", \"allow_credentials\": true}",
    "{\"host_origins\": true, \"allow_null_origin\": true}",
    "{\"allow_origins\": [\"https://a.example\"], \"denied_actual\": \"reject\", \"own_origins\": [\"https://own.example\"]}",
    "{\"allow_origins\": [\"https://a.example\"], \"single_origin\": \"static\"}",
    "{\"allow_origin_regexes\": [\"https://[a-z]{1,8}\\\\.a\\\\.example\"], \"allow_credentials\": true}",
};

static const char *const ORIGINS[] = {
    NULL, "https://a.example", "https://x.a.example", "http://localhost:3000", "https://p-12--x.b.example", "null",
    "https://evil.example", "https://own.example", "not an origin", "",
};

static const char *const LISTS[] = {NULL, "x-a", "content-type,x-a", "X-A , ,x-a,content-type", "authorization", "b\xe4" "d", ""};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char scratch[8192];
static char longest[10000];

/* Every request once; the number of requests, or 0 if a call failed. */
static unsigned long ask(const crossgate_policy *policy) {
    unsigned long requests = 0;
    for (size_t o = 0; o < COUNT(ORIGINS); o++) {
        for (size_t l = 0; l <= COUNT(LISTS); l++) {
            const char *list = l == COUNT(LISTS) ? longest : LISTS[l];
            const char *method = l == 0 ? "GET" : "OPTIONS";
            crossgate_request request;
            crossgate_decision decision;
            crossgate_request_init(&request, sizeof request, method, strlen(method));
            crossgate_decision_init(&decision, sizeof decision);
            if (ORIGINS[o] != NULL)
                crossgate_request_add_header(&request, "Origin", 6, ORIGINS[o], strlen(ORIGINS[o]));
            if (list != NULL) {
                crossgate_request_add_header(&request, "Access-Control-Request-Method", 29, "PUT", 3);
                /* Two lines: the way over several lines allocates nothing either. */
                crossgate_request_add_header(&request, "Access-Control-Request-Headers", 30, list, strlen(list));
                crossgate_request_add_header(&request, "Access-Control-Request-Headers", 30, "x-a", 3);
            }
            crossgate_str asked, line = {ORIGINS[o], ORIGINS[o] ? strlen(ORIGINS[o]) : 0};
            int32_t websocket;
            size_t length;
            char block[2048];
            if (crossgate_asks_host(policy, &request, &asked) != CROSSGATE_OK)
                return 0;
            request.verdict = asked.data ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_ABSENT;
            if (crossgate_evaluate(policy, &request, &decision, scratch, sizeof scratch) != CROSSGATE_OK ||
                crossgate_decision_write_http1(&decision, block, sizeof block, &length) != CROSSGATE_OK ||
                crossgate_evaluate_http1(policy, &request, &decision, block, sizeof block, &length) != CROSSGATE_OK ||
                crossgate_check_websocket(policy, &line, 1, 0, CROSSGATE_VERDICT_ABSENT, &websocket) != CROSSGATE_OK)
                return 0;
            requests++;
        }
    }
    return requests;
}

int main(void) {
    unsigned long total = 0, requests = 0;
    memset(longest, ',', sizeof longest - 1);
    for (size_t p = 0; p < COUNT(POLICIES); p++) {
        crossgate_policy *policy;
        if (crossgate_policy_from_json(POLICIES[p], strlen(POLICIES[p]), &policy, NULL) != CROSSGATE_OK) {
            fprintf(stderr, "policy %zu is not built\n", p);
            return 1;
        }
        unsigned long before = allocations, asked = ask(policy), made = allocations - before;
        if (asked == 0) {
            fprintf(stderr, "policy %zu: a call failed\n", p);
            return 1;
        }
        if (made != 0)
            fprintf(stderr, "%lu allocations by policy %zu: %s\n", made, p, POLICIES[p]);
        requests += asked;
        total += made;
        crossgate_policy_free(policy);
    }
    /* The counter counts. */
    if (allocations == 0) {
        fprintf(stderr, "nothing was counted at all\n");
        return 1;
    }
    printf("%lu requests, %lu allocations\n", requests, total);
    return total != 0;
}
