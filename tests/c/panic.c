/*
 * A panic inside the library becomes CROSSGATE_ERR_PANIC: it does not take the process down, and
 * every object goes on working. The library itself has no way to panic on request, so the system
 * fails it: hash tables of the standard library (in the compiler of regexes) want random numbers,
 * and while `broken` is set there are none. (Linux; the library's calls come here, since the
 * program is searched first.)
 */
#define _GNU_SOURCE
#include "crossgate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int broken, refused;

ssize_t getrandom(void *buffer, size_t size, unsigned flags) {
    if (!broken)
        return syscall(SYS_getrandom, buffer, size, flags);
    errno = ENOSYS;
    return -1;
}

/* The library opens only /dev/urandom here. */
int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    if (!broken)
        return (int)syscall(SYS_openat, -100 /* AT_FDCWD */, path, flags, mode);
    refused++;
    errno = EIO;
    return -1;
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static const char LISTED[] = "{\"allow_origins\": [\"https://a.example\"]}";
static const char REGEX[] = "{\"allow_origin_regexes\": [\"https://[a-z]+[.]a[.]example\"]}";

int main(void) {
    int failures = 0;
    crossgate_policy *policy, *none = (crossgate_policy *)&broken;
    crossgate_error *error = (crossgate_error *)&broken;
    crossgate_shared_policy *shared;
    crossgate_builder *builder;
    crossgate_request request;
    crossgate_decision decision;

    /* From here on: the random numbers of this thread are drawn once, when it first needs some. */
    broken = 1;
    CHECK(
        crossgate_policy_from_json(REGEX, sizeof REGEX - 1, &none, &error) == CROSSGATE_ERR_PANIC);
    CHECK(none == NULL && error == NULL && refused > 0);
    CHECK(crossgate_builder_new(&builder) == CROSSGATE_OK);
    CHECK(crossgate_builder_add(
              builder, "allow_origin_regexes", 20, "https://[a-z]+[.]a[.]example", 28)
          == CROSSGATE_OK);
    CHECK(crossgate_builder_build(builder, &none, NULL) == CROSSGATE_ERR_PANIC);
    CHECK(none == NULL);

    /* What needs none works meanwhile, and what was there before stays. */
    CHECK(crossgate_policy_from_json(LISTED, sizeof LISTED - 1, &policy, &error) == CROSSGATE_OK);
    CHECK(crossgate_shared_policy_new(policy, &shared) == CROSSGATE_OK);
    CHECK(crossgate_shared_policy_replace_json(shared, REGEX, sizeof REGEX - 1, &error)
          == CROSSGATE_ERR_PANIC);
    CHECK(error == NULL);
    crossgate_policy *live = crossgate_shared_policy_load(shared);
    CHECK(live == policy);
    crossgate_request_init(&request, sizeof request, "GET", 3);
    crossgate_request_add_header(&request, "Origin", 6, "https://a.example", 17);
    crossgate_decision_init(&decision, sizeof decision);
    CHECK(crossgate_evaluate(live, &request, &decision, NULL, 0) == CROSSGATE_OK
          && decision.allowed == 1);
    crossgate_policy_free(live);

    /* And so does everything afterwards. */
    broken = 0;
    CHECK(crossgate_builder_build(builder, &none, NULL) == CROSSGATE_OK && none != NULL);
    crossgate_policy_free(none);
    CHECK(crossgate_shared_policy_replace_json(shared, REGEX, sizeof REGEX - 1, &error)
          == CROSSGATE_OK);
    live = crossgate_shared_policy_load(shared);
    CHECK(crossgate_evaluate(live, &request, &decision, NULL, 0) == CROSSGATE_OK
          && decision.allowed == 0);
    crossgate_policy_free(live);
    crossgate_builder_free(builder);
    crossgate_shared_policy_free(shared);
    crossgate_policy_free(policy);
    return failures != 0;
}
