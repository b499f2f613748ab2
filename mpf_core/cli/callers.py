"""Who sends a request from the command line."""

from __future__ import annotations

import getpass
import os

import click

from mpf_core.cli.state import State
from mpf_core.security.principal import Caller


def asserted_caller(state: State, name: str | None) -> Caller:
    """The caller for ``--as NAME``, vouched for by the operating system's user.

    Raises ``click.UsageError`` without a name, and where the configuration does not allow to assert one.
    """
    if not name:
        raise click.UsageError(
            "Who sends the request? Add --as NAME: a UPN (admin@alpineskihouse.com), DOMAIN\\name, a distinguished "
            "name or a SID."
        )
    if not state.config.cli.allow_as:
        raise click.UsageError(
            f"{state.config_file} does not allow --as, because it lets anybody who can run this command act as anybody. "
            "For a directory of your own, write `allow_as = true` below [cli]."
        )
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
