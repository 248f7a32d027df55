// Every item of crossgate.hpp. Runs with and without exceptions; prints what failed and exits 1
// then.
#include <crossgate.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <list>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

namespace cg = crossgate;
using namespace std::string_literals;
using namespace std::string_view_literals;

static int failures = 0;
#define CHECK(condition)                                                                           \
    ((condition) ? void()                                                                          \
                 : (void)(++failures, std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition)))

// The allocations of this side of the border; the library's own are counted in tests/c.
static std::atomic<std::size_t> allocations = 0;
// Not inlined: g++ would take free() for the wrong partner of new.
#define APART __attribute__((noinline))
APART void *operator new(std::size_t size) {
    ++allocations;
    if (void *found = std::malloc(size ? size : 1))
        return found;
    std::abort();
}
APART void operator delete(void *pointer) noexcept { std::free(pointer); }
APART void operator delete(void *pointer, std::size_t) noexcept { std::free(pointer); }

// ---- what the compiler must accept and refuse ----

using lines = std::vector<std::pair<std::string, std::string>>;
static_assert(std::is_constructible_v<cg::borrowed, const char *>);
static_assert(std::is_constructible_v<cg::borrowed, std::string_view>);
static_assert(std::is_constructible_v<cg::borrowed, std::string &>);
static_assert(std::is_constructible_v<cg::borrowed, const std::string &>);
static_assert(!std::is_constructible_v<cg::borrowed, std::string>);
static_assert(!std::is_constructible_v<cg::borrowed, const std::string>);
static_assert(!std::is_constructible_v<cg::request, std::string>);
static_assert(std::is_constructible_v<cg::request, const char *>);
static_assert(std::is_constructible_v<cg::request, const char *, lines &>);
static_assert(!std::is_constructible_v<cg::request, const char *, lines>);
static_assert(!std::is_constructible_v<cg::request, const char *, const lines>);

template <class Value, class = void>
struct takes_value : std::false_type {};
template <class Value>
struct takes_value<Value, std::void_t<decltype(std::declval<cg::request &>().add_header(
                              "Origin", std::declval<Value>()))>> : std::true_type {};
static_assert(takes_value<std::string &>::value && takes_value<const char *>::value
              && takes_value<std::string_view>::value);
static_assert(!takes_value<std::string>::value);

template <class Policy, class = void>
struct warns : std::false_type {};
template <class Policy>
struct warns<Policy, std::void_t<decltype(std::declval<Policy>().warnings())>> : std::true_type {};
static_assert(warns<cg::policy &>::value && !warns<cg::policy>::value);

template <class Policy, class = void>
struct evaluates : std::false_type {};
template <class Policy>
struct evaluates<Policy, std::void_t<decltype(std::declval<Policy>().evaluate(
                             std::declval<cg::request &>(), std::declval<cg::decision &>()))>>
    : std::true_type {};
static_assert(evaluates<const cg::policy &>::value && !evaluates<cg::policy>::value);

template <class Shared, class = void>
struct keeps_loaded : std::false_type {};
template <class Shared>
struct keeps_loaded<Shared, std::void_t<decltype(std::declval<Shared>().load().evaluate(
                                std::declval<cg::request &>(), std::declval<cg::decision &>()))>>
    : std::true_type {};
static_assert(!keeps_loaded<cg::shared_policy &>::value); // the decision would borrow from a policy
                                                          // that is gone
static_assert(std::is_nothrow_move_constructible_v<
                  cg::shared_policy> && !std::is_copy_constructible_v<cg::shared_policy>);
static_assert(std::is_nothrow_move_constructible_v<
                  cg::counters> && !std::is_copy_constructible_v<cg::counters>);
static_assert(
    std::is_move_constructible_v<cg::builder> && !std::is_copy_constructible_v<cg::builder>);

static_assert(std::is_nothrow_copy_constructible_v<
                  cg::policy> && std::is_nothrow_move_constructible_v<cg::policy>);
static_assert(std::is_copy_assignable_v<cg::policy> && std::is_move_assignable_v<cg::policy>);
static_assert(std::is_nothrow_copy_constructible_v<cg::policy_error>); // as exceptions must be
static_assert(
    !std::is_copy_constructible_v<cg::decision> && !std::is_move_constructible_v<cg::decision>);
static_assert(
    !std::is_copy_constructible_v<cg::request> && !std::is_move_constructible_v<cg::request>);
static_assert(!std::is_default_constructible_v<cg::policy>);

// ---- policies and errors ----

