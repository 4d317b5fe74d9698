"""Values that Python or pandas cannot print or compare: reported as violations in every output."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas._masking import mask_value, written
from growlytics_pandas.csv_safe import read_csv, write_csv
from growlytics_pandas.errors import DataError

HUGE = 10**5000
ODD = {
    "integer": HUGE,
    "negative integer": -HUGE,
    "signalling NaN": Decimal("sNaN"),
    "signalling NaN with digits": Decimal("-sNaN123"),
    "decimal": Decimal("1e1000000"),
    "fraction": Fraction(HUGE, 3),
    "list of it": [HUGE],
    "list of a signalling NaN": [Decimal("sNaN")],
    "timedelta": np.timedelta64(1, "D"),
    "wide": np.uint64(2**64 - 1),
}


def cells(*values):
    made = np.empty(len(values), dtype=object)
    made[:] = list(values) if not any(isinstance(value, list) for value in values) else None
    for i, value in enumerate(values):
        made[i] = value
    return pd.Series(made, dtype=object)


def everything(plan, folder):
    result = plan.push(dry_run=True)
    for shown, name in ((plan, "plan"), (result, "result")):
        for mask in (True, False):
            shown.to_html(folder / f"{name}-{mask}.html", mask=mask)
    result.to_csv(folder / "outcomes.csv")
    write_csv(plan.violations, folder / "violations.csv")
    texts = [repr(plan), plan._repr_html_(), repr(result), repr(plan.violations), plan.violations.to_csv()]
    return texts + [path.read_text(encoding="utf-8") for path in folder.iterdir()]


@pytest.mark.parametrize("place", ["value", "mixed", "id", "name", "index"])
@pytest.mark.parametrize("kind", ODD)
def test_odd_values_are_reported_everywhere(tmp_path, kind, place):
    frame = pd.DataFrame({"id": ["a", "b", "c"], "Score": [1, 2, 3]})
    value = ODD[kind]
    if place == "index":
        frame.index = pd.Index(cells(value, "x", "y"), dtype=object)
    else:
        column = {"value": "Score", "mixed": "Score"}.get(place, place)
        frame[column] = cells(value, *({"value": (1, 2)}.get(place, ("b", "c"))))
    plan = gp.plan(frame, "id")
    assert everything(plan, tmp_path)
    if place == "id":
        assert plan.counts["invalid"] >= (kind != "wide")


@pytest.mark.parametrize("types", [None, "string", "number", "boolean", "date"])
@pytest.mark.parametrize("value", [Decimal("sNaN"), HUGE], ids=["signal", "huge"])
def test_odd_number_under_every_type(tmp_path, types, value):
    frame = pd.DataFrame({"id": ["a", "b"], "Score": cells(value, 1)})
    plan = gp.plan(frame, "id", types={"Score": types} if types else None)
    assert 0 in plan.violations["row"].tolist()
    assert everything(plan, tmp_path)


def test_odd_number_in_a_category(tmp_path):
    categories = pd.Categorical.from_codes([0, 1], categories=pd.Index(cells(HUGE, 1), dtype=object))
    plan = gp.plan(pd.DataFrame({"id": ["a", "b"], "Score": categories}), "id")
    assert set(plan.violations["row"]) == {0}
    assert everything(plan, tmp_path)


def test_huge_integer_is_shown_by_size(tmp_path):
    plan = gp.plan(pd.DataFrame({"id": ["a", "b"], "Score": cells(HUGE, 1)}), "id")
    assert "integer of 5,001 digits" in plan.violations["value"].tolist()
    plan.to_html(tmp_path / "full.html", mask=False)
    assert "integer of 5,001 digits" in (tmp_path / "full.html").read_text(encoding="utf-8")
    assert "integer of 5,001 digits" in read_csv(write_csv(plan.violations, tmp_path / "v.csv"))["value"].tolist()


@pytest.mark.parametrize(
    ("value", "digits"), [(10**4300, "4,301"), (10**5000 - 1, "5,000"), (-(10**6000), "6,001")], ids=["a", "b", "c"]
)
def test_digits_are_counted(value, digits):
    assert written(value) == f"integer of {digits} digits"
    assert mask_value(value)


def test_huge_integer_label_is_an_error():
    df = pd.DataFrame([["a", 1]], columns=["id", 10**5000])
    for call in (gp.schema, gp.validate, gp.preview, gp.suggest):
        with pytest.raises(DataError, match=r"labelled with an integer of 5,001 digits; give it a name"):
            call(df, "id")
