"""What schedulers rely on: exit status, one JSON object, files, and a second run that sends the missing rows."""

import json
import pathlib
import re
import tomllib

import pandas as pd
import pytest

from growlytics_pandas import csv_safe
from growlytics_pandas.cli.running import Stopper, explain
from growlytics_pandas.cli.summary import Summary

GOOD = "id,City\n1,Pune\n2,Goa\n"
BAD = "id,City\n1,Pune\n1,Goa\n3,Agra\n"
KEYS = (
    "command file exit_status ended would_refuse rows counts errors warnings rules is_incomplete changes changed_values "
    "segment new_types columns options suggestions failures refused started seconds retries base_url message next notes "
    "files"
)


@pytest.fixture
def push(command, write):
    def call(content, *options):
        return command("push", write("a.csv", content), "--id-col", "id", *options)

    return call


def test_all_accepted_exits_0(push, at):
    done = push(GOOD)
    assert (done.status, len(at().stored())) == (0, 2)
    assert "2 rows: 2 accepted" in done.out


def test_the_second_run_sends_nothing(push, at):
    push(GOOD)
    before = at().requests
    done = push(GOOD, "--skip-unchanged", "--json")
    assert (done.status, done.data["counts"]["unchanged"], at().requests) == (0, 2, before)
    done = push(f"{GOOD},Agra\n", "--skip-unchanged", "--errors", "drop", "--report", "r.html")
    assert "2 unchanged, 1 invalid; nothing to send\n" in done.out
    assert "Nothing to send: 2 of 3 rows are unchanged; 1 needs attention." in pathlib.Path("r.html").read_text("utf-8")


def test_violations_exit_1_with_and_without_drop(push, at):
    done = push(BAD, "--json", "--violations", "v.csv", "--outcomes", "o.csv")
    assert (done.status, done.data["ended"], at().requests) == (1, "refused", 0)
    assert csv_safe.read_csv("v.csv")["rule"].tolist() == ["id_duplicate"] * 2
    assert csv_safe.read_csv("o.csv")["status"].tolist() == ["invalid", "invalid", "unsent"]
    assert "--errors drop" in done.data["next"]
    done = push(BAD, "--json", "--errors", "drop")
    assert (done.status, done.data["counts"]["accepted"], list(at().stored())) == (1, 1, ["3"])


def test_no_file_suggests_a_flag_that_was_given(push, at):
    push(
        "id,A\n1,2\n,3\n3,x\n",
        *("--type", "A=number", "--errors", "drop"),
        *("--violations", "v.csv", "--rejects", "r.csv"),
    )
    fixes = [*csv_safe.read_csv("v.csv")["fix"], *csv_safe.read_csv("r.csv")["fix"]]
    assert [fix for fix in fixes if "--errors" in fix] == []
    assert "Correct it at the source; the row is left out." in fixes


def test_incomplete_rows_are_named(push, at):
    done = push("id,A\n1,2\n2,x\n", "--type", "A=number", "--errors", "drop")
    assert "2 accepted, some without all their attributes; finished" in done.out


def test_rejects_are_pushed_without_the_flags_of_the_file(command, at, write):
    write("a.csv", "id;Größe\n1;2\n2;x\n".encode("cp1252"))
    of_data = ("--id-col", "id", "--type", "Größe=number", "--errors", "drop", "--rejects", "r.csv")
    done = command("push", "a.csv", "--sep", ";", "--encoding", "cp1252", *of_data)
    assert "in r.csv, then push that file without --encoding, --sep." in done.out
    assert "row 0 (line 2), column 'Größe': the value is not a number" in command("push", "r.csv", *of_data[:-2]).out


def test_rows_dropped_by_keep_exit_0(push, at):
    done = push(BAD, "--keep", "last")
    assert (done.status, at().stored()["1"]["City"]) == (0, "Goa")
    push(BAD, "--keep", "last", "--report", "r.html")
    assert "1 was left out as a duplicate, as requested." in pathlib.Path("r.html").read_text("utf-8")


