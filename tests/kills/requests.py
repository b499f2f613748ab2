"""What a request that is killed is: a call, what comes before it, and what may be expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.namespaces.support import ALPINE

DC = "AD01.Fabrikam.com"
AD, PREFERRED = "Active Directory Provider", "Preferred DC Active Directory Provider"
MANAGED_AD, HELPERS, OCS_PROVIDER = "Managed Active Directory", "Managed Helpers", "Office Communications Server Provider"

ADMINS, ALL_USERS = f"CN=Admins@AlpineSkiHouse,{ALPINE}", f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
POOL_GUID = "F2864B2154204460BC035BDF8A760C45"
OLD_PASSWORD, NEW_PASSWORD = "The first one, 1", "The second one, 2"


def step(namespace: str, procedure: str, content: str = "", /, **arguments: str) -> str:
    """One execute, with these children in its executeData."""
    data = content + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())
    return (
        f'<execute namespace="{namespace}" procedure="{procedure}" impersonate="1">'
        f"<executeData>{data}</executeData></execute>"
    )


def request(*steps: str) -> str:
    """A trusted request."""
    return f"<request><data/><procedure>{''.join(steps)}</procedure></request>"


#: A step that fails.
FAIL = step("Error Provider", "SetError", hr="0x80004005", desc="enough")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A call, and the steps that bring the directory into the state before it.

    ``effect`` is a call that leaves a trace in the directory that cannot be taken back; ``passwords`` are those that John
    may have, told apart by logging on. With ``keyed`` the request has an idempotency key. With ``fails`` a step behind the
    call fails, so that the process is killed while it rolls back, too. ``more`` are calls behind the first one.
    """

    namespace: str
    procedure: str
    call: str
    setup: tuple[str, ...] = ()
    variant: str = ""
    irreversible: bool = False
    passwords: tuple[str, ...] = ()
    keyed: bool = False
    fails: bool = False
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        parts = [self.namespace, self.procedure, self.variant, "keyed" if self.keyed else "", "fails" if self.fails else ""]
        return " / ".join(part for part in parts if part)

    @property
    def request(self) -> str:
        """The request document."""
        return request(self.call, *self.more, *([FAIL] if self.fails else []))


def properties(**values: str) -> str:
    """The properties of an object, for a call; one without a text has no value."""
    inner = "".join(
        f'<property name="{name}">{f"<value>{escape(value)}</value>" if value else ""}</property>'
        for name, value in values.items()
    )
    return f"<properties>{inner}</properties>"
