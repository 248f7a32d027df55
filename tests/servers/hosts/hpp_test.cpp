// Every item of crossgate.hpp. Runs with and without exceptions; prints what failed and exits 1 then.
#include <crossgate.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

namespace cg = crossgate;
using namespace std::string_literals;
using namespace std::string_view_literals;

static int failures = 0;
#define CHECK(condition) ((condition) ? void() : (void)(++failures, std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition)))

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

template <class Value, class = void> struct takes_value : std::false_type {};
template <class Value>
struct takes_value<Value, std::void_t<decltype(std::declval<cg::request &>().add_header("Origin", std::declval<Value>()))>> : std::true_type {};
static_assert(takes_value<std::string &>::value && takes_value<const char *>::value && takes_value<std::string_view>::value);
static_assert(!takes_value<std::string>::value);

template <class Policy, class = void> struct warns : std::false_type {};
template <class Policy> struct warns<Policy, std::void_t<decltype(std::declval<Policy>().warnings())>> : std::true_type {};
static_assert(warns<cg::policy &>::value && !warns<cg::policy>::value);

template <class Policy, class = void> struct evaluates : std::false_type {};
template <class Policy>
struct evaluates<Policy, std::void_t<decltype(std::declval<Policy>().evaluate(std::declval<cg::request &>(), std::declval<cg::decision &>()))>>
    : std::true_type {};
static_assert(evaluates<const cg::policy &>::value && !evaluates<cg::policy>::value);

static_assert(std::is_nothrow_copy_constructible_v<cg::policy> && std::is_nothrow_move_constructible_v<cg::policy>);
static_assert(std::is_copy_assignable_v<cg::policy> && std::is_move_assignable_v<cg::policy>);
static_assert(std::is_nothrow_copy_constructible_v<cg::policy_error>); // as exceptions must be
static_assert(!std::is_copy_constructible_v<cg::decision> && !std::is_move_constructible_v<cg::decision>);
static_assert(!std::is_copy_constructible_v<cg::request> && !std::is_move_constructible_v<cg::request>);
static_assert(!std::is_default_constructible_v<cg::policy>);

// ---- policies and errors ----

static const char *const TEXT = R"({"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"],
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
        CHECK(!problem.code.empty() && !problem.message.empty() && problem.message.data()[problem.message.size()] == '\0');
        ++count;
    }
    CHECK(count == 2);
    CHECK(error.problems()[0].code == "origin_has_path" && error.problems()[0].hint == "https://a.example");
    CHECK(error.problems()[7].code.empty()); // out of range: nothing, not a crash
    auto at = error.problems().begin();
    CHECK((*at++).path == "allow_origins[0]" && (*at).path == "allow_origins[1]" && ++at == error.problems().end());

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
    } catch (const cg::policy_error &caught) {
        thrown = caught.problems().size() == 1;
    }
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
    for (const auto &warning : warned.warnings())
        CHECK(warning.severity == cg::severity::warning && warning.path == "allow_origins[0]");

    CHECK(cg::policy::from_toml("allow_origins = \"*\"\n").has_value());
    std::ofstream("hpp_test_policy.json") << TEXT;
    const auto read = cg::policy::from_file("hpp_test_policy.json"s);
    CHECK(read && read->document_json() == first.document_json() && (*read).scratch_size() == 0 && read.value().raw() != nullptr);
    std::remove("hpp_test_policy.json");
    setenv("HPP_TEST_ALLOW_ORIGINS", "https://a.example, https://b.example", 1);
    auto from_env = cg::policy::from_env("HPP_TEST");
    CHECK(from_env && from_env->warnings().empty() && from_env.value().document_json().find("https://b.example") != std::string::npos);

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

