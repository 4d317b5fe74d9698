"""The one table of parsers: for each type and option, how text is read.

Suggestions try these parsers, and the options select them: what is suggested is what will be read.
"""

from growlytics_pandas.columns.parsers.booleans import boolean_parser
from growlytics_pandas.columns.parsers.dates import date_parser
from growlytics_pandas.columns.parsers.formats import formats_like
from growlytics_pandas.columns.parsers.missing import MISSING_WORDS, SURE_WORDS
from growlytics_pandas.columns.parsers.numbers import are_numbers, currencies, number_parser
from growlytics_pandas.columns.parsers.parsed import Parsed, Parser
from growlytics_pandas.columns.parsers.shapes import Texts, shapes_of

__all__ = [
    "MISSING_WORDS",
    "SURE_WORDS",
    "Parsed",
    "Parser",
    "Texts",
    "are_numbers",
    "boolean_parser",
    "currencies",
    "date_parser",
    "formats_like",
    "number_parser",
    "shapes_of",
]
