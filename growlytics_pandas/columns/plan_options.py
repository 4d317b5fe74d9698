"""The options of a plan: which columns are sent, their attribute names, and how each is read.

`PlanOptions` is the single definition: this package's functions, the command-line flags and the files of
`growlytics_pandas.options` use these names, values and defaults.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, TypedDict, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import MAX_SHOWN_CHARS, without_keys
from growlytics_pandas._text import argument, options_text
from growlytics_pandas.columns.named_formats import NAMED_FORMATS
from growlytics_pandas.contract import INDIA, AttributeType
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

DecimalMark = Literal[".", ","]
Keep = Literal["first", "last", False]
NewAttributes = Literal["allow", "forbid"]
F = TypeVar("F", bound=Callable[..., Any])
NORMALIZATIONS: Final = ("lower", "email", "E.164", "national")
PHONE_NORMALIZATIONS: Final = ("E.164", "national")
_DECIMAL_MARKS: Final = (".", ",")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read: the options resolved for that column. The default changes nothing."""

    strip: bool = False
    na_values: tuple[str, ...] = ()
    normalize: str | None = None
    date_formats: tuple[str, ...] = ()
    decimal: str | None = None

    @property
    def cleans(self) -> bool:
        """Whether cells may change before they are parsed."""
        return self.strip or bool(self.na_values) or self.normalize is not None


DEFAULT_READING: Final = Reading()


class ReadingArguments(TypedDict, total=False):
    """The options for how values are read, as type checkers see them in a call."""

    date_format: str | Sequence[str] | Mapping[Any, str | Sequence[str]] | None
    decimal: DecimalMark | Mapping[Any, str] | None
    na_values: Sequence[Any] | Mapping[Any, Sequence[Any]] | None
    strip: bool | Sequence[Hashable]
    normalize: Mapping[Any, str] | None
    timezone: str
    region: str


