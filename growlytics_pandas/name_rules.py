"""The rules about attributes as a whole: their names and their types."""

import datetime as dt
import difflib
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from growlytics_pandas import contract, fixes, name_fixes, type_fixes
from growlytics_pandas.inference import TYPE_OF, AttributeType, Kind, family
from growlytics_pandas.layout import Attribute, Layout
from growlytics_pandas.ledger import UNCERTAIN
from growlytics_pandas.rules import RULES, Effect, Rule, Severity
from growlytics_pandas.violations import Found

_ALMOST: Final = 0.75  # difflib's ratio of two names from which one may be meant by the other


def check_attributes(frame: pd.DataFrame, layout: Layout) -> list[Found]:
    """Check every attribute's name and type; one finding a rule and column."""
    present = [attribute for attribute in layout.attributes if attribute.kind is not Kind.EMPTY]  # the rest has nothing
    names = Counter(attribute.name for attribute in present)
    findings: list[Found] = []
    meant = _known_meant(layout)
    for attribute in present:
        findings += _check_type(frame, layout, attribute, meant)  # first: its line goes by the label of now
        findings += _check_name(frame, layout, attribute, names)
    return findings + _case_clashes(frame, layout)


def dropped_columns(findings: list[Found]) -> frozenset[int]:
    """Return the positions of the columns of which nothing can be sent."""
    return frozenset(
        found.position
        for found in findings
        if found.rows is None
        and RULES[found.rule].severity is Severity.ERROR
        and RULES[found.rule].effect is Effect.ATTRIBUTE_DROPPED
    )


def _found(rule: Rule, attribute: Attribute, frame_rows: int, what: str, fix: str, limit: object = None) -> Found:
    return Found(
        rule,
        attribute.position,
        attribute.column,
        attribute.name,
        what,
        fix,
        limit=limit,
        count=frame_rows - attribute.missing,
    )


def _check_name(frame: pd.DataFrame, layout: Layout, attribute: Attribute, names: Counter[str]) -> list[Found]:
    name, rows = attribute.name, len(frame)
    if not name.strip() or not contract.is_unicode(name):
        fix = name_fixes.renamed(frame, layout, attribute, f"Attribute {attribute.position}")
        what = "the attribute name is empty" if not name.strip() else "the attribute name is not valid Unicode text"
        return [_found(Rule.ATTRIBUTE_NAME_EMPTY, attribute, rows, f"{what}; it must be 1 to 49 characters.", fix)]
    findings = []
    chars, limit = contract.count_chars(name), contract.MAX_ATTRIBUTE_NAME_CHARS
    if chars > limit:
        what = f"the attribute name has {chars} characters; at most {limit} are allowed."
        fix = name_fixes.renamed(frame, layout, attribute, name_fixes.distinct(layout, attribute))
        findings.append(_found(Rule.ATTRIBUTE_NAME_TOO_LONG, attribute, rows, what, fix, limit))
    if names[name] > 1:
        what = f"{names[name]} columns map to the attribute {name!r}; one name can carry one value."
        fix = name_fixes.apart(frame, layout, attribute)
        findings.append(_found(Rule.ATTRIBUTE_NAME_DUPLICATE, attribute, rows, what, fix))
    if name != name.strip():
        what = f"white space around the attribute name {name!r}; it is part of the name for good."
        fix = _joined(frame, layout, attribute, name.strip())
        findings.append(_found(Rule.ATTRIBUTE_NAME_WHITESPACE, attribute, rows, what, fix))
    return findings


def _check_type(frame: pd.DataFrame, layout: Layout, attribute: Attribute, meant: Mapping[int, str]) -> list[Found]:
    if attribute.kind is Kind.UNSUPPORTED:
        held = f" of {attribute.note}" if attribute.note not in ("", attribute.dtype) else ""
        what = f"dtype {attribute.dtype}{held} has no attribute type; the types are {', '.join(contract.TYPES)}."
        return [_found(Rule.TYPE_UNSUPPORTED, attribute, len(frame), what, type_fixes.supported(frame, attribute))]
    findings = _check_known(frame, layout, attribute, meant) or _check_doubt(frame, attribute)
    findings += _check_days(frame, layout, attribute)
    if len(attribute.currencies) > 1:
        found = ", ".join(sorted(attribute.currencies))
        what = f"the amounts are in several currencies ({found}); as numbers nobody could tell them apart."
        fix = f"# convert them to one currency, or leave {attribute.column!r} out of decimal to send text"
        findings.append(_found(Rule.CURRENCIES_MIXED, attribute, len(frame), what, fix))
    is_id = attribute.position == layout.id_position
    if attribute.is_reserved and not is_id and attribute.kind not in (Kind.TEXT, Kind.EMPTY):
        what = f"{attribute.name!r} is always text; the {attribute.kind.value} values are written as text."
        fix = type_fixes.as_text(frame, attribute)
        findings.append(_found(Rule.RESERVED_NOT_STRING, attribute, len(frame), what, fix, AttributeType.STRING.value))
    return findings


