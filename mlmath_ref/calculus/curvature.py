r"""Curvature: how the slope of a function changes from point to point.

Near a point, :math:`f(x + v) = f(x) + \nabla f(x)^\top v + \tfrac12 v^\top H v` up to terms of third
order. Where the gradient is zero, the eigenvalues of the Hessian :math:`H` tell what the point is:
all positive, a strict local minimum; all negative, a maximum; both signs, a saddle point. With an
eigenvalue of zero the second order decides nothing, and where the gradient is not zero the sign of
:math:`H` alone says nothing about a minimum.

Three matrices are easily taken for the Hessian of a training loss. For half a squared residual
:math:`\tfrac12 \|r(x)\|^2` with the Jacobian :math:`J` of :math:`r` the Gauss-Newton matrix is
:math:`J^\top J`; it leaves out the curvature of :math:`r` and equals :math:`H` where the residuals
are zero or :math:`r` is linear. For another loss on the outputs it is
:math:`J^\top H_{\mathrm{out}} J`, with the Hessian of that loss in the outputs. The Fisher
information averages products of score vectors under the model's own distribution. The Fisher
information, and the Gauss-Newton matrix of a convex loss on the outputs, are never indefinite; the
Hessian of a network's loss can be.

:map: 2.4 Curvature
"""

from collections.abc import Callable

from mlmath_ref.arrays import Tensor
from mlmath_ref.calculus.derivatives import gradient, jacobian
from mlmath_ref.sets import Real, Symmetric, checked


@checked
def hessian(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]], x: Real[Tensor, "n"]
) -> Symmetric[Tensor, "n n"]:
    r"""Hessian matrix: how the gradient turns and grows along every direction.

    .. math:: H_{ij} = \frac{\partial^2 f(x)}{\partial x_i \, \partial x_j}

    Symmetric where the second derivatives are continuous; zero everywhere exactly for affine
    functions. The curvature along a unit vector :math:`v` is :math:`v^\top H v`. A point with zero
    gradient is a strict local minimum if all eigenvalues are positive, and undecided if the
    smallest is zero.

    Args:
        f: :math:`f`, a function of a vector with one number as result, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`H`, the matrix of second derivatives at :math:`x`.

    Also called:
        second derivative, curvature matrix, second-order derivatives, Jacobian of the gradient,
        Newton matrix.

    Role in ML:
        - compression -- QuIP#: the weights of a linear layer are rounded with regard to the Hessian
          of its squared output error, which is the second moment of the layer's inputs up to a
          factor :cite:p:`tseng2024quip{code: lib/algo/quip.py, lines 490-499}`.
        - compression -- GPTQ: the same Hessian, a multiple of the summed :math:`x x^\top` of the
          inputs :math:`x` of a layer, tells how the weights still to be rounded make up for those
          already rounded :cite:p:`frantar2022gptq{code: gptq.py, lines 56-58}`.
        - analysis -- MACE-MP-0: the released code differentiates the forces once more, for the
          second derivatives of the energy in the positions of the atoms
          :cite:p:`batatia2023foundation{code: mace/modules/utils.py, line 111}`.

    Numerics:
        :math:`n` reverse-mode passes over the gradient and :math:`n^2` numbers. A product
        :math:`H v` needs no matrix: it is the gradient of :math:`\nabla f(x)^\top v` in :math:`x`.
        Piecewise linear functions have Hessian 0 away from their kinks, which hides the kinks.

    Checked against:
        ``torch.func.jacfwd(torch.func.jacfwd(f))(x)``

    Examples:
        By hand, :math:`x_1^2 x_2` has the gradient :math:`(2 x_1 x_2, x_1^2)`:

        >>> import torch
        >>> hessian(lambda x: x[0] ** 2 * x[1], torch.tensor([3.0, 5.0]))
        tensor([[10.,  6.],
                [ 6.,  0.]])

        The Hessian of the log-sum-exp is :math:`\mathrm{diag}(s) - s s^\top` with the softmax
        :math:`s`:

        >>> z = torch.tensor([0.3, -1.2, 2.1])
        >>> hessian(lambda z: torch.logsumexp(z, 0), z)
        tensor([[ 0.1186, -0.0042, -0.1144],
                [-0.0042,  0.0297, -0.0255],
                [-0.1144, -0.0255,  0.1399]])
        >>> s = torch.softmax(z, 0)
        >>> torch.diag(s) - torch.outer(s, s)
        tensor([[ 0.1186, -0.0042, -0.1144],
                [-0.0042,  0.0297, -0.0255],
                [-0.1144, -0.0255,  0.1399]])

        Positive curvature makes no minimum by itself: :math:`x^2` at 1 has the slope 2. At 0,
        :math:`x^4` and :math:`-x^4` have the same gradient and Hessian, one a minimum, one a
        maximum:

        >>> square = lambda x: (x**2).sum()
        >>> hessian(square, torch.tensor([1.0])), gradient(square, torch.tensor([1.0]))
        (tensor([[2.]]), tensor([2.]))
        >>> hessian(lambda x: (x**4).sum(), torch.tensor([0.0]))
        tensor([[0.]])

        The Gauss-Newton matrix of :math:`\tfrac12 r^2` with :math:`r = x^2 - 3` is
        :math:`(2x)^2 = 4` at 1, but the Hessian is :math:`6 x^2 - 6 = 0` there:

        >>> r = lambda x: x**2 - 3
        >>> x = torch.tensor([1.0])
        >>> jacobian(r, x).mT @ jacobian(r, x), hessian(lambda x: (r(x) ** 2).sum() / 2, x)
        (tensor([[4.]]), tensor([[0.]]))

        Differentiated again, the third derivative of :math:`x^5` at 2 is
        :math:`60 \cdot 2^2 = 240`:

        >>> x = torch.tensor([2.0], requires_grad=True)
        >>> hessian(lambda x: (x**5).sum(), x).sum().backward()
        >>> x.grad
        tensor([240.])
    """
    return jacobian(lambda y: gradient(f, y), x)
