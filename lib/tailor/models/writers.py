"""A language model that a setting names, here or behind an address, for whatever needs one beside the base model:
rewording rows, judging answers."""

from tailor.models.language_model import LanguageModel


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
    from tailor.models.local_model import LocalModel

    return LocalModel.open(resolve(name))
