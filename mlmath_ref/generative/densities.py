r"""Densities of generators: computed exactly, or only compared with that of the data.

A generator :math:`x = f(z)` turns noise into data and so has a distribution, but a sample does not
tell its density. If :math:`f` can be inverted, and its Jacobian has a determinant that is cheap,
the density is known exactly: it is that of the noise, divided by how much :math:`f` stretches
volumes. Normalizing flows are built for this and trained by maximum likelihood.

If :math:`f` cannot be inverted, two sets of samples can still be told apart. A discriminator that
is trained to do that, and does it as well as possible, knows the ratio of the two densities, and
nothing else. Adversarial training uses it against the generator: the value of the game at the best
discriminator is a divergence between data and samples, and the generator lowers it. One logistic
regression is at the bottom of all of it: the logit of the best discriminator is the log-ratio.

:map: 6.7 Generative models
"""

from array_api_compat import array_namespace

from mlmath_ref.activations.gates import sigmoid
from mlmath_ref.arrays import Array, softplus, total
from mlmath_ref.sets import Invertible, Nonpositive, Real, Unit, checked


@checked
def change_of_variables(
    log_pz: Real[Array, "*batch"], j: Invertible[Array, "*batch d d"]
) -> Real[Array, "*batch"]:
    r"""Change of variables: the density of a transformed point, from that of the point it came from.

    .. math:: \log p_x = \log p_z - \log \left| \det(J) \right|

    The map :math:`x = f(z)` has the Jacobian :math:`J_{ij} = \partial f_i / \partial z_j` and an
    inverse. As densities :math:`p_x(x) = p_z(f^{-1}(x)) \left| \det \frac{\partial
    f^{-1}(x)}{\partial x} \right|`, in one dimension
    :math:`p_x(x) = p_z(z) \left| \frac{dz}{dx} \right|`: where the map stretches volumes the
    density falls. Maps in a row add their log-determinants; with the Jacobian of the inverse the
    sign is plus.

    Args:
        log_pz: :math:`\log p_z`, the logarithm of the density of :math:`z` at the point.
        j: :math:`J`, the Jacobian of the map at the point.

    Returns:
        :math:`\log p_x`, the logarithm of the density of :math:`x = f(z)`, one number per batch
        element.

    Also called:
        change of variables formula, pushforward density, transformation of random variables,
        density transformation.

    Asked as:
        normalizing flow; flow likelihood; log-det-Jacobian; logdet; bijector; RealNVP; Glow; density
        of a transformed variable.

    Role in ML:
        - objective -- JetFormer: a flow turns an image into soft tokens, a transformer models the
          tokens, and the likelihood of the image is that of the tokens with the log-determinant of
          the flow
          :cite:p:`tschannen2024jetformer{code: google-research/big_vision,
          big_vision/trainers/proj/jetformer/train.py, lines 449-457}`.
        - objective -- TarFlow: the loss is half the squared length of the noise that an image is
          mapped to, less the log-determinants of the blocks on the way
          :cite:p:`zhai2024tarflow{code: transformer_flow.py, lines 298-315}`.

    Numerics:
        The logarithm of the determinant comes from a triangular factorization,
        ``np.linalg.slogdet`` or ``torch.linalg.slogdet``, so that neither it nor its underflow is
        ever formed: a 400 by 400 Jacobian of 0.1 on the diagonal has the determinant 0 in double
        precision and the log-determinant -921.03. The cost is about :math:`\tfrac23 d^3` operations; flows
        choose triangular Jacobians, whose determinant is the product of the diagonal. The sign does
        not count. ``torch.distributions.TransformedDistribution`` has densities of this form.

    Checked against:
        ``log_pz - np.log(scipy.linalg.svdvals(j)).sum()``

    Examples:
        By hand, doubling one coordinate and trebling the other spreads the density over six times
        the area:

        >>> import numpy as np
        >>> j = np.asarray([[2.0, 0.0], [0.0, 3.0]])
        >>> round(float(np.exp(change_of_variables(np.log(np.asarray(0.3)), j))), 4)
        0.05

        The exponential of a normal variable, :math:`\partial x / \partial z = e^z`, has the density
        that ``scipy.stats.lognorm`` gives:

        >>> from scipy import stats
        >>> z = np.asarray([-0.7, 0.4])
        >>> change_of_variables(stats.norm.logpdf(z), np.exp(z)[:, None, None]).round(4).tolist()
        [-0.4639, -1.3989]
        >>> stats.lognorm.logpdf(np.exp(z), 1.0).round(4).tolist()
        [-0.4639, -1.3989]

        A linear map without symmetry, against the Gaussian with covariance :math:`J J^\top`:

        >>> j, z = np.asarray([[1.2, -0.7], [0.4, -2.1]]), np.asarray([0.3, -1.1])
        >>> round(float(change_of_variables(stats.norm.logpdf(z).sum(), j)), 4)
        -3.2944
        >>> round(float(stats.multivariate_normal.logpdf(j @ z, cov=j @ j.T)), 4)
        -3.2944

        The gradient in :math:`J` is :math:`-J^{-\top}`:

        >>> import torch
        >>> j = torch.tensor([[2.0, 1.0], [0.0, 4.0]], requires_grad=True)
        >>> change_of_variables(torch.tensor(0.0), j).backward()
        >>> j.grad
        tensor([[-0.5000,  0.0000],
                [ 0.1250, -0.2500]])

        The determinant underflows, its logarithm does not; a reflection changes nothing:

        >>> j = 0.1 * np.eye(400)
        >>> float(np.linalg.det(j)), round(float(change_of_variables(np.asarray(0.0), j)), 4)
        (0.0, 921.034)
        >>> float(change_of_variables(np.asarray(0.5), np.asarray([[0.0, 1.0], [1.0, 0.0]])))
        0.5
    """
    xp = array_namespace(log_pz, j)
    return log_pz - xp.linalg.slogdet(j).logabsdet


