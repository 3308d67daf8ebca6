r"""Singular values: every matrix as a sum of rank-one pieces in order of size.

Any matrix maps some orthonormal directions :math:`v_i` to orthogonal ones, :math:`A v_i = \sigma_i
u_i`. The singular values :math:`\sigma_i \geq 0` say how much each direction counts, the number of
those above zero is the rank, and keeping the largest :math:`k` gives the nearest matrix of rank
:math:`k`. That is what makes them the tool for compressing a matrix that already exists.

Low rank can also be imposed without any decomposition: LoRA learns two thin factors of an update by
gradient descent, from a start at zero, and computes no singular values.

Turned over, the stretches solve equations: the pseudoinverse divides by every :math:`\sigma_i`
above zero, which gives the shortest of the least-squares solutions. And where only the leading part
of a large matrix is wanted, a few products with a thin random matrix find the directions.

:map: 1.3 Singular values and rank
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, constant
from mlmath_ref.sets import Index, Natural, Nonneg, Orthogonal, Real, checked


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
    the largest eigenvalues of :math:`A^\top A`; :math:`I` is the identity matrix. In pieces
    :math:`A = \sum_i \sigma_i u_i v_i^\top`, with :math:`A v_i = \sigma_i u_i`. A pair
    :math:`(u_i, v_i)` is unique up to a common sign where :math:`\sigma_i` is above zero and not
    repeated, the singular values always are.

    Args:
        a: :math:`A`, any matrix.

    Returns:
        :math:`(U, \sigma, V)`, with the singular vectors :math:`u_i` and :math:`v_i` as columns.
        The largest entry of every :math:`u_i` in size, the first of equals, is positive.

    Also called:
        SVD, thin SVD, reduced SVD, economy SVD.

    Asked as:
        singular vectors; singular values; compact SVD.

    Role in ML:
        - optimizer -- GaLore: every so many steps a layer's gradient is decomposed, and the
          optimizer's state then lives in the span of the leading singular vectors
          :cite:p:`zhao2024galore{code: galore_torch/galore_projector.py, line 81}`.
        - analysis -- Moonlight: the entropy of the squared singular values shows that weights
          trained with Muon use more directions than with AdamW
          :cite:p:`liu2025muon{sec. 3.4}`.

    Numerics:
        Costs time of order :math:`m n \min(m, n)`. Forming :math:`A^\top A` would square the
        condition number and lose small singular values. ``np.linalg.svd`` and ``torch.linalg.svd``
        return :math:`V^\top`, with arbitrary signs; the rule above makes them equal. Vectors of
        repeated or zero singular values stay arbitrary, and gradients through them undefined.

    Checked against:
        ``(lambda u, s, vt: (lambda u, vt: (u, s, vt.T))(*sklearn.utils.extmath.svd_flip(u, vt)))(
        *scipy.linalg.svd(a, full_matrices=False, lapack_driver="gesvd"))``

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

    In matrices it is :math:`U_k \Sigma_k V_k^\top`, and no matrix of rank at most :math:`k` is
    nearer to :math:`A`, :math:`A_k = \arg\min_{\operatorname{rank}(B) \leq k} \lVert A - B
    \rVert_F`, in the Frobenius norm and in the spectral norm (Eckart-Young-Mirsky). What is left
    has :math:`\lVert A - A_k \rVert_F^2 = \sigma_{k+1}^2 + \dots + \sigma_{\min(m, n)}^2`.

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
        truncated SVD, TSVD, rank-k approximation.

    Asked as:
        Eckart-Young theorem; Eckart-Young-Mirsky; matrix compression; low-rank factorization; LSA;
        latent semantic analysis; gradient of the SVD is nan.

    Role in ML:
        - compression -- SVDQuant: a low-rank part of each weight matrix, found by singular value
          decomposition, is kept in 16 bits and takes up the outliers; the rest goes to 4 bits
          :cite:p:`li2024svdquant{abstract}`.
        - primitive -- PiSSA: an adapter starts from the leading singular values and vectors of the
          weight, and what is left of the weight is frozen
          :cite:p:`meng2024pissa{code: huggingface/peft, src/peft/tuners/lora/layer.py, line 440}`.
          Witness: ``peft.tuners.lora.layer.Linear``.

    Numerics:
        Two factors, as ``sklearn.decomposition.TruncatedSVD`` has them, take :math:`k (m + n)`
        numbers instead of :math:`m n`. If :math:`\sigma_k = \sigma_{k+1}` the nearest matrix is
        not unique, and the gradient undefined. Other singular values may be equal: the first and
        second derivatives depend on the gaps between kept and dropped ones only, where PyTorch's
        and JAX's derivative of a decomposition is NaN. With :math:`k = \min(m, n)` nothing is lost.

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

        >>> round(float(np.linalg.norm(a - low_rank_approximation(a, 1))), 4)
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

        Two equal singular values that are both kept; the derivative of the decomposition itself
        would be NaN:

        >>> d = torch.diag(torch.tensor([2.0, 2.0, 1.0])).requires_grad_()
        >>> (low_rank_approximation(d, 2) * torch.arange(1.0, 10.0).reshape(3, 3)).sum().backward()
        >>> d.grad.round(decimals=4)
        tensor([[ 1.0000,  2.0000,  8.6667],
                [ 4.0000,  5.0000, 13.3333],
                [11.3333, 14.6667,  0.0000]])

        At full rank nothing is lost, of neither of two matrices:

        >>> (low_rank_approximation(np.stack([a, 0.5 * a.T]), 2).round(4) + 0.0).tolist()
        [[[3.0, 0.0], [4.0, 5.0]], [[1.5, 2.0], [0.0, 2.5]]]
    """
    if a.shape[-2] < a.shape[-1]:
        return low_rank_approximation(a.mT, k).mT
    xp = array_namespace(a)
    basis = _leading_basis(a, k)
    return a @ basis @ xp.linalg.solve(basis.mT @ basis, basis.mT)


