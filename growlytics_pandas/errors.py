"""The exceptions of this package.

::

    GrowlyticsError
    ├── UsageError                       the call is wrong
    │   ├── InvalidArgumentError         (ValueError) a value that cannot be: what was found, what is allowed
    │   ├── InvalidArgumentTypeError     (TypeError)  likewise, its type
    │   ├── ApiKeyError                  (ValueError) no key, or one that cannot be a key
    │   └── MissingDependencyError       (ImportError) an extra is not installed
    ├── DataError                        the data is wrong
    │   └── ConstraintViolationError     (ValueError) .violations .plan: nothing was sent
    ├── ServiceError                     the wire: .status .attempts .server_message .retryable .result
    │   ├── AuthenticationError          401, 403: the key
    │   ├── EndpointError                3xx, 404, 405, TLS: the URL or what stands before it
    │   ├── ServiceUnavailableError      nothing succeeds any more
    │   ├── CustomerRejectedError        one customer refused (`Client.upsert`)
    │   └── TooManyFailuresError         `max_failures` reached
    └── LedgerError                      the ledger's file: .path

    PushInterrupted (KeyboardInterrupt)  .result; not a GrowlyticsError, so that ``except Exception`` lets it through

Every one can be pickled: message, status, violations and the like travel. A plan and a result stay behind (None in the
copy), since they hold the frame and the way to the service; so no pickle holds the API key.
"""

import linecache
import os
import sys
from functools import cached_property
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from growlytics_pandas._text import without_keys


class GrowlyticsError(Exception):
    """The base of this package's errors. Extra facts are attributes, so the message stays one readable text.

    A message that repeats an argument does not repeat a key that was given in its place.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(without_keys(message))
        for name, fact in facts.items():
            self.__dict__[name] = without_keys(fact) if isinstance(fact, str) else fact

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: fact for name, fact in self.__dict__.items() if name not in _STAY_BEHIND}
        return type(self), self.args, facts

    def _render_traceback_(self) -> list[str]:
        """In IPython: the lines of the user and the message, without the source of this package; %debug has it all."""
        return [*_lines_of_user(self.__traceback__), f"{type(self).__name__}: {self}"]


_STAY_BEHIND: Final = ("plan", "result")
_PACKAGE: Final = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - as code objects name their files
_SHELLS: Final = ("IPython", "ipykernel")


def _lines_of_user(traceback: TracebackType | None) -> list[str]:
    """Return where the user's code was, the innermost place last; a line that may hold an API key is left out."""
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
    """Return a file as IPython names it: ``Cell In[3]`` for the code of a cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    named = shell.compile.format_code_name(file) if shell is not None else None
    return " ".join(named) if named else f"File {file}"


class UsageError(GrowlyticsError):
    """The call is wrong."""


class InvalidArgumentError(UsageError, ValueError):
    """An argument has a value that cannot be."""


class InvalidArgumentTypeError(UsageError, TypeError):
    """An argument has a type that cannot be."""


class ApiKeyError(UsageError, ValueError):
    """There is no API key, or it cannot be one. The message never shows it."""


class MissingDependencyError(UsageError, ImportError):
    """An optional package is not installed; the message says which extra brings it."""


class DataError(GrowlyticsError):
    """The data is wrong."""


class ConstraintViolationError(DataError, ValueError):
    """Some of the frame cannot arrive, so nothing was sent.

    Attributes
    ----------
    violations : DataFrame
        All violations, warnings too.
    plan : Plan
        The plan that was refused; ``plan.push(errors="drop")`` sends what can arrive.
    """

    plan: Any = None

    @cached_property
    def violations(self) -> Any:
        """All violations of the plan, made when they are asked for."""
        return None if self.plan is None else self.plan.violations

    def __reduce__(self) -> tuple[Any, ...]:
        made, arguments, facts = super().__reduce__()
        return made, arguments, facts | {"violations": self.violations}


class ServiceError(GrowlyticsError):
    """The service, or the way to it, refused.

    Attributes
    ----------
    status : int or None
        The HTTP status, None where there was no answer.
    attempts : int
        Requests made for the row at hand.
    server_message : str
        The server's own words, cut to a line.
    retryable : bool
        Whether the same call may succeed later.
    result : PushResult or None
        The result of the push so far; every row is in it.
    """

    status: int | None = None
    attempts: int = 0
    server_message: str = ""
    retryable: bool = False
    result: Any = None


class AuthenticationError(ServiceError):
    """401 or 403: the API key was refused."""


class EndpointError(ServiceError):
    """A redirect, 404, 405 or a TLS failure: the URL is wrong, or something stands before it."""


class ServiceUnavailableError(ServiceError):
    """Nothing succeeds any more; what is left is `unsent`."""

    retryable = True


class CustomerRejectedError(ServiceError):
    """The service refused one customer (`Client.upsert`)."""


class TooManyFailuresError(ServiceError):
    """`max_failures` was reached, so the run was stopped."""


class LedgerError(GrowlyticsError):
    """The ledger's file cannot be used; `path` names it."""

    path: str = ""


class PushInterrupted(KeyboardInterrupt):
    """The push was interrupted; what was in flight has finished or is `unknown`.

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
        """One line in IPython instead of a traceback: the user knows that they interrupted."""
        return [f"PushInterrupted: {self}"]
