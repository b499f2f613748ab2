"""From bytes to an admitted request: parsed, checked against provisioning.xsd, and of a kind that its sender may send.

Sources: spec/provisioning-schema.md, "Trusted vs simple/untrusted requests"; spec/engine-and-runtime.md, 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from mpf_core import redaction, xml
from mpf_core.allowance import check_secrets
from mpf_core.config import Limits
from mpf_core.dataflow import clone
from mpf_core.errors import Code, MpfError
from mpf_core.model import Execute, Inherit, Step
from mpf_core.provider import Element
from mpf_core.security.identity import Impersonate
from mpf_core.steps import Problems, StepReader
from mpf_core.validation.documents import check_request

#: Asks whether the sender has a permission of ``[security.permissions]``.
Permitted = Callable[[str], bool]


@dataclass(slots=True)
class Admitted:
    """A request that may run: either ``target`` (simple) or ``steps`` (it spells out a procedure).

    ``plain`` says that the steps only execute procedures, once each, with ``impersonate="1"`` and plain transfers, which is
    the shape of all documented samples: such a request is admitted as if it were simple. ``shared`` are the copies of
    globalData's children that stand in ``data``.
    """

    data: list[Element]
    steps: tuple[Step, ...]
    target: Execute | None
    procedure_data: Element | None
    context: Element
    plain: bool
    shared: tuple[Element, ...] = ()
    trustee: str | None = None
    authentication: Element | None = None
    client_context: Element | None = None
    sensitive: Inherit = Inherit.INHERIT

    @property
    def title(self) -> str:
        """What the request asks for, for the journal: ``Namespace::Procedure``."""
        if self.target is not None:
            return f"{self.target.namespace}::{self.target.procedure}"
        calls = [step for step in self.steps if isinstance(step, Execute)]
        return f"{calls[0].namespace}::{calls[0].procedure}" if len(calls) == 1 else "request"


def admit(
    source: bytes | str, namespace: str | None, procedure: str | None, limits: Limits, permitted: Permitted
) -> Admitted:
    """Parse and check a request. Raises MpfError for everything that its sender can do wrong.

    With ``namespace`` and ``procedure`` it must be a simple request (data and context only), otherwise it must have a
    ``procedure``.
    """
    root = xml.parse(source, limit=limits.document_bytes)
    xml.strip_provisioning_namespace(root)
    secrets = redaction.marked(root)
    check_secrets(limits, secrets)
    redaction.hide(secrets)  # before anything can quote them
    if root.tag != "request":
        raise MpfError(Code.INVALID_REQUEST, f"The document is <{etree.QName(root).localname}>, not <request>.")
    check_request(root)
    body = root.find("procedure")
    if namespace is not None and procedure is not None:
        if body is not None:
            raise MpfError(Code.INVALID_REQUEST, "A simple request (namespace and procedure are given) has no <procedure>.")
        steps: tuple[Step, ...] = ()
        target = Execute(label="execute[1]", namespace=namespace, procedure=procedure, impersonate=Impersonate.ON)
        plain = True
    else:
        if body is None:
            raise MpfError(
                Code.INVALID_REQUEST, "The request has no <procedure>: add one, or name a namespace and a procedure."
            )
        reader = StepReader(Problems("", raise_at_once=True), plain_paths=True, allow_xslt=permitted("request_xslt"))
        steps, target = reader.steps(body), None
        plain = _is_plain(steps) and body.find("procedureData") is None
    context = _own(root.find("context"), "context")
    data, shared = _data(root, limits, simple=target is not None)
    admitted = Admitted(
        data=data,
        steps=steps,
        target=target,
        procedure_data=body.find("procedureData") if body is not None else None,
        context=context,
        plain=plain,
        shared=shared,
        client_context=context.find("clientContext"),
    )
    _check_kind(admitted, context, permitted)
    return admitted


def _own(element: Element | None, tag: str) -> Element:
    return etree.Element(tag) if element is None else clone(element)


def _data(root: Element, limits: Limits, *, simple: bool) -> tuple[list[Element], tuple[Element, ...]]:
    """The data nodes, each with the content of globalData before its own, and the copies of that content."""
    nodes = [clone(node) for node in root.findall("data")] or [etree.Element("data")]
    shared = root.find("globalData")
    if simple and (len(nodes) > 1 or shared is not None):
        raise MpfError(Code.INVALID_REQUEST, "A simple request has one <data> and no <globalData>.")
    copies = []
    if shared is not None:
        if len(etree.tostring(shared)) * len(nodes) > limits.copied_bytes:
            text = f"globalData for {len(nodes)} data nodes is more than engine.limits.copied_bytes ({limits.copied_bytes})."
            raise MpfError(Code.TOO_MUCH_DATA, text)
        for node in nodes:
            for number, child in enumerate(shared):
                copies.append(clone(child))
                node.insert(number, copies[-1])
    return nodes, tuple(copies)


def _is_plain(steps: tuple[Step, ...]) -> bool:
    return bool(steps) and all(
        type(step) is Execute
        and step.impersonate is Impersonate.ON
        and not (step.for_each or step.repeat or step.when)
        and step.trusted is step.sensitive is Inherit.INHERIT
        and not any(transfer.transform for transfer in (*step.before, *step.after))
        and not any("context" in {transfer.source, transfer.destination} for transfer in (*step.before, *step.after))
        for step in steps
    )


def _check_kind(admitted: Admitted, context: Element, permitted: Permitted) -> None:
    if not admitted.plain and not permitted("trusted_requests"):
        raise MpfError(
            Code.E_ACCESSDENIED,
            "This request does more than execute public procedures, once each, with impersonate='1' and plain before and "
            "after; its sender lacks the permission 'trusted_requests'.",
        )
    security = context.find("securityContext")
    if security is None:
        return
    admitted.trustee = security.get("trustee")
    admitted.authentication = security.find("authentication")
    admitted.sensitive = Inherit(security.get("sensitive", Inherit.INHERIT.value))
    named = admitted.trustee is not None or admitted.authentication is not None
    if named and (admitted.target is not None or not permitted("callers_credentials")):
        raise MpfError(
            Code.E_ACCESSDENIED,
            "Credentials and a trustee are accepted in a trusted request only, from a sender with the permission "
            "'callers_credentials'.",
        )
