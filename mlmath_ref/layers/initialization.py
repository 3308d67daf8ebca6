r"""Initialization: how large the first weights are.

A layer multiplies the variance of its inputs by :math:`n_{\mathrm{in}}` times that of its weights,
and on the way back that of the errors by :math:`n_{\mathrm{out}}` times it. Over many layers both
products have to stay near 1, or signals and gradients vanish or explode before training has begun.
Both at once is possible in square layers only. Xavier initialization takes the mean of the two
sizes; He initialization keeps the signal alone, and doubles the variance because a rectifier throws
away half of it.

A rule fixes the variance, the shape of the distribution is free: a normal one has standard
deviation :math:`\sigma`, a uniform one reaches from :math:`-\sqrt{3} \, \sigma` to
:math:`\sqrt{3} \, \sigma`. Networks with residual connections and normalization depend less on it;
the reports of large language models state one small standard deviation for all weights, such as
0.006 in DeepSeek-V3 :cite:p:`deepseek2024v3`. The rules speak of draws, so whoever wants the same
network twice has to seed the generator.

:map: 2.3 Gradient flow
"""

from mlmath_ref.sets import Natural, Positive, checked


@checked
def xavier_variance(n_in: Natural[int, ""], n_out: Natural[int, ""]) -> Positive[float, ""]:
    r"""Xavier initialization: the variance of first weights, fair to signals and to gradients.

    .. math:: \sigma^2 = \frac{2}{n_{\mathrm{in}} + n_{\mathrm{out}}}

    Weights are drawn from :math:`\mathcal{N}(0, \sigma^2)` or uniform between
    :math:`\pm \sqrt{6 / (n_{\mathrm{in}} + n_{\mathrm{out}})}`, so that neither activations nor
    gradients vanish or explode with depth at the start. In a linear layer
    :math:`\sigma^2 = 1/n_{\mathrm{in}}` would keep the variance of the signal and
    :math:`1/n_{\mathrm{out}}` that of the gradient; this is the inverse of the mean of both sizes.
    It is symmetric in the two and made for activations with slope 1 at 0, such as tanh.

    Args:
        n_in: :math:`n_{\mathrm{in}}`, the number of inputs of a unit (fan-in).
        n_out: :math:`n_{\mathrm{out}}`, the number of units that an input goes to (fan-out).

    Returns:
        :math:`\sigma^2`, the variance of every weight; the mean is 0.

    Also called:
        Glorot initialization, Xavier initialisation, Glorot uniform, Glorot normal, normalized
        initialization, xavier_uniform, xavier_normal, Glorot init, Xavier init.

    Asked as:
        weight init; initialization for tanh; sqrt(6/(fan_in + fan_out)); activations vanish at the
        start.

    Role in ML:
        - sampling -- SigLIP 2: the projections of attention and both layers of the feed-forward
          network start uniform with this variance
          :cite:p:`tschannen2025siglip2{code: transformers, models/siglip2/modeling_siglip2.py,
          lines 426-437}`.
          Witness: ``transformers.models.siglip2.modeling_siglip2.Siglip2VisionModel``.
        - analysis -- Deep feed-forward networks: proposed as a uniform distribution, from the
          demand that the variances of activations and of gradients stay level through the layers
          :cite:p:`glorot2010understanding{eqs. (12), (16)}`.

    Numerics:
        In a convolution both sizes count the positions of the kernel. For several matrices stored
        as one the sizes are those of each; of the stack, :math:`n_{\mathrm{out}}` is too large. The
        uniform draws of ``torch.nn.init.xavier_uniform_`` end at :math:`\sqrt{6 / (n_{\mathrm{in}}
        + n_{\mathrm{out}})}`.

    Checked against:
        ``(lambda w, z: float((w / z)[0, 0]) ** 2)(*[f(torch.empty(n_out, n_in,
        dtype=torch.float64), generator=torch.Generator().manual_seed(0)) for f in
        (torch.nn.init.xavier_normal_, torch.nn.init.normal_)])``

    Examples:
        By hand, 3 inputs and 5 units:

        >>> xavier_variance(3, 5)
        0.25

        300 inputs and 100 units, and the end of the uniform draws as ``xavier_uniform_`` has it; a
        seeded generator draws the same again:

        >>> import torch
        >>> variance = xavier_variance(300, 100)
        >>> variance, round((3 * variance) ** 0.5, 4)
        (0.005, 0.1225)
        >>> def drawn(seed):
        ...     generator = torch.Generator().manual_seed(seed)
        ...     return torch.nn.init.xavier_uniform_(torch.empty(100, 300), generator=generator)
        >>> drawn(0).abs().max(), torch.equal(drawn(0), drawn(0)), torch.equal(drawn(0), drawn(1))
        (tensor(0.1225), True, False)

        Three matrices of 64 by 64 stored as one of 192 by 64 get half the variance that each is
        meant to have:

        >>> xavier_variance(64, 192) / xavier_variance(64, 64)
        0.5

        In a square layer the variance of 200 signals stays near 1, forward and backward, for
        weights and signals from a seeded generator:

        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> w = rng.normal(0, xavier_variance(200, 200) ** 0.5, (200, 200))
        >>> x, delta = rng.normal(size=(2, 200))
        >>> round(float((w @ x).var()), 4), round(float((w.T @ delta).var()), 4)
        (0.9854, 0.9612)
    """
    return 2 / (n_in + n_out)


