import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.models.protocols import FaceDetector, FaceEmbedder, Image, RawFace
from tasks.models.registry import create_face_embedder
from tests.tasks.models.real_frames import ROOT, LabelledFrame, read_pixels


def area_under_curve(same: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The chance that a pair of one person is more alike than a pair of two."""
    return float((same[:, None] > other[None, :]).mean() + 0.5 * (same[:, None] == other[None, :]).mean())


def test_embeddings_have_length_one_and_the_shape_promised(
    sample: dict[str, Image], sample_faces: dict[str, list[RawFace]], embedder: FaceEmbedder
) -> None:
    names = ["saloon_scene_1_1", "saloon_scene_2_1", "tennis_scene_1_1"]
    vectors = embedder.embed([sample[name] for name in names], [sample_faces[name] for name in names])
    assert [v.shape for v in vectors] == [(2, embedder.dimension), (0, embedder.dimension), (1, embedder.dimension)]
    assert all(v.dtype == np.float32 for v in vectors)
    assert np.linalg.norm(np.concatenate(vectors), axis=1) == pytest.approx(1, abs=1e-5)
    assert embedder.embed([], []) == []


def test_a_face_has_the_same_embedding_whatever_its_batch(
    sample: dict[str, Image], sample_faces: dict[str, list[RawFace]], embedder: FaceEmbedder
) -> None:
    names = ["saloon_scene_4_1", "tennis_scene_3_2"]
    images, faces = [sample[name] for name in names], [sample_faces[name] for name in names]
    together = np.concatenate(embedder.embed(images, faces))
    apart = [embedder.embed([i], [[face]])[0] for i, found in zip(images, faces, strict=True) for face in found]
    assert np.array_equal(together, np.concatenate(apart))


def test_two_men_are_known_again_in_another_scene(
    sample: dict[str, Image], sample_faces: dict[str, list[RawFace]], embedder: FaceEmbedder
) -> None:
    def left_and_right(name: str) -> NDArray[np.float32]:
        faces = sorted((f for f in sample_faces[name] if f.score >= 0.7), key=lambda face: face.box.x1)
        return embedder.embed([sample[name]], [faces])[0]

    door, close = left_and_right("saloon_scene_1_4"), left_and_right("saloon_scene_4_3")
    alike = door @ close.T
    assert alike.argmax(axis=1).tolist() == alike.argmax(axis=0).tolist() == [0, 1]
    assert alike.trace() > alike[0, 1] + alike[1, 0] + 0.2


@pytest.mark.parametrize(("name", "least"), [("sface", 0.985), ("mobilefacenet", 0.97)])
def test_people_of_the_labelled_film_are_told_apart_across_scenes(
    office: list[LabelledFrame], office_faces: list[list[RawFace]], name: str, least: float
) -> None:
    who, scenes, images, faces = [], [], [], []
    for frame, found in zip(office, office_faces, strict=True):
        for person, box in frame.people:
            who.append(person)
            scenes.append(frame.scene)
            images.append(frame.pixels)
            faces.append([max(found, key=lambda face: box.iou(face.box))])
    vectors = np.concatenate(create_face_embedder(name).embed(images, faces))
    first, second = np.triu_indices(len(who), 1)
    apart = np.array(scenes)[first] != np.array(scenes)[second]
    same = np.array(who)[first] == np.array(who)[second]
    alike = (vectors @ vectors.T)[first, second]
    assert area_under_curve(alike[same & apart], alike[~same & apart]) >= least


def test_portraits_are_told_apart(embedder: FaceEmbedder, face_detector: FaceDetector) -> None:
    folder = ROOT / "../shared/data/orl_faces"
    if not folder.is_dir():
        pytest.skip("the portraits are not beside the project")
    paths = [folder / f"s{person}" / f"{k}.pgm" for person in range(1, 41, 2) for k in (1, 4, 8)]
    # a face must not be larger than the picture that it is looked for in
    images = [np.pad(read_pixels(path), ((40, 40), (50, 50), (0, 0)), mode="edge") for path in paths]
    faces = [[max(found, key=lambda face: face.box.area)] for found in face_detector.detect(images)]
    vectors = np.concatenate(embedder.embed(images, faces))
    who = np.array([path.parent.name for path in paths])
    first, second = np.triu_indices(len(who), 1)
    alike, same = (vectors @ vectors.T)[first, second], who[first] == who[second]
    assert area_under_curve(alike[same], alike[~same]) >= 0.999
