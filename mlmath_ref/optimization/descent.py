r"""Descent: from a gradient to the next parameters.

Every optimizer here answers one question: the gradient :math:`\mathbf{g}_t` is known, what is the
next :math:`\boldsymbol\theta_t`? Gradient descent takes the gradient as it is, and then no single
learning rate suits a loss that is steep in one direction and flat in another. AdamW measures each
coordinate by its own recent size, so that under a
constant gradient every coordinate moves by about :math:`\eta` per step. Muon
does the same to the singular values of a weight matrix: all directions of the matrix move about
equally far. In this sense each is steepest descent, under another norm
:cite:p:`bernstein2024old`.

An entry is one step. What an optimizer remembers goes in as an argument and comes out as a result,
and a loop over steps is written by the caller. The step number :math:`t` starts at 1, and
:math:`\mathbf{g}_t` is taken at :math:`\boldsymbol\theta_{t-1}`.

:map: 5.1 Optimizers
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Decay, ExtendedNonneg, Natural, Nonneg, Positive, Real, checked


@checked
def gradient_descent(
    theta: Real[Array, "*batch"], g: Real[Array, "*batch"], *, eta: Nonneg[float, ""]
) -> Real[Array, "*batch"]:
    r"""Gradient descent: one step against the gradient, as long as the slope is steep.

    .. math:: \boldsymbol\theta_t = \boldsymbol\theta_{t-1} - \eta \, \mathbf{g}_t

    The gradient points uphill, so its negative is followed. On a convex quadratic whose Hessian has
    the largest eigenvalue :math:`\lambda_{\max}` the steps converge when
    :math:`0 < \eta < 2 / \lambda_{\max}`, and grow without bound when :math:`\eta` is larger: at
    too high a learning rate the loss diverges. With the gradient written out the step is
    :math:`\boldsymbol\theta_t = \boldsymbol\theta_{t-1} - \eta \nabla
    \mathcal{L}(\boldsymbol\theta_{t-1})`, and in stochastic gradient descent, on a batch of
    :math:`n` examples, :math:`\boldsymbol\theta_t = \boldsymbol\theta_{t-1} - \frac{\eta}{n}
    \sum_{i=1}^{n} \nabla_{\boldsymbol\theta} \mathcal{L}_i(\boldsymbol\theta_{t-1})`.

    Args:
        theta: :math:`\boldsymbol\theta_{t-1}`, the parameters before the step.
        g: :math:`\mathbf{g}_t`, the gradient of the loss at :math:`\boldsymbol\theta_{t-1}`; of
            one batch of examples in stochastic gradient descent.
        eta: :math:`\eta`, the learning rate.

    Returns:
        :math:`\boldsymbol\theta_t`, the parameters after the step.

    Also called:
        GD, SGD, stochastic gradient descent, steepest descent, vanilla update, mini-batch gradient
        descent, batch gradient descent, gradient step.

    Asked as:
        delta rule; theta = theta - lr * grad; learning rate; step size; weight update; loss
        diverges with a high learning rate; how to minimize a loss.

    Role in ML:
        - layer -- Kimi Linear: the memory of a linear-attention head is a matrix, and each token
          moves it by one such step on a squared reconstruction error, with a learning rate that
          the token sets; a forget gate is added :cite:p:`kimi2025linear{sec. 2.2}`.
          Witness:
          ``transformers.models.kimi_linear.modeling_kimi_linear.recurrent_kimi_delta_attention``,
          with its forget gate open.
        - analysis -- Moonlight: the report reads Adam and Muon as steepest descent too, under norms
          other than the Euclidean one that this step belongs to :cite:p:`liu2025muon{sec. 2.1}`.

    Numerics:
        A product and a difference, nothing to guard. Once :math:`\eta \mathbf{g}_t` is below half a
        unit in the last place of :math:`\boldsymbol\theta_{t-1}` the step rounds to nothing; this
        is why low-precision training keeps a float32 copy of the weights.

    Checked against:
        ``(lambda p: (setattr(p, "grad", g), torch.optim.SGD([p], lr=eta).step(), p)[-1])(
        torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand, for the loss :math:`(w - 3)^2` with gradient :math:`2 (w - 3)`:
        :math:`10 - 0.1 \cdot 14 = 8.6`, and :math:`8.6 - 0.1 \cdot 11.2 = 7.48`:

        >>> import numpy as np
        >>> def descend(eta, steps):
        ...     w = [np.asarray(10.0)]
        ...     for _ in range(steps):
        ...         w.append(gradient_descent(w[-1], 2 * (w[-1] - 3), eta=eta))
        ...     return np.asarray(w)
        >>> descend(0.1, 2).round(4).tolist()
        [10.0, 8.6, 7.48]

        Each step shrinks the distance to 3 by :math:`1 - 2 \eta = 0.8`, so that
        :math:`w_t = 3 + 7 \cdot 0.8^t`; after 1, 6, 11, 16, 20 and 47 steps:

        >>> descend(0.1, 47)[[1, 6, 11, 16, 20, 47]].round(4).tolist()
        [8.6, 4.835, 3.6013, 3.197, 3.0807, 3.0002]

        The largest eigenvalue is 2: at :math:`\eta = 1` the steps jump to and fro forever, above
        it they diverge, and at 0.01 they need 439 steps to 3.001:

        >>> descend(1.0, 4).round(4).tolist()
        [10.0, -4.0, 10.0, -4.0, 10.0]
        >>> descend(1.1, 4).round(4).tolist()
        [10.0, -5.4, 13.08, -9.096, 17.5152]
        >>> descend(0.01, 439)[[1, 2, 439]].round(4).tolist()
        [9.86, 9.7228, 3.001]

        Three unequal parameters, as ``torch.optim.SGD`` moves them:

        >>> theta, g = np.asarray([1.5, -2.3, 0.7]), np.asarray([0.4, -1.2, 2.5])
        >>> gradient_descent(theta, g, eta=0.3).round(4).tolist()
        [1.38, -1.94, -0.05]

        The step is differentiable; on the loss above its slope is the factor 0.8:

        >>> import torch
        >>> w = torch.tensor(10.0, requires_grad=True)
        >>> gradient_descent(w, 2 * (w - 3), eta=0.1).backward()
        >>> w.grad
        tensor(0.8000)
    """
    return theta - eta * g


def _root(v: Array) -> Array:
    """The square root, with the derivative 0 at 0: the root of the square of 0 is flat there."""
    xp = array_namespace(v)
    positive = v > 0
    return xp.where(positive, xp.sqrt(xp.where(positive, v, 1.0)), 0.0)


@checked
def adamw(
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
    weight_decay: Nonneg[float, ""] = 0.01,
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"], ExtendedNonneg[Array, "*batch"]]:
    r"""AdamW: Adam with weight decay applied to the parameters instead of the gradients.

    .. math::
        \begin{aligned}
        \mathbf{m}_t &= \beta_1 \mathbf{m}_{t-1} + (1 - \beta_1) \, \mathbf{g}_t \\
        \mathbf{v}_t &= \beta_2 \mathbf{v}_{t-1} + (1 - \beta_2) \, \mathbf{g}_t \odot \mathbf{g}_t
        \\
        \boldsymbol\theta_t &= \boldsymbol\theta_{t-1} - \eta \left(
        \frac{\mathbf{m}_t / (1 - \beta_1^t)}{\sqrt{\mathbf{v}_t / (1 - \beta_2^t)} + \epsilon}
        + \lambda \, \boldsymbol\theta_{t-1} \right)
        \end{aligned}

    Products, quotients and roots are element by element. Scaling all gradients by one positive
    number changes the step only through :math:`\epsilon`. The decay
    :math:`\lambda \boldsymbol\theta_{t-1}` does not pass through the moments, so it is not the
    gradient of an L2 penalty.

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
        weight_decay: :math:`\lambda`, the decoupled weight decay; 0 gives Adam.

    Returns:
        :math:`(\boldsymbol\theta_t, \mathbf{m}_t, \mathbf{v}_t)`, the parameters and the state for
        step :math:`t + 1`.

    Also called:
        Adam with decoupled weight decay, decoupled weight decay, AdamW optimizer, Adam with weight
        decay.

    Asked as:
        AdamW vs Adam; weight decay or L2 in Adam; optimizer of Llama; default learning rate betas
        eps weight_decay; NaN from Adam in float16; memory of the optimizer state.

    Role in ML:
        - optimizer -- DeepSeek-V3: pre-training with :math:`\beta_2 = 0.95`, not 0.999, and
          :math:`\lambda = 0.1` :cite:p:`deepseek2024v3{sec. 4.2}`.
        - optimizer -- OLMo 2: the same two settings in the released configuration, where the
          embeddings are exempt from the decay
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, lines 44-53}`.
        - optimizer -- Llama 3: the 405B model is pre-trained with it
          :cite:p:`grattafiori2024llama3{sec. 3.4.1}`.
        - contrast -- GPT-3: the report says Adam, with a weight decay of 0.1, and does not say
          whether the decay was decoupled :cite:p:`brown2020language{app. B}`.

    Numerics:
        The division by :math:`1 - \beta^t` removes the pull of the zeros that the moments start
        from; with :math:`\hat{\mathbf{m}}_t` and :math:`\hat{\mathbf{v}}_t` for the moments so
        corrected the step is :math:`\boldsymbol\theta_t = (1 - \eta \lambda) \,
        \boldsymbol\theta_{t-1} - \eta \, \hat{\mathbf{m}}_t / (\sqrt{\hat{\mathbf{v}}_t} +
        \epsilon)`. If gradient and moments are all zero, only the decay moves the parameter;
        the derivative of the step with respect to :math:`\mathbf{g}_t` is then
        :math:`-\eta (1 - \beta_1) / ((1 - \beta_1^t) \, \epsilon)`, and the one with respect to
        :math:`\mathbf{v}_{t-1}` is taken as 0. In PyTorch both are NaN.
        As in ``torch.optim.AdamW`` the decay is multiplied by :math:`\eta`; the paper multiplies it
        by the multiplier of the schedule alone :cite:p:`loshchilov2019decoupled{alg. 2}`. The
        default 0.01 is PyTorch's; the other defaults are those of Adam's paper, and PyTorch's too. Under a constant gradient every coordinate
        moves by about :math:`\eta` per step; under gradients that are independent noise of mean 0
        the root mean square of a step is about :math:`\eta \sqrt{(1 - \beta_1) / (1 + \beta_1)}`,
        which is :math:`0.23 \, \eta` with the default. The state takes twice the memory of the
        parameters. A gradient
        whose square overflows makes :math:`v` infinite, and only the decay moves the parameter.

    Checked against:
        ``(lambda p: (lambda o: (setattr(p, "grad", g),
        o.state[p].update(step=torch.tensor(t - 1.0), exp_avg=m.clone(), exp_avg_sq=v.clone()),
        o.step(), (p, o.state[p]["exp_avg"], o.state[p]["exp_avg_sq"]))[-1])(
        torch.optim.AdamW([p], lr=eta, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)))(
        torch.nn.Parameter(theta.clone()))``

    Examples:
        By hand, the first step: the corrected moments are :math:`g` and :math:`g^2`, their ratio is
        the sign of :math:`g`, and :math:`1 - 0.001 (1 + 0.01 \cdot 1) = 0.99899`:

        >>> import numpy as np
        >>> theta, g, zero = np.asarray([1.0]), np.asarray([0.5]), np.asarray([0.0])
        >>> theta, m, v = adamw(theta, g, zero, zero, 1)
        >>> [round(float(x[0]), 6) for x in (theta, m, v)]
        [0.99899, 0.05, 0.00025]

        The seventh step of two parameters with a history, as ``torch.optim.AdamW`` takes it:

        >>> theta, g = np.asarray([1.7, -0.6]), np.asarray([0.8, 2.3])
        >>> m, v = np.asarray([-0.3, 1.4]), np.asarray([0.09, 3.1])
        >>> step = adamw(theta, g, m, v, 7, eta=0.2, beta1=0.8, beta2=0.95, eps=0.03,
        ...              weight_decay=0.4)
        >>> [x.round(4).tolist() for x in step]
        [[1.595, -0.6735], [-0.08, 1.58], [0.1175, 3.2095]]

        Once the gradient is as small as :math:`\epsilon`, the step is half as long:

        >>> step = adamw(zero, np.asarray([1e-8]), zero, zero, 1)
        >>> float(step[0][0])
        -0.0005

        With the gradient held fixed the parameter itself decays by :math:`1 - \eta \lambda`,
        whatever the moments are; a gradient of zero leaves nothing but that decay:

        >>> import torch
        >>> theta, none = torch.tensor(2.0, requires_grad=True), torch.tensor(0.0)
        >>> step = adamw(theta, none, none, none, 1, eta=0.1, weight_decay=0.5)[0]
        >>> step.backward()
        >>> step, theta.grad
        (tensor(1.9000, grad_fn=<SubBackward0>), tensor(0.9500))

        If gradient and moments are all zero, the derivative with respect to the gradient is
        :math:`-\eta / \epsilon` in the first step:

        >>> g = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        >>> zero = torch.zeros(1, dtype=torch.float64)
        >>> adamw(zero, g, zero, zero, 1, eta=0.001, eps=1e-8)[0].backward()
        >>> round(g.grad.item(), 4)
        -100000.0

        A gradient whose square leaves the range of float32 makes :math:`v` infinite and moves
        nothing, in this step and in all later ones:

        >>> state = torch.ones(1), torch.tensor([1e22]), torch.zeros(1), torch.zeros(1)
        >>> theta, m, v = adamw(*state, 1, weight_decay=0.0)
        >>> theta, v
        (tensor([1.]), tensor([inf]))
        >>> adamw(theta, torch.ones(1), m, v, 2, weight_decay=0.0)[0]
        tensor([1.])
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    denom = _root(v / (1 - beta2**t)) + eps
    theta = (1 - eta * weight_decay) * theta - eta * (m / (1 - beta1**t) / denom)
    return theta, m, v


@checked
def muon(
    w: Real[Array, "*batch m n"],
    g: Real[Array, "*batch m n"],
    b: Real[Array, "*batch m n"],
    *,
    eta: Nonneg[float, ""] = 0.02,
    mu: Decay[float, ""] = 0.95,
    eps: Positive[float, ""] = 1e-7,
) -> tuple[Real[Array, "*batch m n"], Real[Array, "*batch m n"]]:
    r"""Muon: momentum whose singular values are all brought near one before the step is taken.

    .. math::
        \begin{aligned}
        B_t &= \mu B_{t-1} + G_t \\
        X_0 &= \frac{G_t + \mu B_t}{\lVert G_t + \mu B_t \rVert_{\mathrm{F}} + \epsilon} \\
        X_k &= 3.4445 \, X_{k-1} - 4.7750 \, X_{k-1} X_{k-1}^\top X_{k-1}
        + 2.0315 \, (X_{k-1} X_{k-1}^\top)^2 X_{k-1}, \quad k = 1, \dots, 5 \\
        W_t &= W_{t-1} - \eta X_5
        \end{aligned}

    Each :math:`X_k` keeps the singular vectors of :math:`G_t + \mu B_t` and passes its singular
    values :math:`s` through :math:`3.4445 s - 4.7750 s^3 + 2.0315 s^5`. After five rounds those
    that began between 0.01 and 1 lie between 0.68 and 1.14: :math:`X_5` is near the orthogonal
    factor of the polar decomposition and does not converge to it.

    Args:
        w: :math:`W_{t-1}`, the weight matrix before the step.
        g: :math:`G_t`, the gradient at :math:`W_{t-1}`.
        b: :math:`B_{t-1}`, the momentum buffer; zeros before the first step.
        eta: :math:`\eta`, the learning rate, about the spectral norm of the step.
        mu: :math:`\mu`, the momentum.
        eps: :math:`\epsilon`, keeps the division alive when all gradients are zero.

    Returns:
        :math:`(W_t, B_t)`, the weight matrix and the momentum buffer for the next step.

    Also called:
        momentum orthogonalized by Newton-Schulz, orthogonalized momentum.

    Asked as:
        MuonClip; NewtonSchulz5; spectral descent; Newton-Schulz iteration; Newton-Schulz
        orthogonalization; zeropower_via_newtonschulz5; 3.4445 -4.7750 2.0315; Keller Jordan
        optimizer; optimizer of Kimi K2.

    Role in ML:
        - optimizer -- Moonlight: moves the matrices of a 16B mixture of experts over 5.7T tokens;
          :math:`X_5` is multiplied by :math:`0.2 \sqrt{\max(m, n)}` to bring its entries to the
          size of AdamW's, and weight decay is added :cite:p:`liu2025muon{eqs. (1), (2), (4)}`.
          Witness: ``torch.optim.Muon``, in full precision, where it iterates in bfloat16.
        - optimizer -- Kimi K2: MuonClip is this step, scaled as in Moonlight, followed by a
          rescaling of query and key weights whose attention scores grew too large
          :cite:p:`kimi2025k2{sec. 2.1}`.
        - contrast -- nanochat: its Muon takes other coefficients in each of the five rounds, those of
          Polar Express, and rescales rows and step
          :cite:p:`karpathy2025nanochat{code: karpathy/nanochat at 92d63d4, nanochat/optim.py, lines
          102-165}`.
        - optimizer -- GLM-4.5: pre-training of the matrices with five iterations and
          :math:`\mu = 0.95` :cite:p:`glm2025{sec. 2.4}`.

    Numerics:
        Computed in the precision of the arguments, 16 bits in 64. Gradient and momentum are divided
        by a power of two first, so that no square overflows. If both are zero, the derivative of
        :math:`X_0` is :math:`1 / \epsilon`. ``torch.optim.Muon`` iterates in
        bfloat16, which alone moves the step by 1 to 3 percent; its defaults also multiply the step
        by :math:`\sqrt{\max(1, m/n)}` and decay the weights by :math:`0.1 \eta`, and its buffer is
        :math:`(1 - \mu) B_t`, which leaves the direction as it is. The scale of the gradients
        cancels up to :math:`\epsilon`. Code writes a round as :math:`a X + (b A + c A^2) X` with
        :math:`A = X X^\top`; what it approximates is :math:`U V^\top = (M M^\top)^{-1/2} M` for
        :math:`M = U \operatorname{diag}(s) V^\top` of full row rank. One round costs
        :math:`4 m^2 n + 2 m^3` floating-point operations; for :math:`m > n` transpose first.
        Embeddings, output layers and vectors are left to AdamW :cite:p:`jordan2024muon`.

    Checked against:
        ``(lambda u, s, vh: (w - eta * u @ np.diag(functools.reduce(
        lambda x, k: np.polynomial.Polynomial([0, 3.4445, 0, -4.775, 0, 2.0315])(x), range(5),
        s / (np.sqrt(np.sum(s**2)) + eps))) @ vh, mu * b + g))(
        *np.linalg.svd((1 + mu) * g + mu**2 * b, full_matrices=False))``

    Examples:
        By hand: a single row has one singular value, its length. It is scaled to 1, and 1 goes to
        :math:`3.4445 - 4.7750 + 2.0315 = 0.7010`, then to 1.1136, 0.7207, 1.0900 and 0.6964. The
        direction :math:`(3, 4) / 5` remains, and :math:`0.02 \cdot 0.6964 = 0.013929`:

        >>> import numpy as np
        >>> w, g = np.zeros((1, 2)), np.asarray([[3.0, 4.0]])
        >>> w, b = muon(w, g, np.zeros((1, 2)))
        >>> (w / [[-0.6, -0.8]]).round(6).tolist(), b.tolist()
        ([[0.013929, 0.013929]], [[3.0, 4.0]])

        A step with a history, as the quintic on the singular values of NumPy's SVD gives it:

        >>> w, g = np.asarray([[1.5, -0.4, 0.9], [0.3, 2.2, -1.1]]), np.asarray(
        ...     [[0.7, -2.6, 0.2], [1.9, 0.5, 3.1]])
        >>> b = np.asarray([[2.4, 0.6, -1.7], [-0.8, 1.3, 0.5]])
        >>> w, b = muon(w, g, b, eta=0.3)
        >>> w.round(4).tolist()
        [[1.3687, -0.2219, 0.9546], [0.1751, 2.0986, -1.3863]]
        >>> b.round(4).tolist()
        [[2.98, -2.03, -1.415], [1.14, 1.735, 3.575]]

        All directions of the matrix move about equally far: the singular values of the momentum
        differ by a factor of 12, those of the step hardly:

        >>> g = np.asarray([[9.0, 1.0, -2.0], [3.0, 0.5, 0.2]])
        >>> x = -muon(np.zeros((2, 3)), g, np.zeros((2, 3)), eta=1.0)[0]
        >>> np.linalg.svd(g)[1].round(4).tolist(), np.linalg.svd(x)[1].round(4).tolist()
        ([9.7267, 0.8259], [0.8097, 0.7004])

        A gradient ten times as large makes the same step, so the slope along the gradient is 0:

        >>> import torch
        >>> g = torch.as_tensor(g).requires_grad_()
        >>> zero = torch.zeros_like(g)
        >>> muon(zero, g, zero)[0].square().sum().backward()
        >>> (g.grad * g).sum().abs().item() < 1e-6
        True

        Two matrices at once. The momentum of the second, :math:`1.95 G`, is as long as
        :math:`\epsilon`, so it is scaled to 1/2 instead of 1, and 0.02 times five rounds of the
        quintic from there make 0.015309:

        >>> g = np.asarray([[[3.0, 4.0]], [[6e-8 / 1.95, -8e-8 / 1.95]]])
        >>> w, _ = muon(np.zeros((2, 1, 2)), g, np.zeros((2, 1, 2)))
        >>> (w / [[[-0.6, -0.8]], [[-0.6, 0.8]]]).round(6).tolist()
        [[[0.013929, 0.013929]], [[0.015309, 0.015309]]]
        >>> x, quintic = 0.5, np.polynomial.Polynomial([0, 3.4445, 0, -4.775, 0, 2.0315])
        >>> for _ in range(5):
        ...     x = quintic(x)
        >>> round(float(0.02 * x), 6)
        0.015309

        Gradients that are all zero move nothing:

        >>> muon(torch.ones(1, 2), torch.zeros(1, 2), torch.zeros(1, 2))
        (tensor([[1., 1.]]), tensor([[0., 0.]]))

        A gradient whose squares leave the range of float32 makes the same step as a small one:

        >>> g = torch.tensor([[3.0, 4.0]])
        >>> muon(torch.ones(1, 2), g * 1e30, torch.zeros(1, 2))[0]
        tensor([[0.9916, 0.9889]])
        >>> muon(torch.ones(1, 2), g, torch.zeros(1, 2))[0]
        tensor([[0.9916, 0.9889]])
    """
    xp = array_namespace(w, g, b)
    b = mu * b + g
    flat = (*g.shape[:-2], g.shape[-2] * g.shape[-1])
    unit = scale(xp.reshape(xp.maximum(xp.abs(g), xp.abs(b)), flat))[..., None]
    x = g / unit + mu * (b / unit)  # so that no square overflows
    norm = _root(total(xp.reshape(x * x, flat)))[..., None, None]
    x = x / (norm + eps / unit)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x - (4.775 * gram - 2.0315 * (gram @ gram)) @ x
    return w - eta * x, b
