import numpy as np
import pytest

from tasks.models.efficientnet import read_place_tags
from tasks.models.protocols import AppearanceModel, Image
from tasks.models.weights import read_labels


def test_embeddings_have_length_one_whatever_the_batch(sample: dict[str, Image], appearance: AppearanceModel) -> None:
    crops = [
        sample["tennis_scene_1_1"][40:300, 100:260],
        sample["saloon_scene_1_2"][:5, :3],
        sample["saloon_scene_2_1"],
    ]
    vectors = appearance.embed(crops)
    assert vectors.shape == (3, appearance.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vectors, np.concatenate([appearance.embed([crop]) for crop in crops]))
    assert appearance.embed([]).shape == (0, appearance.dimension)


def test_neighbouring_frames_look_more_alike_than_other_scenes(
    sample: dict[str, Image], appearance: AppearanceModel
) -> None:
    names = ["tennis_scene_3_2", "tennis_scene_3_3", "saloon_scene_4_1", "saloon_scene_4_2"]
    alike = (vectors := appearance.embed([sample[name] for name in names])) @ vectors.T
    assert min(alike[0, 1], alike[2, 3]) > alike[:2, 2:].max() + 0.2


def test_tags_are_words_of_the_list_best_first(sample: dict[str, Image], appearance: AppearanceModel) -> None:
    words, _ = read_place_tags()
    tagged = dict(zip(sample, appearance.tag(list(sample.values())), strict=True))
    for tags in tagged.values():
        assert {word for word, _ in tags} <= set(words)
        scores = [score for _, score in tags]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) <= 1 + 1e-5
    assert tagged["tennis_scene_1_1"][0][0] == "tennis racket"
    assert {word for word, _ in tagged["saloon_scene_2_1"][:2]} == {"camel", "llama"}
    assert appearance.tag([]) == []


def test_each_class_stands_for_one_word_at_most() -> None:
    words, members = read_place_tags()
    assert members.shape == (len(words), 1000)
    assert members.sum(axis=0).max() == 1
    assert members.sum(axis=1).min() >= 1
    library = read_labels("imagenet1k").index("library")
    assert members[words.index("library"), library] == 1


def test_no_word_is_about_people() -> None:
    about_people = {
        "groom",
        "ballplayer",
        "scuba diver",
        "suit",
        "gown",
        "kimono",
        "military uniform",
        "wig",
        "mask",
        "miniskirt",
    }
    words, members = read_place_tags()
    labels = read_labels("imagenet1k")
    assert about_people <= set(labels)
    assert not members[:, [labels.index(name) for name in about_people]].any()
    assert not about_people & set(words)
