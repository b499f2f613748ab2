"""Map files: what low-level errors are called for the sender of a request.

``<root_folder>/<locId>/<errorSet>.xml``, or ``<root_folder>/<errorSet>.xml`` where there is none for that language, holds

    <Items>
      <Item name="AddUser|0x80071392">
        <message>There is a user of that name already.</message>
        <errorCode>0x82101392</errorCode>
      </Item>
    </Items>

An item without an errorCode keeps the code (spec: provisioning-schema.md, Error Provider).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from mpf_core import xml
from mpf_core.errors import Code, MpfError, format_hresult, parse_hresult

DEFAULT_SET = "errors"

#: What may become a part of a file's name.
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOCALE = re.compile(r"[0-9]{1,5}")


class Mapped(NamedTuple):
    """What an error is replaced by."""

    code: int
    message: str


class ErrorMaps:
    """The map files in a folder; they are read when they are needed, so that a new one counts at once."""

    def __init__(self, root_folder: Path | None) -> None:
        self._root = root_folder

    def find(self, context: str, code: int, locale: str, error_set: str) -> Mapped | None:
        """The item of that context and code, in any case; ``None`` when the file has none.

        Raises E_FAIL when there is no map file, or when it is no map file; E_INVALIDARG for an impossible name.
        """
        file = self._file(locale, error_set)
        wanted = error_id(context, code).casefold()
        try:
            root = xml.parse_file(file)
            items = {(item.get("name") or "").strip().casefold(): item for item in root.iterchildren("Item")}
            item = items.get(wanted)
            if item is None:
                return None
            own = (item.findtext("errorCode") or "").strip()
            return Mapped(parse_hresult(own) if own else code, (item.findtext("message") or "").strip())
        except (MpfError, OSError, ValueError) as error:
            raise MpfError(Code.E_FAIL, f"The error map file '{file.name}' cannot be used: {error}") from error

    def _file(self, locale: str, error_set: str) -> Path:
        if not _SET.fullmatch(error_set):
            raise MpfError(Code.E_INVALIDARG, f"The argument 'errorSet' is '{error_set}': letters, digits, - and _ only.")
        if not _LOCALE.fullmatch(locale):
            raise MpfError(Code.E_INVALIDARG, f"The argument 'locId' is '{locale}', and no locale identifier.")
        if self._root is None:
            raise MpfError(Code.E_FAIL, "No error map file: root_folder is not configured.")
        for file in (self._root / locale / f"{error_set}.xml", self._root / f"{error_set}.xml"):
            if file.is_file():
                return file
        raise MpfError(Code.E_FAIL, f"No error map file '{error_set}.xml' for the language {locale} is in root_folder.")


def error_id(context: str, code: int) -> str:
    """The name of an item: ``<errorMessageContext>|<code>``."""
    return f"{context}|{format_hresult(code)}"
