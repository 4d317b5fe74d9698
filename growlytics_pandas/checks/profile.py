"""The distinct texts of a column with their counts, and the types of suggestions."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas._text import options_text, plural
from growlytics_pandas.columns.convert import as_text
from growlytics_pandas.columns.dtypes import NUMBER_KINDS, Kind, Mask, family, plain_text, plain_texts, present_cells
from growlytics_pandas.columns.parsers import ArrowTexts, Texts
from growlytics_pandas.columns.texts import (
    MISSING_IDS,
    MISSING_WORDS,
    TextBytes,
    TextColumn,
    is_guarded,
    may_need_strip,
    strip_texts,
)

MOST: Final = 0.9
"""Share of the values above which the others count as exceptions."""
_FEWEST: Final = 3  # cells
_PLACEHOLDER: Final = re.compile(r"[^\d@]{1,20}|([0-9])\1{4,}")  # a word, or one digit throughout
LIKELY: Final = 0.5
"""Share of the values from which a person must decide whether the others are exceptions."""


def may_be_placeholder(text: str, cells: int) -> bool:
    """Return whether a text in so many cells, among dates, numbers, yes/no or contacts, may mean missing.

    Examples
    --------
    >>> may_be_placeholder("never", 3), may_be_placeholder("never", 2), may_be_placeholder("5 lakh", 3)
    (True, False, False)
    """
    return cells >= _FEWEST and _PLACEHOLDER.fullmatch(text) is not None


LISTED: Final = ("strip", "exclude")
"""Options whose value is a list of columns."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One option for one column.

    Attributes
    ----------
    option : str
        "date_format", "decimal", "types", "na_values", "strip", "normalize", "rename", "exclude" or "timezone".
    column : hashable
        The label of the column; None while its texts are tried.
    value : object
        The option's value for that column; True for options that list columns. None: a person must decide.
    reason : str
        Why, in one sentence.
    cells : int
        How many cells it changes or reads.
    rest : int
        How many cells of the column a parser cannot read.
    type : str
        The attribute type as which the option reads the column, or as which numbers were read that are codes; '' for
        other options.
    choices : tuple
        The values among which a person must decide; () if the remedy is elsewhere.
    is_loss : bool
        Whether leading zeros are lost, now or before: it matters also if the type of the attribute is known.
    warns : Rule or None
        The rule under which the check of a frame warns of it, if it concerns the attribute as it is sent now; see
        `suggestion_warnings`.
    """

    option: str
    column: Hashable
    value: Any
    reason: str
    cells: int
    rest: int = 0
    type: str = ""
    choices: tuple[Any, ...] = ()
    is_loss: bool = False
    warns: Rule | None = None

    @property
    def sentence(self) -> str:
        """The reason, with a capital."""
        return f"{self.reason[:1].upper()}{self.reason[1:]}"

    def option_for(self, value: Any) -> tuple[str, dict[Hashable, Any]]:
        """Return the option and its value, which gives the column one of the choices."""
        return self.option, {self.column: value}

    @property
    def text(self) -> str:
        """The option as a call gives it, with ? for what a person must decide."""
        value: Any = "?" if self.value is None else self.value
        if self.option in LISTED:
            value = [self.column]
        elif self.option != "timezone":
            value = {self.column: value}
        return options_text(**{self.option: value})


def as_options(suggestions: Iterable[Suggestion]) -> dict[str, Any]:
    """Return suggestions as options, ready for ``**``, without those that a person must decide.

    Examples
    --------
    >>> as_options([Suggestion("strip", "City", True, "", 2), Suggestion("decimal", "Spend", ",", "", 9)])
    {'strip': ['City'], 'decimal': {'Spend': ','}}
    """
    options: dict[str, Any] = {}
    for one in suggestions:
        if one.value is None:
            continue
        if one.option in LISTED:
            options.setdefault(one.option, []).append(one.column)
        elif one.option == "timezone":
            options["timezone"] = one.value
        else:
            options.setdefault(one.option, {})[one.column] = one.value
    return options


def of_all(read: int, present: int) -> str:
    """Return a phrase for how many values are read."""
    if read == present:
        return f"all {plural(present, 'value')}" if present != 1 else "the only value"
    return f"{read:,} of {plural(present, 'value')}"


def rest_of(read: int, present: int) -> str:
    """Return a phrase for the values that are not read; '' if all are."""
    rest = present - read
    if not rest:
        return ""
    verb, them = ("is", "it") if rest == 1 else ("are", "them")
    return f"; {plural(rest, 'value')} {verb} not: correct {them}, or leave {them} out ({options_text(errors='drop')})"


def may_be_of_type(label: Hashable, reason: str, cells: int, type_: str) -> Suggestion:
    """Leave open whether a column is to be sent as a type."""
    return Suggestion("types", label, None, reason, cells, type=type_, choices=(type_,), warns=Rule.TYPE_DOUBTFUL)


def left_open(found: Suggestion) -> Suggestion:
    """Return a way to read a column as one to decide, if it leaves too many values unread to be suggested."""
    if found.value is None or found.cells >= MOST * (found.cells + found.rest):
        return found
    return as_open(found)


def as_open(found: Suggestion) -> Suggestion:
    """Return a way to read a column as one that a person must decide on."""
    return replace(found, value=None, reason=f"{found.reason}; or send all as text", rest=0, choices=(found.value,))


_UTC: Final = ZoneInfo("UTC")
SAMPLE: Final = 1000
"""Distinct texts that decide whether a parser is tried on all."""
_LARGE: Final = 10 * SAMPLE
"""Rows above which counting the texts of a column takes noticeable time."""


CONTACT_SAMPLE: Final = 200  # distinct values: enough to recognize contacts
CONTACT_SHARE: Final = 0.5  # share of them that must be addresses or numbers


@dataclass(frozen=True, slots=True)
class Head:
    """The first distinct texts of a column, how many distinct texts it has, and how many cells are text."""

    texts: list[str]
    distinct: int
    cells: int


class Profile:
    """The distinct texts of a column.

    Attributes
    ----------
    texts : Texts or ArrowTexts
        The distinct texts.
    counts : array of int
        The number of cells with each text.
    others : Counter
        The number of cells that are not text, by kind.
    """

    def __init__(self, texts: Texts | ArrowTexts, counts: npt.NDArray[np.int64], others: Counter[Kind]) -> None:
        self.texts = texts
        self.counts = counts
        self.others = others

    @property
    def cells(self) -> int:
        """How many cells are text."""
        return int(self.counts.sum())

    @property
    def head(self) -> Head:
        """What is needed to recognize contacts."""
        return Head(self.texts[:CONTACT_SAMPLE], len(self.texts), self.cells)

    @property
    def is_large(self) -> bool:
        """Whether there are more texts than in a sample."""
        return len(self.texts) > SAMPLE

    def has_only(self, chars: str) -> bool:
        """Return whether every character of every text is in `chars`, which are ASCII."""
        return not "".join(self.texts).translate(dict.fromkeys(map(ord, chars)))

    def has_one_shape(self) -> bool:
        """Return whether all texts have the same shape: they differ only in their digits."""
        return len(self.texts.shapes.names) == 1

    def count(self, mask: Mask) -> int:
        """Return the number of cells with a text selected by `mask`."""
        return int(self.counts[mask].sum())

    def where(self, mask: Mask) -> Profile:
        """Return the profile of the texts selected by `mask`."""
        if mask.all():
            return self
        return Profile(self.texts.where(mask), self.counts[mask], self.others)

    @cached_property
    def sample(self) -> Profile:
        """The commonest texts and a fixed random sample of the others; counts are scaled to all."""
        if not self.is_large:
            return self
        ranked = np.argsort(-self.counts, kind="stable")
        half = SAMPLE // 2
        drawn = np.random.default_rng(0).choice(ranked[half:], SAMPLE - half, replace=False)
        weight = self.counts[ranked[half:]].sum() / self.counts[drawn].sum()
        places = np.concatenate([ranked[:half], drawn])
        counts = np.concatenate([self.counts[ranked[:half]], np.ceil(self.counts[drawn] * weight).astype("int64")])
        return Profile(Texts(self.texts.take(places)), counts, self.others)


class UncountedProfile(Profile):
    """The profile of a large column of mostly distinct texts; repeated texts are not merged."""

    def __init__(self, found: TextBytes) -> None:
        super().__init__(found.texts, np.broadcast_to(np.ones(1, dtype="int64"), len(found.texts)), Counter())
        self._arrow_texts = found.texts
        self._bytes = found

    def has_only(self, chars: str) -> bool:
        """Return whether every character of every text is in `chars`, which are ASCII."""
        return self._bytes.has_only(chars)

    def has_one_shape(self) -> bool:
        """Return whether all texts have the same shape: they differ only in their digits."""
        return self._bytes.range_of_shape is not None

    @cached_property
    def sample(self) -> Profile:
        """A fixed random sample of the texts; counts are scaled to all."""
        drawn = np.random.default_rng(0).choice(len(self._arrow_texts), SAMPLE, replace=False)
        texts = Texts(dict.fromkeys(self._arrow_texts.take(np.sort(drawn))))
        return Profile(texts, np.full(len(texts), self.cells // len(texts)), Counter())


def is_uncounted(texts: TextColumn, kind: Kind, rows: int) -> bool:
    """Return whether a column is large and its texts mostly differ, so that counting them does not pay off."""
    return kind is Kind.TEXT and rows >= _LARGE and texts.mostly_differs


def clean_distinct(column: pd.Series[Any], found: TextBytes, *, is_id: bool = False) -> Cleaned:
    """Do the same as `clean_profile` for a column of mostly distinct texts, reading only texts that may change."""
    is_odd = np.zeros(len(column), dtype=bool)
    is_odd[found.strip_suspects] = True
    is_odd[found.near(MISSING_IDS if is_id else MISSING_WORDS)] = True
    if not is_odd.any() and len(found.texts) * 2 >= found.rows:  # a sample needs enough texts
        return Cleaned(UncountedProfile(found), {}, 0, 0)
    cleaned = clean_profile(profile_of(column[is_odd], Kind.TEXT), is_id=is_id)
    others = found.texts.without(is_odd)
    counts = np.concatenate([np.ones(len(others), dtype="int64"), cleaned.profile.counts])
    return replace(cleaned, profile=Profile(others.joined(cleaned.profile.texts), counts, Counter()))


def profile_of(column: pd.Series[Any], kind: Kind, known: TextColumn | None = None) -> Profile:
    """Count the texts of a column."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        counts = np.bincount(codes[codes >= 0], minlength=len(column.cat.categories))
        return _of_values(column.cat.categories.tolist(), counts.tolist())
    if kind is Kind.TEXT:
        codes, texts = (known or TextColumn(column)).factorize()
        return Profile(Texts(texts), np.bincount(codes + 1, minlength=len(texts) + 1)[1:], Counter())
    return _of_values(present_cells(column).tolist(), itertools.repeat(1))


