"""SIP users read back with clients that are not ours, attribute by attribute: what the console writes, and nothing else.

Spec: ocs-provider-and-ad-schema.md, 3.1, 3.2, 3.7 and 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp
from tests.differential.cases import ADD_POOL, CREATE_USER, DELETE_USER, READY, SET_USER, URI
from tests.differential.clients import CLIENTS, Attributes, missing, parse_ldif
from tests.differential.sides import Side, samba_side
from tests.differential.state import STAMPS
from tests.namespaces.support import JOHN, POOL1, POOL2
from tests.samba.controller import Samba

pytestmark = pytest.mark.samba

USER = Dn.parse(JOHN)
SERVICE = POOL1.split(",CN=Pools,")[1]
MEETING = f"CN={{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7A02}},CN=Policies,{SERVICE}"
VOICE = f"CN={{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7A03}},CN=Policies,{SERVICE}"
MAIL = "SMTP:johnc@alpineskihouse.com"

#: What the console writes when it enables a user.
CONSOLE = {
    "proxyAddresses": {MAIL, URI},
    "msRTCSIP-ArchivingEnabled": {"0"},
    "msRTCSIP-OptionFlags": {"256"},
    "msRTCSIP-PrimaryUserAddress": {URI},
    "msRTCSIP-UserEnabled": {"TRUE"},
    "msRTCSIP-PrimaryHomeServer": {POOL1},
}
#: What the booleans that nobody gave are: false by default.
DEFAULTS = {"msRTCSIP-FederationEnabled": {"FALSE"}, "msRTCSIP-InternetAccessEnabled": {"FALSE"}}


class Reader:
    """Reads John with every client and tells what changed since the beginning."""

    def __init__(self, samba: Samba, side: Side) -> None:
        self.samba = samba
        self.side = side
        side.prepare(*READY)
        self.write(Modification("proxyAddresses", ModifyOp.ADD, (MAIL,)))
        self.first = self._read()

    def write(self, *modifications: Modification) -> None:
        """Something that another program does."""
        self.side.directory.modify(USER, modifications)

    def changed(self) -> dict[str, Attributes]:
        """By client: the attributes that are others than they were, with their values; gone is an empty set."""
        return {
            client: {
                name: values.get(name, set())
                for name in values.keys() | self.first[client].keys()
                if name not in STAMPS and values.get(name) != self.first[client].get(name)
            }
            for client, values in self._read().items()
        }

    def _read(self) -> dict[str, Attributes]:
        return {client: _lower(read(self.samba, USER)) for client, read in CLIENTS.items()}


def expected(*parts: dict[str, set[str]]) -> dict[str, Attributes]:
    """These attributes, for every client. But for addresses, the directory decides on the spelling."""
    whole = {name.lower(): values for part in parts for name, values in part.items()}
    return dict.fromkeys(CLIENTS, _lower(whole))


def _lower(attributes: Attributes) -> Attributes:
    return {
        name: {value if value.lower().startswith("sip:") else value.lower() for value in values}
        for name, values in attributes.items()
    }


@pytest.fixture(scope="module")
def opened(samba: Samba, directory: Directory) -> Iterator[Side]:
    if packages := missing():
        pytest.skip(f"missing packages: {', '.join(packages)} (scripts/install_test_packages.sh installs them)")
    with samba_side(samba, directory) as side:
        yield side


@pytest.fixture
def reader(samba: Samba, opened: Side) -> Iterator[Reader]:
    yield Reader(samba, opened)
    opened.reset()


def test_enabling_writes_what_the_console_writes(reader: Reader) -> None:
    reader.side.done(CREATE_USER.but(enabledForEnhancedPresence="true"))
    assert reader.changed() == expected(CONSOLE, DEFAULTS)


def test_every_argument_has_its_attribute_and_its_bit(reader: Reader) -> None:
    given = {
        "enabled": "false",
        "enabledForEnhancedPresence": "true",
        "enabledForFederation": "true",
        "enabledForInternetAccess": "true",
        "publicNetworkEnabled": "true",
        "allowOrganizeMeetingWithAnonymousParticipants": "true",
        "meetingPolicy": "Policy 5 (Low)",
        "ucEnabled": "true",
        "ucPolicy": "Default UC Policy",
    }
    reader.side.done(CREATE_USER.but(**given))
    written = {
        "msRTCSIP-UserEnabled": {"FALSE"},
        "msRTCSIP-FederationEnabled": {"TRUE"},
        "msRTCSIP-InternetAccessEnabled": {"TRUE"},
        "msRTCSIP-OptionFlags": {str(1 + 64 + 128 + 256)},
        "msRTCSIP-UserPolicy": {f"B:8:00000001:{MEETING}", f"B:8:00000002:{VOICE}"},
    }
    assert reader.changed() == expected(CONSOLE, written)


def test_a_change_leaves_what_is_not_given_to_the_last_bit(reader: Reader) -> None:
    reader.side.done(ADD_POOL.but(poolFQDN="pool02.fabrikam.com"))
    reader.side.done(CREATE_USER.but(enabledForEnhancedPresence="true"))
    # Remote call control and two bits that nobody knows, an archiving setting, a phone, and an address of another kind.
    theirs = {
        "msRTCSIP-OptionFlags": {str(256 + 16 + 2 + 32)},
        "msRTCSIP-ArchivingEnabled": {"4"},
        "msRTCSIP-Line": {"tel:+14255550100"},
        "proxyAddresses": {MAIL, URI, "x400:c=us;a= ;p=AlpineSki;"},
    }
    reader.write(*(Modification(name, ModifyOp.REPLACE, tuple(values)) for name, values in theirs.items()))
    changes = {"primaryURI": "sip:john@alpineskihouse.com", "homeServerDN": POOL2, "ucEnabled": "true", "enabled": "0"}
    reader.side.done(SET_USER.but(**changes, publicNetworkEnabled="true").but(enabledForEnhancedPresence="false"))
    written = {
        "msRTCSIP-PrimaryUserAddress": {"sip:john@alpineskihouse.com"},
        "proxyAddresses": {MAIL, "sip:john@alpineskihouse.com", "x400:c=us;a= ;p=AlpineSki;"},
        "msRTCSIP-PrimaryHomeServer": {POOL2},
        "msRTCSIP-UserEnabled": {"FALSE"},
        "msRTCSIP-OptionFlags": {str(16 + 2 + 32 + 1 + 128)},
    }
    assert reader.changed() == expected(CONSOLE, DEFAULTS, theirs, written)


def test_an_address_that_is_spelled_anew_is_spelled_so_wherever_it_stands(reader: Reader) -> None:
    reader.side.done(CREATE_USER.but(enabledForEnhancedPresence="true"))
    respelled = "sip:JohnC@AlpineSkiHouse.com"
    reader.side.done(SET_USER.but(primaryURI=respelled))
    written = {"msRTCSIP-PrimaryUserAddress": {respelled}, "proxyAddresses": {MAIL, respelled}}
    assert reader.changed() == expected(CONSOLE, DEFAULTS, written)


def test_deleting_leaves_the_user_as_it_was_and_takes_what_others_added(reader: Reader) -> None:
    reader.side.done(CREATE_USER.but(ucPolicy="Default UC Policy"))
    reader.write(
        Modification("msRTCSIP-Line", ModifyOp.ADD, ("tel:+14255550100",)),
        Modification("msRTCSIP-LineServer", ModifyOp.ADD, ("sip:gateway@fabrikam.com",)),
        Modification("msRTCSIP-TargetHomeServer", ModifyOp.ADD, (POOL2,)),
    )
    reader.side.done(DELETE_USER)
    assert reader.changed() == expected()


def test_a_refused_request_is_not_seen_by_any_client(reader: Reader) -> None:
    assert reader.side.send(CREATE_USER, CREATE_USER).error is not None
    assert reader.changed() == expected()


def test_reading_ldif() -> None:
    text = "# a comment\ndn: CN=x\ncn: x\nnote:: w7w=\nlong: one\n  two\ncn: y\n\ncn: another entry\n"
    assert parse_ldif(text) == {"cn": {"x", "y"}, "note": {"ü"}, "long": {"one two"}}