class PlanArguments(ReadingArguments, total=False):
    """The fields of `PlanOptions` as type checkers see them in a call; a test compares the two."""

    columns: Sequence[Hashable] | None
    exclude: Sequence[Hashable] | None
    rename: Mapping[Any, str] | None
    types: Mapping[Any, str] | None
    keep: Keep
    name: str | None
    new_attributes: NewAttributes


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of a plan; `growlytics_pandas.plan` explains each.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        A value is not allowed. Whether the columns exist is checked by `check`, which is given the frame's columns.
    """

    columns: Sequence[Hashable] | None = None
    exclude: Sequence[Hashable] | None = None
    rename: Mapping[Any, str] | None = None
    types: Mapping[Any, str] | None = None
    date_format: str | Sequence[str] | Mapping[Any, str | Sequence[str]] | None = None
    decimal: DecimalMark | Mapping[Any, str] | None = None
    na_values: Sequence[Any] | Mapping[Any, Sequence[Any]] | None = None
    strip: bool | Sequence[Hashable] = False
    normalize: Mapping[Any, str] | None = None
    timezone: str = "UTC"
    region: str = INDIA
    keep: Keep = False
    name: str | None = None
    new_attributes: NewAttributes = "allow"

    def __post_init__(self) -> None:
        changed = {
            "columns": _check_columns(self.columns),
            "exclude": _check_labels("exclude", self.exclude),
            "rename": _check_by_column("rename", self.rename, _check_text),
            "types": _check_by_column("types", self.types, partial(_check_choice, allowed=contract.TYPES)),
            "date_format": _check_one_or_by_column("date_format", self.date_format, _check_formats),
            "decimal": _check_one_or_by_column("decimal", self.decimal, partial(_check_choice, allowed=_DECIMAL_MARKS)),
            "na_values": _check_one_or_by_column("na_values", self.na_values, _check_words),
            "strip": _check_strip(self.strip),
            "normalize": _check_by_column("normalize", self.normalize, partial(_check_choice, allowed=NORMALIZATIONS)),
            "region": check_region(self.region),
        }
        for name, value in changed.items():  # copies, so that later changes by the caller have no effect
            object.__setattr__(self, name, value)
        read_zone(self.timezone)
        _check_choice("keep", self.keep, allowed=("first", "last", False))
        _check_choice("new_attributes", self.new_attributes, allowed=("allow", "forbid"))
        if self.name is not None:
            _check_text("name", self.name)
        self._refuse_two_types()

    def check(self, columns: Collection[Any]) -> None:
        """Raise for a label that is not in `columns`, and for options that have no effect or contradict each other."""
        self.check_columns(columns)
        for label in self.exclude or ():
            if label in (self.columns or ()):
                raise InvalidArgumentError(
                    f"{argument('exclude')}: column {label!r} is also in {argument('columns')}; remove one of them."
                )
        for name, wanted in TYPE_OF_OPTION.items():
            value = getattr(self, name)
            if value is None or isinstance(value, dict) or wanted in (self.types or {}).values():
                continue
            example = {"COLUMN": "%d/%m/%Y" if name == "date_format" else ","}
            raise InvalidArgumentError(
                f"{argument(name)}: without a column it applies to columns that {argument('types')} declares as "
                f"{wanted!r}; there are none. Name the columns: {options_text(**{name: example})}."
            )

    def check_columns(self, columns: Collection[Any]) -> None:
        """Raise for a label that is not in `columns`."""
        for name, labels in self._labels_by_option().items():
            require_columns(columns, name, labels)

    def type_of(self, label: Hashable) -> AttributeType | None:
        """Return the type requested for a column; None if the dtype decides."""
        wanted = TYPE_OF_OPTION.get(self.typed_by(label)) or (self.types or {}).get(label)
        return None if wanted is None else AttributeType(wanted)

    def typed_by(self, label: Hashable) -> str:
        """Return the option that requests the type of a column."""
        found = (name for name in TYPE_OF_OPTION if isinstance(value := getattr(self, name), dict) and label in value)
        return next(found, "types")

    def reading_of(self, label: Hashable) -> Reading:
        """Return how the cells of a column are read."""
        formats = _value_for(self.date_format, label)
        formats = [formats] if isinstance(formats, str) else formats
        found = Reading(
            strip=self.strip is True or (isinstance(self.strip, list) and label in self.strip),
            na_values=tuple(_value_for(self.na_values, label) or ()),
            normalize=(self.normalize or {}).get(label),
            date_formats=tuple(formats or ()) if self.type_of(label) is AttributeType.DATE else (),
            decimal=_value_for(self.decimal, label) if self.type_of(label) is AttributeType.NUMBER else None,
        )
        return DEFAULT_READING if found == DEFAULT_READING else found

    def labels(self) -> set[Any]:
        """Return the columns that the options name."""
        return set().union(*self._labels_by_option().values())

    def _labels_by_option(self) -> dict[str, Iterable[Any]]:
        return {
            name: value
            for name, value in self.given().items()
            if isinstance(value, dict) or (isinstance(value, list) and name not in _LISTS_OF_VALUES)
        }

    def given(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default}

    def joined(self, suggested: Mapping[str, Any], columns: Collection[Any]) -> dict[str, Any]:
        """Return these options merged with suggested ones.

        An option that applies to all columns becomes one entry per column if a suggestion is made for one of them.
        """
        merged = self.given()
        for name, value in suggested.items():
            mine = merged.get(name)
            if isinstance(value, dict) and mine is not None:
                by_column = mine if isinstance(mine, dict) else self._for_each(name, columns)
                more = {label: [*by_column.get(label, ()), *words] for label, words in value.items()}
                merged[name] = {**by_column, **(more if name == "na_values" else value)}
            elif isinstance(value, list) and isinstance(mine, list):
                merged[name] = list(dict.fromkeys([*mine, *value]))
            elif mine is None or mine is False:
                merged[name] = value
        return {field.name: merged[field.name] for field in fields(self) if field.name in merged}

    def _for_each(self, name: str, columns: Collection[Any]) -> dict[Any, Any]:
        wanted, value = TYPE_OF_OPTION.get(name), getattr(self, name)
        return {label: value for label in columns if wanted is None or self.type_of(label) == wanted}

    def _refuse_two_types(self) -> None:
        asked: dict[Any, tuple[str, str]] = {}
        for name in (*TYPE_OF_OPTION, "types"):
            value = getattr(self, name)
            for label in value if isinstance(value, dict) else ():
                here = TYPE_OF_OPTION.get(name) or value[label]
                other, there = asked.setdefault(label, (name, here))
                if there != here:
                    raise InvalidArgumentError(
                        f"{argument(name, label)}: it requests a {here}, but {argument(other, label)} requests a "
                        f"{there}; remove one of them."
                    )


# What other code must know of an option besides its field.
TYPE_OF_OPTION: Final = MappingProxyType({"date_format": contract.DATE, "decimal": contract.NUMBER})
"""The type that an option requests for the columns that it names."""
TYPE_OPTIONS: Final = frozenset({"types", *TYPE_OF_OPTION})
"""Options that determine the type of a column."""
READING_OPTIONS: Final = TYPE_OPTIONS | {"na_values", "strip", "normalize"}
"""Options that determine how a column is read."""
ONLY_BY_COLUMN: Final = MappingProxyType(
    {"rename": {"city": "City"}, "types": {"City": "string"}, "normalize": {"Email": "email"}}
)
"""Options that have no value for all columns, with an example of each."""
_LISTS_OF_VALUES: Final = ("date_format", "na_values")  # a list given for these contains values, not columns


def options_of(given: Mapping[str, Any], of_push: Collection[str] = ()) -> PlanOptions:
    """Return the options given in a call; raise TypeError for an unknown name. `of_push`: the names of push's own."""
    refuse_unknown(given, [field.name for field in fields(PlanOptions)], of_push)
    return PlanOptions(**given)


