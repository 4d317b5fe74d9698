"""The rules for attribute names and types."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._rules import RULES, Effect, Rule, Severity
from growlytics_pandas._text import phrase
from growlytics_pandas.checks.name_suggestions import OLD_INDEX, name_key, new_names, without_invisible
from growlytics_pandas.checks.schema import Attribute, Schema, name_of
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.reading import fold
from growlytics_pandas.contract import AttributeType
from growlytics_pandas.ledger.types import UNCERTAIN

_ALMOST: Final = 0.75  # difflib ratio from which one name may be a misspelling of the other
_CONVERTIBLE: Final = ("period", "timedelta", "duration", "list", "large_list", "set", "dict", "struct", "complex")


def check_attributes(layout: Schema, rows: int) -> list[Violation]:
    """Check every attribute's name and type, for a frame of `rows` rows; one violation per rule and column."""
    present = [
        attribute for attribute in layout.attributes if attribute.kind is not Kind.EMPTY
    ]  # empty columns send nothing
    names = Counter(attribute.name for attribute in present)
    meant, new = _known_meant(layout), _new_names(layout)
    checks: tuple[Callable[[Attribute], Iterable[Violation]], ...] = (
        lambda attribute: _check_type(layout, attribute, rows, meant),
        lambda attribute: _check_name(layout, attribute, rows, names, new),
        lambda attribute: _check_index(attribute, rows),
    )
    violations = [found for attribute in present for check in checks for found in check(attribute)]
    return violations + _case_clashes(layout, new)


def dropped_columns(violations: Iterable[Violation]) -> frozenset[int]:
    """Return the positions of columns that cannot be sent."""
    return frozenset(
        found.position
        for found in violations
        if found.rows is None
        and RULES[found.rule].severity is Severity.ERROR
        and RULES[found.rule].effect is Effect.ATTRIBUTE_DROPPED
    )


def _new_names(layout: Schema) -> dict[int, str]:
    names = {attribute.position: attribute.name for attribute in layout.attributes}
    labels = {attribute.position: attribute.column for attribute in layout.attributes}
    return new_names(names, labels, layout.known_names)


def _is_valid(name: str) -> bool:
    is_short = contract.count_chars(name) <= contract.MAX_ATTRIBUTE_NAME_CHARS
    return bool(name) and contract.is_unicode(name) and name == without_invisible(name) and is_short


def _found(
    rule: Rule, attribute: Attribute, rows: int, *, limit: Any = None, variant: str = "", **params: Any
) -> Violation:
    return Violation(
        rule,
        attribute.position,
        attribute.column,
        attribute.name,
        limit=limit,
        count=rows - attribute.missing,
        params=params,
        variant=variant,
    )


# names ----------------------------------------------------------------------------------------------------------------


def _check_name(
    layout: Schema, attribute: Attribute, rows: int, names: Counter[str], new: Mapping[int, str]
) -> Iterator[Violation]:
    name = attribute.name
    if _is_valid(name) and names[name] == 1:
        return
    rename = _renaming(layout, attribute, new)
    if not name.strip() or not contract.is_unicode(name):
        variant = "" if not name.strip() else "unicode"
        yield _found(Rule.ATTRIBUTE_NAME_EMPTY, attribute, rows, variant=variant, rename=rename)
        return
    chars, limit = contract.count_chars(name), contract.MAX_ATTRIBUTE_NAME_CHARS
    if chars > limit:
        yield _found(Rule.ATTRIBUTE_NAME_TOO_LONG, attribute, rows, limit=limit, chars=chars, rename=rename)
    if names[name] > 1:
        yield _found(Rule.ATTRIBUTE_NAME_DUPLICATE, attribute, rows, columns=names[name], rename=rename)
    if name != without_invisible(name):
        yield _found(Rule.ATTRIBUTE_NAME_WHITESPACE, attribute, rows, rename=rename)


def _renaming(layout: Schema, attribute: Attribute, new: Mapping[int, str]) -> dict[Hashable, str] | None:
    """Return the option that renames a column, or those that clash with it if it keeps its name.

    None if no such column has a label of its own.
    """
    alike = [one for one in layout.attributes if name_key(one.name) == name_key(attribute.name)]
    renamed = [attribute] if attribute.position in new else [one for one in alike if one.position in new]
    labels = Counter(repr(one.column) for one in layout.attributes)
    if any(labels[repr(one.column)] > 1 or _has_no_label(one) for one in renamed):
        return None
    return {one.column: new[one.position] for one in renamed} or None


def _has_no_label(attribute: Attribute) -> bool:
    return not isinstance(attribute.column, str) and not name_of(attribute.column)


