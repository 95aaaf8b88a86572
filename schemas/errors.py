"""The error tree. Every message is one line that names what failed, which item, and what to do.

The command line prints ``error: <message>`` and exits with :attr:`StoryReasoningError.exit_code`:
2 where the user asked for something that cannot be done, 1 where work failed.
"""


class StoryReasoningError(Exception):
    """Base of every error that a user can act on; shown without a traceback."""

    exit_code = 1


class ConfigError(StoryReasoningError):
    """A wrong command, option, configuration value or missing extra."""

    exit_code = 2


class SourceError(StoryReasoningError):
    """The frames that were asked for cannot be read as a source at all."""

    exit_code = 2


class WorkspaceError(StoryReasoningError):
    """The workspace cannot be used: unwritable, full, locked, or of another version."""


class ModelError(StoryReasoningError):
    """A model file is missing, corrupt, or not the one that was pinned."""


class ShardError(StoryReasoningError):
    """A stage failed on a shard, or a stored shard cannot be read."""


class SampleError(StoryReasoningError):
    """One item (frame, story) cannot be processed; it becomes a dead letter, the rest goes on."""


class BudgetExceeded(StoryReasoningError):
    """A limit on money or tokens was reached; everything finished so far is kept."""


class PublishError(StoryReasoningError):
    """The dataset could not be published; the published revision is untouched."""
