"""Loss curves."""

import io
from pathlib import Path

from pyzoo.train.checkpoint import write_atomic


def plot_losses(metrics: list[dict[str, float]], path: Path) -> None:
    """Draw every metric whose name ends in `loss` against the step, as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name in sorted({key for line in metrics for key in line if key.endswith("loss")}):
        points = [(line["step"], line[name]) for line in metrics if name in line]
        axes.plot(*zip(*points, strict=True), marker=".", label=name.replace("_", " "))
    axes.set(xlabel="step", ylabel="loss")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120)
    write_atomic(path, buffer.getvalue())
