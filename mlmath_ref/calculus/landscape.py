r"""Loss landscape: minima, saddle points, barriers and how sharp the valleys are.

Where the gradient of a loss is zero the signs of the Hessian's eigenvalues tell what the point is:
a minimum, a maximum, or a saddle point, from which some directions lead down
:cite:p:`nocedal2006numerical`. A function whose
Hessian has no negative eigenvalue at any point is convex. Its chords never run below it, and every
local minimum of it is global, though there may be many or none :cite:p:`boyd2004convex`. The loss
of a network is not convex: its symmetries alone make copies of every minimum, in general with a
barrier on the straight line between them.

Sharpness, the largest eigenvalue, limits the learning rate. Flat minima are often said to
generalize better; the two correlate in some settings only
:cite:p:`andriushchenko2023modern{abstract}`, and as weights can be rescaled without changing what
the network computes, the eigenvalue by itself cannot be the cause :cite:p:`dinh2017sharp{abstract}`.

:map: 2.4 Curvature
"""

from collections.abc import Callable

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor, scale, total
from mlmath_ref.calculus.curvature import hessian
from mlmath_ref.sets import Index, Nonneg, Real, Symmetric, Unit, checked


@checked
def critical_point_type(
    g: Real[Array, "*batch n"], h: Symmetric[Array, "*batch n n"], *, tol: Nonneg[float, ""] = 0.0
) -> tuple[Index[Array, "*batch", "n"], Index[Array, "*batch", "n"], Index[Array, "*batch", "n"]]:
    r"""Second-derivative test: how many directions fall, stay level and rise from a critical point.

    .. math::
       \begin{aligned}
       n_- &= c \sum_{i=1}^{n} \mathbb{1}[\lambda_i(H) < -\theta], &
       n_+ &= c \sum_{i=1}^{n} \mathbb{1}[\lambda_i(H) > \theta], \\
       n_0 &= c \, n - n_- - n_+, & c &= \mathbb{1}[\lVert g \rVert_2 \le \theta], \\
       \theta &= \max(\tau, n \, \epsilon) \lVert H \rVert_2
       \end{aligned}

    The eigenvalues :math:`\lambda_i` count, unless the gradient is not 0: then all three numbers
    are 0, and there is nothing to classify. :math:`n_+ = n` is a strict local minimum,
    :math:`n_- = n` a strict local maximum, and both above 0 a saddle point. The rest, with
    :math:`n_0 > 0` and at most one sign, is undecided.

    Args:
        g: :math:`g`, the gradient at the point.
        h: :math:`H`, the Hessian at the point.
        tol: :math:`\tau`, the tolerance relative to the spectral norm of :math:`H`; at any rate
            :math:`n` rounding units :math:`\epsilon` of it. Eigenvalues up to :math:`\theta` count
            as zero. The point is critical, :math:`c = 1`, if the gradient is at most as large.

    Returns:
        :math:`(n_-, n_0, n_+)`, the numbers of negative, zero and positive eigenvalues.

    Where:
        - :math:`\epsilon`: ``np.finfo(h.dtype).eps``, the rounding unit of the number format.

    Also called:
        second derivative test, Hessian test, second partial derivative test, inertia of the
        Hessian.

    Asked as:
        local minimum; local maximum; saddle point; stationary point; signature; Morse index;
        discriminant test; transition state; non-convex; is this a minimum.

    Role in ML:
        - metric -- HIP: geometries count as a minimum or a transition state by 0 or 1 negative
          eigenvalues of the predicted Hessian, and are compared with the counts of the true one
          :cite:p:`burger2025shoot{code: scripts/eval_horm.py, lines 292-317}`.
        - analysis -- Saddle-free Newton: in many dimensions saddle points, rather than poor local
          minima, are believed to slow training down :cite:p:`dauphin2014identifying{abstract}`.

    Numerics:
        Computed eigenvalues carry an error of about :math:`\lVert H \rVert_2` times the rounding
        unit, so the tolerance is relative to it: multiplying the loss by a positive number does not
        change the result. A gradient of norm :math:`\theta` is that of a point about
        :math:`\max(\tau, n \, \epsilon)` away along the steepest direction. Give a larger
        :math:`\tau` if the gradient or the Hessian is less exact than the arithmetic, as after an
        optimization that stopped early. Symmetries of a network give exact zeros, and then no
        minimum is strict. For two variables the sign of :math:`\det H = f_{xx} f_{yy} - f_{xy}^2`
        tells: above 0 it is a minimum or a maximum, by the sign of :math:`f_{xx}`, and below 0 a
        saddle point.

    Checked against:
        ``(lambda bar: tuple((scipy.linalg.norm(g) <= bar) * k for k in (lambda low, high: (low,
        high - low, len(g) - high))(*[int((np.linalg.eigvalsh(scipy.linalg.ldl(h + t *
        np.eye(len(g)))[1]) < 0).sum()) for t in (bar, -bar)])))(max(tol, len(g) *
        np.finfo(h.dtype).eps) * scipy.linalg.norm(h, 2))``

    Examples:
        By hand: :math:`x_1^2 + x_2^2`, :math:`x_1^2 - x_2^2` and :math:`-x_1^2 - x_2^2` at 0 are a
        minimum, a saddle point and a maximum:

        >>> import numpy as np
        >>> h = np.stack([np.diag([2.0, 2.0]), np.diag([2.0, -2.0]), np.diag([-2.0, -2.0])])
        >>> [n.tolist() for n in critical_point_type(np.zeros((3, 2)), h)]
        [[0, 1, 2], [0, 0, 0], [2, 1, 0]]
        >>> [n.tolist() for n in critical_point_type(np.zeros((1, 3, 2)), h[None])]
        [[[0, 1, 2]], [[0, 0, 0]], [[2, 1, 0]]]

        Curvature alone makes no minimum or maximum: :math:`x^2` has :math:`H = 2` at 0 and at 1,
        where the slope is 2, and :math:`-x^2` at 1 falls too. And :math:`x^4` and :math:`-x^4` at 0
        have the same zero Hessian, so it cannot tell them apart:

        >>> g, h = np.asarray([[0.0], [2.0], [-2.0]]), np.asarray([[[2.0]], [[2.0]], [[-2.0]]])
        >>> [n.tolist() for n in critical_point_type(g, h)]
        [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
        >>> [int(n) for n in critical_point_type(np.asarray([0.0]), np.asarray([[0.0]]))]
        [0, 1, 0]

        One negative and two positive eigenvalues make a saddle point. A tolerance of 0.2 of the
        largest makes 0.3979 count as zero:

        >>> g, h = np.zeros(3), np.asarray([[1.5, -0.4, 2.0], [-0.4, 0.3, 0.2], [2.0, 0.2, 0.5]])
        >>> np.linalg.eigvalsh(h).round(4).tolist()
        [-1.1729, 0.3979, 3.0751]
        >>> [int(n) for n in critical_point_type(g, h)]
        [1, 0, 2]
        >>> [int(n) for n in critical_point_type(g, h, tol=0.2)]
        [1, 1, 1]

        The network :math:`(w_1 w_2 - 1)^2` is constant along :math:`w_1 w_2 = 1`: at :math:`(1, 1)`
        one eigenvalue is 0, and at 0 there is a saddle point:

        >>> import torch
        >>> from mlmath_ref.calculus.derivatives import gradient
        >>> loss = lambda w: (w[0] * w[1] - 1) ** 2
        >>> for w in (torch.ones(2), torch.zeros(2)):
        ...     [int(n) for n in critical_point_type(gradient(loss, w), hessian(loss, w))]
        [0, 1, 1]
        [1, 0, 1]

        Least squares with fewer equations than unknowns, in single precision: the rounded zeros are
        zeros, and neither a large nor a small unit of the loss changes that:

        >>> a = torch.tensor([[1.0, 2.0, 0.5, -1.0], [0.3, -0.7, 1.1, 0.9]])
        >>> for unit in (1e-9, 1.0, 1e9):
        ...     [int(n) for n in critical_point_type(torch.zeros(4), unit * (a.mT @ a))]
        [0, 2, 2]
        [0, 2, 2]
        [0, 2, 2]
    """
    xp = array_namespace(g, h)
    n = h.shape[-1]
    eigenvalues = xp.linalg.eigvalsh(h)
    share = max(tol, n * float(xp.finfo(h.dtype).eps))
    bound = share * xp.max(xp.abs(eigenvalues), axis=-1, keepdims=True)
    size = scale(g)
    critical = xp.sqrt(total((g / size) ** 2)) <= bound[..., 0] / size[..., 0]
    is_critical = xp.astype(critical, xp.int64)
    falls = is_critical * xp.count_nonzero(eigenvalues < -bound, axis=-1)
    rises = is_critical * xp.count_nonzero(eigenvalues > bound, axis=-1)
    return falls, is_critical * n - falls - rises, rises


