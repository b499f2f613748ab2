"""The rules of an access list, as its file has them: the first one that fits a call decides, and none is a refusal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator, model_validator

from mpf_core.errors import ConfigError
from mpf_core.security.names import caseless
from mpf_core.security.principal import Principal
from mpf_core.settings import Settings, parse_settings

#: ``Namespace::Procedure``; a ``*`` stands for any characters, but never for the ``::``.
_PATTERN = re.compile(r"[A-Za-z0-9_ *]+::[A-Za-z0-9_ *]+")
_SID = re.compile(r"S-1-", re.IGNORECASE)
EVERYBODY = "*"

Text = Annotated[str, Field(min_length=1)]


class Rule(Settings):
    """One rule: ``allow`` or ``deny`` names procedures, ``to`` whom it is about.

    A trustee is a user (by any name that callers may have, or by SID), a group by distinguished name or SID, or ``*``, which
    is everybody. Names are told apart without regard to case, as those of callers and of procedures are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    to: Annotated[tuple[Text, ...], Field(min_length=1)]

    @field_validator("allow", "deny")
    @classmethod
    def _are_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(f"'{pattern}' is not Namespace::Procedure, in which * stands for any characters")
        return patterns

    @model_validator(mode="after")
    def _is_one_kind(self) -> Rule:
        if bool(self.allow) == bool(self.deny):
            raise ValueError("a rule has either allow or deny, with at least one procedure")
        return self

    def names(self, procedure: str) -> bool:
        """Whether it is about that procedure (``Namespace::Procedure``)."""
        return any(_compiled(pattern).fullmatch(procedure) for pattern in self.allow or self.deny)

    def is_about(self, caller: Principal, sid_of: Callable[[str], str | None]) -> bool:
        """Whether it is about that caller: the account, whatever it is called here and there.

        ``sid_of`` gives the SID of the account or group of a name. A caller whom no directory knows has a name only.
        """
        if EVERYBODY in self.to:
            return True
        own = {caseless(name) for name in (caller.name, caller.dn, caller.sid, *caller.groups) if name}
        if any(caseless(trustee) in own for trustee in self.to):
            return True
        named = (trustee for trustee in self.to if not _SID.match(trustee) and (caller.sid or "=" in trustee))
        return any(sid is not None and caseless(sid) in own for sid in map(sid_of, named))


class AccessList(Settings):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = ()


def read_list(file: Path) -> AccessList:
    """Read a TOML file with ``[[rules]]``. Raises ConfigError when it cannot be read, or says what no rule can say."""
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the access list {file} cannot be read: {error}") from error
    return parse_settings(AccessList, content, text=text, file=str(file))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^:]*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)
