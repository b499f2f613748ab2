"""Objects and their properties (spec: helpers-and-ad-providers.md, 3.1 to 3.4, 3.9, 3.10)."""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import NO_CHANGE, CallContext, Change, Element, Output, argument, output, read, two_phase, write
from mpf_directory.locking import (
    hold_attributes,
    hold_below,
    hold_existing,
    hold_object,
    hold_place,
    hold_targets,
)
from mpf_directory.operations import after
from mpf_directory.parking import hold_delete
from mpf_directory.paths import LdapPath
from mpf_directory.provider_common import PathCalls, flag, path_output, relative_name
from mpf_directory.schema import default_schema
from mpf_directory.unique_names import hold_names
from mpf_directory.xml_values import (
    initial_values,
    modifications,
    properties_of,
    property_elements,
    property_list,
    wanted_attributes,
)


class ObjectCalls(PathCalls):
    """Procedures on single objects."""

    @write("Create Object")
    def create_object(self, ctx: CallContext, data: Element) -> Change:
        """IN container, class, name, properties, flagIgnoreAlreadyExistsError. OUT path, flagSkipAction."""
        container, directory, name = self.resolve(ctx, data, "container")
        class_ = argument(data, "class")
        known = default_schema().object_class(class_)
        rdn = relative_name(argument(data, "name"), known.naming.upper() if known else "CN")
        hold_object(ctx, name, shared=True)
        dn = self.require(directory, container, ["objectClass"], name).dn.child(*rdn)
        created = path_output("path", container.server, dn)
        if flag(data, "flagIgnoreAlreadyExistsError") and hold_existing(ctx, directory, dn):
            return Change(output=(created, output("flagSkipAction")))
        hold_object(ctx, dn)
        attributes = {**initial_values(property_elements(data)), "objectClass": (class_,)}
        hold_names(ctx, directory, {}, attributes)
        return hold_targets(ctx, self.add_change(directory, dn, attributes, output=[created]))

    @two_phase("Delete Object")
    def delete_object(self, ctx: CallContext, data: Element) -> Change:
        """IN path, flagIgnoreDoesNotExistError. Objects below it go with it. Parked until the transaction commits."""
        try:
            path, directory, name = self.resolve(ctx, data)
            hold_object(ctx, name)
            dn = self.require(directory, path, ["objectClass"], name).dn
        except MpfError as error:
            if error.code == Code.NO_SUCH_OBJECT and flag(data, "flagIgnoreDoesNotExistError"):
                return NO_CHANGE
            raise
        return self.delete_change(directory, dn, parked=hold_delete(ctx, directory, dn))

    @read("Get Properties")
    def get_properties(self, ctx: CallContext, data: Element) -> Output:
        """IN path, propertyList. OUT properties: one for each that was asked for, empty where it has no value."""
        names = property_list(data)
        path, _, entry = self.fetch(ctx, data, wanted_attributes(names))
        properties = output("properties")
        properties.extend(properties_of(entry, names, path.server))
        return [properties]

    @write("Set Properties")
    def set_properties(self, ctx: CallContext, data: Element) -> Change:
        """IN path, properties, flagSkipAction. Properties are changed in their order, all of them or none."""
        elements = property_elements(data)
        if not elements:
            raise MpfError(Code.E_INVALIDARG, "The required argument properties was not supplied.")
        parts = modifications(elements)
        if flag(data, "flagSkipAction"):
            return NO_CHANGE
        names = dict.fromkeys(part.attribute for part in parts)
        path, directory, name = self.resolve(ctx, data)
        hold_attributes(ctx, name)
        entry = self.require(directory, path, [*names, "objectGUID"], name)
        hold_names(ctx, directory, entry.attributes, after(entry, parts))
        return hold_targets(ctx, self.modify_change(directory, entry, parts))

    @write("Move Object")
    def move_object(self, ctx: CallContext, data: Element) -> Change:
        """IN source, destination (a container in the same domain). OUT path."""
        destination = LdapPath.parse(argument(data, "destination"))
        source = LdapPath.parse(argument(data, "source"))
        # Where only one path names a server, both are looked up there.
        directory = self.directory_of(ctx, source if source.server else LdapPath(destination.server, source.dn))
        name, place = self.plain(directory, source), self.plain(directory, destination)
        hold_object(ctx, place, shared=True)
        hold_object(ctx, name)
        hold_place(ctx, name)
        hold_object(ctx, place.child(*name.rdn))
        entry = self.require(directory, source, ["objectGUID"], name)
        container = self.require(directory, destination, ["objectClass"], place)
        if container.dn.is_within(entry.dn):
            raise MpfError(Code.E_INVALIDARG, f"'{entry.dn}' cannot be moved into itself.")
        new_dn = container.dn.child(*entry.dn.rdn)
        hold_below(ctx, directory, entry.dn, new_dn)
        moved = path_output("path", destination.server, new_dn)
        return self.rename_change(directory, entry, new_dn, output=[moved])

    @write("Rename Object")
    def rename_object(self, ctx: CallContext, data: Element) -> Change:
        """IN source, name (``cn=newName``, or the new value alone). OUT path."""
        source, directory, name = self.resolve(ctx, data, "source")
        parent = name.parent
        if parent is None:
            raise MpfError(Code.E_INVALIDARG, f"'{name}' cannot be renamed.")
        rdn = relative_name(argument(data, "name"), name.rdn.type)
        hold_object(ctx, name)
        hold_object(ctx, parent.child(*rdn))
        entry = self.require(directory, source, ["objectGUID"], name)
        new_dn = (entry.dn.parent or parent).child(*rdn)
        hold_below(ctx, directory, entry.dn, new_dn)
        renamed = path_output("path", source.server, new_dn)
        return self.rename_change(directory, entry, new_dn, output=[renamed])
