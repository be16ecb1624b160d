"""Values that hold secrets do not show them."""

from __future__ import annotations

import pickle

import pytest

from adls_enduser import Account, ConfigurationError, Token
from adls_enduser.tokens import Secret


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Neither repr, str nor format give it; reveal does."""
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret!r} {secret} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_secret_is_never_pickled() -> None:
    """Pickling one is an error with a remedy, on its own or inside of something."""
    for thing in (Secret("hunter2"), [Secret("hunter2")]):
        with pytest.raises(ConfigurationError, match="never pickled"):
            pickle.dumps(thing)


def test_secrets_compare_by_value_and_are_not_hashable() -> None:
    """Equality is needed to know a refused password again; a hash would be a trace of it."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError):
        hash(Secret("a"))


def test_a_token_hides_its_secret_and_knows_its_lifetime() -> None:
    """The repr says until when and for what, not the token."""
    token = Token("eyJ-secret", 3700.0, 100.0, "https://datalake.azure.net/", Account("ada"))
    assert "eyJ-secret" not in repr(token)
    assert "datalake" in repr(token)
    assert token.lifetime == 3600


def test_an_errors_repr_keeps_the_remedy() -> None:
    """azure-datalake-store's loops pass an error's repr on and nothing else."""
    error = ConfigurationError("It is wrong.", remedy="Make it right.")
    assert repr(error) == "ConfigurationError('It is wrong. Make it right.')"
