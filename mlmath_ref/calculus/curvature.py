r"""Curvature: how the slope of a function changes from point to point.

Near a point, :math:`f(x + v) = f(x) + \nabla f(x)^\top v + \tfrac12 v^\top H v` up to terms of
third order. Where the gradient is zero, the eigenvalues of the Hessian :math:`H` tell what the
point is: all positive, a strict local minimum; all negative, a maximum; both signs, a saddle point.
With an eigenvalue of zero the second order decides nothing, and where the gradient is not zero the
sign of :math:`H` alone says nothing about a minimum.

Three matrices are easily taken for the Hessian of a training loss. The Gauss-Newton matrix
:math:`J^\top H_{\mathrm{out}} J` has the Hessian of the loss in the outputs between the Jacobians
of the outputs; it is :math:`J^\top J` for half a squared residual only. It leaves out the curvature
of the network and equals :math:`H` where the residuals are zero or the outputs are linear in the
parameters. The Fisher information averages products of score vectors under the model's own
distribution, and for the usual likelihoods it is the Gauss-Newton matrix
:cite:p:`martens2020new`. The Fisher information, and the Gauss-Newton matrix of a convex loss on
the outputs, are never indefinite; the Hessian of a network's loss can be.

:map: 2.4 Curvature
"""

from collections.abc import Callable

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor
from mlmath_ref.calculus.derivatives import gradient, jacobian
from mlmath_ref.sets import Real, Symmetric, checked


