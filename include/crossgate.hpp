/*
 * crossgate for C++17 and later: crossgate.h with owners, views and ranges. Header-only; link to
 * libcrossgate.
 *
 * A request, from policy to answer:
 *
 *     auto policy = crossgate::policy::from_file("policy.json").value();
 *
 *     crossgate::decision decision(policy);
 *     crossgate::request request(method);
 *     for (const auto &[name, value] : every header line of the request)
 *         request.add_header(name, value);
 *     policy.evaluate(request, decision);
 *
 *     if (decision.action() != crossgate::action::forward)
 *         answer with decision.status(), the headers below and no body;
 *     else
 *         run the handler;
 *     decision.apply(response);
 *
 * - What is borrowed is said at each item. Where text must outlive the call, a std::string that is
 *   about to go is refused by the compiler.
 * - Nothing here throws but result::value() and what the standard library throws for lack of
 *   memory. Without exceptions (-fno-exceptions) everything is there; value() of a failure then
 *   ends the program, so look at the result first.
 * - evaluate() allocates nothing. Functions that return a std::string do.
 * - Threads: as in crossgate.h. A policy may be used and copied by many at once, and so may a
 *   shared_policy and counters; builders, requests and decisions have one user.
 */
#ifndef CROSSGATE_HPP
#define CROSSGATE_HPP

#include "crossgate.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
/** Defined if crossgate::result::value() throws. */
#define CROSSGATE_EXCEPTIONS 1
#endif

