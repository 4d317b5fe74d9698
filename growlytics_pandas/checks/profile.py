"""The distinct texts of a column with their counts: what suggestions are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.convert import as_text
from growlytics_pandas.columns.dtypes import Kind, absent, family
from growlytics_pandas.columns.extract import Mask
from growlytics_pandas.columns.parsers import MISSING_WORDS, Texts
from growlytics_pandas.columns.texts import is_guarded, may_need_strip, strip_texts

_NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_UTC: Final = ZoneInfo("UTC")
SAMPLE: Final = 1000
"""Distinct texts that settle whether a parser is worth trying on all."""


@dataclass(frozen=True)
class Profile:
    """Distinct texts and how many cells have each; `others` counts the cells that are no text, by kind."""

    texts: Texts
    counts: npt.NDArray[np.int64]
    others: Counter[Kind]

    @property
    def cells(self) -> int:
        """How many cells are text."""
        return int(self.counts.sum())

    def count(self, mask: Mask) -> int:
        """Return how many cells have a text that `mask` has."""
        return int(self.counts[mask].sum())

    def where(self, mask: Mask) -> Profile:
        """Return the profile of the texts that `mask` has."""
        if mask.all():
            return self
        return replace(self, texts=self.texts.where(mask), counts=self.counts[mask])

    @cached_property
    def sample(self) -> Profile:
        """The commonest texts and some of the others by chance, the same ones each time; counts stand for all."""
        if len(self.texts) <= SAMPLE:
            return self
        ranked = np.argsort(-self.counts, kind="stable")
        half = SAMPLE // 2
        drawn = np.random.default_rng(0).choice(ranked[half:], SAMPLE - half, replace=False)
        weight = self.counts[ranked[half:]].sum() / self.counts[drawn].sum()
        places = np.concatenate([ranked[:half], drawn])
        counts = np.concatenate([self.counts[ranked[:half]], np.ceil(self.counts[drawn] * weight).astype("int64")])
        return Profile(Texts(self.texts[place] for place in places.tolist()), counts, self.others)


def profile_of(column: pd.Series[Any], kind: Kind) -> Profile:
    """Count the texts of a column."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        counts = np.bincount(codes[codes >= 0], minlength=len(column.cat.categories))
        return _of_values(column.cat.categories.tolist(), counts)
    present = column[(~absent(column)).to_numpy(dtype=bool)]
    if kind is Kind.TEXT:
        codes, uniques = pd.factorize(present)
        return Profile(
            Texts(map(str, uniques.to_numpy(dtype=object).tolist())),
            np.bincount(codes, minlength=len(uniques)),
            Counter(),
        )
    return _of_values(present.tolist(), None)


def profile_of_ids(column: pd.Series[Any], kind: Kind) -> Profile:
    """Return the texts of a column in which most differ, one by one."""
    values = column[(~absent(column)).to_numpy(dtype=bool)].to_numpy(dtype=object).tolist()
    texts = Texts(map(str, values) if kind is Kind.TEXT else (value for value in values if isinstance(value, str)))
    return Profile(texts, np.ones(len(texts), dtype="int64"), Counter())


def _of_values(values: list[Any], counts: npt.NDArray[np.int64] | None) -> Profile:
    """Count the texts among values; `counts` says how often each value is there."""
    weights = np.ones(len(values), dtype="int64") if counts is None else counts.astype("int64")
    texts: dict[str, int] = {}
    others: Counter[Kind] = Counter()
    for value, weight in zip(values, weights.tolist(), strict=True):
        if weight and isinstance(value, str):
            texts[value] = texts.get(value, 0) + weight
        elif weight:
            others[family(type(value))] += weight
    return Profile(Texts(texts), np.fromiter(texts.values(), dtype="int64", count=len(texts)), others)


def with_numbers(profile: Profile, column: pd.Series[Any]) -> Profile:
    """Return the profile of a mixture with its numbers as text, as a parser of dates gets them."""
    if not any(profile.others[kind] for kind in _NUMBERS) or column.dtype != object:
        return profile
    numbers = Counter(
        as_text(value, _UTC) or ""
        for value in column[(~absent(column)).to_numpy(dtype=bool)].tolist()
        if family(type(value)) in _NUMBERS
    )
    others: Counter[Kind] = Counter()
    others.update({kind: count for kind, count in profile.others.items() if kind not in _NUMBERS})
    counts = np.concatenate([profile.counts, np.fromiter(numbers.values(), dtype="int64", count=len(numbers))])
    return _merged(Profile(Texts([*profile.texts, *numbers]), counts, others))


@dataclass(frozen=True)
class Cleaned:
    """A column as it is once white space, guards and words for missing values are away.

    Attributes
    ----------
    profile : Profile
        Of the texts that are left.
    words : dict
        Words for a missing value, as they are written → cells.
    stripped, guarded : int
        Cells with something to strip; of them, those with a spreadsheet's mark for text.
    """

    profile: Profile
    words: dict[str, int]
    stripped: int
    guarded: int


def clean_profile(profile: Profile, *, has_words: bool = True) -> Cleaned:
    """Strip the texts of a column, and take words for missing values out, if it can have any."""
    merged, stripped, guarded = _stripped(profile)
    if not has_words:
        return Cleaned(merged, {}, stripped, guarded)
    is_word = np.zeros(len(merged.texts), dtype=bool)
    is_word[[i for i, text in enumerate(merged.texts) if text[:1] in _STARTS and text.casefold() in MISSING_WORDS]] = (
        True
    )
    words = merged.where(is_word)
    return Cleaned(
        merged.where(~is_word) if is_word.any() else merged,
        dict(zip(words.texts, words.counts.tolist(), strict=True)) if is_word.any() else {},
        stripped,
        guarded,
    )


_STARTS: Final = frozenset(char for word in MISSING_WORDS for char in (word[:1], word[:1].upper()))


def _stripped(profile: Profile) -> tuple[Profile, int, int]:
    """Return the profile of the stripped texts, how many cells change, and how many of these were guarded."""
    if not may_need_strip(profile.texts):
        return profile, 0, 0
    texts = Texts(strip_texts(profile.texts))
    pairs = zip(profile.texts, texts, strict=True)
    changed = np.fromiter((old is not new and old != new for old, new in pairs), bool, len(texts))
    guarded = np.zeros(len(texts), dtype=bool)
    for place in np.flatnonzero(changed).tolist():
        guarded[place] = is_guarded(profile.texts[place])
    if not changed.any():
        return profile, 0, 0
    return _merged(replace(profile, texts=texts)), profile.count(changed), profile.count(guarded)


def _merged(profile: Profile) -> Profile:
    codes, uniques = pd.factorize(np.array(profile.texts, dtype=object))
    counts = np.bincount(codes, weights=profile.counts, minlength=len(uniques)).astype("int64")
    return replace(profile, texts=Texts(uniques), counts=counts)


def mask_of(texts: Sequence[str], holds: Callable[[str], Any]) -> Mask:
    """Return for which texts something holds."""
    return np.array([bool(holds(text)) for text in texts], dtype=bool)
