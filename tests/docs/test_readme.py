"""README is short and leads everywhere, and special programs and tables of the pages."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args
from urllib.parse import urljoin

import pexpect
import pytest
import requests

from adls_enduser import ConfigurationError, explain
from adls_enduser.modes import ModeName, option_names
from adls_enduser.sandbox import CONTOSO, Sandbox
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from .blocks import all_blocks, blocks

ROOT = Path(__file__).parents[2]
# What stands for the user's own values.
PRELUDE = f"subscription_id = {SUBSCRIPTION_ID!r}\n"


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def _page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def _program(part: str) -> str:
    found = {one.code for one in all_blocks() if one.language == "python" and part in one.code}
    (program,) = found
    return program


# Constants, which the marker ``sdk`` sees: these two programs use an SDK.
BOTH_PLANES = PRELUDE + _program("filesystem_token(mode=strategy)")
OTHER_PEOPLES = _program("StaticToken(access_token")
(TUTORIAL,) = (
    one.code
    for one in blocks(ROOT / "docs" / "tutorial.md")
    if one.line < 40 and one.language == "python"
)


def test_one_sign_in_for_both_planes() -> None:
    """The second program of the first screen: one prompt, both planes."""
    program = BOTH_PLANES + "print([one.name for one in client.accounts.list()], store.ls('/'))\n"
    with Sandbox(environ=None) as azure:
        azure.entra.person(f"ada@{CONTOSO}", password="x", approves_device_codes=True)
        environment: dict[str, str] = os.environ | azure.environment
        child = pexpect.spawn(
            sys.executable, ["-c", program], env=environment, encoding="utf-8", timeout=30
        )
        child.expect("To sign in, open")
        child.expect(r"\['mystore'\] \[\]")
        child.expect(pexpect.EOF)
        assert "To sign in" not in child.before
        assert len(azure.log.to("/devicecode")) == 1


def test_the_password_program_asks_for_the_password() -> None:
    """As its comment says."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(f"ada@{CONTOSO}", password="ada-password")
        environment: dict[str, str] = os.environ | azure.environment
        program = _program("# asks for the password") + "print(credentials)\n"
        child = pexpect.spawn(
            sys.executable, ["-c", program], env=environment, encoding="utf-8", timeout=30
        )
        child.expect("Password for ada")
        child.sendline("ada-password")
        child.expect("<management credentials of ada")


def test_the_program_with_other_peoples_credentials_runs() -> None:
    """Up to where the browser would be opened: nobody is there, and it is not opened."""
    program = "access_token, expires_on = 'opaque', 4e9\n" + OTHER_PEOPLES
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert "SignInRequired: A person must sign in" in done.stderr
    last = program.replace("management_credentials(mode=strategy)", "None") + "print(token)\n"
    done = subprocess.run([sys.executable, "-c", last], capture_output=True, text=True, timeout=60)
    assert "<file system credentials of somebody" in done.stdout, done.stderr


def test_the_program_for_other_programs_runs(tmp_path: Path) -> None:
    """With a token instead of a browser, and an azcopy that prints the variables that it has."""
    signed_in = 'storage_credential(__import__("adls_enduser").StaticToken("opaque", 4e9))'
    program = _program('["azcopy"').replace(
        'storage_credential("browser", tenant="contoso.onmicrosoft.com")', signed_in
    )
    assert signed_in in program
    azcopy = tmp_path / "azcopy"
    azcopy.write_text('#!/bin/sh\necho "$1 $AZCOPY_AUTO_LOGIN_TYPE $IDENTITY_ENDPOINT"\n')
    azcopy.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program + "print(*options)\n"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    expected = r"list MSI http://127\.0\.0\.1:\d+/\S+\nazure_msi_endpoint\n"
    assert re.fullmatch(expected, done.stdout), done.stderr


def test_the_azure_stack_program_reads_its_cloud(tmp_path: Path) -> None:
    """As far as the person, who is not there: no host but the stack's own is asked."""
    host = "management.local.azurestack.external"
    with Sandbox(environ=None) as azure:
        azure.resource_manager.add_azure_stack(
            host, login_endpoint="https://adfs.local.azurestack.external/adfs", audience="https://x"
        )
        (tmp_path / "azure-stack.pem").write_bytes(azure.ca_bundle.read_bytes())
        done = subprocess.run(
            [sys.executable, "-c", _program("cloud_from_metadata")],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            cwd=tmp_path,
            env=os.environ | azure.environment,
        )
        assert "SignInRequired" in done.stderr
        assert [one.host for one in azure.log] == [host]


