"""One nginx with all that the tests ask about, and what they expect of it."""

import contextlib

from nginx_harness import Connection, Nginx, Upstream, free_ports

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
MAIN = {
    "allow_origins": ["https://a.example", "https://*.wild.example"],
    "allow_methods": ["PUT", "DELETE"],
    "allow_headers": ["X-Token", "Authorization"],
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
    "max_age": 600,
}
GRANTED = {
    "access-control-allow-credentials": "true",
    "access-control-allow-origin": "https://a.example",
    "access-control-expose-headers": "X-Total",
    "vary": "Origin",
}
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method"
ANSWERED = {
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "X-Token, Authorization",
    "access-control-allow-methods": "PUT, DELETE",
    "access-control-allow-origin": "https://a.example",
    "access-control-max-age": "600",
    "vary": PREFLIGHT_VARY,
}
ECHO = {"allow_origins": ["https://a.example"], "allow_headers": "*", "allow_credentials": True}
POLICIES = {
    "main": MAIN,
    "other": {"allow_origins": ["https://other.example"]},
    "any": {"allow_origins": "*"},
    "echo": ECHO,
    "keep": MAIN | {"upstream": "keep"},
    "reject": MAIN | {"denied_actual": "reject", "own_origins": ["https://own.example"]},
    "host": {"origin_predicate": True},
    "status": MAIN | {"preflight_status": 200, "denied_preflight_status": 400},
}

HTTP = """
    log_format cors '$request_uri $status $crossgate_kind $crossgate_reason '
        '$crossgate_allowed $crossgate_overwrote';
    proxy_cache_path temp/cache keys_zone=cache:1m;
    limit_req_zone $server_name zone=tight:1m rate=1r/m;
    map $http_origin $verdict { default deny; https://tenant.example allow;
        https://odd.example Allow; }

    server {
        listen 127.0.0.1:%(port)d;
        listen 127.0.0.1:%(h2)d http2;
        root html;
        access_log logs/access.log cors;
        crossgate_policy main.json;
        client_max_body_size 1k;
        rewrite ^/server-redirect$ /a.txt permanent;
        if ($request_uri = /server-return) { return 403; }

        location /return/200 { return 200 "ok"; }
        location /return/204 { return 204; }
        location /return/301 { return 301 /a.txt; }
        location /return/302 { rewrite ^ /a.txt redirect; }
        location /return/403 { return 403; }
        location /return/404 { return 404; }
        location /return/429 { return 429; }
        location /return/500 { return 500; }
        location /return/503 { return 503; }
        location /auth { auth_basic "x"; auth_basic_user_file users; }
        location /deny { deny all; }
        location /limited { limit_except GET { deny all; } }
        location /tight { limit_req zone=tight; }
        location /error-page { error_page 404 /error.html; }
        location /error-named { error_page 404 @named; }
        location @named { return 410 "named"; }
        location = /error.html { internal; crossgate off; }
        location /proxy/ { proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /keep/ { crossgate_policy keep.json; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /dead/ { proxy_pass http://127.0.0.1:%(dead)d/; }
        location /cached/ {
            proxy_cache cache; proxy_cache_valid 200 1m; add_header X-Cache $upstream_cache_status;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
        location /switch/ {
            proxy_http_version 1.1; proxy_set_header Upgrade x; proxy_set_header Connection upgrade;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
        location /interim/page/ { error_page 502 /bare.html;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /interim/off/ { crossgate off; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /interim/cached/ { proxy_cache cache; proxy_cache_valid any 1m;
            proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /own-header {
            add_header Access-Control-Allow-Origin * always;
                add_header Vary "Accept, origin" always;
        }
        location /accel { proxy_pass http://127.0.0.1:%(upstream)d/accel; }
        location /behind-accel { internal; crossgate off; alias html/a.txt; }
        location /tried { try_files /none /a.txt; }
        location /auth-request { auth_request /check; return 403; }
        location /auth-request-file { auth_request /check; alias html/a.txt; }
        location /auth-refused { auth_request /refuse; alias html/a.txt; }
        location = /check { internal; crossgate_policy reject.json;
            proxy_pass http://127.0.0.1:%(upstream)d/stars; }
        location = /refuse { internal; return 401; }
        location /ssi { ssi on; ssi_types text/plain; alias html/ssi.txt; }
        location /included { crossgate_policy reject.json; alias html/a.txt; }
        location /gzip { gzip on; gzip_min_length 1; gzip_types text/plain; gzip_vary on;
            alias html/a.txt; }

        location /off { crossgate off; location /off/on { crossgate_policy any.json; return 200;
            } return 200; }
        location /any { crossgate_policy any.json; return 200; }
        location /outer { crossgate_policy any.json; location /outer/inner { return 200;
            } return 200; }
        location /if { if ($arg_x) { return 418; } return 200; }
        location /rewritten { rewrite ^ /any last; }
        location /reject { crossgate_policy reject.json; return 200 "secret"; }
        location /reject-file { crossgate_policy reject.json; alias html/a.txt; }
        location /status { crossgate_policy status.json; }
        location /echo { crossgate_policy echo.json; return 200; }
        location /host { crossgate_policy host.json; crossgate_verdict $verdict; return 200; }
        location /host-mute { crossgate_policy host.json; return 200; }
        location /host-unasked { crossgate_verdict $verdict; return 200; }
    }
    server {
        listen 127.0.0.1:%(moved)d;
        crossgate_policy main.json;
        return 301 https://localhost$request_uri;
    }
    server {
        listen 127.0.0.1:%(bare)d;
        root html;
        location /plain { return 200; }
        location /php { try_files /none /php.index; }
        location = /php.index { crossgate_policy main.json; return 200 "php"; }
        location /off { crossgate off; try_files /none /php.index; }
        location /page { error_page 405 404 /page.html; }
        location = /page.html { crossgate_policy main.json; }
        location /sticky { crossgate_policy main.json; error_page 404 /bare.html; }
        location /return-page { crossgate_policy main.json; error_page 404 /bare.html; return 404; }
        location /return-named { crossgate_policy main.json; error_page 404 @named; return 404; }
        location @named { crossgate_policy any.json; return 200 "named"; }
        location /page-return { error_page 404 @named; return 404; }
        location /ssi { ssi on; ssi_types text/plain; alias html/ssi.txt; }
        location /included { crossgate_policy reject.json; alias html/a.txt; }
        location /auth-request { auth_request /check; alias html/a.txt; }
        location = /check { crossgate_policy reject.json;
            proxy_pass http://127.0.0.1:%(upstream)d/stars; }
        location /app { error_page 405 = @named; }
        location /rewritten { crossgate_policy any.json; rewrite ^ /plain last; }
    }
"""

