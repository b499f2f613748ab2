"""A directory to try the panel on: the organizations of the shipped sample tree, with a SIP domain and a pool."""

from __future__ import annotations

from pathlib import Path

from acme_panel.provisioning import OCS, Provisioning, Tenant, ldap_path, request
from mpf_core import Caller
from mpf_directory import layout
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.seed import seed_hosting_tree, share_pools

TENANTS = {
    one.name: Tenant(one.name, one.dn(layout.BASE), one.domain.lower(), f"admin@{one.domain}".lower())
    for one in layout.ORGANIZATIONS
    if one.users
}


def make_directory(folder: Path) -> None:
    """The embedded directory with the sample tree, in a folder where there is none yet."""
    with EmbeddedDirectory.create(folder / "directory.db", server=layout.SERVER, base=layout.BASE) as directory:
        seed_hosting_tree(directory)
        share_pools(directory)


async def prepare(provisioning: Provisioning) -> None:
    """What each organization needs before it can have SIP users. Harmless when it has that already."""
    for tenant in TENANTS.values():
        for procedure, arguments in (
            ("CreateSipDomain", {"address": tenant.domain}),
            ("SetPoolAssignment", {"poolFQDN": "pool01.fabrikam.com"}),
        ):
            await provisioning.engine.execute(
                request(organization=ldap_path(tenant.unit), preferredDomainController=layout.SERVER, **arguments),
                Caller(tenant.administrator),
                namespace=OCS,
                procedure=procedure,
            )
