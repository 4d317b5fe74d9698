"""A later frame of customers whose types are known: read worse than the first, or in an unclear format."""

import pandas as pd
import pytest

import growlytics_pandas as gp

PINS = [f"{83_281 if i % 3 == 0 else 411_001 + i:06}" for i in range(60)]


def frame(**columns):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(next(iter(columns.values()))))], **columns})


@pytest.fixture
def known(sandbox):
    """Push a first frame with these options; return a function that validates later ones."""

    def push(first, **options):
        gp.push(first, "id", client=sandbox.client, progress=False, **options)

        def validate(later, **options):
            found = gp.validate(later, "id", client=sandbox.client, **options).query("rule != 'row_empty'")
            return found.drop_duplicates(["rule", "column"]).set_index("rule")

        return validate

    return push


def test_codes_without_zeros_do_not_overwrite_text_unsaid(known):
    validate = known(frame(PIN=PINS))
    later = frame(PIN=[int(pin) for pin in PINS])
    assert "dtype={'PIN': str}" in validate(later).loc["type_conflict", "fix"]
    as_text = validate(later, types={"PIN": "string"})
    assert "20 of 60 codes are shorter" in as_text.loc["type_doubtful", "message"]
    assert validate(frame(PIN=PINS)).empty
    assert validate(frame(PIN=[411_001, 411_002]), types={"PIN": "string"}).empty


def test_text_with_zeros_does_not_become_numbers_unsaid(known):
    validate = known(frame(PIN=[int(pin) for pin in PINS]))
    later = frame(PIN=PINS)
    assert "rename={'PIN': 'PIN (text)'}" in validate(later).loc["type_conflict", "fix"]
    as_number = validate(later, types={"PIN": "number"})
    assert "as in 083281" in as_number.loc["type_doubtful", "message"]
    assert "rename={'PIN': 'PIN (text)'}" in as_number.loc["type_doubtful", "fix"]


@pytest.mark.parametrize(
    ("options", "rule"), [({}, "type_conflict"), ({"types": {"Joined": "date"}}, "value_wrong_type")]
)
def test_unclear_order_of_days_is_named(known, options, rule):
    validate = known(frame(Joined=["31/01/2025", "28/02/2025"]), date_format={"Joined": "%d/%m/%Y"})
    fix = validate(frame(Joined=["03/01/2025", "04/02/2025"]), **options).loc[rule, "fix"]
    assert "date_format='%d/%m/%Y'" in fix
    assert "date_format='%m/%d/%Y'" in fix


def test_a_wrong_format_is_answered_by_the_right_one_despite_a_few_bad_values():
    days = [f"{i % 28 + 1:02}/{i % 12 + 1:02}/2025" for i in range(300)]
    wrong = gp.validate(frame(Joined=[*days, "31/02/2024"]), "id", date_format={"Joined": "%m/%d/%Y"})
    assert set(wrong.query("rule == 'value_wrong_type'")["fix"]) == {"date_format={'Joined': '%d/%m/%Y'}"}
    right = gp.validate(frame(Joined=[*days, "31/02/2024"]), "id", date_format={"Joined": "%d/%m/%Y"})
    assert len(right.query("rule == 'value_wrong_type'")) == 1


DAYS = pd.to_datetime(["2025-01-31", "2025-02-01"])
FIRST = {"number": [1.5, 2], "boolean": [True, False], "date": DAYS, "string": ["a", "b"]}


@pytest.mark.parametrize(
    ("known_type", "values", "fix"),
    [
        ("number", ["3", "4"], "types={'X': 'number'}"),
        ("number", ["1.234,50 €", "7,50 €"], "decimal={'X': ','}"),
        ("number", [True, False], "types={'X': 'number'}"),
        ("boolean", ["Ja", "Nein"], "types={'X': 'boolean'}"),
        ("boolean", ["N", "N"], "types={'X': 'boolean'}"),
        ("boolean", ["1", "0"], "types={'X': 'boolean'}"),
        ("boolean", [1, 1], "types={'X': 'boolean'}"),
        ("date", ["31/01/2025", "28/02/2025"], "date_format={'X': '%d/%m/%Y'}"),
    ],
)
def test_option_that_converts_to_the_known_type_is_the_fix(known, known_type, values, fix):
    validate = known(frame(X=FIRST[known_type]))
    assert validate(frame(X=values)).loc["type_conflict", "fix"] == fix
    assert validate(frame(X=values), **eval(f"dict({fix})")).empty


@pytest.mark.parametrize(
    ("known_type", "values", "name"),
    [
        *((known_type, ["Gold", "Silver"], "X (text)") for known_type in ("number", "boolean", "date")),
        ("number", ["yes", "no"], "X (text)"),
        ("number", DAYS, "X (date)"),
        ("boolean", [5, 7], "X (number)"),
        ("date", [5, 7], "X (number)"),
        ("date", [True, False], "X (boolean)"),
    ],
)
def test_values_that_no_option_converts_need_a_new_attribute(known, known_type, values, name):
    validate = known(frame(X=FIRST[known_type]))
    fix = validate(frame(X=values)).loc["type_conflict", "fix"]
    assert f"rename={{'X': {name!r}}}" in fix
    assert "types=" not in fix
    assert "type_conflict" not in validate(frame(X=values), rename={"X": name}).index


def test_unclear_decimal_mark_is_named(known):
    fix = known(frame(X=[1, 2]))(frame(X=["1.234", "5.678"])).loc["type_conflict", "fix"]
    assert "decimal=','" in fix
    assert "decimal='.'" in fix


def test_batches_name_the_same_option(sandbox):
    gp.push(frame(X=[1, 2]), "id", client=sandbox.client, progress=False)
    with pytest.raises(gp.errors.ConstraintViolationError) as caught:
        gp.push_batches([frame(X=["3", "4"])], "id", client=sandbox.client, progress=False)
    assert caught.value.violations["fix"].iloc[0] == "types={'X': 'number'}"
