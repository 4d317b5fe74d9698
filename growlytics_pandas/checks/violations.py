"""Violations as data, and their text: one message and one fix per rule, for Python or the command line.

The text is made last. A message says where (added by the frame), what was found and the limit; the fix is an option
of the call or a sentence. No code parses either.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy.typing as npt

from growlytics_pandas import contract
from growlytics_pandas._rules import Effect, Rule, Severity
from growlytics_pandas._text import argument, options_text, phrase, plural
from growlytics_pandas.columns.dtypes import Rows

Place = tuple[int, Hashable, str | None]
"""Where a violation is: the position of the column, its label, and the attribute name; None for the id."""
DOUBTFUL: Final = "doubtful"
DOUBTFUL_SUM: Final = "doubtful sum"
"""The variants of a rule that only warn, since the row may be a customer after all."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation of a rule in one column: by some of its rows, or (`rows` None) by the whole column.

    Attributes
    ----------
    position : int
        Position of the column in the frame.
    rows : array of int64, optional
        0-based positions, ascending.
    details : sequence, optional
        Details for each row's message.
    count : int
        Number of cells, for a whole column.
    lost : array of int64, optional
        Rows whose value is not sent, for a whole column; None: all of them, or none for a warning.
    value : object
        The first value, for a whole column.
    params : mapping
        Parameters of message and fix; sets are united when blocks and parts are joined.
    variant : str
        Which of the rule's messages applies; '' if it has only one.
    severity : Severity, optional
        None: the default of the rule.
    values, labels : sequence, optional
        The cells and index labels of `rows`, if the frame is not kept.
    """

    rule: Rule
    position: int
    column: Hashable
    attribute: str | None
    rows: Rows | None = None
    details: Sequence[Any] | npt.NDArray[Any] | None = None
    count: int = 1
    lost: Rows | None = None
    value: Any = None
    limit: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    severity: Severity | None = None
    values: Sequence[Any] | None = None
    labels: Sequence[Any] | None = None

    @classmethod
    def of_column(
        cls,
        rule: Rule,
        place: Place,
        count: int,
        *,
        value: Any = None,
        limit: Any = None,
        variant: str = "",
        **params: Any,
    ) -> Violation:
        """Return the violation of a whole column, in `count` cells; further arguments are its `params`."""
        return cls(rule, *place, count=count, value=value, limit=limit, params=params, variant=variant)

    @property
    def level(self) -> Severity:
        """The severity of this violation."""
        return self.severity or self.rule.severity

    @property
    def effect(self) -> Effect:
        """What a push with ``errors="drop"`` does with the data."""
        return Effect.SENT_AS_IS if self.variant in (DOUBTFUL, DOUBTFUL_SUM) else self.rule.effect

    def __len__(self) -> int:
        return 1 if self.rows is None else len(self.rows)


MAX_LISTED: Final = 10  # names or words in one text


@dataclass(frozen=True, slots=True)
class Fix:
    """The fix of a violation: a sentence, in which ``{}`` is replaced by the option of the call.

    `before`: further options that it requires, such as `na_values` for placeholders among numbers. `if_used`: the
    sentence where the call has the option already.
    """

    option: str = ""
    value: Any = None
    sentence: str = "{}"
    before: Mapping[str, Any] = field(default_factory=dict)
    if_used: str = ""

    def __str__(self) -> str:
        if not self.option:
            return self.sentence
        return self.sentence.replace("{}", options_text(**{**self.before, self.option: self.value}))


def message_text(violation: Violation, detail: Any) -> str:
    """Return the message of a violation; `detail` describes one of its rows."""
    template = _MESSAGES.get((violation.rule, violation.variant)) or _MESSAGES[violation.rule]
    facts = {
        "attribute": violation.attribute,
        "count": violation.count,
        "limit": violation.limit,
        "detail": detail,
        **{f"{noun.split()[-1]}s": plural(violation.count, noun) for noun in _NOUNS},
        **violation.params,
        **{name: quoted_list(value) for name, value in violation.params.items() if isinstance(value, frozenset)},
    }
    if isinstance(detail, (list, tuple)):
        facts |= {f"detail{i}": part for i, part in enumerate(detail)}
    return template.format(**facts)


def fix_of(violation: Violation) -> Fix:
    """Return the fix of a violation."""
    return _FIXES[violation.rule](violation)


def quoted_list(items: Any) -> str:
    """List the first ten names or words.

    Examples
    --------
    >>> quoted_list(["nan", "NULL"])
    "'NULL', 'nan'"
    """
    ranked = sorted(items, key=str)
    more = f" +{len(ranked) - MAX_LISTED:,} more" if len(ranked) > MAX_LISTED else ""
    return ", ".join(map(repr, ranked[:MAX_LISTED])) + more


_NOUNS: Final = ("id", "text", "date", "float", "whole number", "customer")
"""The nouns that a message can count."""
_MESSAGES: Final[Mapping[Rule | tuple[Rule, str], str]] = {
    Rule.ID_MISSING: "{detail}",
    Rule.ID_DUPLICATE: "{detail0:,} rows have this id, such as row {detail1:,}.",
    (Rule.ID_DUPLICATE, "left out"): "{detail0:,} rows have this id, such as row {detail1:,}; this one is skipped.",
    (Rule.ID_DUPLICATE, "earlier batch"): "a row of an earlier batch has this id.",
    (Rule.ID_DUPLICATE, "placeholder"): "{detail0:,} rows have this id, a placeholder for a missing one.",
    (Rule.ID_ROUNDED, "float"): (
        "the id is a float of 2^53 or more; its last digits are already lost, so it may name another customer."
    ),
    (Rule.ID_ROUNDED, "text"): (
        "the id is in scientific notation; its last digits are already lost, so it may name another customer."
    ),
    Rule.ID_WHITESPACE: "white space around {ids}, which is removed.",
    (Rule.ID_WRAPPED, "guard"): (
        "quotes, a spreadsheet's text marker or invisible characters in {ids}; they are sent with the id."
    ),
    (Rule.ID_WRAPPED, "separators"): "separators of thousands in {ids}; they are sent with the id.",
    (Rule.ID_WRAPPED, "address"): "'mailto:', a display name or brackets around the address in {ids}.",
    (Rule.ID_WRAPPED, "addresses"): "several e-mail addresses in {ids}.",
    Rule.ID_FLOAT: "{ids} stored as float; sent without '.0'.",
    (Rule.ID_FLOAT, "fraction"): "{ids} stored as float, with a fraction.",
    Rule.ID_STRINGIFIED: "placeholders for a missing value in {ids}: {words}.",
    (Rule.ID_STRINGIFIED, "float"): "text that ends with '.0' in {ids}, as floats converted to text do.",
    Rule.ID_CASE_DUPLICATE: (
        "the id differs from that of row {detail:,} only in case, form or invisible characters; it is sent as another "
        "customer."
    ),
    (Rule.ID_CASE_DUPLICATE, "separators"): (
        "the id differs from that of row {detail:,} only in its separators; it is sent as another customer."
    ),
    (Rule.ID_CASE_DUPLICATE, "known"): (
        "the ledger knows {ids} only in another spelling, so each would be sent as another customer."
    ),
    (Rule.ID_CASE_DUPLICATE, "mobile"): (
        "several spellings of phone numbers in {ids}; each spelling of a number is sent as another customer."
    ),
    Rule.ID_TOO_LONG: "the id has {detail:,} characters; the browser SDK allows {limit}.",
    Rule.ROW_IS_HEADING: "the row repeats the headings; it is not a customer.",
    (Rule.ROW_IS_HEADING, DOUBTFUL): "the id equals the heading of its column; the row is sent as a customer.",
    Rule.ROW_IS_TOTAL: (
        "the id is the label of a totals row, and the row has no other text, or sums of the rows above: not a customer."
    ),
    (Rule.ROW_IS_TOTAL, DOUBTFUL): "the id looks like the label of a totals row, which is sent as a customer.",
    (Rule.ROW_IS_TOTAL, DOUBTFUL_SUM): (
        "the numbers of the last row are the sums of those above; if it is a totals row, it is sent as a customer."
    ),
    Rule.INDEX_COLUMN: "the column looks like an old index; it is sent as the attribute {attribute!r}.",
    Rule.ATTRIBUTE_NAME_EMPTY: "the attribute name is empty; it must have 1 to 49 characters.",
    (Rule.ATTRIBUTE_NAME_EMPTY, "unicode"): "the attribute name is not valid Unicode text.",
    Rule.ATTRIBUTE_NAME_TOO_LONG: "the attribute name has {chars:,} characters; at most {limit} are allowed.",
    Rule.ATTRIBUTE_NAME_DUPLICATE: "{columns} columns map to the attribute {attribute!r}.",
    Rule.ATTRIBUTE_NAME_WHITESPACE: (
        "the attribute name {attribute!r} contains extra white space or invisible characters."
    ),
    Rule.ATTRIBUTE_NAME_CASE_CLASH: (
        "{attribute!r} differs only in case, form or invisible characters from {others}; the API treats them as "
        "different attributes."
    ),
    Rule.TYPE_UNSUPPORTED: f"values of {{held}} cannot be sent; the attribute types are {', '.join(contract.TYPES)}.",
    (Rule.TYPE_UNSUPPORTED, "bytes"): "the values are bytes; the API accepts only text.",
    Rule.TYPE_CONFLICT: (
        "{attribute!r} would be sent as {type}, but was first tracked as {limit} on {when}; the API silently ignores "
        "values of another type."
    ),
    (Rule.TYPE_DOUBTFUL, "lost"): "{reason}.",
    Rule.TYPE_DOUBTFUL: "{attribute!r} will be created as {type}; this cannot be changed later. {reason}.",
    Rule.ATTRIBUTE_UNKNOWN: "{attribute!r} is new, and new attributes are forbidden.{asked}",
    Rule.CURRENCIES_MIXED: "the amounts are in several currencies ({currencies}); plain numbers would mix them.",
    Rule.VALUE_WRONG_TYPE: "the value is not a {limit} and cannot be converted to one.",
    (Rule.VALUE_WRONG_TYPE, "foreign"): "{detail} in a column of type {limit}.",
    (Rule.VALUE_WRONG_TYPE, "unicode"): "the text is not valid Unicode; it contains an unpaired surrogate.",
    Rule.VALUE_NOT_FINITE: "the value is infinite or too large for a double, and JSON cannot represent it.",
    Rule.DATE_OUT_OF_RANGE: "the year is outside 1 to 9999, the range of the format YYYY-MM-DD HH:MM:SS.",
    Rule.INTEGER_UNSAFE: "{numbers} of 2^53 or more; JSON readers that use doubles round them.",
    (Rule.INTEGER_UNSAFE, "float"): (
        "{floats} of 2^53 or more; if they were whole numbers, their last digits are already lost."
    ),
    Rule.VALUE_TOO_LONG: "the text has {detail:,} characters; another page of the API's docs allows {limit}.",
    Rule.VALUE_STRINGIFIED: "placeholders for a missing value in {texts}: {words}; they are sent.",
    Rule.VALUE_WHITESPACE: "white space around {texts}, which is sent.",
    Rule.VALUE_CASE: "{reason}.",
    Rule.NUMBER_AMBIGUOUS: "{reason}.",
    Rule.TEXT_DAMAGED: (
        "damaged characters in {texts}: replacement or control characters, NUL, or text read in another encoding."
    ),
    Rule.DATE_TRUNCATED: "fractions of a second in {dates} are cut off; the API's format has whole seconds.",
    Rule.DATE_SHIFTED: "the values are dates at midnight in {limit}; in the time zone {zone} they fall on another day.",
    Rule.RESERVED_NOT_STRING: "{attribute!r} is always text; the {kind} values are converted to text.",
    Rule.CONTACT_NOT_MAPPED: (
        "the values look like {limit}, but {attribute!r} is a custom attribute, which campaigns cannot use."
    ),
    (Rule.CONTACT_NOT_MAPPED, "parts"): (
        "people's names are in {parts}, and no column is sent as 'name', the attribute that campaigns use."
    ),
    Rule.EMAIL_INVALID: "not a plausible e-mail address: {detail}.",
    Rule.MOBILE_INVALID: "not a plausible mobile number: {detail}.",
    (Rule.MOBILE_INVALID, "region"): "{reason}.",
    (Rule.MOBILE_INVALID, "shared"): "{reason}.",
    (Rule.EMAIL_INVALID, "shared"): "{reason}.",
    Rule.TOO_MANY_ATTRIBUTES: (
        "more than {limit} custom attributes for {customers}; the values after the {limit}th are left out. Columns: "
        "{columns}."
    ),
    Rule.ROW_EMPTY: "the row has an id but no attributes; it creates a customer without attributes.",
    (Rule.ROW_EMPTY, "errors"): (
        "other errors leave the row with an id but no attributes; it creates a customer without attributes."
    ),
}


def _sentence(text: str) -> Callable[[Violation], Fix]:
    return lambda _violation: Fix(sentence=text)


def _drop(what: str, correct: str = "Correct it at the source") -> Callable[[Violation], Fix]:
    return lambda _violation: Fix(
        "errors", "drop", f"{correct}, or leave out the {what}: {{}}", if_used=f"{correct}; the {what} is left out."
    )


def _of_duplicate(violation: Violation) -> Fix:
    if violation.variant == "placeholder":
        return Fix("na_values", {violation.column: sorted(violation.params["words"])})
    if violation.level is Severity.WARNING:
        return Fix(sentence="No action needed if they are one customer; otherwise correct the ids.")
    return Fix("keep", "last", "Correct the ids, or send one row of each: {}")


def _fix_for_column(option: str) -> Callable[[Violation], Fix]:
    """Return a fix that names the column in a list."""
    return lambda violation: Fix(option, [violation.column])


def _fix_by_column(option: str, param: str) -> Callable[[Violation], Fix]:
    """Return a fix that gives the column a value, from the violation's parameters."""

    def fix(violation: Violation) -> Fix:
        value = violation.params[param]
        return Fix(option, {violation.column: sorted(value) if isinstance(value, frozenset) else value})

    return fix


