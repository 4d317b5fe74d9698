"""The CDNOW purchase log, one row per customer: 23,570 real customers arrive whole, value by value."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
PURCHASES, CUSTOMERS = 69_659, 23_570
ATTRIBUTES = {
    "Total Orders": "number",
    "CDs": "number",
    "Revenue": "number",
    "First Order Date": "date",
    "Last Order Date": "date",
    "Is Repeat Buyer": "boolean",
}


@pytest.fixture(scope="module")
def purchases():
    """One row a purchase: customer, date, CDs, dollars."""
    package = Path(importlib.util.find_spec("lifetimes").origin).parent  # found, not imported: only its data are wanted
    found = pd.read_csv(
        package / "datasets" / "CDNOW_master.txt",
        sep=r"\s+",
        header=0,
        names=["customer", "date", "cds", "dollars"],
        dtype={"customer": "str", "date": "str"},
    )
    assert len(found) == PURCHASES
    return found.assign(date=pd.to_datetime(found["date"], format="%Y%m%d"))


@pytest.fixture(scope="module")
def customers(purchases):
    """One row a customer: orders, CDs, revenue, first and last purchase, repeat buyer."""
    by_customer = purchases.groupby("customer", sort=False)
    frame = by_customer.agg(
        **{
            "Total Orders": ("date", "size"),
            "CDs": ("cds", "sum"),
            "Revenue": ("dollars", "sum"),
            "First Order Date": ("date", "min"),
            "Last Order Date": ("date", "max"),
        }
    ).reset_index()
    frame["Is Repeat Buyer"] = frame["Total Orders"] > 1
    return frame


def test_every_value_is_stored_unchanged(customers, sandbox):
    result = customers.growlytics.push("customer", client=sandbox.client, progress=False)

    assert result.ok
    assert result.counts["accepted"] == len(customers) == CUSTOMERS
    assert sandbox.requests == CUSTOMERS
    assert sandbox.ignored().empty
    assert sandbox.attribute_types().set_index("attribute")["type"].to_dict() == ATTRIBUTES
    assert sandbox.stored() == {
        row["customer"]: {
            "Total Orders": row["Total Orders"],
            "CDs": row["CDs"],
            "Revenue": row["Revenue"],
            "First Order Date": row["First Order Date"].strftime("%Y-%m-%d %H:%M:%S"),
            "Last Order Date": row["Last Order Date"].strftime("%Y-%m-%d %H:%M:%S"),
            "Is Repeat Buyer": row["Is Repeat Buyer"],
        }
        for row in customers.to_dict("records")
    }


def test_ids_keep_leading_zeros(customers):
    assert customers["customer"].str.startswith("0").any()
    bodies = customers.growlytics.preview("customer", n=CUSTOMERS)
    assert [body["id"] for body in bodies] == customers["customer"].tolist()


def test_monthly_segment_sends_changes_only(purchases, sandbox, tmp_path):
    """'Bought in the last 90 days' at 4 month ends, as a scheduled job would push it."""
    before, expected = set(), 0
    for month_end in pd.date_range("1997-01-31", periods=4, freq="ME"):
        window = purchases[purchases["date"].between(month_end - pd.Timedelta(days=89), month_end)]
        bought = window[["customer"]].drop_duplicates()
        result = bought.growlytics.push_segment(
            "customer",
            "Bought Lately",
            members=tmp_path / "bought.csv",
            client=sandbox.client,
            allow_empty=True,
            progress=False,
        )
        now = set(bought["customer"])
        assert (result.joined, result.left, result.stayed) == (len(now - before), len(before - now), len(now & before))
        before, expected = now, expected + len(now ^ before)
        assert sandbox.requests == expected
    stored = sandbox.stored()
    assert {id_ for id_, attributes in stored.items() if attributes["Bought Lately"]} == before
    assert len(stored) == CUSTOMERS
