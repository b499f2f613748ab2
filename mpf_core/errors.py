"""The one exception type of the engine, and the table of the codes it raises itself.

An MPF error is an HRESULT and a text (spec: provisioning-schema.md, errorContext). Standard HRESULTs are used wherever one
fits; what only this engine knows has the customer bit set (``0xA210....``), so that it can never be taken for a code of
the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Code(IntEnum):
    """HRESULTs that the engine and the shipped providers raise, as unsigned 32-bit numbers."""

    E_FAIL = 0x80004005
    E_NOTIMPL = 0x80004001
    E_UNEXPECTED = 0x8000FFFF
    E_PENDING = 0x8000000A
    E_INVALIDARG = 0x80070057
    E_ACCESSDENIED = 0x80070005
    INVALID_OPERATION = 0x80131509
    NOT_FOUND = 0x80070490
    PROC_NOT_FOUND = 0x8007007F
    NOT_SUPPORTED = 0x80070032
    TIMEOUT = 0x800705B4
    CANCELLED = 0x800704C7
    LOCK_VIOLATION = 0x80070021
    NO_SUCH_OBJECT = 0x80072030
    OBJECT_ALREADY_EXISTS = 0x80071392
    SERVER_DOWN = 0x8007203A
    NONE_MAPPED = 0x80070534
    DOMAIN_MISMATCH = 0xC2100FA5
    XACT_E_INDOUBT = 0x8004D016

    MALFORMED_XML = 0xA2100001
    DOCUMENT_TOO_LARGE = 0xA2100002
    FORBIDDEN_XML = 0xA2100003
    INVALID_REQUEST = 0xA2100004
    UNKNOWN_NAMESPACE = 0xA2100005
    TRANSFORM_FAILED = 0xA2100006
    TRANSFORM_EMPTY = 0xA2100007
    PATH_NOT_ALLOWED = 0xA2100008
    XSLT_NOT_ALLOWED = 0xA2100009
    TOO_MANY_STEPS = 0xA210000A
    CALLS_TOO_DEEP = 0xA210000B
    TOO_MANY_REPEATS = 0xA210000C
    RESULT_TOO_LARGE = 0xA210000D
    PROVIDER_UNAVAILABLE = 0xA210000E
    INVALID_SELECTION = 0xA210000F
    STORE_UNAVAILABLE = 0xA2100010
    KEY_REUSED = 0xA2100011
    REQUEST_RUNNING = 0xA2100012
    UNSETTLED = 0xA2100013
    TOO_MUCH_DATA = 0xA2100014


#: What each code means and what to do about it; docs/errors.md is checked against this table.
MEANINGS: dict[Code, str] = {
    Code.E_FAIL: "General failure; the service-pointer procedures raise it for `exists already` and `does not exist`.",
    Code.E_NOTIMPL: "The directory in use cannot do this (for example access control lists on the embedded one).",
    Code.E_UNEXPECTED: "A provider raised something that is not an MpfError, or returned something that is no output.",
    Code.E_PENDING: "Only in plans: what to do next depends on a value that only doing it yields.",
    Code.E_INVALIDARG: "A required argument is missing or empty, or the data of a call breaks its input schema. "
    "The original also refuses with it those who are no domain administrators.",
    Code.E_ACCESSDENIED: "A policy, an elevation rule or the directory refused the call.",
    Code.INVALID_OPERATION: "A business rule forbids it (InvalidOperationException of the original).",
    Code.NOT_FOUND: "The source node of a transform, loop or repeat selects nothing and ifNull is `fail`.",
    Code.PROC_NOT_FOUND: "The namespace has no procedure of that name.",
    Code.NOT_SUPPORTED: "A `queue` step was reached and no queue manager is configured.",
    Code.TIMEOUT: "The request's time is over; what was done is rolled back.",
    Code.CANCELLED: "The request was cancelled; what was done is rolled back.",
    Code.LOCK_VIOLATION: "Another transaction holds a key that this one needs; send the request again.",
    Code.NO_SUCH_OBJECT: "The directory has no object of that name.",
    Code.OBJECT_ALREADY_EXISTS: "The directory has an object of that name, or the group has the member, already.",
    Code.SERVER_DOWN: "The directory server does not answer.",
    Code.NONE_MAPPED: "No account belongs to that SID.",
    Code.DOMAIN_MISMATCH: "The preferred domain controller serves another domain than the path's (ADSCO_DOMAIN_MISMATCH).",
    Code.XACT_E_INDOUBT: "What was decided could not be finished or not be recorded: `mpfctl transactions show` tells.",
    Code.MALFORMED_XML: "The document is not well-formed XML, or nested too deeply.",
    Code.DOCUMENT_TOO_LARGE: "The document is larger than engine.limits.document_bytes.",
    Code.FORBIDDEN_XML: "The document has a DOCTYPE (and with it, possibly, entities); none is accepted.",
    Code.INVALID_REQUEST: "The request does not fit provisioning.xsd, or is of the wrong kind for this call.",
    Code.UNKNOWN_NAMESPACE: "No loaded namespace has that name; the plugin that brings it may be disabled or broken "
    "(`mpfctl plugins`).",
    Code.TRANSFORM_FAILED: "An XSL transform stopped with an error.",
    Code.TRANSFORM_EMPTY: "A transform gave no element and allowNullTransform is not set.",
    Code.PATH_NOT_ALLOWED: "A path in a request is more than a plain location path.",
    Code.XSLT_NOT_ALLOWED: "A request holds xsl:template and its sender lacks the permission `request_xslt`.",
    Code.TOO_MANY_STEPS: "The request made more calls than engine.limits.steps.",
    Code.CALLS_TOO_DEEP: "Procedures called each other deeper than engine.limits.depth.",
    Code.TOO_MANY_REPEATS: "A repeat count is above engine.limits.repeats, or no whole number; or all loops together go "
    "round more often than engine.limits.turns.",
    Code.RESULT_TOO_LARGE: "The response is larger than engine.limits.result_bytes.",
    Code.PROVIDER_UNAVAILABLE: "A loaded namespace names a provider that no working plugin offers.",
    Code.STORE_UNAVAILABLE: "The store cannot record what is about to be done, so it is not done.",
    Code.KEY_REUSED: "The idempotency key came with another request before, or there has been a transaction of that id.",
    Code.REQUEST_RUNNING: "A request with this idempotency key is running now; ask again later.",
    Code.UNSETTLED: "The request with this idempotency key ended inconsistent, in doubt or settled by hand: send it with "
    "another key when an operator has put things right.",
    Code.TOO_MUCH_DATA: "Transfers or globalData copy more than engine.limits.copied_bytes, or more values are marked as "
    "secret than engine.limits.secrets.",
    Code.INVALID_SELECTION: "A path selects nodes that cannot be used there (a number, or an attribute as a loop root).",
}


class ErrorSource(NamedTuple):
    """One line of the error stack: the procedure that raised, or passed on, the error."""

    namespace: str
    procedure: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One mistake in a document: where it is and what is wrong.

    ``path`` is an XPath from the document's root, ``line`` a 1-based line or ``None`` where the document has no lines.
    """

    message: str
    path: str = ""
    line: int | None = None
    file: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return " ".join(part for part in (place and place + ":", self.path and self.path + ":", self.message) if part)