def profile_of_distinct(column: pd.Series[Any]) -> Profile:
    """Return the profile of mostly distinct texts, without counting duplicates."""
    texts = Texts(plain_texts(present_cells(column).to_numpy(dtype=object).tolist()))
    return Profile(texts, np.ones(len(texts), dtype="int64"), Counter())


def _of_values(values: list[Any], counts: Iterable[int]) -> Profile:
    """Count the texts among values; `counts`: how often each value occurs."""
    texts: Counter[str] = Counter()
    others: Counter[Kind] = Counter()
    for value, count in zip(values, counts, strict=False):
        if count and isinstance(value, str):
            texts[plain_text(value)] += count
        elif count:
            others[family(type(value))] += count
    return Profile(Texts(texts), np.fromiter(texts.values(), dtype="int64", count=len(texts)), others)


def with_numbers(profile: Profile, column: pd.Series[Any]) -> Profile:
    """Return the profile of a mixed column with its numbers as text, as date parsers read them."""
    if not any(profile.others[kind] for kind in NUMBER_KINDS) or column.dtype != object:
        return profile
    numbers = Counter(
        as_text(value, _UTC) or "" for value in present_cells(column).tolist() if family(type(value)) in NUMBER_KINDS
    )
    others: Counter[Kind] = Counter()
    others.update({kind: count for kind, count in profile.others.items() if kind not in NUMBER_KINDS})
    counts = np.concatenate([profile.counts, np.fromiter(numbers.values(), dtype="int64", count=len(numbers))])
    return _merged(Profile(Texts([*profile.texts, *numbers]), counts, others))