def _check_known(frame: pd.DataFrame, layout: Layout, attribute: Attribute, meant: Mapping[int, str]) -> list[Found]:
    """Compare with what the ledger knows to be fixed."""
    known = attribute.known
    if attribute.type is None or not layout.knows_types or attribute.is_reserved:
        return []
    if known is None:
        if layout.new_attributes == "allow":
            return []
        return [_unknown(frame, layout, attribute, meant)]
    if known.type == attribute.type:
        return []
    when = f"{known.first_seen:%Y-%m-%d %H:%M} UTC"
    sure = "" if known.source != UNCERTAIN else ", by a request whose answer was lost"
    what = (
        f"{attribute.name!r} is sent as {attribute.type}, but was first tracked as {known.type} on {when}{sure}; "
        f"the service would ignore it. Or push with types={{{attribute.column!r}: {known.type!r}}}."
    )
    if known.source == UNCERTAIN:
        what += f" If it never arrived, say so: client.declare_types({{{attribute.name!r}: {attribute.type.value!r}}})."
    fix = type_fixes.retyped(frame, attribute, known.type)
    return [_found(Rule.TYPE_CONFLICT, attribute, len(frame), what, fix, known.type)]


def _check_doubt(frame: pd.DataFrame, attribute: Attribute) -> list[Found]:
    """Report a type that the first push would fix for good though the values look like another."""
    hint, label = attribute.hint, fixes.named(frame, attribute.position)
    if attribute.type is None or attribute.known is not None or hint.wanted in (None, attribute.type):
        return []
    what = (
        f"it goes out as {attribute.type}, and the first push fixes that for good: {hint.text}. "
        f"To keep it {attribute.type}: types={{{attribute.column!r}: {attribute.type.value!r}}}."
    )
    if label is None:
        fix = "# give the column a label of its own first: types= and the lines for its values go by that"
    else:
        fix = hint.line or fixes.in_call("types", label, hint.wanted)
    return [_found(Rule.TYPE_DOUBTFUL, attribute, len(frame), what, fix, hint.wanted)]


def _check_days(frame: pd.DataFrame, layout: Layout, attribute: Attribute) -> list[Found]:
    """Report days, such as dates of birth, that are midnights of one zone and are written in another."""
    zone = attribute.hint.days_in
    if not zone or attribute.type is not AttributeType.DATE or _offset_of(layout.zone.key) >= _offset_of(zone):
        return []
    what = (
        f"the values are days, at midnight in {zone}; in timezone={layout.zone.key!r} each is the evening before. "
        "Push with timezone= of their zone, or paste the fix, which leaves their zone away."
    )
    fix = fixes.assignment(frame, attribute.position, '{}.map(lambda v: v.replace(tzinfo=None), na_action="ignore")')
    return [_found(Rule.DATE_SHIFTED, attribute, len(frame), what, fix, zone)]


def _offset_of(zone: str) -> dt.timedelta:
    """Return how far a zone is from UTC; it may be named by that, as 5:30:00."""
    if zone[0].isdigit():
        return pd.Timedelta(zone).to_pytimedelta()
    return dt.datetime.now(ZoneInfo(zone)).utcoffset() or dt.timedelta(0)


def _unknown(frame: pd.DataFrame, layout: Layout, attribute: Attribute, meant: Mapping[int, str]) -> Found:
    """Report a name that is not allowed for being new; the line gives it the known one that is probably meant."""
    near = meant.get(attribute.position, "")
    asked = f" Did you mean {near!r}?" if near else ""
    what = f"{attribute.name!r} is new, and new_attributes='forbid'; check the name, or allow it.{asked}"
    first = next((position for position, name in meant.items() if name == near), None)
    if first == attribute.position:  # one column at most can have the name
        fix = name_fixes.renamed(frame, layout, attribute, near)
    else:
        fix = fixes.dropped(frame, attribute.position)
    return _found(Rule.ATTRIBUTE_UNKNOWN, attribute, len(frame), what, fix)


