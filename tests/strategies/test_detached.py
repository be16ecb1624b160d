"""A credential that was unpickled elsewhere: what goes on there, and what the error says."""

from __future__ import annotations

import pickle
import socket
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    AzureCredential,
    Password,
    SignInCache,
    SignInRequired,
    StaticToken,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.sandbox import CONTOSO, Sandbox
from adls_enduser.strategies.detached import DetachedStrategy
from adls_enduser.testing.strategies import CHALLENGE

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, KEY_VAULT, MANAGEMENT, STORAGE
from ..endpoint import HEADER, Endpoint, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start an endpoint, and lead this process to it."""
    started = []

    def start(reply: Any) -> Endpoint:
        endpoint = Endpoint(reply)
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        started.append(endpoint)
        monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint.url)
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        return endpoint

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """A sandbox in real time: what is unpickled has no other clock."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def strategy(azure: Sandbox, library: Any) -> Any:
    """Ada's sign-in."""
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    return Password(username=ada.username, password=PASSWORD, tenant=CONTOSO, library=library)


def _token(credential: Any, resource: str = STORAGE) -> str:
    return str(credential.get_token(f"{resource}.default").token)


def _sent(credential: Any) -> Any:
    """Return a credential as another process has it, which has no token for MANAGEMENT."""
    return pickle.loads(pickle.dumps(credential))


def _shown(error: BaseException | None) -> str:
    """Return what a traceback with locals shows of the library's frames, with all causes."""
    shown = ""
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in told.stack if "/adls_enduser/" in frame.filename]
        shown += f"{error!r} {error} {[frame.locals for frame in ours]}"
        error = error.__cause__ or error.__context__
    return shown


class TestBeforeTheFirstToken:
    """A pickle brings a token for storage, though nobody has asked for one yet."""

    @pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
    def test_it_works_on_the_worker(self, azure: Sandbox, strategy: Any, factory: Any) -> None:
        """At one silent request for however many pickles."""
        credential = factory(strategy)
        azure.log.clear()
        raws = [pickle.dumps(credential) for _ in range(3)]
        raws += [pickle.dumps(credential.aio()), pickle.dumps(pickle.loads(raws[0]))]
        assert len(azure.log.to("/token")) == 1
        tokens = {_token(pickle.loads(raws[one])) for one in (0, 1, 2, 4)}
        assert tokens == {_token(credential)}
        assert len(azure.log.to("/token")) == 1

    def test_who_may_not_is_asked_once(self, azure: Sandbox, strategy: Any) -> None:
        """A tenant without Azure Storage costs one request, and no error."""
        credential = management_credentials(strategy)
        person = azure.world.directory.persons()[0]
        person.refused_with = 65001
        azure.log.clear()
        for _ in range(3):
            there = pickle.loads(pickle.dumps(credential))
        assert len(azure.log.to("/token")) == 1
        assert _token(there, MANAGEMENT)
        person.refused_with = None
        assert _token(credential), "the sign-in itself goes on"

    def test_an_azure_core_credential(self, azure: Sandbox, strategy: Any) -> None:
        """Somebody else's is asked as well, and one that may prompt is not."""
        theirs = storage_credential(strategy)
        there = pickle.loads(pickle.dumps(management_credentials(AzureCredential(theirs))))
        assert _token(there) == _token(theirs)

        class Prompts:
            asked: list[str] = []  # noqa: RUF012

            def get_token(self, *scopes: str, **options: Any) -> Any:
                self.asked += scopes
                return theirs.get_token(*scopes)

        asking = AzureCredential(Prompts(), prompts=True)  # type: ignore[arg-type]
        pickle.dumps(management_credentials(asking, interactive=True))
        assert len(Prompts.asked) == 1


