"""Procedures as Mermaid flowcharts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpf_core.graph import mermaid
from mpf_core.loader import load_namespace
from mpf_core.model import Procedure
from scripts.write_reference.__main__ import CACHE
from scripts.write_reference.diagrams import NoMermaidError, mermaid_script
from scripts.write_reference.site import ROOT
from tests.namespaces.support import make_site
from tests.support import for_anybody

_NODE = re.compile(r'\s+(n\d+)(\(\[|\[\[|\[/|\[|\{\{|\(\()"([^"]*)"(\]\)|\]\]|/\]|\]|\}\}|\)\))(?::::(\w+))?')
_EDGE = re.compile(r'    (\w+) (?:-- "(?:yes|no)" )?(?:-->|-\.->) (n\d+)')
_CLOSING = {"([": "])", "[[": "]]", "[/": "/]", "[": "]", "{{": "}}", "((": "))"}


class Chart:
    """A flowchart, read line by line; whatever is no line of one is a mistake."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        assert lines[0] == "flowchart TD"
        self.labels: dict[str, str] = {}
        self.styles: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.edges: list[tuple[str, str, str]] = []
        self.defined: set[str] = set()
        open_: list[str] = []
        tries: set[str] = set()
        for line in lines[1:]:
            if node := _NODE.fullmatch(line):
                name, opening, label, closing, style = node.groups()
                assert not self.edges, "an edge before a node"
                assert closing == _CLOSING[opening]
                assert name not in self.labels
                self.labels[name] = label
                self.styles[name] = style or ""
                self.groups[name] = open_[-1] if open_ else ""
            elif group := re.fullmatch(r'\s+subgraph (\w+) \["(?:try|catch)"\]', line):
                open_.append(group[1])
                tries.add(group[1])
            elif line.strip() == "end":
                open_.pop()
            elif edge := _EDGE.fullmatch(line):
                assert not open_
                assert edge[1] in self.labels or edge[1] in tries, line
                assert edge[2] in self.labels, line
                self.edges.append((edge[1], "yes" if "yes" in line else "no" if "no" in line else "", edge[2]))
            else:
                style_ = re.fullmatch(r"    classDef (\w+) [\w:,; -]+", line)
                assert style_, f"no line of a flowchart: {line!r}"
                self.defined.add(style_[1])
        assert not open_
        assert self.defined == {style for style in self.styles.values() if style}

    def node(self, words: str) -> str:
        """The one node with these words in its label."""
        (found,) = [name for name, label in self.labels.items() if words in label.replace("<br/>", " ")]
        return found

    def after(self, words: str) -> dict[str, str]:
        """What follows a node: labels of edges -> labels of nodes."""
        return {mark: self.labels[to] for start, mark, to in self.edges if start == self.node(words)}


STORE = (
    '<namespace name="Store" providerSource="test.store"><procedure name="Put" type="write" access="private"/>'
    '<procedure name="Get" type="read" access="private"/></namespace>'
)
FAIL = '<execute namespace="Error Provider" procedure="SetError">{}<executeData><hr>0x80004005</hr></executeData></execute>'


def drawn(folder: Path, steps: str) -> Chart:
    """The chart of a procedure with these steps."""
    file = folder / "composed.xml"
    procedure = f'<procedure name="Do" type="write" access="public">{steps}</procedure>'
    file.write_text(for_anybody(f'<namespace name="Composed">{procedure}</namespace>'), encoding="utf-8")
    return Chart(mermaid(load_namespace(file).procedures["Do"]))


