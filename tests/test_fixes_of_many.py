"""Lines about many cells: one a cause, by a condition that picks these cells and no other, whatever is pasted before."""

import datetime as dt
import random
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp

T = pd.Timestamp("2026-01-01 10:00:00")
ARROW = pd.ArrowDtype(pa.string())
NUMBER, DATE, BOOLEAN = ({"types": {"X": name}} for name in ("number", "date", "boolean"))
WORDS = ["n/a", "-", "unknown"]
ODD = [f"about {i}" for i in range(60)]  # more distinct ones than a line names
ADDRESSES = [f"user{i}@example.com" for i in range(150)]
NUMBERS = [str(9_919_200_000 + i) for i in range(150)]

# values that are repeated to a long column, options, the name of the column, the lines that are expected at most
CASES = {
    "words for numbers": (["1", "2.5", " 3 ", None, *WORDS], NUMBER, "X", 1),
    "no numbers": (["1", "2.5", "\xa03 ", None, "1e5", *ODD], NUMBER, "X", 1),
    "no numbers, and infinity by name": (["1", "2.5", "inf", "NaN", *ODD], NUMBER, "X", 1),
    "no numbers, and infinite ones": (["1", "2.5", "1e999", "-1e999", *ODD], NUMBER, "X", 2),
    "other things than text": ([1, 2.5, "3", Decimal("4.5"), T, [1], {"a": 1}, b"x", None, *ODD], NUMBER, "X", 1),
    "truth among numbers": ([1, 2.5, "3", True, np.int64(4), *ODD], NUMBER, "X", 1),
    "large numbers": ([1, "x", "y", 2**60 + 1, None], NUMBER, "X", 3),
    "large numbers and truth": ([1, True, "x", "y", 2**60 + 1, None], NUMBER, "X", 3),  # as text, True is no number
    "infinite numbers": ([1, 2.5, np.inf, -np.inf, Decimal("1e999"), "4"], NUMBER, "X", 2),
    "amounts": (["1", "1,234", "₹ 5", "Rs. 12,500.50", None, *ODD], NUMBER, "X", 2),
    "amounts and words": (["1", "1,234", "₹ 5", "Rs. 12,500.50", None, *WORDS], NUMBER, "X", 2),
    "numbers with text among them": ([*range(200), "4", " 5.5 ", True, None, *ODD], {}, "X", 2),
    "a long one among numbers": ([*range(200), "4", "0.12345678901234567890123", *ODD], {}, "X", 30),
    "words for dates": (["2026-01-31", "2026-01-31 10:00:00+05:30", " 2026-02-01", None, *WORDS], DATE, "X", 1),
    "no dates": (["2026-01-31", "2026-01-31 10:00:00+05:30", "2026-02-30", None, *ODD], DATE, "X", 1),
    "no dates, with white space": (["2026-01-31", " 2026-02-01\n", *ODD], DATE, "X", 1),
    "days first": (["2026-01-31", "31/01/2026", "01/02/2026", None, *ODD], DATE, "X", 2),
    "days first among dates with zones": (
        ["2026-01-31", T.tz_localize("Asia/Kolkata"), "31/01/2026", "01/02/2026", None, *ODD],
        DATE,
        "X",
        9,
    ),
    "days first, with white space": (["2026-01-31", " 31/01/2026", "01/02/2026", None, *ODD], DATE, "X", 2),
    "fractions and no dates": (["2026-01-31 10:00:00.5", "2026-01-31 99:00:00.5", *ODD], DATE, "X", 2),
    "dates with text among them": ([T] * 200 + ["2026-02-01", "2026-02-02\n", *ODD], {}, "X", 1),
    "dates of several zones with text among them": (
        [T, T.tz_localize("Asia/Kolkata"), dt.date(2026, 1, 1)] * 70 + ["2026-02-01", "2026-02-02\n", *ODD],
        {},
        "X",
        2,
    ),
    "dates with numbers among them": ([T] * 200 + [5, 7.5, *ODD], {}, "X", 1),
    "words for booleans": (["yes", " No", "1", None, *WORDS], BOOLEAN, "X", 1),
    "no booleans": (["yes", " No", "1", None, *ODD], BOOLEAN, "X", 1),
    "no booleans, and digits": (["yes", " No", 1, 0.0, True, None, 7, *ODD], BOOLEAN, "X", 1),
    "booleans with words among them": ([True, False] * 100 + ["yes", "off", 1.0, None, *ODD], {}, "X", 2),
    "addresses": ([*ADDRESSES, *(f"user{i}" for i in range(60)), None], {}, "email", 1),
    "addresses of many faults": (
        [*ADDRESSES, *(x.format(i) for i in range(30) for x in ("a{}@b..com", "b{}@@c.com", "a{} b@c.com", "u{}@x"))],
        {},
        "email",
        1,
    ),
    "local addresses": ([*ADDRESSES, *(f"user{i}@shop.local" for i in range(60))], {}, "email", 1),
    "addresses with white space": ([*ADDRESSES, *(f" u{i}@x.com" for i in range(60)), *ODD], {}, "email", 2),
    "addresses with white space, some wrong": (
        [*ADDRESSES, *(f" u{i}@x.com" for i in range(60)), *(f" u{i}@x\n" for i in range(60))],
        {},
        "email",
        2,
    ),
    "a number for an address": ([*ADDRESSES, *range(60), None], {}, "email", 2),
    "addresses that no expression tells apart": (
        [*ADDRESSES, *(f"user{i}@xn--p1ai.com" for i in range(3)), *(f"user{i}@a--b.com" for i in range(60))],
        {},
        "email",
        9,
    ),
    "a text of a million dots": ([*ADDRESSES, "a@" + "." * 10**6 + " ", *(f"u{i}" for i in range(60))], {}, "email", 9),
    "mobiles": ([*NUMBERS, "+91 99192 11112", *(str(12345 + i) for i in range(60)), None], {}, "mobile", 1),
    "mobiles with white space": (
        [*NUMBERS, *(f" {n}" for n in NUMBERS), *(str(i) for i in range(60))],
        {},
        "mobile",
        2,
    ),
    "mobiles that are text made of floats": (
        [*NUMBERS, *(f"{n}.0" for n in NUMBERS), *(f"{i}.0" for i in range(60)), "nan", None],
        {},
        "mobile",
        2,
    ),
    "mobiles that are padded text made of floats": (
        [
            *NUMBERS,
            *(f" {n}.0\n" for n in NUMBERS),
            *(f" {n}" for n in NUMBERS),
            *(f"{i}.0" for i in range(60)),
            *WORDS,
        ],
        {},
        "mobile",
        2,
    ),
    "floats among mobiles that are text made of floats": (
        [*map(float, NUMBERS), *(f" {n}.0" for n in NUMBERS), *range(60), *(f"{i}.0" for i in range(60))],
        {},
        "mobile",
        3,
    ),
    "mobiles as floats": ([*map(float, NUMBERS), *map(float, range(12345, 12405)), np.nan], {}, "mobile", 2),
    "mobiles elsewhere": (
        [*(f"+4915112{i:06d}" for i in range(150)), *(f"+49{i}" for i in range(60))],
        {"region": "DE"},
        "mobile",
        1,
    ),
    "values that a line cannot name": (["1", "a{}b", "  # x", "half \ud800", "'\"", "\\n\n", "a@b"], NUMBER, "X", 1),
}
TEXTS = [name for name, (values, *_) in CASES.items() if all(v is None or isinstance(v, str) for v in values)]
VARIANTS = [
    *((name, "object") for name in CASES),
    *((name, dtype) for name in TEXTS if "cannot name" not in name for dtype in ("str", "string", "category", "arrow")),
    ("mobiles as floats", "float64"),
    ("mobiles as floats", "Int64"),
    ("infinite numbers", "odd labels"),
    ("days first", "odd labels"),
    ("truth among numbers", "odd labels"),
    ("numbers with text among them", "odd labels"),
    ("amounts", "shared label"),
    ("numbers with text among them", "shared label"),
    ("addresses with white space", "many levels"),
]


