"""What all of the sandbox's services share."""

from __future__ import annotations

from dataclasses import dataclass, field

from .access_tokens import Identity
from .clock import SandboxClock
from .directory import Directory


@dataclass
class World:
    """One clock, one directory of people, one signing key."""

    clock: SandboxClock = field(default_factory=SandboxClock)
    directory: Directory = field(default_factory=Directory)
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        self.identity = Identity(self.clock)
