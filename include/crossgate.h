/*
 * crossgate: one CORS engine for every server. The C interface.
 *
 * Generated from ffi/src by cbindgen; do not edit.
 *
 * A request, from policy to answer:
 *
 *     crossgate_policy *policy;
 *     crossgate_error *error;
 *     if (crossgate_policy_from_file(path, strlen(path), &policy, &error) != CROSSGATE_OK) {
 *         fprintf(stderr, "%s\n", crossgate_error_text(error));
 *         crossgate_error_free(error);
 *         exit(1);
 *     }
 *
 *     char *scratch = malloc(crossgate_policy_scratch_size(policy));
 *
 *     crossgate_request request;
 *     crossgate_decision decision;
 *     crossgate_request_init(&request, sizeof request, method, strlen(method));
 *     for (every header line of the request)
 *         crossgate_request_add_header(&request, name, strlen(name), value, strlen(value));
 *     crossgate_decision_init(&decision, sizeof decision);
 *     crossgate_status status = crossgate_evaluate(
 *         policy, &request, &decision, scratch, crossgate_policy_scratch_size(policy));
 *     if (status != CROSSGATE_OK)
 *         log crossgate_status_string(status): the decision forwards and permits nothing;
 *
 *     if (decision.action != CROSSGATE_ACTION_FORWARD)
 *         answer with decision.status, decision.headers and no body;
 *     else
 *         run the handler, then crossgate_decision_apply() the decision to whatever it answers.
 *
 * Rules without exception:
 *
 * - Strings go in as pointer and length. A NULL pointer with length 0 is absent, length 0 is empty,
 *   a NULL pointer with a length is an error. Nothing that goes in is kept after the call, unless
 *   its comment says so.
 * - Functions that can fail return a crossgate_status: CROSSGATE_OK or CROSSGATE_ERR_... . After
 *   any status but CROSSGATE_OK a decision says forward, no permission, no header; a text buffer is
 *   empty; a pointer given back is NULL. Other outputs are written only on success, unless their
 *   comment says more. NULL for an object or an output is CROSSGATE_ERR_NULL_ARGUMENT; freeing NULL
 *   does nothing.
 * - Structs are the caller's memory. struct_size is their first member, and they grow at their end:
 *   a program that was compiled against another version's header is served as far as both know. A
 *   struct_size below that of the first version is CROSSGATE_ERR_STRUCT_SIZE, and so is a request
 *   with a member that this library does not know and that is not zero.
 * - Text goes to a buffer of the caller's as with snprintf: *length gets the length without the
 *   NUL, the buffer needs one byte more, and with less the status is
 *   CROSSGATE_ERR_BUFFER_TOO_SMALL. NULL and 0 ask for the length.
 * - A function that takes a const object may run on many threads at once with that object, one that
 *   takes it without const may not. A policy never changes once it is built, so it can also be used
 *   on both sides of a fork().
 * - No Rust panic leaves the library (it becomes CROSSGATE_ERR_PANIC). It starts no threads, sets
 *   no handlers and keeps nothing for the process or the thread.
 */


#ifndef CROSSGATE_H
#define CROSSGATE_H

#include <stddef.h>
#include <stdint.h>

/* Define CROSSGATE_STATIC on Windows to link to the static library. */
#if defined(_WIN32) && !defined(CROSSGATE_STATIC)
#define CROSSGATE_API __declspec(dllimport)
#else
#define CROSSGATE_API
#endif

/* A string literal as the two arguments that functions take: its pointer and its length. */
#define CROSSGATE_STR(literal) (literal), (sizeof(literal) - 1)

/**
 * The version of this header.
 */
#define CROSSGATE_VERSION_MAJOR 0

/**
 * The version of this header.
 */
#define CROSSGATE_VERSION_MINOR 1

/**
 * The version of this header.
 */
#define CROSSGATE_VERSION_PATCH 0

/**
 * The binary interface that this header describes: the number in the SONAME.
 */
#define CROSSGATE_ABI_VERSION 0

/**
 * The policy is not built.
 */
#define CROSSGATE_SEVERITY_ERROR 0

/**
 * The policy is built in spite of it; look at it.
 */
#define CROSSGATE_SEVERITY_WARNING 1

/**
 * True of the policy, and nothing needs to be done.
 */
#define CROSSGATE_SEVERITY_NOTE 2

/**
 * No verdict: the application was not asked, or does not know. The origin is denied.
 */
#define CROSSGATE_VERDICT_ABSENT 0

/**
 * The application allows the origin.
 */
#define CROSSGATE_VERDICT_ALLOW 1

/**
 * The application denies it.
 */
#define CROSSGATE_VERDICT_DENY 2

/**
 * The lines of Access-Control-Request-Headers that crossgate_request_add_header() has room for.
 * Browsers send one.
 */
#define CROSSGATE_ADDED_LINES 16

/**
 * No Origin: no CORS request.
 */
#define CROSSGATE_KIND_NOT_CORS 0

/**
 * A request with an Origin that is no preflight.
 */
#define CROSSGATE_KIND_ACTUAL 1

/**
 * A CORS-preflight request.
 */
#define CROSSGATE_KIND_PREFLIGHT 2

/**
 * Run the handler; apply the headers to its response, whatever its status.
 */
#define CROSSGATE_ACTION_FORWARD 0

/**
 * Answer a preflight now: status, headers, no body, and Content-Length: 0 unless the status is
 * 204.
 */
#define CROSSGATE_ACTION_ANSWER 1

/**
 * Refuse now, with status 403, the headers and no body.
 */
#define CROSSGATE_ACTION_REJECT 2

/**
 * The origin matched, and for a preflight also the method and headers.
 */
#define CROSSGATE_REASON_ALLOWED 0

/**
 * The policy allows every origin (`"*"`).
 */
#define CROSSGATE_REASON_ALLOWED_ANY 1

/**
 * The request has no `Origin`: it is not a CORS request.
 */
#define CROSSGATE_REASON_NO_ORIGIN 2

/**
 * The origin is one of the server's own, and not otherwise allowed.
 */
#define CROSSGATE_REASON_OWN_ORIGIN 3

/**
 * Nothing matches the origin.
 */
#define CROSSGATE_REASON_ORIGIN_NOT_LISTED 4

/**
 * The origin is `null`, and the policy does not allow it.
 */
#define CROSSGATE_REASON_ORIGIN_NULL 5

/**
 * No browser writes an origin like this.
 */
#define CROSSGATE_REASON_ORIGIN_MALFORMED 6

