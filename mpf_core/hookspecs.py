"""Every hook, on one page. Implement those you need in a class (one instance per engine) and name it as an entry point:

    [project.entry-points."mpf.plugins"]
    "acme.greeter" = "acme_greeter:GreeterPlugin"

Plugins that implement mpf_authorize, mpf_claim, mpf_elevate or mpf_credentials belong into the group "mpf.security" instead;
nowhere else are they heard.
Security hooks are called one plugin at a time, and an exception in one means *refuse*; a failing observer changes nothing.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click
import pluggy

from mpf_core.events import Event
from mpf_core.provider import Provider
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.principal import Caller, Credentials, Principal
from mpf_core.services import Services

hookspec = pluggy.HookspecMarker("mpf")
hookimpl = pluggy.HookimplMarker("mpf")


@hookspec
def mpf_configure(settings: Mapping[str, object], services: Services) -> None:
    """Take the plugin's own ``[plugins."NAME"]`` settings and the services of other plugins. Touches no server."""


@hookspec
def mpf_namespaces() -> Iterable[Path]:
    """Namespace files, or folders of them, that this plugin brings."""


@hookspec
def mpf_providers() -> Mapping[str, Provider]:
    """Providers by ``providerSource``: the plugin's entry-point name, or that name, a dot and more."""


@hookspec
def mpf_authenticate(caller: Caller) -> bool | None:
    """Check the credentials that a caller brings: right, wrong (False), or not mine to say (None).

    Where there are such plugins, a password that none of them calls right is wrong.
    """


@hookspec
def mpf_resolve_caller(caller: Caller) -> Principal | None:
    """Look a caller up, once per transaction. Raise MpfError when the name is ambiguous."""


@hookspec
def mpf_authorize(call: Call) -> Decision | None:
    """Allow or refuse one call, nested calls included. Deny wins; without any answer the call is refused."""


@hookspec
def mpf_roles() -> Iterable[str]:
    """The roles that this plugin's policy knows. Where a policy says so, namespaces that name others are not loaded."""


@hookspec
def mpf_claim(call: Call, argument: str, name: str) -> Decision | None:
    """May the organization of this call claim ``name``, which nobody has yet?

    Asked about arguments that are declared with ``needs="claimed"``, of private procedures too. Deny wins; without any
    answer the claim is refused.
    """


@hookspec
def mpf_elevate(call: Call) -> Grant | None:
    """Grant a call that would run with more rights than its caller's own. Without a grant it is refused."""


@hookspec
def mpf_credentials(name: str) -> Credentials | None:
    """The stored credentials of that name."""


@hookspec
def mpf_credential_names() -> Iterable[str]:
    """The names of the stored credentials that can be listed, for administrators; never what is in them."""


@hookspec
def mpf_event(event: Event) -> None:
    """Observe what happens. Called after the fact; must be quick; its failures are logged and change nothing."""


@hookspec
def mpf_commands() -> Iterable[click.Command]:
    """Commands for ``mpfctl``."""