@checked
def he_variance(n_in: Natural[int, ""]) -> Positive[float, ""]:
    r"""He initialization: the variance of first weights that a rectifier's signal survives.

    .. math:: \sigma^2 = \frac{2}{n_{\mathrm{in}}}

    Weights are drawn from :math:`\mathcal{N}(0, 2 / n_{\mathrm{in}})`, with
    :math:`\sigma = \sqrt{2 / n_{\mathrm{in}}}`, so that activations neither vanish nor explode with
    depth. A rectifier sets half of its inputs to 0, and the mean square of what is left is half the
    variance; the 2 makes up for it, layer by layer. With :math:`1/n_{\mathrm{in}}`, right for a
    linear layer, the signal would halve in every layer.

    Args:
        n_in: :math:`n_{\mathrm{in}}`, the number of inputs of a unit (fan-in).

    Returns:
        :math:`\sigma^2`, the variance of every weight; the mean is 0.

    Also called:
        Kaiming initialization, He initialisation, MSRA initialization, He normal, Kaiming normal,
        Kaiming uniform, kaiming_normal, kaiming_uniform, fan-in initialization, Kaiming init, He
        init.

    Asked as:
        weight init; initialization for ReLU; sqrt(2/fan_in); default initialization of nn.Linear.

    Role in ML:
        - sampling -- AlphaFold 3: layers that the released code marks ``relu``, such as the first
          of every transition, start with it, as normal draws cut off at two standard deviations and
          widened to make up for that
          :cite:p:`abramson2024accurate{code: google-deepmind/alphafold3 at 85c4d20,
          src/alphafold3/model/components/haiku_modules.py, lines 327-345}`.
        - sampling -- PyTorch: the initializer of this name, with its default slope of 0 for
          negative inputs :cite:p:`ansel2024pytorch2{code: torch/nn/init.py, def kaiming_normal_}`;
          a linear layer that is left alone does not follow it: its weights start uniform between
          :math:`\pm 1 / \sqrt{n_{\mathrm{in}}}`, with a sixth of this variance
          :cite:p:`ansel2024pytorch2{code: torch/nn/modules/linear.py, lines 117-124}`.
          Witness: ``torch.nn.init.kaiming_normal_``.
          Witness: ``torch.nn.Linear``, with six times its variance.
        - analysis -- PReLU networks: derived for rectifiers, and for a rectifier with slope
          :math:`a` on the negative side as :math:`2 / ((1 + a^2) \, n_{\mathrm{in}})`
          :cite:p:`he2015delving{sec. 2.2}`.

    Numerics:
        The uniform draws end at :math:`\sqrt{6 / n_{\mathrm{in}}}`. PyTorch's linear layer calls
        ``kaiming_uniform_`` with :math:`a = \sqrt{5}`, hence the variance
        :math:`1 / (3 n_{\mathrm{in}})`.

    Checked against:
        ``torch.nn.init.calculate_gain("relu") ** 2 / n_in``,
        ``(lambda w, z: float((w / z)[0, 0]) ** 2)(*[f(torch.empty(3, n_in, dtype=torch.float64),
        generator=torch.Generator().manual_seed(0)) for f in (torch.nn.init.kaiming_normal_,
        torch.nn.init.normal_)])``

    Examples:
        By hand, 8 inputs:

        >>> he_variance(8)
        0.25

        300 inputs; the default of ``torch.nn.Linear`` has a sixth of it:

        >>> import torch
        >>> round(he_variance(300), 6)
        0.006667
        >>> _ = torch.manual_seed(0)
        >>> w = torch.nn.Linear(300, 100).weight.detach()
        >>> w.var() / he_variance(300), w.abs().max() * 300**0.5
        (tensor(0.1658), tensor(1.0000))

        Ten layers of 100 rectified units, weights from a seeded generator: the mean square of the
        signal stays near 1, and with half the variance the same draws leave :math:`2^{-10}` of it:

        >>> import numpy as np
        >>> for share in (1.0, 0.5):
        ...     rng, x = np.random.default_rng(0), np.ones(100)
        ...     for _ in range(10):
        ...         w = rng.normal(0, (share * he_variance(100)) ** 0.5, (100, 100))
        ...         x = np.maximum(w @ x, 0)
        ...     print(round(float((x**2).mean()), 7))
        1.397241
        0.0013645
    """
    return 2 / n_in