def frame_of(name, dtype):
    values, options, label, _ = CASES[name]
    values = values * (max(1, 400 // len(values)) + 1)
    random.Random(1).shuffle(values)
    series = pd.Series(values, dtype=object)
    if dtype == "arrow":
        series = series.astype(ARROW)
    elif dtype not in ("object", "odd labels", "shared label", "many levels"):
        series = series.astype(dtype)
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], label: series, "Y": 1})
    df.loc[3, "id"] = None
    df.loc[5, "id"] = df.loc[4, "id"]
    if dtype == "odd labels":
        df.index = pd.Index([*range(len(df) - 1), 0])
    elif dtype == "shared label":
        df.columns = ["id", label, label]
        options = {key: {label: value["X"]} if key == "types" else value for key, value in options.items()}
    elif dtype == "many levels":
        df.columns = pd.MultiIndex.from_tuples([("id", ""), (label, ""), ("Y", "z")])
        return df, options, ("id", "")
    return df, options, "id"


def run(df, lines, options):
    scope = {"df": df.copy(), "pd": pd, "types": dict(options.get("types", {}))}
    for line in lines:
        exec(compile(line, "<fix>", "exec"), scope)
    return scope["df"], {**options, "types": scope["types"]}


def said(value):
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "missing"
    is_whole = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and value % 1 == 0
    return repr(int(value)) if is_whole else str(value)