def _as_text(column: Hashable) -> str:
    return phrase(
        f"read the source again with this column as text (pd.read_csv(…, dtype={{{column!r}: 'string'}}))",
        "store this column as text in the file",
    )


def _of_rounded(violation: Violation) -> Fix:
    again = _as_text(violation.column)
    return Fix(sentence=f"The digits cannot be restored: {again}, or as 'Int64'.")


def _of_wrapped(violation: Violation) -> Fix:
    if violation.variant == "guard":
        return Fix("strip", [violation.column])
    if violation.variant == "address":
        return Fix("normalize", {violation.column: "email"})
    if violation.variant == "separators":
        return Fix(sentence=f"Remove the separators at the source, or {_as_text(violation.column)}.")
    return Fix(sentence="Keep one address per row at the source.")


def _of_stringified_id(violation: Violation) -> Fix:
    if violation.variant == "float":
        return Fix(sentence="Read the column as whole numbers or text at the source, before any conversion to text.")
    return Fix("na_values", {violation.column: sorted(violation.params["words"])})


def _of_label(violation: Violation) -> Fix:
    if violation.variant in (DOUBTFUL, DOUBTFUL_SUM):
        return Fix(sentence="Remove the row at the source if it is not a customer.")
    return _drop("row", "Remove it at the source")(violation)


