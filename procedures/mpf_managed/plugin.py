"""The plugin: it only says where the namespaces are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mpf_core.hookspecs import hookimpl

_HERE = Path(__file__).parent


class ManagedPlugin:
    """Brings Managed Helpers, Managed Active Directory and Managed Office Communications Server."""

    name = "mpf.managed"

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """The folder that holds one folder for each namespace."""
        return [_HERE / "namespaces"]


def elevations() -> tuple[dict[str, Any], ...]:
    """The calls in these namespaces that need elevation: ``from``, ``to``, ``reason`` and ``may``, for the policy plugin.

    They are a proposal for the configuration, which alone decides: nothing is elevated because it is listed here.
    """
    with (_HERE / "elevations.toml").open("rb") as file:
        return tuple(tomllib.load(file)["elevations"])
