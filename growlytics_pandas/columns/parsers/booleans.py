"""The parser of booleans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from growlytics_pandas.columns.convert import BOOLEAN_WORDS
from growlytics_pandas.columns.dtypes import AttributeType
from growlytics_pandas.columns.parsers.parsed import Parsed, Parser


def boolean_parser() -> Parser:
    """Return the parser of true/false, yes/no, y/n, t/f, on/off and 1/0, in any case.

    Examples
    --------
    >>> boolean_parser().parse(["Yes", "no", "perhaps"], ZoneInfo("UTC"))
    Parsed(values=array([ True, False, False]), ok=array([ True,  True, False]), aware=None)
    """
    return _PARSER


def _parse(texts: Sequence[str], _zone: ZoneInfo) -> Parsed:
    found = [BOOLEAN_WORDS.get(text.lower()) for text in texts]
    ok = np.array([value is not None for value in found], dtype=bool)
    return Parsed(np.array([bool(value) for value in found], dtype=bool), ok)


_PARSER: Final = Parser("yes/no", AttributeType.BOOLEAN, "types", "boolean", _parse)
