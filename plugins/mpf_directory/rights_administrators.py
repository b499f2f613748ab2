"""What the administrators of an organization may do in it themselves, and what only the procedures do for them.

The first is what CreateOrganization gives them; units that were made in another way may lack it. The second has to be denied
to them, because the right to write everything in the own organization would go further than their role: whoever writes
otherWellKnownObjects names the administrators, whoever writes uPNSuffixes claims SIP domains, and whoever writes msRTCSIP-*
needs no assigned pool.
"""

from __future__ import annotations

from mpf_directory.dn import Dn
from mpf_directory.rights import ADMINISTER, Access, Need, Reach, Right, Unit
from mpf_directory.rights_table import SIP_ATTRIBUTES

#: Attributes of an organization's unit that roles and domains rest on, and what whoever writes them could do.
TRUSTED = {
    "otherWellKnownObjects": "name other groups as administrators, or another organization as its parent",
    "uPNSuffixes": "claim the names of others for its users",
}


def needs_of(unit: Dn) -> tuple[Need, ...]:
    """The entries for the administrators of the organization ``unit``, at that unit."""
    place = Unit(unit)
    own = (Right(Access.WRITE_PROP, place, name, reach=Reach.HERE, denied=True) for name in TRUSTED)
    sip = (Right(Access.WRITE_PROP, place, name, reach=Reach.BELOW, denied=True) for name in SIP_ATTRIBUTES)
    return (
        Need(
            "administer the own organization, and those below it",
            ("CreateUser", "CreateGroup", "CreateOrganization", "GroupAdd", "ModifyUser"),
            (Right(ADMINISTER, place),),
        ),
        Need(
            "leave to the procedures who administers the organization, its domains and its users' SIP settings",
            ("SetPoolAssignment", "ModifyOrganization", "CreateSipUser"),
            (*own, *sip),
        ),
    )
