"""Draws entries at build time, as SVG in the colors of the page.

A function of this module that is named after an entry draws it; its docstring is the caption. Axes
are Matplotlib's, colors are the style sheet's. A plot is drawn anew when this file has changed, or a
module whose entries it draws.
"""

import functools
import html
import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sphinx.errors import SphinxError

from mlmath_ref.catalog import Entry, entries, entry

Axes = Any
FOLDER = "_plots"
INK = "#010203"  # stands for the color of the text
PALETTE = [f"#0f0f0{i}" for i in range(1, 5)]  # stand for --plot-1 to --plot-4
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "plot",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "lines.linewidth": 2,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
}


class MissingEntryError(SphinxError, AttributeError):
    """A plot draws what is not an entry; Sphinx prints the message without a traceback."""

    category = "Plot error"


class Functions:
    """The functions of the entries, as attributes."""

    def __init__(self) -> None:
        vars(self).update({e.name: e.function for e in entries()})

    def __getattr__(self, name: str) -> Any:
        raise MissingEntryError(
            f"docs/_ext/plots.py draws {name!r}, which is not an entry; "
            "if the entry was renamed, rename it there, too"
        )


E = Functions()

# Activations ----------------------------------------------------------------------------------


def activation(ax: Axes, f: Callable[[Any], Any]) -> None:
    x, h = np.linspace(-4, 4, 402), 1e-5
    ax.axhline(0, color=INK, linewidth=0.5)
    ax.plot(x, f(x), label="value")
    ax.plot(x, (f(x + h) - f(x - h)) / (2 * h), "--", label="derivative")
    ax.legend()
    ax.set(xlabel="x", xlim=(-4, 4))


def sigmoid(ax: Axes) -> None:
    """The derivative is at most 1/4: each sigmoid that a gradient passes shrinks it."""
    activation(ax, E.sigmoid)


def tanh(ax: Axes) -> None:
    """The derivative is 1 at zero and fades beyond 3 on either side."""
    activation(ax, E.tanh)


def relu(ax: Axes) -> None:
    """The derivative is 0 or 1, with nothing between."""
    activation(ax, E.relu)


def leaky_relu(ax: Axes) -> None:
    """Below zero a small slope is left for the gradient."""
    activation(ax, E.leaky_relu)


def silu(ax: Axes) -> None:
    """Below zero it dips and returns; far from zero it is the rectifier."""
    activation(ax, E.silu)


def gelu(ax: Axes) -> None:
    """The derivative exceeds 1 above zero and is negative in the dip."""
    activation(ax, E.gelu)


def gelu_tanh(ax: Axes) -> None:
    """How far the two approximations are from the exact function."""
    x = np.linspace(-4, 4, 401)
    ax.plot(x, E.gelu_tanh(x) - E.gelu(x), label="with tanh")
    ax.plot(x, E.gelu_sigmoid(x) - E.gelu(x), "--", label="with a sigmoid")
    ax.legend()
    ax.set(xlabel="x", ylabel="error", xlim=(-4, 4))


def temperature_softmax(ax: Axes) -> None:
    """Logits 2, 1, 0, -1: a low temperature leaves the largest, a high one levels all."""
    z = np.asarray([2.0, 1.0, 0.0, -1.0])
    for i, tau in enumerate((0.5, 1.0, 2.0)):
        p = E.temperature_softmax(z, tau=tau)
        ax.bar(np.arange(4) + 0.27 * (i - 1), p, 0.25, label=f"τ = {tau:g}")
    ax.legend()
    ax.set(xticks=range(4), xticklabels=["2", "1", "0", "-1"], xlabel="logit", ylabel="probability")


# Losses ---------------------------------------------------------------------------------------


def huber_loss(ax: Axes) -> None:
    """Three losses of one residual: quadratic, linear, and Huber's, which changes over at 1."""
    r, zero = np.linspace(-3, 3, 241)[:, None], np.zeros((241, 1))
    for f, name, style in (
        (E.mean_squared_error, "squared", "-"),
        (E.mean_absolute_error, "absolute", "--"),
        (E.huber_loss, "Huber", "-."),
    ):
        ax.plot(r[:, 0], [f(a, b) for a, b in zip(r, zero)], style, label=name)
    ax.legend()
    ax.set(xlabel="residual", ylabel="loss", ylim=(0, 4), xlim=(-3, 3))


