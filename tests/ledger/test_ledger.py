"""What the ledger stores between pushes: payloads, attributes, runs. Types are in `test_ledger_types.py`."""

import gc
import pickle
import subprocess
import sys
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from support.ledger_rows import bodies

from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.ledger import Digests, Ledger, Project
from growlytics_pandas.ledger import digest_log as payloads

URL = "https://api.example"
KEY = "a-very-secret-key"
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
IDS = ["asha@example.com", "ravi@example.com", "+919211111111"]


@pytest.fixture
def workspace(ledger) -> Project:
    return ledger.workspace(URL, KEY)


def digest(workspace: Project, version: object, ids=IDS) -> Digests:
    return workspace.digest(
        ids, bodies([f'{{"id":"{id_}","v":"{version}"}}'.encode("utf-8", "replace") for id_ in ids])
    )


def push(workspace: Project, version: object, ids=IDS, names=(), present=None) -> Digests:
    digests = digest(workspace, version, ids)
    workspace.withdraw(digests, names, present)
    workspace.accept(digests)
    return digests


def unchanged(workspace: Project, version: object, ids=IDS) -> list[bool]:
    return workspace.unchanged(digest(workspace, version, ids)).tolist()


class TestPayloads:
    def test_nothing_is_unchanged_before_acceptance(self, workspace):
        assert unchanged(workspace, "A") == [False, False, False]
        workspace.withdraw(digest(workspace, "A"))
        assert unchanged(workspace, "A") == [False, False, False]

    def test_only_the_accepted_body_is_unchanged(self, workspace):
        push(workspace, "A")
        assert unchanged(workspace, "A") == [True, True, True]
        assert unchanged(workspace, "B") == [False, False, False]

    def test_only_accepted_rows_are_remembered(self, workspace):
        digests = digest(workspace, "A")
        workspace.withdraw(digests)
        workspace.accept(digests.take(np.array([True, False, True])))
        workspace.accept(digests.take([]))
        assert unchanged(workspace, "A") == [True, False, True]

    def test_it_survives_closing(self, path, workspace, ledger):
        push(workspace, "A")
        ledger.close()
        with Ledger(path) as reopened:
            assert unchanged(reopened.workspace(URL, KEY), "A") == [True, True, True]

    def test_body_after_an_uncertain_one_is_changed(self, path, workspace):
        """A body sent again after another that may have arrived counts as changed."""
        push(workspace, "A")
        workspace.flush()
        workspace.withdraw(digest(workspace, "B"))  # and then the process dies, or the answer is lost
        with Ledger(path) as other:
            assert unchanged(other.workspace(URL, KEY), "A") == [False, False, False]
        assert unchanged(workspace, "B") == [False, False, False]

    def test_same_body_sent_again_stays_unchanged(self, workspace):
        push(workspace, "A")
        workspace.withdraw(digest(workspace, "A"))
        assert unchanged(workspace, "A") == [True, True, True]

    def test_projects_are_independent(self, ledger, workspace):
        push(workspace, "A")
        workspace.pin({"city": "string"}, WHEN, certain=True)
        for other in (ledger.workspace(URL, "another-key"), ledger.workspace("https://elsewhere.example", KEY)):
            assert unchanged(other, "A") == [False, False, False]
            assert other.known_types() == {}
            assert other.forget() == 0
        assert ledger.workspace(URL + "/", KEY) is workspace

    def test_lone_surrogate_does_not_stop_a_run(self, workspace):
        push(workspace, "A", ["\ud83c@x"])
        assert workspace.unchanged(workspace.digest(["\ud83c@x"], bodies([b"other"]))).tolist() == [False]

    def test_empty_frame_is_fine(self, workspace):
        push(workspace, "A", [], ["city"])
        assert unchanged(workspace, "A", []) == []
        assert workspace.forget([]) == 0

    def test_many_customers_are_distinguished(self, workspace):
        ids = [f"user-{n}" for n in range(5_000)]
        push(workspace, "A", ids[:3_000])
        push(workspace, "B", ids[2_000:])
        assert unchanged(workspace, "A", ids) == [True] * 2_000 + [False] * 3_000
        assert unchanged(workspace, "B", ids) == [False] * 2_000 + [True] * 3_000


