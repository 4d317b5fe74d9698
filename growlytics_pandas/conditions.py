"""Conditions that pick cells by what they hold, for lines about more cells than their rows' labels could name.

Each is tried on the column at hand before it is offered, and on the column as another line of the report may have made
it by then: it must pick the cells that the line is about, and no other.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.conversion import BOOLEAN_WORDS
from growlytics_pandas.date_spellings import DateForms
from growlytics_pandas.fixes import TOGETHER, Lines, emptied
from growlytics_pandas.inference import AttributeType, Kind
from growlytics_pandas.layout import Attribute, name_of
from growlytics_pandas.spellings import NumberStyle

_INFINITY: Final = float("inf")
_FEW: Final = (8, 100)  # distinct values, and their characters: a list that says more than any condition
_MANY: Final = (40, 600)  # past that a list of values is no better than one of labels
_MAX_MATCHED: Final = 1000  # characters of a text that an expression is tried on: some could take very long
_MAX_DIGITS: Final = 7  # of a value that may stand in a line: more could be a phone number, and reports show lines
_ISO_START: Final = re.compile(r"\s*\d{4}-\d\d-\d\d")


Mending = Callable[["pd.Series[Any]"], "pd.Series[Any]"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as a line has it, ``{}`` for the column, and what it does."""

    text: str
    holds: Callable[[pd.Series[Any]], pd.Series[Any]]

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both hold."""
        return Condition(f"{self.text} & {other.text}", lambda c: self.holds(c) & other.holds(c))

    def __invert__(self) -> Condition:
        """Return the opposite; the text of this one must bind tighter than ``~``."""
        return Condition(f"~{self.text}", lambda c: ~self.holds(c))

    def of(self, column: str) -> Condition:
        """Return the condition of a column that is made an object one first, where `column` says so."""
        if column == "{}":
            return self
        return Condition(self.text.replace("{}", column), lambda c: self.holds(c.astype(object)))


def picking(
    frame: pd.DataFrame,
    attribute: Attribute,
    rows: list[int],
    conditions: Sequence[Condition],
    *,
    is_emptying: bool = False,
    mended: Mending | None = None,
) -> str:
    """Return the first condition that picks `rows` of a column and no other; '' where labels do, or no condition.

    A line that empties may pick missing cells too. `mended`: what another line of the report may have made of the
    column by then.
    """
    if go_by_labels(frame, rows) or _may_be_merged(frame, attribute):
        return ""
    cells, here = frame.iloc[:, attribute.position], plain(frame, attribute)
    if isinstance(cells.dtype, pd.ArrowDtype):
        here = "{}.astype(object)"  # there NaN is no missing value, and expressions are of another kind
    values = [] if attribute.is_reserved else cells.iloc[rows].tolist()
    stages = [cells]
    if _may_become_text(cells, attribute):
        with contextlib.suppress(ValueError):  # half a character: pandas 3 makes no such text, so no line does
            stages.append(as_text(cells))
    if mended is not None:
        stages += [mended(stage) for stage in stages]
    for one in (*_listed(values, *_FEW), *conditions, *_listed(values, *_MANY)):
        made = one.of(here)
        if all(_picks(made, stage, rows, is_emptying=is_emptying) for stage in stages):
            return made.text
    return ""


def emptied_by(frame: pd.DataFrame, attribute: Attribute, rows: list[int], candidates: Sequence[Condition]) -> Lines:
    """Return a line that empties cells of a column, or several where no condition picks them."""
    condition = picking(frame, attribute, rows, candidates, is_emptying=True)
    return emptied(frame, attribute.position, rows, condition=condition)


def go_by_labels(frame: pd.DataFrame, rows: list[int]) -> bool:
    """Tell whether the labels of `rows` say best which they are: few, and each the label of one row alone."""
    return len(rows) <= TOGETHER and frame.index.is_unique


def _may_become_text(cells: pd.Series[Any], attribute: Attribute) -> bool:
    """Tell whether another line of the report may write the numbers of a column as text."""
    if attribute.kind is Kind.TEXT or attribute.strict or attribute.type is not AttributeType.NUMBER:
        return attribute.is_reserved and attribute.kind is not Kind.TEXT
    try:
        sizes = _number(cells).abs()
    except (ArithmeticError, TypeError, ValueError):
        return True
    return bool(((sizes >= contract.MAX_SAFE_INTEGER) & (sizes < _INFINITY)).any())


def plain(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return the expression for a column that takes new values: a category refuses them."""
    dtype = frame.dtypes.iloc[attribute.position]
    is_category = isinstance(dtype, pd.CategoricalDtype) or str(dtype).startswith("dictionary")  # pandas' or Arrow's
    return "{}.astype(object)" if is_category else "{}"