def binary_cross_entropy_with_logits(ax: Axes) -> None:
    """The loss of one logit: it grows in a straight line where the answer is wrong."""
    z = np.linspace(-5, 5, 201)
    for y, style in ((1, "-"), (0, "--")):
        losses = [
            E.binary_cross_entropy_with_logits(np.asarray([s]), np.asarray([float(y)])) for s in z
        ]
        ax.plot(z, losses, style, label=f"label {y}")
    ax.legend()
    ax.set(xlabel="logit", ylabel="loss, nats", xlim=(-5, 5), ylim=(0, None))


def focal_loss(ax: Axes) -> None:
    """The loss of an example with label 1: what is already easy hardly counts."""
    z = np.linspace(-3, 5, 201)
    for gamma, style in ((0.0, "-"), (1.0, "--"), (2.0, "-."), (5.0, ":")):
        loss = E.focal_loss(z, np.ones(201, int), gamma=gamma, alpha=1.0)
        ax.plot(E.sigmoid(z), loss, style, label=f"γ = {gamma:g}")
    ax.legend()
    ax.set(xlabel="probability of the label", ylabel="loss", xlim=(0, 1), ylim=(0, 3))


def svm_hinge_objective(ax: Axes) -> None:
    """The hinge beside the logistic loss: beyond a margin of 1 it asks for nothing."""
    margins, one = np.linspace(-3, 3, 121), np.ones(1)
    weight = E.svm_hinge_objective(one, np.zeros(()), 9 * np.ones((1, 1)), np.ones(1, int))
    hinge = [
        E.svm_hinge_objective(one, np.zeros(()), np.full((1, 1), m), np.ones(1, int))
        for m in margins
    ]
    ax.plot(margins, hinge - weight, label="hinge")
    ax.plot(
        margins,
        [E.binary_cross_entropy_with_logits(np.full(1, m), one) for m in margins],
        "--",
        label="logistic",
    )
    ax.legend()
    ax.set(xlabel="margin", ylabel="loss", xlim=(-3, 3), ylim=(0, 4))


# Information and probability ------------------------------------------------------------------


def entropy(ax: Axes) -> None:
    """The entropy of a coin, largest where the coin is fair."""
    p = np.linspace(0, 1, 201)
    ax.plot(p, E.entropy(np.stack([p, 1 - p], -1)))
    ax.set(xlabel="probability of heads", ylabel="entropy, nats", xlim=(0, 1), ylim=(0, None))


def kl_divergence(ax: Axes) -> None:
    """Between two coins, p with probability 0.3 of heads: the order of the arguments matters."""
    q = np.linspace(0.001, 0.999, 301)
    a, b = np.stack([q, 1 - q], -1), np.broadcast_to([0.3, 0.7], (301, 2))
    ax.plot(q, E.kl_divergence(b, a), label="D(p ‖ q)")
    ax.plot(q, E.kl_divergence(a, b), "--", label="D(q ‖ p)")
    ax.legend()
    ax.set(xlabel="q's probability of heads", ylabel="nats", xlim=(0, 1), ylim=(0, 2))


def gaussian_pdf(ax: Axes) -> None:
    """Half the width is twice the height: the area stays 1."""
    x = np.linspace(-4, 4, 321)
    for sigma, style in ((0.5, "-"), (1.0, "--"), (2.0, "-.")):
        y = E.gaussian_pdf(x, np.zeros(321), np.full(321, sigma))
        ax.plot(x, y, style, label=f"σ = {sigma:g}")
    ax.legend()
    ax.set(xlabel="x", ylabel="density", xlim=(-4, 4), ylim=(0, None))


def laplace_pdf(ax: Axes) -> None:
    """Beside the Gaussian of the same variance: a peak, and tails that are thicker from 3 on."""
    x, one = np.linspace(-5, 5, 401), np.ones(401)
    ax.plot(x, E.laplace_pdf(x, 0 * one, one / np.sqrt(2)), label="Laplace")
    ax.plot(x, E.gaussian_pdf(x, 0 * one, one), "--", label="Gaussian")
    ax.legend()
    ax.set(xlabel="x", ylabel="density", xlim=(-5, 5), ylim=(0, None))


# Optimization ---------------------------------------------------------------------------------


def gradient_descent(ax: Axes) -> None:
    """Twelve steps on the bowl (x² + 8 y²) / 2, where steps above 1/4 diverge."""
    x, y = np.meshgrid(np.linspace(-0.5, 4.3, 60), np.linspace(-1.4, 1.4, 60))
    levels = [0.1, 0.5, 1.5, 3, 5, 8]
    ax.contour(x, y, (x**2 + 8 * y**2) / 2, levels, colors=INK, linewidths=0.4)
    for eta, style in ((0.05, "o-"), (0.22, "s--")):
        path = [np.asarray([4.0, 1.2])]
        for _ in range(12):
            path.append(E.gradient_descent(path[-1], path[-1] * [1.0, 8.0], eta=eta))
        ax.plot(*np.stack(path).T, style, markersize=4, linewidth=1.2, label=f"η = {eta:g}")
    ax.legend(loc="lower left")
    ax.set(xlabel="x", ylabel="y")


