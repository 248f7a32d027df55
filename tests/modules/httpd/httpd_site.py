"""One httpd with all that the tests ask about, and what they expect of it."""

import contextlib
import json
import re

from httpd_server import Httpd, Upstream, free_port

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
API = {
    "allow_origins": ["https://a.example"],
    "allow_credentials": True,
    "allow_methods": ["PUT"],
    "allow_headers": ["X-Token"],
    "expose_headers": ["X-Total"],
    "max_age": 600,
}
POLICIES = {
    "api": API,
    "any": {"allow_origins": "*"},
    "strict": {"allow_origins": ["https://strict.example"]},
    "reject": {
        "allow_origins": ["https://a.example"],
        "denied_actual": "reject",
        "own_origins": ["https://server.example"],
    },
    "keep": {"allow_origins": ["https://a.example"], "upstream": "keep"},
    "host": {"allow_origins": ["https://a.example"], "origin_predicate": True},
    "echo": {
        "allow_origins": ["https://a.example"],
        "allow_credentials": True,
        "allow_headers": "*",
    },
    "status200": {
        "allow_origins": ["https://a.example"],
        "preflight_status": 200,
        "denied_preflight_status": 404,
    },
}
ACTUAL = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "X-Total",
    "vary": "Origin",
}
PREFLIGHT = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "X-Token",
    "access-control-max-age": "600",
    "vary": "Origin, Access-Control-Request-Method",
}
DENIED = {"vary": "Origin"}

