/*
 * A small HTTP server with Boost.Beast and crossgate.
 *
 *     c++ -std=c++17 beast.cpp -o server -lcrossgate -pthread
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - It is a protocol, not a server: there is no router and no error page, so every response that is
 *   made anywhere (bad target, exception, 404) must pass one place. Here that is answer().
 * - method() of a method that Beast does not know is verb::unknown: take method_string().
 * - request["Origin"] gives the first line: go through the fields.
 * - set() takes the name as a string: field::unknown of the enum overload is not a name.
 * - Until Boost 1.81 its string_view is not std::string_view: take data() and size().
 */
#include "common.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <thread>

namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;

// ---- crossgate and Beast ----

static beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

template <class Text>
std::string_view view(const Text &text) {
    return {text.data(), text.size()};
}

struct response_fields {
    http::fields &fields;

    std::optional<std::string> get(std::string_view name) const {
        std::optional<std::string> joined;
        auto [line, end] = fields.equal_range(view(name));
        for (; line != end; ++line)
            joined = (joined ? *joined + ", " : std::string()).append(view(line->value()));
        return joined;
    }
    void erase(std::string_view name) { fields.erase(view(name)); }
    void set(std::string_view name, std::string_view value) { fields.set(view(name), view(value)); }
};

// ---- both together ----

static http::response<http::string_body> answer(const crossgate::policy &policy,
    crossgate::decision &decision, const http::request<http::string_body> &from) {
    crossgate::request request(view(from.method_string()));
    for (const auto &line : from)
        request.add_header(view(line.name_string()), view(line.value()));
    decide(policy, request, decision);

    http::response<http::string_body> response;
    response.version(from.version());
    response.keep_alive(from.keep_alive());
    page page = {decision.status(), ""};
    if (decision.action() == crossgate::action::forward) {
        const std::string_view target = view(from.target());
        page = application(target.substr(0, target.find('?')),
            [&](const char *name, const char *value) { response.insert(name, value); });
    }
    response.result(static_cast<unsigned>(page.status));
    decision.apply(response_fields{response});
    if (page.status != 204)
        response.content_length(std::string_view(page.body).size());
    if (from.method() != http::verb::head)
        response.body() = page.body;
    return response;
}

static void serve(tcp::socket socket, const crossgate::policy &policy) {
    beast::error_code failed;
    beast::flat_buffer buffer;
    crossgate::decision decision(policy); // for one request after another
    for (bool more = true; more && !failed;) {
        http::request<http::string_body> request;
        http::read(socket, buffer, request, failed);
        if (failed)
            break;
        const auto response = answer(policy, decision, request);
        http::write(socket, response, failed);
        more = response.keep_alive();
    }
    socket.shutdown(tcp::socket::shutdown_send, failed);
}

int main(int argc, char **argv) try {
    const arguments arguments = parse(argc, argv);
    const crossgate::policy policy = load(arguments.policy);
    const stop_signals signals;
    boost::asio::io_context context;
    tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), arguments.port});
    announce(acceptor.local_endpoint().port());
    // One thread a connection keeps the example short; each has its own reference to the policy.
    std::thread([&acceptor, policy] {
        for (;;) {
            beast::error_code failed;
            tcp::socket socket = acceptor.accept(failed);
            if (!failed)
                std::thread([policy, peer = std::move(socket)]() mutable {
                    serve(std::move(peer), policy);
                }).detach();
        }
    }).detach();
    signals.wait();
    std::quick_exit(0); // the threads are in the middle of something
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
