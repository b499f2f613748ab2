"""Who is at the command line: the operating system's user, what that one may do, and as whom a request is sent.

Whoever can read the store's file and its key can read and change everything in it without `mpfctl`: the permissions here
keep honest people's tasks apart, and files' own rights do the rest (docs/security.md).
"""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from mpf_core.cli.state import State
from mpf_core.config import DIRECTORY_PLUGIN
from mpf_core.security.principal import Caller, Ticket

Command = TypeVar("Command", bound=Callable[..., Any])

#: How a user of the operating system stands among the holders of a permission; ``system:*`` is all of them.
SYSTEM = "system:"
#: What the owner of the configuration has anyway, who could write it there. To act as anybody is not part of that.
_IMPLIED = frozenset({"administration", "audit"})
_EXAMPLE = "add {holder!r} to {permission} below [security.permissions]"


def needs(permission: str) -> Callable[[Command], Command]:
    """Decorate a command that only users with ``permission`` may run."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def guarded(*arguments: Any, **options: Any) -> Any:
            state = click.get_current_context().find_object(State)
            assert state is not None
            require_permission(state, permission)
            return command(*arguments, **options)

        return cast(Command, guarded)

    return decorate


def require_permission(state: State, permission: str) -> None:
    """Go on only if the operating system's user has ``permission``: ``administration``, ``audit`` or ``assert_caller``.

    Raises ``click.UsageError`` otherwise.
    """
    if not has_permission(state, permission):
        holder = f"{SYSTEM}{system_user()}"
        raise click.UsageError(
            f"This needs the permission '{permission}', which {system_user()} does not have: in {state.config_file}, "
            f"{_EXAMPLE.format(holder=holder, permission=permission)}."
        )


def has_permission(state: State, permission: str) -> bool:
    """Whether the operating system's user has it: by name, or because the configuration is that user's own."""
    holders = getattr(state.config.security.permissions, permission)
    if any(holder in {f"{SYSTEM}{system_user()}", f"{SYSTEM}*"} for holder in holders):
        return True
    implied = _IMPLIED | ({"assert_caller"} if _is_embedded(state) else set())
    return permission in implied and _owns_configuration(state)


def caller_of_request(state: State, name: str | None, *, kerberos: bool) -> Caller:
    """The caller for ``--kerberos``, whom the directory knows by a ticket, or for ``--as NAME``.

    Raises ``click.UsageError`` for both together, and what `asserted_caller` does.
    """
    if not kerberos:
        return asserted_caller(state, name)
    if name:
        raise click.UsageError("--kerberos asks the directory whose ticket it is: leave out --as.")
    return Caller("", Ticket())


def asserted_caller(state: State, name: str | None) -> Caller:
    """The caller for ``--as NAME``, vouched for by the operating system's user.

    Raises ``click.UsageError`` without a name, and for a user who may not assert one.
    """
    if not name:
        raise click.UsageError(
            "Who sends the request? Add --as NAME: a UPN (admin@alpineskihouse.com), DOMAIN\\name, a distinguished "
            "name or a SID; or --kerberos if you have a ticket."
        )
    require_permission(state, "assert_caller")
    return Caller(name, asserted_by=system_user())


def system_user() -> str:
    """The name of the operating system's user, from the process and not from the environment where that is possible."""
    if not hasattr(os, "getuid"):
        return getpass.getuser()
    import pwd

    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _owns_configuration(state: State) -> bool:
    if not hasattr(os, "getuid"):
        return os.access(state.config_file, os.W_OK)
    return os.getuid() in {0, state.config_file.stat().st_uid}


def _is_embedded(state: State) -> bool:
    """Whether all that can be reached is a directory in a file beside the configuration."""
    plugins = state.config.plugins
    return (
        DIRECTORY_PLUGIN in plugins.enabled and plugins.settings(DIRECTORY_PLUGIN).get("backend", "embedded") == "embedded"
    )
