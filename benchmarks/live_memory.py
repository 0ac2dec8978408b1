"""How much memory tensors hold, part by part, as they come and go."""

import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ACTIVATIONS = 'activations'


class LiveMemory(TorchDispatchMode):
    """Adds up the bytes of all memory that operations hand out while this context is entered.

    Memory counts once however many tensors show it, until the last of them, or of what autograd
    keeps of them, is gone. What an operation takes and returns inside is not seen.

    Attributes:
        peak: The most bytes at a time since `restart`.
        parts_at_peak: Part → bytes at that time; what nobody has named is `ACTIVATIONS`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[int, tuple[str, int]] = {}
        self._parts: Counter[str] = Counter()
        self._total = 0
        self.restart()

    def restart(self) -> None:
        """Look for the peak from here on."""
        self.peak = self._total
        self.parts_at_peak: Mapping[str, int] = dict(self._parts)

    def name(self, part: str, tensors: Iterable[torch.Tensor]) -> None:
        """Say what the memory of tensors is for."""
        for tensor in tensors:
            self._see(tensor)
            key = tensor.untyped_storage()._cdata
            before, size = self._held[key]
            self._held[key] = part, size
            self._parts[before] -= size
            self._parts[part] += size

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation and look at what it returns."""
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._see(tensor)
        return result

    def _see(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._held:
            return
        weakref.finalize(storage, self._forget, key)
        self._held[key] = ACTIVATIONS, size
        self._parts[ACTIVATIONS] += size
        self._total += size
        if self._total > self.peak:
            self.restart()

    def _forget(self, key: int) -> None:
        part, size = self._held.pop(key)
        self._parts[part] -= size
        self._total -= size
