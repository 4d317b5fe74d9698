"""What is noted of messy columns, in the words of the command line: the options that send them as they are meant."""

import re
import shlex

import pandas as pd
import pytest

import growlytics_pandas
from growlytics_pandas.commands.wording import in_words

OF_PANDAS = re.compile(r"\bdf\b|\bpd\.|\.str\b|types=|format=|\btexts\b|\bfound\b")
DAY, NEXT = "2025-01-31 00:00:00", "2025-02-01 00:00:00"
CASES = {  # values, what is stored once the options of the note are given; None: no option of a command mends it
    "numbers and words": (["7", "8", "NA", "-"], [7, 8, None, None]),
    "words with white space around": (["7", "8", "9", "NA ", " -", "--", "  "], [7, 8, 9, None, None, None, None]),
    "yes, no and a word": (["yes", "no", "?"], [True, False, None]),
    "dates and a word": (["2025-01-31", "2025-02-01", "-"], [DAY, NEXT, None]),
    "days first and a word": (["31/01/2025", "01/02/2025", "NULL"], [DAY, NEXT, None]),
    "several forms": (["31/01/2025", "2025-01-31", "31-Jan-25", "01/02/2025", "n/a"], [DAY, DAY, DAY, NEXT, None]),
    "digits": (["20250131", "20250201", "20250202"], [DAY, NEXT, "2025-02-02 00:00:00"]),
    "per cent": (["12%", "3%", "-"], None),
    "amounts and a word": (["1,234.50", "99,000", "-"], None),
    "amounts and others": (["1,234.50"] * 19 + ["soon"], None),
    "forms and others": (["31/01/2025", "2025-01-31"] * 10 + ["soon"], None),
    "an open century": (["31-Jan-45"], None),
}


@pytest.mark.parametrize("name", ["At", "Mother's", 'The "At"'])
@pytest.mark.parametrize("case", CASES)
def test_a_note_has_options_and_no_pandas_and_the_options_do_it(command, at, tmp_path, name, case):
    values, stored = CASES[case]
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], name: values})
    note = growlytics_pandas.schema(df, "id")["note"].item()
    for text in (note, f"column goes out as string: {note}. To keep it a string: no more."):
        assert OF_PANDAS.search(in_words(text)) is None
    if stored is None:
        return
    df.to_csv(tmp_path / "a.csv", index=False)
    said = re.sub(r", and once more.*| \(csv\) and|^.*?(?=--[a-z])", "", in_words(note))
    done = command("push", "a.csv", "--id-col", "id", "--quiet", *shlex.split(said))
    assert (done.status, done.err) == (0, "")
    assert [at().stored()[f"c{i}"].get(name) for i in range(len(values))] == stored


@pytest.mark.parametrize("values", [["1,234.50", "99,000", "7", "-", "NA "], ["12%", "3%", "7%", "-", "NA "]])
def test_a_note_on_separators_or_signs_names_the_words_too(command, at, write, values):
    cells = [f'c{i},"{value}"\n' for i, value in enumerate(values)]
    (note,) = command("schema", write("a.csv", f"id,At\n{''.join(cells)}"), "--id-col", "id", "--json").told["columns"]
    assert "--na=- --na=NA (csv) and remove the " in note["note"]
    removed = "".join(cell.replace(",", "\0", 1).replace(",", "").replace("\0", ",").replace("%", "") for cell in cells)
    done = command("push", write("a.csv", f"id,At\n{removed}"), "--id-col", "id", "--na=-", "--na=NA", "--quiet")
    assert (done.status, done.err) == (0, "")
    assert [stored.get("At") is None for stored in at().stored().values()] == [False] * 3 + [True] * 2
