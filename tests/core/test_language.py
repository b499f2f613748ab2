"""The rules of spec/provisioning-schema.md, section Z, each by its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Code, Undo
from tests.support import CALLER, Bench

PUT = '<execute namespace="Store" procedure="Put">{}</execute>'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def echo(inner: str) -> str:
    return f'<execute namespace="Store" procedure="Echo">{inner}</execute>'


def put(name: str, value: str = "1") -> str:
    return PUT.format(f"<executeData><name>{name}</name><value>{value}</value></executeData>")


def code_of(bench: Bench, steps: str, data: str = "", context: str = "") -> int:
    result = bench.run(steps, data, context)
    assert result.error is not None, result.document.decode()
    return result.error.code


class TestRule1StepsRunInDocumentOrder:
    def test_steps_run_in_the_order_in_which_they_appear(self, bench: Bench) -> None:
        bench.data(put("a") + put("b") + put("c"))
        assert bench.store.calls == [("Put", "a"), ("Put", "b"), ("Put", "c")]

    def test_other_children_come_in_any_order(self, bench: Bench) -> None:
        bench.data(
            echo(
                '<after source="executeData" destination="data" mode="merge"/>'
                '<before source="data" sourcePath="b" destination="executeData"/>'
                '<before source="data" sourcePath="a" destination="executeData"/>'
                "<executeData><literal/></executeData>"
            ),
            "<a/><b/>",
        )
        assert bench.store.calls == [("Echo", "<executeData><literal/><b/><a/></executeData>")]


class TestRule2OneStep:
    def test_loops_nest_in_order_of_appearance(self, bench: Bench) -> None:
        bench.data(
            echo(
                '<forEach name="org" root="data" path="orgs/org"/><forEach name="user" root="org" path="user" ifNull="skip"/>'
                '<before source="org" sourcePath="@name" destination="executeData"/>'
                '<before source="user" destination="executeData"/>'
            ),
            '<orgs><org name="A"><user>1</user><user>2</user></org><org name="B"/><org name="C"><user>3</user></org></orgs>',
        )
        assert [text for _, text in bench.store.calls] == [
            '<executeData name="A"><user>1</user></executeData>',
            '<executeData name="A"><user>2</user></executeData>',
            '<executeData name="C"><user>3</user></executeData>',
        ]

    def test_a_loop_without_a_path_runs_once_for_its_root(self, bench: Bench) -> None:
        bench.data(
            echo('<forEach name="d" root="data"/><before source="d" sourcePath="a" destination="executeData"/>'), "<a/>"
        )
        assert bench.store.calls == [("Echo", "<executeData><a/></executeData>")]

    def test_repeat_gives_a_count_and_the_literal_is_fresh_each_time(self, bench: Bench) -> None:
        bench.data(
            echo(
                '<repeat source="data" sourcePath="user/@count"/><executeData><l/></executeData>'
                '<before source="data" sourcePath="user" destination="executeData"/>'
            ),
            '<user count="3"/>',
        )
        assert bench.store.calls == [("Echo", '<executeData><l/><user count="3"/></executeData>')] * 3

    def test_a_count_of_zero_runs_nothing(self, bench: Bench) -> None:
        bench.data(echo('<repeat source="data" sourcePath="n"/>'), "<n>0</n>")
        assert bench.store.calls == []

    @pytest.mark.parametrize("count", ["-1", "1.5", "many", "", "99999999999999"])
    def test_a_count_that_is_no_whole_number_is_an_error(self, bench: Bench, count: str) -> None:
        assert code_of(bench, echo('<repeat source="data" sourcePath="n"/>'), f"<n>{count}</n>") == Code.TOO_MANY_REPEATS

    def test_when_is_tested_before_every_repetition(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        bench.data(
            '<execute namespace="Store" procedure="Put"><repeat source="data" sourcePath="n"/>'
            '<when source="data" sourcePath="todo"/>'
            '<before source="data" sourcePath="todo[1]/name" destination="executeData"/>'
            '<before source="data" sourcePath="todo[1]" destination="executeData" mode="move"/></execute>',
            "<n>5</n><todo><name>a</name></todo><todo><name>b</name></todo>",
        )
        assert bench.store.calls == [("Put", "a"), ("Put", "b")]


class TestRule3Scopes:
    def test_a_called_procedure_sees_executeData_as_its_data(self, tmp_path: Path) -> None:
        inner = (
            '<namespace name="Inner"><procedure name="P" access="public">'
            + echo('<before source="data" sourcePath="x" destination="executeData" mode="move"/>')
            + '<transform><before source="procedureData" sourcePath="k" destination="data"/></transform>'
            "<procedureData><k>const</k></procedureData></procedure></namespace>"
        )
        bench = Bench(tmp_path, inner)
        data = bench.data(
            '<execute namespace="Inner" procedure="P"><executeData><x>1</x></executeData>'
            '<after source="executeData" destination="data" mode="merge"/></execute>'
        )
        assert data == "<data><k>const</k></data>"
        assert bench.store.calls == [("Echo", "<executeData><x>1</x></executeData>")]

    def test_procedureData_is_fresh_for_every_call(self, tmp_path: Path) -> None:
        inner = (
            '<namespace name="Inner"><procedure name="P" access="public">'
            "<procedureData/>"
            '<transform><before source="data" sourcePath="x" destination="procedureData"/></transform>'
            '<transform><before source="procedureData" destination="data" mode="move"/></transform>'
            "</procedure></namespace>"
        )
        bench = Bench(tmp_path, inner)
        call = (
            '<execute namespace="Inner" procedure="P"><executeData><x/></executeData>'
            '<after source="executeData" sourcePath="procedureData" destination="data"/></execute>'
        )
        assert bench.data(call * 2) == "<data>" + "<procedureData><x/></procedureData>" * 2 + "</data>"

    def test_data_exists_even_when_the_request_had_none(self, bench: Bench) -> None:
        result = bench.engine.execute(
            '<request><procedure><execute namespace="Store" procedure="Echo"><executeData><a/></executeData>'
            '<after source="executeData" sourcePath="a" destination="data"/>'
            '<after source="executeData" sourcePath="b" destination="data" ifNull="ignore"/></execute></procedure></request>',
            CALLER,
        )
        assert result.document == b"<response><data><a/></data></response>"

    def test_no_path_climbs_from_one_scope_into_another(self, tmp_path: Path) -> None:
        spy = (
            '<namespace name="Spy"><procedure name="P" access="public">'
            '<transform><before source="data" sourcePath="//* | /.. | ancestor::* | preceding::*" destination="data" '
            'destinationPath="seen" mode="merge" ifNull="ignore"/></transform></procedure></namespace>'
        )
        bench = Bench(tmp_path, spy)
        data = bench.data(
            '<execute namespace="Spy" procedure="P"><after source="executeData" destination="data" mode="merge"/></execute>',
            context='<context><securityContext><authentication><basic username="u" password="s3cret"/></authentication>'
            "</securityContext></context>",
        )
        assert "s3cret" not in data


class TestRule4Addresses:
    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("user/@type", '<executeData type="admin"/>'),
            ("organizations/organization", "<executeData><organization/></executeData>"),
            ("user[@type='admin']", '<executeData><user type="admin"/></executeData>'),
            ("user/[@type='admin']", None),
            ("user[1]", '<executeData><user type="admin"/></executeData>'),
        ],
    )
    def test_paths_are_relative_to_the_named_node(self, bench: Bench, path: str, found: str | None) -> None:
        bench.data(
            echo(f'<before source="data" sourcePath="{path}" destination="executeData"/>'),
            '<user type="admin"/><organizations><organization/></organizations>',
        )
        assert bench.store.calls == [("Echo", found or '<executeData><user type="admin"/></executeData>')]

    @pytest.mark.parametrize(
        "path",
        [
            "//user",
            "../context",
            "/",
            "count(user)",
            "document('/etc/passwd')",
            "user[position() &lt; 2]",
            "ancestor::data",
            "a|b",
            "user[string-length(.) > 3]",
            "a/" * 600 + "a",
        ],
    )
    def test_in_a_request_only_plain_location_paths_are_allowed(self, bench: Bench, path: str) -> None:
        assert (
            code_of(bench, echo(f'<before source="data" sourcePath="{path}" destination="executeData"/>'), "<user/>")
            == Code.PATH_NOT_ALLOWED
        )


class TestRule5WithoutTemplates:
    def transfer(self, bench: Bench, attributes: str, literal: str = "<t>0</t>") -> str:
        bench.data(
            echo(
                f"<executeData>{literal}</executeData>"
                f'<before source="data" sourcePath="n" destination="executeData" {attributes}/>'
            ),
            '<n a="1">text<c/></n>',
        )
        return bench.store.calls[0][1].removeprefix("<executeData>").removesuffix("</executeData>")

    def test_insert_is_the_default_and_appends_the_node(self, bench: Bench) -> None:
        assert self.transfer(bench, "") == '<t>0</t><n a="1">text<c/></n>'

    def test_insert_below_a_destination_path(self, bench: Bench) -> None:
        assert self.transfer(bench, 'destinationPath="t"') == '<t>0<n a="1">text<c/></n></t>'

    def test_merge_adds_attributes_text_and_children(self, bench: Bench) -> None:
        assert self.transfer(bench, 'mode="merge" destinationPath="t"') == '<t a="1">0text<c/></t>'

    def test_replace_takes_the_targets_place(self, bench: Bench) -> None:
        assert (
            self.transfer(bench, 'mode="replace" destinationPath="t"', "<s/><t>0</t><u/>") == '<s/><n a="1">text<c/></n><u/>'
        )

    def test_replace_of_a_scope_keeps_its_name(self, bench: Bench) -> None:
        bench.data(
            echo(
                '<executeData><t/></executeData><before source="data" sourcePath="n" destination="executeData" mode="replace"/>'
            ),
            '<n a="1">x</n>',
        )
        assert bench.store.calls == [("Echo", '<executeData a="1">x</executeData>')]

    def test_move_takes_the_source_away(self, bench: Bench) -> None:
        data = bench.data(
            echo('<before source="data" sourcePath="a/b" destination="executeData" mode="move"/>'),
            "<a><b>1</b><c/></a>",
        )
        assert data == "<data><a><c/></a></data>"
        assert bench.store.calls == [("Echo", "<executeData><b>1</b></executeData>")]

    def test_move_moves_the_node_and_does_not_copy_it(self) -> None:
        from mpf_core.dataflow import detach

        root = etree.fromstring("<a><b/>tail</a>")
        node = root[0]
        assert detach(node) == len("tail")
        assert (etree.tostring(root), etree.tostring(node)) == (b"<a>tail</a>", b"<b/>")

    def test_moving_an_attribute(self, bench: Bench) -> None:
        data = bench.data(
            echo('<before source="data" sourcePath="a/@x" destination="executeData" destinationPath="b/@y" mode="move"/>'),
            '<a x="1"/>',
        )
        assert (data, bench.store.calls[0][1]) == ("<data><a/></data>", '<executeData><b y="1"/></executeData>')

    def test_a_missing_simple_destination_path_is_created(self, bench: Bench) -> None:
        assert self.transfer(bench, 'destinationPath="x/y"').endswith('<x><y><n a="1">text<c/></n></y></x>')

    def test_a_missing_destination_that_cannot_be_created_is_an_error(self, bench: Bench) -> None:
        steps = echo('<before source="data" sourcePath="n" destination="executeData" destinationPath="x[2]"/>')
        assert code_of(bench, steps, "<n/>") == Code.NOT_FOUND

    def test_a_path_that_selects_several_nodes_takes_all_of_them(self, bench: Bench) -> None:
        bench.data(echo('<before source="data" sourcePath="n" destination="executeData" mode="move"/>'), "<n>1</n><n>2</n>")
        assert bench.store.calls == [("Echo", "<executeData><n>1</n><n>2</n></executeData>")]


class TestRule6Templates:
    SAMPLE = (
        '<namespace name="New Namespace" version="1" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<procedure name="New Request" type="write" access="public"><execute namespace="Store" procedure="Echo">'
        '<forEach name="organization" root="data" path="organizations/organization"/>'
        '<before source="organization" destination="executeData">'
        "<xsl:template match=\"organization[@type='primary']\"><primaryOrg><xsl:value-of select='@name'/></primaryOrg></xsl:template>"
        "<xsl:template match=\"organization[@type='secondary']\"><secondaryOrg><xsl:value-of select='@name'/></secondaryOrg></xsl:template>"
        '</before><after source="executeData" destination="data" destinationPath="orgSignup" mode="merge"/>'
        "</execute></procedure></namespace>"
    )

    def test_bare_templates_match_the_selected_node(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, self.SAMPLE)
        data = bench.data(
            '<execute namespace="New Namespace" procedure="New Request">'
            '<before source="data" destination="executeData" mode="merge"/>'
            '<after source="executeData" sourcePath="orgSignup" destination="data"/></execute>',
            '<organizations><organization name="A" type="primary"/><organization name="B" type="secondary"/></organizations>',
        )
        assert data.endswith("<orgSignup><primaryOrg>A</primaryOrg><secondaryOrg>B</secondaryOrg></orgSignup></data>")

    def with_template(self, tmp_path: Path, template: str, attributes: str = "") -> Bench:
        return Bench(
            tmp_path,
            '<namespace name="T" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><procedure name="P" access="public">'
            f'<transform><before source="data" sourcePath="n" destination="data" {attributes}>{template}</before></transform>'
            "</procedure></namespace>",
        )

    CALL = (
        '<execute namespace="T" procedure="P"><executeData><n>x</n></executeData>'
        '<after source="executeData" destination="data" mode="merge"/></execute>'
    )

    def test_a_result_without_an_element_is_an_error(self, tmp_path: Path) -> None:
        bench = self.with_template(tmp_path, '<xsl:template match="n">only text</xsl:template>')
        assert code_of(bench, self.CALL) == Code.TRANSFORM_EMPTY

    def test_allowNullTransform_leaves_the_destination_untouched(self, tmp_path: Path) -> None:
        bench = self.with_template(tmp_path, '<xsl:template match="n"/>', 'allowNullTransform="1"')
        assert bench.data(self.CALL) == "<data><n>x</n></data>"

    def test_a_template_cannot_see_the_rest_of_the_scope(self, tmp_path: Path) -> None:
        bench = self.with_template(
            tmp_path, '<xsl:template match="n"><seen><xsl:value-of select="count(//*)"/></seen></xsl:template>'
        )
        assert bench.data(self.CALL) == "<data><n>x</n><seen>1</seen></data>"

    def test_a_failing_transform_is_an_error(self, tmp_path: Path) -> None:
        bench = self.with_template(
            tmp_path, '<xsl:template match="n"><xsl:message terminate="yes">stop</xsl:message></xsl:template>'
        )
        assert code_of(bench, self.CALL) == Code.TRANSFORM_FAILED

    def test_templates_in_a_request_need_a_permission(self, tmp_path: Path) -> None:
        from mpf_core import Config

        config = Config.model_validate({"security": {"permissions": {"trusted_requests": ["tester@fabrikam.com"]}}})
        bench = Bench(tmp_path, config=config)
        steps = echo(
            '<before source="data" sourcePath="n" destination="executeData"><xsl:template match="n"><m/></xsl:template></before>'
        )
        assert code_of(bench, steps, "<n/>") == Code.XSLT_NOT_ALLOWED


class TestRule7IfNull:
    @pytest.mark.parametrize(
        ("element", "runs"),
        [
            ('<before source="data" sourcePath="no" destination="executeData" ifNull="ignore"/>', 1),
            ('<before source="data" sourcePath="no" destination="executeData" ifNull="skip"/>', 0),
            ('<after source="data" sourcePath="no" destination="data" ifNull="ignore"/>', 1),
            ('<forEach name="f" root="data" path="no" ifNull="skip"/>', 0),
            ('<forEach name="f" root="data" path="no" ifNull="ignore"/>', 1),
            ('<repeat source="data" sourcePath="no" ifNull="skip"/>', 0),
            ('<repeat source="data" sourcePath="no" ifNull="ignore"/>', 1),
        ],
    )
    def test_the_absent_node(self, bench: Bench, element: str, runs: int) -> None:
        bench.data(echo(element))
        assert len(bench.store.calls) == runs

    @pytest.mark.parametrize(
        "element",
        [
            '<before source="data" sourcePath="no" destination="executeData"/>',
            '<after source="executeData" sourcePath="no" destination="data"/>',
            '<forEach name="f" root="data" path="no"/>',
            '<repeat source="data" sourcePath="no"/>',
        ],
    )
    def test_fail_is_the_default(self, bench: Bench, element: str) -> None:
        assert code_of(bench, echo(element)) == Code.NOT_FOUND

    def test_skip_skips_only_the_current_iteration(self, bench: Bench) -> None:
        bench.data(
            echo(
                '<forEach name="u" root="data" path="u"/>'
                '<before source="u" sourcePath="mail" destination="executeData" ifNull="skip"/>'
            ),
            "<u><mail>1</mail></u><u/><u><mail>3</mail></u>",
        )
        assert [text for _, text in bench.store.calls] == [
            "<executeData><mail>1</mail></executeData>",
            "<executeData><mail>3</mail></executeData>",
        ]


class TestRule8Conditions:
    SELECT = (
        '<select name="kind" source="data" sourcePath="user/@type" defaultCase="user" ifNullCase="nobody">'
        '<where value="Administrator" case="admin"/><where value="Administrator" case="second"/><where value="Root" case="admin"/></select>'
    )

    @pytest.mark.parametrize(
        ("data", "case"),
        [
            ('<user type="Administrator"/>', "admin"),
            ('<user type="Root"/>', "admin"),
            ('<user type="x"/>', "user"),
            ("<user/>", "nobody"),
        ],
    )
    def test_the_first_equal_value_wins(self, bench: Bench, data: str, case: str) -> None:
        steps = self.SELECT + "".join(
            echo(f'<when select="kind" case="{name}"/><executeData><is>{name}</is></executeData>')
            for name in ("admin", "second", "user", "nobody")
        )
        bench.data(steps, data)
        assert bench.store.calls == [("Echo", f"<executeData><is>{case}</is></executeData>")]

    @pytest.mark.parametrize(("data", "runs"), [("<a/><b/>", 1), ("<a/>", 0), ("<b/>", 0)])
    def test_several_conditions_must_all_hold(self, bench: Bench, data: str, runs: int) -> None:
        bench.data(echo('<when source="data" sourcePath="a"/><when source="data" sourcePath="b"/>'), data)
        assert len(bench.store.calls) == runs

    @pytest.mark.parametrize(
        "when",
        [
            '<when source="data" sourcePath="a" select="s" case="c"/>',
            '<when select="s"/>',
            '<when select="later" case="c"/>',
        ],
    )
    def test_exactly_one_pair(self, bench: Bench, when: str) -> None:
        assert code_of(bench, echo(when)) == Code.INVALID_REQUEST


class TestRule9Errors:
    FAIL = '<execute namespace="Store" procedure="Fail"><executeData><hr>{}</hr><desc>{}</desc></executeData></execute>'

    def test_a_handled_error_lets_the_procedure_go_on(self, bench: Bench) -> None:
        bench.data(
            "<try>" + put("a") + self.FAIL.format("0x80004005", "x") + "</try><catch>" + put("b") + "</catch>" + put("c")
        )
        assert bench.store.values == {"a": "1", "b": "1", "c": "1"}

    def test_steps_after_the_failing_one_do_not_run_and_a_catch_without_error_does_not_either(self, bench: Bench) -> None:
        bench.data("<try>" + put("a") + "</try><catch>" + put("b") + "</catch>")
        bench.data("<try>" + self.FAIL.format("0x80004005", "x") + put("z") + "</try><catch/>")
        assert bench.store.values == {"a": "1"}

    def test_the_callees_context_has_the_error_in_a_catch_only(self, bench: Bench) -> None:
        bench.data("<try>" + self.FAIL.format("0x82101391", "why") + "</try><catch>" + echo("") + "</catch>" + echo(""))
        in_catch, after = bench.store.contexts[1:]
        error = in_catch.context.find("errorContext")
        assert error is not None
        assert (error.get("code"), error.get("description")) == ("0x82101391", "why")
        assert error.find("errorSource").attrib == {"namespace": "Store", "procedure": "Fail"}  # type: ignore[union-attr]
        assert after.context.find("errorContext") is None

    @pytest.mark.parametrize(
        ("second", "winner"),
        [(("0x80004005", "other text"), "first"), (("0x80070005", "other"), "other")],
    )
    def test_an_error_in_a_catch_replaces_the_current_one_only_if_its_code_differs(
        self, bench: Bench, second: tuple[str, str], winner: str
    ) -> None:
        result = bench.run(
            "<try>" + self.FAIL.format("0x80004005", "first") + "</try><catch>" + self.FAIL.format(*second) + "</catch>"
        )
        assert result.error is not None
        assert result.error.description == winner

    def test_errors_propagate_outwards_from_the_innermost_catch(self, bench: Bench) -> None:
        inner = (
            "<try>"
            + self.FAIL.format("0x80004005", "i")
            + "</try><catch>"
            + self.FAIL.format("0x80070005", "o")
            + "</catch>"
        )
        bench.data("<try>" + inner + "</try><catch>" + echo("") + "</catch>")
        error = bench.store.contexts[-1].context.find("errorContext")
        assert error is not None
        assert error.get("code") == "0x80070005"

    def test_a_catch_must_follow_its_try_at_once(self, bench: Bench) -> None:
        assert code_of(bench, "<try>" + put("a") + "</try>" + put("b") + "<catch/>") == Code.INVALID_REQUEST
        assert code_of(bench, "<try>" + put("a") + "</try>") == Code.INVALID_REQUEST


class TestRule10Rollback:
    FAIL = TestRule9Errors.FAIL.format("0x80004005", "no")

    def test_writes_are_undone_in_reverse_order(self, bench: Bench) -> None:
        result = bench.run(put("a") + put("b") + put("c") + self.FAIL)
        assert bench.store.values == {}
        assert [name for kind, name in bench.store.calls if kind == "undo"] == ["c", "b", "a"]
        assert [outcome.state.value for outcome in result.rollback] == ["undone"] * 3

    def test_a_step_that_failed_after_its_effect_is_undone_too(self, bench: Bench) -> None:
        bench.store.fail_after_effect = {"b"}
        result = bench.run(put("a") + put("b"))
        assert bench.store.values == {}
        assert result.state.value == "rolled-back"

    def test_a_step_that_failed_inside_try_is_undone_before_its_catch_and_the_others_stay(self, bench: Bench) -> None:
        bench.store.fail_after_effect = {"b"}
        bench.data("<try>" + put("a") + put("b") + "</try><catch>" + put("c") + "</catch>")
        assert bench.store.values == {"a": "1", "c": "1"}
        assert bench.store.calls == [("Put", "a"), ("Put", "b"), ("undo", "b"), ("Put", "c")]

    def test_a_failing_undo_never_stops_the_others_and_is_told(self, bench: Bench) -> None:
        bench.store.fail_undo = {"b"}
        result = bench.run(put("a") + put("b") + put("c") + self.FAIL)
        assert bench.store.values == {"b": "1"}
        assert result.state.value == "inconsistent"
        assert [(o.sequence, o.state.value) for o in result.rollback] == [
            (1, "undone"),
            (2, "undo-failed"),
            (3, "undone"),
        ]

    def test_if_the_undo_inside_a_try_fails_the_transaction_fails(self, bench: Bench) -> None:
        bench.store.fail_after_effect = bench.store.fail_undo = {"b"}
        result = bench.run("<try>" + put("b") + "</try><catch>" + put("c") + "</catch>")
        assert result.error is not None
        assert "c" not in bench.store.values

    def test_two_phase_steps_become_final_at_commit_and_come_back_at_rollback(self, bench: Bench) -> None:
        remove = '<execute namespace="Store" procedure="Remove"><executeData><name>{}</name></executeData></execute>'
        bench.store.values = {"a": "1", "b": "2"}
        bench.run(remove.format("a") + self.FAIL)
        assert bench.store.values == {"a": "1", "b": "2"}
        bench.data(remove.format("b") + remove.format("a"))
        assert (bench.store.values, bench.store.parked) == ({}, {})
        assert [name for kind, name in bench.store.calls if kind == "commit"] == ["b", "a"]

    @pytest.mark.parametrize("saved", ["0", "1"])
    def test_executeData_reaches_the_undo_only_with_saveDataForRollback(self, tmp_path: Path, saved: str) -> None:
        bench = Bench(tmp_path)
        file = tmp_path / "namespace0.xml"
        file.write_text(file.read_text().replace('name="Put"', f'name="Put" saveDataForRollback="{saved}"'))
        bench.engine.reload()
        seen: list[str | None] = []

        def undo(ctx: CallContext, change: Change) -> Undo:
            seen.append(None if ctx.saved_data is None else etree.tostring(ctx.saved_data).decode())
            return Undo.UNDONE

        bench.store.undo = undo  # type: ignore[method-assign]
        bench.run(put("a") + self.FAIL)
        assert seen == ["<executeData><name>a</name><value>1</value></executeData>" if saved == "1" else None]


class TestRule11Responses:
    def test_success_is_the_final_content_of_data(self, bench: Bench) -> None:
        assert bench.run(echo(""), "<a>1</a>").document == b"<response><data><a>1</a></data></response>"

    def test_failure_is_an_errorContext_with_its_stack(self, tmp_path: Path) -> None:
        outer = (
            '<namespace name="Outer"><procedure name="P" access="public">'
            + echo("")
            + TestRule10Rollback.FAIL
            + "</procedure></namespace>"
        )
        bench = Bench(tmp_path, outer)
        result = bench.run('<execute namespace="Outer" procedure="P"/>')
        response = etree.fromstring(result.document)
        error = response[0]
        assert error.attrib == {"description": "no", "code": "0x80004005", "executeSeqNo": "3"}
        assert [source.attrib for source in error] == [
            {"namespace": "Store", "procedure": "Fail"},
            {"namespace": "Outer", "procedure": "P"},
        ]
        assert response.find("data") is None
        assert response[1].get("failedStep") == "request/execute[1]/Outer::P/execute[2]"


class TestRule12KindsOfRequest:
    def test_a_simple_request_names_one_public_procedure(self, tmp_path: Path) -> None:
        bench = Bench(
            tmp_path,
            '<namespace name="N"><procedure name="P" access="public">'
            '<transform><before source="data" sourcePath="a" destination="data" destinationPath="b" mode="merge"/></transform>'
            "</procedure></namespace>",
        )
        document = bench.engine.submit("<request><data><a>1</a></data></request>", CALLER, namespace="N", procedure="P")
        assert document == b"<response><data><a>1</a><b>1</b></data></response>"

    def test_a_private_procedure_needs_a_permission(self, tmp_path: Path) -> None:
        from mpf_core import Config

        bench = Bench(tmp_path, config=Config())
        result = bench.engine.execute("<request/>", CALLER, namespace="Store", procedure="Echo")
        assert result.error is not None
        assert result.error.code == Code.E_ACCESSDENIED

    @pytest.mark.parametrize(
        "request_",
        [
            "<request><procedure/></request>",
            "<request><data/><data/></request>",
            "<request><globalData/></request>",
        ],
    )
    def test_a_simple_request_has_data_and_context_only(self, bench: Bench, request_: str) -> None:
        result = bench.engine.execute(request_, CALLER, namespace="Store", procedure="Echo")
        assert result.error is not None
        assert result.error.code == Code.INVALID_REQUEST

    def test_the_documented_shape_is_admitted_without_the_trusted_permission(self, tmp_path: Path) -> None:
        from mpf_core import Config

        inner = f'<namespace name="N"><procedure name="P" access="public">{echo("")}</procedure></namespace>'
        bench = Bench(tmp_path, inner, config=Config())
        plain = '<execute namespace="N" procedure="P" impersonate="1"><after source="executeData" destination="data" mode="merge"/></execute>'
        assert bench.run(plain).error is None
        for more in (plain.replace('"1"', '"2"', 1), "<try>" + plain + "</try><catch/>"):
            assert code_of(bench, more) == Code.E_ACCESSDENIED

    def test_credentials_need_a_permission(self, tmp_path: Path) -> None:
        from mpf_core import Config

        bench = Bench(
            tmp_path,
            config=Config.model_validate({"security": {"permissions": {"trusted_requests": ["tester@fabrikam.com"]}}}),
        )
        context = '<context><securityContext trustee="other"/></context>'
        assert code_of(bench, echo(""), context=context) == Code.E_ACCESSDENIED


class TestRule13Batch:
    def test_one_run_per_data_node_each_with_globalData(self, bench: Bench) -> None:
        result = bench.engine.execute(
            '<request xmlns="http://maps/specs/prov.xml"><globalData><users><user name="u1"/><user name="u2"/></users></globalData>'
            "<data><org>A</org></data><data><org>B</org></data><context><clientContext/></context><procedure>"
            '<execute namespace="Store" procedure="Echo"><forEach name="user" root="data" path="users/user"/>'
            '<before source="data" sourcePath="org" destination="executeData"/>'
            '<before source="user" sourcePath="@name" destination="executeData"/></execute></procedure></request>',
            CALLER,
        )
        assert result.error is None, result.document
        assert [text for _, text in bench.store.calls] == [
            f'<executeData name="{user}"><org>{org}</org></executeData>' for org in "AB" for user in ("u1", "u2")
        ]
        assert result.document == b"<response><data><org>A</org></data><data><org>B</org></data></response>"


class TestQueue:
    def test_a_queue_step_is_checked_and_fails_without_a_queue_manager(self, bench: Bench) -> None:
        assert code_of(bench, '<queue namespace="Store" procedure="Echo" queueSuspended="0"/>') == Code.NOT_SUPPORTED
        assert code_of(bench, '<queue namespace="Store"/>') == Code.INVALID_REQUEST


class TestContext:
    def test_what_a_provider_sees(self, bench: Bench) -> None:
        result = bench.run(
            echo("") + '<execute namespace="Store" procedure="Echo" trusted="1"/>',
            context='<context><transactionContext transactionId="mine"/><clientContext clientTransactionId="c-1"/>'
            '<securityContext trustee="t"><authentication><basic username="u" password="p" domain="d"/></authentication>'
            "</securityContext></context>",
        )
        assert result.error is None, result.document
        plain, trusted = (ctx.context for ctx in bench.store.contexts)
        assert plain.find("transactionContext").attrib == {"transactionId": result.transaction_id}  # type: ignore[union-attr]
        assert result.transaction_id[0] == "{"
        assert result.transaction_id == result.transaction_id.upper()
        assert plain.find("executeContext").attrib == {  # type: ignore[union-attr]
            "namespace": "Store",
            "procedure": "Echo",
            "procedureExecId": "1",
            "providerSource": "test.store",
            "type": "read",
        }
        assert plain.find("clientContext").get("clientTransactionId") == "c-1"  # type: ignore[union-attr]
        assert plain.find("securityContext").get("trustee") == "t"  # type: ignore[union-attr]
        assert plain.find("securityContext/authentication") is None
        assert trusted.find("securityContext/authentication/basic").get("password") == "p"  # type: ignore[union-attr]

    def test_providerContext_is_copied_into_every_call(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        text = (tmp_path / "namespace0.xml").read_text().replace("</namespace>", '<providerContext server="s"/></namespace>')
        (tmp_path / "namespace0.xml").write_text(text)
        bench.engine.reload()
        bench.data(echo(""))
        assert bench.store.contexts[0].context.find("providerContext").get("server") == "s"  # type: ignore[union-attr]
