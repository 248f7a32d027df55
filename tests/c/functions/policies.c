/* Versions and names, policies and what is wrong with them, builders. */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

static void versions(const char *expected) {
    char text[32];
    CHECK(strcmp(crossgate_version(), expected) == 0);
    snprintf(text, sizeof text, "%d.%d.%d", CROSSGATE_VERSION_MAJOR, CROSSGATE_VERSION_MINOR,
        CROSSGATE_VERSION_PATCH);
    CHECK(strcmp(text, expected) == 0);
    CHECK(crossgate_abi_version() == CROSSGATE_ABI_VERSION);
}

static void names(void) {
    CHECK(strcmp(crossgate_status_string(CROSSGATE_OK), "ok") == 0);
    for (int status = 0; status <= CROSSGATE_ERR_CALLBACK; status++)
        CHECK(strcmp(crossgate_status_string(status), "unknown status") != 0);
    CHECK(strcmp(crossgate_status_string(CROSSGATE_ERR_CALLBACK + 1), "unknown status") == 0);
    CHECK(strcmp(crossgate_status_string(-1), "unknown status") == 0);
    CHECK(strcmp(crossgate_kind_string(CROSSGATE_KIND_PREFLIGHT), "preflight") == 0);
    CHECK(strcmp(crossgate_kind_string(3), "unknown") == 0);
    CHECK(strcmp(crossgate_action_string(CROSSGATE_ACTION_REJECT), "reject") == 0);
    CHECK(strcmp(crossgate_action_string(-1), "unknown") == 0);
    CHECK(strcmp(crossgate_reason_string(CROSSGATE_REASON_HEADER_LIST_TOO_LONG),
              "header_list_too_long")
          == 0);
    CHECK(strcmp(crossgate_reason_string(-1), "unknown") == 0);
    CHECK(strcmp(crossgate_reason_string(INT32_MAX), "unknown") == 0);
}

