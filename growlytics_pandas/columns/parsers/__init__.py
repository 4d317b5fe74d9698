"""The one table of parsers: for each type and option, how text is read.

Suggestions try these parsers, and the options select them: what is suggested is what will be read.
"""

from growlytics_pandas.columns.parsers.booleans import boolean_parser
from growlytics_pandas.columns.parsers.dates import DATE_FORMATS, date_parser, formats_like
from growlytics_pandas.columns.parsers.missing import MISSING_WORDS, SURE_WORDS
from growlytics_pandas.columns.parsers.numbers import NUMBER_PARSERS, are_numbers, currencies, number_parser
from growlytics_pandas.columns.parsers.parsed import Parsed, Parser
from growlytics_pandas.columns.parsers.shapes import Texts, shapes_of

__all__ = [
    "DATE_FORMATS",
    "MISSING_WORDS",
    "NUMBER_PARSERS",
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
