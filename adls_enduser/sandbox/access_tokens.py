"""Signed access tokens: issued by the sandbox's Entra ID, checked by its services."""

from __future__ import annotations

import functools
import secrets
import uuid
from typing import TYPE_CHECKING, Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .clock import SandboxClock
    from .directory import Person

Reason = Literal["missing", "malformed", "signature", "audience", "expired", "revoked"]


@functools.cache
def _signing_key() -> rsa.RSAPrivateKey:
    # One key per process: generating it takes longer than the rest of a sandbox's start.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class InvalidAccessToken(Exception):
    """A service does not accept a token; ``reason`` says why."""

    def __init__(self, reason: Reason, claims: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.claims = claims or {}


class AccessTokenIssuer:
    """The signing key, the tokens it has signed, and the list of revocations."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._key = _signing_key()
        self.key_id = secrets.token_urlsafe(20)
        self._revoked: set[str] = set()
        self._issued: dict[str, set[str]] = {}
        self._required_contexts: dict[str, tuple[str, bool]] = {}

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign claims as Entra ID does: RS256, with the key's id in the header."""
        headers = {"kid": self.key_id, "x5t": self.key_id}
        return jwt.encode(claims, self._key, algorithm="RS256", headers=headers)

    def keys(self) -> dict[str, Any]:
        """Return the public key as a JWK set (RFC 7517), for clients that check signatures."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        names = {"use": "sig", "kid": self.key_id, "x5t": self.key_id}
        return {"keys": [{"kty": "RSA", **names, "n": key["n"], "e": key["e"]}]}

    def access_token(
        self,
        person: Person,
        audience: str,
        *,
        client_id: str,
        lifetime: float,
        amr: Collection[str] = ("pwd",),
        extra_claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Issue a v1.0 access token with the claims that Entra ID puts into one.

        Source: Microsoft, "Access token claims reference", version 1.0.
        """
        now = int(self._clock.service_time())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{person.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "acr": "1",
            "amr": list(amr),
            "appid": client_id,
            "appidacr": "0",
            **_person_claims(person),
            "jti": self._new_token_id(person),
        }
        return self.sign(claims | dict(extra_claims or {}))

    def check(self, authorization: str | None, audiences: Collection[str]) -> dict[str, Any]:
        """Return the claims in an ``Authorization`` header; raise InvalidAccessToken.

        Audiences are compared without their trailing slash, as Resource Manager and
        Data Lake Store do.
        """
        scheme, _, bearer = (authorization or "").partition(" ")
        if not bearer:
            raise InvalidAccessToken("missing")
        if scheme.lower() != "bearer":
            raise InvalidAccessToken("malformed")
        claims = self._decode(bearer)
        if claims["aud"].rstrip("/") not in {audience.rstrip("/") for audience in audiences}:
            raise InvalidAccessToken("audience", claims)
        if self._clock.service_time() >= claims["exp"]:
            raise InvalidAccessToken("expired", claims)
        if self._revoked & {claims["jti"], claims["oid"]}:
            raise InvalidAccessToken("revoked", claims)
        return claims

    def revoke(self, person: Person) -> None:
        """Reject all access tokens of a person, as continuous access evaluation does."""
        self._revoked.add(person.object_id)

    def revoke_issued_tokens(self, person: Person) -> None:
        """Reject the access tokens that a person has now; later ones are accepted."""
        self._revoked |= self._issued.pop(person.object_id, set())

    def accept_again(self, person: Person) -> None:
        """Undo ``revoke``, for the person's old tokens as well as for new ones."""
        self._revoked.discard(person.object_id)

    def require_context(
        self, person: Person, context: str | None, *, writes_only: bool = False
    ) -> None:
        """Require an authentication context (``acrs``) in a person's tokens; None: no more."""
        if context is None:
            self._required_contexts.pop(person.object_id, None)
        else:
            self._required_contexts[person.object_id] = (context, writes_only)

    def missing_context(self, claims: dict[str, Any], method: str) -> str | None:
        """Return the authentication context that a token lacks for a request, or None."""
        context, writes_only = self._required_contexts.get(claims["oid"], ("", False))
        reads = method in ("GET", "HEAD")
        if not context or context in claims.get("acrs", ()) or (writes_only and reads):
            return None
        return context

    def _new_token_id(self, person: Person) -> str:
        token_id = str(uuid.uuid4())
        self._issued.setdefault(person.object_id, set()).add(token_id)
        return token_id

    def _decode(self, bearer: str) -> dict[str, Any]:
        # The times are checked by the sandbox's clock, not by the machine's.
        unchecked = dict.fromkeys(("verify_aud", "verify_exp", "verify_nbf", "verify_iat"), False)
        options: Any = {**unchecked, "require": ["aud", "exp", "oid", "jti"]}
        try:
            return jwt.decode(bearer, self._key.public_key(), algorithms=["RS256"], options=options)
        except jwt.InvalidSignatureError:
            raise InvalidAccessToken("signature") from None
        except jwt.InvalidTokenError:
            raise InvalidAccessToken("malformed") from None


def _person_claims(person: Person) -> dict[str, Any]:
    """Return the claims about the person, and those that are the same for everybody."""
    return {
        "groups": list(person.groups),
        "ipaddr": "127.0.0.1",
        "name": person.display_name,
        "oid": person.object_id,
        "scp": "user_impersonation",
        "sub": secrets.token_urlsafe(32),
        "tid": person.tenant_id,
        "unique_name": person.username,
        "upn": person.username,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