static void errors(void) {
    const char text[] =
        "{\"allow_origins\": [\"https://a.example/\", \"HTTPS://b.example\", \"null\"]}";
    crossgate_policy *policy = (crossgate_policy *)&policy;
    crossgate_error *error = (crossgate_error *)&error;
    STATUS(
        CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json(LITERAL(text), &policy, &error));
    CHECK(policy == NULL && error != NULL);
    CHECK(crossgate_error_count(error) == 3);
    CHECK(strstr(crossgate_error_text(error), "origin_has_path") != NULL);

    crossgate_problem problem;
    memset(&problem, 0xa5, sizeof problem);
    problem.struct_size = sizeof problem;
    STATUS(CROSSGATE_OK, crossgate_error_problem(error, 0, &problem));
    CHECK(problem.severity == CROSSGATE_SEVERITY_ERROR);
    CHECK(equal(problem.code, "origin_has_path"));
    CHECK(equal(problem.path, "allow_origins[0]"));
    CHECK(equal(problem.value, "https://a.example/"));
    CHECK(problem.message.len > 10 && problem.message.data[problem.message.len] == '\0');
    CHECK(equal(problem.hint, "https://a.example"));
    STATUS(CROSSGATE_OK, crossgate_error_problem(error, 1, &problem));
    CHECK(problem.severity == CROSSGATE_SEVERITY_WARNING
          && equal(problem.code, "origin_not_canonical"));

    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_error_problem(error, 3, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_error_problem(error, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_error_problem(NULL, 0, &problem));
    problem.struct_size = offsetof(crossgate_problem, hint) - 1;
    STATUS(CROSSGATE_ERR_STRUCT_SIZE, crossgate_error_problem(error, 0, &problem));
    crossgate_error_free(error);
    crossgate_error_free(NULL);
    CHECK(crossgate_error_count(NULL) == 0);
    CHECK(crossgate_error_text(NULL)[0] == '\0');

    /* Nobody has to ask. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json(LITERAL("{}"), &policy, NULL));
    STATUS(CROSSGATE_ERR_NOT_UTF8,
        crossgate_policy_from_json(LITERAL("{\"\xff\": 1}"), &policy, &error));
    CHECK(policy == NULL && error == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(NULL, 0, &policy, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(NULL, 5, &policy, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_json(LITERAL("{}"), NULL, &error));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_toml(LITERAL(""), NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_file(LITERAL("x.json"), NULL, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_from_env(LITERAL("X"), NULL, NULL));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_policy_from_json("{}", SIZE_MAX, &policy, &error));
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json("", 0, &policy, NULL));

    /* A NUL in the text ends no string early. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_json(
            LITERAL("{\"allow_origins\":[\"https://a\\u0000.example\"]}"), &policy, &error));
    CHECK(
        crossgate_error_count(error) >= 1 && strstr(crossgate_error_text(error), "\\u{0}") != NULL);
    crossgate_error_free(error);
}

/* After 1,000 problems the rest are only counted. */
static void many_problems(void) {
    static char text[100000];
    size_t used = (size_t)sprintf(text, "{\"allow_origins\": [\"null\"");
    for (int i = 0; i < 1499; i++)
        used += (size_t)sprintf(text + used, ", \"https://a%d.example/\"", i);
    used += (size_t)sprintf(text + used, "]}");
    crossgate_policy *policy;
    crossgate_error *error;
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_policy_from_json(text, used, &policy, &error));
    CHECK(crossgate_error_count(error) == 1000 && crossgate_error_omitted(error) == 500);
    CHECK(strstr(crossgate_error_text(error), "\n  and 500 more") != NULL);
    crossgate_error_free(error);
    CHECK(crossgate_error_omitted(NULL) == 0);
}

static void files(const char *folder) {
    char path[4096];
    crossgate_policy *policy;
    crossgate_error *error;
    snprintf(path, sizeof path, "%s/every_function_policy.toml", folder);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    fputs("allow_origins = ['https://a.example']\nmax_age = 600\n", file);
    fclose(file);
    STATUS(CROSSGATE_OK, crossgate_policy_from_file(path, strlen(path), &policy, &error));
    CHECK(policy != NULL && error == NULL);
    crossgate_policy_free(policy);
    remove(path);

    STATUS(CROSSGATE_ERR_FILE, crossgate_policy_from_file(path, strlen(path), &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 0
          && strstr(crossgate_error_text(error), "every_function_policy") != NULL);
    crossgate_error_free(error);
    STATUS(CROSSGATE_ERR_FILE, crossgate_policy_from_file(LITERAL("policy.ini"), &policy, NULL));

    /* What is no regular file, or is too large, is refused at once and replaces nothing. */
    crossgate_policy *old = build("{\"allow_origins\": [\"https://a.example\"]}");
    crossgate_shared_policy *shared;
    STATUS(CROSSGATE_OK, crossgate_shared_policy_new(old, &shared));
    for (int kind = 0; kind < 4; ++kind) {
        snprintf(path, sizeof path, "%s/every_function_no_file_%d.json", folder, kind);
        remove(path);
        const char *code = "document_not_a_file";
        switch (kind) {
        case 0:
            CHECK(mkfifo(path, 0600) == 0);
            break;
        case 1:
            CHECK(mkdir(path, 0700) == 0);
            break;
        case 2:
            CHECK(symlink("/dev/zero", path) == 0);
            break;
        case 3:
            code = "document_too_large";
            file = fopen(path, "w");
            CHECK(file != NULL && fclose(file) == 0 && truncate(path, 1L << 30) == 0);
            break;
        }
        STATUS(CROSSGATE_ERR_INVALID_POLICY,
            crossgate_policy_from_file(path, strlen(path), &policy, &error));
        crossgate_problem problem = {.struct_size = sizeof problem};
        STATUS(CROSSGATE_OK, crossgate_error_problem(error, 0, &problem));
        CHECK(policy == NULL && equal(problem.code, code));
        crossgate_error_free(error);
        STATUS(CROSSGATE_ERR_INVALID_POLICY,
            crossgate_shared_policy_replace_file(shared, path, strlen(path), NULL));
        policy = crossgate_shared_policy_load(shared);
        CHECK(strcmp(crossgate_policy_digest(policy), crossgate_policy_digest(old)) == 0);
        crossgate_policy_free(policy);
        remove(path);
    }
    crossgate_policy_free(old);
    crossgate_shared_policy_free(shared);

    STATUS(
        CROSSGATE_OK, crossgate_policy_from_toml(LITERAL("allow_origins = '*'"), &policy, &error));
    crossgate_policy_free(policy);
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_toml(LITERAL("allow_origins = "), &policy, NULL));

    STATUS(CROSSGATE_OK, crossgate_policy_from_env(LITERAL("CGTEST"), &policy, &error));
    crossgate_policy_free(policy);
    STATUS(CROSSGATE_ERR_INVALID_POLICY,
        crossgate_policy_from_env(LITERAL("CGTEST_NOTHING"), &policy, NULL));
}

static void policies(void) {
    crossgate_policy *policy = build("{\"allow_origins\": [\"HTTPS://a.example\"]}");
    CHECK(crossgate_policy_warning_count(policy) == 1);
    crossgate_problem problem = {.struct_size = sizeof problem};
    STATUS(CROSSGATE_OK, crossgate_policy_warning(policy, 0, &problem));
    CHECK(equal(problem.code, "origin_not_canonical")
          && problem.severity == CROSSGATE_SEVERITY_WARNING);
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_policy_warning(policy, 1, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_warning(NULL, 0, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_warning(policy, 0, NULL));
    CHECK(crossgate_policy_warning_count(NULL) == 0);
    CHECK(crossgate_policy_omitted_problems(policy) == 0
          && crossgate_policy_omitted_problems(NULL) == 0);
    CHECK(crossgate_policy_scratch_size(policy) == 0 && crossgate_policy_scratch_size(NULL) == 0);

    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_policy_note(policy, 0, &problem));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_note(NULL, 0, &problem));
    CHECK(crossgate_policy_note_count(policy) == 0 && crossgate_policy_note_count(NULL) == 0);
    crossgate_policy *noted = build("{\"allow_origins\": [\"https://a.example\"], "
                                    "\"allow_methods\": [\"PUT\", \"OPTIONS\"]}");
    for (size_t i = 0; i < crossgate_policy_note_count(noted); i++) {
        STATUS(CROSSGATE_OK, crossgate_policy_note(noted, i, &problem));
        CHECK(problem.severity == CROSSGATE_SEVERITY_NOTE && problem.code.len > 0);
    }
    CHECK(crossgate_policy_note_count(noted) > 0);
    /* Equal policies have equal digests. */
    crossgate_policy *same = build("{\"allow_origins\": [\"https://a.example:443\"]}");
    CHECK(strlen(crossgate_policy_digest(policy)) == 16);
    CHECK(strcmp(crossgate_policy_digest(policy), crossgate_policy_digest(same)) == 0);
    CHECK(strcmp(crossgate_policy_digest(policy), crossgate_policy_digest(noted)) != 0);
    CHECK(crossgate_policy_digest(NULL)[0] == '\0');
    crossgate_policy_free(same);
    crossgate_policy_free(noted);

    /* Two calls: the length, then the text. */
    size_t length = 0;
    STATUS(
        CROSSGATE_ERR_BUFFER_TOO_SMALL, crossgate_policy_document_json(policy, NULL, 0, &length));
    CHECK(length > 100);
    char *document = malloc(length + 1);
    STATUS(CROSSGATE_ERR_BUFFER_TOO_SMALL,
        crossgate_policy_document_json(policy, document, length, &length));
    STATUS(CROSSGATE_OK, crossgate_policy_document_json(policy, document, length + 1, &length));
    CHECK(strlen(document) == length && strstr(document, "\"https://a.example\"") != NULL);
    crossgate_policy *again = build(document);
    CHECK(crossgate_policy_warning_count(again) == 0);
    crossgate_policy_free(again);
    free(document);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(NULL, NULL, 0, &length));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(policy, NULL, 0, NULL));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_policy_document_json(policy, NULL, 10, &length));

    /* The second reference keeps it alive. */
    CHECK(crossgate_policy_ref(policy) == policy);
    crossgate_policy_free(policy);
    CHECK(crossgate_policy_warning_count(policy) == 1);
    crossgate_policy_free(policy);
    CHECK(crossgate_policy_ref(NULL) == NULL);
    crossgate_policy_free(NULL);
}

