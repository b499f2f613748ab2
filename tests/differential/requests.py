"""A request in the shape of the documented samples, as data, and a response in a shape that compares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from mpf_core import Result
from mpf_directory.layout import SERVER

OCS = "Managed Office Communications Server"
EXTENSIONS = "Managed Office Communications Server Extensions"
HOSTING_NAMESPACE = "Managed Hosting"

#: Who sends requests: short name -> user principal name. All but the first administer an organization of the tree.
CALLERS = {
    "domain": "Administrator@fabrikam.com",
    "hosting": "admin@hosting.fabrikam.com",
    "reseller": "admin@consolidatedmessenger.com",
    "customer": "admin@alpineskihouse.com",
    "foreign": "admin@fourthcoffee.com",
    "user": "johnc@alpineskihouse.com",
}

_DOMAIN = re.compile("DC=fabrikam,DC=com", re.IGNORECASE)
_GUID = re.compile(r"\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", re.IGNORECASE)
#: An organization that is not empty names one of the objects in it: whichever the directory finds first.
_EXAMPLE = re.compile("(?<=for example )'[^']*'")


@dataclass(frozen=True, slots=True)
class Ask:
    """One procedure, its arguments, and the short name of who asks."""

    procedure: str
    arguments: Mapping[str, str]
    caller: str = "customer"
    namespace: str = OCS
    left_out: tuple[str, ...] = ()
    #: Content of the argument ``properties``: a value for each attribute.
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, str]:
        """All arguments that are sent: with the preferred domain controller, where it is neither given nor left out."""
        every = {"preferredDomainController": SERVER, **self.arguments}
        return {name: value for name, value in every.items() if name not in self.left_out}

    def by(self, caller: str) -> Ask:
        """The same from somebody else."""
        return replace(self, caller=caller)

    def on(self, namespace: str) -> Ask:
        """The procedure of that name in another namespace."""
        return replace(self, namespace=namespace)

    def but(self, **arguments: str) -> Ask:
        """The same with other arguments."""
        return replace(self, arguments={**self.arguments, **arguments})

    def giving(self, **properties: str) -> Ask:
        """The same with these properties."""
        return replace(self, properties=properties)

    def without(self, name: str) -> Ask:
        """The same without one argument."""
        return replace(self, left_out=(*self.left_out, name))

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.procedure}({given}) by {self.caller}"


def document(*asked: Ask) -> bytes:
    """One request with these calls: a ``before`` for each argument, an ``after`` that merges what the call returns."""
    request = etree.Element("request")
    data = etree.SubElement(request, "data")
    body = etree.SubElement(request, "procedure")
    for number, ask in enumerate(asked):
        parent = data if len(asked) == 1 else etree.SubElement(data, f"call{number}")
        prefix = "" if len(asked) == 1 else f"call{number}/"
        step = etree.SubElement(body, "execute", namespace=ask.namespace, procedure=ask.procedure, impersonate="1")
        for name, value in ask.given.items():
            etree.SubElement(parent, name).text = value
            etree.SubElement(step, "before", source="data", sourcePath=prefix + name, destination="executeData", mode="move")
        if ask.properties:
            properties = etree.SubElement(parent, "properties")
            for name, value in ask.properties.items():
                etree.SubElement(properties, "property", name=name).text = value
            source = f"{prefix}properties"
            etree.SubElement(step, "before", source="data", sourcePath=source, destination="executeData", mode="move")
        etree.SubElement(step, "after", source="executeData", destination="data", mode="merge")
    return etree.tostring(request)


def answer(result: Result) -> str:
    """What a request that succeeded returned, as `comparable` text: the content of the response's ``data``."""
    assert result.error is None, result.document.decode()
    data = etree.fromstring(comparable(result)).find("data")
    assert data is not None
    return "".join(etree.tostring(child, encoding="unicode") for child in data)


def comparable(result: Result) -> str:
    """The whole response, without what every directory has of its own: GUIDs, the domain's spelling, what it finds first."""
    text = etree.tostring(etree.fromstring(result.document), encoding="unicode")
    return _EXAMPLE.sub("'...'", _GUID.sub("{GUID}", _DOMAIN.sub("DC=Fabrikam,DC=Com", text)))
