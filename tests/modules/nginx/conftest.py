import nginx_harness
import pytest


@pytest.fixture(scope="session")
def module(tmp_path_factory):
    """The module as build.sh makes it."""
    reason = nginx_harness.missing()
    if reason:
        pytest.skip(reason)
    return nginx_harness.build(tmp_path_factory.mktemp("nginx-module"))
