import pathlib

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp

COMPARED = ["row", "column", "attribute", "rule", "severity", "effect", "limit", "count", "message"]


def cut(frame, rows):
    return [frame.iloc[start : start + rows] for start in range(0, len(frame), rows)]


def plain(frame):
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in COMPARED}


def types_of(frame, id_col):
    schema = gp.schema(frame, id_col)
    custom = schema[~schema["reserved"]]
    return dict(zip(custom["column"], custom["type"], strict=True))


@pytest.fixture
def dirty():
    return gp.sample_customers(300, dirty=True)


def test_violations_match_one_frame(dirty):
    plan = gp.plan_batches(cut(dirty, 70), "customer_id")
    assert plain(plan.violations) == plain(gp.validate(dirty, "customer_id"))
    assert plan.counts == gp.plan(dirty, "customer_id").counts


@pytest.mark.parametrize("counts", [(200, 3), (3, 200)])
def test_remedy_depends_on_the_values_of_all_blocks_and_parts(counts):
    """Of the second block or part, more values are no dates than are, so that alone it would not suggest a format."""
    rows = 70_000  # more than are checked at a time
    days = [[f"{20 + day % 9}/03/2023" for day in range(count)] + ["soon"] * 5 for count in counts]
    values = [value for each in days for value in each + [None] * (rows - len(each))]
    df = pd.DataFrame({"id": [f"c{row}" for row in range(2 * rows)], "Joined": values})
    options = {"id_col": "id", "types": {"Joined": "date"}}
    for found in (gp.validate(df, **options), gp.plan_batches(cut(df, rows), **options).violations):
        wrong = found[found["rule"] == "value_wrong_type"]
        assert len(wrong) == 213
        assert set(wrong["fix"]) == {"date_format={'Joined': '%d/%m/%Y'}"}


@pytest.mark.parametrize(
    "ids",
    [
        [1.0, 2.0, None, 4.0, 5.0],
        ["1.0", "2.0", None, "4.0", "5.0"],
        ["1.0", "2.0", "x", 4.0],
        [*map(float, range(19)), "x"],
    ],
)
def test_id_properties_are_reported_once(ids):
    frame = pd.DataFrame({"id": ids, "n": 1})
    assert plain(gp.plan_batches(cut(frame, 2), "id").violations) == plain(gp.validate(frame, "id"))
    read_once = (part for part in cut(frame, 2))
    found = gp.push_batches(read_once, "id", types={"n": "number"}, dry_run=True, client=gp.Client("k", ledger=None))
    reported = found.violations.query("rule == 'id_float' or rule == 'id_stringified'")
    assert reported["count"].sum() == sum(str(one).endswith(".0") for one in ids)


@pytest.mark.parametrize("keep", [False, "first", "last"])
def test_duplicates_across_batches(keep):
    frame = pd.DataFrame({"id": ["a", "b", "A ", "a", None, "b", "c", "a"], "n": range(8)})
    plan = gp.plan_batches(cut(frame, 3), "id", keep=keep)
    assert plain(plan.violations) == plain(gp.validate(frame, "id", keep=keep))


@pytest.mark.parametrize(
    "columns",
    [
        [[1, 2], [1.5, np.nan]],
        [[None, None], ["x", "y"]],
        [[1, 2], ["x", "y"]],
        [["x", "y"], [1, 2], [3, 4]],
        [[True, False], [None, True]],
        [[pd.Timestamp("2026-01-31"), None], ["2026-02-01", "x"]],
        [[["a"], ["b"]], [None, None]],
    ],
    ids=repr,
)
def test_types_that_differ_between_batches(columns):
    frames = [pd.DataFrame({"id": [f"{i}-{j}" for j in range(len(c))], "x": c}) for i, c in enumerate(columns)]
    frames = [frame.assign(id=frame["id"].astype(str)) for frame in frames]
    whole = pd.concat([frame.astype({"x": object}) for frame in frames], ignore_index=True)
    plan, one = gp.plan_batches(frames, "id"), gp.plan(whole, "id")
    assert plan.schema["type"].fillna("-").tolist() == one.schema["type"].fillna("-").tolist()
    compared = ["row", "rule", "severity", "count"]
    assert plan.violations[compared].astype(object).equals(one.violations[compared].astype(object))
    assert plan.preview(9) == one.preview(9)