@checked
def pseudoinverse(a: Real[Array, "*batch m n"]) -> Real[Array, "*batch n m"]:
    r"""Moore-Penrose pseudoinverse: the shortest of all least-squares solutions.

    .. math::
        A^\dagger = \sum_{i=1,\, \sigma_i(A) > 0}^{\min(m, n)}
        \frac{1}{\sigma_i(A)} \, v_i u_i^\top

    No :math:`x` makes :math:`\lVert A x - b \rVert_2` smaller than :math:`A^\dagger b` does, and of
    those that make it as small this one is the shortest. Of all :math:`X` it alone has
    :math:`A X A = A`, :math:`X A X = X` and both products symmetric. Ridge regression tends to it
    from :math:`\lambda > 0`, :math:`(A^\top A + \lambda I)^{-1} A^\top \to A^\dagger`, and differs
    at every such :math:`\lambda`.

    Args:
        a: :math:`A`, any matrix, with the singular values :math:`\sigma_i(A)` and the singular
            vectors :math:`u_i` and :math:`v_i`.

    Returns:
        :math:`A^\dagger`, of the shape of :math:`A^\top`.

    Where:
        - :math:`u_i`: ``np.linalg.svd(a).U[:, i - 1]``, the left singular vectors.
        - :math:`v_i`: ``np.linalg.svd(a).Vh[i - 1]``, the right singular vectors.

    Also called:
        Penrose inverse, pinv, A dagger.

    Asked as:
        generalized inverse; minimum-norm least squares; lstsq; ordinary least squares; OLS; normal
        equation; least squares solution.

    Role in ML:
        - estimator -- GraphAny: the weights that take the features of a new graph to its labels are
          the least-squares solution of least length, so nothing is trained on that graph
          :cite:p:`zhao2024fully{code: graphany/data.py, line 440}`.
        - optimizer -- Riemannian preconditioned LoRA: the gradient of each factor is multiplied by
          the inverse of the other's Gram matrix, damped and taken as a pseudoinverse
          :cite:p:`zhang2024riemannian{code: huggingface/peft, src/peft/optimizers/riemannian.py,
          line 81}`.

    Numerics:
        Singular values up to :math:`\max(m, n) \, \epsilon` times the largest count as 0, with
        :math:`\epsilon` the spacing of the number format at 1; ``np.linalg.pinv`` takes
        :math:`10^{-15}` for every format unless ``rtol`` is given. At a change of rank the result
        jumps. Also written :math:`A^+ = V \Sigma^+ U^\top`, for independent columns
        :math:`(A^\top A)^{-1} A^\top`, for independent rows :math:`A^\top (A A^\top)^{-1}`. The
        normal equations, the closed form of linear regression,
        :math:`\hat{x} = (A^\top A)^{-1} A^\top b`, square the condition number and lose what this
        keeps. For one :math:`b`, a solver is cheaper.

    Checked against:
        ``scipy.linalg.pinv(a)``,
        ``scipy.linalg.lstsq(a, np.eye(len(a)), cond=max(a.shape) * 2.0**-52)[0]``

    Examples:
        By hand, a single column of length 5 is divided by 25 and turned over:

        >>> import numpy as np
        >>> pseudoinverse(np.asarray([[3.0], [4.0]])).round(4).tolist()
        [[0.12, 0.16]]

        The line through (0, 1), (1, 3) and (2, 4), least squares by hand: offset 7/6, slope 3/2:

        >>> a = np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> (pseudoinverse(a) @ np.asarray([1.0, 3.0, 4.0])).round(4).tolist()
        [1.1667, 1.5]

        Three rows and four columns, with the values of ``scipy.linalg.pinv``:

        >>> b = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> inverse = pseudoinverse(b).round(4).tolist()
        >>> inverse[0], inverse[1]
        ([0.4385, 0.3265, -0.1557], [-0.1369, 0.2078, 0.014])
        >>> inverse[2], inverse[3]
        ([-0.0203, -0.1981, 0.2078], [0.2069, 0.1611, 0.2902])

        Ridge regression comes as near as :math:`\lambda` is small, and no nearer:

        >>> def ridge(penalty):
        ...     return np.linalg.solve(a.T @ a + penalty * np.eye(2), a.T)
        >>> gaps = [np.linalg.norm(ridge(x) - pseudoinverse(a)) for x in (1e-2, 1e-5, 1e-8)]
        >>> [f"{gap:.1e}" for gap in gaps]
        ['1.3e-02', '1.3e-05', '1.3e-08']

        Fitting powers up to 11 on 12 points, the normal equations lose every digit:

        >>> powers = np.vander(np.linspace(0.0, 1.0, 12))
        >>> f"{np.linalg.cond(powers):.1e}"
        '8.8e+08'
        >>> y = powers @ np.ones(12)
        >>> normal = np.linalg.inv(powers.T @ powers) @ powers.T @ y
        >>> bool(abs(pseudoinverse(powers) @ y - 1).max() < 1e-5), bool(abs(normal - 1).max() > 1)
        (True, True)

        For an invertible matrix it is the inverse, and its derivative
        :math:`-A^{-1} (\mathrm{d} A) A^{-1}`, here at the identity:

        >>> import torch
        >>> eye = torch.eye(2, requires_grad=True)
        >>> pseudoinverse(eye)[0].sum().backward()
        >>> eye.grad
        tensor([[-1., -1.],
                [ 0.,  0.]])

        Zeros are left as zeros, and a stretch of :math:`10^{-20}` beside one of 2 is rounding:

        >>> pseudoinverse(np.asarray([np.zeros((2, 2)), np.diag([2.0, 1e-20])])).round(4).tolist()
        [[[0.0, 0.0], [0.0, 0.0]], [[0.5, 0.0], [0.0, 0.0]]]
    """
    xp = array_namespace(a)
    return xp.linalg.pinv(a, rtol=max(a.shape[-2:]) * float(xp.finfo(a.dtype).eps))


