/*
 * What the C++ examples share: the command line, the policy, and the routes.
 */
#ifndef CROSSGATE_EXAMPLES_COMMON_HPP
#define CROSSGATE_EXAMPLES_COMMON_HPP

#include <crossgate.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

struct arguments {
    std::string policy;
    unsigned short port = 8080;
};

// Reads the arguments, or ends the program.
inline arguments parse(int argc, char **argv) {
    arguments found;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string_view(argv[i]) == "--policy")
            found.policy = argv[i + 1];
        else if (std::string_view(argv[i]) == "--port")
            found.port = static_cast<unsigned short>(std::atoi(argv[i + 1]));
    }
    if (found.policy.empty() || argc % 2 == 0) {
        std::cerr << "usage: " << argv[0] << " --policy FILE [--port N]\n";
        std::exit(2);
    }
    return found;
}

// Reads the policy, or ends the program.
inline crossgate::policy load(const std::string &path) {
    auto policy = crossgate::policy::from_file(path);
    if (!policy) {
        std::cerr << policy.error().what() << '\n';
        std::exit(1);
    }
    for (const auto &warning : policy->warnings())
        std::cerr << "warning: " << warning.code << " at " << warning.path << ": "
                  << warning.message << '\n';
    return *std::move(policy);
}

inline void announce(int port) { std::cout << "listening on 127.0.0.1:" << port << std::endl; }

// Blocks the signals that stop the server, for this thread and those that it starts; wait() takes
// one.
class stop_signals {
  public:
    stop_signals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    void wait() const {
        int received;
        sigwait(&set_, &received);
    }

  private:
    sigset_t set_;
};

// Decides, and tells the log about a mistake of ours: the decision then has no permission in it.
inline void decide(const crossgate::policy &policy, const crossgate::request &request,
    crossgate::decision &decision) {
    if (auto outcome = policy.evaluate(request, decision); outcome != crossgate::status::ok)
        std::cerr << "crossgate: " << crossgate::to_string(outcome) << '\n';
    // With origin_predicate: if decision.needs_verdict(), look that origin up and call
    // decision.resume().
}

// The application: four routes. Headers go to set(name, value).
struct page {
    int status;
    const char *body;
};

template <class Set>
page application(std::string_view path, Set set) {
    if (path == "/data" || path == "/upstream") {
        set("Content-Type", "application/json");
        if (path == "/upstream") {
            // As a proxied server may answer that has ideas of its own.
            set("Access-Control-Allow-Origin", "*");
            set("Access-Control-Expose-Headers", "X-Own");
            set("Vary", "Accept-Encoding");
        }
        return {200, "{\"ok\":true}\n"};
    }
    set("Content-Type", "text/plain");
    if (path == "/error")
        return {500, "error\n"};
    return {404, "not found\n"};
}

#endif
