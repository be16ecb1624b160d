"""The forms that a person fills in, for device codes and in a browser sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .html import INVALID, page

if TYPE_CHECKING:
    from ...directory import Tenant
    from ...http import Response
    from ..applications import Application
    from ..error_responses import EntraError

_MESSAGES = {
    50034: "That account does not exist. Check the user name.",
    90002: "That account does not exist. Check the user name.",
    50126: "The user name or the password is wrong.",
    50053: "This account is locked after too many wrong passwords. Wait a minute, then try again.",
}
_NO_SUCH_ACCOUNT = {50034, 90002}
WRONG_CODE = "That one-time code is not right. Check it and enter it again."


@dataclass(frozen=True)
class FormTarget:
    """Where a form is sent to, and the name of its cancel button.

    ``form_action`` is another origin that the form may lead to.
    """

    path: str
    cancel: str
    cancel_label: str
    form_action: str = ""

    def values(self, step: str, flow_id: str) -> dict[str, str]:
        """Return the values that every form contains."""
        return {
            "action": f"{self.path}/{step}",
            "cancel": f"{self.path}/{self.cancel}",
            "cancel_label": self.cancel_label,
            "flow": flow_id,
        }


@dataclass(frozen=True)
class FormError:
    """An error message, and the field that it belongs to."""

    message: str
    field: str

    @classmethod
    def from_error(
        cls,
        error: EntraError,
        username: str,
        application: Application,
        *,
        resource: str,
        tenant: Tenant | None,
    ) -> FormError:
        """Word an error for the person; Entra ID's own message if there is no other wording."""
        values = {
            "username": username,
            "tenant": tenant.tenant_id if tenant else "common",
            "client_id": application.client_id,
            "app": application.name,
            "resource": resource,
        }
        message = f"AADSTS{error.number}: {error.message(values)}"
        field = "username" if error.number in _NO_SUCH_ACCOUNT else "password"
        return cls(_MESSAGES.get(error.number, message), field)


def sign_in(
    target: FormTarget,
    flow_id: str,
    intro: str,
    *,
    username: str = "",
    form_error: FormError | None = None,
) -> Response:
    """Return the form for user name and password; ``intro`` is markup that says what for."""
    focus = form_error.field if form_error else "password" if username else "username"
    markup = {"username_attributes": "", "password_attributes": "", "intro": intro}
    markup[f"{focus}_attributes"] = " autofocus" + (INVALID if form_error else "")
    return page(
        "signin",
        "Sign in",
        {**target.values("signin", flow_id), "username": username},
        error=form_error.message if form_error else "",
        markup=markup,
        form_action=target.form_action,
    )


def verify(
    target: FormTarget, flow_id: str, username: str, digits: str, *, error: str = ""
) -> Response:
    """Return the form for the second factor; ``digits`` are what the authenticator shows now."""
    return page(
        "verify",
        "Verify your identity",
        {**target.values("verify", flow_id), "username": username},
        error=error,
        note=f"The authenticator app of {username} would show {digits} now.",
        form_action=target.form_action,
    )


def accounts(
    target: FormTarget, flow_id: str, application: str, usernames: dict[str, str]
) -> Response:
    """Return the form to pick an account; ``usernames`` are by object id."""
    buttons = "\n".join(
        f'<button class="second" type="submit" name="account" value="{escape(object_id)}">'
        f"{escape(username)}</button>"
        for object_id, username in usernames.items()
    )
    return page(
        "accounts",
        "Pick an account",
        target.values("account", flow_id),
        markup={"accounts": buttons, "intro": intro("To go on to", application)},
        form_action=target.form_action,
    )


def consent(
    target: FormTarget, flow_id: str, application: str, username: str, resource: str
) -> Response:
    """Return the form that asks for consent to an application."""
    permissions = (
        f"Access {resource} as you",
        "Sign you in and read your profile",
        "Maintain access to data you have given it access to",
    )
    items = "\n".join(f"<li>{escape(permission)}</li>" for permission in permissions)
    return page(
        "consent",
        "Permissions requested",
        {**target.values("consent", flow_id), "application": application, "username": username},
        markup={"permissions": items},
        form_action=target.form_action,
    )


def intro(text: str, application: str) -> str:
    """Return an introduction with the application's name, as markup."""
    return f"{escape(text)} <strong>{escape(application)}</strong>."
