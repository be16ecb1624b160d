"""The errors of storage: a code with its status and message, as XML (blob) or JSON (dfs).

Sources: Microsoft, "Common REST API error codes", "Blob service error codes" and "Azure Data
Lake Storage Gen2 REST API error codes"; the form of the bodies from "Status and error codes".
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ..http import Response, empty_response

if TYPE_CHECKING:
    from ..store.errors import StoreError
    from .hosts import Endpoint

_ALL = {
    "AuthenticationFailed": (
        403,
        "Server failed to authenticate the request. Make sure the value of Authorization header "
        "is formed correctly including the signature.",
    ),
    "AuthorizationPermissionMismatch": (
        403,
        "This request is not authorized to perform this operation using this permission.",
    ),
    "ConditionNotMet": (
        412,
        "The condition specified using HTTP conditional header(s) is not met.",
    ),
    "FeatureNotYetSupportedForHierarchicalNamespaceAccounts": (
        409,
        "Feature is not yet supported for hierarchical namespace accounts.",
    ),
    "InvalidAuthenticationInfo": (
        401,
        "Server failed to authenticate the request. Please refer to the information in the "
        "www-authenticate header.",
    ),
    "InvalidHeaderValue": (
        400,
        "The value for one of the HTTP headers is not in the correct format.",
    ),
    "InvalidInput": (400, "One of the request inputs is not valid."),
    "InvalidMetadata": (
        400,
        "The specified metadata is invalid. It includes characters that are not permitted.",
    ),
    "InvalidQueryParameterValue": (
        400,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    "InvalidRange": (
        416,
        "The range specified is invalid for the current size of the resource.",
    ),
    "InvalidResourceName": (
        400,
        "The specified resource name contains invalid characters.",
    ),
    "InvalidUri": (400, "The requested URI does not represent any resource on the server."),
    "KeyBasedAuthenticationNotPermitted": (
        403,
        "Key based authentication is not permitted on this storage account.",
    ),
    "LeaseAlreadyPresent": (409, "There is already a lease present."),
    "LeaseIdMismatchWithBlobOperation": (
        412,
        "The lease ID specified did not match the lease ID for the blob.",
    ),
    "LeaseIdMismatchWithContainerOperation": (
        412,
        "The lease ID specified did not match the lease ID for the container.",
    ),
    "LeaseIdMismatchWithLeaseOperation": (
        409,
        "The lease ID specified did not match the lease ID for the resource with the specified "
        "lease operation.",
    ),
    "LeaseIdMissing": (
        412,
        "There is currently a lease on the resource and no lease ID was specified in the request.",
    ),
    "LeaseIsBreakingAndCannotBeAcquired": (
        409,
        "The lease is currently in the breaking state and cannot be acquired until it is broken.",
    ),
    "LeaseIsBreakingAndCannotBeChanged": (
        409,
        "The lease ID matched, but the lease is currently in breaking state and cannot be changed.",
    ),
    "LeaseIsBrokenAndCannotBeRenewed": (
        409,
        "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
    ),
    "LeaseLost": (
        412,
        "A lease ID was specified, but the lease for the resource has expired.",
    ),
    "LeaseNotPresentWithBlobOperation": (412, "There is currently no lease on the blob."),
    "LeaseNotPresentWithContainerOperation": (
        412,
        "There is currently no lease on the container.",
    ),
    "LeaseNotPresentWithLeaseOperation": (409, "There is currently no lease on the resource."),
    "Md5Mismatch": (
        400,
        "The MD5 value specified in the request did not match with the MD5 value calculated by "
        "the server.",
    ),
    "MissingRequiredHeader": (
        400,
        "An HTTP header that's mandatory for this request is not specified.",
    ),
    "MissingRequiredQueryParameter": (
        400,
        "A query parameter that's mandatory for this request is not specified.",
    ),
    "MultipleConditionHeadersNotSupported": (400, "Multiple condition headers are not supported."),
    "NoAuthenticationInformation": (
        401,
        "Server failed to authenticate the request. Please refer to the information in the "
        "www-authenticate header.",
    ),
    "OutOfRangeInput": (400, "One of the request inputs is out of range."),
    "OutOfRangeQueryParameterValue": (
        400,
        "One of the query parameters specified in the request URI is outside the permissible "
        "range.",
    ),
    "RequestBodyTooLarge": (
        413,
        "The request body is too large and exceeds the maximum permissible limit.",
    ),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "ResourceTypeMismatch": (409, "The specified resource type does not match."),
    "UnsatisfiableCondition": (
        400,
        "The request includes an unsatisfiable condition for this operation.",
    ),
    "UnsupportedHeader": (
        400,
        "One of the HTTP headers specified in the request is not supported.",
    ),
    "UnsupportedHttpVerb": (405, "The resource doesn't support specified Http Verb."),
    "UnsupportedQueryParameter": (
        400,
        "One of the query parameters specified in the request URI is not supported.",
    ),
}
_BLOB = {
    "AppendPositionConditionNotMet": (412, "The append position condition specified was not met."),
    "BlobAlreadyExists": (409, "The specified blob already exists."),
    "BlobNotFound": (404, "The specified blob does not exist."),
    "CannotVerifyCopySource": (404, "The specified blob does not exist."),
    "ContainerAlreadyExists": (409, "The specified container already exists."),
    "ContainerNotFound": (404, "The specified container does not exist."),
    "DirectoryIsNotEmpty": (
        409,
        "This operation is not permitted on a non-empty directory.",
    ),
    "InvalidBlobOrBlock": (400, "The specified blob or block content is invalid."),
    "InvalidBlobType": (409, "The blob type is invalid for this operation."),
    "InvalidBlockList": (400, "The specified block list is invalid."),
    "InvalidXmlDocument": (400, "XML specified is not syntactically valid."),
    "MaxBlobSizeConditionNotMet": (412, "The max blob size condition specified was not met."),
    "NoPendingCopyOperation": (409, "There is currently no pending copy operation."),
    "BlockCountExceedsLimit": (
        409,
        "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.",
    ),
    "BlockListTooLong": (400, "The block list may not contain more than 50,000 blocks."),
    "PublicAccessNotPermitted": (
        409,
        "Public access is not permitted on this storage account.",
    ),
}
_DFS = {
    "ContentLengthMustBeZero": (400, "The Content-Length request header must be zero."),
    "DirectoryNotEmpty": (
        409,
        "The recursive query parameter value must be true to delete a non-empty directory.",
    ),
    "FilesystemAlreadyExists": (409, "The specified filesystem already exists."),
    "FilesystemNotFound": (404, "The specified filesystem does not exist."),
    "InvalidAppendOperation": (
        409,
        "The resource was created or modified by the Blob Service API and cannot be appended to "
        "by the Data Lake Storage Service API.",
    ),
    "InvalidDestinationPath": (
        409,
        "The specified path, or an element of the path, exists and its resource type is invalid "
        "for this operation.",
    ),
    "InvalidFlushOperation": (
        409,
        "The resource was created or modified by the Blob Service API and cannot be written to "
        "by the Data Lake Storage Service API.",
    ),
    "InvalidFlushPosition": (
        400,
        "The uploaded data is not contiguous or the position query parameter value is not equal "
        "to the length of the file after appending the uploaded data.",
    ),
    "InvalidRenameSourcePath": (
        409,
        "The source directory cannot be the same as the destination directory, nor can the "
        "destination be a subdirectory of the source directory.",
    ),
    "InvalidSourceOrDestinationResourceType": (
        409,
        "The source and destination resource type must be identical.",
    ),
    "InvalidSourceUri": (400, "The source URI is invalid."),
    "PathAlreadyExists": (409, "The specified path already exists."),
    "PathConflict": (
        409,
        "The specified path, or an element of the path, exists and its resource type is invalid "
        "for this operation.",
    ),
    "PathNotFound": (404, "The specified path does not exist."),
    "RenameDestinationParentPathNotFound": (
        404,
        "The parent directory of the destination path does not exist.",
    ),
    "SourceConditionNotMet": (
        412,
        "The source condition specified using HTTP conditional header(s) is not met.",
    ),
    "SourcePathNotFound": (404, "The source path for a rename operation does not exist."),
}
_CODES = _ALL | _BLOB | _DFS
_NOT_MODIFIED = 304

# The codes that the endpoints word differently: blob's name for each of dfs's.
_BLOB_NAMES = {
    "PathNotFound": "BlobNotFound",
    "PathAlreadyExists": "BlobAlreadyExists",
    "PathConflict": "ResourceTypeMismatch",
    "FilesystemNotFound": "ContainerNotFound",
    "FilesystemAlreadyExists": "ContainerAlreadyExists",
}


class StorageError(Exception):
    """An error response.

    ``details`` are further elements of the body; ``status`` and ``message`` replace the code's
    usual ones. A code that only dfs has is replaced by
    blob's name for the same on that endpoint.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int = 0,
        message: str = "",
        headers: dict[str, str] | None = None,
        **details: str,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or _CODES[code][0]
        self.message = message
        self.headers = headers or {}
        self.details = details

    def response(self, endpoint: Endpoint, request_id: str, now: float) -> Response:
        """Return the HTTP response; a 304 has no body (RFC 9110 section 15.4.5)."""
        code = _BLOB_NAMES.get(self.code, self.code) if endpoint == "blob" else self.code
        headers = {"x-ms-error-code": code, **self.headers}
        if self.status == _NOT_MODIFIED:
            return empty_response(self.status, headers)
        time = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        message = f"{self.message or _CODES[code][1]}\nRequestId:{request_id}\nTime:{time}"
        if endpoint == "blob":
            return Response(
                _xml(code, message, self.details),
                self.status,
                headers,
                content_type="application/xml",
            )
        body = {"error": {"code": code, "message": message, **self.details}}
        content_type = "application/json;charset=utf-8"
        return Response(json.dumps(body), self.status, headers, content_type=content_type)


