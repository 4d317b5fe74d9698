"""What suggestions add to the violations of a frame: warnings, and remedies for violations.

The warnings are for types that are probably wrong, days that shift, contacts under other names, and what a person must
decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.profile import Suggestion, as_options
from growlytics_pandas.checks.schema import Attribute, Schema
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.plan_options import PHONE_NORMALIZATIONS, TYPE_OPTIONS
from growlytics_pandas.contract import AttributeType

_CONTACTS: Final = {"email": "e-mail addresses", "mobile": "phone numbers", "name": "people's names"}
_RULES_OF_CONTACTS: Final = {"email": Rule.EMAIL_INVALID, "mobile": Rule.MOBILE_INVALID}
_REMEDIED: Final = (Rule.TYPE_CONFLICT, Rule.VALUE_WRONG_TYPE, Rule.DATE_OUT_OF_RANGE)
"""Rules that another way to read the column may satisfy."""


def with_suggestions(
    violations: Iterable[Violation], schema: Schema, suggestions: Sequence[Suggestion], rows: int
) -> list[Violation]:
    """Return the violations of a frame of `rows` rows with their remedies, and the warnings of suggestions."""
    return [*with_remedies(violations, suggestions), *_warnings(schema, suggestions, rows)]


def _by_column(suggestions: Iterable[Suggestion]) -> Mapping[str, list[Suggestion]]:
    """Return the suggestions by column, whose label may not be hashable or not be equal to itself."""
    found: defaultdict[str, list[Suggestion]] = defaultdict(list)
    for one in suggestions:
        found[repr(one.column)].append(one)
    return found


def _before(suggestions: Iterable[Suggestion]) -> dict[str, Any]:
    """Return the options suggested for a column that are applied before its values are read."""
    settled = (one for one in suggestions if one.option in ("strip", "na_values") and one.value is not None)
    return as_options({one.option: one for one in settled}.values())  # columns of one label have several suggestions


# remedies ------------------------------------------------------------------------------------------------------------


def with_remedies(violations: Iterable[Violation], suggestions: Iterable[Suggestion]) -> Iterator[Violation]:
    """Yield the violations with what the suggestions say about them as fix."""
    by_column = _by_column(suggestions)
    for violation in violations:
        of_column = by_column.get(repr(violation.column), [])
        remedy = _remedy(violation, of_column) if violation.rule in _REMEDIED else {}
        yield replace(violation, params={**violation.params, **remedy}) if remedy else violation


def _remedy(violation: Violation, suggestions: Sequence[Suggestion]) -> Mapping[str, Any]:
    """Return how zeros were lost, the option that reads the values as the type of the column, or what is to decide."""
    is_conflict = violation.rule is Rule.TYPE_CONFLICT
    wanted = contract.DATE if violation.rule is Rule.DATE_OUT_OF_RANGE else violation.limit
    fitting = [one for one in suggestions if one.implied_type == wanted]
    for lost in [one for one in suggestions if one.is_loss and is_conflict][-1:]:
        return {"lost": lost.sentence}
    for reading in [one for one in fitting if one.option in TYPE_OPTIONS and one.value is not None][-1:]:
        if is_conflict or (violation.rows is not None and 2 * reading.rest <= len(violation.rows)):
            return {"option": reading.option_for(reading.value), "before": _before(suggestions)}
    for undecided in [one for one in fitting if one.value is None][-1:]:
        is_of_values = wanted == contract.DATE or undecided.option == "na_values"
        if undecided.option in TYPE_OPTIONS if is_conflict else is_of_values:
            return {"undecided": undecided.sentence}
    return {}


# warnings ------------------------------------------------------------------------------------------------------------


def _warnings(schema: Schema, suggestions: Sequence[Suggestion], rows: int) -> Iterator[Violation]:
    yield from _of_ids(schema, [one for one in suggestions if repr(one.column) == repr(schema.id_column)])
    by_column = _by_column(suggestions)
    for label, attribute in {repr(each.column): each for each in schema.attributes}.items():
        of_column = by_column.get(label, []) if attribute.kind is not Kind.EMPTY else []
        for one in of_column:
            yield from _of_attribute(schema, attribute, one, rows - attribute.missing, _before(of_column))


def _of_ids(schema: Schema, suggestions: Iterable[Suggestion]) -> Iterator[Violation]:
    """Report ids that are phone numbers in several spellings, or perhaps of another region."""
    is_sent = any(each.position == schema.id_position for each in schema.attributes)  # and reported as an attribute
    for one in suggestions:
        if one.option == "normalize" and one.value == "E.164":
            rule = Rule.ID_CASE_DUPLICATE
            yield Violation.of_column(rule, schema.id_place, one.cells, variant="mobile", how=one.value)
        elif one.option == "normalize" and one.value is None and schema.id_reading.normalize and not is_sent:
            rule = Rule.MOBILE_INVALID
            yield Violation.of_column(rule, schema.id_place, one.cells, variant="region", reason=one.sentence)


def _of_attribute(
    schema: Schema, attribute: Attribute, one: Suggestion, present: int, before: Mapping[str, Any]
) -> Iterator[Violation]:
    """Report what a suggestion says about an attribute with `present` values: first about its type."""
    warning = partial(Violation.of_column, place=attribute.place, count=present)
    type_, is_known = attribute.type, attribute.known is not None
    choices = [one.option_for(choice) for choice in one.choices]
    if one.is_loss and type_ is not None and type_ != one.implied_type:
        limit, reason = type_.value, one.sentence
        yield warning(Rule.TYPE_DOUBTFUL, limit=limit, variant="lost", reason=reason, is_known=is_known, option=None)
    elif one.option == "decimal" and one.choices and type_ is AttributeType.NUMBER:
        yield warning(Rule.NUMBER_AMBIGUOUS, reason=one.sentence, choices=choices)
    elif one.option in TYPE_OPTIONS and not is_known and type_ is not None and type_ != one.implied_type:
        yield warning(
            Rule.TYPE_DOUBTFUL,
            limit=one.implied_type,
            type=type_.value,
            reason=one.sentence,
            option=None if one.value is None else one.option_for(one.value),
            before=before,
            choices=choices,
            is_code=one.implied_type == contract.STRING,
        )
    elif one.option == "exclude" and one.value is None and not is_known:
        option = "exclude", [attribute.column]
        yield warning(Rule.TYPE_DOUBTFUL, type=contract.STRING, reason=one.sentence, option=option, before={})
    elif one.option == "timezone" and type_ is AttributeType.DATE:
        yield warning(Rule.DATE_SHIFTED, limit=one.value, zone=schema.zone.key, option=one.value)
    elif one.option == "rename" and one.value in _CONTACTS:
        yield warning(Rule.CONTACT_NOT_MAPPED, limit=_CONTACTS[one.value], reserved=one.value)
    elif one.option in ("normalize", "na_values") and one.value is None:
        yield from _of_open_texts(attribute, one)


def _of_open_texts(attribute: Attribute, one: Suggestion) -> Iterator[Violation]:
    """Report what a person must decide about texts: the region of phones, the case of categories, a shared contact."""
    warning = partial(Violation.of_column, place=attribute.place, count=one.cells, reason=one.sentence)
    if one.option == "na_values":
        if one.type in _RULES_OF_CONTACTS:
            yield warning(_RULES_OF_CONTACTS[one.type], variant="shared")
    elif attribute.name == "mobile" or attribute.reading.normalize in PHONE_NORMALIZATIONS:
        yield warning(Rule.MOBILE_INVALID, variant="region")
    elif one.choices:
        yield warning(Rule.VALUE_CASE)
