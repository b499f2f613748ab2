"""Which requests are let in, as what, and what a refused one is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from mpf_core import Code, MpfError
from mpf_core.admission import Admitted, admit
from mpf_core.config import Limits
from mpf_core.model import Inherit
from mpf_core.security.identity import Impersonate

LIMITS = Limits()
CALL = '<execute namespace="N" procedure="P" impersonate="1"{0}>{1}</execute>'


def nothing(_permission: str) -> bool:
    return False


def only(*permissions: str) -> Callable[[str], bool]:
    return lambda permission: permission in permissions


def simple(content: str, permitted: Callable[[str], bool] = nothing) -> Admitted:
    return admit(f"<request>{content}</request>", "N", "P", LIMITS, permitted)


def spelled_out(content: str, permitted: Callable[[str], bool] = nothing) -> Admitted:
    return admit(f"<request>{content}</request>", None, None, LIMITS, permitted)


def refused(content: str, permitted: Callable[[str], bool] = nothing, *, target: bool = False) -> tuple[int, str]:
    with pytest.raises(MpfError) as caught:
        (simple if target else spelled_out)(content, permitted)
    return caught.value.code, caught.value.description


def procedure(*steps: str) -> str:
    return f"<data/><procedure>{''.join(steps)}</procedure>"


def texts(elements: list[etree._Element]) -> list[str]:
    return [etree.tostring(element).decode() for element in elements]


class TestSimple:
    def test_it_calls_its_procedure_with_impersonation(self) -> None:
        admitted = simple("<data><a/></data>")
        assert admitted.target is not None
        assert (admitted.target.namespace, admitted.target.procedure) == ("N", "P")
        assert (admitted.target.impersonate, admitted.target.label) == (Impersonate.ON, "execute[1]")
        assert (admitted.title, admitted.plain, admitted.steps, admitted.procedure_data) == ("N::P", True, (), None)
        assert texts(admitted.data) == ["<data><a/></data>"]

    @pytest.mark.parametrize("namespace", ["http://maps/specs/prov.xml", "https://maps/specs/prov.xml"])
    def test_in_the_namespace_of_the_samples_it_is_the_same(self, namespace: str) -> None:
        source = f'<p:request xmlns:p="{namespace}"><p:data><p:a/></p:data></p:request>'
        assert [element.tag for element in admit(source, "N", "P", LIMITS, nothing).data[0].iter()] == ["data", "a"]

    def test_in_another_namespace_it_is_none(self) -> None:
        with pytest.raises(MpfError) as raised:
            admit('<request xmlns="urn:other"><data/></request>', "N", "P", LIMITS, nothing)
        assert raised.value.code == Code.INVALID_REQUEST

    def test_without_data_it_has_an_empty_one(self) -> None:
        assert texts(simple("").data) == ["<data/>"]

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("<data/><procedure/>", "A simple request (namespace and procedure are given) has no <procedure>."),
            ("<data/><data/>", "A simple request has one <data> and no <globalData>."),
            ("<globalData/><data/>", "A simple request has one <data> and no <globalData>."),
        ],
    )
    def test_it_has_nothing_else(self, content: str, text: str) -> None:
        assert refused(content, target=True) == (Code.INVALID_REQUEST, text)

    def test_no_other_document_is_a_request(self) -> None:
        with pytest.raises(MpfError) as caught:
            admit("<x:response xmlns:x='urn:x'/>", "N", "P", LIMITS, nothing)
        assert (caught.value.code, caught.value.description) == (
            Code.INVALID_REQUEST,
            "The document is <response>, not <request>.",
        )

    def test_it_is_as_large_as_the_limits_say(self) -> None:
        with pytest.raises(MpfError) as caught:
            admit("<request><data/></request>", "N", "P", Limits(document_bytes=20), nothing)
        assert caught.value.code == Code.DOCUMENT_TOO_LARGE

    @pytest.mark.parametrize("half", [("N", None), (None, "P")])
    def test_half_a_target_is_none(self, half: tuple[str | None, str | None]) -> None:
        with pytest.raises(MpfError) as caught:
            admit("<request><data/></request>", *half, LIMITS, nothing)
        assert caught.value.description == "The request has no <procedure>: add one, or name a namespace and a procedure."
        assert caught.value.code == Code.INVALID_REQUEST


class TestPlain:
    @pytest.mark.parametrize(
        "steps",
        [
            CALL.format("", ""),
            CALL.format("", "") * 2,
            CALL.format(
                "", '<before source="data" destination="executeData"/><after source="executeData" destination="data"/>'
            ),
        ],
    )
    def test_what_the_samples_do_needs_no_permission(self, steps: str) -> None:
        assert spelled_out(procedure(steps)).plain

    @pytest.mark.parametrize(
        "steps",
        [
            "",
            CALL.format("", "").replace('impersonate="1"', 'impersonate="2"'),
            CALL.format("", "").replace('impersonate="1"', ""),
            CALL.format("", "") + CALL.format("", "").replace('impersonate="1"', 'impersonate="0"'),
            f"<try>{CALL.format('', '')}</try><catch/>",
            CALL.format("", "") + "<transform/>",
            CALL.format("", '<before source="context" destination="executeData"/>'),
            CALL.format("", '<before source="data" destination="context"/>'),
            CALL.format("", '<after source="context" destination="data"/>'),
            CALL.format("", '<after source="executeData" destination="context"/>'),
            f"<procedureData/>{CALL.format('', '')}",
        ],
    )
    def test_more_than_that_needs_one(self, steps: str) -> None:
        code, text = refused(procedure(steps))
        assert code == Code.E_ACCESSDENIED
        assert text.endswith("its sender lacks the permission 'trusted_requests'.")
        assert text.startswith("This request does more than execute public procedures, once each, with impersonate='1'")
        assert not spelled_out(procedure(steps), only("trusted_requests")).plain

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_a_template_is_more_than_that(self, place: str) -> None:
        template = '<xsl:template xmlns:xsl="http://www.w3.org/1999/XSL/Transform" match="/"><x/></xsl:template>'
        ends = ("data", "executeData") if place == "before" else ("executeData", "data")
        step = CALL.format("", f'<{place} source="{ends[0]}" destination="{ends[1]}">{template}</{place}>')
        assert refused(procedure(step), only("request_xslt"))[0] == Code.E_ACCESSDENIED
        assert refused(procedure(step), only("trusted_requests"))[0] != 0
        assert not spelled_out(procedure(step), only("request_xslt", "trusted_requests")).plain

    def test_its_title_is_its_only_call(self) -> None:
        permitted = only("trusted_requests")
        assert spelled_out(procedure(CALL.format("", ""))).title == "N::P"
        assert spelled_out(procedure("<transform/>", CALL.format("", "")), permitted).title == "N::P"
        assert spelled_out(procedure(CALL.format("", "") * 2)).title == "request"
        assert spelled_out(procedure("<transform/>"), permitted).title == "request"


class TestPrograms:
    """What makes the engine work is for those who may."""

    TEMPLATE = (
        '<xsl:template xmlns:xsl="http://www.w3.org/1999/XSL/Transform" match="/"><xsl:value-of select="1"/></xsl:template>'
    )

    def test_a_template_needs_a_permission(self) -> None:
        step = CALL.format("", f'<before source="data" destination="executeData">{self.TEMPLATE}</before>')
        code, _ = refused(procedure(step), only("trusted_requests"))
        assert code != Code.E_ACCESSDENIED
        assert not spelled_out(procedure(step), only("trusted_requests", "request_xslt")).plain

    def test_a_path_is_a_plain_one_whatever_its_sender_may(self) -> None:
        step = CALL.format("", '<before source="data" sourcePath="//*[count(//*) > 0]" destination="executeData"/>')
        refused(procedure(step), lambda _permission: True)

    def test_what_is_not_in_the_schema_is_refused(self) -> None:
        assert refused("<nonsense/>", target=True)[0] == Code.INVALID_REQUEST
        refused("<data/><nonsense/>" + procedure(CALL.format("", "")).removeprefix("<data/>"), lambda _permission: True)


class TestData:
    def test_what_is_shared_comes_first_in_every_data(self) -> None:
        content = "<globalData><a/><b/></globalData><data><c/></data><data/>" + procedure(CALL.format("", "")).removeprefix(
            "<data/>"
        )
        admitted = spelled_out(content)
        assert texts(admitted.data) == ["<data><a/><b/><c/></data>", "<data><a/><b/></data>"]
        assert [element.getparent() for element in admitted.shared] == [
            admitted.data[0],
            admitted.data[0],
            admitted.data[1],
            admitted.data[1],
        ]

    def test_data_of_the_procedure_is_kept(self) -> None:
        admitted = spelled_out(
            procedure(f"<procedureData><x/></procedureData>{CALL.format('', '')}"), only("trusted_requests")
        )
        assert admitted.procedure_data is not None
        assert texts([admitted.procedure_data]) == ["<procedureData><x/></procedureData>"]


BASIC = '<authentication><basic username="u" password="p"/></authentication>'


def context(attributes: str, content: str = "") -> str:
    return f"<context><securityContext{attributes}>{content}</securityContext></context>"


class TestContext:
    def test_without_one_it_has_an_empty_one(self) -> None:
        admitted = simple("<data/>")
        assert texts([admitted.context]) == ["<context/>"]
        assert (admitted.trustee, admitted.authentication, admitted.client_context) == (None, None, None)
        assert admitted.sensitive is Inherit.INHERIT

    def test_a_client_may_say_what_it_likes_of_itself(self) -> None:
        admitted = simple('<data/><context><clientContext clientTransactionId="7"/></context>')
        assert admitted.client_context is not None
        assert admitted.client_context.get("clientTransactionId") == "7"

    @pytest.mark.parametrize(
        ("said", "meant"), [(' sensitive="2"', Inherit.NO), (' sensitive="1"', Inherit.YES), ("", Inherit.INHERIT)]
    )
    def test_how_sensitive_it_is_anybody_may_say(self, said: str, meant: Inherit) -> None:
        assert simple("<data/>" + context(said)).sensitive is meant

    @pytest.mark.parametrize("named", [context(' trustee="t"'), context("", BASIC), context(' trustee="t"', BASIC)])
    def test_somebody_else_is_named_in_a_trusted_request_with_a_permission_only(self, named: str) -> None:
        text = (
            "Credentials and a trustee are accepted in a trusted request only, from a sender with the permission "
            "'callers_credentials'."
        )
        body = procedure(CALL.format("", ""))
        content = body.replace("<procedure>", f"{named}<procedure>")
        assert refused("<data/>" + named, only("callers_credentials"), target=True) == (Code.E_ACCESSDENIED, text)
        assert refused(content, only("trusted_requests")) == (Code.E_ACCESSDENIED, text)
        admitted = spelled_out(content, only("callers_credentials"))
        assert (admitted.trustee == "t") is ("trustee" in named)
        assert (admitted.authentication is not None) is ("basic" in named)