class TestForget:
    def test_all(self, path, workspace):
        push(workspace, "A")
        workspace.pin({"city": "string"}, WHEN, certain=True)
        assert workspace.forget() == 3
        assert workspace.forget() == 0
        assert unchanged(workspace, "A") == [False, False, False]
        assert list(workspace.known_types()) == ["city"]
        with Ledger(path) as other:
            assert unchanged(other.workspace(URL, KEY), "A") == [False, False, False]

    def test_some(self, workspace):
        push(workspace, "A")
        assert workspace.forget(iter([IDS[1], IDS[1], "nobody@example.com"])) == 1
        assert unchanged(workspace, "A") == [True, False, True]

    def test_single_text_is_not_a_list_of_letters(self, workspace):
        with pytest.raises(InvalidArgumentTypeError, match="pass a list of ids"):
            workspace.forget(IDS[0])

    def test_another_process_learns_of_it(self, path, workspace):
        push(workspace, "A")
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            workspace.flush()
            assert unchanged(neighbour, "A") == [True, True, True]
            workspace.forget(attributes=True)
            assert unchanged(neighbour, "A") == [False, False, False]


class TestCompaction:
    @pytest.fixture(autouse=True)
    def often(self, monkeypatch):
        monkeypatch.setattr(payloads, "MAX_SEGMENTS", 2)
        monkeypatch.setattr(payloads, "BLOCK_RECORDS", 2)

    def test_compaction_loses_nothing_for_others(self, path, workspace):
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            for version in range(9):
                push(workspace, version, IDS, [f"a{version}"])
                workspace.flush()
                assert unchanged(neighbour, version) == [True, True, True]
                assert unchanged(neighbour, version - 1) == [False, False, False]
            assert neighbour.count_attributes(neighbour.keys(IDS)).tolist() == [9, 9, 9]

    def test_compaction_keeps_a_push_in_progress(self, path, workspace):
        mine = digest(workspace, "A", ["mine"])
        workspace.withdraw(mine)
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            for version in range(5):
                push(neighbour, version, ["theirs"])
        workspace.accept(mine)
        assert unchanged(workspace, "A", ["mine"]) == [True]

    def test_file_does_not_grow_with_pushes(self, path):
        ids = [f"user-{n}" for n in range(500)]
        sizes = []
        for version in range(20):
            with Ledger(path) as ledger:
                push(ledger.workspace(URL, KEY), version, ids)
            sizes.append(path.stat().st_size)
        assert max(sizes[5:]) <= max(sizes[:5])


class TestTwoPushesAtOnce:
    def test_concurrent_sends_leave_a_row_uncertain(self, path, workspace):
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            for first, second in ((workspace, neighbour), (neighbour, workspace)):
                one, two = digest(workspace, "A"), digest(workspace, "B")
                workspace.withdraw(one)
                neighbour.withdraw(two)
                for side in (first, second):
                    side.accept(one if side is workspace else two)
                    side.flush()
                for side in (workspace, neighbour):
                    assert unchanged(side, "A") == unchanged(side, "B") == [False, False, False]

    def test_later_push_alone_is_trusted_again(self, path, workspace):
        workspace.withdraw(digest(workspace, "A"))
        with Ledger(path) as other:
            push(other.workspace(URL, KEY), "B")
        assert unchanged(workspace, "B") == [True, True, True]
        push(workspace, "C")
        assert unchanged(workspace, "C") == [True, True, True]