static void decisions() {
    const cg::policy policy = build(TEXT);
    cg::decision decision(policy);
    CHECK(decision.action() == cg::action::forward && decision.headers().empty() && decision.remove().empty());

    const std::string origin = APP;
    cg::request actual("GET");
    CHECK(actual.add_header("oRiGiN"s, origin) == cg::status::ok);
    CHECK(policy.evaluate(actual, decision) == cg::status::ok);
    CHECK(decision.kind() == cg::kind::actual && decision.reason() == cg::reason::allowed && decision.allowed() == true);
    CHECK(decision.action() == cg::action::forward && decision.status() == 0 && !decision.keeps_upstream());
    std::string seen;
    for (const auto &header : decision.headers()) {
        seen += std::string(header.name) + ": " + std::string(header.value) + "\r\n";
        CHECK(fake_response::same(header.name, header.lower_name) && header.value.data()[header.value.size()] == '\0');
        CHECK(header.op == (header.lower_name == "vary" || header.lower_name == "access-control-expose-headers" ? cg::op::merge : cg::op::set));
    }
    CHECK(seen == "Access-Control-Allow-Origin: https://app.example.com\r\nAccess-Control-Allow-Credentials: true\r\n"
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
    CHECK(decision.write_http1(buffer.data(), buffer.size(), length) == cg::status::ok && std::string_view(buffer.data(), length) == seen);
    CHECK(decision.write_http1(buffer.data(), 8, length) == cg::status::buffer_too_small && length == seen.size());

    // The same from a container, and without a decision's headers.
    const std::multimap<std::string, std::string> map = {{"Origin", APP}, {"Accept", "*/*"}};
    const cg::request mapped("GET"sv, map);
    CHECK(policy.evaluate_http1(mapped, decision, buffer.data(), buffer.size(), length) == cg::status::ok);
    CHECK(std::string_view(buffer.data(), length) == seen && decision.headers().empty() && decision.allowed() == true);
    const std::array<std::pair<std::string_view, std::string_view>, 1> views = {{{"Origin", APP}}};
    CHECK(policy.evaluate(cg::request("GET", views), decision) == cg::status::ok && decision.allowed() == true);
    const std::array<std::pair<const char *, const char *>, 2> two = {{{"Origin", APP}, {"Origin", APP}}};
    CHECK(policy.evaluate(cg::request("GET", two), decision) == cg::status::ok && decision.reason() == cg::reason::origin_multiple);

    cg::request preflight("OPTIONS");
    preflight.add_header("Origin", {APP, std::strlen(APP)});
    preflight.add_header("Access-Control-Request-Method", "PUT");
    CHECK(policy.evaluate(preflight, decision) == cg::status::ok);
    CHECK(decision.kind() == cg::kind::preflight && decision.action() == cg::action::answer && decision.status() == 204);
    preflight.add_header("Access-Control-Request-Headers", "x-evil");
    CHECK(policy.evaluate(preflight, decision) == cg::status::ok);
    CHECK(decision.reason() == cg::reason::header_not_allowed && decision.allowed() == false);

    cg::request none("GET");
    CHECK(policy.evaluate(none, decision) == cg::status::ok && decision.kind() == cg::kind::not_cors && !decision.allowed());
    none.add_header("Origin", static_cast<const char *>(nullptr)); // absent text counts as an empty line
    CHECK(policy.evaluate(none, decision) == cg::status::ok && decision.allowed() == false);

    // The struct itself, for lines in an array.
    const crossgate_str own_lines[1] = {{APP, std::strlen(APP)}};
    cg::request pointed("GET");
    pointed.raw().origin = {own_lines, 1};
    CHECK(policy.evaluate(pointed, decision) == cg::status::ok && decision.allowed() == true && decision.raw().header_count == 4);
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
    CHECK(policy.evaluate(request, decision) == cg::status::verdict_not_asked && decision.headers().empty() && !decision.allowed());
    request.set_verdict(cg::verdict::absent);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && !decision.headers().empty());
    const cg::policy elsewhere = std::move(policy);
    CHECK(policy.evaluate(request, decision) == cg::status::null_argument && decision.headers().empty()); // NOLINT: moved away
    CHECK(policy.scratch_size() == 0 && policy.warnings().empty() && policy.document_json().empty());
    CHECK(policy.check_websocket(APP) == cg::websocket::deny);
    request.raw().struct_size = 3;
    CHECK(elsewhere.evaluate(request, decision) == cg::status::struct_size);
    CHECK(request.add_header("Origin", APP) == cg::status::struct_size);
}