def test_rejected_rows_exit_1(push, at, faulty):
    at(faulty(success_false=1.0))
    done = push(GOOD, "--json")
    assert (done.status, done.data["counts"]["failed"]) == (1, 2)
    assert [row["line"] for row in done.data["failures"]] == [2, 3]
    assert push(GOOD, "--max-failures", "1").status == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-rate", "-1"), "--max-rate: found -1.0"),
        (("--max-rate", "inf"), "--max-rate: found inf; it must be a finite number above 0."),
        (("--max-rate", "nan"), "--max-rate: found nan; it must be a finite number above 0."),
        (("--max-failures", "inf"), "--max-failures: found inf; it must be a finite number above 0."),
        (("--timeout", "inf"), "--timeout: found inf; it must be a number of seconds above 0, up to 86,400"),
        (("--max-concurrency", "99999999999999999999"), "it must be a whole number from 1 to 65,535"),
        (("--max-failures", "many"), "--max-failures: invalid number value: 'many'"),
        (("--type", "City"), "--type: found 'City'; it must be COLUMN=TYPE."),
        (("--type", "City=text"), "allowed are 'string'"),
        (("--timezone", "Mars"), "--timezone: found 'Mars'"),
        (("--region", "XX"), "--region"),
        (("--base-url", "http://example.com"), "plain http"),
        (("--ledger", "none", "--skip-unchanged"), "--skip-unchanged: it needs a ledger"),
        (("--ca-bundle", "none.pem"), "--ca-bundle: there is no file"),
        (("--report", "none/r.html"), "--report: there is no folder 'none'"),
        (("--outcomes", "a.csv"), "is also FILE"),
        (("--violations", "v.parquet"), "--violations: found 'v.parquet'; the name must end in .csv"),
        (("--violations", "v.txt"), "--violations: found 'v.txt'; the name must end in .csv"),
        (("--outcomes", "o.txt"), "--outcomes: found 'o.txt'; the name must end in .csv or .parquet"),
        (("--report", "r.pdf"), "--report: found 'r.pdf'; the name must end in .html or .htm"),
        (("--column", "City", "--exclude", "City"), "--exclude: column 'City' is also in --column"),
        (("--exclude", "Town"), "--exclude: there is no column 'Town'"),
        (("--key-file", "none"), "--key-file: it cannot be read"),
        (("--sned",), "not understood: --sned"),
        (("--date-formt", "City=%d"), "not understood: --date-formt. Did you mean --date-format?"),
        (("--id_col", "id"), "not understood: --id_col. Did you mean --id-col?"),
        (("--html", "r.html"), "not understood: --html. See "),
        (("--save", "o.toml"), "not understood: --save. --save is an option of suggest. See "),
        (("--strip", "City"), "not understood: 1 unexpected argument after --strip, which takes none. See "),
    ],
    ids=str,
)
def test_wrong_call_exits_2_and_sends_nothing(push, at, options, words):
    done = push(GOOD, *options)
    assert (done.status, at().requests, done.out) == (2, 0, "")
    assert words in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("validate a.csv --errors drop", "--errors is an option of push and segment."),
        ("schema a.csv --report r.html", "--report is an option of validate, push and segment."),
        ("ledger show --jsn", "Did you mean --json?"),
        ("plan a.csv --report r.html", "there is no command 'plan'. Did you mean validate?"),
        ("psh a.csv", "there is no command 'psh'. Did you mean push?"),
        ("rules", "there is no command 'rules'. The commands are: schema, suggest,"),
    ],
)
def test_what_may_be_meant(command, words, message):
    done = command(*words.split())
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("Did you mean") == message.count("Did you mean")


def test_missing_key_exits_2_but_not_for_dry_run(push):
    done = push(GOOD)
    assert done.status == 2
    assert "GROWLYTICS_API_KEY" in done.err
    assert "--key-file" in done.err
    done = push(GOOD, "--dry-run", "--json")
    assert (done.status, done.data["ended"], done.data["counts"]["unsent"]) == (0, "dry run", 2)


def test_a_missing_file_is_reported_before_a_missing_key(command):
    done = command("push", "gone.csv", "--id-col", "id")
    assert (done.status, done.err) == (2, "error: gone.csv: it cannot be read: No such file or directory.\n")


