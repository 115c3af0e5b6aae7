"""YAML as people write it: data without references, of which nine lines can unfold to a billion entries."""

from typing import Any

import yaml


class _Plain(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="a reference", problem_mark=mark)
        return super().compose_node(parent, index)


def parse_yaml(text: str) -> Any:
    """The data in a text.

    Raises:
        yaml.YAMLError: it is not YAML, refers to another place (`*name`), or is nested beyond all measure; where it
            has a `problem_mark`, that knows the line.
    """
    try:
        return yaml.load(text, _Plain)
    except RecursionError:
        raise yaml.YAMLError("nested beyond all measure") from None