static void scratch() {
    const cg::policy policy = build(R"({"allow_origins": ["https://app.example.com"], "allow_headers": "*", "allow_credentials": true})");
    CHECK(policy.scratch_size() > 0);
    cg::request preflight("OPTIONS");
    preflight.add_header("Origin", APP);
    preflight.add_header("Access-Control-Request-Method", "GET");
    preflight.add_header("Access-Control-Request-Headers", "x-b,x-a");
    cg::decision own(policy), without;
    CHECK(policy.evaluate(preflight, own) == cg::status::ok && own.http1().find("x-b, x-a\r\n") != std::string::npos);
    CHECK(policy.evaluate(preflight, without) == cg::status::buffer_too_small && without.headers().empty());
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
    CHECK(policy.evaluate(many, own) == cg::status::ok && own.http1().find("x-header-99") != std::string::npos);

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
    const lines upstream = {{"content-type", "text/plain"}, {"access-control-allow-origin", "*"}, {"Access-Control-Expose-Headers", "X-Own"},
                            {"vary", "Accept-Encoding"}, {"Vary", "origin"}};
    fake_response response{upstream};
    policy.evaluate(allowed, decision);
    decision.apply(response);
    CHECK(response.get("access-control-allow-origin") == APP && response.get("Access-Control-Allow-Credentials") == "true");
    CHECK(response.get("Access-Control-Expose-Headers") == "X-Own, X-Id");
    CHECK(response.get("Vary") == "Accept-Encoding, origin" && response.get("content-type") == "text/plain");

    response.headers = upstream;
    policy.evaluate(denied, decision);
    decision.apply(response);
    CHECK(!response.get("access-control-allow-origin") && !response.get("Access-Control-Expose-Headers"));

    const cg::policy keep = build(R"({"allow_origins": ["https://app.example.com"], "upstream": "keep"})");
    response.headers = {{"Access-Control-Allow-Origin", "https://other.example"}};
    keep.evaluate(allowed, decision);
    CHECK(decision.keeps_upstream());
    decision.apply(response);
    CHECK(response.get("access-control-allow-origin") == "https://other.example" && response.get("vary") == "Origin");
    response.headers = {};
    decision.apply(response); // an lvalue and ...
    CHECK(response.get("access-control-allow-origin") == APP);
    decision.apply(fake_response{upstream}); // ... what only refers to a response

    policy.evaluate(allowed, decision);
    const auto headers = decision.headers();
    CHECK(headers[3].merge("Accept") == "Accept, Origin" && headers[3].merge("*") == "*" && headers[3].merge({}) == "Origin");
    CHECK(headers[0].merge("*") == APP); // set: the response's own does not count
    CHECK(cg::vary_merge("Accept, ORIGIN", "Origin, Cookie") == "Accept, ORIGIN, Cookie" && cg::vary_merge({}, "Origin") == "Origin");
}

// ---- the rest ----

static void hosts() {
    const cg::policy policy = build(R"({"host_origins": true})");
    cg::request request("GET");
    CHECK(!policy.asks_host(request));
    request.add_header("Origin", "https://tenant.example");
    CHECK(policy.asks_host(request) == "https://tenant.example");
    cg::decision decision;
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == false);
    request.set_verdict(cg::verdict::allow);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == true);
    request.set_verdict(cg::verdict::deny);
    CHECK(policy.evaluate(request, decision) == cg::status::ok && decision.allowed() == false);
    CHECK(policy.check_websocket("https://tenant.example", false, cg::verdict::allow) == cg::websocket::allow);
}

static void websockets() {
    const cg::policy policy = build(TEXT);
    CHECK(policy.check_websocket(APP) == cg::websocket::allow);
    CHECK(policy.check_websocket("https://evil.example") == cg::websocket::deny);
    CHECK(policy.check_websocket(std::nullopt) == cg::websocket::absent);
    CHECK(policy.check_websocket(std::string_view()) == cg::websocket::deny); // an empty Origin is there
    const crossgate_str two[2] = {{APP, std::strlen(APP)}, {APP, std::strlen(APP)}};
    CHECK(policy.check_websocket(two, 1) == cg::websocket::allow && policy.check_websocket(two, 2) == cg::websocket::deny);
    const cg::policy any = build(R"({"allow_origins": "*"})");
    CHECK(any.check_websocket(APP) == cg::websocket::deny && any.check_websocket(APP, true) == cg::websocket::allow);
}

static void texts() {
    CHECK(cg::to_string(cg::status::ok) == crossgate_status_string(CROSSGATE_OK));
    CHECK(cg::to_string(cg::kind::preflight) == "preflight" && cg::to_string(cg::action::reject) == "reject");
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

int main() {
    errors();
    policies();
    decisions();
    mistakes();
    scratch();
    responses();
    hosts();
    websockets();
    texts();
    threads();
    std::printf("%d failures\n", failures);
    return failures != 0;
}
