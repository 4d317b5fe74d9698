"""Values and labels that pandas cannot compare or print stop no part, no report and no frame."""

import pickle
from decimal import Decimal
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import ConstraintViolationError

ITSELF = []
ITSELF.append(ITSELF)
for _ in range(3000):
    ITSELF = [ITSELF]


class Broken:
    def __str__(self):
        raise RuntimeError("not today")

    __repr__ = __str__


ODD = {
    "a signalling NaN": Decimal("sNaN"),
    "5,001 digits": 10**5000,
    "a list too deep to write": ITSELF,
    "an object that cannot be written": Broken(),
}


def column(value):
    cells = np.empty(3, dtype=object)
    cells[:] = ["a", "b", "c"]
    cells[1] = value
    return pd.Series(cells)


def everything_of(result, folder):
    result.to_html(folder / "masked.html")
    result.to_html(folder / "full.html", mask=False)
    for table in ("outcomes", "failed", "violations"):
        result.to_csv(folder / f"{table}.csv", table)
    if find_spec("xlsxwriter") and hasattr(result, "to_excel"):
        result.to_excel(folder / "result.xlsx")
    return repr(result) + result._repr_html_() + repr(result.violations) + result.violations.to_csv()


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("as_id", [True, False])
def test_in_cells_of_a_frame_and_of_parts(sandbox, tmp_path, odd, as_id):
    frame = pd.DataFrame({"id": ["x", "y", "z"], "Score": column(ODD[odd])})
    frame = frame.rename(columns={"id": "Score", "Score": "id"}) if as_id else frame
    options = {"client": sandbox.client, "progress": False, "errors": "drop"}
    whole = gp.push(frame, "id", **options)
    parts = gp.push_batches([frame, frame.head(0)], "id", **options)
    for result in (whole, parts):
        assert sum(result.counts.values()) == 3
        assert len(result.violations)
        assert everything_of(result, tmp_path)
    assert whole.counts == parts.counts


@pytest.mark.parametrize("odd", ODD)
def test_as_labels_of_rows(sandbox, tmp_path, odd):
    frame = pd.DataFrame({"id": ["x", "x", "z"], "Score": [1.0, float("inf"), 3.0]}, index=pd.Index(column(ODD[odd])))
    assert repr(gp.validate(frame, "id"))
    result = gp.push(frame, "id", client=sandbox.client, progress=False, errors="drop")
    assert everything_of(result, tmp_path)
    with pytest.raises(ConstraintViolationError) as caught:
        gp.push(frame, "id", client=sandbox.client, progress=False)
    assert repr(caught.value.violations) + caught.value.violations.to_csv()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
