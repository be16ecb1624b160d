"""``adls-enduser explain``: the mode, the reason, and what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .conftest import ADA

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

    from .conftest import Shell


def test_auto_without_a_display(shell: Shell, azure: Sandbox) -> None:
    """A device code, and why; nothing is sent."""
    azure.log.clear()
    done = shell.run("explain")
    assert done.returncode == 0
    assert "login uses the mode device_code, because no browser can open here" in done.stdout
    assert "keeps no such sign-in" in done.stdout
    assert not list(azure.log)


def test_a_kept_sign_in(signed_in: Shell) -> None:
    """Whose it is."""
    found = json.loads(signed_in.run("explain", "--json").stdout)
    assert found["mode"] == "device_code"
    assert ADA in found["found"][0]
    assert "SignInCache" not in found["found"][0]
    assert "SignInCache" not in signed_in.run("explain").stdout


def test_a_mode_by_name_and_one_with_a_slip(shell: Shell) -> None:
    """The second is wrong usage."""
    assert "uses the mode browser" in shell.run("explain", "browser").stdout
    assert shell.run("explain", "brwser").returncode == 2
