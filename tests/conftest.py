"""A home folder of the tests' own, the sandbox, and the people in it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from adls_enduser.sandbox import CONTOSO, Sandbox, SandboxClock

from . import missing_sdks
from .sdk_marker import pytest_collection_modifyitems  # noqa: F401 - a hook of pytest's

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person

# Before anything imports azure.datalake.store, which makes a folder in the home folder
# at import; a proxy, a CA bundle or a CI flag of the machine must not change a test.
_HOME = tempfile.TemporaryDirectory(prefix="adls-enduser-home-")
os.environ["HOME"] = _HOME.name
for _name in list(os.environ):
    if _name.lower().endswith(("_proxy", "_ca_bundle", "ssl_cert_file")):
        del os.environ[_name]
missing_sdks.stand_in_if_missing()
# A shell lets what it starts in the background ignore the first two, and nohup the third, and
# children inherit that; some tests send them. A handler is not inherited.
for _name, _usual in (
    ("SIGINT", signal.default_int_handler),
    ("SIGQUIT", signal.SIG_DFL),
    ("SIGHUP", lambda number, frame: None),  # these processes still survive it
):
    _number = getattr(signal, _name, None)  # Windows has not both
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)
# Workers of pytest-xdist begin with what is left of the environment, so the flag is kept
# under a name that nothing else reads.
_flag = os.environ.pop("CI", "")
IN_CI = os.environ.setdefault("ADLS_ENDUSER_TEST_CI", _flag) not in ("", "0", "false")

# No example fails for the time that it takes: a busy machine may stop in any of them.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

PASSWORD = 'correct horse & <battery> "staple" \'ü'  # all that XML and forms must escape


def need(tool: str) -> None:
    """Skip a test for a program that is not on this machine; in CI it fails."""
    if not shutil.which(tool):
        (pytest.fail if IN_CI else pytest.skip)(f"there is no {tool} on this machine")


@pytest.fixture(params=["adal", "msal"])
def library(request: pytest.FixtureRequest) -> str:
    """What speaks to Entra ID; a test that takes it runs with either."""
    return str(request.param)


@pytest.fixture
def clock() -> SandboxClock:
    """Time that moves only when it is told to."""
    return SandboxClock(frozen=True)


@pytest.fixture
def azure(clock: SandboxClock) -> Iterator[Sandbox]:
    """A sandbox of one's own, with this process's environment pointed at it."""
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def azure_sandbox(azure: Sandbox) -> Sandbox:
    """The name under which the contract tests know it (adls_enduser.testing)."""
    return azure


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """Somebody who may sign in with a password alone."""
    return azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)


@pytest.fixture
def grace(azure: Sandbox) -> Person:
    """Somebody who must show a second factor."""
    return azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
