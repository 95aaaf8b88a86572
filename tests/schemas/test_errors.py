"""The error tree: one base, and the exit codes that scripts rely on."""

import inspect

import pytest

from schemas import errors
from schemas.errors import StoryReasoningError

EXIT_CODES = {
    "StoryReasoningError": 1,
    "ConfigError": 2,
    "SourceError": 2,
    "WorkspaceError": 1,
    "ModelError": 1,
    "ShardError": 1,
    "SampleError": 1,
    "BudgetExceeded": 1,
    "PublishError": 1,
}


def test_every_error_is_listed_here_and_none_is_missing() -> None:
    found = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert found == set(EXIT_CODES)


@pytest.mark.parametrize(("name", "code"), EXIT_CODES.items())
def test_exit_code(name: str, code: int) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, StoryReasoningError)
    assert kind("what failed: what to do").exit_code == code


def test_the_base_is_no_builtin_that_library_code_catches_by_chance() -> None:
    assert StoryReasoningError.__mro__[1] is Exception
