"""Lines of pandas that read the texts of a column as another type, and leave in place what they cannot read."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Final

from growlytics_pandas.conversion import BOOLEAN_WORDS
from growlytics_pandas.date_spellings import COMPACT
from growlytics_pandas.spellings import NOT_OF_A_NUMBER, amount_pattern

ISO: Final = "ISO8601"
TEXTS: Final = "texts"
# Without an offset: pandas reads no column of which some dates have one and others have none.
_NAIVE: Final = r"\d{4}-\d\d-\d\d([T ][0-9:.]+)?"
_FINITE: Final = '.where(lambda n: n.abs() < float("inf"))'
_OF_SOURCE: Final = {
    COMPACT: "{}.where({}.str.len() == 8)",
    ISO: f"{{}}.where({{}}.str.fullmatch(r'{_NAIVE}', na=False))",
}


def column_of(label: Hashable) -> str:
    """Return the expression for a column."""
    return f"df[{label!r}]"


def without(here: str, words: Collection[str]) -> str:
    """Return the line that makes words for a missing value missing."""
    return f"{here} = {here}.mask({here}.isin({sorted(words)}))"


def assigned(here: str, read: str, *, is_padded: bool = False) -> str:
    """Return the line for a column of which every text is read; ``{}`` in `read` is the column."""
    return f"{here} = {read.replace('{}', here + '.str.strip()' * is_padded)}"


def in_place(here: str, read: str) -> str:
    """Return the line that leaves texts where they are which are not read; ``{}`` in `read` is the column."""
    found = f"texts = {here}.astype(object).str.strip(); found = {read.replace('{}', TEXTS)}"
    return f"{found}; {here} = found.astype(object).mask(found.isna(), {here})"


def dates(formats: Iterable[str]) -> str:
    """Return the expression that reads dates in one of several formats.

    Examples
    --------
    >>> print(dates(["%d/%m/%Y"]))
    pd.to_datetime({}, format='%d/%m/%Y', errors='coerce')
    """
    sources = ((_OF_SOURCE.get(form, "{}"), form) for form in formats)
    first, *rest = (f"pd.to_datetime({source}, format={form!r}, errors='coerce')" for source, form in sources)
    return first + "".join(f".fillna({each})" for each in rest)


MOMENTS: Final = "{}.astype(object).map(pd.Timestamp, na_action='ignore')"
"""Reads dates of which some have an offset."""
DAYS: Final = f"pd.to_datetime({{}}.astype('Int64').astype('string'), format={COMPACT!r})"
"""Reads whole numbers that are dates by their digits."""
TRUTHS: Final = f"{{}}.str.lower().map({BOOLEAN_WORDS})"
NUMBERS: Final = "pd.to_numeric({})"
NUMBERS_AMONG_OTHERS: Final = f"pd.to_numeric({{}}, errors='coerce'){_FINITE}"
PERCENT: Final = "pd.to_numeric({}.str.rstrip('% '))"
PERCENT_AMONG_OTHERS: Final = (
    "pd.to_numeric({}.where({}.str.endswith('%', na=False)).str.rstrip('% '), errors='coerce')"
)


def amounts(*, are_priced: bool) -> str:
    """Return the expression that reads numbers with separators, where there is nothing else."""
    return f"pd.to_numeric({{}}.str.replace({_signs(are_priced=are_priced)}))"


def amounts_among_others(*, are_priced: bool, is_sure: bool) -> str:
    """Return the expression that reads numbers with separators; `is_sure`: none whose comma may be a decimal point."""
    pattern = amount_pattern(are_priced=are_priced, is_sure=is_sure)
    bare = f"{{}}.str.replace({_signs(are_priced=are_priced)})"
    return f"pd.to_numeric({{}}.mask({{}}.str.fullmatch(r'{pattern}', na=False), {bare}), errors='coerce'){_FINITE}"


def _signs(*, are_priced: bool) -> str:
    return f"r'{NOT_OF_A_NUMBER}', '', regex=True" if are_priced else "',', ''"
