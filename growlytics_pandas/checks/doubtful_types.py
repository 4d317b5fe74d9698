"""Violations that come from suggestions: types that are probably others, days that move, contacts by other names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.schema import Attribute, Schema
from growlytics_pandas.checks.suggestion import Suggestion
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.dtypes import AttributeType, Kind

_TYPE_OF_OPTION: Final = {"date_format": contract.DATE, "decimal": contract.NUMBER}
TYPE_OPTIONS: Final = ("types", *_TYPE_OF_OPTION)
"""Options that say what type a column is sent as."""
_CONTACTS: Final = {"email": "e-mail addresses", "mobile": "phone numbers", "name": "people's names"}


def check_suggestions(layout: Schema, suggestions: Sequence[Suggestion], rows: int) -> list[Violation]:
    """Return what suggestions warn of, in a frame of so many rows."""
    by_column = {repr(attribute.column): attribute for attribute in layout.attributes}
    cleaning: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for each in suggestions:
        if each.option == "strip":
            cleaning[repr(each.column)]["strip"] = [each.column]
        elif each.option == "na_values":
            cleaning[repr(each.column)]["na_values"] = {each.column: each.value}
    return [
        violation
        for suggestion in suggestions
        if (attribute := by_column.get(repr(suggestion.column))) is not None and attribute.kind is not Kind.EMPTY
        for violation in _warnings(layout, attribute, suggestion, rows, cleaning[repr(suggestion.column)])
    ]


def with_options(violations: Iterable[Violation], suggestions: Sequence[Suggestion]) -> Iterator[Violation]:
    """Give the violations; the fix of a type conflict is the option that reads the values as the known type."""
    readings = {
        (repr(each.column), type_of(each)): (each.option, {each.column: each.value})
        for each in suggestions
        if each.option in TYPE_OPTIONS and each.value is not None
    }
    for violation in violations:
        option = readings.get((repr(violation.column), violation.limit))
        if violation.rule is Rule.TYPE_CONFLICT and option:
            yield replace(violation, params={**violation.params, "option": option})
        else:
            yield violation


def type_of(suggestion: Suggestion) -> str:
    """Return the type that a suggestion speaks for."""
    return _TYPE_OF_OPTION.get(suggestion.option) or suggestion.value or contract.BOOLEAN


def _warnings(
    layout: Schema, attribute: Attribute, suggestion: Suggestion, rows: int, before: Mapping[str, Any]
) -> Iterator[Violation]:
    count = rows - attribute.missing
    where = attribute.position, attribute.column, attribute.name
    if suggestion.option in TYPE_OPTIONS and attribute.known is None and attribute.type is not None:
        wanted = type_of(suggestion)
        option = (suggestion.option, {attribute.column: suggestion.value}) if suggestion.value is not None else None
        reason = f"{suggestion.reason[:1].upper()}{suggestion.reason[1:]}"
        params = {"type": attribute.type.value, "reason": reason, "option": option, "before": before}
        if wanted != attribute.type:
            yield Violation(Rule.TYPE_DOUBTFUL, *where, count=count, limit=wanted, params=params)
    elif suggestion.option == "timezone" and attribute.type is AttributeType.DATE:
        params = {"zone": layout.zone.key, "option": suggestion.value}
        yield Violation(Rule.DATE_SHIFTED, *where, count=count, limit=suggestion.value, params=params)
    elif suggestion.option == "rename" and suggestion.value in _CONTACTS:
        params = {"reserved": suggestion.value}
        limit = _CONTACTS[suggestion.value]
        yield Violation(Rule.CONTACT_NOT_MAPPED, *where, count=count, limit=limit, params=params)
