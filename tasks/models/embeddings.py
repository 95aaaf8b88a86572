"""Embeddings as the rest of the pipeline expects them."""

import numpy as np
from numpy.typing import NDArray

from tasks.models.protocols import Embeddings


def normalise(vectors: NDArray[np.float32]) -> Embeddings:
    """Rows of ``vectors`` (n, d) at Euclidean length 1; a row of zeros, or one with a value that is not finite, is zero."""
    clean = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0).astype(np.float32)
    length = np.linalg.norm(clean, axis=1, keepdims=True)
    unit: Embeddings = np.divide(clean, length, out=np.zeros_like(clean), where=length > 0)
    return unit
