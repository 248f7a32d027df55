/*
 * Several threads evaluate with one policy and take references and give them back; then they do so
 * with a shared policy that other threads replace meanwhile, and count. Each sees the old policy or
 * the new one whole. An argument divides the number of rounds (for checkers, which are slow).
 */
#include "crossgate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checkers of threads do not see atomic operations; these say what the header promises: what was
 * done to a policy before it is replaced is seen by who loads it. */
#ifdef WITH_ANNOTATIONS
#include <valgrind/helgrind.h>
#define BEFORE_REPLACE(object) ANNOTATE_HAPPENS_BEFORE(object)
#define AFTER_LOAD(object) ANNOTATE_HAPPENS_AFTER(object)
#else
#define BEFORE_REPLACE(object) ((void)(object))
#define AFTER_LOAD(object) ((void)(object))
#endif

enum { THREADS = 4, WRITERS = 2 };

static int rounds = 20000;
static crossgate_shared_policy *shared;
static crossgate_counters *counters;

/* Decides about a GET from an origin; false if a call fails. */
static int ask(const crossgate_policy *policy, const char *origin, crossgate_decision *decision) {
    crossgate_request request;
    crossgate_request_init(&request, sizeof request, "GET", 3);
    crossgate_decision_init(decision, sizeof *decision);
    crossgate_request_add_header(&request, "origin", 6, origin, strlen(origin));
    return crossgate_evaluate(policy, &request, decision, NULL, 0) == CROSSGATE_OK;
}

static void *work(void *argument) {
    crossgate_policy *policy = argument;
    const char *origins[] = {"https://a.example", "https://x.b.example", "https://evil.example"};
    long wrong = 0;
    for (int round = 0; round < rounds; round++) {
        crossgate_decision decision;
        const char *origin = origins[round % 3];
        crossgate_policy *mine = crossgate_policy_ref(policy);
        if (!ask(mine, origin, &decision))
            wrong++;
        else if (decision.allowed != (round % 3 != 2))
            wrong++;
        else if (decision.allowed && strcmp(decision.headers[0].value.data, origin) != 0)
            wrong++;
        crossgate_policy_free(mine);
    }
    crossgate_policy_free(policy);
    return wrong ? argument : NULL;
}

/* The two policies that are swapped allow one of these each. */
static const char *const ONE = "https://one.example", *const TWO = "https://two.example";

static void *read_shared(void *argument) {
    long wrong = 0;
    for (int round = 0; round < rounds; round++) {
        crossgate_decision one, two;
        crossgate_policy *policy = crossgate_shared_policy_load(shared);
        AFTER_LOAD(shared);
        if (!ask(policy, ONE, &one) || !ask(policy, TWO, &two) || one.allowed + two.allowed != 1)
            wrong++;
        /* The values are the policy's and live as long as the reference. */
        else if (strcmp((one.allowed ? one : two).headers[0].value.data, one.allowed ? ONE : TWO)
                 != 0)
            wrong++;
        wrong += crossgate_counters_record(counters, &one) != CROSSGATE_OK;
        if (round % 16 == 0) {
            crossgate_request request;
            crossgate_difference difference = {.struct_size = sizeof difference};
            crossgate_request_init(&request, sizeof request, "GET", 3);
            crossgate_request_add_header(&request, "Origin", 6, ONE, strlen(ONE));
            wrong += crossgate_shared_policy_compare_shadow(shared, &request, &difference)
                     != CROSSGATE_OK;
            wrong += difference.differs != (difference.live_allowed != difference.shadow_allowed);
        }
        crossgate_policy_free(policy);
    }
    return wrong ? argument : NULL;
}

static void *write_shared(void *argument) {
    long wrong = 0;
    for (int round = 0; round < rounds / 20; round++) {
        char json[100];
        crossgate_policy *policy;
        int length =
            snprintf(json, sizeof json, "{\"allow_origins\": [\"%s\"]}", round % 2 ? ONE : TWO);
        if (crossgate_policy_from_json(json, (size_t)length, &policy, NULL) != CROSSGATE_OK)
            return argument;
        BEFORE_REPLACE(shared);
        wrong += crossgate_shared_policy_replace(shared, policy) != CROSSGATE_OK;
        wrong +=
            crossgate_shared_policy_set_shadow(shared, round % 3 ? policy : NULL) != CROSSGATE_OK;
        crossgate_policy_free(policy);
        /* What is wrong changes nothing. */
        wrong += crossgate_shared_policy_replace_json(shared, "{}", 2, NULL)
                 != CROSSGATE_ERR_INVALID_POLICY;
    }
    return wrong ? argument : NULL;
}

static int join(pthread_t *threads, int count) {
    int failed = 0;
    for (int i = 0; i < count; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        failed |= wrong != NULL;
    }
    return failed;
}

int main(int argc, char **argv) {
    const char json[] = "{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"]}";
    const char first[] = "{\"allow_origins\": [\"https://one.example\"]}";
    crossgate_policy *policy;
    pthread_t threads[THREADS + WRITERS];
    int failed = 0;
    if (argc > 1)
        rounds /= atoi(argv[1]);
    if (crossgate_policy_from_json(json, sizeof json - 1, &policy, NULL) != CROSSGATE_OK)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, crossgate_policy_ref(policy)) != 0)
            return 1;
    crossgate_policy_free(policy);
    failed |= join(threads, THREADS);

    if (crossgate_policy_from_json(first, sizeof first - 1, &policy, NULL) != CROSSGATE_OK
        || crossgate_shared_policy_new(policy, &shared) != CROSSGATE_OK
        || crossgate_counters_new(&counters) != CROSSGATE_OK)
        return 1;
    crossgate_policy_free(policy);
    for (int i = 0; i < THREADS + WRITERS; i++)
        if (pthread_create(&threads[i], NULL, i < THREADS ? read_shared : write_shared, shared)
            != 0)
            return 1;
    failed |= join(threads, THREADS + WRITERS);
    uint64_t allowed = 0, denied = 0;
    crossgate_counters_get(counters, CROSSGATE_REASON_ALLOWED, &allowed);
    crossgate_counters_get(counters, CROSSGATE_REASON_ORIGIN_NOT_LISTED, &denied);
    if (allowed + denied != (uint64_t)THREADS * (uint64_t)rounds) {
        fprintf(stderr, "%d decisions, but %llu counted\n", THREADS * rounds,
            (unsigned long long)(allowed + denied));
        failed = 1;
    }
    crossgate_counters_free(counters);
    crossgate_shared_policy_free(shared);
    if (failed)
        fprintf(stderr, "a thread got a wrong decision\n");
    return failed;
}