@checked
def randomized_svd(
    a: Real[Array, "*batch m n"],
    omega: Real[Array, "n r"],
    k: Natural[int, "", "min(m, n, r)"],
    *,
    q: Index[int, ""] = 2,
) -> tuple[
    Orthogonal[Array, "*batch m k"], Nonneg[Array, "*batch k"], Orthogonal[Array, "*batch n k"]
]:
    r"""Randomized SVD: the leading singular values and vectors from a few products with the matrix.

    .. math::
        \begin{aligned}
        Q_0 &= \operatorname{orth}(A \Omega), \qquad
        Q_j = \operatorname{orth}(A A^\top Q_{j-1}), \quad j = 1, \dots, q, \\
        s_i &= \sigma_i(Q_q^\top A), \quad s_1 \geq \dots \geq s_k, \quad
        U^\top U = V^\top V = I, \\
        Q_q Q_q^\top A V &= U \operatorname{diag}(s), \qquad A^\top U = V \operatorname{diag}(s)
        \end{aligned}

    The columns of each :math:`Q_j` are an orthonormal basis of what the matrix behind
    :math:`\operatorname{orth}` spans, and :math:`s`, :math:`U`, :math:`V` are the decomposition of
    :math:`A` within the last, with :math:`I` the identity matrix. Each :math:`s_i` is at most
    :math:`\sigma_i(A)`, and all are equal if :math:`A \Omega` has the rank of :math:`A`.

    Args:
        a: :math:`A`, any matrix.
        omega: :math:`\Omega`, the test matrix, drawn from the standard normal distribution; some 10
            columns more than :math:`k` are usual.
        k: :math:`k`, how many singular values are kept.
        q: :math:`q`, how often the basis is passed through :math:`A A^\top`.

    Returns:
        :math:`(U, s, V)`, with singular vectors as columns. The largest entry of every column of
        :math:`U` in size, the first of equals, is positive.

    Also called:
        randomised SVD, RSVD.

    Asked as:
        fast SVD; svd_lowrank; random projection; range finder; randomized range finder; sketching;
        subspace iteration; power iteration; Halko-Martinsson-Tropp.

    Role in ML:
        - primitive -- LoRA-GA: adapters start from leading singular vectors of a gradient of the
          full weight; the library takes :math:`r` at four times the rank and :math:`q = 4`
          :cite:p:`wang2024loraga{code: huggingface/peft, src/peft/tuners/lora/layer.py, line 663}`.
          Witness: ``torch.svd_lowrank``, with the signs of its vectors turned by the rule above.
        - primitive -- PiSSA: where the exact decomposition of a weight is too slow, this one starts
          the adapter; the setting, such as ``pissa_niter_16``, ends in :math:`q`
          :cite:p:`meng2024pissa{code: huggingface/peft, src/peft/tuners/lora/layer.py, line 446}`.
        - primitive -- Halko, Martinsson and Tropp: the algorithm and bounds on its error, in terms
          of the first singular value left out :cite:p:`halko2011finding{alg. 4.4 and 5.1}`.

    Numerics:
        Takes :math:`2 q + 2` products of :math:`A` with :math:`r` columns, against
        :math:`m n \min(m, n)` for all singular values. Without the orthonormal basis in each pass,
        powers of :math:`A A^\top` would drown the smaller directions in rounding. A slowly falling
        spectrum needs larger :math:`q`. An :math:`\Omega` that misses a direction does so silently.
        Gradients are defined where :math:`A \Omega` has rank :math:`r` and no values are equal. In
        the usual letters :math:`Y = (A A^\top)^q A \Omega`, :math:`Q R = Y`, :math:`B = Q^\top A`,
        and :math:`A \approx Q Q^\top A`. ``torch.svd_lowrank`` draws :math:`\Omega` itself.

    Checked against:
        ``(lambda u, s, vt: (u, s, vt.T))(*sklearn.utils.extmath.randomized_svd(a, k,
        n_oversamples=omega.shape[1] - k, n_iter=q, power_iteration_normalizer="QR",
        transpose=False, random_state=type("Given", (np.random.RandomState,),
        {"normal": lambda self, size: omega})()))``

    Examples:
        By hand: (1, 1) is mapped to (3, 9), which is the leading singular direction, so one column
        and no pass give :math:`\sqrt{45}` exactly:

        >>> import numpy as np
        >>> a = np.asarray([[3.0, 0.0], [4.0, 5.0]])
        >>> u, s, v = randomized_svd(a, np.ones((2, 1)), 1, q=0)
        >>> s.round(4).tolist(), (u * np.sqrt(10)).round(4).tolist()
        ([6.7082], [[1.0], [3.0]])
        >>> (v * np.sqrt(2)).round(4).tolist()
        [[1.0], [1.0]]

        The first column of the identity is no such direction; each pass comes nearer, two being the
        default:

        >>> start = np.eye(2)[:, :1]
        >>> [round(float(randomized_svd(a, start, 1, q=q)[1][0]), 4) for q in (0, 1, 2, 3)]
        [6.4031, 6.7041, 6.7082, 6.7082]

        Three rows, four columns, a test matrix of two, as
        ``sklearn.utils.extmath.randomized_svd`` has it after one pass; the exact values are 3.6666
        and 2.5610:

        >>> b = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> omega = np.asarray([[0.5, -1.2], [1.3, 0.4], [-0.7, 0.9], [0.2, 1.6]])
        >>> u, s, v = randomized_svd(b, omega, 2, q=1)
        >>> s.round(4).tolist()
        [3.6651, 2.5453]
        >>> u.round(4).tolist()
        [[-0.5774, 0.2064], [0.7613, -0.2134], [0.295, 0.9549]]

        Of two columns one is kept, and the first value is as good as before:

        >>> u, s, v = randomized_svd(np.stack([b, -2.0 * b]), omega, 1, q=1)
        >>> s.round(4).tolist(), v.shape
        ([[3.6651], [7.3301]], (2, 4, 1))

        At the exact direction the gradient is that of the singular value, :math:`u_1 v_1^\top`:

        >>> import torch
        >>> c = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> randomized_svd(c, torch.ones(2, 1), 1)[1].sum().backward()
        >>> c.grad
        tensor([[0.2236, 0.2236],
                [0.6708, 0.6708]])

        A test matrix at right angles to the leading direction never sees it, whatever :math:`q`:

        >>> blind = np.asarray([[0.0], [1.0]])
        >>> randomized_svd(np.diag([9.0, 1.0]), blind, 1, q=5)[1].round(4).tolist()
        [1.0]
    """
    xp = array_namespace(a, omega)
    basis = xp.linalg.qr(a @ omega)[0]
    for _ in range(q):
        basis = xp.linalg.qr(a @ xp.linalg.qr(a.mT @ basis)[0])[0]
    u, s, v = svd(basis.mT @ a)
    u = (basis @ u)[..., :k]
    return u * _signs(u), s[..., :k], v[..., :k] * _signs(u)