def schedule(ax: Axes, *rates: Callable[[int], float], total: int = 1000) -> None:
    steps = range(0, total + 1, 5)
    for rate in rates:
        ax.plot(steps, [rate(t) for t in steps])
    ax.set(xlabel="step", ylabel="share of the peak", xlim=(0, total), ylim=(0, 1.05))


def warmup_cosine(ax: Axes) -> None:
    """1,000 steps with a warmup of 100, down to a tenth."""
    schedule(ax, lambda t: E.warmup_cosine(t, total=1000, warmup=100, eta_max=1.0, eta_min=0.1))


def warmup_stable_decay(ax: Axes) -> None:
    """100 steps up, 700 level, 200 down to a tenth."""
    given = {"warmup": 100, "stable": 700, "decay": 200, "eta_max": 1.0, "eta_min": 0.1}
    schedule(ax, lambda t: E.warmup_stable_decay(t, **given))


def linear_warmup(ax: Axes) -> None:
    """100 steps up, then the full rate."""
    schedule(ax, lambda t: E.linear_warmup(t, warmup=100, eta_max=1.0))


def exponential_decay(ax: Axes) -> None:
    """Down by a third of a percent each step, or by one percent."""
    schedule(
        ax, *(lambda t, g=g: E.exponential_decay(t, eta0=1.0, gamma=g) for g in (0.9967, 0.99))
    )


def cosine_annealing(ax: Axes) -> None:
    """Down along half a cosine wave to a tenth."""
    schedule(ax, lambda t: E.cosine_annealing(t, total=1000, eta_max=1.0, eta_min=0.1))


def one_cycle(ax: Axes) -> None:
    """Up from a 25th for three tenths of the run, then down to nearly nothing."""
    schedule(ax, lambda t: E.one_cycle(t, total=1000, eta_max=1.0))


# Attention and positions ----------------------------------------------------------------------


def heatmap(ax: Axes, shares: Any) -> None:
    """Squares of one color that shows on light and dark ground, the more opaque the larger."""
    color = np.broadcast_to(np.asarray([0x3B, 0x82, 0xF6]) / 255, (*shares.shape, 3))
    ax.imshow(np.dstack([color, shares]), interpolation="none", aspect="auto")


def causal_mask(ax: Axes) -> None:
    """Attention weights of 24 random queries and keys under a causal mask: rows sum to 1."""
    rng, n = np.random.default_rng(0), 24
    q, k = rng.normal(size=(2, n, 16))
    mask = E.causal_mask(np.arange(n))
    heatmap(ax, E.scaled_dot_product_attention(2 * q, k, np.eye(n), mask))
    ax.set(xlabel="key", ylabel="query")


def sinusoidal_position_encoding(ax: Axes) -> None:
    """64 positions in 64 features: from left to right the waves grow longer."""
    heatmap(ax, (E.sinusoidal_position_encoding(np.arange(64), d=64) + 1) / 2)
    ax.set(xlabel="feature", ylabel="position")


def rotary_position_embedding(ax: Axes) -> None:
    """The product of a rotated query with the same vector as a rotated key, by their distance."""
    d = np.arange(201)
    x = np.ones((201, 64)) / 8
    rotated = E.rotary_position_embedding(x, d)
    ax.plot(d, rotated @ rotated[0])
    ax.set(xlabel="distance", ylabel="product", xlim=(0, 200))


# Matrices, scaling and diffusion --------------------------------------------------------------


def low_rank_approximation(ax: Axes) -> None:
    """The share of a 64 by 64 matrix that its best approximation misses, for two spectra."""
    rng, ranks = np.random.default_rng(0), range(1, 65)
    u, v = (np.linalg.qr(rng.normal(size=(64, 64)))[0] for _ in range(2))
    spectra = {"fast decay": np.arange(1.0, 65) ** -1.5, "flat": np.ones(64)}
    for (name, s), style in zip(spectra.items(), ("-", "--")):
        a = (u * s) @ v.T
        kept = np.stack([E.low_rank_approximation(a, k) for k in ranks])
        missed = np.linalg.norm(a - kept, axis=(1, 2))
        ax.plot(ranks, missed / np.linalg.norm(a), style, label=name)
    ax.legend()
    ax.set(xlabel="rank kept", ylabel="error, share of the norm", xlim=(1, 64), ylim=(0, 1))


