/*
 * A small HTTP server with Poco and crossgate.
 *
 *     c++ -std=c++17 poco.cpp -o server -lPocoNet -lPocoFoundation -lcrossgate
 *     ./server --policy policy.json --port 8080
 *
 * The traps of this server:
 * - Its server has no error page of its own for a handler's exception that one could put headers
 *   on: the connection gets a bare 500. So the application is called inside answer(), which sees
 *   every outcome.
 * - HTTPResponse::redirect(), requireAuthentication() and sendErrorResponse() send at once: put the
 *   headers on before.
 * - request.get("Origin") gives the first line: go through the request.
 * - ServerSocket(address) listens with SO_REUSEPORT: a second server on the same port takes half of
 *   the connections, unnoticed. bind() can do without.
 * - Without a length or chunks, Poco ends the response by closing the connection.
 */
#include "common.hpp"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

// ---- crossgate and Poco ----

struct response_fields {
    HTTPServerResponse &response; // a multimap whose keys compare in any case

    std::optional<std::string> get(std::string_view name) const {
        std::optional<std::string> joined;
        for (auto line = response.find(std::string(name));
             line != response.end() && Poco::icompare(line->first, std::string(name)) == 0; ++line)
            joined = joined ? *joined + ", " + line->second : line->second;
        return joined;
    }
    void erase(std::string_view name) { response.erase(std::string(name)); }
    void set(std::string_view name, std::string_view value) {
        erase(name);
        response.add(std::string(name), std::string(value));
    }
};

// ---- both together ----

class handler : public Poco::Net::HTTPRequestHandler {
  public:
    explicit handler(const crossgate::policy &policy) : policy_(policy) {}

    void handleRequest(HTTPServerRequest &from, HTTPServerResponse &response) override {
        crossgate::decision decision(policy_);
        const crossgate::request request(
            from.getMethod(), static_cast<const Poco::Net::NameValueCollection &>(from));
        decide(policy_, request, decision);

        page page = {decision.status(), ""};
        if (decision.action() == crossgate::action::forward) {
            const std::string path = from.getURI().substr(0, from.getURI().find('?'));
            page = application(
                path, [&](const char *name, const char *value) { response.add(name, value); });
        }
        response.setStatusAndReason(static_cast<HTTPServerResponse::HTTPStatus>(page.status));
        decision.apply(response_fields{response});
        if (page.status != 204)
            response.setContentLength(
                static_cast<std::streamsize>(std::string_view(page.body).size()));
        std::ostream &body = response.send();
        if (from.getMethod() != "HEAD")
            body << page.body;
    }

  private:
    crossgate::policy policy_; // a copy is another reference
};

class factory : public Poco::Net::HTTPRequestHandlerFactory {
  public:
    explicit factory(const crossgate::policy &policy) : policy_(policy) {}
    Poco::Net::HTTPRequestHandler *createRequestHandler(const HTTPServerRequest &) override {
        return new handler(policy_);
    }

  private:
    crossgate::policy policy_;
};

int main(int argc, char **argv) try {
    const arguments arguments = parse(argc, argv);
    const crossgate::policy policy = load(arguments.policy);
    const stop_signals signals;
    Poco::Net::ServerSocket socket;
    socket.bind(Poco::Net::SocketAddress("127.0.0.1", arguments.port), true, false);
    socket.listen();
    Poco::Net::HTTPServer server(new factory(policy), socket, new Poco::Net::HTTPServerParams);
    server.start();
    announce(socket.address().port());
    signals.wait();
    server.stopAll();
} catch (const Poco::Exception &error) {
    std::cerr << error.displayText() << '\n';
    return 1;
}
