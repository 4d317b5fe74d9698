"""`push_segment` sends who joined and left, nothing for those who stayed, and records confirmed outcomes only."""

import stat
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import (
    ConstraintViolationError,
    DataError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    UsageError,
)
from growlytics_pandas.segments.members import locked, read_members, write_members

IN, OUT = {"Is VIP": True}, {"Is VIP": False}
LONG_AGO = "2020-01-01T00:00:00Z"


def frame(*ids, label="id"):
    return pd.DataFrame({label: pd.Series(ids, dtype=object)})


@pytest.fixture
def members(tmp_path):
    return tmp_path / "vip.csv"


@pytest.fixture
def push(sandbox, members):
    """Push a segment of these ids to the sandbox."""

    def call(*ids, **options):
        options = {"members": members, "client": sandbox.client, "progress": False} | options
        return gp.push_segment(frame(*ids), "id", "Is VIP", **options)

    return call


def test_joiners_and_leavers_alone_are_sent(push, sandbox):
    first = push("a", "b", "c")
    assert (first.joined, first.left, first.stayed, first.is_first_run) == (3, 0, 0, True)
    assert "first run: no earlier members" in repr(first)
    second = push("b", "c", "d")
    assert (second.joined, second.left, second.stayed, second.is_first_run) == (1, 1, 2, False)
    assert sandbox.stored() == {"a": OUT, "b": IN, "c": IN, "d": IN}
    assert sandbox.requests == 5
    assert second.outcomes[["id", "status"]].to_numpy().tolist() == [
        ["b", "unchanged"],
        ["c", "unchanged"],
        ["d", "accepted"],
        ["a", "accepted"],
    ]
    assert second.ok


def test_returning_customer_is_sent_again(push, sandbox):
    for ids in (("a", "b"), ("b",), ("a", "b")):
        push(*ids, allow_empty=True)
    assert sandbox.stored() == {"a": IN, "b": IN}
    assert sandbox.requests == 4


def test_resend_also_sends_stayers(push, sandbox):
    push("a", "b")
    result = push("a", "b", resend=True)
    assert (result.joined, result.left, result.stayed) == (0, 0, 2)
    assert sandbox.requests == 4
    assert result.counts["accepted"] == 2


@pytest.mark.parametrize(
    ("value", "left"), [("gold", "none"), (2, 1), (1.5, 0.0), (pd.Timestamp("2026-01-31"), pd.Timestamp("1970-01-01"))]
)
def test_other_values_than_true_and_false(push, sandbox, value, left):
    push("a", "b", value=value, left=left)
    push("b", value=value, left=left)
    stored = {id_: attributes["Is VIP"] for id_, attributes in sandbox.stored().items()}
    written = [str(one) if isinstance(one, pd.Timestamp) else one for one in (left, value)]
    assert [stored["a"], stored["b"]] == written


@pytest.mark.parametrize(
    "bad",
    [
        {"value": None},
        {"left": float("nan")},
        {"value": [1]},
        {"value": 1, "left": False},
        {"value": "yes", "left": "yes"},
        {"resend": "yes"},
        {"allow_empty": 1},
        {"members": 3},
        {"strip": ["no such column"]},
        {"normalize": {"no such column": "email"}},
    ],
)
def test_wrong_call_is_refused_before_sending(push, sandbox, members, bad):
    with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError), match=next(reversed(bad))):
        push("a", **bad)
    assert sandbox.requests == 0
    assert not members.exists()


@pytest.mark.parametrize("attribute", ["email", "id", 3])
def test_unfit_segment_attribute_is_refused(sandbox, members, attribute):
    with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError), match="attribute"):
        gp.push_segment(frame("a"), "id", attribute, members=members, client=sandbox.client)


# comparing ids ------------------------------------------------------------------------------------------------------


def test_ids_are_compared_as_sent(sandbox, members):
    how = {"members": members, "client": sandbox.client, "progress": False}
    gp.push_segment(
        frame("Asha@Example.com ", "ravi@example.com"), "id", "Is VIP", strip=True, normalize={"id": "email"}, **how
    )
    result = gp.push_segment(
        frame("asha@example.com", "'ravi@example.com"), "id", "Is VIP", strip=True, normalize={"id": "email"}, **how
    )
    assert (result.joined, result.left, result.stayed) == (0, 0, 2)
    assert set(read_members(members)) == {"asha@example.com", "ravi@example.com"}


