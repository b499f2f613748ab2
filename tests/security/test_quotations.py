"""A secret is found in whatever form it is quoted; what is no secret stays as it is."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mpf_core import redaction
from mpf_core.log import logger

SECRET = "p<&\"é' Canary\\ü%"
FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "XML": escape,
    "an attribute": lambda text: quoteattr(text)[1:-1],
    "XML in XML": lambda text: escape(escape(text)),
    "repr": repr,
    "JSON": json.dumps,
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "repr of XML": lambda text: repr(escape(text)),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "a URL": lambda text: quote(text, safe=""),
    "bytes": lambda text: repr(text.encode()),
    "a directory's password": lambda text: repr(text.encode("utf-16-le")),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of more": lambda text: base64.b64encode(f"it is {text}, they say".encode()).decode(),
    "base64 of one more": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "base64 of two more": lambda text: base64.b64encode(f"xy{text}z".encode()).decode(),
    "base64 of a directory's password": lambda text: base64.b64encode(f'"{text}"'.encode("utf-16-le")).decode(),
    "folded": "\n ".join,
    "folded on Windows": "\r\n ".join,
    "base64 in lines": lambda text: "\n".join(base64.b64encode(text.encode()).decode()),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
    "hexadecimal of a directory's password": lambda text: text.encode("utf-16-le").hex(),
    "a dump": lambda text: text.encode().hex(" "),
    "octets of a filter": lambda text: "".join(f"\\{octet:02x}" for octet in text.encode()),
    "capitals": str.upper,
    "small letters": str.lower,
    "XML with apostrophes": lambda text: escape(text, {"'": "&apos;", '"': "&quot;"}),
    "all entities numbered": lambda text: "".join(
        one if one.isalnum() and one.isascii() else f"&#{ord(one)};" for one in text
    ),
    "a path": quote,
    "a form": quote_plus,
    "a URL in small letters": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "a shell": shlex.quote,
    "SQL": lambda text: text.replace("'", "''"),
    "bytes in Latin 1": lambda text: repr(text.encode("latin-1")),
    "base64, folded": lambda text: "\n ".join(base64.b64encode(text.encode()).decode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_masked(form: str) -> None:
    text = FORMS[form](SECRET)
    with redaction.hiding([SECRET]):
        shown = redaction.mask(f"before {text} after")
    assert redaction.MASK in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert len(shown) < len("before *** after") + 30


@given(st.text(min_size=6), st.text(), st.text())
def test_any_secret_anywhere(secret: str, before: str, after: str) -> None:
    with redaction.hiding([secret]):
        shown = redaction.mask(f"{before}{secret}{after}")
    if secret.strip() and len(secret.strip()) >= 6 and redaction.MASK not in before + secret + after:
        assert redaction.MASK in shown


def test_other_texts_stay() -> None:
    with redaction.hiding([SECRET]):
        for text in ("", "before", base64.b64encode(b"something else").decode(), "a\n b\n c"):
            assert redaction.mask(text) == text
    assert redaction.mask(SECRET) == SECRET


def test_blanks_around_a_secret_do_not_matter() -> None:
    with redaction.hiding([" secret-one \n"]):
        assert redaction.mask("(secret-one)") == "(***)"
        assert redaction.mask("( secret-one \n)") == "(***)"
    with redaction.hiding(["   "]):
        assert redaction.mask("a   b") == "a   b"


def test_blocks_add_up() -> None:
    with redaction.hiding(["secret-one"]):
        with redaction.hiding(["secret-two"]):
            redaction.hide(["secret-three"])
            assert redaction.mask("secret-one secret-two secret-three") == "*** *** ***"
            assert redaction.hidden() == {"secret-one", "secret-two", "secret-three"}
        assert redaction.mask("secret-one secret-two secret-three") == "*** secret-two secret-three"
    redaction.hide(["secret-four"])
    assert redaction.hidden() == frozenset()


def test_what_data_holds() -> None:
    data = {"a": ["x", 1, None, SECRET], "b": base64.b64encode(b"secret-two").decode()}
    assert redaction.hidden_in(data) == ()
    with redaction.hiding([SECRET, "secret-two", "secret-three"]):
        assert redaction.hidden_in(data) == tuple(sorted([SECRET, "secret-two"]))
        assert redaction.hidden_in({"a": "x"}) == ()


def test_short_ones_are_masked_where_they_stand_alone_and_longer_ones_everywhere() -> None:
    with redaction.hiding(["abcde", "uvwxyz"]):
        assert redaction.mask("xabcdex abcde xuvwxyzx") == "xabcdex *** x***x"


def test_marks() -> None:
    root = etree.fromstring(
        '<r><a do-not-log="1"> one </a><b do-not-log="true">two<c>three</c>four</b><d do-not-log="0">five</d>'
        '<basic username="six" password="seven"/><basic/><e do-not-log="1"/><f>eight</f><a password="nine"/></r>'
    )
    assert redaction.marked(root) == {"one", "two", "three", "four", "twothreefour", "seven"}


def test_a_copy_without_secrets() -> None:
    root = etree.fromstring(
        '<r><b do-not-log="1">two<c>three</c>four</b>tail of secret-nine<a do-not-log="1">one</a>'
        '<f g="secret-nine">is secret-nine</f></r>'
    )
    before = etree.tostring(root)
    with redaction.hiding(["secret-nine"]):
        made = redaction.secret_free(root)
    assert etree.tostring(made).decode() == (
        '<r><b do-not-log="1">***</b>tail of ***<a do-not-log="1">***</a><f g="***">is ***</f></r>'
    )
    assert etree.tostring(root) == before


def test_values_of_log_events(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "mpf")

    class Talkative:
        def __str__(self) -> str:
            return "harmless"

        def __repr__(self) -> str:
            return "it is secret-one"

    with redaction.hiding(["secret-one"]):
        logger().info(
            "secret-one",
            e=Path("harmless"),
            a={"secret-one": ["secret-one", (1, 2.5, None, True)]},
            b=b"\xffsecret-one",
            c=Talkative(),
            d=7,
        )
    record = vars(caplog.records[0])
    assert caplog.records[0].getMessage() == "***"
    assert record["e"] == Path("harmless")
    assert (record["a"], record["b"], record["c"], record["d"]) == (
        {"***": ["***", [1, 2.5, None, True]]},
        "\\xff***",
        "harmless",
        7,
    )


def test_an_error_that_quotes_nothing_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    errors = [raised("harmless"), raised("it is secret-one")]
    with redaction.hiding(["secret-one"]):
        for error in errors:
            logger().error("failed", exc_info=error)
    shown = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert shown[0] is errors[0]
    assert isinstance(shown[1], redaction.Redacted)
    assert "ValueError: it is ***" in str(shown[1])


def raised(text: str, cause: str = "", variable: str = "") -> ValueError:
    try:
        try:
            raise LookupError(cause)
        except LookupError as error:
            kept = variable
            raise ValueError(text) from (error if kept or cause else None)
    except ValueError as error:
        return error


def test_what_an_error_quotes() -> None:
    assert not redaction.quotes(raised("secret-one"))
    with redaction.hiding(["secret-one"]):
        assert redaction.quotes(raised("it is secret-one"))
        assert redaction.quotes(raised("it is", cause="secret-one"))
        assert redaction.quotes(raised("it is", variable="secret-one"))
        assert not redaction.quotes(raised("it is"))


class Failing:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_a_variable_that_cannot_be_shown_may_quote_anything() -> None:
    def fail() -> None:
        _variable = Failing()
        raise ValueError("harmless")

    with redaction.hiding(["secret-one"]), pytest.raises(ValueError, match="harmless") as raised_:
        fail()
    with redaction.hiding(["secret-one"]):
        assert redaction.quotes(raised_.value)