@pytest.mark.parametrize("options", [(), ("--keep", "last"), ("--type", "City=number")], ids=str)
@pytest.mark.parametrize("content", [GOOD, BAD, "id,City\n1, Pune\n2,\n"])
def test_validate_predicts_a_refusal(push, command, at, content, options):
    dry = push(content, *options, "--dry-run", "--json").data["would_refuse"]
    data = command("validate", "a.csv", "--id-col", "id", *options, "--json").data["would_refuse"]
    assert data is dry is (push(content, *options, "--json").data["ended"] == "refused")


def test_dry_run_reports_refusal_and_drop(push, at):
    done = push(BAD, "--dry-run")
    text = "3 rows: a push would be refused (2 errors); with --errors drop 1 of 3 rows would be sent; dry run"
    assert (done.status, done.out.splitlines()[0], at().requests) == (1, f"a.csv: {text}", 0)
    assert "next: correct the file" in done.out
    assert "would be fixed" not in done.out
    data = push(BAD, "--dry-run", "--json").data
    assert (data["would_refuse"], data["new_types"], data["ended"]) == (True, {}, "dry run")
    assert push(BAD, "--json").data["would_refuse"] is False, "it was refused"
    assert push(GOOD, "--dry-run", "--json").data["would_refuse"] is False
    done = push(BAD, "--dry-run", "--errors", "drop")
    assert (done.status, done.out.splitlines()[0]) == (1, "a.csv: 3 rows: 2 invalid, 1 would be sent; dry run")


def test_one_row_is_singular(push, command, write):
    assert push("id,City\n1,Pune\n", "--dry-run").out.startswith("a.csv: 1 row: 1 would be sent")
    write("b.csv", "id,City\n,Pune\n")
    assert "b.csv: 1 row: 1 error, 0 warnings\n" in command("validate", "b.csv", "--id-col", "id").out
    assert "(1 error); with --errors drop 0 of 1 row would" in push("id,City\n,Pune\n", "--dry-run").out


def test_rejected_key_and_wrong_url_exit_2(push, at, monkeypatch, faulty):
    monkeypatch.setenv("GROWLYTICS_API_KEY", "another-key")
    done = push(GOOD, "--json")
    assert (done.status, done.data["ended"]) == (2, "stopped early")
    assert "rejected the API key" in done.err
    assert push(GOOD).out.endswith("next: give the right API key, then run the same command again.\n")
    at(faulty(redirect="http://127.0.0.1:9/login"))
    done = push(GOOD)
    assert done.status == 2
    assert "next: give the right --base-url, or remove what intercepts requests, then run" in done.out


def test_damaged_ledger_exits_2(push, at, write):
    write("ledger.db", b"this is no database" * 100)
    done = push(GOOD, "--ledger", "ledger.db")
    assert done.status == 2
    assert "ledger.db" in done.err


@pytest.mark.slow
def test_unreachable_service_exits_3(push, at):
    done = push(GOOD, "--base-url", "http://127.0.0.1:9", "--json")
    assert (done.status, done.data["counts"]["failed"]) == (3, 2)
    assert "--skip-unchanged" in done.data["next"]
    assert "retry()" not in done.err


def test_arrived_rows_are_mentioned_only_if_any(push, at, faulty):
    at(faulty(success_false=1.0))
    nothing = push(GOOD, "--ledger", "none")
    assert (nothing.status, nothing.out.splitlines()[-1]) == (1, "next: run the same command again.")
    at(faulty(success_false=0.5, seed=1))
    rows = "".join(f"{i},Pune\n" for i in range(40))
    some = push(f"id,City\n{rows}", "--ledger", "none", "--json")
    assert (some.data["counts"]["accepted"] > 0, some.data["counts"]["failed"] > 0) == (True, True)
    assert "rows that arrived are sent again" in some.data["next"]


def test_key_can_be_read_from_a_file(push, at, write, monkeypatch):
    monkeypatch.delenv("GROWLYTICS_API_KEY")
    write("key", f"\ufeff{at().api_key}\n")
    monkeypatch.delenv("GROWLYTICS_API_KEY")
    assert push(GOOD, "--key-file", "key").status == 0
    write("key", "")
    assert "the file is empty" in push(GOOD, "--key-file", "key").err


@pytest.mark.parametrize("around", ["GROWLYTICS_API_KEY={}\n", '"{}"'])
def test_key_with_extra_text_is_refused_early(push, at, write, around):
    box = at()
    done = push(GOOD, "--key-file", write("key", around.format(box.api_key)))
    assert (done.status, box.requests) == (2, 0)
    assert "remove it" in done.err
    assert box.api_key not in done.err


