"""What suggestions add to the violations of a frame: warnings, and remedies for violations.

The warnings are for types that are probably wrong, days that shift, contacts under other names, and what a person must
decide. A suggestion says itself which rule warns of it (`Suggestion.warns`); here it is compared with the attribute.
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
    fitting = [one for one in suggestions if one.type == wanted]
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
    is_region_read = bool(schema.id_reading.normalize) and not is_sent
    for one in suggestions:
        warning = partial(Violation.of_column, place=schema.id_place, count=one.cells)
        if one.warns is Rule.ID_CASE_DUPLICATE:
            yield warning(one.warns, variant="mobile", how=one.value)
        elif is_region_read and one.warns is Rule.MOBILE_INVALID and _variant(one) == "region":
            yield warning(one.warns, variant="region", reason=one.sentence)


def _variant(one: Suggestion) -> str:
    """Return what is open about contacts: the region of phone numbers, or whether a shared one is a placeholder."""
    return "region" if one.option == "normalize" else "shared"


def _of_attribute(
    schema: Schema, attribute: Attribute, one: Suggestion, present: int, before: Mapping[str, Any]
) -> Iterator[Violation]:
    """Report what a suggestion says about an attribute with `present` values."""
    warning = partial(Violation.of_column, place=attribute.place)
    of_texts = partial(warning, count=one.cells, reason=one.sentence)
    if one.option in TYPE_OPTIONS and one.warns:
        yield from _of_type(attribute, one, present, before)
        return
    match one.warns:
        case Rule.TYPE_DOUBTFUL:  # lists or objects, which no type holds
            if attribute.known is None:
                option = "exclude", [attribute.column]
                type_, reason = contract.STRING, one.sentence
                yield warning(one.warns, count=present, type=type_, reason=reason, option=option, before={})
        case Rule.DATE_SHIFTED:
            if attribute.type is AttributeType.DATE:
                yield warning(one.warns, count=present, limit=one.value, zone=schema.zone.key, option=one.value)
        case Rule.CONTACT_NOT_MAPPED:
            yield warning(one.warns, count=present, limit=_CONTACTS[one.value], reserved=one.value)
        case Rule.VALUE_CASE:
            yield of_texts(one.warns)
        case Rule.EMAIL_INVALID | Rule.MOBILE_INVALID:
            is_phone = attribute.name == "mobile" or attribute.reading.normalize in PHONE_NORMALIZATIONS
            if _variant(one) == "shared" or is_phone:
                yield of_texts(one.warns, variant=_variant(one))


def _of_type(attribute: Attribute, one: Suggestion, present: int, before: Mapping[str, Any]) -> Iterator[Violation]:
    """Report an attribute of another type than its values seem to be, or ambiguous numbers."""
    type_, is_known = attribute.type, attribute.known is not None
    warning = partial(Violation.of_column, place=attribute.place, count=present, reason=one.sentence)
    choices = [one.option_for(choice) for choice in one.choices]
    if type_ is None:
        return
    if type_ == one.type:
        if one.warns is Rule.NUMBER_AMBIGUOUS:
            yield warning(one.warns, choices=choices)
    elif one.is_loss:
        yield warning(Rule.TYPE_DOUBTFUL, limit=type_.value, variant="lost", is_known=is_known, option=None)
    elif not is_known:
        yield warning(
            Rule.TYPE_DOUBTFUL,
            limit=one.type,
            type=type_.value,
            option=None if one.value is None else one.option_for(one.value),
            before=before,
            choices=choices,
            is_code=one.type == contract.STRING,
        )