/**
 * Several `Origin` lines, or a comma, space or tab inside one.
 */
#define CROSSGATE_REASON_ORIGIN_MULTIPLE 7

/**
 * The requested method is not listed, empty, or not a method name.
 */
#define CROSSGATE_REASON_METHOD_NOT_ALLOWED 8

/**
 * The requested method differs from a listed one only in case.
 */
#define CROSSGATE_REASON_METHOD_CASE 9

/**
 * A requested header is not listed.
 */
#define CROSSGATE_REASON_HEADER_NOT_ALLOWED 10

/**
 * The list of requested headers contains something that is not a header name.
 */
#define CROSSGATE_REASON_HEADER_LIST_MALFORMED 11

/**
 * The list of requested headers exceeds the bounds.
 */
#define CROSSGATE_REASON_HEADER_LIST_TOO_LONG 12

/**
 * Replace every line of that name by this one.
 */
#define CROSSGATE_OP_SET 0

/**
 * Add the names in the value to those that the response has: crossgate_header_merge().
 */
#define CROSSGATE_OP_MERGE 1

/**
 * Access-Control-Allow-Origin
 */
#define CROSSGATE_HEADER_ALLOW_ORIGIN 0

/**
 * Access-Control-Allow-Credentials
 */
#define CROSSGATE_HEADER_ALLOW_CREDENTIALS 1

/**
 * Access-Control-Allow-Methods
 */
#define CROSSGATE_HEADER_ALLOW_METHODS 2

/**
 * Access-Control-Allow-Headers
 */
#define CROSSGATE_HEADER_ALLOW_HEADERS 3

/**
 * Access-Control-Expose-Headers
 */
#define CROSSGATE_HEADER_EXPOSE_HEADERS 4

/**
 * Access-Control-Max-Age
 */
#define CROSSGATE_HEADER_MAX_AGE 5

/**
 * Access-Control-Allow-Private-Network
 */
#define CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK 6

/**
 * Vary
 */
#define CROSSGATE_HEADER_VARY 7

/**
 * The value is the policy's text, the same for every request. It lives as long as the policy.
 */
#define CROSSGATE_SOURCE_POLICY 0

/**
 * The value was copied from the request (an origin that a pattern matched, an echoed method). It
 * lies in the decision and lives until the decision is used again.
 */
#define CROSSGATE_SOURCE_DECISION 1

/**
 * The value is an echoed list of names in the caller's scratch buffer.
 */
#define CROSSGATE_SOURCE_SCRATCH 2

/**
 * Only in the set callback of crossgate_decision_apply(): the value was merged with the response's
 * own and lives until the callback returns.
 */
#define CROSSGATE_SOURCE_MERGED 3

/**
 * In crossgate_decision.flags: leave a response that already has Access-Control-Allow-Origin as it
 * is, Vary merged (upstream = "keep"). crossgate_decision_apply() does.
 */
#define CROSSGATE_DECISION_KEEP_UPSTREAM 1

/**
 * In crossgate_decision.flags: the request's origin is one of the policy's exact origins. A
 * cache of only such decisions cannot be filled by strangers.
 */
#define CROSSGATE_DECISION_ORIGIN_LISTED 2

/**
 * In crossgate_decision.flags: the policy has origin_predicate and nothing in it matches the
 * origin. Look crossgate_decision.origin up and call crossgate_decision_resume(). Until then the
 * decision denies.
 */
#define CROSSGATE_DECISION_NEEDS_VERDICT 4

/**
 * In crossgate_decision.flags: a response whose only Access-Control-Allow-Origin is exactly *, and
 * that has no Access-Control-Allow-Credentials, keeps it and Access-Control-Expose-Headers
 * (upstream = "keep_public", and this decision sets none). crossgate_decision_apply() does.
 */
#define CROSSGATE_DECISION_KEEP_PUBLIC 8

/**
 * In crossgate_decision.flags: a regex with look-around or back references did not come to an end
 * within its steps, so that it let nobody in. crossgate_counters_record() counts it.
 */
#define CROSSGATE_DECISION_REGEX_STEP_LIMIT 16

/**
 * In crossgate_decision.depends_on: the value of Origin.
 */
#define CROSSGATE_DEPENDS_ON_ORIGIN 1

/**
 * In crossgate_decision.depends_on: the value of Access-Control-Request-Method.
 */
#define CROSSGATE_DEPENDS_ON_ACRM 2

/**
 * In crossgate_decision.depends_on: the lines of Access-Control-Request-Headers.
 */
#define CROSSGATE_DEPENDS_ON_ACRH 4

/**
 * In crossgate_decision.depends_on: the value of Access-Control-Request-Private-Network.
 */
#define CROSSGATE_DEPENDS_ON_ACRPN 8

/**
 * In crossgate_decision.depends_on: the value of Sec-Fetch-Site.
 */
#define CROSSGATE_DEPENDS_ON_SEC_FETCH_SITE 16

/**
 * In crossgate_decision.depends_on: the application's verdict on the origin.
 */
#define CROSSGATE_DEPENDS_ON_VERDICT 32

/**
 * A buffer of this size holds what crossgate_decision_describe() and
 * crossgate_decision_denied_name() write, with its NUL, whatever the request.
 */
#define CROSSGATE_DESCRIPTION_SIZE 2304

/**
 * The handshake does not pass: answer 403 before the upgrade.
 */
#define CROSSGATE_WEBSOCKET_DENY 0

/**
 * Go on.
 */
#define CROSSGATE_WEBSOCKET_ALLOW 1

/**
 * No Origin: the client is not a browser. The application decides.
 */
#define CROSSGATE_WEBSOCKET_ABSENT 2

/**
 * The socket serves users, who are known by their cookies: a foreign page must not speak for them.
 */
#define CROSSGATE_SOCKET_PRIVATE 0

/**
 * The socket reads no cookie and serves everybody alike, so the policy counts as it is.
 */
#define CROSSGATE_SOCKET_PUBLIC 1

/**
 * Options on their way to a policy. Mutable: one thread at a time. The caller's own, until
 * crossgate_builder_free().
 */
typedef struct crossgate_builder crossgate_builder;

/**
 * Counts of decisions by reason. Safe to use from any number of threads at once, without locks:
 * all functions but crossgate_counters_free() take it const. The caller's own. A server with
 * several processes has one in each.
 */
typedef struct crossgate_counters crossgate_counters;

/**
 * Why no policy was built: every problem found, errors, warnings and
 * notes. Immutable; the caller's own,
 * until crossgate_error_free().
 */
