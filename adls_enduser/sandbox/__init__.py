"""Azure on loopback: Entra ID, Resource Manager, Data Lake (Gen1 and Gen2), to try and to test.

::

    from adls_enduser.sandbox import Sandbox

    with Sandbox() as azure:
        azure.entra.person("ada@contoso.onmicrosoft.com", password="...")
        ...  # your program and the real SDKs, unchanged

Needs the extra ``[sandbox]``. The library itself does not import it.
"""

from ..errors import MissingDependency

try:
    from .clock import SandboxClock
    from .directory import CONTOSO, CONTOSO_ID, Person
    from .faults import (
        HTML_502,
        Answer,
        Drip,
        Endless,
        Gzip,
        HalfBody,
        Informational,
        Reset,
        Stall,
        redirect,
        throttled,
    )
    from .sandbox import Sandbox
except ModuleNotFoundError as missing:
    raise MissingDependency(
        f"The sandbox needs {missing.name}, which is not installed.",
        remedy="Run: pip install 'adls-enduser[sandbox]'",
    ) from missing

__all__ = [
    "CONTOSO",
    "CONTOSO_ID",
    "HTML_502",
    "Answer",
    "Drip",
    "Endless",
    "Gzip",
    "HalfBody",
    "Informational",
    "Person",
    "Reset",
    "Sandbox",
    "SandboxClock",
    "Stall",
    "redirect",
    "throttled",
]
