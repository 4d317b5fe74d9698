"""A members file is for one attribute and value in one project: with any other, nothing is sent and the file stays."""

import re
import shutil

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import DataError, InvalidArgumentError
from growlytics_pandas.segments.members import read_members

DF = pd.DataFrame({"id": ["a", "b"]})
OLD = "id,since\na,2026-01-31T10:00:00Z\nb,2026-01-31T10:00:00Z\n"


@pytest.fixture
def members(tmp_path):
    return tmp_path / "vip.csv"


@pytest.fixture
def push(sandbox, members):
    """Push both customers as a segment of the sandbox."""

    def call(attribute="Is VIP", client=None, members=members, **options):
        client = client or sandbox.client
        return gp.push_segment(DF, "id", attribute, members=members, client=client, progress=False, **options)

    return call


@pytest.fixture
def refused(push, sandbox, members):
    """Push with other arguments, and return the error."""

    def call(*arguments, **options):
        before, requests = members.read_bytes(), sandbox.requests
        with pytest.raises(InvalidArgumentError, match="one file per segment and project") as error:
            push(*arguments, **options)
        assert (members.read_bytes(), sandbox.requests) == (before, requests)
        return str(error.value)

    return call


@pytest.mark.parametrize("options", [{}, {"dry_run": True}, {"resend": True}, {"allow_empty": True}])
def test_another_attribute_is_refused(push, refused, options):
    push()
    words = refused("Is Gold", **options)
    assert "'Is VIP'" in words
    assert "'Is Gold'" in words


def test_another_value_is_refused(push, refused):
    push(value="gold", left="none")
    words = refused(value="silver", left="none")
    assert "gold" in words
    assert "silver" in words
    assert push(value="gold", left="").stayed == 2


def test_value_is_changed_by_deleting_the_cell_and_resending(push, members, sandbox):
    push(value="gold", left="none")
    members.write_text(members.read_bytes().decode().replace('"value: gold"', ""), newline="")
    result = push(value="Gold", left="none", resend=True)
    assert result.counts["accepted"] == 2
    assert sandbox.stored()["a"] == {"Is VIP": "Gold"}


def test_another_service_is_refused(push, refused, faulty):
    push()
    other = faulty()
    assert other.base_url in refused(client=other.client)
    assert other.requests == 0


def test_another_key_is_refused(push, refused, sandbox):
    push()
    assert "key" in refused(client=gp.Client("another-key-123", sandbox.base_url, ledger=None))


def test_replaced_key_is_accepted_once_the_cell_is_deleted(push, members, sandbox):
    push()
    renewed = gp.Client("another-key-123", sandbox.base_url, ledger=None)
    text = members.read_bytes().decode()
    members.write_text(re.sub(r'"project: \w+"', "", text), newline="")
    assert push(client=renewed, dry_run=True).stayed == 2


def test_other_spellings_of_the_url_are_the_same_project(push, sandbox):
    push()
    spelled = sandbox.base_url.replace("http://", "HTTP://") + "/./"
    assert push(client=gp.Client(sandbox.api_key, spelled, ledger=None)).stayed == 2


def test_moved_file_is_still_for_its_segment(push, refused, members, tmp_path):
    push()
    moved = tmp_path / "moved.csv"
    shutil.copy(members, moved)
    assert push(members=moved).stayed == 2
    assert "moved.csv" in refused("Is Gold", members=moved)


def test_file_without_a_record_is_recorded_with_the_next_write(push, refused, members):
    members.write_text(OLD)
    assert push().stayed == 2
    assert members.read_text() == OLD  # nothing to write
    members.write_text(OLD.replace("b,2026-01-31T10:00:00Z\n", ""))
    assert push().joined == 1
    refused("Is Gold")


def test_retry_of_a_failed_first_run_is_for_the_same_segment(faulty, push, members):
    box = faulty(seed=1, success_false=0.5)
    result = push(client=box.client)
    while not result.ok:
        result = result.retry()
    with pytest.raises(InvalidArgumentError):
        push("Is Gold", client=box.client)
    assert set(read_members(members)) == {"a", "b"}


@pytest.mark.parametrize("attribute", ["=1+1", 'say "x"', "a,b", "zoë", "project: x", "attribute: Is VIP", "a\rb"])
def test_any_attribute_is_recorded_exactly(push, refused, members, attribute):
    push(attribute)
    assert push(attribute).stayed == 2
    refused()
    table = pd.read_csv(members, dtype=str)
    assert table["id"].tolist() == ["a", "b"]
    assert not table.columns.str.startswith("=").any()


def test_spreadsheets_copy_is_read(push, members):
    """A spreadsheet may cut the empty cells at the end of a row, or fill up shorter rows."""
    push()
    text = members.read_bytes().decode()
    members.write_text(text.replace(",,,\r\n", "\r\n"), newline="")
    assert push().stayed == 2


def test_damaged_record_is_no_other_project(push, members):
    push()
    text = members.read_bytes().decode()
    members.write_text(text.replace("attribute: ", "attribut: "), newline="")
    with pytest.raises(DataError, match="first line"):
        push()


def test_file_reveals_neither_key_nor_url(push, members, sandbox):
    push()
    text = members.read_text()
    assert sandbox.api_key not in text
    assert sandbox.base_url.removeprefix("http://") not in text
    first, copy = text.splitlines()[0], members.with_name("copy.csv")
    push(members=copy)
    assert copy.read_text().splitlines()[0] != first  # salted: two files cannot be compared
