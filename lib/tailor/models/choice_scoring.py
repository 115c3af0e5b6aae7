"""Scoring the same answers after many prompts, each prompt and each shared piece of an answer only once.

The answers' tokens form a trie: "card_lost" and "card_stolen" share "card_". A prompt is read once; then the trie
goes through the model on top of the prompt's key-value cache. A mask lets each trie token see the prompt and its own
ancestors only, and its position is the one it would have after the prompt. What all prompts begin with (system
prompt, demonstrations) is read once for all. The result equals scoring every answer by itself, up to rounding; an
architecture for which it does not is found by comparing on the first prompt, and scored the plain way.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tailor.models.forward import split_head

SMALLEST_GROUP, LARGEST_GROUP = 96, 1024  # nodes of a trie that go through the model in one row
PIECE = 128  # positions whose logits are computed at once
ROOT = 0  # the context of an answer's first token: the prompt's last token


@dataclass(frozen=True)
class Trie:
    """The answers' tokens as a tree.

    Attributes:
        tokens: [m] token of each inner node; node j of the tree is tokens[j - 1], node 0 is the prompt's end.
        parents: [m] the node before it.
        depths: [m] 1 for an answer's first token.
        contexts: [e] the node after which each edge's token is predicted.
        targets: [e] that token.
        paths: for each answer the edges that spell it.
    """

    tokens: list[int]
    parents: list[int]
    depths: list[int]
    contexts: list[int]
    targets: list[int]
    paths: list[list[int]]

    @classmethod
    def build(cls, answers: Sequence[Sequence[int]]) -> "Trie":
        """Make the tree; only tokens that something follows become nodes, last tokens are predicted only."""
        trie = cls([], [], [], [], [], [])
        nodes: dict[tuple[int, ...], int] = {(): ROOT}
        edges: dict[tuple[int, ...], int] = {}
        for answer in answers:
            path = []
            for end in range(1, len(answer) + 1):
                before, here = tuple(answer[: end - 1]), tuple(answer[:end])
                if here not in edges:
                    edges[here] = len(trie.targets)
                    trie.contexts.append(nodes[before])
                    trie.targets.append(answer[end - 1])
                if end < len(answer) and here not in nodes:
                    trie.tokens.append(answer[end - 1])
                    trie.parents.append(nodes[before])
                    trie.depths.append(end)
                    nodes[here] = len(trie.tokens)
                path.append(edges[here])
            trie.paths.append(path)
        return trie

    @cached_property
    def visible(self) -> np.ndarray:
        """[m, m] whether node i sees node j: itself and its ancestors."""
        seen = np.eye(len(self.tokens), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                seen[node] |= seen[parent - 1]
        return seen

    def groups(self, size: int) -> list[list[int]]:
        """The nodes in groups of about `size`, in order, none seeing a node of another group."""
        branches: dict[int, list[int]] = {}
        top: list[int] = []
        for node, parent in enumerate(self.parents):
            top.append(node if parent == ROOT else top[parent - 1])
            branches.setdefault(top[node], []).append(node)
        size = max(size, *map(len, branches.values())) if branches else size
        groups: list[list[int]] = []
        for branch in sorted(branches.values(), key=len, reverse=True):
            room = (group for group in groups if len(group) + len(branch) <= size)
            group = next(room, None)
            if group is None:
                groups.append(branch)
            else:
                group.extend(branch)
        return groups

    @cached_property
    def spelling(self) -> np.ndarray:
        """[e, k] 1 where edge e is part of answer k: edge log-probabilities times this gives the answers'."""
        table = np.zeros((len(self.targets), len(self.paths)), dtype=np.float32)
        for answer, path in enumerate(self.paths):
            table[path, answer] = 1
        return table


def shared_start(prompts: Sequence[Sequence[int]], at_least: int = 16) -> int:
    """How many first tokens all prompts share; 0 where too few to be worth a cache. One token each is left over."""
    low, high = min(prompts), max(prompts)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    same = min(same, min(map(len, prompts)) - 1)
    return same if same >= at_least and len(prompts) > 1 else 0


