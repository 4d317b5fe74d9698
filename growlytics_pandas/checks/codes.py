"""Find codes that are numbers, or were: leading zeros may be lost."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._labels import is_code_like, is_id_like, is_postal_code
from growlytics_pandas._rules import Rule
from growlytics_pandas._text import options_text, phrase, plural
from growlytics_pandas.checks.profile import MOST, Profile, Suggestion, may_be_of_type
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.parsers import shapes_of
from growlytics_pandas.columns.texts import end_like_floats

_POWERS: Final = 10 ** np.arange(1, 17)  # the smallest numbers of 2, 3, … digits
_LEAST_CODE_DIGITS: Final = 4  # of postal codes; codes with fewer must be many, unlike those of tiers
_MANY_CODES: Final = 10


def may_be_codes(sample: Sequence[Any], name: str, kind: Kind) -> bool:
    """Return whether whole numbers may be codes: postal codes, or ids that missing values made floats."""
    is_labelled = is_code_like(name) or (kind is Kind.FLOAT and is_id_like(name))
    return is_labelled and all(value % 1 == 0 for value in sample)


def open_codes(present: pd.Series[Any], label: Hashable) -> Suggestion:
    """Leave open whether numbers are codes, whose leading zeros may be lost already."""
    if lost := lost_zeros(present, label, contract.STRING):
        return lost
    as_text, read_as_text = options_text(types={label: contract.STRING}), _read_as_text(label)
    source = f"{read_as_text}, or {as_text} if no zeros were lost" if read_as_text else as_text
    reason = f"if the numbers are codes, such as postal codes, send them as text, which keeps leading zeros: {source}"
    return may_be_of_type(label, reason, len(present), contract.STRING)


def lost_zeros(present: pd.Series[Any], label: Hashable, type_: str) -> Suggestion | None:
    """Report numbers that are probably codes without their leading zeros, of an attribute of another type."""
    short = _short_codes(present, is_postal=is_postal_code(str(label)))
    read_as_text = _read_as_text(label)
    reason = f"{short}; read the column as text{read_as_text and ': '}{read_as_text}"
    return _lost(label, reason, len(present), type_) if short else None


def _read_as_text(label: Hashable) -> str:
    return phrase(f"pd.read_csv(…, dtype={{{str(label)!r}: str}})", "")


def _lost(label: Hashable, reason: str, cells: int, type_: str) -> Suggestion:
    """Report codes that were damaged as numbers, of an attribute of another type than `type_`."""
    return Suggestion("types", label, None, reason, cells, type=type_, is_loss=True, warns=Rule.TYPE_DOUBTFUL)


def _short_codes(present: pd.Series[Any], *, is_postal: bool) -> str:
    """Return how many of some whole numbers are shorter than the others; '' if none is, or too many."""
    if not ((present % 1 == 0) & (present.abs() < _POWERS[-1])).all():
        return ""
    digits = np.searchsorted(_POWERS, present.abs().to_numpy(dtype="int64"), side="right") + 1
    most = digits.max(initial=0)
    n_short = int((digits < most).sum())
    is_likely = most >= _LEAST_CODE_DIGITS or (most > 1 and present.nunique() >= _MANY_CODES)
    if not is_likely or not 0 < n_short <= (len(digits) if is_postal else len(digits) / 2):
        return ""
    return _are_shorter(n_short, len(digits), most, "when the file was read")


def _are_shorter(n_short: int, codes: int, digits: int, when: str) -> str:
    verb = "is" if n_short == 1 else "are"
    short = f"{n_short:,} of {plural(codes, 'code')} {verb} shorter than {digits} digits"
    return f"{short}, as if leading zeros were lost {when}"


def damaged_codes(profile: Profile, label: Hashable) -> list[Suggestion]:
    """Report codes that were numbers before they became text: they end in .0, or postal codes lack their zeros."""
    sample = profile.sample  # all texts, unless they are many
    n_float = sample.count(end_like_floats(sample.texts))
    if 2 * n_float > sample.cells:
        verb = "ends" if n_float == 1 else "end"
        reason = f"{plural(n_float, 'code')} {verb} in .0, as numbers beside gaps do: remove it at the source"
        return [_lost(label, reason, n_float, contract.NUMBER)]
    return _short_texts(profile, label) if is_postal_code(str(label)) else []


def _short_texts(profile: Profile, label: Hashable) -> list[Suggestion]:
    """Report postal codes that lost their leading zeros before they became text."""
    shapes = shapes_of(profile.texts)
    is_code = shapes.spread([shape.isdecimal() for shape in shapes.names])
    lengths = [len(shape) for shape in shapes.names if shape.isdecimal()]
    most = max(lengths, default=0)
    n_codes = profile.count(is_code)
    if most < _LEAST_CODE_DIGITS or n_codes < MOST * profile.cells or leading_zeros(profile):
        return []
    n_short = profile.count(is_code & shapes.spread([len(shape) < most for shape in shapes.names]))
    if not n_short:
        return []
    reason = f"{_are_shorter(n_short, n_codes, most, 'earlier')}: restore them at the source"
    return [_lost(label, reason, n_codes, contract.NUMBER)]


def leading_zeros(profile: Profile) -> str:
    """Return a text of digits with a leading zero; '' if there is none."""
    return next((text for text in profile.texts if text[:1] == "0" and len(text) > 1 and text.isdecimal()), "")
