"""The Active Directory Provider: every procedure of the namespace in ``namespaces/active_directory_provider.xml``.

Sources: spec/helpers-and-ad-providers.md, section 3. Get DACL, Get SACL and Update ACL are not provided: they need a
directory that has access control lists.
"""

from __future__ import annotations

from mpf_directory.provider_accounts import AccountCalls
from mpf_directory.provider_evaluate import EvaluateCalls
from mpf_directory.provider_groups import GroupCalls
from mpf_directory.provider_objects import ObjectCalls
from mpf_directory.provider_paths import PathConversions
from mpf_directory.provider_search import SearchCalls
from mpf_directory.provider_wellknown import WellKnownCalls


class ActiveDirectoryProvider(
    AccountCalls, ObjectCalls, SearchCalls, GroupCalls, PathConversions, WellKnownCalls, EvaluateCalls
):
    """``providerSource="mpf.directory"``: constructed with the service that opens directories (`Directories`)."""
