/* A decision put on a response: merging, applying. */
#include "check.h"

static void merge_case(
    const char *existing, const char *added, const char *vary, const char *expose) {
    char text[128];
    size_t length;
    STATUS(CROSSGATE_OK, crossgate_vary_merge(existing, strlen(existing), added, strlen(added),
                             text, sizeof text, &length));
    CHECK(strcmp(text, vary) == 0 && length == strlen(vary));
    crossgate_header header = {{NULL, 0}, {NULL, 0}, {added, strlen(added)}, CROSSGATE_OP_MERGE,
        CROSSGATE_HEADER_VARY, CROSSGATE_SOURCE_POLICY, 0};
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
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_vary_merge(NULL, 0, NULL, 0, text, sizeof text, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_header_merge(NULL, NULL, 0, text, sizeof text, &length));
    crossgate_header header = {{NULL, 0}, {NULL, 0}, {LITERAL("*")}, CROSSGATE_OP_SET,
        CROSSGATE_HEADER_ALLOW_ORIGIN, CROSSGATE_SOURCE_POLICY, 0};
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_header_merge(&header, NULL, 0, text, sizeof text, &length));
}

/* A response as a list of lines. */
typedef struct {
    size_t count;
    struct {
        char name[64], value[2048];
    } lines[16];
    crossgate_status failure;
    int sets;
} list;

static int same_name(const char *a, crossgate_str b) {
    size_t i = 0;
    for (; i < b.len && a[i] != '\0'; i++)
        if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != b.data[i])
            return 0;
    return i == b.len && a[i] == '\0';
}

static int32_t get(void *context, const crossgate_str *name, size_t index, crossgate_str *value) {
    list *response = context;
    CHECK(name->data[name->len] == '\0');
    for (size_t i = 0; i < response->count; i++)
        if (same_name(response->lines[i].name, *name) && index-- == 0) {
            value->data = response->lines[i].value;
            value->len = strlen(value->data);
            return 1;
        }
    return 0;
}

static crossgate_status drop(void *context, const crossgate_str *name) {
    list *response = context;
    size_t kept = 0;
    for (size_t i = 0; i < response->count; i++)
        if (!same_name(response->lines[i].name, *name))
            response->lines[kept++] = response->lines[i];
    response->count = kept;
    return response->failure;
}

static void line(list *response, const char *name, const char *value) {
    size_t at = response->count++;
    snprintf(response->lines[at].name, sizeof response->lines[at].name, "%s", name);
    snprintf(response->lines[at].value, sizeof response->lines[at].value, "%s", value);
}

static crossgate_status set(void *context, const crossgate_header *header) {
    list *response = context;
    CHECK(header->value.data[header->value.len] == '\0');
    drop(response, &header->lower_name);
    line(response, header->name.data, header->value.data);
    response->sets++;
    return response->failure;
}

static const crossgate_response_functions functions = {sizeof functions, 0, get, set, drop};

static const char *value_of(list *response, const char *name) {
    crossgate_str found, asked = {name, strlen(name)};
    return get(response, &asked, 0, &found) ? found.data : "(none)";
}

