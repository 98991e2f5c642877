"""What a YAML scalar means: YAML 1.1 as PyYAML's safe loader has it, except that dates stay text.

Kept as PyYAML has it: ``yes``/``on`` are booleans, ``017`` is 15, ``12:30:45`` is 45045, ``1e3`` is text.
Dates and ``=`` stay text, since nothing behind this could use anything else. A number of more than
``LONGEST_NUMBER`` characters is text as well: Python refuses to print such integers.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

LONGEST_NUMBER = 400

_TAG = "tag:yaml.org,2002:"
STR_TAG = _TAG + "str"
MERGE_TAG = _TAG + "merge"
SEQ_TAG = _TAG + "seq"
MAP_TAG = _TAG + "map"

_resolvers = yaml.SafeLoader.yaml_implicit_resolvers


def _construct(tag: str, text: str) -> Any:
    node = yaml.ScalarNode(tag, text)
    constructor = yaml.constructor.SafeConstructor()
    if tag == _TAG + "int":
        return constructor.construct_yaml_int(node)
    if tag == _TAG + "float":
        return constructor.construct_yaml_float(node)
    if tag == _TAG + "bool":
        return constructor.construct_yaml_bool(node)
    return text


class PlainScalars(dict[str, Any]):
    """Values of unquoted scalars by their text; a dictionary that fills itself."""

    def __missing__(self, text: str) -> Any:
        value: Any = text
        for tag, pattern in _resolvers.get(text[:1], ()):
            if pattern.match(text):
                if tag == _TAG + "null":
                    value = None
                elif len(text) <= LONGEST_NUMBER:
                    try:
                        value = _construct(tag, text)
                    except ValueError:  # "0b_" looks like a number, but is not one
                        value = text
                break
        if len(text) <= LONGEST_NUMBER:
            self[text] = value
        return value


#: Unquoted texts that are numbers in YAML 1.1 and something else in YAML 1.2, or to a reader.
_NUMBER_OF_YAML_1_1 = r"[-+]?0[0-7_]+|[-+]?0b[01_]+|[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?|.*\d_.*"


def reads_otherwise(text: str, value: Any) -> bool:
    """Return whether YAML 1.1 makes of an unquoted text what neither YAML 1.2 nor a reader makes of it."""
    if isinstance(value, bool):
        return text.lower() not in ("true", "false")
    if not isinstance(value, int | float) or text == str(value):  # as Python prints it: most are
        return False
    return re.fullmatch(_NUMBER_OF_YAML_1_1, text) is not None


def tagged_value(tag: str, text: str) -> Any:
    """The value of a scalar with an explicit tag.

    Raises ``LookupError`` when the tag is not one of the plain YAML tags, ``ValueError`` when the text does
    not fit.
    """
    if tag in ("!", STR_TAG, _TAG + "timestamp", _TAG + "value"):
        return text
    if tag == _TAG + "null":
        return None
    if tag in (_TAG + "int", _TAG + "float", _TAG + "bool"):
        if len(text) > LONGEST_NUMBER:
            raise ValueError("too long")
        try:
            return _construct(tag, text)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(text) from error
    raise LookupError(tag)


def short_tag(tag: str) -> str:
    """A tag as people write it."""
    return "!!" + tag[18:] if tag.startswith("tag:yaml.org,2002:") else tag
