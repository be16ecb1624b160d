"""Secrets, tokens and errors: what their repr shows and hides."""

from __future__ import annotations

import pickle

import pytest

from adls_enduser import Account, ConfigurationError, Token
from adls_enduser.tokens import Secret


def test_only_reveal_returns_the_value_of_a_secret() -> None:
    """repr, str and format hide it."""
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret!r} {secret} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_secret_is_never_pickled() -> None:
    """Pickling one is an error with a remedy, also if it is in a list."""
    for value in (Secret("hunter2"), [Secret("hunter2")]):
        with pytest.raises(ConfigurationError, match="never pickled"):
            pickle.dumps(value)


def test_secrets_compare_by_value_and_are_not_hashable() -> None:
    """Equality is needed to recognise a wrong password; a hash would reveal something about it."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError):
        hash(Secret("a"))


def test_a_token_hides_its_secret_and_has_a_lifetime() -> None:
    """The repr shows times and audience, not the token."""
    token = Token("eyJ-secret", 3700.0, 100.0, "https://datalake.azure.net/", Account("ada"))
    assert "eyJ-secret" not in repr(token)
    assert "datalake" in repr(token)
    assert token.lifetime == 3600


def test_an_errors_repr_keeps_the_remedy() -> None:
    """azure-datalake-store's loops pass on only an error's repr."""
    error = ConfigurationError("It is wrong.", remedy="Make it right.")
    assert repr(error) == "ConfigurationError('It is wrong. Make it right.')"
