import math

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.models.face_alignment import SIZE, TEMPLATE, align_face, similarity_transform
from tasks.models.protocols import Image, RawFace

DOTS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))


def test_a_quarter_turn_worked_out_by_hand() -> None:
    # x right, y down; (1,0) goes to (0,2), (0,1) to (-2,0): a quarter turn and twice the size, then 5 to the right
    source = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], float)
    target = np.array([[5, 2], [3, 0], [5, -2], [7, 0]], float)
    assert similarity_transform(source, target) == pytest.approx(np.array([[0, -2, 5], [2, 0, 0]]), abs=1e-12)


@given(st.floats(-math.pi, math.pi), st.floats(0.01, 100), st.floats(-500, 500), st.floats(-500, 500))
def test_an_exact_similarity_is_recovered(angle: float, scale: float, x: float, y: float) -> None:
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    found = similarity_transform(TEMPLATE, TEMPLATE @ linear.T + [x, y])
    assert found == pytest.approx(np.hstack([linear, [[x], [y]]]), abs=1e-6 * max(1, scale))


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=5, max_size=5), st.integers(0, 2**32 - 1))
def test_no_other_similarity_fits_better(points: list[tuple[float, float]], seed: int) -> None:
    source = np.array(points)
    assume(np.ptp(source) > 1)
    best = similarity_transform(source, TEMPLATE)
    error = float(((source @ best[:, :2].T + best[:, 2] - TEMPLATE) ** 2).sum())
    step = np.random.default_rng(seed).normal(scale=[0.05, 0.05, 1, 1], size=(20, 4))
    for turn, shear, x, y in step:
        other = best + np.array([[turn, -shear, x], [shear, turn, y]])
        assert ((source @ other[:, :2].T + other[:, 2] - TEMPLATE) ** 2).sum() >= error - 1e-9


def test_points_that_coincide_have_no_size() -> None:
    assert similarity_transform(np.full((5, 2), 3.0), TEMPLATE)[:, :2].tolist() == [[0, 0], [0, 0]]


def dotted_face(scale: float, angle: float, x: float, y: float) -> tuple[Image, RawFace]:
    """A picture with a dot at each landmark of the template, turned, scaled, and moved to ``(x, y)``."""
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (TEMPLATE - SIZE / 2) @ linear.T + [x, y]
    picture = PIL.Image.new("RGB", (900, 700), (40, 40, 40))
    draw = PIL.ImageDraw.Draw(picture)
    radius = 6 * scale
    for (px, py), colour in zip(points, DOTS, strict=True):
        draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=colour)
    landmarks = tuple((float(px), float(py)) for px, py in points)
    return np.asarray(picture), RawFace(Box(x - 50, y - 50, x + 50, y + 50), 0.9, landmarks)


@pytest.mark.parametrize("scale", [0.6, 1.0, 3.7])
@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
def test_landmarks_land_on_the_template(scale: float, angle: float) -> None:
    image, face = dotted_face(scale, angle, 430.0, 350.0)
    aligned = align_face(image, face).astype(int)
    assert aligned.shape == (SIZE, SIZE, 3)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    for place, colour in zip(TEMPLATE, DOTS, strict=True):
        near = np.abs(aligned - colour).sum(axis=2) < 150
        centre = columns[near].mean() + 0.5, rows[near].mean() + 0.5
        assert centre == pytest.approx(tuple(place), abs=0.8)


def test_a_large_face_is_reduced_without_skipping_pixels() -> None:
    image, face = dotted_face(3.7, 0.0, 430.0, 350.0)
    stripes = np.zeros_like(image)
    stripes[:, ::2] = 255
    inner = align_face(stripes, face)[20:90, 20:90].astype(int)
    assert inner.std() < 15  # sampled at points it would be some 127


def test_beyond_the_image_it_is_grey_and_never_fails() -> None:
    image, face = dotted_face(2.0, 0.0, 10.0, 10.0)
    assert (align_face(image, face)[:30, :30] == 127).all()
    for landmarks in (((5.0, 5.0),) * 5, ((float("nan"), 0.0),) * 5, tuple((x + 9e3, y) for x, y in face.landmarks)):
        odd = align_face(image, RawFace(face.box, 0.9, landmarks))
        assert odd.shape == (SIZE, SIZE, 3)
