"""The vocabularies, word for word those of the published format."""

import dataclasses
import typing

import pytest

from schemas import text
from schemas.text import ENTITY_PREFIXES, NARRATIVE_PHASES, SETTING_ELEMENTS, TAG_KINDS, Tag, TagKind


def test_vocabularies_are_those_of_the_published_format() -> None:
    assert ", ".join(SETTING_ELEMENTS) == (
        "Location, Environment, Lighting, Weather, Time Period, Architecture, Interior Design, Atmosphere, Background"
    )
    assert ", ".join(NARRATIVE_PHASES) == "Introduction, Development, Conflict, Turning Point, Conclusion"
    assert ENTITY_PREFIXES == ("char", "obj", "lm", "bg")
    assert typing.get_args(TagKind) == TAG_KINDS


@pytest.mark.parametrize("name", [n for n, v in vars(text).items() if dataclasses.is_dataclass(v)])
def test_values_are_frozen(name: str) -> None:
    kind = getattr(text, name)
    value = kind(**{field.name: "x" for field in dataclasses.fields(kind)})
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(kind)[0].name, "y")


def test_tags_are_values() -> None:
    assert Tag("gdo", ("char1",), "Ines") == Tag("gdo", ("char1",), "Ines")
    assert hash(Tag("gdo", ("char1",), "Ines")) == hash(Tag("gdo", ("char1",), "Ines"))