def _of_alike_ids(violation: Violation) -> Fix:
    how = violation.params.get("how", violation.variant or "lower")
    if how in _SPELLINGS:
        return Fix(sentence=f"If they are the same customers, {_SPELLINGS[how]}.")
    return Fix("normalize", {violation.column: how}, _SAME.get(violation.variant, "If they are one customer: {}"))


_SAME: Final = {
    "": "If they are one customer, correct the ids at the source; or, before the first push, change all ids: {}",
    "known": "If they are the same customers: {}",
}
_SPELLINGS: Final = {
    "written": "omit the options that change the ids",
    "upper": "send the ids in capitals, as before",
    "zeros": "read the source again with the ids as text, which keeps their leading zeros",
    "no zeros": "send the ids without leading zeros, as before",
    "separators": "write them in one way at the source",
    "no separators": "send the ids without separators, as before",
}
"""How to give ids one spelling, that of the ledger if it knows them, where no option does it."""


def _of_name(violation: Violation) -> Fix:
    """Return a fix that renames a column, if its label is unique."""
    new = violation.params.get("rename")
    if new is None:
        return Fix(sentence="Give each column a unique label first.")
    return Fix("rename", new)


def _of_unsupported(violation: Violation) -> Fix:
    how = violation.params["how"]
    return Fix("exclude", [violation.column], f"{how}, or leave the column out: {{}}" if how else "{}")


