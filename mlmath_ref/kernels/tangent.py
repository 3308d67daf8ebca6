r"""Tangent kernels: a network in training, seen as a kernel machine.

A small step of gradient descent moves the output at one input because of the error at another, and
how much is the inner product of the two gradients in the parameters. The table of these inner
products is the neural tangent kernel. For a network of finite width it changes while the network
learns; in the limit of infinite width, with the parametrization of the original work
:cite:p:`jacot2018neural`, it stays as it was at the start, and training is linear in the outputs.

Then everything can be said in advance. Along each eigenvector of the kernel the error decays by
itself, at the speed of its eigenvalue: directions with large eigenvalues are learned first, those
with small ones hardly ever. Trained to the end on the squared loss, such a network predicts what it
predicted at the start plus kernel regression, without a penalty, on the errors of the start: for
outputs that start at 0 this is kernel regression on the targets. Networks of practical width leave this regime and learn
features; what stays useful is the kernel of the moment, as a measure of which examples help which.

:map: 6.10 Kernels
"""

from collections.abc import Callable

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, Tensor, constant
from mlmath_ref.calculus.derivatives import jacobian
from mlmath_ref.kernels.functions import gram_matrix
from mlmath_ref.sets import PSD, Nonneg, Positive, Real, checked


@checked
def neural_tangent_kernel(
    f: Callable[[Real[Tensor, "p"]], Real[Tensor, "n"]], theta: Real[Tensor, "p"]
) -> PSD[Tensor, "n n"]:
    r"""Neural tangent kernel: how much learning one output moves another.

    .. math:: \Theta_{ij} = \sum_{l=1}^{p} \frac{\partial f_i(\theta)}{\partial \theta_l}
       \frac{\partial f_j(\theta)}{\partial \theta_l}

    It is the Gram matrix of the gradients, :math:`J J^\top`, for two inputs :math:`\Theta(x,
    x^{\prime}) = \langle \nabla_\theta f(x), \nabla_\theta f(x^{\prime}) \rangle`. A step of
    gradient descent at the rate :math:`\eta` on a loss of the outputs moves them by
    :math:`-\eta \, \Theta \, \nabla \mathcal{L}`, up to terms of second order. Of a function that
    is linear in :math:`\theta` it is the Gram matrix of the features.

    Args:
        f: :math:`f`, from parameters to the outputs at :math:`n` inputs, made of PyTorch operations.
        theta: :math:`\theta`, the parameters, in one vector.

    Returns:
        :math:`\Theta`, with a row and a column for each output.

    Also called:
        NTK, empirical NTK, eNTK, tangent kernel.

    Asked as:
        gradient similarity; J J^T; gradient kernel; infinite-width limit; kernel of the gradients.

    Role in ML:
        - analysis -- Fine-tuned Pythia and Qwen models: the change of one response's likelihood by a
          step on another example is split into three factors, and the one between the examples is
          this kernel :cite:p:`ren2025learning{code: Joshua-Ren/Learning_dynamics_LLM, README.md,
          About Learning Dynamics; src/config/model}`.
        - similarity -- LESS: training examples for instruction tuning are chosen by the inner product
          of their gradients with those of a target task, projected to few dimensions and adapted to
          Adam :cite:p:`xia2024less{code: less/data_selection/matching.py, function
          calculate_influence_score}`.

    Numerics:
        One pullback per output and :math:`n p` numbers for the gradients. Formed from them, it has
        the square of their condition number, and at most :math:`p` eigenvalues above 0. Kernels
        between training and test inputs are a block of the table over both. The result can be
        differentiated again.

    Checked against:
        ``(lambda j: j @ j.T)(torch.func.jacfwd(f)(theta))``

    Examples:
        By hand, for the outputs :math:`\theta_1 \theta_2` and :math:`\theta_1^2` at :math:`(3, 5)`,
        with the gradients :math:`(5, 3)` and :math:`(6, 0)`:

        >>> import torch
        >>> f = lambda t: torch.stack([t[0] * t[1], t[0] ** 2])
        >>> theta = torch.tensor([3.0, 5.0])
        >>> neural_tangent_kernel(f, theta)
        tensor([[34., 30.],
                [30., 36.]])

        A network with three hidden units at four inputs; one gradient after the other, by
        ``torch.autograd.grad``, gives the same:

        >>> x = torch.tensor([-1.5, -0.2, 0.7, 1.8])
        >>> net = lambda t: torch.tanh(x[:, None] * t[:3] + t[3:6]) @ t[6:]
        >>> theta = torch.tensor([0.7, -1.1, 0.4, 0.2, 0.5, -0.6, 1.3, -0.8, 0.9])
        >>> kernel = neural_tangent_kernel(net, theta)
        >>> kernel
        tensor([[ 3.8695,  2.4318, -0.4529, -2.3135],
                [ 2.4318,  3.0905,  1.7133,  0.0161],
                [-0.4529,  1.7133,  3.3745,  3.0978],
                [-2.3135,  0.0161,  3.0978,  5.3354]])
        >>> leaf = theta.clone().requires_grad_()
        >>> rows = torch.stack([torch.autograd.grad(net(leaf)[i], leaf)[0] for i in range(4)])
        >>> torch.allclose(rows @ rows.T, kernel)
        True

        A small step on the error at the first input moves all outputs by their kernel with it:

        >>> step = 1e-3 * rows[0]
        >>> [round(v, 2) for v in ((net(theta + step) - net(theta)) * 1e3).tolist()]
        [3.87, 2.43, -0.45, -2.31]

        Of a linear function it is the Gram matrix of the features, wherever the parameters are:

        >>> phi = torch.tensor([[0.3, -1.2], [0.8, 1.7], [-0.5, 0.4]])
        >>> neural_tangent_kernel(lambda t: phi @ t, torch.tensor([9.0, -7.0]))
        tensor([[ 1.5300, -1.8000, -0.6300],
                [-1.8000,  3.5300,  0.2800],
                [-0.6300,  0.2800,  0.4100]])

        It changes with the parameters, unless the function is linear in them:

        >>> theta = torch.tensor([3.0, 5.0], requires_grad=True)
        >>> neural_tangent_kernel(f, theta)[0, 1].backward()
        >>> theta.grad
        tensor([10.,  6.])
    """
    return gram_matrix(jacobian(f, theta))


