"""The rules for attribute names and types, valid names, and suggestions for names."""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._labels import (
    OF_OTHERS,
    OLD_INDEX,
    is_full_name,
    is_part_of_name,
    parts_of_name,
    word_set,
    words_of,
)
from growlytics_pandas._rules import Effect, Rule
from growlytics_pandas._text import phrase
from growlytics_pandas.checks.profile import CONTACT_SHARE, Head, Suggestion
from growlytics_pandas.checks.schema import Attribute, Schema, name_of
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.contacts import invalid_emails, normalize_texts
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.reading import fold_case
from growlytics_pandas.columns.texts import INVISIBLE, strip_texts
from growlytics_pandas.contract import AttributeType
from growlytics_pandas.ledger.types import UNCERTAIN

_ALMOST: Final = 0.75  # difflib ratio from which one name may be a misspelling of the other
_CONVERTIBLE: Final = ("period", "timedelta", "duration", "list", "large_list", "set", "dict", "struct", "complex")


def check_attributes(schema: Schema, rows: int) -> list[Violation]:
    """Check every attribute's name and type, for a frame of `rows` rows; one violation per rule and column."""
    present = [each for each in schema.attributes if each.kind is not Kind.EMPTY]  # empty columns send nothing
    names = Counter(attribute.name for attribute in present)
    meant, new = _known_meant(schema), _new_names(schema)
    checks: tuple[Callable[[Attribute], Iterable[Violation]], ...] = (
        lambda attribute: _check_type(schema, attribute, rows, meant),
        lambda attribute: _check_name(schema, attribute, rows, names, new),
        lambda attribute: _check_index(attribute, rows),
    )
    violations = [found for attribute in present for check in checks for found in check(attribute)]
    return violations + _case_clashes(schema, new)


def dropped_columns(violations: Iterable[Violation]) -> frozenset[int]:
    """Return the positions of columns that cannot be sent."""
    return frozenset(
        found.position for found in violations if found.rows is None and found.effect is Effect.ATTRIBUTE_DROPPED
    )


def _new_names(schema: Schema) -> dict[int, str]:
    names = {attribute.position: attribute.name for attribute in schema.attributes}
    labels = {attribute.position: attribute.column for attribute in schema.attributes}
    return new_names(names, labels, schema.known_names)


def _is_valid(name: str) -> bool:
    is_short = contract.count_chars(name) <= contract.MAX_ATTRIBUTE_NAME_CHARS
    return bool(name) and contract.is_unicode(name) and name == without_invisible(name) and is_short


def _found(
    rule: Rule, attribute: Attribute, rows: int, *, limit: Any = None, variant: str = "", **params: Any
) -> Violation:
    count = rows - attribute.missing
    return Violation.of_column(rule, attribute.place, count, limit=limit, variant=variant, **params)


# names ----------------------------------------------------------------------------------------------------------------


def _check_name(
    schema: Schema, attribute: Attribute, rows: int, names: Counter[str], new: Mapping[int, str]
) -> Iterator[Violation]:
    name = attribute.name
    if _is_valid(name) and names[name] == 1:
        return
    rename = _renaming(schema, attribute, new)
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


def _renaming(schema: Schema, attribute: Attribute, new: Mapping[int, str]) -> dict[Hashable, str] | None:
    """Return the option that renames a column, or those that clash with it if it keeps its name.

    None if no such column has a label of its own.
    """
    alike = [one for one in schema.attributes if name_key(one.name) == name_key(attribute.name)]
    renamed = [attribute] if attribute.position in new else [one for one in alike if one.position in new]
    labels = Counter(repr(one.column) for one in schema.attributes)
    if any(labels[repr(one.column)] > 1 or _has_no_label(one) for one in renamed):
        return None
    return {one.column: new[one.position] for one in renamed} or None


def _has_no_label(attribute: Attribute) -> bool:
    return not isinstance(attribute.column, str) and not name_of(attribute.column)


def _case_clashes(schema: Schema, new: Mapping[int, str]) -> list[Violation]:
    """Find names that look alike: in the frame, among reserved names, and among those known to the ledger."""
    owners: defaultdict[str, dict[str, str]] = defaultdict(dict)  # folded name → each spelling and its owner
    for names, owner in (
        ((attribute.name for attribute in schema.attributes), "another column"),
        (contract.RESERVED_ATTRIBUTES, "a reserved attribute"),
        (schema.known_names, "an attribute of earlier pushes"),
    ):
        for name in names:
            owners[fold_case(name)].setdefault(name, owner)
    violations = []
    for attribute in schema.attributes:
        others = {name: owner for name, owner in owners[fold_case(attribute.name)].items() if name != attribute.name}
        if others and attribute.name not in contract.RESERVED_ATTRIBUTES:
            alike = ", ".join(f"{name!r} ({others[name]})" for name in sorted(others))
            # None is renamed where the ledger knows several spellings, this one among them.
            rename = _renaming(schema, attribute, new) or {attribute.column: min(others)}
            rule = Rule.ATTRIBUTE_NAME_CASE_CLASH
            violations.append(Violation.of_column(rule, attribute.place, 1, others=alike, rename=rename))
    return violations