@checked
def gan_value(
    u: Real[Array, "*batch n"], v: Real[Array, "*batch m"]
) -> Nonpositive[Array, "*batch"]:
    r"""GAN value: how well a discriminator tells data from samples, which the generator lowers.

    .. math::
        V = \frac1n \sum_{i=1}^{n} \log \sigma(u_i)
            + \frac1m \sum_{j=1}^{m} \log(1 - \sigma(v_j))

    In expectations the game is :math:`\min_G \max_D \mathbb{E}_{x \sim p_{\mathrm{data}}}[\log
    D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]`; here :math:`\sigma` is the logistic
    sigmoid, so that :math:`\sigma(u_i)` is the discriminator's probability that :math:`i` is data.
    At most 0; where the discriminator knows nothing and says one half to all, :math:`-\log 4`. At
    the best discriminator it is :math:`-\log 4` plus twice the Jensen-Shannon divergence of the two
    distributions.

    Args:
        u: :math:`u`, the scores (logits) of the data.
        v: :math:`v`, the scores (logits) of the generated samples.

    Returns:
        :math:`V`, in nats, the sum of the two means, one number per batch element.

    Also called:
        GAN loss, minimax loss, GAN minimax objective.

    Asked as:
        adversarial loss; discriminator loss; generative adversarial network; vanilla GAN; saturating
        loss; non-saturating loss; softplus loss; minimax game.

    Role in ML:
        - objective -- DMD2: a classifier on the features of the diffusion network is trained on
          :math:`-V`; the one-step generator lowers the mean of :math:`-\log \sigma(v_j)` instead,
          whose gradient does not vanish
          :cite:p:`yin2024improved{code: tianweiy/DMD2, main/sd_guidance.py, lines 323 and 391}`.
        - objective -- Generative adversarial nets: the discriminator ascends it, the generator
          descends its second term :cite:p:`goodfellow2014generative{eq. (1)}`.

    Numerics:
        The logarithms come from the scores by a stable :math:`\log(1 + e^x)`, whose first and second
        derivatives are finite; a probability that was rounded to 1 first would give
        :math:`-\infty`. For a sample that is surely found out the
        gradient :math:`-\sigma(v_j) / m` vanishes: at a score of -20 it is 2e-9 over :math:`m`, and
        the generator learns nothing from it; the non-saturating loss
        :math:`-\frac1m \sum_j \log \sigma(v_j)` keeps its gradient there.

    Checked against:
        ``-torch.nn.functional.binary_cross_entropy_with_logits(u, torch.ones_like(u))
        - torch.nn.functional.binary_cross_entropy_with_logits(v, torch.zeros_like(v))``

    Examples:
        By hand, one datum with the probability 3/4 and two samples with 1/2 and 1/5:
        :math:`\log \tfrac34 + \tfrac12 (\log \tfrac12 + \log \tfrac45)`.

        >>> import numpy as np
        >>> u, v = np.log(np.asarray([3.0])), np.log(np.asarray([1.0, 0.25]))
        >>> round(float(gan_value(u, v)), 4)
        -0.7458

        Two games at once, with values that ``torch`` confirms by its binary cross-entropy:

        >>> u = np.asarray([[0.3, 2.1, -0.8], [1.5, -0.2, 0.6]])
        >>> v = np.asarray([[-1.2, 0.4], [0.9, -2.5]])
        >>> gan_value(u, v).round(4).tolist()
        [-1.2018, -1.139]

        At equilibrium all scores are 0, and the value is :math:`-\log 4`:

        >>> round(float(gan_value(np.zeros(3), np.zeros(5))), 4)
        -1.3863

        Ascent raises the scores of data and lowers those of samples; a sample at -20 is lost:

        >>> import torch
        >>> u = torch.tensor([0.0, 1.0]).requires_grad_()
        >>> v = torch.tensor([0.0, -20.0]).requires_grad_()
        >>> gan_value(u, v).backward()
        >>> u.grad, v.grad
        (tensor([0.2500, 0.1345]), tensor([-2.5000e-01, -1.0306e-09]))

        A score of 800 rounds its probability to 1, and still costs 800:

        >>> float(gan_value(np.asarray([800.0]), np.asarray([800.0])))
        -800.0
    """
    return -total(softplus(-u) / u.shape[-1]) - total(softplus(v) / v.shape[-1])