def _may_be_merged(frame: pd.DataFrame, attribute: Attribute) -> bool:
    """Tell whether another line may bring in the values of a column of the same name, which are not looked at here."""
    names = [name_of(label).strip().casefold() for label in frame.columns]
    return names.count(attribute.name.strip().casefold()) > 1


def _picks(condition: Condition, cells: pd.Series[Any], rows: Sequence[int], *, is_emptying: bool) -> bool:
    wanted = np.zeros(len(cells), dtype=bool)
    wanted[rows] = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a line that makes pandas warn is none to offer
            hit = condition.holds(cells)
            picked = pd.Series(data=False, index=cells.index).mask(hit, other=True).to_numpy()
    except (AttributeError, ArithmeticError, NotImplementedError, TypeError, ValueError, Warning):
        return False
    differing = picked != wanted
    return not (differing & cells.notna().to_numpy() if is_emptying else differing).any()


def as_text(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as the line ``AS_TEXT`` makes it."""
    return cells.astype(object).map(text_of, na_action="ignore")


def text_of(value: Any) -> str:
    """Write one value as that line does."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def unlike(pattern: str, *, is_padded: bool) -> Condition:
    """Return the condition that a text does not match, white space around it left aside where `is_padded`."""
    trim = ".str.strip()" if is_padded else ""

    def holds(cells: pd.Series[Any]) -> pd.Series[Any]:
        texts = cells.str.strip() if is_padded else cells
        if texts.str.len().max() > _MAX_MATCHED:
            raise ValueError(pattern)
        return ~texts.str.fullmatch(pattern, na=False)

    return Condition(f'~{{}}{trim}.str.fullmatch("{pattern}", na=False)', holds)


# values ------------------------------------------------------------------------------------------------------------


def _listed(values: Sequence[Any], n_values: int, n_chars: int) -> list[Condition]:
    """Return the condition that names the values, where they are texts and not too many."""
    texts: set[str] = set()
    for value in values:
        if not isinstance(value, str):
            return []
        texts.add(value)
        if len(texts) > n_values:
            return []
    if sum(map(len, texts)) > n_chars or not all(map(_is_listable, texts)):
        return []
    listed = sorted(texts)
    return [Condition(f"{{}}.isin({listed})", lambda c: c.isin(listed))]


def _is_listable(text: str) -> bool:
    """Tell whether a text may stand in a line, and stays as it is while other lines are pasted."""
    is_personal = "@" in text or sum(map(str.isdigit, text)) > _MAX_DIGITS
    return text.isprintable() and not is_personal and not {*text} & {*"{}#"} and not _ISO_START.match(text)


# numbers -----------------------------------------------------------------------------------------------------------


def _number(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(cells, errors="coerce")


_AS_NUMBER: Final = 'pd.to_numeric({}, errors="coerce")'
_IS_NO_NUMBER: Final = Condition(f"{_AS_NUMBER}.isna()", lambda c: _number(c).isna())
_IS_NUMBER: Final = Condition(f"{_AS_NUMBER}.notna()", lambda c: _number(c).notna())
_IS_NOT_FINITE: Final = Condition(f'~({_AS_NUMBER}.abs() < float("inf"))', lambda c: ~(_number(c).abs() < _INFINITY))
_IS_FINITE: Final = Condition(f'({_AS_NUMBER}.abs() < float("inf"))', lambda c: _number(c).abs() < _INFINITY)
_IS_TEXT_OR_TRUTH: Final = Condition(
    "{}.map(lambda v: isinstance(v, (str, bool)))", lambda c: c.map(lambda v: isinstance(v, (str, bool)))
)
_NO_NUMBER: Final = (
    *(_IS_NO_NUMBER, _IS_NOT_FINITE),
    unlike("[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?", is_padded=True),  # pandas may not read what is beyond doubles
)
_FOREIGN_NUMBER: Final = (_IS_TEXT_OR_TRUTH & _IS_NUMBER, _IS_TEXT_OR_TRUTH & _IS_FINITE)
INFINITE: Final = (
    Condition(f'{_AS_NUMBER}.abs() == float("inf")', lambda c: _number(c).abs() == _INFINITY),
    Condition('{}.isin([float("inf"), -float("inf")])', lambda c: c.isin([_INFINITY, -_INFINITY])),
)


def in_style(found: NumberStyle) -> tuple[Condition, ...]:
    """Return conditions that a text is a number once separators and signs are gone, and none before."""
    read = _AS_NUMBER.replace("{}", found.plain("{}"))
    return (_IS_NO_NUMBER & Condition(f"{read}.notna()", lambda c: _number(found.bare(c)).notna()),)


def in_no_style(found: NumberStyle) -> tuple[Condition, ...]:
    """Return conditions that a value is no number, or not even once separators and signs are gone."""
    read = _AS_NUMBER.replace("{}", found.plain("{}"))
    return (*_NO_NUMBER, Condition(f"{read}.isna()", lambda c: _number(found.bare(c)).isna()))


# dates -------------------------------------------------------------------------------------------------------------


def _date(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True)


_AS_DATE: Final = 'pd.to_datetime({}, format="ISO8601", errors="coerce", utc=True)'
_TRIMMED: Final = "{}.astype(str).str.strip()"  # numbers, which pandas would take for nanoseconds, become text too
IS_TEXT: Final = Condition("{}.map(lambda v: isinstance(v, str))", lambda c: c.map(lambda v: isinstance(v, str)))
_IS_NO_DATE: Final = Condition(f"{_AS_DATE}.isna()", lambda c: _date(c).isna())
_IS_DATE: Final = Condition(f"{_AS_DATE}.notna()", lambda c: _date(c).notna())
_IS_TRIMMED_NO_DATE: Final = Condition(
    _IS_NO_DATE.text.replace("{}", _TRIMMED), lambda c: _date(c.astype(str).str.strip()).isna()
)
_IS_TRIMMED_DATE: Final = Condition(
    _IS_DATE.text.replace("{}", _TRIMMED), lambda c: _date(c.astype(str).str.strip()).notna()
)
_NO_DATE: Final = (_IS_NO_DATE, _IS_TRIMMED_NO_DATE)
_FOREIGN_DATE: Final = (IS_TEXT & _IS_DATE, IS_TEXT & _IS_TRIMMED_DATE)


def in_forms(found: DateForms) -> Condition:
    """Return the condition that a text is a date in one of some formats."""
    return Condition(f"{found.some_in('{}')}.notna()", lambda c: found.read(c).notna())


def in_no_form(found: DateForms) -> tuple[Condition, ...]:
    """Return conditions that a value is no date in ISO 8601, or in none of the formats either."""
    no_form = Condition(f"{found.some_in('{}')}.isna()", lambda c: found.read(c).isna())
    return (*_NO_DATE, *(one & no_form for one in _NO_DATE))


# booleans ----------------------------------------------------------------------------------------------------------

_WORDS: Final = list(BOOLEAN_WORDS)
_IS_WORD: Final = Condition(
    f"{{}}.map(lambda v: str(v).strip().lower()).isin({_WORDS})",
    lambda c: c.map(lambda v: str(v).strip().lower()).isin(_WORDS),
)
_IS_WORD_OR_DIGIT: Final = Condition(
    f"{{}}.map(lambda v: str(v).strip().lower() in {_WORDS} or v in (0, 1))",
    lambda c: c.map(lambda v: str(v).strip().lower() in _WORDS or v in (0, 1)),
)
_IS_NO_TRUTH: Final = Condition(
    "{}.map(lambda v: not isinstance(v, bool))", lambda c: c.map(lambda v: not isinstance(v, bool))
)
_NO_BOOLEAN: Final = (~_IS_WORD, ~_IS_WORD_OR_DIGIT)
_FOREIGN_BOOLEAN: Final = (_IS_NO_TRUTH & _IS_WORD, _IS_NO_TRUTH & _IS_WORD_OR_DIGIT)

NOT_OF: Final[Mapping[AttributeType, tuple[Condition, ...]]] = MappingProxyType(
    {AttributeType.NUMBER: _NO_NUMBER, AttributeType.DATE: _NO_DATE, AttributeType.BOOLEAN: _NO_BOOLEAN}
)
"""That a value is not of a type, and cannot become it."""
FOREIGN_TO: Final[Mapping[AttributeType, tuple[Condition, ...]]] = MappingProxyType(
    {
        AttributeType.NUMBER: _FOREIGN_NUMBER,
        AttributeType.DATE: _FOREIGN_DATE,
        AttributeType.BOOLEAN: _FOREIGN_BOOLEAN,
    }
)
"""That a value is not of a type, and can become it."""
