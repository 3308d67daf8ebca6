r"""Divergences: what one distribution costs when another is used in its place.

A divergence is zero exactly when two distributions agree and positive otherwise. It is no distance:
the two arguments play different parts. The Kullback-Leibler divergence
:math:`D_{\mathrm{KL}}(p \,\|\, q)` is the one that likelihood training minimizes, because
:math:`H(p, q) = H(p) + D_{\mathrm{KL}}(p \,\|\, q)` and the entropy of the data is out of the
model's hands. Its first argument is the distribution that the expectation is taken under:
minimized in :math:`q` it makes the model cover every event of :math:`p`, minimized in :math:`p` it
makes it keep to events that :math:`q` allows.

Mutual information is such a divergence, from a joint distribution to the product of its margins:
what is lost when two variables that belong together are treated as independent. It is symmetric in
the two variables although the divergence is not in its arguments.

:map: 4 Information theory
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.numerics.logarithms import xlogy
from mlmath_ref.sets import ExtendedNonneg, Joint, Nonneg, Simplex, checked


@checked
def kl_divergence(
    p: Simplex[Array, "*batch n"], q: Simplex[Array, "*batch n"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Kullback-Leibler divergence: the extra nats paid for coding p with a code made for q.

    .. math:: D_{\mathrm{KL}}(p \,\|\, q) = \sum_{i=1}^{n} p_i \log \frac{p_i}{q_i}

    Zero exactly when :math:`p = q`, and not symmetric: :math:`p` decides where :math:`q`
    may not be small.

    Args:
        p: :math:`p`, the distribution that events are drawn from.
        q: :math:`q`, the distribution that is judged.

    Returns:
        :math:`D_{\mathrm{KL}}(p \,\|\, q)`, in nats, one number per batch element.

    Also called:
        relative entropy, information gain, I-divergence, KL, Kullback Leibler distance.

    Role in ML:
        - objective -- Qwen3: the small models are distilled by bringing the student's logits to the
          teacher's under this divergence :cite:p:`qwen2025three{sec. 4.5}`.
        - constraint -- Trust-region policy optimization: bounds how far one update may move
          the policy; the old policy stands first :cite:p:`schulman2015trust{eq. (12)}`.
        - regularizer -- Variational autoencoder: the rate term of the evidence lower bound
          holds the encoder's posterior near the prior :cite:p:`kingma2014auto{eq. (3)}`.

    Numerics:
        A term with :math:`p_i = 0` counts as 0, in the value and in the gradient in :math:`q`;
        where :math:`q_i = 0 < p_i` the result is :math:`\infty`, and no epsilon bounds it. From
        logits, subtract log-softmaxes instead: a probability that underflowed to 0 cannot be
        recovered.

    Checked against:
        ``scipy.stats.entropy(p, q, axis=-1)``

    Examples:
        By hand, :math:`\tfrac12 \log 2 + \tfrac12 \log \tfrac23`:

        >>> import numpy as np
        >>> p, q = np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75])
        >>> float(kl_divergence(p, q))
        0.1438

        The order matters, as ``scipy.stats.entropy`` has it:

        >>> p, q = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.15, 0.6, 0.25])
        >>> float(kl_divergence(p, q)), float(kl_divergence(q, p))
        (0.767, 0.6572)

        The gradient in :math:`q` is :math:`-p/q`, which is why small :math:`q_i` are felt:

        >>> import torch
        >>> q = torch.tensor([0.25, 0.75], requires_grad=True)
        >>> kl_divergence(torch.tensor([0.5, 0.5]), q).backward()
        >>> q.grad
        tensor([-2.0000, -0.6667])

        An event that :math:`q` calls impossible costs without bound; each row is one pair:

        >>> p, q = torch.full((2, 2), 0.5), torch.tensor([[1.0, 0.0], [0.25, 0.75]])
        >>> kl_divergence(p, q)
        tensor([   inf, 0.1438])

        An event that does not happen costs nothing, and :math:`q` is free to call it impossible:

        >>> q = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> cost = kl_divergence(torch.tensor([1.0, 0.0]), q)
        >>> cost.backward()
        >>> cost.detach(), q.grad
        (tensor(0.), tensor([-1.,  0.]))
    """
    xp = array_namespace(p, q)
    return xp.sum(xlogy(p, p) - xlogy(p, q), axis=-1)