def chinchilla_loss(ax: Axes) -> None:
    """At a fixed budget C = 6 N D one size is best, and it grows with the budget."""
    for budget, name, style in ((1e20, "10²⁰", "-"), (1e22, "10²²", "--"), (1e24, "10²⁴", "-.")):
        n = np.geomspace(1e8, 1e12, 200)
        loss = E.chinchilla_loss(n, budget / (6 * n))
        best = loss < loss.min() + 0.6
        ax.semilogx(n[best], loss[best], style, label=f"C = {name}")
    ax.legend()
    ax.set(xlabel="parameters N", ylabel="loss, nats")


def ddpm_add_noise(ax: Axes) -> None:
    """A ring of points as noise takes over: the share ᾱ of its variance that is left stands below."""
    rng, angle = np.random.default_rng(0), np.linspace(0, 2 * np.pi, 40)
    x0 = 1.3 * np.stack([np.cos(angle), np.sin(angle)], -1)
    shares = (1.0, 0.9, 0.5, 0.1, 0.0)
    for i, share in enumerate(shares):
        x = E.ddpm_add_noise(x0, np.full(40, share), rng.normal(size=(40, 2)))
        ax.plot(x[:, 0] + 6 * i, x[:, 1], ".", color=PALETTE[0], markersize=4)
    ax.set(xticks=[6 * i for i in range(5)], xticklabels=[f"ᾱ = {s:g}" for s in shares], yticks=[])
    ax.set_aspect("equal")


# The files ------------------------------------------------------------------------------------


def figure(draw: Callable[[Axes], None]) -> str:
    """A plot as HTML, with its caption."""
    import matplotlib as mpl  # a build in which nothing is drawn does without
    from cycler import cycler
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with mpl.rc_context({**STYLE, "axes.prop_cycle": cycler(color=PALETTE)}):
        chart = Figure((6.4, 3.1))
        draw(chart.subplots())
        chart.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    name, caption = draw.__name__, html.escape(inspect.getdoc(draw) or "")
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(
        r"<metadata>.*?</metadata>|<style.*?</style>|(?<=<g) id=\"[^\"]+\"",
        "",
        svg,
        flags=re.DOTALL,
    )
    svg = re.sub(
        r'(?<= id=")|(?<="#)|(?<=url\(#)', f"{name}-", svg
    )  # ids are unique on a page of plots
    svg = re.sub(r"font-family: [^;]+; ?", "", svg)
    for i, color in enumerate(PALETTE, start=1):
        svg = svg.replace(color, f"var(--plot-{i})")
    svg = re.sub(
        r'width="[\d.]+pt" height="[\d.]+pt"', f'role="img" aria-label="{caption}"', svg, count=1
    )
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    return f'<figure class="plot">\n{svg}<figcaption>{caption}</figcaption>\n</figure>\n'


def path(name: str) -> str:
    """Where a plot stands, from the folder of the sources."""
    return f"{FOLDER}/{name}.html"


@functools.cache
def drawn() -> dict[str, Callable[[Axes], None]]:
    """The plots, by the entry that they stand with, in the order of the entries.

    Raises:
        ValueError: A plot is of no entry.
    """
    names = [e.name for e in entries()]
    plots = {
        n: f
        for n, f in globals().items()
        if list(getattr(f, "__annotations__", ())) == ["ax", "return"]
    }
    return dict(sorted(plots.items(), key=lambda p: names.index(p[0])))


def sources(draw: Callable[[Axes], None]) -> list[Path]:
    """The files that a plot depends on."""
    names = {n for n in draw.__code__.co_names if hasattr(E, n)}
    names |= {
        n for c in draw.__code__.co_consts if inspect.iscode(c) for n in c.co_names if hasattr(E, n)
    }
    found: list[Entry] = [entry(n) for n in names]
    found += [entry(n) for e in found for n in e.calls]
    return [Path(__file__), *(Path(str(e.topic.module.__file__)) for e in found)]


def write(folder: Path) -> None:
    """Draw what is not there or older than what it is drawn from; remove what is gone."""
    folder.mkdir(exist_ok=True)
    plots = drawn()
    for stale in set(folder.glob("*.html")) - {folder / f"{name}.html" for name in plots}:
        stale.unlink()
    for name, draw in plots.items():
        path = folder / f"{name}.html"
        if not path.exists() or path.stat().st_mtime < max(
            s.stat().st_mtime for s in sources(draw)
        ):
            path.write_text(figure(draw), encoding="utf-8")
