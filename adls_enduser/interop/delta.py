"""delta_options: storage options with which delta-rs renews its tokens itself.

delta-rs takes strings only, and a token among them would never be renewed. But its object_store
asks a managed-identity endpoint, whose address is an option and whose secret is the environment
variable IDENTITY_HEADER (object_store, azure/credential.rs, ImdsManagedIdentityProvider).

The endpoint is in a child process: deltalake's ``DeltaTable.is_deltatable`` holds the interpreter's
lock while it waits for a token (1.6.6), so a thread of this process could not reply.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from ..concurrency import reset_after_fork
from ..errors import EndUserError, clear_call
from ..strategies.detached import DetachedStrategy
from .arguments import check_credential
from .endpoint import CredentialTokens, without_proxy
from .managed_identity import IdentityEndpoint, refusal_for

if TYPE_CHECKING:
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials
    from ..tokens import Token

_HEADER = "IDENTITY_HEADER"

# It finds this package where this process has found it.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:];"
    " from adls_enduser.interop.delta_server import main; main()"
)
_SECONDS_TO_END = 5.0


@clear_call("delta_options(credential)")
def delta_options(credential: Credentials) -> dict[str, str]:
    """Return ``storage_options`` for deltalake's ``DeltaTable`` and ``write_deltalake``.

    A child process serves tokens for Azure Storage to this one, on loopback, until it ends: one
    for each sign-in. The secret is IDENTITY_HEADER in ``os.environ``; a value that is there already
    is used. ``os.environ`` also gets loopback added to NO_PROXY, or the secret would go to a proxy.
    A forked child gets a server of its own. Raises ConfigurationError for a credential that no
    factory of this package returned, or another EndUserError if it has no token for Azure Storage.
    """
    ours = check_credential(credential)
    if not _header():
        os.environ[_HEADER] = secrets.token_urlsafe(32)
    os.environ.update(without_proxy(os.environ))
    return {"azure_msi_endpoint": _servers.url_for(ours)}


def _header() -> str:
    # object_store reads it at each request, too, and another one may have been set.
    return os.environ.get(_HEADER, "")


class _Servers:
    """The servers of this process, one for each sign-in."""

    def __init__(self) -> None:
        self._by_sign_in: dict[str, _ChildServer | _ThreadServer] = {}
        self.after_fork()
        reset_after_fork(self)
        atexit.register(self.close)

    def after_fork(self) -> None:
        """Forget the servers of the parent process."""
        self._lock = threading.Lock()
        for server in self._by_sign_in.values():
            server.abandon()
        self._by_sign_in = {}

    def url_for(self, credential: Credential) -> str:
        """Return the address for a sign-in, and begin to serve it the first time."""
        source = credential.token_source
        with self._lock:
            server = self._by_sign_in.get(source.sign_in_id)
            if server is not None and server.has_ended:
                server.close()
                server = None
            if server is None:
                server = self._by_sign_in[source.sign_in_id] = _server_for(credential)
            elif not isinstance(source.strategy, DetachedStrategy):
                server.tokens.use(credential)  # the first one may be a copy that renews nothing
            return server.url

    def close(self) -> None:
        """End all of them."""
        for server in self._by_sign_in.values():
            server.close()


def _server_for(credential: Credential) -> _ChildServer | _ThreadServer:
    """Return a server in a child process, or in a thread if none can be started."""
    tokens = CredentialTokens(credential, [credential.cloud.storage])
    first = tokens.token(tokens.audience)  # an error at the caller's line
    # A frozen program has no interpreter to start: sys.executable is the program itself.
    process = None if getattr(sys, "frozen", False) else _start()
    if process is not None:
        server = _ChildServer(tokens, process)
        if server.begins_with(first):
            return server
        server.close()
    return _ThreadServer(tokens)


class _ThreadServer:
    """Serves the tokens of one sign-in by a thread of this process."""

    has_ended = False

    def __init__(self, tokens: CredentialTokens) -> None:
        self.tokens = tokens
        self._endpoint = IdentityEndpoint(tokens, _header)
        self.url = self._endpoint.url

    def close(self) -> None:
        """End it."""
        self._endpoint.close()

    def abandon(self) -> None:
        """Do nothing: the endpoint itself closes its copies in a forked child."""


class _ChildServer:
    """Serves the tokens of one sign-in by a child process, which asks this one for them."""

    def __init__(self, tokens: CredentialTokens, process: subprocess.Popen[bytes]) -> None:
        self.tokens = tokens
        self.url = ""
        self._process = process
        self._input, self._output = (
            cast("IO[bytes]", process.stdin),
            cast("IO[bytes]", process.stdout),
        )
        self._sending = threading.Lock()

    def begins_with(self, token: Token) -> bool:
        """Send the first token, and return whether the child serves it."""
        with suppress(OSError, ValueError):
            self._send(self.tokens.audience)
            self._send({"header": _header(), "token": _fields(token)})
            self.url = json.loads(self._output.readline())
            threading.Thread(target=self._respond, name="adls_enduser-delta", daemon=True).start()
        return bool(self.url)

    @property
    def has_ended(self) -> bool:
        """Whether somebody has ended the child process."""
        return self._process.poll() is not None

    def _respond(self) -> None:
        with suppress(OSError, ValueError):  # the child has ended, or the pipe was closed
            for line in self._output:
                self._send({"header": _header(), **self._reply(json.loads(line))})

    def _reply(self, question: str) -> dict[str, object]:
        audience = self.tokens.audience
        try:
            if question == "token":
                return {"token": _fields(self.tokens.token(audience))}
            token = self.tokens.token_ahead(audience) if question == "token ahead" else None
        except EndUserError as error:
            return {"refusal": vars(refusal_for(error))}
        return {"token": _fields(token)} if token else {}

    def _send(self, value: object) -> None:
        with self._sending:
            rest = json.dumps(value).encode() + b"\n"
            while rest:
                rest = rest[self._input.write(rest) :]

    def close(self) -> None:
        """End the child process, which does when its input ends."""
        self._input.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._output.close()

    def abandon(self) -> None:
        """Close the pipes in a forked child, or its copies would keep the process alive."""
        self._input.close()
        self._output.close()
        self._process.returncode = 0  # it is not a child of this process


def _start() -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", _PROGRAM, *sys.path],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None


def _fields(token: Token) -> dict[str, object]:
    return {
        "secret": token.secret,
        "expires_on": token.expires_on,
        "obtained_on": token.obtained_on,
        "resource": token.resource,
    }


_servers = _Servers()
