"""Values that the given option cannot read: the fix is the option that reads all of them, if there is one."""

import pandas as pd
import pytest

import growlytics_pandas as gp

FIXED = {
    "day first, but the month is": (["01/31/2025", "02/01/2025"], {"date_format": "%d/%m/%Y"}, {"date_format": "%m/%d/%Y"}),
    "month first, but the day is": (["31/01/2025", "02/01/2025"], {"date_format": "%m/%d/%Y"}, {"date_format": "%d/%m/%Y"}),
    "a date without a format": (["31/01/2025", "02/01/2025"], {"types": "date"}, {"date_format": "%d/%m/%Y"}),
    "padded, with a word": (
        ["01/31/2025 ", "N/A", "03/15/2025"],
        {"date_format": "%d/%m/%Y"},
        {"strip": None, "na_values": ["N/A"], "date_format": "%m/%d/%Y"},
    ),
    "named months": (["31-Jan-25", "02-Feb-25"], {"date_format": "%d-%m-%Y"}, {"date_format": "%d-%b-%y"}),
    "two formats": (["2025-01-31", "31/01/2025"], {"date_format": "ISO8601"}, {"date_format": ["ISO8601", "%d/%m/%Y"]}),
    "milliseconds as seconds": ([1738315800000, 1738315900000], {"date_format": "epoch_s"}, {"date_format": "epoch_ms"}),
    "serial days as digits": ([45688, 45689], {"date_format": "%Y%m%d"}, {"date_format": "excel"}),
    "serial days without a format": ([45688, 45689], {"types": "date"}, {"date_format": "excel"}),
    "a decimal comma as a point": (["1.234,50", "2,5"], {"decimal": "."}, {"decimal": ","}),
    "a decimal point as a comma": (["12.5", "2.55"], {"decimal": ","}, {"decimal": "."}),
    "a number without a mark": (["1.234,50", "2,5"], {"types": "number"}, {"decimal": ","}),
}  # fmt: skip
NOT_FIXED = {
    "a word among them": (["01/31/2025", "02/01/2025", "soon"], {"date_format": "%d/%m/%Y"}),
    "both orders": (["01/31/2025", "31/01/2025", "02/01/2025"], {"date_format": "%d/%m/%Y"}),
    "no order is sure": (["01/02/2025", "02/01/2025"], {"date_format": "%Y-%m-%d"}),
    "ambiguous groups": (["1,234", "5,678", "x"], {"decimal": "."}),
}


def frame_of(values):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "When": values})


def by_column(options):
    return {option: ["When"] if option == "strip" else {"When": value} for option, value in options.items()}


@pytest.mark.parametrize("case", FIXED)
def test_fix_parses_all_values(case):
    values, given, fix = FIXED[case]
    frame, given = frame_of(values), by_column(given)
    plan = gp.plan(frame, "id", **given)
    found = plan.violations.query("rule in ['value_wrong_type', 'date_out_of_range']")
    assert len(found)
    assert set(found["fix"]) == {", ".join(f"{option}={value!r}" for option, value in by_column(fix).items())}
    assert gp.plan(frame, "id", **{**given, **by_column(fix)}).counts == plan.counts
    assert not gp.plan(frame, "id", **{**given, **by_column(fix)}).has_errors
    assert not gp.plan(frame, "id", **plan.suggest()).has_errors
    parts = gp.plan_batches([frame[:1], frame[1:]], "id", **given).violations
    assert set(parts.query("severity == 'error'")["fix"]) == set(found["fix"])


@pytest.mark.parametrize("case", NOT_FIXED)
def test_unfixable_value_is_corrected_at_source(case):
    values, given = NOT_FIXED[case]
    plan = gp.plan(frame_of(values), "id", **by_column(given))
    fixes = plan.violations.query("rule == 'value_wrong_type'")["fix"]
    assert len(fixes)
    assert fixes.str.contains("Correct it at the source").all()
    assert plan.suggest() == by_column(given)


def test_format_that_parses_all_values_is_kept():
    frame = frame_of(["01/02/2025", "02/01/2025", "03/04/2025"])
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        plan = gp.plan(frame, "id", date_format={"When": form})
        assert plan.suggest() == {"date_format": {"When": form}}
        assert plan.violations.empty


def test_fix_has_no_option_that_a_person_must_decide():
    values = ["2025-01-31"] * 30 + ["31/01/2025", "NULL", "never", "never", "never"]
    found = gp.validate(frame_of(values), "id", date_format={"When": "%d/%m/%Y"}).query("rule == 'value_wrong_type'")
    assert set(found["fix"]) == {"na_values={'When': ['NULL']}, date_format={'When': ['ISO8601', '%d/%m/%Y']}"}
