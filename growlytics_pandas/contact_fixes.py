"""Remedies for addresses and mobile numbers: what can be mended is, and only the user knows the right one of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pandas as pd

from growlytics_pandas.conditions import IS_TEXT, Condition, as_text, go_by_labels, picking, plain, text_of, unlike
from growlytics_pandas.contacts import Problem
from growlytics_pandas.fixes import AS_TEXT, Lines, assignment, combined, emptied, in_rows
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Attribute

_STRIP: Final = ".str.strip()"
_CUT: Final = '.str.removesuffix(".0")'
_FRACTION: Final = ".0"  # of a float that became text
_Judge = Callable[[Sequence[str]], Sequence[Problem]]


def of_bad_contact(frame: pd.DataFrame, attribute: Attribute, judge: _Judge, rows: list[int]) -> Lines:
    """Return lines that strip addresses and numbers, cut the ".0" of numbers, and empty those that cannot be."""
    values = frame.iloc[rows, attribute.position].tolist()
    change = _change(attribute, values)
    changed = [i for i, value in enumerate(values) if isinstance(value, str) and value != _changed(value, change)]
    wrong = {problem.position for problem in judge([_changed(values[i], change) for i in changed])}
    kept = {rows[i] for place, i in enumerate(changed) if place not in wrong}
    lost = [row for row in rows if row not in kept]
    right = "address" if attribute.name == "email" else "number"
    condition = picking(
        frame,
        attribute,
        lost,
        _no_contact(frame, attribute, lost, change if kept else ""),
        is_emptying=True,
        mended=(lambda cells: _apply(cells, change)) if kept else None,
    )
    gone = emptied(frame, attribute.position, lost, f"or write the right {right}", condition)
    if not kept:
        return gone
    fine = [row for row in rows if row in kept]
    mended = _mended(frame, attribute, fine, [rows[i] for i in changed], change)
    return combined(rows, (fine, mended), (lost, gone))


def _change(attribute: Attribute, values: Sequence[Any]) -> str:
    """Return what is to be done to the texts: white space around them taken away, and the ".0" of numbers."""
    texts = [value for value in values if isinstance(value, str)]
    strip = _STRIP if any(text != text.strip() for text in texts) else ""
    has_fraction = attribute.name != "email" and any(text.strip().endswith(_FRACTION) for text in texts)
    return strip + (_CUT if has_fraction else "")


def _changed(text: str, change: str) -> str:
    text = text.strip() if _STRIP in change else text
    return text.removesuffix(_FRACTION) if _CUT in change else text


def _apply(cells: pd.Series[Any], change: str) -> pd.Series[Any]:
    return cells.astype(object).map(lambda v: _changed(v, change) if isinstance(v, str) else v)


def _mended(frame: pd.DataFrame, attribute: Attribute, rows: list[int], changed: list[int], change: str) -> Lines:
    """Return lines that mend the texts in `rows`; all texts, where those in `changed` are all that it changes."""
    here, place = plain(frame, attribute), attribute.position
    is_changed = Condition(f"({{}} != {{}}{change})", lambda c: c.astype(object) != _apply(c, change))
    if attribute.kind is Kind.TEXT and picking(frame, attribute, changed, [is_changed], is_emptying=True):
        return assignment(frame, place, here + change)
    condition = picking(frame, attribute, changed, [IS_TEXT & is_changed])
    return in_rows(frame, place, rows, f"{here}.mask(\0, {here}{change})", condition=condition)


# conditions -----------------------------------------------------------------------------------------------------------

# From the simplest to what contacts.PLAIN_EMAIL is, in words that Arrow's expressions have too but for the last.
_LOCAL: Final = "[A-Za-z0-9_+-]+([.][A-Za-z0-9_+-]+)*"
_DOMAIN: Final = "([A-Za-z0-9]+(-[A-Za-z0-9]+)*[.])+"
_EMAILS: Final = (
    "[^@ ]+@[^@ ]+[.][^@ ]+",
    f"{_LOCAL}@{_DOMAIN}[A-Za-z]{{2,24}}",
    f"{_LOCAL}@{_DOMAIN}(?!(?i:arpa|invalid|local|localhost|onion|test)$)[A-Za-z]{{2,24}}",
)
_INDIAN: Final = "([+]?91[ -]?|0)?[6-9][0-9]{4}[ -]?[0-9]{5}"


def _no_contact(frame: pd.DataFrame, attribute: Attribute, rows: list[int], change: str) -> list[Condition]:
    """Return conditions that a value is no address or mobile number, of a column whose wrong ones are in `rows`.

    What `change` mends is for another line: white space around one, the ".0" of a float.
    """
    if go_by_labels(frame, rows):
        return []
    is_text = attribute.kind is Kind.TEXT
    patterns = _EMAILS if attribute.name == "email" else _mobiles(frame.iloc[:, attribute.position], rows, change)
    end = "([.]0)?" if _CUT in change else ""
    found = [unlike(pattern + end, is_padded=_STRIP in change) for pattern in patterns]
    return found if is_text else [_written(one) for one in found]


def _mobiles(cells: pd.Series[Any], rows: list[int], change: str) -> list[str]:
    """Return expressions for mobile numbers: Indian ones, and those of as many characters as the right ones have."""
    is_good = cells.notna().to_numpy(copy=True)
    is_good[rows] = False
    good = cells[is_good].astype(object).tolist()
    lengths = {len(_changed(text_of(value).strip(), change).removeprefix("+")) for value in good}
    if not lengths:
        return [_INDIAN]
    count = f"{{{min(lengths)},{max(lengths)}}}"
    return [_INDIAN, f"[+]?[0-9]{count}", f"[+]?[0-9 ().-]{count}"]


def _written(condition: Condition) -> Condition:
    """Return the condition for the text of numbers: it is right before they become text and afterwards."""
    return Condition(condition.text.replace("{}", AS_TEXT), lambda c: condition.holds(as_text(c)))
