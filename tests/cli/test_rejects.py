"""`--rejects PATH`: the rows that did not fully arrive, to correct and push again as a file."""

import pathlib

FILE = 'id,mobile,Score\na,+919876543210,1\n,+919876543211,2\nc,=1+1,"x"\n'
HOW = ("--type", "Score=number", "--errors", "drop")


def test_rejects_can_be_corrected_and_pushed(command, write, at, sandbox):
    at()
    write("a.csv", FILE)
    done = command("push", "a.csv", "--id-col", "id", *HOW, "--rejects", "r.csv", "--json")
    assert (done.status, done.data["files"]) == (1, {"rejects": "r.csv"})
    assert "r.csv" in done.data["next"]
    text = pathlib.Path("r.csv").read_text("utf-8-sig")
    assert text.startswith('"status","rule","reason","fix","id","mobile","Score"')
    assert "'+919876543211" in text
    assert "'=1+1" in text
    text = text.replace('"\'=1+1","x"', '"\'+919876543212","3"').replace(",,\"'+9198", ',"b","\'+9198')
    write("r.csv", text)
    again = command("push", "r.csv", "--id-col", "id", "--type", "Score=number", "--json")
    assert again.status == 0, again.err
    assert sandbox.stored() == {
        "a": {"mobile": "+919876543210", "Score": 1},
        "b": {"mobile": "+919876543211", "Score": 2},
        "c": {"mobile": "+919876543212", "Score": 3},
    }


def test_validate_and_refused_push_write_rejects(command, write, at):
    at()
    write("a.csv", FILE)
    for verb in ("validate", "push"):
        done = command(verb, "a.csv", "--id-col", "id", "--type", "Score=number", "--rejects", f"{verb}.csv")
        assert done.status == 1
        assert pathlib.Path(f"{verb}.csv").read_text("utf-8-sig").count("\n") == 3


def test_validate_reports_what_would_change(command, write, at):
    at()
    write("a.csv", "id,City\na,Pune\nb,Goa\n")
    command("push", "a.csv", "--id-col", "id")
    write("a.csv", "id,City\na,Pune\nb,Agra\nc,Delhi\n")
    done = command("validate", "a.csv", "--id-col", "id", "--json")
    assert done.data["changes"] == {"new": 1, "changed": 1, "unchanged": 1, "left_out": 0}
    assert "1 new, 1 changed, 1 unchanged" in command("validate", "a.csv", "--id-col", "id").out
    assert "1 new, 1 changed, 1 unchanged" in command("push", "a.csv", "--id-col", "id", "--dry-run").out


def test_the_next_step_after_a_drop_is_the_rejects_file(command, write, at):
    at()
    done = command("push", write("a.csv", FILE), "--id-col", "id", *HOW, "--json")
    assert done.data["next"].startswith("--rejects PATH")
    assert "--errors drop" not in str(done.data["rules"]), "it is given already"
    segment = ("--attribute", "VIP", "--members", "m.csv", "--errors", "drop", "--rejects", "r.csv")
    done = command("segment", "a.csv", "--id-col", "id", *segment, "--json")
    assert done.data["next"].endswith("run the same command again."), "without the other members, they would leave"
