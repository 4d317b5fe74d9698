"""`push_segment`, for a frame or for a sequence of frames."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping
from typing import Any, Unpack

import pandas as pd

from growlytics_pandas.checks.schema import find_id
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import has_arrow, prepare_frame, read_frame
from growlytics_pandas.columns.plan_options import NewAttributes, PlanOptions, refuse_unknown
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentResult
from growlytics_pandas.upload.batches import FrameExecutor
from growlytics_pandas.upload.connection import (
    PushArguments,
    PushOptions,
    connection_or_default,
    refuse_client_as_id,
    with_push_options,
)


@with_push_options
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
    **options: Unpack[PushArguments],
) -> SegmentResult:
    """Send an attribute for customers who joined or left a segment; those who stayed are not sent.

    Parameters
    ----------
    df : DataFrame
        The current members; only the ids are read. It can also be an iterable of frames, or a function that returns
        one, as for `growlytics_pandas.push_batches`; the ids of all frames are held in memory. Of several rows with the
        same id the first counts, and the others are skipped with a warning.
    id_col : hashable
        The column of ids.
    attribute : str
        The attribute that marks members, such as ``"Is VIP"``.
    members : str or path
        A CSV file with the columns ``id`` and ``since``, which this function reads and writes: the members after the
        last run. Use one file per segment and project; its first line records the attribute, the value, and a digest of
        the project's URL and API key. If it does not exist, this is a first run, in which nobody leaves. It contains
        ids in plain text, so only its owner may read it (mode 600).
    value : scalar
        Sent for customers who are in the frame and not in `members`.
    left : scalar
        Sent for customers who are in `members` and not in the frame; of the same type as `value`.
    resend : bool
        Also send `value` for customers who stayed.
    allow_empty : bool
        Allow a frame without customers, with fewer customers than half of the members, or (from ten members) with none
        of the members. These are errors by default, since a failed query or a wrong id column looks the same.
    na_values, strip, normalize, timezone, region, name, new_attributes
        As for `growlytics_pandas.plan`. Column options apply only to the id; ids are compared in the form in which they
        are sent.
    client, errors, dry_run, skip_unchanged, chunk_size, max_concurrency, max_rate, max_failures, label, progress
        As for `growlytics_pandas.push`. A dry run sends and writes nothing. With ``errors="drop"``, a row
        without a usable id is skipped; if its customer is in `members`, they count as having left.

    Returns
    -------
    SegmentResult
        One outcome for each row of the frame, and one for each customer who left, after them. Those who stayed are
        `unchanged`. `joined`, `left` and `stayed` count customers.

    Raises
    ------
    DataError
        `members` is not a valid members file, or the frame is suspiciously small (see `allow_empty`). Nothing was sent.
    UsageError
        Another run is working with `members`.
    InvalidArgumentError
        `members` is for another attribute, value or project (a sandbox is a project of its own), or an argument is
        wrong. Nothing was sent.
    ConstraintViolationError, AuthenticationError, EndpointError, ServiceUnavailableError, PushInterrupted
        As for `growlytics_pandas.push`. `members` then has the confirmed changes, and the next run sends the rest.

    Notes
    -----
    `members` is updated only with confirmed outcomes. The next run sends every id again whose request failed, was not
    sent or got no response, and those of a killed run. Repeating a request is safe.

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
    refuse_unknown(options, inspect.signature(push_segment).parameters)
    refuse_client_as_id(id_col)
    connection = connection_or_default(client)
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
    )
    of_push = PushOptions(**options)  # checked before the frame is read
    return segment.push(_one_frame(df, id_col, segment.reading), of_push, connection).conclude()


def _one_frame(df: Any, id_col: Hashable, reading: PlanOptions) -> pd.DataFrame:
    """Return a single frame unchanged; of a sequence of frames, return the ids as one frame."""
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
        raise InvalidArgumentError("df: the source has no frames; it must have at least one, which may be empty.")
    if len({column.dtypes.iloc[0] for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]  # no number passes through a float
    return pd.concat(columns)