def _case_clashes(layout: Schema, new: Mapping[int, str]) -> list[Violation]:
    """Find names that look alike: in the frame, among reserved names, and among those known to the ledger."""
    owners: defaultdict[str, dict[str, str]] = defaultdict(dict)  # folded name → each spelling and its owner
    for names, owner in (
        ((attribute.name for attribute in layout.attributes), "another column"),
        (contract.RESERVED_ATTRIBUTES, "a reserved attribute"),
        (layout.known_names, "an attribute of earlier pushes"),
    ):
        for name in names:
            owners[fold(name)].setdefault(name, owner)
    violations = []
    for attribute in layout.attributes:
        others = {name: owner for name, owner in owners[fold(attribute.name)].items() if name != attribute.name}
        if others and attribute.name not in contract.RESERVED_ATTRIBUTES:
            alike = ", ".join(f"{name!r} ({others[name]})" for name in sorted(others))
            # None is renamed where the ledger knows several spellings, this one among them.
            rename = _renaming(layout, attribute, new) or {attribute.column: min(others)}
            params = {"others": alike, "rename": rename}
            violations.append(
                Violation(
                    Rule.ATTRIBUTE_NAME_CASE_CLASH,
                    attribute.position,
                    attribute.column,
                    attribute.name,
                    params=params,
                )
            )
    return violations


def _check_index(attribute: Attribute, rows: int) -> Iterator[Violation]:
    is_number = attribute.kind in (Kind.INTEGER, Kind.FLOAT)  # floats: one blank cell, as in a row of totals
    if is_number and OLD_INDEX.fullmatch(str(attribute.column)) and not attribute.known:
        yield _found(Rule.INDEX_COLUMN, attribute, rows)


# types ----------------------------------------------------------------------------------------------------------------


def _check_type(layout: Schema, attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Iterator[Violation]:
    if attribute.kind is Kind.UNSUPPORTED:
        yield _unsupported(attribute, rows)
        return
    yield from _check_known(layout, attribute, rows, meant)
    if len(attribute.currencies) > 1:
        yield _found(Rule.CURRENCIES_MIXED, attribute, rows, currencies=", ".join(sorted(attribute.currencies)))
    is_id = attribute.position == layout.id_position
    if attribute.is_reserved and not is_id and attribute.kind is not Kind.TEXT:
        limit = AttributeType.STRING.value
        yield _found(Rule.RESERVED_NOT_STRING, attribute, rows, limit=limit, kind=attribute.kind.value)


def _unsupported(attribute: Attribute, rows: int) -> Violation:
    held = attribute.unsupported if attribute.unsupported != attribute.dtype else f"dtype {attribute.dtype}"
    words = set(re.findall(r"[a-z_]+", attribute.unsupported.lower()))
    if words & {"bytes", "binary", "large_binary", "bytearray", "memoryview"}:
        how = "Decode the bytes to text" + phrase(" (.str.decode('utf-8'))", "")
        return _found(Rule.TYPE_UNSUPPORTED, attribute, rows, variant="bytes", held=held, how=how)
    how = "Convert the values to text, numbers or dates" if words & set(_CONVERTIBLE) else ""
    return _found(Rule.TYPE_UNSUPPORTED, attribute, rows, held=held, how=how)


def _check_known(layout: Schema, attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Iterator[Violation]:
    """Compare with the type known to the ledger."""
    known = attribute.known
    if attribute.type is None or not layout.knows_types or attribute.is_reserved:
        return
    if known is None:
        if layout.new_attributes == "forbid":
            yield _unknown(attribute, rows, meant)
    elif known.type != attribute.type:
        when = f"{known.first_seen:%Y-%m-%d %H:%M} UTC"
        if known.source == UNCERTAIN:
            when += (
                " by a request whose response was lost (if it did not arrive, Client.declare_types corrects the ledger)"
            )
        option = ("types", {attribute.column: known.type}) if _can_become(attribute, known.type) else ("", None)
        yield _found(
            Rule.TYPE_CONFLICT,
            attribute,
            rows,
            limit=known.type,
            type=attribute.type.value,
            when=when,
            option=option,
        )


_BECOMES: Final[Mapping[str, tuple[Kind, ...]]] = {
    contract.STRING: tuple(Kind),
    contract.NUMBER: (Kind.TEXT, Kind.MIXED, Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL),
    contract.BOOLEAN: (Kind.TEXT, Kind.MIXED, Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL),
    contract.DATE: (Kind.TEXT, Kind.MIXED, Kind.DATE),
}


def _can_become(attribute: Attribute, wanted: str) -> bool:
    return attribute.kind in _BECOMES[wanted]


def _unknown(attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Violation:
    """Report a new name that is not allowed, with the known name that is probably meant."""
    near = meant.get(attribute.position, "")
    asked = f" Did you mean {near!r}?" if near else ""
    first = next((position for position, name in meant.items() if name == near), None)
    rename = near if first == attribute.position else ""  # at most one column can have the name
    return _found(Rule.ATTRIBUTE_UNKNOWN, attribute, rows, near=rename, asked=asked)


def _known_meant(layout: Schema) -> dict[int, str]:
    """Return, for names that are not allowed, position → the most similar known name that no column has."""
    if layout.new_attributes == "allow":
        return {}
    sent = {attribute.name for attribute in layout.attributes}
    known = {name.casefold(): name for name in layout.known_names if name not in sent}
    near = {
        a.position: difflib.get_close_matches(a.name.casefold(), known, n=1, cutoff=_ALMOST)
        for a in layout.attributes
        if a.known is None
    }
    return {position: known[found[0]] for position, found in near.items() if found}
