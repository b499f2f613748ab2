"""A plugin that repeats every secret it gets hold of, in every way that something can be said, and the secrets themselves."""

from __future__ import annotations

import base64
import json
import logging
import os
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from lxml import etree

from mpf_core import CallContext, Caller, Change, MpfError, Provider, Undo, hookimpl, output, read, write
from mpf_core.events import Event
from mpf_core.log import logger
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.principal import Credentials
from mpf_core.services import Services
from mpf_policy.credentials import from_environment, from_file, read_file

#: What is looked for: no escaping changes it, so that it is there in every form in which a secret is quoted.
TOKENS = {
    field: f"Canary{number:02}{'QxZjWvKy'[number % 8]}7h3"
    for number, field in enumerate(
        (
            "marked in data",
            "marked in executeData",
            "marked around others",
            "marked by the schema",
            "basic credentials",
            "the caller's password",
            "execute-as",
            "the file of credentials",
            "the environment",
            "the store's key",
            "an old value that a provider calls confidential",
            "a password in the directory",
        )
    )
}


def secret(field: str) -> str:
    """A secret with characters that XML, JSON, Python, LDIF and URLs write in their own ways."""
    return f"p<&\"é' {TOKENS[field]}\\ü%"


#: A file in the engine's folder: while it is there, undos fail.
UNDO_FAILS = "undo-fails"
CALLER = Caller("tester@fabrikam.com", Credentials("tester", secret("the caller's password")))

NAMESPACE = """<namespace name="Parrot" providerSource="test.parrot">
  <procedure name="Say" type="write"/>
  <procedure name="Mean" type="write"/>
  <procedure name="SayAs" type="write"/>
  <procedure name="Fail" type="read"/>
  <procedure name="Quote" type="write"/>
  <procedure name="Crash" type="read"/>
  <procedure name="Strict" type="read"><Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:element name="executeData"><xs:complexType><xs:all>
      <xs:element name="number"><xs:complexType><xs:simpleContent><xs:extension base="xs:int">
        <xs:attribute name="do-not-log" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
    </xs:all></xs:complexType></xs:element></xs:schema></Schema></procedure>
</namespace>
"""


def said(texts: list[str]) -> str:
    """The texts in all the forms in which servers, libraries and programs quote."""
    forms = [" | ".join(texts), escape(" ".join(texts)), repr(texts), json.dumps(texts), *map(quote, texts)]
    for text in texts:
        for octets in (text.encode(), f'"{text}"'.encode("utf-16-le"), f"x{text}".encode(), f"xy{text}".encode()):
            forms.append(base64.b64encode(octets).decode())
            forms.append(repr(octets))
    return " ; ".join(forms)


def folded(text: str) -> str:
    """As LDIF breaks long lines."""
    return "\n ".join(text[start : start + 20] for start in range(0, len(text), 20))