STARS = (
    b"HTTP/1.0 200 OK\r\nAccess-Control-Allow-Origin: *\r\n"
    b"access-control-allow-origin: https://x.example\r\n"
    b"Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: *\r\n"
    b"Access-Control-Max-Age: 1\r\n"
    b"Access-Control-Expose-Headers: X-Up, x-total\r\nAccess-Control-Expose-Headers: X-Down\r\n"
    b"Vary: Accept-Encoding\r\nVary: accept, Origin\r\nX-Own: yes\r\nContent-Length: 5\r\n\r\nstars"
)
PAGES = {
    "/stars": STARS,
    "/500": STARS.replace(b"200 OK", b"500 Oops"),
    "/star-vary": b"HTTP/1.0 200 OK\r\nVary: *\r\nContent-Length: 0\r\n\r\n",
    "/tight-vary": b"HTTP/1.0 200 OK\r\nVary: a,b,c,d,e,f,g,h\r\nContent-Length: 0\r\n\r\n",
    "/plain": b"HTTP/1.0 200 OK\r\nVary: Accept\r\nContent-Length: 5\r\n\r\nplain",
    "/upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    **{
        f"/{status}": b"HTTP/1.1 %d Interim\r\nLink: </a.css>\r\n"
        b"Access-Control-Allow-Origin: *\r\n\r\n" % status + STARS
        for status in (100, 101, 102, 103, 199)
    },
    "/cacheable": (
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nAccess-Control-Allow-Origin: *\r\n\r\ncache"
    ),
    "/accel": b"HTTP/1.0 200 OK\r\nX-Accel-Redirect: /behind-accel\r\n\r\n",
}


class Site:
    def __init__(self, nginx, upstream, ports):
        self.nginx, self.upstream = nginx, upstream
        self.__dict__.update(ports)

    def ask(self, method, path, *headers, port=None, **options):
        with Connection(port or self.port) as connection:
            return connection.ask(method, path, *headers, **options)

    def preflight(self, path, *headers, port=None):
        return self.ask("OPTIONS", path, *(headers or (A, PUT)), port=port)


@contextlib.contextmanager
def serving(module, directory):
    nginx = Nginx(directory, module)
    for name, policy in POLICIES.items():
        nginx.write(f"{name}.json", policy)
    nginx.write("users", "user:{PLAIN}word\n")
    nginx.write("html/a.txt", "0123456789" * 10)
    nginx.write("html/ssi.txt", 'x<!--#include virtual="/included" -->y')
    nginx.write("html/directory/index.html", "index")
    for page in ("error", "bare", "page"):
        nginx.write(f"html/{page}.html", page)
    names = ("port", "h2", "moved", "bare", "dead")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    with Upstream(PAGES).running() as upstream:
        nginx.configure(HTTP % (ports | {"upstream": upstream.port}))
        with nginx.running(ports["port"]):
            yield Site(nginx, upstream, ports)


def configured(module, tmp_path, inner, **files):
    nginx = Nginx(tmp_path, module)
    nginx.write("good.json", MAIN)
    for name, content in files.items():
        nginx.write(name.replace("_", "."), content)
    (port,) = free_ports(1)
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; {inner} }}")
    return nginx
