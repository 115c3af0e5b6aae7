"""Models that write, each opened by the class that its kind needs: the base model for prompting, and whatever else a
setting names for rewording rows, judging answers or proposing instructions."""

from typing import TYPE_CHECKING

from tailor.models.language_model import LanguageModel

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource
    from tailor.models.local_model import LocalModel
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel


def open_writer(name: str, address: str = "", key_env: str = "") -> LanguageModel:
    """Open a model that writes.

    Args:
        name: a bundled one, a folder, a hub id; or its name on the server of `address`.
        address: an OpenAI-compatible server; empty: this machine.
        key_env: the environment variable that holds the server's key.

    Raises:
        WorkbenchError: there is no such model.
    """
    if address:
        from tailor.models.endpoint import EndpointModel

        return EndpointModel(address, name, key_env)
    from tailor.models.catalog import resolve

    return open_base(resolve(name))


def open_base(source: "ModelSource") -> "LocalModel | SequenceToSequenceModel":
    """A base model that writes, as it is.

    Raises:
        WorkbenchError: the model is not there.
    """
    from tailor.models.loading import load_model, load_tokenizer

    return class_of(source)(load_model(source).eval(), load_tokenizer(source))


def class_of(source: "ModelSource") -> "type[LocalModel] | type[SequenceToSequenceModel]":
    """What asks a model of this kind: one that reads and writes in one go, or an encoder-decoder."""
    from tailor.models.local_model import LocalModel
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel

    return SequenceToSequenceModel if source.architecture == "encoder-decoder" else LocalModel
