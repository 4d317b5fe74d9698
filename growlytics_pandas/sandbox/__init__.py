"""A local server with the documented behaviour of the service, including silently ignored values."""

from growlytics_pandas.sandbox.faults import Faults, parse_faults
from growlytics_pandas.sandbox.server import DEFAULT_API_KEY, Sandbox
from growlytics_pandas.sandbox.store import SandboxStore

__all__ = ["DEFAULT_API_KEY", "Faults", "Sandbox", "SandboxStore", "parse_faults"]