def test_leaver_has_the_id_that_was_sent(sandbox, members):
    how = {"members": members, "client": sandbox.client, "progress": False}
    gp.push_segment(frame("A@x.com"), "id", "Is VIP", **how)
    gp.push_segment(frame("A@x.com"), "id", "Is VIP", normalize={"id": "lower"}, **how)
    assert sandbox.stored() == {"A@x.com": OUT, "a@x.com": IN}


def test_id_options_do_not_change_the_value(push, sandbox):
    push("a", "NA", value=" NA ", left="", strip=True, na_values=["NA", "b"], errors="drop")
    assert sandbox.stored() == {"a": {"Is VIP": " NA "}}


def test_whole_number_ids_match_across_dtypes(sandbox, members):
    how = {"members": members, "client": sandbox.client, "progress": False}
    gp.push_segment(pd.DataFrame({"id": [1, 2]}), "id", "Is VIP", **how)
    result = gp.push_segment(pd.DataFrame({"id": [1.0, 2.0, np.nan]}), "id", "Is VIP", errors="drop", **how)
    assert (result.joined, result.left, result.stayed) == (0, 0, 2)


def test_first_row_of_a_repeated_id_counts(push, sandbox):
    result = push("a", "b", "a")
    assert (result.joined, sandbox.requests) == (2, 2)
    assert result.counts["invalid"] == 1
    assert result.ok
    assert result.violations[["row", "rule", "severity"]].to_numpy().tolist() == [[2, "id_duplicate", "warning"]]


def test_rows_without_an_id_raise_or_are_dropped(push, sandbox, members):
    with pytest.raises(ConstraintViolationError) as refused:
        push("a", None)
    assert refused.value.violations["rule"].tolist() == ["id_missing"]
    assert not members.exists()
    result = push("a", None, errors="drop")
    assert list(read_members(members)) == ["a"]
    assert not result.ok


def test_violations_show_the_original_frame(sandbox, members):
    df = pd.DataFrame({"id": [1e16, 2.0], "x": 1}, index=["p", "q"])
    result = gp.push_segment(df, "id", "Is VIP", members=members, client=sandbox.client, errors="drop", progress=False)
    rounded = result.violations[result.violations["rule"] == "id_rounded"].iloc[0]
    assert (rounded["row"], rounded["index"], rounded["value"], rounded["column"]) == (0, "p", 1e16, "id")


def test_type_conflict_never_drops_the_segment(push, sandbox, members):
    """An attribute of another type is never dropped from its own segment."""
    sandbox.client.declare_types({"Is VIP": "string"})
    with pytest.raises(ConstraintViolationError, match="Is VIP") as refused:
        push("a", errors="drop")
    assert "type_conflict" in refused.value.violations["rule"].tolist()
    assert sandbox.requests == 0
    assert not members.exists()


# suspicious frames --------------------------------------------------------------------------------------------------


def test_large_loss_of_members_needs_allow_empty(push, sandbox, members):
    """An empty frame and a loss of more than half the members need allow_empty."""
    push("a", "b", "c", "d")
    before = members.read_bytes()
    for ids in ((), ("a",)):
        with pytest.raises(DataError, match="allow_empty=True"):
            push(*ids)
        dry = push(*ids, dry_run=True)
        assert dry.run.would_refuse
        assert dry.left == 4 - len(ids)
    assert (members.read_bytes(), sandbox.requests) == (before, 4)
    assert push("a", "b").left == 2
    assert push(allow_empty=True).left == 2
    assert read_members(members) == {}


def test_frame_without_members_needs_allow_empty(push):
    push(*(f"c{i}" for i in range(10)))
    with pytest.raises(DataError, match="none of the 10"):
        push(*(f"{i}@example.com" for i in range(10)))


def test_first_run_of_empty_segment_writes_file(push, members):
    push(allow_empty=True)
    assert read_members(members) == {}
    assert not push("a").is_first_run


def test_a_dry_run_writes_nothing(push, sandbox, members):
    result = push("a", "b", dry_run=True)
    assert (result.joined, result.counts["unsent"]) == (2, 2)
    assert list(members.parent.glob("*vip*")) == []
    assert result.plan.push(progress=False).joined == 2
    assert sandbox.requests == 2
    assert set(read_members(members)) == {"a", "b"}


# outcomes -----------------------------------------------------------------------------------------------------------


def test_a_rejected_customer_keeps_its_entry(faulty, members):
    before = {"a": LONG_AGO, "b": LONG_AGO}
    write_members(members, before)
    client = faulty(success_false=1.0).client
    for _ in range(2):  # the next run sends both again
        result = gp.push_segment(frame("b", "c"), "id", "Is VIP", client=client, members=members, progress=False)
        assert (result.joined, result.left, result.counts["failed"]) == (0, 0, 2)
        assert read_members(members) == before


