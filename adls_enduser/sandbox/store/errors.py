"""The errors of the store, in WebHDFS's form: ``RemoteException``.

Form and wording are those of the recorded responses in azure-datalake-store's own tests
(tests/recordings of Azure/azure-data-lake-store-python); status codes of kinds that are
not recorded there are those of Microsoft's filesystem REST specification, whose names
(AdlsError) the functions below cite as "REST".
"""

from __future__ import annotations

from dataclasses import dataclass

_SPELLED = {"SETOWNER": "Set Owner failed with ", "CONCURRENTAPPEND": "concurrentappend"}
_ACCESS = "org.apache.hadoop.security.AccessControlException"


@dataclass(eq=False)
class StoreError(Exception):
    """An error response.

    ``code`` is the service's own number, which is also in the header ``Status``. With
    ``named`` the message begins with the operation: ``APPEND failed with error ...``. The
    sentence of SETOWNER names it differently, with two blanks (recorded: test_chown, test_chgrp).
    """

    status: int
    java_class: str
    text: str
    code: str = "0x0"
    named: bool = False

    @property
    def exception(self) -> str:
        """Return the last part of the Java class, which clients branch on."""
        return self.java_class.rpartition(".")[2]

    def message(self, operation: str) -> str:
        """Return the message, as the service words it for an operation."""
        if not self.named:
            return self.text
        begin = _SPELLED.get(operation, operation)
        return f"{begin} failed with error {self.code.lower()} ({self.text})."


def not_found(path: str) -> StoreError:
    """Return the error for a path where nothing is (recorded: test_ls_batched)."""
    text = f"File/Folder does not exist: {path}"
    return StoreError(404, "java.io.FileNotFoundException", text, "0x8309000A")


def not_a_file(path: str) -> StoreError:
    """Return the error for a folder where a file is needed (HDFS: ``INodeFile.valueOf``)."""
    return StoreError(404, "java.io.FileNotFoundException", f"Path is not a file: {path}")


def denied() -> StoreError:
    """Return the error for a missing permission.

    Worded as on Azure Data Factory's troubleshooting page.
    """
    text = (
        "Forbidden. ACL verification failed. Either the resource does not exist or the user "
        "is not authorized to perform the requested operation."
    )
    return StoreError(403, _ACCESS, text, "0x83090AA2", named=True)


def bad_acl() -> StoreError:
    """Return the error for an invalid ACL entry (worded as in Azure/azure-powershell#12729)."""
    return StoreError(403, _ACCESS, "Forbidden. ACL entry is invalid.", "0x83090C53", named=True)


def bad_offset() -> StoreError:
    """Return the error for an append that is not at the end.

    Worded as in Azure/azure-data-lake-store-python#66.
    """
    java_class = "org.apache.hadoop.fs.adl.BadOffsetException"
    return StoreError(400, java_class, "Bad request. Invalid offset.", "0x83090015", named=True)


def wrong_append() -> StoreError:
    """Return the error for APPEND to a file with data from CONCURRENTAPPEND, or the reverse.

    Recorded in azure-sdk-for-net (DataLakeStoreFileSystemNegativeConcurrentAppend); the text here
    is its beginning.
    """
    text = "Bad request. The target file does not support this particular type of append operation."
    java_class = "java.lang.IllegalArgumentException"
    return StoreError(400, java_class, text, "0x83090A6F", named=True)


def already_exists(path: str) -> StoreError:
    """Return the error for an existing path (REST: AdlsFileAlreadyExistsException)."""
    java_class = "org.apache.hadoop.fs.FileAlreadyExistsException"
    return StoreError(403, java_class, f"File/Folder already exists: {path}")


def failed(text: str) -> StoreError:
    """Return the error for an operation that is impossible now (REST: AdlsIOException)."""
    return StoreError(403, "java.io.IOException", text)


def illegal(text: str) -> StoreError:
    """Return the error for an invalid call (REST: AdlsIllegalArgumentException)."""
    return StoreError(400, "java.lang.IllegalArgumentException", text)


def bad_parameter(name: str, why: str) -> StoreError:
    """Return the error for an invalid parameter (WebHDFS, "Error Responses", Illegal Argument)."""
    return illegal(f'Invalid value for webhdfs parameter "{name}": {why}')


def stream_id_mismatch() -> StoreError:
    """Return the error for a file that is another one by now.

    Named in azure-data-lake-store-java's live test ``conditionalDelete``; the status is that of
    REST's AdlsRuntimeException.
    """
    return StoreError(500, "java.lang.RuntimeException", "StreamID mismatch")


def unsupported(text: str) -> StoreError:
    """Return the error for an unsupported operation (REST: AdlsUnsupportedOperationException)."""
    return StoreError(400, "java.lang.UnsupportedOperationException", text)


def unauthorized(text: str) -> StoreError:
    """Return the error for an invalid token (REST: AdlsSecurityException)."""
    return StoreError(401, "java.lang.SecurityException", text)


def no_such_store(host: str) -> StoreError:
    """Return the error for a store that was deleted while a connection to it was open.

    Assumed. A new connection is refused by the proxy, as the host name does not resolve.
    """
    text = f"The Data Lake Store account does not exist: {host}"
    return StoreError(404, "java.net.UnknownHostException", text)
