r"""Kernel machines: linear methods in a space that only inner products need to enter.

Among all functions of a kernel's space, the best for a loss on :math:`n` points and a penalty on the
norm is a sum of :math:`n` kernels, one at each point. So a problem in infinitely many dimensions
becomes one with :math:`n` weights and the table :math:`K` of the kernel at all pairs of points.

With the squared loss it is a linear system, kernel ridge regression. With the hinge loss it is a
support vector machine, where most weights are 0: points far on the right side of the boundary do not
matter. It is stated here for features as they are; in a kernel's space :math:`w` becomes a sum of
kernels, and its squared norm :math:`\boldsymbol\alpha^\top K \boldsymbol\alpha`. The table has
:math:`n^2` entries and the system costs :math:`n^3` operations, which is what limits both.

:map: 6.10 Kernels
"""

from array_api_compat import array_namespace, device

from mlmath_ref.activations.rectifiers import relu
from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import PSD, Binary, Nonneg, Positive, Real, checked


@checked
def kernel_ridge_regression(
    k: PSD[Array, "*batch n n"], y: Real[Array, "*batch n"], *, lam: Positive[float, ""]
) -> Real[Array, "*batch n"]:
    r"""Kernel ridge regression: the weights of the kernels that fit the targets, held small.

    .. math:: \boldsymbol\alpha = (K + \lambda I)^{-1} y

    The prediction at :math:`x` is :math:`\hat{f}(x) = \sum_i \alpha_i \, k(x, x_i) = k_x^\top (K +
    \lambda I)^{-1} y` with the kernels :math:`k_x` between :math:`x` and the training points, so at
    the training points it is :math:`K \boldsymbol\alpha`, and :math:`\lambda \boldsymbol\alpha` is
    what is left of the targets there. It minimizes :math:`\sum_i (y_i - f(x_i))^2 + \lambda \lVert
    f \rVert^2`, squared errors plus :math:`\lambda` times the squared norm
    :math:`\boldsymbol\alpha^\top K \boldsymbol\alpha`, with :math:`I` the identity matrix.

    Args:
        k: :math:`K`, the kernel between all training points.
        y: :math:`y`, the targets.
        lam: :math:`\lambda`, the weight of the penalty; the variance of the noise in a Gaussian
            process.

    Returns:
        :math:`\boldsymbol\alpha`, a weight for each training point.

    Also called:
        KRR, ridge regression in dual variables.

    Asked as:
        dual coefficients; regularized least squares in an RKHS; Gaussian process posterior mean;
        Gaussian process regression; GP regression; GPR; kriging.

    Role in ML:
        - estimator -- xRFM: the predictor in every leaf of its tree; between two solutions the
          kernel learns which directions of the input matter
          :cite:p:`beaglehole2025xrfm{code: xrfm/rfm_src/recursive_feature_machine.py, lines 763 and
          767; xrfm/xrfm.py, line 34}`.

    Numerics:
        A linear system, no inverse: :math:`n^3` operations and :math:`n^2` numbers. The condition
        number is at most :math:`(\lambda_{\max} + \lambda) / \lambda`, so a small :math:`\lambda`
        on points that nearly coincide loses digits of :math:`\boldsymbol\alpha`, though few of the
        predictions. Multiplying :math:`K` and :math:`\lambda` by the same number divides
        :math:`\boldsymbol\alpha` by it. Read as a Gaussian process,
        ``sklearn.gaussian_process.GaussianProcessRegressor``, the variance at :math:`x` is
        :math:`k(x, x) - k_x^\top (K + \lambda I)^{-1} k_x`.

    Checked against:
        ``sklearn.kernel_ridge.KernelRidge(alpha=lam, kernel="precomputed").fit(k, y).dual_coef_``

    Examples:
        By hand: :math:`\begin{pmatrix} 3 & 1 \\ 1 & 2 \end{pmatrix}
        \begin{pmatrix} 1 \\ 2 \end{pmatrix} = \begin{pmatrix} 5 \\ 5 \end{pmatrix}`:

        >>> import numpy as np
        >>> from mlmath_ref.kernels.functions import gram_matrix, rbf_kernel
        >>> k, y = np.asarray([[2.0, 1.0], [1.0, 1.0]]), np.asarray([5.0, 5.0])
        >>> kernel_ridge_regression(k, y, lam=1.0).round(4).tolist()
        [1.0, 2.0]

        Three points, as ``sklearn.kernel_ridge.KernelRidge`` has them; what is left at the points is
        :math:`\lambda \boldsymbol\alpha`:

        >>> x = np.asarray([[0.3, -1.2], [0.8, 1.7], [-0.5, 0.4]])
        >>> k, y = rbf_kernel(x, x, gamma=0.3), np.asarray([1.5, -0.4, 0.7])
        >>> alpha = kernel_ridge_regression(k, y, lam=0.2)
        >>> alpha.round(4).tolist(), (y - k @ alpha).round(4).tolist()
        ([1.1646, -0.5168, 0.368], [0.2329, -0.1034, 0.0736])

        With the Gram matrix as kernel it is ridge regression, solved for the points and not for the
        features:

        >>> alpha = kernel_ridge_regression(gram_matrix(x), y, lam=0.2)
        >>> (x.T @ alpha).round(4).tolist()
        [0.1488, -0.4945]
        >>> np.linalg.solve(x.T @ x + 0.2 * np.eye(2), x.T @ y).round(4).tolist()
        [0.1488, -0.4945]

        The same point twice is no obstacle; the two share the work:

        >>> alpha = kernel_ridge_regression(np.ones((2, 2)), np.asarray([1.0, 3.0]), lam=0.5)
        >>> alpha.round(4).tolist()
        [-1.2, 2.8]

        The gradient in the targets is a column of the inverse:

        >>> import torch
        >>> k, y = torch.tensor([[2.0, 1.0], [1.0, 1.0]]), torch.tensor([5.0, 5.0])
        >>> kernel_ridge_regression(k, y.requires_grad_(), lam=1.0)[0].backward()
        >>> y.grad
        tensor([ 0.4000, -0.2000])

        Two tables of three points in single precision:

        >>> k = np.asarray([[[2, 1, 0], [1, 1, 0], [0, 0, 3]], np.ones((3, 3))], np.float32)
        >>> y = np.asarray([[5, 5, 8], [1, 3, 4]], np.float32)
        >>> alpha = kernel_ridge_regression(k, y, lam=1.0)
        >>> alpha.round(4).tolist(), alpha.dtype.name
        ([[1.0, 2.0, 2.0], [-1.0, 1.0, 2.0]], 'float32')
    """
    xp = array_namespace(k, y)
    ridge = lam * xp.eye(k.shape[-1], dtype=k.dtype, device=device(k))
    return xp.linalg.solve(k + ridge, y[..., None])[..., 0]