def test_column_missing_from_one_batch():
    plan = gp.plan_batches([pd.DataFrame({"id": ["a"]}), pd.DataFrame({"id": ["b"], "City": ["Pune"]})], "id")
    assert plan.schema["missing"].tolist() == [1]
    assert [len(body["attributes"]) for body in plan.preview()] == [0, 1]


def test_empty_batch_keeps_the_column_note():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "Joined": [None, "2026-01-31", "2026-02-01"]})
    note = gp.schema(frame, "id")["note"].item()
    assert "date" in note
    assert gp.plan_batches(cut(frame, 1), "id").schema["note"].item() == note


def test_a_push_of_batches_is_one_push(sandbox, dirty):
    result = gp.push_batches(cut(dirty, 70), "customer_id", client=sandbox.client, errors="drop", progress=False)
    stored, requests = sandbox.stored(), sandbox.requests
    assert requests == result.counts["accepted"] == len(stored)
    sandbox.reset()
    one = gp.push(dirty, "customer_id", client=sandbox.client, errors="drop", progress=False)
    assert (stored, result.counts) == (sandbox.stored(), one.counts)
    assert result.outcomes.drop(columns="index").equals(one.outcomes.drop(columns="index"))
    assert set(result.new_types["attribute"]) == set(one.new_types["attribute"])


def test_errors_in_any_batch_send_nothing(sandbox, dirty):
    with pytest.raises(gp.ConstraintViolationError, match="nothing was sent"):
        gp.push_batches(cut(dirty, 70), "customer_id", client=sandbox.client, progress=False)
    assert sandbox.requests == 0


def test_unchanged_rows_are_not_sent_again(sandbox):
    frames = cut(gp.sample_customers(90), 40)
    gp.push_batches(frames, "customer_id", client=sandbox.client, progress=False)
    again = gp.push_batches(frames, "customer_id", client=sandbox.client, progress=False, skip_unchanged=True)
    dry = gp.push_batches(frames, "customer_id", client=sandbox.client, dry_run=True, skip_unchanged=True)
    assert again.counts["unchanged"] == dry.counts["unchanged"] == 90
    assert sandbox.requests == 90


def test_retry_after_a_stopped_push(sandbox):
    frames, stops = cut(gp.sample_customers(400), 100), []

    def stop(event):
        if event.counts["accepted"] and not stops:
            stops.append(event.stop())

    with pytest.raises(gp.PushInterrupted) as stopped:
        gp.push_batches(frames, "customer_id", client=sandbox.client, progress=stop, max_rate=150)
    result = stopped.value.result
    assert result.counts["unsent"] > 0
    assert sum(result.counts.values()) == len(result.outcomes) == 400
    assert result.retry().counts["accepted"] == 400
    assert sandbox.requests == 400 + result.counts["unknown"]


def test_csv_chunks_are_read_one_at_a_time(sandbox, tmp_path):
    frame = gp.sample_customers(250)[["customer_id", "City", "Total Orders"]]
    frame.to_csv(tmp_path / "customers.csv", index=False)
    path = tmp_path / "customers.csv"
    result = gp.push_batches(
        lambda: pd.read_csv(path, chunksize=100), "customer_id", client=sandbox.client, progress=False
    )
    assert result.counts["accepted"] == 250


def test_changed_source_is_rejected(sandbox):
    lengths = iter([3, 3, 2])
    frames = lambda: [pd.DataFrame({"id": list("abc")[: next(lengths)]})]  # noqa: E731
    with pytest.raises(gp.errors.DataError, match="must return the same rows"):
        gp.push_batches(frames, "id", client=sandbox.client, progress=False)
    assert sandbox.requests == 0


# sources that come only once -----------------------------------------------------------------------------------------


