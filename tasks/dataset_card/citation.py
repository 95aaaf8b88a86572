"""How a dataset is cited: BibTeX for its card, and ``CITATION.cff`` for those who read that."""

import re

from tasks.dataset_card.facts import CardFacts
from tasks.dataset_card.front_matter import yaml_lines

PATH = "CITATION.cff"
PLACE = "<folder or repository>"
"""Stands in a card for the name under which the dataset is published."""

CITATION = """\
@misc{oliveira2025storyreasoning,
  title = {StoryReasoning Dataset: Using Chain-of-Thought for Scene Understanding and Grounded Story Generation},
  author = {Oliveira, Daniel A. P. and Martins de Matos, David},
  year = {2025},
  eprint = {2505.10292},
  archivePrefix = {arXiv},
  primaryClass = {cs.CV}
}"""
"""The paper whose format the dataset has."""


def bibtex(facts: CardFacts) -> str:
    """The dataset and the paper."""
    own = f"""\
@misc{{grounded_stories_{facts.config_digest[:8]},
  title = {{{_braced(facts.title)}}},
  howpublished = {{{PLACE}}},
  note = {{{facts.stories} stories of {len(facts.films)} films, made with storyreasoning {_braced(facts.version)}}}
}}"""
    return f"{own}\n\n{CITATION}"


def _braced(text: str) -> str:
    """Text that cannot end the braces or the code block it stands in."""
    return " ".join(re.sub(r"[\\{}<>`\[\]]", " ", text).split())


def describe(facts: CardFacts) -> str:
    """The dataset in a sentence."""
    films = len(facts.films)
    return (
        f"{facts.stories:,} {'story' if facts.stories == 1 else 'stories'} told over frames of {films:,} "
        f"{'film' if films == 1 else 'films'}: the frames, a chain of thought with every entity and its box, and a story "
        "whose every mention is tied to them. The columns are those of StoryReasoning."
    )


def citation_file(title: str, owner: str, address: str, release: int, day: str, licence: str) -> bytes:
    """``CITATION.cff`` (Citation File Format 1.2.0) of a release."""
    value = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it and the paper whose format it has.",
        "type": "dataset",
        "title": title,
        "authors": [{"name": owner}],
        "version": f"{release}.0.0",
        "date-released": day,
        "url": address,
        **({"license": licence.upper()} if licence not in ("other", "unknown") else {}),
        "references": [
            {
                "type": "article",
                "title": "StoryReasoning Dataset: Using Chain-of-Thought for Scene Understanding and Grounded Story Generation",
                "authors": [
                    {"family-names": "Oliveira", "given-names": "Daniel A. P."},
                    {"family-names": "Martins de Matos", "given-names": "David"},
                ],
                "year": 2025,
                "url": "https://arxiv.org/abs/2505.10292",
            }
        ],
    }
    return ("\n".join(yaml_lines(value)) + "\n").encode()
