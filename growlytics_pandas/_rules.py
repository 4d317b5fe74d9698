"""The rules that a frame is checked against: their names, their severity, and what happens to the data."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class Severity(StrEnum):
    """Whether a value would be rejected or ignored (error), or should be checked (warning)."""

    ERROR = "error"
    WARNING = "warning"


class Effect(StrEnum):
    """What a push with ``errors="drop"`` does with the data."""

    ROW_SKIPPED = "row skipped"
    ATTRIBUTE_DROPPED = "attribute dropped"
    VALUE_CHANGED = "value changed"
    SENT_AS_IS = "sent as is"


class Rule(StrEnum):
    """The stable names in the `rule` column of a violations frame."""

    ID_MISSING = "id_missing"
    ID_DUPLICATE = "id_duplicate"
    ID_ROUNDED = "id_rounded"
    ID_WHITESPACE = "id_whitespace"
    ID_WRAPPED = "id_wrapped"
    ID_FLOAT = "id_float"
    ID_STRINGIFIED = "id_stringified"
    ID_CASE_DUPLICATE = "id_case_duplicate"
    ID_TOO_LONG = "id_too_long"
    ROW_IS_HEADING = "row_is_heading"
    ROW_IS_TOTAL = "row_is_total"
    INDEX_COLUMN = "index_column"
    ATTRIBUTE_NAME_EMPTY = "attribute_name_empty"
    ATTRIBUTE_NAME_TOO_LONG = "attribute_name_too_long"
    ATTRIBUTE_NAME_DUPLICATE = "attribute_name_duplicate"
    ATTRIBUTE_NAME_CASE_CLASH = "attribute_name_case_clash"
    ATTRIBUTE_NAME_WHITESPACE = "attribute_name_whitespace"
    TYPE_UNSUPPORTED = "type_unsupported"
    TYPE_CONFLICT = "type_conflict"
    TYPE_DOUBTFUL = "type_doubtful"
    ATTRIBUTE_UNKNOWN = "attribute_unknown"
    CURRENCIES_MIXED = "currencies_mixed"
    VALUE_WRONG_TYPE = "value_wrong_type"
    VALUE_NOT_FINITE = "value_not_finite"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    INTEGER_UNSAFE = "integer_unsafe"
    VALUE_TOO_LONG = "value_too_long"
    VALUE_STRINGIFIED = "value_stringified"
    VALUE_WHITESPACE = "value_whitespace"
    VALUE_CASE = "value_case"
    NUMBER_AMBIGUOUS = "number_ambiguous"
    TEXT_DAMAGED = "text_damaged"
    DATE_TRUNCATED = "date_truncated"
    DATE_SHIFTED = "date_shifted"
    RESERVED_NOT_STRING = "reserved_not_string"
    CONTACT_NOT_MAPPED = "contact_not_mapped"
    EMAIL_INVALID = "email_invalid"
    MOBILE_INVALID = "mobile_invalid"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    ROW_EMPTY = "row_empty"


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule's severity, what happens to the data, and its meaning in one line."""

    severity: Severity
    effect: Effect
    meaning: str


def _error(effect: Effect, meaning: str) -> RuleFacts:
    return RuleFacts(Severity.ERROR, effect, meaning)


def _warning(effect: Effect, meaning: str) -> RuleFacts:
    return RuleFacts(Severity.WARNING, effect, meaning)


