r"""Regression: linear models whose weights are kept small.

Least squares fits the weights :math:`w` of a linear model to data, one row :math:`x_i` of :math:`X`
and one target :math:`y_i` per sample. Where columns are nearly collinear, or where there are more
weights than samples, many :math:`w` fit about equally well and the data do not choose among them. A
penalty does. The squared length shrinks all weights together and has a closed form: ridge
regression. The sum of absolute values sets weights to exactly zero: the lasso, which selects
columns while it fits them :cite:p:`tibshirani1996regression`.

Both are what a prior on the weights gives. With Gaussian noise of variance :math:`\sigma^2` the
negative log-likelihood is :math:`\lVert y - X w \rVert_2^2 / (2 \sigma^2)` up to a constant. A
Gaussian prior of variance :math:`\tau^2` adds :math:`\lVert w \rVert_2^2 / (2 \tau^2)`, so that
:math:`\lambda = \sigma^2 / \tau^2` in ridge regression; a Laplace prior of scale :math:`b` adds
:math:`\lVert w \rVert_1 / b`, so that :math:`\lambda = \sigma^2 / b` in the lasso. No intercept is
fitted here: center the columns and the targets first, or add a column of ones and accept that it is
penalized too.

:map: 3.1 Estimation
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, scale
from mlmath_ref.sets import Natural, Nonneg, Positive, Real, checked


@checked
def ridge_regression(
    x: Real[Array, "*batch n d"], y: Real[Array, "*batch n"], *, lam: Positive[float, ""]
) -> Real[Array, "*batch d"]:
    r"""Ridge regression: least squares with a price on the squared length of the weights.

    .. math:: \hat{w} = (X^\top X + \lambda I)^{-1} X^\top y

    It minimizes :math:`\lVert y - X w \rVert_2^2 + \lambda \lVert w \rVert_2^2`, that is
    :math:`\sum_{i=1}^{n} (y_i - x_i^\top w)^2 + \lambda \sum_{j=1}^{d} w_j^2`; the multiple of the
    identity matrix :math:`I` makes the minimum unique, whatever :math:`X` is. Along a right
    singular vector of :math:`X` with the singular value :math:`\sigma_i` the least-squares weights
    are multiplied by :math:`\sigma_i^2 / (\sigma_i^2 + \lambda)`. As :math:`\lambda` goes to 0 it
    tends to the least-squares solution of least length.

    Args:
        x: :math:`X`, the samples: one row per sample, one column per feature.
        y: :math:`y`, the targets, one per sample.
        lam: :math:`\lambda`, the price, in the square of the unit of :math:`X`; the ratio
            :math:`\sigma^2 / \tau^2` of noise and prior variance.

    Returns:
        :math:`\hat{w}`, the weights, one per feature.

    Also called:
        Tikhonov regularization, L2-regularized least squares, ridge estimator.

    Asked as:
        Ridge; weight decay for linear models; shrinkage; penalized least squares; regularized
        linear regression; linear probe; multicollinearity.

    Role in ML:
        - analysis -- Space and time probes of Llama 2: a linear map from the activations of a layer
          to the coordinates of the place that a text names is fitted with :math:`\lambda` equal to
          the width of the layer
          :cite:p:`gurnee2024language{code: probe_experiment.py, line 96}`.
          Witness: ``sklearn.linear_model.Ridge``, without its intercept.

    Numerics:
        The minimum is found by a QR decomposition of :math:`X` on top of :math:`\sqrt{\lambda} I`.
        The matrix :math:`X^\top X + \lambda I` has the square of its condition number and is not
        formed: it rounds away what is below the root of the precision. With fewer samples than
        features :math:`X^\top (X X^\top + \lambda I)^{-1} y` is the same and takes a smaller
        matrix. It helps where features are highly correlated (multicollinearity), :math:`X^\top X`
        cannot be inverted or a linear model overfits; at :math:`\lambda = 0` it would be
        :math:`\hat{w} = (X^\top X)^{-1} X^\top y`.

    Checked against:
        ``sklearn.linear_model.Ridge(alpha=lam, fit_intercept=False, solver="svd").fit(x, y).coef_``

    Examples:
        By hand, one feature: :math:`X^\top X = 1 + 4 + 4 = 9` and :math:`X^\top y = 18`, so
        :math:`18 / (9 + \lambda)`:

        >>> import numpy as np
        >>> x, y = np.asarray([[1.0], [2.0], [2.0]]), np.asarray([4.0, 3.0, 4.0])
        >>> [ridge_regression(x, y, lam=lam).round(4).tolist() for lam in (3.0, 1e-9)]
        [[1.5], [2.0]]

        Four samples of three features, as ``sklearn.linear_model.Ridge`` has them:

        >>> x = np.asarray([[0.3, 1.7, -2.1], [2.6, -0.4, 0.9], [-1.2, 3.1, 0.5], [0.8, 0.6, 1.4]])
        >>> y = np.asarray([1.2, -2.3, 2.6, 0.2])
        >>> ridge_regression(x, y, lam=0.5).round(4).tolist()
        [-0.6368, 0.6377, -0.0767]
        >>> import sklearn
        >>> ridge = sklearn.linear_model.Ridge(alpha=0.5, fit_intercept=False)
        >>> ridge.fit(x, y).coef_.round(4).tolist()
        [-0.6368, 0.6377, -0.0767]

        More features than samples: the other form gives the same:

        >>> wide, few = x.T, np.asarray([1.2, -2.3, 2.6])
        >>> ridge_regression(wide, few, lam=0.5).round(4).tolist()
        [-0.8616, 0.3302, -0.2712, 0.3419]
        >>> (wide.T @ np.linalg.solve(wide @ wide.T + 0.5 * np.eye(3), few)).round(4).tolist()
        [-0.8616, 0.3302, -0.2712, 0.3419]

        Three sets of three samples of two features at once:

        >>> import torch
        >>> xs = torch.tensor(np.stack([x[:3, :2], x[1:, 1:], x[1:, :2]]))
        >>> ridge_regression(xs, torch.tensor(np.stack([y[:3], y[1:], y[1:]])), lam=0.5)
        tensor([[-0.6985,  0.6118],
                [ 0.9919, -0.7112],
                [-0.6927,  0.5772]], dtype=torch.float64)

        It is the most probable :math:`w` under Gaussian noise with :math:`\sigma = 0.6` and a
        Gaussian prior with :math:`\tau = 1.2`, where :math:`\lambda = 0.36 / 1.44`: the slope of
        the negative logarithm of likelihood and prior is zero:

        >>> normal = torch.distributions.Normal
        >>> w = torch.tensor(ridge_regression(x, y, lam=0.25), requires_grad=True)
        >>> noise = torch.tensor(y) - torch.tensor(x) @ w
        >>> loss = -normal(0.0, 0.6).log_prob(noise).sum() - normal(0.0, 1.2).log_prob(w).sum()
        >>> loss.backward()
        >>> bool(w.grad.abs().max() < 1e-12)
        True

        The weights are linear in the targets, here with the slopes :math:`X^\top / 12`:

        >>> x = torch.tensor([[1.0], [2.0], [2.0]])
        >>> y = torch.tensor([4.0, 3.0, 4.0], requires_grad=True)
        >>> ridge_regression(x, y, lam=3.0)[0].backward()
        >>> y.grad
        tensor([0.0833, 0.1667, 0.1667])

        Two nearly equal features in single precision: the weights are right, although the
        differences are rounded away in :math:`X^\top X`, which is singular:

        >>> x = torch.tensor([[1.0, 1.0], [1e-4, 0.0], [0.0, 1e-4]])
        >>> y = torch.tensor([2.0, 1e-4, -1e-4])
        >>> ridge_regression(x, y, lam=1e-10)
        tensor([1.9901, 0.0099])
        >>> torch.linalg.det(x.mT @ x + 1e-10 * torch.eye(2))
        tensor(0.)
    """
    xp = array_namespace(x, y)
    n, d = x.shape[-2:]
    root = math.sqrt(lam) * xp.eye(d, dtype=x.dtype, device=device(x))
    below = xp.broadcast_to(root, (*x.shape[:-2], d, d))
    q, r = xp.linalg.qr(xp.concat([x, below], axis=-2))
    return xp.linalg.solve(r, q[..., :n, :].mT @ y[..., None])[..., 0]


@checked
def lasso_regression(
    x: Real[Array, "*batch n d"],
    y: Real[Array, "*batch n"],
    *,
    lam: Nonneg[float, ""],
    steps: Natural[int, ""] = 1000,
) -> Real[Array, "*batch d"]:
    r"""Lasso: least squares with a price on absolute weights, which sets many of them to zero.

    .. math::
        \begin{aligned}
        U_{i j} &= X_{i j} / c_j, \qquad L = (\sigma_1(U))^2, \qquad
        u_{0, j} = 0, \qquad u_{1, j} = 0, \qquad j = 1, \dots, d \\
        v_{k, j} &= u_{k-1, j} + \frac{k - 3}{k} (u_{k-1, j} - u_{k-2, j}) \\
        z_{k, j} &= v_{k, j} + \frac{1}{L} \sum_{i=1}^{n} U_{i j}
        \left( y_i - \sum_{l=1}^{d} U_{i l} \, v_{k, l} \right) \\
        u_{k, j} &= \max \left( z_{k, j} - \frac{\lambda}{c_j L}, 0 \right)
        - \max \left( -z_{k, j} - \frac{\lambda}{c_j L}, 0 \right), \qquad k = 2, \dots, T + 1 \\
        \hat{w}_j &= u_{T + 1, j} / c_j
        \end{aligned}

    It minimizes :math:`\tfrac12 \lVert y - X w \rVert_2^2 + \lambda \lVert w \rVert_1` by the
    accelerated proximal gradient method (FISTA) :cite:p:`beck2009fast` on columns of length 1. At a
    minimum :math:`X^\top (y - X w)` is :math:`\lambda` or :math:`-\lambda`, with the sign of the
    weight, for weights that are not zero, and between the two for the others. Zeros are a minimum if
    and only if :math:`\lambda \ge \lVert X^\top y \rVert_\infty`.

    Args:
        x: :math:`X`, the samples: one row per sample, one column per feature.
        y: :math:`y`, the targets, one per sample.
        lam: :math:`\lambda`, the price, in the unit of :math:`X` times that of :math:`y`; the ratio
            :math:`\sigma^2 / b` of the noise variance and the scale of a Laplace prior.
        steps: :math:`T`, the number of steps.

    Returns:
        :math:`\hat{w}`, the weights after :math:`T` steps.

    Where:
        - :math:`c`: ``np.where(np.any(x != 0, axis=0), np.linalg.norm(x, axis=0), 1.0)``, the
          Euclidean length of each column, 1 for a column of zeros. The matrix :math:`U` has the
          columns over their lengths and the largest singular value :math:`\sigma_1(U)`; :math:`L`
          is its square. Step :math:`k` goes from :math:`v_k` along the gradient to :math:`z_k`, and
          by a threshold to :math:`u_k`, the weights for :math:`U`.

    Also called:
        LASSO, least absolute shrinkage and selection operator, L1-regularized least squares, L1
        regression, basis pursuit denoising.

    Asked as:
        sparse regression; ISTA; FISTA; proximal gradient; iterative soft thresholding; feature
        selection; coefficients exactly zero.

    Role in ML:
        - analysis -- ContextCite: the log-odds of an answer are regressed on which sources of the
          context were left in; the few weights that are not zero name the sources
          :cite:p:`cohenwang2024contextcite{code: context_cite/solver.py, lines 25-56}`.
          Witness: ``sklearn.linear_model.Lasso``, with :math:`\lambda = n \alpha` and without its
          intercept.

    Numerics:
        A weight at zero is exactly 0, which selects features. After :math:`k` steps the objective
        is above its minimum by :math:`O(1/k^2)`; without the term of the last two steps (ISTA) it
        would be :math:`O(1/k)`. The method takes many steps if columns are nearly collinear, and it
        does not stop by itself: compute the duality gap as in the examples, which bounds how far
        the objective is from its minimum, and raise ``steps`` if it is too large. Dividing the
        columns by their lengths makes the number of steps independent of their units. Libraries
        scale the
        price differently: ``sklearn.linear_model.Lasso`` divides the squared error by :math:`2 n`,
        so that its ``alpha`` is :math:`\lambda / n`. A matrix of zeros gives zeros;
        its second derivatives are undefined (PyTorch returns NaN). The minimum
        need not be unique where columns are dependent. The threshold is :math:`S(z, \gamma) =
        \operatorname{sign}(z) \max(|z| - \gamma, 0)` at :math:`\gamma = \lambda / L`. Written with
        a bound in the place of the price, :math:`\sum_{i=1}^{n} (y_i - x_i^\top w)^2` is minimized
        subject to :math:`\sum_{j=1}^{d} |w_j| \leq s`.

    Checked against:
        ``(lambda c: (lambda s, rate: functools.reduce(lambda t, k: (lambda u: (u, u + (k - 1) /
        (k + 2) * (u - t[0])))((lambda z: torch.sign(z) * torch.relu(abs(z) - rate * lam / c))(
        t[1] + rate * s.T @ (y - s @ t[1]))), range(1, steps + 1), (0 * c, 0 * c))[0] / c)(x / c,
        1 / max(float(torch.linalg.eigvalsh((x / c).T @ (x / c))[-1]), 0.5)))(torch.where((x !=
        0).any(0), x.norm(dim=0), torch.ones_like(x[0])))``

    Examples:
        By hand, for orthogonal columns of length 2: :math:`X^\top y = (8, -2, 4)` moves toward 0 by
        :math:`\lambda = 3` and is divided by 4, the squared length:

        >>> import numpy as np
        >>> x = np.asarray([[1.0, 1, 1], [1, -1, 1], [1, 1, -1], [1, -1, -1]])
        >>> y = x @ np.asarray([2.0, -0.5, 1.0])
        >>> lasso_regression(x, y, lam=3.0, steps=1).round(4).tolist()
        [1.25, 0.0, 0.25]

        Correlated columns need more steps. How far the objective is from its minimum is bounded by
        the duality gap: the residual, shrunk until no product with a column exceeds
        :math:`\lambda`, tells how low it can get:

        >>> x = np.asarray([[0.3, 1.7, -2.1], [2.6, -0.4, 0.9], [-1.2, 3.1, 0.5], [0.8, 0.6, 1.4]])
        >>> y = np.asarray([1.2, -2.3, 2.6, 0.2])
        >>> for steps in (1, 5, 25):
        ...     w = lasso_regression(x, y, lam=0.9, steps=steps)
        ...     r = y - x @ w
        ...     dual = y - r * min(1, 0.9 / abs(x.T @ r).max())
        ...     gap = (r @ r + 1.8 * abs(w).sum() - y @ y + dual @ dual) / 2
        ...     print(w.round(4).tolist(), round(float(gap), 4))
        [-0.5629, 0.5148, -0.1859] 0.5278
        [-0.6022, 0.6139, 0.0] 0.0211
        [-0.6015, 0.6123, 0.0] 0.0

        After the steps of the default nothing moves any more. ``sklearn.linear_model.Lasso`` has
        the same weights:

        >>> lasso_regression(x, y, lam=0.9).round(4).tolist()
        [-0.6015, 0.6123, 0.0]
        >>> import sklearn
        >>> lasso = sklearn.linear_model.Lasso(alpha=0.9 / 4, fit_intercept=False)
        >>> (lasso.fit(x, y).coef_.round(4) + 0.0).tolist()
        [-0.6015, 0.6123, 0.0]

        A Laplace prior of scale :math:`b = 0.4` under Gaussian noise of :math:`\sigma = 0.6` has
        this :math:`\lambda`, 0.36 / 0.4: at the weights found, the slope of the negative logarithm
        of likelihood and prior is zero in those that are not zero:

        >>> import torch
        >>> noise = torch.distributions.Normal(0.0, 0.6)
        >>> prior = torch.distributions.Laplace(0.0, 0.4)
        >>> w = torch.tensor(lasso_regression(x, y, lam=0.9), requires_grad=True)
        >>> residual = torch.tensor(y) - torch.tensor(x) @ w
        >>> (-noise.log_prob(residual).sum() - prior.log_prob(w[:2]).sum()).backward()
        >>> bool(w.grad[:2].abs().max() < 1e-6)
        True

        The slope of a weight in the targets; a weight at zero has none:

        >>> x, y = torch.tensor(x), torch.tensor(y, requires_grad=True)
        >>> w = lasso_regression(x, y, lam=0.9)
        >>> torch.stack([torch.autograd.grad(v, y, retain_graph=True)[0] for v in w]).float()
        tensor([[ 0.1011,  0.3169, -0.0386,  0.1242],
                [ 0.1598,  0.0610,  0.2269,  0.0821],
                [ 0.0000,  0.0000,  0.0000,  0.0000]])

        Two nearly collinear columns need many steps. At the minimum the slope is zero, so the
        weights are the solution of a linear system:

        >>> x, y = np.asarray([[1.0, 1.1], [1.0, 0.9], [1.0, 1.05]]), np.asarray([3.0, 1.0, 2.5])
        >>> for steps in (100, 1000):
        ...     print(lasso_regression(x, y, lam=0.01, steps=steps).round(2).tolist())
        [-7.53, 9.54]
        [-7.05, 9.07]
        >>> sign = np.asarray([-1.0, 1.0])  # of the weights at the minimum
        >>> np.linalg.solve(x.T @ x, x.T @ y - 0.01 * sign).round(2).tolist()
        [-7.05, 9.07]

        Three problems at once: from :math:`\lVert X^\top y \rVert_\infty` on, 55 and 110 here, the
        weights are zero, and a matrix of zeros gives zeros:

        >>> x = np.asarray([[[3.0, 1.0], [4.0, 2.0]], [[6.0, 1.0], [8.0, 3.0]], [[0.0] * 2] * 2])
        >>> y = np.asarray([[5.0, 10.0]] * 3)
        >>> for lam in (54.0, 55.0, 110.0):
        ...     print(lasso_regression(x, y, lam=lam).round(4).tolist())
        [[0.04, 0.0], [0.56, 0.0], [0.0, 0.0]]
        [[0.0, 0.0], [0.55, 0.0], [0.0, 0.0]]
        [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    xp = array_namespace(x, y)
    columns, lengths = _unit_columns(x)
    largest = xp.linalg.svdvals(columns)[..., :1] ** 2
    rate = 1 / xp.where(largest > 0, largest, 1.0)
    u = v = xp.zeros_like(lengths)
    for k in range(1, steps + 1):
        residual = y - (columns @ v[..., None])[..., 0]
        z = v + rate * (columns.mT @ residual[..., None])[..., 0]
        bound, last = rate * lam / lengths, u
        u = xp.clip(z - bound, min=0.0) - xp.clip(-z - bound, min=0.0)
        v = u + (k - 1) / (k + 2) * (u - last)
    return u / lengths


def _unit_columns(x: Array) -> tuple[Array, Array]:
    """A matrix with columns of length 1 or 0, and what they were divided by: their lengths, or 1."""
    xp = array_namespace(x)
    size = scale(x.mT)
    columns = x.mT / size
    squares = xp.sum(columns * columns, axis=-1, keepdims=True)
    lengths = xp.sqrt(xp.where(squares > 0, squares, 1.0))
    return (columns / lengths).mT, (size * lengths)[..., 0]