static const char *const TEXT =
    R"({"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"],
    "allow_headers": ["Content-Type"], "expose_headers": ["X-Id"], "allow_credentials": true})";
static const char *const BAD = R"({"allow_origins": ["https://a.example/", "ftp://b.example"]})";
static const char *const APP = "https://app.example.com";

static cg::policy build(std::string_view text) {
    auto built = cg::policy::from_json(text);
    if (!built)
        std::printf("%s\n", built.error().what());
    return std::move(built).value();
}

static void errors() {
    auto refused = cg::policy::from_json(BAD);
    CHECK(!refused && !refused.has_value());
    const cg::policy_error &error = refused.error();
    CHECK(error.code() == cg::status::invalid_policy);
    CHECK(std::strstr(error.what(), "origin_has_path") != nullptr);
    CHECK(error.problems().size() == 2 && !error.problems().empty());
    std::size_t count = 0;
    for (const auto &problem : error.problems()) {
        CHECK(problem.severity == cg::severity::error);
        CHECK(problem.path == "allow_origins[" + std::to_string(count) + "]");
        CHECK(!problem.code.empty() && !problem.message.empty()
              && problem.message.data()[problem.message.size()] == '\0');
        ++count;
    }
    CHECK(count == 2);
    CHECK(error.problems()[0].code == "origin_has_path"
          && error.problems()[0].hint == "https://a.example");
    CHECK(error.problems()[7].code.empty()); // out of range: nothing, not a crash
    auto at = error.problems().begin();
    CHECK((*at++).path == "allow_origins[0]" && (*at).path == "allow_origins[1]"
          && ++at == error.problems().end());

    const cg::policy_error copy = error, taken = std::move(refused).error();
    CHECK(std::strcmp(copy.what(), taken.what()) == 0 && copy.problems().size() == 2);

    auto missing = cg::policy::from_file("there/is/none.json");
    CHECK(!missing && missing.error().code() == cg::status::file);
    CHECK(missing.error().problems().empty() && *missing.error().what() != '\0');
    CHECK(cg::policy::from_json("\xff").error().code() != cg::status::ok);
    CHECK(cg::policy::from_json({}).error().code() != cg::status::ok);
    CHECK(cg::policy_error(cg::status::panic, nullptr).what() == cg::to_string(cg::status::panic));

#ifdef CROSSGATE_EXCEPTIONS
    bool thrown = false;
    try {
        cg::policy::from_json(BAD).value();
    } catch (const std::exception &caught) {
        thrown = std::strstr(caught.what(), "origin_has_path") != nullptr;
    }
    CHECK(thrown);
    thrown = false;
    try {
        const auto refused_again = cg::policy::from_toml("allow_origins = 1");
        refused_again.value();
    } catch (const cg::policy_error &caught) { thrown = caught.problems().size() == 1; }
    CHECK(thrown);
#endif
}

