"""``provisioning.xsd``: every element, attribute and value of the language, and what a mistake is answered with."""

from __future__ import annotations

import threading

import pytest

from mpf_core import xml
from mpf_core.errors import Code, MpfError, Violation
from mpf_core.validation.documents import check_namespace_file, check_request, provisioning_schema

XSL = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'

REQUESTS = {
    "simple": "<request><data><a b='c'>d</a></data></request>",
    "nothing at all": "<request/>",
    "batch": """<request xmlns="http://maps/specs/prov.xml">
        <globalData><users><user name="joe"/></users></globalData>
        <data><organizations><organization/></organizations></data><data/><data/>
        <context><clientContext clientTransactionId="1" localeID="1033"/></context>
        <procedure><execute namespace="a" procedure="b">
          <forEach name="organization" root="data" path="organizations/organization"/>
          <forEach name="user" root="data" path="users/user" ifNull="skip"/>
          <before source="organization" destination="executeData"/>
          <before source="user" destination="executeData"/></execute></procedure></request>""",
    "transforms": f"""<request {XSL}><procedure><execute namespace="a" procedure="b">
        <before source="data" destination="executeData"><xsl:template match="x"><y/></xsl:template>
          <xsl:template match="z"/></before>
        <after source="executeData" destination="data" mode="merge"/></execute></procedure></request>""",
    "context": """<request><context>
        <transactionContext tipUrl="x" TransactionId="53367B03"/>
        <securityContext trustee="x" impersonate="0" sensitive="0" trusted="0"><authentication>
          <passport puidHigh="0x0000FFFF" puidLow="12"/><basic domain="a" username="b" password=""/></authentication>
        </securityContext>
        <queueContext onFailure="queueToOperator" queueId="1:1f319d8e" retryCount="3" priority="-50" retryInterval="300"
            retainSuccessfulResponses="1" retryStopOnFailure="0x80070057" retryType="anything">
          <parentQueue queueId="1:2"/><parentQueue queueID="1:3"/></queueContext>
        <clientContext/></context></request>""",
    "error handling": """<request><data/><procedure>
        <try><execute namespace="Error Provider" procedure="SetError"><executeData><hr>0x82101391</hr></executeData>
          <after source="executeData" destination="data"/></execute><try/><catch/></try>
        <catch><execute namespace="Error Provider" procedure="TranslateProvisioningError"/></catch>
        <try/><catch/></procedure></request>""",
    "every step": """<request><procedure>
        <select name="kind" source="data" sourcePath="user/@type" defaultCase="user" ifNullCase="user">
          <where value="Administrator" case="admin"/></select>
        <procedureData q="1">text<path/></procedureData>
        <transform><when select="kind" case="admin"/><before source="data" destination="procedureData"/></transform>
        <execute namespace="a" procedure="b" impersonate="1" sensitive="2" trusted="0">
          <after source="executeData" destination="data" destinationPath="x" ifNull="ignore" allowNullTransform="1"/>
          <when source="data" sourcePath="user"/><repeat source="data" sourcePath="@count" ifNull="ignore"/>
          <executeData any="thing"/></execute>
        <queue namespace="a" procedure="b" queueSuspended="0" impersonate="2">
          <before source="data" sourcePath="organizations" destination="executeData" ifNull="skip" mode="move"/>
          <after source="context" destination="data"/></queue></procedure></request>""",
}


@pytest.mark.parametrize("source", REQUESTS.values(), ids=REQUESTS)
def test_requests_that_are_right(source: str) -> None:
    root = xml.parse(source)
    xml.strip_provisioning_namespace(root)
    check_request(root)


@pytest.mark.parametrize(
    "order",
    [
        "data context procedure globalData",
        "procedure context data data",
        "globalData data procedure data context data",
        "context globalData procedure",
        "procedure globalData context",
        "procedure data globalData",
        "context procedure globalData data",
    ],
)
def test_children_of_a_request_come_in_any_order(order: str) -> None:
    check_request(xml.parse(f"<request>{''.join(f'<{name}/>' for name in order.split())}</request>"))


