"""Readable records with values that no sign-in can use, chosen by hand and by hypothesis."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adls_enduser import CacheError, ConfigurationError, DeviceCode, explain
from adls_enduser.cache import CachedSession, SignInCache
from adls_enduser.cache.records import Record, decode, encode
from adls_enduser.options import AZURE_CLI_CLIENT_ID
from adls_enduser.sandbox import CONTOSO as DOMAIN

from ..constants import MANAGEMENT as ARM
from .helpers import (
    ADA,
    BOB,
    CLIENT,
    CONTOSO,
    DATA_LAKE,
    KEY,
    PUBLIC,
    MemoryKeyring,
    load,
    make_session,
    make_token,
    path_of,
    quarantined,
    save,
    use_keyring,
)

if TYPE_CHECKING:
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

# More of them: FUZZ=20000 python -m pytest tests/cache/test_damaged.py -k fuzz
EXAMPLES = int(os.environ.get("FUZZ", "60"))
fuzz = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ADAS_KEY, BOBS_KEY = replace(KEY, username=ADA.username), replace(KEY, username=BOB.username)
GOOD: dict[str, Any] = {
    "resource": DATA_LAKE,
    "secret": "good",
    "expires_on": 4600.0,
    "obtained_on": 1000.0,
}
TOKENS: list[dict[str, Any]] = [
    {"secret": "line\nbreak"},
    {"secret": "surrogate\ud800"},
    {"secret": "é"},
    {"secret": ""},
    {"secret": None},
    {"expires_on": 1e300},
    {"expires_on": 10**400},
    {"expires_on": float("nan")},
    {"expires_on": float("inf")},
    {"expires_on": True},
    {"expires_on": "4600"},
    {"expires_on": 999.0},
    {"obtained_on": -1e300},
    {"obtained_on": 0},
    {"resource": "line\nbreak"},
    {"resource": "\ud800"},
    {"resource": ["unhashable"]},
]
BODIES: list[Any] = [
    *({"refresh_token": "good", "tokens": [GOOD | changed]} for changed in TOKENS),
    *(
        {"refresh_token": value, "tokens": [GOOD]}
        for value in ("", "line\nbreak", "\ud800", "a b", "é", 7, ["x"], {"x": 1})
    ),
    {"refresh_token": "good", "tokens": None},
    {"refresh_token": "good", "tokens": ["secret"]},
    {"refresh_token": "good"},
    *(
        {"refresh_token": "good", "tokens": [GOOD], "documents": documents}
        for documents in ([], None, {"url": None}, {"url": ["{}"]}, {"url": [7, 1.0]})
    ),
    {"refresh_token": "good", "tokens": [GOOD], "documents": {"url": ["{}", float("nan")]}},
    {"tokens": [GOOD]},
    ["refresh_token", "tokens"],
    "refresh_token",
    None,
]
NAMES = ["line\nbreak", "\x1b[2J", "\u202egnp.exe", "\ud800", "x" * 10**6, "\x85", 7, ["x"]]


@pytest.fixture(params=["encrypted", "plain"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A cache with Bob's sign-in."""
    plain = request.param == "plain"
    backend: Any = keyring.backends.fail.Keyring() if plain else MemoryKeyring()
    with use_keyring(backend), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sign-ins are kept without encryption")
        cache = SignInCache(tmp_path / "kept", allow_unencrypted=plain)
        save(cache, make_session(BOB))
        yield cache


def add(cache: SignInCache, body: bytes, client_id: str = CLIENT) -> None:
    """Write a record of Ada with this body, before Bob's, as this package would have."""
    header = Record(PUBLIC, client_id, ADA, (DOMAIN,))
    if cache.allow_unencrypted:
        record = replace(header, body=body)
    else:
        (key,) = keyring.get_keyring().passwords.values()  # type: ignore[attr-defined]
        nonce = os.urandom(12)
        sealed = AESGCM(base64.b64decode(key)).encrypt(nonce, body, header.associated_data)
        id_of_key = decode(path_of(cache).read_bytes()).records[-1].key_id
        record = replace(header, nonce=nonce, body=sealed, key_id=id_of_key)
    path_of(cache).write_bytes(encode([record, *decode(path_of(cache).read_bytes()).records]))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body)[:60])
def test_an_unusable_value_is_damage(cache: SignInCache, body: Any) -> None:
    """The file is renamed, the person signs in again, and nobody else has to."""
    add(cache, json.dumps(body).encode())
    with pytest.warns(UserWarning, match="was renamed"):
        assert load(cache, ADAS_KEY) is None
    assert len(quarantined(cache)) == 1
    assert load(cache, BOBS_KEY) == make_session(BOB)
    save(cache, make_session(ADA))
    assert load(cache, ADAS_KEY) == make_session(ADA)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
@pytest.mark.parametrize("field", ["username", "tenant", "object_id", "client_id", "asked"])
def test_a_name_that_is_not_a_line_of_text_is_damage(
    cache: SignInCache, field: str, name: object
) -> None:
    """It is never shown: neither by explain, nor in a repr or an error."""
    add(cache, json.dumps({"refresh_token": "good", "tokens": []}).encode())
    document = json.loads(path_of(cache).read_text())
    document["records"][0][field] = [name] if field == "asked" else name
    path_of(cache).write_text(json.dumps(document))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = explain(cache=cache, client_id=CLIENT).found
    accounts = cache.accounts()
    shown = f"{found} {accounts!r} {cache!r} {load(cache, BOBS_KEY)!r}"
    assert [account.username for account in accounts] == [BOB.username]
    assert shown.isprintable()
    assert "break" not in shown
    assert len(shown) < 2000


