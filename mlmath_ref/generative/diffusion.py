r"""Diffusion: data are dissolved in noise, step by step, and a network learns the way back.

The forward process has nothing to learn. Each of :math:`T` steps shrinks the signal a little and
adds a little Gaussian noise, chosen so that data of unit variance keep it. Gaussians are used
because they are closed under this: many small steps are one large step of the same form, so that
training can jump to any time at once, and the step back has a closed form too once the data point
is known.

Noise that shrinks the signal to keep the variance is one convention of several. Stable Diffusion 3
mixes on a straight line, :math:`(1 - t) x_0 + t \epsilon`
:cite:p:`esser2024scaling{sec. 3}`; AlphaFold 3 adds noise to coordinates that are not shrunk and
rescales them at the network's input
:cite:p:`abramson2024accurate{code: src/alphafold3/model/network/diffusion_head.py, line 236}`. A
time in one convention belongs to another time in the next.

:map: 6.7 Generative models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, Unit, checked


@checked
def ddpm_add_noise(
    x0: Real[Array, "*batch n"],
    alpha_bar: Unit[Array, "*#batch"],
    noise: Real[Array, "*batch n"],
) -> Real[Array, "*batch n"]:
    r"""DDPM noising: the state after any number of diffusion steps, in one jump.

    .. math:: x_t = \sqrt{\bar\alpha_t} \, x_0 + \sqrt{1 - \bar\alpha_t} \, \epsilon

    With :math:`\epsilon \sim \mathcal{N}(0, I)` this is a draw from
    :math:`\mathcal{N}(\sqrt{\bar\alpha_t} \, x_0, (1 - \bar\alpha_t) I)`, the law of :math:`t`
    steps that each add variance :math:`\beta_s`. The squares of the two weights sum to one.

    Args:
        x0: :math:`x_0`, clean data.
        alpha_bar: :math:`\bar\alpha_t`, the share of the variance that is still signal at time
            :math:`t`, equal to :math:`\prod_{s=1}^{t} (1 - \beta_s)`; not :math:`\beta_t`, and not
            :math:`1 - \beta_t`. One number per batch element, or one that is shared.
        noise: :math:`\epsilon`, a standard normal draw of the same shape.

    Returns:
        :math:`x_t`, noisy data.

    Also called:
        forward process, q_sample, add_noise, forward diffusion, noising, variance preserving,
        alphas_cumprod.

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

        Two steps of :math:`\beta = 0.2` and 0.5 are one jump to 0.8 times 0.5, with a noise of unit
        variance that mixes theirs:

        >>> x0 = np.asarray([3.0, -1.0])
        >>> first, second = np.asarray([0.7, 0.1]), np.asarray([-0.4, 2.0])
        >>> steps = ddpm_add_noise(x0, np.asarray(0.8), first)
        >>> steps = ddpm_add_noise(steps, np.asarray(0.5), second)
        >>> mixed = (np.sqrt(0.5 * 0.2) * first + np.sqrt(0.5) * second) / np.sqrt(0.6)
        >>> jump = ddpm_add_noise(x0, np.asarray(0.4), mixed)
        >>> steps.round(4).tolist(), jump.round(4).tolist()
        ([1.8359, 0.8134], [1.8359, 0.8134])

        At the ends there is only signal, or only noise:

        >>> ends = [ddpm_add_noise(x0, np.asarray(end), first).tolist() for end in (1.0, 0.0)]
        >>> ends
        [[3.0, -1.0], [0.7, 0.1]]
    """
    xp = array_namespace(x0, alpha_bar, noise)
    return xp.sqrt(alpha_bar)[..., None] * x0 + xp.sqrt(1 - alpha_bar)[..., None] * noise
