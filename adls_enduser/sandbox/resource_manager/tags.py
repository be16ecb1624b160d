"""The tags of a subscription, a resource group or an account: ``Microsoft.Resources/tags/default``.

Source: Microsoft, "Tags" REST reference, "Update At Scope" and its neighbours (three kinds of
PATCH); the form of the response as ``az tag update`` prints it; and for what a tag may be "Use tags
to organize your Azure resources and management hierarchy" (``tag-resources``), Limitations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..http import Response, empty_response, json_response
from .errors import ArmError, bad_content
from .ids import ACCOUNT_TYPE, STORAGE_TYPE, group_id, subscription_id
from .request import Route

if TYPE_CHECKING:
    from .inventory import Account, Group, Inventory
    from .request import Call

    Tags = dict[str, object]

_LIMIT = 50
_LONGEST_NAME, _LONGEST_VALUE = 512, 256
LONGEST_NAME_OF_STORAGE = 128
_RESERVED = re.compile(r"[<>%&\\?/\x00-\x1f\x7f-\x9f]")
# Only these may have such characters, says Azure PowerShell's ``Set-AzMigrateServerReplication``.
# An alert of Application Insights has the tag "hidden-link:/subscriptions/...".
_HIDDEN = ("hidden", "link")
_TAGS = "/providers/Microsoft.Resources/tags/default"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_ACCOUNTS = [
    f"{_GROUP}/providers/{kind}/{{{name}}}"
    for kind, name in ((ACCOUNT_TYPE, "account"), (STORAGE_TYPE, "storage_account"))
]
_SCOPES = (_SUBSCRIPTION, _GROUP, *_ACCOUNTS)


class TagsAtScope:
    """The handlers for the tags of everything that can have some."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def routes(self) -> list[Route]:
        """Return the routes of tags."""
        action = "Microsoft.Resources/tags"
        return [
            route
            for template in (scope + _TAGS for scope in _SCOPES)
            for route in (
                Route("GET", template, f"{action}/read", self._get),
                Route("PUT", template, f"{action}/write", self._put),
                Route("PATCH", template, f"{action}/write", self._patch),
                Route("DELETE", template, f"{action}/delete", self._delete),
            )
        ]

    def _get(self, call: Call) -> Response:
        return self._response(call)

    def _put(self, call: Call) -> Response:
        return self._set(call, _tags(call))

    def _patch(self, call: Call) -> Response:
        given, operation = _tags(call), str(call.body().get("operation", "")).lower()
        current = self._holder(call).tags or {}
        if operation == "merge":
            return self._set(call, _merged(current, given))
        if operation == "replace":
            return self._set(call, given)
        if operation == "delete":
            return self._set(call, _without(current, given))
        raise bad_content("'operation' is none of Merge, Replace and Delete")

    def _delete(self, call: Call) -> Response:
        self._holder(call).tags = None
        return empty_response(200)

    def _set(self, call: Call, tags: Tags) -> Response:
        holder = self._holder(call)
        of_storage = "storage_account" in call.names
        check_tags(tags, LONGEST_NAME_OF_STORAGE if of_storage else _LONGEST_NAME)
        holder.tags = tags
        return self._response(call)

    def _response(self, call: Call) -> Response:
        holder = self._holder(call)
        return json_response(
            {
                "id": f"{self._scope(call)}{_TAGS}",
                "name": "default",
                "type": "Microsoft.Resources/tags",
                "properties": {"tags": holder.tags or {}},
            }
        )

    def _holder(self, call: Call) -> Inventory | Group | Account:
        names = call.names
        if "account" in names:
            return self._inventory.account(names["group"], names["account"])
        if "storage_account" in names:
            return self._inventory.account(names["group"], names["storage_account"], STORAGE_TYPE)
        return self._inventory.group(names["group"]) if "group" in names else self._inventory

    def _scope(self, call: Call) -> str:
        """Return the resource id of what has the tags, in its own spelling."""
        if "group" not in call.names:
            return subscription_id()
        found = self._inventory.group(call.names["group"])
        holder = self._holder(call)
        return group_id(found.name) if holder is found else str(getattr(holder, "id", ""))


def check_tags(tags: object, longest_name: int = _LONGEST_NAME) -> None:
    """Raise ArmError for tags that Resource Manager refuses; what is no object is not checked.

    Recorded: the code and the words for characters (coreos/tectonic-installer #596), for a name
    without any (Azure/azure-cli #28861) and for a value that is an object
    (Azure/azure-sdk-for-java #1891). Those for lengths are the ones of Azure PowerShell's
    ``New-AzMigrateServerReplication``; those for the number of tags are assumed.
    """
    if not isinstance(tags, dict):
        return
    if len(tags) > _LIMIT:
        message = f"The number of tags, {len(tags)}, exceeds the limit of {_LIMIT}."
        raise ArmError(400, "TagsLimitExceeded", message)
    for name, value in tags.items():
        _check_name(name, longest_name)
        _check_value(name, value)


def _check_name(name: str, longest: int) -> None:
    if not name.strip():
        message = (
            "The tag name must be non-null, non-empty and non-whitespace only. Please provide an"
            " actual value."
        )
        raise ArmError(400, "InvalidTagName", message)
    if _RESERVED.search(name) and not name.lower().startswith(_HIDDEN):
        message = (
            f"The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control"
            " characters."
        )
        raise ArmError(400, "InvalidTagNameCharacters", message)
    if len(name) > longest:
        raise ArmError(400, "InvalidTagName", _too_long("key", "name", name, longest))


def _check_value(name: str, value: object) -> None:
    if isinstance(value, (dict, list)):
        token = "StartObject" if isinstance(value, dict) else "StartArray"
        raise bad_content(f"Error reading string. Unexpected token: {token}. Path 'tags.{name}'.")
    if isinstance(value, str) and len(value) > _LONGEST_VALUE:
        message = _too_long("value", "value", value, _LONGEST_VALUE)
        raise ArmError(400, "InvalidTagValueLength", message)


def _too_long(part: str, spelled: str, text: str, longest: int) -> str:
    return (
        f"Tag {part} too large. Following tag {spelled} '{text}' exceeded the maximum length."
        f" Maximum allowed length for tag {spelled} - '{longest}' characters."
    )


def _tags(call: Call) -> Tags:
    properties = call.body().get("properties")
    tags = properties.get("tags") if isinstance(properties, dict) else None
    if not isinstance(tags, dict):
        raise bad_content("required property 'tags' not found in JSON")
    return tags


def _merged(current: Tags, given: Tags) -> Tags:
    """Return the tags with the given ones; names are the same in any case."""
    replaced = {name.lower() for name in given}
    return {n: value for n, value in current.items() if n.lower() not in replaced} | given


def _without(current: Tags, given: Tags) -> Tags:
    """Return the tags without the given names; a given value must match, an empty one always."""
    wanted = {name.lower(): value for name, value in given.items()}
    return {
        name: value
        for name, value in current.items()
        if name.lower() not in wanted or wanted[name.lower()] not in ("", None, value)
    }