def refuse_unknown(given: Mapping[str, Any], names: Collection[str], of_push: Collection[str] = ()) -> None:
    """Raise TypeError for an option that is not among `names`. `of_push`: the names of push's own."""
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, [*names, *of_push], n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            if name in of_push:
                meant = f" {name!r} is an option of push."
            elif isinstance(given[name], Mapping) and given[name].keys() <= {*names, *of_push}:
                meant = f" A dict of options is given as **{name}."
            raise InvalidArgumentTypeError(without_keys(f"there is no option {name!r} here.{meant}"))


def with_plan_options(function: F) -> F:
    """List the options of a plan in the signature of a function that takes them as ``**options``."""
    return list_options(function, PlanOptions, PlanArguments.__annotations__, before="client")


def with_reading_options(function: F) -> F:
    """List the options for how values are read in the signature of a function that takes them as ``**options``."""
    return list_options(function, PlanOptions, ReadingArguments.__annotations__)


def list_options(function: F, options: Any, names: Collection[str], before: str = "") -> F:
    """List fields of a dataclass of options in a signature instead of ``**options``: `before` an argument, or last."""
    signature = inspect.signature(function)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    place = next((i for i, one in enumerate(own) if one.name == before), len(own))
    listed = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in fields(options)
        if f.name in names
    ]
    function.__signature__ = signature.replace(parameters=[*own[:place], *listed, *own[place:]])  # type: ignore[attr-defined]
    return function


def _value_for(value: Any, label: Hashable) -> Any:
    """Return an option's value for a column; the option applies to all columns or is a dict by column."""
    return value.get(label) if isinstance(value, dict) else value


# checks of the values -----------------------------------------------------------------------------------------------


def _check_columns(columns: Any) -> list[Hashable] | None:
    labels = _check_labels("columns", columns)
    if labels == []:
        raise InvalidArgumentError(
            f"{argument('columns')}: the list is empty, so customers would be sent without attributes. List at least "
            f"one column, or omit {argument('columns')} to send all."
        )
    return labels


