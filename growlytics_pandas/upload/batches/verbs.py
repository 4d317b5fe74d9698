"""Push from anything that gives frames: CSV in chunks, Parquet row groups, Spark, Polars, DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Unpack

from growlytics_pandas.client import Client, default_client, refuse_client_as_id, require_client
from growlytics_pandas.columns.options import PlanArguments, options_of, with_plan_options
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.batches.executor import FrameExecutor
from growlytics_pandas.upload.batches.plan import BatchPlan, make_plan
from growlytics_pandas.upload.batches.result import BatchResult
from growlytics_pandas.upload.batches.run import execute_batches
from growlytics_pandas.upload.batches.stream import push_stream
from growlytics_pandas.upload.push_options import Errors, PushOptions
from growlytics_pandas.views.progress import ProgressOption

Frames = Iterable[Any] | Callable[[], Iterable[Any]]


@with_plan_options
def plan_batches(
    frames: Frames,
    id_col: Hashable,
    *,
    client: Client | None = None,
    **options: Unpack[PlanArguments],
) -> BatchPlan:
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
    BatchPlan

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
    engine = FrameExecutor(frames)
    if not engine.can_repeat:
        raise InvalidArgumentError(
            "frames: this source can be read only once, and a plan reads it again. Give a function that opens it: "
            "lambda: pd.read_csv(path, chunksize=100_000). Or push_batches it at once, with types=."
        )
    return make_plan(engine, id_col, options_of(options), require_client(client) or default_client(), execute_batches)


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
) -> BatchResult:
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
    BatchResult

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
    engine, client = FrameExecutor(frames), require_client(client) or default_client()
    checked = PushOptions(**push_options)
    if not engine.can_repeat:
        return push_stream(engine, id_col, chosen, client, checked)
    return make_plan(engine, id_col, chosen, client, execute_batches).push(**push_options)