def _of_conflict(violation: Violation) -> Fix:
    for name in ("lost", "undecided"):
        if name in violation.params:
            return Fix(sentence=_of_reason(violation, name))
    option, value = violation.params["option"]
    if option:
        return Fix(option, value, _renamed(violation), violation.params.get("before", {}))
    new = _new_name(violation, violation.params["type"])
    return Fix("rename", new, "Send them as a new attribute, or correct them at the source: {}")


def _renamed(violation: Violation) -> str:
    """Return a sentence that also names a new attribute, if the known one holds text and another type is meant."""
    wanted = violation.params["type"]
    if violation.limit != contract.STRING or wanted == contract.STRING:
        return "{}"
    new = options_text(rename=_new_name(violation, wanted))
    return f"To send text: {{}}. To send them as {wanted}, use a new attribute: {new}"


def _new_name(violation: Violation, wanted: str) -> dict[Hashable, str]:
    return {violation.column: f"{violation.attribute} ({'text' if wanted == contract.STRING else wanted})"}


def _of_reason(violation: Violation, name: str) -> str:
    """Return the reason of a suggestion as a fix; to keep zeros of an attribute of numbers, it needs a new name."""
    also = f" {_of_new_name(violation)}" if name == "lost" and violation.limit == contract.NUMBER else ""
    return f"{violation.params[name]}.{also}"


