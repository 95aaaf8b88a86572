"""Analysis: texts in, what was read of them and every fault with its place out."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from schemas.validation import check_texts
from tests.viewer.conftest import OpenClient
from tests.viewer.datasets import analysis, telling

TABLES = render_chain_of_thought(analysis(2, ("Ines", "Marko")))
STORY = render_story(telling(2, ("Ines", "Marko"), "on the quay"))


@pytest.fixture
def client(client_for: OpenClient) -> TestClient:
    return client_for(None)


def analyse(client: TestClient, **value: Any) -> Any:
    return client.post("/api/analyse", json=value)


def test_a_whole_answer_and_its_parts_read_alike(client: TestClient) -> None:
    whole = analyse(client, output=join_output(TABLES, STORY)).json()
    assert whole == analyse(client, chain_of_thought=TABLES, story=STORY).json()
    assert (whole["chain_of_thought"], whole["story"]) == (TABLES, STORY)
    assert [block["number"] for block in whole["blocks"]] == [1, 2]
    assert [entity["id"] for entity in whole["entities"]][:2] == ["char1", "char2"]


def test_every_fault_of_the_validator_with_its_place(client: TestClient) -> None:
    broken = STORY.replace("</gdo>", "", 1).replace("char1", "char7", 1)
    sizes = [(426, 240), (200, 100)]
    told = analyse(client, chain_of_thought=TABLES, story=broken, sizes=sizes).json()
    expected = check_texts(TABLES, broken, frame_sizes=sizes)
    assert [(one["part"], one["code"], one["start"], one["end"]) for one in told["faults"]] == [
        (fault.part, fault.code, fault.span.start, fault.span.end) for fault in expected
    ]
    assert {"tag-unclosed", "id-unknown", "box-outside"} <= {one["code"] for one in told["faults"]}
    assert all(one["hint"] and one["rule"] for one in told["faults"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({}, "nothing to analyse"),
        ({"output": " \n"}, "nothing to analyse"),
        ({"output": 3}, "must be text"),
        ({"story": "x" * 2_000_001}, "more than 2,000,000 characters"),
        ({"story": "x", "sizes": "big"}, "sizes is a list"),
        ({"story": "x", "sizes": [[1]]}, "sizes is a list"),
        ({"story": "x", "sizes": [[0, 5]]}, "sizes is a list"),
        ({"story": "x", "sizes": [[1, True]]}, "sizes is a list"),
        ({"story": "x", "sizes": [None] * 33}, "at most 32"),
    ],
)
def test_what_cannot_be_analysed(client: TestClient, value: dict[str, Any], told: str) -> None:
    answer = analyse(client, **value)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


def test_half_a_character_is_no_failure(client: TestClient) -> None:
    body = b'{"story": "<gdi image1>\\ud83d</gdi>", "sizes": [null]}'
    assert client.post("/api/analyse", content=body).json()["story"] == "<gdi image1>?</gdi>"


def test_export_of_what_was_analysed(client: TestClient) -> None:
    answer = client.post("/api/analyse/export", json={"story": STORY, "format": "markdown", "title": "Mine"})
    assert answer.headers["content-disposition"] == 'attachment; filename="mine.md"'
    assert "**Ines**" in answer.text
    assert client.post("/api/analyse/export", json={"story": STORY, "format": "exe"}).status_code == 400
