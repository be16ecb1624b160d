"""Tokens, versions and the headers that every response has."""

from __future__ import annotations

import pytest
import requests

from adls_enduser.sandbox import CONTOSO_ID, Person

from .conftest import STORAGE, VERSION, Lake, code, xml

CHALLENGE = (
    f"Bearer authorization_uri=https://login.microsoftonline.com/{CONTOSO_ID}/oauth2/authorize "
    "resource_id=https://storage.azure.com"
)


@pytest.mark.parametrize("kind", ["blob", "dfs"])
def test_without_a_token_there_is_a_challenge(lake, people, kind):
    """A request without a token is told where to get one, and for what."""
    response = lake.endpoint(kind, people["olga"])("GET", "/box/file", Authorization=None)
    assert code(response) == (401, "NoAuthenticationInformation")
    assert response.headers["WWW-Authenticate"] == CHALLENGE


def bad_tokens(azure, people):
    """Return a token of each kind that is refused, with the detail that says why."""
    sign = azure.world.identity.access_token
    olga, revoked = people["olga"], Person("rita@contoso.com", CONTOSO_ID, "-", role="Owner")
    elsewhere = azure.world.directory.add_tenant("fabrikam.com").tenant_id
    guest = Person("finn@fabrikam.com", elsewhere, "-")
    for person in (revoked, guest):
        azure.world.directory.add(person)
    options = {"client_id": "test", "lifetime": 3600}
    tokens = {
        "Audience validation failed.": sign(olga, "https://management.azure.com/", **options),
        "Lifetime validation failed.": sign(olga, STORAGE, client_id="test", lifetime=0),
        "Signature validation failed.": sign(olga, STORAGE, **options)[:-8] + "AAAAAAAA",
        "Invalid JWT token.": "opaque",
        "Token validation failed.": sign(revoked, STORAGE, **options),
        "Issuer validation failed.": sign(guest, STORAGE, **options),
    }
    azure.world.identity.revoke(revoked)
    return tokens


@pytest.mark.parametrize("kind", ["blob", "dfs"])
def test_a_bad_token_is_refused_with_the_challenge(storage_azure, lake, people, kind):
    """Another audience, tenant or key, an end, a revocation: 401, the challenge, and why."""
    endpoint = lake.endpoint(kind, people["olga"])
    for reason, token in bad_tokens(storage_azure, people).items():
        response = endpoint("GET", "/box/file", Authorization=f"Bearer {token}")
        assert code(response) == (401, "InvalidAuthenticationInfo"), reason
        assert response.headers["WWW-Authenticate"] == CHALLENGE
        assert reason in response.text


def test_a_revoked_person_is_let_in_again(storage_azure, lake, people):
    """The revocation of the tokens that a person has now spares later ones."""
    before = lake.endpoint("blob", people["olga"])
    storage_azure.world.identity.revoke_issued_tokens(people["olga"])
    assert before("GET", "/?comp=list").status_code == 401
    assert lake.endpoint("blob", people["olga"])("GET", "/?comp=list").status_code == 200


@pytest.mark.parametrize("audience", ["https://storage.azure.com", STORAGE])
def test_the_audience_of_all_accounts(lake, people, audience):
    """The audience is the same with and without its last slash."""
    assert lake.endpoint("dfs", people["olga"], audience)("HEAD", "/box/").status_code == 200


def test_the_audience_of_one_account(lake, people, storage_azure):
    """A token for one account is good for both its endpoints, and for no other account."""
    audience = f"https://{lake.name}.blob.core.windows.net/"
    for kind in ("blob", "dfs"):
        endpoint = lake.endpoint(kind, people["olga"], audience)
        assert endpoint("HEAD", "/box//").status_code == 200
    storage_azure.storage.create("anotherlake", "box")
    other = Lake(storage_azure, "anotherlake").endpoint("blob", people["olga"], audience)
    assert code(other("GET", "/?comp=list")) == (401, "InvalidAuthenticationInfo")
    other.session.close()


def test_versions_before_tokens(blob):
    """Older versions know no tokens, or no challenge (as recorded in public issues)."""
    for version in (None, "2015-02-21"):
        response = blob("GET", "/box/file", x_ms_version=version)
        assert code(response) == (403, "AuthenticationFailed")
        assert "Bearer is not supported in this version" in response.text
    response = blob("GET", "/box/file", x_ms_version="2019-07-07", Authorization="Bearer x")
    assert code(response) == (403, "AuthenticationFailed")
    assert "WWW-Authenticate" not in response.headers
    response = blob("GET", "/box/file", x_ms_version="2019-07-07", Authorization=None)
    assert code(response) == (404, "ResourceNotFound")
    assert code(blob("GET", "/box/file", x_ms_version="new")) == (400, "InvalidHeaderValue")


