r"""Latent Gaussians: an encoder that answers with a distribution, and how to train it.

The encoder of a variational autoencoder maps an input to the mean and the variance of a Gaussian
over codes. Training has to draw a code and still send gradients back to the encoder. The
reparameterization trick moves the randomness into a noise that nobody trains, after which the draw
is an ordinary function of mean and variance.

The evidence lower bound then has two parts: how well a drawn code lets the decoder restore the
input, and how far the encoder's Gaussian is from the standard one, a divergence with a closed form.
The negative bound, reconstruction plus divergence, is a code length in nats. Image and video
generators keep this construction as their first stage, with a very small weight on the divergence:
there it bounds the scale of the codes rather than making them standard normal.

:map: 6.7 Generative models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Nonneg, Real, checked


@checked
def gaussian_kl(
    mu: Real[Array, "*batch d"], log_var: Real[Array, "*batch d"]
) -> Nonneg[Array, "*batch"]:
    r"""Gaussian KL term: how far a diagonal Gaussian is from the standard one.

    .. math::
        D_{\mathrm{KL}}(\mathcal{N}(\mu, \operatorname{diag}(\sigma^2)) \,\|\, \mathcal{N}(0, I))
            = \frac12 \sum_{i=1}^{d} (\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2)

    Zero exactly when :math:`\mu = 0` and every :math:`\sigma_i^2 = 1`. The expectation is under the
    encoder's Gaussian, which stands first; :math:`\mathcal{N}(0, I)` has unit covariance :math:`I`.

    Args:
        mu: :math:`\mu`, the mean.
        log_var: :math:`\log \sigma_i^2`, the logarithm of the variances, which a network may leave
            unbounded.

    Returns:
        :math:`D_{\mathrm{KL}}(\mathcal{N}(\mu, \operatorname{diag}(\sigma^2)) \,\|\, \mathcal{N}(0, I))`, in nats, one number per batch element; :math:`\mathcal{N}` is the
        normal distribution.

    Also called:
        VAE KL loss, KL regularizer, rate term, KL to standard normal, ELBO regularizer, kld.

    Role in ML:
        - regularizer -- Open-Sora 1.2: its video autoencoder is trained with this divergence at a
          weight of 1e-6, beside reconstruction and perceptual losses
          :cite:p:`zheng2024opensora{code: hpcaitech/Open-Sora, v1.2.0, configs/vae/train/stage1.py,
          line 39; opensora/models/vae/losses.py, line 120}`.
        - regularizer -- Latent diffusion: keeps the codes of the first stage at a moderate scale,
          with a small weight :cite:p:`rombach2022high{sec. 3.1}`.
          Witness: ``diffusers.models.autoencoders.vae.DiagonalGaussianDistribution``.
        - regularizer -- Variational autoencoder: the part of the evidence lower bound that needs no
          sampling :cite:p:`kingma2014auto{eq. (10), appendix B}`.

    Numerics:
        :math:`\sigma^2 - 1` is taken as :math:`\operatorname{expm1}(\log \sigma^2)`, so that small
        divergences keep their digits and never come out negative. The gradient is :math:`\mu_i` in
        the mean and :math:`(\sigma_i^2 - 1) / 2` in the log-variance: bounded where the variance is
        tiny, exponential where it is large. The sum runs over the last axis, the mean over a batch
        is the caller's; which of the two a library averages changes the weight of the term.

    Checked against:
        ``torch.distributions.kl_divergence(torch.distributions.Normal(mu, torch.exp(log_var / 2)),
        torch.distributions.Normal(0 * mu, 1 + 0 * mu)).sum(-1)``

    Examples:
        By hand, unit variances: half the squared length of the mean, :math:`(1 + 4) / 2`.

        >>> import numpy as np
        >>> float(gaussian_kl(np.asarray([1.0, -2.0]), np.zeros(2)))
        2.5

        Variances 4 and 1/2 add :math:`\tfrac12 (3 - \log 4)` and
        :math:`\tfrac12 (-\tfrac12 + \log 2)`; the gradients are :math:`\mu` and
        :math:`(\sigma^2 - 1) / 2`:

        >>> import torch
        >>> mu = torch.tensor([0.5, -1.5], requires_grad=True)
        >>> log_var = torch.tensor([4.0, 0.5]).log().requires_grad_()
        >>> divergence = gaussian_kl(mu, log_var)
        >>> divergence.item()
        2.1534
        >>> divergence.backward()
        >>> mu.grad.tolist(), log_var.grad.tolist()
        ([0.5, -1.5], [1.5, -0.25])

        The standard normal itself is at zero, a shift of it by :math:`(1, -2, 3)` at 7, and a tiny
        offset :math:`v` of the log-variance costs :math:`v^2 / 4`:

        >>> gaussian_kl(np.asarray([[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]]), np.zeros((2, 3))).tolist()
        [0.00, 7.00]
        >>> float(gaussian_kl(np.zeros(1), np.full(1, 1e-7)) / 1e-14)
        0.2500
    """
    xp = array_namespace(mu, log_var)
    return xp.sum(mu**2 + (xp.expm1(log_var) - log_var), axis=-1) / 2


@checked
def reparameterize(
    mu: Real[Array, "*batch d"],
    log_var: Real[Array, "*batch d"],
    noise: Real[Array, "*batch d"],
) -> Real[Array, "*batch d"]:
    r"""Reparameterization trick: a Gaussian draw as a function of its mean and variance.

    .. math:: z_i = \mu_i + \exp\left( \tfrac12 \log \sigma_i^2 \right) \epsilon_i

    With :math:`\epsilon \sim \mathcal{N}(0, I)` the result is distributed as
    :math:`\mathcal{N}(\mu, \operatorname{diag}(\sigma^2))`, and its gradients in :math:`\mu` and
    :math:`\sigma` exist because the noise does not depend on them.

    Args:
        mu: :math:`\mu`, the mean.
        log_var: :math:`\log \sigma_i^2`, the logarithm of the variances.
        noise: :math:`\epsilon`, a standard normal draw; zeros give the mean.

    Returns:
        :math:`z`, the draw.

    Also called:
        reparametrization trick, reparameterisation, pathwise gradient, rsample, Gaussian sampling,
        stochastic backpropagation.

    Role in ML:
        - sampling -- FLUX.1: the two halves of the image encoder's output, mean and log-variance,
          become a latent this way
          :cite:p:`labs2025kontext{code: black-forest-labs/flux, src/flux/modules/autoencoder.py,
          line 277}`.
          Witness: ``diffusers.models.autoencoders.vae.DiagonalGaussianDistribution``.
        - sampling -- MAR: each training step draws fresh latents from the posterior of a pretrained
          autoencoder
          :cite:p:`li2024autoregressive{code: LTH14/mar, models/vae.py, line 413; engine_mar.py,
          line 65}`.
        - estimator -- Variational autoencoder: lets the gradient of an expectation under the
          encoder be estimated from a single draw :cite:p:`kingma2014auto{sec. 2.4}`.

    Numerics:
        Halving the logarithm gives the standard deviation without a square root, whose slope has no
        bound at zero variance. A log-variance above about 177 overflows in float32; released
        encoders clamp it, to -30..20 in MAR.

    Checked against:
        ``mu + np.linalg.cholesky(np.diag(np.exp(log_var))) @ noise``

    Examples:
        By hand, standard deviations 3 and 0.5: :math:`1 + 3 \cdot 2` and :math:`-1 - 0.5 \cdot 4`.

        >>> import numpy as np
        >>> mu, log_var = np.asarray([1.0, -1.0]), np.log(np.asarray([9.0, 0.25]))
        >>> reparameterize(mu, log_var, np.asarray([2.0, -4.0])).round(4).tolist()
        [7.0, -3.0]

        The gradient in :math:`\mu` is 1, in the log-variance :math:`\sigma_i \epsilon_i / 2`:

        >>> import torch
        >>> mu = torch.zeros(2, requires_grad=True)
        >>> log_var = torch.tensor([9.0, 0.25]).log().requires_grad_()
        >>> reparameterize(mu, log_var, torch.tensor([2.0, -4.0])).sum().backward()
        >>> mu.grad.tolist(), log_var.grad.tolist()
        ([1.0, 1.0], [3.0, -1.0])

        Without noise the mean comes back:

        >>> reparameterize(np.asarray([0.3, 0.7]), np.asarray([5.0, -5.0]), np.zeros(2)).tolist()
        [0.3, 0.7]
    """
    xp = array_namespace(mu, log_var, noise)
    return mu + xp.exp(log_var / 2) * noise
