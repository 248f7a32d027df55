/* Several threads evaluate with one policy, take references and give them back; the last one frees it. */
#include "crossgate.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 20000 };

static void *work(void *argument) {
    crossgate_policy *policy = argument;
    const char *origins[] = {"https://a.example", "https://x.b.example", "https://evil.example"};
    long wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        crossgate_request request;
        crossgate_decision decision;
        const char *origin = origins[round % 3];
        crossgate_policy *mine = crossgate_policy_ref(policy);
        crossgate_request_init(&request, sizeof request, "GET", 3);
        crossgate_decision_init(&decision, sizeof decision);
        crossgate_request_add_header(&request, "origin", 6, origin, strlen(origin));
        if (crossgate_evaluate(mine, &request, &decision, NULL, 0) != CROSSGATE_OK)
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

int main(void) {
    const char json[] = "{\"allow_origins\": [\"https://a.example\", \"https://*.b.example\"]}";
    crossgate_policy *policy;
    pthread_t threads[THREADS];
    int failed = 0;
    if (crossgate_policy_from_json(json, sizeof json - 1, &policy, NULL) != CROSSGATE_OK)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, crossgate_policy_ref(policy)) != 0)
            return 1;
    crossgate_policy_free(policy);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        failed |= wrong != NULL;
    }
    if (failed)
        fprintf(stderr, "a thread got a wrong decision\n");
    return failed;
}