/** Everything of crossgate's. */
namespace crossgate {

/** What a call came to. Numbers that are not listed are failures of newer libraries. */
enum class status : std::int32_t {
    ok = CROSSGATE_OK,                           ///< Done.
    null_argument = CROSSGATE_ERR_NULL_ARGUMENT, ///< A policy that was moved away, or text at NULL
                                                 ///< with a length.
    struct_size = CROSSGATE_ERR_STRUCT_SIZE,     ///< The library is not of this header's version.
    invalid_argument = CROSSGATE_ERR_INVALID_ARGUMENT, ///< A value that means nothing.
    not_utf8 = CROSSGATE_ERR_NOT_UTF8,                 ///< Configuration that is not UTF-8.
    invalid_policy = CROSSGATE_ERR_INVALID_POLICY,     ///< The policy has errors.
    file = CROSSGATE_ERR_FILE,                         ///< The policy file cannot be read.
    verdict_not_asked =
        CROSSGATE_ERR_VERDICT_NOT_ASKED, ///< A verdict for a policy without origin_predicate.
    buffer_too_small =
        CROSSGATE_ERR_BUFFER_TOO_SMALL, ///< The buffer, or the decision's scratch, is too small.
    feature_missing =
        CROSSGATE_ERR_FEATURE_MISSING, ///< The library was built without what the call needs.
    panic = CROSSGATE_ERR_PANIC,       ///< A bug in the library; objects stay usable.
};

/** What a request is. */
enum class kind : std::int32_t {
    not_cors = CROSSGATE_KIND_NOT_CORS,   ///< No Origin.
    actual = CROSSGATE_KIND_ACTUAL,       ///< An Origin, and no preflight.
    preflight = CROSSGATE_KIND_PREFLIGHT, ///< A CORS-preflight request.
};

/** What the server does next. */
enum class action : std::int32_t {
    forward = CROSSGATE_ACTION_FORWARD, ///< Run the handler and apply the headers to its response,
                                        ///< whatever its status.
    answer = CROSSGATE_ACTION_ANSWER,   ///< Answer a preflight: status, headers, no body.
    reject = CROSSGATE_ACTION_REJECT,   ///< Refuse: status 403, headers, no body.
};

/** Why: the first failing check in the order origin, method, headers. */
enum class reason : std::int32_t {
    allowed = CROSSGATE_REASON_ALLOWED,         ///< Everything passed.
    allowed_any = CROSSGATE_REASON_ALLOWED_ANY, ///< The same under "*".
    no_origin = CROSSGATE_REASON_NO_ORIGIN,     ///< No Origin.
    own_origin = CROSSGATE_REASON_OWN_ORIGIN,   ///< The server's own origin.
    origin_not_listed =
        CROSSGATE_REASON_ORIGIN_NOT_LISTED,     ///< A well-formed origin that nothing matches.
    origin_null = CROSSGATE_REASON_ORIGIN_NULL, ///< null
    origin_malformed = CROSSGATE_REASON_ORIGIN_MALFORMED, ///< Nothing that a browser serialises.
    origin_multiple = CROSSGATE_REASON_ORIGIN_MULTIPLE,   ///< Several Origin lines or values.
    method_not_allowed =
        CROSSGATE_REASON_METHOD_NOT_ALLOWED,    ///< The requested method is not allowed.
    method_case = CROSSGATE_REASON_METHOD_CASE, ///< It would be, in another case.
    header_not_allowed =
        CROSSGATE_REASON_HEADER_NOT_ALLOWED, ///< A requested header name is not allowed.
    header_list_malformed =
        CROSSGATE_REASON_HEADER_LIST_MALFORMED, ///< An element of the list is no token.
    header_list_too_long = CROSSGATE_REASON_HEADER_LIST_TOO_LONG, ///< The list exceeds its bounds.
};

/** How weighty a problem is. */
enum class severity : std::int32_t {
    error = CROSSGATE_SEVERITY_ERROR,     ///< The policy is not built.
    warning = CROSSGATE_SEVERITY_WARNING, ///< It is built in spite of it; look at it.
    note = CROSSGATE_SEVERITY_NOTE,       ///< True of the policy, and nothing needs to be done.
};

/** What the application says of the origin in question. */
enum class verdict : std::int32_t {
    absent = CROSSGATE_VERDICT_ABSENT, ///< Nothing, which is a no.
    allow = CROSSGATE_VERDICT_ALLOW,   ///< It allows the origin.
    deny = CROSSGATE_VERDICT_DENY,     ///< It does not.
};

/** What becomes of the response's own lines of a header's name. */
enum class op : std::int32_t {
    set = CROSSGATE_OP_SET,     ///< They are replaced by this one.
    merge = CROSSGATE_OP_MERGE, ///< The names in the value are added to theirs: header::merge().
};

/** Whose memory a header's value is, and so how long it lives. */
enum class source : std::int32_t {
    policy = CROSSGATE_SOURCE_POLICY,     ///< The policy's text.
    decision = CROSSGATE_SOURCE_DECISION, ///< Copied from the request into the decision.
    scratch = CROSSGATE_SOURCE_SCRATCH,   ///< An echoed list in the decision's scratch buffer.
};

/** A value of a request that a decision may depend on: decision::depends_on(). */
enum class dependency : std::uint32_t {
    origin = CROSSGATE_DEPENDS_ON_ORIGIN, ///< Origin
    acrm = CROSSGATE_DEPENDS_ON_ACRM,     ///< Access-Control-Request-Method
    acrh = CROSSGATE_DEPENDS_ON_ACRH,     ///< Access-Control-Request-Headers
    acrpn = CROSSGATE_DEPENDS_ON_ACRPN,   ///< Access-Control-Request-Private-Network
    sec_fetch_site = CROSSGATE_DEPENDS_ON_SEC_FETCH_SITE, ///< Sec-Fetch-Site
    verdict = CROSSGATE_DEPENDS_ON_VERDICT,               ///< The application's verdict.
};

/** Which header of a response: header::id, difference::has(). */
enum class header_id : std::int32_t {
    allow_origin = CROSSGATE_HEADER_ALLOW_ORIGIN,           ///< Access-Control-Allow-Origin
    allow_credentials = CROSSGATE_HEADER_ALLOW_CREDENTIALS, ///< Access-Control-Allow-Credentials
    allow_methods = CROSSGATE_HEADER_ALLOW_METHODS,         ///< Access-Control-Allow-Methods
    allow_headers = CROSSGATE_HEADER_ALLOW_HEADERS,         ///< Access-Control-Allow-Headers
    expose_headers = CROSSGATE_HEADER_EXPOSE_HEADERS,       ///< Access-Control-Expose-Headers
    max_age = CROSSGATE_HEADER_MAX_AGE,                     ///< Access-Control-Max-Age
    allow_private_network =
        CROSSGATE_HEADER_ALLOW_PRIVATE_NETWORK, ///< Access-Control-Allow-Private-Network
    vary = CROSSGATE_HEADER_VARY,               ///< Vary
};

/** The result of policy::check_websocket(). */
enum class websocket : std::int32_t {
    deny = CROSSGATE_WEBSOCKET_DENY,     ///< Answer 403 before the upgrade.
    allow = CROSSGATE_WEBSOCKET_ALLOW,   ///< Go on.
    absent = CROSSGATE_WEBSOCKET_ABSENT, ///< No Origin: not a browser. The application decides.
};

/** A status in words, for logs. Static, with a NUL behind it, as all that to_string() gives. */
inline std::string_view to_string(status value) noexcept {
    return crossgate_status_string(static_cast<std::int32_t>(value));
}
/** The stable name of a kind, like "preflight". */
inline std::string_view to_string(kind value) noexcept {
    return crossgate_kind_string(static_cast<std::int32_t>(value));
}
/** The stable name of an action, like "forward". */
inline std::string_view to_string(action value) noexcept {
    return crossgate_action_string(static_cast<std::int32_t>(value));
}
/** The stable name of a reason, like "origin_not_listed". */
inline std::string_view to_string(reason value) noexcept {
    return crossgate_reason_string(static_cast<std::int32_t>(value));
}

/** The version of the library that is loaded, like "0.1.0". */
inline std::string_view version() noexcept { return crossgate_version(); }
/**
 * The binary interface of the library that is loaded; a program that loads it by name compares
 * CROSSGATE_ABI_VERSION.
 */
inline std::uint32_t abi_version() noexcept { return crossgate_abi_version(); }

/** What is not part of the interface. */
namespace detail {

inline std::string_view view(crossgate_str text) noexcept {
    return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.len);
}

/** Calls a function that fills a buffer as snprintf does, first for a guess of the length. */
template <class Fill>
std::optional<std::string> text(std::size_t guess, Fill fill) {
    std::string buffer(guess, '\0');
    std::size_t length = 0;
    // The NUL goes where a string keeps its own.
    crossgate_status outcome = fill(&buffer[0], buffer.size() + 1, &length);
    if (outcome == CROSSGATE_ERR_BUFFER_TOO_SMALL) {
        buffer.resize(length);
        outcome = fill(&buffer[0], buffer.size() + 1, &length);
    }
    if (outcome != CROSSGATE_OK)
        return std::nullopt;
    buffer.resize(length);
    return buffer;
}

/** Whether a request passed, from the number in C's structs. */
inline std::optional<bool> allowed(std::int32_t number) noexcept {
    return number < 0 ? std::nullopt : std::optional<bool>(number == 1);
}

/** Gives back what std::unique_ptr owns. */
struct release {
    void operator()(crossgate_builder *owned) const noexcept { crossgate_builder_free(owned); }
    void operator()(crossgate_shared_policy *owned) const noexcept {
        crossgate_shared_policy_free(owned);
    }
    void operator()(crossgate_counters *owned) const noexcept { crossgate_counters_free(owned); }
};

} // namespace detail

/**
 * Items that are counted and made when they are asked for. Lives as long as what it was taken from.
 */
template <class Item, class Source>
class range {
  public:
    /** Goes through the items. */
    class iterator {
      public:
        using iterator_category =
            std::input_iterator_tag;            ///< Items are values, so no more than that.
        using value_type = Item;                ///< What it gives.
        using difference_type = std::ptrdiff_t; ///< As every iterator has.
        using pointer = void;                   ///< There is nothing to point at.
        using reference = Item;                 ///< By value.

