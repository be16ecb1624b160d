"""Access control lists of Data Lake Storage Gen1, as values without files.

Source: Microsoft, "Access control in Azure Data Lake Storage Gen1", and for the effect of
a change on the mask, HDFS's ``AclTransformation``, from which Gen1 derives.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

READ, WRITE, EXECUTE = 4, 2, 1
ALL = READ | WRITE | EXECUTE
STICKY = 0o1000
NOBODY = "00000000-0000-0000-0000-000000000000"

# The mode of a new item in a folder without a default ACL: 777 less the account's umask 007,
# which cannot be changed.
NEW_ITEM = 0o770
LIMIT = 32

Key = tuple[str, str]
"""The kind (user, group, mask, other) and the object id, empty for the owner's entry."""

USER: Key = ("user", "")
GROUP: Key = ("group", "")
MASK: Key = ("mask", "")
OTHER: Key = ("other", "")
BASE = (USER, GROUP, OTHER)

_ORDER = ("user", "group", "mask", "other")
_PERMISSIONS = re.compile("[r-][w-][x-]")
_MODE = re.compile("[01]?[0-7]{1,3}")


@dataclass(frozen=True)
class Caller:
    """The person who calls, the groups in the token, and whether everything is allowed."""

    object_id: str
    groups: frozenset[str] = frozenset()
    superuser: bool = False


def _union(permissions: Iterable[int]) -> int:
    return reduce(or_, permissions, 0)


@dataclass(frozen=True)
class Acl:
    """An access ACL, or a default ACL; always with an entry for owner, group and others."""

    entries: Mapping[Key, int]

    @classmethod
    def of_mode(cls, mode: int) -> Acl:
        """Return the ACL that equals nine permission bits."""
        return cls({USER: mode >> 6 & ALL, GROUP: mode >> 3 & ALL, OTHER: mode & ALL})

    @property
    def mode(self) -> int:
        """Return the nine bits; the middle three are the mask's where there is one."""
        middle = self.entries.get(MASK, self.entries[GROUP])
        return self.entries[USER] << 6 | middle << 3 | self.entries[OTHER]

    @property
    def extended(self) -> bool:
        """Tell whether nine bits cannot express the ACL."""
        return len(self.entries) > len(BASE)

    def with_mode(self, mode: int) -> Acl:
        """Change the bits; where there is a mask, the middle three change the mask."""
        middle = MASK if MASK in self.entries else GROUP
        bits = {USER: mode >> 6 & ALL, middle: mode >> 3 & ALL, OTHER: mode & ALL}
        return Acl({**self.entries, **bits})

    def modified(self, changes: Mapping[Key, int]) -> Acl:
        """Add and replace entries; the mask is recalculated unless it is among them."""
        return _masked({**self.entries, **changes}, given=MASK in changes)

    def without(self, keys: set[Key]) -> Acl:
        """Remove named entries, or the mask; raise StoreError for an entry of BASE.

        A mask that is still needed is recalculated. A mask that is not needed stays too
        (recorded: test_remove_acl_entries) unless its removal was requested.
        """
        if keys & set(BASE):
            raise errors.bad_acl()
        return _masked({key: value for key, value in self.entries.items() if key not in keys})

    def without_named(self) -> Acl:
        """Return the three entries that nine bits can express."""
        return Acl({key: self.entries[key] for key in BASE})

    def for_child(self, mode: int | None = None) -> Acl:
        """Return, from a default ACL, the access ACL of a new item.

        The account's umask 007 removes all permissions of others; a requested mode removes the
        permissions that it lacks, as POSIX's ``mkdir`` does.
        """
        inherited = Acl({**self.entries, OTHER: 0})
        return inherited if mode is None else inherited.with_mode(inherited.mode & mode)

    def to_lines(self, scope: str = "") -> list[str]:
        """Return the entries as text, in the service's order."""
        ordered = sorted(self.entries, key=lambda key: (_ORDER.index(key[0]), key[1]))
        return [
            f"{scope}{kind}:{object_id}:{format_bits(self.entries[kind, object_id])}"
            for kind, object_id in ordered
        ]


