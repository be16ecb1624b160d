"""Errors in Resource Manager's form: a status, a code and a message.

Source of the form: Azure Resource Provider Contract, "Common API details", error
response content; of the codes and messages: Microsoft, "Troubleshoot common Azure
deployment errors", and responses quoted in public issues of the Azure SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..http import Response, json_response
from .ids import ACCOUNT_TYPE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class ArmError(Exception):
    """An error response."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the HTTP response."""
        body = {"error": {"code": self.code, "message": self.message}}
        return json_response(body, self.status, self.headers)


def bad_content(reason: str) -> ArmError:
    """Return the error for a body that cannot be read."""
    message = f"The request content was invalid and could not be deserialized: '{reason}'."
    return ArmError(400, "InvalidRequestContent", message)


def group_not_found(group: str) -> ArmError:
    """Return the error for a resource group that does not exist."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def account_not_found(group: str, kind: str, account: str) -> ArmError:
    """Return the error for an account that does not exist."""
    message = (
        f"The Resource '{kind}/{account}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(404, "ResourceNotFound", message)


def nested_not_found() -> ArmError:
    """Return the error for a rule that does not exist (recorded from the real service)."""
    return ArmError(404, "NestedResourceNotFound", "Nested resource does not exist.")


def location_required() -> ArmError:
    """Return the error for a body without a location."""
    message = "The location property is required for this definition."
    return ArmError(400, "LocationRequired", message)


def location_not_available(
    location: str, regions: Collection[str], kind: str = ACCOUNT_TYPE
) -> ArmError:
    """Return the error for a region that does not have accounts of this type."""
    message = (
        f"The provided location '{location}' is not available for resource type "
        f"'{kind}'. List of available regions for the resource type is "
        f"'{','.join(regions)}'."
    )
    return ArmError(400, "LocationNotAvailableForResourceType", message)


def account_busy(account: str) -> ArmError:
    """Return the error for an account that is being created or deleted."""
    message = f"An operation on account '{account}' is already in progress."
    return ArmError(409, "Conflict", message)


def not_registered(namespace: str) -> ArmError:
    """Return the error for an unregistered provider; both SDK generations then register it."""
    message = (
        f"The subscription is not registered to use namespace '{namespace}'. "
        "See https://aka.ms/rps-not-found for how to register subscriptions."
    )
    return ArmError(409, "MissingSubscriptionRegistration", message)


def other_location(name: str, group: str, location: str, wanted: str) -> ArmError:
    """Return the error for an account that exists in another region of the same group."""
    message = (
        f"The resource '{name}' already exists in location '{location}' in resource group "
        f"'{group}'. A resource with the same name cannot be created in location '{wanted}'. "
        "Please select a new resource name."
    )
    return ArmError(409, "InvalidResourceLocation", message)


def group_being_deleted(group: str) -> ArmError:
    """Return the error for a resource group that is being deleted."""
    message = (
        f"The resource group '{group}' is in deprovisioning state and cannot perform this "
        "operation."
    )
    return ArmError(409, "ResourceGroupBeingDeleted", message)


def missing_api_version() -> ArmError:
    """Return the error for a request without an API version."""
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return ArmError(400, "MissingApiVersionParameter", message)


def unknown_namespace(namespace: str) -> ArmError:
    """Return the error for a resource provider that does not exist."""
    message = f"The resource namespace '{namespace}' is invalid."
    return ArmError(404, "InvalidResourceNamespace", message)


def unknown_type(namespace: str, kind: str, version: str, known: Collection[str]) -> ArmError:
    """Return the error for a type that the provider does not have in this API version."""
    message = (
        f"The resource type '{kind}' could not be found in the namespace '{namespace}' for api "
        f"version '{version}'. The supported api-versions are '{','.join(known)}'."
    )
    return ArmError(404, "InvalidResourceType", message)