        iterator() noexcept = default;
        /** The item at an index. */
        iterator(Source source, std::size_t index) noexcept : source_(source), index_(index) {}
        /** Makes the item. */
        Item operator*() const noexcept { return Item::at(source_, index_); }
        /** Goes on. */
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        /** Goes on. */
        iterator operator++(int) noexcept {
            iterator before = *this;
            ++index_;
            return before;
        }
        /** Of iterators of one range. */
        friend bool operator==(const iterator &a, const iterator &b) noexcept {
            return a.index_ == b.index_;
        }
        /** Of iterators of one range. */
        friend bool operator!=(const iterator &a, const iterator &b) noexcept {
            return a.index_ != b.index_;
        }

      private:
        Source source_ = {};
        std::size_t index_ = 0;
    };

    /** Made by the functions that give ranges. */
    range(Source source, std::size_t count) noexcept : source_(source), count_(count) {}
    /** The first item. */
    iterator begin() const noexcept { return {source_, 0}; }
    /** Behind the last one. */
    iterator end() const noexcept { return {source_, count_}; }
    /** How many there are. */
    std::size_t size() const noexcept { return count_; }
    /** Whether there are none. */
    bool empty() const noexcept { return count_ == 0; }
    /** One item; index < size(). */
    Item operator[](std::size_t index) const noexcept { return Item::at(source_, index); }

  private:
    Source source_;
    std::size_t count_;
};

/**
 * One finding about a configuration. Borrows from the policy or error that it comes from; all texts
 * have a NUL behind.
 */
struct problem {
    crossgate::severity severity = crossgate::severity::error; ///< Error or warning.
    std::string_view code;    ///< The stable code, like "origin_has_path".
    std::string_view path;    ///< The place, like "allow_origins[2]"; empty for the whole document.
    std::string_view value;   ///< The value found there, escaped.
    std::string_view message; ///< What is wrong and why it matters.
    std::optional<std::string_view>
        hint; ///< The corrected text, if there is one. Not escaped: for a file, not for a log.

    /** For ranges. */
    template <class Source>
    static problem at(Source source, std::size_t index) noexcept {
        crossgate_problem raw = {};
        raw.struct_size = sizeof raw;
        problem found;
        if (source.fill(index, &raw) != CROSSGATE_OK)
            return found;
        found.severity = static_cast<crossgate::severity>(raw.severity);
        found.code = detail::view(raw.code);
        found.path = detail::view(raw.path);
        found.value = detail::view(raw.value);
        found.message = detail::view(raw.message);
        if (raw.hint.data != nullptr)
            found.hint = detail::view(raw.hint);
        return found;
    }
};

namespace detail {

struct error_source {
    const crossgate_error *error = nullptr;
    crossgate_status fill(std::size_t index, crossgate_problem *out) const noexcept {
        return crossgate_error_problem(error, index, out);
    }
};

struct warning_source {
    const crossgate_policy *policy = nullptr;
    crossgate_status fill(std::size_t index, crossgate_problem *out) const noexcept {
        return crossgate_policy_warning(policy, index, out);
    }
};

struct note_source {
    const crossgate_policy *policy = nullptr;
    crossgate_status fill(std::size_t index, crossgate_problem *out) const noexcept {
        return crossgate_policy_note(policy, index, out);
    }
};

} // namespace detail

/**
 * Why there is no policy. Thrown by result::value() where there are exceptions, given by
 * result::error() everywhere.
 */
class policy_error : public std::exception {
  public:
    /** Takes over what a function of crossgate.h gave; NULL if it gave none. */
    policy_error(crossgate::status code, crossgate_error *owned) : code_(code) {
        if (owned != nullptr)
            error_ = std::shared_ptr<crossgate_error>(owned, crossgate_error_free);
    }
    /** A failure that has no problems to it, in words of the caller's. */
    policy_error(crossgate::status code, std::string text)
        : code_(code), text_(std::make_shared<const std::string>(std::move(text))) {}
    /** invalid_policy, file, ... */
    crossgate::status code() const noexcept { return code_; }
    /** Every problem, for a person to read. Lives as long as this object or a copy of it. */
    const char *what() const noexcept override {
        if (text_)
            return text_->c_str();
        return error_ ? crossgate_error_text(error_.get())
                      : crossgate_status_string(static_cast<std::int32_t>(code_));
    }
    /** Every problem, in the order of the document; none if the file could not be read. */
    range<problem, detail::error_source> problems() const &noexcept {
        return {detail::error_source{error_.get()}, crossgate_error_count(error_.get())};
    }
    range<problem, detail::error_source> problems() const && = delete;

  private:
    crossgate::status code_;
    // Shared, since exceptions are copied and a copy must not throw.
    std::shared_ptr<crossgate_error> error_;
    std::shared_ptr<const std::string> text_;
};

/** A value, or the error in its place: std::expected for C++17, with what is needed here. */
template <class T>
class [[nodiscard]] result {
  public:
    /** A success. */
    result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : either_(std::in_place_index<0>, std::move(value)) {}
    /** A failure. */
    result(policy_error error) noexcept : either_(std::in_place_index<1>, std::move(error)) {}

    /** Whether there is a value. */
    bool has_value() const noexcept { return either_.index() == 0; }
    /** Whether there is a value. */
    explicit operator bool() const noexcept { return has_value(); }
    /** The value; only if there is one. */
    T &operator*() &noexcept { return *std::get_if<0>(&either_); }
    /** The value; only if there is one. */
    const T &operator*() const &noexcept { return *std::get_if<0>(&either_); }
    /** The value, to take; only if there is one. */
    T &&operator*() &&noexcept { return std::move(*std::get_if<0>(&either_)); }
    /** A member of the value; only if there is one. */
    T *operator->() noexcept { return std::get_if<0>(&either_); }
    /** A member of the value; only if there is one. */
    const T *operator->() const noexcept { return std::get_if<0>(&either_); }
    /** The error; only if there is no value. */
    const policy_error &error() const &noexcept { return *std::get_if<1>(&either_); }
    /** The error, to take; only if there is no value. */
    policy_error error() &&noexcept { return std::move(*std::get_if<1>(&either_)); }

