"""DeviceCode: the person signs in, with MFA if required, in a browser on any machine."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ..concurrency import PromptCall
from ..interaction.waiting import Deadline, InterruptibleCall
from ..log import logger
from ..options import (
    WaitingOptions,
    check_prompt,
    options_by_name,
    refuse_unknown,
    settings,
    wait_options,
)
from ..values import replace
from .entra_strategy import EntraStrategy

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..entra.backend import DeviceFlow, Grant
    from ..entra.connections import OneConnection
    from ..interaction.prompts import Prompt


class DeviceCodeOptions(WaitingOptions, total=False):
    """Options of DeviceCode.

    ``prompt``: called with a DeviceCodePrompt; None shows it on standard error or in the
    notebook. ``timeout``: how many seconds to wait for the person; None: until the code
    expires. ``cancel``: an event that stops the wait.
    """

    prompt: Prompt | None


class DeviceCode(EntraStrategy):
    """Sign in with a code that the person enters in a browser (RFC 8628).

    Takes the options of DeviceCodeOptions; ConfigurationError, before any network, for
    one that is wrong. ``sign_in`` shows the code and waits for the person; it raises
    SignInTimedOut, SignInCancelled, SignInDeclined, WrongAccount, or another SignInError
    with the reason why Entra ID refused the sign-in; SignInRequired if the code cannot be
    shown.
    """

    @options_by_name("DeviceCode(tenant=...)")
    def __init__(self, **options: Unpack[DeviceCodeOptions]) -> None:
        refuse_unknown(options, DeviceCodeOptions.__annotations__, "DeviceCode")
        self.prompt: Prompt | None = options.get("prompt")
        check_prompt(self.prompt, "DeviceCodePrompt: url, code, expires_on, message")
        self._wait_options = wait_options(options)
        super().__init__(settings(options, "device_code"), self._wait_options)

    def _obtain_grant(self, resource: str, claims: str | None) -> Grant:
        backend, clock = self._session.backend, self.settings.clock
        # After the backend, which says what to install if requests cannot be imported.
        from ..entra.device_flow import device_code_connection, poll_for_token
        from ..interaction.callbacks import CallerCode, refuse_async_result
        from ..interaction.prompts import show

        with closing(device_code_connection()) as connection:
            flow = self._request_code(connection, resource, claims)
            expiry, again = flow.prompt.expires_on, "a new code will be shown"
            deadline = Deadline(self._wait_options, clock, again=again, expiry=expiry)
            prompt = replace(flow.prompt, expires_on=deadline.end)
            with PromptCall(clock).lock:
                if self.prompt is None:
                    show(prompt, deadline)
                else:
                    with CallerCode("prompt"):
                        shown = self.prompt(prompt)
                    refuse_async_result("prompt", shown)
            return poll_for_token(backend, flow, deadline, connection)

    def _request_code(
        self, connection: OneConnection, resource: str, claims: str | None
    ) -> DeviceFlow:
        backend, clock = self._session.backend, self.settings.clock
        start = Deadline(self._wait_options, clock, again="a code will be shown")
        start.check_cancel()
        request = InterruptibleCall(connection.used_by(backend.start_device_code), resource, claims)
        flow = request.result(start.check)
        logger(__name__).info(
            "A person is prompted with a device code, which expires in %.0f s.",
            flow.prompt.expires_on - clock.time(),
        )
        return flow