def test_uncertain_customers_are_sent_again(faulty, members):
    write_members(members, {"a": LONG_AGO})
    how = {"members": members, "client": faulty(reset_after=1.0).client, "progress": False}
    with pytest.raises(gp.GrowlyticsError):
        gp.push_segment(frame("b"), "id", "Is VIP", max_failures=1, **how)
    assert read_members(members) == {"a": "", "b": ""}


def test_return_after_a_lost_leave_is_sent(push, sandbox, members):
    push("a", "b")
    write_members(members, {"a": LONG_AGO, "b": ""})  # as a run that was killed leaves it: b was about to leave
    result = push("a", "b")
    assert (result.joined, result.stayed, sandbox.requests) == (1, 1, 3)


def test_retry_sends_the_rest_and_keeps_the_file(faulty, members):
    box = faulty(seed=3, success_false=0.5)
    ids = [f"c{i}" for i in range(20)]
    result = gp.push_segment(frame(*ids), "id", "Is VIP", members=members, client=box.client, progress=False)
    assert 0 < result.joined < 20
    while not result.ok:
        assert len(read_members(members)) == result.joined
        result = result.retry()
    assert set(read_members(members)) == set(ids)
    assert result.joined == 20
    assert box.stored() == dict.fromkeys(ids, IN)


def test_retry_raises_if_the_file_has_changed(faulty, members):
    result = gp.push_segment(
        frame("a"), "id", "Is VIP", members=members, client=faulty(success_false=1.0).client, progress=False
    )
    write_members(members, {"z": LONG_AGO})
    with pytest.raises(UsageError, match="push_segment again"):
        result.retry()


def test_skip_unchanged_counts_as_arrived(push, sandbox, members):
    push("a")
    members.unlink()
    result = push("a", skip_unchanged=True)
    assert (result.joined, result.counts["unchanged"], sandbox.requests) == (1, 1, 1)
    assert list(read_members(members)) == ["a"]


def test_values_past_the_limit_are_not_joins(push, sandbox, members):
    wide = pd.DataFrame({"id": ["a"], **{f"A{i}": [1] for i in range(100)}})
    gp.push(wide, "id", client=sandbox.client, progress=False)
    with pytest.raises(ConstraintViolationError):
        push("a", "b")
    result = push("a", "b", errors="drop")
    assert list(read_members(members)) == ["b"]
    assert result.joined == 1


# the file -----------------------------------------------------------------------------------------------------------


def test_file_is_sorted_guarded_and_private(push, members):
    ids = ["+919876543210", "=1+1", "0012", "a,b", 'say "x"', "'quoted", "zoë", "a\nb", "@x"]
    push(*ids)
    assert stat.S_IMODE(members.stat().st_mode) == 0o600
    found = read_members(members)
    assert list(found) == sorted(ids)
    assert all(since for since in found.values())
    table = pd.read_csv(members, dtype=str)
    assert list(table.columns[:3]) == ["id", "since", "attribute: Is VIP"]
    assert not table["id"].str.startswith(("+", "=", "@")).any()
    assert pd.to_datetime(table["since"]).dt.tz is not None
    assert push(*ids).stayed == len(ids)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line"),
        (b"email,City\r\na,Pune\r\n", "first line"),
        (b"id,since\r\na,2026-01-31T10:00:00Z\r\na,\r\n", "lines 2 and 3"),
        (b"id,since\r\na\r\n", "line 2"),
        (b"id,since\r\na,31/01/2026\r\n", "line 2"),
        (b"id,since\r\n a,\r\n", "line 2"),
        (b"id,since\r\n,\r\n", "line 2"),
        (b'id,since\r\n"a,2026', "line"),
        (b"id,since\r\n\xff,\r\n", "UTF-8"),
        (b"PK\x03\x04 a workbook", "first line"),
    ],
)
def test_invalid_members_file_stays_unchanged(push, sandbox, members, content, words):
    members.write_bytes(content)
    with pytest.raises(DataError, match=words) as error:
        push("a")
    assert str(members) in str(error.value)
    assert "Restore it" in str(error.value)
    assert members.read_bytes() == content
    assert sandbox.requests == 0


def test_members_file_of_another_program_is_read(push, sandbox, members):
    members.write_text("id,since\na,2026-01-31 10:00:00\nb,\n")
    result = push("a")
    assert (result.joined, result.left, result.stayed) == (0, 1, 1)
    assert sandbox.stored() == {"b": OUT}