typedef struct crossgate_error crossgate_error;

/**
 * A compiled policy. Immutable: any number of threads may use it at once. Counted: every reference
 * is given back with crossgate_policy_free().
 */
typedef struct crossgate_policy crossgate_policy;

/**
 * A place for a policy that can be replaced while other threads serve with it. Safe to use from
 * any number of threads at once: all functions but crossgate_shared_policy_free() take it const.
 * The caller's own. In a process that forks, the child has its own copy of the place; replace
 * there only if no other thread of the parent was inside crossgate_shared_policy_load() at the
 * fork.
 */
typedef struct crossgate_shared_policy crossgate_shared_policy;

/**
 * What a call came to: CROSSGATE_OK or the reason why nothing was done. Treat numbers that you do
 * not know as failures; none is ever reused.
 */
typedef int32_t crossgate_status;

/**
 * Bytes of somebody else's. data NULL: absent; len 0: empty. What the library gives back has a NUL
 * behind its len bytes wherever the comment says so.
 */
typedef struct crossgate_str {
    /**
     * The first byte.
     */
    const char *data;
    /**
     * The number of bytes, without any NUL.
     */
    size_t len;
} crossgate_str;

/**
 * One finding about a configuration. Made ready by crossgate_problem_init(). The strings are those
 * of the policy or error that it comes from, live as long, and have a NUL behind them.
 */
typedef struct crossgate_problem {
    /**
     * sizeof (crossgate_problem).
     */
    uint32_t struct_size;
    /**
     * CROSSGATE_SEVERITY_...
     */
    int32_t severity;
    /**
     * The stable code, like "origin_has_path".
     */
    struct crossgate_str code;
    /**
     * The place, like "allow_origins[2]"; empty for the document as a whole.
     */
    struct crossgate_str path;
    /**
     * The value found there, escaped: printable ASCII, of a bounded length.
     */
    struct crossgate_str value;
    /**
     * What is wrong and why it matters.
     */
    struct crossgate_str message;
    /**
     * The corrected text; absent (data NULL) if there is none. Not escaped: it goes into a file,
     * not into a log.
     */
    struct crossgate_str hint;
} crossgate_problem;

/**
 * The lines of one header field: the values of all header lines of that name, in order. A line
 * whose data is NULL is no line.
 */
typedef struct crossgate_lines {
    /**
     * The first line; NULL only if there is none.
     */
    const struct crossgate_str *data;
    /**
     * The number of lines.
     */
    size_t count;
} crossgate_lines;

/**
 * What a policy is asked about: the method and the few header fields that CORS reads. Made ready
 * by crossgate_request_init(), then filled by crossgate_request_add_header() or by pointing the
 * members at the caller's own lines. All text stays the caller's and must not change as long as
 * the request is used. Never join lines and never leave any out: two Origin lines are no origin.
 */
typedef struct crossgate_request {
    /**
     * sizeof (crossgate_request).
     */
    uint32_t struct_size;
    /**
     * CROSSGATE_VERDICT_...: what the application says of the origin, for a policy with
     * origin_predicate. Leave it absent to be asked: CROSSGATE_DECISION_NEEDS_VERDICT.
     */
    int32_t verdict;
    /**
     * The method, as sent.
     */
    struct crossgate_str method;
    /**
     * The library's own, with what crossgate_request_add_header() took; it counts behind the lines
     * below. Neither read nor write it.
     */
    uint64_t reserved[43];
    /**
     * Origin
     */
    struct crossgate_lines origin;
    /**
     * Access-Control-Request-Method
     */
    struct crossgate_lines acrm;
    /**
     * Access-Control-Request-Headers
     */
    struct crossgate_lines acrh;
    /**
     * Access-Control-Request-Private-Network
     */
    struct crossgate_lines acrpn;
    /**
     * Sec-Fetch-Site, read only by policies with denied_actual = "reject".
     */
    struct crossgate_lines sec_fetch_site;
} crossgate_request;

/**
 * One header of a decision. All strings have a NUL behind them.
 */
typedef struct crossgate_header {
    /**
     * Like "Access-Control-Allow-Origin". Static.
     */
    struct crossgate_str name;
    /**
     * Like "access-control-allow-origin". Static.
     */
    struct crossgate_str lower_name;
    /**
     * The value.
     */
    struct crossgate_str value;
    /**
     * CROSSGATE_OP_...
     */
    int32_t op;
    /**
     * CROSSGATE_HEADER_...
     */
    int32_t id;
    /**
     * CROSSGATE_SOURCE_...: whose memory the value is, and so how long it lives.
     */
    int32_t source;
    /**
     * 0.
     */
    int32_t reserved;
} crossgate_header;

/**
 * The answer to one request. Made ready by crossgate_decision_init(), filled by
 * crossgate_evaluate(), usable as long as the policy and the scratch buffer. Values may lie in the
 * decision itself, so do not copy or move it: copy the strings.
 */
typedef struct crossgate_decision {
    /**
     * sizeof (crossgate_decision).
     */
    uint32_t struct_size;
    /**
     * CROSSGATE_DECISION_...
     */
    uint32_t flags;
    /**
     * CROSSGATE_KIND_...: what the request is.
     */
    int32_t kind;
    /**
     * CROSSGATE_REASON_...: why; the first failing check in the order origin, method, headers.
     */
    int32_t reason;
    /**
     * CROSSGATE_ACTION_...: what the server does next.
     */
    int32_t action;
    /**
     * 1: allowed, 0: not, -1: there is nothing to allow (no CORS request, or the server's own).
     */
    int32_t allowed;
    /**
     * The status to answer with; 0 with CROSSGATE_ACTION_FORWARD.
     */
    int32_t status;
    /**
     * A set of CROSSGATE_DEPENDS_ON_...: what a remembered decision must be keyed by. Two requests
     * of one kind, both or neither with the method OPTIONS, that agree in these values get the
     * same decision from the policy.
     */
    uint32_t depends_on;
    /**
     * The number of headers.
     */
    uint32_t header_count;
    /**
     * The number of names in remove.
     */
    uint32_t remove_count;
    /**
     * The headers that the response gets, in their order.
     */
    const struct crossgate_header *headers;
    /**
     * The lower-case names of the headers that the response loses if the application or an
     * upstream set them. Static.
     */
    const struct crossgate_str *remove;
    /**
     * The library's own: neither read nor write it.
     */
    uint64_t reserved[144];
    /**
     * With CROSSGATE_DECISION_NEEDS_VERDICT: the origin that the application decides about, with a
     * NUL behind it. Otherwise absent.
     */
    struct crossgate_str origin;
} crossgate_decision;

