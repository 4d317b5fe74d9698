"""What the values of a column look like, counted: small, and the looks at the parts of a column add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.cells import originals
from growlytics_pandas.date_spellings import is_day
from growlytics_pandas.inference import Kind
from growlytics_pandas.shapes import MIDNIGHT_IN, Shape, any_code, shape_of, traits_of
from growlytics_pandas.spellings import has_decimal_comma

_GLANCE: Final = 50  # values: they settle most text columns
_SAMPLE: Final = 10_000  # values: some 20 ms where all differ
FEW_DAYS: Final = 3  # distinct values; fewer that are dates by their digits may be so by chance
_WORDS: Final = 20  # spellings of words for a missing value that are kept


@dataclass(frozen=True, slots=True)
class Look:
    """What one column of one frame showed.

    `looked_at` leaves out words for a missing value, which `words` has as they stand. `days` are a few of the values
    that are dates by their digits.
    """

    label: Hashable = None
    shapes: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0
    is_whole: bool = True
    words: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()


def look(column: pd.Series[Any], kind: Kind, name: str) -> Look:
    """Look at a column; at no more than some 10,000 of its values where it is text."""
    if name in contract.RESERVED_ATTRIBUTES:
        return _at_padding(column) if kind is Kind.TEXT else Look()
    if kind is Kind.TEXT:
        return _at_text(column)
    if kind is Kind.DATE:
        return _at_dates(column)
    return _at_numbers(column) if kind in (Kind.INTEGER, Kind.FLOAT) else Look()


def add(looks: Sequence[Look]) -> Look:
    """Return the look at a column whose parts were looked at."""
    label = looks[0].label
    return Look(
        label.item() if isinstance(label, np.generic) else label,
        sum((each.shapes for each in looks), Counter()),
        sum(each.looked_at for each in looks),
        all(each.is_whole for each in looks),
        _some(frozenset[str]().union(*(each.words for each in looks)), _WORDS),
        _some(frozenset[str]().union(*(each.days for each in looks)), FEW_DAYS),
    )


def _some(texts: Iterable[str], count: int) -> frozenset[str]:
    return frozenset(sorted(texts)[:count])


def _draw(column: pd.Series[Any], count: int) -> pd.Series[Any]:
    """Draw values by chance, the same ones each time: neither sorted nor periodic columns mislead."""
    if len(column) <= count:
        return column
    return column.iloc[np.random.default_rng(0).choice(len(column), count, replace=False)]


# dates ----------------------------------------------------------------------------------------------------------------


def _at_dates(column: pd.Series[Any]) -> Look:
    """Count the dates that have a zone, and those that are midnights in it, but not in UTC."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.cat.categories, dtype=column.cat.categories.dtype)
    dtype = column.dtype
    is_mixed = dtypes.is_object_dtype(dtype)
    zone = getattr(dtype.pyarrow_dtype, "tz", None) if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)
    if not is_mixed and zone is None:
        return Look(column.name, Counter({Shape.WALL: 1}), 1)
    present = column.dropna()
    values = originals(_draw(present, _GLANCE))
    if is_mixed or all(len(_shapes_of_date(value)) > 1 for value in values):
        values = originals(_draw(present, _SAMPLE))
    return Look(column.name, Counter(shape for value in values for shape in _shapes_of_date(value)), len(values))


def _shapes_of_date(value: Any) -> list[str]:
    if isinstance(value, str):  # Python has no such date
        return [Shape.MOMENT]
    zone = getattr(value, "tzinfo", None)
    if zone is None:
        return [Shape.WALL]
    is_midnight = not (value.hour or value.minute or value.second or value.microsecond)
    is_day_lost = is_midnight and value.utcoffset().total_seconds() > 0  # west of Greenwich it is the same day in UTC
    return [Shape.MOMENT, MIDNIGHT_IN + _name_of(value, zone)] if is_day_lost else [Shape.MOMENT]


