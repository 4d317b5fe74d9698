"""Suggestions for the names of attributes, for contacts and ids, for columns to leave out and for the zone of days."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp
from growlytics_pandas import contract
from growlytics_pandas.checks.suggestions import Columns, as_options, suggest_for
from growlytics_pandas.columns.dtypes import classify
from growlytics_pandas.columns.plan_options import Reading

EMAILS = ["asha@example.com", "ravi@example.com", None]
MOBILES = ["9919211112", "9812345678", None]
PEOPLE = ["Asha Rao", "Ravi Iyer", None]


def suggestions(frame, id_col="id", *, zone="UTC", region="IN", known=None):
    columns = list(frame.columns)
    names = {i: str(label) for i, label in enumerate(columns)}
    kinds = {i: classify(frame.iloc[:, i]).kind for i in names}
    place = columns.index(id_col)
    return suggest_for(
        Columns(frame, place, names, lambda _: Reading(), kinds, ZoneInfo(zone), region, known or {}, {})
    )


def frame_of(columns):
    size = max(map(len, columns.values()))
    return pd.DataFrame({"id": [f"c{i}" for i in range(size)], **columns})


def options(columns, **more):
    return as_options(suggestions(frame_of(columns), **more))


# contacts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reserved", "values", "labels"),
    [
        ("email", EMAILS, "Email|EMAIL |E-mail|e_mail|Contact Email|Email ID|Mail Id|EmailAddress|customer-email|mail"),
        (
            "mobile",
            MOBILES,
            "Mobile|Phone|Phone Number|phone_no|customerphone|User Phone|Mobile No.|CELL PHONE|Contact No|WhatsApp|Tel|Contact",
        ),
        (
            "mobile",
            MOBILES,
            "Telefon|Telefonnummer|Handy-Nr.|Rufnummer|Téléphone|Numéro de téléphone|Móvil",
        ),
        ("name", PEOPLE, "Name|Full Name|full_name|CustomerName|Customer"),
        ("name", PEOPLE, "Kunde|Kundenname|Vollständiger Name|Name des Kunden|Kunden-Name|Klant|Nome|Cliente"),
        ("name", PEOPLE, "Nom|NOM COMPLET|Nom du client|Nombre|Nombre completo|Naam|Grahak ka naam|नाम|ग्राहक का नाम"),
    ],
)
def test_contact_columns_are_renamed(reserved, values, labels):
    for label in labels.split("|"):
        assert options({label: values}) == {"rename": {label: reserved}}, label


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("Email", ["yes", "no", "yes"]),
        ("Email", ["Pune", "Goa", "Delhi"]),
        ("Phone", ["iPhone 15", "Pixel 9"]),
        ("Phone", ["1", "2", "3"]),
        ("Name", ["1001", "1002"]),
        ("Email Opt-In", EMAILS),
        ("Manager Email", EMAILS),
        ("Alternate Phone", MOBILES),
        ("First Name", PEOPLE),
        ("Vorname", ["Anna", "Jürgen"]),
        ("Prénom", ["Zoé", "Luc"]),
        ("Apellidos", ["García López", "Pérez"]),
        ("Kunde", ["Müller GmbH", "Bäckerei Schmidt KG", "SAP AG"]),
        ("Client", ["Rao Traders Pvt. Ltd.", "Shah & Sons Ltd", "Asha"]),
        ("Kunde", ["ja", "nein"] * 4),
        ("Nombre", ["12", "7"]),
        ("Firma", PEOPLE),
        ("Firmenname", PEOPLE),
        ("Nom du produit", PEOPLE),
        ("Nombre de pedidos", PEOPLE),
        ("Ville", PEOPLE),
        ("Product Name", PEOPLE),
        ("City", PEOPLE),
        ("Referred by", EMAILS),
    ],
)
def test_rename_needs_both_label_and_values(label, values):
    assert "rename" not in options({label: values})


@pytest.mark.parametrize("label", ["Login", "Contact (primary)", "foo"])
def test_addresses_are_recognised_under_any_label(label):
    assert options({label: EMAILS})["rename"] == {label: "email"}


def test_a_name_beside_first_names_may_be_the_last_name():
    first = {"Vorname": ["Anna", "Jürgen"]}
    assert options({**first, "Name": ["Müller", "Weiß"]}) == {}
    assert options({**first, "Name": ["Anna Müller", "Jürgen Weiß"]}) == {"rename": {"Name": "name"}}


def test_name_in_use_is_not_suggested():
    assert options({"email": EMAILS, "Work Email": EMAILS}) == {}


def test_two_candidates_are_left_open():
    found = [one for one in suggestions(frame_of({"Email": EMAILS, "Email ID": EMAILS})) if one.option == "rename"]
    assert [(one.column, one.value) for one in found] == [("Email", None), ("Email ID", None)]
    assert "'Email ID'" in found[0].reason


def test_numeric_phone_numbers_are_contacts():
    assert options({"Phone": [9919211112, 9812345678]}) == {"rename": {"Phone": "mobile"}}
    assert options({"Phone": [9919211112.0, None]}) == {"rename": {"Phone": "mobile"}}


def test_contact_ids_are_sent_as_contacts_too():
    frame = pd.DataFrame({"Customer Email": ["asha@example.com", "ravi@example.com"], "City": ["Pune", "Goa"]})
    assert as_options(suggestions(frame, "Customer Email")) == {"rename": {"Customer Email": "email"}}


@pytest.mark.parametrize("label", ["email", "Email"])
def test_spellings_of_an_address_become_one(label):
    found = options({label: ["Asha Rao <Asha@Example.com>", "mailto:ravi@example.com", "mina@example.com", "N/A"]})
    assert found["normalize"] == {label: "email"}
    assert found["na_values"] == {label: ["N/A"]}
    assert "types" not in found


@pytest.mark.parametrize("label", ["mobile", "Mobile No"])
def test_formats_of_a_phone_number_become_one(label):
    found = suggestions(frame_of({label: ["+91 99192 11112", "09812345678", "9919211113", " 9919211114", "-"]}))
    assert as_options(found)["normalize"] == {label: "E.164"}
    assert as_options(found)["strip"] == [label]
    assert next(one.cells for one in found if one.option == "normalize") == 4
    assert "normalize" not in options({label: MOBILES})


def test_numbers_of_another_country_are_left_open():
    numbers = {"Phone": ["0151 1536537", "+49 171 1234567", "0171/2071889"]}
    (open_,) = (one for one in suggestions(frame_of(numbers)) if one.option == "normalize")
    assert open_.value is None
    assert "region" in open_.reason
    both = {"Phone": ["+49 171 1234567", "+91 98765 43210", "9812345678"]}
    assert options(both)["normalize"] == {"Phone": "E.164"}


def test_address_ids_are_stripped_and_unified():
    frame = pd.DataFrame({"email": ["Asha@Example.com", " ravi@example.com"], "City": ["Pune", "Goa"]})
    assert as_options(suggestions(frame, "email")) == {"strip": ["email"], "normalize": {"email": "email"}}
    plain = pd.DataFrame({"id": [" c1", "'0012"], "City": ["Pune", "Goa"]})
    assert as_options(suggestions(plain)) == {"strip": ["id"]}
    numbers = pd.DataFrame({"id": ["1001", "1002"], "City": ["Pune", "Goa"]})
    assert suggestions(numbers) == []


# names ----------------------------------------------------------------------------------------------------------------


def test_long_names_become_short_and_distinct():
    start = "What is the size of the family that you live with, "
    labels = [f"{start}{end}" for end in ("in Pune", "in Goa", "elsewhere")]
    renamed = options({label: ["a"] for label in labels})["rename"]
    assert list(renamed) == labels
    assert len(set(renamed.values())) == 3
    assert all(contract.count_chars(name) <= contract.MAX_ATTRIBUTE_NAME_CHARS for name in renamed.values())
    assert options({"🎉" * 30: ["a"]})["rename"] == {"🎉" * 30: "🎉" * 24}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (" City", "City"),
        ("City\xa0", "City"),
        ("\ufeffCity", "City"),
        ("Ci\u200bty", "City"),
        ("Home  Town\n", "Home Town"),
    ],
)
def test_names_lose_invisible_characters(label, name):
    assert options({label: ["Pune"]}) == {"rename": {label: name}}


def test_names_that_would_clash_are_left_open():
    for labels in ((" City", "City"), ("Caf\u00e9", "Cafe\u0301")):
        found = suggestions(frame_of({label: ["Pune"] for label in labels}))
        assert "rename" not in as_options(found)
        assert [one.option for one in found] == ["rename"]


def test_name_of_earlier_pushes_stays():
    assert options({" City": ["Pune"]}, known={" City": "string"}) == {}


def test_name_takes_the_case_of_earlier_pushes():
    assert options({"city": ["Pune"]}, known={"City": "string"}) == {"rename": {"city": "City"}}
    assert options({"city": ["Pune"], "City": ["Goa"]}, known={"City": "string"}) == {}


# columns to leave out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [[[1], [2]], [{"a": 1}, {}], [b"x", b"y"], pd.to_timedelta([1, 2], unit="s"), pd.period_range("2025", periods=2)],
)
def test_unsendable_columns_are_excluded(values):
    frame = pd.DataFrame({"id": ["a", "b"], "x": values})
    assert as_options(suggestions(frame)) == {"exclude": ["x"]}


@pytest.mark.parametrize("label", ["Unnamed: 0", "index", "level_0", "Unnamed: 0.1"])
@pytest.mark.parametrize("values", [[0, 1, 2], [1, 2, 3], [0, 5, 9], ["0", "1", "2"]])
def test_an_old_index_is_excluded(label, values):
    assert options({label: values}) == {"exclude": [label]}


@pytest.mark.parametrize("values", [[7, 3, 3], [0.5, 1.5, 2.5], [9, 5, 0], ["a", "b", "c"]])
def test_columns_like_an_old_index_are_kept(values):
    assert "exclude" not in options({"index": values})
    assert "exclude" not in options({"Rank": [0, 1, 2]})


# the zone of days -----------------------------------------------------------------------------------------------------

DAYS = ["1990-05-17", "1985-01-01", "1999-12-31"]


@pytest.mark.parametrize(
    "dtype", ["datetime64[ns, Asia/Kolkata]", pd.ArrowDtype(pa.timestamp("us", "Asia/Kolkata")), object]
)
def test_days_with_a_zone_keep_it(dtype):
    days = pd.Series(pd.to_datetime(DAYS).tz_localize("Asia/Kolkata")).astype(dtype)
    assert options({"Born": days}) == {"timezone": "Asia/Kolkata"}
    assert options({"Born": days}, zone="Asia/Kolkata") == {}


@pytest.mark.parametrize(
    "values",
    [
        ["1990-05-17T00:00:00+05:30", "1985-01-01T00:00:00+05:30", "1999-12-31T00:00:00+05:30"],
        ["1990-05-16T18:30:00.000Z", "1984-12-31T18:30:00.000Z", "1999-12-30T18:30:00.000Z"],
    ],
)
def test_utc_days_of_a_browser_become_local_days(values):
    assert options({"Born": values}) == {"date_format": {"Born": "ISO8601"}, "timezone": "Asia/Kolkata"}
    assert "timezone" not in options({"Born": values}, region="US")
    assert "timezone" not in options({"Born": [*values, "2025-01-31T09:30:00Z"]})


def test_other_aware_dates_are_not_days():
    for zone, hour in (("Asia/Kolkata", 9), ("UTC", 0), ("America/New_York", 0)):
        days = pd.Series(pd.to_datetime(DAYS).tz_localize(zone) + pd.Timedelta(hours=hour))
        assert "timezone" not in options({"Born": days}), zone
    assert options({"Born": pd.Series(pd.to_datetime(DAYS))}) == {}
    mixed = pd.Series([datetime(1990, 5, 17, tzinfo=UTC), datetime(1990, 5, 17)], dtype=object)  # noqa: DTZ001 - both
    assert options({"Born": mixed}) == {}


def test_zones_that_disagree_are_left_open():
    columns = {
        "A": pd.Series(pd.to_datetime(DAYS).tz_localize("Asia/Kolkata")),
        "B": pd.Series(pd.to_datetime(DAYS).tz_localize("Asia/Tokyo")),
    }
    found = suggestions(frame_of(columns))
    assert [(one.option, one.value) for one in found] == [("timezone", None), ("timezone", None)]


def test_labels_may_be_anything():
    frame = pd.DataFrame([["c1", " Pune", "7"]])
    assert as_options(suggestions(frame, 0)) == {"strip": [1], "types": {2: "number"}}
    levels = frame.set_axis(pd.MultiIndex.from_tuples([("id", ""), ("City", "home"), ("n", "sum")]), axis=1)
    assert as_options(suggestions(levels, ("id", "")))["types"] == {("n", "sum"): "number"}


@pytest.mark.parametrize(("code", "is_open"), [("+49", False), ("+33", True), ("+41", True)])
def test_numbers_without_a_code_among_those_of_several_countries_are_left_open(code, is_open):
    numbers = [
        (f"+49 171 23{i:05}", f"{code} 171 23{i:05}", f"{code} 171 24{i:05}", f"0171 25{i:05}")[i % 4]
        for i in range(60)
    ]
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(60)], "mobile": numbers})
    assert ("normalize" not in gp.suggest(frame, "id", region="DE")) == is_open


@pytest.mark.parametrize("id_col", ["id", "Phone"])
def test_numbers_of_several_countries_read_as_of_one_are_reported(id_col):
    phones = [f"+1 617 905 24{i}" for i in range(10, 30)] + [f"(617) 905-25{i}" for i in range(10, 30)]
    df = pd.DataFrame({"id": range(40), "Phone": phones})
    options = {"rename": {"Phone": "mobile"}, "normalize": {"Phone": "E.164"}}
    found = gp.validate(df, id_col, **options).query("rule == 'mobile_invalid' and row.isna()")
    assert found["count"].tolist() == [20]
    assert "region" in found["message"].iloc[0]
    assert gp.validate(df, id_col, **options, region="US").empty


@pytest.mark.parametrize(("label", "word"), [("email", "n/c"), ("mobile", "call office")])
def test_repeated_words_among_contacts_may_mean_missing(label, word):
    good = [f"a{i}@example.com" if label == "email" else f"99192111{i}" for i in range(10, 30)]
    df = pd.DataFrame({"id": range(25), label: [*good, word, word, word, "other", "99"]})
    fixes = gp.validate(df, "id")["fix"].tolist()
    assert fixes.count(str(f"na_values={{{label!r}: [{word!r}]}}")) == 3
    assert len(fixes) == 5


FRENCH = [f"06 12 34 56 {i}" for i in range(10, 40)] + [f"0612.34.57.{i}" for i in range(10, 40)]
AMERICAN = [f"(650) 384-13{i}" for i in range(10, 40)] + [f"617-384-43{i}" for i in range(10, 40)]


@pytest.mark.parametrize(
    ("label", "phones", "region", "guess"),
    [
        ("Tél. portable", FRENCH, "FR", ""),
        ("Téléphone", [*FRENCH[:20], *(f"+33 6 12 34 58 {i}" for i in range(10, 50))], "FR", "FR"),
        ("Phone", AMERICAN, "US", "US"),
        ("Cell Phone", [*AMERICAN, *(f"+1 650 384 14{i}" for i in range(10, 30))][-60:], "US", "US"),
        ("Mobile No", [f"98765 432{i}" for i in range(10, 40)] + [f"09876543{i}0" for i in range(10, 40)], "IN", None),
    ],
)
def test_phones_of_another_region_are_contacts_and_open(label, phones, region, guess):
    df = pd.DataFrame({"id": range(60), label: phones})
    plan = gp.plan(df, "id")
    assert plan.suggest()["rename"] == {label: "mobile"}
    assert ("normalize" in plan.suggest()) == (guess is None)
    assert "contact_not_mapped" in set(plan.violations["rule"])
    if guess is not None:
        found = plan.suggestions.query("option == 'normalize'")
        assert found["value"].isna().all()
        assert (f"region='{guess}'" in found["reason"].iloc[0]) == bool(guess)
        wrong = gp.validate(df, "id", rename={label: "mobile"}, normalize={label: "E.164"})
        assert "mobile_invalid" in set(wrong["rule"])
    options = gp.suggest(df, "id", region=region)
    assert options["normalize"] == {label: "E.164"}
    assert gp.validate(df, "id", **{**options, "region": region}).empty


@pytest.mark.parametrize("label", ["Mobile", "mobile"])
@pytest.mark.parametrize(
    "phones",
    [[f"075763972{i}" for i in range(10, 50)], [float(f"75763972{i}") for i in range(10, 50)]],
    ids=["text", "zeros lost"],
)
def test_phones_of_another_region_get_its_code_in_any_spelling(label, phones):
    df = pd.DataFrame({"id": range(40), label: phones})
    options = gp.suggest(df, "id", region="GB")
    assert options["normalize"] == {label: "E.164"}
    assert gp.preview(df, "id", **options)[0]["attributes"][0]["value"] == "+447576397210"
    assert "normalize" not in gp.suggest(df, "id"), "in India they are numbers, too"


def test_open_region_is_a_warning_also_before_normalization():
    phones = [f"+1 617 905 24{i}" for i in range(10, 30)] + [f"(617) 905-25{i}" for i in range(10, 30)]
    found = gp.validate(pd.DataFrame({"id": range(40), "mobile": phones}), "id").query("row.isna()")
    assert found["rule"].tolist() == ["mobile_invalid"]
    assert "region='US'" in found["message"].iloc[0]


def test_a_contact_of_many_customers_is_reported_masked():
    """It may be a placeholder, but families and offices share contacts, too."""
    emails = ["noemail@noemail.com"] * 30 + [f"a{i}@x.com" for i in range(70)]
    df = pd.DataFrame(
        {"id": range(100), "E-mail": emails, "mobile": ["0000000000"] * 20 + [f"98765432{i:02}" for i in range(80)]}
    )
    plan = gp.plan(df, "id")
    found = plan.violations.query("rule in ('email_invalid', 'mobile_invalid') and row.isna()")["message"].tolist()
    assert "30 customers have the address n•••@n•••.com, so a campaign reaches at most one" in found[0]
    assert "20 customers have the number •••00" in found[1]
    assert "na_values" not in plan._suggest()
    assert "noemail@" not in plan._repr_html_() + plan.violations._repr_html_() + plan.suggestions._repr_html_()
    assert (
        gp.validate(df, "id", na_values=["noemail@noemail.com", "0000000000"])
        .query("rule.str.endswith('_invalid')")
        .empty
    )
    few = pd.DataFrame({"id": range(1100), "email": ["family@x.com"] * 9 + [f"a{i}@x.com" for i in range(1091)]})
    assert gp.validate(few, "id").empty


def test_one_digit_throughout_means_missing():
    phones = ["0000000000"] * 3 + [f"99192111{i}" for i in range(10, 30)]
    df = pd.DataFrame({"id": range(len(phones)), "mobile": phones})
    found = gp.validate(df, "id").query("rule == 'mobile_invalid'")
    assert found["message"].str.contains("one digit throughout").all()
    assert set(found["fix"]) == {"na_values={'mobile': ['0000000000']}"}


@pytest.mark.parametrize("label", ["Pincode", "State code"])
def test_codes_that_end_in_point_zero_are_reported(label):
    df = pd.DataFrame({"id": range(5), label: ["400001.0", "110001.0", None, "560001.0", "400002"]})
    assert "3 codes end in .0" in gp.validate(df, "id").query("rule == 'type_doubtful'")["message"].item()
    assert not gp.validate(df.rename(columns={label: "City"}), "id")["message"].str.contains("end in .0").any()


def test_no_name_is_shown_in_a_fix():
    """Names in a column of contacts are customers' own, however often they occur."""
    emails = ["Suresh Babu"] * 20 + ["n/a"] * 3 + [f"a{i}@x.com" for i in range(77)]
    df = pd.DataFrame({"id": range(100), "email": emails})
    plan = gp.plan(df, "id")
    assert "Suresh" not in plan._repr_html_() + plan.violations._repr_html_() + plan.suggestions._repr_html_()
    assert set(plan.violations["rule"]) == {"email_invalid"}
    assert "20 customers have the address S•••" in plan.violations["message"].iloc[0]


def test_one_impossible_date_does_not_hide_the_format():
    df = pd.DataFrame({"id": range(4), "Start": ["15/01/2025", "31/01/2025", "01/02/2025", "31/02/2025"]})
    found = gp.validate(df, "id", types={"Start": "date"}).query("rule == 'value_wrong_type'")
    assert set(found["fix"]) == {"date_format={'Start': '%d/%m/%Y'}"}
    found = gp.validate(df, "id", date_format={"Start": "%d/%m/%Y"}).query("rule == 'value_wrong_type'")
    assert found["fix"].tolist() == ["Correct it at the source, or leave out the value: errors='drop'"]
