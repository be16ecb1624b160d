"""The forms that a person fills in, whatever they sign in for."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .html import INVALID, page

if TYPE_CHECKING:
    from ...http import Response
    from ..error_responses import Refused

_WORDS = {
    50034: "That account does not exist. Check the user name.",
    90002: "That account does not exist. Check the user name.",
    50126: "The user name or the password is wrong.",
    50053: "This account is locked after too many wrong passwords. Wait a minute, then try again.",
}
_NO_SUCH_ACCOUNT = {50034, 90002}
WRONG_CODE = "That one-time code is not right. Check it and enter it again."


@dataclass(frozen=True)
class Place:
    """Where a form is sent to, and what the way out is called.

    ``leads_to`` is where else than to this site it may lead.
    """

    path: str
    cancel: str
    cancel_label: str
    leads_to: str = ""

    def words(self, step: str, flow_id: str) -> dict[str, str]:
        """Give what every form must know."""
        return {
            "action": f"{self.path}/{step}",
            "cancel": f"{self.path}/{self.cancel}",
            "cancel_label": self.cancel_label,
            "flow": flow_id,
        }


@dataclass(frozen=True)
class Wrong:
    """What is wrong, and in which field."""

    message: str
    field: str

    @classmethod
    def of(cls, refused: Refused, known: dict[str, str]) -> Wrong:
        """Say a refusal in a person's words, or in Entra ID's; ``known`` fills its sentence."""
        said = f"AADSTS{refused.number}: {refused.sentence(known)}"
        field = "username" if refused.number in _NO_SUCH_ACCOUNT else "password"
        return cls(_WORDS.get(refused.number, said), field)


def sign_in(
    place: Place, flow_id: str, intro: str, *, username: str = "", wrong: Wrong | None = None
) -> Response:
    """Ask for user name and password; ``intro`` is markup that says what for."""
    focus = wrong.field if wrong else "password" if username else "username"
    markup = {"username_attributes": "", "password_attributes": "", "intro": intro}
    markup[f"{focus}_attributes"] = " autofocus" + (INVALID if wrong else "")
    return page(
        "signin",
        "Sign in",
        {**place.words("signin", flow_id), "username": username},
        error=wrong.message if wrong else "",
        markup=markup,
        leads_to=place.leads_to,
    )


def verify(place: Place, flow_id: str, username: str, digits: str, *, error: str = "") -> Response:
    """Ask for the second factor; ``digits`` are what the authenticator would show now."""
    return page(
        "verify",
        "Verify your identity",
        {**place.words("verify", flow_id), "username": username},
        error=error,
        note=f"The authenticator app of {username} would show {digits} now.",
        leads_to=place.leads_to,
    )


def accounts(place: Place, flow_id: str, application: str, usernames: dict[str, str]) -> Response:
    """Let the person pick who they are; ``usernames`` are by object id."""
    buttons = "\n".join(
        f'<button class="second" type="submit" name="account" value="{escape(object_id)}">'
        f"{escape(username)}</button>"
        for object_id, username in usernames.items()
    )
    return page(
        "accounts",
        "Pick an account",
        place.words("account", flow_id),
        markup={"accounts": buttons, "intro": intro("To go on to", application)},
        leads_to=place.leads_to,
    )


def consent(place: Place, flow_id: str, application: str, username: str, resource: str) -> Response:
    """Ask whether an application may do what it asks for."""
    wanted = (
        f"Access {resource} as you",
        "Sign you in and read your profile",
        "Maintain access to data you have given it access to",
    )
    permissions = "\n".join(f"<li>{escape(one)}</li>" for one in wanted)
    return page(
        "consent",
        "Permissions requested",
        {**place.words("consent", flow_id), "application": application, "username": username},
        markup={"permissions": permissions},
        leads_to=place.leads_to,
    )


def intro(words: str, application: str) -> str:
    """Say what it is for, as markup."""
    return f"{escape(words)} <strong>{escape(application)}</strong>."
