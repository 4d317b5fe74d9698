"""Remedies for the names of attributes: lines that rename, merge or tell apart, and lines that outlive those."""

from __future__ import annotations

import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.fixes import BY_PLACE, Lines, assignment, in_call, named
from growlytics_pandas.layout import Attribute, Layout, name_of


def renamed(frame: pd.DataFrame, layout: Layout, attribute: Attribute, new: str) -> str:
    """Return a line that gives a column another name, or merges it into the column that has that name already."""
    owner = next((a for a in layout.attributes if a.name == new and a is not attribute), None)
    if owner is not None:
        return _merged(frame, layout, owner, attribute)
    label = named(frame, attribute.position)
    if label is not None and attribute.name != name_of(attribute.column):
        return in_call("rename", label, new)
    if label is None or isinstance(attribute.column, tuple):
        return _relabelled(frame, attribute, new)
    return f"df = df.rename(columns={{{label}: {new!r}}})"


def _relabelled(frame: pd.DataFrame, attribute: Attribute, new: str) -> str:
    """Return a line that names columns by what their label looks like; those that look the same are numbered."""
    looks = [str(label) for label in frame.columns]
    old = looks[attribute.position]
    to = repr(new)
    if looks.count(old) > 1:
        base = new.removesuffix(f" {attribute.position}")
        to = f"{_cut(base, contract.MAX_ATTRIBUTE_NAME_CHARS - len(str(len(looks))) - 1)!r} + f' {{i}}'"
    return f"df.columns = [{to} if str(c) == {old!r} else c for i, c in enumerate(df.columns)]"


def _merged(frame: pd.DataFrame, layout: Layout, owner: Attribute, other: Attribute) -> str:
    """Return a line that fills the gaps of one column from another and drops that; an id column is left as it is."""
    if layout.id_position in (owner.position, other.position):
        spare = owner if other.position == layout.id_position else other
        return renamed(frame, layout, spare, distinct(layout, spare))  # its values are not those of the ids
    label = named(frame, other.position)
    if label is None or named(frame, owner.position) is None:
        return renamed(frame, layout, other, distinct(layout, other))
    line = assignment(frame, owner.position, f"{{}}.combine_first(df.pop({label}))")
    may_be_gone = any(_is_renamed(attribute) for attribute in (owner, other))
    return f"if {{{label}, {named(frame, owner.position)}}} <= {{*df}}: {line}" if may_be_gone else line


def _is_renamed(attribute: Attribute) -> bool:
    """Whether another line gives the column another name too."""
    name = attribute.name
    return name != name.strip() or contract.count_chars(name) > contract.MAX_ATTRIBUTE_NAME_CHARS


def after_renaming(frame: pd.DataFrame, layout: Layout, attribute: Attribute, lines: Lines) -> Lines:
    """Make lines that change a column work after those of the same report that rename it or merge it."""
    if isinstance(lines, list):
        made = {line: _after_renaming(frame, layout, attribute, line) for line in set(lines)}
        return [made[line] for line in lines]
    return _after_renaming(frame, layout, attribute, lines)


def _after_renaming(frame: pd.DataFrame, layout: Layout, attribute: Attribute, line: str) -> str:
    old, new = named(frame, attribute.position), _new_name(layout, attribute)
    if old is None or line.startswith(("#", "if ", "(types", BY_PLACE)):
        return line
    names = [a.name.strip().casefold() for a in layout.attributes]
    if names.count(attribute.name.strip().casefold()) > 1:
        kept_apart = distinct(layout, attribute)  # the name that it has by then, where a merger would cost values
        form, here = f"for c in {{{old}, {kept_apart!r}}} & {{*df}}: \0", "df[c]"
    elif new is not None:
        form, here = f"c = {old} if {old} in df else {new!r}; \0", "df[c]"
    else:
        return line
    return form.replace("\0", line.replace(f"df[{old}]", here))


def _new_name(layout: Layout, attribute: Attribute) -> str | None:
    """Return the name that another line gives to a column whose own name is allowed."""
    name = attribute.name
    if name != name.strip():
        return name.strip()
    spellings = (*contract.RESERVED_ATTRIBUTES, *sorted(layout.known_names))
    alike = (known for known in spellings if known != name and known.casefold() == name.casefold())
    return None if attribute.is_reserved else next(alike, None)


def apart(frame: pd.DataFrame, layout: Layout, attribute: Attribute) -> str:
    """Return a line that gives one of the columns of one name another; an id column keeps its own."""
    if attribute.position == layout.id_position:
        attribute = next(a for a in layout.attributes if a.name == attribute.name and a is not attribute)
    return renamed(frame, layout, attribute, distinct(layout, attribute))


def distinct(layout: Layout, attribute: Attribute) -> str:
    """Return a name near that of `attribute` that fits and that no other attribute has."""
    limit = contract.MAX_ATTRIBUTE_NAME_CHARS
    taken = {_cut(other.name.strip(), limit) for other in layout.attributes if other is not attribute}
    name = _cut(attribute.name.strip(), limit)
    if name != attribute.name and name not in taken:
        return name
    end = f" {attribute.position}"
    return _cut(name, limit - len(end)) + end


def _cut(name: str, limit: int) -> str:
    while contract.count_chars(name) > limit:
        name = name[:-1]
    return name.rstrip()