def numbers_as_text(column: pd.Series[Any], most: int | None) -> Profile | None:
    """Return the numbers of a column as text."""
    present = present_cells(column)
    codes, uniques = pd.factorize(present)
    if most is not None:
        uniques = uniques[:most]
    texts = Texts(as_text(value, _UTC) or "" for value in list(uniques))
    counts = np.bincount(codes, minlength=len(uniques))
    return Profile(texts, counts[: len(uniques)], Counter()) if texts else None


@dataclass(frozen=True)
class Cleaned:
    """A column after removing white space, guards and texts that mean missing.

    Attributes
    ----------
    profile : Profile
        Profile of the remaining texts.
    words : dict
        Texts that mean missing, as written → cells.
    stripped, guarded : int
        Number of cells with something to strip, and of cells with a spreadsheet guard.
    """

    profile: Profile
    words: dict[str, int]
    stripped: int
    guarded: int


def clean_profile(profile: Profile, *, is_id: bool = False) -> Cleaned:
    """Strip the texts of a column, and remove texts that mean missing; of ids, only those that the check reports."""
    merged, stripped, guarded = _stripped(profile)
    texts: Sequence[str] = merged.texts
    if is_id:
        found = [i for i, text in enumerate(texts) if text in MISSING_IDS]
    else:
        found = [i for i, text in enumerate(texts) if text[:1] in _STARTS and text.casefold() in MISSING_WORDS]
    if not found:
        return Cleaned(merged, {}, stripped, guarded)
    is_word = np.zeros(len(texts), dtype=bool)
    is_word[found] = True
    words = merged.where(is_word)
    counted: Counter[str] = Counter()
    for text, count in zip(words.texts, words.counts.tolist(), strict=True):  # a list of ids repeats texts
        counted[text] += count
    return Cleaned(merged.where(~is_word), counted, stripped, guarded)


