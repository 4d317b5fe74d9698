"""Hints for columns whose type is worth a second thought, because the first push fixes it for good.

A column is looked at first (`looks`), then judged (`judge`): so the parts of a larger frame can be judged as one.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from growlytics_pandas import contract, readings
from growlytics_pandas.date_spellings import COMPACT, settled, swapped
from growlytics_pandas.inference import Kind
from growlytics_pandas.looks import FEW_DAYS, Look, add, look
from growlytics_pandas.shapes import MIDNIGHT_IN, SIGN, UNSURE, Shape
from growlytics_pandas.spellings import reserved_like

_MOST: Final = 0.9  # share of the values from which the others look like exceptions
_SHOWN: Final = 3  # forms of dates, or words for a missing value, in a note


@dataclass(frozen=True, slots=True)
class Hint:
    """A line for the schema's `note`, or '' where the type is plain, and the type that it speaks for, if any.

    `as_date` and `as_text` are what is left to say where it goes out as a date or as text, and that is settled.
    `days_in` is the zone of dates that are all midnights there, and the evening before in UTC. `line` is one of pandas
    that makes the column such, and leaves in place what it cannot read; '' where ``types=`` alone does, a remark where
    nothing can without guessing.
    """

    text: str = ""
    wanted: str | None = None
    days_in: str = ""
    as_date: str = ""
    as_text: str = ""
    line: str = ""


def hint(column: pd.Series[Any], kind: Kind, name: str) -> Hint:
    """Return the hint for one column that is sent as the attribute `name`."""
    return judge([look(column, kind, name)])


def advise_on_name(name: str, sent: Collection[str]) -> str:
    """Return a line for the `note` of an attribute that is called almost like a reserved one, which none `sent` is."""
    near = reserved_like(name)
    return f"a custom attribute; rename to {near!r} if campaigns are to use it" if near and near not in sent else ""


def judge(looks: Sequence[Look]) -> Hint:
    """Return the hint for a column by looks at all of its parts that hold anything."""
    seen = add(looks)
    if said := _of_zones(seen):
        return Hint(said, days_in=_zone_of_days(seen), as_date=said, as_text=said)
    padding = _padding(seen)
    judges = (_bits, _days, _booleans, _compact_dates, _numbers, _percentages, _dates, _day_dates)
    found = next((found for each in judges if (found := each(seen)) is not None), Hint(padding))
    return replace(found, as_date=_zone_of(seen), as_text=padding, line=found.line if _is_pasted(seen.label) else "")


def _is_pasted(label: Hashable) -> bool:
    """Tell whether the label of a column can be pasted: Python reads it back."""
    try:
        return bool(ast.literal_eval(repr(label)) == label)
    except (ValueError, SyntaxError):
        return False


def _are_most(count: int, seen: Look) -> bool:
    return count > 0 and count >= _MOST * seen.looked_at


def _types(seen: Look, wanted: str) -> str:
    return f"types={{{seen.label!r}: {wanted!r}}}"


# dates and numbers ----------------------------------------------------------------------------------------------------

_TO_ZONE: Final = "written in the zone timezone=, UTC by default"
_TO_ZONE_PARTLY: Final = f"those with an offset are {_TO_ZONE}, the others are sent as they stand"


def _of_zones(seen: Look) -> str:
    """Say what becomes of dates with a zone; '' where there are none."""
    n_aware = seen.shapes[Shape.MOMENT]
    if not n_aware:
        return ""
    if seen.shapes[Shape.WALL]:
        return _TO_ZONE_PARTLY
    zone = _zone_of_days(seen)
    if not zone:
        return _TO_ZONE
    keeps = f"timezone={zone!r}" if "/" in zone else "timezone= with the name of their zone"
    return f"days, at midnight in {zone}: {keeps} keeps them; in UTC, the default, each becomes the evening before"


def _zone_of_days(seen: Look) -> str:
    """Return the zone in which all dates are midnights; '' where there is none."""
    if seen.shapes[Shape.WALL]:
        return ""
    midnights = {
        shape.removeprefix(MIDNIGHT_IN): n for shape, n in seen.shapes.items() if shape.startswith(MIDNIGHT_IN)
    }
    return next(iter(midnights)) if list(midnights.values()) == [seen.shapes[Shape.MOMENT]] else ""


def _bits(seen: Look) -> Hint | None:
    """Judge numbers that are only 0 and 1: integers, or numbers that are floats for the gaps among them."""
    shapes = seen.shapes
    if not (shapes[Shape.ZERO] and shapes[Shape.ONE] and shapes[Shape.BIT] == seen.looked_at):
        return None
    if shapes[Shape.INTEGER] < seen.looked_at and not shapes[Shape.GAP]:
        return None
    return Hint(f"only 0 and 1; to send it as yes/no: {_types(seen, contract.BOOLEAN)}", contract.BOOLEAN)


def _days(seen: Look) -> Hint | None:
    """Judge whole numbers: they may be dates by their digits."""
    if seen.shapes[Shape.NUMBER] or not _are_days(seen):
        return None
    line = readings.assigned(readings.column_of(seen.label), readings.DAYS)
    return Hint(f"whole numbers like 20250131; to send dates, convert first: {line}", contract.DATE, line=line)


def _are_days(seen: Look) -> bool:
    return seen.shapes[Shape.DAY] == seen.looked_at and len(seen.days) == FEW_DAYS


# text -----------------------------------------------------------------------------------------------------------------


def _looked(seen: Look) -> str:
    return "values" if seen.is_whole else "values looked at"


def _typed(seen: Look, count: int, what: str, wanted: str, line: str = "") -> Hint:
    """Write the hint for text that `types` can convert as it is, but for words for a missing value."""
    types = _types(seen, wanted)
    if seen.words:
        here = readings.column_of(seen.label)
        return _without_words(seen, count, what, wanted, readings.without(here, seen.words), line)
    if count < seen.looked_at:
        text = f"{count:,} of {seen.looked_at:,} {_looked(seen)} are {what}; with {types} the others are violations"
    elif seen.is_whole:
        text = f"text that is all {what}; to send it so: {types}"
    else:
        text = f"all {count:,} {_looked(seen)} are {what}; to send it so: {types}"
    return Hint(text, wanted)


def _without_words(seen: Look, count: int, what: str, wanted: str, first: str, line: str) -> Hint:
    rest = "; the others are violations" if count < seen.looked_at else ""
    of = f"{count:,} of {seen.looked_at:,}" if rest else f"all {count:,}"
    plain = what.partition(" (")[0]
    text = (
        f"{of} {_looked(seen)} are {what}, {_besides(seen)}; to send {plain}, make these missing first: {first}, "
        f"then {_types(seen, wanted)}{rest}"
    )
    return Hint(text, wanted, line=f"{first}; {line}" if line else first)


def _besides(seen: Look) -> str:
    """Say how many values are words for a missing one."""
    count = seen.shapes[Shape.ABSENT]
    shown = sorted({word.strip() for word in seen.words}, key=lambda word: (not word, word))[:_SHOWN]
    return f"besides {count:,} that {'says' if count == 1 else 'say'} {' or '.join(map(repr, shown))}"


def _converted(seen: Look, like: str, line: str, rest: str, wanted: str) -> Hint:
    """Write the hint for text that a line is to convert, which makes words for a missing value missing first."""
    if seen.words:
        like = like.replace(";", f", {_besides(seen)};", 1)
        line = f"{readings.without(readings.column_of(seen.label), seen.words)}; {line}"
    return Hint(f"{like}{line}{rest}", wanted, line=line)


_LEFT: Final = "; the others are left as they are, and are violations"


def _read(seen: Look, count: int, read: str, read_among_others: str, *, is_padded: bool) -> tuple[str, str]:
    """Return the line that reads `count` of the values, and what becomes of the others."""
    here = readings.column_of(seen.label)
    if seen.is_whole and count == seen.looked_at:
        return readings.assigned(here, read, is_padded=is_padded), ""
    return readings.in_place(here, read_among_others), _LEFT


def _booleans(seen: Look) -> Hint | None:
    yes, no = seen.shapes[Shape.YES], seen.shapes[Shape.NO]
    if not _are_most(yes + no, seen):
        return None
    if (yes + no < seen.looked_at and not (yes and no)) or (seen.words and not yes):
        return None  # many F and a few M are no booleans
    truths = f"{readings.TRUTHS}.astype('boolean')"
    line, _ = _read(seen, yes + no, truths, readings.TRUTHS, is_padded=True)
    return _typed(seen, yes + no, "yes/no", contract.BOOLEAN, line)


def _numbers(seen: Look) -> Hint | None:
    shapes = seen.shapes
    separated = shapes[Shape.GROUPED] + shapes[Shape.PRICED]
    is_sure = shapes[Shape.COMMA] > 0  # then 1,234 may be 1.234, and is left alone
    separated -= shapes[Shape.EITHER] if is_sure else 0
    count = shapes[Shape.NUMBER] + shapes[Shape.LONG] + separated
    if not _are_most(count, seen) or shapes[Shape.CODE] or shapes[Shape.LONG] * 2 > count:
        return None
    if not separated:
        line, _ = _read(seen, count, readings.NUMBERS, readings.NUMBERS_AMONG_OTHERS, is_padded=True)
        return _typed(seen, count, "numbers", contract.NUMBER, "" if shapes[Shape.FINE] else line)
    signs = [shape for shape in shapes if shape.startswith(SIGN)]
    if len(signs) > 1:
        named = ", ".join(sorted(sign.removeprefix(SIGN) for sign in signs)[:_SHOWN])
        return Hint(f"amounts in several currencies ({named}): as numbers they would be mixed up, so they stay text")
    are_priced = shapes[Shape.PRICED] > 0
    what, example = ("separators and signs", Shape.PRICED) if are_priced else ("separators", Shape.GROUPED)
    line, rest = _read(
        seen,
        count,
        readings.amounts(are_priced=are_priced),
        readings.amounts_among_others(are_priced=are_priced, is_sure=is_sure),
        is_padded=shapes[Shape.PADDED] > 0,
    )
    return _converted(
        seen, f"text like {example}; to send numbers, remove the {what} first: ", line, rest, contract.NUMBER
    )


def _percentages(seen: Look) -> Hint | None:
    count = seen.shapes[Shape.PERCENT]
    if not _are_most(count, seen):
        return None
    line, rest = _read(seen, count, readings.PERCENT, readings.PERCENT_AMONG_OTHERS, is_padded=True)
    like = f"text like {Shape.PERCENT}; to send numbers (12, not 0.12), remove the sign first: "
    return _converted(seen, like, line, rest, contract.NUMBER)


def _dates(seen: Look) -> Hint | None:
    count, zone = seen.shapes[Shape.DATE], _zone_of(seen)
    if not _are_most(count, seen):
        return None
    line = readings.in_place(readings.column_of(seen.label), readings.dates([readings.ISO]))
    if zone:
        line, rest = _read(seen, count, readings.MOMENTS, "", is_padded=True)
        line = "" if rest else line
    return _typed(seen, count, f"dates ({zone})" if zone else "dates", contract.DATE, line)


def _zone_of(seen: Look) -> str:
    """Say what becomes of texts that are dates with an offset; '' where none has one."""
    n_aware = seen.shapes[Shape.AWARE]
    if not n_aware:
        return ""
    return _TO_ZONE if n_aware == seen.shapes[Shape.DATE] else _TO_ZONE_PARTLY


# dates that are not ISO 8601 ------------------------------------------------------------------------------------------


def _compact_dates(seen: Look) -> Hint | None:
    """Judge text of digits that are all dates, like 20250131."""
    return _in_forms(seen, [COMPACT], seen.looked_at, "") if _are_days(seen) else None


def _day_dates(seen: Look) -> Hint | None:
    """Judge dates in other formats: the order of day and month is that of those that tell."""
    formats = {shape: count for shape, count in seen.shapes.items() if shape.startswith("%")}
    n_compact = seen.shapes[Shape.DAY]
    count = sum(formats.values()) + seen.shapes[Shape.DATE] + n_compact
    if not _are_most(count, seen) or not formats:
        return None
    sure = settled([_orders(form) for form in formats], has_open_century=seen.shapes[Shape.OPEN_CENTURY] > 0)
    if not sure and len(formats) == 1 and next(iter(formats)).startswith(UNSURE):
        [form] = formats
        first, other = _orders(form)
        return _in_forms(seen, [first], formats[form], other)
    n_read = sum(n for form, n in formats.items() if len(sure.intersection(_orders(form))) == 1)
    if not sure and seen.shapes[Shape.OPEN_CENTURY]:
        return Hint(_OPEN_CENTURY, contract.DATE, line="# write years with four digits first: the century is open")
    if not sure or (n_read + seen.shapes[Shape.DATE] + n_compact) * 2 <= seen.looked_at:
        return _several_forms(seen, count)
    return _in_forms(seen, [*sorted(sure), *[COMPACT] * bool(n_compact)], n_read + n_compact, "")


_OPEN_CENTURY: Final = (
    "text like 31-Jan-45, whose century is open; dates are read as 2025-01-31; write years with four digits first"
)


def _orders(form: str) -> tuple[str, ...]:
    """Return a format with the day first and with the month first, where it is open; else as it is."""
    if not form.startswith(UNSURE):
        return (form,)
    day_first = form.replace(UNSURE, "%d", 1).replace(UNSURE, "%m")
    return day_first, swapped(day_first)


def _in_forms(seen: Look, forms: list[str], count: int, other: str) -> Hint:
    """Write the hint for `count` dates in some formats, beside those in ISO 8601; `other`: or in this one, all."""
    n_iso = seen.shapes[Shape.DATE]
    examples = [pd.Timestamp("2025-01-31 09:30:00").strftime(form) for form in forms]
    like = " and ".join([*examples, *["2025-01-31"] * bool(n_iso)][:_SHOWN])
    here, is_padded = readings.column_of(seen.label), seen.shapes[Shape.PADDED] > 0
    is_all = seen.is_whole and count + n_iso == seen.looked_at
    if is_all and len(forms) == 1 and not n_iso:
        line = readings.assigned(here, f"pd.to_datetime({{}}, format={forms[0]!r})", is_padded=is_padded)
    else:
        line = readings.in_place(here, readings.dates([*forms, *[readings.ISO] * bool(n_iso)]))
    ask = f", or format={other!r} where the month stands first" if other else ""
    rest = "" if is_all else _LEFT
    found = _converted(
        seen, f"text like {like}; dates are read as 2025-01-31; convert first: ", line, ask + rest, contract.DATE
    )
    return replace(found, line=f"# if the day stands first (else format={other!r}): {found.line}") if other else found


def _several_forms(seen: Look, count: int) -> Hint:
    n_others = seen.looked_at - seen.shapes[Shape.DATE]
    text = (
        f"{count:,} of {seen.looked_at:,} {_looked(seen)} are dates, but in several forms; dates are read as "
        f"2025-01-31; with {_types(seen, contract.DATE)} {n_others:,} of them are violations, which validate lists"
    )
    return Hint(text, contract.DATE, line="# write these dates in one form first, such as 2025-01-31")


def _padding(seen: Look) -> str:
    """Say how many texts have white space around them, which is sent with them; '' where none has."""
    count = seen.shapes[Shape.PADDED]
    if not count:
        return ""
    of = "" if seen.is_whole else f" of {seen.looked_at:,} looked at"
    values = f"{count:,} value{'s' * (count != 1)}{of} {'has' if count == 1 else 'have'}"
    column = f"df[{seen.label!r}]"
    return f"{values} white space around, which is sent; to remove it: {column} = {column}.str.strip()"