class ChoiceScorer:
    """Scores one set of answers after prompts that share their first tokens.

    Args:
        model: a decoder from transformers, in evaluation mode.
        trie: the answers.
        prefix: token ids that every prompt begins with; may be empty.
        longest: tokens of the longest prompt; how the trie is cut into groups follows from it.
    """

    def __init__(self, model: Any, trie: Trie, prefix: Sequence[int], longest: int) -> None:
        import torch

        self.model, self.trie, self.prefix = model, trie, list(prefix)
        self.device = next(model.parameters()).device
        self.split = split_head(model)
        self.run = self.split[0] if self.split else model
        # attention grows with a group's size, copying the prompt's cache with the number of groups
        self.groups = trie.groups(min(max(SMALLEST_GROUP, 2 * longest), LARGEST_GROUP))
        self.contexts = torch.tensor(trie.contexts, device=self.device)
        self.targets = torch.tensor(trie.targets, device=self.device)
        self.spelling = torch.from_numpy(trie.spelling).to(self.device)
        self.cache = None
        if self.prefix:
            ids = torch.tensor([self.prefix], device=self.device)
            self.cache = self.run(input_ids=ids, use_cache=True).past_key_values

    def score(self, rests: Sequence[Sequence[int]]) -> np.ndarray:
        """[b, k] log-probabilities after a batch of prompts, each given without the shared prefix."""
        import torch

        root, cache, real = self._read_prompts(rests)
        states = [root[:, None]]
        if self.groups:
            lengths = torch.tensor([len(self.prefix) + len(rest) for rest in rests], device=self.device)
            states.append(self._read_answers(cache, real, lengths))
        edges = self._edges(torch.cat(states, dim=1))
        return (edges @ self.spelling).double().cpu().numpy()

    def _read_prompts(self, rests: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
        """Each prompt's last state [b, d], the cache, and which of its columns are real [b, p+s] (left padding)."""
        import torch

        start, size = len(self.prefix), max(map(len, rests))
        ids = torch.zeros(len(rests), size, dtype=torch.long)
        real = torch.ones(len(rests), start + size, dtype=torch.long)
        for row, rest in enumerate(rests):
            ids[row, size - len(rest) :] = torch.tensor(rest)
            real[row, start : start + size - len(rest)] = 0
        positions = (real.cumsum(-1) - 1).clamp(min=0)[:, start:]
        inputs = {"attention_mask": real.to(self.device), "position_ids": positions.to(self.device)}
        if self.cache is not None:
            inputs["past_key_values"] = deepcopy(self.cache)
            inputs["past_key_values"].batch_repeat_interleave(len(rests))
        out = self.run(input_ids=ids.to(self.device), use_cache=True, **inputs)
        return self._states(out)[:, -1], out.past_key_values, real.bool().to(self.device)

    def _read_answers(self, cache: Any, real: Any, lengths: Any) -> Any:
        """[b, m, d] the state at each node of the trie; the groups of a prompt are rows beside each other."""
        import torch

        rows, (count, size) = len(real), self._layout["tokens"].shape
        cache.batch_repeat_interleave(count)
        seen = real[:, None, None, :].expand(rows, count, size, -1)
        visible = self._layout["visible"][None].expand(rows, count, size, size)
        mask = torch.cat([seen, visible], dim=-1).flatten(0, 1)[:, None]
        positions = (lengths[:, None, None] + self._layout["depths"][None] - 1).flatten(0, 1)
        out = self.run(
            input_ids=self._layout["tokens"].repeat(rows, 1),
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        return self._states(out).reshape(rows, count * size, -1)[:, self._layout["place"]]

    @cached_property
    def _layout(self) -> dict[str, Any]:
        """The groups as tensors: tokens, depths [g, s], visible [g, s, s]; place [m]: where each node stands."""
        import torch

        size = max(map(len, self.groups))
        tokens = torch.zeros(len(self.groups), size, dtype=torch.long)
        depths = torch.ones_like(tokens)
        visible = torch.eye(size, dtype=torch.bool).repeat(
            len(self.groups), 1, 1
        )  # padding sees itself: no NaN
        place = torch.zeros(len(self.trie.tokens), dtype=torch.long)
        whole = torch.from_numpy(self.trie.visible)
        for row, group in enumerate(self.groups):
            nodes = torch.tensor(group)
            tokens[row, : len(group)] = torch.tensor(self.trie.tokens)[nodes]
            depths[row, : len(group)] = torch.tensor(self.trie.depths)[nodes]
            visible[row, : len(group), : len(group)] = whole[nodes][:, nodes]
            place[nodes] = row * size + torch.arange(len(group))
        parts = {"tokens": tokens, "depths": depths, "visible": visible, "place": place}
        return {name: part.to(self.device) for name, part in parts.items()}

    def _states(self, out: Any) -> Any:
        """What the head needs, or the logits themselves where the head cannot be split off."""
        return out.last_hidden_state if self.split else out.logits

    def _edges(self, states: Any) -> Any:
        """[b, e] log-probability of each edge's token, from the states [b, 1+m, d] of root and nodes."""
        import torch

        if self.split is None:
            logits = states.float()
            return logits[:, self.contexts, self.targets] - logits.logsumexp(-1)[:, self.contexts]
        head = self.split[1]
        flat = states.flatten(0, 1)
        # small pieces: their logits stay in the processor's cache, large ones go through memory several times
        total = torch.cat([head(piece).float().logsumexp(-1) for piece in flat.split(PIECE)])
        with torch.autocast(self.device.type, enabled=False):
            # the few logits that are read are computed in full precision; only their normalizer is rounded
            weights = head.weight[self.targets].float()
            picked = (states[:, self.contexts].float() * weights).sum(-1)
            picked = picked if head.bias is None else picked + head.bias[self.targets].float()
        return picked - total.view(states.shape[:2])[:, self.contexts]