@checked
def hessian(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, ""]], x: Real[Tensor, "n"]
) -> Symmetric[Tensor, "n n"]:
    r"""Hessian matrix: how the gradient turns and grows along every direction.

    .. math:: H_{ij} = \frac{\partial^2 f(x)}{\partial x_i \, \partial x_j}

    Symmetric where the second derivatives are continuous; zero everywhere exactly for affine
    functions. Written :math:`H = \nabla^2 f(x)`, it gives :math:`f(x + v) \approx f(x) + \nabla
    f(x)^\top v + \tfrac12 v^\top H v`, and the curvature along a unit vector :math:`v` is
    :math:`v^\top H v`. A point with zero gradient is a strict local minimum if all eigenvalues are
    positive, and undecided if the smallest is zero.

    Args:
        f: :math:`f`, a function of a vector with one number as result, made of PyTorch operations.
        x: :math:`x`, the point.

    Returns:
        :math:`H`, the matrix of second derivatives at :math:`x`.

    Also called:
        Hessian, second-derivative matrix, Jacobian of the gradient.

    Asked as:
        second derivative; second-order derivatives; curvature matrix; Newton matrix; Hessian-vector
        product; HVP; second-order Taylor expansion; nabla squared.

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
        :math:`H v`, ``torch.autograd.functional.hvp``, needs no matrix: it is the gradient of
        :math:`\nabla f(x)^\top v` in :math:`x`, and nearly :math:`(\nabla f(x + h v) - \nabla f(x))
        / h` for a small :math:`h`. Piecewise linear functions have Hessian 0 away from their kinks,
        which hides the kinks.

    Checked against:
        ``torch.func.hessian(f)(x)``, ``torch.func.jacfwd(torch.func.jacfwd(f))(x)``

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


@checked
def gauss_newton_matrix(
    j: Real[Array, "*batch n c p"], h: Symmetric[Array, "*batch n c c"]
) -> Symmetric[Array, "*batch p p"]:
    r"""Gauss-Newton matrix: the curvature of a loss as if the outputs were linear in the weights.

    .. math:: G = \frac{1}{n} \sum_{i=1}^{n} J_i^\top H_i J_i

    The Hessian of a mean loss is :math:`G` plus the curvature of the outputs, weighted by the
    slopes of the loss, for one example :math:`J^\top H J + \sum_c \frac{\partial
    \mathcal{L}}{\partial f_c} \nabla^2 f_c` with the outputs :math:`f_c`; the second part is 0
    where all residuals are. With a loss that is convex in the outputs :math:`G` has no negative
    eigenvalue. Only for half a squared residual :math:`H_i = I`, and :math:`J_i^\top J_i` remains.

    Args:
        j: :math:`J`, for each example the Jacobian :math:`J_i` of its :math:`c` outputs in the
            :math:`p` parameters.
        h: :math:`H`, for each example the Hessian :math:`H_i` of its loss in its outputs.

    Returns:
        :math:`G`, the mean over the examples.

    Also called:
        GGN, generalized Gauss-Newton matrix, generalised Gauss-Newton matrix.

    Asked as:
        J^T J; Gauss-Newton approximation; Levenberg-Marquardt algorithm; nonlinear least squares;
        GPTQ Hessian.

    Role in ML:
        - optimizer -- Full Gauss-Newton: language models of up to 150 million parameters, trained
          with this matrix as preconditioner, take a fraction of the steps that SOAP and Muon need
          :cite:p:`abreu2025potential{abstract}`.
        - compression -- torchao: rounding weights by GPTQ needs it for the squared error of each
          output of a linear layer, where :math:`J_i` holds the inputs of a sequence, a row for each
          token, and :math:`H_i = 2 I`
          :cite:p:`or2025torchao{code: torchao/prototype/gptq/observer.py, lines 67-89}`.
          Witness: ``torchao.prototype.gptq.observer.GPTQObserverTensor``.

    Numerics:
        :math:`p^2` numbers. Products :math:`G v` need none of the matrices: one forward, one
        backward pass. Its rank is at most :math:`n c`, so large networks need damping. The
        condition number of :math:`J^\top J` is the square of that of :math:`J`. For residuals
        :math:`r` the step is :math:`-(J^\top J + \lambda I)^{-1} J^\top r`, of Gauss and Newton at
        :math:`\lambda = 0`, of Levenberg and Marquardt above.

    Checked against:
        ``np.concatenate(j).T @ scipy.linalg.block_diag(*h) @ np.concatenate(j) / len(j)``,
        ``torch.func.hessian(lambda t: sum(z @ m @ z for z, m in zip(j @ t, h)) / 2 / len(j))(0 *
        j[0, 0])``

    Examples:
        By hand, one output with :math:`J = (2, 3)` and :math:`H = 10`:

        >>> import numpy as np
        >>> gauss_newton_matrix(np.asarray([[[2.0, 3.0]]]), np.asarray([[[10.0]]])).tolist()
        [[40.0, 60.0], [60.0, 90.0]]

        Two examples with three outputs and two parameters, as one block-diagonal product has it:

        >>> j = [[[1.5, -0.4], [0.7, 2.2], [-1.1, 0.6]], [[0.3, 0.9], [-2.0, 0.5], [0.1, 1.3]]]
        >>> j = np.asarray(j)
        >>> h = np.asarray([[[2.0, 0.3, -0.5], [0.3, 1.0, 0.2], [-0.5, 0.2, 0.7]], np.eye(3)])
        >>> gauss_newton_matrix(j, h).round(4).tolist()
        [[5.9545, -0.443], [-0.443, 4.201]]

        For the cross-entropy the outputs' Hessian belongs between the Jacobians. With outputs
        linear in the weights the result is then the Hessian; :math:`J^\top J` is far from it, here
        5.8 times as large in norm and of the other sign beside the diagonal:

        >>> import torch
        >>> j = torch.tensor(j[:1], dtype=torch.float32)
        >>> theta = torch.tensor([0.4, -0.7])
        >>> loss = lambda z: torch.logsumexp(z, 0) - z[1]
        >>> inner = hessian(loss, j[0] @ theta)[None]
        >>> gauss_newton_matrix(j, inner), hessian(lambda t: loss(j[0] @ t), theta)
        (tensor([[ 0.7945, -0.3837],
                [-0.3837,  0.6122]]), tensor([[ 0.7945, -0.3837],
                [-0.3837,  0.6122]]))
        >>> j[0].mT @ j[0]
        tensor([[3.9500, 0.2800],
                [0.2800, 5.3600]])

        For :math:`\tfrac12 (x^2 - a)^2` at 1 it is :math:`(2x)^2 = 4`; the Hessian
        :math:`6 x^2 - 2a` is the same only at residual 0, where :math:`a = 1`, and without the half
        both double:

        >>> x, one = torch.tensor([1.0]), torch.ones(1, 1, 1)
        >>> g = gauss_newton_matrix(jacobian(lambda x: x**2, x)[None], one)
        >>> g, [hessian(lambda x: ((x**2 - a) ** 2).sum() / 2, x).item() for a in (1.0, 2.5)]
        (tensor([[4.]]), [4.0, 1.0])
        >>> gauss_newton_matrix(jacobian(lambda x: x**2, x)[None], 2 * one)
        tensor([[8.]])

        The derivative in the outputs' Hessian is the square of the Jacobian:

        >>> inner = torch.tensor([[[10.0]]], requires_grad=True)
        >>> gauss_newton_matrix(torch.tensor([[[2.0]]]), inner).backward()
        >>> inner.grad
        tensor([[[4.]]])
    """
    xp = array_namespace(j, h)
    n, c, p = j.shape[-3:]
    weighted = xp.reshape(h @ j, (*j.shape[:-3], n * c, p))
    return xp.reshape(j, weighted.shape).mT @ (weighted / n)