@checked
def mutual_information(p: Joint[Array, "*batch m n"]) -> Nonneg[Array, "*batch"]:
    r"""Mutual information: how many nats one variable tells about another.

    .. math:: I(X; Y) = \sum_{i=1}^{m} \sum_{j=1}^{n}
       p_{ij} \log \frac{p_{ij}}{\left( \sum_{l=1}^{n} p_{il} \right)
       \left( \sum_{k=1}^{m} p_{kj} \right)}

    It is :math:`D_{\mathrm{KL}}` from the joint distribution to the product of its margins, and
    :math:`H(X) + H(Y) - H(X, Y)`. Zero exactly when the variables :math:`X` and :math:`Y` are
    independent, and the same if they change places. It is at most the smaller of their entropies.

    Args:
        p: :math:`p`, the joint distribution, :math:`p_{ij}` the probability that :math:`X` is at
            its value :math:`i` and :math:`Y` at its value :math:`j`.

    Returns:
        :math:`I(X; Y)`, in nats, one number per batch element.

    Also called:
        MI, information gain, transinformation, shared information.

    Role in ML:
        - metric -- scGPT: normalized by the two entropies, it says how well clusters of cell embeddings
          agree with the cell types
          :cite:p:`cui2024scgpt{code: scgpt/utils/util.py, line 440}`.
        - estimator -- Contrastive predictive coding: the loss over :math:`N` candidates bounds it
          from below by :math:`\log N` minus the loss, so that no estimate exceeds :math:`\log N`
          :cite:p:`oord2018representation{sec. 2.3}`.

    Numerics:
        Cells with :math:`p_{ij} = 0` count as 0. For independent variables rounding may leave some
        :math:`10^{-17}` on either side of 0. The table has to be known: from samples, a table of
        counts over their number is the usual estimate, and it is too large on average.

    Checked against:
        ``scipy.stats.entropy(p.sum(1)) + scipy.stats.entropy(p.sum(0))
        - scipy.stats.entropy(p.ravel())``

    Examples:
        By hand: two fair coins that always agree share one bit, :math:`\log 2`:

        >>> import numpy as np
        >>> float(mutual_information(np.asarray([[0.5, 0.0], [0.0, 0.5]])))
        0.6931

        Two values against three, as ``sklearn.metrics.mutual_info_score`` has it for the counts;
        turned over, the table gives the same:

        >>> p = np.asarray([[30, 5, 10], [5, 20, 30]]) / 100
        >>> float(mutual_information(p)), float(mutual_information(p.T))
        (0.1946, 0.1946)

        The derivative is :math:`\log (p_{ij} / p_i p_j) - 1`, with the margins :math:`p_i` and
        :math:`p_j`:

        >>> import torch
        >>> p = torch.tensor(p, requires_grad=True)
        >>> mutual_information(p).backward()
        >>> p.grad.float()
        tensor([[-0.3556, -1.8109, -1.5878],
                [-2.3481, -0.6253, -0.6898]])

        Two tables: independent variables tell nothing of each other, and one that decides the other
        tells its entropy, :math:`-0.2 \log 0.2 - 0.8 \log 0.8`:

        >>> tables = np.asarray([[[0.06, 0.14], [0.24, 0.56]], [[0.0, 0.2], [0.8, 0.0]]])
        >>> mutual_information(tables).tolist()
        [0.0000, 0.5004]
    """
    xp = array_namespace(p)
    margins = xp.sum(p, axis=-1, keepdims=True) * xp.sum(p, axis=-2, keepdims=True)
    return xp.sum(xlogy(p, p) - xlogy(p, margins), axis=(-2, -1))
