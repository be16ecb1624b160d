"""Bad input: a ConfigurationError of ours, at the call, before any network."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as some

from adls_enduser import (
    AZURE_CLI_CLIENT_ID,
    CHINA,
    PUBLIC,
    US_GOVERNMENT,
    Browser,
    ConfigurationError,
    DeviceCode,
    Password,
    UnsupportedByCloud,
    filesystem_token,
    management_credentials,
)
from adls_enduser.modes import ModeName, option_names
from adls_enduser.options import settings
from adls_enduser.sandbox import SandboxClock

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

GUID = "c0ffee00-7e57-4c0a-9d0a-000000000001"

BAD = [
    ({"mode": "x"}, "mode"),
    ({"mode": None}, "mode"),
    ({"mode": DeviceCode}, "mode"),
    ({"mode": 7}, "mode"),
    *(
        ({"fallback": fallback}, "fallback=")
        for fallback in ("x", "", 7, False, b"", b"x", {}, DeviceCode, ["x"], ["device_code", None])
    ),
    ({"tenant": ""}, "tenant"),
    ({"tenant": "contoso"}, "tenant"),
    ({"tenant": "contoso.com/evil"}, "tenant"),
    ({"tenant": "contoso.com#x"}, "tenant"),
    ({"tenant": "contoso.com\n"}, "tenant"),
    ({"tenant": GUID[:-1]}, "tenant"),
    ({"tenant": 7}, "tenant"),
    ({"client_id": ""}, "client_id"),
    ({"client_id": "my-app"}, "client_id"),
    ({"client_id": None}, "client_id"),
    ({"cloud": "germany"}, "cloud"),
    ({"cloud": None}, "cloud"),
    ({"username": ""}, "username"),
    ({"username": "ada\x1b@contoso.com"}, "username"),
    ({"username": 7}, "username"),
    ({"username": " ada@contoso.com"}, "username"),
    ({"username": "ada@contoso.com\u00a0"}, "username"),
    ({"proxies": "http://proxy"}, "proxies"),
    *(
        ({"proxies": {key: "http://proxy"}}, "proxies")
        for key in ("HTTPS", "https://", "Http://host", "ALL", "all://")
    ),
    *(
        ({"proxies": {"https": proxy}}, "proxies")
        for proxy in (8080, None, "\n", " ", "http://", "http://[proxy:8080", "http://a proxy")
    ),
    *(
        ({"proxies": {"https": proxy}}, "proxies")
        for proxy in ("http://ada:p@ss#1@proxy:8080", "http://ada:p?ss@proxy", "proxy#1")
    ),
    ({"ca_bundle": "/no/such/file.pem"}, "ca_bundle"),
    ({"ca_bundle": False}, "ca_bundle"),
    ({"request_timeout": 0}, "request_timeout"),
    ({"request_timeout": "30"}, "request_timeout"),
    ({"request_timeout": True}, "request_timeout"),
    ({"request_timeout": None}, "request_timeout"),
    ({"request_timeout": float("nan")}, "request_timeout"),
    ({"library": "requests"}, "library"),
    ({"cache": "memory"}, "cache"),
    ({"interactive": "yes"}, "interactive"),
    ({"tenent": "contoso.com"}, "tenent"),
    ({"prompt": "print"}, "prompt"),
    ({"timeout": -1}, "timeout"),
    ({"timeout": False}, "timeout"),
    ({"cancel": True}, "cancel"),
    ({"password": "x"}, "password"),
    *(({"clock": clock}, "clock") for clock in (None, 7, SandboxClock)),
    ({"open_browser": True}, "open_browser"),
    *(({"mode": "auto", "open_browser": flag}, "open_browser") for flag in (0, "", "no")),
    ({"mode": "auto", "open_browser": False, "redirect_uri": "localhost"}, "redirect_uri"),
    ({"mode": "browser", "open_browser": "yes"}, "open_browser"),
    ({"mode": "browser", "prompt": "print"}, "prompt"),
    ({"mode": "browser", "timeout": 0}, "timeout"),
    ({"mode": "browser", "cancel": True}, "cancel"),
    ({"mode": "browser", "password": "x"}, "password"),
    *(
        ({"mode": "browser", "redirect_uri": uri}, "redirect_uri")
        for uri in (
            *(None, 7, "", "localhost", "//localhost", "localhost:8400", "http:", "urn:"),
            *("http://example.com/", "http://localhost.example.com", "http://127.0.0.2"),
            *("http://localhost:x", "http://localhost:0", "http://localhost:70000"),
            *("http://localhost/?a=b", "http://localhost/#a", "http://a@localhost"),
            *("https://example.com/#a", "http://localhost/ a", "http://localhost\n", "ht\u0000p:x"),
        )
    ),
    ({"mode": "password", "username": "ada@contoso.com", "password": 3}, "password"),
    ({"mode": "password", "username": "ada@contoso.com", "password": b"x"}, "password"),
    ({"mode": "password", "username": "ada@contoso.com", "password": ""}, "password"),
    ({"mode": "password", "password": "x"}, "username"),
    ({"mode": "password", "username": "a@b.com", "password": "x", "prompt": print}, "prompt"),
    ({"mode": "password", "username": "a@b.com", "password": "x", "timeout": 3}, "timeout"),
]


@pytest.mark.parametrize(("options", "named"), BAD, ids=lambda value: str(value)[:60])
@pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
def test_bad_input_is_refused_before_any_network(
    azure: Sandbox, factory: Any, options: dict[str, Any], named: str
) -> None:
    """The error names the argument and is a ValueError too; the network is not touched."""
    with pytest.raises(ConfigurationError, match=named) as caught:
        factory(**options)
    assert isinstance(caught.value, ValueError)
    assert caught.value.remedy
    assert len(azure.log) == 0


@pytest.mark.parametrize("strategy", [Password, DeviceCode, Browser])
def test_a_strategy_checks_its_options_itself(strategy: Any) -> None:
    """Made directly, it refuses what it does not take, naming the option and itself."""
    with pytest.raises(ConfigurationError, match=f"{strategy.__name__} does not take .*'mode'"):
        strategy(username="ada@contoso.com", mode="x")


def test_options_do_not_go_beside_an_object(azure: Sandbox) -> None:
    """They belong to the strategy; the error says where to give them."""
    strategy = DeviceCode(tenant="contoso.com")
    with pytest.raises(ConfigurationError, match=r"DeviceCode\(tenant=\.\.\.\)"):
        management_credentials(mode=strategy, tenant="contoso.com")
    assert len(azure.log) == 0


@pytest.mark.parametrize("cloud", ["china", "us_government", CHINA, US_GOVERNMENT])
def test_gen1_is_refused_outside_the_public_cloud(azure: Sandbox, cloud: Any) -> None:
    """At the call, not at the first read of a file; account management is a control."""
    with pytest.raises(UnsupportedByCloud):
        filesystem_token(cloud=cloud, prompt=print)
    assert len(azure.log) == 0
    DeviceCode(cloud=cloud)


def test_good_options_are_accepted(tmp_path: Any) -> None:
    """What the table in the README allows makes a strategy."""
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    mine = replace(PUBLIC, name="mine", authority="https://login.example.com/")
    strategy = DeviceCode(
        tenant=GUID,
        client_id=AZURE_CLI_CLIENT_ID.upper(),
        username="ada@contoso.com",
        cloud=mine,
        prompt=print,
        timeout=2,
        cancel=threading.Event(),
        cache=None,
        library="adal",
        proxies={"https": "http://proxy.example:8080"},
        ca_bundle=bundle,
        request_timeout=1.5,
    )
    assert strategy.settings.authority == f"https://login.example.com/{GUID}"


@pytest.mark.parametrize(
    "proxy",
    ["", "proxy.example:8080", "http://[::1]:8080", "socks5h://ada:secret@proxy.example:1080"],
)
def test_proxies(proxy: str) -> None:
    """What requests takes for a proxy is one; nothing is none, whatever the environment says."""
    assert settings({"proxies": {"https": proxy}}).proxies == {"https": proxy}


def test_proxies_of_the_standard_library() -> None:
    """``urllib.request.getproxies`` has keys for other purposes too."""
    proxies = {"https://host": "http://proxy", "no": "localhost", "ftp": "ftp://x", "all": ""}
    assert settings({"proxies": proxies}).proxies == proxies


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost",
        "http://localhost:8400/",
        "http://127.0.0.1:1/signed/in",
        "http://[::1]",
        "https://login.microsoftonline.com/common/oauth2/nativeclient",
        "urn:ietf:wg:oauth:2.0:oob",
        "com.example.app:/back",
    ],
)
def test_redirect_uris(redirect_uri: str) -> None:
    """What the portal lets an application have is taken as it is."""
    Browser(redirect_uri=redirect_uri, open_browser=False, timeout=2, prompt=print)


@pytest.mark.parametrize(
    "tenant",
    [
        *("common", "organizations", "contoso.onmicrosoft.com", "A-b.co"),
        *("xn--mnchen-3ya.example", "example.xn--p1ai", "xn--e1afmkfd.xn--80akhbyknj4f"),
    ],
)
def test_tenants(tenant: str) -> None:
    """Domains and the two words of Entra ID's own are tenants."""
    assert settings({"tenant": tenant}).authority.endswith(f"/{tenant}")


