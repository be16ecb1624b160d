"""A fresh process loads only what it needs: modules are counted, because time is not exact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import DeviceCode, SignInCache
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import STORAGE, TOKEN_PATH
from ..waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

# Packages of other makers, and modules of the standard library that take long to load.
HEAVY = frozenset(
    {
        *("asyncio", "ast", "dataclasses", "email", "hashlib", "html", "http", "inspect"),
        *("ipaddress", "logging", "pathlib", "random", "socket", "ssl", "tempfile", "urllib.parse"),
        *("unicodedata", "uuid", "xml", "zlib", "shutil", "datetime", "subprocess"),
    }
)
if sys.version_info >= (3, 14):  # typing.TypedDict loads it there, by annotationlib
    HEAVY -= {"ast"}

PROGRAM = """
import json, sys
before = set(sys.modules)
{0}
print(json.dumps(sorted(set(sys.modules) - before)))
"""

OPEN = "from adls_enduser import SignInCache; cache = SignInCache(sys.argv[1], {0})"
PLAIN = OPEN.format("allow_unencrypted=True")
STRATEGY = (
    f"from adls_enduser import DeviceCode; strategy = DeviceCode(tenant={CONTOSO!r}, cache=cache,"
    " prompt=lambda *prompt: None, library=sys.argv[2])"
)
SILENT = f"assert strategy.silent({STORAGE!r}).secret"
CREDENTIAL = (
    "from adls_enduser import storage_credential;"
    f"assert storage_credential(strategy).get_token('{STORAGE}.default').token"
)


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def kept(azure: Sandbox, grace: Person, library: str, tmp_path: Path) -> Path:
    """The cache in which another process has kept its sign-in."""
    path = tmp_path / "sign-ins"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        DeviceCode(
            tenant=CONTOSO,
            cache=SignInCache(path, allow_unencrypted=True),
            prompt=lambda prompt: azure.entra.approve(prompt.code),
            library=library,
        ).sign_in(STORAGE)
    return path


def _loaded(statements: list[str], azure: Sandbox, *arguments: object) -> set[str]:
    """Return the modules that statements load in a new process."""
    command = [sys.executable, "-c", PROGRAM.format("\n".join(statements)), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | azure.environment
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return set(names)


def _foreign(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("last", "most"), [(SILENT, 30), (CREDENTIAL, 45)], ids=["silent", "storage_credential"]
)
def test_a_valid_token_from_the_cache(
    azure: Sandbox, kept: Path, library: str, last: str, most: int
) -> None:
    """No library, no SDK, no cipher and no lock, and few modules of ours; nothing is sent."""
    before = len(azure.log)
    names = _loaded([PLAIN, STRATEGY, last], azure, kept, library)
    assert _foreign(names) == {"adls_enduser"}
    assert names & HEAVY == set()
    ours = {name for name in names if name.startswith("adls_enduser")}
    assert len(ours) <= most, sorted(ours)
    assert len(azure.log) == before


def test_a_valid_token_while_another_process_renews(
    azure: Sandbox, kept: Path, library: str
) -> None:
    """Which holds the lock of the cache meanwhile, for as long as its requests take."""
    cache = SignInCache(kept, allow_unencrypted=True)
    from adls_enduser.cache import CacheKey

    key: Any = CacheKey("https://login.microsoftonline.com", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")
    with cache.open(key):
        _loaded([PLAIN, STRATEGY, SILENT], azure, kept, library)


def test_a_first_sign_in(azure: Sandbox, ada: Person, library: str) -> None:
    """It loads the library that was chosen, no SDK, and nothing of a cache that nobody gave."""
    names = _loaded(
        [
            "from adls_enduser import Password",
            f"Password(username={ada.username!r}, password={PASSWORD!r}, tenant={CONTOSO!r},"
            f" library={library!r}).silent({STORAGE!r})",
        ],
        azure,
    )
    assert library in _foreign(names)
    sdks = {"azure", "msrest", "msrestazure", "keyring", "filelock", "adal", "msal"} - {library}
    assert _foreign(names) & sdks == set()
    assert {name for name in names if name.startswith("adls_enduser.cache")} == set()


def test_importing_the_package(azure: Sandbox) -> None:
    """Nothing of it, and of the standard library only what it names itself."""
    names = _loaded(["import adls_enduser"], azure)
    assert _foreign(names) == {"adls_enduser"}
    assert {name for name in names if name.startswith("adls_enduser")} == {"adls_enduser"}
    assert names & HEAVY == set()


def _output(program: str, azure: Sandbox, ada: Person, library: str) -> list[str]:
    """Return the words that a program writes in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", program.format(ada.username, PASSWORD, CONTOSO), library],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | azure.environment,
        check=True,
    )
    return done.stdout.split()


DUE = """
import sys, threading, time
from adls_enduser import Password, storage_credential
from adls_enduser.clocks import SystemClock

class Clock(SystemClock):
    later = 0.0
    def time(self):
        return time.time() + self.later
    def monotonic(self):
        return time.monotonic() + self.later

class Finder:
    def find_spec(self, name, *rest):
        loaded.append((threading.current_thread() is threading.main_thread(), name))

loaded = []
clock = Clock()
credential = storage_credential(
    Password(username={0!r}, password={1!r}, tenant={2!r}, clock=clock, library=sys.argv[1])
)
sys.meta_path.insert(0, Finder())
clock.later = 3600 * 0.85
assert credential.get_token("https://storage.azure.com/.default").expires_on
print([name for is_main, name in loaded if is_main])
"""


def test_a_thread_that_finds_a_token_due_loads_nothing(
    azure: Sandbox, ada: Person, library: str
) -> None:
    """Other threads would wait for what it loads, though all of them have a valid token."""
    assert _output(DUE, azure, ada, library) == ["[]"]


CONNECTIONS = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(given) if event == "socket.connect" else None)
from adls_enduser import Password
strategy = Password(username={0!r}, password={1!r}, tenant={2!r}, library=sys.argv[1])
strategy.silent("https://storage.azure.com/")
print(len(opened))
strategy.silent("https://management.core.windows.net/")
print(len(opened))
import gc, socket
print(sum(isinstance(one, socket.socket) and one.fileno() >= 0 for one in gc.get_objects()))
"""


def test_the_requests_of_a_sign_in_share_a_connection(
    azure: Sandbox, ada: Person, library: str
) -> None:
    """A sign-in and a renewal have one each, and none is open in between."""
    assert _output(CONNECTIONS, azure, ada, library) == ["1", "2", "0"]
    hosts = [exchange.host for exchange in azure.log]
    assert len(hosts) > 2  # a realm, a token and another one; msal asks for the endpoints first


DEVICE_CODE = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(given) if event == "socket.connect" else None)
from adls_enduser import DeviceCode
show = lambda prompt: print(prompt.code, flush=True)
DeviceCode(tenant={0!r}, prompt=show, library=sys.argv[1]).sign_in("https://storage.azure.com/")
print(len(opened))
"""


def test_the_polls_of_a_device_code_share_a_connection(
    azure: Sandbox, ada: Person, library: str
) -> None:
    """With each other and with the request of the code, though seconds lie between them."""
    azure.entra.device_code_interval = 3  # longer than a connection may be idle before a password
    with subprocess.Popen(
        [sys.executable, "-c", DEVICE_CODE.format(CONTOSO), library],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | azure.environment,
    ) as program:
        assert program.stdout is not None
        code = program.stdout.readline().strip()
        wait_until(lambda: azure.log.to(TOKEN_PATH))
        azure.entra.approve(code, ada)
        assert program.stdout.read().split() == ["1"]
    assert program.returncode == 0
