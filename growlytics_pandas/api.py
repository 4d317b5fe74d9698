"""The public functions. `df.growlytics` has the same ones, with the same signatures after the frame."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, Unpack

import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas.client import Client
from growlytics_pandas.columns.plan_options import F, PlanArguments, options_of, with_plan_options
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.batches import FrameExecutor, push_stream
from growlytics_pandas.upload.connection import (
    PUSH_OPTIONS,
    PushCall,
    connection_or_default,
    refuse_client_as_id,
    split_options,
    with_push_options,
)
from growlytics_pandas.upload.plan import Plan, PushResult, check_preview, make_batch_plan, make_plan
from growlytics_pandas.upload.runner import LastResult
from growlytics_pandas.views.tables import RulesFrame

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
        One row per customer.
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
        Remove characters around a text, in all columns (True) or these, including the id: outer white space,
        invisible characters, and a spreadsheet's marks for text: ``'0012``, ``="0012"``, quotes around all of it.
    normalize : dict, optional
        Column → "lower", "email" (the address alone, in lower case), "E.164" (``+919919211112``) or "national" (the
        digits without the code of `region`). Other values are left unchanged. It is applied after
        `strip` and `na_values`, for the id, too: duplicates that it creates are found as duplicates.
    timezone : str
        Zone in which zone-aware dates are written (an assumption: the API does not document one). Naive dates are sent
        unchanged.
    region : str
        Country of mobile numbers written without one, two letters.
    keep : {False, "first", "last"}
        Which row of those with the same id to send. False: none, they are violations.
    name : str, optional
        The top-level ``name`` of the published example. Left out by default.
    new_attributes : {"allow", "forbid"}
        "forbid" makes an attribute that the ledger does not know a violation. It guards against typing errors, since
        an attribute and its type cannot be removed.
    client : Client, optional
        The client whose ledger has the known types. Default: ``Client()`` if a key is set in the environment.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        A column does not exist, or an option is invalid.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(3)
    >>> growlytics_pandas.plan(df, "email", columns=["City", "Total Orders"]).counts["unsent"]
    3
    """
    refuse_client_as_id(id_col)
    connection = connection_or_default(client)
    return make_plan(df, id_col, options_of(options, PUSH_OPTIONS), connection)


_REFERENCE: Final = "Takes the arguments of `plan`."


def _with_plan_arguments(function: F) -> F:
    """List the options of a plan in the signature of a function, and in a docstring that refers to them, for help()."""
    _, heading, rest = (inspect.getdoc(plan) or "").partition("Parameters\n")
    listed = heading + rest.partition("\n\nReturns\n")[0]
    function.__doc__ = inspect.cleandoc(function.__doc__ or "").replace(_REFERENCE, listed)
    return with_plan_options(function)


@_with_plan_arguments
def schema(
    df: pd.DataFrame, id_col: Hashable, *, client: Client | None = None, **options: Unpack[PlanArguments]
) -> pd.DataFrame:
    """Return which columns would be sent, as which attributes and types.

    Takes the arguments of `plan`.

    Returns
    -------
    DataFrame
        One row per column sent: `column`, `attribute`, `type` (NA: nothing can be sent), `dtype`, `reserved`,
        `missing` (count), `distinct` (count), `example`, `known_type` (the ledger's, or NA), `note`: see
        `Plan.schema`.

    Examples
    --------
    >>> import growlytics_pandas
    >>> df = growlytics_pandas.sample_customers(3)
    >>> growlytics_pandas.schema(df, "email", columns=["City", "Total Orders"])["type"].tolist()
    ['string', 'number']
    """
    return plan(df, id_col, client=client, **options).schema