def _masked(entries: Mapping[Key, int], *, given: bool = False) -> Acl:
    """Return an ACL whose mask limits nothing, if it needs a mask and none was given."""
    needed = MASK in entries or any(object_id for _, object_id in entries)
    if given or not needed:
        return Acl(entries)
    limits = [value for (kind, object_id), value in entries.items() if object_id or kind == "group"]
    return Acl({**entries, MASK: _union(limits)})


def allows(acl: Acl, caller: Caller, *, owner: str, group: str, permissions: int) -> bool:
    """Check access, step by step as in Microsoft's "Access check algorithm" for Gen1.

    Unlike in POSIX, several groups of one person add up, and the mask limits others too.
    """
    if caller.superuser:
        return True
    entries = acl.entries
    if caller.object_id == owner:
        return permissions & entries[USER] == permissions
    granted = entries.get(("user", caller.object_id))
    if granted is None:
        granted = _of_groups(acl, caller, group)
    return permissions & granted & entries.get(MASK, ALL) == permissions


def _of_groups(acl: Acl, caller: Caller, group: str) -> int:
    matching = [
        permissions
        for (kind, object_id), permissions in acl.entries.items()
        if kind == "group" and (object_id or group) in caller.groups
    ]
    return _union(matching) if matching else acl.entries[OTHER]


@dataclass(frozen=True)
class AclSpec:
    """A parsed ``aclSpec``: changes to the access ACL and to the default ACL."""

    access: Mapping[Key, int]
    default: Mapping[Key, int]


def parse(text: str, identify: Callable[[str], str | None]) -> AclSpec:
    """Parse ``[default:]kind:[object id or user name]:rwx,...``.

    ``identify`` returns the object id of a user name, or None. The permissions may be
    missing (for removals) and are then none. Raises StoreError for an invalid text.
    """
    access: dict[Key, int] = {}
    default: dict[Key, int] = {}
    for entry in text.split(","):
        scope, _, rest = entry.strip().partition(":")
        is_default = scope.lower() == "default"
        key, permissions = _entry(rest if is_default else entry.strip(), identify)
        (default if is_default else access)[key] = permissions
    return AclSpec(access, default)


def _entry(text: str, identify: Callable[[str], str | None]) -> tuple[Key, int]:
    parts = text.split(":")
    if not 2 <= len(parts) <= 3:
        raise errors.bad_acl()
    kind, name, permissions = [*parts, "---"][:3]
    kind = kind.lower()
    if kind not in _ORDER or (name and kind in ("mask", "other")):
        raise errors.bad_acl()
    try:
        return (kind, _object_id(name, identify)), parse_bits(permissions)
    except ValueError:
        raise errors.bad_acl() from None


def _object_id(name: str, identify: Callable[[str], str | None]) -> str:
    return (identify(name) or str(uuid.UUID(name))) if name else ""


def replaced(current: Acl, entries: Mapping[Key, int]) -> Acl:
    """Return an ACL of just these entries, or the current one if there are none."""
    if not entries:
        return current
    if not all(key in entries for key in BASE):
        raise errors.bad_acl()
    return _masked(entries, given=MASK in entries)


def completed(entries: Mapping[Key, int], access: Acl) -> dict[Key, int]:
    """Add the entries that a default ACL must have, from the access ACL (as HDFS does)."""
    return {**{key: access.entries[key] for key in BASE}, **entries}


def within_limit(acl: Acl) -> Acl:
    """Return the ACL; raise StoreError if it has more than 32 entries.

    Source: Microsoft, "limits for ACL entries".
    """
    if len(acl.entries) > LIMIT:
        raise errors.bad_acl()
    return acl


def format_bits(permissions: int) -> str:
    """Return three bits as ``rwx``."""
    return "".join(
        letter if permissions & bit else "-"
        for letter, bit in (("r", READ), ("w", WRITE), ("x", EXECUTE))
    )


def parse_bits(text: str) -> int:
    """Read ``rwx``; raise ValueError if it is not three such letters."""
    if not _PERMISSIONS.fullmatch(text.lower()):
        raise ValueError(text)
    values = zip(text, (READ, WRITE, EXECUTE), strict=True)
    return sum(value for letter, value in values if letter != "-")


def parse_mode(text: str) -> int:
    """Read a mode such as ``770`` or ``1777`` (with the sticky bit)."""
    if not _MODE.fullmatch(text):
        raise errors.bad_parameter("permission", f"{text!r} is no octal mode")
    return int(text, 8)