_STARTS: Final = frozenset(char for word in MISSING_WORDS for char in (word[:1], word[:1].upper()))


def _stripped(profile: Profile) -> tuple[Profile, int, int]:
    """Return the profile of the stripped texts, the number of changed cells, and of guarded ones among them."""
    if not may_need_strip(profile.texts):
        return profile, 0, 0
    texts = Texts(strip_texts(profile.texts))
    pairs = list(zip(profile.texts, texts, strict=True))
    changed = np.array([old != new for old, new in pairs], dtype=bool)
    if not changed.any():
        return profile, 0, 0
    guarded = np.array([old.strip() != new and is_guarded(old) for old, new in pairs], dtype=bool)
    return _merged(Profile(texts, profile.counts, profile.others)), profile.count(changed), profile.count(guarded)


def _merged(profile: Profile) -> Profile:
    """Return the profile with each text once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(profile.texts))}
    codes = np.fromiter(map(places.__getitem__, profile.texts), dtype="int64", count=len(profile.texts))
    counts = np.bincount(codes, weights=profile.counts, minlength=len(places)).astype("int64")
    return Profile(Texts(places), counts, profile.others)


def mask_of(texts: Sequence[str], holds: Callable[[str], Any]) -> Mask:
    """Return a mask of the texts for which `holds` is true."""
    return np.array([bool(holds(text)) for text in texts], dtype=bool)