class TestEndpoint:
    """A worker on the machine of the person goes on by the identity endpoint."""

    def test_it_goes_on(self, azure: Sandbox, strategy: Any, serve: Any) -> None:
        """For each audience that the endpoint allows; its secret is sent to it alone."""
        credential = storage_credential(strategy)
        endpoint = serve(serving(credential))
        there = _sent(credential)
        assert _token(there, MANAGEMENT) == _token(credential, MANAGEMENT)
        assert _token(there, DATA_LAKE) == _token(credential, DATA_LAKE)
        assert repr(there) == repr(credential)
        assert there.whoami() == credential.whoami()
        assert endpoint.asked == [
            ("/x/msi/token", {"api-version": "2019-08-01", "resource": one}, HEADER)
            for one in (MANAGEMENT, DATA_LAKE)
        ]

    def test_a_living_token_asks_nothing(self, azure: Sandbox, strategy: Any, serve: Any) -> None:
        """The endpoint is for what comes after it; and it renews."""
        azure.entra.token_lifetime = 2
        credential = storage_credential(strategy)
        endpoint = serve(serving(credential))
        there = pickle.loads(pickle.dumps(credential))
        first = _token(there)
        deadline = time.monotonic() + 30
        while _token(there) == first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _token(there) != first
        assert len(endpoint.asked) < 10

    def test_another_persons_endpoint(self, azure: Sandbox, strategy: Any, serve: Any) -> None:
        """Its token is not taken, and shown nowhere."""
        eve = azure.entra.person(f"eve@{CONTOSO}", password=PASSWORD)
        hers = storage_credential(
            "password", username=eve.username, password=PASSWORD, tenant=CONTOSO
        )
        serve(serving(hers))
        there = _sent(storage_credential(strategy))
        with pytest.raises(SignInRequired, match="does not name the person") as caught:
            _token(there, MANAGEMENT)
        assert _token(hers, MANAGEMENT) not in _shown(caught.value)
        assert HEADER not in _shown(caught.value)

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (400, {"error": "invalid_resource", "error_description": "Not allowed."}, "Not allow"),
            (401, {"statusCode": 401, "message": "The header is wrong."}, "header is wrong"),
            (500, {"error": "\x1b[31mred"}, "HTTP status 500"),
            (200, {"access_token": "eyJ-x"}, "cannot be read"),
            (200, {"access_token": "eyJ-x", "expires_on": "soon"}, "cannot be read"),
            (200, {"access_token": "eyJ-x", "expires_on": "nan"}, "no token"),
            (200, {"access_token": "", "expires_on": "4000000000"}, "no token"),
            (200, {"access_token": "eyJ x", "expires_on": "4000000000"}, "no token"),
            (200, {"access_token": 7, "expires_on": "4000000000"}, "no token"),
            (200, {"access_token": "opaque", "expires_on": "4000000000"}, "name the person"),
            (200, b"<html>", "cannot be read"),
            (200, b"[" * 100_000, "cannot be read"),
            (302, b"", "HTTP status 302"),
            (200, [], "cannot be read"),
        ],
    )
    def test_an_endpoint_that_has_none(
        self, azure: Sandbox, strategy: Any, serve: Any, status: int, body: Any, said: str
    ) -> None:
        """Its own reason is said, then what to do; nothing of it is trusted."""
        serve(lambda resource: (status, body))
        there = _sent(storage_credential(strategy))
        with pytest.raises(SignInRequired, match="another process") as caught:
            _token(there, MANAGEMENT)
        assert said in str(caught.value)
        assert "pickle the credential again" in caught.value.remedy
        assert "\x1b" not in str(caught.value)
        assert isinstance(caught.value.__cause__, SignInRequired)
        assert HEADER not in _shown(caught.value)
        assert "eyJ-x" not in _shown(caught.value)

    def test_an_endpoint_that_is_gone(self, azure: Sandbox, strategy: Any, serve: Any) -> None:
        """Nobody listens any more."""
        endpoint = serve(lambda resource: (200, {}))
        endpoint.shutdown()
        endpoint.server_close()
        with pytest.raises(SignInRequired, match="did not respond") as caught:
            _token(_sent(storage_credential(strategy)), MANAGEMENT)
        assert HEADER not in _shown(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            "http://169.254.169.254/msi/token",
            "http://example.com:80/",
            "https://127.0.0.1:1/",
            "http://127.0.0.1/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:99999/",
            "http://[",
            "not a url",
            "",
        ],
    )
    def test_what_is_no_endpoint_of_ours(
        self, azure: Sandbox, strategy: Any, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        """A machine's managed identity is not asked."""
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        with pytest.raises(SignInRequired, match=r"in another process\.") as caught:
            _token(_sent(storage_credential(strategy)), MANAGEMENT)
        assert caught.value.__cause__ is None

    def test_a_proxy_gets_nothing(
        self, azure: Sandbox, strategy: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The request goes straight to loopback, whatever the environment says."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        credential = storage_credential(strategy)
        serve(serving(credential))
        assert _token(_sent(credential), MANAGEMENT) == _token(credential, MANAGEMENT)

    def test_a_challenge_is_not_met(self, azure: Sandbox, strategy: Any, serve: Any) -> None:
        """The endpoint cannot be told of it."""
        credential = storage_credential(strategy)
        endpoint = serve(serving(credential))
        detached = DetachedStrategy(STORAGE, credential.whoami())
        with pytest.raises(SignInRequired):
            detached.silent(STORAGE, claims=CHALLENGE)
        assert endpoint.asked == []


CACHE, ENDPOINT = "cache=SignInCache", "identity_endpoint(credential)"


class TestRemedy:
    """The error says which of the two would have helped."""

    @pytest.mark.parametrize("moved", [False, True])
    def test_a_sign_in_at_entra_id(
        self, azure: Sandbox, strategy: Any, monkeypatch: pytest.MonkeyPatch, moved: bool
    ) -> None:
        """A cache on either machine, the endpoint on the same one only."""
        there = _sent(storage_credential(strategy))
        if moved:
            monkeypatch.setattr(socket, "gethostname", lambda: "another.example")
        with pytest.raises(SignInRequired) as caught:
            _token(there, MANAGEMENT)
        assert CACHE in caught.value.remedy
        assert (ENDPOINT in caught.value.remedy) is not moved

    def test_a_cache_that_is_not_there(
        self,
        azure: Sandbox,
        library: Any,
        tmp_path: Path,
        serve: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is named; the endpoint helps here too."""
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        cache = SignInCache(tmp_path / "sign-ins", allow_unencrypted=True)
        options: Any = {"tenant": CONTOSO, "cache": cache, "library": library}
        with pytest.warns(UserWarning, match="without encryption"):
            credential = storage_credential(
                "password", username=ada.username, password=PASSWORD, **options
            )
        there = _sent(credential)
        cache.sign_out()
        with pytest.raises(SignInRequired, match=r"does not keep it here") as caught:
            _token(there, MANAGEMENT)
        assert "sign-ins" in str(caught.value)
        assert ENDPOINT in caught.value.remedy
        serve(serving(credential))
        assert _token(_sent(there), MANAGEMENT) == _token(credential, MANAGEMENT)

    def test_a_credential_of_another_package(self, azure: Sandbox, strategy: Any) -> None:
        """It has no cache of ours."""
        credential = storage_credential(AzureCredential(storage_credential(strategy)))
        with pytest.raises(SignInRequired) as caught:
            _token(_sent(credential), MANAGEMENT)
        assert CACHE not in caught.value.remedy
        assert ENDPOINT in caught.value.remedy

    def test_a_token_that_nothing_renews(self) -> None:
        """Neither helps."""
        credential = storage_credential(StaticToken("opaque", time.time() + 600))
        with pytest.raises(SignInRequired) as caught:
            _token(_sent(credential), MANAGEMENT)
        assert CACHE not in caught.value.remedy
        assert ENDPOINT not in caught.value.remedy
        assert "pickle the credential again" in caught.value.remedy

    def test_sent_on_by_a_worker(self, azure: Sandbox, strategy: Any) -> None:
        """It says the same there."""
        there = pickle.loads(pickle.dumps(storage_credential(strategy)))
        with pytest.raises(SignInRequired) as caught:
            _token(_sent(there), MANAGEMENT)
        assert CACHE in caught.value.remedy
        assert ENDPOINT in caught.value.remedy

    def test_an_audience_that_did_not_come_along(self, azure: Sandbox, strategy: Any) -> None:
        """The call that brings it is right for an audience of any spelling."""
        there = pickle.loads(pickle.dumps(storage_credential(strategy)))
        for spelled in (KEY_VAULT, KEY_VAULT.rstrip("/")):
            with pytest.raises(SignInRequired) as caught:
                there.get_token(f"{spelled}/.default")
            assert f"get_token('{KEY_VAULT}.default')" in caught.value.remedy
