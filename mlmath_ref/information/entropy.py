r"""Entropy: how many nats an event is worth, on average.

An event of probability :math:`p` is worth :math:`-\log p`: nothing when it was certain, more the
less it was expected. Averaged over a distribution under its own probabilities this is the entropy,
the shortest mean length of a code. Averaged under one distribution with the code lengths of another
it is the cross-entropy, which is longer by the Kullback-Leibler divergence:
:math:`H(p, q) = H(p) + D_{\mathrm{KL}}(p \,\|\, q)`. A model trained on data lowers the
cross-entropy from the data to itself; perplexity is its exponential, the number of equally likely
choices that would be as hard to guess.

All logarithms here are natural, so that the unit is the nat and the identity above holds as it
stands; divide by :math:`\log 2` for bits. Perplexity does not depend on the unit, if the
exponential has the base of the logarithm.

:map: 4 Information theory
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.numerics.logarithms import xlogy
from mlmath_ref.sets import ExtendedNonneg, ExtendedNonpositive, Mask, Nonneg, Simplex, checked


@checked
def entropy(p: Simplex[Array, "*batch n"]) -> Nonneg[Array, "*batch"]:
    r"""Shannon entropy: how uncertain a draw from a distribution is.

    .. math:: H(p) = -\sum_{i=1}^{n} p_i \log p_i

    Zero exactly when one event is certain, at most :math:`\log n`, which only the uniform
    distribution reaches. It is concave in :math:`p`.

    Args:
        p: :math:`p`, the distribution; an event with :math:`p_i = 0` adds nothing.

    Returns:
        :math:`H(p)`, in nats, one number per batch element.

    Also called:
        information entropy, Shannon information, self-information, average surprisal, uncertainty,
        p log p.

    Role in ML:
        - preprocessing -- Byte Latent Transformer: a small model's entropy over the next byte says
          where one patch of bytes ends and the next begins
          :cite:p:`pagnoni2024byte{code: bytelatent/data/patcher.py, line 48}`.
        - regularizer -- Proximal policy optimization: a bonus for it in the objective keeps a
          policy from settling too early :cite:p:`schulman2017proximal{eq. (9)}`.
          Witness: ``stable_baselines3.common.distributions.CategoricalDistribution``.

    Numerics:
        The convention :math:`0 \log 0 = 0` is kept by :ref:`xlogy <xlogy>` without an epsilon, so that a certain
        event gives exactly 0. The derivative is :math:`-\log p_i - 1`, without bound as :math:`p_i`
        goes to 0; at 0 itself the gradient returned is 0.

    Checked against:
        ``scipy.stats.entropy(p, axis=-1)``

        ``torch.special.entr(p).sum()``

    Examples:
        By hand, :math:`\tfrac12 \log 2 + 2 \cdot \tfrac14 \log 4 = \tfrac32 \log 2`, or 1.5 bits:

        >>> import numpy as np
        >>> p = np.asarray([0.5, 0.25, 0.25])
        >>> float(entropy(p)), float(entropy(p) / np.log(2))
        (1.0397, 1.5)

        Two distributions, as ``scipy.stats.entropy`` has them:

        >>> entropy(np.asarray([[0.7, 0.2, 0.1], [0.15, 0.6, 0.25]])).round(4).tolist()
        [0.8018, 0.9376]

        The derivative :math:`-\log p_i - 1`:

        >>> import torch
        >>> p = torch.tensor([0.5, 0.25, 0.25], requires_grad=True)
        >>> entropy(p).backward()
        >>> p.grad
        tensor([-0.3069,  0.3863,  0.3863])

        A certain event tells nothing; four equally likely ones tell :math:`\log 4`; and at 0 the
        gradient is 0:

        >>> entropy(torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]))
        tensor([0.0000, 1.3863])
        >>> p = torch.tensor([0.0, 1.0], requires_grad=True)
        >>> entropy(p).backward()
        >>> p.grad
        tensor([ 0., -1.])
    """
    xp = array_namespace(p)
    # subtracted from 0, not negated, so that a certain event gives 0 and not -0
    return 0.0 - xp.sum(xlogy(p, p), axis=-1)


@checked
def cross_entropy(
    p: Simplex[Array, "*batch n"], q: Simplex[Array, "*batch n"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Cross-entropy: the mean length of a message from p in a code made for q.

    .. math:: H(p, q) = -\sum_{i=1}^{n} p_i \log q_i

    It is :math:`H(p) + D_{\mathrm{KL}}(p \,\|\, q)`, so for a given :math:`p` it is smallest at
    :math:`q = p`, where it is the entropy and not 0. It is not symmetric: :math:`p` is the
    distribution that the mean is taken under.

    Args:
        p: :math:`p`, the distribution that events are drawn from, the target.
        q: :math:`q`, the distribution that is judged, the prediction.

    Returns:
        :math:`H(p, q)`, in nats, one number per batch element.

    Also called:
        CE, log loss, logarithmic score, soft-target cross-entropy, cross entropy of two
        distributions.

    Role in ML:
        - objective -- DINOv3: moves the student's distribution over prototypes towards the
          teacher's for another crop of the same image; the teacher stands first
          :cite:p:`simeoni2025dinov3{code: dinov3/loss/dino_clstoken_loss.py, line 93}`.
        - objective -- Knowledge distillation: with a large model's softened probabilities as
          :math:`p`, the small model learns more than the right label
          :cite:p:`hinton2015distilling{sec. 2}`.

    Numerics:
        A term with :math:`p_i = 0` is 0, in the value and in the gradient in :math:`q`; where
        :math:`q_i = 0 < p_i` the result is :math:`\infty`. No epsilon bounds it. This entry takes
        probabilities; from logits use :ref:`softmax_cross_entropy <softmax_cross_entropy>`, which cannot lose a probability to
        underflow.

    Checked against:
        ``-torch.special.xlogy(p, q).sum()``

        ``scipy.stats.entropy(p) + scipy.stats.entropy(p, q)``

    Examples:
        By hand, :math:`\tfrac12 \log 4 + \tfrac12 \log \tfrac43 = \tfrac12 \log \tfrac{16}{3}`:

        >>> import numpy as np
        >>> float(cross_entropy(np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75])))
        0.837

        The order matters, as ``scipy.stats.entropy(p) + scipy.stats.entropy(p, q)`` has it:

        >>> p, q = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.15, 0.6, 0.25])
        >>> float(cross_entropy(p, q)), float(cross_entropy(q, p))
        (1.5688, 1.5948)

        The gradient in :math:`q` is :math:`-p / q`:

        >>> import torch
        >>> q = torch.tensor([0.25, 0.75], requires_grad=True)
        >>> cross_entropy(torch.tensor([0.5, 0.5]), q).backward()
        >>> q.grad
        tensor([-2.0000, -0.6667])

        A right and certain prediction costs nothing, a certain and wrong one costs without bound,
        and an event that never happens has no gradient:

        >>> happens = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> q = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
        >>> cross_entropy(happens, q).detach()
        tensor([0., inf])
        >>> cross_entropy(happens[0], q[0]).backward()
        >>> q.grad[0]
        tensor([-1.,  0.])
    """
    xp = array_namespace(p, q)
    # subtracted from 0, not negated, so that a sure prediction gives 0 and not -0
    return 0.0 - xp.sum(xlogy(p, q), axis=-1)


