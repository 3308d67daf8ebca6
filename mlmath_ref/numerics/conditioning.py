r"""Conditioning: how much a problem magnifies the errors of its data.

Rounding is not the only source of a wrong result. A problem can be such that a small change of its
data moves the exact answer far; no algorithm repairs that. For a linear map the measure is the
condition number, the ratio of the largest to the smallest stretch: solving with :math:`A` can turn
a relative error of size :math:`\epsilon` into one of size :math:`\kappa(A) \epsilon`.

The matrix maps the unit ball to an ellipsoid, and the same ratio is that of its longest to its
shortest semi-axis. An orthogonal matrix has condition number one and magnifies no error.

:map: 6.1 Numerics
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import ExtendedNonneg, Real, checked


@checked
def condition_number(a: Real[Array, "*batch m n"]) -> ExtendedNonneg[Array, "*batch"]:
    r"""Condition number: at most how many times a linear system magnifies relative errors.

    .. math:: \kappa(A) = \frac{\sigma_1(A)}{\sigma_{\min(m, n)}(A)}

    Also :math:`\lVert A \rVert_2 \, \lVert A^{-1} \rVert_2`, and
    :math:`\lambda_{\max} / \lambda_{\min}` for a positive definite matrix; at least 1, with
    equality exactly for multiples of matrices with orthonormal columns or rows. Multiplying
    :math:`A` by a number other than zero changes nothing, and
    :math:`\kappa(A^\top A) = \kappa(A)^2` where :math:`A` has no more columns than rows.

    Args:
        a: :math:`A`, a matrix with the singular values :math:`\sigma_1(A) \geq \dots \geq
            \sigma_{\min(m, n)}(A) \geq 0`.

    Returns:
        :math:`\kappa(A)`, one number per batch element.

    Also called:
        2-norm condition number, spectral condition number, kappa, cond.

    Asked as:
        ill-conditioning; ill-conditioned matrix; sensitivity of a linear system; nearly singular.

    Role in ML:
        - analysis -- Muon: its authors observed that the updates of SGD with momentum and of Adam
          for a transformer's matrices mostly have a very high condition number; bringing all
          singular values near one lowers it
          :cite:p:`jordan2024muon{Why is it good to orthogonalize the update?}`.
        - analysis -- PolarGrad: the released experiments log condition numbers as a diagnostic of
          gradient methods that act on whole matrices :cite:p:`lau2025polargrad{code: README.md}`.

    Numerics:
        A smallest singular value of exactly 0, also of the zero matrix, gives :math:`\infty`;
        ``torch.linalg.cond`` of the zero matrix is NaN. A matrix that is singular only up to
        rounding gives a number near the inverse of the precision instead. Solving :math:`A x = b`
        with an error in :math:`b` gives :math:`\frac{\lVert \delta x \rVert}{\lVert x \rVert} \leq
        \kappa(A) \frac{\lVert \delta b \rVert}{\lVert b \rVert}`, so up to about
        :math:`\log_{10} \kappa(A)` decimal digits can be lost, and twice as many through
        :math:`A^\top A`. An error in :math:`A` is magnified by about as much if it is small. The
        nearest singular matrix is :math:`\lVert A \rVert_2 / \kappa(A)` away in the spectral
        norm. At a singular matrix, where the value is infinite, the gradient is
        taken as 0.

    Checked against:
        ``np.linalg.cond(a)``,
        ``(lambda s: s[0] / s[-1] if s[-1] else np.inf)(scipy.linalg.svd(a, compute_uv=False,
        lapack_driver="gesvd"))``

    Examples:
        By hand, :math:`A^\top A` has the eigenvalues 45 and 5, and :math:`\sqrt{45 / 5} = 3`:

        >>> import numpy as np
        >>> round(float(condition_number(np.asarray([[3.0, 0.0], [4.0, 5.0]]))), 4)
        3.0

        Three rows and four columns, with the value of ``numpy.linalg.cond``:

        >>> b = np.asarray([[1.5, -2.0, 0.7, 0.4], [0.3, 2.5, -1.2, 0.9], [-0.8, 0.6, 1.1, 2.2]])
        >>> round(float(condition_number(b)), 4)
        2.302

        The gradient of :math:`\sigma_1 / \sigma_2` on the diagonal is :math:`1 / \sigma_2` and
        :math:`-\sigma_1 / \sigma_2^2`:

        >>> import torch
        >>> a = torch.tensor([[6.0, 0.0], [0.0, 2.0]], requires_grad=True)
        >>> condition_number(a).backward()
        >>> a.grad
        tensor([[ 0.5000,  0.0000],
                [ 0.0000, -1.5000]])
        >>> a = torch.tensor([[6.0, 0.0], [0.0, 0.0]], requires_grad=True)
        >>> condition_number(a).backward()
        >>> a.grad.tolist()
        [[0.0, 0.0], [0.0, 0.0]]

        A rotation magnifies nothing, and a singular matrix everything:

        >>> round(float(condition_number(np.asarray([[0.6, -0.8], [0.8, 0.6]]))), 4)
        1.0
        >>> pair = np.asarray([[[4.0, 0.0], [0.0, 0.0]], [[6.0, 0.0], [0.0, -2.0]]])
        >>> condition_number(pair).round(4).tolist()
        [inf, 3.0]
        >>> condition_number(torch.zeros(2, 3))
        tensor(inf)
    """
    xp = array_namespace(a)
    sigma = xp.linalg.svdvals(a)
    largest, smallest = sigma[..., 0], sigma[..., -1]
    regular = smallest > 0
    return xp.where(regular, largest / xp.where(regular, smallest, 1.0), math.inf)
