"""The vectors, through nginx."""

import collections
import json
import re

from nginx_harness import ROOT, Connection, Nginx, Upstream, free_ports


def vectors(name="decisions"):
    lines = (ROOT / f"tests/vectors/{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def cannot_be_sent(vector):
    """Why nginx answers this request without asking any module, or does not show a header to "
    "one."""
    request = vector["request"]
    if not re.fullmatch(r"[A-Z_-]+", request["method"]):
        return "a method that nginx refuses"
    if request["method"] in ("TRACE", "CONNECT"):
        return "a method that nginx refuses"
    for name, value in request["headers"]:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            return "a header name that nginx passes over"
        if re.search("[\0\r\n]", value):
            return "a byte that nginx refuses in a value"
        if len(value) > 4096 and value != value.strip(" "):
            return "white space that nginx takes off, where every byte counts"
        if len(value) - len(value.strip(" \t")) > 330 and "Origin" in name:
            return "white space that nginx takes off, where its length counts"
    return None


def test_vectors(module, tmp_path):
    """Every vector, with junk in each CORS header that the decision sets or removes."""
    locations, skipped, run = {}, collections.Counter(), []
    nginx = Nginx(tmp_path, module)
    for vector in vectors():
        reason = cannot_be_sent(vector)
        if reason:
            skipped[reason] += 1
            continue
        text = json.dumps(vector["policy"])
        if text not in locations:
            locations[text] = f"/{len(locations)}/"
            nginx.write(f"{len(locations) - 1}.json", vector["policy"])
        run.append((locations[text], vector))
    assert len(run) >= 300
    assert sum(skipped.values()) <= 16, skipped
    names = ("Origin", "Credentials", "Methods", "Headers", "Private-Network")
    junk = "".join(f"add_header Access-Control-Allow-{name} junk always; " for name in names)
    junk += "add_header Access-Control-Max-Age junk always; "
    blocks = "".join(
        f"location {place} {{ crossgate_policy {place.strip('/')}.json; crossgate_verdict "
        f"$http_x_verdict; "
        f"return 200; location {place}junk {{ {'' if 'keep' in text else junk} return 200; }} }}\n"
        for text, place in locations.items()
    )
    (port,) = free_ports(1)
    nginx.configure(
        "large_client_header_buffers 8 64k; keepalive_requests 10000;\n"
        "log_format cors '$crossgate_kind $crossgate_reason $crossgate_allowed $arg_id';\n"
        "access_log logs/access.log cors;\n"
        f"server {{ listen 127.0.0.1:{port};\n{blocks} }}"
    )
    expected_log = []
    with nginx.running(port), Connection(port) as connection:
        for place, vector in run:
            request, decision = vector["request"], vector["decision"]
            headers = [tuple(pair) for pair in request["headers"]]
            if "verdict" in request:
                headers.append(("X-Verdict", request["verdict"]))
            for extra in ("", "junk"):
                response = connection.ask(
                    request["method"], f"{place}{extra}?id={vector['id']}", *headers
                )
                found = [
                    [name, value]
                    for name, value in response.headers
                    if name.startswith("access-control-") or name == "vary"
                ]
                wanted = decision["headers"]
                if extra:  # add_header was first
                    found, wanted = sorted(found), sorted(wanted)
                assert (response.status, found) == (decision["status"] or 200, wanted), vector
            allowed = {True: "1", False: "0", None: "-"}[decision["allowed"]]
            expected_log.append(f"{decision['kind']} {decision['reason']} {allowed} {vector['id']}")
    log = (tmp_path / "logs/access.log").read_text().splitlines()
    assert log == [line for line in expected_log for _ in range(2)]
    assert "crossgate" not in re.sub(r"\[warn\].*|crossgate: denied: .*", "", nginx.errors)


def is_of_cors(line):
    return line[0] == "vary" or line[0].startswith("access-control-")


def test_responses(module, tmp_path):
    """What an upstream says of CORS itself. A preflight is answered before it is asked."""
    nginx, upstream = Nginx(tmp_path, module), Upstream()
    run = [
        vector
        for vector in vectors("responses")
        if all(name != "Access-Control-Request-Method" for name, _ in vector["request"]["headers"])
    ]
    assert len(run) > 35
    blocks = ""
    with upstream.running():
        for vector in run:
            place = f"/{vector['id']}/"
            nginx.write(f"{vector['id']}.json", vector["policy"])
            lines = "".join(f"{name}: {value}\r\n" for name, value in vector["response"])
            upstream.pages[place] = f"HTTP/1.0 200 OK\r\n{lines}\r\n".encode()
            blocks += (
                f"location {place} {{ crossgate_policy {vector['id']}.json; "
                f"proxy_pass http://127.0.0.1:{upstream.port}; }}\n"
            )
        (port,) = free_ports(1)
        nginx.configure(
            "log_format cors '$crossgate_overwrote'; access_log logs/access.log cors;\n"
            f"server {{ listen 127.0.0.1:{port};\n{blocks} }}"
        )
        with nginx.running(port), Connection(port) as connection:
            for vector in run:
                request = vector["request"]
                response = connection.ask(
                    request["method"], f"/{vector['id']}/", *map(tuple, request["headers"])
                )
                # The order of different names is the upstream's.
                found = sorted(filter(is_of_cors, response.headers), key=lambda line: line[0])
                expected = [tuple(line) for line in vector["expect"] if is_of_cors(line)]
                assert found == expected, vector["id"]
    log = (tmp_path / "logs/access.log").read_text().splitlines()
    assert log == ["1" if vector["overwrote"] else "0" for vector in run]
