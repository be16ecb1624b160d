"""Change the ACLs of a tree by several processes: ``python -m tests.programs.recursive METHOD``."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

from azure.datalake.store import core
from azure.datalake.store.multiprocessor import multi_processor_change_acl

from adls_enduser import filesystem_token
from adls_enduser.sandbox import CONTOSO

SOMEBODY = "11111111-2222-4333-8444-555555555555"
ANOTHER = "66666666-7777-4888-9999-000000000000"


def _show(prompt: Any) -> None:
    print("asked", flush=True)  # noqa: T201 - what the test counts


def main(method: str) -> None:
    """Sign in once, then run each recursive operation."""
    multiprocessing.set_start_method(method)
    token: Any = filesystem_token("device_code", tenant=CONTOSO, prompt=_show)
    store = core.AzureDLFileSystem(token, store_name="mystore")
    everybody = f"user::rwx,group::r-x,other::---,user:{SOMEBODY}:rwx,user:{ANOTHER}:r-x"
    store.set_acl("/tree", everybody, recursive=True, number_of_sub_process=2)
    more = f"user:{SOMEBODY}:--x,default:user:{SOMEBODY}:r--"
    multi_processor_change_acl(store, "/tree", "mod_acl", more, 2)
    store.remove_acl_entries("/tree", f"user:{ANOTHER}", recursive=True, number_of_sub_process=2)


if __name__ == "__main__":
    main(sys.argv[1])
