"""Checks of the way to the directory: every configured controller, its certificate, and the service account's bind."""

from __future__ import annotations

from mpf_core.errors import MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_directory.check import Answer, Finding, Ground, Status

_ADVICE = "See [directory] in the configuration: server, servers, ca_file, and the credential that service_account names."


def connection(ground: Ground) -> Answer:
    """The default controller is *missing* when it does not answer; another one that a call may name is a warning."""
    settings = ground.settings
    if settings.backend == "embedded":
        ground.directory  # noqa: B018 - opens the file, or raises
        yield Finding(Status.OK, "connection", f"the embedded directory {settings.path} is open")
        advice = "It has no access control lists, so whoever may submit a request is held by the policies only."
        yield Finding(Status.WARNING, "connection", "the embedded directory is for trial, tests and small sites", advice)
        return
    for name, address in settings.controllers.values():
        default = name.casefold() == settings.server.casefold()
        try:
            ground.directories.open(Identity(IdentityKind.SERVICE, settings.service_account), name)
        except MpfError as error:
            status = Status.MISSING if default else Status.WARNING
            yield Finding(status, "connection", f"{name}: {error.description}", _ADVICE)
        else:
            how = "with a checked certificate" if settings.verify else "with any certificate"
            yield Finding(Status.OK, "connection", f"{name} ({address.host}:{address.port}) answers, {how}")
            yield Finding(Status.OK, "bind", f"'{settings.service_account}' can log on at {name}")
    if not settings.verify:
        advice = "Set directory.ca_file to the authorities' certificates, and remove directory.verify = false."
        yield Finding(Status.WARNING, "connection", "certificates are not checked, so anybody may be the server", advice)