CONFIGURATION = """
<Directory "{root}/htdocs">
    Require all granted
    Options +Includes +ExecCGI +FollowSymLinks
    AllowOverride None
    DirectoryIndex index.html
    AddOutputFilter INCLUDES .shtml
    AddHandler cgi-script .cgi
    AddHandler send-as-is .asis
</Directory>
<Directory "{root}/htdocs/api">
    CrossgatePolicy policies/api.json
</Directory>
<Directory "{root}/htdocs/api/inner">
    CrossgatePolicy policies/any.json
</Directory>
<If "%{QUERY_STRING} == 'strict'">
    CrossgatePolicy policies/strict.json
</If>
<Directory "{root}/htdocs/api/off">
    Crossgate Off
</Directory>
<Directory "{root}/htdocs/api/off/on">
    Crossgate On
</Directory>
<Directory "{root}/htdocs/api/auth">
    AuthType Basic
    AuthName private
    AuthUserFile "{root}/users"
    Require valid-user
</Directory>
<Directory "{root}/htdocs/api/denied">
    Require all denied
</Directory>
<Directory "{root}/htdocs/api/denied-old">
    Order allow,deny
    Deny from all
</Directory>
<Directory "{root}/htdocs/api/small">
    LimitRequestBody 10
</Directory>
<Directory "{root}/htdocs/api/limited">
    AllowMethods GET
</Directory>
<Directory "{root}/htdocs/api/front">
    RewriteEngine On
    RewriteRule "^page$" "/plain/target.txt" [L]
    RewriteRule "^away$" "https://elsewhere.example/" [R=302,L]
</Directory>
<Directory "{root}/htdocs/ht">
    AllowOverride FileInfo Limit
</Directory>
<Directory "{root}/htdocs/unset">
    RewriteEngine On
    RewriteRule "^page$" "/api/a.txt" [L]
</Directory>
<Location "/loc">
    CrossgatePolicy policies/api.json
    ErrorDocument 404 /errors/404.html
    ErrorDocument 410 /errors/404.html
    ErrorDocument 403 "text of the site"
</Location>
<Location "/errors">
    CrossgatePolicy policies/any.json
</Location>
ErrorDocument 500 /errors/404.html
Redirect 301 "/loc/moved" "https://elsewhere.example/"
Redirect 301 "/nowhere/moved" "https://elsewhere.example/"
RewriteEngine On
RewriteRule "^/loc/rewritten$" "https://elsewhere.example/" [R=302,L,CO=seen:1:server.example]
RewriteRule "^/loc/forbidden$" "-" [F]
RewriteRule "^/loc/gone$" "-" [G]
RewriteCond "%{REQUEST_METHOD}" =OPTIONS
RewriteRule "^/loc/idiom$" "-" [R=200,L]
<Location "/loc/always">
    Header always set Strict-Transport-Security "max-age=1"
    Header always set Access-Control-Allow-Origin "*"
    Header set Access-Control-Allow-Origin "*"
</Location>
<Location "/api/inner">
    CrossgateVerdict env=UNUSED
</Location>
<Location "/loc/exposed">
    Header always set Access-Control-Expose-Headers "X-Always"
    Header set Access-Control-Expose-Headers "X-Set, x-total"
</Location>
<Location "/ht/broken">
    CrossgatePolicy policies/api.json
</Location>
<Location "/host">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=%{HTTP:X-Tenant} == '17'"
</Location>
<Location "/up">
    CrossgatePolicy policies/api.json
</Location>
<Location "/up/any">
    CrossgatePolicy policies/any.json
</Location>
<Location "/up/no-policy">
    Crossgate Off
</Location>
<Location "/up/keep">
    CrossgatePolicy policies/keep.json
</Location>
<Location "/up/reject">
    CrossgatePolicy policies/reject.json
</Location>
<Location "/up/reject/page">
    ErrorDocument 403 /errors/404.html
</Location>
<Location "/up/echo">
    CrossgatePolicy policies/echo.json
</Location>
<Location "/up/200">
    CrossgatePolicy policies/status200.json
</Location>
<Location "/up/host">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=%{HTTP:Origin} =~ m#^https://t[0-9]+[.]example$# \\
        && %{HTTP:X-Blocked} == ''"
</Location>
<Location "/up/host-fails">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=file('{root}/missing') == 'yes'"
</Location>
<Location "/up/host-env">
    SetEnvIf X-Tenant "^(.+)$" TENANT=$1
    CrossgatePolicy policies/host.json
    CrossgateVerdict env=TENANT
</Location>
<Location "/up/host-silent">
    CrossgatePolicy policies/host.json
</Location>
<Location "/up/shadow">
    CrossgateShadow policies/strict.json
</Location>
<Location "/up/shadow/inner">
    CrossgatePolicy policies/any.json
</Location>
ProxyPass "/up/broken" "http://127.0.0.1:{closed}/" retry=0
ProxyPass "/up/upgrade" "http://127.0.0.1:{upstream}/upgrade" upgrade=echo
ProxyPass "/ws/" "http://127.0.0.1:{upstream}/socket/echo/" upgrade=websocket
<Location "/ws">
    CrossgatePolicy policies/api.json
    CrossgateWebSocket On
</Location>
<Location "/ws/off">
    CrossgateWebSocket Off
</Location>
<Location "/ws/no-policy">
    Crossgate Off
</Location>
<Location "/ws/any">
    CrossgatePolicy policies/any.json
</Location>
<Location "/ws/public">
    CrossgatePolicy policies/any.json
    CrossgateWebSocket Public
</Location>
<Location "/ws/own">
    CrossgatePolicy policies/reject.json
</Location>
<Location "/ws/host">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=%{HTTP:Origin} == 'https://tenant.example'"
</Location>
<Location "/ws/host-mute">
    CrossgatePolicy policies/host.json
</Location>
<Location "/ws/auth">
    AuthType Basic
    AuthName private
    AuthUserFile "{root}/users"
    Require valid-user
</Location>
ProxyPass "/up/" "http://127.0.0.1:{upstream}/"
CacheQuickHandler Off
CacheRoot "{root}/cache"
<Location "/up/cached">
    CacheEnable disk
</Location>
<VirtualHost *:{port}>
    ServerName server.example
    RewriteEngine On
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost *:{port}>
    ServerName other.example
    CrossgatePolicy policies/any.json
    Redirect 301 "/moved" "https://elsewhere.example/"
</VirtualHost>
"""


