"""Names and numbers as people and spreadsheets write them: what is meant, and what to take away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from growlytics_pandas.conversion import number_in

CURRENCY: Final = r"(?:[₹$€£¥]|Rs\.?|INR)"
NOT_OF_A_NUMBER: Final = r"Rs\.?|INR|[,₹$€£¥\s]"
# A comma counts where it groups digits, as in 78,841 and 1,23,456; in 78,84 it is a decimal point, and left alone.
_GROUPS: Final = r"[1-9][0-9]{0,2}(?:,[0-9]{2,3})*,[0-9]{3}"
_SIGN: Final = rf"\s*(?:{CURRENCY}\s*)?"
_AMOUNT: Final = re.compile(rf"{_SIGN}[+-]?{_SIGN}(?:{_GROUPS}|[0-9]+)(?:\.[0-9]+)?{_SIGN}")
_GROUPED: Final = re.compile(rf"[+-]?{_GROUPS}(?:\.[0-9]+)?")
_POINT_MAY_GROUP: Final = re.compile(r"^[^,]*\.[0-9]{3,}[^0-9]*$")  # €1.000
_DECIMAL_COMMA: Final = re.compile(r"^\D*\d+,\d{1,2}\D*$|^\D*0,\d+\D*$|\.\d+,", re.ASCII)
_EITHER: Final = re.compile(r"^[^,]*,[^,.]*$")
_SPACE: Final = "[ \u00a0\u2007\u2009\u202f]"  # plain, not to break at, as wide as a digit, thin, narrow
_SPACED: Final = rf"[0-9]{{1,3}}(?:{_SPACE}[0-9]{{3}})+"
_POINTED: Final = r"[0-9]{1,3}(?:\.[0-9]{3})+"
# A comma that can only be a decimal one: behind points, or before other than three digits.
_WITH_COMMA: Final = rf"(?:{_POINTED},[0-9]+|(?:{_SPACED}|[0-9]+),(?:[0-9]{{1,2}}|[0-9]{{4,}}))"
_WITH_POINT: Final = rf"(?:{_GROUPS}|{_SPACED}|[0-9]+)(?:\.[0-9]+)?"
_WHOLE: Final = rf"(?:{_SPACED}|[0-9]+)"
_MAX_DIGITS: Final = 15  # that a float keeps


def is_grouped(text: str) -> bool:
    """Tell whether a text is a number with separators of thousands, and nothing else."""
    return bool(_GROUPED.fullmatch(text)) and keeps_digits(text)


def is_priced(text: str) -> bool:
    """Tell whether a text is a number with a sign of currency whose point can only be a decimal point."""
    return (
        bool(re.search(CURRENCY, text))
        and _is_amount(text)
        and keeps_digits(text)
        and not _POINT_MAY_GROUP.search(text)
    )


def keeps_digits(text: str) -> bool:
    """Tell whether a float keeps all digits of a number."""
    return len(text) <= _MAX_DIGITS or sum(map(str.isdigit, text)) <= _MAX_DIGITS


def currency_of(text: str) -> str:
    """Return the sign of currency of an amount, the rupee's where it is written out."""
    found = re.search(CURRENCY, text)
    return "" if found is None else found[0] if len(found[0]) == 1 else "₹"


def may_have_decimal_comma(text: str) -> bool:
    """Tell whether the only comma of a number may be its decimal point: ``1,234``, but not ``1,234.5``."""
    return bool(_EITHER.search(text))


def has_decimal_comma(text: str) -> bool:
    """Tell whether a comma can only be a decimal point: ``12,5``, ``1.234,50``."""
    return bool(_DECIMAL_COMMA.search(text))


def amount_pattern(*, are_priced: bool, is_sure: bool) -> str:
    """Return the pattern of numbers with separators, to paste; `is_sure`: none whose comma may be a decimal point.

    Examples
    --------
    >>> grouped = re.compile(amount_pattern(are_priced=False, is_sure=False))
    >>> [bool(grouped.fullmatch(text)) for text in ("63,300.33", "1.234,50", "1,234")]
    [True, False, True]
    """
    groups = rf"{_GROUPS}(?:\.[0-9]+)?"
    if is_sure:
        groups = r"[0-9]{1,3}(?:(?:,[0-9]{2,3})+,[0-9]{3}(?:\.[0-9]+)?|,[0-9]{3}\.[0-9]+)"
    if not are_priced:
        return rf"\s*[+-]?(?:{groups})\s*"
    return rf"{_SIGN}[+-]?{_SIGN}(?:{groups}|[0-9]+(?:\.[0-9]{{1,2}})?){_SIGN}"


def _is_amount(text: str) -> bool:
    return bool(_AMOUNT.fullmatch(text)) and number_in(re.sub(NOT_OF_A_NUMBER, "", text)) is not None


# numbers of a column that is to be one of numbers --------------------------------------------------------------------


def _written(number: str) -> re.Pattern[str]:
    """Return the pattern of a number with a sign and a currency, or in parentheses, as accountants write losses."""
    return re.compile(rf"{_SIGN}[+-]?{_SIGN}{number}{_SIGN}|\s*\({_SIGN}{number}{_SIGN}\)\s*")


