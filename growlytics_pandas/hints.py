"""Hints for columns whose type is worth a second thought, because the first push fixes it for good.

A column is looked at first (`look`), then judged (`judge`): so the parts of a larger frame can be judged as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.inference import Kind
from growlytics_pandas.spellings import (
    NOT_OF_A_NUMBER,
    UNSURE,
    DateFormat,
    Shape,
    amount_pattern,
    any_code,
    has_decimal_comma,
    reserved_like,
    shape_of,
    traits_of,
)

_GLANCE: Final = 50  # values: they settle most text columns
_SAMPLE: Final = 10_000  # values: some 20 ms where all differ
_MOST: Final = 0.9  # share of the values from which the others look like exceptions


@dataclass(frozen=True, slots=True)
class Hint:
    """A line for the schema's `note`, or '' where the type is plain, and the type that it speaks for, if any.

    `as_date` and `as_text` are what is left to say where it goes out as a date or as text, and that is settled.
    """

    text: str = ""
    wanted: str | None = None
    as_date: str = ""
    as_text: str = ""
    line: str = ""  # of pandas, that makes the column such; '' where ``types=`` alone does


@dataclass(frozen=True, slots=True)
class Look:
    """What one column of one frame showed: small, and looks at the parts of a column add up."""

    label: Hashable = None
    hint: Hint = Hint()
    shapes: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0
    is_whole: bool = True


def hint(column: pd.Series[Any], kind: Kind, name: str) -> Hint:
    """Return the hint for one column that is sent as the attribute `name`."""
    return judge([look(column, kind, name)])


def look(column: pd.Series[Any], kind: Kind, name: str) -> Look:
    """Look at a column; at no more than some 10,000 of its values where it is text."""
    if name in contract.RESERVED_ATTRIBUTES:
        return _at_padding(column) if kind is Kind.TEXT else Look()
    if kind is Kind.TEXT:
        return _at_text(column)
    if kind is Kind.DATE:
        return Look(hint=_of_zones(column))
    return Look(hint=_of_integers(column) if kind is Kind.INTEGER else Hint())


def advise_on_name(name: str, sent: Collection[str]) -> str:
    """Return a line for the `note` of an attribute that is called almost like a reserved one, which none `sent` is."""
    near = reserved_like(name)
    return f"a custom attribute; rename to {near!r} if campaigns are to use it" if near and near not in sent else ""


def judge(looks: Sequence[Look]) -> Hint:
    """Return the hint for a column by looks at all of its parts that hold anything."""
    hints = {each.hint for each in looks}
    if hints & {_IN_ZONE, _PARTLY}:
        return _IN_ZONE if hints == {_IN_ZONE} else _PARTLY
    if hints != {Hint()}:
        return hints.pop() if len(hints) == 1 else Hint()
    seen = Look(
        looks[0].label,
        Hint(),
        sum((each.shapes for each in looks), Counter()),
        sum(each.looked_at for each in looks),
        all(each.is_whole for each in looks),
    )
    padding = _padding(seen)
    found = _booleans(seen) or _numbers(seen) or _dates(seen) or _day_dates(seen) or Hint(padding)
    return replace(found, as_date=_zone_of(seen), as_text=padding)


# dates and integers ---------------------------------------------------------------------------------------------------

_TO_ZONE: Final = "written in the zone timezone=, UTC by default"
_TO_ZONE_PARTLY: Final = f"those with an offset are {_TO_ZONE}, the others are sent as they stand"
_IN_ZONE: Final = Hint(_TO_ZONE, as_date=_TO_ZONE, as_text=_TO_ZONE)
_PARTLY: Final = Hint(_TO_ZONE_PARTLY, as_date=_TO_ZONE_PARTLY, as_text=_TO_ZONE_PARTLY)


def _of_zones(column: pd.Series[Any]) -> Hint:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.cat.categories, dtype=column.cat.categories.dtype)
    dtype = column.dtype
    if dtypes.is_object_dtype(dtype):
        are_aware = {getattr(value, "tzinfo", None) is not None for value in _draw(column.dropna(), _SAMPLE)}
        return _PARTLY if len(are_aware) > 1 else _IN_ZONE if True in are_aware else Hint()
    zone = getattr(dtype.pyarrow_dtype, "tz", None) if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)
    return Hint() if zone is None else _IN_ZONE


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


def _drawn(column: pd.Series[Any]) -> tuple[pd.Series[Any], bool]:
    """Draw texts to look at, and tell whether they are all there are."""
    present, is_whole = _draw(column, _SAMPLE).dropna(), len(column) <= _SAMPLE
    if len(present) < _GLANCE and not is_whole:  # mostly missing: the few there are were not drawn
        rest = column.dropna()
        return _draw(rest, _SAMPLE), len(rest) <= _SAMPLE
    return present, is_whole


def _at_padding(column: pd.Series[Any]) -> Look:
    present, is_whole = _drawn(column)
    texts = present.tolist()
    return Look(column.name, shapes=_count_padded(texts), looked_at=len(texts), is_whole=is_whole)


def _count_padded(texts: list[str]) -> Counter[str]:
    n_padded = sum(text != text.strip() for text in texts)
    return Counter({Shape.PADDED: n_padded} if n_padded else {})


def _at_text(column: pd.Series[Any]) -> Look:
    present, is_whole = _drawn(column)
    seen, texts = _draw(present, _GLANCE).tolist(), present.tolist()
    glance = list(map(shape_of, seen))
    if glance.count(Shape.OTHER) * 2 > len(glance):
        shapes = _count_padded(texts)
        shapes[Shape.COMMA] += sum(map(has_decimal_comma, seen))  # it tells of the numbers in other parts
        return Look(column.name, shapes=shapes, looked_at=len(texts), is_whole=is_whole)
    shapes = Counter()
    for text, count in Counter(texts).items():
        shape = shape_of(text)
        for each in (shape, *traits_of(text, shape)):
            shapes[each] += count
    if not is_whole and shapes[Shape.NUMBER] * 2 > len(texts):
        shapes[Shape.CODE] += _has_code(column)
    return Look(column.name, shapes=shapes, looked_at=len(texts), is_whole=is_whole)


def _has_code(column: pd.Series[Any]) -> bool:
    """Look for one code among all values: as a number it would be spoiled, and nothing would tell."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = [text for text in column.cat.categories if isinstance(text, str)]
    else:
        texts = column.dropna().tolist()
    return any_code(texts)


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
    yes, no = seen.shapes[Shape.YES], seen.shapes[Shape.NO]
    if not _are_most(yes + no, seen):
        return None
    if yes + no < seen.looked_at and not (yes and no):
        return None  # many F and a few M are no booleans
    return _typed(seen, yes + no, "yes/no", contract.BOOLEAN)


