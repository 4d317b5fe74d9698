"""Lines to paste, for whoever reads the file with pandas: rows by the labels that pandas gives them, options as said.

CSV and JSON lines are numbered from 0 by pandas. Parquet keeps an index; its named levels are columns to the command,
so a line makes them columns first.
"""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from typing import Final

import pandas as pd

from growlytics_pandas.commands.loading import Loaded
from growlytics_pandas.commands.sources import Source
from growlytics_pandas.commands.wording import in_words
from growlytics_pandas.planning import Plan
from growlytics_pandas.rules import Rule

_AS_COLUMNS: Final = "df.reset_index([n for n in df.index.names if n is not None])"  # again, it does nothing
_OPTIONS: Final = {"types": "--type", "rename": "--rename"}
_OF_THE_CALL: Final = ("(types := ", "(rename := ")  # how lines begin that change an argument: see `fixes.in_call`


def label_by_line(loaded: Loaded) -> Plan:
    """Return the plan with the lines of the file for labels; the lines to paste go by the labels it had before."""
    plan, lines, has_index_columns = loaded.plan, loaded.table.frame.index, bool(loaded.table.index_columns)
    found = plan.violations.copy()
    _say_text(found, loaded.source)
    made = {line: _as_pasted(line, has_index_columns=has_index_columns) for line in found["fix"].unique()}
    found["fix"] = found["fix"].map(made)
    where = lines.tolist()
    found["index"] = found["row"].astype(object).map(where.__getitem__, na_action="ignore")
    lined = replace(plan, frame=plan.frame.set_axis(lines.rename("line")))
    vars(lined).update(violations=found, screening=plan.screening)  # what a plan finds out once and keeps
    return lined


def _say_text(found: pd.DataFrame, source: Source) -> None:
    """Put the option in place of a line that makes text of digits, which a CSV or JSON lines file would not keep."""
    if source.has_types:
        return
    made = ("df[", _OF_THE_CALL[0]) if source.is_untyped else ("df[",)
    of_digits = (found["rule"] == Rule.INTEGER_UNSAFE) & found["attribute"].notna() & found["fix"].str.startswith(made)
    labels = found.loc[of_digits, "column"]
    found.loc[of_digits, "fix"] = [f"# say --type {shlex.quote(f'{label}=string')}" for label in labels]


def _as_pasted(line: str, *, has_index_columns: bool) -> str:
    if line.startswith("#"):
        return in_words(line)
    if line.startswith(_OF_THE_CALL):
        return _as_option(line)
    if not has_index_columns:
        return line
    line = line.replace("before any reset_index", "before any other reset_index")
    if line.startswith("if "):
        return f"if (df := {_AS_COLUMNS}) is not None and {line.removeprefix('if ')}"
    return f"df = {_AS_COLUMNS}; {line}"


def _as_option(line: str) -> str:
    """Write a change of an argument as a remark in the words of the command: who calls it has no such variable."""
    match ast.parse(line).body:
        case [ast.Expr(ast.NamedExpr(ast.Name(name), ast.Dict([_, _, label], [_, _, value])))]:
            said = f"{ast.literal_eval(label)}={ast.literal_eval(value)}"  # type: ignore[arg-type]
            return f"# say {_OPTIONS[name]} {shlex.quote(said)}"
        case [ast.Expr(ast.NamedExpr(ast.Name(name), ast.DictComp(_, _, [ast.comprehension(_, _, [test])])))]:
            key = ast.literal_eval(test.comparators[0])  # type: ignore[attr-defined]
            return f"# leave out {_OPTIONS[name]} of {shlex.quote(str(key))}"
    return line