static void policies() {
    cg::policy first = build(TEXT);
    cg::policy second = first; // another reference to the same
    CHECK(second.raw() == first.raw());
    cg::policy third = std::move(second);
    CHECK(third.raw() == first.raw() && second.raw() == nullptr); // NOLINT: moved away on purpose
    second = third;
    CHECK(second.raw() == first.raw());
    cg::policy other = build(R"({"allow_origins": "*"})");
    other.swap(second);
    CHECK(other.raw() == first.raw() && second.raw() != first.raw());
    second = std::move(other);
    CHECK(second.raw() == first.raw());
    second = *&second; // to itself
    CHECK(second.raw() == first.raw());
    cg::policy adopted = cg::policy::adopt(crossgate_policy_ref(first.raw()));
    CHECK(adopted.raw() == first.raw());

    CHECK(first.warnings().empty() && first.scratch_size() == 0);
    const cg::policy again = build(first.document_json());
    CHECK(again.document_json() == first.document_json());
    const cg::policy warned = build(R"({"allow_origins": ["HTTPS://App.example.com"]})");
    CHECK(warned.warnings().size() == 1);
    for (auto &warning : warned.warnings())
        CHECK(warning.severity == cg::severity::warning && warning.path == "allow_origins[0]");

    CHECK(cg::policy::from_toml("allow_origins = \"*\"\n").has_value());
    std::ofstream("hpp_test_policy.json") << TEXT;
    const auto read = cg::policy::from_file("hpp_test_policy.json"s);
    CHECK(read && read->document_json() == first.document_json() && (*read).scratch_size() == 0
          && read.value().raw() != nullptr);
    std::remove("hpp_test_policy.json");
    setenv("HPP_TEST_ALLOW_ORIGINS", "https://a.example, https://b.example", 1);
    auto from_env = cg::policy::from_env("HPP_TEST");
    CHECK(from_env && from_env->warnings().empty()
          && from_env.value().document_json().find("https://b.example") != std::string::npos);

    // A long document needs more than the first guess.
    std::string origins;
    for (int i = 0; i < 500; ++i)
        origins += (i ? ", \"https://host" : "\"https://host") + std::to_string(i) + ".example\"";
    const cg::policy large = build("{\"allow_origins\": [" + origins + "]}");
    CHECK(large.document_json().find("https://host499.example") != std::string::npos);
    CHECK(build(large.document_json()).document_json() == large.document_json());
}

// ---- requests and decisions ----

struct fake_response {
    lines headers;

    static bool same(std::string_view a, std::string_view b) {
        return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
    }
    std::optional<std::string> get(std::string_view name) const {
        std::optional<std::string> joined;
        for (const auto &[key, value] : headers)
            if (same(key, name))
                joined = joined ? *joined + ", " + value : value;
        return joined;
    }
    void erase(std::string_view name) {
        lines kept;
        for (const auto &line : headers)
            if (!same(line.first, name))
                kept.push_back(line);
        headers = kept;
    }
    void set(std::string_view name, std::string_view value) {
        erase(name);
        headers.emplace_back(name, value);
    }
};

static void names_of_policies() {
    const cg::policy policy = build(TEXT), other = build(R"({"allow_origins": "*"})");
    CHECK(policy.digest().size() == 16 && policy.digest() != other.digest());
    const cg::policy noted =
        build(R"({"allow_origins": "*", "allow_methods": ["PUT", "OPTIONS"]})");
    CHECK(noted.notes().size() == 1 && noted.warnings().empty());
    CHECK(noted.notes()[0].severity == cg::severity::note
          && noted.notes()[0].code == "method_options_unneeded");
}

static void decisions() {
    const cg::policy policy = build(TEXT);
    cg::decision decision(policy);
    CHECK(decision.action() == cg::action::forward && decision.headers().empty()
          && decision.remove().empty());

    const std::string origin = APP;
    cg::request actual("GET");
    CHECK(actual.add_header("oRiGiN"s, origin) == cg::status::ok);
    CHECK(policy.evaluate(actual, decision) == cg::status::ok);
    CHECK(decision.kind() == cg::kind::actual && decision.reason() == cg::reason::allowed
          && decision.allowed() == true);
    CHECK(decision.action() == cg::action::forward && decision.status() == 0
          && !decision.keeps_upstream());
    std::string seen;
    for (const auto &header : decision.headers()) {
        seen += std::string(header.name) + ": " + std::string(header.value) + "\r\n";
        CHECK(fake_response::same(header.name, header.lower_name)
              && header.value.data()[header.value.size()] == '\0');
        CHECK(
            header.op
            == (header.lower_name == "vary" || header.lower_name == "access-control-expose-headers"
                    ? cg::op::merge
                    : cg::op::set));
    }
    CHECK(seen
          == "Access-Control-Allow-Origin: "
             "https://app.example.com\r\nAccess-Control-Allow-Credentials: true\r\n"
             "Access-Control-Expose-Headers: X-Id\r\nVary: Origin\r\n");
    CHECK(seen == decision.http1());
    std::size_t removed = 0;
    for (std::string_view name : decision.remove()) {
        CHECK(name.substr(0, 15) == "access-control-");
        ++removed;
    }
    CHECK(removed == decision.remove().size() && removed == 4);
    std::array<char, 256> buffer;
    std::size_t length = 0;
    CHECK(decision.write_http1(buffer.data(), buffer.size(), length) == cg::status::ok
          && std::string_view(buffer.data(), length) == seen);
    CHECK(decision.write_http1(buffer.data(), 8, length) == cg::status::buffer_too_small
          && length == seen.size());

    // The same from a container, and without a decision's headers.
    const std::multimap<std::string, std::string> map = {{"Origin", APP}, {"Accept", "*/*"}};
    const cg::request mapped("GET"sv, map);
    CHECK(policy.evaluate_http1(mapped, decision, buffer.data(), buffer.size(), length)
          == cg::status::ok);
    CHECK(std::string_view(buffer.data(), length) == seen && decision.headers().empty()
          && decision.allowed() == true);
    const std::array<std::pair<std::string_view, std::string_view>, 1> views = {{{"Origin", APP}}};
    CHECK(policy.evaluate(cg::request("GET", views), decision) == cg::status::ok
          && decision.allowed() == true);
    const std::array<std::pair<const char *, const char *>, 2> two = {
        {{"Origin", APP}, {"Origin", APP}}};
    CHECK(policy.evaluate(cg::request("GET", two), decision) == cg::status::ok
          && decision.reason() == cg::reason::origin_multiple);

    cg::request preflight("OPTIONS");
    preflight.add_header("Origin", {APP, std::strlen(APP)});
    preflight.add_header("Access-Control-Request-Method", "PUT");
    CHECK(policy.evaluate(preflight, decision) == cg::status::ok);
    CHECK(decision.kind() == cg::kind::preflight && decision.action() == cg::action::answer
          && decision.status() == 204);
    preflight.add_header("Access-Control-Request-Headers", "x-evil");
    CHECK(policy.evaluate(preflight, decision) == cg::status::ok);
    CHECK(decision.reason() == cg::reason::header_not_allowed && decision.allowed() == false);

    cg::request none("GET");
    CHECK(policy.evaluate(none, decision) == cg::status::ok && decision.kind() == cg::kind::not_cors
          && !decision.allowed());
    none.add_header(
        "Origin", static_cast<const char *>(nullptr)); // absent text counts as an empty line
    CHECK(policy.evaluate(none, decision) == cg::status::ok && decision.allowed() == false);

    // The struct itself, for lines in an array.
    const crossgate_str own_lines[1] = {{APP, std::strlen(APP)}};
    cg::request pointed("GET");
    pointed.raw().origin = {own_lines, 1};
    CHECK(policy.evaluate(pointed, decision) == cg::status::ok && decision.allowed() == true
          && decision.raw().header_count == 4);
    decision.reset();
    CHECK(decision.headers().empty());
}

static void mistakes() {
    // A decision that allowed something must not go on doing so when the next evaluation fails.
    cg::policy policy = build(TEXT);
    cg::decision decision;
    cg::request request("GET");
    request.add_header("Origin", APP);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && !decision.headers().empty());
    request.set_verdict(cg::verdict::allow);
    CHECK(policy.evaluate(request, decision) == cg::status::verdict_not_asked
          && decision.headers().empty() && !decision.allowed());
    request.set_verdict(cg::verdict::absent);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && !decision.headers().empty());
    const cg::policy elsewhere = std::move(policy);
    CHECK(policy.evaluate(request, decision) == cg::status::null_argument
          && decision.headers().empty()); // NOLINT: moved away
    CHECK(
        policy.scratch_size() == 0 && policy.warnings().empty() && policy.document_json().empty());
    CHECK(policy.check_websocket(request) == cg::websocket::deny);
    CHECK(policy.describe(request, decision).empty()
          && policy.denied_name(request, decision).empty());
    CHECK(policy.digest().empty() && policy.notes().empty());
    request.raw().struct_size = 3;
    CHECK(elsewhere.evaluate(request, decision) == cg::status::struct_size);
    CHECK(request.add_header("Origin", APP) == cg::status::struct_size);
}

