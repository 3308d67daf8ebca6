r"""Spectra: the directions that a symmetric matrix only stretches.

A symmetric matrix has an orthonormal basis of eigenvectors, and in that basis it is a diagonal: to
each direction belongs one factor, its eigenvalue. A matrix that is not symmetric need not have
such a basis; :math:`\begin{pmatrix} 1 & 1 \\ 0 & 1 \end{pmatrix}` has one eigenvector only.

What an eigenvalue means depends on the matrix. For a weight it is a growth factor, for a Hessian a
curvature. For a covariance matrix it is the variance along its eigenvector, and only there is a
large eigenvalue a large share of the data: that is principal component analysis.

:map: 1.2 Eigenvalues and spectra
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.decompositions.singular_values import _signs, svd
from mlmath_ref.sets import Natural, Nonneg, Orthogonal, Real, Symmetric, checked


@checked
def eigendecomposition(
    a: Symmetric[Array, "*batch n n"],
) -> tuple[Real[Array, "*batch n"], Orthogonal[Array, "*batch n n"]]:
    r"""Eigendecomposition: a symmetric matrix as stretches along perpendicular directions.

    .. math::
        A = Q \operatorname{diag}(\lambda) Q^\top, \quad Q^\top Q = I, \quad
        \lambda_1 \geq \dots \geq \lambda_n

    Each column :math:`q_i` of :math:`Q` keeps its direction, :math:`A q_i = \lambda_i q_i`. The
    eigenvalues add up to the trace and multiply to the determinant; :math:`I` is the identity
    matrix.

    Args:
        a: :math:`A`, a symmetric matrix.

    Returns:
        :math:`(\lambda, Q)`, the eigenvalues from the largest to the smallest, and the
        eigenvectors as columns in the same order. The largest entry of every eigenvector in size,
        the first of equals, is positive.

    Also called:
        spectral decomposition, eigenvalue decomposition, EVD, eigh, diagonalization, eigenvectors.

    Role in ML:
        - optimizer -- SOAP: runs Adam in the eigenvectors of Shampoo's two preconditioners, which
          are found by an eigendecomposition and ordered from the largest eigenvalue
          :cite:p:`vyas2024soap{code: soap.py, line 361}`.
        - analysis -- WeightWatcher: judges a trained layer, without data, by a power law fitted to
          the eigenvalues of its :math:`W^\top W`
          :cite:p:`martin2021implicit{code: CalculatedContent/WeightWatcher, README.md}`.

    Numerics:
        Costs time of order :math:`n^3`. Eigenvalues are accurate to rounding against the largest
        one; an eigenvector is only as sure as the gap to the next eigenvalue is wide. Eigenvectors
        of a repeated eigenvalue are arbitrary within their plane, and gradients through them are
        not defined.

    Checked against:
        ``(lambda w, q: (np.sort(w)[::-1], sklearn.utils.extmath.svd_flip(q[:, np.argsort(-w)],
        None)[0]))(*np.linalg.eig(a))``

    Examples:
        By hand, :math:`\lambda^2 - 9 \lambda + 14 = 0`, and :math:`(2, 1)` goes to :math:`(14, 7)`:

        >>> import numpy as np
        >>> eigenvalues, q = eigendecomposition(np.asarray([[6.0, 2.0], [2.0, 3.0]]))
        >>> eigenvalues.round(4).tolist()
        [7.0, 2.0]
        >>> (q * np.sqrt(5)).round(4).tolist()
        [[2.0, -1.0], [1.0, 2.0]]

        Three by three, with the values of ``numpy.linalg.eig``; negative eigenvalues come last:

        >>> a = np.asarray([[2.2, -0.7, 0.4], [-0.7, -1.1, 1.6], [0.4, 1.6, 0.5]])
        >>> eigenvalues, q = eigendecomposition(a)
        >>> eigenvalues.round(4).tolist()
        [2.3472, 1.488, -2.2352]
        >>> q.round(4).tolist()
        [[0.9834, 0.031, 0.1788], [-0.1687, 0.5195, 0.8376], [0.0669, 0.8539, -0.5161]]

        The gradient of an eigenvalue is :math:`q_i q_i^\top`, here of the largest:

        >>> import torch
        >>> a = torch.tensor([[6.0, 2.0], [2.0, 3.0]], requires_grad=True)
        >>> eigendecomposition(a)[0][0].backward()
        >>> a.grad
        tensor([[0.8000, 0.4000],
                [0.4000, 0.2000]])

        Of entries of equal size the first is positive:

        >>> _, q = eigendecomposition(np.asarray([[2.0, 1.0], [1.0, 2.0]]))
        >>> q.round(4).tolist()
        [[0.7071, 0.7071], [0.7071, -0.7071]]
    """
    xp = array_namespace(a)
    negated, q = xp.linalg.eigh(-a)  # eigh sorts upwards
    return -negated, q * _signs(q)


@checked
def pca(
    x: Real[Array, "*batch n d"], k: Natural[int, "", "min(n - 1, d)"]
) -> tuple[Real[Array, "*batch n k"], Orthogonal[Array, "*batch d k"], Nonneg[Array, "*batch k"]]:
    r"""Principal component analysis: the few directions that carry most of the variance.

    .. math::
        \begin{aligned}
        Z_{ic} &= \sum_{j=1}^{d} (X_{ij} - \bar{x}_j) V_{jc}, \qquad
        \bar{x}_j = \frac{1}{n} \sum_{i=1}^{n} X_{ij}, \\
        \lambda_c V_{jc} &= \sum_{l=1}^{d} C_{jl} V_{lc}, \qquad
        C_{jl} = \frac{1}{n-1} \sum_{i=1}^{n} (X_{ij} - \bar{x}_j)(X_{il} - \bar{x}_l), \\
        V^\top V &= I, \qquad \lambda_1 \geq \dots \geq \lambda_k
        \end{aligned}

    The columns of :math:`V` are the eigenvectors of the covariance matrix :math:`C` with the
    :math:`k` largest eigenvalues :math:`\lambda_1 \geq \dots \geq \lambda_k`, and :math:`I` is the
    identity matrix. The scores are uncorrelated with variances :math:`\lambda_c`, and no other
    :math:`k` directions leave a smaller squared error.

    Args:
        x: :math:`X`, samples in rows, with the mean :math:`\bar{x}`.
        k: :math:`k`, how many components are kept; centered samples have at most :math:`n - 1`.

    Returns:
        :math:`(Z, V, \lambda)`, the scores of the samples in rows, the orthonormal directions in
        columns, and the variances along them. The largest entry of every direction in size, the
        first of equals, is positive.

    Also called:
        principal components, Karhunen-Loeve transform, Hotelling transform, empirical orthogonal
        functions, dimensionality reduction, explained variance.

    Role in ML:
        - analysis -- DINOv3: the patch features of an object are reduced to three components and
          shown as colors, so that parts can be seen
          :cite:p:`simeoni2025dinov3{code: notebooks/pca.ipynb}`.
        - analysis -- DINOv2: components that are shared between images color the same parts alike,
          across poses and styles :cite:p:`oquab2023dinov2{fig. 1}`.

    Numerics:
        Computed from the singular values :math:`\sigma_c` of the centered samples, as
        :math:`\lambda_c = \sigma_c^2 / (n - 1)`; the covariance matrix is never formed. Without
        centering the first direction would point at the mean. Directions of equal variance are
        arbitrary within their plane.

    Checked against:
        ``(lambda p: (p.transform(x), p.components_.T, p.explained_variance_))(
        np.errstate(invalid="ignore")(sklearn.decomposition.PCA(k, svd_solver="full").fit)(x))``,
        ``(lambda v: ((x - x.mean(0)) @ v, v, np.var(x @ v, axis=0, ddof=1)))(
        sklearn.utils.extmath.svd_flip(np.linalg.eigh(-np.atleast_2d(np.cov(x.T)))[1][:, :k], None)[0])``

    Examples:
        By hand, the samples lie on a line of direction :math:`(2, 1)`, at :math:`-\sqrt{5}, 0,
        \sqrt{5}` from their mean:

        >>> import numpy as np
        >>> x = np.asarray([[1.0, 1.0], [3.0, 2.0], [5.0, 3.0]])
        >>> z, v, variance = pca(x, 1)
        >>> z.round(4).tolist(), (v * np.sqrt(5)).round(4).tolist(), variance.round(4).tolist()
        ([[-2.2361], [0.0], [2.2361]], [[2.0], [1.0]], [5.0])

        Four samples of three features, with the values of ``sklearn.decomposition.PCA``:

        >>> y = np.asarray([[1.5, -2.0, 0.7], [0.3, 2.5, -1.2], [-0.8, 0.6, 1.1], [2.2, 0.1, 0.4]])
        >>> z, v, variance = pca(y, 2)
        >>> z.round(4).tolist()
        [[-2.4029, -0.0227], [2.5769, 0.6719], [0.5676, -1.7319], [-0.7416, 1.0827]]
        >>> v.round(4).tolist(), variance.round(4).tolist()
        ([[-0.3701, 0.851], [0.8666, 0.1718], [-0.3347, -0.4962]], [4.4288, 1.5412])

        Each group is centered by itself; stretched by two, its variance is four times as large:

        >>> pca(np.stack([x, 7.0 - 2.0 * x]), 1)[2].round(4).tolist()
        [[5.0], [20.0]]

        The gradient of the first variance is :math:`2 z v^\top / (n - 1)`:

        >>> import torch
        >>> x = torch.tensor(x, requires_grad=True)
        >>> pca(x, 1)[2].backward()
        >>> x.grad.round(decimals=4).tolist()
        [[-2.0, -1.0], [0.0, 0.0], [2.0, 1.0]]

        A single sample has no variance:

        >>> pca(np.asarray([[1.0, 2.0]]), 1)
        Traceback (most recent call last):
        ValueError: pca: k must hold integers from 1 to 0, got 1
    """
    xp = array_namespace(x)
    centered = x - xp.mean(x, axis=-2, keepdims=True)
    _, sigma, v = svd(centered)
    v = (v * _signs(v))[..., :k]
    return centered @ v, v, sigma[..., :k] ** 2 / (x.shape[-2] - 1)
