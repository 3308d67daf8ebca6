r"""Second order: steps that know how the gradient changes.

A gradient says which way is down, and not how far it stays so. Newton's method asks the Hessian
and jumps to where the gradient of the local quadratic is zero. For a network the Hessian has the
square of the number of parameters as entries, and it may be indefinite, so optimizers put
something smaller in its place. SOAP keeps two small matrices of sums of gradient products, as
Shampoo does, and takes from them their eigenvectors only: Adam runs in that basis.

Not everything that is filed here holds second derivatives. Adam itself keeps means of gradients and
of their squares; it has no Hessian. Sharpness-aware minimization takes a second gradient a small
step uphill from the first. Along that step the gradient changes by the Hessian, so that curvature
acts although nobody computes it.

An entry is one step, as among the descents: state goes in and comes out, and a loop over steps is
written by the caller.

:map: 5.1 Optimizers
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.linear_algebra.lengths import unit_vector
from mlmath_ref.optimization.descent import _root
from mlmath_ref.sets import (
    Decay,
    ExtendedNonneg,
    Invertible,
    Natural,
    Nonneg,
    Nonzero,
    Positive,
    Real,
    Symmetric,
    checked,
)


@checked
def newton_step(
    theta: Real[Array, "*batch n"], g: Real[Array, "*batch n"], h: Invertible[Array, "*batch n n"]
) -> Real[Array, "*batch n"]:
    r"""Newton's method: the step to where the gradient of the local quadratic is zero.

    .. math:: \boldsymbol\theta_t = \boldsymbol\theta_{t-1} - H_t^{-1} \, \mathbf{g}_t

    On a quadratic one step reaches the stationary point from anywhere, and near a minimum with a
    positive definite, Lipschitz continuous Hessian the error of each step is of the order of the square of the one
    before, quadratic convergence. Whether that point is a minimum the step does not ask. A linear
    change of the parameters changes nothing: the steps go through the same points.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        h: :math:`H_t`, the Hessian there. With residuals in the place of the gradient and their
            Jacobian here, the step solves equations.

    Returns:
        :math:`\boldsymbol\theta_t`, the parameters after the step.

    Also called:
        Newton-Raphson, Newton step, Newton direction.

    Asked as:
        second-order step; IRLS; root finding; H^-1 g; inverse Hessian times gradient; quadratic
        convergence; damped Newton; Levenberg-Marquardt.

    Role in ML:
        - primitive -- MuJoCo Playground: the simulator that its robot policies are trained in finds
          the accelerations under contact by such steps; it factors the Hessian of a cost by
          Cholesky, and a line search sets the length
          :cite:p:`zakka2025playground{abstract; code: google-deepmind/mujoco,
          mjx/mujoco/mjx/_src/solver.py, _update_gradient}`.
        - primitive -- DEER: the states of a nonlinear recurrent network at all times are unknowns
          of one system of equations, and Newton's method finds them together instead of one after
          the other; ELK damps the step :cite:p:`gonzalez2024towards{abstract}`.

    Numerics:
        A linear system is solved, by ``np.linalg.solve`` or ``torch.linalg.solve`` in
        :math:`\tfrac23 n^3` operations, and no inverse is formed. Where the curvature is negative
        the step goes uphill, to a saddle point or a maximum; far from the minimum it can also
        overshoot without bound, which a line search or a multiple of the identity added to
        :math:`H_t` prevents. A Hessian that is singular up to rounding is refused. For one unknown
        the step is :math:`x_{k+1} = x_k - f'(x_k) / f''(x_k)`, and for a root of :math:`f`, as in
        ``scipy.optimize.newton``, :math:`x_{k+1} = x_k - f(x_k) / f'(x_k)`; the damped step is
        :math:`\boldsymbol\theta_{t-1} - \eta \, (H_t + \lambda I)^{-1} \mathbf{g}_t`.

    Checked against:
        ``scipy.linalg.lstsq(h, h @ theta - g)[0]``

    Examples:
        By hand, for the loss :math:`(w - 3)^2` with slope 14 and curvature 2 at 10:
        :math:`10 - 14 / 2 = 3`, the minimum, in one step:

        >>> import numpy as np
        >>> w, g, h = np.asarray([10.0]), np.asarray([14.0]), np.asarray([[2.0]])
        >>> newton_step(w, g, h).tolist()
        [3.0]

        A quadratic with gradient :math:`A \boldsymbol\theta - b` in three unequal directions; one
        step solves :math:`A \boldsymbol\theta = b`, as ``numpy.linalg.lstsq`` does:

        >>> a = np.asarray([[4.0, 1.2, -0.3], [1.2, 2.5, 0.8], [-0.3, 0.8, 0.9]])
        >>> b, theta = np.asarray([1.0, -2.0, 0.5]), np.asarray([7.0, -3.0, 11.0])
        >>> newton_step(theta, a @ theta - b, a).round(4).tolist()
        [1.1755, -2.3302, 3.0187]
        >>> np.linalg.lstsq(a, b)[0].round(4).tolist()
        [1.1755, -2.3302, 3.0187]

        The minimum of :math:`x - \log x` is 1. Each step squares the error, 0.5 to 0.25, to 0.0625,
        to 0.0039:

        >>> x = np.asarray([0.5])
        >>> for _ in range(3):
        ...     x = newton_step(x, 1 - 1 / x, np.diag(x**-2))
        ...     print(round(float(x[0]), 4))
        0.75
        0.9375
        0.9961

        The function :math:`x_1^2 - x_2^2` has no minimum. From (1, 1) the step goes to the saddle
        point; descent would have left it along the second axis:

        >>> saddle = np.diag([2.0, -2.0])
        >>> newton_step(np.ones(2), saddle @ np.ones(2), saddle).tolist()
        [0.0, 0.0]

        On :math:`\sqrt{1 + x^2}`, whose only minimum is 0, the step is :math:`x \to -x^3`: from 2
        to -8:

        >>> x = np.asarray([2.0])
        >>> newton_step(x, x / np.sqrt(1 + x**2), np.diag((1 + x**2) ** -1.5)).round(4).tolist()
        [-8.0]

        The derivative of the first parameter in the gradient is minus the first row of the inverse,
        here :math:`-(3, -1) / 5`:

        >>> import torch
        >>> g = torch.tensor([1.0, 7.0], requires_grad=True)
        >>> newton_step(torch.zeros(2), g, torch.tensor([[2.0, 1.0], [1.0, 3.0]]))[0].backward()
        >>> g.grad
        tensor([-0.6000,  0.2000])

        A singular Hessian raises ValueError:

        >>> try:
        ...     newton_step(np.ones(2), np.ones(2), np.ones((2, 2)))
        ... except ValueError as error:
        ...     print(str(error).partition(",")[0])
        newton_step: h must hold finite matrices of full rank
    """
    xp = array_namespace(theta, g, h)
    return theta - xp.linalg.solve(h, g[..., None])[..., 0]


@checked
def soap(
    w: Real[Array, "*batch m n"],
    g: Real[Array, "*batch m n"],
    b: Real[Array, "*batch m n"],
    v: ExtendedNonneg[Array, "*batch m n"],
    l: Symmetric[Array, "*batch m m"],  # noqa: E741
    r: Symmetric[Array, "*batch n n"],
    t: Natural[int, ""],
    *,
    eta: Nonneg[float, ""] = 0.003,
    beta1: Decay[float, ""] = 0.95,
    beta2: Decay[float, ""] = 0.95,
    eps: Positive[float, ""] = 1e-8,
) -> tuple[
    Real[Array, "*batch m n"],
    Real[Array, "*batch m n"],
    ExtendedNonneg[Array, "*batch m n"],
    Symmetric[Array, "*batch m m"],
    Symmetric[Array, "*batch n n"],
]:
    r"""SOAP: Adam in the eigenvectors of the gradient's row and column statistics.

    .. math::
        \begin{aligned}
        G' &= Q_L^\top G_t Q_R \\
        B_t &= \beta_1 B_{t-1} + (1 - \beta_1) \, G_t \\
        V_t &= \beta_2 V_{t-1} + (1 - \beta_2) \, G' \odot G' \\
        N_{ij} &= \frac{(Q_L^\top B_t Q_R)_{ij} / (1 - \beta_1^t)}
        {\sqrt{(V_t)_{ij} / (1 - \beta_2^t)} + \epsilon} \\
        W_t &= W_{t-1} - \eta \, Q_L N Q_R^\top \\
        L_t &= \beta_2 L_{t-1} + (1 - \beta_2) \, G_t G_t^\top \\
        R_t &= \beta_2 R_{t-1} + (1 - \beta_2) \, G_t^\top G_t
        \end{aligned}

    In these eigenvectors :math:`N_{ij}` is a step of Adam. Where :math:`L_{t-1}` and
    :math:`R_{t-1}` are diagonal it is Adam, up to the order of the
    coordinates. Rotating the rows or the columns of everything by one orthogonal matrix rotates
    the step along, which Adam's does not.

    Args:
        w: :math:`W_{t-1}`, the weight matrix before the step.
        g: :math:`G_t`, the gradient at :math:`W_{t-1}`.
        b: :math:`B_{t-1}`, the moving mean of the gradients; zeros before the first step.
        v: :math:`V_{t-1}`, the moving mean of their squares in the eigenvectors; zeros before the
            first step.
        l: :math:`L_{t-1}`, the moving mean of :math:`G G^\top`; before the first step that of a
            gradient taken only for this.
        r: :math:`R_{t-1}`, the moving mean of :math:`G^\top G`, started likewise.
        t: :math:`t`, the number of this step; the first is 1.
        eta: :math:`\eta`, the learning rate.
        beta1: :math:`\beta_1`, the decay rate of :math:`B`.
        beta2: :math:`\beta_2`, the decay rate of :math:`V`, :math:`L` and :math:`R`.
        eps: :math:`\epsilon`, added to the root, outside of it.

    Returns:
        :math:`(W_t, B_t, V_t, L_t, R_t)`, the weight matrix and the state for the next step.

    Where:
        - :math:`Q_L`: ``np.linalg.eigh(l)[1][:, ::-1]``, the eigenvectors of :math:`L_{t-1}`.
        - :math:`Q_R`: ``np.linalg.eigh(r)[1][:, ::-1]``, the eigenvectors of :math:`R_{t-1}`.

    Also called:
        eigenbasis Adam, Shampoo with Adam in the preconditioner's eigenbasis.

    Asked as:
        Shampoo; preconditioner; Kronecker preconditioned optimizer; Adam in a rotated basis;
        second-order optimizer for language models.

    Role in ML:
        - optimizer -- SOAP: pre-training of language models of 360M and 660M parameters with large
          batches, where the authors report over 40 percent fewer steps and over 35 percent less
          time than AdamW :cite:p:`vyas2024soap{abstract}`.
        - analysis -- Fantastic optimizers: with all rivals tuned alike, the speed-up of optimizers
          that precondition by matrices shrinks from about 1.4 at 0.1B parameters to 1.1 at 1.2B
          :cite:p:`wen2025fantastic{abstract}`.

    Numerics:
        The signs of eigenvectors cancel; a repeated eigenvalue leaves its eigenvectors open, and
        the step and its gradient with them. An eigendecomposition at every step would dominate the
        cost: the authors' code renews the bases every 10 steps by one power iteration and a QR
        decomposition, spends the first gradient on :math:`L` and :math:`R`, keeps :math:`B` in the
        eigenvectors and decays the weights by :math:`0.01 \eta`
        :cite:p:`vyas2024soap{code: soap.py, lines 108-215}`. The state is two matrices like
        :math:`W` and one square matrix for each side, with the two bases twice that; sides above
        10000 are left alone there. Gradients that are all zero move nothing. If the squares of
        :math:`G'` overflow, :math:`V` is infinite and the weights stay. Shampoo itself keeps
        sums, :math:`L_t = L_{t-1} + G_t G_t^\top`, and steps by :math:`L_t^{-1/4} G_t R_t^{-1/4}`.

    Checked against:
        ``(lambda p, q: (lambda x: (lambda o: (setattr(x, "grad", p.mT @ g @ q),
        o.state[x].update(step=torch.tensor(t - 1.0), exp_avg=p.mT @ b @ q, exp_avg_sq=v.clone()),
        o.step(), (p @ x @ q.mT, p @ o.state[x]["exp_avg"] @ q.mT, o.state[x]["exp_avg_sq"],
        torch.lerp(g @ g.mT, l, beta2), torch.lerp(g.mT @ g, r, beta2)))[-1])(
        torch.optim.Adam([x], lr=eta, betas=(beta1, beta2), eps=eps)))(
        torch.nn.Parameter(p.mT @ w @ q)))(
        torch.linalg.eigh(l)[1].flip(-1), torch.linalg.eigh(r)[1].flip(-1))``

    Examples:
        By hand, a single row: :math:`Q_L` is 1 and :math:`Q_R` has (3, 4)/5 as its first column, so
        :math:`G'` is (5, 0), Adam's first step there is (1, 0), and it turns back to (3, 4)/5. Adam
        itself would step by (1, 1):

        >>> import numpy as np
        >>> g, zero = np.asarray([[3.0, 4.0]]), np.zeros((1, 2))
        >>> w, b, v, l, r = soap(zero, g, zero, zero, g @ g.T, g.T @ g, 1)
        >>> (w / 0.003).round(4).tolist()
        [[-0.6, -0.8]]
        >>> [x.round(4).tolist() for x in (b, v, l, r)]
        [[[0.15, 0.2]], [[1.25, 0.0]], [[25.0]], [[9.0, 12.0], [12.0, 16.0]]]

        The fourth step of a matrix with a history, as ``torch.optim.Adam`` takes it on the rotated
        weights:

        >>> w = np.asarray([[1.5, -0.4, 0.9], [0.3, 2.2, -1.1]])
        >>> g = np.asarray([[0.7, -2.6, 0.2], [1.9, 0.5, 3.1]])
        >>> b = np.asarray([[0.4, -0.6, 1.7], [-0.8, 1.3, 0.5]])
        >>> v = np.asarray([[2.1, 0.8, 1.2], [0.6, 1.4, 0.3]])
        >>> l = np.asarray([[3.0, -0.7], [-0.7, 5.0]])
        >>> r = np.asarray([[2.0, 0.3, -0.5], [0.3, 4.0, 0.8], [-0.5, 0.8, 3.0]])
        >>> state = soap(w, g, b, v, l, r, 4, eta=0.1, beta1=0.9, beta2=0.8, eps=0.03)
        >>> state[0].round(4).tolist()
        [[1.4148, -0.2852, 0.5863], [0.373, 2.0399, -1.2212]]
        >>> for x in state[1:]:
        ...     print(x.round(4).tolist())
        [[0.43, -0.8, 1.55], [-0.53, 1.22, 0.76]]
        [[2.9437, 0.7649, 2.0791], [0.9228, 1.3685, 1.193]]
        [[3.858, -0.43], [-0.43, 6.694]]
        [[2.42, 0.066, 0.806], [0.066, 4.602, 0.846], [0.806, 0.846, 4.33]]

        With diagonal statistics it is Adam:

        >>> from mlmath_ref.optimization.descent import adamw
        >>> step = soap(w, g, b, v, np.diag([2.0, 1.0]), np.diag([3.0, 2.0, 1.0]), 4)[0]
        >>> adam = adamw(w, g, b, v, 4, eta=0.003, beta1=0.95, beta2=0.95, weight_decay=0.0)[0]
        >>> bool(np.abs(step - adam).max() < 1e-12)
        True

        Rotated rows give a rotated step:

        >>> q = np.asarray([[0.6, -0.8], [0.8, 0.6]])
        >>> turned = soap(q @ w, q @ g, q @ b, v, q @ l @ q.T, r, 4, eta=0.1)[0]
        >>> bool(np.abs(turned - q @ soap(w, g, b, v, l, r, 4, eta=0.1)[0]).max() < 1e-12)
        True

        A gradient ten times as large makes the same first step, so the slope along it is 0:

        >>> import torch
        >>> x = torch.tensor(g, requires_grad=True)
        >>> none, left, right = torch.zeros(2, 3), torch.tensor(l), torch.tensor(r)
        >>> soap(none, x, none, none, left, right, 1)[0].square().sum().backward()
        >>> (x.grad * x).sum().abs().item() < 1e-9
        True

        Gradients that are all zero move nothing:

        >>> soap(torch.ones(1, 2), none[:1, :2], none[:1, :2], none[:1, :2], torch.ones(1, 1),
        ...      torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 1)[0]
        tensor([[1., 1.]])

        Nor do gradients whose squares overflow:

        >>> state = soap(torch.ones(1, 2), torch.tensor([[1e22, 2e22]]), none[:1, :2], none[:1, :2],
        ...              torch.ones(1, 1), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 1)
        >>> state[0], state[2]
        (tensor([[1., 1.]]), tensor([[inf, inf]]))
    """
    xp = array_namespace(w, g, b, v, l, r)
    q_l, q_r = xp.linalg.eigh(-l)[1], xp.linalg.eigh(-r)[1]  # eigh sorts upwards
    rotated = q_l.mT @ g @ q_r
    b = beta1 * b + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * rotated * rotated
    denom = _root(v / (1 - beta2**t)) + eps
    step = (q_l.mT @ b @ q_r) / (1 - beta1**t) / denom
    l = beta2 * l + (1 - beta2) * (g @ g.mT)  # noqa: E741
    r = beta2 * r + (1 - beta2) * (g.mT @ g)
    return w - eta * (q_l @ step @ q_r.mT), b, v, l, r


@checked
def sam_perturbation(
    g: Nonzero[Array, "*batch n"], *, rho: Positive[float, ""] = 0.05
) -> Nonzero[Array, "*batch n"]:
    r"""Sharpness-aware minimization: the short step along which the loss rises most.

    .. math:: \boldsymbol\epsilon = \rho \, \frac{\mathbf{g}}{\lVert \mathbf{g} \rVert_2}

    The aim is :math:`\min_{\boldsymbol\theta} \max_{\lVert \boldsymbol\epsilon \rVert_2 \leq \rho}
    \mathcal{L}(\boldsymbol\theta + \boldsymbol\epsilon)`, and of all steps no longer than
    :math:`\rho` this one has the largest product with the gradient. The optimizer then takes the
    gradient at :math:`\boldsymbol\theta + \boldsymbol\epsilon` and moves :math:`\boldsymbol\theta`
    by that one, :math:`\boldsymbol\theta - \eta \nabla \mathcal{L}(\boldsymbol\theta +
    \boldsymbol\epsilon)`. A longer gradient changes nothing, only its direction counts.

    Args:
        g: :math:`\mathbf{g}`, the gradient at :math:`\boldsymbol\theta`, of all parameters as one
            vector.
        rho: :math:`\rho`, the radius of the ball in which the loss is to stay low.

    Returns:
        :math:`\boldsymbol\epsilon`, the perturbation, to be added to the parameters.

    Also called:
        SAM, SAM optimizer, sharpness-aware minimisation, ascent step of SAM.

    Asked as:
        adversarial weight perturbation; worst-case perturbation; flat minima; sharp minima
        generalize worse; fast gradient method; FGSM; rho g / ||g||.

    Role in ML:
        - regularizer -- SAM for unlearning: a language model forgets at weights moved uphill on the
          loss of forgetting, so that a little fine-tuning does not bring the forgotten back; the
          released code takes :math:`\rho = 0.01`
          :cite:p:`fan2025towards{code: OPTML-Group/Unlearn-Smooth,
          MUSE/baselines/baselines/sam_iterative.py, lines 98 and 152-171}`.
        - regularizer -- Sharpness-aware minimization: stands for the inner maximum in a training
          that minimizes the largest loss within the ball; no Hessian and no spectrum is formed
          :cite:p:`foret2021sharpness{eqs. (1)-(2)}`.

    Numerics:
        A step costs two gradients. The gradient is divided by its largest entry first, so that no
        square overflows or vanishes. A gradient of zero has no direction and is refused;
        implementations add 1e-12 to the norm, which makes it a step of zero. Whether flat minima
        generalize better is disputed: a rescaling of the layers that leaves the network as it is
        changes how flat a minimum looks. With a bound on every component in the place of the length
        the step is :math:`\rho \operatorname{sign}(\mathbf{g})`: taken on an input :math:`x` it
        gives the adversarial example :math:`x + \rho \operatorname{sign}(\nabla_x \mathcal{L})` of
        the fast gradient sign method (FGSM).

    Checked against:
        ``rho * torch.nn.functional.normalize(g, dim=-1, eps=0.0)``

    Examples:
        By hand, (3, 4) has the length 5:

        >>> import numpy as np
        >>> sam_perturbation(np.asarray([3.0, 4.0])).round(4).tolist()
        [0.03, 0.04]

        A parameter without slope stays where it is, and one whose slope is negative goes down:

        >>> sam_perturbation(np.asarray([-3.0, 0.0, -4.0])).round(4).tolist()
        [-0.03, 0.0, -0.04]

        Two gradients of three parameters, as ``torch.nn.functional.normalize`` has their
        directions:

        >>> g = np.asarray([[0.7, -1.3, 2.1], [-2.9, -1.3, 0.4]])
        >>> sam_perturbation(g, rho=0.3).round(4).tolist()
        [[0.0818, -0.1519, 0.2454], [-0.2716, -0.1218, 0.0375]]

        The gradient changes along the step by :math:`\rho H \mathbf{g} / \lVert \mathbf{g}
        \rVert_2`, here exactly, and mostly where the loss :math:`\tfrac12 (10 x_1^2 + x_2^2)` is
        steep. That is how a method without second derivatives feels curvature:

        >>> h, theta = np.diag([10.0, 1.0]), np.asarray([0.3, 4.0])
        >>> (h @ theta).tolist(), (h @ (theta + sam_perturbation(h @ theta))).round(4).tolist()
        ([3.0, 4.0], [3.3, 4.04])

        The loss on the ball is largest there, to first order: the step gains
        :math:`\rho \lVert \mathbf{g} \rVert_2`, and no other of its length gains more:

        >>> other = 0.05 * np.stack([np.cos(np.arange(9.0)), np.sin(np.arange(9.0))], axis=-1)
        >>> gains = other @ np.asarray([3.0, 4.0])
        >>> gain = sam_perturbation(np.asarray([3.0, 4.0])) @ np.asarray([3.0, 4.0])
        >>> round(float(gain), 4), round(float(gains.max()), 4)
        (0.25, 0.2493)

        Only the direction counts, so the slope along the gradient is 0:

        >>> import torch
        >>> g = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> sam_perturbation(g, rho=1.0)[0].backward()
        >>> g.grad
        tensor([ 0.1280, -0.0960])

        Lengths whose squares do not fit into a float do no harm:

        >>> sam_perturbation(torch.tensor([[3e30, 4e30], [3e-30, 4e-30]]))
        tensor([[0.0300, 0.0400],
                [0.0300, 0.0400]])

        A gradient of zero raises ValueError:

        >>> try:
        ...     sam_perturbation(np.zeros(2))
        ... except ValueError as error:
        ...     print(str(error).partition(",")[0])
        sam_perturbation: g must hold finite real vectors with a length above zero
    """
    _, direction = unit_vector(g)
    return rho * direction
