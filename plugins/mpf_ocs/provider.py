"""The namespace "Office Communications Server Provider": its procedures, from argument to change.

What is written is decided in `mpf_ocs.users`, where pools and policies are in `mpf_ocs.topology`; doing and undoing it is
the business of `DirectoryProvider`. The domains of the whole deployment are in `mpf_ocs.provider_domains`.

Errors, which the original does not document (spec: ocs-provider-and-ad-schema.md, 1.5):

==================================================================  ===========================
a SIP address or domain against the rules; no real home server      0x80070057 E_INVALIDARG
no such user, home server, pool, policy or domain                   0x80072030 NO_SUCH_OBJECT
the object is neither a user nor a contact                          0x80005004 UNKNOWN_OBJECT
the address is taken; the user is a SIP user already (create);      0x80071392 OBJECT_ALREADY_EXISTS
the domain is in the list already
the user is no SIP user (all others); a policy's name is            0x80131509 INVALID_OPERATION
ambiguous; a second default domain
==================================================================  ===========================
"""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, argument, optional_argument, output, read, write
from mpf_core.security.identity import IdentityKind
from mpf_directory.dn import Dn, DnForm
from mpf_directory.filters import Filter
from mpf_directory.locking import hold_attributes, hold_targets, renamed_meanwhile
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.results import UNKNOWN_OBJECT, no_such_object
from mpf_directory.unique_names import hold_sip_address
from mpf_ocs import pools, topology, user_policy, users
from mpf_ocs.provider_domains import DomainCalls
from mpf_ocs.uri import SipUri
from mpf_ocs.users import SipSettings

_POLICIES = {"meetingPolicy": user_policy.MEETING, "ucPolicy": user_policy.UC}


class OcsProvider(DomainCalls):
    """Users, pools, policies and domains of Office Communications Server 2007, in the directory."""

    @read("GetPools")
    def get_pools(self, ctx: CallContext, data: Element) -> list[Element]:
        """FQDNs of all pools."""
        return [pools.list_pools(self.open_for(ctx, data))]

    @read("GetPoolProperties")
    def get_pool_properties(self, ctx: CallContext, data: Element) -> list[Element]:
        """The properties of the pool with that FQDN."""
        return pools.pool_properties(self.open_for(ctx, data), argument(data, "poolFQDN"))

    @read("GetMeetingPolicies")
    def get_meeting_policies(self, ctx: CallContext, data: Element) -> list[Element]:
        """Names of the meeting policies."""
        return [_policy_list(self.open_for(ctx, data), "meetingPolicies", "meetingPolicy")]

    @read("GetUCPolicies")
    def get_uc_policies(self, ctx: CallContext, data: Element) -> list[Element]:
        """Names of the unified communications policies."""
        return [_policy_list(self.open_for(ctx, data), "ucPolicies", "ucPolicy")]

    @read("GetSipUserProperties")
    def get_sip_user_properties(self, ctx: CallContext, data: Element) -> list[Element]:
        """The settings of a SIP user, in the documented order."""
        directory = self.open_for(ctx, data)
        user = _sip_user(_user(directory, data))
        policies = {name: _policy_name(directory, user, type_) for name, type_ in _POLICIES.items()}
        properties = [
            ("enabled", _flag(user, "enabled")),
            ("enabledForEnhancedPresence", _flag(user, "enabledForEnhancedPresence")),
            ("enabledForFederation", _flag(user, "enabledForFederation")),
            ("enabledForInternetAccess", _flag(user, "enabledForInternetAccess")),
            ("homeServerDN", user.text(users.HOME_SERVER)),
            ("instanceID", topology.instance_id(user)),
            ("primaryURI", user.text(users.PRIMARY_URI)),
            ("publicNetworkEnabled", _flag(user, "publicNetworkEnabled")),
            ("targetServerDNIfMoving", user.text(users.TARGET_SERVER)),
            (
                "allowOrganizeMeetingWithAnonymousParticipants",
                _flag(user, "allowOrganizeMeetingWithAnonymousParticipants"),
            ),
            ("meetingPolicy", policies["meetingPolicy"]),
            ("ucEnabled", _flag(user, "ucEnabled")),
            ("ucPolicy", policies["ucPolicy"]),
        ]
        return [output(name, text) for name, text in properties if text is not None]

    @read("SplitSipUri")
    def split_sip_uri(self, ctx: CallContext, data: Element) -> list[Element]:
        """The domain of a SIP address, and whether an organization can own it. Raises E_INVALIDARG where it is none."""
        uri = SipUri.parse(argument(data, "primaryURI"))
        return [output("domain", uri.domain), output("ownable", "true" if uri.ownable else "false")]

    @write("CreateSipUser")
    def create_sip_user(self, ctx: CallContext, data: Element) -> Change:
        """Make an existing user a SIP user."""
        uri = SipUri.parse(argument(data, "primaryURI"))
        directory = self.open_for(ctx, data)
        user = _held_user(ctx, directory, data)
        if users.is_sip_user(user):
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"'{user.dn}' is a user of Office Communications Server already.")
        home = topology.home_server(directory, argument(data, "homeServerDN"))
        self._claim(ctx, directory, uri, user)
        settings = SipSettings(uri, home, users.given_booleans(data), _given_policies(directory, data))
        return hold_targets(ctx, self.modify_change(directory, user, users.create(user, settings)))

    @write("SetSipUserProperties")
    def set_sip_user_properties(self, ctx: CallContext, data: Element) -> Change:
        """Change what is given of a SIP user's settings."""
        address = optional_argument(data, "primaryURI")
        uri = SipUri.parse(address) if address else None
        directory = self.open_for(ctx, data)
        user = _sip_user(_held_user(ctx, directory, data))
        server = optional_argument(data, "homeServerDN")
        home = topology.home_server(directory, server) if server else None
        if uri is not None:
            _hold_address(ctx, user)
            self._claim(ctx, directory, uri, user)
        settings = SipSettings(uri, home, users.given_booleans(data), _given_policies(directory, data))
        return hold_targets(ctx, self.modify_change(directory, user, users.change(user, settings)))

    @write("DeleteSipUser")
    def delete_sip_user(self, ctx: CallContext, data: Element) -> Change:
        """Take a user out of Office Communications Server."""
        directory = self.open_for(ctx, data)
        user = _sip_user(_held_user(ctx, directory, data))
        _hold_address(ctx, user)
        return hold_targets(ctx, self.modify_change(directory, user, users.remove(user)))

    def _claim(self, ctx: CallContext, directory: Directory, uri: SipUri, user: Entry) -> None:
        """Keep the address for this transaction. Raises OBJECT_ALREADY_EXISTS when another object has it.

        The operator's own connection looks as well, because the caller may not be allowed to see other organizations.
        Whose the address is, is not said for the same reason.
        """
        hold_sip_address(ctx, uri.normalised)
        taken = Filter.or_(Filter.eq(users.PRIMARY_URI, str(uri)), Filter.eq(users.PROXY_ADDRESSES, str(uri)))
        views = [directory]
        if ctx.identity.kind is not IdentityKind.SERVICE:
            views.append(self.service(ctx))
        for view in views:
            for entry in view.search(view.base, Scope.SUBTREE, taken, ["objectClass"]):
                if entry.dn != user.dn:
                    raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"The SIP address '{uri}' is in use.")