def check_untouched(before, after, bad):
    """Every cell that no violation names has the value that it had; rows that are left are told by a column of theirs."""
    old, new = ([said(value) for value in frame.iloc[:, 1].tolist()] for frame in (before, after))
    where = after["_row"].tolist() if "_row" in after else range(len(after))
    assert [
        (row, old[row], now) for row, now in zip(where, new, strict=True) if row not in bad and old[row] != now
    ] == []


@pytest.mark.filterwarnings("ignore:Downcasting behavior:FutureWarning")  # pandas 2.2, of a line for a whole column
@pytest.mark.parametrize(("name", "dtype"), VARIANTS)
def test_many_cells_take_one_line_a_cause_in_whatever_order(name, dtype):
    (df, options, id_col), place = frame_of(name, dtype), 1
    found = gp.validate(df, id_col, **options)
    cells = found[found["row"].notna() & (found["column"] != id_col)]
    cells = cells[cells["column"] == df.columns[place]]
    cells = cells[~cells["rule"].isin(["row_empty"])]
    lines = cells["fix"].drop_duplicates().tolist()
    if dtype != "shared label":
        assert len(lines) <= CASES[name][3], [line[:300] for line in lines]
    bad = set(cells["row"])
    others = found[~found.index.isin(cells.index)]
    whole = set(others.loc[others["row"].isna(), "column"])
    rest = others.loc[others["rule"].str.startswith("id_"), "fix"].drop_duplicates().tolist()
    marked = df.copy()
    marked.insert(
        len(df.columns), ("_row", "")[: df.columns.nlevels] if df.columns.nlevels > 1 else "_row", range(len(df))
    )
    every = [*rest, *found.loc[found["row"].isna(), "fix"].drop_duplicates(), *lines]
    for order in (lines, lines[::-1], *([line] for line in lines), [*lines, *lines]):
        after, _ = run(df, order, options)
        if df.columns[place] not in whole:
            check_untouched(df, after, bad)
    if dtype in ("odd labels", "shared label"):
        return  # what else is wrong there is not for these lines
    for order in (every, every[::-1]):
        after, left_options = run(marked, order, options)
        if df.columns[place] not in whole:
            check_untouched(df, after, bad)
        after = after.iloc[:, : df.shape[1]]
        rules = set(cells["rule"]) - {"integer_unsafe"}
        left = gp.validate(after, id_col, **left_options)
        kept = name == "large numbers and truth" or any(line.startswith("#") for line in lines)
        assert kept or left[left["rule"].isin(rules)].empty, left[["value", "fix"]].head(3).to_string()


def test_a_line_for_many_cells_of_a_part_says_which_part(tmp_path):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "ledger.db")
    parts = [pd.DataFrame({"id": [f"{p}-{i}" for i in range(80)], "email": "nowhere"}) for p in range(2)]
    lines = gp.plan_batches(parts, "id", client=client).violations["fix"].unique()
    assert len(lines) == 2
    assert all(line.endswith(f"; df: part {number} alone") for number, line in enumerate(lines))


def test_values_of_a_column_that_is_merged_in_are_not_emptied():
    df = pd.DataFrame({"id": range(200), "X": ["1", "one"] * 100, "x": "text"})
    df.loc[df.index % 10 == 0, "X"] = None
    found = gp.validate(df, "id", types={"X": "number"})
    lines = found.loc[found["rule"] == "value_wrong_type", "fix"]
    assert lines.str.contains("df.index.isin(", regex=False).all()


def test_no_line_names_an_address_or_a_number():
    df = pd.DataFrame({"id": range(120), "X": ["1", "call 9919211112", "a@example.com"] * 40})
    lines = gp.validate(df, "id", types={"X": "number"})["fix"].unique()
    assert [line.count("9919211112") + line.count("a@example.com") for line in lines] == [0, 0]


@pytest.mark.parametrize("odd", ["\ud800", [1], {"a": 1}], ids=["half a character", "a list", "a dict"])
def test_cells_of_any_kind_among_many_wrong_ones_end_no_validation(odd):
    mobiles = ["98765 43210", "bad", 3, odd] * 40
    df = pd.DataFrame({"id": range(160), "mobile": pd.Series(mobiles, dtype=object)})
    df["Score"] = pd.Series([1, 2.5, "x", odd] * 40, dtype=object)
    found = gp.validate(df, "id", types={"Score": "number"})
    assert {"mobile_invalid", "value_wrong_type"} <= set(found["rule"])


def test_a_category_of_half_a_character_is_a_violation_of_its_rows():
    labels = pd.Index(["\ud800", "Pune", 3], dtype=object)  # pandas 3 makes no category of such text alone
    df = pd.DataFrame({"id": ["a", "b"], "City": pd.Categorical.from_codes([0, 1], labels)})
    assert set(gp.validate(df, "id")["rule"]) == {"value_wrong_type", "row_empty"}
    assert [len(body["attributes"]) for body in gp.preview(df, "id")] == [0, 1]