@pytest.mark.parametrize(
    ("tenant", "ascii_name"),
    [
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MU\u0308NCHEN.Example", "xn--mnchen-3ya.Example"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("contoso.みんな", "contoso.xn--q9jyb4c"),
    ],
)
def test_internationalised_tenants(tenant: str, ascii_name: str) -> None:
    """Entra ID knows them by their name in DNS, in punycode (RFC 3492)."""
    assert settings({"tenant": tenant}).tenant == ascii_name


@pytest.mark.parametrize(
    "tenant",
    [
        *("straße.example", "conto\u017fo.com", "contoso。com", "ﬁ.example"),
        *("xn--.example", "a.xn--", "a.xn--b-", "a.123", "ü", f"{'ü' * 300}.example", "ü..example"),
    ],
    ids=ascii,
)
def test_no_tenant_becomes_another_domain(tenant: str) -> None:
    """Where Python's IDNA would map a letter to others, the person writes the name as in DNS."""
    with pytest.raises(ConfigurationError, match="tenant="):
        settings({"tenant": tenant})


def test_no_tenant_is_the_librarys_word_for_any() -> None:
    """Whoever signs in brings their tenant along; a tenant that is given is taken."""
    host = "https://login.microsoftonline.com"
    assert settings({}).authority == f"{host}/common"
    assert settings({"library": "msal"}).authority == f"{host}/organizations"
    assert settings({"library": "msal", "tenant": "common"}).authority == f"{host}/common"


