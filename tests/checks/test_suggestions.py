"""Columns as people keep them, the options that are suggested for them, and what is sent then."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from growlytics_pandas.checks.suggestions import as_frame, as_options, suggest_for
from growlytics_pandas.columns.reading import Reading, clean, read_values
from growlytics_pandas.inference import AttributeType, inspect

UTC_ZONE = ZoneInfo("UTC")
NOT_SENT = "not sent"


def frame_of(values, label="x", dtype=object):
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    return pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(len(column))],
            label: column.to_numpy() if dtype is object and not isinstance(values, pd.Series) else column.array,
        }
    )


def suggestions(frame, *, id_col="id", zone=UTC_ZONE, region="IN", known=None, reading=None):
    place = list(frame.columns).index(id_col)
    names = {i: str(label) for i, label in enumerate(frame.columns)}
    kinds = {i: inspect(frame.iloc[:, i]).kind for i in names}
    return suggest_for(frame, place, names, lambda _: reading or Reading(), kinds, zone, region, known or {})


def suggested(values, label="x", dtype=object, **options):
    found = [one for one in suggestions(frame_of(values, label, dtype), **options) if one.column == label]
    return as_options(found), found


def sent(values, options, label="x", dtype=object, zone="UTC"):
    """Apply options to a column, and return the type and the values that a push sends."""
    column = frame_of(values, label, dtype)[label]
    formats = options.get("date_format", {}).get(label, ())
    reading = Reading(
        strip=label in options.get("strip", ()),
        na_values=tuple(options.get("na_values", {}).get(label, ())),
        normalize=options.get("normalize", {}).get(label),
        date_formats=(formats,) if isinstance(formats, str) else tuple(formats),
        decimal=options.get("decimal", {}).get(label),
    )
    zone = ZoneInfo(options.get("timezone", zone))
    cleaned = clean(column, reading, zone, "IN")
    finding = inspect(cleaned)
    wanted = "date" if formats else "number" if reading.decimal else options.get("types", {}).get(label)
    target = AttributeType(wanted) if wanted else finding.type
    values = read_values(column, finding.kind, target, zone, "IN", reading)
    written = values.values.tolist() if isinstance(values.values, np.ndarray) else list(values.values)
    texts = [str(v).removesuffix(" 00:00:00") if isinstance(v, datetime) else v for v in written]
    return target.value, [v if is_sent else NOT_SENT for v, is_sent in zip(texts, values.sent.tolist(), strict=True)]
