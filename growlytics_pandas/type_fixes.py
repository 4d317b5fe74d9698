"""Remedies for columns of a type that cannot be sent, or not as the service knows it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.conversion_fixes import of_convertible, of_unseen
from growlytics_pandas.fixes import AS_TEXT, INFINITE, NUMBERS, assignment, dropped, empties, in_call, named, remarked
from growlytics_pandas.inference import TYPE_OF, AttributeType, Kind
from growlytics_pandas.layout import Attribute
from growlytics_pandas.spelling_fixes import of_column

_SUPPORTED: Final = (
    ({"timedelta", "timedelta64", "duration"}, "pd.to_timedelta({}).dt.total_seconds()"),
    ({"period"}, "{}.map(lambda v: v.to_timestamp(), na_action='ignore')"),
    ({"complex", "complex64", "complex128"}, "{}.map(abs, na_action='ignore')"),
    ({"bytes", "binary", "large_binary"}, "{}.map(lambda v: v.decode(errors='replace'), na_action='ignore')"),
    ({"list", "tuple", "set", "large_list"}, "{}.map(lambda v: ', '.join(map(str, v)), na_action='ignore')"),
)


def supported(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return a line that turns a column of no attribute type into one that has a type."""
    held = attribute.note if attribute.dtype == "object" else attribute.note or attribute.dtype
    words = {word.split("[")[0].split("<")[0].strip().lower() for word in held.removeprefix("Sparse[").split(",")[:1]}
    if "," in held and attribute.dtype == "object":
        words = {word.strip().lower() for word in held.split(",")}
    change = next(
        (change for known, change in _SUPPORTED if words <= known), "{}.astype(object).map(str, na_action='ignore')"
    )
    return assignment(frame, attribute.position, change)


def as_text(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return a line that writes a column as text, as it would be sent."""
    finite = f"{{}}.replace({INFINITE}, float('nan'))" if attribute.kind is Kind.FLOAT else "{}"
    if attribute.kind is Kind.BOOLEAN:
        return assignment(frame, attribute.position, '{}.map({True: "true", False: "false"})')
    return assignment(frame, attribute.position, AS_TEXT.replace("{}", finite))


def retyped(frame: pd.DataFrame, attribute: Attribute, known: str) -> str:
    """Return a line that makes a column of the type that the service knows, or drops it where it cannot be one.

    Of the ways to convert it gives the one that keeps most, and says what that empties.
    """
    label = named(frame, attribute.position)
    asked = "" if label is None else in_call("types", label, known)
    if asked and attribute.kind in TYPE_OF and attribute.type != TYPE_OF[attribute.kind]:
        return asked
    wanted = AttributeType(known)
    if attribute.kind in (Kind.TEXT, Kind.MIXED) and wanted is not AttributeType.STRING:
        return _from_text(frame, attribute, wanted) or asked or dropped(frame, attribute.position)
    change = _RETYPED[known].get(attribute.kind)
    if change is None:
        return dropped(frame, attribute.position)
    line = assignment(frame, attribute.position, change)
    if wanted is AttributeType.BOOLEAN:
        cells = frame.iloc[:, attribute.position]
        n_lost = int((cells.notna() & ~cells.isin([0, 1])).sum())
        return remarked(line, empties(n_lost)) if n_lost else line
    return line


def _from_text(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts text or a mixture; '' where none does it as a push with ``types=`` would."""
    other = of_column(frame, attribute, wanted)
    if attribute.missing == int(frame.iloc[:, attribute.position].isna().sum()):
        return other or of_convertible(frame, attribute, wanted)
    # The frame is an example of many parts: what the others hold is not known here, and the line must not fail there.
    return "" if other else of_unseen(frame, attribute, wanted)


_TO_BOOLEAN: Final = '.astype("boolean")'
_RETYPED: Final[dict[str, dict[Kind, str]]] = {
    contract.STRING: dict.fromkeys(Kind, AS_TEXT) | {Kind.BOOLEAN: '{}.map({True: "true", False: "false"})'},
    contract.NUMBER: {Kind.BOOLEAN: "{}" + _TO_BOOLEAN + '.astype("Int64")'},
    contract.BOOLEAN: dict.fromkeys(NUMBERS, "{}.map({0: False, 1: True})" + _TO_BOOLEAN),
    contract.DATE: {},
}