@pytest.mark.parametrize("name", ["globalData", "context", "procedure"])
@pytest.mark.parametrize("between", ["", "<data/>"])
def test_what_a_request_has_once_is_refused_twice(name: str, between: str) -> None:
    found = refused(f"<request><{name}/>{between}<{name}/></request>")
    assert [(each.path, each.message) for each in found] == [
        (f"/request/{name}[2]", f"The element '{name}' is given 2 times; it may be given once.")
    ]


def refused(source: str) -> list[Violation]:
    with pytest.raises(MpfError) as caught:
        check_request(xml.parse(source))
    assert caught.value.code == Code.INVALID_REQUEST
    assert caught.value.violations[0].message.rstrip(".") in caught.value.description
    return list(caught.value.violations)


def step(body: str, attributes: str = 'namespace="a" procedure="b"', name: str = "execute") -> str:
    return f"<request><procedure><{name} {attributes}>{body}</{name}></procedure></request>"


BEFORE = 'source="data" destination="executeData"'

WRONG_VALUES = [
    (step("", 'namespace="a" procedure="b" impersonate="3"'), "impersonate", "'0', '1', '2'"),
    (step("", 'namespace="a" procedure="b" sensitive="x"'), "sensitive", "'0', '1', '2'"),
    (step("", 'namespace="a" procedure="b" trusted="-1"'), "trusted", "'0', '1', '2'"),
    (step("", 'namespace="a" procedure="b" queueSuspended="2"', "queue"), "queueSuspended", "'0', '1'"),
    (step("", 'namespace="" procedure="b"'), "namespace", "must not be empty"),
    (step(f'<before {BEFORE} mode="insrt"/>'), "mode", "Did you mean 'insert'?"),
    (step(f'<before {BEFORE} ifNull="never"/>'), "ifNull", "'fail', 'ignore', 'skip'"),
    (step(f'<after {BEFORE} ifNull="skip"/>'), "ifNull", "'fail', 'ignore'."),
    (step(f'<after {BEFORE} allowNullTransform="yes"/>'), "allowNullTransform", "'0', '1', 'false', 'true'"),
    (step(f'<after {BEFORE} allowNullTransform=" 1"/>'), "allowNullTransform", "'0', '1', 'false', 'true'"),
    (step('<forEach name="x" root="data" ifNull="no"/>'), "ifNull", "'fail', 'ignore', 'skip'"),
    (step('<repeat source="data" ifNull="no"/>'), "ifNull", "'fail', 'ignore', 'skip'"),
    ('<request><context><queueContext retryCount="many"/></context></request>', "retryCount", "'many'"),
    ('<request><context><queueContext retryInterval="65536"/></context></request>', "retryInterval", "65536"),
    ('<request><context><queueContext onFailure="stop"/></context></request>', "onFailure", "'queueToOperator'"),
    ('<request><context><queueContext retryStopOnFailure="57"/></context></request>', "retryStopOnFailure", "'57'"),
]


@pytest.mark.parametrize(("source", "attribute", "said"), WRONG_VALUES)
def test_a_wrong_value_is_answered_with_the_right_ones(source: str, attribute: str, said: str) -> None:
    (violation,) = refused(source)
    assert violation.path.endswith(f"/@{attribute}")
    assert said in violation.message