@checked
def svm_hinge_objective(
    w: Real[Array, "*batch d"],
    b: Real[Array, "*batch"],
    x: Real[Array, "*batch n d"],
    y: Binary[Array, "*batch n"],
    *,
    c: Positive[float, ""] = 1.0,
) -> Nonneg[Array, "*batch"]:
    r"""Support vector machine objective: a wide margin, and a price for every point inside of it.

    .. math:: \mathcal{L} = \frac{1}{2} \sum_{l=1}^{d} w_l^2
       + C \sum_{i=1}^{n} \max \left( 0, \; 1 - (2 y_i - 1) \left( \sum_{l=1}^{d} w_l x_{il}
       + b \right) \right)

    The sign :math:`2 y_i - 1` is 1 or -1, as most texts write the label itself: :math:`\tfrac12
    \lVert w \rVert_2^2 + C \sum_{i=1}^{n} \max(0, 1 - y_i (w^\top x_i + b))`. Points with a margin
    above 1 do not affect the solution; the others, those at a margin of exactly 1 among them, can be
    support vectors. The margin has the width :math:`2 / \lVert w \rVert_2`, and the objective is convex.

    Args:
        w: :math:`w`, the weights, normal to the boundary.
        b: :math:`b`, the offset.
        x: :math:`x`, the points, one a row.
        y: :math:`y`, the classes, 0 or 1.
        c: :math:`C`, the price of a point inside of the margin; large values allow few.

    Returns:
        :math:`\mathcal{L}`, one number per batch element.

    Also called:
        soft-margin SVM objective, C-SVM, primal SVM objective.

    Asked as:
        SVM; SVC; hinge loss; soft margin; maximum margin classifier; support vector classifier;
        linear SVM; large margin classifier; support vectors.

    Role in ML:
        - metric -- MOMENT: time series are classified by a support vector machine on the frozen
          model's representations, in the feature space of a Gaussian kernel, with the best
          :math:`C` of a grid
          :cite:p:`goswami2024moment{code: moment-research, moment/models/statistical_classifiers.py,
          function fit_svm}`.

    Numerics:
        At a margin of exactly 1 there is a kink; the slope here is 0. The losses are added, not
        averaged: twice the data is twice the :math:`C`. Libraries that average or that weigh the
        norm by :math:`\alpha` have :math:`C = 1 / (n \alpha)`. The offset is not penalized.
        ``sklearn.svm.SVC`` minimizes it with ``kernel="linear"``. The hinge loss of one point alone
        is :math:`\max(0, 1 - y f(x))` for a label 1 or -1 and :math:`f(x) = w^\top x + b`. With
        slack variables :math:`\xi_i`, and labels 1 and -1, :math:`\tfrac12 \lVert w \rVert_2^2 + C
        \sum_{i=1}^{n} \xi_i` is minimized subject to :math:`y_i (w^\top x_i + b) \geq 1 - \xi_i`
        and :math:`\xi_i \geq 0`. The dual maximizes :math:`\sum_i \alpha_i - \tfrac12 \sum_{i, j}
        \alpha_i \alpha_j y_i y_j \, k(x_i, x_j)` for :math:`0 \leq \alpha_i \leq C` and
        :math:`\sum_i \alpha_i y_i = 0`.

    Checked against:
        ``w @ w / 2 + c * torch.nn.functional.margin_ranking_loss(x @ w + b, torch.zeros(len(x)),
        2 * y - 1, margin=1.0, reduction="sum")``

    Examples:
        By hand: the scores are 2, -0.5 and 0.5, the margins of the classes 1, 0 and 0 are 2, 0.5 and
        -0.5, so they cost 0, 0.5 and 1.5 and the norm :math:`\tfrac12`:

        >>> import numpy as np
        >>> x, y = np.asarray([[2.0], [-0.5], [0.5]]), np.asarray([1, 0, 0])
        >>> float(svm_hinge_objective(np.asarray([1.0]), np.asarray(0.0), x, y))
        2.5

        Two features, an offset and another price, as ``sklearn.metrics.hinge_loss`` has the mean of
        the second term:

        >>> w, b = np.asarray([0.7, -1.1]), np.asarray(0.4)
        >>> x = np.asarray([[0.3, -1.2], [0.8, 1.7], [-0.5, 0.4], [1.1, 0.9]])
        >>> y = np.asarray([1, 0, 1, 0])
        >>> round(float(svm_hinge_objective(w, b, x, y, c=2.5)), 4)
        7.5
        >>> from sklearn.metrics import hinge_loss
        >>> round(float((w @ w) / 2 + 2.5 * 4 * hinge_loss(y, x @ w + b)), 4)
        7.5

        Two machines on their own points, of three features each:

        >>> w, b = np.asarray([[0.7, -1.1, 0.2], [0.3, 0.4, -0.6]]), np.asarray([0.4, -0.2])
        >>> x = np.asarray([[[0.3, -1.2, 0.5], [0.8, 1.7, -0.4]], [[-0.5, 0.4, 1.3], [1.1, 0.9, 0.1]]])
        >>> svm_hinge_objective(w, b, x, np.asarray([[1, 0], [0, 1]])).round(4).tolist()
        [0.88, 0.905]

        The gradient in :math:`w` is :math:`w` less :math:`C` times the signed points inside of the
        margin; a point at a margin of exactly 1 counts as outside:

        >>> import torch
        >>> w = torch.tensor([1.0], requires_grad=True)
        >>> x = torch.tensor([[1.0], [0.25], [-3.0]])
        >>> svm_hinge_objective(w, torch.tensor(0.0), x, torch.tensor([1, 1, 0])).backward()
        >>> w.grad
        tensor([0.7500])

        Separable points on a line. The support vectors of ``sklearn.svm.SVC`` lie at a margin of
        exactly 1, where the loss is 0; without them the solution changes:

        >>> x, y = np.asarray([[-4.0], [-1.0], [1.0], [4.0]]), np.asarray([0, 0, 1, 1])
        >>> from sklearn.svm import SVC
        >>> machine = SVC(kernel="linear", C=10.0, tol=1e-8).fit(x, y)
        >>> machine.support_.tolist(), machine.coef_.round(4).tolist()
        ([1, 2], [[1.0]])
        >>> SVC(kernel="linear", C=10.0, tol=1e-8).fit(x[[0, 3]], y[[0, 3]]).coef_.round(4).tolist()
        [[0.25]]

        The solution of ``sklearn.svm.SVC`` is lowest; a step in any direction costs:

        >>> x = np.asarray([[0.0, 0.0], [1.0, 0.2], [0.4, 1.0], [2.0, 1.5], [1.2, 0.9]])
        >>> y = np.asarray([0, 0, 0, 1, 1])
        >>> svc = SVC(kernel="linear", C=2.0, tol=1e-8).fit(x, y)
        >>> w, b = svc.coef_[0], np.asarray(svc.intercept_[0])
        >>> round(float(svm_hinge_objective(w, b, x, y, c=2.0)), 4)
        3.3328
        >>> steps = 0.1 * np.concatenate([np.eye(3), -np.eye(3)])
        >>> all(svm_hinge_objective(w + s[:2], b + s[2], x, y, c=2.0) > 3.3329 for s in steps)
        True
    """
    xp = array_namespace(w, b, x)
    scores = xp.sum(w[..., None, :] * x, axis=-1) + b[..., None]
    signs = 2 * xp.astype(y, x.dtype) - 1
    return total(w**2 / 2) + c * total(relu(1 - signs * scores))
