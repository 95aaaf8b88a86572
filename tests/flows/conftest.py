"""A Prefect server for the tests of flows."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package")
def prefect_server() -> Iterator[None]:
    """A server of its own; one for all tests that need it, as a process that has met two of them asks the wrong one."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
