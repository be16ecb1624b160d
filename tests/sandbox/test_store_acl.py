"""Access control lists as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adls_enduser.sandbox.store import acl
from adls_enduser.sandbox.store.acl import ALL, GROUP, MASK, OTHER, USER, Acl, Caller, allows
from adls_enduser.sandbox.store.errors import StoreError

ADA, BOB, CY = (f"aaaaaaaa-0000-4000-8000-00000000000{digit}" for digit in "123")
TEAM, CLUB = (f"bbbbbbbb-0000-4000-8000-00000000000{digit}" for digit in "12")

bits = st.integers(0, ALL)
modes = st.integers(0, 0o777)
named = st.dictionaries(
    st.sampled_from([("user", BOB), ("user", CY), ("group", TEAM), ("group", CLUB)]), bits
)
masks = st.none() | bits
groups = st.frozensets(st.sampled_from([TEAM, CLUB]))


def build(mode, entries, mask):
    """Return an ACL of a mode, entries and an optional mask."""
    base = Acl.of_mode(mode).entries
    return Acl({**base, **entries, **({} if mask is None else {MASK: mask})})


def nobody(name):
    """Return None for every user name."""


def granted(one, caller):
    """Return the bits that a caller has."""
    return sum(
        bit for bit in (4, 2, 1) if allows(one, caller, owner=ADA, group=TEAM, permissions=bit)
    )


@given(modes)
def test_mode_round_trip(mode):
    """A mode becomes an ACL of three entries, and the same mode again."""
    assert Acl.of_mode(mode).mode == mode
    assert not Acl.of_mode(mode).extended


@given(modes, named, masks)
def test_text_round_trip(mode, entries, mask):
    """The text of an ACL contains all of it, in either scope."""
    one = build(mode, entries, mask)
    parsed = acl.parse(",".join(one.to_lines() + one.to_lines("default:")), nobody)
    assert dict(parsed.access) == dict(parsed.default) == dict(one.entries)


@given(modes, named, bits, st.sampled_from([ADA, BOB, CY]), groups)
def test_mask_only_removes_and_not_from_the_owner(mode, entries, mask, object_id, member):
    """A mask only removes permissions, and none of the owner's."""
    caller = Caller(object_id, member)
    free, limited = build(mode, entries, None), build(mode, entries, mask)
    if object_id == ADA:
        assert granted(limited, caller) == granted(free, caller) == mode >> 6
    else:
        assert granted(limited, caller) == granted(free, caller) & mask


@given(modes, named, st.sampled_from([ADA, BOB, CY]), groups)
def test_super_user_may_do_everything(mode, entries, object_id, member):
    """A super-user has all permissions, whatever the ACL says."""
    assert granted(build(mode, entries, None), Caller(object_id, member, superuser=True)) == ALL


@given(modes, named, masks, modes)
def test_chmod_keeps_the_named_entries(mode, entries, mask, permissions):
    """The middle bits change the mask where there is one; the group's entry stays."""
    before = build(mode, entries, mask)
    after = before.with_mode(permissions)
    assert after.mode == permissions
    assert {key: after.entries[key] for key in entries} == entries
    assert mask is None or after.entries[GROUP] == before.entries[GROUP]


@given(modes, named, named)
def test_recalculated_mask_limits_no_entry(mode, entries, changes):
    """After a change without a mask, the new mask limits no named entry."""
    after = build(mode, entries, None).modified(changes)
    for (kind, _), value in after.entries.items():
        if kind in ("user", "group") and MASK in after.entries and (kind, _) != USER:
            assert value & after.entries[MASK] == value


def test_first_matching_entry_decides():
    """The first matching entry decides (Microsoft's algorithm)."""
    one = Acl({USER: 0, GROUP: 7, OTHER: 7, ("user", BOB): 1, MASK: 7})
    assert granted(one, Caller(ADA, frozenset([TEAM]))) == 0
    assert granted(one, Caller(BOB, frozenset([TEAM]))) == 1


def test_groups_add_up():
    """A person in two groups has the permissions of both."""
    one = Acl({USER: 7, GROUP: 4, OTHER: 0, ("group", CLUB): 1, MASK: 7})
    assert granted(one, Caller(CY, frozenset([TEAM, CLUB]))) == 5
    assert granted(one, Caller(CY)) == 0


def test_the_first_named_entry_brings_a_mask_and_the_last_leaves_it():
    """The first named entry adds a mask, which stays when the last one is removed (recorded)."""
    plain = Acl.of_mode(0o770)
    more = plain.modified({("user", BOB): 2})
    assert more.to_lines() == [
        "user::rwx",
        f"user:{BOB}:-w-",
        "group::rwx",
        "mask::rwx",
        "other::---",
    ]
    less = more.without({("user", BOB)})
    assert less.to_lines() == ["user::rwx", "group::rwx", "mask::rwx", "other::---"]
    assert less.without_named() == plain


def test_a_mask_that_is_given_stays_as_given():
    """A given mask stays until a change without one."""
    one = Acl.of_mode(0o750).modified({("user", BOB): 7, MASK: 4})
    assert one.entries[MASK] == 4
    assert one.modified({("user", CY): 1}).entries[MASK] == 7


def test_a_child_gets_the_default_without_others():
    """A child gets the default ACL less the umask 007 and less what the mode lacks."""
    default = Acl({USER: 7, GROUP: 5, OTHER: 7, ("user", BOB): 7, MASK: 7})
    assert default.for_child().to_lines()[-1] == "other::---"
    assert default.for_child().entries["user", BOB] == 7
    assert default.for_child(0o640).mode == 0o640


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user",
        "user::rw",
        "user::rwxx",
        "user::rwz",
        "user:nobody:rwx",
        f"mask:{BOB}:rwx",
        f"other:{BOB}:rwx",
        "friend::rwx",
        "user::rwx,,",
        "user::r:w:x",
        "default:",
        "default:default:user::rwx",
    ],
)
def test_invalid_text_is_rejected(text):
    """An invalid text is an error with the service's number for invalid entries."""
    with pytest.raises(StoreError) as error:
        acl.parse(text, nobody)
    assert error.value.code == "0x83090C53"


def test_a_user_name_stands_for_its_object_id():
    """The service accepts an object id or a user name."""
    parsed = acl.parse("user:bob@contoso.com:r-x", {"bob@contoso.com": BOB}.get)
    assert parsed.access == {("user", BOB): 5}


def test_base_entries_cannot_be_removed():
    """Owner, group and others always have an entry."""
    for key in (USER, GROUP, OTHER):
        with pytest.raises(StoreError):
            Acl.of_mode(0o777).without({key})


def test_a_whole_acl_needs_its_three_entries():
    """SETACL needs the three entries of a scope; a scope without entries is kept."""
    current = Acl.of_mode(0o700)
    assert acl.replaced(current, {}) is current
    with pytest.raises(StoreError):
        acl.replaced(current, {USER: 7, GROUP: 7})
