"""Each rule fires exactly where it should, and has a message and a fix."""

import datetime as dt
import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.schema import infer_schema
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.ledger.types import KnownType
from growlytics_pandas.samples import PLANTED
from growlytics_pandas.upload.parts import Part
from growlytics_pandas.upload.plan import find_suggestions

PUBLISHED = """
id_missing, id_duplicate, id_rounded                                           | error   | row skipped
id_whitespace, id_float                                                        | warning | value changed
type_doubtful                                                                  | warning | sent as is
id_stringified, id_case_duplicate, id_too_long, id_wrapped                     | warning | sent as is
row_is_heading, row_is_total                                                   | error   | row skipped
index_column, text_damaged, value_whitespace, value_case                                 | warning | sent as is
contact_not_mapped                                                             | warning | sent as is
attribute_name_empty, attribute_name_too_long, attribute_name_duplicate        | error   | attribute dropped
attribute_name_case_clash, attribute_name_whitespace                           | warning | sent as is
type_unsupported, type_conflict                                                | error   | attribute dropped
value_wrong_type                                                               | error   | attribute dropped
value_not_finite, date_out_of_range                                            | error   | attribute dropped
integer_unsafe, value_too_long, value_stringified                              | warning | sent as is
date_truncated, date_shifted, number_ambiguous                                 | warning | value changed
reserved_not_string                                                            | warning | value changed
email_invalid, mobile_invalid                                                  | warning | sent as is
attribute_unknown, currencies_mixed                                            | error   | attribute dropped
too_many_attributes                                                            | error   | attribute dropped
row_empty                                                                      | warning | sent as is
"""


def published():
    for line in PUBLISHED.strip().splitlines():
        names, severity, effect = (part.strip() for part in line.split("|"))
        for name in names.split(", "):
            yield name, severity, effect


def test_rules_match_the_docs():
    assert {(str(rule), str(rule.severity), str(rule.effect)) for rule in Rule} == set(published())
    assert all(rule.meaning for rule in Rule)


def part_of(df, id_col="id", known=None, **options):
    """Return `df` as it is checked and encoded, and its suggestions, with `known` for a ledger."""
    seen = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    remembered = None if known is None else {name: KnownType(kind, seen, "accepted") for name, kind in known.items()}
    chosen = PlanOptions(**options)
    schema = infer_schema(df, id_col, chosen, known=remembered)
    return Part.whole(df, schema), find_suggestions(df, schema, chosen)


def check(df, id_col="id", known=None, **options):
    """Return the violations of `df`, with `known` for a ledger."""
    part, suggestions = part_of(df, id_col, known, **options)
    return part.findings(suggestions).to_frame()


def ids(*values, dtype=object):
    return pd.DataFrame({"id": pd.Series(values, dtype=dtype), "Score": range(len(values))})


def cells(*values, name="X", dtype=object):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], name: pd.Series(values, dtype=dtype)})


def named(*labels):
    columns = pd.Index(["id", *labels], dtype=object)
    return pd.DataFrame([range(len(labels) + 1)] * 2, columns=columns).assign(id=["a", "b"])


def stamps(*texts, unit="us"):
    return np.array(texts, dtype=f"M8[{unit}]")


NOW = dt.datetime(2025, 3, 14, 9, 26, 53, 589793)  # noqa: DTZ001 - naive is what is meant
GROUPED = [n + (37 * n % 1000) / 1000 for n in range(1, 40)]
"""Numbers such as 1.037: perhaps 1037."""
BIRTHS = [pd.Timestamp("1990-05-01", tz="Asia/Kolkata"), pd.Timestamp("1985-12-31", tz="Asia/Kolkata"), None]
TAGS = {f"Tag {i}": ["x", "y"] for i in range(101)}
LONG = "Average Basket Value In Rupees Over The Last Twelve Months"