static void scratch() {
    const cg::policy policy = build(
        R"({"allow_origins": ["https://app.example.com"], "allow_headers": "*",
            "allow_credentials": true})");
    CHECK(policy.scratch_size() > 0);
    cg::request preflight("OPTIONS");
    preflight.add_header("Origin", APP);
    preflight.add_header("Access-Control-Request-Method", "GET");
    preflight.add_header("Access-Control-Request-Headers", "x-b,x-a");
    cg::decision own(policy), without;
    CHECK(policy.evaluate(preflight, own) == cg::status::ok
          && own.http1().find("x-b, x-a\r\n") != std::string::npos);
    CHECK(policy.evaluate(preflight, without) == cg::status::buffer_too_small
          && without.headers().empty());
    std::vector<char> buffer(policy.scratch_size());
    cg::decision given(buffer.data(), buffer.size());
    CHECK(policy.evaluate(preflight, given) == cg::status::ok && given.http1() == own.http1());
    // A list that is longer than the first guess of http1().
    std::string names;
    for (int i = 0; i < 100; ++i)
        names += (i ? ",x-header-" : "x-header-") + std::to_string(i);
    cg::request many("OPTIONS");
    many.add_header("Origin", APP);
    many.add_header("Access-Control-Request-Method", "GET");
    many.add_header("Access-Control-Request-Headers", names);
    CHECK(policy.evaluate(many, own) == cg::status::ok
          && own.http1().find("x-header-99") != std::string::npos);

    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) {
        policy.evaluate(many, own);
        for (const auto &header : own.headers())
            failures += header.value.empty();
        for (std::string_view name : own.remove())
            failures += name.empty();
    }
    CHECK(allocations == before);
}