_OF_POINTS: Final = _written(_WITH_POINT)
_OF_COMMAS: Final = _written(_WITH_COMMA)
_OF_WHOLES: Final = _written(_WHOLE)
_MAY_BE_WHOLE: Final = _written(_POINTED)
_PARENTHESES: Final = (r"^\s*\((.+)\)\s*$", r"-\1")
_SEPARATORS: Final = (NOT_OF_A_NUMBER, "")
_OTHER_SEPARATORS: Final = (NOT_OF_A_NUMBER.replace(",", "."), "")
_COMMA: Final = (",", ".")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How numbers of a column are written, and what makes plain ones of them."""

    texts: frozenset[str]
    has_decimal_comma: bool = False

    @property
    def remark(self) -> str:
        """What is taken for what."""
        commas = "decimal point" if self.has_decimal_comma else "separator of thousands"
        words = (
            f"a comma is taken for a {commas}" if any("," in text for text in self.texts) else "",
            "(5) is taken for -5" if any("(" in text for text in self.texts) else "",
        )
        return ", ".join(filter(None, words))

    @property
    def _steps(self) -> tuple[tuple[str, str], ...]:
        parentheses = (_PARENTHESES,) if any("(" in text for text in self.texts) else ()
        return (*parentheses, *((_OTHER_SEPARATORS, _COMMA) if self.has_decimal_comma else (_SEPARATORS,)))

    def plain(self, column: str) -> str:
        r"""Return the expression for a column whose numbers have neither separators nor signs of currency.

        Examples
        --------
        >>> print(NumberStyle(frozenset({"(5)"})).plain("s"))
        s.replace(r"^\s*\((.+)\)\s*$", r"-\1", regex=True).replace(r"Rs\.?|INR|[,₹$€£¥\s]", "", regex=True)
        """
        return column + "".join(f".replace({_raw(old)}, {_raw(new)}, regex=True)" for old, new in self._steps)

    def bare(self, cells: pd.Series[Any]) -> pd.Series[Any]:
        """Do what that expression does."""
        for old, new in self._steps:
            cells = cells.replace(old, new, regex=True)
        return cells

    def is_number(self, text: str) -> bool:
        """Tell whether a text is a number then."""
        for old, new in self._steps:
            text = re.sub(old, new, text)
        return number_in(text) is not None


def _raw(text: str) -> str:
    return f'r"{text}"' if "\\" in text else f'"{text}"'


def find_numbers(values: Iterable[Any], column: Iterable[Any]) -> NumberStyle:
    """Return how the texts among values are written that are numbers beyond doubt, and no plain ones.

    A comma is that of thousands. Where all commas of the column can only be decimal ones, they are. Where another text
    has a decimal comma, one like ``1,234`` may have one too, and is left alone.

    Examples
    --------
    >>> sorted(find_numbers(found := ["78,841.50", "₹ 1,23,456", "1 000", "(5)", "n/a"], found).texts)
    ['(5)', '1 000', '78,841.50', '₹ 1,23,456']
    >>> sorted(find_numbers(found := ["78,841.50", "1,234", "12,5"], found).texts)
    ['78,841.50']
    >>> sorted(find_numbers(found := ["1.234,50", "5,5", "₹ 7", "n/a"], found).texts)
    ['1.234,50', '5,5', '₹ 7']
    """
    texts = {value for value in values if isinstance(value, str)}
    others = {value for value in column if isinstance(value, str)}
    if _has_decimal_commas(others):
        style = NumberStyle(frozenset(t for t in texts if _OF_COMMAS.fullmatch(t) or _OF_WHOLES.fullmatch(t)), True)
    else:
        is_unsure = any(map(_DECIMAL_COMMA.search, texts))
        style = NumberStyle(
            frozenset(t for t in texts if _OF_POINTS.fullmatch(t) and not (is_unsure and _is_either(t)))
        )
    return NumberStyle(frozenset(filter(style.is_number, style.texts)), style.has_decimal_comma)


def _has_decimal_commas(texts: Iterable[str]) -> bool:
    """Tell whether all commas of a column are decimal ones beyond doubt; and no point may part thousands."""
    commas = [text for text in texts if "," in text and any(map(str.isdigit, text))]
    return bool(commas) and all(map(_OF_COMMAS.fullmatch, commas)) and not any(map(_MAY_BE_WHOLE.fullmatch, texts))


def _is_either(text: str) -> bool:
    """Tell whether a comma, or a point, may be either: that of a fraction or that of thousands."""
    return bool(_EITHER.search(text) or _POINT_MAY_GROUP.search(text))


# names ---------------------------------------------------------------------------------------------------------------

_OWN: Final = r"(?:contact|customer|client|user|primary|personal|registered|my|your)?"
_NUMBER: Final = r"(?:no|num|number|nr)?"
_LIKE_RESERVED: Final = {
    "name": re.compile(r"(?:name|(?:full|customer|contact|client)(?:full)?name)"),
    "email": re.compile(rf"{_OWN}(?:work)?(?:email(?:id|addr|address)?|mailid)1?"),
    "mobile": re.compile(
        rf"{_OWN}(?:(?:mobile|cell)?phone{_NUMBER}|mobile{_NUMBER}|cell(?:no|number)|telephone{_NUMBER}|msisdn|"
        r"contact(?:no|number)|whatsapp(?:no|number))1?"
    ),
}
_NO_LETTER: Final = re.compile(r"[\W_]+")


def reserved_like(name: str) -> str | None:
    """Return the reserved attribute that a name is another spelling of; None for the name itself and all others.

    Examples
    --------
    >>> reserved_like("E-mail"), reserved_like("Phone Number"), reserved_like("email"), reserved_like("Email Opt-In")
    ('email', 'mobile', None, None)
    """
    bare = _NO_LETTER.sub("", name).casefold()
    return next((r for r, pattern in _LIKE_RESERVED.items() if r != name and pattern.fullmatch(bare)), None)