@checked
def convexity_gap(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]],
    x: Real[Tensor, "n"],
    y: Real[Tensor, "n"],
    lam: Unit[float, ""],
) -> Real[Tensor, ""]:
    r"""Convexity: how far the chord between two points lies above the function.

    .. math:: \Delta = \lambda f(x) + (1 - \lambda) f(y) - f(\lambda x + (1 - \lambda) y)

    A function is convex exactly when this is nowhere negative, :math:`f(\lambda x + (1 - \lambda)
    y) \leq \lambda f(x) + (1 - \lambda) f(y)`, for all :math:`x`, :math:`y` and all :math:`\lambda`
    from 0 to 1. It is 0 at both ends, and everywhere for affine functions. For
    :math:`\tfrac12 \lVert x \rVert_2^2` it is :math:`\tfrac12 \lambda (1 - \lambda) \lVert x - y
    \rVert_2^2`.

    Args:
        f: :math:`f`, a function of a vector with one number as result, made of PyTorch operations.
        x: :math:`x`, the point at :math:`\lambda = 1`.
        y: :math:`y`, the point at :math:`\lambda = 0`.
        lam: :math:`\lambda`, how far from :math:`y` to :math:`x`.

    Returns:
        :math:`\Delta`, the chord minus the function.

    Also called:
        Jensen gap.

    Asked as:
        convex function; is this function convex; Jensen's inequality; loss barrier;
        error barrier; linear mode connectivity.

    Role in ML:
        - analysis -- Layer-wise linear mode connectivity: with :math:`\lambda = \tfrac12` and the
          weights of two networks, minus the gap of the loss is the barrier between them
          :cite:p:`adilova2024layer{code: LLMC/layer_cumulative_heatmap.py, lines 46-51}`.
        - analysis -- GPT-2 and vision transformers: independently trained models are joined by
          straight lines with little or no barrier once their symmetries are aligned
          :cite:p:`theus2025generalized{abstract}`.

    Numerics:
        A test of points can refute convexity and never prove it; a smooth function is convex where
        its Hessian has no negative eigenvalue, and a differentiable one where :math:`f(y) \geq f(x)
        + \nabla f(x)^\top (y - x)` for all points. For means the inequality is Jensen's,
        :math:`f(\mathbb{E}[X]) \leq \mathbb{E}[f(X)]`. Beyond :math:`[0, 1]` the inequality turns
        round, so :math:`\lambda` is refused there. Near an affine function the terms cancel.

    Checked against:
        ``(lambda m: sum(t * (f(z) - f(m) - torch.func.jvp(f, (m,), (z - m,))[1]) for t, z in
        ((lam, x), (1 - lam, y))))(torch.lerp(y, x, lam))``

    Examples:
        By hand, :math:`x^2` between 0 and 4, a quarter of the way: :math:`\tfrac14 16 - 1^2 = 3`:

        >>> import torch
        >>> square, x, y = lambda x: (x**2).sum(), torch.tensor([4.0]), torch.tensor([0.0])
        >>> convexity_gap(square, x, y, 0.25)
        tensor(3.)

        The definition ends at 1: with :math:`\lambda = 2`, :math:`x = 0` and :math:`y = 1` the
        inequality would read :math:`(-1)^2 \le 2 \cdot 0 - 1`, which is false for this convex
        function:

        >>> zero, one = torch.zeros(1), torch.ones(1)
        >>> 2 * square(zero) - square(one) - square(2 * zero - one)
        tensor(-2.)
        >>> convexity_gap(square, zero, one, 2.0)
        Traceback (most recent call last):
        ValueError: convexity_gap: lam must hold numbers from 0 to 1, got 2.0

        The log-sum-exp is convex, a sum of sines is not:

        >>> x, y = torch.tensor([0.3, -1.2, 2.1]), torch.tensor([1.7, 0.4, -0.6])
        >>> convexity_gap(lambda z: torch.logsumexp(z, 0), x, y, 0.3)
        tensor(0.3472)
        >>> convexity_gap(lambda z: torch.sin(z).sum(), x, y, 0.3)
        tensor(-0.4470)

        Two networks :math:`w_1 w_2` that compute the same, with both weights negated in one: the
        loss :math:`(w_1 w_2 - 1)^2` is 0 at both and 1 between them, a barrier of 1:

        >>> w = torch.tensor([1.0, 1.0])
        >>> convexity_gap(lambda w: (w[0] * w[1] - 1) ** 2, w, -w, 0.5)
        tensor(-1.)

        At both ends it is 0, and its gradient in :math:`x` is
        :math:`\lambda (\nabla f(x) - \nabla f(\lambda x + (1 - \lambda) y))`:

        >>> [float(convexity_gap(square, x, y, lam)) for lam in (0.0, 1.0)]
        [0.0, 0.0]
        >>> x.requires_grad_()
        tensor([ 0.3000, -1.2000,  2.1000], requires_grad=True)
        >>> convexity_gap(square, x, y, 0.25).backward()
        >>> x.grad
        tensor([-0.5250, -0.6000,  1.0125])
    """
    chord = lam * f(x) + (1 - lam) * f(y)
    return chord - f(lam * x + (1 - lam) * y)


