"""The differences between Azurite's responses and the sandbox's that are no mistake, and why.

"Documented" means Microsoft's REST reference of the Blob service, on the page of the operation.
test_requests.py compares single requests in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .comparison import Difference


@dataclass(frozen=True)
class Accepted:
    """A kind of difference: regular expressions of the request and the field, and the reason.

    ``program`` is one that meets it, so that no row outlives its reason.
    """

    request: str
    field: str
    reason: str
    program: str = "with_azure_storage_blob"

    def explains(self, difference: Difference) -> bool:
        """Tell whether a difference is of this kind."""
        request, field = re.search(self.request, difference.request), re.fullmatch
        return bool(request and field(self.field, _change(difference)))


def _change(difference: Difference) -> str:
    return f"{difference.field}: {difference.azurite} / {difference.sandbox}"


FOLDERS = "The account has a hierarchical namespace, Azurite's has none"
ACCEPTED = (
    # Folders.
    Accepted("^HEAD /", "status: 404 / 200, a folder", f"{FOLDERS}: one exists.", "with_adlfs"),
    Accepted(
        "^DELETE /box/moves",
        "status: 404 / 202|requests: 0 / 1",
        f"{FOLDERS}: adlfs deletes the folder too.",
        "with_adlfs",
    ),
    Accepted(
        "comp=list",
        "requests: .*",
        f"{FOLDERS}: adlfs asks how to tell one; pages are longer by them.",
        "with_adlfs",
    ),
    Accepted(
        "comp=list",
        r"element .*/(Blob|BlobPrefix)(/.*)?: None / there",
        f"{FOLDERS}: folders are listed, with their properties.",
    ),
    Accepted(
        "comp=list.*&prefix=moves/&",
        "element .*/Blob(/.*)?: there / None",
        f"{FOLDERS}: adlfs marks folders by empty blobs, and asks for them when they are deleted.",
        "with_adlfs",
    ),
    # What Azurite leaves out.
    Accepted(
        "",
        "x-ms-(version|client-request-id): None / .*",
        "Azurite leaves them out of errors; documented for every response.",
    ),
    Accepted(
        "restype=container$",
        "x-ms-(default-encryption-scope|deny-encryption-scope-override"
        "|immutable-storage-with-versioning-enabled): None / .*",
        "Azurite has no encryption scopes and no immutable storage; documented.",
    ),
    Accepted(
        r"^GET /\?comp=list",
        "element .*/Container(/.*)?: None / there",
        "Azurite has no encryption scopes, no immutable storage and no empty Metadata; documented.",
    ),
    # What Azurite adds.
    Accepted(
        "comp=list",
        "element /EnumerationResults/(Marker|MaxResults|Prefix): there / None",
        "Documented: only if the request has them.",
    ),
    Accepted(
        "comp=list",
        "element .*/Properties/(Copy.*|IncrementalCopy): there / None",
        "Documented: only with include=copy.",
        "with_obstore",
    ),
    Accepted(
        "",
        "(x-ms-access-tier-change-time|element .*/AccessTierChangeTime): .* / None",
        "Documented: only if the tier of the blob was ever set.",
    ),
    Accepted(
        "^HEAD /",
        "x-ms-incremental-copy: false / None",
        "Documented: only of a copy of a page blob's snapshot.",
    ),
    Accepted(
        "^GET /",
        "x-ms-blob-content-md5: a hash / None",
        "Documented: only if the request has a range.",
    ),
    Accepted(
        "^PUT .*comp=blocklist",
        "content-md5: a hash / None",
        "Documented: only if the request has one, since version 2019-02-02.",
    ),
    Accepted(
        "^(GET|HEAD) |comp=list",
        "(content-md5|element .*/Content-MD5): (a hash|there) / None",
        "Documented: the service computes no hash of a blob that is made of blocks.",
        "with_obstore",
    ),
    Accepted(
        "comp=blocklist$",
        "(etag|last-modified): .* / None",
        "Documented: not for a blob of which no block is committed.",
    ),
    Accepted(
        "(?i)if-none-match$",
        "content-(type|length): .*",
        "Azurite gives a 304, which has no body, the type of one.",
    ),
    Accepted(
        "^PUT .*comp=(block|blocklist|appendblock)",
        "x-ms-content-crc64: .* / None",
        "Documented, but the sandbox computes none: in Python that takes a second for 4 MB, and no"
        " client here compares it.",
    ),
    # The rest.
    Accepted(
        "^seen$",
        r"copies: of nothing: \(404, 'BlobNotFound'\) / \(404, 'CannotVerifyCopySource'\)",
        "Microsoft's list of error codes has an own one for the source of a copy.",
    ),
    Accepted(
        "^PUT .* ?",
        "x-ms-error-code: BlobNotFound / CannotVerifyCopySource",
        "Microsoft's list of error codes has an own one for the source of a copy.",
    ),
    Accepted("", "x-ms-copy-source: .*", "The two accounts have different names."),
    Accepted(
        "_delta_log/.*json",
        "content-length: .*",
        "A commit holds how many milliseconds it took.",
        program="",  # not each time
    ),
)


def unexplained(found: list[Difference]) -> list[Difference]:
    """Return the differences that no row explains."""
    return [one for one in found if not any(row.explains(one) for row in ACCEPTED)]


def not_met(program: str, found: list[Difference]) -> list[Accepted]:
    """Return the rows that a program is to meet, and does not."""
    rows = [row for row in ACCEPTED if row.program == program]
    return [row for row in rows if not any(row.explains(one) for one in found)]