def fill(httpd):
    for name, policy in POLICIES.items():
        httpd.file(f"policies/{name}.json", json.dumps(policy))
    for name in (
        "plain/target.txt",
        "api/a.txt",
        "api/inner/a.txt",
        "api/off/a.txt",
        "api/off/on/a.txt",
        "api/auth/a.txt",
        "api/denied/a.txt",
        "api/denied-old/a.txt",
        "api/limited/a.txt",
        "api/sub/index.html",
        "errors/404.html",
        "loc/a.txt",
        "loc/always/a.txt",
        "loc/exposed/a.txt",
        "host/a.txt",
        "ht/a.txt",
    ):
        httpd.file(f"htdocs/{name}", f"this is {name}\n" * 10)
    httpd.file("htdocs/api/front/x", "")
    httpd.file("htdocs/unset/x", "")
    httpd.file("htdocs/ht/broken/.htaccess", "Nonsense\n")
    httpd.file("htdocs/api/fails.cgi", "#!/bin/sh\nexit 1\n", 0o755)
    httpd.file(
        "htdocs/api/small/x.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n", 0o755
    )
    httpd.file(
        "htdocs/api/status.cgi",
        "#!/bin/sh\nprintf 'Status: 500 Oops\\nContent-Type: text/plain\\n\\noops'\n",
        0o755,
    )
    # Scripts that write to the client themselves: all at once; in pieces; something else.
    head = (
        "HTTP/1.1 200 Mine\\r\\nAccess-Control-Allow-Origin: *\\r\\n"
        "Access-Control-Allow-Credentials: true\\r\\nVary: Accept,\\r\\n  Cookie\\r\\n"
        "X-Own: yes\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\n"
    )
    interim = (
        "HTTP/1.1 103 Early Hints\\r\\nLink: </a.css>\\r\\n"
        "access-control-allow-origin: *\\r\\n\\r\\n"
    )
    scripts = {
        "whole": f"printf '{head}hello'",
        "pieces": "".join(
            f"printf '{piece}'; sleep 0.05; "
            for piece in re.split(r"(?<=\\\\n)", head + "hello", maxsplit=3)
        ),
        "newlines": f"printf '{head}hello'".replace("\\r", ""),
        "hints": f"printf '{interim}{head}hello'",
        "no-head": "printf 'Access-Control-Allow-Origin: *\\r\\n\\r\\nhello'",
        "half": "printf 'HTTP/1.1 200 OK\\r\\nAccess-Control-Allow-Origin: *\\r\\n'",
        "long": f"printf 'HTTP/1.1 200 OK\\r\\nX: '; head -c 100000 /dev/zero; printf '{head}'",
    }
    for name, script in scripts.items():
        httpd.file(f"htdocs/api/nph-{name}.cgi", f"#!/bin/sh\n{script}\n", 0o755)
    httpd.file(
        "htdocs/page.shtml",
        '[<!--#include virtual="/api/a.txt" -->][<!--#include virtual="/loc/a.txt" -->]\n',
    )
    httpd.file("htdocs/shadow.shtml", '[<!--#include virtual="/up/shadow/x" -->]\n')
    httpd.file("htdocs/api/switch.asis", "Status: 101 Switching Protocols\nUpgrade: x\n\n")
    httpd.file(
        "htdocs/api/page.shtml",
        '[<!--#include virtual="/api/inner/a.txt" -->][<!--#include virtual="/up/reject/x" -->]\n',
    )
    httpd.file("users", "user:{SHA}" + "W6ph5Mm5Pz8GgiULbPgzG37mj9g=" + "\n")


def small(module, text, mpm="event"):
    httpd = Httpd(module, text, mpm)
    fill(httpd)
    return httpd


@contextlib.contextmanager
def whole(module, mpm):
    """A server with all of the configuration."""
    upstream = Upstream()
    httpd = Httpd(module, CONFIGURATION, mpm, upstream=upstream.port, closed=free_port())
    fill(httpd)
    with httpd:
        httpd.upstream = upstream
        yield httpd
    upstream.stop()