def _name_of(value: datetime, zone: tzinfo) -> str:
    name = str(zone)
    return name if "/" in name else str(value.utcoffset())


# numbers --------------------------------------------------------------------------------------------------------------


def _at_numbers(column: pd.Series[Any]) -> Look:
    """Look for columns of nothing but 0 and 1, or of dates that are written as 20250131; a glance settles most."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Look()
    glance = _draw(column, _GLANCE).dropna().tolist()
    if not (all(map(_is_bit, glance)) or all(map(is_day, glance))):
        return Look(column.name, looked_at=1)
    present = column.dropna()
    values = present.unique().tolist()
    shapes: Counter[str] = Counter({Shape.GAP: len(column) - len(present)})
    if all(map(_is_bit, values)):
        is_integer = dtypes.is_integer_dtype(column.dtype) or all(isinstance(value, int) for value in values)
        shapes += Counter({Shape.BIT: len(present), Shape.INTEGER: len(present) * is_integer})
        shapes += Counter({(Shape.ONE if value else Shape.ZERO): 1 for value in values})
    days = [str(int(value)) for value in values] if all(map(is_day, values)) else []
    if days and not isinstance(column.dtype, pd.SparseDtype):
        shapes[Shape.DAY] += len(present)
    return Look(column.name, shapes, len(present), days=_some(days, FEW_DAYS))


def _is_bit(value: Any) -> bool:
    return value in (0, 1)


# text -----------------------------------------------------------------------------------------------------------------


def _drawn(column: pd.Series[Any]) -> tuple[pd.Series[Any], bool]:
    """Draw texts to look at, and tell whether they are all there are."""
    present, is_whole = _draw(column, _SAMPLE).dropna(), len(column) <= _SAMPLE
    if len(present) < _GLANCE and not is_whole:  # mostly missing: the few there are were not drawn
        rest = column.dropna()
        return _draw(rest, _SAMPLE), len(rest) <= _SAMPLE
    return present, is_whole


def _at_padding(column: pd.Series[Any]) -> Look:
    present, is_whole = _drawn(column)
    texts = list(map(str, present))
    return Look(column.name, _count_padded(texts), len(texts), is_whole)


def _count_padded(texts: list[str]) -> Counter[str]:
    n_padded = sum(text != text.strip() for text in texts)
    return Counter({Shape.PADDED: n_padded} if n_padded else {})


def _at_text(column: pd.Series[Any]) -> Look:
    present, is_whole = _drawn(column)
    seen, texts = list(map(str, _draw(present, _GLANCE))), list(map(str, present))
    glance = list(map(shape_of, seen))
    if glance.count(Shape.OTHER) * 2 > len(glance) - glance.count(Shape.ABSENT):
        shapes = _count_padded(texts)
        shapes[Shape.COMMA] += sum(map(has_decimal_comma, seen))  # it tells of the numbers in other parts
        return Look(column.name, shapes, len(texts), is_whole)
    shapes, words, days = Counter(), set[str](), set[str]()
    for text, count in Counter(texts).items():
        shape = shape_of(text)
        traits = tuple(traits_of(text, shape))
        for each in (shape, *traits):
            shapes[each] += count
        if shape == Shape.ABSENT:
            words.add(text)
        elif Shape.DAY in traits and len(days) < FEW_DAYS:
            days.add(text.strip())
    if not is_whole and shapes[Shape.NUMBER] * 2 > len(texts) - shapes[Shape.ABSENT]:
        shapes[Shape.CODE] += _has_code(column)
    n_present = len(texts) - shapes[Shape.ABSENT]
    return Look(column.name, shapes, n_present, is_whole, _some(words, _WORDS), frozenset(days))


def _has_code(column: pd.Series[Any]) -> bool:
    """Look for one code among all values: as a number it would be spoiled, and nothing would tell."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = [text for text in column.cat.categories if isinstance(text, str)]
    else:
        texts = column.dropna().tolist()
    return any_code(texts)
