/*
 * A small FastCGI application with libfcgi and crossgate, behind nginx, lighttpd, Apache or any
 * other front server.
 *
 *     cc fastcgi.c -o application -lfcgi -lcrossgate
 *     ./application --policy policy.json --port 9000
 *
 * and in nginx:
 *
 *     location / { include fastcgi_params; fastcgi_pass 127.0.0.1:9000; }
 *
 * The traps of this server:
 * - The front server must pass on every method: a limit_except, an auth_basic or a "return" in its
 *   configuration answers the preflight first, without our headers. So do its own error pages (502,
 *   413): they have none.
 * - FCGX_GetParam("HTTP_ORIGIN") gives the first line only. nginx before 1.23 passes every line as
 *   a parameter of its own, so go through the array; later ones and lighttpd join lines with ", ",
 *   which is a denied origin as it should be.
 * - An add_header Access-Control-... in the front server's configuration makes a second line: take
 *   it out there.
 * - Without "Status:" every response is a 200.
 */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <fcgiapp.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

/* Parameters look like "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT". */
static void collect(char **parameters, crossgate_request *request) {
    for (; *parameters; parameters++) {
        const char *equals = strchr(*parameters, '=');
        char name[64];
        size_t length = equals ? (size_t)(equals - *parameters) : 0;
        if (length <= 5 || length - 5 >= sizeof name || strncmp(*parameters, "HTTP_", 5) != 0)
            continue; /* no header, or one that is longer than any that CORS reads */
        for (size_t i = 5; i < length; i++)
            name[i - 5] = (*parameters)[i] == '_' ? '-' : (*parameters)[i];
        crossgate_request_add_header(request, name, length - 5, equals + 1, strlen(equals + 1));
    }
}

static void answer(FCGX_Request *fcgi, const server *server, char *scratch) {
    const char *method = FCGX_GetParam("REQUEST_METHOD", fcgi->envp),
               *uri = FCGX_GetParam("REQUEST_URI", fcgi->envp);
    crossgate_request request;
    crossgate_decision decision;
    crossgate_request_init(&request, sizeof request, method, method ? strlen(method) : 0);
    collect(fcgi->envp, &request);
    decide(server, &request, &decision, scratch);

    list headers = {.count = 0};
    fields response = {&headers, list_line, list_erase, list_add};
    const char *body = "";
    int status = decision.status;
    if (decision.action == CROSSGATE_ACTION_FORWARD)
        body = application(uri ? uri : "", uri ? strcspn(uri, "?") : 0, &response, &status);
    apply(&decision, &response);

    FCGX_FPrintF(fcgi->out, "Status: %d %s\r\n", status, phrase(status));
    for (int i = 0; i < headers.count; i++)
        FCGX_FPrintF(fcgi->out, "%s: %s\r\n", headers.lines[i].name, headers.lines[i].value);
    if (status != 204)
        FCGX_FPrintF(fcgi->out, "Content-Length: %d\r\n", (int)strlen(body));
    FCGX_FPrintF(fcgi->out, "\r\n");
    if (method == NULL || strcmp(method, "HEAD") != 0)
        FCGX_PutS(body, fcgi->out);
    list_erase(&headers, NULL);
}

static void stop(int signal) {
    (void)signal;
    FCGX_ShutdownPending();
}

int main(int argc, char **argv) {
    server server = configure(argc, argv);
    char *scratch = malloc(server.scratch_size + 1);

    /* Not FCGX_OpenSocket(":9000"): that listens on every interface, and whoever reaches a
       FastCGI port may send anything. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int reuse = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, SOMAXCONN) != 0)
        give_up(&server);
    getsockname(listener, (struct sockaddr *)&address, &size);

    struct sigaction action = {
        .sa_handler = stop}; /* without SA_RESTART, so that accept() is left */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    FCGX_Request fcgi;
    FCGX_Init();
    FCGX_InitRequest(&fcgi, listener, FCGI_FAIL_ACCEPT_ON_INTR);
    announce(ntohs(address.sin_port));
    while (FCGX_Accept_r(&fcgi) == 0) {
        answer(&fcgi, &server, scratch);
        FCGX_Finish_r(&fcgi);
    }
    free(scratch);
    crossgate_policy_free(server.policy);
    return 0;
}
