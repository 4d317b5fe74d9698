"""What a column's label indicates about its values: ids, codes, dates, or people, whom contacts and names identify.

Words are compared without case and accents, in the languages in which labels of customers are common.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Hashable, Sequence
from typing import Any, Final

from growlytics_pandas.contract import RESERVED_ATTRIBUTES

_INDIC: Final = "\u0900-\u0963\u0970-\u0d7f"  # their vowel signs are not letters to Python
_WORDS: Final = re.compile(rf"[A-Z]+(?![a-z])|[A-Z]?(?:[^\W\d_A-Z]|[{_INDIC}])+")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


_CONTACT_WORDS: Final = word_set(
    """
    email emails mail mobile mobil phone telephone cellphone cell tel whatsapp msisdn address
    telefon telefono telefone telefoon handy rufnummer telefonnummer telefonnr handynummer handynr mobilnummer mobilnr
    movil celular cellulare portable courriel correo adresse anschrift strasse direccion endereco indirizzo adres
    ईमेल फोन फ़ोन मोबाइल
    """
)
_NAME: Final = word_set("name nom nombre nome naam navn namn नाम")
_WHOLE: Final = word_set(
    """
    fullname customername clientname kundenname kundinnenname kundename klantnaam clientnaam contactname kontaktname
    kontaktperson ansprechpartner
    """
)
"""Words that alone indicate whole names of people."""
_FIRST: Final = word_set(
    "fname firstname forename givenname vorname rufname prenom prenoms voornaam roepnaam fornavn fornamn"
)
_LAST: Final = word_set(
    """
    lname lastname surname familyname nachname familienname zuname geburtsname apellido apellidos sobrenome cognome
    achternaam etternavn efternavn efternamn upnaam उपनाम
    """
)
_PART: Final = _FIRST | _LAST | word_set("middlename nickname")
_OF_FIRST: Final = word_set("first given pila primer")
_OF_LAST: Final = word_set("last family sur famille familia")
_OF_PART: Final = _OF_FIRST | _OF_LAST | word_set("middle nick segundo")
_CUSTOMER: Final = word_set("customer cust kunde kundin client cliente klant grahak ग्राहक")
_PERSON: Final = _CUSTOMER | word_set(
    """
    contact person member guest patient subscriber student learner traveller traveler passenger pax tourist attendee
    participant applicant donor tenant resident shopper viajero pasajero huesped alumno eleve reisender teilnehmer
    kunden kontakt mitglied gast personen contacto contatto contato membre
    """
)
_PEOPLE: Final = _PERSON | word_set("user buyer recipient shipping billing display benutzer usuario utilisateur")
"""With a name, also an account's or a parcel's, which masks hide but campaigns do not use."""
_OF_CONSENT: Final = word_set(
    "opt optin optout consent accepts accept verified subscribed unsubscribed status allowed ok"
)
"""With a contact, whether it may be used: no contact itself."""
_OF_PLACES: Final = word_set("city town district state province county country region")
"""With an address, a part that many customers share."""
OF_OTHERS: Final = word_set(
    """
    manager agent owner referrer referred referral referee father mother spouse guardian emergency alternate
    alternative alt secondary second other old previous sender support sales staff employee rep seller vendor
    nominee backup company product item city store file domain first last middle nick brand opt verified status
    count valid type bounce model os sent opened campaign
    """
)
"""Words for other people than the customer, and for what is no contact."""
_OF_OTHER_PEOPLE: Final = OF_OTHERS - {"first", "last", "middle"}
_FILLERS: Final = word_set(
    """
    full complete whole vollstandiger vollstaendiger vollstandige ganzer voller complet completo volledige
    pura poora पूरा
    of the s des der de del della do da du la le el van ka का
    """
)


def words_of(label: str) -> list[str]:
    """Return the words of a label in lower case, without accents.

    Examples
    --------
    >>> words_of("Pin-Code"), words_of("createdAt"), words_of("DOB"), words_of("order_id2"), words_of("PRÉNOM")
    (['pin', 'code'], ['created', 'at'], ['dob'], ['order', 'id'], ['prenom'])
    """
    if not label.isascii():
        label = _ACCENTS.sub("", unicodedata.normalize("NFD", label))
    return [word.casefold() for word in _WORDS.findall(label.replace("WhatsApp", "Whatsapp"))]


def is_personal(attribute: Any, column: Hashable, id_column: Hashable) -> bool:
    """Return whether a column identifies customers: the id, contacts or people's names, by its label or attribute name.

    Examples
    --------
    >>> [is_personal(label, label, "id") for label in ("E-mail", "Full Name", "Product Name", "Address City")]
    [True, True, False, False]
    """
    return str(column) == str(id_column) or any(map(_is_of_people, {str(attribute), str(column)}))


def _is_of_people(label: str) -> bool:
    words = words_of(label)
    if not (_OF_CONSENT | _OF_PLACES).isdisjoint(words):
        return False
    if label.strip().casefold() in RESERVED_ATTRIBUTES or not _together(words).isdisjoint(_CONTACT_WORDS):
        return True
    has_person = not _PEOPLE.isdisjoint(words) and not _NAME.isdisjoint(words)
    return has_person or is_full_name(label) or is_part_of_name(label)


def is_full_name(label: str) -> bool:
    """Return whether a label is one of whole names of people.

    Examples
    --------
    >>> [is_full_name(label) for label in ("Kunde", "Nom du client", "Grahak ka naam", "Vorname", "Product Name")]
    [True, True, True, False, False]
    """
    words = words_of(label)
    others = [word for word in words if word not in _FILLERS]
    if len(others) == 1 and others[0] in _CUSTOMER:
        return len(words) == 1
    return bool(others) and set(others) <= _NAME | _WHOLE | _PERSON and not (_NAME | _WHOLE).isdisjoint(others)


def is_part_of_name(label: str) -> bool:
    """Return whether a label is one of first names, last names and the like.

    Examples
    --------
    >>> [is_part_of_name(label) for label in ("First Name", "Nachname", "Prénom", "Kunde", "Last order")]
    [True, True, True, False, False]
    """
    return _is_part(label, _PART, _OF_PART)


def parts_of_name(labels: Sequence[str]) -> list[int]:
    """Return the places of the labels of customers' first and last names, in their order; [] unless both are there.

    Beside first names, the mere word for names is the last name.

    Examples
    --------
    >>> parts_of_name(["id", "Last Name", "First Name"]), parts_of_name(["Vorname", "Name"]), parts_of_name(["Nom"])
    ([1, 2], [0, 1], [])
    """
    words = {place: words_of(label) for place, label in enumerate(labels)}
    of_customers = [place for place, found in words.items() if _OF_OTHER_PEOPLE.isdisjoint(found)]
    first = [place for place in of_customers if _is_part(labels[place], _FIRST, _OF_FIRST)][:1]
    last = [place for place in of_customers if _is_part(labels[place], _LAST, _OF_LAST)][:1]
    if not (first and last):
        last += [place for place in of_customers if words[place] and _NAME.issuperset(words[place])][:1]
    return sorted(first + last) if len(first + last) == 2 else []  # noqa: PLR2004 - a first and a last name


def _is_part(label: str, alone: frozenset[str], composed: frozenset[str]) -> bool:
    words = words_of(label)
    return not _together(words).isdisjoint(alone) or not (composed.isdisjoint(words) or _NAME.isdisjoint(words))


def _together(words: Collection[str]) -> set[str]:
    """Return words, also each with its next one: "e-mail" and "Voor Naam" are two."""
    return {*words, *map("".join, itertools.pairwise(words))}


_OWNER: Final = (
    "(?:customer|cust|kunden?|client|cliente|klant|member(?:ship)?|mitglieds?|membre|user|patient(?:en)?|paciente|guest"
    "|gast|gaste|huesped|hospede|student(?:en)?|estudiante|alumno|aluno|subscriber|abonnent(?:en)?|donor|buyer|shopper|account|acct)"
)
_KEY: Final = "(?:ids?|key|uuid|guid)"
_NUMBER: Final = "(?:ids?|no|nr|n|num|number|numero|nummer|code|codigo|key|uuid|guid|ref|reference)"
_CUSTOMER_NUMBER: Final = re.compile(
    f"(?:unique)?{_OWNER}{_NUMBER}{{1,2}}|{_NUMBER}(?:de?|del|du|do|da)?{_OWNER}"
    f"|(?:contact|kontakt){_KEY}"  # not with a number, which is a phone's
    f"|(?:uhid|mrn){_NUMBER}?"  # of hospitals
)


def is_customer_id(label: str) -> bool:
    """Return whether a label is one of customers' ids or numbers; customers may be patients, guests, members ….

    Examples
    --------
    >>> [is_customer_id(label) for label in ("CustID", "Kunden-Nr.", "N° client", "Id huésped", "UHID", "Account ref")]
    [True, True, True, True, True, True]
    >>> [is_customer_id(label) for label in ("Customer", "E-Mail", "Order no", "Customer order id", "Contact No")]
    [False, False, False, False, False]
    """
    return _CUSTOMER_NUMBER.fullmatch("".join(words_of(label))) is not None


_OF_OTHER_IDS: Final = OF_OTHERS | word_set(
    """
    order orders transaction transactions txn trans invoice payment bill receipt voucher coupon ticket booking
    reservation appointment visit admission shipment delivery cart session event sku branch device subscription
    row line entry response submission form survey message batch tax gst vat national government passport voter
    bestellung bestell auftrag auftrags rechnung rechnungs buchung buchungs buchungsnr pedido factura reserva compra
    commande facture achat ordine fattura
    """
)
"""With an id, words for orders and other events, things, other people, and numbers that the state gives."""


def is_other_id(label: str) -> bool:
    """Return whether an id with this label is one of orders, things or other people, or one given by the state.

    Examples
    --------
    >>> [is_other_id(label) for label in ("Order ID", "txn_id", "Row ID", "Voter ID", "Patient ID", "Loyalty ID")]
    [True, True, True, True, False, False]
    """
    return not _OF_OTHER_IDS.isdisjoint(words_of(label))


# ids, codes and dates -------------------------------------------------------------------------------------------------

_POSTAL: Final = word_set("pin pincode zip zipcode postal postcode plz postleitzahl cap cep cp")
_ID_ANYWHERE: Final = _POSTAL | word_set(
    """
    gstin aadhaar aadhar isbn imei ean upc sku hsn ifsc msisdn
    version barcode uuid guid passport ssn iban swift
    """
)
_ID_AT_END: Final = word_set(
    """
    id ids code codes no nr num number phone mobile mob tel telephone cell whatsapp fax contact account acct
    card gst pan ref reference invoice ticket ver build release batch voucher coupon licence license key serial
    docket awb plot flat door room roll token otp cin tin din vat folio policy model
    """
)
_DATE_ANYWHERE: Final = word_set(
    """
    date dates dt dob doj datetime timestamp time birth birthday birthdate epoch created updated modified joined
    joining registered anniversary expiry expires signup enrolled activated
    """
)
_TIME_ANYWHERE: Final = word_set(
    """
    seen last active login visit visited ms millis
    letzte letzter letztes besuch dernier derniere visite ultimo ultima visita estancia senaste siste laatste
    """
)
_DATE_AT_END: Final = frozenset({"at", "on", "ts"})
_NO_DATE: Final = word_set(
    """
    count days day n no num number amount total id year years month months age diff duration zone hours minutes
    seconds times by value score code
    """
)


_SHORT_CODES: Final = word_set("country dialling dialing isd status response error")
"""Whose codes are numbers of different lengths, without leading zeros."""
OLD_INDEX: Final = re.compile(r"Unnamed: \d+(?:\.\d+)?|index|level_\d+")
"""Labels that pandas gives an index that was written to a file."""


def is_id_like(name: str) -> bool:
    """Return whether a label indicates ids or codes, so that digits are not amounts.

    Examples
    --------
    >>> [is_id_like(name) for name in ("Pincode", "Invoice No", "No of Orders", "Phone Calls", "Spend")]
    [True, True, False, False, False]
    """
    words = words_of(name)
    return bool(words) and (not _ID_ANYWHERE.isdisjoint(words) or words[-1] in _ID_AT_END)


def is_code_like(name: str) -> bool:
    """Return whether a label indicates codes of digits that may begin with zeros, such as postal codes.

    Examples
    --------
    >>> [is_code_like(name) for name in ("Pincode", "PLZ", "State code", "Country code", "Invoice No", "Order id")]
    [True, True, True, False, False, False]
    """
    words = words_of(name)
    is_code = words[-1:] in (["code"], ["codes"]) and _SHORT_CODES.isdisjoint(words)
    return is_code or not _ID_ANYWHERE.isdisjoint(words)


def is_postal_code(name: str) -> bool:
    """Return whether a label indicates postal codes."""
    return not _POSTAL.isdisjoint(words_of(name))


def is_date_like(name: str) -> bool:
    """Return whether a label indicates dates.

    Examples
    --------
    >>> [is_date_like(name) for name in ("Joined", "created_at", "DOB", "Days since joined", "Spend")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    if not words or not _NO_DATE.isdisjoint(words):
        return False
    return not _DATE_ANYWHERE.isdisjoint(words) or (len(words) > 1 and words[-1] in _DATE_AT_END)


def is_time_like(name: str) -> bool:
    """Return whether a label indicates dates or points in time, as epoch numbers hold.

    Examples
    --------
    >>> [is_time_like(name) for name in ("Last seen", "Last seen ms", "joined", "Last order id", "Spend")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    return is_date_like(name) or (not _TIME_ANYWHERE.isdisjoint(words) and (_NO_DATE | _ID_AT_END).isdisjoint(words))


def is_day_like(name: str) -> bool:
    """Return whether a label indicates days, unlike times such as a response time.

    Examples
    --------
    >>> is_day_like("Joined"), is_day_like("Response time")
    (True, False)
    """
    return is_date_like(name) and "time" not in words_of(name)
