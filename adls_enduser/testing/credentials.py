"""What the credential of every factory must do, as a pytest class to inherit from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.credentials import AccessToken, AccessTokenInfo

from ..clouds import PUBLIC
from ..errors import ConfigurationError
from ..sandbox import Answer
from ..strategies.jwt import decode_unverified

if TYPE_CHECKING:
    from pathlib import Path

    from ..credentials.protocol import Credentials
    from ..sandbox import Sandbox

_DATA_LAKE = PUBLIC.filesystem_audience()
_STORAGE = PUBLIC.storage
_TOKEN_PATH = "/token"  # of either version of Entra ID's endpoints


class CredentialContract:
    """What a factory returns works with every generation of the SDKs.

    Define the fixture ``credential``, signed in and made with ``clock=azure_sandbox.clock``,
    and set ``resource`` to the audience that it is for.
    """

    resource: str

    def _secret(self, credential: Credentials) -> str:
        return credential.get_token(f"{self.resource}.default").token

    def test_get_token_takes_every_spelling(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """Both scope spellings and the bare audience are one token, requested once."""
        base = self.resource.rstrip("/")
        spellings = [f"{base}/.default", f"{base}//.default", base, f"{base}/"]
        azure_sandbox.log.clear()
        tokens = {credential.get_token(scope).token for scope in spellings}
        assert len(tokens) == 1
        assert len(azure_sandbox.log) == 0

    def test_both_management_audiences_are_one(self, credential: Credentials) -> None:
        """azure-core's and msrestazure's names for Resource Manager are one token."""
        new = credential.get_token("https://management.azure.com/.default")
        old = credential.get_token("https://management.core.windows.net//.default")
        assert new.token == old.token

    def test_get_token_returns_azure_cores_type(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """An AccessToken with epoch seconds as an int, whose repr hides the token."""
        token = credential.get_token(f"{self.resource}.default", enable_cae=False, extra=1)
        assert isinstance(token, AccessToken)
        assert isinstance(token.expires_on, int)
        assert token.expires_on == pytest.approx(azure_sandbox.clock.time() + 3600, abs=5)
        assert token.token not in repr(token)
        again = credential.get_token(f"{self.resource}.default")
        assert again is token, "made once"

    def test_get_token_info_returns_azure_cores_type(self, credential: Credentials) -> None:
        """An AccessTokenInfo of the same token, whose repr hides it."""
        info = credential.get_token_info(f"{self.resource}.default", options={})
        assert isinstance(info, AccessTokenInfo)
        assert info.token == credential.get_token(f"{self.resource}.default").token
        assert info.token_type == "Bearer"
        assert info.token not in repr(info)

    @pytest.mark.parametrize(
        ("method", "arguments", "named"),
        [
            ("get_token_info", {"options": "claims"}, "options"),
            ("signed_session", {"session": "https://management.azure.com"}, "session"),
            ("refresh_session", {"session": 7}, "session"),
        ],
    )
    def test_a_wrong_argument_is_refused(
        self,
        credential: Credentials,
        azure_sandbox: Sandbox,
        method: str,
        arguments: Any,
        named: str,
    ) -> None:
        """With a ConfigurationError, no TypeError or AttributeError, and without a request."""
        azure_sandbox.log.clear()
        scopes = ["https://storage.azure.com/.default"] if method == "get_token_info" else []
        with pytest.raises(ConfigurationError, match=f"{named} must be"):
            getattr(credential, method)(*scopes, **arguments)
        assert len(azure_sandbox.log) == 0

    def test_another_resource_is_silent(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """get_token serves Gen2 and every other audience by one refresh request."""
        azure_sandbox.log.clear()
        other = _DATA_LAKE if self.resource == _STORAGE else _STORAGE
        first = credential.get_token(f"{other}.default")
        assert credential.get_token(f"{other.rstrip('/')}/.default").token == first.token
        assert credential.get_token(f"{other}/.default").token == first.token
        assert _grant_types(azure_sandbox) == ["refresh_token"]

    @pytest.mark.parametrize(
        ("scopes", "options", "reason"),
        [
            ((), {}, "needs a scope"),
            (("",), {}, "needs a scope"),
            ((None,), {}, "needs a scope"),
            ((["https://datalake.azure.net/.default"],), {}, "needs a scope"),
            ((f"{_STORAGE}.default", f"{_DATA_LAKE}.default"), {}, "several audiences"),
            ((f"{_STORAGE}.default",), {"tenant_id": "fabrikam.com"}, "fabrikam"),
            ((f"{_STORAGE}.default",), {"claims": 3}, "claims"),
            ((f"{_STORAGE}.default",), {"claims": "none"}, "claims"),
        ],
    )
    def test_bad_input_is_refused(
        self,
        credential: Credentials,
        azure_sandbox: Sandbox,
        scopes: Any,
        options: Any,
        reason: str,
    ) -> None:
        """A wrong scope, tenant or claim is a ConfigurationError before any network."""
        azure_sandbox.log.clear()
        with pytest.raises(ConfigurationError, match=reason):
            credential.get_token(*scopes, **options)
        assert len(azure_sandbox.log) == 0

    def test_the_tenant_of_the_sign_in_is_accepted(self, credential: Credentials) -> None:
        """tenant_id= may name the tenant of the sign-in."""
        tenant = credential.whoami().tenant
        assert credential.get_token(f"{self.resource}.default", tenant_id=tenant).token

    def test_a_session_is_signed_twice(self, credential: Credentials) -> None:
        """The header is for 0.0.x file systems, auth for everything else."""
        mine = requests.Session()
        assert credential.signed_session(mine) is mine
        secret = self._secret(credential)
        assert mine.headers["Authorization"] == f"Bearer {secret}"
        assert callable(mine.auth)
        assert credential.signed_session() is not mine

    def test_plain_http_never_gets_the_token(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """A signed session refuses an http URL before it sends anything."""
        session = credential.signed_session()
        azure_sandbox.log.clear()
        with pytest.raises(ConfigurationError, match="plain http"):
            session.get("http://management.azure.com/subscriptions")
        assert len(azure_sandbox.log) == 0

    def test_netrc_does_not_replace_the_token(
        self,
        credential: Credentials,
        azure_sandbox: Sandbox,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A netrc entry for the host is ignored by a signed session."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine management.azure.com login x password y\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        plain = requests.get("https://management.azure.com/subscriptions")
        assert plain.request.headers["Authorization"].startswith("Basic "), "the control"
        signed = credential.signed_session().get("https://management.azure.com/subscriptions")
        assert signed.request.headers["Authorization"].startswith("Bearer ")

    def test_an_old_session_stays_signed(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """A session that is used after the token has expired sends a new token."""
        session = credential.signed_session()
        before = session.headers["Authorization"]
        azure_sandbox.clock.advance(3600 * 3)
        response = session.get("https://management.azure.com/subscriptions?api-version=2022-12-01")
        assert response.request.headers["Authorization"] != before

    def test_it_outlives_its_token(self, credential: Credentials, azure_sandbox: Sandbox) -> None:
        """Three expiries, with a failing service in between, cause no prompt and no error."""
        scope = f"{self.resource}.default"
        seen = {credential.get_token(scope).token}
        azure_sandbox.log.clear()
        for _ in range(3):
            azure_sandbox.clock.advance(3400)
            azure_sandbox.faults.add(Answer(503), times=3, path=_TOKEN_PATH)
            assert credential.get_token(scope).token in seen, "the old token is unexpired"
            azure_sandbox.clock.advance(100)
            seen.add(credential.get_token(scope).token)
        assert len(seen) == 4
        assert set(_grant_types(azure_sandbox)) == {"refresh_token"}
        assert len(azure_sandbox.log) == 12

    def test_refresh_session_renews(self, credential: Credentials, azure_sandbox: Sandbox) -> None:
        """It signs the session that it is given with a new token."""
        mine = credential.signed_session()
        before = mine.headers["Authorization"]
        assert credential.refresh_session(mine) is mine
        assert mine.headers["Authorization"] != before

    def test_whoami_needs_no_network(self, credential: Credentials, azure_sandbox: Sandbox) -> None:
        """The account is the one that the token names."""
        azure_sandbox.log.clear()
        account = credential.whoami()
        assert account == decode_unverified(self._secret(credential)).account
        assert len(azure_sandbox.log) == 0

    def test_the_repr_names_account_resource_and_sign_in(
        self, credential: Credentials, azure_sandbox: Sandbox
    ) -> None:
        """It names no secret and no moment, so that it stays the same across renewals."""
        text = repr(credential)
        secret = self._secret(credential)
        assert (credential.whoami().username or "nobody") in text
        assert self.resource in text
        assert "sign-in" in text
        assert secret not in text
        azure_sandbox.clock.advance(3601)
        assert self._secret(credential) != secret
        assert repr(credential) == text
        assert repr(credential.aio()) == f"<async {text}>"

    def test_the_token_dictionary_hides_its_values(self, credential: Credentials) -> None:
        """If it has ``.token``, that has the SDK's keys, and printing it shows no secret."""
        secret = self._secret(credential)
        token: Any = getattr(credential, "token", None)
        if token is None:
            pytest.skip("No SDK reads .token of this credential.")
        assert secret in token.values()
        assert secret not in f"{token!r} {token}"


def _grant_types(azure: Sandbox) -> list[str]:
    return [one.request.form["grant_type"] for one in azure.log if one.request]