class MpfError(Exception):
    """An error of a provisioning call: an HRESULT, a text, and where it happened.

    ``code`` is an unsigned 32-bit HRESULT; ``description`` the text for the caller; ``violations`` every mistake found
    in a document (schema errors); ``sources`` the error stack, innermost first (filled in by the engine while the error
    travels outwards); ``step`` the path of the failing step and ``sequence`` its number in the transaction.
    """

    def __init__(self, code: int, description: str, *, violations: Sequence[Violation] = ()) -> None:
        super().__init__(code, description)
        self.code = int(code) & 0xFFFFFFFF
        self.description = description
        self.violations = tuple(violations)
        self.sources: list[ErrorSource] = []
        self.step = ""
        self.sequence = 0

    def __str__(self) -> str:
        return f"{format_hresult(self.code)} {self.description}"


class ConfigError(Exception):
    """The configuration, a plugin or a namespace file is wrong: nothing was started and nothing was changed.

    ``problems`` lists every mistake that was found, not the first one only.
    """

    def __init__(self, message: str, problems: Sequence[Violation] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([str(self.args[0]), *(f"  {problem}" for problem in self.problems)])


def format_hresult(code: int) -> str:
    """``0x`` and eight lower-case digits, as in the original's responses (spec: provisioning-schema.md, errorContext)."""
    return f"0x{code & 0xFFFFFFFF:08x}"


def parse_hresult(text: str) -> int:
    """Read ``0xFFFFFFFF`` or a signed or unsigned decimal (spec: helpers-and-ad-providers.md, 4.1).

    Returns the unsigned 32-bit value. Raises ``ValueError`` for anything else.
    """
    text = text.strip()
    value = int(text, 16) if text[:2].lower() == "0x" else int(text, 10)
    if not -(2**31) <= value < 2**32:
        raise ValueError(f"{text} does not fit into 32 bits")
    return value & 0xFFFFFFFF


class Doomed(Exception):  # noqa: N818 - it carries the error
    """The transaction cannot go on, and no catch may handle it: its time is over, or an undo failed."""

    def __init__(self, error: MpfError) -> None:
        super().__init__(error)
        self.error = error