static void responses() {
    const cg::policy policy = build(TEXT);
    cg::decision decision(policy);
    cg::request allowed("GET"), denied("GET");
    allowed.add_header("Origin", APP);
    denied.add_header("Origin", "https://evil.example");
    const lines upstream = {{"content-type", "text/plain"}, {"access-control-allow-origin", "*"},
        {"Access-Control-Expose-Headers", "X-Own"}, {"vary", "Accept-Encoding"},
        {"Vary", "origin"}};
    fake_response response{upstream};
    policy.evaluate(allowed, decision);
    CHECK(decision.apply(response));
    CHECK(!decision.apply(response)); // twice is as good as once
    CHECK(response.get("access-control-allow-origin") == APP
          && response.get("Access-Control-Allow-Credentials") == "true");
    CHECK(response.get("Access-Control-Expose-Headers") == "X-Own, X-Id");
    CHECK(response.get("Vary") == "Accept-Encoding, origin"
          && response.get("content-type") == "text/plain");

    response.headers = upstream;
    policy.evaluate(denied, decision);
    decision.apply(response);
    CHECK(!response.get("access-control-allow-origin")
          && !response.get("Access-Control-Expose-Headers"));

    const cg::policy keep =
        build(R"({"allow_origins": ["https://app.example.com"], "upstream": "keep"})");
    response.headers = {{"Access-Control-Allow-Origin", "https://other.example"}};
    keep.evaluate(allowed, decision);
    CHECK(decision.keeps_upstream());
    decision.apply(response);
    CHECK(response.get("access-control-allow-origin") == "https://other.example"
          && response.get("vary") == "Origin");
    response.headers = {};
    decision.apply(response); // an lvalue and ...
    CHECK(response.get("access-control-allow-origin") == APP);
    decision.apply(fake_response{upstream}); // ... what only refers to a response
#ifdef CROSSGATE_EXCEPTIONS
    struct throwing : fake_response {
        void set(std::string_view, std::string_view) { throw 7; }
    } refusing;
    int thrown = 0;
    try {
        decision.apply(refusing);
    } catch (int number) { thrown = number; }
    CHECK(thrown == 7);
#endif

    policy.evaluate(allowed, decision);
    const auto headers = decision.headers();
    CHECK(headers[3].merge("Accept") == "Accept, Origin" && headers[3].merge("*") == "*"
          && headers[3].merge({}) == "Origin");
    CHECK(headers[0].merge("*") == APP); // set: the response's own does not count
    CHECK(cg::vary_merge("Accept, ORIGIN", "Origin, Cookie") == "Accept, ORIGIN, Cookie"
          && cg::vary_merge({}, "Origin") == "Origin");
}

// ---- the rest ----

static void verdicts() {
    const cg::policy policy = build(R"({"origin_predicate": true})");
    cg::request request("GET");
    CHECK(!policy.needs_verdict(request));
    request.add_header("Origin", "https://tenant.example");
    CHECK(policy.needs_verdict(request) == "https://tenant.example");
    cg::decision decision;
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == false);
    CHECK(decision.needs_verdict() == "https://tenant.example");
    CHECK(decision.depends_on(cg::dependency::origin)
          && decision.depends_on(cg::dependency::verdict)
          && !decision.depends_on(cg::dependency::acrm));
    CHECK(decision.resume(cg::verdict::allow) == cg::status::ok && decision.allowed() == true);
    CHECK(!decision.needs_verdict() && !decision.origin_is_listed());
    CHECK((*decision.headers().begin()).source == cg::source::decision);
    CHECK(decision.resume(cg::verdict::allow) == cg::status::verdict_not_asked
          && decision.headers().empty());
    request.set_verdict(cg::verdict::allow);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == true);
    request.set_verdict(cg::verdict::deny);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == false);
    CHECK(policy.check_websocket(request) == cg::websocket::deny);
    request.set_verdict(cg::verdict::allow);
    CHECK(policy.check_websocket(request) == cg::websocket::allow);
}