def test_nothing_unusable_is_written(cache: SignInCache) -> None:
    """Else the next process would take the file for damaged."""
    before = path_of(cache).read_bytes()
    sessions = [make_session(ADA, value) for value in ("", "line\nbreak", "\ud800")]
    sessions += [make_session(replace(ADA, username="line\nbreak"))]
    for session in sessions:
        with pytest.raises(CacheError, match="cannot be kept"):
            save(cache, session, ADAS_KEY)
    assert path_of(cache).read_bytes() == before
    odd = [replace(make_token(DATA_LAKE), secret="line\nbreak"), make_token("\ud800")]
    odd += [replace(make_token("https://x.example"), expires_on=1e300)]
    save(cache, make_session(ADA, "good", *odd, make_token(ARM)))
    assert load(cache, ADAS_KEY) == make_session(ADA, "good", make_token(ARM))


@pytest.mark.parametrize("library", ["adal", "msal"])
@pytest.mark.parametrize("body", [BODIES[0], BODIES[5], BODIES[len(TOKENS)]])
@pytest.mark.filterwarnings("ignore:The sign-in cache:UserWarning")
def test_the_person_signs_in_again(
    cache: SignInCache, azure: Sandbox, grace: Person, body: Any, library: str
) -> None:
    """Through a strategy, with either library; the new sign-in is kept."""
    add(cache, json.dumps(body).encode(), AZURE_CLI_CLIENT_ID)
    prompts: list[Any] = []

    def show(prompt: Any) -> None:
        prompts.append(prompt)
        azure.entra.approve(prompt.code, by=grace)

    options: Any = {"tenant": DOMAIN, "cache": cache, "clock": azure.clock, "library": library}
    strategy = DeviceCode(**options, username=ADA.username)
    assert strategy.silent(ARM) is None
    DeviceCode(**options, prompt=show, username=grace.username).sign_in(ARM)
    assert DeviceCode(**options, username=grace.username).silent(ARM) is not None
    assert len(prompts) == 1


any_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
odd = st.sampled_from(
    ["", "x", "a b", "\n", "\ud800", 0, -1, 1e300, 10**400, 2**63, True, None, [], {}]
)
tokens = st.fixed_dictionaries(
    {
        "resource": st.sampled_from([DATA_LAKE, ARM]) | odd | any_json,
        "secret": st.just("good") | odd | any_json,
        "expires_on": st.sampled_from([4600.0, 5000]) | odd | any_json,
        "obtained_on": st.sampled_from([1000.0, 1]) | odd | any_json,
    }
)
bodies = st.fixed_dictionaries(
    {
        "refresh_token": st.just("good") | odd | any_json,
        "tokens": st.lists(tokens, max_size=2) | odd | any_json,
        "documents": st.dictionaries(st.text(), st.tuples(st.text(), st.floats())) | odd | any_json,
    }
)
names = st.none() | st.sampled_from([ADA.username, CONTOSO, CLIENT, PUBLIC]) | odd | any_json
rows = st.fixed_dictionaries(
    {
        "authority": st.just(PUBLIC) | names,
        "client_id": st.just(CLIENT) | names,
        "tenant": names,
        "object_id": names,
        "username": st.just(ADA.username) | names,
        "asked": st.lists(names, max_size=2) | odd,
        "nonce": st.none() | st.sampled_from(["A" * 16, "AAAA", "é"]) | odd,
        "body": st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode())
        | bodies.map(lambda body: base64.b64encode(json.dumps(body).encode()).decode())
        | odd,
        "key_id": st.sampled_from(["0" * 16, None, "x"]) | odd,
    }
)


class TestFuzz:
    """The result is a sign-in, None or a CacheError, and Bob's record stays as it is."""

    @fuzz
    @given(body=bodies | any_json)
    def test_fuzz_bodies(self, cache: SignInCache, body: Any) -> None:
        """Sealed with the right key."""
        cache.sign_out(ADA.username)
        raw = json.dumps(body).encode()
        add(cache, raw)
        self.check(cache)

    @fuzz
    @given(raw=st.binary(max_size=200))
    def test_fuzz_bytes(self, cache: SignInCache, raw: bytes) -> None:
        """Sealed with the right key, and not even JSON."""
        cache.sign_out(ADA.username)
        add(cache, raw)
        self.check(cache)

    @fuzz
    @given(before=st.lists(rows | any_json, max_size=2), after=st.lists(rows, max_size=2))
    def test_fuzz_rows(self, cache: SignInCache, before: list[Any], after: list[Any]) -> None:
        """Around a good record."""
        good = [encode([one]) for one in decode(path_of(cache).read_bytes()).records]
        (bob,) = [json.loads(one)["records"][0] for one in good if b"bob@" in one]
        document = {"format": "adls-enduser sign-ins", "version": 1}
        path_of(cache).write_text(json.dumps({**document, "records": [*before, bob, *after]}))
        self.check(cache)

    @staticmethod
    def check(cache: SignInCache) -> None:
        """Read both people's sign-ins."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shown, found = "", None
            # ConfigurationError: several good records of Ada, whose names differ.
            with contextlib.suppress(ConfigurationError):
                shown = str(explain(cache=cache, client_id=CLIENT, username=ADA.username))
                try:
                    found = load(cache, replace(ADAS_KEY, tenant=CONTOSO))
                except CacheError as error:
                    shown += str(error)
            assert shown.replace("\n", "").isprintable()
            assert load(cache, BOBS_KEY) == make_session(BOB)
        assert found is None or isinstance(found, CachedSession)
        if found is not None:
            assert all(token.is_sound for token in found.tokens.values())
            refresh_token = found.refresh_token
            assert refresh_token is None or refresh_token.reveal().isascii()
            assert refresh_token is None or refresh_token.reveal().isprintable()