@checked
def sharpness(
    f: Callable[[Real[Tensor, "p"]], Real[Tensor, ""]], theta: Real[Tensor, "p"]
) -> Real[Tensor, ""]:
    r"""Sharpness: the largest curvature of a loss, over all directions of the parameters.

    .. math:: \lambda_{\max} = \lambda_1(H), \qquad
       H_{ij} = \frac{\partial^2 \mathcal{L}(\boldsymbol\theta)}
       {\partial \boldsymbol\theta_i \, \partial \boldsymbol\theta_j}

    Gradient descent on a quadratic loss with Hessian :math:`H_{ij}` diverges above the learning
    rate :math:`2 / \lambda_{\max}`. It correlates with generalization in some settings only:
    weights can be rescaled so that the network and its loss stay as they are and the sharpness
    becomes as large as one likes.

    Args:
        f: :math:`\mathcal{L}`, the loss, made of PyTorch operations.
        theta: :math:`\boldsymbol\theta`, the parameters.

    Returns:
        :math:`\lambda_{\max}`, the largest eigenvalue of the Hessian.

    Also called:
        largest Hessian eigenvalue, top Hessian eigenvalue, maximum eigenvalue of the Hessian.

    Asked as:
        flatness; flat minima; sharp minima; lambda max; Hessian spectrum; edge of stability;
        progressive sharpening.

    Role in ML:
        - analysis -- OLMo 2: at 7 billion parameters the eigenvalue itself is out of reach; a proxy
          from a few forward passes shows the sharpening known from small networks, in pre-training
          and in mid-training :cite:p:`kalra2026scalable{abstract}`.
        - regularizer -- Sharpness-aware minimization: the largest loss within a small ball is
          lowered, by one step up along the gradient; no eigenvalue is computed
          :cite:p:`foret2021sharpness{eq. (1)}`.

    Numerics:
        The whole Hessian is formed here. Large networks take products :math:`H v` and the Lanczos
        method, ``scipy.sparse.linalg.eigsh``; power iteration finds the eigenvalue of largest size
        instead, which may be negative. Where the largest eigenvalue is double the gradient is one
        of many. Over unit vectors it is :math:`\max_{\lVert v \rVert_2 = 1} v^\top H v`. In
        sharpness-aware minimization the word means :math:`\max_{\lVert \boldsymbol\delta \rVert_2
        \leq \rho} \mathcal{L}(\boldsymbol\theta + \boldsymbol\delta) -
        \mathcal{L}(\boldsymbol\theta)`, at a minimum about :math:`\tfrac12 \rho^2 \lambda_{\max}`.

    Checked against:
        ``torch.linalg.eigvals(torch.func.jacfwd(torch.func.jacfwd(f))(theta)).real.max()``

    Examples:
        By hand, :math:`x_1^2 + 3 x_2^2` bends most along :math:`x_2`:

        >>> import torch
        >>> sharpness(lambda x: x[0] ** 2 + 3 * x[1] ** 2, torch.tensor([0.4, -1.1]))
        tensor(6.)

        Three parameters of a log-sum-exp; ``torch.linalg.eigvals`` has the spectrum:

        >>> f, z = lambda z: torch.logsumexp(z, 0), torch.tensor([0.3, -1.2, 2.1])
        >>> sharpness(f, z)
        tensor(0.2453)
        >>> torch.linalg.eigvals(torch.func.hessian(f)(z)).real.sort().values[1:]
        tensor([0.0429, 0.2453])

        The network :math:`w_2 \max(w_1 x, 0)` is the same for :math:`(1, 2)` and for
        :math:`(0.1, 20)`. On one example :math:`x = 1` with label 2 the loss is 0 for both, and the
        sharpness :math:`2 (w_1^2 + w_2^2)`:

        >>> loss = lambda w: (w[1] * torch.relu(w[0]) - 2) ** 2
        >>> for w in (torch.tensor([1.0, 2.0]), torch.tensor([0.1, 20.0])):
        ...     loss(w), sharpness(loss, w)
        (tensor(0.), tensor(10.))
        (tensor(0.), tensor(800.0200))

        The largest, not the largest in size; at a maximum it is negative:

        >>> sharpness(lambda x: x[0] ** 2 - 5 * x[1] ** 2, torch.ones(2))
        tensor(2.)
        >>> sharpness(lambda x: -(x**2).sum(), torch.ones(2))
        tensor(-2.)

        Differentiated, :math:`12 x_1^2` has the slope :math:`24 x_1`:

        >>> x = torch.tensor([2.0, 1.0], requires_grad=True)
        >>> sharpness(lambda x: x[0] ** 4 + x[1] ** 2, x).backward()
        >>> x.grad
        tensor([48.,  0.])
    """
    import torch

    return torch.linalg.eigvalsh(hessian(f, theta))[-1]