    /**
     * The value; throws the error if there is none, or ends the program where there are no
     * exceptions.
     */
    T &value() & {
        check();
        return **this;
    }
    /** The same. */
    const T &value() const & {
        check();
        return **this;
    }
    /** The value, to take. By value: a reference into a temporary would dangle. */
    T value() && {
        check();
        return std::move(**this);
    }

  private:
    void check() const {
        if (!has_value()) {
#ifdef CROSSGATE_EXCEPTIONS
            throw error();
#else
            std::abort();
#endif
        }
    }
    std::variant<T, policy_error> either_;
};

/** Text that stays somebody else's and must live as long as what it is given to. So a std::string
   that is about to go is refused. A null pointer is no text. */
class borrowed {
  public:
    /** Text with a NUL behind it. */
    constexpr borrowed(const char *text) noexcept
        : text_(text == nullptr ? std::string_view() : std::string_view(text)) {}
    /** Any other text. */
    constexpr borrowed(std::string_view text) noexcept : text_(text) {}
    /** The same. */
    constexpr borrowed(const char *data, std::size_t length) noexcept : text_(data, length) {}
    /** A string that stays. */
    borrowed(const std::string &text) noexcept : text_(text) {}
    borrowed(const std::string &&) = delete;
    /** The first byte. */
    constexpr const char *data() const noexcept { return text_.data(); }
    /** The number of bytes. */
    constexpr std::size_t size() const noexcept { return text_.size(); }

  private:
    std::string_view text_;
};

/**
 * What a policy is asked about: the method and the header lines. Borrows all text until it is used
 * for the last time.
 */
class request {
  public:
    /** A request without header lines. */
    explicit request(borrowed method) noexcept {
        crossgate_request_init(&raw_, sizeof raw_, method.data(), method.size());
    }
    /** A request with the lines of a container: of pairs of a name and a value (std::string,
       std::string_view, const char *), such as a std::multimap. */
    template <class Headers>
    request(borrowed method, const Headers &headers) noexcept : request(method) {
        using item = decltype(*std::begin(headers));
        using value =
            std::remove_cv_t<std::remove_reference_t<decltype(std::declval<item>().second)>>;
        constexpr bool stays = std::is_reference_v<item> || std::is_same_v<value, std::string_view>;
        static_assert(stays || std::is_same_v<value, const char *>,
            "this container makes its strings on the way: they would be gone before the request is "
            "used");
        for (auto &&line : headers)
            add_header(line.first, std::string_view(line.second));
    }
    template <class Headers>
    request(borrowed method, const Headers &&headers) = delete;
    request(const request &) = delete;
    request &operator=(const request &) = delete;

    /**
     * Takes one header line; call it for every one, CORS or not. Never join lines. The value is
     * borrowed, the name not.
     */
    crossgate::status add_header(std::string_view name, borrowed value) noexcept {
        return static_cast<crossgate::status>(crossgate_request_add_header(
            &raw_, name.data(), name.size(), value.data(), value.size()));
    }
    /** What the application says of the origin that policy::needs_verdict() gave. */
    void set_verdict(crossgate::verdict found) noexcept {
        raw_.verdict = static_cast<std::int32_t>(found);
    }
    /** The struct of crossgate.h, for servers that point its members at arrays of their own. */
    crossgate_request &raw() noexcept { return raw_; }
    /** The same, to read. */
    const crossgate_request &raw() const noexcept { return raw_; }

  private:
    // Left as it is: the library initialises what it reads.
    crossgate_request raw_;
};

/**
 * One header of a decision. All texts have a NUL behind them; the value borrows from policy and
 * decision.
 */
struct header {
    std::string_view name;       ///< Like "Access-Control-Allow-Origin". Static.
    std::string_view lower_name; ///< Like "access-control-allow-origin". Static.
    std::string_view value;      ///< The value.
    crossgate::op op =
        crossgate::op::set; ///< What becomes of the response's own lines of that name.
    crossgate::header_id id = crossgate::header_id::vary; ///< Which one.
    crossgate::source source = crossgate::source::policy; ///< Whose memory the value is.
    const crossgate_header *raw = nullptr;                ///< The struct of crossgate.h.

    /** The value for a response that has `existing` under that name (its lines joined with ", "):
       the header's own, or both merged where the op says so. */
    std::string merge(std::string_view existing) const {
        if (op != crossgate::op::merge)
            return std::string(value);
        auto merged = detail::text(2 * (existing.size() + value.size()),
            [&](char *buffer, std::size_t size, std::size_t *length) {
                return crossgate_header_merge(
                    raw, existing.data(), existing.size(), buffer, size, length);
            });
        return merged ? std::move(*merged) : std::string(value);
    }
    /** For ranges. */
    static header at(const crossgate_header *headers, std::size_t index) noexcept {
        const crossgate_header *raw = headers + index;
        return {detail::view(raw->name), detail::view(raw->lower_name), detail::view(raw->value),
            static_cast<crossgate::op>(raw->op), static_cast<crossgate::header_id>(raw->id),
            static_cast<crossgate::source>(raw->source), raw};
    }
};

namespace detail {

/** A string_view that a range can make. */
struct name : std::string_view {
    explicit name(std::string_view text) noexcept : std::string_view(text) {}
    static name at(const crossgate_str *names, std::size_t index) noexcept {
        return name(view(names[index]));
    }
};

/** A response as crossgate_decision_apply() sees it. No exception may pass through C, so the first
    one waits here. */
template <class Response>
struct response_adapter {
    Response &response;
    std::string line;
#ifdef CROSSGATE_EXCEPTIONS
    std::exception_ptr failure;
#endif

