"""Sign in where gevent or eventlet has patched the process: ``patched.py HOW LIBRARY MODE``.

Prints the code or the address that the person is shown, and then how it ended, as JSON.
"""

import importlib
import json
import os
import sys
from typing import Any


def patch(how: str) -> None:
    """Patch the process, as its name says."""
    name, _, left_out = how.partition(" without ")
    library = importlib.import_module("gevent.monkey" if name == "gevent" else name)
    function = library.patch_all if name == "gevent" else library.monkey_patch
    function(**{left_out: False} if left_out else {})


HOW, LIBRARY, MODE = sys.argv[1:]
_patcher, _, _after = HOW.partition(" after ")
_credentials: Any = None
if not _after:
    patch(_patcher)
elif _after == "a sign-in":
    adls_enduser = importlib.import_module("adls_enduser")
    _credentials = adls_enduser.management_credentials(
        adls_enduser.StaticToken(os.environ["PLANTED"])
    )
    patch(_patcher)
else:
    importlib.import_module(_after)
    patch(_patcher)

# After the patching.
import threading  # noqa: E402
import time  # noqa: E402

from adls_enduser import EndUserError, management_credentials  # noqa: E402


def tell(what: dict[str, Any]) -> None:
    """Print it for the test."""
    print(json.dumps(what), flush=True)  # noqa: T201 - what the test reads


def show(prompt: Any) -> None:
    """Show the person what to open or to enter."""
    tell({"code": getattr(prompt, "code", None), "url": prompt.url})


def tick(ticks: list[float], ended: threading.Event) -> None:
    """Note that other greenlets run."""
    while not ended.is_set():
        ticks.append(time.monotonic())
        time.sleep(0.02)


def sign_in() -> Any:
    """Sign in by the mode, or renew what was signed in before the patching."""
    if _credentials is not None:
        return _credentials.get_token("https://datalake.azure.net/.default")
    options: dict[str, Any] = {"tenant": "contoso.onmicrosoft.com", "library": LIBRARY}
    if MODE == "password":
        options |= {"username": os.environ["NAME"], "password": os.environ["PLANTED"]}
    else:
        options |= {"prompt": show}
    options |= {"request_timeout": float(os.environ.get("REQUEST_TIMEOUT", "30"))}
    if "TIMEOUT" in os.environ:
        options |= {"timeout": float(os.environ["TIMEOUT"])}
    return management_credentials(MODE, **options)  # type: ignore[call-overload]


def tokens_of_threads(credentials: Any) -> int:
    """Return how many tokens threads get that ask for a new one at once."""
    tokens: set[str] = set()
    scope = "https://datalake.azure.net/.default"
    ask = [
        threading.Thread(target=lambda: tokens.add(credentials.get_token(scope).token))
        for _ in range(5)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    return len(tokens)


def main() -> dict[str, Any]:
    """Return how it ended."""
    ticks: list[float] = []
    ended = threading.Event()
    other = threading.Thread(target=tick, args=(ticks, ended))
    other.start()
    try:
        credentials = sign_in()
        return {"tokens": tokens_of_threads(credentials), "ticks": len(ticks)}
    except EndUserError as error:
        return {"error": type(error).__name__, "text": str(error), "ticks": len(ticks)}
    finally:
        ended.set()
        other.join()


if __name__ == "__main__":
    tell(main())
