"""The only place that parses and serialises XML: bounded, without DOCTYPE, entities, network or files.

libxml2 is handed UTF-8 and nothing else. Other encodings are decoded here first, so that an encoding that hides markup
from a search (UTF-7, EBCDIC) never reaches the parser, and the search for a DOCTYPE is a search for bytes.
"""

from __future__ import annotations

import codecs
import re
import threading
from pathlib import Path

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element

#: Largest request in bytes (``engine.limits.document_bytes``). Small elements need 30 times as much memory.
DEFAULT_LIMIT = 2_000_000
#: Largest namespace file, in bytes.
FILE_LIMIT = 16_000_000
#: The default namespace of the original's samples, and the form that a later copy of its documentation writes.
PROVISIONING_NAMESPACES = frozenset({"http://maps/specs/prov.xml", "https://maps/specs/prov.xml"})

_ENCODINGS = re.compile(r"utf-(?:8|16(?:-[bl]e)?|32(?:-[bl]e)?)|ascii|iso8859-\d+|cp125\d")
_DECLARED_ENCODING = re.compile(rb"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_DOCTYPE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
#: libxml2's names of what can be wrong.
_KINDS = tuple(name for name in vars(etree.ErrorTypes) if name.startswith(("ERR_", "NS_ERR_")))
_POSITION = re.compile(r",? line \d+, column \d+$")


class _Refuse(etree.Resolver):
    """Answers every URL with a document that is neither schema, stylesheet nor entity.

    It does not raise: lxml keeps an exception of a resolver for the parser's *next* document. It does not answer with
    an empty document either: libxml2 then reads the file itself.
    """

    def resolve(self, system_url: str, public_id: str | None, context: object) -> object:  # type: ignore[override]
        return self.resolve_string("<refused/>", context, base_url=None)


#: The resolver that lets no xs:include, xs:import, xsl:include or document() read anything.
REFUSE = _Refuse()


def schema_parser() -> etree.XMLParser:
    """A parser for documents that become an XMLSchema or an XSLT: whatever they include or import is refused."""
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    parser.resolvers.add(REFUSE)
    return parser


class _Local(threading.local):
    """One parser for each thread, because threads that share one wait for each other."""

    def __init__(self) -> None:
        self.parser = schema_parser()


_local = _Local()


def parse(source: bytes | str, *, limit: int | None = DEFAULT_LIMIT, name: str = "request") -> Element:
    """Parse a document and return its root. Comments and processing instructions are dropped, line numbers are kept.

    ``limit`` is the largest size in bytes, ``None`` for none; ``name`` says in errors what the document is.
    Raises DOCUMENT_TOO_LARGE, FORBIDDEN_XML (a DOCTYPE), or MALFORMED_XML with line and column.
    """
    _bound(name, len(source), limit, "engine.limits.document_bytes")
    data = _utf8(source, name)
    if isinstance(source, str):
        _bound(name, len(data), limit, "engine.limits.document_bytes")
    return _parse(data, name, None)


def parse_file(path: Path) -> Element:
    """Parse a namespace file, as `parse` does. The root knows the file (``base``) and each element its line.

    Raises the errors of `parse`, and ``OSError`` when the file cannot be read.
    """
    name = f"file {path}"
    _bound(name, path.stat().st_size, FILE_LIMIT, "")
    return _parse(_utf8(path.read_bytes(), name), name, str(path))


def serialize(element: Element, *, declaration: bool = False) -> bytes:
    """``element`` as UTF-8, without its tail; with an XML declaration if asked for."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=declaration, with_tail=False)


def xpath_of(element: Element) -> str:
    """The XPath of an element from the root of its document, with positions where a name repeats."""
    return element.getroottree().getpath(element)


def line_of(element: Element) -> int | None:
    """The line of an element in the document it was parsed from; ``None`` for one that was made."""
    line: object = element.sourceline
    return line if isinstance(line, int) else None


def _parse(data: bytes, name: str, base: str | None) -> Element:
    """``base`` is the file that it comes from. What others have sent is not quoted in errors: it may hold a secret."""
    if b"<!DOCTYPE" in data and _DOCTYPE.match(data):
        raise _forbidden(name)
    try:
        root = etree.fromstring(data, _local.parser, base_url=base)  # type: ignore[arg-type]
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = _explain(error.msg or "") if base is not None else _kind(error)
        raise _malformed(name, f"line {line}, column {column}: {reason}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _forbidden(name)
    return root


def _utf8(source: bytes | str, name: str) -> bytes:
    """The document as UTF-8. The parser is told so, and ignores what the XML declaration says of encodings."""
    if isinstance(source, str):
        try:
            return source.removeprefix("\ufeff").encode("utf-8")
        except UnicodeEncodeError as error:
            raise _malformed(name, f"character {error.start + 1} is half of a surrogate pair") from None
    encoding = next((encoding for mark, encoding in _BOMS if source.startswith(mark)), None)
    if encoding is None:
        declared = _DECLARED_ENCODING.match(source[:1000])
        if declared is None:
            return source
        encoding = declared[1].decode("ascii")
        try:
            known = codecs.lookup(encoding).name
        except LookupError:
            known = ""
        if not _ENCODINGS.fullmatch(known) or "16" in known or "32" in known:
            reason = "its bytes are in another one" if known.startswith("utf-") else "it is not accepted"
            raise _malformed(name, f"the XML declaration names the encoding '{encoding}', but {reason}; send UTF-8")
        if known == "utf-8":
            return source
    try:
        return source.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        raise _malformed(name, f"its bytes are not {encoding}: {error}") from None


def _explain(message: str) -> str:
    message = _POSITION.sub("", message.strip()).strip()
    if "Excessive depth" in message:
        return "the elements are nested too deeply: 255 levels are allowed"
    if "Char 0x0 " in message:
        return "there is a NUL byte, which XML does not allow"
    if "Invalid bytes" in message:
        return "these bytes are not UTF-8; if the document is in another encoding, its XML declaration must say so"
    return message.rstrip(".")


def _kind(error: etree.XMLSyntaxError) -> str:
    """What is wrong, without the names and texts that libxml2 quotes."""
    explained = _explain(error.msg or "")
    if explained not in (error.msg or ""):
        return explained
    code = getattr(error, "code", 0)
    kind = next((name for name in _KINDS if getattr(etree.ErrorTypes, name) == code), "syntax error")
    return kind.rpartition("ERR_")[2].replace("_", " ").lower()


def _malformed(name: str, reason: str) -> MpfError:
    return MpfError(Code.MALFORMED_XML, f"The {name} is not well-formed XML: {reason}.")


def _forbidden(name: str) -> MpfError:
    return MpfError(Code.FORBIDDEN_XML, f"The {name} has a DOCTYPE, and none is accepted: remove it.")


def _bound(name: str, size: int, limit: int | None, setting: str) -> None:
    if limit is not None and size > limit:
        text = f"The {name} has {size:,} bytes; {limit:,} are allowed{setting and f' ({setting})'}."
        raise MpfError(Code.DOCUMENT_TOO_LARGE, text)


def strip_provisioning_namespace(root: Element) -> None:
    """Move the elements of the provisioning namespace to no namespace, in place.

    Does nothing unless the root is in it. Other namespaces, their prefixes and default declarations stay, because
    schemas and paths refer to them in text.
    """
    if etree.QName(root).namespace not in PROVISIONING_NAMESPACES:
        return
    prefixes: set[str] = set()
    default, moved, holders = "", [], []
    # Not element.nsmap: it collects all declarations in scope again, for each element.
    for event, item in etree.iterwalk(root, events=("start", "start-ns")):
        if event == "start-ns":
            prefix, uri = item
            if uri not in PROVISIONING_NAMESPACES:
                prefixes.add(prefix)
                default = default if prefix else uri
            continue
        if etree.QName(item).namespace in PROVISIONING_NAMESPACES:
            moved.append(item)
        elif default and item.prefix is not None:
            holders.append((item, default))
        default = ""
    for element in moved:
        element.tag = etree.QName(element).localname
    # <xs:schema xmlns="T"> uses its default namespace in QNames only: an element in it keeps the declaration.
    markers = [etree.SubElement(element, f"{{{uri}}}marker") for element, uri in holders]
    etree.cleanup_namespaces(root, keep_ns_prefixes=sorted(prefixes - {""}))
    for marker in markers:
        parent = marker.getparent()
        if parent is not None:
            parent.remove(marker)
