"""The exceptions of this package.

::

    GrowlyticsError
    ├── UsageError                       the call is wrong
    │   ├── InvalidArgumentError         (ValueError) an invalid value: what was found, what is allowed
    │   ├── InvalidArgumentTypeError     (TypeError)  a value of the wrong type
    │   ├── ApiKeyError                  (ValueError) no key, or text that is not a key
    │   └── MissingDependencyError       (ImportError) an extra is not installed
    ├── DataError                        the data is wrong
    │   └── ConstraintViolationError     (ValueError) .violations .plan: nothing was sent
    ├── ServiceError                     the service: .status .attempts .server_message .retryable .result
    │   ├── AuthenticationError          401, 403: the key
    │   ├── EndpointError                3xx, 404, 405, 407, TLS: the URL, or a proxy in front of it
    │   ├── ServiceUnavailableError      requests stopped succeeding
    │   ├── CustomerRejectedError        one customer rejected (`Client.upsert`)
    │   └── TooManyFailuresError         `max_failures` reached
    └── LedgerError                      the ledger's file: .path

    PushInterrupted (KeyboardInterrupt)  .result; not a GrowlyticsError, so that ``except Exception`` lets it through

All of them can be pickled, with message, status and violations. The plan and the result are left out (None in the
copy), since they hold the frame and the connection; so no pickle holds the API key.
"""

import linecache
import os
import sys
from functools import cached_property
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from growlytics_pandas._masking import without_keys


class GrowlyticsError(Exception):
    """The base of this package's errors. Details are attributes, so that the message stays readable.

    A message that quotes an argument removes an API key from it.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(without_keys(message))
        for name, fact in facts.items():
            self.__dict__[name] = without_keys(fact) if isinstance(fact, str) else fact

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: fact for name, fact in self.__dict__.items() if name not in _STAY_BEHIND}
        return type(self), self.args, facts

    def _render_traceback_(self) -> list[str]:
        """Show only the user's lines and the message in IPython; %debug has the full traceback."""
        return [*_lines_of_user(self.__traceback__), f"{type(self).__name__}: {self}"]


_STAY_BEHIND: Final = ("plan", "result")
_PACKAGE: Final = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - as code objects name their files
_SHELLS: Final = ("IPython", "ipykernel")


def _lines_of_user(traceback: TracebackType | None) -> list[str]:
    """Return the places in the user's code, innermost last; a line that may contain an API key is left out."""
    lines = []
    for frame, number in walk_tb(traceback):
        file = frame.f_code.co_filename
        if file.startswith(_PACKAGE):
            break
        if frame.f_globals.get("__name__", "").partition(".")[0] in _SHELLS:
            continue
        code = without_keys(linecache.getline(file, number).strip())
        shown = "" if "Client(" in code or "api_key" in code else f"\n----> {code}"
        lines.append(f"{_place(file)}, line {number}{shown}\n")
    return lines


def _place(file: str) -> str:
    """Return a file name as IPython shows it: ``Cell In[3]`` for the code of a cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    named = shell.compile.format_code_name(file) if shell is not None else None
    return " ".join(named) if named else f"File {file}"


class UsageError(GrowlyticsError):
    """The call is wrong."""


class InvalidArgumentError(UsageError, ValueError):
    """Invalid argument value."""


class InvalidArgumentTypeError(UsageError, TypeError):
    """Invalid argument type."""


class ApiKeyError(UsageError, ValueError):
    """The API key is missing or malformed. The message never shows it."""


class MissingDependencyError(UsageError, ImportError):
    """An optional package is not installed; the message names the extra to install."""


class DataError(GrowlyticsError):
    """The data is wrong."""


class ConstraintViolationError(DataError, ValueError):
    """Some values would be rejected, so nothing was sent.

    Attributes
    ----------
    violations : DataFrame
        All violations, warnings too.
    plan : Plan
        The plan; ``plan.push(errors="drop")`` sends the valid rows and values.
    """

    plan: Any = None

    @cached_property
    def violations(self) -> Any:
        """All violations of the plan, computed on first access."""
        return None if self.plan is None else self.plan.violations

    def __reduce__(self) -> tuple[Any, ...]:
        made, arguments, facts = super().__reduce__()
        return made, arguments, facts | {"violations": self.violations}


class ServiceError(GrowlyticsError):
    """The service, or the connection to it, failed.

    Attributes
    ----------
    status : int or None
        The HTTP status; None without a response.
    attempts : int
        Requests made for this row.
    server_message : str
        The server's message, cut to one line.
    retryable : bool
        Whether the same call can succeed later.
    result : PushResult or None
        The result of the push so far, with every row.
    """

    status: int | None = None
    attempts: int = 0
    server_message: str = ""
    retryable: bool = False
    result: Any = None


class AuthenticationError(ServiceError):
    """401 or 403: the API key was rejected."""


class EndpointError(ServiceError):
    """A redirect, 404, 405, 407 or a TLS failure: the URL is wrong, or a proxy intercepts requests."""


class ServiceUnavailableError(ServiceError):
    """Requests stopped succeeding; the remaining rows are `unsent`."""

    retryable = True


class CustomerRejectedError(ServiceError):
    """The service rejected one customer (`Client.upsert`)."""


class TooManyFailuresError(ServiceError):
    """`max_failures` was reached, so the push was stopped."""


class LedgerError(GrowlyticsError):
    """The ledger's file cannot be used; `path` names it."""

    path: str = ""


class PushInterrupted(KeyboardInterrupt):
    """The push was interrupted; requests in flight have finished, or their rows are `unknown`.

    Attributes
    ----------
    result : PushResult
        Every row of the frame with its status.
    """

    def __init__(self, message: str = "", result: Any = None) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython instead of a traceback, since the user interrupted."""
        return [f"PushInterrupted: {self}"]
