r"""Matrix norms: how large a linear map is.

Both norms here are read off the singular values :math:`\sigma_1 \geq \sigma_2 \geq \dots \geq 0`.
The spectral norm is the largest of them, the most that the map can stretch a vector; it bounds
how fast a layer's output can change. The nuclear norm is their sum, and the convex stand-in for
the rank, which only counts them.

The two are dual: :math:`\lVert A \rVert_*` is the largest inner product of :math:`A` with a matrix
whose spectral norm is at most one. So a gradient's nuclear norm tells how fast a loss can fall
under a step of bounded spectral norm, and that step is the orthogonal factor :math:`U V^\top`
which the optimizer Muon approximates.

:map: 1.4 Norms
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Nonneg, Real, checked


@checked
def spectral_norm(a: Real[Array, "*batch m n"]) -> Nonneg[Array, "*batch"]:
    r"""Spectral norm: the most that a matrix can stretch a vector.

    .. math::
        \lVert A \rVert_2 = \sigma_1(A)
        = \max_{x \neq 0} \frac{\lVert A x \rVert_2}{\lVert x \rVert_2}

    Zero exactly for the zero matrix, and :math:`\lVert A B \rVert_2 \leq \lVert A \rVert_2 \lVert B
    \rVert_2`. It is the Lipschitz constant of :math:`x \mapsto A x`, with :math:`\sigma_1(A) =
    \sqrt{\lambda_{\max}(A^\top A)}` the largest singular value, and also :math:`\max_{\lVert x
    \rVert_2 = 1} \lVert A x \rVert_2`.

    Args:
        a: :math:`A`, a matrix.

    Returns:
        :math:`\lVert A \rVert_2`, one number per batch element.

    Also called:
        matrix 2-norm, induced 2-norm, L2 operator norm, largest singular value, Schatten infinity
        norm, sigma max.

    Asked as:
        operator norm; Lipschitz constant of a linear map.

    Role in ML:
        - optimizer -- Moonlight: its report explains Muon as steepest descent under the spectral
          norm, the natural measure for weights that act on vectors
          :cite:p:`liu2025muon{sec. 2.1}`.
        - constraint -- mHC: the residual mixing matrices are made doubly stochastic, which bounds
          their spectral norm by 1, so that depth does not amplify the signal
          :cite:p:`xie2025mhc{sec. 4.1}`.
        - regularizer -- Spectral normalization: each weight matrix of a GAN's discriminator is
          divided by an estimate of its spectral norm from one power iteration a step
          :cite:p:`miyato2018spectral{eq. (8), alg. 1}`.
          Witness: ``torch.nn.utils.parametrizations.spectral_norm``, run until it has converged.

    Numerics:
        All singular values are computed, as by ``np.linalg.norm`` and ``torch.linalg.matrix_norm``
        with ``ord=2``, in time of order :math:`m n \min(m, n)`; power iteration finds the largest
        alone in a few products, :math:`v \leftarrow A^\top u / \lVert A^\top u \rVert_2` and
        :math:`u \leftarrow A v / \lVert A v \rVert_2`, in the end
        :math:`\sigma_1 \approx u^\top A v`. The gradient is :math:`u_1 v_1^\top`, the product of
        the leading singular vectors, and is not defined where the largest singular value is
        repeated.

    Checked against:
        ``np.sqrt(np.linalg.eigvalsh(a.T @ a)[-1].clip(0))``, ``scipy.linalg.norm(a, 2)``

    Examples:
        By hand, :math:`A^\top A` has the eigenvalues 45 and 5, and :math:`\sqrt{45} = 6.7082`:

        >>> import numpy as np
        >>> round(float(spectral_norm(np.asarray([[3.0, 0.0], [4.0, 5.0]]))), 4)
        6.7082

        The gradient is :math:`u_1 v_1^\top`, here of the directions (1, 3) and (1, 1):

        >>> import torch
        >>> a = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> spectral_norm(a).backward()
        >>> a.grad
        tensor([[0.2236, 0.2236],
                [0.6708, 0.6708]])

        Two rows and three columns, with the value of ``scipy.linalg.norm``:

        >>> round(float(spectral_norm(np.asarray([[1.5, -2.0, 0.7], [0.3, 2.5, -1.2]]))), 4)
        3.5602

        The zero matrix stretches nothing; beside it, one that stretches the axes by 2 and 7:

        >>> stretch = np.asarray([[2.0, 0.0], [0.0, -7.0]])
        >>> spectral_norm(np.stack([0.0 * stretch, stretch])).round(4).tolist()
        [0.0, 7.0]
    """
    xp = array_namespace(a)
    return xp.linalg.svdvals(a)[..., 0]


@checked
def nuclear_norm(a: Real[Array, "*batch m n"]) -> Nonneg[Array, "*batch"]:
    r"""Nuclear norm: the sum of the singular values, a convex measure of rank.

    .. math:: \lVert A \rVert_* = \sum_{i=1}^{\min(m, n)} \sigma_i(A)

    Also :math:`\operatorname{tr}(\sqrt{A^\top A})` and :math:`\max_{\lVert X \rVert_2 \leq 1}
    \operatorname{tr}(A^\top X)`; zero exactly for the zero matrix, and between
    :math:`\lVert A \rVert_2` and :math:`\operatorname{rank}(A) \, \lVert A \rVert_2`. Among all
    matrices of spectral norm at most 1 it is the largest convex function that stays below the rank.

    Args:
        a: :math:`A`, a matrix with the singular values :math:`\sigma_1(A) \geq \sigma_2(A) \geq
            \dots \geq 0`.

    Returns:
        :math:`\lVert A \rVert_*`, one number per batch element.

    Also called:
        trace norm, Schatten 1-norm, sum of singular values, Ky Fan n-norm.

    Asked as:
        Ky Fan norm; nuc; convex envelope of the rank.

    Role in ML:
        - optimizer -- PolarGrad: the orthogonal factor of the gradient is scaled by the gradient's
          nuclear norm, a factor that Muon leaves out
          :cite:p:`lau2025polargrad{code: README.md}`.
        - analysis -- Shampoo: without accumulation it is steepest descent under the spectral norm,
          and the step size that this asks for is proportional to the gradient's nuclear norm
          :cite:p:`bernstein2024old{prop. 5, table 1}`.

    Numerics:
        Costs all singular values, in time of order :math:`m n \min(m, n)`. The gradient is
        :math:`U V^\top` for a matrix of full rank; at lower rank there is a kink, as :math:`|x|`
        has at zero. As a penalty it makes a matrix of low rank, where the rank itself has no
        gradient. ``np.linalg.norm`` has it as ``ord="nuc"``.

    Checked against:
        ``np.trace(scipy.linalg.polar(a)[1])``, ``torch.linalg.matrix_norm(a, "nuc")``

    Examples:
        By hand, :math:`\sqrt{45} + \sqrt{5} = 4 \sqrt{5}`:

        >>> import numpy as np
        >>> round(float(nuclear_norm(np.asarray([[3.0, 0.0], [4.0, 5.0]]))), 4)
        8.9443

        The gradient is the orthogonal factor :math:`U V^\top`:

        >>> import torch
        >>> a = torch.tensor([[3.0, 0.0], [4.0, 5.0]], requires_grad=True)
        >>> nuclear_norm(a).backward()
        >>> a.grad
        tensor([[ 0.8944, -0.4472],
                [ 0.4472,  0.8944]])

        Two rows and three columns, with the value of ``numpy.linalg.norm``:

        >>> round(float(nuclear_norm(np.asarray([[1.5, -2.0, 0.7], [0.3, 2.5, -1.2]]))), 4)
        4.9185

        A matrix of rank one has a single singular value, the product of the two lengths; beside it,
        one with the singular values 2 and 7:

        >>> rank_one = np.asarray([[3.0], [4.0]]) * np.asarray([[12.0, 5.0]])
        >>> pair = np.stack([rank_one, np.asarray([[0.0, 2.0], [-7.0, 0.0]])])
        >>> nuclear_norm(pair).round(4).tolist()
        [65.0, 9.0]
    """
    xp = array_namespace(a)
    return xp.sum(xp.linalg.svdvals(a), axis=-1)
