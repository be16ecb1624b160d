"""What the store says when it refuses: WebHDFS's ``RemoteException``.

Form and wording are those of the recorded answers in azure-datalake-store's own tests
(tests/recordings of Azure/azure-data-lake-store-python); status codes of kinds that are
not recorded there are those of Microsoft's filesystem REST specification (AdlsError).
"""

from __future__ import annotations

from dataclasses import dataclass

_ACCESS = "org.apache.hadoop.security.AccessControlException"


@dataclass(eq=False)
class StoreError(Exception):
    """A refusal.

    ``code`` is the service's own number, which also is the header ``Status``. With
    ``named`` the message begins with the operation: ``APPEND failed with error ...``.
    """

    status: int
    java_class: str
    text: str
    code: str = "0x0"
    named: bool = False

    @property
    def exception(self) -> str:
        """Give the last part of the Java class, which clients branch on."""
        return self.java_class.rpartition(".")[2]

    def message(self, operation: str) -> str:
        """Say what happened, as the service words it for an operation."""
        if not self.named:
            return self.text
        return f"{operation} failed with error {self.code.lower()} ({self.text})."


def not_found(path: str) -> StoreError:
    """Say that nothing is there (recorded: test_ls_batched)."""
    text = f"File/Folder does not exist: {path}"
    return StoreError(404, "java.io.FileNotFoundException", text, "0x8309000A")


def not_a_file(path: str) -> StoreError:
    """Say that a folder is where a file is needed (HDFS: ``INodeFile.valueOf``)."""
    return StoreError(404, "java.io.FileNotFoundException", f"Path is not a file: {path}")


def denied() -> StoreError:
    """Deny access (worded as on Azure Data Factory's troubleshooting page)."""
    text = (
        "Forbidden. ACL verification failed. Either the resource does not exist or the user "
        "is not authorized to perform the requested operation."
    )
    return StoreError(403, _ACCESS, text, "0x83090AA2", named=True)


def bad_acl() -> StoreError:
    """Refuse an ACL entry that nobody can have (worded as in Azure/azure-powershell#12729)."""
    return StoreError(403, _ACCESS, "Forbidden. ACL entry is invalid.", "0x83090C53", named=True)


def bad_offset() -> StoreError:
    """Refuse an append beside the end (worded as in Azure/azure-data-lake-store-python#66)."""
    java_class = "org.apache.hadoop.fs.adl.BadOffsetException"
    return StoreError(400, java_class, "Bad request. Invalid offset.", "0x83090015", named=True)


def already_exists(path: str) -> StoreError:
    """Say that something is there already (REST specification: AdlsFileAlreadyExistsException)."""
    java_class = "org.apache.hadoop.fs.FileAlreadyExistsException"
    return StoreError(403, java_class, f"File/Folder already exists: {path}")


def failed(text: str) -> StoreError:
    """Say that it cannot be done as things are (REST specification: AdlsIOException)."""
    return StoreError(403, "java.io.IOException", text)


def illegal(text: str) -> StoreError:
    """Say that the call makes no sense (REST specification: AdlsIllegalArgumentException)."""
    return StoreError(400, "java.lang.IllegalArgumentException", text)


def bad_parameter(name: str, why: str) -> StoreError:
    """Say that a parameter makes no sense (WebHDFS, "Error Responses", Illegal Argument)."""
    return illegal(f'Invalid value for webhdfs parameter "{name}": {why}')


def unsupported(text: str) -> StoreError:
    """Refuse an operation that is not for this (REST: AdlsUnsupportedOperationException)."""
    return StoreError(400, "java.lang.UnsupportedOperationException", text)


def unauthorized(text: str) -> StoreError:
    """Refuse a token (REST specification: AdlsSecurityException)."""
    return StoreError(401, "java.lang.SecurityException", text)


def no_such_store(host: str) -> StoreError:
    """Say that no account has this host name.

    The real name then does not resolve, which a proxy cannot show; 404 is the sandbox's
    choice, so that a program learns it at once instead of retrying.
    """
    text = f"The Data Lake Store account does not exist: {host}"
    return StoreError(404, "java.net.UnknownHostException", text)
