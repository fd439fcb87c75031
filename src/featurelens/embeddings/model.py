"""What a model says of itself beside its options."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from featurelens.options import STRICT, user_files


class Checked(NamedTuple):
    """What a look at the files of a model and of a dataset found, which fit each other."""

    dimensions: int | None = None
    """Of the embedding, where they are known."""
    remarks: tuple[str, ...] = ()
    """What is worth knowing of it, a line each."""


class Model:
    """Base of the options of every model: frozen dataclasses with a ``kind``.

    What is said here holds for a model whose class does not say otherwise. The module of the class
    names it ``MODEL``; it is read while the workflow plans, so it imports the standard library and
    the types of options alone.
    """

    __pydantic_config__ = STRICT

    is_network: ClassVar[bool] = False
    """Whether it runs a network: ``fit`` is told of ``means``, and its jobs get more
    threads, memory and time."""
    is_given: ClassVar[bool] = False
    """Whether the embedding comes from elsewhere, in a unit that nobody here knows."""
    package: ClassVar[tuple[str, str] | None] = None
    """Name to import and name to install of what it needs beside the core, if anything."""
    environment: ClassVar[str] = "core"
    """File in ``envs/`` with its packages, and name of the optional ones that the library lists."""

    @property
    def kind(self) -> str:
        """Name of the model, a literal in its class."""
        raise NotImplementedError

    @property
    def has_decoder(self) -> bool:
        """Whether expression can be decoded."""
        return True

    @property
    def has_token_rows(self) -> bool:
        """Whether its rows are no cells but tokens in cells, whose activations are pooled."""
        return False

    @property
    def dimensions(self) -> int | None:
        """Dimensions of the embedding, where the options tell."""
        return None

    @property
    def needs_package(self) -> bool:
        """Whether it needs that package with these options."""
        return self.package is not None

    @property
    def files(self) -> dict[str, str]:
        """Files of the user's that it reads, by the option that names them."""
        return user_files(self)