@pytest.mark.parametrize("option", ["--key", "--api-key", "--token", "--password", "--key-file"])
@pytest.mark.parametrize("joint", [" ", "="])
def test_key_argument_is_refused_and_not_shown(push, option, joint):
    secret = "sk-0123456789-secret"
    done = push(GOOD, *f"{option}{joint}{secret}".split(" "))
    assert done.status == 2
    assert secret not in done.out + done.err
    assert done.err.startswith("error: ")


@pytest.mark.parametrize("words", ["--key {} push", "ledger --token {}", "demo --api-key={}"])
def test_key_argument_of_any_command_is_not_shown(command, words):
    done = command(*words.format("sk-0123456789-secret").split())
    assert (done.status, "sk-0123456789-secret" in done.out + done.err) == (2, False)
    assert "replace it in the dashboard" in done.err


def test_the_key_is_in_no_output(push, at, monkeypatch, tmp_path, faulty):
    key = "hunted-7f3a9c2e51d8"
    monkeypatch.setenv("GROWLYTICS_API_KEY", key)
    files = ("--report", "r.html", "--violations", "v.csv", "--outcomes", "o.csv")
    runs = [
        push(GOOD, *files),
        push(GOOD, "--json"),
        push(GOOD, "--help"),
        push(BAD),
        push(GOOD, "--base-url", f"http://x/?{key}"),
    ]
    monkeypatch.setenv("GROWLYTICS_API_KEY", key + "\n" + key)
    runs.append(push(GOOD))
    written = [path.read_text("utf-8-sig") for path in tmp_path.iterdir() if path.suffix in (".html", ".csv")]
    assert len(written) == 4
    for text in (*written, *(one.out + one.err for one in runs)):
        assert key not in text


def test_json_is_one_object_alone_on_stdout(command, push, at, write):
    write("a.csv", GOOD)
    runs = [push(GOOD, "--json"), push(BAD, "--json"), push("id,a\n1\n", "--json")]
    runs += [command(name, write("b.csv", GOOD), "--id-col", "id", "--json") for name in ("schema", "validate")]
    assert [" ".join(done.data) for done in runs] == [KEYS] * 5
    assert [done.data["exit_status"] for done in runs] == [done.status for done in runs] == [0, 1, 2, 0, 0]
    assert runs[2].data["message"] in runs[2].err
    assert runs[3].data["columns"][0]["attribute"] == "City"
    assert runs[0].data["new_types"] == {"City": "string"}


