"""Response documents (spec: provisioning-schema.md, response and errorContext; section Z, rule 11)."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from mpf_core import redaction, xml
from mpf_core.errors import MpfError, format_hresult
from mpf_core.provider import Element
from mpf_core.transaction.states import TransactionState
from mpf_core.transaction.transaction import StepOutcome

#: Namespace of what this engine adds to an error response; clients of the original look at errorContext only.
TRANSACTION_NAMESPACE = "urn:mpf:transaction"


def success(data: Sequence[Element]) -> bytes:
    """``response(data)``: the final content of the request's data."""
    response = etree.Element("response")
    response.extend(data)
    return xml.serialize(response)


def error_context(error: MpfError) -> Element:
    """``errorContext`` with its stack; schema violations stand below ``errorDescription``."""
    element = etree.Element(
        "errorContext",
        description=printable(redaction.mask(error.description)),
        code=format_hresult(error.code),
        executeSeqNo=str(error.sequence),
    )
    for source in error.sources:
        etree.SubElement(
            element, "errorSource", namespace=printable(source.namespace), procedure=printable(source.procedure)
        )
    if error.violations:
        description = etree.SubElement(element, "errorDescription")
        for violation in error.violations:
            found = etree.SubElement(description, "violation", path=printable(violation.path))
            if violation.line is not None:
                found.set("line", str(violation.line))
            found.text = printable(redaction.mask(violation.message))
    return element


def failure(error: MpfError, transaction_id: str, state: TransactionState, outcomes: Sequence[StepOutcome]) -> bytes:
    """``response(errorContext)``, and after it what became of the transaction, step by step."""
    response = etree.Element("response")
    response.append(error_context(error))
    transaction = etree.SubElement(
        response,
        f"{{{TRANSACTION_NAMESPACE}}}transaction",
        nsmap={None: TRANSACTION_NAMESPACE},  # type: ignore[dict-item]
        id=transaction_id,
        state=state.value,
    )
    if error.step:
        transaction.set("failedStep", printable(error.step))
    for outcome in outcomes:
        step = etree.SubElement(
            transaction,
            f"{{{TRANSACTION_NAMESPACE}}}step",
            sequence=str(outcome.sequence),
            namespace=outcome.namespace,
            procedure=outcome.procedure,
            outcome=outcome.state.value,
        )
        if outcome.detail:
            step.set("detail", printable(outcome.detail))
    return xml.serialize(response)


def printable(text: str) -> str:
    """``text`` with what XML cannot carry written as ``\\uXXXX``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\t\n" else f"\\u{ord(c):04x}" for c in text)