# rule, what fires it, options
FIRING = [
    ("id_missing", ids("a", None), {}),
    ("id_missing", ids("a", None, "b", dtype="str"), {}),
    ("id_missing", ids(1.0, np.nan, 3.0, dtype="float64"), {}),
    ("id_missing", ids("a", "  ", "\u00a0"), {}),
    ("id_missing", ids("a", "", dtype="string[pyarrow]"), {}),
    ("id_missing", ids("a", True, 1), {}),
    ("id_missing", ids("a", ["b"], {"c": 1}, ("d",)), {}),
    ("id_missing", ids("a", NOW, b"x"), {}),
    ("id_missing", ids(1.0, np.inf, -np.inf, dtype="float64"), {}),
    ("id_missing", ids("a", decimal.Decimal("Infinity")), {}),
    ("id_missing", ids(*stamps("2025-01-01", "2025-01-02"), dtype="M8[us]"), {}),
    ("id_missing", ids("a", "\ud800"), {}),
    ("id_duplicate", ids("a", "b", "a"), {}),
    ("id_duplicate", ids("a", "a", "a", "b", "b", None, None), {}),
    ("id_duplicate", ids("a", "a "), {}),
    ("id_duplicate", ids(1, 1.0, "1"), {}),
    ("id_duplicate", ids(7, 7, 8, dtype="int64"), {}),
    ("id_duplicate", ids("a", "b", "a", dtype="category"), {}),
    ("id_rounded", ids(1577134800018164905.0, np.nan, dtype="float64"), {}),
    ("id_rounded", ids(float(2**53), 1.0, dtype="Float64"), {}),
    ("id_rounded", ids(float(2**53), 1.0, dtype="double[pyarrow]"), {}),
    ("id_rounded", ids(float(2**24), 1.0, dtype="float32"), {}),
    ("id_rounded", ids("a", 1e16), {}),
    ("id_rounded", ids(1e16, 2.0, dtype="category"), {}),
    ("id_rounded", ids("9.19812E+11", "a"), {}),
    ("id_rounded", ids("1e+16", 5), {}),
    ("id_whitespace", ids("a ", "\u00a0b", "c"), {}),
    ("id_whitespace", ids("a ", 12, 13.5, None), {}),
    ("id_whitespace", ids("a\n", "b", dtype="string[pyarrow]"), {}),
    ("id_whitespace", ids("a ", "b", dtype="category"), {}),
    ("id_float", ids(919211.0, np.nan, dtype="float64"), {}),
    ("id_float", ids(919211.0, "a", 2), {}),
    ("id_float", ids(12.5, 3.0, np.inf, dtype="float64"), {}),
    ("id_float", ids(12.0, None, dtype="Float64"), {}),
    ("id_float", ids(12.0, None, dtype="double[pyarrow]"), {}),
    ("id_stringified", ids("a", "nan", "None", "NaT", "<NA>", "null"), {}),
    ("id_stringified", ids("a1", "-", "--", "?", "nil", "Unknown", "NOT AVAILABLE"), {}),
    ("id_stringified", ids("a", " nan ", "12.0 ", 12.5), {}),
    ("id_stringified", ids("12.0", "13.0", None, dtype="string[pyarrow]"), {}),
    ("id_stringified", ids("undefined", "12.0", dtype="category"), {}),
    ("id_wrapped", ids("'7012345678901", "8"), {}),
    ("id_wrapped", ids('="0012345"', "8"), {}),
    ("id_wrapped", ids('"0012345"', "“8”"), {}),
    ("id_wrapped", ids("1,001", "1,002"), {}),
    ("id_wrapped", ids("12,34,567.50", "8"), {}),
    ("id_wrapped", ids("\ufeff8", "9"), {}),
    ("id_wrapped", ids("8\u200b", "9", dtype="category"), {}),
    ("id_wrapped", ids("mailto:asha@example.com"), {}),
    ("id_wrapped", ids("Asha Rao <asha@example.com>", "b@example.com", dtype="string[pyarrow]"), {}),
    ("id_wrapped", ids("a@example.com;d@example.com"), {}),
    ("row_is_heading", pd.DataFrame({"id": ["a", "id", "b"], "City": ["Pune", "City", "Goa"]}), {}),
    (
        "row_is_heading",
        pd.DataFrame({"ID": ["a", "id "], "City": ["Pune", " CITY"], "X": [1, None]}).set_axis(
            ["id", "City", "X"], axis=1
        ),
        {},
    ),
    ("row_is_total", ids("a", "Total"), {}),
    ("row_is_total", ids("a", "Grand Total", dtype="category"), {}),
    ("index_column", named("Unnamed: 0"), {}),
    ("index_column", named("index", "level_0"), {}),
    ("id_case_duplicate", ids("A@x.com", "a@x.com"), {}),
    ("id_case_duplicate", ids("A@x.com", "a@x.com", 5), {}),
    ("id_case_duplicate", ids("ab", "a\u200bb"), {}),
    ("id_case_duplicate", ids("caf\u00e9", "cafe\u0301"), {}),
    ("id_too_long", ids("a" * 41, "b" * 40), {}),
    ("id_too_long", ids("🎉" * 25, "b", 5), {}),
    ("attribute_name_empty", named("City", ""), {}),
    ("attribute_name_empty", named("", " "), {}),
    ("attribute_name_empty", named("City", None), {}),
    ("attribute_name_empty", named("City", np.nan), {}),
    ("attribute_name_empty", named("City", "\ud800"), {}),
    ("attribute_name_too_long", named(LONG), {}),
    ("attribute_name_too_long", named(LONG, LONG + "!"), {}),
    ("attribute_name_too_long", named("🎉" * 25), {}),
    ("attribute_name_too_long", named("City"), {"rename": {"City": LONG}}),
    ("attribute_name_duplicate", named("City", "City"), {}),
    ("attribute_name_duplicate", named("City", "Town"), {"rename": {"Town": "City"}}),
    ("attribute_name_duplicate", named(1, "1"), {}),
    ("attribute_name_case_clash", named("City", "city"), {}),
    ("attribute_name_case_clash", named("city", "City", "CITY"), {}),
    ("attribute_name_case_clash", named("Email"), {}),
    ("attribute_name_case_clash", named("city"), {"known": {"City": "number"}}),
    ("attribute_name_case_clash", named("caf\u00e9", "cafe\u0301"), {}),
    ("attribute_name_case_clash", named("City", "Ci\u200bty"), {}),
    ("attribute_name_whitespace", named("\ufeffCity"), {}),
    ("attribute_name_whitespace", named(" City"), {}),
    ("attribute_name_whitespace", named(" City", "City"), {}),
    ("type_unsupported", cells(pd.Timedelta(1, "D"), None, dtype="m8[us]"), {}),
    ("type_unsupported", cells(dt.timedelta(1), None), {}),
    ("type_unsupported", cells(pd.Timedelta(1, "D"), None, dtype="duration[us][pyarrow]"), {}),
    ("type_unsupported", cells(pd.Timedelta(1, "D"), None, dtype="category"), {}),
    ("type_unsupported", cells(pd.Period("2025-01"), None, dtype="period[M]"), {}),
    ("type_unsupported", cells(pd.Period("2025-01"), None), {}),
    ("type_unsupported", cells(1 + 2j, 3j, dtype="complex128"), {}),
    ("type_unsupported", cells(pd.Interval(0, 1), None, dtype="interval"), {}),
    ("type_unsupported", cells(b"raw", b"\xff", None), {}),
    ("type_unsupported", cells(b"raw", None, dtype="binary[pyarrow]"), {}),
    ("type_unsupported", cells(["a"], [], None), {}),
    ("type_unsupported", cells({"a": 1}, ["b"], None), {}),
    ("type_unsupported", cells({"a": 1}, None), {}),
    ("type_unsupported", cells((1, 2), {3}, None), {}),
    ("type_unsupported", cells(dt.time(1, 2), None), {}),
    ("type_conflict", cells("1", "2.5", None), {"known": {"X": "number"}}),
    ("type_conflict", cells(True, None), {"known": {"X": "number"}}),
    ("type_conflict", cells(*stamps("2025-01-01"), dtype="M8[us]"), {"known": {"X": "number"}}),
    ("type_conflict", cells(1.0, 2.5, None, dtype="float64"), {"known": {"X": "string"}}),
    ("type_conflict", cells(True, False, dtype="bool"), {"known": {"X": "string"}}),
    ("type_conflict", cells(*stamps("2025-01-01"), dtype="M8[us]"), {"known": {"X": "string"}}),
    ("type_conflict", cells("yes", "no", None), {"known": {"X": "boolean"}}),
    ("type_conflict", cells(0, 1, dtype="int64"), {"known": {"X": "boolean"}}),
    ("type_conflict", cells(0, 1, None, dtype="float64"), {"known": {"X": "boolean"}}),
    ("type_conflict", cells("2025-01-01", "2025-01-01 10:00:00", None), {"known": {"X": "date"}}),
    ("type_conflict", cells(5, 6), {"known": {"X": "date"}}),
    ("type_conflict", cells(5, 6), {"known": {"X": "number"}, "types": {"X": "string"}}),
    ("type_doubtful", cells("12", "13.5", None), {}),
    ("type_doubtful", cells("yes", "no", "yes"), {}),
    ("type_doubtful", cells("2025-01-31", "2025-02-01 09:30:00", dtype="category"), {}),
    ("type_doubtful", cells("31/01/2025", "01/02/2025"), {}),
    ("type_doubtful", cells("1,234", "5,678"), {}),
    ("type_doubtful", cells(0, 1, 1, dtype="int64"), {"known": {}}),
    ("currencies_mixed", cells("₹ 5", "$ 5"), {"decimal": {"X": "."}}),
    ("attribute_unknown", cells("a"), {"known": {"City": "string"}, "new_attributes": "forbid"}),
    ("value_wrong_type", cells("FRIEND10", "FRIEND11", 2024, 3.0), {}),
    ("value_wrong_type", cells(1, 2, "three", [4], None), {}),
    ("value_wrong_type", cells(True, False, "maybe"), {}),
    ("value_wrong_type", cells("a", "\ud83c"), {}),
    ("value_wrong_type", cells("12", "twelve"), {"types": {"X": "number"}}),
    ("value_wrong_type", cells("yes", "maybe", dtype="category"), {"types": {"X": "boolean"}}),
    ("value_wrong_type", cells(0, 1, 2, dtype="int64"), {"types": {"X": "boolean"}}),
    ("value_wrong_type", cells("2025-01-01", "soon"), {"types": {"X": "date"}}),
    ("value_wrong_type", cells(1, 2, dtype="int64"), {"types": {"X": "date"}}),
    ("value_wrong_type", cells(True, False, dtype="bool"), {"types": {"X": "date"}}),
    ("value_not_finite", cells(1.0, np.inf, dtype="float64"), {}),
    ("value_not_finite", cells(1.0, -np.inf, dtype="Float64"), {}),
    ("value_not_finite", cells(1.0, np.inf, dtype="double[pyarrow]"), {}),
    ("value_not_finite", cells(1.0, np.inf, dtype="category"), {}),
    ("value_not_finite", cells(1.0, np.inf, dtype="Sparse[float]"), {}),
    ("value_not_finite", cells(decimal.Decimal(1), decimal.Decimal("Infinity")), {}),
    ("value_not_finite", cells(1, 2**1100), {}),
    ("value_not_finite", cells("1", "1e999"), {"types": {"X": "number"}}),
    ("value_not_finite", cells("a", "b").assign(mobile=[9.0, np.inf]), {}),
    ("date_out_of_range", cells(*stamps("10000-01-01", "2025-01-01"), dtype="M8[us]"), {}),
    ("date_out_of_range", cells(*stamps("-0001-01-01", "9999-12-31T12:00"), dtype="M8[s]"), {}),
    ("date_out_of_range", cells(*stamps("10000-01-01", "2025-01-01"), dtype="timestamp[us][pyarrow]"), {}),
    ("integer_unsafe", cells(2**53 + 1, 2, dtype="int64"), {}),
    ("integer_unsafe", cells(2**53 + 1, None, dtype="Int64"), {}),
    ("integer_unsafe", cells(2**70, 2), {}),
    ("integer_unsafe", cells(str(2**70), "2"), {"types": {"X": "number"}}),
    ("integer_unsafe", cells(1577134800018164905.0, None, dtype="float64"), {}),
    ("integer_unsafe", cells(1577134800018164905.0, None, dtype="double[pyarrow]"), {}),
    ("integer_unsafe", cells(1577134800018164905.0, None), {"types": {"X": "string"}}),
    ("integer_unsafe", cells(float(2**24), 1.0, dtype="float32"), {}),
    ("integer_unsafe", cells("a", 1e16), {"types": {"X": "string"}}),
    ("value_whitespace", cells("Hyderabad ", "Pune"), {}),
    ("value_whitespace", cells("\u00a0Pune", "Goa", dtype="category"), {}),
    ("value_case", cells(*["Gold", "Silver"] * 5, "gold"), {}),
    ("number_ambiguous", cells("1.234", "18.528", "996"), {"types": {"X": "number"}}),
    ("number_ambiguous", cells("1,234", "18,528"), {"types": {"X": "number"}}),
    ("number_ambiguous", cells(*GROUPED, 996.0), {}),
    ("text_damaged", cells("MÃ¼nchen", "Pune"), {}),
    ("text_damaged", cells("M\ufffdnchen", "Pune", dtype="string[pyarrow]"), {}),
    ("text_damaged", cells("Pune\x00", "Goa"), {}),
    ("text_damaged", ids("donâ€™t"), {}),
    ("value_too_long", cells("x" * 513, "y", None), {}),
    ("value_too_long", cells("🎉" * 300, "y"), {}),
    ("value_too_long", cells("x" * 513, 5, 6.5), {"types": {"X": "string"}}),
    ("value_too_long", cells("x" * 600, "y", dtype="category"), {}),
    ("value_stringified", cells("Pune", "nan", "None", "NaT", "<NA>"), {}),
    ("value_stringified", cells("nan", None, "Pune", dtype="category"), {}),
    ("value_stringified", cells("nan", "Pune", dtype="large_string[pyarrow]"), {}),
    ("value_stringified", cells("nan", 1, True), {"types": {"X": "string"}}),
    ("value_stringified", cells("nan", name="name"), {}),
    ("date_truncated", cells(NOW, dtype="M8[us]"), {}),
    ("date_truncated", cells(NOW, dtype="datetime64[ns, Asia/Kolkata]"), {}),
    ("date_truncated", cells(NOW, None), {}),
    ("date_truncated", cells(NOW, None, dtype="timestamp[us][pyarrow]"), {}),
    ("date_truncated", cells("2025-03-14T09:26:53.5+05:30", "2025-01-01"), {"types": {"X": "date"}}),
    ("date_shifted", cells(*BIRTHS, dtype="datetime64[us, Asia/Kolkata]"), {}),
    ("date_shifted", cells(*BIRTHS, dtype=pd.ArrowDtype(pa.timestamp("us", "Asia/Kolkata"))), {}),
    ("date_shifted", cells(*BIRTHS), {"timezone": "Europe/Berlin"}),
    ("reserved_not_string", cells(919211112.0, np.nan, name="mobile", dtype="float64"), {}),
    ("reserved_not_string", cells(1.5, np.inf, name="name", dtype="float64"), {}),
    ("reserved_not_string", cells(9876543210, 9876543211, name="mobile", dtype="int64"), {}),
    ("reserved_not_string", cells("a", 9876543210.0, name="mobile"), {}),
    ("reserved_not_string", cells(True, None, name="name"), {}),
    ("reserved_not_string", cells(NOW, name="name"), {}),
    ("contact_not_mapped", cells("asha@example.com", "ravi@example.com", name="E-mail"), {}),
    ("contact_not_mapped", cells("9876543210", "9876543211", name="Phone"), {}),
    ("contact_not_mapped", cells("Asha Rao", "Ravi Kumar", name="Full Name"), {}),
    ("contact_not_mapped", pd.DataFrame({"id": ["a"], "First Name": ["Asha"], "Last Name": ["Rao"]}), {}),
    ("email_invalid", cells("asha.example.com", "a@example.com", name="email"), {}),
    ("email_invalid", cells("asha.example.com", "a@example.com", name="email", dtype="category"), {}),
    ("email_invalid", cells(True, False, name="email", dtype="bool"), {}),
    ("mobile_invalid", cells("99192", "9876543210", name="mobile"), {}),
    ("mobile_invalid", cells(99192, 9876543210, name="mobile", dtype="int64"), {}),
    ("too_many_attributes", pd.DataFrame({"id": ["a", "b"], **TAGS}), {}),
    ("row_empty", pd.DataFrame({"id": ["a", "b"], "X": ["x", None]}), {}),
    ("row_empty", pd.DataFrame({"id": ["a", "b"], "X": ["x", None], "Y": ["y", "z"]}), {"columns": ["X"]}),
    ("row_empty", pd.DataFrame({"id": ["a", "b"], "X": ["x", None], "Y": [b"y", b"z"]}), {}),
]
NAMES = [f"{i}-{rule}" for i, (rule, _, _) in enumerate(FIRING)]


