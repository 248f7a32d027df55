/*
 * A small HTTP server with cpp-httplib and crossgate.
 *
 *     c++ -std=c++17 cpp_httplib.cpp -o server -lcpp-httplib -lcrossgate -pthread
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - Routes are registered by method, so a preflight finds none and gets 404. The pre-routing
 *   handler comes before routing.
 * - A handler's own headers come after the pre-routing handler's and as further lines: set_header()
 *   adds. The post-routing handler runs last, for a 404 and an exception's 500 too
 *   (set_error_handler() is for neither): apply there.
 * - get_header_value() gives the first line: go through req.headers.
 * - An exception that leaves a handler is answered with its text in an EXCEPTION_WHAT header. Set
 *   an exception handler.
 * - It waits for the body of a PUT or POST without Content-Length, and answers 400 when none comes.
 *   (Browsers send 0.)
 * - It listens with SO_REUSEPORT: a second server on the same port takes half of the connections,
 *   unnoticed.
 * - A 204 gets "Content-Length: 0", which it must not have.
 */
#include "common.hpp"

#include <httplib.h>

#include <thread>

// ---- crossgate and cpp-httplib ----

struct response_fields {
    httplib::Headers &headers; // a multimap whose keys compare in any case

    std::optional<std::string> get(std::string_view name) const {
        std::optional<std::string> joined;
        auto [line, end] = headers.equal_range(std::string(name));
        for (; line != end; ++line)
            joined = joined ? *joined + ", " + line->second : line->second;
        return joined;
    }
    void erase(std::string_view name) { headers.erase(std::string(name)); }
    void set(std::string_view name, std::string_view value) {
        erase(name);
        headers.emplace(name, value);
    }
};

// ---- both together ----

int main(int argc, char **argv) {
    const arguments arguments = parse(argc, argv);
    const crossgate::policy policy = load(arguments.policy);
    const stop_signals signals;

    httplib::Server server;
    server.set_socket_options([](socket_t socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    // Deciding twice is cheaper than carrying a decision from here to there.
    server.set_pre_routing_handler([policy](const httplib::Request &req, httplib::Response &res) {
        crossgate::decision decision(policy);
        decide(policy, crossgate::request(req.method, req.headers), decision);
        if (decision.action() == crossgate::action::forward)
            return httplib::Server::HandlerResponse::Unhandled;
        res.status = decision.status();
        return httplib::Server::HandlerResponse::Handled;
    });
    server.set_post_routing_handler([policy](const httplib::Request &req, httplib::Response &res) {
        crossgate::decision decision(policy);
        decide(policy, crossgate::request(req.method, req.headers), decision);
        decision.apply(response_fields{res.headers});
        if (res.status == 204)
            res.headers.erase("Content-Length");
    });
    server.set_exception_handler(
        [](const auto &, auto &res, std::exception_ptr) { res.status = 500; });

    const auto handler = [](const httplib::Request &req, httplib::Response &res) {
        const page page = application(
            req.path, [&](const char *name, const char *value) { res.set_header(name, value); });
        res.status = page.status;
        res.body = page.body;
    };
    for (const char *path : {"/data", "/upstream", "/error"})
        server.Get(path, handler)
            .Put(path, handler)
            .Post(path, handler)
            .Delete(path, handler)
            .Options(path, handler);

    const int port = arguments.port == 0 ? server.bind_to_any_port("127.0.0.1")
                     : server.bind_to_port("127.0.0.1", arguments.port) ? arguments.port
                                                                        : -1;
    if (port < 0) {
        std::cerr << "cannot listen on 127.0.0.1:" << arguments.port << '\n';
        return 1;
    }
    announce(port);
    std::thread listening([&] { server.listen_after_bind(); });
    signals.wait();
    server.stop();
    listening.join();
}
