"""What the user has chosen in the form, and the equivalent call of `push`, as a line to paste into a cell."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from inspect import getattr_static
from typing import Any, Final

import pandas as pd
from pandas.api.types import is_numeric_dtype

from growlytics_pandas._labels import is_customer_id, is_other_id, words_of
from growlytics_pandas.checks.schema import find_id, name_of
from growlytics_pandas.columns.frames import count_reject_labels
from growlytics_pandas.columns.plan_options import (
    PHONE_NORMALIZATIONS,
    READING_OPTIONS,
    TYPE_OF_OPTION,
    TYPE_OPTIONS,
    Keep,
    PlanOptions,
)
from growlytics_pandas.contract import INDIA, RESERVED_ATTRIBUTES, STRING, TYPES
from growlytics_pandas.errors import InvalidArgumentError

KEEPS: Final[Mapping[str, Keep]] = {
    "send none of them": False,
    "send only the first": "first",
    "send only the last": "last",
}
LIKELY_IDS: Final = ("customer_id", "customerid", "user_id", "userid", "id")
_EMAIL_WORDS: Final = frozenset({"email", "emails", "mail"})
_PHONE_WORDS: Final = frozenset({"mobile", "mobil", "phone", "telephone", "whatsapp", "handy", "telefon", "movil"})
_ID_WORDS: Final = frozenset({"id", "ids", "uuid", "guid", "key"})
"""The last word of other labels that an id may have."""
_UNLIKELY: Final = 100
_SHARE_OF_IDS: Final = 0.95  # of the cells of an id column that are present, and of those that are unique
_WITH_CONTROL: Final = frozenset({"columns", "exclude", "rename", "keep", "region", *READING_OPTIONS})
"""The options with a control, for `READING_OPTIONS` “read as”; only a call gives the others."""
MAX_LINE_CHARS: Final = 88  # a longer line is broken into one argument per line
MAX_LITERAL_CHARS: Final = 80  # of a label in the code; a longer one is replaced by its position

MAX_COLUMNS_LISTED: Final = 12  # for a longer list, the columns left out are listed instead if they are fewer


@dataclass(frozen=True, slots=True)
class ColumnState:
    """How the columns with one label are sent; `name` None: unchanged.

    `position` is that of the first of them, `repeats` their number. `reading`: option → value, {} to read it
    unchanged; `suggestion`: the one of `growlytics_pandas.suggest`; `offers`: options that may be added to the reading,
    which a fix or a decision requires; `choices`: the types and formats among which a person must decide, kept when one
    is chosen, so that the decision can be changed.
    """

    position: int
    label: Hashable
    is_sent: bool
    repeats: int = 1
    name: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    offers: tuple[Mapping[str, Any], ...] = ()
    choices: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_suggested(self) -> bool:
        """Whether the column is read with the suggestion."""
        return bool(self.suggestion) and self.reading == self.suggestion

    @property
    def types(self) -> tuple[str, ...]:
        """The types that the attribute can have."""
        return (STRING,) if self.attribute in RESERVED_ATTRIBUTES else TYPES

    @property
    def attribute(self) -> str:
        """The attribute's name."""
        return name_of(self.label) if self.name is None else self.name

    def with_more(self, more: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what is suggested if `more` is, for values as they are read now."""
        if more and not self.is_suggested:
            return joined(self.reading, more)
        if any(choice.items() <= self.reading.items() for choice in self.choices):
            return {option: value for option, value in self.suggestion.items() if option not in TYPE_OPTIONS}
        is_contained = bool(self.suggestion) and self.suggestion.items() <= self.reading.items()
        return self.reading if is_contained else self.suggestion

    def fitting(self) -> ColumnState:
        """Return the column without readings as a type that the attribute cannot have."""
        if self.attribute not in RESERVED_ATTRIBUTES:
            return self
        offers, choices = (tuple(filter(None, map(_as_text, found))) for found in (self.offers, self.choices))
        reading, suggestion = _as_text(self.reading), _as_text(self.suggestion)
        return replace(self, reading=reading, suggestion=suggestion, offers=offers, choices=choices)


@dataclass(frozen=True, slots=True)
class SegmentChoice:
    """A segment: the attribute of its members, and the file of its members after the last push."""

    attribute: str
    members: str


@dataclass(frozen=True, slots=True)
class FormState:
    """Everything chosen; immutable.

    `segment`: push this segment, which needs only the ids, instead of the columns. `has_id`: False until the user has
    chosen the id column of a frame in which none is likely. `others`: options without a control.
    """

    id_position: int
    columns: tuple[ColumnState, ...]
    keep: Keep = False
    leaves_out: bool = False
    skips_unchanged: bool = False
    segment: SegmentChoice | None = None
    has_id: bool = True
    region: str = INDIA
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_phones(self) -> bool:
        """Whether a column holds phone numbers, so that their region matters."""
        used = (each for each in self.columns if each.is_sent or each.position == self.id_position)
        return self.region != INDIA or any(
            each.attribute == "mobile" or each.reading.get("normalize") in PHONE_NORMALIZATIONS for each in used
        )

    @property
    def id_column(self) -> ColumnState:
        """The column of ids."""
        return self.column(self.id_position)

    @property
    def missing(self) -> str:
        """What the user has to enter before anything can be planned; '' if nothing is missing."""
        if not self.has_id:
            return "choose the id column"
        if self.segment and not self.segment.attribute:
            return "enter the segment’s attribute"
        return "enter the members file" if self.segment and not self.segment.members else ""

    @property
    def sent(self) -> tuple[ColumnState, ...]:
        """The columns to send."""
        return tuple(column for column in self.columns if column.is_sent)

    @property
    def unsent(self) -> tuple[ColumnState, ...]:
        """The columns to leave out."""
        return tuple(column for column in self.columns if not column.is_sent)

    def column(self, position: int) -> ColumnState:
        """Return the choice of the column at `position`."""
        return next(column for column in self.columns if column.position == position)

    def with_column(self, changed: ColumnState) -> FormState:
        """Return the state with one column changed."""
        columns = (changed if column.position == changed.position else column for column in self.columns)
        return replace(self, columns=tuple(columns))

    def with_all(self, *, is_sent: bool) -> FormState:
        """Return the state with all columns but the id sent, or none."""
        return replace(
            self,
            columns=tuple(
                replace(column, is_sent=is_sent and self._is_sent_by_default(column)) for column in self.columns
            ),
        )

    def with_suggestions(self, suggested: Mapping[str, Any]) -> FormState:
        """Return the state with the options of `growlytics_pandas.suggest` chosen for every column.

        The id is sent too if it becomes an attribute that campaigns use.
        """
        chosen = replace(self, columns=tuple(_with_suggestion(column, suggested) for column in self.columns))
        column = chosen.id_column
        is_contact = column.attribute in RESERVED_ATTRIBUTES and column.attribute != self.id_column.attribute
        return chosen.with_column(replace(column, is_sent=True)) if is_contact else chosen

    def with_region(self, region: str, suggested: Mapping[str, Any]) -> FormState:
        """Return the state with another region of phone numbers; those that were left open are then normalized."""
        how = suggested.get("normalize", {})
        columns = (
            replace(column, reading={**column.reading, "normalize": how[column.label]})
            if column.label in how and "normalize" not in {**column.reading, **column.suggestion}
            else column
            for column in self.columns
        )
        return replace(self, region=region, columns=tuple(columns))

    def with_options(self, options: PlanOptions) -> FormState:
        """Return the state with the options of a call chosen."""
        columns = tuple(_with_options(column, options) for column in self.columns)
        others = {name: value for name, value in options.given().items() if name not in _WITH_CONTROL}
        chosen = replace(self, columns=columns, keep=options.keep, region=options.region, others=others)
        id_column = chosen.id_column
        is_listed = options.columns is not None or id_column.label in (options.exclude or ())
        return chosen if is_listed or not self.has_id else chosen.with_id(self.id_position)

    def with_offers(
        self,
        suggested: Mapping[str, Any],
        offered: Sequence[Mapping[str, Any]],
        choices: Sequence[Mapping[str, Any]],
    ) -> FormState:
        """Return the state with what can be chosen: suggestions for columns that are not read as suggested, and offers.

        `offered`: options as a call gives them, which a fix or a decision requires; `choices`: those of decisions.
        """

        def of(column: ColumnState, options: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
            return tuple(filter(None, (reading_of(column.label, each) for each in options)))

        columns = (
            replace(
                column,
                suggestion=column.with_more(reading_of(column.label, suggested)),
                offers=of(column, offered),
                choices=tuple(each for each in of(column, choices) if each.keys() <= TYPE_OPTIONS) or column.choices,
            ).fitting()
            for column in self.columns
        )
        return replace(self, columns=tuple(columns))

    def with_id(self, position: int) -> FormState:
        """Return the state with another id column; the previous one becomes an ordinary column."""
        other = replace(self.with_column(replace(self.id_column, is_sent=True)), id_position=position, has_id=True)
        is_sent = other.id_column.attribute in RESERVED_ATTRIBUTES
        return other.with_column(replace(other.id_column, is_sent=is_sent))

    def carried_over(self, fresh: FormState) -> FormState:
        """Return `fresh`, the state for the updated frame, with the state made here for columns that still exist.

        The suggestions are those of `fresh`, unless the user had chosen another type than the suggested one.
        """
        former = {column.label: column for column in self.columns}
        columns = tuple(
            _carried_over(former[column.label], column) if column.label in former else column
            for column in fresh.columns
        )
        return replace(self, id_position=fresh.id_position, columns=columns, has_id=fresh.has_id)

    def plan_arguments(self) -> dict[str, Any]:
        """Return the arguments of `growlytics_pandas.plan`, except the id column, that differ from its defaults."""
        by_default = [column for column in self.columns if self._is_sent_by_default(column)]
        found: dict[str, Any] = {
            "columns": None if list(self.sent) == by_default else [column.label for column in self.sent],
            "rename": {column.label: column.name for column in self.sent if column.name is not None},
            **self._readings(),
            **self._region(),
            **self.others,
            "keep": self.keep,
        }
        return {name: value for name, value in found.items() if value or (name == "columns" and value is not None)}

    def _readings(self) -> dict[str, Any]:
        """Return the options for reading the columns that are sent, and the id, which is text."""
        columns = (
            replace(each, reading=_as_text(each.reading)) if each.position == self.id_position else each
            for each in self.columns
            if each.is_sent or (self.has_id and each.position == self.id_position)
        )
        return _by_option(list(columns))

    def _region(self) -> dict[str, str]:
        return {} if self.region == INDIA else {"region": self.region}

    def id_reading(self) -> dict[str, Any]:
        """Return the options for reading the id, which is text."""
        return {**_by_option([replace(self.id_column, reading=_as_text(self.id_column.reading))]), **self._region()}

    def push_arguments(self) -> dict[str, Any]:
        """Return the arguments of `Plan.push` that differ from its defaults."""
        drop = {"errors": "drop"} if self.leaves_out else {}
        return {**drop, **({"skip_unchanged": True} if self.skips_unchanged else {})}

    def _is_sent_by_default(self, column: ColumnState) -> bool:
        """Whether ``columns=None`` sends the column."""
        is_id = self.has_id and column.position == self.id_position
        return not is_id or column.attribute in RESERVED_ATTRIBUTES


def _by_option(columns: Sequence[ColumnState]) -> dict[str, Any]:
    """Return the options for reading columns, in the order of `PlanOptions`."""
    found: dict[str, Any] = {
        one.name: {column.label: column.reading[one.name] for column in columns if one.name in column.reading}
        for one in fields(PlanOptions)
    }
    return {option: list(named) if option == "strip" else named for option, named in found.items() if named}


def reading_of(label: Hashable, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call, each by column, for reading one column.

    Examples
    --------
    >>> reading_of("City", {"strip": ["City"], "na_values": {"City": ["–"], "Joined": ["NULL"]}, "keep": "last"})
    {'strip': True, 'na_values': ['–']}
    """
    found = {
        option: True if option == "strip" else named[label]
        for option, named in options.items()
        if option in READING_OPTIONS and label in named
    }
    if found.keys() & TYPE_OF_OPTION.keys():
        found.pop("types", None)  # the option implies the type
    return found


def joined(reading: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a reading and more; those of `more` replace the others, also the type.

    Examples
    --------
    >>> joined({"types": "date", "strip": True}, {"date_format": "epoch_ms"})
    {'strip': True, 'date_format': 'epoch_ms'}
    """
    replaced = frozenset() if TYPE_OPTIONS.isdisjoint(more) else TYPE_OPTIONS
    found = {option: value for option, value in reading.items() if option not in replaced} | dict(more)
    if "na_values" in reading and "na_values" in more:
        found["na_values"] = list(dict.fromkeys([*reading["na_values"], *more["na_values"]]))
    return found


def _as_text(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a reading that keep texts."""
    return {
        option: value
        for option, value in reading.items()
        if option not in TYPE_OF_OPTION and (option != "types" or value == STRING)
    }


def _with_options(column: ColumnState, options: PlanOptions) -> ColumnState:
    label, read, wanted = column.label, options.reading_of(column.label), options.type_of(column.label)
    found = {
        "types": wanted.value if wanted else None,
        "date_format": read.date_formats[0] if len(read.date_formats) == 1 else list(read.date_formats),
        "decimal": read.decimal,
        "na_values": list(read.na_values),
        "strip": read.strip,
        "normalize": read.normalize,
    }
    reading = {option: value for option, value in found.items() if value}
    if reading.keys() & TYPE_OF_OPTION.keys():
        del reading["types"]
    is_listed = column.is_sent if options.columns is None else label in options.columns
    return replace(
        column,
        is_sent=is_listed and label not in (options.exclude or ()),
        name=(options.rename or {}).get(label),
        reading=reading,
    )


def _with_suggestion(column: ColumnState, suggested: Mapping[str, Any]) -> ColumnState:
    suggestion = reading_of(column.label, suggested)
    is_chosen = suggestion == column.reading and not column.is_suggested
    return replace(
        column,
        is_sent=column.is_sent and column.label not in suggested.get("exclude", ()),
        name=suggested.get("rename", {}).get(column.label, column.name),
        reading=suggestion or column.reading,
        suggestion={} if is_chosen else suggestion,
    )


def _carried_over(former: ColumnState, fresh: ColumnState) -> ColumnState:
    is_declined = bool(former.suggestion) and not former.is_suggested
    follows = former.is_suggested or not (former.reading or is_declined)
    return replace(
        fresh,
        is_sent=former.is_sent,
        name=former.name,
        reading=fresh.reading if follows else former.reading,
        choices=former.choices,
    )


def first_choices(frame: pd.DataFrame, id_col: Hashable = None) -> FormState:
    """Return the initial state: `id_col` if it is given, and all other columns sent unchanged."""
    columns = _columns(frame)
    ids = [column for column in columns if column.repeats == 1]
    if not ids:
        raise InvalidArgumentError(
            f"form: none of the {frame.shape[1]} columns can be the id, which must be one column with a unique label."
        )
    if id_col is None:
        return FormState(ids[0].position, columns, has_id=False)
    return FormState(ids[0].position, columns).with_id(find_id(frame, id_col))


def likely_id(frame: pd.DataFrame) -> Hashable | None:
    """Return the label of the most likely id: a column, or a named level of the index; None if none is likely.

    Examples
    --------
    >>> likely_id(pd.DataFrame({"City": ["Pune"], "Last order": [1706521244882]}))
    """
    columns: list[Any] = frame.columns.tolist()
    levels = [name for name in frame.index.names if name is not None and name not in columns]
    labels = [*levels, *(label for label in columns if columns.count(label) == 1)]

    def values(label: Hashable) -> pd.Series[Any]:
        if label in levels:
            return pd.Series(frame.index.get_level_values(frame.index.names.index(label)))
        return frame.iloc[:, columns.index(label)]

    ranks = [_rank(label, partial(values, label)) for label in labels]
    if min(ranks, default=_UNLIKELY) < _UNLIKELY:
        likeliest: Hashable = labels[ranks.index(min(ranks))]
        return likeliest
    if levels and frame.index.nlevels == 1 and frame.index.is_unique and not is_other_id(name_of(levels[0])):
        found: Hashable = levels[0]
        return found
    return None


def _rank(label: Hashable, values: Callable[[], pd.Series[Any]]) -> int:
    """Return how likely an id is by its label and values; 0 is the likeliest.

    Addresses come after ids, since they change, and phone numbers last, since families share them. Ids of orders are
    never likely: a customer has several.
    """
    text = name_of(label)
    name, words = text.casefold().replace(" ", "_"), words_of(text)
    if name in LIKELY_IDS:
        return LIKELY_IDS.index(name)
    is_email, is_phone = (not found.isdisjoint(words) for found in (_EMAIL_WORDS, _PHONE_WORDS))
    is_id = not _ID_WORDS.isdisjoint(words[-1:]) and not (is_email or is_phone or is_other_id(text))
    is_customer = name == "customer" and is_numeric_dtype(values())  # texts may be people's names
    kinds = (is_customer_id(text), is_id, is_email, is_customer, is_phone)
    if not any(kinds):
        return _UNLIKELY
    rank = len(LIKELY_IDS) + kinds.index(True)
    if _is_unique(values()):
        return rank
    # as in a list of orders
    return rank + len(kinds) if is_customer_id(text) or is_customer or name in ("email", "e-mail") else _UNLIKELY


def _is_unique(column: pd.Series[Any]) -> bool:
    """Return whether nearly all cells of a column are present and unique."""
    try:
        present = column.dropna()
        return min(len(present) / max(1, len(column)), present.nunique() / max(1, len(present))) >= _SHARE_OF_IDS
    except TypeError:  # values that cannot be compared, such as lists
        return False


def _columns(frame: pd.DataFrame) -> tuple[ColumnState, ...]:
    first: dict[Hashable, ColumnState] = {}
    front = count_reject_labels(frame.columns)  # of a corrected rejects() frame: never sent
    for position, label in enumerate(frame.columns[front:], start=front):
        if label in first:
            first[label] = replace(first[label], repeats=first[label].repeats + 1)
        else:
            first[label] = ColumnState(position, label, is_sent=True)
    return tuple(first.values())


NO_NAME: Final = "…"
CLIENT_NOTE: Final = "  # replace … with the client that you gave to form()"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the notebook's variables for the frame and the client.

    `client` is '' for the default client, and `NO_NAME` if no variable holds it.
    """

    frame: str = "df"
    client: str = ""


def find_names(frame: Any, client: Any) -> Names:
    """Find the names of the notebook's variables; "df" and `NO_NAME` if there are none."""
    frame_name = find_name(frame) or "df"
    if client is None:
        return Names(frame_name)
    by_sandbox = (f"{name}.client" for name, value in _variables().items() if _is_client_of(value, client))
    return Names(frame_name, find_name(client) or next(by_sandbox, "") or NO_NAME)


def find_name(value: Any) -> str:
    """Return the name of the notebook's variable for this object; '' if there is none."""
    return next((name for name, other in _variables().items() if other is value), "")


def find_value(name: str) -> Any:
    """Return the current value of a variable of the notebook; None if it does not exist."""
    return _variables().get(name)


def _variables() -> dict[str, Any]:
    return {name: value for name, value in vars(sys.modules["__main__"]).items() if not name.startswith("_")}


def _is_client_of(value: Any, client: Any) -> bool:
    """Whether ``value.client`` is the client, as for a sandbox. It runs no property of an unknown object."""
    has_property = isinstance(getattr_static(value, "client", None), property)
    return has_property and getattr_static(value, "_client", None) is client


def write_line(state: FormState, names: Names) -> str:
    """Return the call of ``push`` or ``push_segment`` that is equivalent to the state."""
    positions = {column.label: column.position for column in state.columns}

    def literal(label: Hashable) -> str:
        return _literal(label) or f"{names.frame}.columns[{positions[label]}]"

    segment = state.segment
    of_rows = {"members": segment.members, **state.id_reading()} if segment else state.plan_arguments()
    arguments = {**of_rows, **state.push_arguments()}
    written = {name: _written(value, literal) for name, value in arguments.items()}
    if "columns" in written and len(state.columns) > MAX_COLUMNS_LISTED > len(state.unsent):
        written["columns"] = f"{names.frame}.columns.drop({_written([c.label for c in state.unsent], literal)})"
    parts = [
        literal(state.id_column.label) if state.has_id else "id_col=…",
        *([repr(segment.attribute)] if segment else []),
    ]
    parts += [f"{name}={text}" for name, text in written.items()]
    parts += [f"client={names.client}"] if names.client else []
    call = f"{names.frame}.growlytics.{'push_segment' if segment else 'push'}"
    line = f"{call}({', '.join(parts)})"
    if len(line) > MAX_LINE_CHARS:
        line = f"{call}(\n" + "".join(f"    {part},\n" for part in parts) + ")"
    return line + (CLIENT_NOTE if names.client == NO_NAME else "")


def _literal(label: Hashable) -> str:
    """Return the Python literal of a label; '' if it has none, or a long one."""
    text = repr(label)
    if len(text) > MAX_LITERAL_CHARS:
        return ""
    try:
        same = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return ""
    return text if type(same) is type(label) and same == label else ""


def _written(value: Any, literal: Callable[[Hashable], str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(label)}: {text!r}' for label, text in value.items())}}}"
    return repr(value)
