"""Azure on loopback: Entra ID, Resource Manager, Data Lake (Gen1 and Gen2), to try and to test.

::

    from adls_enduser.sandbox import Sandbox

    with Sandbox() as azure:
        azure.entra.person("ada@contoso.onmicrosoft.com", password="...")
        ...  # your program and the real SDKs, unchanged

Needs the extra ``[sandbox]``. The library itself does not import it.
"""

import sys

from ..errors import import_failed

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
except ImportError as error:
    failure = import_failed(error, "The sandbox", "'adls-enduser[sandbox]'")
    # While python -m looks for a module, sys.argv[0] is "-m" (Python, "Command line and
    # environment"). The person who typed the command gets the sentence, without tracebacks.
    if sys.argv[:1] == ["-m"] and any(word.startswith(__name__) for word in sys.orig_argv):
        sys.exit(str(failure))
    raise failure from error

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
