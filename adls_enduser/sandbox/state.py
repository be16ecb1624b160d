"""The state that all services of the sandbox share."""

from __future__ import annotations

from dataclasses import dataclass, field

from .access_tokens import AccessTokenIssuer
from .clock import SandboxClock
from .directory import Directory


@dataclass
class State:
    """One clock, one directory, and one issuer of access tokens (``identity``)."""

    clock: SandboxClock = field(default_factory=SandboxClock)
    directory: Directory = field(default_factory=Directory)
    identity: AccessTokenIssuer = field(init=False)

    def __post_init__(self) -> None:
        self.identity = AccessTokenIssuer(self.clock)
