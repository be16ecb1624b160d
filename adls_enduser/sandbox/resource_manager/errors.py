"""Refusals in Resource Manager's form: a status, a code and a sentence.

Source of the form: Azure Resource Provider Contract, "Common API details", error
response content; of the codes and sentences: Microsoft, "Troubleshoot common Azure
deployment errors", and answers quoted in public issues of the Azure SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Response, json_response
from .ids import ACCOUNT_TYPE, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class ArmError(Exception):
    """An answer that is a refusal."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Give the refusal as it goes over the wire."""
        body = {"error": {"code": self.code, "message": self.message}}
        return json_response(body, self.status, self.headers)


def bad_content(reason: str) -> ArmError:
    """Refuse a body that nobody can read."""
    message = f"The request content was invalid and could not be deserialized: '{reason}'."
    return ArmError(400, "InvalidRequestContent", message)


def group_not_found(group: str) -> ArmError:
    """Say that there is no such resource group."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def account_not_found(group: str, account: str) -> ArmError:
    """Say that there is no such Data Lake Store account."""
    message = (
        f"The Resource '{ACCOUNT_TYPE}/{account}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(404, "ResourceNotFound", message)


def nested_not_found() -> ArmError:
    """Say that the account has no such rule (recorded from the real service)."""
    return ArmError(404, "NestedResourceNotFound", "Nested resource does not exist.")


def location_required() -> ArmError:
    """Ask for a location."""
    message = "The location property is required for this definition."
    return ArmError(400, "LocationRequired", message)


def location_not_available(location: str, regions: Collection[str]) -> ArmError:
    """Refuse a region that has no Data Lake Store."""
    message = (
        f"The provided location '{location}' is not available for resource type "
        f"'{ACCOUNT_TYPE}'. List of available regions for the resource type is "
        f"'{','.join(regions)}'."
    )
    return ArmError(400, "LocationNotAvailableForResourceType", message)


def account_busy(account: str) -> ArmError:
    """Refuse to change an account that is being created or deleted."""
    message = f"An operation on account '{account}' is already in progress."
    return ArmError(409, "Conflict", message)


def not_registered() -> ArmError:
    """Say that the provider must be registered first; both SDK generations then do it."""
    message = (
        f"The subscription is not registered to use namespace '{NAMESPACE}'. "
        "See https://aka.ms/rps-not-found for how to register subscriptions."
    )
    return ArmError(409, "MissingSubscriptionRegistration", message)


def unknown_namespace(namespace: str) -> ArmError:
    """Say that there is no such resource provider."""
    message = f"The resource namespace '{namespace}' is invalid."
    return ArmError(404, "InvalidResourceNamespace", message)


def unknown_type(namespace: str, kind: str, version: str, known: Collection[str]) -> ArmError:
    """Say that the provider has no such type in this API version."""
    message = (
        f"The resource type '{kind}' could not be found in the namespace '{namespace}' for api "
        f"version '{version}'. The supported api-versions are '{','.join(known)}'."
    )
    return ArmError(404, "InvalidResourceType", message)
