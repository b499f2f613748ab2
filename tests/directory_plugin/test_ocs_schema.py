"""The LDIF of the extension holds what the spec says, once, and in an order that a server can load."""

from __future__ import annotations

from mpf_directory.dn import Dn
from mpf_directory.ocs_schema import ocs_schema

ARC, EXAMPLE = "1.2.840.113556.1.6.24", "1.3.6.1.4.1.32473"
#: spec: ocs-provider-and-ad-schema.md, 3.1
TRUE_ATTRIBUTES = {
    "PrimaryUserAddress": 1, "UserEnabled": 6, "TargetHomeServer": 47, "OriginatorSid": 50, "PrimaryHomeServer": 57,
    "UserExtension": 63, "FederationEnabled": 67, "InternetAccessEnabled": 68, "ArchivingEnabled": 80, "OptionFlags": 87,
    "Line": 88, "LineServer": 89, "UserPolicy": 132,
}  # fmt: skip


def records() -> list[dict[str, list[str]]]:
    found = []
    for part in ocs_schema(Dn.parse("DC=x,DC=com")):
        for text in part.ldif.strip().split("\n\n"):
            record: dict[str, list[str]] = {"part": [part.name]}
            for line in text.splitlines():
                name, _, value = line.partition(": ")
                record.setdefault(name.rstrip(":"), []).append(value)
            found.append(record)
    return found


def by_name() -> dict[str, dict[str, list[str]]]:
    return {record["lDAPDisplayName"][0]: record for record in records() if "lDAPDisplayName" in record}


def test_known_identifiers_are_the_true_ones_and_the_others_are_from_the_example_arc() -> None:
    named = by_name()
    identifiers = [record.get("attributeID", record.get("governsID", [""]))[0] for record in named.values()]
    assert len(set(identifiers)) == len(identifiers)
    assert {name: f"{ARC}.1.{tail}" for name, tail in TRUE_ATTRIBUTES.items()} == {
        name: named[f"msRTCSIP-{name}"]["attributeID"][0] for name in TRUE_ATTRIBUTES
    }
    assert sum(one.startswith(f"{ARC}.1.") for one in identifiers) == len(TRUE_ATTRIBUTES)
    assert all(one.startswith((f"{ARC}.", f"{EXAMPLE}.")) for one in identifiers)
    assert named["msRTCSIP-PoolService"]["governsID"] == [f"{ARC}.2.15"]


def test_syntaxes_are_those_of_the_spec() -> None:
    named = by_name()

    def syntax(name: str) -> tuple[str, ...]:
        record = named[f"msRTCSIP-{name}"]
        return tuple(record[key][0] for key in ("attributeSyntax", "oMSyntax", "isSingleValued"))

    assert syntax("PrimaryUserAddress") == ("2.5.5.12", "64", "TRUE")
    assert syntax("UserEnabled") == ("2.5.5.8", "1", "TRUE")
    assert syntax("PrimaryHomeServer") == ("2.5.5.1", "127", "TRUE")
    assert syntax("OriginatorSid") == ("2.5.5.17", "4", "TRUE")
    assert syntax("UserExtension") == ("2.5.5.12", "64", "FALSE")
    assert syntax("OptionFlags") == ("2.5.5.9", "2", "TRUE")
    assert syntax("UserPolicy") == ("2.5.5.7", "127", "FALSE")
    assert named["msRTCSIP-PrimaryUserAddress"]["rangeUpper"] == ["454"]
    assert named["msRTCSIP-PoolAddress"]["linkID"] == ["11022"]
    assert named["msRTCSIP-FrontEndServers"]["linkID"] == ["11023"]


def test_everything_that_a_record_names_is_in_an_earlier_part() -> None:
    order = {part.name: number for number, part in enumerate(ocs_schema(Dn.parse("DC=x,DC=com")))}
    named = by_name()
    for record in records():
        for key in ("mayContain", "possSuperiors", "auxiliaryClass", "subClassOf"):
            for value in record.get(key, []):
                if value.startswith("msRTCSIP-"):
                    assert order[named[value]["part"][0]] < order[record["part"][0]], (record["dn"], value)


def test_users_and_contacts_may_contain_the_user_attributes() -> None:
    changed = {record["dn"][0].partition(",")[0]: set(record["mayContain"]) for record in records() if "add" in record}
    assert set(changed) == {"CN=User", "CN=Contact"}
    for attributes in changed.values():
        assert {f"msRTCSIP-{name}" for name in TRUE_ATTRIBUTES} <= attributes