@pytest.mark.parametrize("members", [".", "no such folder/vip.csv"])
def test_an_impossible_path_is_an_error(push, tmp_path, monkeypatch, members):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgumentError, match="members"):
        push("a", members=members)


def test_a_link_to_the_file_stays_a_link(push, members):
    link = members.with_name("link.csv")
    members.write_text("id,since\n")
    link.symlink_to(members)
    push("a", members=link)
    assert link.is_symlink()
    assert list(read_members(members)) == ["a"]


def test_concurrent_run_is_refused(push, sandbox, members):
    push("a")
    before = members.read_bytes()
    with locked(members), pytest.raises(UsageError, match="another run"):
        push("b")
    assert (members.read_bytes(), sandbox.requests) == (before, 1)
    assert push("a", "b").joined == 1


def test_run_of_another_process_blocks_this_one(push, members):
    code = "import pathlib, sys; from growlytics_pandas.segments.members import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, members], **pipes) as other:
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(UsageError, match="another run"):
            push("a")
        other.kill()  # its lock ends with it
        other.wait()
        assert push("a").joined == 1


def test_concurrent_threads_lose_no_member(faulty, members):
    box = faulty(latency=0.01)
    clients = [gp.Client(box.api_key, box.base_url, ledger=None) for _ in range(2)]
    done = []

    def run(client, ids):
        while True:
            try:
                how = {"members": members, "client": client, "progress": False, "allow_empty": True}
                done.append(gp.push_segment(frame(*ids), "id", "Is VIP", **how))
            except UsageError:
                continue
            return

    threads = [
        threading.Thread(target=run, args=(c, ids)) for c, ids in zip(clients, (["a", "b"], ["b", "c"]), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = set(done[-1].plan._source["id"])
    assert set(read_members(members)) == last
    assert {id_ for id_, stored in box.stored().items() if stored == IN} == last


@pytest.mark.parametrize("name", [".vip.csv.lock", "vip.csv.new"])
def test_unwritable_folder_is_refused_first(push, sandbox, members, name):
    members.with_name(name).mkdir()  # prevents a file of that name, also for an administrator
    with pytest.raises(UsageError, match="members"):
        push("a")
    assert sandbox.requests == 0
    assert not members.exists()


# other frames -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["list", "function", "generator"])
def test_a_sequence_of_frames_is_one_segment(sandbox, members, kind):
    parts = [pd.DataFrame({"id": [1, 2], "x": 0}), pd.DataFrame({"id": [2.0, 3.0]}), pd.DataFrame({"id": ["d"]})]
    source = {"list": parts, "function": lambda: iter(parts), "generator": (part for part in parts)}[kind]
    result = gp.push_segment(source, "id", "Is VIP", members=members, client=sandbox.client, progress=False)
    assert set(sandbox.stored()) == {"1", "2", "3", "d"}
    assert result.joined == 4
    assert len(result.outcomes) == 5


def test_an_arrow_table_is_a_frame(sandbox, members):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"id": ["a", "b"]})
    assert gp.push_segment(table, "id", "Is VIP", members=members, client=sandbox.client, progress=False).joined == 2


def test_the_accessor_has_it_too(sandbox, members):
    df = frame("a@x.com", label="email")
    result = df.growlytics.push_segment("email", "Is VIP", members=members, client=sandbox.client, progress=False)
    assert result.joined == 1
    assert sandbox.stored() == {"a@x.com": IN}  # the attribute, and nothing else


def test_it_has_the_options_of_a_push_and_names_unknown_ones(push, sandbox):
    push("a", label="nightly")
    assert sandbox.client.history()["label"].tolist() == ["nightly"]
    with pytest.raises(TypeError, match=r"there is no option 'types' here"):
        push("a", types={"City": "string"})
    with pytest.raises(TypeError, match=r"no option 'chunksize' here\. Did you mean 'chunk_size'"):
        push("a", chunksize=10)


# output -------------------------------------------------------------------------------------------------------------


def test_counts_are_in_repr_report_and_progress(push, tmp_path):
    push("a", "b")
    events = []
    result = push("b", "c", progress=events.append)
    words = "1 joined, 1 left, 1 stayed"
    assert words in repr(result)
    assert words in result.to_html(tmp_path / "report.html").read_text()
    assert events[-1].note == words
    assert gp.last_result() is result


def test_final_text_has_the_counts(push, capsys):
    push("a", progress="text")
    assert "1 joined, 0 left, 0 stayed" in capsys.readouterr().err