#define NAME(name) (name), strlen(name)

static void builders(void) {
    crossgate_builder *builder = (crossgate_builder *)&builder;
    crossgate_policy *policy = (crossgate_policy *)&policy;
    crossgate_error *error = (crossgate_error *)&error;
    STATUS(CROSSGATE_OK, crossgate_builder_new(&builder));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_new(NULL));
    /* Nothing configured means nobody, and is an error. */
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 1);
    crossgate_error_free(error);

    STATUS(CROSSGATE_OK,
        crossgate_builder_add(builder, NAME("allow_origins"), LITERAL("https://a.example")));
    STATUS(CROSSGATE_OK,
        crossgate_builder_add(builder, NAME("allow_origins"), LITERAL("https://*.b.example")));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_credentials"), 0));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_credentials"), 1));
    STATUS(CROSSGATE_OK, crossgate_builder_set_integer(builder, NAME("max_age"), 600));
    STATUS(CROSSGATE_OK, crossgate_builder_set_string(builder, NAME("upstream"), LITERAL("keep")));
    STATUS(
        CROSSGATE_OK, crossgate_builder_set_string(builder, NAME("allow_methods"), LITERAL("*")));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_builder_add(builder, NAME("allow_methods"), LITERAL("PUT")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_methods")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("never_set")));
    STATUS(CROSSGATE_OK, crossgate_builder_add(builder, NAME("allow_methods"), LITERAL("PUT")));
    STATUS(CROSSGATE_OK, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy != NULL && error == NULL);
    char document[2048];
    size_t length;
    STATUS(
        CROSSGATE_OK, crossgate_policy_document_json(policy, document, sizeof document, &length));
    CHECK(strstr(document, "https://*.b.example") != NULL && strstr(document, "600") != NULL
          && strstr(document, "keep") != NULL);
    crossgate_policy_free(policy);

    /* Everything that is wrong, at once; the builder can be mended and built again. */
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("max_age"), 1));
    STATUS(CROSSGATE_OK, crossgate_builder_set_bool(builder, NAME("allow_orgins"), 1));
    STATUS(
        CROSSGATE_OK, crossgate_builder_set_integer(builder, NAME("allow_credentials"), INT64_MIN));
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, &error));
    CHECK(policy == NULL && crossgate_error_count(error) == 3);
    crossgate_problem problem = {.struct_size = sizeof problem};
    int hints = 0;
    for (size_t i = 0; i < crossgate_error_count(error); i++) {
        STATUS(CROSSGATE_OK, crossgate_error_problem(error, i, &problem));
        hints += equal(problem.code, "unknown_option") && equal(problem.hint, "allow_origins");
    }
    CHECK(hints == 1);
    crossgate_error_free(error);
    STATUS(CROSSGATE_ERR_INVALID_POLICY, crossgate_builder_build(builder, &policy, NULL));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("max_age")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_orgins")));
    STATUS(CROSSGATE_OK, crossgate_builder_unset(builder, NAME("allow_credentials")));
    STATUS(CROSSGATE_OK, crossgate_builder_build(builder, &policy, NULL));
    crossgate_policy_free(policy);

    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_bool(NULL, NAME("max_age"), 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_bool(builder, NULL, 0, 1));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT, crossgate_builder_set_bool(builder, NAME("max_age"), 2));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_set_integer(NULL, NAME("max_age"), 1));
    STATUS(CROSSGATE_ERR_NOT_UTF8, crossgate_builder_set_integer(builder, NAME("max\xff"), 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_builder_set_string(builder, NAME("upstream"), NULL, 4));
    STATUS(CROSSGATE_ERR_NOT_UTF8,
        crossgate_builder_set_string(builder, NAME("upstream"), LITERAL("\xe4")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_builder_set_string(NULL, NAME("upstream"), LITERAL("keep")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_builder_add(NULL, NAME("allow_origins"), LITERAL("*")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT,
        crossgate_builder_add(builder, NAME("allow_origins"), NULL, 0));
    STATUS(CROSSGATE_ERR_INVALID_ARGUMENT,
        crossgate_builder_add(builder, "allow_origins", SIZE_MAX, LITERAL("*")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_unset(NULL, NAME("upstream")));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_unset(builder, NULL, 1));
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_build(NULL, &policy, &error));
    CHECK(policy == NULL && error == NULL);
    STATUS(CROSSGATE_ERR_NULL_ARGUMENT, crossgate_builder_build(builder, NULL, &error));
    crossgate_builder_free(builder);
    crossgate_builder_free(NULL);
}

void test_policies(const char *folder, const char *version) {
    versions(version);
    names();
    errors();
    files(folder);
    many_problems();
    policies();
    builders();
}