def test_generator_needs_known_types(sandbox):
    frame = gp.sample_customers(60)[["customer_id", "City", "Total Orders"]]
    with pytest.raises(gp.errors.InvalidArgumentError, match=r"'City', 'Total Orders' is neither given"):
        gp.push_batches(iter(cut(frame, 20)), "customer_id", client=sandbox.client, progress=False)
    types = types_of(frame, "customer_id")
    assert gp.push_batches(iter(cut(frame, 20)), "customer_id", types=types, client=sandbox.client, progress=False).ok
    assert gp.push_batches(iter(cut(frame, 20)), "customer_id", client=sandbox.client, progress=False).ok


def test_generator_sends_the_first_of_each_id(sandbox):
    frames = [pd.DataFrame({"id": ["a", "b"], "n": [1, 2]}), pd.DataFrame({"id": ["b", "c"], "n": [3, 4]})]
    result = gp.push_batches(
        iter(frames), "id", types={"n": "number"}, client=sandbox.client, errors="drop", progress=False
    )
    assert result.outcomes["status"].tolist() == ["accepted", "accepted", "invalid", "accepted"]
    assert "earlier batch" in result.violations["message"].item()
    assert sandbox.stored()["b"] == {"n": 2}


def test_result_can_be_shown_if_the_first_batch_cannot_be_read(sandbox, monkeypatch):
    def fail(*_arguments):
        raise MemoryError

    monkeypatch.setattr("growlytics_pandas.upload.batches.profile_part", fail)
    batch = pd.DataFrame({"id": ["a"], "City": ["Pune"]})
    with pytest.raises(MemoryError):
        gp.push_batches(iter([batch]), "id", types={"City": "string"}, client=sandbox.client, progress=False)
    result = gp.last_result()
    assert result.plan.schema["column"].tolist() == ["City"]
    assert len(result.outcomes) == len(result.failed) == sum(result.counts.values()) == 0
    assert list(result.outcomes) == ["row", "index", "id", "status", "http_status", "attempts", "error"]
    assert "MemoryError" in result._repr_html_()


def test_generator_stops_at_a_bad_batch(sandbox):
    frames = [pd.DataFrame({"id": ["a"], "n": [1.0]}), pd.DataFrame({"id": ["b"], "n": [np.inf]})]
    with pytest.raises(gp.ConstraintViolationError, match="batch 1 and all later ones were not sent") as refused:
        gp.push_batches(iter(frames), "id", types={"n": "number"}, client=sandbox.client, progress=False)
    assert refused.value.result.counts["accepted"] == refused.value.result.counts["unsent"] == 1
    with pytest.raises(gp.errors.UsageError, match="only once"):
        refused.value.result.retry()


def test_spark_rows(sandbox):
    class Row:
        def __init__(self, **fields):
            self.fields = fields

        def asDict(self):  # noqa: N802 - Spark's word
            return self.fields

    rows = (Row(id=f"c{i}", n=i) for i in range(5))
    result = gp.push_batches(rows, "id", types={"n": "number"}, client=sandbox.client, progress=False)
    assert result.ok
    assert sandbox.stored()["c3"] == {"n": 3}


def test_arrow_batches(sandbox):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"id": ["a", "b", "c"], "n": [1, None, 3]})
    batches = table.to_batches(max_chunksize=2)
    assert gp.push_batches(batches, "id", client=sandbox.client, progress=False).ok
    assert sandbox.stored() == {"a": {"n": 1.0}, "b": {}, "c": {"n": 3}}


def test_plan_and_result_have_the_same_names():
    of_result = ("counts", "outcomes", "failed", "violations", "retry", "to_csv", "to_html", "plot")
    of_plan = ("counts", "schema", "violations", "suggestions", "preview", "push", "to_html", "plot")
    assert set(of_result) <= set(dir(gp.PushResult))
    assert set(of_plan) <= set(dir(gp.Plan))


def test_invalid_sources_are_rejected():
    for wrong in (pd.DataFrame({"id": ["a"]}), 3):
        with pytest.raises(gp.errors.InvalidArgumentTypeError, match="iterable of "):
            gp.push_batches(wrong, "id", dry_run=True)
    with pytest.raises(gp.errors.InvalidArgumentTypeError, match="each item must be a frame, or a row as a dict"):
        gp.push_batches([1], "id", dry_run=True)
    with pytest.raises(gp.errors.InvalidArgumentError, match="only once"):
        gp.plan_batches(iter([pd.DataFrame({"id": ["a"]})]), "id")


