"""The policy over the embedded directory: what the other tests assume of a directory holds there."""

from __future__ import annotations

from pathlib import Path

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.layout import Kind, WellKnown, type_of
from mpf_directory.port import Modification, ModifyOp
from mpf_directory.sids import sid_to_text
from tests.policy.hosting import BASE, CUSTOMER, HOSTING, OTHER_CUSTOMER, RESELLER, USER, call, configured


def sid_of(directory: EmbeddedDirectory, dn: str) -> str:
    entry = directory.read(Dn.parse(dn), ["objectSid"])
    sid = entry.octets("objectSid") if entry else None
    assert sid is not None
    return sid_to_text(sid)


def test_roles_are_found_in_real_groups_and_pointers(tmp_path: Path) -> None:
    directory = EmbeddedDirectory.create(tmp_path / "directory.db", server="AD01.Fabrikam.com", base=Dn.parse(BASE))
    sids = {}
    for number, dn in enumerate([HOSTING, RESELLER, CUSTOMER, OTHER_CUSTOMER]):
        group = f"CN=Admins@{Dn.parse(dn).rdn.value},{dn}"
        directory.add(Dn.parse(dn), {"objectClass": ["organizationalUnit"]})
        directory.add(Dn.parse(group), {"objectClass": ["group"], "sAMAccountName": [f"A{number}"]})
        pointer = Modification("otherWellKnownObjects", ModifyOp.ADD, (f"B:32:65F37ECB46704F0E9300E1FB48E1096E:{group}",))
        directory.modify(Dn.parse(dn), [pointer])
        if dn == RESELLER:
            directory.modify(Dn.parse(dn), [_is_reseller(directory)])
        sids[dn] = sid_of(directory, group)
    policy = configured(directory, tmp_path)

    def allowed(role: str, group: str, target: str) -> bool:
        return policy.mpf_authorize(call(role, group, data=f"<user>LDAP://{target}</user>")).allowed

    assert allowed("UserCreators", sids[CUSTOMER], USER)
    assert not allowed("UserCreators", sids[OTHER_CUSTOMER], USER)
    assert allowed("UserCreators", sids[RESELLER], USER)
    assert allowed("OrgCreators", sids[RESELLER], CUSTOMER)
    assert not allowed("OrgCreators", sids[CUSTOMER], CUSTOMER)
    assert allowed("OrgCreators", sids[HOSTING], HOSTING)
    assert not allowed("OrgCreators", sids[HOSTING], f"CN=Users,{BASE}")
    assert allowed("DomainAdmins", f"{sid_of(directory, BASE)}-512", f"CN=Users,{BASE}")
    directory.close()


def _is_reseller(directory: EmbeddedDirectory) -> Modification:
    """The entry for the type, after the objects that stand for types."""
    kind = type_of(Dn.parse(HOSTING), Kind.RESELLER)
    place = Dn.parse(HOSTING)
    for name in ("_Private", "WatOrgTypes", "reseller"):
        place = place.child("CN", name)
        directory.add(place, {"objectClass": ["container"]})
    return Modification("otherWellKnownObjects", ModifyOp.ADD, (f"B:32:{WellKnown.ORG_TYPE.value}:{kind}",))
