"""Parsing: bounds, hostile documents, encodings, and the provisioning namespace."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mpf_core import xml
from mpf_core.errors import Code, MpfError

BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(8))
    + ']><r x="&i;">&i;</r>'
)


def refused(source: bytes | str, code: Code, **options: int) -> str:
    with pytest.raises(MpfError) as caught:
        xml.parse(source, **options)
    assert caught.value.code == code
    return caught.value.description


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE r><r/>",
        BOMB,
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r a="b">&x;</r>',
        '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://localhost:1/x"> %x;]><r/>',
        "<!-- one --><?two three?>\n<!DOCTYPE r><r/>",
    ],
)
@pytest.mark.parametrize("encoding", ["str", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_doctype_is_refused_in_every_encoding(document: str, encoding: str) -> None:
    source = document if encoding == "str" else document.encode(encoding)
    assert "DOCTYPE" in refused(source, Code.FORBIDDEN_XML)


def test_a_doctype_after_an_xml_declaration_is_refused() -> None:
    refused(b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE r><r/>', Code.FORBIDDEN_XML)
    refused('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r><r/>'.encode("utf-16"), Code.FORBIDDEN_XML)


@pytest.mark.parametrize(
    "encoding", ["utf-7", "UTF7", "cp037", "ebcdic-cp-us", "iso-2022-jp", "hz", "bogus", "shift_jis", "rot13"]
)
def test_an_encoding_that_can_hide_markup_is_refused(encoding: str) -> None:
    text = refused(b'<?xml version="1.0" encoding="' + encoding.encode() + b'"?>+ADwAIQ-DOCTYPE r><r/>', Code.MALFORMED_XML)
    assert encoding in text
    assert "send UTF-8" in text


@pytest.mark.parametrize("text", ["<![CDATA[<!DOCTYPE html>]]>", "<!-- <!DOCTYPE x> -->", "&lt;!DOCTYPE x>"])
def test_the_word_doctype_inside_the_document_is_text(text: str) -> None:
    assert xml.parse(f"<!-- <!DOCTYPE no> --><r>{text}</r>").tag == "r"


def test_an_undefined_entity_is_refused() -> None:
    assert "&x;" not in refused("<r>&x;</r>", Code.MALFORMED_XML)
    refused('<r a="&x;"/>', Code.MALFORMED_XML)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<a>Ä€</a>".encode(), "Ä€"),
        ("\ufeff<a>Ä€</a>", "Ä€"),
        ("<a>Ä€</a>".encode("utf-8-sig"), "Ä€"),
        ("<a>Ä€</a>".encode("utf-16"), "Ä€"),
        ('<?xml version="1.0" encoding="utf-16"?><a>Ä€</a>'.encode("utf-16"), "Ä€"),
        ('<?xml version="1.0" encoding="utf-16"?><a>Ä€</a>', "Ä€"),
        ('<?xml version="1.0" encoding="bogus"?><a>Ä€</a>', "Ä€"),
        ('<?xml version="1.0" encoding="ISO-8859-15"?><a>Ä€</a>'.encode("iso-8859-15"), "Ä€"),
        ("<?xml version='1.0' encoding = 'windows-1252' ?><a>Ä€</a>".encode("cp1252"), "Ä€"),
        (b'<?xml version="1.0" encoding="us-ascii"?><a>x</a>', "x"),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>x</a>', "x"),
    ],
)
def test_encodings_that_are_read(source: bytes | str, expected: str) -> None:
    assert xml.parse(source).text == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"", "empty"),
        ("", "empty"),
        (b"text", "line 1, column 1"),
        (b"<a>\n<b></a>", "line 2, column 8"),
        (b"<a>\x00</a>", "NUL"),
        (b"\x00<a/>", ""),
        ("<a>\x00</a>", "NUL"),
        (b"\x00\x00\x00\x00", "empty"),
        ("<a>\x00</a>".encode("utf-16"), "NUL"),
        ("<a>\xff</a>".encode("latin-1"), "not UTF-8"),
        (b"\xff\xfe<a/>x", "utf-16"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "bytes are in another one"),
        (b'<?xml version="1.0" encoding="ascii"?><a>\xe4</a>', "ascii"),
        ("<a>\ud800</a>", "surrogate"),
        ("<a>" * 100_000 + "</a>" * 100_000, "nested too deeply"),
        ("<a>" * 100_000, "nested too deeply"),
        ("<!--" * 100_000, ""),
        ("<a x='1' x='2'/>", "redefined"),
        ("<a/><b/>", "line 1"),
        ("<p:a/>", "undefined namespace"),
        ("<a><pw>hun<ter2</pw></a>", "name required"),
    ],
)
def test_malformed_documents_get_a_clear_error_at_once(source: bytes | str, said: str) -> None:
    started = time.monotonic()
    text = refused(source, Code.MALFORMED_XML)
    assert said in text
    assert "ter2" not in text
    assert text.startswith("The request is not well-formed XML: ")
    assert "\n" not in text
    assert time.monotonic() - started < 1


def test_an_error_never_tells_of_an_earlier_document() -> None:
    refused("<secret-name>", Code.MALFORMED_XML)
    assert "secret" not in refused("<b>", Code.MALFORMED_XML)


def test_a_document_above_the_limit_is_refused_before_anything_is_done_with_it() -> None:
    big = b"<a>" + b" " * 100_000_000 + b"</a>"
    tracemalloc.start()
    text = refused(big, Code.DOCUMENT_TOO_LARGE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "100,000,007 bytes" in text
    assert "2,000,000" in text
    assert "engine.limits.document_bytes" in text
    assert peak < 1_000_000


def test_the_limit_counts_bytes_of_text_too() -> None:
    xml.parse("<a>ää</a>", limit=11)
    assert "11 bytes" in refused("<a>ää</a>", Code.DOCUMENT_TOO_LARGE, limit=10)
    refused("<a>aaaa</a>", Code.DOCUMENT_TOO_LARGE, limit=10)
    assert xml.parse("<a>" + "x" * 3_000_000 + "</a>", limit=None).tag == "a"


def test_comments_and_processing_instructions_are_dropped_and_text_joined() -> None:
    root = xml.parse("<!-- a --><?b c?><r>one<!-- x --> two<?y z?> three<s/></r><!-- end -->")
    assert root.text == "one two three"
    assert [child.tag for child in root] == ["s"]
    assert root.getprevious() is None


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_input_is_parsed_or_refused(source: bytes | str) -> None:
    for document in (source, b"<r>%b</r>" % source if isinstance(source, bytes) else f"<r>{source}</r>"):
        try:
            root = xml.parse(document)
        except MpfError as error:
            assert error.code in {Code.MALFORMED_XML, Code.FORBIDDEN_XML}  # noqa: PT017 - both outcomes are right
        else:
            assert isinstance(root.tag, str)


XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(XML_TEXT, XML_TEXT)
def test_what_is_serialised_is_parsed_back(text: str, attribute: str) -> None:
    element = etree.Element("r", a=attribute)
    element.text = text
    again = xml.parse(xml.serialize(element, declaration=True))
    assert (again.text or "", again.get("a")) == (text, attribute)


def test_serialize_leaves_the_tail_behind() -> None:
    root = xml.parse("<r><a>ä</a>tail</r>")
    assert xml.serialize(root[0]) == "<a>ä</a>".encode()
    assert xml.serialize(root[0], declaration=True) == "<?xml version='1.0' encoding='UTF-8'?>\n<a>ä</a>".encode()


def test_a_file_keeps_lines_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "space here.xml"
    path.write_text("<!-- one\ntwo -->\n<r>\n  <!-- x\n -->\n  <s/>\n</r>\n")
    root = xml.parse_file(path)
    assert (root.sourceline, root[0].sourceline) == (3, 6)
    assert root.base == str(path)


def test_a_hostile_file_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(BOMB)
    with pytest.raises(MpfError) as caught:
        xml.parse_file(path)
    assert caught.value.code == Code.FORBIDDEN_XML
    assert str(path) in caught.value.description
    with path.open("wb") as file:
        file.truncate(xml.FILE_LIMIT + 1)
    with pytest.raises(MpfError) as caught:
        xml.parse_file(path)
    assert caught.value.code == Code.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize("uri", sorted(xml.PROVISIONING_NAMESPACES))
def test_the_provisioning_namespace_is_taken_off_everywhere(uri: str) -> None:
    root = xml.parse(f'<request xmlns="{uri}"><data><user name="x" xmlns:p="{uri}"><p:y/></user></data></request>')
    xml.strip_provisioning_namespace(root)
    assert xml.serialize(root) == b'<request><data><user name="x"><y/></user></data></request>'


def test_other_namespaces_stay_with_their_declarations() -> None:
    root = xml.parse(
        '<n xmlns="http://maps/specs/prov.xml" xmlns:q="urn:q" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<before sourcePath="q:a"><xsl:template match="q:b"><lit/></xsl:template></before>'
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t">'
        '<xs:element name="a" type="T"/></xs:schema><o xmlns="urn:o"><i/></o><e xmlns=""/></n>'
    )
    lines = [element.sourceline for element in root.iter()]
    xml.strip_provisioning_namespace(root)
    again = xml.parse(xml.serialize(root))
    assert [element.tag for element in again.iter()] == [
        "n",
        "before",
        "{http://www.w3.org/1999/XSL/Transform}template",
        "lit",
        "{http://www.w3.org/2001/XMLSchema}schema",
        "{http://www.w3.org/2001/XMLSchema}element",
        "{urn:o}o",
        "{urn:o}i",
        "e",
    ]
    assert again.nsmap["q"] == "urn:q"
    assert again[1].nsmap[None] == "urn:t"
    assert [element.sourceline for element in root.iter()] == lines


def test_many_declarations_do_not_slow_it_down() -> None:
    declarations = " ".join(f'xmlns:a{number}="u{number}"' for number in range(20_000))
    root = xml.parse(f'<r xmlns="http://maps/specs/prov.xml" {declarations}>{"<b/>" * 50_000}</r>')
    started = time.process_time()
    xml.strip_provisioning_namespace(root)
    assert time.process_time() - started < 3
    assert root[-1].tag == "b"


def test_a_document_without_the_namespace_is_left_alone() -> None:
    text = b'<request xmlns:p="http://maps/specs/prov.xml"><p:a/><b xmlns="urn:x"/></request>'
    root = xml.parse(text)
    xml.strip_provisioning_namespace(root)
    assert xml.serialize(root) == text


@pytest.mark.parametrize("kind", ["include", "redefine", "import"])
@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_schemas_read_no_files(tmp_path: Path, kind: str, form: str) -> None:
    other = tmp_path / "other.xsd"
    target = ' targetNamespace="urn:o"' if kind == "import" else ""
    other.write_text(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"{target}><xs:element name="secret"/></xs:schema>'
    )
    attributes = 'namespace="urn:o" ' if kind == "import" else ""
    schema = etree.fromstring(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:{kind} {attributes}schemaLocation="{form.format(other)}"/><xs:element name="own"/></xs:schema>',
        xml.schema_parser(),
    )
    try:
        compiled = etree.XMLSchema(schema)
    except etree.XMLSchemaParseError:
        return
    assert not compiled.validate(etree.fromstring("<secret/>"))
    assert not compiled.validate(etree.fromstring('<secret xmlns="urn:o"/>'))


def test_threads_parse_at_the_same_time() -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for _ in range(200):
                assert xml.parse(f"<r>{number}</r>").text == str(number)
                refused(f"<r{number}>", Code.MALFORMED_XML)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
