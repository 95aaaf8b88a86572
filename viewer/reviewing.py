"""What the page may say of a story: checked against the story as it stands, then kept as a statement for the next build."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from schemas.codecs.cells import ENTITY_ID
from schemas.codecs.tables import is_clean_cell
from schemas.errors import ConfigError
from tasks.runtime.reviews import Review

LONGEST_NAME = 60
LONGEST_NOTE = 500


def read_statement(value: Mapping[str, Any], grounding: Mapping[str, Any]) -> Review:
    """The statement of a request about the story whose row of the ``grounding`` config this is.

    Raises:
        ConfigError: an entity or image that the story does not have, a name that no table can hold, a merge of two that
            stand in one image, a split that takes all or nothing.
    """
    action = value.get("action")
    said = partial(Review, str(grounding["story_key"]), str(grounding["film"]))
    note = _read_text(value, "note", LONGEST_NOTE)
    if action == "verdict":
        if value.get("value") not in ("good", "bad"):
            raise ConfigError("a verdict is good or bad")
        return said("verdict", value=str(value["value"]), note=note)
    entities = {str(one["entity_id"]): one for one in grounding["entities"] or ()}
    ids = value.get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) and ENTITY_ID.fullmatch(one) for one in ids):
        raise ConfigError("ids is a list of entity ids such as char1")
    missing = [one for one in ids if one not in entities]
    if missing:
        raise ConfigError(f"this story has no entity {', '.join(missing)}: reload the page")
    if not ids or len(set(ids)) != len(ids):
        raise ConfigError("name the entities that are meant, each once")
    chosen = [entities[one] for one in ids]
    frames = {int(one["number"]): str(one["frame_id"]) for one in grounding["frames"] or ()}
    target = " ".join(ids)
    if action == "name":
        name = _read_name(value, ids)
        return said("name", target=target, value=name, note=note, sightings=_sightings(chosen, frames))
    if action == "merge":
        _check_merge(chosen, ids)
        anchors = tuple(_sightings([one], frames)[0] for one in chosen)
        return said("merge", target=target, note=note, sightings=anchors)
    if action == "split":
        away = _read_frames(value, chosen[0], ids)
        return said(
            "split",
            target=f"{target} {','.join(map(str, away))}",
            note=note,
            sightings=_sightings([chosen[0]], frames, away),
        )
    raise ConfigError("action is one of verdict, name, merge, split")


def _read_text(value: Mapping[str, Any], name: str, longest: int) -> str:
    text = value.get(name, "")
    if not isinstance(text, str) or len(text) > longest:
        raise ConfigError(f"{name} is text of at most {longest} characters")
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _read_name(value: Mapping[str, Any], ids: Sequence[str]) -> str:
    name = _read_text(value, "value", LONGEST_NAME)
    if len(ids) != 1 or not ids[0].startswith("char"):
        raise ConfigError("one person at a time has a name: things are named by what they look like")
    if not name or not name.isprintable() or not is_clean_cell(name) or any(mark in name for mark in "<>|\\`*#"):
        raise ConfigError(r"a name has letters, no line breaks, and none of < > | \ ` * #")
    return name


def _check_merge(chosen: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> None:
    if len(chosen) != 2:
        raise ConfigError("two entities at a time are merged")
    if chosen[0]["kind"] != chosen[1]["kind"]:
        raise ConfigError(f"{ids[0]} and {ids[1]} are of different kinds and cannot be one")
    both = sorted({one["frame"] for one in chosen[0]["members"]} & {one["frame"] for one in chosen[1]["members"]})
    if both:
        raise ConfigError(
            f"{ids[0]} and {ids[1]} both stand in image {both[0]} and cannot be one: split off the wrong view first"
        )


def _read_frames(value: Mapping[str, Any], entity: Mapping[str, Any], ids: Sequence[str]) -> list[int]:
    given = value.get("frames")
    if len(ids) != 1 or not isinstance(given, list) or not all(type(one) is int for one in given):
        raise ConfigError("a split names one entity and the images in which it is another")
    own = {int(one["frame"]) for one in entity["members"]}
    away = sorted(set(given))
    if not away or not set(away) <= own:
        raise ConfigError(f"{ids[0]} stands in images {', '.join(map(str, sorted(own)))}: choose among these")
    if set(away) == own:
        raise ConfigError(f"all images of {ids[0]} would go: leave at least one, or rename it")
    return away


def _sightings(
    entities: Sequence[Mapping[str, Any]], frames: Mapping[int, str], only: Sequence[int] | None = None
) -> tuple[tuple[str, str], ...]:
    return tuple(
        (frames[int(one["frame"])], str(one["det_id"]))
        for entity in entities
        for one in entity["members"]
        if only is None or int(one["frame"]) in only
    )
