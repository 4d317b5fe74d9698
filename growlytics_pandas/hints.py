"""Hints for columns whose type is worth a second thought, because the first push fixes it for good.

A column is looked at first (`look`), then judged (`judge`): so the parts of a larger frame can be judged as one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.conversion import as_boolean, date_in, number_in
from growlytics_pandas.inference import Kind
from growlytics_pandas.spellings import NOT_OF_A_NUMBER, date_formats, is_grouped, is_priced

_ANY_ZONE: Final = ZoneInfo("UTC")
_GLANCE: Final = 50  # values: they settle most text columns
_SAMPLE: Final = 10_000  # values: some 20 ms where all differ
_MOST: Final = 0.9  # share of the values from which the others look like exceptions
_LONG_DIGITS: Final = 10  # telephone numbers, ids, time stamps; few amounts are as long


@dataclass(frozen=True, slots=True)
class Hint:
    """A line for the schema's `note`, or '' where the type is plain, and the type that it speaks for, if any."""

    text: str = ""
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one column of one frame showed: small, and looks at the parts of a column add up."""

    label: Hashable = None
    hint: Hint = Hint()
    shapes: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0
    is_whole: bool = True


class _Shape(StrEnum):
    """What a text looks like; dates that are not ISO 8601 are counted by their strptime format instead."""

    YES = "yes"
    NO = "no"
    NUMBER = "number"
    LONG = "many digits"
    CODE = "code"
    GROUPED = "1,000"
    PRICED = "₹1,000"
    DATE = "date"
    PADDED = "white space around it"  # counted beside the shape
    OTHER = ""


def hint(column: pd.Series[Any], kind: Kind, name: str) -> Hint:
    """Return the hint for one column that is sent as the attribute `name`."""
    return judge([look(column, kind, name)])


def look(column: pd.Series[Any], kind: Kind, name: str) -> Look:
    """Look at a column; at no more than some 10,000 of its values where it is text."""
    if name in contract.RESERVED_ATTRIBUTES:
        return Look()
    near = next((r for r in contract.RESERVED_ATTRIBUTES if name.strip().lower() == r), None)
    if near is not None:
        return Look(hint=Hint(f"a custom attribute; rename to {near!r} if campaigns are to use it"))
    if kind is Kind.TEXT:
        return _at_text(column)
    if kind is Kind.DATE:
        return Look(hint=_IN_ZONE if _is_aware(column) else Hint())
    return Look(hint=_of_integers(column) if kind is Kind.INTEGER else Hint())


def judge(looks: Sequence[Look]) -> Hint:
    """Return the hint for a column by looks at all of its parts that hold anything."""
    hints = {each.hint for each in looks}
    if _IN_ZONE in hints:
        return _IN_ZONE
    if hints != {Hint()}:
        return hints.pop() if len(hints) == 1 else Hint()
    seen = Look(
        looks[0].label,
        Hint(),
        sum((each.shapes for each in looks), Counter()),
        sum(each.looked_at for each in looks),
        all(each.is_whole for each in looks),
    )
    return _booleans(seen) or _numbers(seen) or _dates(seen) or _day_dates(seen) or Hint()


# dates and integers ---------------------------------------------------------------------------------------------------

_IN_ZONE: Final = Hint("written in the zone timezone=, UTC by default")


def _is_aware(column: pd.Series[Any]) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.categories.to_series()
    dtype = column.dtype
    if dtypes.is_object_dtype(dtype):
        return any(getattr(value, "tzinfo", None) is not None for value in _draw(column, _SAMPLE))
    zone = getattr(dtype.pyarrow_dtype, "tz", None) if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)
    return zone is not None


def _draw(column: pd.Series[Any], count: int) -> pd.Series[Any]:
    """Draw values by chance, the same ones each time: neither sorted nor periodic columns mislead."""
    if len(column) <= count:
        return column
    return column.iloc[np.random.default_rng(0).choice(len(column), count, replace=False)]


def _of_integers(column: pd.Series[Any]) -> Hint:
    if isinstance(column.dtype, pd.CategoricalDtype) or not dtypes.is_integer_dtype(column.dtype):
        return Hint()
    if column.min() == 0 and column.max() == 1:
        text = f"only 0 and 1; to send it as yes/no: types={{{column.name!r}: {contract.BOOLEAN!r}}}"
        return Hint(text, contract.BOOLEAN)
    return Hint()


# text: the look -------------------------------------------------------------------------------------------------------


def _at_text(column: pd.Series[Any]) -> Look:
    present, is_whole = _draw(column, _SAMPLE).dropna(), len(column) <= _SAMPLE
    if len(present) < _GLANCE and not is_whole:  # mostly missing: the few there are were not drawn
        rest = column.dropna()
        present, is_whole = _draw(rest, _SAMPLE), len(rest) <= _SAMPLE
    glance = list(map(shape_of, _draw(present, _GLANCE).tolist()))
    texts = present.tolist()
    if glance.count(_Shape.OTHER) * 2 > len(glance):
        return Look(column.name, looked_at=len(texts), is_whole=is_whole)
    shapes: Counter[str] = Counter()
    for text, count in Counter(texts).items():
        shapes[shape_of(text)] += count
        shapes[_Shape.PADDED] += count * (text != text.strip())
    if not is_whole and shapes[_Shape.NUMBER] * 2 > len(texts):
        shapes[_Shape.CODE] += _has_code(column)
    return Look(column.name, shapes=shapes, looked_at=len(texts), is_whole=is_whole)


def _has_code(column: pd.Series[Any]) -> bool:
    """Look for one code among all values: as a number it would be spoiled, and nothing would tell."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = [text for text in column.cat.categories if isinstance(text, str)]
    else:
        texts = column.dropna().tolist()
    return _ANY_CODE.search("\n".join(["", *texts])) is not None