def _of_new_name(violation: Violation) -> str:
    new = options_text(rename=_new_name(violation, contract.STRING))
    return f"The attribute holds numbers already; a new one can hold text: {new}"


def _of_type_warning(violation: Violation) -> Fix:
    if violation.variant == "lost":
        if not violation.params["is_known"]:
            return Fix(sentence="Do this before the first push.")
        is_number = violation.limit == contract.NUMBER
        return Fix(
            sentence=_of_new_name(violation) if is_number else "The values that are stored would be overwritten."
        )
    if violation.params["option"] is None:
        others = " or ".join(options_text(**{option: value}) for option, value in violation.params["choices"])
        either = f": {others}; or to keep this type" if others else "; to keep this type"
        how = f"Decide before the first push{either}: {{}}"
        if violation.params["is_code"]:
            how = f"If leading zeros may be lost, {_as_text(violation.column)}. {how}"
        return Fix("types", {violation.column: violation.params["type"]}, how)
    option, value = violation.params["option"]
    return Fix(option, value, before=violation.params["before"])


def _of_ambiguous(violation: Violation) -> Fix:
    *others, (option, value) = violation.params["choices"]
    either = "".join(f"{options_text(**{name: each})} or " for name, each in others)
    return Fix(option, value, f"Decide before the push: {either}{{}}" if others else "If it is a decimal point: {}")


def _of_days(violation: Violation) -> Fix:
    if violation.params["option"] is None:
        return Fix(sentence="Push the columns with dates in different time zones separately, each with its timezone.")
    return Fix("timezone", violation.params["option"])


def _of_unknown(violation: Violation) -> Fix:
    near = violation.params["near"]
    if near:
        return Fix("rename", {violation.column: near})
    return Fix("exclude", [violation.column], "Correct the name, or leave the column out: {}")


def _of_unread(violation: Violation) -> Fix:
    """Return the option that reads all values of the column; if there is none, leave out the value."""
    if "option" in violation.params:
        option, value = violation.params["option"]
        return Fix(option, value, before=violation.params["before"])
    if "undecided" in violation.params:
        return _drop("value", f"{violation.params['undecided']}. Otherwise correct it at the source")(violation)
    return _drop("value")(violation)


def _of_wrong_type(violation: Violation) -> Fix:
    if "option" not in violation.params and violation.variant == "foreign":
        return Fix("types", {violation.column: str(violation.limit)})
    return _of_unread(violation)


def _of_contact(violation: Violation) -> Fix:
    if violation.variant == "region":
        return Fix(sentence="Do this before the push, or campaigns reach other people.")
    if "words" in violation.params:
        return Fix("na_values", {violation.column: sorted(violation.params["words"])})
    if violation.variant == "shared":
        return Fix(sentence="If customers share it on purpose, nothing is to do.")
    country = f", or set {argument('region')} to its country" if violation.rule is Rule.MOBILE_INVALID else ""
    return Fix(sentence=f"Correct it at the source{country}; it is sent, but campaigns may not reach it.")


