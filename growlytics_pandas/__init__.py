"""Push a pandas DataFrame of customers to Growlytics: every row arrives, or a DataFrame shows which did not and why.

Importing this package gives every DataFrame a `growlytics` accessor. It displays nothing and makes no connection.
"""

from growlytics_pandas import (
    _early_interrupt,  # noqa: F401 - before the imports that take time
    csv_safe,
    errors,
    options,
)
from growlytics_pandas import accessor as _accessor  # noqa: F401 - registers df.growlytics
from growlytics_pandas.api import (
    last_result,
    plan,
    plan_batches,
    preview,
    push,
    push_batches,
    rules,
    schema,
    suggest,
    validate,
)
from growlytics_pandas.client import Client
from growlytics_pandas.errors import (
    AuthenticationError,
    ConstraintViolationError,
    EndpointError,
    GrowlyticsError,
    LedgerError,
    PushInterrupted,
    ServiceUnavailableError,
)
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.samples import sample_customers
from growlytics_pandas.sandbox import Sandbox
from growlytics_pandas.segments import push_segment
from growlytics_pandas.upload.plan import Plan, PushResult

__version__ = "0.1.0"

__all__ = [
    "AuthenticationError",
    "Client",
    "ConstraintViolationError",
    "EndpointError",
    "GrowlyticsError",
    "Ledger",
    "LedgerError",
    "Plan",
    "PushInterrupted",
    "PushResult",
    "Sandbox",
    "ServiceUnavailableError",
    "__version__",
    "csv_safe",
    "errors",
    "last_result",
    "options",
    "plan",
    "plan_batches",
    "preview",
    "push",
    "push_batches",
    "push_segment",
    "rules",
    "sample_customers",
    "schema",
    "suggest",
    "validate",
]


def __dir__() -> list[str]:
    """Return what Tab shows: the public names, and `sandbox`, the module of `Faults`."""
    return sorted([*__all__, "sandbox"])
