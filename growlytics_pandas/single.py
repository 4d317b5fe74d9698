"""One customer, written by hand: `Client.upsert` makes the same body that a push of a one-row frame makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.blocks import prepare
from growlytics_pandas.encoding import encode_block
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.layout import lay_out
from growlytics_pandas.validation import find_violations, screen

_ID = "growlytics customer id"  # no attribute is called so


def encode_customer(
    customer_id: str, attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]], name: str | None
) -> bytes:
    """Return the body of one customer; `ConstraintViolationError` where something in it could not arrive."""
    values, types = _named(attributes)
    frame = pd.DataFrame({_ID: pd.Series([customer_id], dtype=object)})
    for attribute, value in values.items():
        cell = np.empty(1, dtype=object)  # filled apart: a list stays one cell
        cell[0] = value
        frame[attribute] = cell
    layout = lay_out(
        frame,
        _ID,
        columns=list(values),
        rename=None,
        types=types,
        timezone="UTC",
        region="IN",
        keep=False,
        name=name,
        new_attributes="allow",
        known=None,
    )
    screening = screen(frame, layout)
    violations = find_violations(frame, layout, screening)
    if (violations["severity"] == "error").any():
        said = "; ".join(violations.loc[violations["severity"] == "error", "message"].head(10))
        raise ConstraintViolationError(f"nothing was sent: {said}", violations=violations, plan=None)
    block = prepare(frame, layout, screening.dropped, 0, 1)
    return encode_block(block, ~screening.skipped, name)[0]


def _named(attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return name → value and name → explicit type."""
    if isinstance(attributes, Mapping):
        return dict(attributes), {}
    values, types = {}, {}
    for i, entry in enumerate(attributes):
        if not isinstance(entry, Mapping) or not {"name", "type", "value"} <= set(entry):
            raise InvalidArgumentTypeError(
                f"attributes[{i}]: it must be a mapping with 'name', 'type' and 'value', such as "
                "{'name': 'City', 'type': 'string', 'value': 'Pune'}."
            )
        if entry["name"] in values:
            raise InvalidArgumentError(
                f"attributes[{i}]: {entry['name']!r} is given twice; one name can carry one value."
            )
        values[entry["name"]] = entry["value"]
        if entry["name"] not in contract.RESERVED_ATTRIBUTES or entry["type"] != contract.STRING:
            types[entry["name"]] = entry["type"]
    return values, types