@pytest.mark.parametrize(
    ("source", "attribute"),
    [
        (step("", 'procedure="b"'), "namespace"),
        (step("", 'namespace="b"', "queue"), "procedure"),
        (step('<before destination="data"/>'), "source"),
        (step('<after source="data"/>'), "destination"),
        (step('<forEach root="data"/>'), "name"),
        (step('<forEach name="x"/>'), "root"),
        (step("<repeat/>"), "source"),
        ('<request><procedure><select source="data"/></procedure></request>', "name"),
        ('<request><procedure><select name="x"/></procedure></request>', "source"),
        ('<request><procedure><select name="x" source="data"><where case="1"/></select></procedure></request>', "value"),
        ('<request><procedure><select name="x" source="data"><where value="1"/></select></procedure></request>', "case"),
    ],
)
def test_a_missing_attribute_is_named(source: str, attribute: str) -> None:
    (violation,) = refused(source)
    assert violation.message == f"The attribute '{attribute}' is missing."


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('<request timeout="1"/>', "'timeout' is not allowed here; this element has no attributes"),
        (step("", 'namespace="a" procedur="b"'), "Did you mean 'procedure'?"),
        ('<request><procedure name="x"/></request>', "this element has no attributes"),
        ("<request><procedure><transform name='x'/></procedure></request>", "no attributes"),
        ("<request><procedure><try x='1'/><catch/></procedure></request>", "no attributes"),
    ],
)
def test_an_unknown_attribute_is_named(source: str, said: str) -> None:
    assert any(said in each.message for each in refused(source))


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("<request><dat/></request>", "/request/dat", "Did you mean 'data'?"),
        (step("<befor/>"), "/request/procedure/execute/befor", "Did you mean 'before'?"),
        (step("<executeData/><executeData/>"), "/request/procedure/execute/executeData[2]", "it may be given once"),
        (step(f"<before {BEFORE}><x/></before>"), "/request/procedure/execute/before/x", "invalid child element 'x'"),
        ("<request><procedure><try/><execute/></procedure></request>", "execute", "'catch' must come first"),
        ("<request><procedure><try/></procedure></request>", "/request/procedure", "'catch' must follow"),
        ("<request><procedure><catch/></procedure></request>", "catch", "out of place"),
        ("<request><procedure><try/><catch/><catch/></procedure></request>", "catch[2]", "out of place"),
        ("<request><procedure><Schema name='inputSchema'/></procedure></request>", "Schema", "invalid child element"),
        ("<request><context><executeContext/></context></request>", "executeContext", "invalid child element"),
        ("<request><context><errorContext/></context></request>", "errorContext", "invalid child element"),
        ("<request><context><providerContext/></context></request>", "providerContext", "invalid child element"),
        ("<request><try/></request>", "/request/try", "invalid child element 'try'"),
        ('<request><procedure xmlns="urn:x"/></request>', "/request/*", "namespace 'urn:x'"),
    ],
)
def test_a_wrong_element_is_named_with_what_is_possible(source: str, path: str, said: str) -> None:
    found = refused(source)
    assert any(each.path.endswith(path) and said in each.message for each in found), found


def test_every_mistake_is_listed_with_its_line() -> None:
    found = refused(
        "<request>\n<procedure>\n<execute namespace='a' impersonate='9'>\n<befor/>\n<after mode='x'/>\n</execute>\n"
        "<try/>\n<transform/>\n</procedure>\n<foo/></request>"
    )
    assert {(each.line, each.path) for each in found} == {
        (3, "/request/procedure/execute"),
        (3, "/request/procedure/execute/@impersonate"),
        (4, "/request/procedure/execute/befor"),
        (5, "/request/procedure/execute/after"),
        (5, "/request/procedure/execute/after/@mode"),
        (8, "/request/procedure/transform"),
        (10, "/request/foo"),
    }


def test_the_description_says_how_many_more_there_are() -> None:
    with pytest.raises(MpfError) as caught:
        check_request(xml.parse("<request><foo/><procedure x='1'/><context y='1'/></request>"))
    assert "The request is not valid: " in caught.value.description
    assert f"(and {len(caught.value.violations) - 1} more mistakes)" in caught.value.description


def test_another_document_is_no_request() -> None:
    (violation,) = refused("<namespace name='x'/>")
    assert violation.message == "The document is <namespace>; it must be <request>."
    (violation,) = refused("<request xmlns='urn:x'/>")
    assert violation.message == "The document is <request> in the namespace 'urn:x'; it must be <request>."


def test_a_password_is_never_repeated() -> None:
    source = "<request><context><securityContext><authentication><basic password='hunter2' user='x'/></authentication>"
    found = refused(source + "</securityContext></context></request>")
    assert "hunter2" not in str(found)


