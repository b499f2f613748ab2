"""What the free ``properties`` of a call say: which objects they name, and which names for users they give.

The attributes that hold names of objects are those of the schema. Of one that the schema does not know, a value counts that
looks like the name of an object in a domain, or like one of the special forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mpf_core.errors import MpfError
from mpf_core.provider import Element
from mpf_directory.schema import default_schema
from mpf_directory.xml_values import Mode, values_of

#: A DN with binary or with a string, as in ``B:32:<GUID>:<DN>``: what stands before the name.
_PREFIX = re.compile(r"\s*[BS]:\d+:[^:]*:", re.IGNORECASE)
_NAME = re.compile(r"(?:DC|0\.9\.2342\.19200300\.100\.1\.25)\s*=|<\s*(?:GUID|SID|WKGUID)\s*=", re.IGNORECASE)


def properties(data: Element, wanted: Callable[[str], bool], *, written: bool = False) -> Iterator[tuple[str, str]]:
    """Each value of each ``property`` whose name is ``wanted``, as it would be written, with the name. ``written`` leaves
    out what is taken away.

    A value that is none of its type is written by nobody, and left out.
    """
    for element in data.iter("{*}property"):
        name, mode = element.get("name") or "", (element.get("mode") or "").strip().lower()
        if not wanted(name) or (written and mode == Mode.DELETE.value):
            continue
        try:
            values = values_of(element)
        except MpfError:
            continue
        yield from ((name, value if isinstance(value, str) else value.decode("utf-8", "replace")) for value in values)


def named_objects(data: Element) -> Iterator[tuple[str, str]]:
    """Each value that names an object, or should, with the property's name."""
    for name, value in properties(data, _may_name_one):
        text = _PREFIX.sub("", value, count=1).strip()
        if _names_one(name) or _NAME.search(text):
            yield name, text


def _may_name_one(name: str) -> bool:
    return _names_one(name) is not False


def _names_one(name: str) -> bool | None:
    known = default_schema().attribute(name)
    return known.is_dn if known is not None else None
