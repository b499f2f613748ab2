"""Update ACL under the kills. The embedded directory has no access control lists, so it gets some that only tests have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mpf_directory.embedded import EmbeddedDirectory
from tests.directory_plugin.descriptors import WithDescriptors
from tests.kills.requests import AD, DC, PREFERRED, Scenario, step
from tests.namespaces.support import ALPINE, JOHN, ldap

_LENT = ("has_acls", "hide_sacl", "descriptor", "put", "read_descriptor", "write_descriptor")


def lend_access_control_lists(lend: Callable[[type, str, object], None] = setattr) -> None:
    """Let every embedded directory of this process have access control lists, kept in its file."""
    for name in _LENT:
        lend(EmbeddedDirectory, name, vars(WithDescriptors)[name])


def _ace(trustee: str, permission: str, mode: str, inheritance: str = "0") -> str:
    return (
        f"<ace><permission>{permission}</permission><mode>{mode}</mode><trustee>{trustee}</trustee>"
        f"<inheritance>{inheritance}</inheritance></ace>"
    )


def _scenarios(namespace: str, **more: str) -> Iterator[Scenario]:
    def scenario(content: str, dn: str = ALPINE, *, variant: str = "") -> Scenario:
        call = step(namespace, "Update ACL", content, name=ldap(dn), objectType="SE_DS_OBJECT", **more)
        return Scenario(namespace, "Update ACL", call, variant=variant)

    granted = f"<dacl>{_ace('Everyone', 'WRITE_DAC', 'GRANT_ACCESS', '2')}</dacl>"
    audited = f"<sacl>{_ace('SYSTEM', 'DELETE', 'SET_AUDIT_FAILURE')}</sacl>"
    replaced = f"<dacl>{_ace('Everyone', 'GENERIC_READ', 'SET_ACCESS')}{_ace('SELF', 'DELETE', 'DENY_ACCESS')}</dacl>"
    first = scenario(granted)
    yield first
    yield scenario(replaced + audited, JOHN, variant="both lists, replaced")
    revoked = f"<dacl>{_ace('Everyone', 'WRITE_DAC', 'REVOKE_ACCESS', '2')}</dacl>"
    yield replace(scenario(revoked, variant="revoked"), setup=(first.call,))


def _all() -> Iterator[Scenario]:
    for plain in (*_scenarios(AD), *_scenarios(PREFERRED, preferredDomainController=DC)):
        yield plain
        yield replace(plain, fails=True)


#: Every Update ACL that is killed; the process has to `lend_access_control_lists` first.
SCENARIOS_ACL: tuple[Scenario, ...] = tuple(_all())