@_with_plan_arguments
def suggest(
    df: pd.DataFrame, id_col: Hashable, *, client: Client | None = None, **options: Unpack[PlanArguments]
) -> dict[str, Any]:
    """Suggest options for the data: review them, edit them, keep them in a file, and push with them.

    A suggestion comes from the parser that the option would use, run on all values. Only unambiguous options are
    suggested, and none that drops a row or a value. A date format or decimal mark that you give and that does not read
    all values is replaced where another one does. `Plan.suggestions` has the reasons, and the choices that a person
    must make.

    Takes the arguments of `plan`.

    Returns
    -------
    dict
        Your options and the suggested ones, ready for ``**``. To keep them: `growlytics_pandas.options.save`.

    Warns
    -----
    UserWarning
        Columns for which a person must decide, since no option is clear from the values. They are not in the dict.

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
    return plan(df, id_col, client=client, **options).suggest()


@_with_plan_arguments
def validate(
    df: pd.DataFrame, id_col: Hashable, *, client: Client | None = None, **options: Unpack[PlanArguments]
) -> pd.DataFrame:
    """Report values that would be rejected (errors) or need a check (warnings), without sending anything.

    Takes the arguments of `plan`.

    Returns
    -------
    DataFrame
        One row per violation: `row` (0-based position, NA: the whole column), `index` (label), `column`, `attribute`,
        `rule`, `severity` ("error", "warning"), `effect`, `value`, `limit`, `count` (cells), `message`, `fix`
        (options, or a remedy). A frame without violations gives the same columns and no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> df = pd.DataFrame({"id": ["a", "a"], "Score": [1.0, float("inf")]})
    >>> growlytics_pandas.validate(df, "id")["rule"].tolist()
    ['id_duplicate', 'id_duplicate', 'value_not_finite']
    """
    return plan(df, id_col, client=client, **options).violations


@_with_plan_arguments
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
    check_preview(n)
    return plan(df, id_col, client=client, **options).preview(n)


@with_plan_options
@with_push_options
def push(
    df: pd.DataFrame,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PushCall],
) -> PushResult:
    """Send every row to Growlytics, and report the rows that did not arrive, with reasons and remedies.

    Parameters
    ----------
    df : DataFrame
        One row per customer.
    id_col : hashable
        The column of ids.
    columns, exclude : list of hashable, optional
        The columns to send, or not to send. Default: all but the id column.
    rename, types : dict, optional
        Column → attribute name; column → "string", "number", "boolean" or "date", which also converts.
    date_format : str, list of str, or dict, optional
        How text and numbers are read as dates: strptime formats, "ISO8601", "epoch_s", "epoch_ms", "excel".
    decimal : {".", ","} or dict, optional
        How text is read as a number; grouping, a currency and ``%`` are removed.
    na_values : list, or dict, optional
        Values that mean missing: in all columns, or column → list.
    strip : bool, or list of hashable
        Remove outer white space, invisible characters and spreadsheets' text markers.
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
        The project to push to. Default: ``Client()``, which takes the key from the environment.
    errors : {"raise", "drop"}
        "raise": any violation of severity error raises before anything is sent. "drop": invalid rows and values are
        left out, the rest is sent, and both are reported.
    dry_run : bool
        Do everything except send requests. Needs no key.
    skip_unchanged : bool
        Skip customers whose body equals the one last accepted (ledger). Use it also to resume after a crash.
    chunk_size : int
        Rows encoded at once; this bounds the memory used.
    max_concurrency : int
        Maximum requests in flight. A push starts with 8 and adds more while that helps.
    max_rate : float, optional
        Maximum requests per second.
    max_failures : int or float, optional
        Stop after this many failed rows (int), or at this share of failed rows (float), after the first 100.
    label : str, optional
        The name of this run in ``client.history()`` and the log (`logging`, logger ``growlytics_pandas``). It is stored
        unmasked: use no customer data.
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
        With ``errors="raise"``, if any value would be rejected. Nothing was sent.
    AuthenticationError, EndpointError
        The key or the URL was refused; nothing was sent after the first response. `.result` has every row.
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
    of_push, of_plan = split_options(options)
    return plan(df, id_col, client=client, **of_plan)._push(of_push).conclude()  # noqa: SLF001 - `push`, with checked options


@with_plan_options
def plan_batches(
    frames: Frames,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PlanArguments],
) -> Plan:
    """Work out what a push of all these frames would do, without sending anything.

    The frames are read once for their types and ids, and again for violations or bodies; one is in memory at a time.
    Types and duplicates are those of one large frame.

    Parameters
    ----------
    frames : iterable of frames, or a function that returns one
        A source that can be read again: a list, or ``lambda: pd.read_csv(path, chunksize=100_000)``. The frames are
        from pandas, Polars or Arrow; rows of Spark's ``toLocalIterator`` are collected into frames.
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
        The source can be read only once. Also the errors of `growlytics_pandas.plan`.

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
            "lambda: pd.read_csv(path, chunksize=100_000). Or use push_batches with types=."
        )
    return make_batch_plan(executor, id_col, options_of(options, PUSH_OPTIONS), connection_or_default(client))


@with_plan_options
@with_push_options
def push_batches(
    frames: Frames,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PushCall],
) -> PushResult:
    """Push a sequence of frames as if they were one; one is in memory at a time.

    A source that can be read again is checked completely before anything is sent. A source that cannot (a generator, an
    open reader) is checked and sent batch by batch: types must be given in `types` or known to the ledger, an error
    stops the push before its batch, and only the first row of an id is sent.

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
        For a source that can be read only once, a type is neither in `types` nor known to the ledger.
    ConstraintViolationError, AuthenticationError, EndpointError, ServiceUnavailableError, PushInterrupted
        As for `growlytics_pandas.push`; `.result` has every row that was read.

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
    of_push, of_plan = split_options(options)
    chosen = options_of(of_plan, PUSH_OPTIONS)
    executor, connection = FrameExecutor(frames), connection_or_default(client)
    if not executor.can_repeat:
        return push_stream(executor, id_col, chosen, connection, of_push).conclude()
    return make_batch_plan(executor, id_col, chosen, connection)._push(of_push).conclude()  # noqa: SLF001 - as above


def rules() -> pd.DataFrame:
    """Return every rule that a frame is checked against.

    Returns
    -------
    DataFrame
        One row per rule: `rule` (as in a violations frame), `severity` ("error": a value would be rejected or ignored;
        "warning": check it), `effect` (what a push with ``errors="drop"`` does), `meaning`.

    Examples
    --------
    >>> import growlytics_pandas
    >>> growlytics_pandas.rules().query("rule == 'id_missing'")["effect"].item()
    'row skipped'
    """
    rows = [(rule.value, rule.severity.value, rule.effect.value, rule.meaning) for rule in Rule]
    return RulesFrame(pd.DataFrame(rows, columns=["rule", "severity", "effect", "meaning"], dtype="str"))


def last_result() -> PushResult | None:
    """Return the newest result of this process, also after an interrupt; None before the first push."""
    found: PushResult | None = LastResult.value
    return found
