r"""Spectra: the directions that a symmetric matrix only stretches.

A symmetric matrix has an orthonormal basis of eigenvectors, and in that basis it is a diagonal: to
each direction belongs one factor, its eigenvalue. A matrix that is not symmetric need not have
such a basis; :math:`\begin{pmatrix} 1 & 1 \\ 0 & 1 \end{pmatrix}` has one eigenvector only.

What an eigenvalue means depends on the matrix. For a weight it is a growth factor, for a Hessian a
curvature. For a covariance matrix it is the variance along its eigenvector, and only there is a
large eigenvalue a large share of the data: that is principal component analysis.

Two numbers sum up a whole spectrum. The spectral radius, the largest eigenvalue in size, is the
rate at which the powers of any square matrix grow or die out in the end; a single step may still
grow, by at most the spectral norm. The tail exponent says how fast the counts of large eigenvalues
fall, and is read off a trained weight without any data.

:map: 1.2 Eigenvalues and spectra
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.decompositions.singular_values import _signs, svd
from mlmath_ref.sets import (
    ExtendedNonneg,
    Natural,
    Nonneg,
    Orthogonal,
    Positive,
    Real,
    Symmetric,
    checked,
)


@checked
def eigendecomposition(
    a: Symmetric[Array, "*batch n n"],
) -> tuple[Real[Array, "*batch n"], Orthogonal[Array, "*batch n n"]]:
    r"""Eigendecomposition: a symmetric matrix as stretches along perpendicular directions.

    .. math::
        A = Q \operatorname{diag}(\lambda) Q^\top, \quad Q^\top Q = I, \quad
        \lambda_1 \geq \dots \geq \lambda_n

    An eigenvector keeps its direction, :math:`A v = \lambda v`, as does each column :math:`q_i` of
    :math:`Q`, :math:`A q_i = \lambda_i q_i`, and :math:`A = \sum_i \lambda_i q_i q_i^\top`. The
    eigenvalues solve :math:`\det(A - \lambda I) = 0`, add up to the trace and multiply to the
    determinant, :math:`\det A = \prod_i \lambda_i`; :math:`I` is the identity matrix.

    Args:
        a: :math:`A`, a symmetric matrix.

    Returns:
        :math:`(\lambda, Q)`, the eigenvalues from the largest to the smallest, and the
        eigenvectors as columns in the same order. The largest entry of every eigenvector in size,
        the first of equals, is positive.

    Also called:
        spectral decomposition, eigenvalue decomposition, EVD, orthogonal diagonalization.

    Asked as:
        eigh; diagonalization; eigenvectors; eigenvalues; eigenvalue problem; characteristic
        polynomial.

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
        not defined. Powers and functions act on the eigenvalues, :math:`A^k = Q
        \operatorname{diag}(\lambda^k) \, Q^\top`. ``np.linalg.eigh``, ``torch.linalg.eigh`` and,
        for eigenvalues alone, ``eigvalsh`` of both sort from the smallest. A matrix that is not
        symmetric has, if it can be diagonalized, :math:`A = V \Lambda V^{-1}`, with eigenvectors
        that need not be perpendicular.

    Checked against:
        ``(lambda w, q: (np.sort(w)[::-1], sklearn.utils.extmath.svd_flip(q[:, np.argsort(-w)],
        None)[0]))(*np.linalg.eig(a))``,
        ``(lambda w, q: (w[::-1], sklearn.utils.extmath.svd_flip(q[:, ::-1], None)[0]))(
        *scipy.linalg.eigh(a))``

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
    :math:`k` directions leave a smaller squared error. In matrices :math:`C = \frac{1}{n-1} (X -
    \bar{X})^\top (X - \bar{X})`, :math:`C V = V \operatorname{diag}(\lambda)` and
    :math:`Z = (X - \bar{X}) V`, with the mean in every row of :math:`\bar{X}`.

    Args:
        x: :math:`X`, samples in rows, with the mean :math:`\bar{x}`.
        k: :math:`k`, how many components are kept; centered samples have at most :math:`n - 1`.

    Returns:
        :math:`(Z, V, \lambda)`, the scores of the samples in rows, the orthonormal directions in
        columns, and the variances along them. The largest entry of every direction in size, the
        first of equals, is positive.

    Also called:
        PCA, Karhunen-Loeve transform, Hotelling transform, empirical orthogonal functions, proper
        orthogonal decomposition.

    Asked as:
        principal components; dimensionality reduction; explained variance; explained variance
        ratio; eigenfaces; reduce dimensions for a plot.

    Role in ML:
        - analysis -- DINOv3: the patch features of an object are reduced to three components and
          shown as colors, so that parts can be seen
          :cite:p:`simeoni2025dinov3{code: notebooks/pca.ipynb}`.
        - analysis -- DINOv2: components that are shared between images color the same parts alike,
          across poses and styles :cite:p:`oquab2023dinov2{fig. 1}`.

    Numerics:
        Computed from the decomposition :math:`X - \bar{X} = U \operatorname{diag}(\sigma) V^\top`
        of the centered samples, with :math:`\lambda_c = \sigma_c^2 / (n - 1)`; the covariance
        matrix is never formed. Without centering, the first direction points near the mean if the
        mean is large against the spread.
        Directions of equal variance are arbitrary within their plane, and gradients through them
        undefined. PCA reduces the dimension of
        data, for plots, for compression or before another method. The first direction is
        :math:`\arg\max_{\lVert v \rVert_2 = 1} v^\top C v`; the share of the variance that a
        direction explains is :math:`\lambda_c / \sum_{j=1}^{d} \lambda_j`. ``torch.pca_lowrank``
        finds it by random projections, with arbitrary signs.

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
        >>> (x.grad.round(decimals=4) + 0.0).tolist()
        [[-2.0, -1.0], [0.0, 0.0], [2.0, 1.0]]

        A single sample has no variance:

        >>> pca(np.asarray([[1.0, 2.0]]), 1)
        Traceback (most recent call last):
        ValueError: pca: k must hold integers from 1 to 0, got 1
    """
    shifted = x - x[..., :1, :]  # so that equal samples have no variance
    top = scale(shifted.mT)  # so that no sum overflows
    mean = top * (total(shifted.mT / top)[..., None] / x.shape[-2])
    centered = shifted - mean.mT
    _, sigma, v = svd(centered)
    v = (v * _signs(v))[..., :k]
    return centered @ v, v, sigma[..., :k] ** 2 / (x.shape[-2] - 1)


@checked
def spectral_radius(w: Real[Array, "*batch n n"]) -> Nonneg[Array, "*batch"]:
    r"""Spectral radius: the factor by which many steps of one linear map grow or shrink, per step.

    .. math::
        \rho(W) = \max_i |\lambda_i| \leq \lVert W \rVert_2, \qquad i = 1, \dots, n

    In any norm :math:`\rho(W) = \lim_{k \to \infty} \lVert W^k \rVert^{1/k}`, so a linear
    recurrence dies out exactly when :math:`\rho(W) < 1`. A nonlinear one need not: what suffices
    there is :math:`\lVert W \rVert_2 \sup |\varphi'| < 1`, with the slope of the activation
    :math:`\varphi`, and :math:`\rho(W) < 1` is neither necessary nor sufficient.

    Args:
        w: :math:`W`, a square matrix, such as the recurrent weight of a network.

    Returns:
        :math:`\rho(W)`, one number per matrix.

    Where:
        - :math:`\lambda_i`: ``np.linalg.eigvals(w)[i - 1]``, the eigenvalues of :math:`W`, which
          may be complex.

    Also called:
        largest eigenvalue in modulus, largest absolute eigenvalue.

    Asked as:
        dominant eigenvalue; echo state property; RNN stability; exploding gradients; Gelfand's
        formula; power iteration.

    Role in ML:
        - constraint -- RecurrentGemma: the matrix of its recurrence is diagonal with entries
          :math:`e^{-8 r_i \operatorname{softplus}(\Lambda_i)}`, so its spectral radius is below 1
          whatever the gate :math:`r` says
          :cite:p:`botev2024recurrentgemma{code: huggingface/transformers,
          modeling_recurrent_gemma.py, line 318}`.
        - analysis -- Recurrent networks: for a linear recurrence it decides between vanishing and
          exploding gradients, for others the largest singular value bounds them
          :cite:p:`pascanu2013difficulty{sec. 2.1}`.

    Numerics:
        The eigenvalues, by ``np.linalg.eigvals`` or ``torch.linalg.eigvals``, cost time of order
        :math:`n^3`. Where eigenvectors nearly coincide, an error of size :math:`\delta` moves
        eigenvalues by up to the order of :math:`\delta^{1/n}`, which for 8 by 8 turns
        :math:`10^{-8}` into 0.1; a radius of 0 may come out as some :math:`10^{-16}` or more. Where
        two eigenvalues that are not conjugate share the largest size, and at 0, the gradient is not
        defined. The second derivative that PyTorch takes through the decomposition is NaN or has
        few correct digits if any two eigenvalues are equal. For a large matrix power iteration,
        :math:`x \leftarrow W x / \lVert W x \rVert_2`, finds it where one eigenvalue dominates.

    Checked against:
        ``np.abs(np.diag(scipy.linalg.schur(w, output="complex")[0])).max()``

    Examples:
        By hand, :math:`\lambda^2 = -1`: this map turns every vector around, with eigenvalues
        :math:`\pm i`, although it doubles some of them in length:

        >>> import numpy as np
        >>> w = np.asarray([[0.0, -2.0], [0.5, 0.0]])
        >>> round(float(spectral_radius(w)), 4), round(float(np.linalg.norm(w, 2)), 4)
        (1.0, 2.0)

        Three by three, with the value of ``numpy.linalg.eigvals``; the two largest are conjugate:

        >>> b = np.asarray([[0.6, -1.1, 0.4], [0.9, 0.2, -0.7], [-0.3, 1.5, 0.5]])
        >>> round(float(spectral_radius(b)), 4)
        1.5027

        The powers grow at that rate in the end, and each matrix of a batch has its own:

        >>> round(float(np.linalg.norm(np.linalg.matrix_power(b, 400)) ** (1 / 400)), 4)
        1.5041
        >>> spectral_radius(np.stack([b, -2.0 * b])).round(4).tolist()
        [1.5027, 3.0053]

        Conjugate eigenvalues multiply to the determinant, so that here the gradient is that of
        :math:`\sqrt{w_{11} w_{22} - w_{12} w_{21}}`:

        >>> import torch
        >>> w = torch.tensor([[0.0, -2.0], [0.5, 0.0]], requires_grad=True)
        >>> spectral_radius(w).backward()
        >>> w.grad + 0.0
        tensor([[ 0.0000, -0.2500],
                [ 1.0000,  0.0000]])

        A radius of 0 does not hold a nonlinear network. Here :math:`W^2 = 0`, but where the
        rectifier shuts one unit, each of 20 steps doubles the gradient, up to
        :math:`2^{20} \sqrt{2}`; the spectral norm, 4, had warned:

        >>> w, bias = torch.tensor([[2.0, -2.0], [2.0, -2.0]]), torch.tensor([0.0, -3e6])
        >>> float(spectral_radius(w)) < 1e-3, round(float(torch.linalg.norm(w, 2)), 4)
        (True, 4.0)
        >>> start = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> state = start
        >>> for _ in range(20):
        ...     state = torch.relu(w @ state + bias)
        >>> state[0].backward()
        >>> float(start.grad.norm())
        1482910.375

        Nor is a radius above 1 an explosion: behind a tanh the state stays bounded:

        >>> state = torch.tensor([1.0, 0.0])
        >>> for _ in range(100):
        ...     state = torch.tanh(torch.tensor([[3.0, 0.0], [0.0, 3.0]]) @ state)
        >>> state
        tensor([0.9949, 0.0000])

        An error of :math:`10^{-8}` in one corner of a matrix whose eigenvalues are all 0:

        >>> shift = np.diag(np.ones(7), 1)
        >>> before = float(spectral_radius(shift))
        >>> shift[7, 0] = 1e-8
        >>> round(before, 4), round(float(spectral_radius(shift)), 4)
        (0.0, 0.1)
    """
    xp = array_namespace(w)
    return xp.max(xp.abs(xp.linalg.eigvals(w)), axis=-1)


@checked
def spectral_tail_exponent(
    x: Positive[Array, "*batch n"], k: Natural[int, "", "n - 1"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Spectral tail exponent: how heavy the tail of large eigenvalues is; small is heavy.

    .. math::
        \alpha = 1 + \frac{k + 1}{\sum_{i=1}^{k} \log \frac{\lambda_i}{\lambda_{k+1}}}, \qquad
        \lambda_1 = \max_j x_j

    With :math:`\lambda_1 \geq \dots \geq \lambda_n` the values of :math:`x` in order, it is the
    likeliest exponent of a density :math:`\lambda^{-\alpha}` for the :math:`k + 1` largest, cut off
    at the smallest of them. Scaling all eigenvalues changes nothing.

    Args:
        x: :math:`x`, the eigenvalues of :math:`W^\top W` for a weight :math:`W`, which are its
            squared singular values, in any order; zeros are left out.
        k: :math:`k`, how many eigenvalues lie above the cutoff :math:`\lambda_{k+1}`.

    Returns:
        :math:`\alpha`, one exponent per spectrum.

    Where:
        - :math:`\lambda_i`: ``np.sort(x)[-i]``, the eigenvalues from the largest on.

    Also called:
        power-law exponent, PL Alpha Hill.

    Asked as:
        alpha; WeightWatcher alpha; Hill estimator; heavy-tailed self-regularization; HT-SR;
        empirical spectral density; ESD; power law fit.

    Role in ML:
        - compression -- AlphaPruning: layers of a language model with a heavier tail are taken for
          better trained and lose fewer weights; in one setting half of them lie above
          the cutoff
          :cite:p:`lu2024alphapruning{abstract; code: lib/esd_utils.py, lines 129-134}`.
        - metric -- WeightWatcher: the exponent of each layer, averaged over a model, is read as a
          sign of how well it was trained
          :cite:p:`martin2021implicit{code: CalculatedContent/WeightWatcher, README.md}`.

    Numerics:
        The cutoff counts among the :math:`k + 1` data, as in the estimator for a given cutoff
        :cite:p:`clauset2009power{eq. (3.1)}` and in the code of AlphaPruning. With :math:`n` values
        from the cutoff on it is :math:`1 + n \left( \sum_{i=1}^{n} \log \frac{x_i}{x_{\min}}
        \right)^{-1}`. Hill's estimator has :math:`k` above the fraction, which takes
        :math:`(\alpha - 1) / (k + 1)` off. Equal eigenvalues have no tail, and :math:`\alpha` is
        infinite. The result moves with :math:`k`, and a spectrum without a power law gets a number
        too.

    Checked against:
        ``1 + np.errstate(divide="ignore")(scipy.stats.pareto.fit)(np.sort(x)[-k - 1:], floc=0,
        fscale=np.sort(x)[-k - 1])[0]``

    Examples:
        By hand, 8 and 4 over the cutoff 2 have the logarithms :math:`2 \log 2` and :math:`\log 2`,
        so that :math:`\alpha = 1 + 3 / (3 \log 2)`:

        >>> import numpy as np
        >>> round(float(spectral_tail_exponent(np.asarray([1.0, 4.0, 2.0, 8.0]), 2)), 4)
        2.4427

        Six eigenvalues, as ``scipy.stats.pareto.fit`` has it, with two and with three above:

        >>> x = np.asarray([0.3, 5.2, 1.1, 0.7, 2.6, 0.4])
        >>> [round(float(spectral_tail_exponent(x, k)), 4) for k in (2, 3)]
        [2.243, 2.0611]

        The eigenvalues of a weight, from its singular values; twice the weight has the same:

        >>> w = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> eigenvalues = np.linalg.svd(np.stack([w, 2 * w])).S ** 2
        >>> spectral_tail_exponent(eigenvalues, 2).round(4).tolist()
        [2.1462, 2.1462]

        Hill's estimator from the same logarithms, :math:`1 + 2 / (3 \log 2)`:

        >>> alpha, k = 1 + 1 / np.log(2), 2
        >>> [round(float(x), 4) for x in (alpha - (alpha - 1) / (k + 1), 1 + 2 / (3 * np.log(2)))]
        [1.9618, 1.9618]

        A larger eigenvalue makes the tail heavier, a higher cutoff lighter; what lies below does
        not count:

        >>> import torch
        >>> x = torch.tensor([1.0, 4.0, 2.0, 8.0], requires_grad=True)
        >>> spectral_tail_exponent(x, 2).backward()
        >>> x.grad
        tensor([ 0.0000, -0.1734,  0.6938, -0.0867])

        Equal eigenvalues, and eigenvalues at the ends of float32, whose quotient would overflow:

        >>> spectral_tail_exponent(torch.tensor([[3.0, 3.0, 3.0], [1e-30, 1e30, 1e-30]]), 2)
        tensor([   inf, 1.0217])
    """
    xp = array_namespace(x)
    largest = xp.argsort(-x, axis=-1)[..., : k + 1]
    roots = xp.take_along_axis(x, largest, axis=-1) ** 0.25  # whose quotients never overflow
    spread = 4 * total(xp.log(roots[..., :k] / roots[..., k:]))
    has_tail = spread > 0
    none = math.inf - xp.sqrt(xp.where(has_tail, 1.0, spread))  # with an infinite slope
    return xp.where(has_tail, 1 + (k + 1) / xp.where(has_tail, spread, 1.0), none)