@checked
def perplexity(
    log_p: ExtendedNonpositive[Array, "*batch T"], mask: Mask[Array, "*#batch T"] | None = None
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Perplexity: among how many equally likely tokens the model was choosing, on average.

    .. math:: \operatorname{PPL} = \exp \left(
       -\frac{\sum_{t=1}^{T} m_t \log p_t}{\sum_{t=1}^{T} m_t} \right)

    It is the exponential of the mean negative log-likelihood, and 1 over the geometric mean of the
    probabilities. A model that predicts every token is at 1, one that knows nothing of a vocabulary
    of :math:`V` tokens is at :math:`V`. Two models can be compared only on the same tokens.

    Args:
        log_p: :math:`\log p_t`, the natural logarithm of the probability :math:`p_t` that the model
            gave to the token that came, given those before it.
        mask: :math:`m_t`, true (1) where a token counts; all of them if left out.

    Returns:
        :math:`\operatorname{PPL}`, one number for each sequence.

    Also called:
        PPL, exponentiated cross-entropy, branching factor, exp of the loss.

    Role in ML:
        - metric -- DeepSeek-V3: base models are compared on multiple-choice tasks by it; where the
          tokenizers differ, on the Pile, bits per byte take its place
          :cite:p:`deepseek2024v3{sec. 4.4.1}`.
        - metric -- QuaRot: how much a language model loses when its weights, activations and cache
          are rounded to 4 bits
          :cite:p:`ashkboos2024quarot{code: fake_quant/eval_utils.py, line 147}`.
        - metric -- IBM speech recognition: introduced to say how hard a task is, better than the
          size of its vocabulary does :cite:p:`jelinek1977perplexity{table I}`.

    Numerics:
        The logarithms are averaged first: the product of the probabilities themselves underflows
        after some hundred tokens. Averaging the perplexities of sequences is another, larger
        number; put the tokens in one sequence instead. A counted token with :math:`p_t = 0` makes
        the result :math:`\infty`; one that the mask leaves out does not.

    Checked against:
        ``scipy.stats.gmean(np.exp(-log_p if mask is None else -log_p[mask]))``

    Examples:
        By hand, probabilities 1/2, 1/4 and 1/8 have the geometric mean 1/4:

        >>> import numpy as np
        >>> log_p = np.log(np.asarray([0.5, 0.25, 0.125]))
        >>> float(perplexity(log_p))
        4.0

        Two sequences of four tokens, of which the second counts three only, as
        ``scipy.stats.gmean`` of :math:`1 / p_t` has it:

        >>> p = np.asarray([[0.3, 0.05, 0.6, 0.9], [0.02, 0.7, 0.45, 0.11]])
        >>> mask = np.asarray([[True, True, True, True], [True, True, False, True]])
        >>> perplexity(np.log(p), mask).round(4).tolist()
        [3.3333, 8.6595]

        The derivative is minus the perplexity over the number of tokens:

        >>> import torch
        >>> log_p = torch.tensor([0.5, 0.25, 0.125]).log().requires_grad_()
        >>> perplexity(log_p).backward()
        >>> log_p.grad
        tensor([-1.3333, -1.3333, -1.3333])

        Certain tokens give 1, an impossible one :math:`\infty`, and none of it where it is masked:

        >>> log_p = torch.tensor([[0.0, 0.0], [0.0, -torch.inf]])
        >>> perplexity(log_p)
        tensor([1., inf])
        >>> perplexity(log_p, torch.tensor([[True, True], [True, False]]))
        tensor([1., 1.])
    """
    xp = array_namespace(log_p)
    counted = xp.ones_like(log_p, dtype=xp.bool) if mask is None else mask
    total = xp.sum(xp.where(counted, log_p, 0.0), axis=-1)
    return xp.exp(-total / xp.sum(xp.astype(counted, log_p.dtype), axis=-1))
