"""Draw the state diagrams of docs/design/transactions.md from the tables in `mpf_core.transaction.states`.

Writes the file; with ``--check`` only says whether it is up to date (exit code 1 when it is not).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from mpf_core.transaction.states import FINAL_STATES, STEP_TRANSITIONS, TRANSACTION_TRANSITIONS, StepState, TransactionState

PAGE = Path(__file__).parents[1] / "docs" / "design" / "transactions.md"
BEGIN = "<!-- states: drawn from mpf_core/transaction/states.py by scripts/write_state_diagrams.py -->"
END = "<!-- end of states -->"


def diagram(first: Enum, transitions: Mapping[Enum, frozenset[Enum]]) -> str:
    """A Mermaid state diagram: from ``first`` along every transition to the states that have none."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_name(first)}"]
    for state, following in transitions.items():
        lines += [f"    {_name(state)} --> {_name(next_)}" for next_ in sorted(following, key=lambda s: str(s.value))]
        if not following:
            lines.append(f"    {_name(state)} --> [*]")
    return "\n".join([*lines, "```"])


def table(first: Enum, transitions: Mapping[Enum, frozenset[Enum]]) -> str:
    """The same as a table, for those who read the file as it is."""
    lines = ["| state | may become |", "|---|---|"]
    for state, following in transitions.items():
        names = ", ".join(f"`{next_.value}`" for next_ in sorted(following, key=lambda s: str(s.value)))
        lines.append(f"| `{state.value}`{' (first)' if state is first else ''} | {names or 'nothing: it is final'} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """``text`` with its diagrams drawn anew."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    parts = []
    for title, first, transitions in (
        ("Transactions", TransactionState.RUNNING, TRANSACTION_TRANSITIONS),
        ("Steps", StepState.STARTED, STEP_TRANSITIONS),
    ):
        known: Mapping[Enum, frozenset[Enum]] = dict(transitions)  # type: ignore[arg-type]
        parts.append(f"**{title}**\n\n{diagram(first, known)}\n\n{table(first, known)}")
    final = ", ".join(sorted(f"`{state.value}`" for state in FINAL_STATES))
    parts.append(f"Final states of a transaction: {final}.")
    return before + BEGIN + "\n" + "\n\n".join(parts) + "\n" + END + after


def _name(state: Enum) -> str:
    return str(state.value).replace("-", "_")


def main() -> int:
    """Write or check the page."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = page(text)
    if "--check" in sys.argv[1:]:
        return int(text != fresh)
    PAGE.write_text(fresh, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
