"""The pages of namespaces, and the page that lists them."""

from __future__ import annotations

from collections.abc import Iterator

from mpf_core.model import Access, Namespace, Procedure
from scripts.write_reference.book import Book
from scripts.write_reference.markdown import code, plain, slug, table


def namespace_page(space: Namespace, book: Book) -> str:
    """What a namespace has: its public procedures first, each part by category."""
    return "\n".join(_namespace(space, book)) + "\n"


def overview_page(book: Book) -> str:
    """All namespaces, and the other pages of the reference."""
    rows = [
        (
            f"[{plain(name)}]({slug(name)}/index.md)",
            str(len(space.procedures)),
            str(sum(one.access is Access.PUBLIC for one in space.procedures.values())),
            plain(space.description),
        )
        for name, space in sorted(book.namespaces.items())
    ]
    lines = [
        "# Reference",
        "",
        "Written from what is loaded: the pages are made from the objects that run, and every response is one that an",
        "engine gave to the request above it, on the small hosting tree in the embedded directory (which was lent access",
        "control lists for that). Ids that are made anew each time stand as `{guid}`, the domain's part of a SID as",
        "`{domain}`; documents are indented.",
        "",
        *table("namespace", "procedures", "public", "what it is for", rows=rows),
        "",
        "- [Settings](settings.md)",
        "- [Commands](commands.md)",
        "- [Hooks](hooks.md)",
        "- [Python](api.md)",
        "- [Error codes](../errors.md)",
    ]
    return "\n".join(lines) + "\n"


def _namespace(space: Namespace, book: Book) -> Iterator[str]:
    yield from (f"# {plain(space.name)}", "", plain(space.description), "")
    provider = f"The provider {code(space.provider_source)} runs its procedures." if space.provider_source else ""
    yield from (provider or "Its procedures are made of steps.", "")
    for title, access in (("Public procedures", Access.PUBLIC), ("Private procedures", Access.PRIVATE)):
        found = [one for one in space.procedures.values() if one.access is access]
        if found:
            yield from (f"## {title}", "")
            rows = [_row(one, book) for one in sorted(found, key=lambda one: (_category(one), one.name))]
            yield from table("procedure", "category", "type", "minimum role", "what it does", rows=rows)
            yield ""


def _row(procedure: Procedure, book: Book) -> tuple[str, ...]:
    page = book.addresses[procedure.namespace, procedure.name].rpartition("/")[2]
    role = procedure.minimum_role or "-"
    link = f"[{plain(procedure.name)}]({page})"
    return link, plain(_category(procedure)), procedure.type.value, plain(role), plain(procedure.description)


def _category(procedure: Procedure) -> str:
    return (procedure.input_schema.category if procedure.input_schema else None) or ""
