"""The public surface as a user's type checker sees it. Never run: mypy and pyright read it in `.ci/run`.

A line with `type: ignore` is a wrong call: the checkers must refuse it, and complain of an ignore that is not needed.
"""

from pathlib import Path
from typing import Any, assert_type

import pandas as pd

import growlytics_pandas as gp
from growlytics_pandas.accessor import GrowlyticsAccessor
from growlytics_pandas.form.widget import Form
from growlytics_pandas.sandbox import Faults
from growlytics_pandas.upload.changes import Changes
from growlytics_pandas.views.events import ProgressEvent

df = pd.DataFrame({"email": ["asha@example.com"], "City": ["Pune"]})

assert_type(gp.__version__, str)
assert_type(gp.errors.GrowlyticsError("words"), gp.GrowlyticsError)


def watch(event: ProgressEvent) -> None:
    assert_type(event.counts["accepted"], int)
    assert_type(event.seconds_left, float | None)
    event.stop()


with gp.Sandbox(faults=Faults(seed=7, status={503: 0.1}), port=0, db=Path("box.db")) as sandbox:
    assert_type(sandbox, gp.Sandbox)
    assert_type(sandbox.client, gp.Client)
    assert_type(sandbox.base_url, str)
    assert_type(sandbox.customers(), pd.DataFrame)
    assert_type(sandbox.ignored(), pd.DataFrame)
    assert_type(sandbox.attribute_types(), pd.DataFrame)
    assert_type(sandbox.stored(), dict[str, dict[str, Any]])
    assert_type(sandbox.requests, int)
    sandbox.reset()

client = gp.Client("key", "https://example.com", ledger=None, transport="curl", timeout=5, verify=Path("ca.pem"))
client.upsert("c1", {"City": "Pune", "Orders": 3}, name="Purchased")
client.upsert("c1", {"At": "31/01/2025"}, date_format={"At": "%d/%m/%Y"}, strip=True)
client.upsert("c1", [{"name": "City", "type": "string", "value": "Pune"}])
client.declare_types({"Orders": "number"})
client.export_types(Path("types.json"))
assert_type(client.types(), pd.DataFrame)
assert_type(client.history(), pd.DataFrame)
assert_type(client.forget(["c1"]), int)
assert_type(client.ledger, gp.Ledger | None)
gp.Client(transport="carrier pigeon")  # type: ignore[arg-type]
gp.Client(timeout="5")  # type: ignore[arg-type]
gp.Client("key", "https://example.com", None)  # type: ignore[call-arg]
client.upsert("c1")  # type: ignore[call-arg]
client.upsert(1, {})  # type: ignore[arg-type]

with gp.Ledger(Path("ledger.db")) as ledger:
    assert_type(ledger, gp.Ledger)
    gp.Client("key", ledger=ledger)
gp.Ledger(1)  # type: ignore[arg-type]

assert_type(gp.sample_customers(10, seed=1, dirty=True), pd.DataFrame)
gp.sample_customers("10")  # type: ignore[arg-type]

assert_type(gp.schema(df, "email", columns=["City"], rename={"City": "Town"}), pd.DataFrame)
assert_type(gp.suggest(df, "email", strip=True), dict[str, Any])
assert_type(gp.validate(df, id_col="email", types={"City": "string"}), pd.DataFrame)
assert_type(gp.preview(df, "email", n=1), list[dict[str, Any]])
plan = gp.plan(df, "email", timezone="Asia/Kolkata", region="IN", keep="last", new_attributes="forbid", client=client)
assert_type(plan, gp.Plan)
assert_type(plan.schema, pd.DataFrame)
assert_type(plan.violations, pd.DataFrame)
assert_type(plan.counts, dict[str, int])
assert_type(plan.has_errors, bool)
assert_type(plan.preview(2), list[dict[str, Any]])
assert_type(plan.to_html("plan.html"), Path)
assert_type(plan.push(errors="drop"), gp.PushResult)
gp.plan(df, "email", date_format={"City": ["%d/%m/%Y", "ISO8601"]}, decimal=",", na_values=["-", -1], exclude=["City"])
gp.plan(df, "email", strip=["City"], normalize={"email": "email"}, **gp.options.load("customers.toml"))
assert_type(plan.suggestions, pd.DataFrame)
gp.plan(df, "email", decimal=";")  # type: ignore[arg-type]
gp.plan(df, "email", strip="City", na_values=1)  # type: ignore[arg-type]
gp.options.save("customers.toml", id_col="email")
gp.schema(df)  # type: ignore[call-arg]
gp.schema(df, "email", ["City"])  # type: ignore[arg-type, call-arg]
gp.validate([{"email": "asha@example.com"}], "email")  # type: ignore[arg-type]
gp.plan(df, "email", keep="newest")  # type: ignore[arg-type]
gp.plan(df, "email", new_attributes=False)  # type: ignore[arg-type]
gp.plan(df, ["email"])  # type: ignore[arg-type]
gp.plan(df, "email", client=sandbox)  # type: ignore[arg-type]
gp.preview(df, "email", n="3")  # type: ignore[arg-type]

