"""Test doubles, as a part of the product: mock providers, faults, policies, points at which a process is killed,
and the kit that tries whether a provider undoes itself."""

from mpf_core.points import POINTS
from mpf_core.testing.conformance import Case, Sample, Subject, conformance
from mpf_core.testing.faults import Fault, Faults
from mpf_core.testing.kills import at_point, kill_at, passing
from mpf_core.testing.mocks import Expectation, MockCall, MockProvider, mock_providers
from mpf_core.testing.policies import AllowAll
from mpf_core.testing.recording import Recorder, replay
from mpf_core.testing.wrapping import WrappedProvider, wrap_plugin

__all__ = [
    "POINTS",
    "AllowAll",
    "Case",
    "Expectation",
    "Fault",
    "Faults",
    "MockCall",
    "MockProvider",
    "Recorder",
    "Sample",
    "Subject",
    "WrappedProvider",
    "at_point",
    "conformance",
    "kill_at",
    "mock_providers",
    "passing",
    "replay",
    "wrap_plugin",
]