_CODE: Final = re.compile(r"\s*(\+|-?0\d)")  # a number would lose a zero or a plus: postal codes, telephone numbers
_ANY_CODE: Final = re.compile(r"\n[ \t]*(\+|-?0\d)")  # begins with a plain character: searched ten times as fast as "^"


def shape_of(text: str) -> str:
    """Tell what a text looks like: a shape, or the strptime format of a date."""
    text = text.strip()
    yes = None if text.isdigit() else as_boolean(text)
    if yes is not None:
        return _Shape.YES if yes else _Shape.NO
    if number_in(text) is not None:
        if _CODE.match(text):
            return _Shape.CODE
        return _Shape.LONG if text.isdigit() and len(text) >= _LONG_DIGITS else _Shape.NUMBER
    if date_in(text, _ANY_ZONE) is not None:
        return _Shape.DATE
    if is_grouped(text):
        return _Shape.GROUPED
    return _Shape.PRICED if is_priced(text) else _format_of(text)


_UNSURE: Final = "%?"  # day or month


def _format_of(text: str) -> str:
    formats = date_formats(text)
    if len(formats) > 1:
        return formats[0].replace("%d", _UNSURE).replace("%m", _UNSURE)
    return formats[0] if formats else _Shape.OTHER


# text: the judgement --------------------------------------------------------------------------------------------------


def _are_most(count: int, seen: Look) -> bool:
    return count > 0 and count >= _MOST * seen.looked_at


def _typed(seen: Look, count: int, what: str, wanted: str) -> Hint:
    """Write the hint for text that `types` can convert as it is."""
    types = f"types={{{seen.label!r}: {wanted!r}}}"
    looked = "values" if seen.is_whole else "values looked at"
    if count < seen.looked_at:
        text = f"{count:,} of {seen.looked_at:,} {looked} are {what}; with {types} the others are violations"
    elif seen.is_whole:
        text = f"text that is all {what}; to send it so: {types}"
    else:
        text = f"all {count:,} {looked} are {what}; to send it so: {types}"
    return Hint(text, wanted)


def _booleans(seen: Look) -> Hint | None:
    yes, no = seen.shapes[_Shape.YES], seen.shapes[_Shape.NO]
    if not _are_most(yes + no, seen):
        return None
    if yes + no < seen.looked_at and not (yes and no):
        return None  # many F and a few M are no booleans
    return _typed(seen, yes + no, "yes/no", contract.BOOLEAN)


def _numbers(seen: Look) -> Hint | None:
    shapes = seen.shapes
    separated = shapes[_Shape.GROUPED] + shapes[_Shape.PRICED]
    count = shapes[_Shape.NUMBER] + shapes[_Shape.LONG] + separated
    if not _are_most(count, seen) or shapes[_Shape.CODE] or shapes[_Shape.LONG] * 2 > count:
        return None
    if not separated:
        return _typed(seen, count, "numbers", contract.NUMBER)
    column = f"df[{seen.label!r}]"
    signs = f"r'{NOT_OF_A_NUMBER}', '', regex=True" if shapes[_Shape.PRICED] else "',', ''"
    what = "separators and signs" if shapes[_Shape.PRICED] else "separators"
    example = _Shape.PRICED if shapes[_Shape.PRICED] else _Shape.GROUPED
    text = (
        f"text like {example}; to send numbers, remove the {what} first: {column} = {column}.str.replace({signs}), "
        f"then types={{{seen.label!r}: {contract.NUMBER!r}}}"
    )
    return Hint(text, contract.NUMBER)


def _dates(seen: Look) -> Hint | None:
    count = seen.shapes[_Shape.DATE]
    return _typed(seen, count, "dates", contract.DATE) if _are_most(count, seen) else None


def _day_dates(seen: Look) -> Hint | None:
    """Write the hint for dates that are not ISO 8601: the order of day and month is that of those that tell."""
    formats = Counter({shape: count for shape, count in seen.shapes.items() if shape.startswith("%")})
    unsure = Counter({shape: count for shape, count in formats.items() if shape.startswith(_UNSURE)})
    sure = formats - unsure
    if not _are_most(formats.total(), seen):
        return None
    form = (sure or unsure).most_common(1)[0][0]
    other = ""
    if form in unsure:
        month_first = form.replace(_UNSURE, "%m", 1).replace(_UNSURE, "%d")
        form = form.replace(_UNSURE, "%d", 1).replace(_UNSURE, "%m")
        other = f", or format={month_first!r} where the month stands first"
    column, example = f"df[{seen.label!r}]", pd.Timestamp("2025-01-31 09:30:00").strftime(form)
    trimmed = f"{column}.str.strip()" if seen.shapes[_Shape.PADDED] else column
    text = (
        f"text like {example}; dates are read as 2025-01-31; convert first: "
        f"{column} = pd.to_datetime({trimmed}, format={form!r}){other}"
    )
    return Hint(text, contract.DATE)
