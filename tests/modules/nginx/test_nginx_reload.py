"""Reloading, and one library inside the module."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
from nginx_harness import BUILD, ROOT, Connection, Nginx, free_ports, wait_until
from nginx_site import MAIN, PUT, A, configured


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def test_reload_under_load(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module, workers=4)
    nginx.configure(
        f"server {{ listen 127.0.0.1:{port}; crossgate_policy p.json; location / {{ return 200; "
        f"}} }}"
    )
    nginx.write("p.json", MAIN)
    stop = threading.Event()

    def load():
        count, seen = 0, set()
        while not stop.is_set() or count == 0:
            with Connection(port) as connection:
                response = connection.ask("GET", "/", A, ("Connection", "close"))
            assert response.status == 200
            assert response.one("access-control-allow-origin") == "https://a.example"
            seen.add(response.one("access-control-expose-headers"))
            with Connection(port) as connection:
                assert connection.ask("OPTIONS", "/", A, PUT, ("Connection", "close")).status == 204
            count += 2
        return count, seen

    def exposed():
        with Connection(port) as connection:
            return connection.ask("GET", "/", A).one("access-control-expose-headers")

    with nginx.running(port), concurrent.futures.ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(load) for _ in range(3)]
        try:
            for turn in range(10):
                nginx.write("p.json.new", MAIN | {"expose_headers": [f"X-{turn}"]}).rename(
                    tmp_path / "p.json"
                )
                nginx.reload()
                wait_until(lambda turn=turn: exposed() == f"X-{turn}", "the new policy")
            nginx.write("p.json.new", '{"allow_origins": []}').rename(tmp_path / "p.json")
            nginx.reload()
            wait_until(lambda: "origins_empty" in nginx.errors, "the bad file is refused")
        finally:
            stop.set()
        results = [worker.result() for worker in workers]
        # A bad file leaves the last good policy.
        assert exposed() == "X-9"
    known = {"X-Total", *(f"X-{turn}" for turn in range(10))}
    for _, seen in results:
        assert seen <= known
    assert "crossgate" in nginx.errors
    assert not re.search(r"exited on signal|\[alert\]", nginx.errors)


def test_reload_frees_old_policies(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module, workers=1)
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; crossgate_policy big.json; }}")
    nginx.write(
        "big.json",
        {"allow_origins": [f"https://host-{number}.example" for number in range(50_000)]},
    )

    def reload_times(count):
        for _ in range(count):
            before = nginx.errors.count("signal 17 (SIGCHLD)")
            nginx.reload()
            wait_until(
                lambda before=before: nginx.errors.count("signal 17 (SIGCHLD)") > before,
                "the old worker ends",
            )
        return resident(nginx.process.pid)

    with nginx.running(port):
        one = resident(nginx.process.pid)
        settled = reload_times(4)
        after = reload_times(8)
    # 50,000 origins are megabytes; eight copies would be seen.
    assert one > 5_000
    assert after - settled < 3_000, (one, settled, after)


def test_one_library_inside_the_module(module, tmp_path):
    """CROSSGATE_STATIC=1: one file, which shows nothing of the library to other modules."""
    if not (ROOT / "target/release/libcrossgate.a").exists():
        pytest.skip("target/release/libcrossgate.a is missing: make build")
    shutil.copy(ROOT / "target/release/libcrossgate.a", tmp_path)
    environment = os.environ | {"CROSSGATE_STATIC": "1", "CROSSGATE_LIB": str(tmp_path)}
    built = subprocess.run(
        [BUILD, tmp_path / "out"], env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    static = pathlib.Path(built.stdout.strip())
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", static], capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[-1] for line in symbols.splitlines()} == {
        "ngx_http_crossgate_module",
        "ngx_module_names",
        "ngx_module_order",
        "ngx_modules",
    }
    assert (
        configured(static, tmp_path / "prefix", "crossgate_policy good.json;").check().returncode
        == 0
    )
