r"""Completion: a matrix with a few known entries, filled in by asking for low rank.

Of a table of users and items only a few entries are known, and without further assumptions they say
nothing about the others. The assumption is that few factors explain the table: every user and every
item has a short vector, and their inner product is the entry. It can be put in two ways. One is to
learn the vectors by descent on the error at the known entries, with a penalty on their lengths; the
loss has saddle points, but each step is cheap and needs the known entries only. The other is
convex: to penalize the sum of the singular values, whose step is to take the same amount off each
of them.

The two agree where the vectors are long enough. Of all ways to write :math:`X` as :math:`P Q^\top`,
the one with the smallest :math:`\tfrac12 (\lVert P \rVert_F^2 + \lVert Q \rVert_F^2)` reaches
exactly :math:`\lVert X \rVert_*`, so weight decay on two factors is a nuclear norm on their
product.

:map: 1.3 Singular values and rank
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.decompositions.singular_values import svd
from mlmath_ref.sets import Mask, Nonneg, Real, checked


@checked
def matrix_factorization(
    r: Real[Array, "*batch m n"],
    mask: Mask[Array, "*batch m n"],
    p: Real[Array, "*batch m k"],
    q: Real[Array, "*batch n k"],
    *,
    lam: Nonneg[float, ""],
) -> Nonneg[Array, "*batch"]:
    r"""Matrix factorization loss: how badly short vectors explain the known entries of a table.

    .. math:: \mathcal{L} = \frac{\sum_{u=1}^{m} \sum_{i=1}^{n} M_{ui}
       \left( (R_{ui} - P_u \cdot Q_i)^2
       + \lambda (\lVert P_u \rVert_2^2 + \lVert Q_i \rVert_2^2) \right)}
       {\sum_{u=1}^{m} \sum_{i=1}^{n} M_{ui}}

    A vector counts as often as there are known entries in its row or column. Turning all vectors by
    one orthogonal matrix changes nothing. The prediction is :math:`\hat{r}_{ui} = q_i^\top p_u`, in
    all :math:`R \approx P Q^\top`, and the sum is written :math:`\sum_{(u, i) \in \mathcal{K}}
    \left( (r_{ui} - q_i^\top p_u)^2 + \lambda (\lVert q_i \rVert^2 + \lVert p_u \rVert^2) \right)`
    over the known pairs :math:`\mathcal{K}`, with :math:`p_u` and :math:`q_i` for the rows; with
    :math:`Q` fixed, it is a ridge regression for each :math:`P_u`, and the other way round, which
    is alternating least squares.

    Args:
        r: :math:`R`, the table, such as ratings by users of items.
        mask: :math:`M`, true where an entry is known; what stands elsewhere in :math:`R` does not
            count.
        p: :math:`P`, a vector of :math:`k` factors for each row of the table.
        q: :math:`Q`, a vector of :math:`k` factors for each column.
        lam: :math:`\lambda`, the weight of the penalty.

    Returns:
        :math:`\mathcal{L}`, the mean over the known entries.

    Also called:
        latent factor model, MF, FunkSVD.

    Asked as:
        collaborative filtering; recommender system; ALS; alternating least squares; low-rank matrix
        completion; probabilistic matrix factorization; PMF; biased matrix factorization; cold start.

    Role in ML:
        - objective -- Community Notes: ratings of notes are explained by one factor and an
          intercept for each rater and each note, and the note's intercept decides what is shown
          :cite:p:`wojcik2022birdwatch{abstract}` :cite:p:`communitynotes2025{code: twitter/communitynotes at
          273c895, scoring/src/scoring/matrix_factorization/model.py, lines 77-82}`.
        - contrast -- RouteLLM: a router scores how well a language model answers a prompt by
          a weighted inner product of a learned vector and a projected embedding, fitted to pairwise
          preferences in place of this squared error
          :cite:p:`ong2024routellm{code: routellm/routers/matrix_factorization/
          train_matrix_factorization.py, line 94}`.
        - objective -- Netflix Prize: the sum of these terms over the training set, before offsets
          for users and items are added :cite:p:`koren2009matrix{eq. (2)}`.

    Numerics:
        Not convex in both factors: at :math:`P = Q = 0` the gradient is 0, so descent starts from
        random vectors. The sum of the original is the mean here, which leaves the minimum where it
        is. A dense mask costs :math:`m n k`; systems gather the known pairs instead. With offsets
        the prediction is :math:`\mu + b_u + b_i + q_i^\top p_u`. A user or an item without ratings
        (cold start) has gradient 0, because the penalty counts known entries only: its vector stays
        at its initial value.

    Checked against:
        ``(lambda u, i: torch.nn.functional.mse_loss((p[u] * q[i]).sum(-1), r[u, i])
        + lam * (p[u].square().sum(-1) + q[i].square().sum(-1)).mean())(
        *torch.nonzero(mask, as_tuple=True))``

    Examples:
        By hand: the errors at the two known entries are :math:`5 - 2 \cdot 2` and
        :math:`1 - 1 \cdot 3`, so the mean square is :math:`(1 + 4)/2`; the lengths add
        :math:`0.1 \, (4 + 4 + 1 + 9)/2`:

        >>> import numpy as np
        >>> r, mask = np.asarray([[5.0, 0.0], [0.0, 1.0]]), np.eye(2) == 1
        >>> p, q = np.asarray([[2.0], [1.0]]), np.asarray([[2.0], [3.0]])
        >>> [float(matrix_factorization(r, mask, p, q, lam=x)) for x in (0.0, 0.1)]
        [2.5, 3.4]

        Three users, four items, two factors, as ``torch.nn.functional.mse_loss`` on gathered pairs
        has it; what stands where nothing is known does not count:

        >>> r = np.asarray([[4.5, 1.2, 0.0, 3.1], [0.0, 2.4, 5.0, 0.0], [3.8, 0.0, 0.7, 2.2]])
        >>> p = np.asarray([[1.5, -0.4], [0.3, 1.9], [1.2, 0.1]])
        >>> q = np.asarray([[2.6, 0.2], [1.1, 0.9], [0.4, 2.3], [1.7, -0.6]])
        >>> tables = np.stack([r, r + 99.0 * (r == 0)])[:, None]
        >>> known, p, q = (np.stack([x, x])[:, None] for x in (r > 0, p, q))
        >>> matrix_factorization(tables, known, p, q, lam=0.3)[:, 0].round(4).tolist()
        [2.2058, 2.2058]

        Where all is known, the minimum is the table with :math:`\lambda \sqrt{m n}` off each
        singular value, in balanced factors; here 3 and 1 become 2.5 and 0.5, and the gradient is 0:

        >>> import torch
        >>> r, known = torch.diag(torch.tensor([3.0, 1.0])), torch.ones(2, 2, dtype=torch.bool)
        >>> p = torch.diag(torch.tensor([2.5, 0.5])).sqrt().requires_grad_()
        >>> loss = matrix_factorization(r, known, p, p.detach(), lam=0.25)
        >>> loss.backward()
        >>> loss.detach(), p.grad.abs().max() < 1e-6
        (tensor(0.8750), tensor(True))

        An item without ratings gets no gradient, whatever the penalty:

        >>> q = torch.ones(2, 1, requires_grad=True)
        >>> rated = torch.tensor([[True, False], [True, False]])
        >>> matrix_factorization(r, rated, torch.ones(2, 1), q, lam=10.0).backward()
        >>> q.grad[:, 0]
        tensor([19.,  0.])

        At zero the gradient is 0 as well, although this is no minimum; a little off, it is not:

        >>> for start in (0.0, 0.1):
        ...     p = torch.full((2, 1), start, requires_grad=True)
        ...     matrix_factorization(r, known, p, p.detach(), lam=0.25).backward()
        ...     print(p.grad[:, 0])
        tensor([0., 0.])
        tensor([-0.1240, -0.0240])
    """
    xp = array_namespace(r, mask, p, q)
    known = xp.reshape(xp.astype(mask, r.dtype), (*r.shape[:-2], r.shape[-2] * r.shape[-1]))
    error = xp.where(mask, r - p @ q.mT, 0.0)
    sizes = total(p**2)[..., :, None] + total(q**2)[..., None, :]
    terms = xp.reshape(xp.where(mask, error**2 + lam * sizes, 0.0), known.shape)
    return total(known / total(known)[..., None] * terms)


@checked
def singular_value_thresholding(
    a: Real[Array, "*batch m n"], *, tau: Nonneg[float, ""]
) -> Real[Array, "*batch m n"]:
    r"""Singular value thresholding: takes the same amount off every singular value, down to zero.

    .. math:: D_\tau(A) = \sum_{i=1}^{\min(m, n)} \max(\sigma_i(A) - \tau, 0) \, u_i v_i^\top

    It is the :math:`X` that makes :math:`\tfrac12 \lVert X - A \rVert_F^2 + \tau \lVert X \rVert_*`
    smallest, which is the soft threshold of the lasso, moved to singular values: :math:`U
    \operatorname{diag}(\max(\sigma - \tau, 0)) \, V^\top` where :math:`A = U
    \operatorname{diag}(\sigma) V^\top`. What it takes off, :math:`A - D_\tau(A)`, has no singular
    value above :math:`\tau`. It never pulls two matrices further apart.

    Args:
        a: :math:`A`, a matrix with the singular values :math:`\sigma_i(A)` and the singular vectors
            :math:`u_i` and :math:`v_i`.
        tau: :math:`\tau`, how much is taken off.

    Returns:
        :math:`D_\tau(A)`, of the same shape as :math:`A` and of lower rank where singular values
        are at most :math:`\tau`.

    Where:
        - :math:`u_i`: ``np.linalg.svd(a).U[:, i - 1]``, the left singular vectors.
        - :math:`v_i`: ``np.linalg.svd(a).Vh[i - 1]``, the right singular vectors.

    Also called:
        SVT, singular value shrinkage, proximal operator of the nuclear norm.

    Asked as:
        prox; soft-impute; matrix completion; robust PCA; trace norm.

    Role in ML:
        - compression -- CAP: each weight matrix of a language model is first split by robust
          principal component analysis into a low-rank and a sparse part; in its usual solver the
          low-rank part is updated by this step
          :cite:p:`zhou2025compression{abstract}` :cite:p:`candes2011robust{alg. 1}`.
        - primitive -- Matrix completion: alternates with a step towards the known entries, from
          sparse matrices to the completed one of low rank :cite:p:`cai2010singular{abstract}`.

    Numerics:
        One decomposition per step, of order :math:`m n \min(m, n)`. At :math:`\tau = 0` it returns
        :math:`A`. The map has a derivative also where singular values are equal, but the one that
        PyTorch takes through the decomposition does not exist there, and is NaN. Where
        :math:`\sigma_i(A) = \tau` it has a kink. Papers write it :math:`\operatorname{prox}_{\tau
        \lVert \cdot \rVert_*}(A) = \arg\min_X \tfrac12 \lVert X - A \rVert_F^2 + \tau \lVert X
        \rVert_*`; it fills in missing entries and removes noise. On the singular values it is
        ``torch.nn.functional.softshrink``.

    Checked against:
        ``(lambda w, v: a @ (v * np.maximum(1 - tau / np.sqrt(np.maximum(w, 1e-300)), 0)) @ v.T)(
        *np.linalg.eigh(a.T @ a))``

    Examples:
        By hand, a diagonal keeps its shape: 5 becomes 3, and 1.5 is gone:

        >>> import numpy as np
        >>> singular_value_thresholding(np.diag([5.0, 1.5]), tau=2.0).round(4).tolist()
        [[3.0, 0.0], [0.0, 0.0]]

        Three rows and four columns with the singular values 3.6666, 2.5610 and 1.5928, with the
        values of ``numpy.linalg.eigh`` on :math:`A^\top A`:

        >>> b = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> x = singular_value_thresholding(b, tau=2.0)
        >>> x[0].round(4).tolist(), x[1].round(4).tolist()
        ([0.2297, -0.9122, 0.3669, -0.1512], [-0.3008, 1.1001, -0.37, 0.3064])
        >>> x[2].round(4).tolist()
        [-0.189, 0.3581, 0.1568, 0.5747]

        It is the minimum: what was taken off, over :math:`\tau`, has spectral norm 1, and its inner
        product with :math:`X` is the nuclear norm of :math:`X`:

        >>> off = (b - x) / 2.0
        >>> sizes = np.linalg.norm(off, 2), (off * x).sum(), np.linalg.norm(x, "nuc")
        >>> [round(float(size), 4) for size in sizes]
        [1.0, 2.2277, 2.2277]

        Half the squared Frobenius norm of the result has the result as its gradient:

        >>> import torch
        >>> c = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> (singular_value_thresholding(c, tau=3.0) ** 2 / 2).sum().backward()
        >>> c.grad
        tensor([[0.8292, 0.8292],
                [2.4875, 2.4875]])

        Completion: known entries are put back, the others stay as they came out. Of a table of rank
        one, (6, 2) over (3, 1), the 1 is missing and comes back, less what the penalty takes:

        >>> table, known = np.asarray([[6.0, 2.0], [3.0, 0.0]]), np.asarray([[1, 1], [1, 0]])
        >>> x = table
        >>> for _ in range(50):
        ...     x = singular_value_thresholding(np.where(known, table, x), tau=0.1)
        >>> round(float(x[1, 1]), 4)
        0.9805

        Nothing off, and all off, for two matrices at once; equal singular values have no gradient
        in PyTorch:

        >>> pair = np.stack([np.diag([5.0, 1.5]), np.diag([4.0, 4.0])])
        >>> singular_value_thresholding(pair, tau=0.0).round(4).tolist()
        [[[5.0, 0.0], [0.0, 1.5]], [[4.0, 0.0], [0.0, 4.0]]]
        >>> singular_value_thresholding(pair, tau=5.0).tolist()
        [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]
        >>> eye = torch.eye(2, requires_grad=True)
        >>> singular_value_thresholding(eye, tau=0.5)[0, 1].backward()
        >>> bool(eye.grad.isnan().any())
        True
    """
    xp = array_namespace(a)
    u, sigma, v = svd(a)
    left = xp.where(sigma > tau, sigma - tau, 0.0)
    return (u * left[..., None, :]) @ v.mT