@pytest.mark.parametrize(("rule", "df", "options"), FIRING, ids=NAMES)
def test_each_violation_has_a_message_and_a_fix(rule, df, options):
    found = check(df, **options).query("rule == @rule")
    assert found["message"].str.endswith(".").all()
    assert found["message"].str.contains("column ").all()
    assert (found["fix"].str.len() > 0).all()


def test_every_rule_has_a_failing_frame():
    assert {rule for rule, _, _ in FIRING} == set(Rule)


@pytest.mark.parametrize(("rule", "df", "options"), FIRING, ids=NAMES)
def test_rule_has_its_severity_and_effect(rule, df, options):
    found = check(df, **options).query("rule == @rule")
    assert len(found) > 0
    assert (rule, found["severity"].unique().item(), found["effect"].unique().item()) in set(published())


@pytest.mark.parametrize(("rule", "df", "options"), FIRING, ids=NAMES)
def test_effect_of_a_rule_is_what_happens(rule, df, options):
    part, suggestions = part_of(df, **options)
    found, skipped = part.findings(suggestions).to_frame(), part.prechecked.skipped
    assert set(found.loc[found["effect"] == "row skipped", "row"]) == set(np.flatnonzero(skipped))
    bodies = [json.loads(body) for body in part.bodies(np.flatnonzero(~skipped))]
    sent = dict(
        zip(np.flatnonzero(~skipped), [{a["name"] for a in b.get("attributes", ())} for b in bodies], strict=True)
    )
    dropped = found[(found["effect"] == "attribute dropped") & (found["rule"] != "too_many_attributes")]
    for row, attribute in zip(dropped["row"], dropped["attribute"], strict=True):
        assert not any(attribute in sent.get(each, ()) for each in (sent if row is pd.NA else [row]))


