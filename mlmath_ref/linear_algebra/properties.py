r"""Properties of matrices: symmetric, orthogonal, positive definite, of which rank?

Algorithms stand on these properties. A symmetric matrix has real eigenvalues and an orthonormal
basis of eigenvectors; covariances, Hessians and kernel matrices are symmetric. An orthogonal matrix
changes no length and no angle, and its inverse is its transpose. A positive definite matrix has a
Cholesky factor, and a loss with such a Hessian everywhere is strictly convex; a covariance is only
semidefinite in general. The rank counts the directions that a map does not lose.

On paper each is true or false. In floating point only the equality of two entries is so clear-cut,
and every answer here states its tolerance. Symmetry is exact unless a share of the largest entry is
allowed. Rank and definiteness compare with the rounding that the computation itself makes, a few
units of the largest singular value: what is smaller cannot be told from zero. None of the answers
has a gradient; where a property is to be learned, it is built in, or its violation is penalized.

:map: 1.3 Singular values and rank
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Decay, Index, Nonneg, Real, Symmetric, Truth, checked


@checked
def is_symmetric(
    a: Real[Array, "*batch n n"], *, tau: Nonneg[float, ""] = 0.0
) -> Truth[Array, "*batch"]:
    r"""Symmetric matrix: whether a matrix equals its transpose.

    .. math:: s = \mathbb{1}\left[ \max_{i, j} |A_{ij} - A_{ji}| \leq
       \tau \max_{i, j} |A_{ij}| \right]

    With :math:`\tau = 0` it is the definition, :math:`A = A^\top`, in entries
    :math:`A_{ij} = A_{ji}`. Multiplying :math:`A` by a number other than zero changes nothing. Sums
    of symmetric matrices are symmetric, products in general are not.

    Args:
        a: :math:`A`, a square matrix.
        tau: :math:`\tau`, the difference allowed, as a share of the largest entry in size.

    Returns:
        :math:`s`, true where the matrix is symmetric, one answer per batch element.

    Also called:
        self-adjoint, Hermitian (of a real matrix), A = A^T.

    Asked as:
        symmetry check; issymmetric.

    Role in ML:
        - constraint -- Boltz-1: the table of pairs of residues is added to its transpose before
          distances are predicted from it, since the distance from one to the other is the distance
          back :cite:p:`wohlwend2024boltz1{code: src/boltz/model/modules/trunk.py, line 687}`.
        - primitive -- PyTorch: a matrix given to a distribution as covariance is first held to
          its transpose, entry by entry, up to :math:`10^{-6}` plus :math:`10^{-5}` of the entry
          :cite:p:`ansel2024pytorch2{code: torch/distributions/constraints.py, line 626}`.

    Numerics:
        A product such as :math:`X^\top X` is symmetric on paper and may be off in the last digit,
        depending on the order in which a library adds; :math:`(A + A^\top) / 2` is symmetric
        exactly. Solvers for symmetric matrices do not look: ``numpy.linalg.eigvalsh`` and
        ``cholesky`` read the lower triangle only, and a matrix that is not symmetric gives the
        answer for another one.

    Checked against:
        ``scipy.linalg.issymmetric(a, atol=tau * np.abs(a).max(), rtol=0.0)``

    Examples:
        By hand, the entries above and below the diagonal agree in the first only:

        >>> import numpy as np
        >>> a = np.asarray([[[1.0, 7.0], [7.0, -2.0]], [[1.0, 7.0], [-7.0, -2.0]]])
        >>> is_symmetric(a).tolist()
        [True, False]

        The largest difference is 0.3, a share of 0.12 of the size of the largest entry, as
        ``scipy.linalg.issymmetric`` has it:

        >>> a = np.asarray([[0.7, -1.3, -2.2], [-1.1, 0.4, -0.6], [-2.5, -0.6, 1.9]])
        >>> [bool(is_symmetric(a, tau=tau)) for tau in (0.0, 0.11, 0.13)]
        [False, False, True]

        Each matrix is measured by its own entries, not by larger ones beside it:

        >>> is_symmetric(np.stack([1e3 * (a + a.T), a]), tau=0.11).tolist()
        [True, False]

        A difference in the last digit counts, unless it is allowed; halving the sum with the
        transpose removes it:

        >>> a = np.asarray([[1.0, 0.3], [0.1 + 0.2, 1.0]])
        >>> bool(is_symmetric(a)), bool(is_symmetric(a, tau=1e-15)), bool(is_symmetric(a + a.T))
        (False, True, True)

        A solver reads the lower triangle only, and does not say so:

        >>> np.linalg.eigvalsh(np.asarray([[1.0, 99.0], [2.0, 1.0]])).round(4).tolist()
        [-1.0, 3.0]
    """
    xp = array_namespace(a)
    difference = xp.max(xp.abs(a - a.mT), axis=(-2, -1))
    return difference <= tau * xp.max(xp.abs(a), axis=(-2, -1))


@checked
def is_orthogonal(
    a: Real[Array, "*batch n n"], *, tau: Nonneg[float, ""] = 1e-6
) -> Truth[Array, "*batch"]:
    r"""Orthogonal matrix: whether the columns are perpendicular to each other and of length one.

    .. math:: s = \mathbb{1}\left[ \max_{i, j} |(A^\top A - I)_{ij}| \leq
       \max(\tau, n \epsilon) \right]

    Exactly these matrices, with :math:`A^\top A = I`, hence :math:`A A^\top = I`, for the identity
    matrix :math:`I`, that is :math:`A^{-1} = A^\top`, keep all lengths and angles, :math:`\lVert A x \rVert_2 =
    \lVert x \rVert_2`. Their determinant is 1 or -1: rotations have 1, reflections -1. Products,
    transposes and inverses of orthogonal matrices are orthogonal.

    Args:
        a: :math:`A`, a square matrix.
        tau: :math:`\tau`, how far squared lengths and dot products of the columns may be off; at
            any rate :math:`n` rounding units :math:`\epsilon` are allowed.

    Returns:
        :math:`s`, true where the matrix is orthogonal, one answer per batch element.

    Where:
        - :math:`\epsilon`: ``np.finfo(a.dtype).eps``, the rounding unit of the number format.

    Also called:
        orthonormal matrix, unitary (of a real matrix), Q^T Q = I.

    Asked as:
        rotation matrix; reflection; rotoreflection; isometry; orthogonal group O(n); Givens
        rotation; Householder reflection.

    Role in ML:
        - compression -- SpinQuant: rotations are multiplied into the weights and cancel, but spread
          outliers before quantization; they are learned by an optimizer whose steps keep a matrix
          orthogonal, refreshed by a QR decomposition about once in a hundred steps
          :cite:p:`liu2024spinquant{code: facebookresearch/SpinQuant, train_utils/optimizer.py,
          lines 33-39 and 142-144}`.
        - layer -- HRA: a frozen weight is multiplied by a product of learned reflections
          :math:`I - 2 u u^\top` :cite:p:`yuan2024bridging{code: huggingface/peft,
          src/peft/tuners/hra/layer.py, lines 231-241}`.

    Numerics:
        No tolerance of zero holds for rounded numbers: an orthogonal factor from a QR decomposition
        is off by a few rounding units, in float32 some :math:`10^{-7}` for a small matrix and more
        than :math:`10^{-6}` for one of size 512. A determinant of 1 or -1 is
        no test, as a shear shows. A long product of rotations drifts away; a QR or polar
        decomposition brings it back. In the plane a rotation by :math:`\theta` is
        :math:`\begin{pmatrix} \cos \theta & -\sin \theta \\ \sin \theta & \cos \theta
        \end{pmatrix}`.

    Checked against:
        ``np.allclose(np.einsum("ki,kj->ij", a, a), np.eye(len(a)), rtol=0.0,
        atol=max(tau, len(a) * np.finfo(a.dtype).eps))``

    Examples:
        By hand: a rotation, with determinant 1, the reflection that exchanges the axes, with
        determinant -1, and a half turn; all are orthogonal:

        >>> import numpy as np
        >>> turn, swap = np.asarray([[0.6, -0.8], [0.8, 0.6]]), np.asarray([[0.0, 1.0], [1.0, 0.0]])
        >>> a = np.stack([turn, swap, -np.eye(2)])
        >>> is_orthogonal(a).tolist(), np.linalg.det(a).round(4).tolist()
        ([True, True, True], [1.0, -1.0, 1.0])

        A shear has determinant 1 too, and is not; nor is a matrix whose columns are perpendicular
        but two long:

        >>> a = np.asarray([[[1.0, 0.5], [0.0, 1.0]], [[0.0, 2.0], [2.0, 0.0]]])
        >>> is_orthogonal(a).tolist(), np.linalg.det(a).round(4).tolist()
        ([False, False], [1.0, -4.0])

        The orthogonal factor of ``numpy.linalg.qr`` is, and rounded to three digits only up to
        that:

        >>> q = np.linalg.qr(np.asarray([[0.7, -1.3, 2.1], [1.9, 0.4, -0.6], [0.3, 2.2, 0.5]]))[0]
        >>> rounded = q.round(3)
        >>> [bool(is_orthogonal(m)) for m in (q, rounded, -q.T @ q.T)]
        [True, False, True]
        >>> bool(is_orthogonal(rounded, tau=0.002))
        True

        A reflection in float32, as HRA has it:

        >>> import torch
        >>> u = torch.nn.functional.normalize(torch.tensor([[0.3], [-1.2], [2.5]]), dim=0)
        >>> is_orthogonal(torch.eye(3) - 2 * u @ u.T)
        tensor(True)
    """
    xp = array_namespace(a)
    identity = xp.eye(a.shape[-1], dtype=a.dtype, device=device(a))
    allowed = max(tau, a.shape[-1] * float(xp.finfo(a.dtype).eps))
    return xp.max(xp.abs(a.mT @ a - identity), axis=(-2, -1)) <= allowed


@checked
def is_positive_definite(a: Symmetric[Array, "*batch n n"]) -> Truth[Array, "*batch"]:
    r"""Positive definite matrix: whether the quadratic form is positive in every direction.

    .. math:: s = \mathbb{1}\left[ \lambda_n(A) > n \epsilon \lVert A \rVert_2 \right]

    The definition is :math:`x^\top A x > 0` for every vector :math:`x \neq 0`; it holds exactly
    when the smallest eigenvalue :math:`\lambda_n(A)` is above zero, and
    :math:`n \epsilon \lVert A \rVert_2` is what counts as zero after rounding. Then :math:`A` has
    an inverse and a Cholesky factor :math:`L`, with :math:`A = L L^\top`. If :math:`x^\top A x` may
    also be zero, :math:`A` is only positive semidefinite.

    Args:
        a: :math:`A`, a symmetric matrix.

    Returns:
        :math:`s`, true where the matrix is positive definite, one answer per batch element.

    Where:
        - :math:`\epsilon`: ``np.finfo(a.dtype).eps``, the rounding unit of the number format.

    Also called:
        SPD, symmetric positive definite, PD, posdef, positive-definite.

    Asked as:
        positive semidefinite; PSD; strictly convex quadratic form; Cholesky test; matrix is not
        positive definite; add jitter to the diagonal.

    Role in ML:
        - compression -- QuaRot: rounding weights one after the other needs a Cholesky factor of the
          inverse of :math:`X X^\top`, which is only semidefinite in general; a hundredth of its
          mean diagonal is added to make it definite
          :cite:p:`ashkboos2024quarot{code: spcl/QuaRot, fake_quant/gptq_utils.py, lines 74-79}`.
        - primitive -- PyTorch: the covariance of a normal distribution is checked by an attempt
          at a Cholesky decomposition
          :cite:p:`ansel2024pytorch2{code: torch/distributions/constraints.py, line 650}`.
          Witness: ``torch.distributions.constraints.positive_definite``.

    Numerics:
        A covariance matrix is semidefinite, and need not be definite: a feature that repeats
        another, or no more samples than features, gives an eigenvalue 0, which comes out as some
        :math:`10^{-17}` of either sign. Both signs count as zero here; a Cholesky decomposition,
        ``np.linalg.cholesky``, succeeds or fails by chance there. The remedy for the error that a
        matrix is not positive definite is a little jitter: adding :math:`\lambda I` raises all
        eigenvalues by :math:`\lambda`. Positive entries are neither needed nor enough.

    Checked against:
        ``torch.linalg.cholesky_ex(a).info == 0``,
        ``all(np.linalg.det(a[:k, :k]) > 0 for k in range(1, len(a) + 1))``

    Examples:
        By hand: the eigenvalues of the first are 3 and 1; those of the second are 3 and -1, though
        all of its entries are positive, and :math:`x = (1, -1)` gives :math:`x^\top A x = -2`:

        >>> import numpy as np
        >>> a = np.asarray([[[2.0, -1.0], [-1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]])
        >>> is_positive_definite(a).tolist()
        [True, False]

        Three by three, by the signs of the leading minors; lowered by the identity, the matrix is
        definite no more:

        >>> a = np.asarray([[2.2, -0.7, 0.4], [-0.7, 1.6, 0.9], [0.4, 0.9, 1.5]])
        >>> [round(float(np.linalg.det(a[:k, :k])), 4) for k in (1, 2, 3)]
        [2.2, 3.03, 2.003]
        >>> bool(is_positive_definite(a)), bool(is_positive_definite(a - np.eye(3)))
        (True, False)

        A covariance with a repeated feature is semidefinite: for :math:`x = (1, 0, -1)` the form
        is 0. A little on the diagonal makes it definite:

        >>> x = np.asarray([[0.7, -1.3, 2.1, 0.4], [1.9, 0.4, -0.6, -2.5], [0.7, -1.3, 2.1, 0.4]])
        >>> covariance, probe = np.cov(x), np.asarray([1.0, 0.0, -1.0])
        >>> bool(is_positive_definite(covariance)), abs(round(float(probe @ covariance @ probe), 4))
        (False, 0.0)
        >>> bool(is_positive_definite(covariance + 1e-3 * np.eye(3)))
        True

        The rule is relative. All eigenvalues of the first are tiny, and equal; the smallest of the
        others are 4 and 1 rounding units of the largest, where 2 count as zero:

        >>> import torch
        >>> unit = torch.finfo(torch.float64).eps
        >>> a = torch.tensor([[1e-30, 1e-30], [1.0, 4 * unit], [1.0, unit]], dtype=torch.float64)
        >>> is_positive_definite(torch.diag_embed(a))
        tensor([ True,  True, False])

        Zero is not definite, and a negative definite matrix is not either:

        >>> is_positive_definite(torch.stack([torch.zeros(2, 2), -torch.eye(2)]))
        tensor([False, False])
    """
    xp = array_namespace(a)
    eigenvalues = xp.linalg.eigvalsh(a)
    largest = xp.max(xp.abs(eigenvalues), axis=-1)
    return eigenvalues[..., 0] > a.shape[-1] * xp.finfo(a.dtype).eps * largest


@checked
def matrix_rank(
    a: Real[Array, "*batch m n"], *, tau: Decay[float, ""] = 0.0
) -> Index[Array, "*batch", "min(m, n)"]:
    r"""Rank: how many independent directions a matrix keeps.

    .. math:: \operatorname{rank}(A) = \sum_{i=1}^{\min(m, n)}
       \mathbb{1}\left[ \sigma_i(A) > \max(\tau, \max(m, n) \, \epsilon) \, \sigma_1(A) \right]

    It counts the singular values :math:`\sigma_i(A)` above zero, which is the largest number of
    independent rows, and of independent columns. Of a product it is at most the smaller of the two,
    :math:`\operatorname{rank}(A B) \leq \min(\operatorname{rank}(A), \operatorname{rank}(B))`, of a
    sum at most their sum. Zero exactly for the zero matrix.

    Args:
        a: :math:`A`, a matrix.
        tau: :math:`\tau`, singular values up to this share of the largest count as zero, and at
            any rate those up to :math:`\max(m, n)` rounding units :math:`\epsilon`.

    Returns:
        :math:`\operatorname{rank}(A)`, one integer per batch element.

    Where:
        - :math:`\epsilon`: ``np.finfo(a.dtype).eps``, the rounding unit of the number format.

    Also called:
        rank of a matrix, numerical rank, column rank, row rank, dimension of the image, number of
        nonzero singular values, number of linearly independent rows.

    Asked as:
        full rank; rank deficiency; linearly dependent rows; null space.

    Role in ML:
        - analysis -- Hidden-dimension extraction: the logits of many prompts form a matrix whose
          rank is at most the width of the model, so that a drop of its singular values gives the
          width away to whoever may ask
          :cite:p:`carlini2024stealing{alg. 1}`.
        - layer -- MoRA: the two thin factors of a low-rank adapter give way to one square matrix
          with as many parameters, so that the update may have a much higher rank
          :cite:p:`jiang2024mora{abstract}`.

    Numerics:
        Rounding makes nearly every matrix one of full rank, so a threshold decides; with
        :math:`\tau = 0` it is that of NumPy and PyTorch. A product of thin factors that was stored
        in 16 bits carries errors of the 16-bit format, far above a threshold of 64 bits, and asks
        for a :math:`\tau` of about that size. Elimination counts pivots and is cheaper, but small
        pivots do not tell how near the matrix is to one of lower rank. The rank jumps, and has no
        gradient; the nuclear norm stands in for it. What is lost has the dimension
        :math:`n - \operatorname{rank}(A)`, that of the null space.

    Checked against:
        ``np.linalg.matrix_rank(a, rtol=max(tau, max(a.shape) * np.finfo(a.dtype).eps))``,
        ``int((scipy.linalg.svdvals(a) > max(tau, max(a.shape) * np.finfo(a.dtype).eps)
        * scipy.linalg.norm(a, 2)).sum())``

    Examples:
        By hand: the second row of the first is twice its first, the second matrix has two
        independent rows, the third has none:

        >>> import numpy as np
        >>> a = np.asarray([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
        >>> matrix_rank(np.stack([a, a + [[0.0], [1.0]], 0.0 * a])).tolist()
        [1, 2, 0]

        A product of four by two and two by three has rank two, though none of its rows repeats:

        >>> b = np.asarray([[0.7, -1.3], [1.9, 0.4], [-0.6, 2.2], [0.3, 0.5]])
        >>> c = np.asarray([[1.1, 0.3, -0.8], [-2.0, 1.7, 0.9]])
        >>> int(matrix_rank(b @ c)), np.linalg.svd(b @ c)[1].round(4).tolist()
        (2, [8.0248, 2.0566, 0.0])

        Stored in 16 bits the same product has rank three, until errors of that size are let pass:

        >>> import torch
        >>> stored = torch.tensor(b @ c, dtype=torch.bfloat16)
        >>> int(matrix_rank(stored)), int(matrix_rank(stored, tau=2**-8))
        (3, 2)

        The threshold is a share of the largest singular value, here 0.5 and 0.4 of it, and what
        equals it does not count:

        >>> a = np.diag([2.0, -1.0, 0.8])
        >>> [int(matrix_rank(a, tau=tau)) for tau in (0.0, 0.39, 0.4, 0.45, 0.5, 0.9)]
        [3, 3, 2, 2, 1, 1]
    """
    xp = array_namespace(a)
    sigma = xp.linalg.svdvals(a)
    share = max(tau, max(a.shape[-2:]) * float(xp.finfo(a.dtype).eps))
    return xp.sum(xp.astype(sigma > share * sigma[..., :1], xp.int32), axis=-1)
