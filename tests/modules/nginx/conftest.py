import nginx_harness
import nginx_site
import pytest


@pytest.fixture(scope="session")
def module(tmp_path_factory):
    """The module as build.sh makes it."""
    reason = nginx_harness.missing()
    if reason:
        pytest.skip(reason)
    return nginx_harness.build(tmp_path_factory.mktemp("nginx-module"))


@pytest.fixture(scope="session")
def site(module, tmp_path_factory):
    with nginx_site.serving(module, tmp_path_factory.mktemp("nginx")) as site:
        yield site
