"""How long Lean takes for a selective scan of 2 channels and 16 states, with budgets, by the number of steps.

`python benchmarks/evaluation.py` prints, for each part of the scan, the entries, the seconds, and the microseconds an
entry: they stay the same as the sequence grows, since the cost is linear in the number of operations.
"""

import time

import torch

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Recorder
from pyzoo.ops import mamba as ops

CHANNELS, STATES = 2, 16


def record(steps: int) -> Recorder:
    """The calls of one selective scan from the zero state."""
    generator = torch.Generator().manual_seed(steps)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    recorder = Recorder()
    with recorder.recording():
        dt = ops.dt(x=draw(1, steps, 4), weight=draw(CHANNELS, 4), bias=draw(CHANNELS))
        u, b, c = draw(1, steps, CHANNELS), draw(1, steps, STATES), draw(1, steps, STATES)
        decay = ops.decay(dt=dt, a=-torch.arange(1.0, STATES + 1).expand(CHANNELS, STATES))
        h = ops.states(decay=decay, input=ops.input(dt=dt, b=b, u=u), h0=torch.zeros(1, CHANNELS, STATES))
        ops.readout(h=h, c=c, u=u, d=torch.ones(CHANNELS))
    return recorder


def main() -> None:
    with Evaluator(family="mamba") as lean:
        lean.wait()
        print("steps  part             entries  seconds  us/entry  verdict  error/budget")
        for steps in (32, 64, 128, 256):
            start = time.perf_counter()
            for call in record(steps).calls:
                v = judge(lean, call, call.output.numel())
                assert v.holds, (v.verdict, v.message, v.worst_index, v.error_over_budget)
                print(f"{steps:5}  {v.id:15}  {v.elements:7}  {v.seconds:7.2f}  {1e6 * v.seconds / v.elements:8.0f}  "
                      f"{v.verdict:7}  {v.error_over_budget:.3f}")
            print(f"{steps:5}  all                       {time.perf_counter() - start:7.2f}")


if __name__ == "__main__":
    main()