def test_keys_are_refused(blob):
    """There are no account keys, and no signatures made with them."""
    response = blob("GET", "/box/file?sv=2025-07-05&sig=AAAA", Authorization=None)
    assert code(response) == (403, "AuthenticationFailed")
    assert "no shared access signatures" in response.text
    response = blob("GET", "/?comp=list", Authorization="SharedKey lake:AAAA")
    assert code(response) == (403, "KeyBasedAuthenticationNotPermitted")


@pytest.mark.parametrize("kind", ["blob", "dfs"])
def test_headers_of_every_response(lake, people, kind):
    """Each response has the version, an id of its own, the client's id, and the date."""
    endpoint = lake.endpoint(kind, people["olga"])
    ids = set()
    for target in ("/box//", "/none/file"):
        response = endpoint("HEAD", target, x_ms_client_request_id="mine")
        assert response.headers["x-ms-version"] == VERSION
        assert response.headers["x-ms-client-request-id"] == "mine"
        assert response.headers["Date"]
        ids.add(response.headers["x-ms-request-id"])
    assert len(ids) == 2


def test_form_of_the_errors(blob, dfs):
    """Blob writes XML, dfs JSON; both name the request and the time; HEAD has the code alone."""
    response = blob("GET", "/box/none")
    assert response.headers["Content-Type"] == "application/xml"
    message = xml(response).findtext("Message")
    assert message.startswith("The specified blob does not exist.\nRequestId:")
    assert response.headers["x-ms-request-id"] in message
    assert "\nTime:" in message
    error = dfs("GET", "/box/none").json()["error"]
    assert error["code"] == "PathNotFound"
    assert error["message"].startswith("The specified path does not exist.\nRequestId:")
    head = blob("HEAD", "/box/none")
    assert code(head) == (404, "BlobNotFound")
    assert "Content-Type" not in head.headers


def test_an_account_that_does_not_exist(storage_azure, people):
    """Its host name does not resolve: the proxy refuses it with 502, before and after its life."""
    missing = Lake(storage_azure, "nolake").endpoint("blob", people["olga"])
    with pytest.raises(requests.exceptions.ProxyError, match="502 Bad Gateway"):
        missing("GET", "/box/file")
    missing.session.close()
    storage_azure.storage.create("shortlived", "box")
    gone = Lake(storage_azure, "shortlived").endpoint("blob", people["olga"])
    assert gone("GET", "/?comp=list").ok
    storage_azure.storage.delete("shortlived")
    storage_azure.storage.delete("shortlived")
    assert code(gone("GET", "/?comp=list")) == (404, "ResourceNotFound")  # an open connection
    gone.session.close()
    with pytest.raises(requests.exceptions.ProxyError, match="502 Bad Gateway"):
        gone("GET", "/?comp=list")


@pytest.mark.parametrize("name", ["ab", "x" * 25, "Lake", "my-lake", "../lake", ""])
def test_name_of_an_account(storage_azure, name):
    """3 to 24 lower-case letters and digits."""
    with pytest.raises(ValueError, match="lower-case letters and digits"):
        storage_azure.storage.create(name)


@pytest.mark.parametrize(
    ("cloud", "suffix", "authority"),
    [
        ("china", "core.chinacloudapi.cn", "https://login.chinacloudapi.cn/"),
        ("usgovernment", "core.usgovcloudapi.net", "https://login.microsoftonline.us/"),
    ],
)
def test_other_clouds(storage_azure, cloud, suffix, authority):
    """An account is in one cloud, with its host names, its tenant and its authority."""
    storage_azure.storage.create("worldlake", "box", cloud=cloud)
    tenant = storage_azure.world.directory.add_tenant(f"{cloud}.example", cloud=cloud).tenant_id
    person = storage_azure.world.directory.add(
        Person(f"li@{cloud}.example", tenant, "-", role="Owner")
    )
    here = Lake(storage_azure, "worldlake", suffix)
    for kind in ("blob", "dfs"):
        endpoint = here.endpoint(kind, person)
        assert endpoint("HEAD", "/box//").status_code == 200
        challenge = endpoint("HEAD", "/box//", Authorization=None).headers["WWW-Authenticate"]
        assert f"authorization_uri={authority}{tenant}/" in challenge
        assert "resource_id=https://storage.azure.com" in challenge
    here.close()
    public = Lake(storage_azure, "worldlake").endpoint("blob", person)
    with pytest.raises(requests.exceptions.ProxyError, match="502 Bad Gateway"):
        public("GET", "/?comp=list")
    public.session.close()
