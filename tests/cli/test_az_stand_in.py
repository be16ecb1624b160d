"""``adls-enduser run --with-az``: an ``az`` for programs that know nothing else."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox.directory import CONTOSO_ID
from adls_enduser.strategies.jwt import decode_unverified

from .conftest import ADA

if TYPE_CHECKING:
    import subprocess

    from .conftest import Shell

STORAGE = "https://storage.azure.com"


def az(shell: Shell, words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Call ``az`` in a shell that has the stand-in."""
    script = f"{before}az {words}"
    return shell.script(f"adls-enduser run --with-az -- sh -c {shlex.quote(script)}")


FORMS = {
    "Go": f"account get-access-token -o json --resource {STORAGE}",
    "a tenant": f"account get-access-token -o json --scope {STORAGE}/.default -t {CONTOSO_ID}",
    "Node": f"account get-access-token --output json --resource {STORAGE}/",
    "C++": f"account get-access-token --output json --scope {STORAGE}/.default",
    "a script": f"account get-access-token --resource={STORAGE} --query accessToken -o tsv",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(signed_in: Shell, form: str) -> None:
    """Each gets a token; those that read JSON get az's fields."""
    done = az(signed_in, FORMS[form])
    assert done.returncode == 0, done.stderr
    if form == "a script":
        token = done.stdout.strip()
    else:
        found = json.loads(done.stdout)
        token = found["accessToken"]
        assert found["expires_on"] > time.time()
        local = time.strptime(found["expiresOn"].partition(".")[0], "%Y-%m-%d %H:%M:%S")
        assert time.mktime(local) == found["expires_on"]
        assert (found["tenant"], found["tokenType"]) == (CONTOSO_ID, "Bearer")
    assert decode_unverified(token).account.username == ADA


def test_resource_manager_is_the_default(signed_in: Shell) -> None:
    """As with az."""
    token = json.loads(az(signed_in, "account get-access-token").stdout)["accessToken"]
    assert decode_unverified(token).audiences == {"https://management.core.windows.net/"}


def test_in_an_environment_that_was_cleared(signed_in: Shell) -> None:
    """azure-identity for C++ leaves nothing but PATH."""
    done = az(signed_in, FORMS["C++"], 'env -i PATH="$PATH" ')
    assert json.loads(done.stdout)["accessToken"], done.stderr


def test_what_it_refuses(signed_in: Shell) -> None:
    """In az's form, with a sentence that says why."""
    other = "11111111-2222-4333-8444-555555555555"
    done = az(signed_in, f"account get-access-token --tenant {other}")
    assert done.returncode == 1
    told = f"adls-enduser run has a sign-in in the tenant {CONTOSO_ID}, and not in {other}."
    assert done.stderr == f"ERROR: {told}\n"
    done = az(signed_in, "account get-access-token --resource https://graph.microsoft.com")
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: No token for https://graph.microsoft.com")
    assert az(signed_in, "account get-access-token --no-such-option").returncode == 2


def test_other_calls_go_to_the_real_one(signed_in: Shell) -> None:
    """With all words and the status; its own calls of az do not come back here."""
    signed_in.add_program("az", 'echo "real: $*"; [ "$1" = again ] && exec az last; exit 3')
    done = az(signed_in, "storage 'a b' --output json")
    assert (done.stdout, done.returncode) == ("real: storage a b --output json\n", 3)
    assert az(signed_in, "again").stdout == "real: again\nreal: last\n"
    assert az(signed_in, "account list").stdout == "real: account list\n"


def test_one_inside_of_the_other(signed_in: Shell) -> None:
    """Two stand-ins never call each other in a circle."""
    inner = "adls-enduser run --with-az -- adls-enduser run --with-az -- az"
    done = signed_in.script(f"{inner} version")
    assert done.returncode == 127
    assert done.stderr.count("no other Azure CLI on the PATH") == 1
    signed_in.add_program("az", "echo real")
    assert signed_in.script(f"{inner} version").stdout == "real\n"
    assert json.loads(signed_in.script(f"{inner} account get-access-token").stdout)["accessToken"]


def test_a_program_named_az(signed_in: Shell) -> None:
    """``run --with-az -- az`` is the stand-in."""
    done = signed_in.run("run", "--with-az", "--", "az", "account", "get-access-token")
    assert json.loads(done.stdout)["accessToken"], done.stderr


def test_only_the_owner_can_read_it(signed_in: Shell) -> None:
    """The folder, and the file with the secret; both are gone at the end."""
    script = 'folder=$(dirname "$(command -v az)"); stat -c "%a %n" "$folder" "$folder"/*'
    done = signed_in.run("run", "--with-az", "--", "sh", "-c", script)
    modes = dict(reversed(line.split()) for line in done.stdout.splitlines())
    assert len(modes) == 3
    assert {mode[1:] for mode in modes.values()} == {"00"}
    assert not any(map(signed_in.home.__class__.exists, map(signed_in.home.__class__, modes)))


def test_without_the_option_there_is_none(signed_in: Shell) -> None:
    """The PATH is the program's own."""
    done = signed_in.run("run", "--", "sh", "-c", 'echo "$PATH"')
    assert done.stdout.strip() == signed_in.environment["PATH"]
