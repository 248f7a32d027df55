/* A program that knows only what was installed. */
#include <crossgate.h>

#include <stdio.h>
#include <string.h>

int main(void) {
    const char json[] = "{\"allow_origins\": [\"https://a.example\"]}",
               origin[] = "https://a.example";
    crossgate_policy *policy;
    crossgate_request request;
    crossgate_decision decision;
    if (crossgate_policy_from_json(json, strlen(json), &policy, NULL) != CROSSGATE_OK)
        return 1;
    crossgate_request_init(&request, sizeof request, "GET", 3);
    crossgate_request_add_header(&request, "Origin", 6, origin, strlen(origin));
    crossgate_decision_init(&decision, sizeof decision);
    if (crossgate_evaluate(policy, &request, &decision, NULL, 0) != CROSSGATE_OK)
        return 1;
    printf("%s %s: %s\n", crossgate_version(), decision.headers[0].name.data,
        decision.headers[0].value.data);
    crossgate_policy_free(policy);
    return 0;
}
