"""The id of a sign-in: what tells two sign-ins apart, wherever they are pickled to.

It is made of a random number, which each strategy object has, and of the account that signed in.
So two sign-ins never have the same id, not even those of one person, and a strategy object by
which another person signs in later has another id from then on. Renewals and pickles keep it.

It is not in the cache file. Another process that loads a kept sign-in makes an id of its own: the
tools that compare ids do so inside one process, or get the id with a pickle.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from ..strategies.session import HoldsSignIn

if TYPE_CHECKING:
    from ..strategies.protocol import AuthStrategy
    from ..tokens import Account

_numbers: dict[int, str] = {}  # of others' strategies that are alive, by their id()


def number_of(strategy: AuthStrategy) -> str:
    """Return the random number of a strategy object, the same for as long as it is alive."""
    if isinstance(strategy, HoldsSignIn):
        return strategy.sign_in_number
    key = id(strategy)
    if key in _numbers:
        return _numbers[key]
    number = os.urandom(16).hex()
    try:
        finalizer = weakref.finalize(strategy, _numbers.pop, key, None)
    except TypeError:  # a class with __slots__: nobody would say when its id() is used again
        return number
    finalizer.atexit = False
    return _numbers.setdefault(key, number)


def sign_in_id(number: str, account: Account) -> str:
    """Return the id of an account's sign-in by the strategy with this number.

    It is a UUID of version 5: the same for the same number and account (RFC 9562 section 5.5).
    """
    import uuid  # most programs need no id

    # User names change, and versions 1.0 and 2.0 of Entra ID spell a guest's differently.
    person = account.object_id or account.username
    return str(uuid.uuid5(uuid.UUID(number), f"{account.tenant} {person}".lower()))
