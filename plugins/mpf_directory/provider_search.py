"""Search (spec: helpers-and-ad-providers.md, 3.5), with a filter in text, or in elements that escape their values."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Output, argument, output, read
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.provider_common import PathCalls, unable_to_open
from mpf_directory.xml_values import properties_of, property_list, wanted_attributes

_SCOPES: Mapping[str, Scope] = {
    "ADS_SCOPE_BASE": Scope.BASE,
    "0": Scope.BASE,
    "ADS_SCOPE_ONELEVEL": Scope.ONE_LEVEL,
    "1": Scope.ONE_LEVEL,
    "ADS_SCOPE_SUBTREE": Scope.SUBTREE,
    "2": Scope.SUBTREE,
}
#: ADS_SEARCHPREF_ENUM, as far as it means something here, by name and by number.
_PREFERENCES: Mapping[str, str] = {
    "ADS_SEARCHPREF_SIZE_LIMIT": "limit",
    "2": "limit",
    "ADS_SEARCHPREF_SEARCH_SCOPE": "scope",
    "5": "scope",
    # Results are complete whatever the size of a page: paging happens behind the directory port.
    "ADS_SEARCHPREF_PAGESIZE": "page",
    "7": "page",
}


class SearchCalls(PathCalls):
    """The procedure that finds objects."""

    @read("Search")
    def search(self, ctx: CallContext, data: Element) -> Output:
        """IN path, filter, propertyList, preferences. OUT objects: each with class, name and the properties asked for."""
        path, directory = self.open(ctx, data)
        scope, limit = _preferences(data)
        names = property_list(data)
        wanted = [*wanted_attributes(names), "objectClass", "name"] if names else []
        objects = output("objects")
        try:
            for entry in directory.search(path.dn, scope, _filter(data), wanted, limit):
                classes = [value for value in entry.values("objectClass") if isinstance(value, str)]
                name = entry.text("name") or entry.dn.rdn.value
                found = etree.SubElement(objects, "object", {"class": classes[-1] if classes else "", "name": name})
                found.extend(properties_of(entry, names, path.server))
        except MpfError as error:
            if error.code == Code.NO_SUCH_OBJECT:
                raise unable_to_open(path) from error
            raise
        return [objects]


def _preferences(data: Element) -> tuple[Scope, int | None]:
    scope, limit = Scope.SUBTREE, None
    for preference in data.findall("preferences/preference"):
        name, value = ((preference.findtext(tag) or "").strip() for tag in ("searchPref", "value"))
        kind = _PREFERENCES.get(name.upper())
        if kind == "scope" and value.upper() in _SCOPES:
            scope = _SCOPES[value.upper()]
        elif kind in {"limit", "page"} and value.isascii() and value.isdigit():
            # A limit of 0 is none, as in ADSI.
            limit = (int(value) or None) if kind == "limit" else limit
        elif kind:
            raise MpfError(Code.E_INVALIDARG, f"The search preference {name} cannot be '{value}'.")
        else:
            raise MpfError(Code.E_INVALIDARG, f"The search preference '{name}' is not supported.")
    return scope, limit


def _filter(data: Element) -> Filter:
    """The filter: LDAP text, or one element of and, or, not, equal, present. A value in an element needs no escapes."""
    element = data.find("filter")
    children = [] if element is None else list(element.iterchildren(etree.Element))
    if element is None or not children:
        return Filter.parse(argument(data, "filter"))
    if len(children) > 1:
        raise MpfError(Code.E_INVALIDARG, "A filter has one element: put several into <and> or <or>.")
    return _build(children[0])


def _build(element: Element) -> Filter:
    # Depth is bounded by the XML parser.
    children = [_build(child) for child in element.iterchildren(etree.Element)]
    name, value = element.get("name", ""), element.text or ""
    match element.tag:
        case "and" if children:
            return Filter.and_(*children)
        case "or" if children:
            return Filter.or_(*children)
        case "not" if len(children) == 1:
            return Filter.not_(children[0])
        case "equal" if name and value and not children:
            return Filter.eq(name, value)
        case "present" if name and not value.strip() and not children:
            return Filter.present(name)
    raise MpfError(Code.E_INVALIDARG, f"A filter cannot hold <{element.tag}> as it stands there.")