def _of_unmapped(violation: Violation) -> Fix:
    if violation.variant == "parts":
        return Fix(sentence="Join them in a column called 'name' before the push.")
    return Fix("rename", {violation.column: violation.params["reserved"]})


def _of_large_number(violation: Violation) -> Fix:
    if violation.variant == "float":
        return Fix(sentence=f"If they are ids or codes, {_as_text(violation.column)}.")
    return Fix("types", {violation.column: contract.STRING}, "To keep every digit: {}")


_FIXES: Final[Mapping[Rule, Callable[[Violation], Fix]]] = {
    Rule.ID_MISSING: _drop("row"),
    Rule.ID_DUPLICATE: _of_duplicate,
    Rule.ID_ROUNDED: _of_rounded,
    Rule.ID_WHITESPACE: _fix_for_column("strip"),
    Rule.ID_WRAPPED: _of_wrapped,
    Rule.ID_FLOAT: lambda violation: Fix(sentence=f"To avoid floats, {_as_text(violation.column)}."),
    Rule.ID_STRINGIFIED: _of_stringified_id,
    Rule.ID_CASE_DUPLICATE: _of_alike_ids,
    Rule.ID_TOO_LONG: _sentence("Shorten it at the source if the API rejects it; it is sent unchanged."),
    Rule.ROW_IS_HEADING: _of_label,
    Rule.ROW_IS_TOTAL: _of_label,
    Rule.INDEX_COLUMN: _fix_for_column("exclude"),
    Rule.ATTRIBUTE_NAME_EMPTY: _of_name,
    Rule.ATTRIBUTE_NAME_TOO_LONG: _of_name,
    Rule.ATTRIBUTE_NAME_DUPLICATE: _of_name,
    Rule.ATTRIBUTE_NAME_WHITESPACE: _of_name,
    Rule.ATTRIBUTE_NAME_CASE_CLASH: _of_name,
    Rule.TYPE_UNSUPPORTED: _of_unsupported,
    Rule.TYPE_CONFLICT: _of_conflict,
    Rule.TYPE_DOUBTFUL: _of_type_warning,
    Rule.ATTRIBUTE_UNKNOWN: _of_unknown,
    Rule.CURRENCIES_MIXED: lambda violation: Fix(
        "types", {violation.column: contract.STRING}, "Convert them to one currency at the source, or send text: {}"
    ),
    Rule.VALUE_WRONG_TYPE: _of_wrong_type,
    Rule.VALUE_NOT_FINITE: _drop("value"),
    Rule.DATE_OUT_OF_RANGE: _of_unread,
    Rule.INTEGER_UNSAFE: _of_large_number,
    Rule.VALUE_TOO_LONG: _sentence("Shorten it at the source if the API rejects it; it is sent unchanged."),
    Rule.VALUE_STRINGIFIED: _fix_by_column("na_values", "words"),
    Rule.VALUE_WHITESPACE: _fix_for_column("strip"),
    Rule.NUMBER_AMBIGUOUS: _of_ambiguous,
    Rule.VALUE_CASE: lambda violation: Fix(
        "normalize", {violation.column: "lower"}, "Correct them at the source, or send all in lower case: {}"
    ),
    Rule.TEXT_DAMAGED: _sentence("Read the source again in its original encoding (often 'utf-8' or 'cp1252')."),
    Rule.DATE_TRUNCATED: _sentence("No action needed, unless the fraction matters: the API cannot store it."),
    Rule.DATE_SHIFTED: _of_days,
    Rule.RESERVED_NOT_STRING: _sentence("No action needed if the text is right; otherwise read the column as text."),
    Rule.CONTACT_NOT_MAPPED: _of_unmapped,
    Rule.EMAIL_INVALID: _of_contact,
    Rule.MOBILE_INVALID: _of_contact,
    Rule.TOO_MANY_ATTRIBUTES: _fix_for_column("exclude"),
    Rule.ROW_EMPTY: _sentence("Add a value, or remove the row."),
}
