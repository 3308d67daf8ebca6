r"""Momentum and adaptive rates: what is an optimizer to remember of past gradients?

Two things can be remembered of past gradients. Their sum, with older ones fading, is a velocity: it
grows where gradients agree and cancels where they change sign. The mean of their squares is a
scale: divided by its root, the gradient of every coordinate has about the same size. Heavy-ball and
Nesterov momentum use the first, RMSprop the second, Adam both. Language models are trained with
AdamW, which adds weight decay :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.

The velocity here is :math:`\mathbf{v}_t = \beta \mathbf{v}_{t-1} + \mathbf{g}_t`, as in PyTorch;
Adam's first moment is a moving mean. An entry is one step: state goes in and comes out.

:map: 5.1 Optimizers
"""

from mlmath_ref.arrays import Array
from mlmath_ref.optimization.descent import _root, adamw
from mlmath_ref.sets import Decay, ExtendedNonneg, Natural, Nonneg, Positive, Real, checked


@checked
def sgd_momentum(
    theta: Real[Array, "*batch"],
    g: Real[Array, "*batch"],
    v: Real[Array, "*batch"],
    *,
    eta: Nonneg[float, ""],
    beta: Decay[float, ""] = 0.9,
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""Heavy-ball momentum: a step along the fading sum of all gradients so far.

    .. math::
        \begin{aligned}
        \mathbf{v}_t &= \beta \mathbf{v}_{t-1} + \mathbf{g}_t \\
        \boldsymbol\theta_t &= \boldsymbol\theta_{t-1} - \eta \, \mathbf{v}_t
        \end{aligned}

    Under a constant gradient the velocity tends to :math:`\mathbf{g} / (1 - \beta)`, tenfold at
    :math:`\beta = 0.9`; gradients that alternate in sign, the zigzag in a narrow valley, are damped
    to about half. At a constant rate it is :math:`\boldsymbol\theta_t = \boldsymbol\theta_{t-1} -
    \eta \, \mathbf{g}_t + \beta (\boldsymbol\theta_{t-1} - \boldsymbol\theta_{t-2})`, and with
    :math:`\beta = 0` gradient descent.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        v: :math:`\mathbf{v}_{t-1}`, the velocity; zeros before the first step.
        eta: :math:`\eta`, the learning rate.
        beta: :math:`\beta`, the momentum, the share of the velocity that is kept.

    Returns:
        :math:`(\boldsymbol\theta_t, \mathbf{v}_t)`, the parameters and the velocity after the step.

    Also called:
        momentum, SGD with momentum, Polyak momentum, heavy ball method, classical momentum.

    Asked as:
        momentum buffer; velocity; zigzag in a narrow valley; momentum 0.9; effective learning rate
        1/(1-beta); dampening.

    Role in ML:
        - optimizer -- DINOv3: trains the linear classifiers that its frozen features are graded
          with, at :math:`\beta = 0.9` and without weight decay
          :cite:p:`simeoni2025dinov3{code: dinov3/eval/linear.py, line 62}`.
        - optimizer -- ResNet: supervised training on ImageNet at :math:`\beta = 0.9`
          :cite:p:`he2016deep{sec. 3.4}`.

    Numerics:
        Three conventions share the name and agree, up to a factor in the rate, while the rate is
        constant: the rate outside of the velocity as here and in ``torch.optim.SGD``, the rate
        inside, :math:`\mathbf{v}_t = \beta \mathbf{v}_{t-1} - \eta \mathbf{g}_t` with
        :math:`\boldsymbol\theta_t = \boldsymbol\theta_{t-1} + \mathbf{v}_t`, and the moving mean
        :math:`\beta \mathbf{v}_{t-1} + (1 - \beta) \mathbf{g}_t`. Under a schedule they part: with
        the rate inside, a drop of the rate takes about :math:`1 / (1 - \beta)` steps to be felt.

    Checked against:
        ``(lambda p: (lambda o: (setattr(p, "grad", g), o.state[p].update(
        momentum_buffer=v.clone()), o.step(), (p, o.state[p]["momentum_buffer"]))[-1])(
        torch.optim.SGD([p], lr=eta, momentum=max(beta, 1e-300))))(
        torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand: the velocity is :math:`0.9 \cdot 3 + 2 = 4.7`, and the step ends at
        :math:`1 - 0.1 \cdot 4.7`:

        >>> import numpy as np
        >>> step = sgd_momentum(np.asarray(1.0), np.asarray(2.0), np.asarray(3.0), eta=0.1)
        >>> [round(float(x), 4) for x in step]
        [0.53, 4.7]

        Three unequal parameters, as ``torch.optim.SGD`` moves them:

        >>> theta, g = np.asarray([1.5, -2.3, 0.7]), np.asarray([0.4, -1.2, 2.5])
        >>> v = np.asarray([-0.6, 1.9, 3.1])
        >>> step = sgd_momentum(theta, g, v, eta=0.3, beta=0.7)
        >>> [x.round(4).tolist() for x in step]
        [[1.506, -2.339, -0.701], [-0.02, 0.13, 4.67]]

        A constant gradient of 1 drives the velocity toward 10; one that alternates, to about
        :math:`1 / 1.9`:

        >>> def velocity(gradients):
        ...     v = np.asarray(0.0)
        ...     for g in gradients:
        ...         v = sgd_momentum(v, np.asarray(g), v, eta=1.0)[1]
        ...     return round(float(v), 4)
        >>> velocity([1.0] * 2), velocity([1.0] * 50), velocity([1.0, -1.0] * 50)
        (1.9, 9.9485, -0.5263)

        On :math:`\theta^2 / 2` from 5, with the rate 0.1 for two steps and 0.01 for three; then
        with the rate inside of the velocity, and with a moving mean:

        >>> rates, theta, v = [0.1, 0.1, 0.01, 0.01, 0.01], np.asarray(5.0), np.asarray(0.0)
        >>> for eta in rates:
        ...     theta, v = sgd_momentum(theta, theta, v, eta=eta)
        >>> inside, u, mean, m = 5.0, 0.0, 5.0, 0.0
        >>> for eta in rates:
        ...     u, m = 0.9 * u + eta * inside, 0.9 * m + 0.1 * mean
        ...     inside, mean = inside - u, mean - eta * m
        >>> [round(float(x), 4) for x in (theta, inside, mean)]
        [3.1833, 1.2354, 4.8053]

        Slopes in the gradient and in the velocity, :math:`-\eta` and :math:`-\eta \beta`:

        >>> import torch
        >>> g, v = (torch.tensor(x, requires_grad=True) for x in (2.0, 3.0))
        >>> sgd_momentum(torch.tensor(1.0), g, v, eta=0.1)[0].backward()
        >>> g.grad, v.grad
        (tensor(-0.1000), tensor(-0.0900))
    """
    v = beta * v + g
    return theta - eta * v, v


@checked
def nesterov_momentum(
    theta: Real[Array, "*batch"],
    g: Real[Array, "*batch"],
    v: Real[Array, "*batch"],
    *,
    eta: Nonneg[float, ""],
    beta: Decay[float, ""] = 0.9,
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""Nesterov momentum: a step along the velocity that the next gradient would find.

    .. math::
        \begin{aligned}
        \mathbf{v}_t &= \beta \mathbf{v}_{t-1} + \mathbf{g}_t \\
        \boldsymbol\theta_t &= \boldsymbol\theta_{t-1} - \eta \left( \mathbf{g}_t
        + \beta \mathbf{v}_t \right)
        \end{aligned}

    The heavy ball would step along :math:`\mathbf{v}_t`; this is :math:`\beta \mathbf{v}_t` with
    the newest gradient counted once more. With :math:`\beta = 0` both are gradient descent.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step, looked ahead.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        v: :math:`\mathbf{v}_{t-1}`, the velocity; zeros before the first step.
        eta: :math:`\eta`, the learning rate.
        beta: :math:`\beta`, the momentum.

    Returns:
        :math:`(\boldsymbol\theta_t, \mathbf{v}_t)`, the parameters and the velocity after the step.

    Also called:
        NAG, Nesterov accelerated gradient, accelerated gradient descent, look-ahead momentum.

    Asked as:
        nesterov=True; gradient at the look-ahead point; outer optimizer of DiLoCo; momentum that
        corrects itself.

    Role in ML:
        - optimizer -- INTELLECT-1: the outer optimizer of DiLoCo, at :math:`\beta = 0.9`; its
          gradient is how far the weights moved during the inner steps, averaged over the
          machines :cite:p:`jaghouar2024intellect{code: PrimeIntellect-ai/prime at e035922,
          src/zeroband/diloco.py, class Diloco}`.

    Numerics:
        The form of ``torch.optim.SGD``. Textbooks take the gradient ahead, :math:`\mathbf{v}_t =
        \beta \mathbf{v}_{t-1} - \eta \nabla \mathcal{L}(\boldsymbol\theta_{t-1} + \beta
        \mathbf{v}_{t-1})` and :math:`\boldsymbol\theta_t = \boldsymbol\theta_{t-1} + \mathbf{v}_t`;
        the parameters here are those after looking ahead, the same sequence at a constant rate.

    Checked against:
        ``(lambda p: (lambda o: (setattr(p, "grad", g), o.state[p].update(
        momentum_buffer=v.clone()), o.step(), (p, o.state[p]["momentum_buffer"]))[-1])(
        torch.optim.SGD([p], lr=eta, momentum=max(beta, 1e-300), nesterov=True)))(
        torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand: the velocity is :math:`0.9 \cdot 3 + 2 = 4.7`, and the step ends at
        :math:`1 - 0.1 (2 + 0.9 \cdot 4.7)`:

        >>> import numpy as np
        >>> step = nesterov_momentum(np.asarray(1.0), np.asarray(2.0), np.asarray(3.0), eta=0.1)
        >>> [round(float(x), 4) for x in step]
        [0.377, 4.7]

        Three unequal parameters, as ``torch.optim.SGD`` moves them with ``nesterov=True``:

        >>> theta, g = np.asarray([1.5, -2.3, 0.7]), np.asarray([0.4, -1.2, 2.5])
        >>> v = np.asarray([-0.6, 1.9, 3.1])
        >>> step = nesterov_momentum(theta, g, v, eta=0.3, beta=0.7)
        >>> [x.round(4).tolist() for x in step]
        [[1.3842, -1.9673, -1.0307], [-0.02, 0.13, 4.67]]

        With :math:`x` and :math:`u` as the textbook has them, on :math:`x^2` from 4, the parameters
        here are :math:`x + \beta u`:

        >>> theta, v, x, u = np.asarray(4.0), np.asarray(0.0), 4.0, 0.0
        >>> for _ in range(3):
        ...     theta, v = nesterov_momentum(theta, 2 * theta, v, eta=0.1)
        ...     u = 0.9 * u - 0.1 * 2 * (x + 0.9 * u)
        ...     x = x + u
        >>> round(float(theta), 4), round(x + 0.9 * u, 4)
        (-0.4334, -0.4334)

        Its slope in the gradient, :math:`-\eta (1 + \beta)`:

        >>> import torch
        >>> g = torch.tensor(2.0, requires_grad=True)
        >>> nesterov_momentum(torch.tensor(1.0), g, torch.tensor(3.0), eta=0.1)[0].backward()
        >>> g.grad
        tensor(-0.1900)
    """
    v = beta * v + g
    return theta - eta * (g + beta * v), v


@checked
def rmsprop(
    theta: Real[Array, "*batch"],
    g: Real[Array, "*batch"],
    s: ExtendedNonneg[Array, "*batch"],
    *,
    eta: Nonneg[float, ""],
    rho: Decay[float, ""] = 0.9,
    eps: Positive[float, ""] = 1e-8,
) -> tuple[Real[Array, "*batch"], ExtendedNonneg[Array, "*batch"]]:
    r"""RMSprop: the gradient in units of its own recent size, coordinate by coordinate.

    .. math::
        \begin{aligned}
        \mathbf{s}_t &= \rho \, \mathbf{s}_{t-1} + (1 - \rho) \, \mathbf{g}_t \odot \mathbf{g}_t \\
        \boldsymbol\theta_t &= \boldsymbol\theta_{t-1}
        - \eta \, \frac{\mathbf{g}_t}{\sqrt{\mathbf{s}_t} + \epsilon}
        \end{aligned}

    Quotients and roots are element by element. No coordinate moves farther than
    :math:`\eta / \sqrt{1 - \rho}`, and one whose gradient is constant moves :math:`\eta` a step in
    the long run. Scaling all gradients by one positive number changes the steps only through
    :math:`\epsilon`.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        s: :math:`\mathbf{s}_{t-1}`, the moving mean of the squared gradients; zeros at first.
        eta: :math:`\eta`, the learning rate.
        rho: :math:`\rho`, the decay rate of :math:`\mathbf{s}`.
        eps: :math:`\epsilon`, added to the root, outside of it.

    Returns:
        :math:`(\boldsymbol\theta_t, \mathbf{s}_t)`, the parameters and the state for the next step.

    Also called:
        root mean square propagation, scale by rms.

    Asked as:
        adaptive learning rate; Adagrad; divide the gradient by its running average; alpha 0.99;
        Hinton lecture optimizer; E[g^2].

    Role in ML:
        - optimizer -- DreamerV3: the gradient is first divided by this root, with
          :math:`\rho = 0.999`, :math:`\epsilon = 10^{-20}` and a bias correction, and then
          averaged over time; Adam averages first
          :cite:p:`hafner2025mastering{code: embodied/jax/opt.py, lines 126-143},
          hafner2025mastering{code: dreamerv3/agent.py, lines 357-360}`.
        - optimizer -- Stable-Baselines3: the default of its A2C is PyTorch's form; TensorFlow's is
          kept beside it to reproduce older results
          :cite:p:`raffin2021stable{code: stable_baselines3/a2c/a2c.py}`.
          Witness: ``stable_baselines3.common.sb2_compat.rmsprop_tf_like.RMSpropTFLike``, continued
          from a given average, which it starts at 1, and with :math:`\epsilon` near 0, which it
          adds inside of the root.

    Numerics:
        From :math:`\mathbf{s} = 0` and without a bias correction the first step is
        :math:`1 / \sqrt{1 - \rho}` times :math:`\eta`, whatever the gradient. The 0.9 is of the
        lecture that proposed the method; ``torch.optim.RMSprop`` takes 0.99. Many texts write
        :math:`E[g^2]_t = 0.9 \, E[g^2]_{t-1} + 0.1 \, g_t^2` and the step
        :math:`\frac{\eta}{\sqrt{E[g^2]_t + \epsilon}} g_t`. With the sum :math:`\mathbf{s}_t =
        \mathbf{s}_{t-1} + \mathbf{g}_t^2` it is Adagrad. If gradient and average are 0 nothing
        moves; the derivative with respect to :math:`\mathbf{g}_t` is then :math:`-\eta / \epsilon`,
        and the one with respect to :math:`\mathbf{s}_{t-1}` is taken as 0. A gradient whose square overflows makes :math:`s`
        infinite and moves nothing.

    Checked against:
        ``(lambda p: (lambda o: (setattr(p, "grad", g), o.state[p].update(
        step=torch.tensor(0.0), square_avg=s.clone()), o.step(),
        (p, o.state[p]["square_avg"]))[-1])(
        torch.optim.RMSprop([p], lr=eta, alpha=rho, eps=eps)))(torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand: the mean of squares is :math:`0.9 \cdot 6 + 0.1 \cdot 36 = 9`, its root 3, and the
        step :math:`0.1 \cdot 6 / 3`:

        >>> import numpy as np
        >>> step = rmsprop(np.asarray(1.0), np.asarray(6.0), np.asarray(6.0), eta=0.1)
        >>> [round(float(x), 4) for x in step]
        [0.8, 9.0]

        Three unequal parameters, as ``torch.optim.RMSprop`` moves them:

        >>> theta, g = np.asarray([1.5, -2.3, 0.7]), np.asarray([0.4, -1.2, 2.5])
        >>> step = rmsprop(theta, g, np.asarray([2.6, 0.9, 0.1]), eta=0.3, rho=0.7, eps=0.2)
        >>> [x.round(4).tolist() for x in step]
        [[1.4234, -2.0074, 0.2297], [1.868, 1.062, 1.945]]

        The first step is :math:`\eta / \sqrt{0.1}` for a small and for a large gradient; one as
        small as :math:`\epsilon` moves less, by :math:`\eta / (1 + \sqrt{0.1})`:

        >>> zero = np.zeros(3)
        >>> rmsprop(zero, np.asarray([1e-3, -1e3, 1e-8]), zero, eta=0.1)[0].round(4).tolist()
        [-0.3162, 0.3162, -0.076]

        The slope in the gradient is :math:`-\eta \rho s_{t-1} / s_t^{3/2}`, here
        :math:`-0.1 \cdot 5.4 / 27`:

        >>> import torch
        >>> g = torch.tensor(6.0, requires_grad=True)
        >>> rmsprop(torch.tensor(1.0), g, torch.tensor(6.0), eta=0.1)[0].backward()
        >>> g.grad
        tensor(-0.0200)

        Without any gradient the slope is :math:`-\eta / \epsilon`:

        >>> g = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        >>> zero = torch.zeros(1, dtype=torch.float64)
        >>> rmsprop(zero, g, zero, eta=0.1)[0].backward()
        >>> round(g.grad.item(), 4)
        -10000000.0

        Without any gradient nothing moves, nor with one whose square leaves the range of float32:

        >>> rmsprop(torch.ones(2), torch.tensor([0.0, 1e22]), torch.zeros(2), eta=0.1)
        (tensor([1., 1.]), tensor([0., inf]))
    """
    s = rho * s + (1 - rho) * g * g
    return theta - eta * (g / (_root(s) + eps)), s


@checked
def adam(
    theta: Real[Array, "*batch"],
    g: Real[Array, "*batch"],
    m: Real[Array, "*batch"],
    v: ExtendedNonneg[Array, "*batch"],
    t: Natural[int, ""],
    *,
    eta: Nonneg[float, ""] = 0.001,
    beta1: Decay[float, ""] = 0.9,
    beta2: Decay[float, ""] = 0.999,
    eps: Positive[float, ""] = 1e-8,
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"], ExtendedNonneg[Array, "*batch"]]:
    r"""Adam: the mean of recent gradients, divided by the root of the mean of their squares.

    .. math::
        \begin{aligned}
        \mathbf{m}_t &= \beta_1 \mathbf{m}_{t-1} + (1 - \beta_1) \, \mathbf{g}_t \\
        \mathbf{v}_t &= \beta_2 \mathbf{v}_{t-1} + (1 - \beta_2) \, \mathbf{g}_t \odot \mathbf{g}_t
        \\
        \hat{\mathbf{m}}_t &= \frac{\mathbf{m}_t}{1 - \beta_1^t}, \quad
        \hat{\mathbf{v}}_t = \frac{\mathbf{v}_t}{1 - \beta_2^t} \\
        \boldsymbol\theta_t &= \boldsymbol\theta_{t-1}
        - \eta \, \frac{\hat{\mathbf{m}}_t}{\sqrt{\hat{\mathbf{v}}_t} + \epsilon}
        \end{aligned}

    Quotients and roots are element by element. The first step is :math:`\eta` in every coordinate
    whose gradient is well above :math:`\epsilon`. The state starts at zero; for a gradient that
    does not change, :math:`\hat{\mathbf{m}}_t` and :math:`\hat{\mathbf{v}}_t` are the gradient and
    its square from the first step on.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step.
        g: :math:`\mathbf{g}_t`, the gradient at :math:`\boldsymbol\theta_{t-1}`.
        m: :math:`\mathbf{m}_{t-1}`, the moving mean of the gradients; zeros before the first step.
        v: :math:`\mathbf{v}_{t-1}`, the moving mean of their squares; zeros before the first step.
        t: :math:`t`, the number of this step; the first is 1.
        eta: :math:`\eta`, the learning rate.
        beta1: :math:`\beta_1`, the decay rate of :math:`\mathbf{m}`.
        beta2: :math:`\beta_2`, the decay rate of :math:`\mathbf{v}`.
        eps: :math:`\epsilon`, added to the root, outside of it.

    Returns:
        :math:`(\boldsymbol\theta_t, \mathbf{m}_t, \mathbf{v}_t)`, the parameters and the state.

    Also called:
        adaptive moment estimation, Adam optimizer.

    Asked as:
        RMSprop with momentum; bias correction; first and second moment; Kingma and Ba; m_hat /
        (sqrt(v_hat) + eps); betas 0.9 0.999; adaptive learning rate; which optimizer to start with.

    Role in ML:
        - optimizer -- GPT-3: all sizes, with :math:`\beta_1 = 0.9`, :math:`\beta_2 = 0.95` and
          :math:`\epsilon = 10^{-8}` :cite:p:`brown2020language{app. B}`.
        - optimizer -- Boltz-1: training of the structure model, with :math:`\beta_2 = 0.95` in the
          place of 0.999
          :cite:p:`wohlwend2024boltz1{code: src/boltz/model/models/boltz1.py, lines 1221-1226},
          wohlwend2024boltz1{code: scripts/train/configs/structure.yaml, lines 149-151}`.
        - optimizer -- gsplat: every kind of parameter of a splat has its own; for :math:`B` images
          a step, the rate is multiplied by :math:`\sqrt{B}` and :math:`1 - \beta_1` and
          :math:`1 - \beta_2` by :math:`B`
          :cite:p:`ye2025gsplat{code: examples/simple_trainer.py, lines 360-377}`.

    Numerics:
        The corrections can go into the rate, :math:`\eta_t = \eta \sqrt{1 - \beta_2^t} / (1 -
        \beta_1^t)`, for the step :math:`\eta_t \mathbf{m}_t / (\sqrt{\mathbf{v}_t} + \epsilon)`
        with another :math:`\epsilon`. The defaults are the paper's
        :cite:p:`kingma2015adam{alg. 1}`. :math:`\mathbf{m}` is a moving mean, not the velocity of
        heavy-ball momentum. State and parameters come back as new arrays; integers and Python's
        floats are refused.

    Checked against:
        ``(lambda p: (lambda o: (setattr(p, "grad", g),
        o.state[p].update(step=torch.tensor(t - 1.0), exp_avg=m.clone(), exp_avg_sq=v.clone()),
        o.step(), (p, o.state[p]["exp_avg"], o.state[p]["exp_avg_sq"]))[-1])(
        torch.optim.Adam([p], lr=eta, betas=(beta1, beta2), eps=eps)))(
        torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand, the first step: the corrected means are :math:`g` and :math:`g^2`, and
        :math:`1 - 0.001 \cdot 0.5 / 0.5`:

        >>> import numpy as np
        >>> theta, g, zero = np.asarray([1.0]), np.asarray([0.5]), np.asarray([0.0])
        >>> [round(float(x[0]), 6) for x in adam(theta, g, zero, zero, 1)]
        [0.999, 0.05, 0.00025]

        The seventh step of two parameters with a history, as ``torch.optim.Adam`` takes it:

        >>> theta, g = np.asarray([1.7, -0.6]), np.asarray([0.8, 2.3])
        >>> m, v = np.asarray([-0.3, 1.4]), np.asarray([0.09, 3.1])
        >>> step = adam(theta, g, m, v, 7, eta=0.2, beta1=0.8, beta2=0.95, eps=0.03)
        >>> [x.round(4).tolist() for x in step]
        [[1.731, -0.7215], [-0.08, 1.58], [0.1175, 3.2095]]

        The arguments are not changed, and what is no array of floats is refused:

        >>> theta, m
        (array([ 1.7, -0.6]), array([-0.3,  1.4]))
        >>> adam(np.asarray([1, 2]), g, m, v, 7)
        Traceback (most recent call last):
        ValueError: adam: theta must be an array of real floating-point numbers, got dtype int64
        >>> adam(1.0, 0.5, 0.0, 0.0, 1)
        Traceback (most recent call last):
        ValueError: adam: theta must be an array of real floating-point numbers, got float

        Once the gradient is as small as :math:`\epsilon`, the step is half as long:

        >>> float(adam(zero, np.asarray([1e-8]), zero, zero, 1)[0][0])
        -0.0005

        The slope in the first moment, :math:`-\eta \beta_1 / (1 - \beta_1)` over the root, here 2:

        >>> import torch
        >>> m = torch.tensor(0.0, requires_grad=True)
        >>> adam(torch.tensor(1.0), torch.tensor(2.0), m, torch.tensor(0.0), 1)[0].backward()
        >>> m.grad
        tensor(-0.0045)
    """
    return adamw(theta, g, m, v, t, eta=eta, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.0)