class TestAttributeBudget:
    def test_attributes_add_up_by_customer(self, workspace):
        present = np.array([[True, True], [True, False], [False, False]])
        push(workspace, "A", names=["city", "orders"], present=present)
        push(workspace, "B", IDS[:1], ["orders", "plan"])
        keys = workspace.keys([*IDS, "nobody"])
        assert workspace.count_attributes(keys).tolist() == [3, 1, 0, 0]
        assert workspace.has_attributes(keys, ["plan", "never", "city"]).tolist() == [
            [True, False, True],
            [False, False, True],
            [False, False, False],
            [False, False, False],
        ]

    def test_sent_attributes_count_without_response(self, path, workspace):
        workspace.withdraw(digest(workspace, "A"), ["city"])
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            assert neighbour.count_attributes(neighbour.keys(IDS)).tolist() == [1, 1, 1]

    def test_reserved_attributes_take_no_slot(self, workspace):
        push(workspace, "A", names=["email", "city", "mobile", "name"])
        keys = workspace.keys(IDS)
        assert workspace.count_attributes(keys).tolist() == [1, 1, 1]
        assert workspace.has_attributes(keys[:1], ["email", "city"]).tolist() == [[False, True]]

    def test_hundreds_of_names_and_case_are_distinct(self, path, workspace):
        names = [f"a{n}" for n in range(150)] + [f"A{n}" for n in range(150)]
        push(workspace, "A", IDS[:1], ["first"])
        push(workspace, "B", IDS, names)
        workspace.flush()
        with Ledger(path) as other:
            neighbour = other.workspace(URL, KEY)
            keys = neighbour.keys(IDS)
            assert neighbour.count_attributes(keys).tolist() == [301, 300, 300]
            assert neighbour.has_attributes(keys, names).all()
            assert neighbour.has_attributes(keys, ["first"])[:, 0].tolist() == [True, False, False]

    def test_forgetting_payloads_keeps_the_counts(self, workspace):
        push(workspace, "A", names=["city"])
        keys = workspace.keys(IDS)
        workspace.forget()
        assert workspace.count_attributes(keys).tolist() == [1, 1, 1]
        assert workspace.forget(IDS[:1], attributes=True) == 1
        assert workspace.count_attributes(keys).tolist() == [0, 1, 1]


class TestHistory:
    def test_a_run_has_its_start_rows_and_end(self, workspace):
        empty = workspace.history()
        run = workspace.begin_run(10, WHEN)
        workspace.end_run(run, {"accepted": 7, "failed": 3}, "finished", ["city", "a, b"])
        workspace.begin_run(5, datetime.now(UTC))
        history = workspace.history()
        assert history.dtypes.to_dict() == empty.dtypes.to_dict()
        done, open_ = history.to_dict("records")
        assert (done["run"], done["started"], done["rows"], done["ended"]) == (run, pd.Timestamp(WHEN), 10, "finished")
        assert (done["accepted"], done["failed"], done["unsent"]) == (7, 3, 0)
        assert done["new_attributes"] == ("city", "a, b")
        assert done["seconds"] > 0
        assert open_["ended"] == "running"
        assert history["accepted"].isna().tolist() == [False, True]
        assert np.isnan(open_["seconds"])

    def test_run_of_a_lost_process_was_killed(self, path, workspace):
        script = (
            "import os, sys, datetime as d; from growlytics_pandas.ledger import Ledger\n"
            "Ledger(sys.argv[1]).workspace(sys.argv[2], sys.argv[3]).begin_run(3, d.datetime.now(d.UTC)); os._exit(9)"
        )
        subprocess.run([sys.executable, "-c", script, path, URL, KEY], check=False)
        assert workspace.history()["ended"].tolist() == ["killed"]

    def test_counts_of_no_status_are_refused(self, workspace):
        with pytest.raises(InvalidArgumentError, match=r"'sent'.*accepted, unchanged"):
            workspace.end_run(workspace.begin_run(1, WHEN), {"sent": 1}, "finished")

    def test_start_without_a_time_zone_is_refused(self, workspace):
        with pytest.raises(InvalidArgumentError, match="time zone"):
            workspace.begin_run(1, WHEN.replace(tzinfo=None))


class TestLedger:
    def test_the_file_is_made_on_first_use(self, path):
        with Ledger(path) as ledger:
            assert not path.exists()
            ledger.workspace(URL, KEY)
            assert path.exists()

    def test_path_is_from_environment_or_user_dir(self, monkeypatch, tmp_path):
        monkeypatch.setenv("GROWLYTICS_LEDGER", str(tmp_path / "named.sqlite3"))
        assert Ledger().path == tmp_path / "named.sqlite3"
        monkeypatch.delenv("GROWLYTICS_LEDGER")
        assert "growlytics-pandas" in str(Ledger().path)

    def test_it_can_be_pickled_and_shows_no_key(self, path, ledger, workspace):
        assert pickle.loads(pickle.dumps(ledger)).path == path
        for thing in (ledger, workspace, workspace._digester, digest(workspace, "A"), vars(ledger), vars(workspace)):
            assert KEY not in repr(thing)

    def test_unclosed_ledger_warns_of_nothing(self, path):
        Ledger(path).workspace(URL, KEY)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()
