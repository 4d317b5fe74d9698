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
