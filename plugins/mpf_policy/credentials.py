"""Stored credentials: from environment variables, or from a file that only its owner can read.

Variables are ``MPF_CREDENTIAL_<NAME>`` (upper case, ``_`` for all that is no letter or digit) and hold
``DOMAIN\\user:password``; the domain may be missing. The file is TOML with a table for each name:

    ["MPSPrivAcct-123456"]
    username = "MPSPrivAcct-123456"
    password = "..."
    domain = "FABRIKAM"
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mpf_core.errors import ConfigError
from mpf_core.security.principal import Credentials

_VARIABLE = "MPF_CREDENTIAL_"
_UNSPEAKABLE = re.compile(r"[^A-Z0-9]")


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    username: Annotated[str, Field(min_length=1)]
    password: Annotated[str, Field(min_length=1)]
    domain: str = ""


def from_environment(name: str, environment: Mapping[str, str]) -> Credentials | None:
    """The credentials in the variable for ``name``. Raises ConfigError, without the value, when it is not in the form."""
    variable = variable_name(name)
    value = environment.get(variable)
    if value is None:
        return None
    found = parse_account(value)
    if found is None:
        raise ConfigError(f"{variable} must hold DOMAIN\\user:password")
    return found


def parse_account(text: str) -> Credentials | None:
    """Credentials from ``DOMAIN\\user:password``, where the domain may be missing; ``None`` for anything else."""
    account, colon, password = text.partition(":")
    domain, backslash, username = account.rpartition("\\")
    if not (colon and password and username) or (backslash and not domain):
        return None
    return Credentials(username, password, domain)


def written_account(credentials: Credentials) -> str:
    """The text that `parse_account` reads them from. Raises ConfigError for names that it cannot hold."""
    account = f"{credentials.domain}\\{credentials.username}" if credentials.domain else credentials.username
    text = f"{account}:{credentials.password}"
    if parse_account(text) is None or ":" in account:
        raise ConfigError("a user name and a domain have no colon, and neither a user name nor a password is empty")
    return text


def variable_name(name: str) -> str:
    """The environment variable for the credential ``name``."""
    return _VARIABLE + _UNSPEAKABLE.sub("_", name.upper())


def from_file(name: str, path: Path) -> Credentials | None:
    """The credentials called ``name`` in a credentials file. Raises the errors of `read_file`."""
    return read_file(path).get(name)


def read_file(path: Path) -> Mapping[str, Credentials]:
    """All credentials in a file.

    Raises ConfigError when it cannot be read, when somebody else than its owner may read or write it, when it belongs to
    another account, or when it is not in the form; never with what is in it.
    """
    try:
        with path.open("rb") as file:
            # Of the open file, so that it cannot be exchanged between the look and the reading.
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        raise ConfigError(f"the credentials file {path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError(f"the credentials file {path} must be a file for its owner only: chmod 600 {path}")
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigError(f"the credentials file {path} belongs to another account than this program's")
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        place = re.search(r"at line \d+, column \d+", str(error))
        raise ConfigError(f"the credentials file {path} is not TOML" + (f" ({place[0]})" if place else "")) from None
    return {name: _credentials(path, name, table) for name, table in tables.items()}


def _credentials(path: Path, name: str, table: object) -> Credentials:
    try:
        stored = _Stored.model_validate(table)
    except ValidationError as error:
        keys = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False)} - {""})
        wrong = f": see {', '.join(keys)}" if keys else ""
        raise ConfigError(f'the credentials file {path}: ["{name}"] needs username and password, text both{wrong}') from None
    return Credentials(stored.username, stored.password, stored.domain)
