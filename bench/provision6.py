"""provision-6: six write steps with an undo each, in memory; ratios to a bare Python ladder, measured in the same run.

Contenders: a hand-written try/except ladder with the same lxml mappings and XSD checks (the floor), this engine with
everything on (validation, authorization, journal in memory), and TaskFlow's serial engine without any XML. Cases: success,
failure in step 6, an invalid request. After every run the state is compared with the expected one; a wrong state
disqualifies a contender.

    python bench/provision6.py [--seconds 2]
"""

from __future__ import annotations

import argparse
import copy
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from mpf_core import (
    NO_CHANGE,
    CallContext,
    Caller,
    Change,
    Engine,
    MpfError,
    Provider,
    Undo,
    argument,
    hookimpl,
    write,
)
from mpf_core.testing import AllowAll

STEPS = 6
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {tns} elementFormDefault="qualified">
<xs:element name="executeData"><xs:complexType><xs:all>
<xs:element name="name" type="xs:string"/><xs:element name="value" type="xs:string"/>
<xs:element name="fail" type="xs:boolean" minOccurs="0"/></xs:all></xs:complexType></xs:element></xs:schema>"""

REQUEST_SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {{tns}} elementFormDefault="qualified">
<xs:annotation><xs:appinfo><di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole
type="Implicit">Users</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation>
<xs:element name="executeData"><xs:complexType><xs:all>
{"".join(f'<xs:element name="v{n}" type="xs:string"/>' for n in range(1, STEPS + 1))}
<xs:element name="fail" type="xs:boolean" minOccurs="0"/></xs:all></xs:complexType></xs:element></xs:schema>"""

NAMESPACE = f"""<namespace name="Bench" providerSource="bench"><procedure name="Put" type="write">
<Schema name="inputSchema">{SCHEMA.format(tns='targetNamespace="urn:bench"')}</Schema></procedure></namespace>"""


def _step(number: int) -> str:
    fail = "" if number < STEPS else '<before source="data" sourcePath="fail" destination="executeData" ifNull="ignore"/>'
    return (
        f'<execute namespace="Bench" procedure="Put"><executeData><name>n{number}</name></executeData>'
        f'<before source="data" sourcePath="v{number}" destination="executeData" destinationPath="value" mode="merge"/>'
        f"{fail}"
        "</execute>"
    )


PROCEDURES = f"""<namespace name="Provision"><procedure name="Six" type="write" access="public">
<Schema name="inputSchema">{REQUEST_SCHEMA.format(tns='targetNamespace="urn:bench"')}</Schema>
{"".join(_step(n) for n in range(1, STEPS + 1))}</procedure></namespace>"""


