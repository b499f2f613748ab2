"""Loaded namespaces and procedures by the names that people type."""

from __future__ import annotations

import click

from mpf_core.engine import Engine
from mpf_core.model import Namespace, Procedure
from mpf_core.settings import suggestion


def find_namespace(engine: Engine, name: str) -> Namespace:
    """The namespace, whatever the case of its name. Raises UsageError with the nearest one there is.

    Who has given the name of a procedure alone is told where it is.
    """
    wanted = name.strip().lower()
    found = {known.lower(): space for known, space in engine.namespaces.items()}.get(wanted)
    if found is None:
        procedures = [one for space in engine.namespaces.values() for one in space.procedures.values()]
        meant = [f'"{one.full_name}"' for one in procedures if one.name.lower() == wanted]
        hint = f"; did you mean {' or '.join(meant)}?" if meant else suggestion(name, list(engine.namespaces))
        raise click.UsageError(f"There is no namespace '{name}'{hint}")
    return found


def find_procedure(space: Namespace, name: str) -> Procedure:
    """The procedure, whatever the case of its name. Raises UsageError with the nearest one there is."""
    found = {known.lower(): procedure for known, procedure in space.procedures.items()}.get(name.strip().lower())
    if found is None:
        raise click.UsageError(f"'{space.name}' has no procedure '{name}'{suggestion(name, list(space.procedures))}")
    return found
