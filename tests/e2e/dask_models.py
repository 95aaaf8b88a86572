"""Preloaded by Dask workers: they use the fake models too."""

from tests import fakes


def dask_setup(worker: object) -> None:
    """Called by a worker when it starts."""
    fakes.install()
