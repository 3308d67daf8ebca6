r"""Singular values: every matrix as a sum of rank-one pieces in order of size.

Any matrix maps some orthonormal directions :math:`v_i` to orthogonal ones, :math:`A v_i = \sigma_i
u_i`. The singular values :math:`\sigma_i \geq 0` say how much each direction counts, the number of
those above zero is the rank, and keeping the largest :math:`k` gives the nearest matrix of rank
:math:`k`. That is what makes them the tool for compressing a matrix that already exists.

Low rank can also be imposed without any decomposition. LoRA learns two thin factors of an update
by gradient descent, from a start at zero; it computes no singular values, and only asks for the
same form, a product of rank at most :math:`r`.

:map: 1.3 Singular values and rank
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Natural, Nonneg, Orthogonal, Real, checked


@checked
def svd(
    a: Real[Array, "*batch m n"],
) -> tuple[
    Orthogonal[Array, "*batch m min(m,n)"],
    Nonneg[Array, "*batch min(m,n)"],
    Orthogonal[Array, "*batch n min(m,n)"],
]:
    r"""Singular value decomposition: a matrix as stretches from one set of axes to another.

    .. math::
        A = U \operatorname{diag}(\sigma) V^\top, \quad U^\top U = V^\top V = I, \quad
        \sigma_1 \geq \dots \geq \sigma_{\min(m, n)} \geq 0

    The number of :math:`\sigma_i` above zero is the rank of :math:`A`, and :math:`\sigma_i^2` are
    the largest eigenvalues of :math:`A^\top A`; :math:`I` is the identity matrix. The singular
    values are unique; a pair :math:`(u_i, v_i)` is unique up to a common sign where
    :math:`\sigma_i` is above zero and not repeated.

    Args:
        a: :math:`A`, any matrix.

    Returns:
        :math:`(U, \sigma, V)`, with the singular vectors :math:`u_i` and :math:`v_i` as columns.
        The largest entry of every :math:`u_i` in size, the first of equals, is positive.

    Also called:
        thin SVD, reduced SVD, compact SVD, singular vectors, singular values.

    Role in ML:
        - optimizer -- GaLore: every so many steps a layer's gradient is decomposed, and the
          optimizer's state then lives in the span of the leading singular vectors
          :cite:p:`zhao2024galore{code: galore_torch/galore_projector.py, line 81}`.
        - analysis -- Moonlight: the entropy of the squared singular values shows that weights
          trained with Muon use more directions than with AdamW
          :cite:p:`liu2025muon{sec. 3.4}`.

    Numerics:
        Costs time of order :math:`m n \min(m, n)`. Forming :math:`A^\top A` instead would square
        the condition number and lose the small singular values. Libraries return the vectors with
        arbitrary signs; the rule above makes them equal. Vectors of repeated or zero singular
        values stay arbitrary, and gradients through them are not defined.

    Checked against:
        ``(lambda u, s, vt: (sklearn.utils.extmath.svd_flip(u.copy(), vt.copy())[0], s,
        sklearn.utils.extmath.svd_flip(u.copy(), vt.copy())[1].T))(*scipy.linalg.svd(a,
        full_matrices=False, lapack_driver="gesvd"))``

    Examples:
        By hand, the vector (1, 1) goes to (3, 9) and (1, -1) to (3, -1), so the stretches are
        :math:`\sqrt{45}` and :math:`\sqrt{5}`:

        >>> import numpy as np
        >>> a = np.asarray([[3.0, 0.0], [4.0, 5.0]])
        >>> u, sigma, v = svd(a)
        >>> sigma.round(4).tolist()
        [6.7082, 2.2361]
        >>> (u * np.sqrt(10)).round(4).tolist(), (v * np.sqrt(2)).round(4).tolist()
        ([[1.0, 3.0], [3.0, -1.0]], [[1.0, 1.0], [1.0, -1.0]])

        Three rows and two columns, with the values of ``scipy.linalg.svd``:

        >>> u, sigma, v = svd(np.asarray([[2.1, -2.0], [-2.5, 2.2], [-2.9, 0.3]]))
        >>> sigma.round(4).tolist()
        [5.0718, 1.509]
        >>> u.round(4).tolist()
        [[-0.5605, 0.3804], [0.6482, -0.3513], [0.5154, 0.8555]]
        >>> v.round(4).tolist()
        [[-0.8463, -0.5327], [0.5327, -0.8463]]

        The gradient of a singular value is :math:`u_i v_i^\top`, here of the second:

        >>> import torch
        >>> a = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> svd(a)[1][1].backward()
        >>> a.grad
        tensor([[ 0.6708, -0.6708],
                [-0.2236,  0.2236]])

        A matrix of rank one has one singular value above zero, the product of the two lengths:

        >>> svd(np.asarray([[3.0], [4.0]]) * np.asarray([[12.0, 5.0]]))[1].round(4).tolist()
        [65.0, 0.0]
    """
    xp = array_namespace(a)
    u, sigma, vt = xp.linalg.svd(a, full_matrices=False)
    signs = _signs(u)
    return u * signs, sigma, vt.mT * signs


@checked
def low_rank_approximation(
    a: Real[Array, "*batch m n"], k: Natural[int, "", "min(m, n)"]
) -> Real[Array, "*batch m n"]:
    r"""Best low-rank approximation: the nearest matrix of rank at most k.

    .. math:: A_k = \sum_{i=1}^{k} \sigma_i(A) \, u_i v_i^\top

    No matrix of rank at most :math:`k` is nearer to :math:`A`, in the Frobenius norm and in the
    spectral norm (Eckart-Young-Mirsky). What is left has :math:`\lVert A - A_k \rVert_F^2 =
    \sigma_{k+1}^2 + \dots + \sigma_{\min(m, n)}^2`.

    Args:
        a: :math:`A`, a matrix with the singular values
            :math:`\sigma_1(A) \geq \sigma_2(A) \geq \dots` and the singular vectors :math:`u_i`
            and :math:`v_i`.
        k: :math:`k`, how many singular values are kept.

    Returns:
        :math:`A_k`, of the same shape as :math:`A`.

    Where:
        - :math:`u_i`: ``np.linalg.svd(a).U[:, i - 1]``, the left singular vectors.
        - :math:`v_i`: ``np.linalg.svd(a).Vh[i - 1]``, the right singular vectors.

    Also called:
        truncated SVD, Eckart-Young theorem, Eckart-Young-Mirsky, rank-k approximation, matrix
        compression, TSVD.

    Role in ML:
        - compression -- SVDQuant: a low-rank part of each weight matrix, found by singular value
          decomposition, is kept in 16 bits and takes up the outliers; the rest goes to 4 bits
          :cite:p:`li2024svdquant{abstract}`.
        - primitive -- PiSSA: an adapter starts from the leading singular values and vectors of the
          weight, and what is left of the weight is frozen
          :cite:p:`meng2024pissa{code: huggingface/peft, src/peft/tuners/lora/layer.py, line 440}`.
          Witness: ``peft.tuners.lora.layer.Linear``.

    Numerics:
        Stored as two factors it takes :math:`k (m + n)` numbers instead of :math:`m n`. Where
        :math:`\sigma_k = \sigma_{k+1}` the nearest matrix is not unique, and the gradient is not
        defined. With :math:`k = \min(m, n)` nothing is lost.

    Checked against:
        ``a @ (lambda v: v @ v.T)(np.linalg.eigh(a.T @ a)[1][:, -k:])``

    Examples:
        By hand, :math:`\sqrt{45}` times the outer product of :math:`(1, 3) / \sqrt{10}` and
        :math:`(1, 1) / \sqrt{2}`:

        >>> import numpy as np
        >>> a = np.asarray([[3.0, 0.0], [4.0, 5.0]])
        >>> low_rank_approximation(a, 1).round(4).tolist()
        [[1.5, 1.5], [4.5, 4.5]]

        The Frobenius norm of what is left is the second singular value, :math:`\sqrt{5}`:

        >>> float(np.linalg.norm(a - low_rank_approximation(a, 1)))
        2.2361

        Three rows and four columns at rank two, with the values of ``numpy.linalg.svd``:

        >>> b = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> b_2 = low_rank_approximation(b, 2).round(4).tolist()
        >>> b_2[0], b_2[1]
        ([0.4532, -2.0643, 1.0328, 0.005], [-0.6418, 2.4422, -0.9006, 0.5446])
        >>> b_2[2]
        [-0.5733, 0.6139, 1.0279, 2.2855]

        Half the squared Frobenius norm of :math:`A_k` has the gradient :math:`A_k`:

        >>> import torch
        >>> c = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> (low_rank_approximation(c, 1) ** 2 / 2).sum().backward()
        >>> c.grad
        tensor([[1.5000, 1.5000],
                [4.5000, 4.5000]])

        At full rank nothing is lost, of neither of two matrices:

        >>> low_rank_approximation(np.stack([a, 0.5 * a.T]), 2).round(4).tolist()
        [[[3.0, 0.0], [4.0, 5.0]], [[1.5, 2.0], [0.0, 2.5]]]
    """
    u, sigma, v = svd(a)
    return (u[..., :k] * sigma[..., None, :k]) @ v[..., :k].mT


def _signs(vectors: Array) -> Array:
    """1 or -1 for each column: makes its largest entry positive, the first of equals."""
    xp = array_namespace(vectors)
    size = xp.abs(vectors)
    rounding = xp.finfo(vectors.dtype).eps ** 0.5
    is_largest = size >= (1 - rounding) * xp.max(size, axis=-2, keepdims=True)
    first = xp.argmax(xp.astype(is_largest, vectors.dtype), axis=-2, keepdims=True)
    return xp.sign(xp.take_along_axis(vectors, first, axis=-2))
