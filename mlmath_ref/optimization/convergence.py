r"""Convergence: at which rate do steps arrive, and where if they may not go everywhere?

Near a minimum whose Hessian is nonsingular a smooth loss is approximately a quadratic, and on a
quadratic gradient descent is a linear map: along the eigenvector with eigenvalue :math:`\lambda_i` of the Hessian, the distance to the minimum
is multiplied by :math:`1 - \eta \lambda_i` at every step. The largest of these factors in size
decides. It makes the steepest direction the one that limits the rate, and the flattest the one
that is waited for, and their ratio, the condition number, the measure of how hard the loss is.

Where the parameters have to stay in a set, each step is followed by the way back to the nearest
point of it. For a convex set this never lengthens the distance between two points, so that the
factor still bounds the approach. Such a method stops where the gradient vanishes or where its
negative points straight out of the set. For a box the nearest point is a clip of each coordinate,
for a sphere a division by the length; the ball below does nothing inside and the same as the sphere
outside.

:map: 5.1 Optimizers
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.optimization.clipping import clip_grad_norm
from mlmath_ref.optimization.descent import gradient_descent
from mlmath_ref.sets import Nonneg, Positive, Real, checked


@checked
def gd_contraction_factor(
    lam: Real[Array, "*batch n"], *, eta: Nonneg[float, ""]
) -> Nonneg[Array, "*batch"]:
    r"""Contraction factor of gradient descent: what one step leaves of the distance, at worst.

    .. math:: \rho = \max_i |1 - \eta \lambda_i|

    On a quadratic with these curvatures the distance to the minimum :math:`\boldsymbol\theta^\star`
    shrinks at least by :math:`\rho` a step, :math:`\lVert \boldsymbol\theta_t -
    \boldsymbol\theta^\star \rVert_2 \leq \rho^t \lVert \boldsymbol\theta_0 -
    \boldsymbol\theta^\star \rVert_2`. For positive :math:`\lambda_i` the factor is below 1 exactly
    when :math:`0 < \eta < 2 / \lambda_{\max}`. The best rate is
    :math:`2 / (\lambda_{\max} + \lambda_{\min})`, with :math:`\rho = (\kappa - 1) / (\kappa + 1)`
    at the condition number :math:`\kappa = \lambda_{\max} / \lambda_{\min}`.

    Args:
        lam: :math:`\lambda`, the eigenvalues of the Hessian, in any order.
        eta: :math:`\eta`, the learning rate.

    Returns:
        :math:`\rho`, the factor; the steps converge from everywhere when it is below 1.

    Also called:
        convergence rate of gradient descent, linear convergence rate, spectral radius of the
        iteration.

    Asked as:
        stability of gradient descent; maximal learning rate; maximum stable learning rate; 2 over
        lambda max; edge of stability; optimal step size for a quadratic; learning rate too high;
        why does gradient descent diverge or oscillate; condition number and convergence.

    Role in ML:
        - analysis -- OLMo 2: the largest eigenvalue, which decides at which rate a step stays
          stable, is followed through a proxy up to 7B parameters; it rises to the edge of
          stability, as in small networks :cite:p:`kalra2026scalable{abstract}`.
        - analysis -- Edge of stochastic stability: with large batches and momentum :math:`\beta`
          the curvature settles where this factor would be 1 for the heavy ball, at
          :math:`2 (1 + \beta) / \eta`; with small ones lower
          :cite:p:`andreyev2026momentum{abstract}`.

    Numerics:
        At the best rate the steepest and the flattest direction tie, and PyTorch gives each half of
        the slope. An eigenvalue of 0 gives :math:`\rho = 1`: along it nothing moves, and nothing
        needs to. A negative one gives :math:`\rho > 1` at every positive rate: gradient descent
        leaves a saddle point. The factor is of the worst start; along one eigenvector the distance
        shrinks by its own. It equals :math:`\max(|1 - \eta \lambda_{\max}|, |1 - \eta
        \lambda_{\min}|)`, the spectral norm of :math:`I - \eta H` for the Hessian :math:`H`. Above
        1 the learning rate is too high, and the loss oscillates and diverges; just below 1 training
        is slow.

    Checked against:
        ``np.linalg.norm(np.eye(lam.size) - eta * np.diag(lam), 2)``

    Examples:
        By hand, for the curvatures 1 and 4: :math:`|1 - 0.3| = 0.7` and
        :math:`|1 - 1.2| = 0.2`:

        >>> import numpy as np
        >>> round(float(gd_contraction_factor(np.asarray([1.0, 4.0]), eta=0.3)), 4)
        0.7

        The best rate is :math:`2 / 5`, with :math:`\rho = 3 / 5`; at :math:`2 / 4` the steps do
        not shrink any more, and above it they grow:

        >>> lam = np.asarray([1.0, 4.0])
        >>> [round(float(gd_contraction_factor(lam, eta=eta)), 4) for eta in (0.4, 0.5, 0.55)]
        [0.6, 1.0, 1.2]

        A matrix, and the distance that 40 steps of ``torch.optim.SGD`` leave, from one to the next:

        >>> import torch
        >>> a = torch.tensor([[2.3, -0.8, 0.4], [-0.8, 1.1, 0.3], [0.4, 0.3, 3.7]])
        >>> a = a.double()
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5]).double())
        >>> optimizer, lengths = torch.optim.SGD([p], lr=0.41), []
        >>> for _ in range(40):
        ...     p.grad = (a @ p).detach()
        ...     optimizer.step()
        ...     lengths.append(p.norm().item())
        >>> round(lengths[-1] / lengths[-2], 4)
        0.74
        >>> round(float(gd_contraction_factor(torch.linalg.eigvalsh(a), eta=0.41)), 4)
        0.74

        The slope is that of the worst direction, :math:`-\eta` while it is too slow and
        :math:`\eta` while it overshoots; at the best rate both count half:

        >>> lam = torch.tensor([1.0, 4.0], requires_grad=True)
        >>> for eta in (0.25, 0.5, 0.4):
        ...     print(torch.autograd.grad(gd_contraction_factor(lam, eta=eta), lam)[0])
        tensor([-0.2500, -0.0000])
        tensor([-0.0000, 0.5000])
        tensor([-0.2000,  0.2000])

        Two spectra at once: one with a flat direction, one of a saddle point:

        >>> gd_contraction_factor(np.asarray([[2.0, 0.0], [2.0, -1.0]]), eta=0.1).tolist()
        [1.0, 1.1]
    """
    xp = array_namespace(lam)
    return xp.max(xp.abs(1 - eta * lam), axis=-1)


@checked
def projected_gradient_descent(
    theta: Real[Array, "*batch d"],
    g: Real[Array, "*batch d"],
    c: Real[Array, "*batch d"],
    *,
    eta: Nonneg[float, ""],
    r: Positive[float, ""],
) -> Real[Array, "*batch d"]:
    r"""Projected gradient descent: a step, and then the way back to the nearest point allowed.

    .. math::
        \mathbf{u} = \boldsymbol\theta_{t-1} - \eta \, \mathbf{g}_t, \quad
        \boldsymbol\theta_t = \mathbf{c}
        + \frac{r}{\max(r, \lVert \mathbf{u} - \mathbf{c} \rVert_2)} \, (\mathbf{u} - \mathbf{c})

    For any convex set :math:`\mathcal{C}` it is :math:`\boldsymbol\theta_t =
    \Pi_{\mathcal{C}}(\boldsymbol\theta_{t-1} - \eta \, \mathbf{g}_t)`, with the nearest point
    :math:`\Pi_{\mathcal{C}}(\mathbf{u}) = \arg\min_{\mathbf{z} \in \mathcal{C}} \lVert \mathbf{z} -
    \mathbf{u} \rVert_2`; here the set is the ball of radius :math:`r` about :math:`\mathbf{c}`, and
    a step that stays inside is taken whole. It stands still exactly where the gradient is zero, or
    where the point is on the boundary and the gradient points straight to the center: the
    conditions of Karush, Kuhn and Tucker.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the point before the step.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        c: :math:`\mathbf{c}`, the center of the ball.
        eta: :math:`\eta`, the learning rate.
        r: :math:`r`, the radius of the ball.

    Returns:
        :math:`\boldsymbol\theta_t`, the point after the step, at most :math:`r` from the center.

    Also called:
        PGD, gradient projection, projected gradient method.

    Asked as:
        PGD attack; constrained optimization; projection onto the ball; norm constraint; proximal
        gradient of an indicator; gradient descent with a constraint; adversarial attack; max norm
        constraint.

    Role in ML:
        - constraint -- Latent adversarial training: the perturbation that is added to the
          activations of a language model grows by steps of AdamW, and after each of them it is
          brought back into a ball about 0
          :cite:p:`sheshadri2024latent{code: latent_at/lat_methods.py, lines 116-147},
          sheshadri2024latent{code: latent_at/laa/attacks.py, lines 69-74}`.
        - contrast -- nGPT: after each step of the optimizer, the rows or columns of the weight
          matrices are set back to length 1; the set is the sphere, not the ball
          :cite:p:`loshchilov2024ngpt{code: NVIDIA/ngpt, train.py, lines 388-411 and 499-500}`.

    Numerics:
        Inside the ball the result is that of gradient descent up to the rounding of
        :math:`\mathbf{c} + (\mathbf{u} - \mathbf{c})`, and a step to the center itself divides
        nothing by 0. Where the projection acts, the slope along :math:`\mathbf{u} - \mathbf{c}` is
        0. A maximum is sought by the same steps along :math:`-\mathbf{g}_t`, which is how an attack
        raises a loss to find adversarial examples; for a bound on every coordinate it steps by the
        sign, :math:`x_{t+1} = \Pi_{\mathcal{C}}(x_t + \eta \operatorname{sign}(\nabla_x
        \mathcal{L}))` for an input :math:`x`, and clips.

    Checked against:
        ``(lambda x: torch.where(torch.sqrt(torch.dot(x, x)) > r,
        c + r * torch.nn.functional.normalize(x, dim=0), c + x))(theta - eta * g - c)``

    Examples:
        By hand: the step from :math:`(1, 0)` arrives at :math:`(3, 4)`, which has length 5, and is
        brought back to length 2; in a ball of radius 6 it stays:

        >>> import numpy as np
        >>> theta, g, c = np.asarray([1.0, 0.0]), np.asarray([-4.0, -8.0]), np.zeros(2)
        >>> for r in (2.0, 6.0):
        ...     projected_gradient_descent(theta, g, c, eta=0.5, r=r).round(4).tolist()
        [1.2, 1.6]
        [3.0, 4.0]

        Two points and two balls; the first step is cut, as ``torch.nn.functional.normalize`` cuts
        it, the second is not:

        >>> theta = np.asarray([[1.5, -2.3, 0.7], [0.2, 0.4, -0.3]])
        >>> g = np.asarray([[0.4, -1.2, 2.5], [-0.7, 0.1, 0.6]])
        >>> c = np.asarray([[0.9, -1.4, -0.2], [0.3, 0.5, -0.2]])
        >>> projected_gradient_descent(theta, g, c, eta=0.3, r=0.5).round(4).tolist()
        [[1.2252, -1.7659, -0.0984], [0.41, 0.37, -0.48]]

        Steps on a quadratic arrive at the minimum within the ball that ``scipy.optimize`` finds,
        where the gradient is a negative multiple of the point:

        >>> import scipy.optimize
        >>> a, b = np.asarray([[2.3, -0.8], [-0.8, 1.1]]), np.asarray([3.0, 1.5])
        >>> theta, c = np.zeros(2), np.zeros(2)
        >>> for _ in range(60):
        ...     theta = projected_gradient_descent(theta, a @ theta - b, c, eta=0.5, r=1.2)
        >>> inside = {"type": "ineq", "fun": lambda x: 1.2**2 - x @ x}
        >>> found = scipy.optimize.minimize(
        ...     lambda x: x @ a @ x / 2 - b @ x, c, jac=lambda x: a @ x - b, constraints=inside)
        >>> theta.round(4).tolist(), found.x.round(4).tolist()
        ([0.904, 0.7892], [0.904, 0.7892])
        >>> ((a @ theta - b) / theta).round(4).tolist()
        [-1.7171, -1.7171]

        Slopes: where the step is cut, only what moves :math:`\mathbf{u}` sideways counts:

        >>> import torch
        >>> theta = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> zero = torch.zeros(2)
        >>> projected_gradient_descent(theta, zero, zero, eta=0.5, r=1.0)[0].backward()
        >>> theta.grad
        tensor([ 0.1280, -0.0960])

        A step to the center itself is taken:

        >>> projected_gradient_descent(torch.ones(2), torch.ones(2), zero, eta=1.0, r=0.5)
        tensor([0., 0.])
    """
    move = gradient_descent(theta, g, eta=eta) - c
    return c + clip_grad_norm(move, r)