def test_the_tutorial(tmp_path: Path) -> None:
    """Its first program, by its own command, with Ada at the page that the prompt names."""
    (tmp_path / "first.py").write_text(TUTORIAL)
    child = pexpect.spawn(
        sys.executable,
        ["-m", "adls_enduser.sandbox", "--quiet", "--", sys.executable, "first.py"],
        cwd=tmp_path,
        encoding="utf-8",
        timeout=60,
    )
    child.expect(r"open (http\S+) in a browser and enter the code (\w+)")
    page, code = child.match[1], child.match[2]
    session = requests.Session()
    session.trust_env = False
    form = {"code": code}
    for answers in ({}, {"username": f"ada@{CONTOSO}", "password": "ada-password"}, {}):
        shown = session.post(page, form | answers, timeout=10).text
        action = re.search(r'action="([^"]+)"', shown)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
        if action:
            page, form = urljoin(page, action[1]), hidden
    child.expect(f"Signed in: ada@{CONTOSO}")
    child.expect(pexpect.EOF)


def test_the_contract_tests_run(tmp_path: Path) -> None:
    """In a test file of somebody else's, where every test of the contract passes."""
    plugins = 'pytest_plugins = ["adls_enduser.sandbox.pytest_plugin"]\n'
    (tmp_path / "conftest.py").write_text(plugins)
    (tmp_path / "test_mine.py").write_text(_program("StrategyContract"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE), done.stdout


def test_the_modes_table_is_complete() -> None:
    """Each mode has a row, and so has each strategy that has no mode; and none is made up."""
    table = _page("modes").partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)[1:]
    named = set(re.findall(r'`"(\w+)"`', " ".join(rows)))
    with pytest.raises(ConfigurationError) as caught:
        explain("no mode")
    assert named == set(re.findall(r"'(\w+)'", caught.value.remedy))
    classes = {found for row in rows for found in re.findall(r"`(\w+)\(", row)}
    assert classes == {"AzureCredential", "Fallback", "StaticToken"}


def test_the_options_table_is_complete() -> None:
    """Each option has a row or a sentence, and none is told that does not exist."""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", _page("options"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told | {"clock"} == set().union(*map(option_names, get_args(ModeName))) | {
        "mode",
        "fallback",
        "interactive",
        "clock",
    }


def test_it_names_every_mode_and_is_short() -> None:
    """README's table has each mode; 120 lines are enough to decide and to start."""
    table = _readme().partition("## Which mode when")[2].partition("\n\n[")[0]
    named = set(re.findall(r'^\| `"(\w+)"`', table, re.MULTILINE))
    assert named == set(get_args(ModeName)) - {"mfa"}
    assert len(_readme().splitlines()) <= 120


def test_it_begins_with_how_to_install_and_to_try_it() -> None:
    """The package first, then the demo from it, then the two commands of a checkout."""
    commands = re.findall(r"^\$ (.+?)(?: +#.*)?$", _readme(), re.MULTILINE)
    assert commands[:5] == [
        "pip install adls-enduser",
        "pip install 'adls-enduser[sandbox]'",
        "python -m adls_enduser.sandbox.demo",
        "make demo",
        "make test",
    ]
    assert _readme().index(commands[0]) < _readme().index("```python")
    for command in ("demo", "test"):
        assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def _project_urls() -> dict[str, str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    lines = settings["metadata"]["project_urls"].strip().splitlines()
    return dict(line.split(" = ") for line in lines)  # type: ignore[misc]


def test_no_link_leads_nowhere() -> None:
    """A package index shows this page alone: a link to another file must name the project's URL."""
    defined = dict(re.findall(r"^\[(.+?)\]: (\S+)$", _readme(), re.MULTILINE))
    named = re.findall(r"\[[^\[\]]+\]\[([^\[\]]+)\]", _readme())
    assert set(named) == set(defined)
    headings = re.findall(r"^##+ (.+)$", _readme(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    for target in [*defined.values(), *re.findall(r"\]\(([^)]+)\)", _readme())]:
        assert target.startswith(("https://", "#")), target
        assert not target.startswith("#") or target[1:] in anchors, target


def test_the_projects_files_are_there() -> None:
    """README's links and the project's URLs, under one address; setup.cfg has it first."""
    source = _project_urls()["Source"]
    readme = re.findall(r"^\[.+?\]: (\S+)$", _readme(), re.MULTILINE)
    for target in [*readme, *_project_urls().values()]:
        kind, path = re.fullmatch(rf"{source}/?(?:(blob|tree)/main/)?(.*)", target).groups()  # type: ignore[union-attr]
        assert kind or path in ("", "issues")
        if kind:
            assert (ROOT / path).is_dir() if kind == "tree" else (ROOT / path).is_file(), target