RULES: Final = MappingProxyType(
    {
        Rule.ID_MISSING: _error(Effect.ROW_SKIPPED, "no usable id: missing, empty, or not suitable as an id"),
        Rule.ID_DUPLICATE: _error(Effect.ROW_SKIPPED, "another row has the same id"),
        Rule.ID_ROUNDED: _error(Effect.ROW_SKIPPED, "the id's last digits are lost: a float of 2^53 or more, 9.2E+11"),
        Rule.ID_WHITESPACE: _warning(Effect.VALUE_CHANGED, "white space around the id is stripped"),
        Rule.ID_WRAPPED: _warning(Effect.SENT_AS_IS, "marks around the id: quotes, ='…', mailto:, separators"),
        Rule.ID_FLOAT: _warning(Effect.VALUE_CHANGED, "a float id is sent without its '.0'"),
        Rule.ID_STRINGIFIED: _warning(
            Effect.SENT_AS_IS, "a placeholder for a missing value, or the text of a float: 'nan', 'NULL', '12.0'"
        ),
        Rule.ID_CASE_DUPLICATE: _warning(
            Effect.SENT_AS_IS, "the id differs from another, or from that in the ledger, only in its spelling"
        ),
        Rule.ID_TOO_LONG: _warning(Effect.SENT_AS_IS, "the id is longer than 40 characters"),
        Rule.ROW_IS_HEADING: _error(Effect.ROW_SKIPPED, "a repeated heading: the cells equal the columns' labels"),
        Rule.ROW_IS_TOTAL: _error(
            Effect.ROW_SKIPPED,
            "a totals row: the id is a word such as 'Total', the other cells are numbers, sums or empty",
        ),
        Rule.INDEX_COLUMN: _warning(Effect.SENT_AS_IS, "an old index is sent as an attribute"),
        Rule.ATTRIBUTE_NAME_EMPTY: _error(Effect.ATTRIBUTE_DROPPED, "the attribute has no usable name"),
        Rule.ATTRIBUTE_NAME_TOO_LONG: _error(Effect.ATTRIBUTE_DROPPED, "the name has 50 characters or more"),
        Rule.ATTRIBUTE_NAME_DUPLICATE: _error(Effect.ATTRIBUTE_DROPPED, "two columns map to one attribute"),
        Rule.ATTRIBUTE_NAME_CASE_CLASH: _warning(
            Effect.SENT_AS_IS, "the name differs from another only in case, form or invisible characters"
        ),
        Rule.ATTRIBUTE_NAME_WHITESPACE: _warning(Effect.SENT_AS_IS, "white space or invisible characters in the name"),
        Rule.TYPE_UNSUPPORTED: _error(Effect.ATTRIBUTE_DROPPED, "values of this kind cannot be sent"),
        Rule.TYPE_CONFLICT: _error(Effect.ATTRIBUTE_DROPPED, "the ledger knows another type: it would be ignored"),
        Rule.TYPE_DOUBTFUL: _warning(Effect.SENT_AS_IS, "the values of a new attribute look like another type"),
        Rule.ATTRIBUTE_UNKNOWN: _error(Effect.ATTRIBUTE_DROPPED, "a new attribute with new_attributes='forbid'"),
        Rule.CURRENCIES_MIXED: _error(Effect.ATTRIBUTE_DROPPED, "amounts of several currencies, read as one number"),
        Rule.VALUE_WRONG_TYPE: _error(
            Effect.ATTRIBUTE_DROPPED, "the value does not have the type, and cannot be converted"
        ),
        Rule.VALUE_NOT_FINITE: _error(Effect.ATTRIBUTE_DROPPED, "JSON cannot represent infinity"),
        Rule.DATE_OUT_OF_RANGE: _error(Effect.ATTRIBUTE_DROPPED, "the year is outside 1 to 9999"),
        Rule.INTEGER_UNSAFE: _warning(Effect.SENT_AS_IS, "a whole number of 2^53 or more, which may be rounded"),
        Rule.VALUE_TOO_LONG: _warning(Effect.SENT_AS_IS, "text longer than 512 characters"),
        Rule.VALUE_STRINGIFIED: _warning(Effect.SENT_AS_IS, "a placeholder for a missing value: 'nan', 'None', 'NULL'"),
        Rule.VALUE_WHITESPACE: _warning(Effect.SENT_AS_IS, "white space around the text"),
        Rule.VALUE_CASE: _warning(Effect.SENT_AS_IS, "a category that differs from a more common one only in case"),
        Rule.NUMBER_AMBIGUOUS: _warning(
            Effect.VALUE_CHANGED, "numbers such as 1.234 that are read as decimals, but may be thousands"
        ),
        Rule.TEXT_DAMAGED: _warning(Effect.SENT_AS_IS, "replacement characters, NUL, or text in the wrong encoding"),
        Rule.DATE_TRUNCATED: _warning(Effect.VALUE_CHANGED, "the fraction of a second is cut off"),
        Rule.DATE_SHIFTED: _warning(Effect.VALUE_CHANGED, "a date at midnight falls on another day in timezone="),
        Rule.RESERVED_NOT_STRING: _warning(Effect.VALUE_CHANGED, "name, email and mobile are converted to text"),
        Rule.CONTACT_NOT_MAPPED: _warning(
            Effect.SENT_AS_IS, "contacts in a custom attribute, or names in two, which campaigns cannot use"
        ),
        Rule.EMAIL_INVALID: _warning(Effect.SENT_AS_IS, "not a plausible e-mail address"),
        Rule.MOBILE_INVALID: _warning(Effect.SENT_AS_IS, "not a plausible mobile number for the region"),
        Rule.TOO_MANY_ATTRIBUTES: _error(Effect.ATTRIBUTE_DROPPED, "more than 100 custom attributes in one row"),
        Rule.ROW_EMPTY: _warning(Effect.SENT_AS_IS, "an id without attributes"),
    }
)


@dataclass(frozen=True, slots=True)
class Group:
    """All violations of one rule in one column, with the first as an example."""

    rule: Rule
    severity: Severity
    effect: Effect
    column: Hashable
    attribute: str | None
    violations: int
    cells: int
    row: int | None
    value: Any
    message: str
    """With the row and the column; `finding` without them."""
    finding: str
    fix: str
    others: str = ""
    """What else was found, of rules with a reason per value: the most common other reasons with their counts."""