def _xml(code: str, message: str, details: dict[str, str]) -> str:
    elements = {"Code": code, "Message": message, **details}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in elements.items())
    return f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error>{inner}</Error>'


def from_store(error: StoreError) -> StorageError:
    """Return storage's error for one that the tree raises in WebHDFS's form."""
    if error.exception == "FileAlreadyExistsException":
        return StorageError("PathConflict")
    if error.status == 404:
        return StorageError("PathNotFound")
    if error.code == _INVALID_ACL:
        return StorageError("InvalidInput")
    if error.status == 403:
        return StorageError("AuthorizationPermissionMismatch")
    return StorageError("InvalidInput")


# The number of an invalid access control entry (store.errors.bad_acl).
_INVALID_ACL = "0x83090C53"


def bad_header(name: str, value: str) -> StorageError:
    """Return the error for a header that cannot be read."""
    return StorageError("InvalidHeaderValue", HeaderName=name, HeaderValue=value)


def bad_parameter(name: str, value: str, reason: str = "") -> StorageError:
    """Return the error for a query parameter that cannot be read."""
    return StorageError(
        "InvalidQueryParameterValue",
        QueryParameterName=name,
        QueryParameterValue=value,
        Reason=reason or "Invalid query parameter value.",
    )


def missing_header(name: str) -> StorageError:
    """Return the error for a header that is not there."""
    return StorageError("MissingRequiredHeader", HeaderName=name)


def missing_parameter(name: str) -> StorageError:
    """Return the error for a query parameter that is not there."""
    return StorageError("MissingRequiredQueryParameter", QueryParameterName=name)
