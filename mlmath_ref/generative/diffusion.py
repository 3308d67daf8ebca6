r"""Diffusion: data are dissolved in noise, step by step, and a network learns the way back.

The forward process has nothing to learn. Each of :math:`T` steps shrinks the signal a little and
adds a little Gaussian noise, chosen so that data of unit variance keep it. Gaussians are used
because they are closed under this: many small steps are one large step of the same form, so that
training can jump to any time at once. What is left of the signal then is the product of what the
steps left, and the loss asks the network for the noise that went in, by its mean squared error.

The step back has a closed form too once the data point is known, and a network that tells the
noise tells the data point. A sample is drawn by :math:`T` such steps from noise alone.

Noise that shrinks the signal to keep the variance is one convention of several. Stable Diffusion 3
mixes on a straight line, :math:`(1 - t) x_0 + t \epsilon` :cite:p:`esser2024scaling{sec. 3}`;
AlphaFold 3 adds noise to coordinates that are not shrunk and rescales them at the network's input
:cite:p:`abramson2024accurate{code: google-deepmind/alphafold3 at 85c4d20,
src/alphafold3/model/network/diffusion_head.py, line 236}`.

:map: 6.7 Generative models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import Natural, Nonneg, OpenUnit, Real, Unit, checked


@checked
def alpha_bar(betas: Unit[Array, "*batch T"]) -> Unit[Array, "*batch T"]:
    r"""Cumulative noise schedule: the share of the variance that is still signal at each time.

    .. math:: \bar\alpha_t = \prod_{s=1}^{t} \alpha_s, \quad \alpha_s = 1 - \beta_s

    It never rises, and it is at most :math:`\alpha_t`. Its signal-to-noise ratio (SNR) is
    :math:`\bar\alpha_t / (1 - \bar\alpha_t)`, and :math:`\bar\alpha_0 = 1` belongs to clean data.

    Args:
        betas: :math:`\beta`, the variance of the noise that each of :math:`T` steps adds.

    Returns:
        :math:`\bar\alpha`, one number per step; the first is :math:`1 - \beta_1`.

    Also called:
        alphas_cumprod, alpha bar, alpha_hats, cumulative product of alphas.

    Asked as:
        noise schedule; variance schedule; beta schedule; signal rate; signal-to-noise ratio of
        diffusion.

    Role in ML:
        - schedule -- Octo: the action head of the robot policy has 20 steps of a cosine schedule,
          and all products are tabulated when it is set up
          :cite:p:`octo2024{code: octo/model/components/action_heads.py, lines 411, 429-431}`.
        - schedule -- DDPM: 1000 steps with :math:`\beta` on a line from 0.0001 to 0.02
          :cite:p:`ho2020denoising{sec. 4}`.
          Witness: ``diffusers.DDPMScheduler``.

    Numerics:
        The product is taken factor by factor (``torch.cumprod``), so that :math:`\beta_t = 1` gives
        exactly 0 from then on: no signal is left. The line of DDPM leaves :math:`4 \cdot 10^{-5}`.

    Checked against:
        ``torch.exp(torch.cumsum(torch.log1p(-betas), -1))``

    Examples:
        By hand, 0.9, then 0.9 times 0.8, then that times 0.5:

        >>> import numpy as np
        >>> alpha_bar(np.asarray([0.1, 0.2, 0.5])).round(4).tolist()
        [0.9, 0.72, 0.36]

        The schedule of DDPM, at the steps 1, 250, 500 and 1000, as the logarithms have it:

        >>> betas = np.linspace(1e-4, 0.02, 1000)
        >>> [f"{alpha_bar(betas)[t - 1]:.4g}" for t in (1, 250, 500, 1000)]
        ['0.9999', '0.5241', '0.07859', '4.036e-05']
        >>> f"{np.exp(np.log1p(-betas).sum()):.4g}"
        '4.036e-05'

        The gradient in :math:`\beta_s`, :math:`s \le t`, is :math:`-\bar\alpha_t / (1 - \beta_s)`:

        >>> import torch
        >>> betas = torch.tensor([0.1, 0.2, 0.5], requires_grad=True)
        >>> alpha_bar(betas)[1].backward()
        >>> betas.grad
        tensor([-0.8000, -0.9000, -0.0000])

        Two schedules; no noise changes nothing, all noise leaves nothing:

        >>> alpha_bar(np.asarray([[0.0, 0.3, 1.0, 0.3], [0.4, 0.0, 0.5, 0.0]])).round(4).tolist()
        [[1.0, 0.7, 0.0, 0.0], [0.6, 0.6, 0.3, 0.3]]
    """
    xp = array_namespace(betas)
    return xp.cumulative_prod(1 - betas, axis=-1)


@checked
def ddpm_forward_step(
    x: Real[Array, "*batch n"], beta: Unit[Array, "*#batch"], noise: Real[Array, "*batch n"]
) -> Real[Array, "*batch n"]:
    r"""DDPM forward step: one step into the noise, which keeps unit variance as it is.

    .. math:: x_t = \sqrt{1 - \beta_t} \, x_{t-1} + \sqrt{\beta_t} \, \epsilon

    With :math:`\epsilon \sim \mathcal{N}(0, I)` it is a draw from :math:`q(x_t \mid x_{t-1}) =
    \mathcal{N}(x_t; \sqrt{1 - \beta_t} \, x_{t-1}, \beta_t I)`, whose second argument is a
    variance. The squares of the two weights sum to one, and :math:`t` steps are one jump with
    :math:`\bar\alpha_t = \prod_{s=1}^{t} (1 - \beta_s)`.

    Args:
        x: :math:`x_{t-1}`, the state before the step.
        beta: :math:`\beta_t`, the variance of the noise that the step adds; one number per batch
            element, or one that is shared.
        noise: :math:`\epsilon`, a standard normal draw of the same shape, fresh in each step.

    Returns:
        :math:`x_t`, the state after the step.

    Also called:
        forward diffusion step, forward transition kernel, noising step.

    Asked as:
        q(x_t | x_{t-1}); diffusion kernel; transition kernel; forward diffusion process.

    Role in ML:
        - preprocessing -- RFdiffusion All-Atom: backbones of proteins are noised by one such step
          after another, and every state on the way is kept
          :cite:p:`krishna2024generalized{code: baker-laboratory/rf_diffusion_all_atom,
          diffusion.py, lines 190-245}`.
        - analysis -- DDPM: defines the chain whose reversal is learned; training itself jumps
          :cite:p:`ho2020denoising{eq. (2)}`.
          Witness: ``diffusers.DDPMScheduler``.

    Numerics:
        With :math:`\beta_t = 0` nothing happens, with 1 only noise is left. Without the root on
        :math:`1 - \beta_t` the variance does not stay at 1 but tends to :math:`1 / (2 - \beta)` for a
        constant :math:`\beta`, close to :math:`1/2` if :math:`\beta` is small. The derivative with
        respect to :math:`\beta_t` is unbounded at 0 and at 1, where a root has no finite slope.

    Checked against:
        ``(lambda angle: np.cos(angle) * x + np.sin(angle) * noise)(
        np.arctan2(np.sqrt(beta), np.sqrt(1 - beta)))``

    Examples:
        By hand, :math:`\beta_t = 0.36` has the weights 0.8 and 0.6:

        >>> import numpy as np
        >>> x, noise = np.asarray([10.0, 5.0]), np.asarray([1.0, -2.0])
        >>> ddpm_forward_step(x, np.asarray(0.36), noise).round(4).tolist()
        [8.6, 2.8]

        Two states at two times, with gradients :math:`\sqrt{1 - \beta_t}`:

        >>> import torch
        >>> x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
        >>> x_t = ddpm_forward_step(x, torch.tensor([0.36, 0.64]), torch.full((2, 3), 0.5))
        >>> x_t.detach()
        tensor([[1.1000, 1.9000, 2.7000],
                [2.8000, 3.4000, 4.0000]])
        >>> x_t.sum().backward()
        >>> x.grad[:, 0]
        tensor([0.8000, 0.6000])

        Fifty steps, by the squares of their weights: :math:`\bar\alpha_{50}` is left of the signal,
        with the noise it is 1. Were the mean :math:`(1 - \beta_t) \, x_{t-1}`, the variance would
        fall to 0.684:

        >>> betas, pair = np.linspace(1e-4, 0.02, 50), np.eye(2)[..., None]
        >>> signal, total, rootless = 1.0, 1.0, 1.0
        >>> for beta in betas:
        ...     kept, added = ddpm_forward_step(pair[0], np.full(2, beta), pair[1])[:, 0] ** 2
        ...     signal, total = kept * signal, kept * total + added
        ...     rootless = (1 - beta) ** 2 * rootless + beta
        >>> [round(float(v), 4) for v in (signal, alpha_bar(betas)[-1], total, rootless)]
        [0.603, 0.603, 1.0, 0.6841]

        At the ends there is no step, or only noise:

        >>> x, noise = np.asarray([3.0, -1.0]), np.asarray([0.7, 0.1])
        >>> [ddpm_forward_step(x, np.asarray(end), noise).tolist() for end in (0.0, 1.0)]
        [[3.0, -1.0], [0.7, 0.1]]
    """
    xp = array_namespace(x, beta, noise)
    return xp.sqrt(1 - beta)[..., None] * x + xp.sqrt(beta)[..., None] * noise


@checked
def ddpm_add_noise(
    x0: Real[Array, "*batch n"],
    alpha_bar: Unit[Array, "*#batch"],
    noise: Real[Array, "*batch n"],
) -> Real[Array, "*batch n"]:
    r"""DDPM noising: the state after any number of diffusion steps, in one jump.

    .. math:: x_t = \sqrt{\bar\alpha_t} \, x_0 + \sqrt{1 - \bar\alpha_t} \, \epsilon

    With :math:`\epsilon \sim \mathcal{N}(0, I)` this is a draw from :math:`q(x_t \mid x_0) =
    \mathcal{N}(x_t; \sqrt{\bar\alpha_t} \, x_0, (1 - \bar\alpha_t) I)`, the law of :math:`t` steps
    that each add variance :math:`\beta_s`. The squares of the two weights sum to one; solved for
    the data, :math:`x_0 = (x_t - \sqrt{1 - \bar\alpha_t} \, \epsilon) / \sqrt{\bar\alpha_t}`.

    Args:
        x0: :math:`x_0`, clean data.
        alpha_bar: :math:`\bar\alpha_t`, the share of the variance that is still signal at time
            :math:`t`, equal to :math:`\prod_{s=1}^{t} (1 - \beta_s)`; not :math:`\beta_t`, and not
            :math:`1 - \beta_t`. One number per batch element, or one that is shared.
        noise: :math:`\epsilon`, a standard normal draw of the same shape.

    Returns:
        :math:`x_t`, noisy data.

    Also called:
        q_sample, add_noise, forward diffusion.

    Asked as:
        forward process; noising; variance preserving; q(x_t | x_0); add noise to an image at time t.

    Role in ML:
        - objective -- RDT-1B: chunks of 64 robot actions are noised to one of 1000 times on a
          cosine schedule, and the transformer is trained to return the clean chunk
          :cite:p:`liu2024rdt{code: models/rdt_runner.py, compute_loss; configs/base.yaml,
          noise_scheduler}`.
        - objective -- MAR: every continuous image token has a diffusion loss of its own, on noised
          copies of the token :cite:p:`li2024autoregressive{code: diffusion/gaussian_diffusion.py,
          line 228; models/diffloss.py, line 23}`.
        - objective -- DDPM: makes a training example of any time cost one evaluation of the network
          :cite:p:`ho2020denoising{eq. (4), alg. 1}`.
          Witness: ``diffusers.DDPMScheduler``.

    Numerics:
        At :math:`\bar\alpha_t = 1` the data come back, at 0 the noise alone. Near 1 the difference
        :math:`1 - \bar\alpha_t` loses digits: in float32, 1 - 0.9999 is 1.0002e-4. Libraries store
        the values of :math:`\bar\alpha` from index 0, and index 0 means one step.

    Checked against:
        ``np.cos(np.arccos(np.sqrt(alpha_bar))) * x0
        + np.sin(np.arccos(np.sqrt(alpha_bar))) * noise``

    Examples:
        By hand, :math:`\bar\alpha_t = 0.36` has the weights 0.6 and 0.8:

        >>> import numpy as np
        >>> x0, noise = np.asarray([10.0, 5.0]), np.asarray([1.0, -2.0])
        >>> ddpm_add_noise(x0, np.asarray(0.36), noise).round(4).tolist()
        [6.8, 1.4]

        Two images at two times: the times have a trailing axis of size 1 to meet the rows.

        >>> import torch
        >>> x0 = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]] * 2, requires_grad=True)
        >>> alpha_bar = torch.tensor([[0.64], [0.36]])
        >>> x_t = ddpm_add_noise(x0, alpha_bar, torch.full((2, 2, 3), 0.5))
        >>> x_t[:, 1].detach()
        tensor([[3.5000, 4.3000, 5.1000],
                [2.8000, 3.4000, 4.0000]])
        >>> x_t.sum().backward()
        >>> x0.grad[:, 0, 0]
        tensor([0.8000, 0.6000])

        At the ends there is only signal, or only noise:

        >>> x0, noise = np.asarray([3.0, -1.0]), np.asarray([0.7, 0.1])
        >>> [ddpm_add_noise(x0, np.asarray(end), noise).tolist() for end in (1.0, 0.0)]
        [[3.0, -1.0], [0.7, 0.1]]
    """
    xp = array_namespace(x0, alpha_bar, noise)
    return xp.sqrt(alpha_bar)[..., None] * x0 + xp.sqrt(1 - alpha_bar)[..., None] * noise


@checked
def ddpm_reverse_step(
    x: Real[Array, "*batch n"],
    noise_hat: Real[Array, "*batch n"],
    t: Natural[int, "", "T"],
    betas: OpenUnit[Array, "T"],
    z: Real[Array, "*batch n"],
) -> Real[Array, "*batch n"]:
    r"""DDPM reverse step: one step out of the noise, with the noise that a network has found.

    .. math::
        \begin{aligned}
        x_{t-1} &= \frac{1}{\sqrt{\alpha_t}} \left( x_t
            - \frac{\beta_t}{\sqrt{1 - \bar\alpha_t}} \, \hat\epsilon \right)
            + \sqrt{\frac{1 - \bar\alpha_{t-1}}{1 - \bar\alpha_t} \, \beta_t} \, z, \\
        \bar\alpha_k &= \prod_{s=1}^{k} \alpha_s, \quad \alpha_s = 1 - \beta_s
        \end{aligned}

    If :math:`\hat\epsilon` is the noise in :math:`x_t`, this is a draw from the exact law of
    :math:`x_{t-1}`, given :math:`x_t` and the data, whose mean is
    :math:`\frac{\sqrt{\bar\alpha_{t-1}} \, \beta_t}{1 - \bar\alpha_t} x_0 + \frac{\sqrt{\alpha_t}
    (1 - \bar\alpha_{t-1})}{1 - \bar\alpha_t} x_t`. With :math:`\bar\alpha_0 = 1` the last step adds
    no noise. The paper's other choice of the variance, :math:`\beta_t`, is larger.

    Args:
        x: :math:`x_t`, the state before the step, at :math:`t = T` a standard normal draw.
        noise_hat: :math:`\hat\epsilon`, the network's estimate of the noise in :math:`x_t`.
        t: :math:`t`, the number of the step, from :math:`T` down to 1.
        betas: :math:`\beta`, the variances of all :math:`T` forward steps; :math:`\bar\alpha_k` is
            the share of the signal after :math:`k` of them.
        z: :math:`z`, a standard normal draw of the same shape; zeros give the mean.

    Returns:
        :math:`x_{t-1}`, the state after the step; :math:`x_0` is the sample.

    Also called:
        denoising step, DDPM ancestral sampling step, p_sample.

    Asked as:
        ancestral sampling; reverse process; DDPM sampler; scheduler step; posterior sampling; reverse
        diffusion; denoising diffusion probabilistic model.

    Role in ML:
        - sampling -- Octo: a chunk of robot actions is drawn by 20 of these steps, with
          :math:`\beta_t` as the variance and a clip after each step
          :cite:p:`octo2024{code: octo/model/components/action_heads.py, lines 569-577}`.
        - sampling -- MAR: draws each image token in 100 steps; :math:`z` is multiplied by a
          temperature, and the variance is predicted too
          :cite:p:`li2024autoregressive{code: LTH14/mar, diffusion/gaussian_diffusion.py, line 419;
          diffusion/__init__.py, line 17; models/diffloss.py, lines 17 and 24}`.
        - sampling -- DDPM: draws an image from noise in 1000 of these steps
          :cite:p:`ho2020denoising{alg. 2, eq. (7) and (11)}`.
          Witness: ``diffusers.DDPMScheduler``, with ``clip_sample`` off; it is on by default and
          clips the estimate of the data to -1..1.

    Numerics:
        :math:`1 - \bar\alpha_t` is :math:`-\operatorname{expm1}` of a sum of logarithms, so that
        the early steps keep their digits in float32, where the difference of 1 and a product near 1
        loses four of them. Code counts :math:`t` from 0: its step 0 is :math:`t = 1`.

    Checked against:
        ``(lambda a, before, beta: (np.sqrt(before) * beta * (x - np.sqrt(1 - a) * noise_hat)
        / np.sqrt(a) + np.sqrt(1 - beta) * (1 - before) * x) / (1 - a)
        + np.sqrt((1 - before) / (1 - a) * beta) * z)(
        np.prod(1 - betas[:t]), np.prod(1 - betas[:t - 1]), betas[t - 1])``

    Examples:
        By hand, :math:`\bar\alpha_1 = 0.64` and :math:`\bar\alpha_2 = 0.36`, so that
        :math:`1 - \beta_2 = 0.5625`: from 2.375 with the noise 1.6 the mean is
        :math:`(2.375 - 0.4375 / 0.8 \cdot 1.6) / 0.75 = 2`, and :math:`z` counts
        :math:`\sqrt{0.36 / 0.64 \cdot 0.4375} = 0.4961` times:

        >>> import numpy as np
        >>> betas, x = np.asarray([0.36, 0.4375]), np.asarray([2.375, 2.375])
        >>> found = np.asarray([1.6, 1.6])
        >>> ddpm_reverse_step(x, found, 2, betas, np.asarray([0.0, 1.0])).round(4).tolist()
        [2.0, 2.4961]

        Two states at the third of five steps; the gradients are :math:`1 / \sqrt{1 - \beta_3}`,
        :math:`-\beta_3 / \sqrt{(1 - \bar\alpha_3) (1 - \beta_3)}` and the standard deviation:

        >>> import torch
        >>> betas = torch.tensor([0.1, 0.3, 0.2, 0.7, 0.4])
        >>> x = torch.tensor([[1.5, -0.4, 0.9], [0.3, 2.2, -1.1]], requires_grad=True)
        >>> found = torch.tensor([[0.7, -2.6, 0.2], [1.9, 0.5, 3.1]], requires_grad=True)
        >>> z = torch.tensor([[-0.3, 1.4, 0.6], [-0.8, 1.3, 0.5]], requires_grad=True)
        >>> before = ddpm_reverse_step(x, found, 3, betas, z)
        >>> before.detach()
        tensor([[ 1.3389,  0.9190,  1.1745],
                [-0.5768,  2.8031, -2.0210]])
        >>> before.sum().backward()
        >>> [round(v.grad[0, 0].item(), 4) for v in (x, found, z)]
        [1.118, -0.3175, 0.3863]

        The first step undone: the true noise leads back to the data, and :math:`z` has no say:

        >>> x0, noise = np.asarray([3.0, -1.0]), np.asarray([0.7, 0.1])
        >>> betas = np.asarray([0.2, 0.5])
        >>> x1 = ddpm_add_noise(x0, np.asarray(0.8), noise)
        >>> ddpm_reverse_step(x1, noise, 1, betas, np.asarray([9.0, 9.0])).round(4).tolist()
        [3.0, -1.0]

        In float32 the factor of :math:`\hat\epsilon` at :math:`\beta_1 = 10^{-4}` is
        :math:`-0.01 / \sqrt{0.9999}`:

        >>> zero, betas = torch.zeros(1), torch.tensor([1e-4, 2e-4])
        >>> round(100 * float(ddpm_reverse_step(zero, zero + 1, 1, betas, zero)), 5)
        -1.00005
    """
    xp = array_namespace(x, noise_hat, betas, z)
    kept = xp.log1p(-betas[:t])
    noised, before = -xp.expm1(xp.sum(kept)), -xp.expm1(xp.sum(kept[:-1]))
    beta = betas[t - 1]
    mean = (x - beta / xp.sqrt(noised) * noise_hat) / xp.sqrt(1 - beta)
    # at t = 1 the root of the constant 0 would have no finite slope
    deviation = xp.sqrt(before) * xp.sqrt(beta / noised) if t > 1 else xp.zeros_like(beta)
    return mean + deviation * z


@checked
def ddpm_loss(
    noise: Real[Array, "*batch n d"], noise_hat: Real[Array, "*batch n d"]
) -> Nonneg[Array, "*batch"]:
    r"""DDPM loss: how far a network's idea of the noise is from the noise that was added.

    .. math::
        \mathcal{L}_{\mathrm{simple}} = \frac{1}{n d} \sum_{i=1}^{n} \sum_{j=1}^{d}
            (\epsilon_{ij} - \hat\epsilon_{ij})^2

    It is 1 on average for a network that answers 0; :math:`\mathbb{E}_{t, x_0, \epsilon}[\lVert
    \epsilon - \epsilon_\theta(x_t, t) \rVert^2]` in the paper is :math:`d` times it. It is a bound
    on the likelihood of the data whose weights for each time were left out, and so no bound any
    more: those weights are largest where there is little noise.

    Args:
        noise: :math:`\epsilon`, the noise that was added, a row for each of :math:`n` samples with
            :math:`d` numbers.
        noise_hat: :math:`\hat\epsilon`, the network's answers, given noisy samples and times.

    Returns:
        :math:`\mathcal{L}_{\mathrm{simple}}`, the mean over samples and over their numbers.

    Also called:
        simple loss, L_simple, noise prediction loss, epsilon matching, DDPM objective.

    Asked as:
        epsilon prediction; denoising score matching; diffusion loss; diffusion model training
        objective.

    Role in ML:
        - objective -- Octo: trains the action head on the noise; the mean is multiplied by the
          number of dimensions of an action, so that it is a sum over them
          :cite:p:`octo2024{code: octo/model/components/action_heads.py, lines 521-523}`.
        - objective -- DDPM: the paper writes the squared length of the difference, which is
          :math:`d` times as large :cite:p:`ho2020denoising{eq. (14)}`.

    Numerics:
        The paper's sum over numbers and the code's mean differ by the factor :math:`d`: 3072 for a
        color image of 32 by 32. The optimum is the same, the learning rate that suits is not for
        plain gradient descent. The gradient is :math:`2 (\hat\epsilon - \epsilon) / (n d)`.

    Checked against:
        ``torch.nn.functional.mse_loss(noise_hat, noise)``

    Examples:
        By hand, :math:`(1 + 4 + 0 + 9) / 4`:

        >>> import numpy as np
        >>> noise = np.asarray([[1.0, -2.0], [0.5, 1.5]])
        >>> noise_hat = np.asarray([[0.0, 0.0], [0.5, -1.5]])
        >>> float(ddpm_loss(noise, noise_hat))
        3.5

        The paper's formula, the mean over samples of the squared length, is :math:`d = 2` times as
        large:

        >>> round(float(np.mean(np.linalg.norm(noise - noise_hat, axis=-1) ** 2)), 4)
        7.0

        Two batches of three samples each, as ``torch.nn.functional.mse_loss`` has them one by one:

        >>> import torch
        >>> noise = torch.tensor([[[0.4, -1.2], [2.5, 0.3], [-0.7, 1.1]],
        ...                       [[1.9, 0.6], [-0.8, -1.4], [0.2, 0.5]]])
        >>> noise_hat = (0.5 * noise.flip(-1)).requires_grad_()
        >>> loss = ddpm_loss(noise, noise_hat)
        >>> loss.detach()
        tensor([2.1750, 0.6425])

        The gradient of the first batch is a third of the difference:

        >>> loss[0].backward()
        >>> noise_hat.grad[0]
        tensor([[-0.3333,  0.4667],
                [-0.7833,  0.3167],
                [ 0.4167, -0.4833]])
    """
    xp = array_namespace(noise, noise_hat)
    count = noise.shape[-2] * noise.shape[-1]
    return total(xp.reshape((noise - noise_hat) ** 2 / count, (*noise.shape[:-2], count)))
