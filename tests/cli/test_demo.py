"""The demo: users paste what it prints, so it is printed in full."""

import re

import growlytics_pandas


def test_demo_prints_every_fix_and_column(command):
    done = command("demo", "--rows", "150")
    df = growlytics_pandas.sample_customers(150, seed=0, dirty=True)
    found = df.growlytics.validate("customer_id").drop_duplicates("rule")
    lines = done.out.splitlines()
    assert [fix for fix in found["fix"] if f"    {fix}" not in lines] == []
    columns = df.columns.drop("customer_id")[:18]
    assert [label for label in columns if not any(line.endswith(f"  {label!r}") for line in lines)] == []


def test_demo_ends_clean_with_the_next_step(command):
    done = command("demo", "--rows", "150")
    _, _, after = done.out.rpartition("--- … and plan.push() ---")
    assert re.match(r"\s*<PushResult finished: 5 accepted; 0 violations;", after)
    assert "growlytics-pandas push customers.csv" in after
    assert done.status == 0
