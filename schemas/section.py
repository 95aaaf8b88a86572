"""The base of every section of the configuration."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections: frozen, and a key that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _is_variable(name: str) -> str:
    # A key pasted here by mistake has other letters than a variable's name; it must not be repeated either.
    if name and not (name.isascii() and name.isupper() and name.isidentifier()):
        raise ValueError("api_key_env is the name of an environment variable, in capital letters, not the key")
    return name


KeyVariable = Annotated[str, AfterValidator(_is_variable)]
"""The name of an environment variable that holds a key; the key itself stands in no configuration."""
