"""The schema extension of Office Communications Server 2007 as LDIF, for Active Directory and Samba.

What the classes and attributes *are* stands in ``schema_ocs.toml``, which the embedded directory enforces too; what only a
server needs (numbers, replication, indexes) stands in ``server.toml`` here. So both directories have the same extension.

``mpfctl directory schema`` prints it. A controller of Active Directory takes it with ``ldifde -i -f``; Samba with
``ldbmodify`` while it is stopped, one part after the other.
"""

from __future__ import annotations

from mpf_directory.ocs_schema.generate import Part, complete_ldif, ocs_schema

__all__ = ["Part", "complete_ldif", "ocs_schema"]