@checked
def ntk_training_dynamics(
    k: PSD[Array, "*batch n n"],
    y: Real[Array, "*batch n"],
    f: Real[Array, "*batch n"],
    *,
    eta: Positive[float, ""],
    t: Nonneg[float, ""],
) -> Real[Array, "*batch n"]:
    r"""NTK training dynamics: where the outputs of a very wide network are after some time.

    .. math:: \hat{y} = y - \sum_{i=1}^{n} e^{-\eta \, \lambda_i(K) \, t} u_i u_i^\top (y - f)

    With :math:`\lambda_i(K)` the eigenvalues, this is :math:`(I - e^{-\eta K t}) \, y + e^{-\eta K
    t} f`. This solves the gradient flow :math:`\mathrm{d} \hat{y} / \mathrm{d} t = \eta K (y -
    \hat{y})` of half the sum of squared errors, with a kernel that does not change. The error along
    the :math:`i`-th eigenvector is down to :math:`1/e` at :math:`t = 1 / (\eta \lambda_i)`, and
    stays forever where :math:`\lambda_i = 0`.

    Args:
        k: :math:`K`, the tangent kernel at the training inputs.
        y: :math:`y`, the targets.
        f: :math:`f`, the outputs at the start.
        eta: :math:`\eta`, the learning rate.
        t: :math:`t`, the time, in steps.

    Returns:
        :math:`\hat{y}`, the outputs at the training inputs at time :math:`t`.

    Where:
        - :math:`u_i`: ``np.linalg.eigh(k)[1][:, ::-1][:, i - 1]``, the eigenvector of
          the :math:`i`-th eigenvalue.

    Also called:
        NTK gradient flow, linearized training dynamics, kernel gradient flow.

    Asked as:
        lazy training; kernel gradient descent; linearized training; spectral bias; frequency
        principle; training speed of eigenmodes; which directions are learned first.

    Role in ML:
        - analysis -- PirateNets: the code can weigh the terms of a physics-informed loss so that the
          mean diagonals of their tangent kernels, on which the speed of each term depends, become
          equal :cite:p:`wang2024piratenets{code: jaxpi/models.py, PINN.compute_weights}`.
        - analysis -- Neural tangent kernel: the decay along its principal components is what the
          authors propose as a reason for early stopping :cite:p:`jacot2018neural{abstract}`.

    Numerics:
        One eigendecomposition serves all times. Steps of size 1 give
        :math:`(1 - \eta \lambda_i)^t` in the place of the exponential: close to it where
        :math:`\eta \lambda_i` is small, divergent from :math:`\eta \lambda_i = 2` on. For the mean of
        the squared errors, :math:`K` is multiplied by :math:`2 / n`; for half that mean, it is
        divided by :math:`n`. Eigenvalues that rounding puts below 0 count as 0. In the basis of the
        eigenvectors, :math:`I - e^{-\eta K t}` is computed for the time :math:`2^{-52} t`, as one
        implicit Euler step, and doubled 52 times by :math:`1 - e^{-2x} = 2 (1 - e^{-x}) - (1 -
        e^{-x})^2`. First and second derivatives are therefore correct also if eigenvalues coincide,
        where those of an eigendecomposition are NaN.

    Checked against:
        ``y - scipy.linalg.expm(-eta * t * k) @ (y - f)``

    Examples:
        By hand: the eigenvectors :math:`(1, 1)` and :math:`(1, -1)` have the eigenvalues 3 and 1. At
        :math:`\eta t = \log 2` the common error of 4 is down to an eighth, the difference of 2 to a
        half:

        >>> import numpy as np
        >>> k, y, f = np.asarray([[2.0, 1.0], [1.0, 2.0]]), np.asarray([6.0, 2.0]), np.zeros(2)
        >>> ntk_training_dynamics(k, y, f, eta=float(np.log(2)), t=1.0).round(4).tolist()
        [4.5, 2.5]

        Three inputs, as ``scipy.linalg.expm`` has them:

        >>> k = np.asarray([[1.9, 0.6, -0.2], [0.6, 1.1, 0.4], [-0.2, 0.4, 0.7]])
        >>> y, f = np.asarray([1.5, -0.4, 0.7]), np.asarray([0.3, 0.2, -0.5])
        >>> ntk_training_dynamics(k, y, f, eta=0.1, t=7.0).round(4).tolist()
        [0.938, 0.3131, -0.2758]

        At the start nothing has moved, at the end the targets are met, and small steps follow the
        curve:

        >>> [ntk_training_dynamics(k, y, f, eta=0.1, t=t).round(4).tolist() for t in (0.0, 1e4)]
        [[0.3, 0.2, -0.5], [1.5, -0.4, 0.7]]
        >>> g = f
        >>> for _ in range(700):
        ...     g = g + 0.001 * k @ (y - g)
        >>> g.round(3).tolist()
        [0.938, 0.313, -0.276]

        The same input twice with two targets: the mean is learned, the difference never is:

        >>> ntk_training_dynamics(np.ones((2, 2)), y[:2], f[:2], eta=0.1, t=1e4).round(4).tolist()
        [0.6, 0.5]

        Gradient flow of the mean of the squared errors, in small steps, is the curve of
        :math:`2 K / n`:

        >>> g = f
        >>> for _ in range(700):
        ...     g = g + 0.001 * (2 / 3) * k @ (y - g)
        >>> g.round(3).tolist()
        [0.81, 0.316, -0.345]
        >>> ntk_training_dynamics(2 * k / 3, y, f, eta=0.1, t=7.0).round(3).tolist()
        [0.81, 0.316, -0.345]

        The gradients with respect to the targets and to a kernel with equal eigenvalues, on whose
        diagonal it is :math:`0.7 e^{-0.7} y_1`:

        >>> import torch
        >>> k, y = torch.eye(2, requires_grad=True), torch.tensor([6.0, 2.0], requires_grad=True)
        >>> ntk_training_dynamics(k, y, torch.zeros(2), eta=0.1, t=7.0)[0].backward()
        >>> y.grad, round(k.grad[0, 0].item(), 3), round(float(0.7 * np.exp(-0.7) * 6.0), 3)
        (tensor([0.5034, 0.0000]), 2.086, 2.086)
    """
    xp = array_namespace(k, y, f)
    eigenvalues, u = (constant(part) for part in xp.linalg.eigh(k))
    eigenvalues = xp.where(eigenvalues > 0, eigenvalues, 0.0)  # below 0 by rounding alone
    eye = xp.eye(k.shape[-1], dtype=k.dtype, device=device(k))
    turned = u.mT @ k @ u
    turned = turned - constant(turned) + eye * eigenvalues[..., None, :]  # exactly diagonal
    step = 2.0**-52 * eta * t * turned
    learned = xp.linalg.solve(eye + step, step)  # 1 - e^{-x} of a small time
    for _ in range(52):
        learned = 2 * learned - learned @ learned  # of twice the time
    return f + (u @ learned @ u.mT @ (y - f)[..., None])[..., 0]
