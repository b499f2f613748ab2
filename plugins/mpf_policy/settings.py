"""``[plugins."mpf.policy"]``: the settings of the policy plugin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from mpf_core.settings import Settings

#: A calling or called procedure, exactly; all of a namespace; or those of a namespace that begin alike.
_PATTERN = re.compile(r"request|[A-Za-z0-9_ ]+::(?:[A-Za-z0-9_ ]+|[A-Za-z0-9_ ]*\*)")

Text = Annotated[str, Field(min_length=1)]


class Elevation(Settings):
    """One rule: calls of ``to`` made by ``from`` may run with more rights than their caller has, because of ``reason``.

    Both are ``Namespace::Procedure``, ``Namespace::*`` or ``Namespace::Begin*``; ``from`` may be ``request``, which is the
    procedure of a trusted request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    from_: str = Field(alias="from")
    to: str
    reason: Text

    @field_validator("from_", "to")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError("must be Namespace::Procedure, or Namespace:: with a * at the end")
        return pattern


class PolicySettings(Settings):
    """What the plugin can be told.

    ``hosting_ou`` is the name of the organizational unit at the top of the domain that holds all hosted organizations;
    ``credentials_file`` a TOML file with stored credentials, for its owner only; ``elevations`` the elevation rules.
    """

    hosting_ou: Text = "Hosting"
    credentials_file: Path | None = None
    elevations: tuple[Elevation, ...] = ()
