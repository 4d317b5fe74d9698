"""`push_segment`, for a frame or for frames that come one after the other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from growlytics_pandas.checks.schema import find_id
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import has_arrow, prepare_frame, read_frame
from growlytics_pandas.columns.options import NewAttributes, PlanOptions
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentResult
from growlytics_pandas.upload.connection import connection_or_default, refuse_client_as_id
from growlytics_pandas.upload.executor import FrameExecutor
from growlytics_pandas.upload.push_options import Errors, PushOptions
from growlytics_pandas.views.progress import ProgressOption


def push_segment(
    df: Any,
    id_col: Hashable,
    attribute: str,
    *,
    members: Any,
    value: Any = True,
    left: Any = False,
    resend: bool = False,
    allow_empty: bool = False,
    na_values: Any = None,
    strip: Any = False,
    normalize: Mapping[Any, str] | None = None,
    timezone: str = "UTC",
    region: str = "IN",
    name: str | None = None,
    new_attributes: NewAttributes = "allow",
    client: Client | None = None,
    errors: Errors = "raise",
    dry_run: bool = False,
    skip_unchanged: bool = False,
    chunk_size: int = 1000,
    max_concurrency: int = 64,
    max_rate: float | None = None,
    max_failures: float | None = None,
    progress: ProgressOption = "auto",
) -> SegmentResult:
    """Send who joined a segment and who left it, and nothing to those who stayed.

    Parameters
    ----------
    df : DataFrame
        Who is in the segment now; only the ids are read. An iterable of frames, or a function that returns one, as
        `growlytics_pandas.push_batches` takes it, will do, too: the ids of all of them are held in memory. A segment is
        a set: of several rows with one id the first counts, and the others are skipped with a warning.
    id_col : hashable
        The column of ids.
    attribute : str
        The attribute that says who is in, such as ``"Is VIP"``.
    members : str or path
        A CSV file with the columns ``id`` and ``since``, which this function reads and writes: who was in after the
        last run. Use one file a segment. Without it this is a first run, which knows no leavers. It holds ids in plain
        text, so only its owner may read it (mode 600).
    value : scalar
        What is sent for those who are in the frame and not in `members`.
    left : scalar
        What is sent for those who are in `members` and not in the frame; of the same type as `value`.
    resend : bool
        Send `value` to those who stayed, too.
    allow_empty : bool
        Allow a frame without customers, one with fewer than half of the members, or (from ten members) with none of
        them. Each is an error otherwise, since a failed query or a wrong id column looks the same.
    na_values, strip, normalize, timezone, region, name, new_attributes
        As for `growlytics_pandas.plan`. The options of columns apply to the id alone, and ids are compared as they are
        sent.
    client, errors, dry_run, skip_unchanged, chunk_size, max_concurrency, max_rate, max_failures, progress
        As for `growlytics_pandas.push`. A dry run neither sends nor writes anything. With ``errors="drop"``, a row
        without a usable id is skipped; if its customer is in `members`, they count as having left.

    Returns
    -------
    SegmentResult
        One outcome for each row of the frame, and one for each customer who left, after them. Those who stayed are
        `unchanged`. `joined`, `left` and `stayed` count customers.

    Raises
    ------
    DataError
        `members` is no such file, or the frame is suspiciously small (see `allow_empty`). Nothing was sent.
    UsageError
        Another run is working with `members`.
    InvalidArgumentError, ConstraintViolationError, AuthenticationError, EndpointError, ServiceUnavailableError, \
PushInterrupted
        As `growlytics_pandas.push`. `members` then holds what is certain, and the next run sends the rest.

    Notes
    -----
    `members` changes by outcomes only. An id whose request failed, or was never sent, keeps its place and is sent by
    the next run; so is one whose answer was lost, or any of a run that was killed. That may repeat a request, which is
    safe.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> path = pathlib.Path(tempfile.mkdtemp(), "vip.csv")
    >>> with growlytics_pandas.Sandbox() as sandbox:
    ...     how = {"members": path, "client": sandbox.client, "progress": False}
    ...     monday = growlytics_pandas.push_segment(pd.DataFrame({"id": ["a", "b"]}), "id", "Is VIP", **how)
    ...     tuesday = growlytics_pandas.push_segment(pd.DataFrame({"id": ["b", "c"]}), "id", "Is VIP", **how)
    ...     sandbox.stored()["a"]
    {'Is VIP': False}
    >>> monday.joined, (tuesday.joined, tuesday.left, tuesday.stayed)
    (2, (1, 1, 1))
    """
    refuse_client_as_id(id_col)
    segment = Segment(
        id_col,
        attribute,
        find_members(members),
        value=value,
        left=left,
        resend=resend,
        allow_empty=allow_empty,
        reading=PlanOptions(
            na_values=na_values,
            strip=strip,
            normalize=normalize,
            timezone=timezone,
            region=region,
            name=name,
            new_attributes=new_attributes,
            keep="first",
        ),
        client=connection_or_default(client),
    )
    options = PushOptions(
        errors=errors,
        dry_run=dry_run,
        skip_unchanged=skip_unchanged,
        chunk_size=chunk_size,
        max_concurrency=max_concurrency,
        max_rate=max_rate,
        max_failures=max_failures,
        progress=progress,
    )
    return segment.push(_one_frame(df, id_col, segment.reading), options)


def _one_frame(df: Any, id_col: Hashable, reading: PlanOptions) -> pd.DataFrame:
    """Return a frame itself, and of several their ids in one frame."""
    if isinstance(df, pd.DataFrame) or has_arrow(df):
        frame = prepare_frame(read_frame(df), id_col)
        reading.check_columns(frame.columns)
        return frame
    columns: list[pd.DataFrame] = []
    for _, part in FrameExecutor(df).walk(None):
        frame = prepare_frame(part, id_col)
        if not columns:
            reading.check_columns(frame.columns)
        columns.append(frame.iloc[:, [find_id(frame, id_col)]])
    if not columns:
        raise InvalidArgumentError("df: the source gave no frame; there must be one, if only for its columns.")
    if len({column.dtypes.iloc[0] for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]  # no number passes through a float
    return pd.concat(columns)
