"""Frozen dataclasses, made without the module ``dataclasses``.

That module imports inspect, ast and tokenize, and compiles the methods of every class: a fourth of
what a process would wait for until it has a token from the cache. To everybody else these classes
are dataclasses: ``dataclasses.replace``, ``fields``, ``asdict`` and ``is_dataclass`` take them,
``inspect.signature`` names their fields, and type checkers know nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["WrongCall", "dataclass", "field", "replace"]


class WrongCall(TypeError):
    """A class was called with other arguments than its fields."""


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    _MISSING = object()

    class field:  # noqa: N801 - the name that dataclasses has
        """One field of a class; see ``dataclasses.field``."""

        def __init__(
            self,
            *,
            default=_MISSING,
            default_factory=None,
            repr=True,  # noqa: A002
            compare=True,
        ) -> None:
            self.name, self.type = "", ""
            self.default, self.default_factory = default, default_factory
            self.repr, self.compare = repr, compare

        def value(self):
            """Return the default; ``_MISSING`` if there is none."""
            return self.default_factory() if self.default_factory else self.default

    def dataclass(*, frozen):
        """Return the decorator; see ``dataclasses.dataclass``."""
        return _with_methods if frozen else None

    def replace(value, **changes):
        """Return a copy with other values; see ``dataclasses.replace``."""
        same = {one.name: getattr(value, one.name) for one in value.__value_fields__}
        return type(value)(**{**same, **changes})

    def _with_methods(cls):
        fields = {one.name: one for one in getattr(cls, "__value_fields__", ())}
        for name, kind in cls.__annotations__.items():
            given = cls.__dict__.get(name, _MISSING)
            one = fields[name] = given if isinstance(given, field) else field(default=given)
            one.name, one.type = name, kind
            if one.default is not _MISSING:
                setattr(cls, name, one.default)
            elif name in cls.__dict__:
                delattr(cls, name)
        cls.__value_fields__, cls.__match_args__ = tuple(fields.values()), tuple(fields)
        for name in _METHODS:
            if name not in cls.__dict__:
                setattr(cls, name, vars(_Methods)[name])
        for name in ("__dataclass_fields__", "__dataclass_params__", "__signature__"):
            setattr(cls, name, _MadeByDataclasses(name))
        return cls

    class _Methods:
        """The methods of each class."""

        def __init__(self, *values, **named) -> None:
            fields = self.__value_fields__
            state = {one.name: value for one, value in zip(fields, values, strict=False)}
            for one in fields[len(values) :]:
                state[one.name] = named.pop(one.name, _MISSING)
                if state[one.name] is _MISSING:
                    state[one.name] = one.value()
            missing = [name for name, value in state.items() if value is _MISSING]
            if missing or named or len(values) > len(fields):
                unknown = [*named]
                del values, named, state  # which a traceback would show
                raise _wrong_call(type(self), missing, unknown)
            for name, value in state.items():  # not into __dict__, which would take more memory
                object.__setattr__(self, name, value)
            if hasattr(self, "__post_init__"):
                self.__post_init__()

        def __repr__(self) -> str:
            shown = [one.name for one in self.__value_fields__ if one.repr]
            # Without those that are not set yet, in the traceback of a constructor.
            known = [name for name in shown if hasattr(self, name)]
            pairs = ", ".join(f"{name}={getattr(self, name)!r}" for name in known)
            return f"{type(self).__qualname__}({pairs})"

        def __eq__(self, other) -> bool:
            if type(other) is not type(self):
                return NotImplemented
            return _compared(self) == _compared(other)

        def __hash__(self) -> int:
            return hash(_compared(self))

        def __setattr__(self, name, value) -> None:
            raise _frozen(name)

        def __delattr__(self, name) -> None:
            raise _frozen(name)

        def __replace__(self, /, **changes):  # copy.replace (Python 3.13)
            return replace(self, **changes)

    _METHODS = ("__init__", "__repr__", "__eq__", "__hash__", "__replace__")
    _METHODS += ("__setattr__", "__delattr__")

    def _wrong_call(cls, missing, unknown):
        missing, unknown = (", ".join(map(repr, names)) for names in (missing, unknown))
        return WrongCall(
            f"{cls.__name__} takes {', '.join(cls.__match_args__)}"
            f"{missing and f'; missing: {missing}'}{unknown and f'; not to be given: {unknown}'}"
        )

    def _compared(value):
        return tuple([getattr(value, one.name) for one in value.__value_fields__ if one.compare])

    def _frozen(name):
        from dataclasses import FrozenInstanceError

        return FrozenInstanceError(f"cannot assign to or delete field {name!r}")

    class _MadeByDataclasses:
        """An attribute that the module dataclasses makes, when it is first read."""

        def __init__(self, name) -> None:
            self._name = name

        def __get__(self, instance, owner):
            import dataclasses
            import inspect

            fields = map(_for_dataclasses, owner.__value_fields__)
            twin = dataclasses.make_dataclass(owner.__name__, fields, frozen=True)
            made = {"__signature__": inspect.signature(twin), **vars(twin)}[self._name]
            setattr(owner, self._name, made)
            return made

    def _for_dataclasses(one):
        from dataclasses import field as their_field

        more = {} if one.default is _MISSING else {"default": one.default}
        if one.default_factory:
            more["default_factory"] = one.default_factory
        return one.name, one.type, their_field(repr=one.repr, compare=one.compare, **more)