    explicit response_adapter(Response &to) : response(to) {}
    template <class Call>
    crossgate_status guarded(Call call) noexcept {
#ifdef CROSSGATE_EXCEPTIONS
        try {
            call();
        } catch (...) {
            failure = std::current_exception();
            return CROSSGATE_ERR_PANIC;
        }
#else
        call();
#endif
        return CROSSGATE_OK;
    }
    static std::int32_t get(void *context, const crossgate_str *name, std::size_t index,
        crossgate_str *value) noexcept {
        auto &self = *static_cast<response_adapter *>(context);
        bool found = false;
        // All lines come as one.
        if (index == 0)
            self.guarded([&] {
                std::optional<std::string> joined = self.response.get(view(*name));
                found = joined.has_value();
                if (found)
                    self.line = std::move(*joined);
            });
        if (found)
            *value = {self.line.data(), self.line.size()};
        return found ? 1 : 0;
    }
    static crossgate_status set(void *context, const crossgate_header *header) noexcept {
        auto &self = *static_cast<response_adapter *>(context);
        return self.guarded([&] { self.response.set(view(header->name), view(header->value)); });
    }
    static crossgate_status remove(void *context, const crossgate_str *name) noexcept {
        auto &self = *static_cast<response_adapter *>(context);
        return self.guarded([&] { self.response.erase(view(*name)); });
    }
};

} // namespace detail

class policy;

/** The answer to one request. Reusable for the next one; usable as long as the policy that made it.
   Stays where it is, since values may lie in it. */
class decision {
  public:
    /** For policies that need no scratch buffer, and for policy::evaluate_http1(). */
    decision() noexcept { reset(); }
    /** With the scratch buffer that this policy needs, if any: the only allocation. */
    explicit inline decision(const policy &from);
    /** With a scratch buffer of the caller's, of at least policy::scratch_size() bytes. */
    decision(char *scratch, std::size_t size) noexcept : scratch_(scratch), scratch_size_(size) {
        reset();
    }
    decision(const decision &) = delete;
    decision &operator=(const decision &) = delete;

    /** Preflight, actual or no CORS request. */
    crossgate::kind kind() const noexcept { return static_cast<crossgate::kind>(raw_.kind); }
    /** Why. */
    crossgate::reason reason() const noexcept {
        return static_cast<crossgate::reason>(raw_.reason);
    }
    /** What the server does next. */
    crossgate::action action() const noexcept {
        return static_cast<crossgate::action>(raw_.action);
    }
    /**
     * Whether a CORS request passed; none for a request that is not one, or that is the server's
     * own.
     */
    std::optional<bool> allowed() const noexcept { return detail::allowed(raw_.allowed); }
    /** The status to answer with; 0 with action::forward. */
    int status() const noexcept { return raw_.status; }
    /**
     * Whether a response that already has Access-Control-Allow-Origin stays as it is, Vary merged
     * (upstream = "keep").
     */
    bool keeps_upstream() const noexcept {
        return (raw_.flags & CROSSGATE_DECISION_KEEP_UPSTREAM) != 0;
    }
    /**
     * Whether a remembered decision must be keyed by this value. Two requests of one kind, both or
     * neither with the method OPTIONS, that agree in all such values get the same decision.
     */
    bool depends_on(dependency value) const noexcept {
        return (raw_.depends_on & static_cast<std::uint32_t>(value)) != 0;
    }
    /** Whether the request's origin is one of the policy's exact origins. */
    bool origin_is_listed() const noexcept {
        return (raw_.flags & CROSSGATE_DECISION_ORIGIN_LISTED) != 0;
    }
    /**
     * The origin that the application is asked about, for policies with origin_predicate: look it
     * up, then resume(). Until then the decision denies. Borrows from the decision.
     */
    std::optional<std::string_view> needs_verdict() const &noexcept {
        if ((raw_.flags & CROSSGATE_DECISION_NEEDS_VERDICT) == 0)
            return std::nullopt;
        return detail::view(raw_.origin);
    }
    std::optional<std::string_view> needs_verdict() const && = delete;
    /**
     * Goes on with the verdict, which is absent, allow or deny; nothing is evaluated again. The
     * request need not be there any more.
     */
    crossgate::status resume(crossgate::verdict found) noexcept {
        return static_cast<crossgate::status>(
            crossgate_decision_resume(&raw_, static_cast<std::int32_t>(found)));
    }
    /** The headers that the response gets, in their order. */
    range<header, const crossgate_header *> headers() const &noexcept {
        return {raw_.headers, raw_.header_count};
    }
    range<header, const crossgate_header *> headers() const && = delete;
    /**
     * The lower-case names of the headers that the response loses if somebody set them:
     * std::string_views.
     */
    range<detail::name, const crossgate_str *> remove() const noexcept {
        return {raw_.remove, raw_.remove_count};
    }

    /**
     * Puts the decision on a response, whatever the application or an upstream had set. The
     * response is seen through three functions, for which names compare in any case:
     *
     *     // The lines of that name joined with ", ", if there are any.
     *     std::optional<std::string> get(std::string_view name);
     *     // Deletes them all.
     *     void erase(std::string_view name);
     *     // Puts one line in their place.
     *     void set(std::string_view name, std::string_view value);
     *
     * Returns whether that replaced or removed something that the response said. What they throw
     * comes out here.
     */
    template <class Response>
    bool apply(Response &&response) const {
        using adapter = detail::response_adapter<std::remove_reference_t<Response>>;
        static const crossgate_response_functions functions = {
            sizeof(crossgate_response_functions), 0, adapter::get, adapter::set, adapter::remove};
        adapter adapted(response);
        std::int32_t overwrote = 0;
        crossgate_decision_apply(&raw_, &functions, &adapted, &overwrote);
#ifdef CROSSGATE_EXCEPTIONS
        if (adapted.failure)
            std::rethrow_exception(adapted.failure);
#endif
        return overwrote == 1;
    }

    /** The headers as HTTP/1.1 lines, for servers that write responses themselves, as snprintf
       writes them: `length` gets the length without the NUL. An answer whose status is not 204 gets
       "Content-Length: 0". */
    crossgate::status write_http1(
        char *buffer, std::size_t size, std::size_t &length) const noexcept {
        return static_cast<crossgate::status>(
            crossgate_decision_write_http1(&raw_, buffer, size, &length));
    }
    /** The same as a string. */
    std::string http1() const {
        auto lines = detail::text(511, [&](char *buffer, std::size_t size, std::size_t *length) {
            return crossgate_decision_write_http1(&raw_, buffer, size, length);
        });
        return lines ? std::move(*lines) : std::string();
    }