/**
 * What crossgate_evaluate_block() decided: integers alone, so that any language can have one.
 * Made ready by crossgate_answer_init(), or by setting struct_size to sizeof (crossgate_answer).
 */
typedef struct crossgate_answer {
    /**
     * sizeof (crossgate_answer), set before the call.
     */
    uint32_t struct_size;
    /**
     * CROSSGATE_DECISION_... With CROSSGATE_DECISION_NEEDS_VERDICT the application is to be asked
     * about the Origin; until then the answer denies. Call again with its verdict.
     */
    uint32_t flags;
    /**
     * CROSSGATE_KIND_...
     */
    int32_t kind;
    /**
     * CROSSGATE_REASON_...
     */
    int32_t reason;
    /**
     * CROSSGATE_ACTION_...
     */
    int32_t action;
    /**
     * 1, 0, or -1: the question does not arise.
     */
    int32_t allowed;
    /**
     * The status to answer with; 0 if the handler answers.
     */
    int32_t status;
    /**
     * CROSSGATE_DEPENDS_ON_...
     */
    uint32_t depends_on;
} crossgate_answer;

/**
 * How crossgate_decision_apply() reads and changes a response. Set struct_size to
 * sizeof (crossgate_response_functions). Names are in lower case, with a NUL behind them; those of
 * the response compare in any case. context is what crossgate_decision_apply() was given. The
 * functions must not throw, longjmp, or call crossgate_decision_apply().
 */
typedef struct crossgate_response_functions {
    /**
     * sizeof (crossgate_response_functions).
     */
    uint32_t struct_size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Gives the line with this index (from 0) of those that have this name, and returns 1; returns
     * 0 if there is none. The value must stay as it is until set or remove is called. A server
     * that only knows the lines joined with ", " gives that as line 0.
     */
    int32_t (*get)(void *context,
                   const struct crossgate_str *name,
                   size_t index,
                   struct crossgate_str *value);
    /**
     * Replaces every line of header->lower_name by one with header->value. Copy the value, unless
     * header->source says that it lives long enough. Returns CROSSGATE_OK, or another status if
     * that failed.
     */
    crossgate_status (*set)(void *context, const struct crossgate_header *header);
    /**
     * Removes every line of this name. Returns as set does.
     */
    crossgate_status (*remove)(void *context, const struct crossgate_str *name);
} crossgate_response_functions;

/**
 * What the shadow policy would have done otherwise. Made ready by crossgate_difference_init().
 */
typedef struct crossgate_difference {
    /**
     * sizeof (crossgate_difference).
     */
    uint32_t struct_size;
    /**
     * 1: the decisions differ; 0: they are the same, or there is no shadow policy.
     */
    int32_t differs;
    /**
     * CROSSGATE_KIND_...: what the request is.
     */
    int32_t kind;
    /**
     * A bit set: 1 << CROSSGATE_HEADER_... for each header that only one of them sends, or with
     * another value.
     */
    uint32_t headers;
    /**
     * The decision of the live policy: CROSSGATE_REASON_...
     */
    int32_t live_reason;
    /**
     * CROSSGATE_ACTION_...
     */
    int32_t live_action;
    /**
     * As in crossgate_decision.
     */
    int32_t live_allowed;
    /**
     * As in crossgate_decision.
     */
    int32_t live_status;
    /**
     * The decision of the shadow policy, the live one's if there is none: CROSSGATE_REASON_...
     */
    int32_t shadow_reason;
    /**
     * CROSSGATE_ACTION_...
     */
    int32_t shadow_action;
    /**
     * As in crossgate_decision.
     */
    int32_t shadow_allowed;
    /**
     * As in crossgate_decision.
     */
    int32_t shadow_status;
} crossgate_difference;

/**
 * Done.
 */
#define CROSSGATE_OK 0

/**
 * NULL where an object, an output or text with a length belongs.
 */
#define CROSSGATE_ERR_NULL_ARGUMENT 1

/**
 * A struct_size that no version has: it was not set. Or a request with a member that is newer than
 * this library and not zero.
 */
#define CROSSGATE_ERR_STRUCT_SIZE 2

/**
 * A value that means nothing: an unknown verdict or flag, an index or a count out of range.
 */
#define CROSSGATE_ERR_INVALID_ARGUMENT 3

/**
 * Text that is not UTF-8 where configuration belongs.
 */
#define CROSSGATE_ERR_NOT_UTF8 4

/**
 * The policy has errors; the crossgate_error names every one.
 */
#define CROSSGATE_ERR_INVALID_POLICY 5

/**
 * The policy file cannot be read; the crossgate_error says why.
 */
#define CROSSGATE_ERR_FILE 6

/**
 * A verdict for a policy without origin_predicate, or for a decision that needs none: the wrong
 * policy is asked, or the option was forgotten.
 */
#define CROSSGATE_ERR_VERDICT_NOT_ASKED 7

/**
 * The buffer is too small: see its length argument, or crossgate_policy_scratch_size().
 */
#define CROSSGATE_ERR_BUFFER_TOO_SMALL 8

/**
 * This library was built without what the call needs.
 */
#define CROSSGATE_ERR_FEATURE_MISSING 9

/**
 * A bug in the library. Nothing was written; objects stay usable.
 */
#define CROSSGATE_ERR_PANIC 10

/**
 * A function of the application's that crossgate_decision_apply() called failed; everything else
 * was done.
 */
#define CROSSGATE_ERR_CALLBACK 11

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is loaded, like "0.1.0". Static.
 */
CROSSGATE_API const char *crossgate_version(void);

/**
 * The day of the public-suffix list that the library judges patterns and regexes by, like
 * "2026-11-04"; empty if it was built without one. Static.
 */
CROSSGATE_API const char *crossgate_public_suffix_list_date(void);

/**
 * The binary interface of the library that is loaded. A program that loads it by name compares it
 * with CROSSGATE_ABI_VERSION; one that is linked to it need not, the SONAME does that.
 */
CROSSGATE_API uint32_t crossgate_abi_version(void);

/**
 * A status in words, for logs. Static; never NULL.
 */
CROSSGATE_API const char *crossgate_status_string(crossgate_status status);

/**
 * Builds a policy from JSON text in UTF-8. On success *policy is the caller's, with one reference.
 * On CROSSGATE_ERR_INVALID_POLICY *error is the caller's, with every problem; error may be
 * NULL.
 */