def _check_index(attribute: Attribute, rows: int) -> Iterator[Violation]:
    is_number = attribute.kind in (Kind.INTEGER, Kind.FLOAT)  # floats: one blank cell, as in a row of totals
    if is_number and OLD_INDEX.fullmatch(str(attribute.column)) and not attribute.known:
        yield _found(Rule.INDEX_COLUMN, attribute, rows)


def check_split_names(schema: Schema, suggestions: Iterable[Suggestion], rows: int) -> list[Violation]:
    """Report first and last names, if no column holds whole names, which campaigns use, or is suggested for them."""
    renamed = (one for one in suggestions if one.option == "rename")
    if any(each.name == "name" for each in schema.attributes) or any(
        one.value == "name" or (one.value is None and is_full_name(str(one.column))) for one in renamed
    ):
        return []
    texts = [each for each in schema.attributes if each.kind is Kind.TEXT]
    parts = [texts[place] for place in parts_of_name([each.name for each in texts])]
    if not parts:
        return []
    shown = " and ".join(repr(one.column) for one in parts)
    rule = Rule.CONTACT_NOT_MAPPED
    return [_found(rule, parts[0], rows, limit="people's names", variant="parts", parts=shown)]


# types ----------------------------------------------------------------------------------------------------------------


def _check_type(schema: Schema, attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Iterator[Violation]:
    if attribute.kind is Kind.UNSUPPORTED:
        yield _unsupported(attribute, rows)
        return
    yield from _check_known(schema, attribute, rows, meant)
    if len(attribute.currencies) > 1:
        yield _found(Rule.CURRENCIES_MIXED, attribute, rows, currencies=", ".join(sorted(attribute.currencies)))
    is_id = attribute.position == schema.id_position
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


def _check_known(schema: Schema, attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Iterator[Violation]:
    """Compare with the type known to the ledger."""
    known = attribute.known
    if attribute.type is None or not schema.knows_types or attribute.is_reserved:
        return
    if known is None:
        if schema.new_attributes == "forbid":
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
    contract.NUMBER: (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL),
    contract.BOOLEAN: (Kind.BOOLEAN,),
    contract.DATE: (Kind.DATE,),
}
"""Type → the kinds of values that all convert to it; of other kinds, suggestions find the option if there is one."""


def _can_become(attribute: Attribute, wanted: str) -> bool:
    return attribute.kind in _BECOMES[wanted]


def _unknown(attribute: Attribute, rows: int, meant: Mapping[int, str]) -> Violation:
    """Report a new name that is not allowed, with the known name that is probably meant."""
    near = meant.get(attribute.position, "")
    asked = f" Did you mean {near!r}?" if near else ""
    first = next((position for position, name in meant.items() if name == near), None)
    rename = near if first == attribute.position else ""  # at most one column can have the name
    return _found(Rule.ATTRIBUTE_UNKNOWN, attribute, rows, near=rename, asked=asked)


def _known_meant(schema: Schema) -> dict[int, str]:
    """Return, for names that are not allowed, position → the most similar known name that no column has."""
    if schema.new_attributes == "allow":
        return {}
    sent = {attribute.name for attribute in schema.attributes}
    known = {name.casefold(): name for name in schema.known_names if name not in sent}
    near = {
        a.position: difflib.get_close_matches(a.name.casefold(), known, n=1, cutoff=_ALMOST)
        for a in schema.attributes
        if a.known is None
    }
    return {position: known[found[0]] for position, found in near.items() if found}


# valid names ---------------------------------------------------------------------------------------------------------


def new_names(
    names: Mapping[int, str], labels: Mapping[int, Hashable] | Sequence[Hashable], known: Collection[str]
) -> dict[int, str]:
    """Return position → new name, for the fewest columns whose renaming makes all names valid and distinct.

    Of columns that clash, one keeps its name: that of an attribute known already, else the one whose label it is, or
    which a reserved name is meant for.
    """
    alike = _alike(known)
    used = {name_key(name) for name in names.values()} | alike.keys()
    taken: set[str] = set()
    new = {}

    def rank(place: int) -> tuple[bool, bool, bool, bool]:
        name, label = names[place], labels[place]
        is_meant = name in contract.RESERVED_ATTRIBUTES and _is_meant(str(label), name)
        is_known = name in alike.get(name_key(name), ())
        return not is_known, name != _shortened(name), repr(name) != repr(label), not is_meant

    for place in sorted(names, key=rank):
        name, wanted = names[place], _wanted(names[place], alike) or f"Attribute {place}"
        if name_key(wanted) in taken:
            wanted = fitting_name(_tidy(name) or wanted, lambda one: name_key(one) in taken | used)
        taken.add(name_key(wanted))
        if wanted != name:
            new[place] = wanted
    return new


def _alike(known: Collection[str]) -> dict[str, set[str]]:
    """Return the reserved names and those of earlier pushes, by their keys."""
    found: dict[str, set[str]] = {}
    for name in (*known, *contract.RESERVED_ATTRIBUTES):
        found.setdefault(name_key(name), set()).add(name)
    return found


def _wanted(name: str, alike: Mapping[str, set[str]]) -> str:
    """Return the valid name for a column, regardless of other columns; '' if it has none."""
    fixed = alike.get(name_key(name), set())
    return name if name in fixed else next(iter(fixed)) if len(fixed) == 1 else _shortened(name)


def _shortened(name: str) -> str:
    return fitting_name(_tidy(name), lambda _: False)


def _tidy(name: str) -> str:
    """Return a name without extra white space and invisible characters; '' if it is not valid Unicode."""
    if not contract.is_unicode(name):
        return ""
    return unicodedata.normalize("NFC", " ".join(strip_texts([without_invisible(name)])[0].split()))


_INVISIBLE: Final = re.compile(f"[{INVISIBLE}\u00ad]")  # and the soft hyphen


def without_invisible(name: str) -> str:
    """Return a name without invisible characters and outer white space."""
    return _INVISIBLE.sub("", name).strip()


def name_key(name: str) -> str:
    """Return what two names that look alike have in common."""
    return fold_case(without_invisible(name))


def fitting_name(base: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name cut to the allowed length, after a word if it has several, with a number if it is taken.

    Examples
    --------
    >>> fitting_name("City", {"City", "City 2"}.__contains__)
    'City 3'
    """
    for number in itertools.count(1):
        end = f" {number}" if number > 1 else ""
        name = base
        while contract.count_chars(name + end) > contract.MAX_ATTRIBUTE_NAME_CHARS:
            name = name[:-1]
        if name != base:
            words = (name + base[len(name)]).rpartition(" ")[0].rstrip(" (,-")
            name = words if len(words) > len(name) / 2 else name.rstrip()
        name += end
        if not is_taken(name):
            break
    return name


# suggestions ---------------------------------------------------------------------------------------------------------

_PAIR: Final = 2  # distinct values
_NOT_ADDRESSES: Final = OF_OTHERS | {"id", "ids"}  # ids may be addresses, and are called what they are
_COMPANY: Final = word_set(
    "gmbh ag kg ohg ug ev ltd limited llp pvt inc corp corporation llc plc sarl sas bv nv spa srl oy"
)
"""Words of companies' names."""
_WORDS_OF: Final = {
    "email": re.compile(r"e ?mail.*|.* ?e ?mail(?: ?(?:id|addr|address|adresse))?|mail ?(?:id|address)|mail"),
    "mobile": re.compile(
        r"(?:.* |customer|contact|client|user|primary)?"
        r"(?:mobile|mobil|mob|phone|cell|cellphone|telephone|telefon|telefono|telefone|telefoon|tel|handy|ruf|movil"
        r"|celular|cellulare|portable|whatsapp|msisdn|ph)"
        r"(?: ?(?:no|nr|num|number|nos|nummer|numero))?"
        r"|(?:.* )?contact ?(?:no|number|num)?|contacts"
    ),
}


def suggest_names(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    known: Collection[str],
    texts_of: Callable[[int], Head | None],
    texts: Collection[int],
    region: str,
) -> list[Suggestion]:
    """Suggest names: first the reserved names that campaigns use, then valid names.

    `texts` are the positions of the columns of text.
    """
    contacts = _contacts(names, labels, texts_of, texts, region)
    renamed = {suggestion.column for suggestion in contacts if suggestion.value}
    return contacts + _fitting(names, labels, renamed, {one.value for one in contacts}, known)


def _contacts(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    texts_of: Callable[[int], Head | None],
    texts: Collection[int],
    region: str,
) -> list[Suggestion]:
    found: list[Suggestion] = []
    for reserved, fits in _FITS.items():
        if reserved in names.values():
            continue
        if reserved == "name" and any(map(is_part_of_name, names.values())):
            fits = _count_whole_names  # noqa: PLW2901 - beside first names, "Name" may be the last name
        likely = [place for place, name in names.items() if _is_meant(name, reserved)]
        if reserved == "name":
            likely = [place for place in likely if _varies(texts_of(place))]
        counted = {place: count for place in likely if (count := _holds(texts_of(place), fits, region))}
        if not counted and reserved == "email":  # addresses are unmistakable, whatever the label is
            own = [place for place in texts if _NOT_ADDRESSES.isdisjoint(words_of(names[place]))]
            counted = {place: count for place in own if (count := _holds(texts_of(place), fits, region))}
        for place, cells in counted.items():
            others = " and ".join(repr(labels[other]) for other in counted if other != place)
            so_does = f", and so does {others}; campaigns" if others else ", and campaigns"
            reason = f"it contains {_CONTACT_NAMES[reserved]}{so_does} use only the attribute {reserved!r}"
            reason += ": rename one" if others else ""
            value, warns = (None, None) if others else (reserved, Rule.CONTACT_NOT_MAPPED)
            found.append(Suggestion("rename", labels[place], value, reason, cells, warns=warns))
    return found


def _is_meant(name: str, reserved: str) -> bool:
    words = words_of(name)
    if not OF_OTHERS.isdisjoint(words):
        return False
    return is_full_name(name) if reserved == "name" else _WORDS_OF[reserved].fullmatch(" ".join(words)) is not None


def _varies(head: Head | None) -> bool:
    """Return whether a column is more than a pair of repeated words, such as yes and no."""
    return head is not None and (head.distinct > _PAIR or head.distinct == head.cells)


def _holds(head: Head | None, fits: Callable[[Sequence[str], str], int], region: str) -> int:
    """Return the number of cells of a column if `fits` accepts most of them; 0 otherwise."""
    if head is None or not head.texts:
        return 0
    return head.cells if fits(head.texts, region) > CONTACT_SHARE * len(head.texts) else 0


def _count_emails(texts: Sequence[str], region: str) -> int:
    addresses = normalize_texts([text for text in texts if "@" in text], "email", region)
    return len(addresses) - len(invalid_emails(addresses))


def _count_mobiles(texts: Sequence[str], _region: str) -> int:
    """Count what looks like a phone number of any country, since the region may not be given yet."""
    return sum(_PHONE.fullmatch(text) is not None and sum(map(str.isdigit, text)) in _PHONE_DIGITS for text in texts)


_DATE_LIKE: Final = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\Z"
_PHONE: Final = re.compile(rf"(?!{_DATE_LIKE})(?:tel:)?[\d\s+()./-]+", re.IGNORECASE)
_PHONE_DIGITS: Final = range(7, 16)


def _count_people(texts: Sequence[str], _region: str) -> int:
    return sum(map(_may_be_person, texts))


def _count_whole_names(texts: Sequence[str], _region: str) -> int:
    return sum(_may_be_person(text) and len(text.split()) > 1 for text in texts)


def _may_be_person(text: str) -> bool:
    if not any(map(str.isalpha, text)) or any(char.isdigit() or char == "@" for char in text):
        return False
    return _COMPANY.isdisjoint(text.replace(".", "").casefold().split())


_FITS: Final = {"email": _count_emails, "mobile": _count_mobiles, "name": _count_people}
_CONTACT_NAMES: Final = {"email": "e-mail addresses", "mobile": "phone numbers", "name": "names of people"}


def _fitting(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    renamed: Collection[Hashable],
    used: Collection[str | None],
    known: Collection[str],
) -> list[Suggestion]:
    """Suggest names without extra white space or invisible characters, short enough and distinct."""
    sent = {place: name for place, name in names.items() if labels[place] not in renamed}
    new, alike = new_names(sent, labels, known), _alike(known)
    found: list[Suggestion] = []
    for place in sorted(new):
        old, name = names[place], new[place]
        tidy, wanted = _tidy(old), _wanted(old, alike)
        is_long = contract.count_chars(tidy) > contract.MAX_ATTRIBUTE_NAME_CHARS
        if name == wanted and name in contract.RESERVED_ATTRIBUTES:  # only contacts get these
            wanted = name = tidy
        if old in (*known, name) or not tidy:
            continue
        if is_long or (name == wanted and name not in used):
            reason = _why(old, tidy, name, is_long=is_long)
            warns = Rule.CONTACT_NOT_MAPPED if name in contract.RESERVED_ATTRIBUTES else None
            found.append(Suggestion("rename", labels[place], name, reason, 0, warns=warns))
        elif old != wanted:
            reason = f"the names {old!a} and {wanted!a} look alike but differ: rename or exclude one of the columns"
            found.append(Suggestion("rename", labels[place], None, reason, 0))
    return found


def _why(old: str, tidy: str, new: str, *, is_long: bool) -> str:
    if is_long:
        return (
            f"the name has {contract.count_chars(tidy)} characters, and {contract.MAX_ATTRIBUTE_NAME_CHARS} are allowed"
        )
    if old.casefold() == new.casefold():
        return f"earlier pushes sent it as {new!r}, and names are case-sensitive"
    return "the name has extra white space or invisible characters"
