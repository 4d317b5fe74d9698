"""Which columns become which attributes: the columns chosen, their names and their types."""

import difflib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.columns.frames import is_label
from growlytics_pandas.contacts import check_region
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.hints import Hint, advise_on_name, hint
from growlytics_pandas.identifiers import Keep
from growlytics_pandas.inference import AttributeType, Finding, Kind, inspect
from growlytics_pandas.ledger import UNCERTAIN, KnownType
from growlytics_pandas.zones import read_zone

NewAttributes = Literal["allow", "forbid"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column that is sent: where it is, what it is called, and what its cells become (None: nothing is sent)."""

    position: int
    column: Hashable
    name: str
    type: AttributeType | None
    kind: Kind
    strict: bool
    dtype: str
    missing: int
    note: str
    hint: Hint  # until the user or the service has settled the type
    known: KnownType | None = None

    @property
    def is_reserved(self) -> bool:
        """Whether campaigns are sent with it; always a string, and not one of the 100."""
        return self.name in contract.RESERVED_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of a column without its values: of one frame, or of all parts of one."""

    finding: Finding
    dtype: str
    missing: int
    hint: Hint


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a frame as the plan sees them."""

    id_column: Hashable
    id_position: int
    id_kind: Kind
    attributes: tuple[Attribute, ...]
    zone: ZoneInfo
    region: str
    keep: Keep
    new_attributes: NewAttributes
    knows_types: bool
    known_names: tuple[str, ...]
    top_level_name: str | None

    @property
    def id_attribute(self) -> Attribute | None:
        """The attribute that the id column itself is sent as, if it is."""
        return next((a for a in self.attributes if a.position == self.id_position), None)


def lay_out(
    frame: pd.DataFrame,
    id_col: Hashable,
    *,
    columns: Sequence[Hashable] | None,
    rename: Mapping[Any, str] | None,
    types: Mapping[Any, str] | None,
    timezone: str,
    region: str,
    keep: Keep,
    name: str | None,
    new_attributes: NewAttributes,
    known: Mapping[str, KnownType] | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Layout:
    """Check the arguments against the frame and work out every attribute.

    `facts`, one a column, are those of all parts of which `frame` is an example.
    """
    _choice("keep", keep, ("first", "last", False))
    _choice("new_attributes", new_attributes, ("allow", "forbid"))
    if new_attributes == "forbid" and known is None:
        raise InvalidArgumentError(
            "new_attributes: 'forbid' asks the ledger which attributes there are, and there is none here. Set "
            "GROWLYTICS_API_KEY or give client=…, with a ledger, or leave it at 'allow'."
        )
    renamed, wanted, chosen = _checked_names(rename), _checked_types(types), _labels(columns)
    for argument, labels in (("rename", renamed), ("types", wanted), ("columns", chosen or ())):
        _require_columns(frame, argument, labels)
    if name is not None:
        _require_text("name", name)
    id_position = find_id(frame, id_col)
    positions = _positions(frame, id_position, chosen, renamed)
    sent = {renamed.get(label, name_of(label)) for label in (frame.columns[position] for position in positions)}
    attributes = tuple(
        _attribute(frame, position, renamed, wanted, known or {}, sent, facts[position] if facts else None)
        for position in positions
    )
    return Layout(
        id_column=id_col,
        id_position=id_position,
        id_kind=facts[id_position].finding.kind if facts else inspect(frame.iloc[:, id_position]).kind,
        attributes=attributes,
        zone=read_zone(timezone),
        region=check_region(region),
        keep=keep,
        new_attributes=new_attributes,
        knows_types=known is not None,
        known_names=tuple(known or ()),
        top_level_name=name,
    )


def name_of(label: Hashable) -> str:
    """Return the attribute name of a column label: text as it is, a MultiIndex label joined with ``_``.

    Examples
    --------
    >>> name_of("City"), name_of(2024), name_of(("orders", "sum")), name_of(("id", ""))
    ('City', '2024', 'orders_sum', 'id')
    """
    if isinstance(label, tuple):
        return "_".join(part for part in map(name_of, label) if part)
    return "" if label is None or label is pd.NA or label != label else str(label)  # noqa: PLR0124 - NaN is not itself


def _attribute(
    frame: pd.DataFrame,
    position: int,
    renamed: Mapping[Any, str],
    wanted: Mapping[Any, AttributeType],
    known: Mapping[str, KnownType],
    sent: Collection[str],
    facts: ColumnFacts | None,
) -> Attribute:
    label = frame.columns[position]
    name = renamed.get(label, name_of(label))
    facts = facts or look_at(frame.iloc[:, position], name)
    finding = facts.finding
    asked = wanted.get(label)
    reserved = name in contract.RESERVED_ATTRIBUTES
    is_written = reserved and finding.kind is Kind.MIXED  # as text, all of it
    note = "" if asked or is_written else finding.detail or advise_on_name(name, sent)
    settled = asked or _settled(facts.hint, known.get(name))
    note = note or _agreeing(facts.hint, settled)
    if reserved and asked not in (None, AttributeType.STRING):
        raise InvalidArgumentError(
            f"types[{label!r}]: found {str(asked)!r}; {name!r} is a reserved attribute and always 'string'. "
            "Leave it out of types, or rename the column to send it as an attribute of your own."
        )
    return Attribute(
        position=position,
        column=label,
        name=name,
        type=_type(finding, asked, is_reserved=reserved),
        kind=finding.kind,
        strict=finding.kind is Kind.MIXED and asked is None and not reserved,
        dtype=facts.dtype,
        missing=facts.missing,
        note="; ".join(filter(None, (note, _doubt(known.get(name))))),
        hint=facts.hint if settled is None else Hint(),
        known=known.get(name),
    )


def look_at(column: "pd.Series[Any]", name: str) -> ColumnFacts:
    """Look at all values of a column that is sent as the attribute `name`."""
    finding = inspect(column)
    hinted = Hint() if finding.detail else hint(column, finding.kind, name)
    return ColumnFacts(finding, str(column.dtype), int(column.isna().sum()), hinted)


def _settled(hinted: Hint, known: KnownType | None) -> str | None:
    """Return the type that is fixed already, where a hint speaks for another."""
    return known.type if known and hinted.wanted not in (None, known.type) else None


def _agreeing(hinted: Hint, settled: str | None) -> str:
    """Return the words of a hint, but not those for a type other than the one that is asked for or fixed already."""
    if settled is None:
        return hinted.text
    return {contract.DATE: hinted.as_date, contract.STRING: hinted.as_text}.get(settled, "")


def _doubt(known: KnownType | None) -> str:
    """Say what a request whose answer was lost may have fixed."""
    if known is None or known.source != UNCERTAIN:
        return ""
    return f"perhaps fixed as {known.type} on {known.first_seen:%Y-%m-%d}: the answer to that request was lost"


def _type(finding: Finding, asked: AttributeType | None, *, is_reserved: bool) -> AttributeType | None:
    if finding.kind in (Kind.EMPTY, Kind.UNSUPPORTED):
        return None
    return AttributeType.STRING if is_reserved else asked or finding.type


def _positions(
    frame: pd.DataFrame, id_position: int, chosen: Sequence[Hashable] | None, renamed: Mapping[Any, str]
) -> list[int]:
    if chosen is not None:
        return [p for label in chosen for p, other in enumerate(frame.columns) if is_label(label, other)]
    id_label = frame.columns[id_position]
    id_is_reserved = renamed.get(id_label, name_of(id_label)) in contract.RESERVED_ATTRIBUTES
    return [p for p in range(frame.shape[1]) if p != id_position or id_is_reserved]


def _labels(columns: Iterable[Hashable] | None) -> list[Hashable] | None:
    """Return the distinct labels asked for, in order; None where all are."""
    if columns is None:
        return None
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise InvalidArgumentTypeError(f"columns: found {columns!r}; it must be a list: columns=[{columns!r}].")
    labels = list(columns)
    for label in labels:
        if not isinstance(label, Hashable):
            raise InvalidArgumentTypeError(f"columns: found {label!r} in the list; each must be a column's label.")
    if not labels:
        raise InvalidArgumentError(
            "columns: the list is empty, so customers would be sent without attributes. Name one column at least, or "
            "leave columns out to send all."
        )
    return list(dict.fromkeys(labels))


def find_id(frame: pd.DataFrame, id_col: Hashable) -> int:
    """Return the position of the id column, which must be one."""
    positions = [p for p, label in enumerate(frame.columns) if is_label(id_col, label)]
    if len(positions) == 1:
        return positions[0]
    if positions:
        raise InvalidArgumentError(
            f"id_col: {len(positions)} columns are labelled {id_col!r}; the id must be one column. "
            "Rename the others: df.columns = [...]."
        )
    raise InvalidArgumentError(f"id_col: there is no column {id_col!r}. {_suggest(frame, id_col)}")


def _require_columns(frame: pd.DataFrame, argument: str, labels: Iterable[Hashable]) -> None:
    present = set(frame.columns)
    for label in labels:
        if label not in present:
            raise InvalidArgumentError(f"{argument}: there is no column {label!r}. {_suggest(frame, label)}")


_SHOWN = 10


def _suggest(frame: pd.DataFrame, label: Hashable) -> str:
    shown = {str(column).casefold(): repr(column) for column in frame.columns}  # the case of a label is easily missed
    levels = [repr(c) for c in frame.columns if isinstance(c, tuple) and any(is_label(label, one) for one in c)]
    near = levels[:3] or [shown[one] for one in difflib.get_close_matches(str(label).casefold(), shown, n=3)]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    names = list(map(repr, frame.columns))
    rest = f" +{len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"The columns are: {', '.join(names[:_SHOWN])}{rest}." if names else "The frame has no columns."


def _checked_names(rename: Mapping[Any, str] | None) -> dict[Any, str]:
    _require_mapping("rename", rename, "{'city': 'City'}")
    for label, new in (rename or {}).items():
        _require_text(f"rename[{label!r}]", new)
    return dict(rename or {})


def _checked_types(types: Mapping[Any, str] | None) -> dict[Any, AttributeType]:
    _require_mapping("types", types, "{'City': 'string'}")
    for label, wanted in (types or {}).items():
        _choice(f"types[{label!r}]", wanted, contract.TYPES)
    return {label: AttributeType(wanted) for label, wanted in (types or {}).items()}


def _choice(argument: str, found: Any, allowed: tuple[Any, ...]) -> None:
    if not any(found is one or (isinstance(found, str) and found == one) for one in allowed):
        raise InvalidArgumentError(f"{argument}: found {found!r}; allowed are {', '.join(map(repr, allowed))}.")


def _require_mapping(argument: str, found: Any, example: str) -> None:
    if found is not None and not isinstance(found, Mapping):
        raise InvalidArgumentTypeError(
            f"{argument}: found a {type(found).__name__}; it must be a dict: {argument}={example}."
        )


def _require_text(argument: str, text: Any) -> None:
    if not isinstance(text, str):
        raise InvalidArgumentTypeError(f"{argument}: found {text!r}; it must be text.")
    if not contract.is_unicode(text):
        raise InvalidArgumentError(f"{argument}: found {text!r}, which is not valid Unicode text; half a character.")
