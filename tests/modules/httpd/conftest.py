import pathlib
import shutil
import tempfile

import httpd_site
import pytest
from httpd_server import MISSING, build_module


@pytest.fixture(scope="session")
def module():
    """A directory with mod_crossgate.so and its own copy of the library, readable for httpd's
    children.
    """
    if MISSING:
        pytest.skip(MISSING)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="crossgate-module-"))
    directory.chmod(0o755)
    build_module(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def server(module):
    with httpd_site.whole(module, "event") as httpd:
        yield httpd