CROSSGATE_API
crossgate_status crossgate_policy_from_json(const char *text,
                                            size_t text_len,
                                            struct crossgate_policy **policy,
                                            struct crossgate_error **error);

/**
 * Builds a policy from TOML text; otherwise as crossgate_policy_from_json().
 */
CROSSGATE_API
crossgate_status crossgate_policy_from_toml(const char *text,
                                            size_t text_len,
                                            struct crossgate_policy **policy,
                                            struct crossgate_error **error);

/**
 * Builds a policy from a file whose name ends in .json or .toml; otherwise as
 * crossgate_policy_from_json(). A file that cannot be read, has another ending or is not UTF-8 is
 * CROSSGATE_ERR_FILE, with an *error that has a text and no problems.
 */
CROSSGATE_API
crossgate_status crossgate_policy_from_file(const char *path,
                                            size_t path_len,
                                            struct crossgate_policy **policy,
                                            struct crossgate_error **error);

/**
 * Builds a policy from environment variables: with the prefix "CORS" from CORS_ALLOW_ORIGINS,
 * CORS_MAX_AGE and so on, lists split at commas; otherwise as crossgate_policy_from_json(). Reads
 * the environment: no other thread may change it meanwhile.
 */
CROSSGATE_API
crossgate_status crossgate_policy_from_env(const char *prefix,
                                           size_t prefix_len,
                                           struct crossgate_policy **policy,
                                           struct crossgate_error **error);

/**
 * Takes another reference to a policy and returns the policy. NULL gives NULL.
 */
CROSSGATE_API struct crossgate_policy *crossgate_policy_ref(const struct crossgate_policy *policy);

/**
 * Gives a reference back; the last one frees the policy, and with it everything that was borrowed
 * from it: the values of decisions and the strings of warnings. May run on any thread. NULL does
 * nothing.
 */
CROSSGATE_API void crossgate_policy_free(struct crossgate_policy *policy);

/**
 * The size of the scratch buffer that crossgate_evaluate() needs for preflights; 0 for most
 * policies (it is not for allow_headers = "*" with credentials) and for NULL. Never changes.
 */
CROSSGATE_API size_t crossgate_policy_scratch_size(const struct crossgate_policy *policy);

/**
 * 1 if the policy takes verdicts on origins that nothing in it matches (origin_predicate),
 * otherwise 0; 0 for NULL. Never changes. A server whose configuration names a source of verdicts
 * learns here whether it is ever asked.
 */
CROSSGATE_API int32_t crossgate_policy_has_origin_predicate(const struct crossgate_policy *policy);

/**
 * A short name for what the policy says, for logs and metrics: 16 hexadecimal digits. Equal
 * policies have the same, in every process and language of one version of crossgate. No security
 * feature. Lives as long as the policy; never NULL, empty for NULL.
 */
CROSSGATE_API const char *crossgate_policy_digest(const struct crossgate_policy *policy);

/**
 * The number of warnings: what is worth a look though the policy is built. 0 for NULL.
 */
CROSSGATE_API size_t crossgate_policy_warning_count(const struct crossgate_policy *policy);

/**
 * Fills in one warning; index counts from 0. Its strings live as long as the policy.
 */
CROSSGATE_API
crossgate_status crossgate_policy_warning(const struct crossgate_policy *policy,
                                          size_t index,
                                          struct crossgate_problem *problem);

/**
 * The number of notes: what is true of the policy and needs nothing done. 0 for NULL.
 */
CROSSGATE_API size_t crossgate_policy_note_count(const struct crossgate_policy *policy);

/**
 * Fills in one note; otherwise as crossgate_policy_warning().
 */
CROSSGATE_API
crossgate_status crossgate_policy_note(const struct crossgate_policy *policy,
                                       size_t index,
                                       struct crossgate_problem *problem);

/**
 * How many warnings and notes were counted and cannot be had, because there were more than 1,000.
 * 0 for NULL.
 */
CROSSGATE_API size_t crossgate_policy_omitted_problems(const struct crossgate_policy *policy);

/**
 * Writes the canonical document as JSON text: every option, origins as browsers write them. A
 * policy built from it is equal to this one.
 */
CROSSGATE_API
crossgate_status crossgate_policy_document_json(const struct crossgate_policy *policy,
                                                char *buffer,
                                                size_t buffer_size,
                                                size_t *length);

/**
 * Makes a problem ready to be filled: struct_size is set, the rest is 0. size is
 * sizeof (crossgate_problem). One problem may be filled again and again.
 */
CROSSGATE_API
crossgate_status crossgate_problem_init(struct crossgate_problem *problem,
                                        size_t size);

/**
 * The number of problems; 0 if the file could not be read. 0 for NULL.
 */
CROSSGATE_API size_t crossgate_error_count(const struct crossgate_error *error);

/**
 * How many problems were counted and are not in the error, because there were more than 1,000. 0
 * for NULL.
 */
CROSSGATE_API size_t crossgate_error_omitted(const struct crossgate_error *error);

/**
 * Fills in one problem, in the order of the document; index counts from 0.
 */
CROSSGATE_API
crossgate_status crossgate_error_problem(const struct crossgate_error *error,
                                         size_t index,
                                         struct crossgate_problem *problem);

/**
 * Everything as text of several lines, for a person to read. Lives as long as the error; never
 * NULL, empty for NULL.
 */
CROSSGATE_API const char *crossgate_error_text(const struct crossgate_error *error);

/**
 * Frees an error. NULL does nothing.
 */
CROSSGATE_API void crossgate_error_free(struct crossgate_error *error);

/**
 * Makes a builder without options. On success *builder is the caller's, until
 * crossgate_builder_free().
 */
CROSSGATE_API crossgate_status crossgate_builder_new(struct crossgate_builder **builder);

/**
 * Sets an option that is true (1) or false (0), like "allow_credentials"; other numbers are
 * CROSSGATE_ERR_INVALID_ARGUMENT. Names are those of the policy document. A value replaces the one
 * that the option had; names and values are copied. Whether there is such an option and what it
 * may be, crossgate_builder_build() judges for all options at once.
 */
CROSSGATE_API
crossgate_status crossgate_builder_set_bool(struct crossgate_builder *builder,
                                            const char *name,
                                            size_t name_len,
                                            int32_t value);

/**
 * Sets an option that is a number, like "max_age"; otherwise as crossgate_builder_set_bool().
 */