def _check_labels(name: str, found: Any) -> list[Hashable] | None:
    """Return the distinct labels of a list, in order."""
    if found is None:
        return None
    if isinstance(found, str) or not isinstance(found, Iterable):
        example = options_text(**{name: [found]})
        raise InvalidArgumentTypeError(f"{argument(name)}: found {found!r}; it must be a list: {example}.")
    labels = list(found)
    for label in labels:
        if not isinstance(label, Hashable):
            raise InvalidArgumentTypeError(
                f"{argument(name)}: found {label!r} in the list; each must be a column's label."
            )
    return list(dict.fromkeys(labels))


def _check_by_column(name: str, found: Any, check: Callable[..., Any]) -> dict[Any, Any] | None:
    """Return a copy of a dict by column with checked values."""
    if found is not None and not isinstance(found, Mapping):
        raise InvalidArgumentTypeError(
            f"{argument(name)}: found a {type(found).__name__}; it must be a dict: "
            f"{options_text(**{name: ONLY_BY_COLUMN[name]})}."
        )
    return None if found is None else {label: check(name, value, label) for label, value in found.items()}


def _check_one_or_by_column(name: str, found: Any, check: Callable[..., Any]) -> Any:
    """Return the checked value of an option that applies to all columns or is a dict by column."""
    if found is None or isinstance(found, Mapping):
        return _check_by_column(name, found, check)
    return check(name, found)


def _check_formats(name: str, found: Any, *label: Hashable) -> str | list[str]:
    where = argument(name, *label)
    if not isinstance(found, Iterable):
        raise InvalidArgumentTypeError(
            f"{where}: found {found!r}; it must be a format such as '%d/%m/%Y', or a list of formats."
        )
    formats = [found] if isinstance(found, str) else list(found)
    if not formats:
        raise InvalidArgumentError(f"{where}: the list is empty; give a format such as '%d/%m/%Y'.")
    for form in formats:
        check_date_format(where, form)
    return found if isinstance(found, str) else formats


def _check_words(name: str, found: Any, *label: Hashable) -> list[str]:
    where = argument(name, *label)
    if isinstance(found, (str, bytes)) or not isinstance(found, Iterable):
        raise InvalidArgumentTypeError(f"{where}: found {found!r}; it must be a list: [{found!r}].")
    words: list[str] = []
    for value in found:
        words += _spellings(where, value)
    return list(dict.fromkeys(words))


