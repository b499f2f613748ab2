"""Security descriptors over LDAP: read and written with the control that says which parts (1.2.840.113556.1.4.801).

Without that control a server takes a read for one of all parts, audit list included, and answers an account that may not
read that one with nothing at all.
"""

from __future__ import annotations

from typing import Any

import ldap3
from ldap3.protocol.microsoft import security_descriptor_control

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.ldap_connection import check
from mpf_directory.ldap_session import Session
from mpf_directory.port import Section
from mpf_directory.sids import sid_to_text

_ATTRIBUTE = "nTSecurityDescriptor"
_TOKEN = "tokenGroups"  # noqa: S105 - groups of whoever is bound


class LdapDescriptors:
    """Implements `port.SecurityDescriptors` in the session of a directory at a server."""

    _session: Session

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """See `port.SecurityDescriptors.read_descriptor`."""

        def read(connection: Any, target: Dn) -> bytes | None:
            connection.search(
                str(target), "(objectClass=*)", ldap3.BASE, attributes=[_ATTRIBUTE], controls=_control(sections)
            )
            check(connection.result, target)
            found = [one for one in connection.response or [] if one["type"] == "searchResEntry"]
            if not found:
                return None
            values = found[0]["raw_attributes"].get(_ATTRIBUTE)
            if not values:
                raise MpfError(Code.E_ACCESSDENIED, f"The security descriptor of '{dn}' cannot be read by this account.")
            return bytes(values[0])

        try:
            return self._session.read(dn, read)
        except MpfError as error:
            if error.code == Code.NO_SUCH_OBJECT:
                return None
            raise

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """See `port.SecurityDescriptors.write_descriptor`."""
        change = {_ATTRIBUTE: [(ldap3.MODIFY_REPLACE, [descriptor])]}

        def write(connection: Any, target: Dn) -> None:
            connection.modify(str(target), change, controls=_control(sections))
            check(connection.result, target)

        self._session.write(dn, write)

    def account_sids(self) -> frozenset[str]:
        """See `port.SecurityDescriptors.account_sids`: the server's own entry has them ([MS-ADTS] 3.1.1.3.2.24)."""

        def read(connection: Any, _target: Dn) -> frozenset[str]:
            connection.search("", "(objectClass=*)", ldap3.BASE, attributes=[_TOKEN])
            check(connection.result, _target)
            return frozenset(
                sid_to_text(bytes(octets))
                for one in connection.response or []
                if one["type"] == "searchResEntry"
                for octets in one["raw_attributes"].get(_TOKEN, ())
            )

        return self._session.read(Dn.parse("CN=RootDSE"), read)


def _control(sections: Section) -> Any:
    return security_descriptor_control(criticality=True, sdflags=int(sections))