CROSSGATE_API
crossgate_status crossgate_builder_set_integer(struct crossgate_builder *builder,
                                               const char *name,
                                               size_t name_len,
                                               int64_t value);

/**
 * Sets an option that is text in UTF-8, like "denied_actual", or "*" for one that is a list;
 * otherwise as crossgate_builder_set_bool().
 */
CROSSGATE_API
crossgate_status crossgate_builder_set_string(struct crossgate_builder *builder,
                                              const char *name,
                                              size_t name_len,
                                              const char *value,
                                              size_t value_len);

/**
 * Adds one text in UTF-8 to an option that is a list, like "allow_origins"; the first one starts
 * the list. An option that was set to something else than a list is
 * CROSSGATE_ERR_INVALID_ARGUMENT; otherwise as crossgate_builder_set_bool().
 */
CROSSGATE_API
crossgate_status crossgate_builder_add(struct crossgate_builder *builder,
                                       const char *name,
                                       size_t name_len,
                                       const char *value,
                                       size_t value_len);

/**
 * Takes an option back, so that it has its default again; one that was never set is CROSSGATE_OK
 * too.
 */
CROSSGATE_API
crossgate_status crossgate_builder_unset(struct crossgate_builder *builder,
                                         const char *name,
                                         size_t name_len);

/**
 * Builds a policy from the options. Every unknown name, wrong type and wrong value is a problem of
 * the *error. On success *policy is the caller's, with one reference; otherwise as
 * crossgate_policy_from_json(). The builder stays as it is, can be changed and built again, and
 * must still be freed. Works in a build without the document formats too.
 */
CROSSGATE_API
crossgate_status crossgate_builder_build(const struct crossgate_builder *builder,
                                         struct crossgate_policy **policy,
                                         struct crossgate_error **error);

/**
 * Frees a builder; policies that it built stay. NULL does nothing.
 */
CROSSGATE_API void crossgate_builder_free(struct crossgate_builder *builder);

/**
 * Makes a request ready: no header lines, no verdict. size is sizeof (crossgate_request). The
 * method is borrowed; absent is as good as empty. Members that have counts of 0 are left as they
 * are, so this is cheap.
 */
CROSSGATE_API
crossgate_status crossgate_request_init(struct crossgate_request *request,
                                        size_t size,
                                        const char *method,
                                        size_t method_len);

/**
 * Takes one header line; any case of the name will do, and names that CORS does not read are
 * passed over, so a server calls it for every line. The value is borrowed, an absent one is as
 * good as empty. Of Access-Control-Request-Headers CROSSGATE_ADDED_LINES lines are kept; with more
 * the list counts as too long (under a literal "*": as one that names Authorization), so that
 * nothing passes unseen. A server that must do better points acrh at an array of its own.
 */
CROSSGATE_API
crossgate_status crossgate_request_add_header(struct crossgate_request *request,
                                              const char *name,
                                              size_t name_len,
                                              const char *value,
                                              size_t value_len);

/**
 * *origin is the first line of Origin, as it came: for logs, which must escape it
 * (crossgate_decision_describe() does). Absent (data NULL) if there is none. The text is the
 * server's own, without a NUL.
 */
CROSSGATE_API
crossgate_status crossgate_request_origin(const struct crossgate_request *request,
                                          struct crossgate_str *origin);

/**
 * Makes a decision ready: forward, no headers. So a server that forgets to look at the status of
 * crossgate_evaluate() sends no permission. size is sizeof (crossgate_decision). One decision may
 * be used for one request after another.
 */
CROSSGATE_API
crossgate_status crossgate_decision_init(struct crossgate_decision *decision,
                                         size_t size);

/**
 * Writes the headers as HTTP/1.1 lines, each with its CRLF, without the empty line that ends a
 * header section; an answer whose status is not 204 gets "Content-Length: 0". For servers that
 * write responses themselves. The buffer is filled as with snprintf.
 */
CROSSGATE_API
crossgate_status crossgate_decision_write_http1(const struct crossgate_decision *decision,
                                                char *buffer,
                                                size_t buffer_size,
                                                size_t *length);

/**
 * The stable name of a kind, like "preflight"; "unknown" for other numbers. Static.
 */
CROSSGATE_API const char *crossgate_kind_string(int32_t kind);

/**
 * The stable name of an action, like "forward"; "unknown" for other numbers. Static.
 */
CROSSGATE_API const char *crossgate_action_string(int32_t action);

/**
 * The stable name of a reason, like "origin_not_listed"; "unknown" for other numbers. Static.
 */
CROSSGATE_API const char *crossgate_reason_string(int32_t reason);

/**
 * Decides about a request. Allocates nothing. Every request that was made ready gets a decision,
 * however malformed it is; only a mistake of the caller's gives another status, and then the
 * decision permits nothing. scratch is used for preflights of policies whose
 * crossgate_policy_scratch_size() is not 0 and needs that many bytes then
 * (CROSSGATE_ERR_BUFFER_TOO_SMALL otherwise); NULL and 0 will do for all else. It must not overlap
 * the request or the decision. Under allow_methods = "*" with credentials, where the method is
 * echoed, one of more than about 180 bytes is not allowed.
 *
 * With origin_predicate the application may have to be asked about the origin. Nothing is
 * evaluated again once it has answered:
 *
 *     status = crossgate_evaluate(policy, &request, &decision, scratch,
 *         crossgate_policy_scratch_size(policy));
 *     if (status == CROSSGATE_OK && decision.flags & CROSSGATE_DECISION_NEEDS_VERDICT)
 *         status = crossgate_decision_resume(&decision, is_a_tenant(decision.origin)
 *             ? CROSSGATE_VERDICT_ALLOW : CROSSGATE_VERDICT_DENY);
 *     if (status != CROSSGATE_OK)
 *         log crossgate_status_string(status): the decision forwards and permits nothing;
 */
CROSSGATE_API
crossgate_status crossgate_evaluate(const struct crossgate_policy *policy,
                                    const struct crossgate_request *request,
                                    struct crossgate_decision *decision,
                                    char *scratch,
                                    size_t scratch_size);

/**
 * Goes on with a decision that has CROSSGATE_DECISION_NEEDS_VERDICT: afterwards it is the one for
 * this verdict (CROSSGATE_VERDICT_...; an absent one denies), and the flag is gone. Policy and
 * scratch must still be there, the request need not. A decision without the flag, or one that
 * crossgate_evaluate_http1() made, is CROSSGATE_ERR_VERDICT_NOT_ASKED. Allocates nothing.
 */
