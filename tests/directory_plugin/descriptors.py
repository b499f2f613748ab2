"""Access control lists for the embedded directory, for tests only: kept as text in an attribute of the object itself.

Nothing enforces them. They are in the file, so that every process that opens it sees them.
"""

from __future__ import annotations

import base64
from dataclasses import replace

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Modification, ModifyOp, Section
from mpf_directory.results import no_such_object
from mpf_directory.security_descriptor import Ace, AceFlag, AceType, Acl, Control, SecurityDescriptor

KEPT_IN = "adminDescription"
ADMINS, SYSTEM, WORLD = "S-1-5-32-544", "S-1-5-18", "S-1-1-0"
#: What an object has until somebody changes it: a deny, two allows, an inherited one, and something that is audited.
DEFAULT = SecurityDescriptor(
    Control.SELF_RELATIVE | Control.DACL_AUTO_INHERITED | Control.DACL_PRESENT | Control.SACL_PRESENT,
    owner=ADMINS,
    group=ADMINS,
    dacl=Acl(
        (
            Ace(AceType.DENY, 0, 0x10000, WORLD),
            Ace(AceType.ALLOW, 0, 0xF01FF, ADMINS),
            Ace(AceType.ALLOW, AceFlag.CONTAINER_INHERIT, 0x20094, WORLD),
            Ace(AceType.ALLOW, AceFlag.CONTAINER_INHERIT | AceFlag.INHERITED, 0xF01FF, SYSTEM),
        )
    ),
    sacl=Acl((Ace(AceType.AUDIT, AceFlag.SUCCESSFUL_ACCESS | AceFlag.FAILED_ACCESS, 0x40000, WORLD),)),
)


class WithDescriptors(EmbeddedDirectory):
    """Implements `port.SecurityDescriptors` too."""

    has_acls = True
    hide_sacl = False

    def descriptor(self, dn: Dn) -> SecurityDescriptor:
        """The whole descriptor."""
        entry = self.read(dn, [KEPT_IN])
        if entry is None:
            raise no_such_object(dn)
        kept = entry.text(KEPT_IN)
        return SecurityDescriptor.parse(base64.b64decode(kept)) if kept else DEFAULT

    def put(self, dn: Dn, descriptor: SecurityDescriptor) -> None:
        """Replace all of it."""
        text = base64.b64encode(descriptor.encode()).decode("ascii")
        # What an object has from the beginning takes no room, so that an undo leaves it as it was.
        values = () if descriptor == DEFAULT else (text,)
        self.modify(dn, [Modification(KEPT_IN, ModifyOp.REPLACE, values)])

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """See the port."""
        if self.read(dn, ["objectClass"]) is None:
            return None
        if sections & Section.SACL and self.hide_sacl:
            raise MpfError(Code.E_ACCESSDENIED, f"The security descriptor of '{dn}' cannot be read by this account.")
        whole = self.descriptor(dn)
        shown = replace(
            whole,
            owner=whole.owner if sections & Section.OWNER else None,
            group=whole.group if sections & Section.GROUP else None,
            dacl=whole.dacl if sections & Section.DACL else None,
            sacl=whole.sacl if sections & Section.SACL else None,
            control=whole.control & ~_absent(sections),
        )
        return shown.encode()

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """See the port."""
        new, whole = SecurityDescriptor.parse(descriptor), self.descriptor(dn)
        if sections & Section.DACL:
            protected = new.control & Control.DACL_PROTECTED
            dacl = new.dacl
            if dacl is not None and DEFAULT.dacl is not None:
                # Inherited entries are the directory's own business: a protected list has none, any other one has these.
                inherited = () if protected else (ace for ace in DEFAULT.dacl.aces if ace.inherited)
                dacl = replace(dacl, aces=(*(ace for ace in dacl.aces if not ace.inherited), *inherited))
            whole = replace(whole, dacl=dacl, control=whole.control & ~Control.DACL_PROTECTED | protected)
        if sections & Section.SACL:
            present = Control.SACL_PRESENT if new.sacl is not None else 0
            whole = replace(whole, sacl=new.sacl, control=whole.control & ~Control.SACL_PRESENT | present)
        self.put(dn, whole)


def _absent(sections: Section) -> int:
    dacl = 0 if sections & Section.DACL else Control.DACL_PRESENT
    return dacl | (0 if sections & Section.SACL else Control.SACL_PRESENT)
