"""The call that a remedy names, spelled as a program would have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clouds import CHINA, PUBLIC, US_GOVERNMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clouds import Cloud

_NAMES = {PUBLIC: "", CHINA: '"china"', US_GOVERNMENT: '"us_government"'}


def spelled(cloud: Cloud, **options: str | None) -> dict[str, str]:
    """Give the options of a call as source text; those that are None are left out.

    A cloud of one's own stays to be filled in: ``...``.
    """
    named = {name: f'"{value}"' for name, value in options.items() if value is not None}
    where = _NAMES.get(cloud, "...")
    return {**named, "cloud": where} if where else named


def call(what: str, mode: str, options: Mapping[str, str]) -> str:
    """Spell a call of a factory; ``mode`` and the options' values are source text."""
    given = "".join(f", {name}={value}" for name, value in options.items())
    return f"{what}(mode={mode}{given})"


def factory(resource: str) -> str:
    """Name the factory that gives tokens for a resource."""
    return "filesystem_token" if is_data_lake(resource) else "management_credentials"


def is_data_lake(resource: str) -> bool:
    """Whether a resource is the file system of Data Lake Storage Gen1."""
    return resource in {cloud.data_lake for cloud in _NAMES}
