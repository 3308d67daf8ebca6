r"""Kernels: similarities that are inner products.

A kernel :math:`k(x, y)` is an inner product of features, :math:`\langle \phi(x), \phi(y) \rangle`,
that may be computed without the features; those of the Gaussian kernel are infinitely many. A
symmetric function is one exactly when all its tables :math:`K_{ij} = k(x_i, x_j)` are positive
semidefinite. The cosine of two vectors is a kernel, minus their distance is none.

Each kernel brings a space of functions with it, in which taking the value of :math:`f` at :math:`x`
is an inner product too, :math:`f(x) = \langle f, k(\cdot, x) \rangle`. This is why a problem over
all these functions can be solved with finitely many numbers. It also makes a distance of two sets of
points out of a kernel: that of the means of their features.

:map: 6.10 Kernels
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import PSD, Positive, Real, Unit, checked


@checked
def rbf_kernel(
    x: Real[Array, "*batch n d"], y: Real[Array, "*batch m d"], *, gamma: Positive[float, ""]
) -> Unit[Array, "*batch n m"]:
    r"""Gaussian RBF kernel: similarity that falls from 1 to 0 as points move apart.

    .. math:: K_{ij} = e^{-\gamma \sum_{l=1}^{d} (X_{il} - Y_{jl})^2}

    Written :math:`k(x, y) = \exp\left( -\frac{\lVert x - y \rVert_2^2}{2 \sigma^2} \right) =
    e^{-\gamma \lVert x - y \rVert_2^2}`, it depends on distances alone, so moving or rotating all
    points changes nothing. With :math:`\gamma = 1 / (2 \sigma^2)` it is a Gaussian of width
    :math:`\sigma`, the length scale, without its factor. The table of different points with
    themselves is positive definite.

    Args:
        x: :math:`X`, points, one a row.
        y: :math:`Y`, points, one a row.
        gamma: :math:`\gamma`, one over twice the squared width.

    Returns:
        :math:`K`, a row for each point of :math:`X` and a column for each of :math:`Y`.

    Also called:
        radial basis function kernel, squared exponential kernel, Gaussian kernel, exponentiated
        quadratic, SE kernel, RBF.

    Asked as:
        Gaussian similarity; heat kernel; length scale of a kernel; similarity from distance.

    Role in ML:
        - metric -- CMMD: compares the CLIP embeddings of two sets of images by the means of this
          kernel within and across the sets, with :math:`\sigma = 10`
          :cite:p:`jayasumana2024rethinking{code: google-research, cmmd/distance.py, lines 25 and
          58}`.
        - similarity -- BoTorch: the covariance that it prepares for Gaussian processes in many
          dimensions; each coordinate has a width, and its prior grows as the root of their number
          :cite:p:`hvarfner2024vanilla{code: botorch/models/utils/gpytorch_modules.py, function
          get_covar_module_with_dim_scaled_prior}`.

    Numerics:
        The differences are formed before they are squared, one feature at a time: memory is a few
        times that of the result, and a call that is differentiated keeps :math:`d` such tables. The
        cheaper
        :math:`\lVert x \rVert^2 + \lVert y \rVert^2 - 2 x^\top y` loses its digits for points that
        are far from 0 and near each other. If the exponent is below about -104 in float32, or -746
        in float64, the result is 0 and so is its gradient. For points that nearly coincide the table
        is singular to rounding.

    Checked against:
        ``sklearn.metrics.pairwise.rbf_kernel(x, y, gamma)``,
        ``np.exp(-gamma * scipy.spatial.distance.cdist(x, y, "sqeuclidean"))``

    Examples:
        By hand: the squared distances from the origin are 0, 1 and 5, and with
        :math:`\gamma = \log 2` each unit halves the similarity:

        >>> import numpy as np
        >>> y = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, -2.0]])
        >>> rbf_kernel(np.zeros((1, 2)), y, gamma=float(np.log(2))).round(5).tolist()
        [[1.0, 0.5, 0.03125]]

        Two points and three, as ``sklearn.metrics.pairwise.rbf_kernel`` has them:

        >>> x = np.asarray([[0.3, -1.2], [0.8, 1.7]])
        >>> rbf_kernel(x, y, gamma=0.3).round(4).tolist()
        [[0.6319, 0.2279, 0.7125], [0.3468, 0.7125, 0.0163]]

        Far from 0 the expanded square has no digit left:

        >>> a, b = np.asarray([[1e8]]), np.asarray([[1e8 + 1.5]])
        >>> rbf_kernel(a, b, gamma=0.5).round(4).tolist()
        [[0.3247]]
        >>> np.exp(-0.5 * (a * a + b * b - 2 * a * b)).round(4).tolist()
        [[1.0]]

        The gradient in a point is :math:`-2 \gamma (x - y) K`; points too far apart feel nothing:

        >>> import torch
        >>> x = torch.tensor([[0.3, -1.2], [90.0, 0.0]], requires_grad=True)
        >>> rbf_kernel(x, torch.zeros(1, 2), gamma=0.3).sum().backward()
        >>> x.grad
        tensor([[-0.1137,  0.4550],
                [ 0.0000,  0.0000]])
    """
    xp = array_namespace(x, y)
    exponent = xp.zeros_like(x[..., :, None, 0] - y[..., None, :, 0])
    for i in range(x.shape[-1]):  # one feature at a time needs no n by m by d table
        exponent = exponent - (gamma**0.5 * (x[..., :, None, i] - y[..., None, :, i])) ** 2
    return xp.exp(exponent)


@checked
def gram_matrix(phi: Real[Array, "*batch n d"]) -> PSD[Array, "*batch n n"]:
    r"""Gram matrix: the inner products of all items with each other.

    .. math:: G_{ij} = \sum_{l=1}^{d} \Phi_{il} \Phi_{jl}

    In matrices :math:`G = \Phi \Phi^\top`, in rows :math:`G_{ij} = \langle \phi_i, \phi_j \rangle`;
    symmetric and positive semidefinite, of rank at most :math:`\min(n, d)`. Rotating all features
    changes nothing: it holds lengths and angles and no directions. The features may be those of a
    kernel, and then :math:`G` is the table :math:`K_{ij} = k(x_i, x_j)`.

    Args:
        phi: :math:`\Phi`, the features of an item in each row.

    Returns:
        :math:`G`, the inner product of each item with each other one.

    Also called:
        Gramian, inner product matrix, linear kernel matrix.

    Asked as:
        kernel matrix; style matrix; X X^T; similarity of all pairs.

    Role in ML:
        - regularizer -- DINOv3: one term of the loss sees the patches of an image through the Gram
          matrix of their normalized features alone and compares it with that of target features, so
          that all features may turn together
          :cite:p:`simeoni2025dinov3{code: dinov3/loss/gram_loss.py, GramLoss.forward}`.

    Numerics:
        Its eigenvalues are the squares of the singular values of :math:`\Phi`: what is smaller than
        :math:`\sqrt{\epsilon}` times the largest, :math:`10^{-8}` in float64, is lost. Rounding
        leaves eigenvalues that should be 0 on either side of it.

    Checked against:
        ``sklearn.metrics.pairwise.linear_kernel(phi)``, ``np.einsum("il,jl->ij", phi, phi)``

    Examples:
        By hand, three items with two features:

        >>> import numpy as np
        >>> gram_matrix(np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, -1.0]])).tolist()
        [[5.0, 3.0, -2.0], [3.0, 9.0, 0.0], [-2.0, 0.0, 1.0]]

        Rotated features give the same numbers:

        >>> phi = np.asarray([[0.3, -1.2], [0.8, 1.7]])
        >>> turn = np.asarray([[0.6, -0.8], [0.8, 0.6]])
        >>> gram_matrix(phi).round(4).tolist(), gram_matrix(phi @ turn).round(4).tolist()
        ([[1.53, -1.8], [-1.8, 3.53]], [[1.53, -1.8], [-1.8, 3.53]])

        The kernel :math:`(x^\top y)^2` of two coordinates has the three features
        :math:`x_1^2, \sqrt2 x_1 x_2, x_2^2`:

        >>> features = np.stack([phi[:, 0]**2, 2**0.5 * phi[:, 0] * phi[:, 1], phi[:, 1]**2], axis=1)
        >>> gram_matrix(features).round(4).tolist(), (gram_matrix(phi)**2).round(4).tolist()
        ([[2.3409, 3.24], [3.24, 12.4609]], [[2.3409, 3.24], [3.24, 12.4609]])

        The gradient of the entry of items 1 and 2 swaps their features:

        >>> import torch
        >>> phi = torch.tensor([[0.3, -1.2], [0.8, 1.7]], requires_grad=True)
        >>> gram_matrix(phi)[0, 1].backward()
        >>> phi.grad
        tensor([[ 0.8000,  1.7000],
                [ 0.3000, -1.2000]])

        A second singular value of :math:`10^{-9}` is there in the features, and lost in the table:

        >>> phi = np.asarray([[1.0, 0.0], [1.0, 1e-9]])
        >>> round(float(np.linalg.svd(phi)[1][1] * 1e9), 4), gram_matrix(phi).tolist()
        (0.7071, [[1.0, 1.0], [1.0, 1.0]])
    """
    return phi @ phi.mT


@checked
def rkhs_inner_product(
    k: PSD[Array, "*batch n n"], a: Real[Array, "*batch n"], b: Real[Array, "*batch n"]
) -> Real[Array, "*batch"]:
    r"""RKHS inner product: how alike two functions are that are sums of kernels.

    .. math:: c = \sum_{i=1}^{n} \sum_{j=1}^{n} a_i K_{ij} b_j

    Here :math:`c = \langle f, g \rangle`, with :math:`f = \sum_i a_i \, k(\cdot, x_i)`,
    :math:`g = \sum_j b_j \, k(\cdot, x_j)` and :math:`K_{ij} = k(x_i, x_j)`. With a single kernel
    for :math:`g` it is a value of :math:`f`: :math:`\langle f, k(\cdot, x_j) \rangle = f(x_j)`, the
    reproducing property. With :math:`g = f` it is the squared norm
    :math:`\lVert f \rVert^2 = a^\top K a`, and :math:`|f(x)| \leq \lVert f \rVert \sqrt{k(x, x)}`.

    Args:
        k: :math:`K`, the kernel between all points.
        a: :math:`a`, the weights of :math:`f`.
        b: :math:`b`, the weights of :math:`g`.

    Returns:
        :math:`c`, the inner product :math:`\langle f, g \rangle`, one number per batch element.

    Also called:
        inner product of kernel expansions, native space inner product.

    Asked as:
        reproducing kernel Hilbert space; RKHS; RKHS norm; native space norm; reproducing property;
        kernel trick; maximum mean discrepancy; MMD; kernel mean embedding; kernel two-sample test.

    Role in ML:
        - metric -- CMMD: the distance of two sets of images is the squared norm of a function whose
          weights are :math:`1/n` at the images of one set and :math:`-1/m` at those of the other,
          times 1000 :cite:p:`jayasumana2024rethinking{code: google-research, cmmd/distance.py,
          function mmd}`.

    Numerics:
        Two sums, nothing to guard. A squared norm that should be 0 may come out a little negative;
        a root of it needs care. The maximum mean discrepancy of two distributions is
        :math:`\mathrm{MMD}^2 = \mathbb{E}[k(x, x')] + \mathbb{E}[k(y, y')] - 2 \, \mathbb{E}[k(x,
        y)]`: such a squared norm, with weights :math:`1/n` at the samples of one and :math:`-1/m`
        at those of the other.

    Checked against:
        ``np.einsum("i,ij,j->", a, k, b)``

    Examples:
        By hand: :math:`1 \cdot 2 \cdot 3 + 1 \cdot 1 \cdot 4 + 2 \cdot 1 \cdot 3 + 2 \cdot 5 \cdot
        4 = 56`:

        >>> import numpy as np
        >>> k = np.asarray([[2.0, 1.0], [1.0, 5.0]])
        >>> float(rkhs_inner_product(k, np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])))
        56.0

        The reproducing property: with weight 1 at one point alone, the value of :math:`f` there:

        >>> x = np.asarray([[0.3, -1.2], [0.8, 1.7], [-0.5, 0.4]])
        >>> k, a = rbf_kernel(x, x, gamma=0.3), np.asarray([1.5, -0.4, 0.7])
        >>> [round(float(rkhs_inner_product(k, a, e)), 4) for e in np.eye(3)]
        [1.7383, -0.0344, 1.1292]
        >>> (rbf_kernel(x, x, gamma=0.3) @ a).round(4).tolist()
        [1.7383, -0.0344, 1.1292]

        The squared discrepancy of two sets of two and of three points, and of a set with itself:

        >>> y = np.asarray([[0.0, 0.5], [1.0, -1.0]])
        >>> z = np.concatenate([x, y])
        >>> w = np.asarray([1 / 3, 1 / 3, 1 / 3, -1 / 2, -1 / 2])
        >>> round(float(rkhs_inner_product(rbf_kernel(z, z, gamma=0.3), w, w)), 4)
        0.1653
        >>> z, w = np.concatenate([y, y]), np.asarray([0.5, 0.5, -0.5, -0.5])
        >>> abs(float(rkhs_inner_product(rbf_kernel(z, z, gamma=0.3), w, w))) < 1e-15
        True

        The gradient in the weights of :math:`f` holds the values of :math:`g` at the points:

        >>> import torch
        >>> k, a = torch.tensor([[2.0, 1.0], [1.0, 5.0]]), torch.tensor([1.0, 2.0])
        >>> rkhs_inner_product(k, a.requires_grad_(), torch.tensor([3.0, 4.0])).backward()
        >>> a.grad
        tensor([10., 23.])

        Two pairs of functions, each with a table of its own:

        >>> k = np.asarray([[[2.0, 1.0], [1.0, 5.0]], [[1.5, 0.5], [0.5, 0.7]]])
        >>> a, b = np.asarray([[1.0, 2.0], [-0.4, 1.1]]), np.asarray([[3.0, 4.0], [0.6, -0.9]])
        >>> rkhs_inner_product(k, a, b).round(4).tolist()
        [56.0, -0.543]
    """
    return (a[..., None, :] @ k @ b[..., :, None])[..., 0, 0]