@given(some.text())
def test_no_text_gets_into_the_authority_but_a_tenant(text: str) -> None:
    """Whatever tenant= is, the authority stays the cloud's host and one path segment."""
    try:
        authority = settings({"tenant": text}).authority
    except ConfigurationError:
        return
    host, _, tenant = authority.removeprefix("https://").partition("/")
    assert host == "login.microsoftonline.com"
    assert tenant in (text, text.encode("idna").decode())


def test_nothing_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that other libraries obey change nothing here, as lib.auth obeys them."""
    for name in ("AZURE_TENANT_ID", "azure_tenant_id", "AZURE_USERNAME", "azure_username"):
        monkeypatch.setenv(name, "evil.example")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://evil.example")
    own = settings({})
    assert (own.tenant, own.username) == (None, None)
    assert own.authority == "https://login.microsoftonline.com/common"


@pytest.mark.parametrize(
    ("package", "factory", "install"),
    [
        ("azure.datalake", "filesystem_token", "azure-datalake-store"),
        ("msrestazure", "management_credentials", "msrestazure"),
    ],
)
def test_an_uninstalled_package_is_named(package: str, factory: str, install: str) -> None:
    """A program that lacks the SDK is told so before it asks anybody (a process of its own)."""
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"import adls_enduser; adls_enduser.{factory}(prompt=print)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingDependency" in last
    assert install in last


def test_help_lists_every_option() -> None:
    """``help(management_credentials)`` has a line for each option of each mode."""
    listed = set(re.findall(r"^(\w+) {2,}\S", inspect.getdoc(management_credentials) or "", re.M))
    assert listed == set().union(*map(option_names, get_args(ModeName)))