def test_large_outcomes_round_trip_by_parquet(sandbox, monkeypatch):
    pytest.importorskip("pyarrow")
    frames = cut(gp.sample_customers(20)[["customer_id"]], 10)
    in_memory = gp.push_batches(frames, "customer_id", client=sandbox.client, progress=False)
    monkeypatch.setattr("growlytics_pandas.upload.outcomes.IN_MEMORY_ROWS", 15)
    in_files = gp.push_batches(frames, "customer_id", client=sandbox.client, progress=False)
    assert (len(in_memory.outcome_files), len(in_files.outcome_files)) == (0, 2)
    for found, part in zip(in_files.outcome_parts(), in_memory.outcome_parts(), strict=True):
        pd.testing.assert_frame_equal(found.drop(columns="index"), part.drop(columns="index"), check_dtype=True)


def test_reached_once_is_reached():
    """A service that one batch reached is not reported as never reached by the next."""
    box = gp.Sandbox().start()

    def frames():
        yield pd.DataFrame({"id": ["a", "b"], "n": [1, 2]})
        box.stop()
        yield pd.DataFrame({"id": ["c"], "n": [3]})

    client = gp.Client(box.api_key, box.base_url, ledger=None)
    result = gp.push_batches(frames(), "id", types={"n": "number"}, client=client, progress=False)
    assert (result.counts["accepted"], result.counts["failed"] + result.counts["unknown"]) == (2, 1)


def test_rows_that_may_have_arrived_count_towards_max_failures():
    box = gp.Sandbox(faults=gp.sandbox.Faults(reset_after=1.0)).start()
    port = int(box.base_url.rsplit(":", 1)[1])

    def frames():
        yield pd.DataFrame({"id": ["a"], "n": [1]})
        box.stop()
        with gp.Sandbox(port=port, faults=gp.sandbox.Faults(success_false=1.0)):
            yield pd.DataFrame({"id": list("bcdef"), "n": range(5)})

    client = gp.Client(box.api_key, box.base_url, ledger=None)
    with pytest.raises(gp.errors.TooManyFailuresError) as caught:
        gp.push_batches(frames(), "id", types={"n": "number"}, client=client, max_failures=2, max_concurrency=1)
    counts = caught.value.result.counts
    assert (counts["unknown"], counts["failed"], counts["unsent"]) == (1, 1, 4)


def test_unreachable_service_raises():
    nobody = gp.Client("some-key", "http://127.0.0.1:9", ledger=None)
    with pytest.raises(gp.ServiceUnavailableError, match="never reached") as caught:
        gp.push_batches([pd.DataFrame({"id": ["a"]})], "id", client=nobody, progress=False)
    assert caught.value.result.counts["failed"] == 1


@pytest.mark.parametrize("verb", [gp.plan_batches, gp.push_batches])
def test_wrong_client_is_rejected(sandbox, verb):
    with pytest.raises(TypeError, match=r"it must be a Client: use its \.client"):
        verb([pd.DataFrame({"id": ["a"]})], "id", client=sandbox)


@pytest.mark.parametrize("verb", [gp.plan_batches, gp.push_batches])
@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (lambda: pd.DataFrame({"id": ["a"]}), r"the function gave a DataFrame itself.*chunksize=100_000.*in a list"),
        (pd.DataFrame({"id": ["a"]}), "found a DataFrame itself.*in a list"),
        ("big.csv", r"found a path;.*lambda: pd\.read_csv\('big\.csv', chunksize=100_000\)"),
        (pathlib.Path("big.parquet"), r"lambda: pyarrow\.parquet\.ParquetFile\('big\.parquet'\)\.iter_batches\(\)"),
        (lambda: "big.csv", "the function gave a path"),
        (lambda: None, "the function gave a NoneType; it must be an iterable of DataFrames"),
    ],
    ids=["a lambda without chunksize", "a frame", "a path", "a Parquet path", "a lambda of a path", "a lambda of None"],
)
def test_frame_or_path_error_shows_the_fix(verb, frames, words):
    with pytest.raises(gp.errors.InvalidArgumentTypeError, match=words):
        verb(frames, "id")