static void applied(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"https://a.example\"], "
                                     "\"expose_headers\": [\"X-A\"]}");
    crossgate_policy *keep =
        build("{\"allow_origins\": [\"https://a.example\"], \"upstream\": \"keep\"}");
    crossgate_request request;
    crossgate_decision decision;
    int32_t overwrote = 7;
    start(&request, &decision, "GET");
    add(&request, "Origin", "https://a.example");
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));

    /* A response that says nothing of CORS. */
    static list response;
    memset(&response, 0, sizeof response);
    line(&response, "Content-Type", "text/plain");
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 0 && response.count == 4);
    CHECK(strcmp(value_of(&response, "access-control-allow-origin"), "https://a.example") == 0);
    /* Twice is as good as once. */
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 0 && response.count == 4);

    /* One that has ideas of its own, in several lines and another case. */
    memset(&response, 0, sizeof response);
    line(&response, "ACCESS-CONTROL-ALLOW-ORIGIN", "*");
    line(&response, "access-control-max-age", "5");
    line(&response, "Vary", "Accept");
    line(&response, "vary", "accept, Cookie");
    line(&response, "Access-Control-Expose-Headers", "X-Own");
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 1 && response.count == 3);
    CHECK(strcmp(value_of(&response, "access-control-allow-origin"), "https://a.example") == 0);
    CHECK(strcmp(value_of(&response, "vary"), "Accept, Cookie, Origin") == 0);
    CHECK(strcmp(value_of(&response, "access-control-expose-headers"), "X-Own, X-A") == 0);
    CHECK(strcmp(value_of(&response, "access-control-max-age"), "(none)") == 0);

    /* The same value in one line is nothing overwritten; a list longer than any is merged too. */
    memset(&response, 0, sizeof response);
    line(&response, "Access-Control-Allow-Origin", "https://a.example");
    char longest[1500];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 10 == 9 ? ',' : (char)('a' + i / 10 % 26);
    longest[sizeof longest - 1] = '\0';
    line(&response, "Vary", longest);
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, NULL));
    CHECK(strlen(value_of(&response, "vary")) > 200
          && strstr(value_of(&response, "vary"), ", Origin") != NULL);

    /* upstream = "keep". */
    STATUS(CROSSGATE_OK, crossgate_evaluate(keep, &request, &decision, NULL, 0));
    memset(&response, 0, sizeof response);
    line(&response, "Access-Control-Allow-Origin", "*");
    line(&response, "Access-Control-Max-Age", "5");
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 0 && response.count == 3);
    CHECK(strcmp(value_of(&response, "access-control-allow-origin"), "*") == 0);
    CHECK(strcmp(value_of(&response, "vary"), "Origin") == 0);

    /* upstream = "keep_public": a public response stays so where the policy says nothing. */
    crossgate_policy *keep_public =
        build("{\"allow_origins\": [\"https://a.example\"], \"upstream\": \"keep_public\"}");
    STATUS(CROSSGATE_OK, crossgate_evaluate(keep_public, &request, &decision, NULL, 0));
    CHECK((decision.flags & CROSSGATE_DECISION_KEEP_PUBLIC) == 0);
    crossgate_request stranger;
    crossgate_request_init(&stranger, sizeof stranger, "GET", 3);
    STATUS(CROSSGATE_OK, crossgate_evaluate(keep_public, &stranger, &decision, NULL, 0));
    CHECK((decision.flags & CROSSGATE_DECISION_KEEP_PUBLIC) != 0
          && (decision.flags & CROSSGATE_DECISION_KEEP_UPSTREAM) == 0);
    memset(&response, 0, sizeof response);
    line(&response, "Access-Control-Allow-Origin", "*");
    line(&response, "Access-Control-Max-Age", "5");
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 1 && response.count == 2);
    CHECK(strcmp(value_of(&response, "access-control-allow-origin"), "*") == 0);
    line(&response, "Access-Control-Allow-Credentials", "true");
    STATUS(CROSSGATE_OK, crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(overwrote == 1 && response.count == 1);
    crossgate_policy_free(keep_public);

    /* A callback that fails is told, and everything else is done all the same. */
    STATUS(CROSSGATE_OK, crossgate_evaluate(policy, &request, &decision, NULL, 0));
    memset(&response, 0, sizeof response);
    response.failure = CROSSGATE_ERR_FILE;
    line(&response, "Access-Control-Max-Age", "5");
    line(&response, "Access-Control-Allow-Origin", "*");
    overwrote = 7;
    STATUS(CROSSGATE_ERR_CALLBACK,
        crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    CHECK(response.sets == 3 && response.count == 3 && overwrote == 1);
    CHECK(strcmp(value_of(&response, "access-control-allow-origin"), "https://a.example") == 0);
    CHECK(strcmp(value_of(&response, "access-control-max-age"), "(none)") == 0);

    crossgate_response_functions wrong = functions;
    wrong.set = NULL;
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_apply(&decision, &wrong, NULL, NULL));
    wrong.struct_size = 8;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_decision_apply(&decision, &wrong, NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_decision_apply(&decision, NULL, NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_decision_apply(NULL, &functions, &response, &overwrote));
    decision.header_count = 9;
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_decision_apply(&decision, &functions, &response, &overwrote));
    crossgate_policy_free(policy);
    crossgate_policy_free(keep);
}

void test_responses(void) {
    merges();
    applied();
}