def _numbers(seen: Look) -> Hint | None:
    shapes = seen.shapes
    separated = shapes[Shape.GROUPED] + shapes[Shape.PRICED]
    is_sure = shapes[Shape.COMMA] > 0  # then 1,234 may be 1.234, and is left alone
    separated -= shapes[Shape.EITHER] if is_sure else 0
    count = shapes[Shape.NUMBER] + shapes[Shape.LONG] + separated
    if not _are_most(count, seen) or shapes[Shape.CODE] or shapes[Shape.LONG] * 2 > count:
        return None
    if not separated:
        return _typed(seen, count, "numbers", contract.NUMBER)
    column, are_priced = f"df[{seen.label!r}]", shapes[Shape.PRICED] > 0
    what, example = ("separators and signs", Shape.PRICED) if are_priced else ("separators", Shape.GROUPED)
    signs = f"r'{NOT_OF_A_NUMBER}', '', regex=True" if are_priced else "',', ''"
    line, rest = f"{column} = {column}.str.replace({signs})", ""
    if count < seen.looked_at or not seen.is_whole:
        pattern = amount_pattern(are_priced=are_priced, is_sure=is_sure)
        is_amount = f"c.str.fullmatch(r'{pattern}', na=False)"
        line = f"c = {column}.astype(object); {column} = c.mask({is_amount}, c.str.replace({signs}))"
        rest = "; the others are left as they are, and are violations"
    text = (
        f"text like {example}; to send numbers, remove the {what} first: {line}, "
        f"then types={{{seen.label!r}: {contract.NUMBER!r}}}{rest}"
    )
    return Hint(text, contract.NUMBER)