def _user(directory: Directory, data: Element) -> Entry:
    name = Dn.parse(argument(data, "userDN"))
    user = directory.read(name, users.TO_READ)
    if user is None:
        raise no_such_object(name)
    if not users.may_be_sip_user(user):
        raise MpfError(UNKNOWN_OBJECT, f"The object '{user.dn}' is no user or contact.")
    return user


def _held_user(ctx: CallContext, directory: Directory, data: Element) -> Entry:
    """The user with all attributes held, as it is since then."""
    name = Dn.parse(argument(data, "userDN"))
    held = name if name.form is DnForm.NAME else _user(directory, data).dn
    hold_attributes(ctx, held)
    user = _user(directory, data)
    if user.dn != held:
        raise renamed_meanwhile(held)
    return user


def _hold_address(ctx: CallContext, user: Entry) -> None:
    """Keep the address that is about to be freed: an undo gives it back, and until then it must be nobody else's."""
    if address := user.text(users.PRIMARY_URI):
        hold_sip_address(ctx, address)


def _sip_user(user: Entry) -> Entry:
    if not users.is_sip_user(user):
        raise MpfError(Code.INVALID_OPERATION, f"'{user.dn}' is no user of Office Communications Server.")
    return user


def _given_policies(directory: Directory, data: Element) -> dict[int, Dn]:
    given = ((type_, optional_argument(data, name)) for name, type_ in _POLICIES.items())
    return {
        type_: topology.policy_by_name(directory, name, user_policy.POLICY_TYPES[type_]) for type_, name in given if name
    }


def _policy_list(directory: Directory, name: str, argument_name: str) -> Element:
    """The names that the argument ``argument_name`` takes."""
    found = output(name)
    type_ = user_policy.POLICY_TYPES[_POLICIES[argument_name]]
    found.extend(output(argument_name, policy) for policy in topology.policy_names(directory, type_))
    return found


def _policy_name(directory: Directory, user: Entry, type_: int) -> str | None:
    """The name of the user's policy; of one that cannot be read, what its DN says."""
    dn = users.policy(user, type_)
    if dn is None:
        return None
    entry = topology.read_policy(directory, dn)
    return topology.policy_name(entry) if entry else dn.rdn.value


def _flag(user: Entry, name: str) -> str:
    return "true" if users.boolean(user, name) else "false"
