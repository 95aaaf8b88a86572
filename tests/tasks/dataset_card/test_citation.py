import yaml

from tasks.dataset_card.citation import PLACE, bibtex, citation_file
from tests.tasks.dataset_card.samples import make_facts


def test_the_file_is_cff() -> None:
    content = citation_file("stories", "ann", "https://hub.test/datasets/ann/stories", 3, "2026-11-22", "cc-by-4.0")
    value = yaml.safe_load(content.decode())
    # Required by the schema of Citation File Format 1.2.0: cff-version, message, title, authors.
    assert (value["cff-version"], value["title"], value["authors"]) == ("1.2.0", "stories", [{"name": "ann"}])
    assert value["type"] == "dataset"
    assert (value["version"], str(value["date-released"])) == ("3.0.0", "2026-11-22")
    assert value["license"] == "CC-BY-4.0"
    assert value["references"][0]["authors"][1]["family-names"] == "Martins de Matos"
    assert "license" not in yaml.safe_load(citation_file("s", "a", "u", 1, "2026-11-22", "other").decode())


def test_a_title_cannot_leave_its_braces() -> None:
    text = bibtex(make_facts(title="a}, note = {```\n<b>"))
    assert "  title = {a , note = b},\n" in text
    assert text.count("{") == text.count("}")
    assert f"howpublished = {{{PLACE}}}" in text
