"""Which floating dtypes torch really computed in: every operation's results, seen as they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# What changes a tensor's dtype on purpose; everything else has to stay in one.
_CASTS = ("aten::_to_copy",)


class DtypeWatch(TorchDispatchMode):  # type: ignore[misc]
    """While entered, notes the floating dtypes of all results, conversions apart."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[torch.dtype] = set()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation and note what came out."""
        result = function(*args, **(kwargs or {}))
        if function.name().split(".")[0] not in _CASTS:
            for tensor in result if isinstance(result, (tuple, list)) else (result,):
                if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                    self.seen.add(tensor.dtype)
        return result


def watch_dtypes(action: Callable[[], object]) -> list[str]:
    """Names of the floating dtypes that `action` computed in, sorted: `["float64"]`."""
    with DtypeWatch() as watch:
        action()
    return sorted(dtype_name(dtype) for dtype in watch.seen)


def dtype_name(dtype: torch.dtype) -> str:
    """`float64` for torch.float64."""
    return str(dtype).removeprefix("torch.")