static void descriptions() {
    const cg::policy policy = build(R"({"allow_origins": ["https://app.example.com"]})");
    cg::decision decision(policy);
    cg::request preflight("OPTIONS");
    preflight.add_header("Origin", APP);
    preflight.add_header("Access-Control-Request-Method", "PUT");
    CHECK(policy.evaluate(preflight, decision) == cg::status::ok);
    CHECK(policy.denied_name(preflight, decision) == "PUT");
    CHECK(policy.describe(preflight, decision)
          == "kind=preflight reason=method_not_allowed action=answer denied_name=PUT "
             "origin=https://app.example.com");
    const cg::request actual("GET");
    CHECK(policy.evaluate(actual, decision) == cg::status::ok);
    CHECK(policy.denied_name(actual, decision).empty());
}

static void asking() {
    CHECK(build(R"({"origin_predicate": true})").has_origin_predicate()
          && !build(TEXT).has_origin_predicate());
    cg::policy policy = build(R"({"origin_predicate": true})");
    const cg::policy elsewhere = std::move(policy);
    CHECK(elsewhere.has_origin_predicate() && !policy.has_origin_predicate()); // NOLINT: moved away
}

static void builders() {
    cg::builder builder;
    const std::vector<std::string> methods = {"PUT", "DELETE"};
    const std::list<const char *> exposed = {"X-Id"};
    const std::string app = APP;
    builder.set("allow_origins", {APP, "https://b.example"})
        .set("allow_methods", methods)
        .set("expose_headers", exposed)
        .set("allow_credentials", true)
        .set("max_age", 600)
        .set("denied_actual", "reject"s) // a temporary: texts are copied
        .add("own_origins", app + ":8443");
    auto built = builder.build();
    CHECK(built && built->warnings().empty());
    const std::string document = built->document_json();
    for (const char *part : {"https://app.example.com\"", "https://b.example", "PUT", "DELETE",
             "X-Id", "600", "reject", "https://app.example.com:8443"})
        CHECK(document.find(part) != std::string::npos);
    CHECK(build(document).document_json() == document);

    // The builder stays: changed and built again; what was built stays too.
    builder.set("allow_origins", "*")
        .set("allow_credentials", false)
        .unset("own_origins")
        .unset("denied_actual")
        .set("allow_methods", {});
    const cg::policy any = builder.build().value();
    cg::decision decision(any);
    cg::request request("GET");
    request.add_header("Origin", "https://c.example");
    CHECK(any.evaluate(request, decision) == cg::status::ok
          && decision.reason() == cg::reason::allowed_any);
    CHECK(
        any.document_json().find("PUT") == std::string::npos && built->document_json() == document);
    builder.set("allow_origins", {"https://a.example"})
        .set("allow_origins", {"https://b.example"}); // replaces
    CHECK(builder.build()->document_json().find("https://a.example") == std::string::npos);

    // All problems at once.
    cg::builder bad;
    bad.set("allow_origins", {"https://a.example/"})
        .set("surprise", 1)
        .set("allow_credentials", "yes")
        .set("max_age", std::uint64_t(-1));
    auto refused = bad.build();
    CHECK(!refused && refused.error().code() == cg::status::invalid_policy
          && refused.error().problems().size() == 4);
    std::size_t hinted = 0;
    for (const auto &problem : refused.error().problems())
        hinted += problem.path == "allow_origins[0]" && problem.hint == "https://a.example";
    CHECK(hinted == 1);
    CHECK(cg::builder().build().error().code() == cg::status::invalid_policy); // nothing configured
    CHECK(cg::builder().set("allow_origins", std::string_view()).build().error().code()
          == cg::status::invalid_policy);
    CHECK(cg::builder().set(std::string_view(), 1).build().error().code()
          == cg::status::invalid_policy);

    // What could not even be taken; the first one is told.
    auto strange = cg::builder()
                       .set("allow_origins", {"https://\xff.example"})
                       .set("allow_headers", "\xff")
                       .build();
    CHECK(!strange && strange.error().code() == cg::status::not_utf8
          && strange.error().problems().empty());
    CHECK(std::string(strange.error().what()).find("allow_origins: ") == 0);
    CHECK(cg::builder().set("allow_origins", "*").add("allow_origins", APP).build().error().code()
          == cg::status::invalid_argument);

    cg::builder moved = std::move(builder);
    CHECK(moved.build().has_value()
          && builder.build().error().code() == cg::status::null_argument); // NOLINT: moved away
}

static void shared_policies() {
    const cg::policy first = build(TEXT);
    cg::shared_policy shared(first);
    CHECK(shared.raw() != nullptr && shared.load().raw() == first.raw());
    cg::request request("GET");
    request.add_header("Origin", "https://new.example");
    const cg::policy loaded = shared.load();
    cg::decision decision(loaded);
    CHECK(loaded.evaluate(request, decision) == cg::status::ok && decision.allowed() == false);

    const cg::policy next = build(R"({"allow_origins": ["https://new.example"]})");
    cg::difference found;
    cg::decision same;
    CHECK(!cg::difference::between(same, same).differs());
    CHECK(!found.differs() && shared.compare_shadow(request, found) == cg::status::ok
          && !found.differs()); // no shadow
    CHECK(found.live().reason == cg::reason::origin_not_listed
          && found.shadow().reason == cg::reason::origin_not_listed);
    CHECK(shared.set_shadow(next) == cg::status::ok
          && shared.compare_shadow(request, found) == cg::status::ok);
    CHECK(found.differs() && found.kind() == cg::kind::actual && found.raw().differs == 1);
    CHECK(found.live().allowed == false && found.shadow().allowed == true
          && found.shadow().reason == cg::reason::allowed);
    CHECK(found.live().action == cg::action::forward && found.shadow().status == 0);
    CHECK(found.has(cg::header_id::allow_origin) && !found.has(cg::header_id::vary)
          && !found.has(cg::header_id::max_age));
    request.set_verdict(cg::verdict::allow);
    CHECK(
        shared.compare_shadow(request, found) == cg::status::verdict_not_asked && !found.differs());
    request.set_verdict(cg::verdict::absent);
    CHECK(shared.clear_shadow() == cg::status::ok
          && shared.compare_shadow(request, found) == cg::status::ok && !found.differs());

    CHECK(shared.replace(next) == cg::status::ok && shared.load().raw() == next.raw());
    CHECK(loaded.raw() == first.raw()
          && loaded.document_json() == first.document_json()); // whoever has it goes on with it
    auto refused = shared.replace_json(BAD);
    CHECK(!refused && refused.error().problems().size() == 2 && shared.load().raw() == next.raw());
    auto warned = shared.replace_toml("allow_origins = [\"HTTPS://A.example\"]");
    CHECK(warned && warned->warnings().size() == 1 && shared.load().raw() == warned->raw());
    CHECK(shared.replace_file("there/is/none.json").error().code() == cg::status::file
          && shared.load().raw() == warned->raw());
    CHECK(shared.replace_json(TEXT).has_value()
          && shared.load().document_json() == first.document_json());
    std::ofstream("hpp_test_shared.toml") << "allow_origins = \"*\"\n";
    CHECK(shared.replace_file("hpp_test_shared.toml").has_value()
          && shared.load().document_json().find("\"*\"") != std::string::npos);
    std::remove("hpp_test_shared.toml");

    const std::size_t before = allocations;
    CHECK(shared.set_shadow(first) == cg::status::ok);
    cg::counters counters;
    for (int i = 0; i < 100; ++i) {
        const cg::policy mine = shared.load();
        failures += mine.evaluate(request, decision) != cg::status::ok
                    || counters.record(decision) != cg::status::ok;
        failures += shared.compare_shadow(request, found) != cg::status::ok || !found.differs();
        failures += counters.get(cg::reason::allowed_any) != static_cast<std::uint64_t>(i) + 1;
    }
    CHECK(allocations == before);

    cg::shared_policy moved = std::move(shared);
    CHECK(moved.load().raw() != nullptr && shared.load().raw() == nullptr); // NOLINT: moved away
    const cg::policy nothing = shared.load();
    CHECK(nothing.evaluate(request, decision) == cg::status::null_argument
          && decision.headers().empty());
    CHECK(shared.replace(first) == cg::status::null_argument
          && shared.replace_json(TEXT).error().code() == cg::status::null_argument);
    CHECK(moved.set_shadow(nothing) == cg::status::null_argument
          && moved.replace(nothing) == cg::status::null_argument);
    CHECK(cg::shared_policy(nothing).load().raw() == nullptr
          && shared.compare_shadow(request, found) == cg::status::null_argument);
}

static void counts() {
    const cg::policy policy = build(TEXT);
    cg::counters counters;
    cg::decision decision(policy);
    cg::request evil("GET"), none("GET");
    evil.add_header("Origin", "https://evil.example");
    for (int i = 0; i < 3; ++i) {
        policy.evaluate(evil, decision);
        CHECK(counters.record(decision) == cg::status::ok);
    }
    policy.evaluate(none, decision);
    CHECK(counters.record(decision) == cg::status::ok);
    CHECK(counters.get(cg::reason::origin_not_listed) == 3
          && counters.get(cg::reason::no_origin) == 1 && counters.get(cg::reason::allowed) == 0);
    CHECK(counters.get(static_cast<cg::reason>(99)) == 0);
    CHECK(
        counters.add_overwrote_upstream() == cg::status::ok && counters.overwrote_upstream() == 1);
    CHECK(
        counters.to_prometheus().find("crossgate_decisions_total{reason=\"origin_not_listed\"} 3\n")
        != std::string::npos);
    const cg::counters moved = std::move(counters);
    CHECK(moved.get(cg::reason::origin_not_listed) == 3 && moved.raw() != nullptr);
    CHECK(counters.get(cg::reason::origin_not_listed) == 0
          && counters.to_prometheus().empty()); // NOLINT: moved away
    CHECK(counters.record(decision) == cg::status::null_argument);
}

static void websockets() {
    const cg::policy policy = build(TEXT);
    const cg::policy any = build(R"({"allow_origins": "*"})");
    cg::request ours("GET"), theirs("GET"), none("GET"), empty("GET");
    ours.add_header("Origin", APP);
    theirs.add_header("Origin", "https://evil.example");
    empty.add_header("Origin", "");
    CHECK(policy.check_websocket(ours) == cg::websocket::allow);
    CHECK(policy.check_websocket(theirs) == cg::websocket::deny);
    CHECK(policy.check_websocket(none) == cg::websocket::absent);
    CHECK(policy.check_websocket(empty) == cg::websocket::deny); // an empty Origin is there
    CHECK(any.check_websocket(ours) == cg::websocket::deny
          && any.check_websocket(ours, cg::socket_access::public_socket) == cg::websocket::allow);
    ours.add_header("Origin", APP);
    CHECK(policy.check_websocket(ours) == cg::websocket::deny);
}

static void texts() {
    CHECK(cg::to_string(cg::status::ok) == crossgate_status_string(CROSSGATE_OK));
    CHECK(cg::to_string(cg::kind::preflight) == "preflight"
          && cg::to_string(cg::action::reject) == "reject");
    CHECK(cg::to_string(cg::reason::header_list_too_long) == "header_list_too_long");
    CHECK(cg::to_string(static_cast<cg::reason>(99)) == "unknown");
    CHECK(!cg::version().empty() && cg::abi_version() == CROSSGATE_ABI_VERSION);
}

static void threads() {
    const cg::policy policy = build(TEXT);
    std::vector<std::thread> running;
    std::array<int, 4> wrong = {};
    for (std::size_t t = 0; t < wrong.size(); ++t)
        running.emplace_back([policy, &wrong, t] {
            cg::decision decision(policy);
            for (int i = 0; i < 2000; ++i) {
                const cg::policy mine = policy;
                cg::request request("GET");
                request.add_header("Origin", i % 2 ? APP : "https://evil.example");
                mine.evaluate(request, decision);
                wrong[t] += decision.allowed() != (i % 2 == 1);
            }
        });
    for (auto &thread : running)
        thread.join();
    for (int count : wrong)
        CHECK(count == 0);
}

static void threads_with_a_shared_policy() {
    const cg::shared_policy shared(build(R"({"allow_origins": ["https://one.example"]})"));
    const cg::counters counters;
    constexpr int ROUNDS = 2000;
    std::array<int, 4> wrong = {};
    std::vector<std::thread> running;
    for (std::size_t t = 0; t < wrong.size(); ++t)
        running.emplace_back([&, t] {
            cg::decision decision;
            for (int i = 0; i < ROUNDS; ++i) {
                const cg::policy mine = shared.load(); // one policy for both questions
                int allowed = 0;
                for (const char *origin : {"https://one.example", "https://two.example"}) {
                    cg::request request("GET");
                    request.add_header("Origin", origin);
                    mine.evaluate(request, decision);
                    counters.record(decision);
                    allowed += decision.allowed() == true;
                }
                wrong[t] += allowed != 1;
            }
        });
    for (int i = 0; i < 200; ++i) {
        const char *text = i % 2 ? R"({"allow_origins": ["https://one.example"]})"
                                 : R"({"allow_origins": ["https://two.example"]})";
        CHECK(shared.replace_json(text).has_value());
        CHECK(!shared.replace_json(BAD));
    }
    for (auto &thread : running)
        thread.join();
    for (int count : wrong)
        CHECK(count == 0);
    CHECK(counters.get(cg::reason::allowed) == 4 * ROUNDS
          && counters.get(cg::reason::origin_not_listed) == 4 * ROUNDS);
}

int main() {
    errors();
    policies();
    names_of_policies();
    decisions();
    mistakes();
    scratch();
    responses();
    verdicts();
    asking();
    descriptions();
    builders();
    shared_policies();
    counts();
    websockets();
    texts();
    threads();
    threads_with_a_shared_policy();
    std::printf("%d failures\n", failures);
    return failures != 0;
}