class ParrotProvider(Provider):
    """Says what it knows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.contexts: list[CallContext] = []

    def knows(self, ctx: CallContext, data: etree._Element) -> list[str]:
        """Every secret within reach of a call."""
        texts = {str(text).strip() for text in data.itertext()}
        for found in (ctx.identity.credentials, ctx.caller.credentials):
            texts |= {found.password} if found is not None else set()
        texts |= {self._services.credentials(name).password for name in ("file", "environment")}
        self.contexts.append(ctx)
        return sorted(texts - {""})

    @write("Say")
    def say(self, ctx: CallContext, data: etree._Element) -> Change:
        known = said(self.knows(ctx, data))
        logger(transaction=ctx.transaction_id, nested={"list": [known, known.encode()]}).info(known, said=known)
        return Change({"said": known, "folded": folded(known)}, output=(output("heard", known),))

    @write("Mean")
    def mean(self, ctx: CallContext, data: etree._Element) -> Change:
        """What it found in the system behind it, and nobody else knows to be secret."""
        return Change({"old": secret("an old value that a provider calls confidential")}, confidential=True)

    @write("SayAs")
    def say_as(self, ctx: CallContext, data: etree._Element) -> Change:
        assert ctx.identity.credentials is not None
        assert TOKENS["execute-as"] in ctx.identity.credentials.password
        return self.say(ctx, data)

    @write("Quote")
    def quote(self, ctx: CallContext, data: etree._Element) -> Change:
        """Any text, given as JSON because XML cannot carry all of them; with ``fail`` as an error."""
        text = json.loads(data.findtext("text") or '""')
        logger(transaction=ctx.transaction_id).warning("quoted", text=text, inner={"text": [text]})
        if data.find("fail") is not None:
            raise MpfError(0x80004005, text) from ValueError(text)
        return Change({"said": text, "folded": ""}, output=(output("heard", "x"),))

    def apply(self, ctx: CallContext, change: Change) -> None:
        ctx.evidence["said"] = change.data

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        if (self._services.base_dir / UNDO_FAILS).exists() and isinstance(change.data, dict) and "said" in change.data:
            raise MpfError(0x80004005, f"not taken back: {change.data['said']}")
        return Undo.UNDONE

    def describe(self, change: Change) -> str:
        if isinstance(change.data, dict) and "folded" in change.data:
            return f"{change.data['folded']}\n{change.data['said']}"
        return super().describe(change)

    @read("Fail")
    def fail(self, ctx: CallContext, data: etree._Element) -> None:
        known = said(self.knows(ctx, data))
        raise MpfError(0x80004005, f"told to fail: {known}") from ValueError(known)

    @read("Crash")
    def crash(self, ctx: CallContext, data: etree._Element) -> None:
        known = self.knows(ctx, data)  # in no text, but in a variable of this frame
        if known:
            raise LookupError("told to crash")

    @read("Strict")
    def strict(self, ctx: CallContext, data: etree._Element) -> None:
        """Never called: its input is wrong."""


class ParrotPlugin:
    """Brings the provider, and is a policy and an observer that repeat what they hear."""

    name = "test.parrot"

    def __init__(self) -> None:
        self.provider: ParrotProvider
        self.events: list[Event] = []

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        self.provider = ParrotProvider(services)

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"test.parrot": self.provider}

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        self.events.append(event)
        raise RuntimeError(f"this observer fails: {event}")


class ParrotPolicy:
    """Allows everything, and fails with all that it knows when it is told to. Has the credentials that ours has."""

    name = "test.parrot-policy"

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.fails = False
        self._file = Path()

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        self._file = services.base_dir / "credentials.toml"
        read_file(self._file)

    @hookimpl
    def mpf_credentials(self, name: str) -> Credentials | None:
        return from_environment(name, os.environ) or from_file(name, self._file)

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        self.calls.append(call)
        if self.fails:
            raise LookupError(said(["".join(map(str, call.data.itertext()))]))
        return Decision(True)

    @hookimpl
    def mpf_elevate(self, call: Call) -> Grant:
        return Grant("testing")


def forms_of(token: str) -> Iterator[bytes]:
    """A token as bytes, in every encoding in which it may stand somewhere."""
    for octets in (token.encode(), token.encode("utf-16-le"), token.encode("utf-16-be")):
        yield octets
        for offset, foreign in ((0, 0), (1, 2), (2, 3)):
            encoded = base64.b64encode(bytes(offset) + octets).rstrip(b"=")
            yield encoded[foreign:-1]


def excerpts(content: bytes, token: str) -> Iterator[bytes]:
    """What stands around a token, wherever it is in there: in any encoding, on one line or folded."""
    for one in (content, content.replace(b"\n ", b""), content.replace(b"\\x00", b""), content.replace(b"\\u0000", b"")):
        for form in forms_of(token):
            if (place := one.find(form)) >= 0:
                yield one[max(0, place - 200) : place + 60]


def found_in(content: bytes) -> dict[str, bytes]:
    """The fields whose secrets are in there, and the first place of each."""
    found = ((name, next(excerpts(content, token), b"")) for name, token in TOKENS.items())
    return {name: excerpt for name, excerpt in found if excerpt}


class Everything(logging.Handler):
    """Keeps all that is logged, as the most talkative handlers write it: with the variables of every frame."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(repr(vars(record)))
        self.lines.append(self.format(record))
        if record.exc_info and record.exc_info[1] is not None:
            self.lines.append(with_variables(record.exc_info[1]))


def with_variables(error: BaseException) -> str:
    """A traceback with the variables of every frame."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