def _signs(vectors: Array) -> Array:
    """1 or -1 for each column: makes its largest entry positive, the first of equals."""
    xp = array_namespace(vectors)
    size = xp.abs(vectors)
    rounding = xp.finfo(vectors.dtype).eps ** 0.5
    is_largest = size >= (1 - rounding) * xp.max(size, axis=-2, keepdims=True)
    first = xp.argmax(xp.astype(is_largest, vectors.dtype), axis=-2, keepdims=True)
    ones = xp.ones_like(vectors[..., :1, :])
    return xp.where(xp.take_along_axis(vectors, first, axis=-2) < 0, -ones, ones)


def _leading_basis(a: Array, k: int) -> Array:
    """The first k right singular vectors, for no more columns than rows, with derivatives at ties."""
    # Two steps of Newton's method on the equation of an invariant subspace start at the vectors
    # themselves: they leave the value, and carry the first and second derivatives of the subspace,
    # which depend on the gaps between the k first and the others and on no other gap.
    xp = array_namespace(a)
    _, sigma, v = (constant(part) for part in svd(a))
    top = sigma[..., None, :1]
    top = xp.where(top > 0, top, 1.0)
    gaps = (sigma[..., None, :k] / top) ** 2 - (sigma[..., k:, None] / top) ** 2
    weights = xp.where(gaps > 0, 1 / xp.where(gaps > 0, gaps, 1.0), 0.0)
    first, others = v[..., :k], v[..., k:]
    turn = 0.0 * weights
    for _ in range(2):
        image = (a / top).mT @ (a / top @ (first + others @ turn))
        turn = turn + weights * (others.mT @ image - turn @ (first.mT @ image))
    return first + others @ (turn - constant(turn))
