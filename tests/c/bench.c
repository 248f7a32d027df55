/*
 * What a decision costs through the shared library: the scenarios W0 to W3 and W6 of the core's
 * benchmark, in turn, so that a change of the machine's speed meets all of them. Prints a table and
 * writes it as JSON to the file named. As a library it gives one round at a time.
 */
#define _POSIX_C_SOURCE 200809L
#include "crossgate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SCENARIOS = 6, WAYS = 4, ROUNDS = 60, CALLS = 20000 };

/* How a scenario is asked. */
enum way { EVALUATE, EVALUATE_HTTP1, EVALUATE_THEN_WRITE, WHOLE_REQUEST };

static const char *const WAY_NAMES[WAYS] = {
    "evaluate", "evaluate_http1", "evaluate, write_http1", "init, add, evaluate"};

static const char THREE[] = "{\"allow_origins\": [\"https://one.example.com\", "
                            "\"https://two.example.com\", \"https://three.example.com\"],"
                            " \"allow_methods\": [\"PUT\", \"DELETE\"], \"allow_headers\": "
                            "[\"Authorization\", \"Content-Type\"],"
                            " \"expose_headers\": [\"X-Total-Count\", \"X-Request-Id\"], "
                            "\"allow_credentials\": true, \"max_age\": 7200}";

static char names_2000[2000 * 5], commas_10000[10001];

static struct {
    const char *name, *method, *origin, *names;
} scenarios[SCENARIOS] = {
    {"W0 no Origin", "GET", NULL, NULL},
    {"W1 allowed", "GET", "https://two.example.com", NULL},
    {"W2 preflight", "OPTIONS", "https://two.example.com", "authorization,content-type"},
    {"W3 denied", "GET", "https://evil.example.org", NULL},
    {"W6 2,000 names", "OPTIONS", "https://two.example.com", names_2000},
    {"W6 10,000 commas", "OPTIONS", "https://two.example.com", commas_10000},
};

static crossgate_policy *policy;

/* 0 if all is well. */
int bench_start(void) {
    for (int i = 0; i < 2000; i++)
        memcpy(names_2000 + 5 * i,
            (char[]){'x', (char)('0' + i / 1000), (char)('0' + i / 100 % 10),
                (char)('0' + i % 100 / 10), ','},
            5);
    names_2000[sizeof names_2000 - 1] = '\0';
    memset(commas_10000, ',', sizeof commas_10000 - 1);
    return crossgate_policy_from_json(THREE, sizeof THREE - 1, &policy, NULL);
}

void bench_end(void) { crossgate_policy_free(policy); }

static void fill(crossgate_request *request, int scenario) {
    crossgate_request_init(
        request, sizeof *request, scenarios[scenario].method, strlen(scenarios[scenario].method));
    if (scenarios[scenario].origin != NULL)
        crossgate_request_add_header(
            request, "Origin", 6, scenarios[scenario].origin, strlen(scenarios[scenario].origin));
    if (scenarios[scenario].names != NULL) {
        crossgate_request_add_header(request, "Access-Control-Request-Method", 29, "PUT", 3);
        crossgate_request_add_header(request, "Access-Control-Request-Headers", 30,
            scenarios[scenario].names, strlen(scenarios[scenario].names));
    }
}

/* Nanoseconds a call, one round; negative if a call failed. */
double bench_round(int scenario, int way) {
    crossgate_request request;
    crossgate_decision decision;
    char block[1024];
    size_t length;
    struct timespec from, to;
    crossgate_status failed = 0;
    fill(&request, scenario);
    crossgate_decision_init(&decision, sizeof decision);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < CALLS; i++) {
        switch ((enum way)way) {
        case EVALUATE:
            failed |= crossgate_evaluate(policy, &request, &decision, NULL, 0);
            break;
        case EVALUATE_HTTP1:
            failed |=
                crossgate_evaluate_http1(policy, &request, &decision, block, sizeof block, &length);
            break;
        case EVALUATE_THEN_WRITE:
            failed |= crossgate_evaluate(policy, &request, &decision, NULL, 0);
            failed |= crossgate_decision_write_http1(&decision, block, sizeof block, &length);
            break;
        case WHOLE_REQUEST:
            fill(&request, scenario);
            crossgate_decision_init(&decision, sizeof decision);
            failed |= crossgate_evaluate(policy, &request, &decision, NULL, 0);
            break;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double spent = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    return failed ? -1 : spent / CALLS;
}

const char *bench_scenario(int scenario) {
    return scenario < SCENARIOS ? scenarios[scenario].name : NULL;
}

const char *bench_way(int way) { return way < WAYS ? WAY_NAMES[way] : NULL; }

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    static double times[SCENARIOS][WAYS][ROUNDS];
    if (bench_start() != 0)
        return 1;
    /* The first round warms up. */
    for (int round = -1; round < ROUNDS; round++) {
        for (int scenario = 0; scenario < SCENARIOS; scenario++) {
            for (int way = 0; way < WAYS; way++) {
                double time = bench_round(scenario, way);
                if (time < 0) {
                    fprintf(stderr, "%s: a call failed\n", scenarios[scenario].name);
                    return 1;
                }
                if (round >= 0)
                    times[scenario][way][round] = time;
            }
        }
    }
    bench_end();
    FILE *json = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (argc > 1 && json == NULL) {
        perror(argv[1]);
        return 1;
    }
    printf("%-18s %-22s %9s %9s\n", "C ABI", "", "min ns", "median ns");
    if (json != NULL)
        fputs("[", json);
    for (int scenario = 0; scenario < SCENARIOS; scenario++) {
        for (int way = 0; way < WAYS; way++) {
            double *sorted = times[scenario][way];
            qsort(sorted, ROUNDS, sizeof *sorted, compare);
            printf("%-18s %-22s %9.1f %9.1f\n", scenarios[scenario].name, WAY_NAMES[way], sorted[0],
                sorted[ROUNDS / 2]);
            if (json != NULL)
                fprintf(json,
                    "%s\n  {\"name\": \"%s\", \"way\": \"%s\", \"min_ns\": %.2f, \"median_ns\": "
                    "%.2f}",
                    scenario + way ? "," : "", scenarios[scenario].name, WAY_NAMES[way], sorted[0],
                    sorted[ROUNDS / 2]);
        }
    }
    if (json != NULL) {
        fputs("\n]\n", json);
        if (fclose(json) != 0) {
            perror(argv[1]);
            return 1;
        }
    }
    return 0;
}
