"""The public functions. `df.growlytics` has the same ones, with the same signatures after the frame."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, ParamSpec, TypeVar, Unpack

import pandas as pd

from growlytics_pandas._rules import RULES
from growlytics_pandas.client import Client
from growlytics_pandas.columns.options import PlanArguments, options_of, with_plan_options
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.connection import connection_or_default, refuse_client_as_id
from growlytics_pandas.upload.executor import FrameExecutor
from growlytics_pandas.upload.plan import Plan, PushResult, make_batch_plan, make_plan
from growlytics_pandas.upload.push_options import Errors, PushOptions
from growlytics_pandas.upload.runner import LastResult
from growlytics_pandas.upload.stream import push_stream
from growlytics_pandas.views.progress import ProgressOption

P = ParamSpec("P")
R = TypeVar("R")
Frames = Iterable[Any] | Callable[[], Iterable[Any]]


@with_plan_options
def plan(
    df: pd.DataFrame,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PlanArguments],
) -> Plan:
    """Work out what a push would do, without sending anything.

    Parameters
    ----------
    df : DataFrame
        One row a customer.
    id_col : hashable
        The column of ids. It is sent as an attribute too only where its name is ``name``, ``email`` or ``mobile``.
    columns : list of hashable, optional
        The columns to send. Default: all but the id column.
    exclude : list of hashable, optional
        Columns not to send.
    rename : dict, optional
        Column → attribute name.
    types : dict, optional
        Column → "string", "number", "boolean" or "date": overrides what the dtype says, and converts.
    date_format : str, list of str, or dict, optional
        How text and numbers are read as dates: a strptime format such as ``"%d/%m/%Y"``, ``"ISO8601"``, ``"epoch_s"``,
        ``"epoch_ms"`` (seconds or milliseconds since 1970, UTC) or ``"excel"`` (serial days of a spreadsheet). A list
        is tried in order, value by value. A dict gives column → format or list, and makes these columns dates;
        without it the format holds for the columns that `types` declares as "date".
    decimal : {".", ","} or dict, optional
        How text is read as a number. Grouping, one currency sign or code and ``%`` are removed (12 % is 12), accounting
        brackets mean minus. A dict gives column → mark, and makes these columns numbers; without it the mark holds
        for the columns that `types` declares as "number".
    na_values : list, or dict, optional
        Texts, numbers and dates that mean missing: in all columns, the id included, or column → list. White space
        around a text does not count, so ``""`` covers cells of white space only.
    strip : bool, or list of hashable
        Remove what is not part of a text, in all columns (True) or these, the id included: outer white space,
        invisible characters, and a spreadsheet's marks for text: ``'0012``, ``="0012"``, quotes around all of it.
    normalize : dict, optional
        Column → "lower", "email" (the address alone, in lower case), "E.164" (``+919919211112``) or "national" (the
        digits without the code of `region`). What is no address or possible number is left as it is. It comes after
        `strip` and `na_values`, for the id, too: duplicates that it creates are found as duplicates.
    timezone : str
        Zone in which zone-aware dates are written (the API does not say which it takes: an assumption). Naive dates
        are sent unchanged.
    region : str
        Country of mobile numbers written without one, two letters.
    keep : {False, "first", "last"}
        Which row of those with the same id to send. False: none, they are violations.
    name : str, optional
        The top-level ``name`` of the published example. Left out by default.
    new_attributes : {"allow", "forbid"}
        "forbid" makes an attribute that the ledger does not know a violation: a guard against typing errors, since a
        name once sent stays, with its type.
    client : Client, optional
        Whose ledger to ask for known types. Default: ``Client()`` where a key is set in the environment.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        A column that is not there, or an option that cannot be.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(3)
    >>> growlytics_pandas.plan(df, "email", columns=["City", "Total Orders"]).counts["unsent"]
    3
    """
    refuse_client_as_id(id_col)
    connection = connection_or_default(client)
    return make_plan(df, id_col, options_of(options), connection)


_REFERENCE: Final = "Takes the arguments of `plan`."


def _spell_out(doc: str | None) -> str:
    """Put the parameters of `plan` where a docstring only refers to them: help() shows everything in one place."""
    _, heading, rest = (inspect.getdoc(plan) or "").partition("Parameters\n")
    return inspect.cleandoc(doc or "").replace(_REFERENCE, heading + rest.partition("\n\nReturns\n")[0])


def _like(function: Callable[P, Any]) -> Callable[[Callable[[Plan], R]], Callable[P, R]]:
    """Make a view of a plan into a function with the arguments of `function`, which makes that plan."""

    def decorate(view: Callable[[Plan], R]) -> Callable[P, R]:
        @functools.wraps(view)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return view(function(*args, **kwargs))

        returned = inspect.signature(view).return_annotation
        call.__doc__ = _spell_out(view.__doc__)
        call.__signature__ = inspect.signature(function).replace(return_annotation=returned)  # type: ignore[attr-defined]
        return call

    return decorate


@_like(plan)
def schema(plan: Plan) -> pd.DataFrame:
    """Return which columns would be sent, as which attributes and types.

    Takes the arguments of `plan`.

    Returns
    -------
    DataFrame
        One row per column sent: `column`, `attribute`, `type` (NA: nothing can be sent), `dtype`, `reserved`,
        `missing` (count), `known_type` (the ledger's, or NA), `note`.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(3)
    >>> growlytics_pandas.schema(df, "email", columns=["City", "Total Orders"])["type"].tolist()
    ['string', 'number']
    """
    return plan.schema


@_like(plan)
def suggest(plan: Plan) -> dict[str, Any]:
    """Suggest the options that the data call for: read them, edit them, keep them in a file, and push with them.

    A suggestion is made by trying the very parser that the option would use, on all values; only what is unambiguous is
    suggested, and nothing that drops a row or a value. `Plan.suggestions` has the reasons, and what a person must
    decide.

    Takes the arguments of `plan`.

    Returns
    -------
    dict
        The options given and those suggested, ready for ``**``. For a file: `growlytics_pandas.options.save`.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> df = pd.DataFrame({"id": ["a", "b"], "Joined": ["31/01/2025", "28/02/2025"]})
    >>> options = growlytics_pandas.suggest(df, "id")
    >>> options
    {'date_format': {'Joined': '%d/%m/%Y'}}
    >>> growlytics_pandas.schema(df, "id", **options)["type"].tolist()
    ['date']
    """
    return plan.suggest()


@_like(plan)
def validate(plan: Plan) -> pd.DataFrame:
    """Report everything that would not arrive, or deserves a look, without sending anything.

    Takes the arguments of `plan`.

    Returns
    -------
    DataFrame
        One row per violation: `row` (0-based position, NA: the whole column), `index` (label), `column`, `attribute`,
        `rule`, `severity` ("error", "warning"), `effect`, `value`, `limit`, `count` (cells), `message`, `fix`
        (options, or what to do). All violations; the same columns when there are none.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> df = pd.DataFrame({"id": ["a", "a"], "Score": [1.0, float("inf")]})
    >>> growlytics_pandas.validate(df, "id")["rule"].tolist()
    ['id_duplicate', 'id_duplicate', 'row_empty', 'value_not_finite']
    """
    return plan.violations


@with_plan_options
def preview(
    df: pd.DataFrame,
    id_col: Hashable,
    *,
    n: int = 3,
    client: Client | None = None,
    **options: Unpack[PlanArguments],
) -> list[dict[str, Any]]:
    """Show the first `n` request bodies exactly as they would be sent.

    Takes the arguments of `plan`.

    n : int
        How many.

    Returns
    -------
    list of dict
        Bodies of the first `n` rows that can be sent.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> df = pd.DataFrame({"id": ["a"], "City": ["Pune"]})
    >>> growlytics_pandas.preview(df, "id")
    [{'id': 'a', 'attributes': [{'name': 'City', 'type': 'string', 'value': 'Pune'}]}]
    """
    return plan(df, id_col, client=client, **options).preview(n)


preview.__doc__ = _spell_out(preview.__doc__)


@with_plan_options
def push(
    df: pd.DataFrame,
    id_col: Hashable,
    *,
    client: Client | None = None,
    errors: Errors = "raise",
    dry_run: bool = False,
    skip_unchanged: bool = False,
    chunk_size: int = 1000,
    max_concurrency: int = 64,
    max_rate: float | None = None,
    max_failures: float | None = None,
    label: str | None = None,
    progress: ProgressOption = "auto",
    **options: Unpack[PlanArguments],
) -> PushResult:
    """Send every row to Growlytics, or say which did not arrive, why, and what to do.

    Parameters
    ----------
    df : DataFrame
        One row a customer.
    id_col : hashable
        The column of ids.
    columns, exclude : list of hashable, optional
        The columns to send, and those not to. Default: all but the id column.
    rename, types : dict, optional
        Column → attribute name; column → "string", "number", "boolean" or "date", which also converts.
    date_format : str, list of str, or dict, optional
        How text and numbers are read as dates: strptime formats, "ISO8601", "epoch_s", "epoch_ms", "excel".
    decimal : {".", ","} or dict, optional
        How text is read as a number; grouping, a currency and ``%`` are removed.
    na_values : list, or dict, optional
        What means missing: in all columns, or column → list.
    strip : bool, or list of hashable
        Remove outer white space, invisible characters and a spreadsheet's marks for text.
    normalize : dict, optional
        Column → "lower", "email", "E.164" or "national": one spelling for one person.
    timezone, region : str
        Zone in which zone-aware dates are written; country of mobile numbers written without one.
    keep : {False, "first", "last"}
        Which row of those with the same id to send. False: none.
    name : str, optional
        The top-level ``name`` of the published example.
    new_attributes : {"allow", "forbid"}
        "forbid": an attribute that the ledger does not know is a violation.
    client : Client, optional
        Where to send to. Default: ``Client()``, which takes the key from the environment.
    errors : {"raise", "drop"}
        "raise": any violation of severity error raises before anything is sent. "drop": what cannot arrive is left
        out, the rest is sent, and both are reported.
    dry_run : bool
        Everything but the requests. Needs no key.
    skip_unchanged : bool
        Leave out customers whose body equals the one last accepted (ledger): also how to go on after a crash.
    chunk_size : int
        Rows encoded at once. Memory is bounded by it.
    max_concurrency : int
        Requests in flight at most. It starts with 8 and grows while that helps.
    max_rate : float, optional
        Requests a second at most.
    max_failures : int or float, optional
        Stop after so many failed rows, or (float) such a share of the rows, after the first 100.
    label : str, optional
        What to call this run in ``client.history()`` and the log (`logging`, logger ``growlytics_pandas``). No
        customer's data: it is kept as it is.
    progress : {"auto", "widget", "text", False} or callable
        How to show progress: a panel in a notebook, a line of text elsewhere ("auto", "widget"), text everywhere, or
        nothing. A function gets `ProgressEvent` objects, at most five a second; ``event.stop()`` stops the push.

    Returns
    -------
    PushResult
        `outcomes` (one row per row of `df`), `counts`, `failed`, `violations`, `retry()`.

    Raises
    ------
    ConstraintViolationError
        With ``errors="raise"``, when something could not arrive. Nothing was sent.
    AuthenticationError, EndpointError
        The key or the URL was refused; on the first answer, nothing more was sent. `.result` has every row.
    ServiceUnavailableError, TooManyFailuresError
        The run ended early. `.result` has every row.
    PushInterrupted
        Ctrl-C, or the kernel's interrupt. `.result` has every row.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(5)
    >>> with growlytics_pandas.Sandbox() as sandbox:
    ...     result = growlytics_pandas.push(df, "email", client=sandbox.client, progress=False)
    >>> result.counts["accepted"]
    5
    """
    return plan(df, id_col, client=client, **options).push(
        errors=errors,
        dry_run=dry_run,
        skip_unchanged=skip_unchanged,
        chunk_size=chunk_size,
        max_concurrency=max_concurrency,
        max_rate=max_rate,
        max_failures=max_failures,
        label=label,
        progress=progress,
    )


@with_plan_options
def plan_batches(
    frames: Frames,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PlanArguments],
) -> Plan:
    """Work out what a push of all these frames would do, without sending anything.

    The frames are read once for their types and ids, and again for every look at violations or bodies; one is in
    memory at a time. Types and duplicates are those of one large frame.

    Parameters
    ----------
    frames : iterable of frames, or a function that returns one
        Something that can be read again: a list, or ``lambda: pd.read_csv(path, chunksize=100_000)``. The frames are
        pandas', Polars' or Arrow's; rows of Spark's ``toLocalIterator`` are gathered.
    id_col : hashable
        The column of ids.
    columns, exclude, rename, types, date_format, decimal, na_values, strip, normalize, timezone, region, keep, name, \
new_attributes, client
        As for `growlytics_pandas.plan`.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidArgumentError
        The source can be read only once, or what `growlytics_pandas.plan` raises.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(10)
    >>> growlytics_pandas.plan_batches([df[:5], df[5:]], "email", columns=["City"]).counts["unsent"]
    10
    """
    refuse_client_as_id(id_col)
    executor = FrameExecutor(frames)
    if not executor.can_repeat:
        raise InvalidArgumentError(
            "frames: this source can be read only once, and a plan reads it again. Give a function that opens it: "
            "lambda: pd.read_csv(path, chunksize=100_000). Or push_batches it at once, with types=."
        )
    return make_batch_plan(executor, id_col, options_of(options), connection_or_default(client))


@with_plan_options
def push_batches(
    frames: Frames,
    id_col: Hashable,
    *,
    client: Client | None = None,
    errors: Errors = "raise",
    dry_run: bool = False,
    skip_unchanged: bool = False,
    chunk_size: int = 1000,
    max_concurrency: int = 64,
    max_rate: float | None = None,
    max_failures: float | None = None,
    label: str | None = None,
    progress: ProgressOption = "auto",
    **options: Unpack[PlanArguments],
) -> PushResult:
    """Push frames that come one after the other, as if they were one; one is in memory at a time.

    A source that can be read again is looked at as a whole before anything is sent. One that cannot (a generator, an
    open reader) is checked and sent batch by batch: the types must be given, or known to the ledger; an error stops the
    push before its batch; of one id in several batches the first is sent.

    Parameters
    ----------
    frames : iterable of frames, or a function that returns one
        As for `plan_batches`; a generator is fine too.
    id_col : hashable
        The column of ids.
    columns, exclude, rename, types, date_format, decimal, na_values, strip, normalize, timezone, region, keep, name, \
new_attributes, client, errors, dry_run, skip_unchanged, chunk_size, max_concurrency, max_rate, max_failures, \
label, progress
        As for `growlytics_pandas.push`.

    Returns
    -------
    PushResult

    Raises
    ------
    InvalidArgumentError
        A type that is neither given nor known, for a source that can be read only once.
    ConstraintViolationError, AuthenticationError, EndpointError, ServiceUnavailableError, PushInterrupted
        As `growlytics_pandas.push`; `.result` has every row that was read.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(10)
    >>> with growlytics_pandas.Sandbox() as sandbox:
    ...     result = growlytics_pandas.push_batches([df[:5], df[5:]], "email", client=sandbox.client, progress=False)
    >>> result.counts["accepted"]
    10
    """
    refuse_client_as_id(id_col)
    chosen = options_of(options)
    push_options: dict[str, Any] = {
        "errors": errors,
        "dry_run": dry_run,
        "skip_unchanged": skip_unchanged,
        "chunk_size": chunk_size,
        "max_concurrency": max_concurrency,
        "max_rate": max_rate,
        "max_failures": max_failures,
        "label": label,
        "progress": progress,
    }
    executor, connection = FrameExecutor(frames), connection_or_default(client)
    checked = PushOptions(**push_options)
    if not executor.can_repeat:
        return push_stream(executor, id_col, chosen, connection, checked)
    return make_batch_plan(executor, id_col, chosen, connection).push(**push_options)


def rules() -> pd.DataFrame:
    """Return every rule that a frame is checked against.

    Returns
    -------
    DataFrame
        One row per rule: `rule` (as in a violations frame), `severity` ("error": a value would be rejected or ignored;
        "warning"), `effect` (what a push with ``errors="drop"`` does), `meaning`.

    Examples
    --------
    >>> import growlytics_pandas
    >>> growlytics_pandas.rules().query("rule == 'id_missing'")["effect"].item()
    'row skipped'
    """
    rows = [(rule.value, facts.severity.value, facts.effect.value, facts.meaning) for rule, facts in RULES.items()]
    return pd.DataFrame(rows, columns=["rule", "severity", "effect", "meaning"], dtype="str")


def last_result() -> PushResult | None:
    """Return the newest result of this process, also after an interrupt; None before the first push."""
    found: PushResult | None = LastResult.value
    return found
