"""ADSI paths: ``LDAP://[server/]DN``, as requests and provider calls carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mpf_core import redaction
from mpf_core.errors import MpfError
from mpf_directory.dn import BAD_PATHNAME, Dn

_PATH = re.compile(r"\s*LDAP://(?:(?P<server>[A-Za-z0-9._-]+(?::\d{1,5})?)/)?(?P<dn>[^/].*)", re.IGNORECASE | re.DOTALL)
#: ADSI needs a slash inside a name to be escaped, which LDAP does not know.
_ESCAPED = re.compile(r"\\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LdapPath:
    """An ADSI path: the server it is bound to, or ``None`` for a serverless one, and the object's name."""

    server: str | None
    dn: Dn

    @classmethod
    def parse(cls, text: str) -> LdapPath:
        """Read ``LDAP://[server[:port]/]DN``. Raises E_ADS_BAD_PATHNAME (0x80005000) for anything else.

        A bare DN is no path; neither is a path without a DN (``LDAP://server``).
        """
        found = _PATH.fullmatch(text)
        if found is None:
            raise MpfError(BAD_PATHNAME, f"{redaction.mask(text)!r:.200} is no LDAP path")
        name = _ESCAPED.sub(lambda pair: "/" if pair[0] == r"\/" else pair[0], found["dn"])
        return cls(found["server"], Dn.parse(name))

    def __str__(self) -> str:
        name = str(self.dn).replace("/", r"\/")
        return f"LDAP://{self.server}/{name}" if self.server else f"LDAP://{name}"