NAMESPACES = {
    "exported": f"""<namespace name="New Namespace_1" version="1" description="d" providerSource="a.b" readOnly="0" {XSL}>
        <procedure name="A" type="read" access="public" description="d" perfEnabled="0" auditEnabled="1"
            saveDataForRollback="1"><Schema name="inputSchema"><anything/></Schema>
          <Schema name="outputSchema" more="x">text</Schema></procedure>
        <providerContext protocol="https" server="x"><free/></providerContext>
        <procedure name="B_" type="two-phase" access="private"><procedureData/>
          <execute namespace="a" procedure="b"/><Schema name="inputSchema"/></procedure>
        <procedure name="C" type="twoPhase"/></namespace>""",
    "only the head": '<namespace name="x"/>',
    "one procedure": '<procedure name="A" type="write"><execute namespace="a" procedure="b"/></procedure>',
}


@pytest.mark.parametrize("source", NAMESPACES.values(), ids=NAMESPACES)
def test_namespace_files_that_are_right(source: str) -> None:
    assert check_namespace_file(xml.parse(source), "x.xml") == []


@pytest.mark.parametrize(
    ("source", "path", "said"),
    [
        ("<namespace/>", "/namespace", "The attribute 'name' is missing."),
        ('<namespace name="bad/name"/>', "/namespace/@name", "does not match the pattern"),
        ('<namespace name="x" readOnly="maybe"/>', "/namespace/@readOnly", "'0', '1'"),
        ('<namespace name="x" provider="y"/>', "/namespace", "Did you mean 'providerSource'?"),
        ('<procedure name="A" type="writes"/>', "/procedure/@type", "Did you mean 'write'?"),
        ('<procedure name="A" access="all"/>', "/procedure/@access", "'private', 'public'"),
        ('<procedure name="Ä"/>', "/procedure/@name", "does not match the pattern"),
        ('<procedure name="A" auditEnabled="x"/>', "/procedure/@auditEnabled", "'0', '1'"),
        ('<procedure name="A"><Schema name="in"/></procedure>', "/procedure/Schema/@name", "'inputSchema'"),
        ('<procedure name="A"><schema name="inputSchema"/></procedure>', "/procedure/schema", "Did you mean 'Schema'?"),
        (
            '<procedure name="A"><Schema name="inputSchema" xmlns="urn:schemas-microsoft-com:xml-data"/></procedure>',
            "/procedure/*",
            "XDR",
        ),
        ("<request/>", "/request", "The document is <request>; it must be <namespace> or <procedure>."),
    ],
)
def test_mistakes_in_namespace_files_are_named(source: str, path: str, said: str) -> None:
    found = check_namespace_file(xml.parse(source), "folder/x.xml")
    assert [(each.path, each.file, each.line) for each in found] == [(path, "folder/x.xml", 1)]
    assert said in found[0].message


EXECUTE_XML = """<executeXml><executeData/><context>
    <transactionContext transactionId="{1}"/><providerContext a="b"/><errorContext code="0x1" description="d"/>
    <executeContext namespace="a" procedure="b" providerSource="p" procedureExecId="2" type="write"/>
  </context></executeXml>"""

FAILURE = """<response><errorContext code="0x80070643" description="d"><errorDescription><Fault/></errorDescription>
    <errorSource namespace="a" procedure="b"/></errorContext><t xmlns="urn:x"/></response>"""


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ("<response><data><any/></data></response>", True),
        ('<response><errorContext code="0x80040e14" description="" executeSeqNo="70"/></response>', True),
        (FAILURE, True),
        ("<response/>", False),
        ('<response><data/><errorContext code="0x1" description=""/></response>', False),
        ('<response><errorContext code="1" description=""/></response>', False),
        ('<response><errorContext code="0x1"/></response>', False),
        (EXECUTE_XML, True),
        ('<executeXml><context><executeContext namespace="a" procedure="b"/></context></executeXml>', False),
    ],
)
def test_responses_and_what_providers_get(source: str, right: bool) -> None:
    assert provisioning_schema().accepts(xml.parse(source)) is right


def test_threads_check_at_the_same_time() -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(20):
            check_request(xml.parse(REQUESTS["every step"]))
            found = refused(f"<request><procedure><e{number}/></procedure></request>")
            if [each.path for each in found] != [f"/request/procedure/e{number}"]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
