import json
from pathlib import Path

import yaml

from tasks.card import render_card
from tasks.dataset_card.croissant import make_croissant
from tasks.publishing.documents import MADE, Edition, make_documents
from tests.tasks.dataset_card.samples import make_facts


def test_a_release_completes_what_the_build_left_open(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(render_card(make_facts()))
    (tmp_path / "croissant.json").write_bytes(make_croissant(make_facts(), {}))
    edition = Edition("ann/stories", "main", 3, "mit", "mit", ["one film new"], "# Changelog\n\n## v2\n\n- older\n")
    made = {file.path: (file.content or b"").decode() for file in make_documents(tmp_path, edition, "2026-11-22")}
    assert set(made) == MADE
    assert "<folder or repository>" not in "".join(made.values())
    assert "howpublished = {ann/stories}" in made["README.md"]
    assert made["CHANGELOG.md"].index("one film new") < made["CHANGELOG.md"].index("## v2")
    metadata = json.loads(made["croissant.json"])
    assert metadata["url"].endswith("/datasets/ann/stories")
    assert metadata["distribution"][0]["contentUrl"].endswith("/datasets/ann/stories/tree/v3")
    assert str(yaml.safe_load(made["CITATION.cff"])["date-released"]) == "2026-11-22"
    again = {file.path: file.sha256 for file in make_documents(tmp_path, edition, "2026-11-22")}
    assert again == {file.path: file.sha256 for file in make_documents(tmp_path, edition, "2026-11-22")}