def _known_meant(layout: Layout) -> dict[int, str]:
    """Return position → known name that is spelt almost so and that no column has, of names that are not allowed."""
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


def _case_clashes(frame: pd.DataFrame, layout: Layout) -> list[Found]:
    """Names that differ only in case: from each other, from a reserved one, or from one that the ledger knows."""
    owners: defaultdict[str, dict[str, str]] = defaultdict(dict)  # what is alike: each spelling, and whose it is
    for names, owner in (
        ((attribute.name for attribute in layout.attributes), "another column"),
        (contract.RESERVED_ATTRIBUTES, "a reserved attribute"),
        (layout.known_names, "an attribute of earlier pushes, which the ledger knows"),
    ):
        for name in names:
            owners[name.casefold()].setdefault(name, owner)
    findings: list[Found] = []
    lines: dict[int, str] = {}  # by the column that a line renames or merges: two that clash are compared once
    for attribute in layout.attributes:
        others = {name: owner for name, owner in owners[attribute.name.casefold()].items() if name != attribute.name}
        if others and attribute.name not in contract.RESERVED_ATTRIBUTES:
            alike = ", ".join(f"{name!r} ({others[name]})" for name in sorted(others))
            what = f"{attribute.name!r} differs only in case from {alike}; names are case-sensitive."
            spare, new = _unified(layout, attribute, sorted(others))
            if spare.position not in lines:
                lines[spare.position] = _joined(frame, layout, spare, new)
            findings.append(
                Found(
                    Rule.ATTRIBUTE_NAME_CASE_CLASH,
                    attribute.position,
                    attribute.column,
                    attribute.name,
                    what,
                    lines[spare.position],
                )
            )
    return findings


def _unified(layout: Layout, attribute: Attribute, others: list[str]) -> tuple[Attribute, str]:
    """Return which column gets which name: a reserved one, else that of the first in the frame, else a known one."""
    reserved = next((name for name in others if name in contract.RESERVED_ATTRIBUTES), None)
    alike = [a for a in layout.attributes if a is attribute or a.name in others]
    if reserved or len(alike) == 1:
        return attribute, reserved or others[0]
    first, second, *_ = alike
    return second if attribute is first else attribute, first.name


def _joined(frame: pd.DataFrame, layout: Layout, attribute: Attribute, new: str) -> str:
    """Return a line that gives a column the name `new`: merged with the one that has it if that costs no value."""
    owner = next((a for a in layout.attributes if a.name == new and a is not attribute), None)
    if owner is None or layout.id_position in (owner.position, attribute.position):
        return name_fixes.renamed(frame, layout, attribute, new)
    if any(a.missing != int(frame.iloc[:, a.position].isna().sum()) for a in (owner, attribute)):
        loss = f"the parts were not compared with {new!r}"  # the frame is an example of many parts
    else:
        loss = _loss(frame.iloc[:, owner.position], frame.iloc[:, attribute.position], new)
    if not loss:
        return name_fixes.renamed(frame, layout, attribute, new)
    apart = name_fixes.renamed(frame, layout, attribute, name_fixes.distinct(layout, attribute))
    return fixes.remarked(apart, f"keeps both: {loss}")


def _loss(owner: "pd.Series[Any]", other: "pd.Series[Any]", name: str) -> str:
    """Try the merger, and say in how many rows a value of either column would be gone or another one; '' if in none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a line that makes pandas warn is none to offer
            merged = owner.combine_first(other)
    except (TypeError, ValueError, OverflowError, Warning):
        return f"pandas cannot merge it with {name!r}"
    new = merged.tolist()
    is_kept = [
        not is_there or _is_same(value, one)
        for cells in (owner, other)
        for value, is_there, one in zip(cells.tolist(), cells.notna().tolist(), new, strict=True)
    ]
    n_lost = int((~np.array(is_kept, dtype=bool).reshape(2, -1)).any(axis=0).sum())
    return f"{name!r} has another value in {n_lost:,} row{'s' * (n_lost != 1)}" if n_lost else ""


def _is_same(value: Any, new: Any) -> bool:
    """Tell whether two cells would be sent as the same; in doubt they would not."""
    try:
        is_equal = bool(value == new)
    except (TypeError, ValueError):
        return False
    if type(value) is type(new) or not is_equal:
        return is_equal
    return TYPE_OF.get(family(type(value))) is TYPE_OF.get(family(type(new)))  # 1 and True are not