def call(procedure: str, content: str = "", **attributes: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<execute namespace="Store" procedure="{procedure}"{more}>{content}</execute>'


def test_calls_stand_one_behind_the_other_and_moved_data_is_left_out(tmp_path: Path) -> None:
    chart = drawn(
        tmp_path, call("Get") + '<transform><before source="data" destination="procedureData"/></transform>' + call("Put")
    )
    assert list(chart.labels.values()) == ["Composed::Do<br/>needs Users", "Store::Get", "Store::Put", "done"]
    assert [(start, to) for start, _, to in chart.edges] == [("n1", "n2"), ("n2", "n3"), ("n3", "n4")]


def test_a_condition_has_two_ways_on(tmp_path: Path) -> None:
    chart = drawn(tmp_path, call("Get", '<when source="data" sourcePath="name"/>') + call("Put"))
    assert chart.after("data: name") == {"yes": "Store::Get", "no": "Store::Put"}
    assert chart.after("Store::Get") == {"": "Store::Put"}


def test_several_conditions_are_one_question(tmp_path: Path) -> None:
    chart = drawn(
        tmp_path, call("Get", '<when source="data" sourcePath="name"/><when source="procedureData" sourcePath="b"/>')
    )
    assert chart.after("data: name and procedureData: b") == {"yes": "Store::Get", "no": "done"}


def test_a_case_of_a_select_is_a_condition(tmp_path: Path) -> None:
    select = '<select name="kind" source="data" sourcePath="name"><where value="1" case="one"/></select>'
    assert drawn(tmp_path, select + call("Get", '<when select="kind" case="one"/>')).node("kind = one")


def test_nothing_comes_behind_an_error(tmp_path: Path) -> None:
    chart = drawn(tmp_path, FAIL.format("") + call("Get"))
    assert list(chart.labels.values()) == ["Composed::Do<br/>needs Users", "Error Provider::SetError<br/>0x80004005"]
    assert chart.styles[chart.node("SetError")] == "raises"


def test_an_error_under_a_condition_leaves_the_other_way(tmp_path: Path) -> None:
    chart = drawn(tmp_path, FAIL.format('<when source="data" sourcePath="name"/>') + call("Get"))
    assert chart.after("data: name") == {"yes": "Error Provider::SetError<br/>0x80004005", "no": "Store::Get"}
    assert chart.after("SetError") == {}


def test_try_and_catch_meet_again(tmp_path: Path) -> None:
    chart = drawn(tmp_path, f"<try>{call('Get')}</try><catch>{call('Put')}</catch>{call('Get', impersonate='1')}")
    put, get = chart.node("Store::Put"), "n2"
    assert (chart.groups[get], chart.groups[put], chart.groups[chart.node("error")]) == ("try1", "catch1", "catch1")
    assert ("try1", "", chart.node("error")) in chart.edges
    last = chart.node("as the caller")
    assert {start for start, _, to in chart.edges if to == last} == {get, put}
    assert chart.groups[last] == ""


def test_an_empty_catch_goes_on(tmp_path: Path) -> None:
    chart = drawn(tmp_path, f"<try>{call('Get')}</try><catch/>{call('Put')}")
    assert chart.after("error") == {"": "Store::Put"}


def test_a_try_in_a_try_is_drawn_in_it(tmp_path: Path) -> None:
    inner = f"<try>{call('Get')}</try><catch>{call('Put')}</catch>"
    chart = drawn(tmp_path, f"<try>{inner}</try><catch>{FAIL.format('')}</catch>")
    assert chart.groups[chart.node("Store::Get")] == "try2"
    assert chart.groups[chart.node("SetError")] == "catch1"


def test_calls_as_the_service_account_stand_out(tmp_path: Path) -> None:
    chart = drawn(tmp_path, call("Put", impersonate="2"))
    assert chart.styles[chart.node("as the service account")] == "elevated"
    assert chart.defined == {"elevated"}


def test_loops_and_repetitions_are_said(tmp_path: Path) -> None:
    loop = '<forEach name="one" root="data" path="names/name" ifNull="skip"/>'
    chart = drawn(tmp_path, call("Get", loop) + call("Put", '<repeat source="data" sourcePath="count"/>'))
    assert chart.node("for each one in data/names/name, if any")
    assert chart.node("as often as data/count says")


def test_queued_calls_are_told_apart(tmp_path: Path) -> None:
    assert drawn(tmp_path, '<queue namespace="Store" procedure="Put"/>').node("queue Store::Put")


def test_signs_of_mermaid_and_html_are_escaped(tmp_path: Path) -> None:
    path = "count(name[@kind = &quot;a#b&quot;]) &lt; 2"
    chart = drawn(tmp_path, call("Get", f'<when source="data" sourcePath="{path}"/>'))
    assert chart.node("data: count(name[@kind = #quot;a#35;b#quot;]) #lt; 2")


def test_a_long_condition_is_cut_and_says_so(tmp_path: Path) -> None:
    path = " or ".join(f"name{number}" for number in range(60))
    chart = drawn(tmp_path, call("Get", f'<when source="data" sourcePath="{path}"/>'))
    label = chart.labels[chart.node("name1 or")]
    assert label.endswith("…")
    assert label.count("<br/>") == 3


def test_the_case_idiom_of_xpath_is_one_word(tmp_path: Path) -> None:
    upper, lower = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    path = f"translate(a, '{upper}', '{lower}') = translate(b, '{lower}', '{upper}')"
    assert drawn(tmp_path, call("Get", f'<when source="data" sourcePath="{path}"/>')).node(
        "data: lower-case(a) = upper-case(b)"
    )


def test_a_provider_is_one_call(tmp_path: Path) -> None:
    (tmp_path / "store.xml").write_text(STORE, encoding="utf-8")
    chart = Chart(mermaid(load_namespace(tmp_path / "store.xml").procedures["Put"]))
    assert list(chart.labels.values()) == ["Store::Put<br/>private", "provider test.store", "done"]


def test_a_request_is_a_chart_too() -> None:
    assert list(Chart(mermaid(Procedure("", ""))).labels.values()) == ["request", "done"]


@pytest.mark.slow
def test_every_procedure_is_a_chart_with_all_its_calls() -> None:
    with make_site() as site:
        procedures = [one for space in site.engine.namespaces.values() for one in space.procedures.values()]
    assert len(procedures) > 100
    for procedure in procedures:
        text = mermaid(procedure)
        chart = Chart(text)
        assert text == mermaid(procedure)
        labels = [label.replace("::<br/>", "::").partition("<br/>")[0] for label in chart.labels.values()]
        for namespace, name in procedure.calls:
            assert f"{namespace}::{name}" in labels, f"{procedure.full_name} does not show {name}"
        reached = {to for _, _, to in chart.edges}
        assert reached == chart.labels.keys() - {"n1"}, procedure.full_name


def parsed(charts: list[str]) -> list[str]:
    """What Mermaid's own parser says of each chart."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: charts are not read by Mermaid itself")
    try:
        script = mermaid_script(CACHE)
    except NoMermaidError as error:
        pytest.skip(f"charts are not read by Mermaid itself: {error}")
    command = [node, str(Path(__file__).with_name("parse_charts.mjs")), str(script)]
    done = subprocess.run(command, input=json.dumps(charts), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_mermaid_itself_reads_every_chart() -> None:
    pages = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")}
    charts = {
        f"{name} {number}": chart
        for name, page in pages.items()
        for number, chart in enumerate(re.findall(r"^```mermaid\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    }
    assert len(charts) >= 4
    with make_site() as site:
        for namespace in site.engine.namespaces.values():
            charts |= {one.full_name: mermaid(one) for one in namespace.procedures.values()}
    said = dict(zip(charts, parsed(list(charts.values())), strict=True))
    assert {name: text for name, text in said.items() if text} == {}


@pytest.mark.slow
def test_mermaid_itself_refuses_what_is_no_chart() -> None:
    right, wrong = parsed(["flowchart TD\n    n1 --> n2\n", "flowchart TD\n    n1[ --> n2\n"])
    assert (right, "Parse error" in wrong) == ("", True)