def test_quiet_prints_nothing_on_success(push, at):
    done = push(GOOD, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert [line.split()[0] for line in push(BAD, "--quiet").out.splitlines()] == ["a.csv:", "error", "fix:"]
    left_out = push(BAD, "--quiet", "--errors", "drop").out
    assert len(left_out.splitlines()) == 1
    assert json.loads(push(GOOD, "--quiet", "--json").out)["exit_status"] == 0


def test_violations_are_wrapped_in_a_terminal_but_flags_are_not(command, write, monkeypatch):
    label = "A column whose label is much longer than the label of an attribute may be"
    write("a.csv", f"id,{label}\na,x\nb,y\n")
    log = command("validate", "a.csv", "--id-col", "id").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    lines = command("validate", "a.csv", "--id-col", "id").out.splitlines()
    assert {line.split()[0] for line in lines if len(line) > 70} == {"fix:"}
    for words in (f"column '{label}': the attribute name has", f"fix: --rename '{label}="):
        assert words in " ".join(log.split())
        assert words in " ".join(" ".join(lines).split())


def test_progress_in_a_log_is_one_line(push, at):
    changes, line = push(GOOD).err.splitlines()
    assert changes == "a.csv: 2 new, 0 changed, 0 unchanged"
    assert line.startswith("push: 2/2 rows (100%), ")
    lines = push("id,a\n").err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["note: a.csv: there are no rows.", "push: 0/0 rows (100%)"]
    many = pd.DataFrame({"id": range(1200), "City": " Pune"}).to_csv(index=False)
    done = push(f"{many}1199,\n", "--keep", "first")
    assert "push: 1,201/1,201 rows" in done.err
    assert "row 1,200 (line 1,202)" in done.out


def test_report_shows_the_line_of_the_file(push, at, tmp_path):
    push("id,City\na,Pune\n,Goa\n", "--errors", "drop", "--report", "r.html")
    page = re.sub(r"<[^>]*>|\s+", " ", (tmp_path / "r.html").read_text("utf-8"))
    assert re.search(r"see violations +first rows +1 \(line 3\)", page)


def test_report_names_the_file_without_its_folder(command, at, write, tmp_path):
    (tmp_path / "secret").mkdir()
    write("secret/a<b>.csv", GOOD)
    for name in ("validate", "push"):
        command(name, "secret/a<b>.csv", "--id-col", "id", "--report", "r.html")
        page = (tmp_path / "r.html").read_text("utf-8")
        assert "<bdi>a&lt;b&gt;.csv</bdi>" in page
        assert "secret" not in page


def test_report_has_flags_and_no_python(push, command, at, tmp_path):
    bad = "id,City,Joined\n1,Pune,31/01/2025\n,Goa,01/02/2025\n"
    push(bad, "--errors", "drop", "--report", "pushed.html")
    push(bad, "--dry-run", "--report", "dry.html")
    command("validate", "a.csv", "--id-col", "id", "--report", "plan.html")
    for name, flag in (
        ("pushed", "--skip-unchanged"),
        ("dry", "--dry-run, with --errors drop"),
        ("plan", "--errors drop"),
    ):
        page = re.sub(r"<style.*?</style>|<[^>]*>", "", (tmp_path / f"{name}.html").read_text("utf-8"), flags=re.DOTALL)
        assert flag in page
        assert "--violations violations.csv" in page
        assert re.findall(r"result\.|plan\.|\w\(|\.violations|=&#39;|\braise\b|\bkeep=", page) == []


def test_reports_and_outcomes_are_csv_safe(push, at):
    push("id,City\n=1+1,Pune\n", "--report", "r.html", "--outcomes", "o.csv", "--violations", "v.csv")
    assert "<html" in pathlib.Path("r.html").read_text()
    assert "'=1+1" in pathlib.Path("o.csv").read_text("utf-8-sig")
    assert csv_safe.read_csv("o.csv")["id"].tolist() == ["=1+1"]


def test_unwritable_file_costs_nothing_else(push, at, tmp_path):
    """A file that cannot be written costs neither the push nor the other files."""
    (tmp_path / "r.html").symlink_to(tmp_path / "gone" / "r.html")
    done = push(GOOD, "--report", "r.html", "--outcomes", "o.csv", "--json")
    assert (done.status, len(at().stored()), len(pd.read_csv("o.csv"))) == (2, 2, 2)
    assert "--report: 'r.html' could not be written" in done.err
    assert done.data["files"] == {"outcomes": "o.csv"}


def test_messages_name_flags_not_arguments(push, at, command, write):
    push(GOOD)
    write("b.jsonl", '{"id": "1", "City": 3, "New": 1}\n')
    done = command("validate", "b.jsonl", "--id-col", "id", "--new-attributes", "forbid")
    assert "--type City=string" in done.out
    assert "fix: Correct the name, or leave the column out: --exclude New" in done.out
    for word in ("types=", "df[", "result.", "Client("):
        assert word not in done.out + done.err


def test_internal_error_is_a_line_and_exit_70():
    def broken():
        raise KeyError("x")

    try:
        broken()
    except KeyError as error:
        summary = explain(error, Summary("push", "a.csv"), Stopper())
    assert (summary.exit_status, summary.ended) == (70, "error")
    assert "unexpected KeyError (test_pushing.py, line " in summary.message
    summary = explain(MemoryError(), Summary("push", "a.csv"), Stopper())
    assert summary.exit_status == 2
    assert "does not fit into memory" in summary.message


def test_console_script_runs_this_command():
    pyproject = tomllib.loads((pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert pyproject["project"]["scripts"] == {"growlytics-pandas": "growlytics_pandas.__main__:main"}


def test_rejected_rows_are_to_be_corrected(push, at, faulty):
    at(faulty(status={422: 1.0}))
    done = push(GOOD, "--json")
    assert done.data["refused"] == done.data["counts"]["failed"] > 0
    assert done.data["next"].startswith("correct the ")
