"""The rules that a frame is checked against: their names, their severity, and what happens to the data."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


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
    """The rules: the stable names in the `rule` column of a violations frame, each with its effect and its meaning.

    The checks, the encoder and the reports read the effect here.
    """

    effect: Effect
    meaning: str

    def __new__(cls, name: str, effect: Effect, meaning: str) -> Self:
        rule = str.__new__(cls, name)
        rule._value_ = name
        rule.effect, rule.meaning = effect, meaning
        return rule

    ID_MISSING = "id_missing", Effect.ROW_SKIPPED, "no usable id: missing, empty, or not suitable as an id"
    ID_DUPLICATE = "id_duplicate", Effect.ROW_SKIPPED, "another row has the same id"
    ID_ROUNDED = "id_rounded", Effect.ROW_SKIPPED, "the id's last digits are lost: a float of 2^53 or more, 9.2E+11"
    ID_WHITESPACE = "id_whitespace", Effect.VALUE_CHANGED, "white space around the id is stripped"
    ID_WRAPPED = "id_wrapped", Effect.SENT_AS_IS, "marks around the id: quotes, ='…', mailto:, separators"
    ID_FLOAT = "id_float", Effect.VALUE_CHANGED, "a float id is sent without its '.0'"
    ID_STRINGIFIED = (
        "id_stringified",
        Effect.SENT_AS_IS,
        "a placeholder for a missing value, or the text of a float: 'nan', 'NULL', '12.0'",
    )
    ID_CASE_DUPLICATE = (
        "id_case_duplicate",
        Effect.SENT_AS_IS,
        "the id differs from another, or from that in the ledger, only in its spelling",
    )
    ID_TOO_LONG = "id_too_long", Effect.SENT_AS_IS, "the id is longer than 40 characters"
    ROW_IS_HEADING = "row_is_heading", Effect.ROW_SKIPPED, "a repeated heading: the cells equal the columns' labels"
    ROW_IS_TOTAL = (
        "row_is_total",
        Effect.ROW_SKIPPED,
        "a totals row: the id is a word such as 'Total', the other cells are numbers, sums or empty",
    )
    INDEX_COLUMN = "index_column", Effect.SENT_AS_IS, "an old index is sent as an attribute"
    ATTRIBUTE_NAME_EMPTY = "attribute_name_empty", Effect.ATTRIBUTE_DROPPED, "the attribute has no usable name"
    ATTRIBUTE_NAME_TOO_LONG = "attribute_name_too_long", Effect.ATTRIBUTE_DROPPED, "the name has 50 characters or more"
    ATTRIBUTE_NAME_DUPLICATE = "attribute_name_duplicate", Effect.ATTRIBUTE_DROPPED, "two columns map to one attribute"
    ATTRIBUTE_NAME_CASE_CLASH = (
        "attribute_name_case_clash",
        Effect.SENT_AS_IS,
        "the name differs from another only in case, form or invisible characters",
    )
    ATTRIBUTE_NAME_WHITESPACE = (
        "attribute_name_whitespace",
        Effect.SENT_AS_IS,
        "white space or invisible characters in the name",
    )
    TYPE_UNSUPPORTED = "type_unsupported", Effect.ATTRIBUTE_DROPPED, "values of this kind cannot be sent"
    TYPE_CONFLICT = "type_conflict", Effect.ATTRIBUTE_DROPPED, "the ledger knows another type: it would be ignored"
    TYPE_DOUBTFUL = "type_doubtful", Effect.SENT_AS_IS, "the values of a new attribute look like another type"
    ATTRIBUTE_UNKNOWN = "attribute_unknown", Effect.ATTRIBUTE_DROPPED, "a new attribute with new_attributes='forbid'"
    CURRENCIES_MIXED = "currencies_mixed", Effect.ATTRIBUTE_DROPPED, "amounts of several currencies, read as one number"
    VALUE_WRONG_TYPE = (
        "value_wrong_type",
        Effect.ATTRIBUTE_DROPPED,
        "the value does not have the type, and cannot be converted",
    )
    VALUE_NOT_FINITE = "value_not_finite", Effect.ATTRIBUTE_DROPPED, "JSON cannot represent infinity"
    DATE_OUT_OF_RANGE = "date_out_of_range", Effect.ATTRIBUTE_DROPPED, "the year is outside 1 to 9999"
    INTEGER_UNSAFE = "integer_unsafe", Effect.SENT_AS_IS, "a whole number of 2^53 or more, which may be rounded"
    VALUE_TOO_LONG = "value_too_long", Effect.SENT_AS_IS, "text longer than 512 characters"
    VALUE_STRINGIFIED = (
        "value_stringified",
        Effect.SENT_AS_IS,
        "a placeholder for a missing value: 'nan', 'None', 'NULL'",
    )
    VALUE_WHITESPACE = "value_whitespace", Effect.SENT_AS_IS, "white space around the text"
    VALUE_CASE = "value_case", Effect.SENT_AS_IS, "a category that differs from a more common one only in case"
    NUMBER_AMBIGUOUS = (
        "number_ambiguous",
        Effect.VALUE_CHANGED,
        "numbers such as 1.234 that are read as decimals, but may be thousands",
    )
    TEXT_DAMAGED = "text_damaged", Effect.SENT_AS_IS, "replacement characters, NUL, or text in the wrong encoding"
    DATE_TRUNCATED = "date_truncated", Effect.VALUE_CHANGED, "the fraction of a second is cut off"
    DATE_SHIFTED = "date_shifted", Effect.VALUE_CHANGED, "a date at midnight falls on another day in timezone="
    RESERVED_NOT_STRING = "reserved_not_string", Effect.VALUE_CHANGED, "name, email and mobile are converted to text"
    CONTACT_NOT_MAPPED = (
        "contact_not_mapped",
        Effect.SENT_AS_IS,
        "contacts in a custom attribute, or names in two, which campaigns cannot use",
    )
    EMAIL_INVALID = "email_invalid", Effect.SENT_AS_IS, "not a plausible e-mail address"
    MOBILE_INVALID = "mobile_invalid", Effect.SENT_AS_IS, "not a plausible mobile number for the region"
    TOO_MANY_ATTRIBUTES = "too_many_attributes", Effect.ATTRIBUTE_DROPPED, "more than 100 custom attributes in one row"
    ROW_EMPTY = "row_empty", Effect.SENT_AS_IS, "an id without attributes"

    @property
    def severity(self) -> Severity:
        """The severity of its violations, unless they have their own: error if a value or a row is not sent."""
        is_lost = self.effect in (Effect.ROW_SKIPPED, Effect.ATTRIBUTE_DROPPED)
        return Severity.ERROR if is_lost else Severity.WARNING


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