    /** Forward, no headers: as it is before its first request. */
    void reset() noexcept { crossgate_decision_init(&raw_, sizeof raw_); }
    /** The struct of crossgate.h. */
    const crossgate_decision &raw() const noexcept { return raw_; }

  private:
    friend class policy;
    std::unique_ptr<char[]> own_;
    char *scratch_ = nullptr;
    std::size_t scratch_size_ = 0;
    crossgate_decision raw_;
};

/** A compiled policy: immutable, shared by its copies, usable by any number of threads at once and
   on both sides of a fork(). One that was moved away can only be assigned to or destroyed. */
class policy {
  public:
    /** Builds a policy from JSON text in UTF-8. */
    static result<policy> from_json(std::string_view text) {
        return build(crossgate_policy_from_json, text);
    }
    /** Builds a policy from TOML text. */
    static result<policy> from_toml(std::string_view text) {
        return build(crossgate_policy_from_toml, text);
    }
    /** Builds a policy from a file whose name ends in .json or .toml. */
    static result<policy> from_file(std::string_view path) {
        return build(crossgate_policy_from_file, path);
    }
    /** Builds a policy from environment variables: PREFIX_ALLOW_ORIGINS, PREFIX_MAX_AGE and so on.
       No other thread may change the environment meanwhile. */
    static result<policy> from_env(std::string_view prefix) {
        return build(crossgate_policy_from_env, prefix);
    }
    /** Takes over a reference that a function of crossgate.h gave. */
    static policy adopt(crossgate_policy *owned) noexcept { return policy(owned); }

    /** Another reference to the same policy. */
    policy(const policy &other) noexcept : raw_(crossgate_policy_ref(other.raw_)) {}
    /** Takes the reference over. */
    policy(policy &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    /** Gives the own reference back and takes the other's. */
    policy &operator=(policy other) noexcept {
        swap(other);
        return *this;
    }
    /** Gives the reference back; the last one frees the policy and all that is borrowed from it. */
    ~policy() { crossgate_policy_free(raw_); }
    /** Exchanges two references. */
    void swap(policy &other) noexcept { std::swap(raw_, other.raw_); }
    /** For functions of crossgate.h; stays this object's. */
    const crossgate_policy *raw() const noexcept { return raw_; }

    /** What is worth a look though the policy is built. Borrows from the policy. */
    range<problem, detail::warning_source> warnings() const &noexcept {
        return {detail::warning_source{raw_}, crossgate_policy_warning_count(raw_)};
    }
    range<problem, detail::warning_source> warnings() const && = delete;
    /** What is true of the policy and needs nothing done. Borrows from the policy. */
    range<problem, detail::note_source> notes() const &noexcept {
        return {detail::note_source{raw_}, crossgate_policy_note_count(raw_)};
    }
    range<problem, detail::note_source> notes() const && = delete;
    /** A short name for what the policy says: 16 hexadecimal digits. Borrows from the policy. */
    std::string_view digest() const &noexcept { return crossgate_policy_digest(raw_); }
    std::string_view digest() const && = delete;
    /** The canonical document as JSON text; a policy built from it is equal to this one. */
    std::string document_json() const {
        auto document =
            detail::text(1023, [&](char *buffer, std::size_t size, std::size_t *length) {
                return crossgate_policy_document_json(raw_, buffer, size, length);
            });
        return document ? std::move(*document) : std::string();
    }
    /** Whether the policy takes verdicts on origins that nothing in it matches (origin_predicate).
     */
    bool has_origin_predicate() const noexcept {
        return crossgate_policy_has_origin_predicate(raw_) != 0;
    }
    /**
     * The scratch that preflights need: 0 for most policies. For decisions with a buffer of the
     * caller's.
     */
    std::size_t scratch_size() const noexcept { return crossgate_policy_scratch_size(raw_); }

    /** Decides about a request; allocates nothing. On failure, which only a mistake of the caller's
       brings about, the decision is that of reset(): a server that does not look at the status
       sends no permission. Look at decision::needs_verdict() if the policy has origin_predicate. */
    crossgate::status evaluate(const request &about, decision &out) const &noexcept {
        return static_cast<crossgate::status>(
            crossgate_evaluate(raw_, &about.raw(), &out.raw_, out.scratch_, out.scratch_size_));
    }
    crossgate::status evaluate(const request &about, decision &out) const && = delete;

    /** For servers that write HTTP/1.1 themselves: evaluate() and decision::write_http1() in one,
       and cheaper. The lines are in the buffer, the decision has none; scratch is not needed.
       `length` is as in write_http1(). */
    crossgate::status evaluate_http1(const request &about, decision &out, char *buffer,
        std::size_t size, std::size_t &length) const noexcept {
        return static_cast<crossgate::status>(
            crossgate_evaluate_http1(raw_, &about.raw(), &out.raw_, buffer, size, &length));
    }

    /** Only the question, for servers that look the origin up before they evaluate: the origin that
       the application is asked about. Look it up, then request::set_verdict(). Borrows from the
       request's text. */
    std::optional<std::string_view> needs_verdict(const request &about) const noexcept {
        crossgate_str origin = {nullptr, 0};
        if (crossgate_needs_verdict(raw_, &about.raw(), &origin) != CROSSGATE_OK
            || origin.data == nullptr)
            return std::nullopt;
        return detail::view(origin);
    }

    /** Checks the origin of a WebSocket handshake, which carries cookies and is not subject to
       CORS; of the request Origin and the verdict count. is_public: the socket reads no cookie and
       serves everybody alike. Mistakes of the caller's deny. */
    websocket check_websocket(const request &about, bool is_public = false) const noexcept {
        std::int32_t found = CROSSGATE_WEBSOCKET_DENY;
        crossgate_check_websocket(raw_, &about.raw(), is_public ? 1 : 0, &found);
        return static_cast<websocket>(found);
    }

  private:
    explicit policy(crossgate_policy *owned) noexcept : raw_(owned) {}
    using maker = crossgate_status (*)(
        const char *, std::size_t, crossgate_policy **, crossgate_error **);
    static result<policy> build(maker from, std::string_view text) {
        crossgate_policy *built = nullptr;
        crossgate_error *error = nullptr;
        const crossgate_status outcome = from(text.data(), text.size(), &built, &error);
        if (outcome != CROSSGATE_OK)
            return policy_error(static_cast<crossgate::status>(outcome), error);
        return policy(built);
    }
    crossgate_policy *raw_;
};

inline decision::decision(const policy &from) : scratch_size_(from.scratch_size()) {
    if (scratch_size_ > 0) {
        own_.reset(new char[scratch_size_]);
        scratch_ = own_.get();
    }
    reset();
}

/** A policy from single options, for servers that have a configuration language of their own.
   Options and values are those of the policy document; build() judges them all at once. Texts are
   copied.
 */
class builder {
  public:
    /** Without options. */
    builder() noexcept {
        crossgate_builder *made = nullptr;
        note(crossgate_builder_new(&made), {});
        raw_.reset(made);
    }