result = gp.push(
    df,
    "email",
    client=client,
    errors="drop",
    dry_run=True,
    skip_unchanged=True,
    chunk_size=500,
    max_concurrency=32,
    max_rate=100,
    max_failures=0.1,
    progress=watch,
)
assert_type(result, gp.PushResult)
assert_type(result.ok, bool)
assert_type(result.counts["accepted"], int)
assert_type(result.outcomes, pd.DataFrame)
assert_type(result.failed, pd.DataFrame)
assert_type(result.violations, pd.DataFrame)
assert_type(result.new_types, pd.DataFrame)
assert_type(result.plan, gp.Plan)
assert_type(result.retry(), gp.PushResult)
assert_type(result.to_html(Path("push.html"), mask=False), Path)
assert_type(result.to_csv("failed.csv", "failed"), Path)
assert_type(gp.last_result(), gp.PushResult | None)
gp.push(df, "email", progress=False)
gp.push(df, "email", progress="text")
gp.push(df, "email", progress=True)  # type: ignore[arg-type]
gp.push(df, "email", errors="ignore")  # type: ignore[arg-type]
gp.push(df, "email", batch_size=100)  # type: ignore[call-arg]
gp.push(df, "email", max_concurrency=1.5)  # type: ignore[arg-type]
result.to_csv("failed.csv", "everything")  # type: ignore[arg-type]
gp.last_result().retry()  # type: ignore[union-attr]
result.ok = True  # type: ignore[misc]

assert_type(gp.push_batches([df, df], "email", client=client, errors="drop"), gp.PushResult)
assert_type(gp.plan_batches([df], "email").push(dry_run=True), gp.PushResult)
gp.push_batches(1, "email")  # type: ignore[arg-type]
gp.push_batches([df], "email", batch_size=100)  # type: ignore[call-arg]

try:
    gp.push(df, "email")
except gp.ConstraintViolationError as error:
    assert_type(str(error), str)
except (gp.AuthenticationError, gp.EndpointError, gp.ServiceUnavailableError) as error:
    assert_type(error.status, int | None)
    assert_type(error.retryable, bool)
    assert_type(error.server_message, str)
except gp.LedgerError as error:
    assert_type(error.path, str)
except gp.GrowlyticsError as error:
    assert_type(error.args, tuple[Any, ...])
except gp.PushInterrupted as interrupt:
    stopped: KeyboardInterrupt = interrupt  # so "run all" stops too

# An accessor is added while the program runs, so pandas' stubs take `df.growlytics` for a column, and nothing behind it
# is checked: a wrong call passes. The functions above, and the accessor's class by name, are checked in full.
assert_type(df.growlytics.push("email", batch_size=100), Any)
accessor = GrowlyticsAccessor(df)
assert_type(accessor.schema("email"), pd.DataFrame)
assert_type(accessor.validate("email"), pd.DataFrame)
assert_type(accessor.preview("email", n=1), list[dict[str, Any]])
assert_type(accessor.plan("email", keep="first"), gp.Plan)
assert_type(accessor.push("email", errors="drop"), gp.PushResult)
assert_type(accessor.form("email", client=client, region="GB", keep="last"), Form)
accessor.push("email", batch_size=100)  # type: ignore[call-arg]
accessor.plan("email", keep="newest")  # type: ignore[arg-type]

segment = gp.push_segment(df, "email", "Is VIP", members=Path("vip.csv"), value="gold", left="none", client=client)
assert_type(segment.joined, int)
assert_type(segment.left, int)
assert_type(segment.stayed, int)
assert_type(segment.is_first_run, bool)
assert_type(segment.rejects(), pd.DataFrame)
assert_type(result.rejects(), pd.DataFrame)
assert_type(plan.rejects(), pd.DataFrame)
assert_type(plan.changes, Changes | None)
if plan.changes is not None:
    assert_type(plan.changes["new"], int)
    assert_type(plan.changes.by_attribute, dict[str, int] | None)
gp.Client("key", track="attributes")
gp.Client("key", track="rows")  # type: ignore[arg-type]
gp.push_segment(df, "email", "Is VIP")  # type: ignore[call-arg]
gp.push_segment(df, "email", "Is VIP", "vip.csv")  # type: ignore[call-arg]
accessor.push_segment("email", "Is VIP", members="vip.csv", types={"City": "string"})  # type: ignore[call-arg]