def _dates(seen: Look) -> Hint | None:
    count, zone = seen.shapes[Shape.DATE], _zone_of(seen)
    what = f"dates ({zone})" if zone else "dates"
    return _typed(seen, count, what, contract.DATE) if _are_most(count, seen) else None


def _zone_of(seen: Look) -> str:
    """Say what becomes of texts that are dates with an offset; '' where none has one."""
    n_aware = seen.shapes[Shape.AWARE]
    if not n_aware:
        return ""
    return _TO_ZONE if n_aware == seen.shapes[Shape.DATE] else _TO_ZONE_PARTLY


def _day_dates(seen: Look) -> Hint | None:
    """Write the hint for dates that are not ISO 8601: the order of day and month is that of those that tell."""
    formats = [shape for shape in seen.shapes if shape.startswith("%")]
    n_other = sum(seen.shapes[form] for form in formats)
    count = n_other + seen.shapes[Shape.DATE]
    if not _are_most(count, seen) or not formats:
        return None
    sure = {form for form in formats if not form.startswith(UNSURE)}
    forms = sorted(sure | {form for form in formats if form not in sure and sure.isdisjoint(_orders(form))})
    if len(forms) > 1:
        return _several_forms(seen, count)
    form, month_first = _orders(forms[0])
    other = f", or format={month_first!r} where the month stands first" if forms[0] not in sure else ""
    column, example = f"df[{seen.label!r}]", pd.Timestamp("2025-01-31 09:30:00").strftime(form)
    trimmed = f"{column}.str.strip()" if seen.shapes[Shape.PADDED] else column
    line = f"{column} = pd.to_datetime({trimmed}, format={form!r}){other}"
    if n_other < seen.looked_at or not seen.is_whole:  # it would fail at the first of the others
        iso = DateFormat(form, "", frozenset()).iso
        read = f"pd.to_datetime({trimmed}, format={form!r}, errors='coerce').dt.strftime({iso!r})"
        line = f"{column} = {read}.fillna({column}){other}, then types={{{seen.label!r}: {contract.DATE!r}}}"
    return Hint(f"text like {example}; dates are read as 2025-01-31; convert first: {line}", contract.DATE)


def _orders(form: str) -> tuple[str, str]:
    """Return a format with the day first and with the month first, where it is open; else twice as it is."""
    month_first = form.replace(UNSURE, "%m", 1).replace(UNSURE, "%d")
    return form.replace(UNSURE, "%d", 1).replace(UNSURE, "%m"), month_first


def _several_forms(seen: Look, count: int) -> Hint:
    looked = "values" if seen.is_whole else "values looked at"
    text = (
        f"{count:,} of {seen.looked_at:,} {looked} are dates, but in several forms; dates are read as 2025-01-31; with "
        f"types={{{seen.label!r}: {contract.DATE!r}}} the others are violations, which validate lists"
    )
    return Hint(text, contract.DATE)


def _padding(seen: Look) -> str:
    """Say how many texts have white space around them, which is sent with them; '' where none has."""
    count = seen.shapes[Shape.PADDED]
    if not count:
        return ""
    of = "" if seen.is_whole else f" of {seen.looked_at:,} looked at"
    values = f"{count:,} value{'s' * (count != 1)}{of} {'has' if count == 1 else 'have'}"
    column = f"df[{seen.label!r}]"
    return f"{values} white space around, which is sent; to remove it: {column} = {column}.str.strip()"
