"""A training step as a CUDA graph: launched as one thing, not as thirty.

At the sizes of the paper's sweeps a GPU finishes each operation of a step sooner than the host can
launch the next. A graph holds them all: it is recorded at the first call and replayed afterwards
on the same memory, into which every call's inputs are copied.
"""

from collections.abc import Callable, Sequence

from featurelens.sae._torch import torch

Step = Callable[..., torch.Tensor]
"""Changes state in place and returns a tensor of one shape at every call."""
Capture = Callable[[Callable[[], torch.Tensor]], tuple[torch.Tensor, Callable[[], None]]]
"""A call without arguments to its output's memory and what repeats the call into it."""
WARM_UP = 3
"""Calls before recording, in which libraries allocate their workspaces."""


def cuda_capture(call: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Callable[[], None]]:
    """Record a call as a CUDA graph, in the way that torch's notes on CUDA graphs prescribe."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            call()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = call()
    return output, graph.replay


class Replay:
    """Stands for a step; every call after the first replays the record of the first."""

    def __init__(
        self, step: Step, state: Sequence[torch.Tensor], *, capture: Capture = cuda_capture
    ) -> None:
        self._step, self._state, self._capture = step, state, capture
        self._inputs: list[torch.Tensor] = []

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Take one step; what is returned is overwritten by the next call."""
        if not self._inputs:
            self._record(inputs)
        for memory, value in zip(self._inputs, inputs, strict=True):
            memory.copy_(value)
        self._replay()
        return self._output

    def _record(self, inputs: Sequence[torch.Tensor]) -> None:
        """Record the step; the state is afterwards as before."""
        self._inputs = [value.clone() for value in inputs]
        before = [tensor.clone() for tensor in self._state]
        self._output, self._replay = self._capture(lambda: self._step(*self._inputs))
        for tensor, value in zip(self._state, before, strict=True):
            tensor.copy_(value)