class Store(Provider):
    """The object that every contender provisions."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        name, value = argument(data, "name"), argument(data, "value")
        if data.findtext("fail") == "true":
            raise MpfError(0x80004005, "told to fail")
        return NO_CHANGE if self.values.get(name) == value else Change({"name": name, "value": value})

    def apply(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        self.values[change.data["name"]] = change.data["value"]

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        assert isinstance(change.data, dict)
        return Undo.NOTHING_TO_UNDO if self.values.pop(change.data["name"], None) is None else Undo.UNDONE

    name = "bench"

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"bench": self}


#: The store that a contender provisions, and a function that runs a request and says whether it succeeded.
Contender = tuple[Store, Callable[[bytes], bool]]


def request(case: str) -> bytes:
    """The request of a case: about 1 KB."""
    values = "".join(f"<v{n}>{'x' * 100}{n}</v{n}>" for n in range(1, STEPS + (case != "invalid")))
    fail = "<fail>true</fail>" if case == "fail" else ""
    return f"<request><data>{values}{fail}</data></request>".encode()


def ours(folder: Path) -> Contender:
    """This engine, as it is used."""
    for name, text in (("bench.xml", NAMESPACE), ("provision.xml", PROCEDURES)):
        (folder / name).write_text(text, encoding="utf-8")
    store = Store()
    engine = Engine(plugins=[store, AllowAll()], namespaces=[folder])
    caller = Caller("bench")

    def run(document: bytes) -> bool:
        return engine.execute(document, caller, namespace="Provision", procedure="Six").error is None

    return store, run


def ladder() -> Contender:
    """What one would write by hand for just this: parse, map, validate, do, undo."""
    schema = etree.XMLSchema(etree.fromstring(SCHEMA.format(tns="")))
    whole = etree.XMLSchema(etree.fromstring(REQUEST_SCHEMA.format(tns="").replace("executeData", "data")))
    store = Store()
    template = [etree.fromstring(f"<executeData><name>n{n}</name></executeData>") for n in range(1, STEPS + 1)]
    paths = [etree.XPath(f"v{n}") for n in range(1, STEPS + 1)]

    def run(document: bytes) -> bool:
        data = etree.fromstring(document).find("data")
        done: list[str] = []
        try:
            if not whole.validate(data):
                raise ValueError("invalid")
            for number in range(STEPS):
                body = copy.deepcopy(template[number])
                etree.SubElement(body, "value").text = paths[number](data)[0].text
                fail = data.find("fail") if number == STEPS - 1 else None
                if fail is not None:
                    body.append(fail)
                if not schema.validate(body):
                    raise ValueError("invalid")
                if body.findtext("fail") == "true":
                    raise RuntimeError("told to fail")
                store.values[body.findtext("name")] = body.findtext("value")
                done.append(body.findtext("name"))
        except (RuntimeError, ValueError, IndexError):
            for name in reversed(done):
                del store.values[name]
            return False
        etree.tostring(data)
        return True

    return store, run


def taskflow() -> Contender:
    """TaskFlow's serial engine, in memory; the flow is built once, an engine is made for each request, as in its manual."""
    from taskflow import engines, task  # noqa: PLC0415 - optional
    from taskflow.patterns import linear_flow  # noqa: PLC0415

    store = Store()

    class Put(task.Task):  # type: ignore[misc]
        def __init__(self, number: int) -> None:
            super().__init__(name=f"put{number}", inject={"number": number})

        def execute(self, number: int, values: dict[str, str], fail: bool) -> None:
            value = values[f"v{number}"]
            if number == STEPS and fail:
                raise RuntimeError("told to fail")
            store.values[f"n{number}"] = value

        def revert(self, number: int, result: object, **_rest: object) -> None:
            store.values.pop(f"n{number}", None)

    flow = linear_flow.Flow("six").add(*(Put(n) for n in range(1, STEPS + 1)))

    def run(document: bytes) -> bool:
        data = etree.fromstring(document).find("data")
        values = {child.tag: child.text for child in data}
        try:
            engines.run(flow, engine="serial", store={"values": values, "fail": values.get("fail") == "true"})
        except Exception:
            return False
        return True

    return store, run


def measure(contenders: dict[str, Contender], case: str, seconds: float) -> dict[str, float | None]:
    """Median seconds of one request for each contender, ``None`` where an end state was wrong.

    The contenders take turns of a tenth of a second, so that a machine that slows down slows all of them down.
    """
    document = request(case)
    expected = {f"n{n}": "x" * 100 + str(n) for n in range(1, STEPS + 1)} if case == "success" else {}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    wrong: set[str] = set()
    for turn in range(max(2, int(seconds * 10))):
        for name, (store, run) in contenders.items():
            until = time.perf_counter() + 0.1
            while name not in wrong and time.perf_counter() < until:
                store.values.clear()
                begin = time.perf_counter()
                succeeded = run(document)
                taken = time.perf_counter() - begin
                if turn:  # the first turn warms up
                    times[name].append(taken)
                if store.values != expected or succeeded is not (case == "success"):
                    wrong.add(name)
    return {name: None if name in wrong else statistics.median(taken) for name, taken in times.items()}


def main() -> int:
    """Run every contender in every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each contender runs in each case")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        contenders = {"bare ladder (floor)": ladder(), "mpf": ours(Path(folder))}
        try:
            contenders["TaskFlow serial"] = taskflow()
        except ImportError:
            print("TaskFlow is not installed: pip install taskflow", file=sys.stderr)
        print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; {STEPS} write steps")
        print(f"{'case':10}{'contender':22}{'median µs':>12}{'x floor':>10}{'x mpf':>10}")
        for case in ("success", "fail", "invalid"):
            medians = measure(contenders, case, seconds)
            floor, own = medians["bare ladder (floor)"], medians["mpf"]
            for name, median in medians.items():
                if median is None or floor is None or own is None:
                    print(f"{case:10}{name:22}  disqualified: wrong end state")
                    continue
                print(f"{case:10}{name:22}{median * 1e6:12.0f}{median / floor:10.1f}{median / own:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
