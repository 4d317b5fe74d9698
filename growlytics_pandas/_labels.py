"""What a column's label indicates: whether the values identify customers, as contacts and names do.

Words are compared without case and accents, in the languages in which labels of customers are common.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Hashable
from typing import Any, Final

from growlytics_pandas.contract import RESERVED_ATTRIBUTES

_INDIC: Final = "\u0900-\u0963\u0970-\u0d7f"  # their vowel signs are not letters to Python
_WORDS: Final = re.compile(rf"[A-Z]+(?![a-z])|[A-Z]?(?:[^\W\d_A-Z]|[{_INDIC}])+")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")


def listed(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


_CONTACT_WORDS: Final = listed(
    """
    email emails mail mobile mobil phone telephone cellphone cell tel whatsapp msisdn address
    telefon telefono telefone telefoon handy rufnummer telefonnummer telefonnr handynummer handynr mobilnummer mobilnr
    movil celular cellulare portable courriel correo adresse anschrift strasse direccion endereco indirizzo adres
    ईमेल फोन फ़ोन मोबाइल
    """
)
_NAME: Final = listed("name nom nombre nome naam navn namn नाम")
_WHOLE: Final = listed(
    """
    fullname customername clientname kundenname kundinnenname kundename klantnaam clientnaam contactname kontaktname
    kontaktperson ansprechpartner
    """
)
"""Words that alone indicate whole names of people."""
_PART: Final = listed(
    """
    firstname lastname surname forename middlename familyname givenname nickname
    vorname nachname familienname zuname rufname geburtsname
    prenom prenoms apellido apellidos sobrenome cognome voornaam achternaam roepnaam fornavn etternavn efternavn
    efternamn fornamn upnaam उपनाम
    """
)
_OF_PART: Final = listed("first last middle family given sur nick famille familia primer segundo pila")
_CUSTOMER: Final = listed("customer kunde kundin client cliente klant grahak ग्राहक")
_PERSON: Final = _CUSTOMER | listed(
    """
    contact person member guest patient subscriber
    kunden kontakt mitglied gast personen contacto contatto contato membre
    """
)
_PEOPLE: Final = _PERSON | listed("user buyer recipient shipping billing display benutzer usuario utilisateur")
"""With a name, also an account's or a parcel's, which masks hide but campaigns do not use."""
_FILLERS: Final = listed(
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
    >>> [is_personal(label, label, "id") for label in ("E-mail", "PhoneNo", "Full Name", "Product Name", "City")]
    [True, True, True, False, False]
    """
    return str(column) == str(id_column) or any(map(_is_of_people, {str(attribute), str(column)}))


def _is_of_people(label: str) -> bool:
    words = words_of(label)
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
    words = words_of(label)
    is_composed = not _OF_PART.isdisjoint(words) and not _NAME.isdisjoint(words)
    return is_composed or not _together(words).isdisjoint(_PART)


def _together(words: Collection[str]) -> set[str]:
    """Return words, also each with its next one: "e-mail" and "Voor Naam" are two."""
    return {*words, *map("".join, itertools.pairwise(words))}