CROSSGATE_API
crossgate_status crossgate_decision_resume(struct crossgate_decision *decision,
                                           int32_t application_verdict);

/**
 * Only the question, for servers that look the origin up before they evaluate: *origin is the
 * origin that the application is to be asked about, absent (data NULL) if it is not to be asked or
 * the call failed. Put what it finds into request.verdict. The text is the request's, without a
 * NUL. Allocates nothing.
 */
CROSSGATE_API
crossgate_status crossgate_needs_verdict(const struct crossgate_policy *policy,
                                         const struct crossgate_request *request,
                                         struct crossgate_str *origin);

/**
 * crossgate_evaluate() and crossgate_decision_write_http1() in one, and cheaper than both. The
 * decision gets no headers (header_count and remove_count are 0), the buffer gets them all;
 * neither scratch nor the bound on the method is needed. It asks no question: without
 * request.verdict an origin that the application decides about is denied, so call
 * crossgate_needs_verdict() first where the policy has origin_predicate. The buffer is filled as
 * with snprintf.
 */
CROSSGATE_API
crossgate_status crossgate_evaluate_http1(const struct crossgate_policy *policy,
                                          const struct crossgate_request *request,
                                          struct crossgate_decision *decision,
                                          char *buffer,
                                          size_t buffer_size,
                                          size_t *length);

/**
 * Makes an answer ready to be filled: struct_size is set, the rest is 0. size is
 * sizeof (crossgate_answer). One answer may be filled again and again.
 */
CROSSGATE_API crossgate_status crossgate_answer_init(struct crossgate_answer *answer, size_t size);

/**
 * Decides about a request of which everything is text, and writes what to do as text. lines has
 * the request's header lines as HTTP/1.1 writes them, "Name: value\r\n" one after the other: all
 * of them, or those that CORS reads (Origin, Access-Control-Request-*, Sec-Fetch-Site). The last
 * may lack its end. A line without a colon, or one that begins with white space, is
 * CROSSGATE_ERR_INVALID_ARGUMENT.
 *
 * out gets a line for each thing to do with the response: "Name: value\r\n" sets a header,
 * "+Name: value\r\n" adds the names in the value to those that the response has, "-Name\r\n"
 * removes a header. It is filled as with snprintf; 1,024 bytes do for most policies. An answered
 * preflight has no body.
 *
 * application_verdict is CROSSGATE_VERDICT_...; absent where the policy has no origin_predicate,
 * or where the application was not asked yet. Allocates nothing and keeps nothing: neither input
 * nor output is used after the call. They must not overlap. After a failure the answer says
 * forward, no permission, and out is empty. Safe from any number of threads at once.
 */
CROSSGATE_API
crossgate_status crossgate_evaluate_block(const struct crossgate_policy *policy,
                                          const char *method,
                                          size_t method_len,
                                          const char *lines,
                                          size_t lines_len,
                                          int32_t application_verdict,
                                          struct crossgate_answer *answer,
                                          char *out,
                                          size_t out_size,
                                          size_t *length);

/**
 * Writes the method or header name that a preflight was refused for: "baggage". Empty if
 * something else decided. The decision is one that the policy made about this request; the cost is
 * that of a log line, so ask only about denials that somebody will read. Of the name at most 256
 * bytes are shown, and every byte that no such name has is written as \x0a: a log line that ends
 * in it or has a space behind it cannot be forged.
 */
CROSSGATE_API
crossgate_status crossgate_decision_denied_name(const struct crossgate_decision *decision,
                                                const struct crossgate_policy *policy,
                                                const struct crossgate_request *request,
                                                char *buffer,
                                                size_t buffer_size,
                                                size_t *length);

/**
 * Writes a decision as one line for a log: "kind=preflight reason=header_not_allowed
 * action=answer denied_name=baggage origin=https://a.example". denied_name and origin are there if
 * the decision and the request have them, and are escaped; " regex_step_limit=true" follows if the
 * decision has CROSSGATE_DECISION_REGEX_STEP_LIMIT. Otherwise as
 * crossgate_decision_denied_name().
 */
CROSSGATE_API
crossgate_status crossgate_decision_describe(const struct crossgate_decision *decision,
                                             const struct crossgate_policy *policy,
                                             const struct crossgate_request *request,
                                             char *buffer,
                                             size_t buffer_size,
                                             size_t *length);

/**
 * Checks the origin of a WebSocket handshake, which carries cookies and is not subject to CORS:
 * *result is CROSSGATE_WEBSOCKET_... . Of the request Origin and the verdict count. access is
 * CROSSGATE_SOCKET_PRIVATE or CROSSGATE_SOCKET_PUBLIC. For a private socket "*", null and what
 * credentials would not be given never allow. *result is CROSSGATE_WEBSOCKET_DENY on failure.
 */
CROSSGATE_API
crossgate_status crossgate_check_websocket(const struct crossgate_policy *policy,
                                           const struct crossgate_request *request,
                                           int32_t access,
                                           int32_t *result);

/**
 * Puts a decision on a response: afterwards the response says what the policy says and nothing
 * else about CORS, whatever the application or an upstream had set. With
 * CROSSGATE_DECISION_KEEP_UPSTREAM a response that already has Access-Control-Allow-Origin is left
 * whole, Vary aside; with CROSSGATE_DECISION_KEEP_PUBLIC one that is public by its own word stays
 * so. *overwrote is 1 if that replaced or removed something that the response said, otherwise 0,
 * whatever the status; it may be NULL (see crossgate_counters_add_overwrote_upstream()). Doing it
 * twice is as good as once. Allocates only to merge into many lines or a long list of the
 * response's own. If set or remove fails, or get gives what is no text, everything else is done
 * all the same; then the status is CROSSGATE_ERR_CALLBACK. With any other failure nothing was
 * done.
 */
CROSSGATE_API
crossgate_status crossgate_decision_apply(const struct crossgate_decision *decision,
                                          const struct crossgate_response_functions *functions,
                                          void *context,
                                          int32_t *overwrote);

/**
 * Merges names into the Vary that a response has: each once whatever its case, the response's own
 * first; a "*" stays alone. Several existing lines are given joined with ", ". The buffer is
 * filled as with snprintf and must not overlap the inputs; twice the sum of both lengths and 1 is
 * always enough. Allocates nothing.
 */
CROSSGATE_API
crossgate_status crossgate_vary_merge(const char *existing,
                                      size_t existing_len,
                                      const char *added,
                                      size_t added_len,
                                      char *buffer,
                                      size_t buffer_size,
                                      size_t *length);

