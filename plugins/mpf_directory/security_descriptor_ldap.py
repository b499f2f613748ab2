"""Security descriptors over LDAP: read and written with the control that says which parts (1.2.840.113556.1.4.801).

Without that control a server takes a read for one of all parts, audit list included, and answers an account that may not
read that one with nothing at all.
"""

from __future__ import annotations

from typing import Any

import ldap3
from ldap3.core.results import RESULT_NO_SUCH_OBJECT, RESULT_SUCCESS
from ldap3.protocol.microsoft import security_descriptor_control

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory.dn import Dn
from mpf_directory.ldap_connection import ConnectionPool, answering, server_text
from mpf_directory.port import Section
from mpf_directory.results import hresult, no_such_object

_ATTRIBUTE = "nTSecurityDescriptor"


class LdapDescriptors:
    """Implements `port.SecurityDescriptors` on the connections of a directory at a server."""

    _pool: ConnectionPool
    _credentials: Credentials

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """See `port.SecurityDescriptors.read_descriptor`."""
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.search(
                    str(dn), "(objectClass=*)", ldap3.BASE, attributes=[_ATTRIBUTE], controls=_control(sections)
                )
            if connection.result["result"] == RESULT_NO_SUCH_OBJECT:
                return None
            _check(connection.result, dn)
            found = [one for one in connection.response or [] if one["type"] == "searchResEntry"]
        if not found:
            return None
        values = found[0]["raw_attributes"].get(_ATTRIBUTE)
        if not values:
            raise MpfError(Code.E_ACCESSDENIED, f"The security descriptor of '{dn}' cannot be read by this account.")
        return bytes(values[0])

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """See `port.SecurityDescriptors.write_descriptor`."""
        change = {_ATTRIBUTE: [(ldap3.MODIFY_REPLACE, [descriptor])]}
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.modify(str(dn), change, controls=_control(sections))
            _check(connection.result, dn)


def _control(sections: Section) -> Any:
    return security_descriptor_control(criticality=True, sdflags=int(sections))


def _check(result: dict[str, Any], dn: Dn) -> None:
    code = result["result"]
    if code == RESULT_SUCCESS:
        return
    if code == RESULT_NO_SUCH_OBJECT:
        raise MpfError(Code.NO_SUCH_OBJECT, f"{no_such_object(dn).description} ({server_text(result)})")
    raise MpfError(hresult(code), f"{dn}: {server_text(result)}")