@checked
def optimal_discriminator(
    log_p: Real[Array, "*shape"], log_q: Real[Array, "*shape"]
) -> Unit[Array, "*shape"]:
    r"""Optimal discriminator: the probability that a point is data, if data and samples are as many.

    .. math:: D = \frac{p}{p + q}

    For the generator's density :math:`p_g` it reads :math:`D^{*}(x) =
    \frac{p_{\mathrm{data}}(x)}{p_{\mathrm{data}}(x) + p_g(x)}`, is Bayes' theorem with even odds,
    and maximizes the value of the game at every point. Its logit is :math:`\log p - \log q`, so a
    discriminator trained to the end is an estimate of the density ratio,
    :math:`p / q = D / (1 - D)`. It is 1/2 everywhere exactly when the generator has the
    distribution of the data.

    Args:
        log_p: :math:`\log p`, the logarithm of the density of the data at the point.
        log_q: :math:`\log q`, the logarithm of the density of the generator's samples there.

    Returns:
        :math:`D`, the probability, element by element.

    Also called:
        GAN optimum, Bayes-optimal classifier.

    Asked as:
        D*; density ratio trick; likelihood ratio trick; classifier two-sample test; noise-contrastive
        estimation; density ratio estimation; Bayes classifier.

    Role in ML:
        - estimator -- sbi: a classifier learns to tell pairs of parameters and simulations that
          belong together from pairs that do not; its logit then stands for the log-likelihood-ratio
          in the posterior
          :cite:p:`boelts2025sbi{code: sbi/inference/trainers/nre/nre_a.py, lines 165-189;
          sbi/inference/potentials/ratio_based_potential.py, lines 95-117}`.
        - analysis -- Generative adversarial nets: put into the value of the game it turns the
          generator's problem into minimizing a Jensen-Shannon divergence
          :cite:p:`goodfellow2014generative{prop. 1, thm. 1}`.

    Numerics:
        The quotient is computed as the sigmoid of the difference of logarithms: densities of images
        lie around :math:`e^{-5000}`, and the quotient of two underflowed numbers is undefined. The
        sigmoid saturates: where the logarithms differ by more than 37 it is 0 or 1 within double
        precision, and the ratio is better kept as a difference.

    Checked against:
        ``scipy.special.expit(log_p - log_q)``, ``np.exp(log_p - np.logaddexp(log_p, log_q))``

    Examples:
        By hand, densities 0.3 and 0.1 make :math:`0.3 / 0.4`, and equal ones 1/2:

        >>> import numpy as np
        >>> p, q = np.asarray([0.3, 0.2]), np.asarray([0.1, 0.2])
        >>> optimal_discriminator(np.log(p), np.log(q)).round(4).tolist()
        [0.75, 0.5]

        Two Gaussians at unequal places and widths; with ``scipy.stats``, :math:`p / (p + q)`:

        >>> from scipy import stats
        >>> x = np.asarray([-1.0, 0.5, 2.5])
        >>> p, q = stats.norm.pdf(x, 0.2, 1.0), stats.norm.pdf(x, 1.0, 1.7)
        >>> optimal_discriminator(np.log(p), np.log(q)).round(4).tolist()
        [0.6231, 0.6292, 0.1512]
        >>> (p / (p + q)).round(4).tolist()
        [0.6231, 0.6292, 0.1512]

        On a table of three events the value at this discriminator is twice the squared
        Jensen-Shannon distance, less :math:`\log 4`, and no other table does better:

        >>> from scipy.spatial.distance import jensenshannon
        >>> p, q = np.asarray([0.5, 0.3, 0.2]), np.asarray([0.1, 0.3, 0.6])
        >>> d = optimal_discriminator(np.log(p), np.log(q))
        >>> round(float(p @ np.log(d) + q @ np.log(1 - d)), 4)
        -1.1361
        >>> round(float(2 * jensenshannon(p, q) ** 2 - np.log(4)), 4)
        -1.1361
        >>> best = p @ np.log(d) + q @ np.log(1 - d)
        >>> bool(p @ np.log(d + 0.01) + q @ np.log(0.99 - d) < best)
        True

        The gradient in :math:`\log p` is :math:`D (1 - D)`, in :math:`\log q` its negative:

        >>> import torch
        >>> log_p = torch.tensor([3.0]).log().requires_grad_()
        >>> log_q = torch.tensor([1.0]).log().requires_grad_()
        >>> optimal_discriminator(log_p, log_q).backward()
        >>> log_p.grad, log_q.grad
        (tensor([0.1875]), tensor([-0.1875]))

        Densities that underflow still have a ratio; a difference of 40 has reached the end:

        >>> log_p, log_q = np.asarray([-5000.0, -100.0]), np.asarray([-5001.0, -140.0])
        >>> float(np.exp(log_p[0])), optimal_discriminator(log_p, log_q).round(4).tolist()
        (0.0, [0.7311, 1.0])
        >>> bool(optimal_discriminator(log_p, log_q)[1] == 1.0)
        True
    """
    return sigmoid(log_p - log_q)