/**
 * Merges a header of a decision whose op is CROSSGATE_OP_MERGE (Vary,
 * Access-Control-Expose-Headers) into what the response has under that name; otherwise as
 * crossgate_vary_merge(). In Access-Control-Expose-Headers a "*" is a name like any other.
 */
CROSSGATE_API
crossgate_status crossgate_header_merge(const struct crossgate_header *header,
                                        const char *existing,
                                        size_t existing_len,
                                        char *buffer,
                                        size_t buffer_size,
                                        size_t *length);

/**
 * Makes a shared policy that holds a reference of its own to the policy; the caller keeps its own.
 * On success *shared is the caller's, until crossgate_shared_policy_free().
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_new(const struct crossgate_policy *policy,
                                             struct crossgate_shared_policy **shared);

/**
 * The live policy of this moment, with a reference that the caller gives back with
 * crossgate_policy_free() when the request is done: decisions borrow from it. Never waits,
 * whatever other threads do, and allocates nothing; one who loads for every request pays about as
 * much as for three counters. NULL for NULL.
 */
CROSSGATE_API
struct crossgate_policy *crossgate_shared_policy_load(const struct crossgate_shared_policy *shared);

/**
 * Replaces the live policy, with a reference of its own; the caller keeps its own. A thread that
 * loaded the old one goes on with it until it gives it back. Waits for other threads that are
 * replacing too and, for some instructions, for those that are just loading.
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_replace(const struct crossgate_shared_policy *shared,
                                                 const struct crossgate_policy *policy);

/**
 * Replaces the live policy by one built from JSON text. If that fails the old one stays, and the
 * status and *error are those of crossgate_policy_from_json().
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_replace_json(const struct crossgate_shared_policy *shared,
                                                      const char *text,
                                                      size_t text_len,
                                                      struct crossgate_error **error);

/**
 * Replaces the live policy by one built from TOML text; otherwise as
 * crossgate_shared_policy_replace_json().
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_replace_toml(const struct crossgate_shared_policy *shared,
                                                      const char *text,
                                                      size_t text_len,
                                                      struct crossgate_error **error);

/**
 * Replaces the live policy by one built from a file, as crossgate_policy_from_file() reads it;
 * otherwise as crossgate_shared_policy_replace_json().
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_replace_file(const struct crossgate_shared_policy *shared,
                                                      const char *path,
                                                      size_t path_len,
                                                      struct crossgate_error **error);

/**
 * Sets the policy that is asked beside the live one, with a reference of its own; NULL takes it
 * away. It decides nothing: crossgate_shared_policy_compare_shadow() tells where it would have.
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_set_shadow(const struct crossgate_shared_policy *shared,
                                                    const struct crossgate_policy *shadow);

/**
 * Frees a shared policy and gives its references back; policies that were loaded stay. No other
 * thread may be using it. NULL does nothing.
 */
CROSSGATE_API void crossgate_shared_policy_free(struct crossgate_shared_policy *shared);

/**
 * Makes a difference ready to be filled: struct_size is set, the rest is 0. size is
 * sizeof (crossgate_difference). One difference may be filled again and again.
 */
CROSSGATE_API
crossgate_status crossgate_difference_init(struct crossgate_difference *difference,
                                           size_t size);

/**
 * Asks the live and the shadow policy about a request and fills *difference. Changes nothing,
 * allocates nothing, never waits. The verdict goes to each policy that has origin_predicate; if
 * the live one has none, a verdict is CROSSGATE_ERR_VERDICT_NOT_ASKED as with
 * crossgate_evaluate(). A server that has both decisions already compares them with
 * crossgate_decision_difference().
 */
CROSSGATE_API
crossgate_status crossgate_shared_policy_compare_shadow(const struct crossgate_shared_policy *shared,
                                                        const struct crossgate_request *request,
                                                        struct crossgate_difference *difference);

/**
 * Compares two decisions about one request, the live policy's and another's, and fills
 * *difference. Changes nothing, allocates nothing.
 */
CROSSGATE_API
crossgate_status crossgate_decision_difference(const struct crossgate_decision *live,
                                               const struct crossgate_decision *shadow,
                                               struct crossgate_difference *difference);

/**
 * Makes counters, all 0. On success *counters is the caller's, until crossgate_counters_free().
 */
CROSSGATE_API crossgate_status crossgate_counters_new(struct crossgate_counters **counters);

/**
 * Counts a decision that crossgate_evaluate() or crossgate_evaluate_http1() filled. Allocates
 * nothing, never blocks.
 */
CROSSGATE_API
crossgate_status crossgate_counters_record(const struct crossgate_counters *counters,
                                           const struct crossgate_decision *decision);

/**
 * *count is how many decisions with a CROSSGATE_REASON_... were recorded. A number that is no
 * reason is CROSSGATE_ERR_INVALID_ARGUMENT.
 */
CROSSGATE_API
crossgate_status crossgate_counters_get(const struct crossgate_counters *counters,
                                        int32_t reason_id,
                                        uint64_t *count);

/**
 * Counts a response whose own CORS headers were replaced or removed: call it where
 * crossgate_decision_apply() set *overwrote to 1. Allocates nothing, never blocks.
 */
CROSSGATE_API
crossgate_status crossgate_counters_add_overwrote_upstream(const struct crossgate_counters *counters);

/**
 * *count is how many responses had CORS headers of their own that were replaced or removed.
 */
CROSSGATE_API
crossgate_status crossgate_counters_overwrote_upstream(const struct crossgate_counters *counters,
                                                       uint64_t *count);

/**
 * *count is for how many decisions a regex with look-around or back references ran out of steps
 * (CROSSGATE_DECISION_REGEX_STEP_LIMIT).
 */
CROSSGATE_API
crossgate_status crossgate_counters_regex_step_limit(const struct crossgate_counters *counters,
                                                     uint64_t *count);

/**
 * Writes all counts as Prometheus text, crossgate_decisions_total{reason="allowed"} and so on;
 * every reason, also those that are 0. The buffer is filled as with snprintf; numbers may grow
 * between two calls, so leave some room.
 */
CROSSGATE_API
crossgate_status crossgate_counters_to_prometheus(const struct crossgate_counters *counters,
                                                  char *buffer,
                                                  size_t buffer_size,
                                                  size_t *length);

/**
 * Frees counters; no other thread may be using them. NULL does nothing.
 */
CROSSGATE_API void crossgate_counters_free(struct crossgate_counters *counters);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CROSSGATE_H */
