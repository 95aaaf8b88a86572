"""What the renderers write is read by readers that know nothing of our parser."""

import re

from hypothesis import given, settings

from schemas.chain_of_thought import render_box, render_chain_of_thought, render_images
from schemas.story import render_story
from schemas.text import ChainOfThought, Story, Tag
from tests.perf.codec_samples import build_value
from tests.perf.regex_peer import read_chain_of_thought, read_story
from tests.schemas.values import chains_of_thought, stories


def test_the_published_way_reads_every_row_and_tag() -> None:
    tables, story = build_value(22)
    read = read_chain_of_thought(render_chain_of_thought(tables))
    assert list(read["images"]) == list(range(1, 23))
    for image in tables.images:
        found = read["images"][image.number]
        assert [row[0] for row in found["characters"]] == [row.entity_id for row in image.characters]
        assert [row[6:] for row in found["characters"]] == [[*map(str, row.box)] for row in image.characters]
        assert [row[1] for row in found["objects"]] == [row.description for row in image.objects]
        assert [row[5:] for row in found["objects"]] == [[*map(str, row.box)] for row in image.objects]
        assert [row[0] for row in found["settings"]] == [row.element for row in image.settings]
    assert [row[3] for row in read["narrative"]] == [render_images(row.images) for row in tables.narrative]
    tags = read_story(render_story(story))
    for block in story.blocks:
        expected = [(part.kind, list(part.ids), part.text) for part in block.parts if isinstance(part, Tag)]
        assert tags[block.number] == expected


@given(chains_of_thought)
@settings(max_examples=60, deadline=None)
def test_lines_split_at_pipes_are_the_rows(value: ChainOfThought) -> None:
    """Whatever a reader takes for a line end, and however simply it splits, it finds the same cells."""
    lines = [line for line in render_chain_of_thought(value).splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    boxes = []
    for image in value.images:
        boxes += [render_box(row.box) for row in image.characters] + [render_box(row.box) for row in image.objects]
    assert [row[-1] for row in rows if re.fullmatch(r"(char|obj|lm|bg)\d+", row[0])] == boxes
    names = [row.name for image in value.images for row in image.characters]
    assert [row[1] for row in rows if row[0].startswith("char")] == names


@given(stories)
@settings(max_examples=60, deadline=None)
def test_simple_patterns_find_the_tags(value: Story) -> None:
    found = re.findall(r"<(gd[oal]) ([^>]+)>(.*?)</\1>", render_story(value), re.DOTALL)
    tags = [part for block in value.blocks for part in block.parts if isinstance(part, Tag)]
    assert found == [(tag.kind, " ".join(tag.ids), tag.text) for tag in tags]
