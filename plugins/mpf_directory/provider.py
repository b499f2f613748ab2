"""The Active Directory Provider: every procedure of the namespace in ``namespaces/active_directory_provider.xml``.

Sources: spec/helpers-and-ad-providers.md, section 3.
"""

from __future__ import annotations

from mpf_directory.provider_accounts import AccountCalls
from mpf_directory.provider_acl import AclCalls
from mpf_directory.provider_evaluate import EvaluateCalls
from mpf_directory.provider_groups import GroupCalls
from mpf_directory.provider_objects import ObjectCalls
from mpf_directory.provider_paths import PathConversions
from mpf_directory.provider_search import SearchCalls
from mpf_directory.provider_wellknown import WellKnownCalls


class ActiveDirectoryProvider(
    AccountCalls, AclCalls, ObjectCalls, SearchCalls, GroupCalls, PathConversions, WellKnownCalls, EvaluateCalls
):
    """``providerSource="mpf.directory"``: constructed with the service that opens directories (`Directories`)."""
