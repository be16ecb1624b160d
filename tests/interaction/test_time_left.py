"""The prompt says when the waiting ends: the code's expiry, or the timeout if that is earlier."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import Browser, BrowserPrompt, DeviceCode, DeviceCodePrompt, SignInTimedOut
from adls_enduser.sandbox import CONTOSO

from ..constants import MANAGEMENT

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox, SandboxClock


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [
        (None, "The code expires in 15 minutes."),
        (901, "The code expires in 15 minutes."),
        (1e8, "The code expires in 15 minutes."),
        (899, "The program waits 15 minutes for your sign-in."),
        (300, "The program waits 5 minutes for your sign-in."),
        (170, "The program waits 2 minutes for your sign-in."),
        (90, "The program waits 90 seconds for your sign-in."),
        (20, "The program waits 20 seconds for your sign-in."),
        (1, "The program waits 1 second for your sign-in."),
        (0.2, "The program waits 1 second for your sign-in."),
    ],
)
def test_a_device_code(
    azure: Sandbox,
    clock: SandboxClock,
    library: str,
    capsys: pytest.CaptureFixture[str],
    timeout: float | None,
    shown: str,
) -> None:
    """On standard error, by the clock that also ends the wait."""
    azure.entra.device_code_interval = 60
    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library, "timeout": timeout}
    with pytest.raises(SignInTimedOut):
        DeviceCode(**options).sign_in(MANAGEMENT)
    assert shown in capsys.readouterr().err


def test_a_callback_learns_it_too(azure: Sandbox, clock: SandboxClock, library: str) -> None:
    """``expires_on`` is the end of the wait."""
    azure.entra.device_code_interval = 60
    seen: list[float] = []

    def prompt(shown: DeviceCodePrompt | BrowserPrompt) -> None:
        seen.append(shown.expires_on - clock.time())

    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library, "prompt": prompt}
    for timeout in (None, 60, 2000):
        for mode in (DeviceCode, Browser):
            with suppress(SignInTimedOut):
                mode(timeout=timeout, **options).sign_in(MANAGEMENT)
    assert seen == pytest.approx([900, 300, 60, 60, 900, 2000], abs=1)


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [(None, "waits 5 minutes"), (45, "waits 45 seconds"), (3600, "waits 60 minutes")],
)
def test_a_page(
    azure: Sandbox,
    clock: SandboxClock,
    library: str,
    capsys: pytest.CaptureFixture[str],
    timeout: float | None,
    shown: str,
) -> None:
    """The browser's wait ends by the timeout only."""
    options: Any = {"tenant": CONTOSO, "clock": clock, "library": library, "timeout": timeout}
    with pytest.raises(SignInTimedOut):
        Browser(open_browser=False, **options).sign_in(MANAGEMENT)
    assert shown in capsys.readouterr().err