def _spellings(where: str, value: Any) -> list[str]:
    """Return the texts of a value; for a number also its text as a float."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number, Decimal, date, type(None))):
        raise InvalidArgumentTypeError(f"{where}: found {value!r} in the list; each must be text or a number.")
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT differ from themselves: already missing
        return []
    if isinstance(value, date):
        return [value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()]
    text = str(value)
    return [text, f"{text}.0"] if isinstance(value, (int, np.integer)) else [text, text.removesuffix(".0")]


def _check_strip(found: Any) -> bool | list[Hashable]:
    if isinstance(found, (bool, np.bool_)):
        return bool(found)
    if found is None or isinstance(found, (str, Mapping)) or not isinstance(found, Iterable):
        raise InvalidArgumentTypeError(
            f"{argument('strip')}: found {found!r}; it must be True, False or a list of columns: "
            f"{options_text(strip=['City'])}."
        )
    return _check_labels("strip", found) or []


def _check_choice(name: str, found: Any, *label: Hashable, allowed: tuple[Any, ...]) -> str:
    if not any(found is one or (isinstance(found, str) and found == one) for one in allowed):
        names = ", ".join(map(repr, allowed))
        raise InvalidArgumentError(f"{argument(name, *label)}: found {found!r}; allowed are {names}.")
    return str(found)


def _check_text(name: str, found: Any, *label: Hashable) -> str:
    if not isinstance(found, str):
        raise InvalidArgumentTypeError(f"{argument(name, *label)}: found {found!r}; it must be text.")
    if not contract.is_unicode(found):
        where = argument(name, *label)
        raise InvalidArgumentError(
            f"{where}: found {found!r}, which is not valid Unicode text (an unpaired surrogate)."
        )
    return found


_EXAMPLE_DAY: Final = datetime(2025, 10, 31, 9, 30, tzinfo=UTC)  # no part is strptime's default
_DIRECTIVE: Final = re.compile(r"%.", re.DOTALL)
_DIRECTIVE_OF: Final = {
    **dict.fromkeys(("YYYY", "yyyy"), "%Y"),
    **dict.fromkeys(("YY", "yy"), "%y"),
    **dict.fromkeys(("MM", "M", "mm", "m"), "%m"),
    **dict.fromkeys(("MMMM", "mmmm", "Month"), "%B"),
    **dict.fromkeys(("MMM", "mmm", "Mon"), "%b"),
    **dict.fromkeys(("DD", "dd", "D", "d"), "%d"),
    **dict.fromkeys(("ss", "SS"), "%S"),
    **dict.fromkeys(("HH", "hh"), "%H"),
}
"""The directives for the letters of spreadsheets and other libraries."""
_LETTERS: Final = re.compile("%M|" + "|".join(sorted(_DIRECTIVE_OF, key=len, reverse=True)))
_MINUTES: Final = re.compile(r"(?<=[hH][^a-zA-Z])mm|(?<=[hH])mm")  # elsewhere mm are months
_DIRECTIVES_OF_LOCALE: Final = frozenset({"%c", "%x", "%D"})  # whole dates whose day/month order is implicit


def check_date_format(where: str, form: Any) -> None:
    """Raise unless `form` is a named format or a strptime format with day, month and year."""
    if not isinstance(form, str):
        raise InvalidArgumentTypeError(f"{where}: found a {type(form).__name__}; a format is text, such as '%d/%m/%Y'.")
    if form in NAMED_FORMATS:
        return
    if "%" not in form:
        named = {name.casefold(): name for name in NAMED_FORMATS}
        near = difflib.get_close_matches(form.casefold(), named, n=1)
        of_clock = _MINUTES.sub("%M", form)
        in_letters = _LETTERS.sub(lambda letters: _DIRECTIVE_OF.get(letters[0], letters[0]), of_clock)
        meant = named[near[0]] if near else in_letters if "%Y" in in_letters or "%y" in in_letters else ""
        meant = f" Did you mean {meant!r}?" if meant else ""
        raise InvalidArgumentError(
            f"{where}: found {form!r}; it must be a format such as '%d/%m/%Y', or one of "
            f"{', '.join(map(repr, NAMED_FORMATS))}.{meant}"
        )
    directives = set(_DIRECTIVE.findall(form))
    if found := sorted(_DIRECTIVES_OF_LOCALE & directives):
        raise InvalidArgumentError(
            f"{where}: found {found[0]!r}; write day, month and year one by one, as in '%d/%m/%Y'."
        )
    if "%Z" in directives:  # Python reads the zone name and ignores it
        raise InvalidArgumentError(f"{where}: found {form!r}; zone names are not supported, only %z, such as +05:30.")
    try:
        found_day = datetime.strptime(_EXAMPLE_DAY.strftime(form), form)  # noqa: DTZ007 - only the day matters
    except ValueError as error:
        raise InvalidArgumentError(f"{where}: found {form!r}: {error}; it must be like '%d/%m/%Y'.") from None
    if found_day.date() != _EXAMPLE_DAY.date():
        raise InvalidArgumentError(f"{where}: found {form!r}; it must contain day, month and year, as '%d/%m/%Y'.")


_WELL_KNOWN_ZONES: Final = {
    **dict.fromkeys(("IST", "INDIA", "MUMBAI", "DELHI", "+05:30", "UTC+5:30", "UTC+05:30"), "Asia/Kolkata"),
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("Z", "+00:00"), "UTC"),
    "BST": "Europe/London",
    "CEST": "Europe/Berlin",
    "GST": "Asia/Dubai",
    "SGT": "Asia/Singapore",
    "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney",
}


def read_zone(timezone: str) -> ZoneInfo:
    """Return the time zone with that name.

    Examples
    --------
    >>> read_zone("Asia/Kolkata")
    zoneinfo.ZoneInfo(key='Asia/Kolkata')
    """
    with suppress(KeyError, ValueError, TypeError, OSError):  # their messages repeat the argument: maybe an API key
        return ZoneInfo(timezone)
    raise InvalidArgumentError(
        f"{argument('timezone')}: found {timezone!r}; it must be the name of a zone, such as 'UTC' or 'Asia/Kolkata'."
        f"{_suggest_zone(timezone)}"
    )


def _suggest_zone(timezone: Any) -> str:
    if not isinstance(timezone, str):
        return ""
    meant = _WELL_KNOWN_ZONES.get(timezone.strip().upper())
    if meant is None and not any(map(str.isdigit, timezone)):  # 'UTC+1' is not 'UTC'
        zones = {zone.casefold(): zone for zone in sorted(available_timezones())}
        meant = next((zones[near] for near in difflib.get_close_matches(timezone.strip().casefold(), zones, n=1)), None)
    return "" if meant is None else f" Did you mean {meant!r}?"


def require_columns(columns: Collection[Any], name: str, labels: Iterable[Hashable]) -> None:
    """Raise for a label that is not a column, suggesting similarly spelled ones."""
    present = set(columns)
    for label in labels:
        if label not in present:
            raise InvalidArgumentError(
                f"{argument(name)}: there is no column {label!r}. {did_you_mean(columns, label)}"
            )


def did_you_mean(columns: Collection[Any], label: Hashable) -> str:
    """Return "Did you mean …?" with similarly spelled columns; if there are none, the list of columns."""
    shown = {str(one).casefold(): repr(one) for one in columns}  # labels that differ only in case match
    levels = [repr(c) for c in columns if isinstance(c, tuple) and any(is_same(label, one) for one in c)]
    close = difflib.get_close_matches(str(label).casefold(), shown, n=_SHOWN_MATCHES)
    near = levels[:_SHOWN_MATCHES] or [shown[one] for one in close]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    names = list(map(repr, columns))
    rest = f" +{len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    return f"The columns are: {', '.join(names[:_SHOWN_COLUMNS])}{rest}." if names else "The frame has no columns."


def is_same(label: Hashable, other: Hashable) -> bool:
    """Return whether two labels are the same; a missing one equals only itself."""
    return label is other or (label is not pd.NA and other is not pd.NA and bool(label == other))


_SHOWN_COLUMNS: Final = 10
_SHOWN_MATCHES: Final = 3


def check_region(region: str) -> str:
    """Return `region`, a country's two letters in either case, in upper case; raise if phonenumbers does not know it.

    Examples
    --------
    >>> check_region("in")
    'IN'
    """
    if not isinstance(region, str):
        raise InvalidArgumentTypeError(
            f"{argument('region')}: found a {type(region).__name__}; it must be a country's two letters, such as 'IN'."
        )
    code = region.upper() if region.isascii() else region
    if code == INDIA:  # the default needs no import
        return code
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - its tables take tens of milliseconds to import

    if code not in SUPPORTED_REGIONS:
        hint = " The United Kingdom is 'GB'." if code == "UK" else ""
        raise InvalidArgumentError(
            f"{argument('region')}: found {region[:MAX_SHOWN_CHARS]!a}; it must be one of {len(SUPPORTED_REGIONS)} "
            f"two-letter codes, such as 'IN' or 'GB': the country of mobile numbers written without one.{hint}"
        )
    return code