SKIPPING = [(rule, df) for rule, df, _ in FIRING if Rule[rule.upper()].effect == "row skipped"]


@pytest.mark.parametrize(("rule", "df"), SKIPPING, ids=[f"{i}-{rule}" for i, (rule, _) in enumerate(SKIPPING)])
def test_batches_skip_the_same_rows(rule, df):
    whole, parts = gp.plan(df, "id").counts["invalid"], gp.plan_batches([df.iloc[:1], df.iloc[1:]], "id").counts
    assert whole == parts["invalid"] > 0


@pytest.mark.parametrize("rule", sorted(set(Rule) - {"row_empty", "attribute_unknown", "contact_not_mapped"}))
def test_clean_customers_break_no_rule(rule):
    df = gp.sample_customers(200)
    for id_col in ("customer_id", "email", "mobile"):
        assert rule not in set(gp.validate(df, id_col)["rule"])


QUIET = [
    ("id_missing", ids("a", "0", 0, "nan"), {}),
    ("id_duplicate", ids("a", "A", "b"), {}),
    ("id_whitespace", ids("a b", "c"), {}),
    ("id_rounded", ids(float(2**53 - 1), decimal.Decimal(1577134800018164905), 2**70), {}),
    ("id_rounded", ids("12e45678", "1e10", "E+11"), {}),
    ("id_wrapped", ids("O'Neil", "a,b", "x=1", "Asha Rao", "a@example.com", "12,34"), {}),
    ("row_is_heading", ids("idea", 5), {}),
    ("row_is_total", ids("Totally", "subtotal-5", "Anna Total"), {}),
    ("index_column", cells("x", name="index"), {}),
    ("id_float", ids(1, 2, "3.0"), {}),
    ("id_float", ids(1, None, dtype="Int64"), {}),
    ("id_stringified", ids("12", "1.2.0", "v1.0", 12.0, "Nandi", "a-b", "NV", "-1"), {}),
    ("id_stringified", ids(12.0, np.nan, dtype="float64"), {}),
    ("id_case_duplicate", ids("a", "b", "a"), {}),
    ("id_too_long", ids("a" * 40, "🎉" * 20, " " + "b" * 40), {}),
    ("attribute_name_empty", named("0", 0), {}),
    ("attribute_name_too_long", named("a" * 49), {}),
    ("attribute_name_too_long", named("🎉" * 24), {}),
    ("attribute_name_duplicate", named("City", "city"), {}),
    ("attribute_name_case_clash", named("City", "Town", "name", "email"), {"known": {"City": "number"}}),
    ("attribute_name_whitespace", named("Total Orders"), {}),
    ("type_unsupported", cells(None, None), {}),
    ("type_conflict", cells("a"), {"known": {"X": "string"}}),
    ("type_conflict", cells(5), {"known": {"X": "string"}, "types": {"X": "string"}}),
    ("type_conflict", cells(None), {"known": {"X": "number"}}),
    ("type_doubtful", cells("12", "x", "13"), {}),
    ("type_doubtful", cells("12", "13"), {"types": {"X": "string"}}),
    ("type_doubtful", cells("12", "13"), {"known": {"X": "string"}}),
    ("type_doubtful", cells("0012", "0013"), {}),
    ("type_doubtful", cells("2025-01-31", name="name"), {}),
    ("currencies_mixed", cells("₹ 5", "Rs. 5", "7"), {"decimal": {"X": "."}}),
    ("currencies_mixed", cells("₹ 5", "$ 5"), {}),
    ("attribute_unknown", cells("a"), {"known": {}}),
    ("attribute_unknown", cells("a", name="email"), {"known": {}, "new_attributes": "forbid"}),
    ("attribute_unknown", cells("a"), {"known": {"X": "string"}, "new_attributes": "forbid"}),
    ("value_wrong_type", cells(1, 2.5, decimal.Decimal("3.5"), None), {}),
    ("value_wrong_type", cells("1", 2, True), {"types": {"X": "string"}}),
    ("value_not_finite", cells(1e308, np.nan, dtype="float64"), {}),
    ("date_out_of_range", cells(*stamps("0001-01-01", "9999-12-31T23:59:59", "NaT"), dtype="M8[s]"), {}),
    ("integer_unsafe", cells(2**53 - 1, 1 - 2**53), {}),
    ("integer_unsafe", cells(2**60), {"types": {"X": "string"}}),
    ("integer_unsafe", cells(float(2**53 - 1), 1e-300, dtype="float64"), {}),
    ("value_whitespace", cells("Navi Mumbai", "", None), {}),
    ("text_damaged", cells("München", "SÃO PAULO", "Â", "naïve café", "ñ¿"), {}),
    ("value_too_long", cells("x" * 512, "🎉" * 256), {}),
    ("value_case", cells(*["Gold", "Silver"] * 5), {}),
    ("number_ambiguous", cells("1.234", "18.528", "996"), {"types": {"X": "number"}, "decimal": ","}),
    ("number_ambiguous", cells("1.234", "18.528", "1996"), {"types": {"X": "number"}, "decimal": "."}),
    ("number_ambiguous", cells("1.234", "18.52"), {"types": {"X": "number"}}),
    ("number_ambiguous", cells(*GROUPED), {"decimal": {"X": "."}}),
    ("number_ambiguous", cells(*GROUPED, 0.5), {}),
    ("number_ambiguous", cells(*GROUPED, 1996.0), {}),
    ("number_ambiguous", cells(*[number * 10 for number in GROUPED]), {}),
    ("number_ambiguous", cells(*[number + 0.0004 for number in GROUPED]), {}),
    ("value_stringified", cells("Nandi", "", "NA", None), {}),
    ("value_stringified", cells("nan", name="email"), {}),
    ("date_truncated", cells(NOW.replace(microsecond=0), dt.date(2025, 1, 1)), {}),
    ("date_shifted", cells(*BIRTHS), {"timezone": "Asia/Calcutta"}),
    ("date_shifted", cells(*BIRTHS, pd.Timestamp("2025-01-31 09:30", tz="Asia/Kolkata")), {}),
    ("date_shifted", cells(*stamps("2025-01-31", "2025-02-01"), dtype="M8[us]"), {}),
    ("reserved_not_string", cells("9876543210", None, name="mobile"), {}),
    ("reserved_not_string", cells(None, None, name="name"), {}),
    ("contact_not_mapped", cells("asha@example.com", name="email"), {}),
    ("contact_not_mapped", cells("Pune", "Delhi", name="City"), {}),
    ("email_invalid", cells("a@example.com", None, name="email"), {}),
    ("email_invalid", cells("not one", name="Email 2"), {}),
    ("mobile_invalid", cells("+91 98765 43210", "+1 202 555 0143", None, name="mobile"), {}),
    ("mobile_invalid", cells("2025550143", name="mobile"), {"region": "US"}),
    ("too_many_attributes", pd.DataFrame({"id": ["a"], **{f"Tag {i}": ["x"] for i in range(100)}, "name": ["n"]}), {}),
    ("too_many_attributes", pd.DataFrame({"id": ["a"], **{f"Tag {i}": ["x"] for i in range(100)}, "X": [None]}), {}),
    ("row_empty", pd.DataFrame({"id": [None, "a"], "X": [None, 0]}), {}),
    ("row_empty", pd.DataFrame({"email": ["a@example.com"]}), {"id_col": "email"}),
]


@pytest.mark.parametrize(("rule", "df", "options"), QUIET, ids=[f"{i}-{rule}" for i, (rule, _, _) in enumerate(QUIET)])
def test_rule_accepts_valid_frames(rule, df, options):
    assert rule not in set(check(df, **options)["rule"])


def test_every_rule_has_a_passing_frame():
    assert {rule for rule, _, _ in QUIET} == set(Rule)


def test_dirty_samples_break_all_planted_rules():
    found = gp.validate(gp.sample_customers(300, dirty=True), "customer_id")
    assert set(found["rule"]) == set(PLANTED)
