"""Send pickles to another process that has the cache: ``from_cache METHOD USER PASSWORD PATH``.

Prints, as a literal, what became of each: a token, or the name of an error.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

from adls_enduser import EndUserError, Password, SignInCache, filesystem_token
from adls_enduser.sandbox import CONTOSO

if TYPE_CHECKING:
    from collections.abc import Callable

LAKE, STORAGE = "https://datalake.azure.net/.default", "https://storage.azure.com/.default"
KEY_VAULT = "https://vault.azure.net/.default"


def token_of(raw: bytes, scope: str) -> str:
    """Return the token of a pickled credential, or why there is none."""
    try:
        return str(pickle.loads(raw).get_token(scope).token)
    except EndUserError as error:
        return type(error).__name__


def main(method: str, username: str, password: str, path: str) -> None:
    """Sign in, and let a process of that kind go through all that a pickle can be used for."""
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:

        def there(raw: bytes, scope: str) -> str:
            return pool.submit(token_of, raw, scope).result()

        pool.submit(os.getpid).result()  # it has started, and imported everything
        print(_told(there, username, password, path))  # noqa: T201 - what the test reads


def _told(there: Callable[..., str], username: str, password: str, path: str) -> dict[str, str]:
    cache = SignInCache(path, allow_unencrypted=True)
    strategy = Password(username=username, password=password, tenant=CONTOSO, cache=cache)
    token: Any = filesystem_token(strategy)
    raw, held = pickle.dumps(token), token.get_token(LAKE)
    told = {"here": held.token, "carried": there(raw, LAKE), "other": there(raw, STORAGE)}
    threading.Event().wait(max(0.0, held.expires_on - time.time()) + 1.0)
    told["renewed"] = there(raw, LAKE)
    cache.sign_out()
    told["without"] = there(raw, KEY_VAULT)
    return told


if __name__ == "__main__":
    main(*sys.argv[1:])