    /**
     * Sets an option that is true or false, like "allow_credentials". Replaces what it had, as
     * every set() does.
     */
    template <class Value, std::enable_if_t<std::is_same_v<Value, bool>, int> = 0>
    builder &set(std::string_view option, Value value) {
        return note(
            crossgate_builder_set_bool(raw_.get(), data(option), option.size(), value ? 1 : 0),
            option);
    }
    /** Sets an option that is a number, like "max_age". */
    template <class Value,
        std::enable_if_t<std::is_integral_v<Value> && !std::is_same_v<Value, bool>, int> = 0>
    builder &set(std::string_view option, Value value) {
        constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
        const bool fits =
            std::is_signed_v<
                Value> || static_cast<std::uint64_t>(value) <= static_cast<std::uint64_t>(largest);
        // What does not fit is too large for every option, and said to be.
        return note(crossgate_builder_set_integer(raw_.get(), data(option), option.size(),
                        fits ? static_cast<std::int64_t>(value) : largest),
            option);
    }
    /** Sets an option that is text, like "denied_actual", or "*" for one that is a list. */
    builder &set(std::string_view option, std::string_view value) {
        return note(crossgate_builder_set_string(
                        raw_.get(), data(option), option.size(), data(value), value.size()),
            option);
    }
    /** Sets an option that is a list, like "allow_origins"; an empty one is as none. */
    builder &set(std::string_view option, std::initializer_list<std::string_view> values) {
        return set_all(option, values);
    }
    /** The same from a container of texts. */
    template <class Texts,
        class = std::enable_if_t<!std::is_convertible_v<const Texts &, std::string_view>>,
        class = decltype(std::string_view(*std::begin(std::declval<const Texts &>())))>
    builder &set(std::string_view option, const Texts &values) {
        return set_all(option, values);
    }
    /** Adds one text to an option that is a list; the first one starts the list. */
    builder &add(std::string_view option, std::string_view value) {
        return note(crossgate_builder_add(
                        raw_.get(), data(option), option.size(), data(value), value.size()),
            option);
    }
    /** Takes an option back, so that it has its default again. */
    builder &unset(std::string_view option) {
        return note(crossgate_builder_unset(raw_.get(), data(option), option.size()), option);
    }

    /** Builds a policy. Every unknown name, wrong type and wrong value is a problem of the error;
       an option that could not even be taken (text that is not UTF-8, add() to what is no list) is
       the error by itself. The builder stays and can be changed and used again; that of a moved one
       fails. */
    result<policy> build() const {
        if (failed_ != CROSSGATE_OK)
            return policy_error(static_cast<crossgate::status>(failed_),
                option_ + ": " + crossgate_status_string(failed_));
        crossgate_policy *built = nullptr;
        crossgate_error *error = nullptr;
        const crossgate_status outcome = crossgate_builder_build(raw_.get(), &built, &error);
        if (outcome != CROSSGATE_OK)
            return policy_error(static_cast<crossgate::status>(outcome), error);
        return policy::adopt(built);
    }

  private:
    // An empty view may have no data; text that is not there is an error to the library.
    static const char *data(std::string_view text) noexcept {
        return text.data() == nullptr ? "" : text.data();
    }
    // The first failure is the one that build() tells of.
    builder &note(crossgate_status outcome, std::string_view option) {
        if (outcome != CROSSGATE_OK && failed_ == CROSSGATE_OK) {
            failed_ = outcome;
            option_ = option;
        }
        return *this;
    }
    template <class Texts>
    builder &set_all(std::string_view option, const Texts &values) {
        unset(option);
        for (const auto &value : values)
            add(option, value);
        return *this;
    }
    std::unique_ptr<crossgate_builder, detail::release> raw_;
    crossgate_status failed_ = CROSSGATE_OK;
    std::string option_;
};

/** What the shadow policy of a shared_policy would have done otherwise. */
class difference {
  public:
    /** One of the two decisions. */
    struct side {
        crossgate::reason reason = crossgate::reason::no_origin; ///< Why.
        crossgate::action action = crossgate::action::forward;   ///< What the server does next.
        std::optional<bool> allowed;                             ///< As decision::allowed().
        int status = 0;                                          ///< As decision::status().
    };

    /** None. */
    difference() noexcept { raw_.struct_size = sizeof raw_; }
    /** Between two decisions about one request that are there already. */
    static difference between(const decision &live, const decision &shadow) noexcept {
        difference found;
        crossgate_decision_difference(&live.raw(), &shadow.raw(), &found.raw_);
        return found;
    }
    /** Whether the decisions differ; false if there is no shadow policy. */
    bool differs() const noexcept { return raw_.differs == 1; }
    /** What the request is. */
    crossgate::kind kind() const noexcept { return static_cast<crossgate::kind>(raw_.kind); }
    /** Whether only one of them sends this header, or with another value. */
    bool has(header_id header) const noexcept {
        return ((raw_.headers >> static_cast<std::uint32_t>(header)) & 1) != 0;
    }
    /** The decision of the live policy. */
    side live() const noexcept {
        return make(raw_.live_reason, raw_.live_action, raw_.live_allowed, raw_.live_status);
    }
    /** The decision of the shadow policy; the live one's if there is none. */
    side shadow() const noexcept {
        return make(
            raw_.shadow_reason, raw_.shadow_action, raw_.shadow_allowed, raw_.shadow_status);
    }
    /** The struct of crossgate.h. */
    const crossgate_difference &raw() const noexcept { return raw_; }

