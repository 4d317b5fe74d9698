"""`growlytics-pandas segment FILE`: customers who joined or left."""

import pathlib

import pytest

from growlytics_pandas.segments.members import read_members

IN, OUT = {"Is VIP": True}, {"Is VIP": False}


@pytest.fixture
def segment(command, write, at):
    """Push a segment of a CSV with this content."""
    at()

    def call(content, *arguments):
        write("a.csv", content)
        flags = ("--id-col", "id", "--attribute", "Is VIP", "--members", "vip.csv")
        return command("segment", "a.csv", *flags, *arguments)

    return call


def test_joiners_and_leavers_are_sent(segment, sandbox):
    first = segment("id,City\n007,Pune\nb,Goa\n")
    assert first.status == 0
    assert "2 joined, 0 left, 0 stayed; first run: no earlier members" in first.out
    second = segment("id,City\nb,Goa\n", "--json")
    assert second.data["segment"] | {"members": "", "note": ""} == {
        "attribute": "Is VIP",
        "members": "",
        "note": "",
        "is_first_run": False,
        "joined": 0,
        "left": 1,
        "stayed": 1,
    }
    assert second.data["counts"]["accepted"] == 1
    assert sandbox.stored() == {"007": OUT, "b": IN}
    assert list(read_members(pathlib.Path("vip.csv").absolute())) == ["b"]


def test_a_dry_run_sends_and_writes_nothing(segment, sandbox):
    done = segment("id\na\n", "--dry-run")
    assert (done.status, sandbox.requests) == (0, 0)
    assert "1 would join" in done.out
    assert not pathlib.Path("vip.csv").exists()


@pytest.mark.parametrize(
    ("flags", "value"), [(("--value", "gold", "--left", "none"), "gold"), (("--value", "2", "--left", "1"), 2)]
)
def test_other_values(segment, sandbox, flags, value):
    assert segment("id\na\n", *flags).status == 0
    assert sandbox.stored() == {"a": {"Is VIP": value}}


def test_empty_file_needs_allow_empty(segment, sandbox):
    segment("id\na\nb\n")
    refused = segment("id\n")
    assert refused.status == 1
    assert "--allow-empty" in refused.err
    assert sandbox.stored() == {"a": IN, "b": IN}
    assert segment("id\n", "--allow-empty").status == 0
    assert sandbox.stored() == {"a": OUT, "b": OUT}


def test_missing_id_refuses_the_push_by_line(segment, sandbox):
    done = segment("id,x\na,1\n,2\n", "--json", "--rejects", "r.csv")
    assert (done.status, done.data["ended"], sandbox.requests) == (1, "refused", 0)
    assert "line 3" in done.data["rules"][0]["first"]
    assert done.data["files"] == {"rejects": "r.csv"}
    assert "id_missing" in pathlib.Path("r.csv").read_text("utf-8-sig")
    assert segment("id,x\na,1\n,2\n", "--errors", "drop").status == 1
    assert sandbox.stored() == {"a": IN}


def test_foreign_members_file_is_named(segment, sandbox):
    pathlib.Path("vip.csv").write_text("email\na@x.com\n")
    done = segment("id\na\n")
    assert done.status == 1
    assert "vip.csv" in done.err
    assert pathlib.Path("vip.csv").read_text() == "email\na@x.com\n"
    assert sandbox.requests == 0


def test_rejected_leaver_has_no_line(segment, at, faulty):
    pathlib.Path("vip.csv").write_text("id,since\na,2026-01-31T10:00:00Z\nb,2026-01-31T10:00:00Z\n")
    at(faulty(success_false=1.0))
    done = segment("id\nb\n", "--json")
    assert (done.status, done.data["failures"][0]["line"]) == (1, None)
    assert "not in the file" in segment("id\nb\n").out


def test_members_of_another_segment_or_service_send_nothing(segment, at, sandbox, faulty):
    segment("id\na\nb\n")
    other_attribute = segment("id\na\nb\n", "--attribute", "Is Gold")
    other = at(faulty())
    other_service = segment("id\na\nb\n")
    for done, found in ((other_attribute, "'Is VIP'"), (other_service, "another project")):
        assert (done.status, done.out) == (2, "")
        assert "--members" in done.err
        assert found in done.err
    assert (sandbox.requests, other.requests) == (2, 0)


def test_members_cannot_be_the_file_itself(command, write, at):
    write("a.csv", "id\na\n")
    done = command("segment", "a.csv", "--id-col", "id", "--attribute", "Is VIP", "--members", "a.csv")
    assert done.status == 2
    assert "--members" in done.err


def test_id_options_of_a_file_apply_to_segments(segment, sandbox, write):
    write("o.toml", 'id_col = "id"\nstrip = true\nexclude = ["City"]\n[normalize]\nid = "lower"\n')
    assert segment("id,City\n A@X.com ,Pune\n", "--options", "o.toml").status == 0
    assert sandbox.stored() == {"a@x.com": IN}


def test_missing_flags_are_named(command, write):
    write("a.csv", "id\na\n")
    done = command("segment", "a.csv", "--id-col", "id")
    assert done.status == 2
    assert "--attribute" in done.err