  private:
    friend class shared_policy;
    static side make(std::int32_t reason, std::int32_t action, std::int32_t allowed,
        std::int32_t status) noexcept {
        return {static_cast<crossgate::reason>(reason), static_cast<crossgate::action>(action),
            detail::allowed(allowed), status};
    }
    crossgate_difference raw_ = {};
};

/** A place for a policy that is replaced while other threads serve with it. Any number of threads
   may use it at once, but for moving and destroying it. */
class shared_policy {
  public:
    /** With its first policy, which stays the caller's too. */
    explicit shared_policy(const policy &first) noexcept {
        crossgate_shared_policy *made = nullptr;
        crossgate_shared_policy_new(first.raw(), &made);
        raw_.reset(made);
    }

    /** The policy of this moment, for one request: keep it until the response is written, since the
       decision borrows from it. Never waits and allocates nothing. */
    policy load() const noexcept { return policy::adopt(crossgate_shared_policy_load(raw_.get())); }
    /** Puts another policy in its place. Who loaded the old one goes on with it. */
    crossgate::status replace(const policy &next) const noexcept {
        return static_cast<crossgate::status>(
            crossgate_shared_policy_replace(raw_.get(), next.raw()));
    }
    /**
     * Puts a policy from JSON text in its place and gives it, for its warnings. If the text is
     * wrong, the old one stays.
     */
    result<policy> replace_json(std::string_view text) const {
        return replace_by(policy::from_json(text));
    }
    /** The same from TOML text. */
    result<policy> replace_toml(std::string_view text) const {
        return replace_by(policy::from_toml(text));
    }
    /** The same from a file. */
    result<policy> replace_file(std::string_view path) const {
        return replace_by(policy::from_file(path));
    }

    /** Sets the policy that is asked beside the live one and decides nothing. */
    crossgate::status set_shadow(const policy &shadow) const noexcept {
        // For the library a missing policy means none.
        return shadow.raw() == nullptr
                   ? status::null_argument
                   : static_cast<crossgate::status>(
                       crossgate_shared_policy_set_shadow(raw_.get(), shadow.raw()));
    }
    /** Takes the shadow policy away. */
    crossgate::status clear_shadow() const noexcept {
        return static_cast<crossgate::status>(
            crossgate_shared_policy_set_shadow(raw_.get(), nullptr));
    }
    /**
     * Asks the live and the shadow policy about a request; allocates nothing, never waits. On
     * failure there is no difference.
     */
    crossgate::status compare_shadow(const request &about, difference &out) const noexcept {
        out = difference();
        return static_cast<crossgate::status>(
            crossgate_shared_policy_compare_shadow(raw_.get(), &about.raw(), &out.raw_));
    }
    /** For functions of crossgate.h; stays this object's. */
    const crossgate_shared_policy *raw() const noexcept { return raw_.get(); }

  private:
    result<policy> replace_by(result<policy> built) const {
        if (built) {
            const crossgate::status outcome = replace(*built);
            if (outcome != status::ok)
                return policy_error(outcome, nullptr);
        }
        return built;
    }
    std::unique_ptr<crossgate_shared_policy, detail::release> raw_;
};

/**
 * Counts of decisions by reason. Any number of threads may use them at once, but for moving and
 * destroying them.
 */
class counters {
  public:
    /** All 0. */
    counters() noexcept {
        crossgate_counters *made = nullptr;
        crossgate_counters_new(&made);
        raw_.reset(made);
    }
    /** Counts a decision. Allocates nothing, never blocks. */
    crossgate::status record(const decision &made) const noexcept {
        return static_cast<crossgate::status>(crossgate_counters_record(raw_.get(), &made.raw()));
    }
    /** Counts a response of whose own CORS headers decision::apply() replaced or removed some. */
    crossgate::status add_overwrote_upstream() const noexcept {
        return static_cast<crossgate::status>(
            crossgate_counters_add_overwrote_upstream(raw_.get()));
    }
    /** How many responses had CORS headers of their own that were replaced or removed. */
    std::uint64_t overwrote_upstream() const noexcept {
        std::uint64_t found = 0;
        crossgate_counters_overwrote_upstream(raw_.get(), &found);
        return found;
    }
    /** How many with this reason were recorded. */
    std::uint64_t get(reason why) const noexcept {
        std::uint64_t found = 0;
        crossgate_counters_get(raw_.get(), static_cast<std::int32_t>(why), &found);
        return found;
    }
    /** All counts as Prometheus text, crossgate_decisions_total{reason="allowed"} and so on. */
    std::string to_prometheus() const {
        // Room for every reason with 20 digits: numbers may grow between two calls.
        auto lines = detail::text(4095, [&](char *buffer, std::size_t size, std::size_t *length) {
            return crossgate_counters_to_prometheus(raw_.get(), buffer, size, length);
        });
        return lines ? std::move(*lines) : std::string();
    }
    /** For functions of crossgate.h; stays this object's. */
    const crossgate_counters *raw() const noexcept { return raw_.get(); }

  private:
    std::unique_ptr<crossgate_counters, detail::release> raw_;
};

/** Merges names into the Vary that a response has (its lines joined with ", "): each once whatever
   its case, the response's own first; a "*" stays alone. */
inline std::string vary_merge(std::string_view existing, std::string_view added) {
    auto merged = detail::text(2 * (existing.size() + added.size()),
        [&](char *buffer, std::size_t size, std::size_t *length) {
            return crossgate_vary_merge(
                existing.data(), existing.size(), added.data(), added.size(), buffer, size, length);
        });
    return merged ? std::move(*merged) : std::string(added);
}

} // namespace crossgate

#endif // CROSSGATE_HPP
