r"""Entropy: how many nats an event is worth, on average.

An event of probability :math:`p` is worth :math:`-\log p`: nothing when it was certain, more the
less it was expected. Averaged over a distribution under its own probabilities this is the entropy,
a lower bound on the mean length of a code: no code is shorter, and one of fewer than one bit more
exists. Averaged under one distribution with the code lengths of another
it is the cross-entropy, which is longer by the Kullback-Leibler divergence:
:math:`H(p, q) = H(p) + D_{\mathrm{KL}}(p \,\|\, q)`. A model trained on data lowers the
cross-entropy from the data to itself; perplexity is its exponential, the number of equally likely
choices that would be as hard to guess.

All logarithms here are natural, so that the unit is the nat and the identity above holds as it
stands; divide by :math:`\log 2` for bits. Perplexity does not depend on the unit, if the
exponential has the base of the logarithm.

A code may also send what nobody asked for, a latent variable, if the receiver can get the choice
back as bits of another message. The length that remains is the negative evidence lower bound, so
that a variational autoencoder is a compressor; it is the one entry here that counts in bits.

:map: 4 Information theory
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.information.divergence import kl_divergence
from mlmath_ref.numerics.logarithms import xlogy
from mlmath_ref.sets import (
    ExtendedNonneg,
    ExtendedNonpositive,
    Mask,
    Nonneg,
    Nonpositive,
    Simplex,
    checked,
)


@checked
def entropy(p: Simplex[Array, "*batch n"]) -> Nonneg[Array, "*batch"]:
    r"""Shannon entropy: how uncertain a draw from a distribution is.

    .. math:: H(p) = -\sum_{i=1}^{n} p_i \log p_i

    Zero exactly when one event is certain, at most :math:`\log n`, which only the uniform
    distribution reaches. It is concave in :math:`p`, in expectations
    :math:`\mathbb{E}_{x \sim p}[-\log p(x)]`, the mean surprise of a random variable, for two
    events :math:`-p \log p - (1 - p) \log(1 - p)`, and for a density
    :math:`-\int p(x) \log p(x) \, dx`.

    Args:
        p: :math:`p`, the distribution; an event with :math:`p_i = 0` adds nothing.

    Returns:
        :math:`H(p)`, in nats, one number per batch element.

    Also called:
        information entropy, average surprisal.

    Asked as:
        Shannon information; self-information; uncertainty; p log p; binary entropy; differential
        entropy; how uncertain is a distribution; entropy is nan.

    Role in ML:
        - preprocessing -- Byte Latent Transformer: a small model's entropy over the next byte says
          where one patch of bytes ends and the next begins
          :cite:p:`pagnoni2024byte{code: bytelatent/data/patcher.py, line 48}`.
        - regularizer -- PPO: a bonus for it in the objective keeps a
          policy from settling too early :cite:p:`schulman2017proximal{eq. (9)}`.
          Witness: ``stable_baselines3.common.distributions.CategoricalDistribution``.

    Numerics:
        The convention :math:`0 \log 0 = 0` is kept by :ref:`xlogy <xlogy>` without an epsilon, so
        that a certain event gives exactly 0; ``torch.distributions.Categorical.entropy``, which
        lifts a 0 to the rounding unit, gives :math:`2.2 \cdot 10^{-16}`. The derivative is
        :math:`-\log p_i - 1`, unbounded as :math:`p_i` goes to 0; at 0 itself the gradient returned
        is 0, where ``torch.special.entr`` returns :math:`\infty`. A sum below 0, from a probability
        that rounding has put above 1, is replaced by 0. In bits it is :math:`-\sum_i p_i \log_2 p_i`, the number here divided by
        :math:`\log 2`.

    Checked against:
        ``scipy.stats.entropy(p, axis=-1)``, ``torch.special.entr(p).sum()``

    Examples:
        By hand, :math:`\tfrac12 \log 2 + 2 \cdot \tfrac14 \log 4 = \tfrac32 \log 2`, or 1.5 bits:

        >>> import numpy as np
        >>> p = np.asarray([0.5, 0.25, 0.25])
        >>> round(float(entropy(p)), 4), round(float(entropy(p) / np.log(2)), 4)
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
    h = 0.0 - total(xlogy(p, p))
    return xp.where(h < 0, 0.0, h)  # below 0 where rounding has put a probability above 1


@checked
def cross_entropy(
    p: Simplex[Array, "*batch n"], q: Simplex[Array, "*batch n"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Cross-entropy: the mean length of a message from p in a code made for q.

    .. math:: H(p, q) = -\sum_{i=1}^{n} p_i \log q_i

    It is :math:`H(p) + D_{\mathrm{KL}}(p \,\|\, q)`, so for a given :math:`p` it is smallest at
    :math:`q = p`, where it is the entropy and not 0. It is not symmetric: :math:`p` is the
    distribution that the mean is taken under, :math:`\mathbb{E}_{x \sim p}[-\log q(x)]`; with a
    one-hot :math:`p` at the true class :math:`y` it is :math:`-\log q_y`.

    Args:
        p: :math:`p`, the distribution that events are drawn from, the target.
        q: :math:`q`, the distribution that is judged, the prediction.

    Returns:
        :math:`H(p, q)`, in nats, one number per batch element.

    Also called:
        CE, cross entropy of two distributions, soft-target cross-entropy.

    Asked as:
        H(p, q); log loss; logarithmic score; cross-entropy with soft labels; loss is infinite.

    Role in ML:
        - objective -- DINOv3: moves the student's distribution over prototypes towards the
          teacher's for another crop of the same image; the teacher stands first
          :cite:p:`simeoni2025dinov3{code: dinov3/loss/dino_clstoken_loss.py, line 93}`.
        - objective -- Knowledge distillation: with a large model's softened probabilities as
          :math:`p`, the small model learns more than the right label
          :cite:p:`hinton2015distilling{sec. 2}`.

    Numerics:
        A term with :math:`p_i = 0` is 0, in the value and in the gradient with respect to
        :math:`q`. If :math:`q_i = 0 < p_i`, the result is :math:`\infty` and its derivative with
        respect to :math:`q_i` is :math:`-\infty`; no epsilon bounds it. A sum below 0, from a
        probability that rounding has put above 1, is replaced by 0. This entry takes probabilities;
        from logits use :ref:`softmax_cross_entropy <softmax_cross_entropy>`, which cannot lose a probability to
        underflow.

    Checked against:
        ``torch.nn.functional.cross_entropy(torch.log(q), p)``, ``-torch.special.xlogy(p, q).sum()``,
        ``scipy.stats.entropy(p) + scipy.stats.entropy(p, q)``

    Examples:
        By hand, :math:`\tfrac12 \log 4 + \tfrac12 \log \tfrac43 = \tfrac12 \log \tfrac{16}{3}`:

        >>> import numpy as np
        >>> round(float(cross_entropy(np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75]))), 4)
        0.837

        The order matters, as ``scipy.stats.entropy(p) + scipy.stats.entropy(p, q)`` has it:

        >>> p, q = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.15, 0.6, 0.25])
        >>> round(float(cross_entropy(p, q)), 4), round(float(cross_entropy(q, p)), 4)
        (1.5688, 1.5948)

        The gradient in :math:`q` is :math:`-p / q`:

        >>> import torch
        >>> q = torch.tensor([0.25, 0.75], requires_grad=True)
        >>> cross_entropy(torch.tensor([0.5, 0.5]), q).backward()
        >>> q.grad
        tensor([-2.0000, -0.6667])

        A right and certain prediction costs nothing, a certain and wrong one costs without bound,
        in the value and in the gradient; an event that never happens contributes no gradient:

        >>> happens = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> q = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
        >>> loss = cross_entropy(happens, q)
        >>> loss.detach()
        tensor([0., inf])
        >>> loss.sum().backward()
        >>> q.grad
        tensor([[-1.,  0.],
                [-inf,  0.]])
    """
    xp = array_namespace(p, q)
    # subtracted from 0, not negated, so that a sure prediction gives 0 and not -0
    h = 0.0 - total(xlogy(p, q))
    return xp.where(h < 0, 0.0, h)  # below 0 where rounding has put a probability above 1


@checked
def perplexity(
    log_p: ExtendedNonpositive[Array, "*batch T"], mask: Mask[Array, "*#batch T"] | None = None
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Perplexity: among how many equally likely tokens the model was choosing, on average.

    .. math:: \operatorname{PPL} = \exp \left(
       -\frac{\sum_{t=1}^{T} m_t \log p_t}{\sum_{t=1}^{T} m_t} \right)

    It is the exponential of the mean negative log-likelihood, :math:`e^{\mathcal{L}}` or
    :math:`2^H` for a loss :math:`H` in bits, and 1 over the geometric mean of the probabilities,
    :math:`P(w_1, \dots, w_T)^{-1/T} = \left( \prod_{t=1}^{T} \frac{1}{p_t} \right)^{1/T}`. The
    lower, the better the language model: one that predicts every token is at 1, one that knows
    nothing of a vocabulary of :math:`V` tokens is at :math:`V`. Two models can be compared only on
    the same tokens.

    Args:
        log_p: :math:`\log p_t`, the natural logarithm of the probability :math:`p_t` that the model
            gave to the token that came, given those before it.
        mask: :math:`m_t`, true (1) where a token counts; all of them if left out.

    Returns:
        :math:`\operatorname{PPL}`, one number for each sequence.

    Also called:
        PPL, exponentiated cross-entropy, language model perplexity.

    Asked as:
        branching factor; exp of the loss; how good is a language model; average perplexity.

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
        after some hundred tokens. The mean of the perplexities of several sequences is another
        number, at least as large if the sequences have the same length and larger or smaller if they
        do not: one sequence of 100 tokens at loss 5 and one of 1 token at loss 0 have perplexities
        of mean 74.7, and 141.2 as one sequence. Put the tokens in one sequence. A counted token with :math:`p_t = 0` makes
        the result :math:`\infty`; one that the mask leaves out does not. A distribution by itself
        has the perplexity :math:`2^{H(p)}`, with its entropy in bits. From logits it is
        ``torch.exp`` of ``torch.nn.functional.cross_entropy``.

    Checked against:
        ``scipy.stats.gmean(np.exp(-log_p if mask is None else -log_p[mask]))``

    Examples:
        By hand, probabilities 1/2, 1/4 and 1/8 have the geometric mean 1/4:

        >>> import numpy as np
        >>> log_p = np.log(np.asarray([0.5, 0.25, 0.125]))
        >>> round(float(perplexity(log_p)), 4)
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

        A sequence of 100 tokens at loss 5 and one of a single token at loss 0, as a mean of two
        perplexities and as one sequence:

        >>> long, short = np.full(100, -5.0), np.zeros(1)
        >>> round(float(perplexity(long) + perplexity(short)) / 2, 1)
        74.7
        >>> round(float(perplexity(np.concatenate([long, short]))), 1)
        141.2

        Certain tokens give 1, an impossible one :math:`\infty`, and none of it where it is masked:

        >>> log_p = torch.tensor([[0.0, 0.0], [0.0, -torch.inf]])
        >>> perplexity(log_p)
        tensor([1., inf])
        >>> perplexity(log_p, torch.tensor([[True, True], [True, False]]))
        tensor([1., 1.])
    """
    xp = array_namespace(log_p)
    counted = xp.ones_like(log_p, dtype=xp.bool) if mask is None else mask
    weight = xp.astype(counted, log_p.dtype)
    share = weight / xp.sum(weight, axis=-1, keepdims=True)
    return xp.exp(-total(share * xp.where(counted, log_p, 0.0)))


@checked
def bits_back_length(
    log_px_z: Nonpositive[Array, "*batch n"],
    q: Simplex[Array, "*batch n"],
    p: Simplex[Array, "*batch n"],
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Bits-back length: what it costs to send data by way of a latent that need not be sent.

    .. math::
        L = \frac{1}{\log 2} \sum_{i=1}^{n} q(z_i \mid x)
        \left( \log \frac{q(z_i \mid x)}{p(z_i)} - \log p(x \mid z_i) \right)

    The sender lets bits of another message choose the latent :math:`z_i` and sends it with
    :math:`-\log_2 p(z_i)` bits, then the data with :math:`-\log_2 p(x \mid z_i)`; the receiver
    finds the choosing bits again, :math:`-\log_2 q(z_i \mid x)` of them. In nats it is minus the
    evidence lower bound, :math:`\mathbb{E}_{q}[\log q(z \mid x) - \log p(x, z)]`: reconstruction
    plus :math:`D_{\mathrm{KL}}(q(z \mid x) \,\|\, p(z))`. It is at least :math:`-\log_2 p(x)`,
    which only the true posterior reaches.

    Args:
        log_px_z: :math:`\log p(x \mid z_i)`, the natural logarithm of the probability of the data
            under each of the :math:`n` values of the latent.
        q: :math:`q(z_i \mid x)`, how often each is chosen for these data, the encoder's posterior.
        p: :math:`p(z_i)`, the prior.

    Returns:
        :math:`L`, in bits, the mean net length of the message for one :math:`x`.

    Also called:
        bits back coding, negative ELBO in bits, variational code length.

    Asked as:
        bits-back argument; BB-ANS; free energy coding; asymmetric numeral systems; description length
        of a latent variable model; lossless compression with a VAE.

    Role in ML:
        - compression -- Faiss: the ids in a cluster are a set, so the order in which
          they are stored is a latent that other ids may choose; :math:`\log_2 n!` bits come back
          :cite:p:`severo2025lossless{code: facebookresearch/vector_db_id_compression,
          custom_invlist_cpp/codec.cpp, lines 131-137}`.
        - compression -- BB-ANS: a variational autoencoder packs images in steps that mirror the
          three terms: a latent is popped from the stack under the posterior, then data and latent
          are pushed :cite:p:`townsend2019practical{code: bits-back/bits-back, util.py, lines 152-158}`.

    Numerics:
        Bits, by a division by :math:`\log 2`; a loss in nats, as frameworks give it, is 0.69 of the
        number. Infinite where :math:`q` chooses a latent that :math:`p` calls impossible. Latents
        that are never chosen do not count. The first message needs other bits to start from, which
        this length does not count, and continuous latents have to be rounded; both cost little
        where many messages follow each other. This length is what lossless compression by a
        variational autoencoder costs.

    Checked against:
        ``(scipy.stats.entropy(q, p * np.exp(log_px_z)) - scipy.special.logsumexp(log_px_z, b=p))
        / np.log(2)``

    Examples:
        By hand, :math:`q = (\tfrac12, \tfrac12)`, :math:`p = (\tfrac14, \tfrac34)` and the data
        with 1/2 and 1/8: 2 bits for the data, :math:`\tfrac12 (2 + \log_2 \tfrac43)` for the
        latent, and 1 bit back:

        >>> import numpy as np
        >>> log_px_z = np.log(np.asarray([0.5, 0.125]))
        >>> p, q = np.asarray([0.25, 0.75]), np.asarray([0.5, 0.5])
        >>> round(float(bits_back_length(log_px_z, q, p)), 4)
        2.2075

        The shortest is :math:`-\log_2 p(x)`, here with :math:`p(x) = 7/32`, when :math:`q` is the
        posterior, as ``bayes_theorem`` has it:

        >>> from mlmath_ref.probability.inference import bayes_theorem
        >>> posterior = bayes_theorem(np.exp(log_px_z), p)
        >>> shortest = bits_back_length(log_px_z, posterior, p)
        >>> round(float(shortest), 4), round(float(-np.log2(7 / 32)), 4)
        (2.1926, 2.1926)

        Three ids out of 8 as a list take 9 bits; as a set, where each of the 6 orders will do,
        :math:`9 - \log_2 6`:

        >>> orders, lists = np.full(6, 1 / 6), np.full(6, np.log(6 / 8**3))
        >>> round(float(bits_back_length(lists, orders, orders)), 4)
        6.415

        Four latents, with the value of reconstruction plus ``scipy.stats.entropy(q, p)``, in bits
        and in nats:

        >>> q, p = np.asarray([0.45, 0.3, 0.2, 0.05]), np.asarray([0.1, 0.35, 0.15, 0.4])
        >>> log_px_z = np.asarray([-0.3, -1.7, -2.2, -6.0])
        >>> bits = float(bits_back_length(log_px_z, q, p))
        >>> round(bits, 4), round(bits * float(np.log(2)), 4)
        (2.8409, 1.9692)

        The derivative in :math:`\log p(x \mid z_i)` is :math:`-q(z_i \mid x) / \log 2`:

        >>> import torch
        >>> terms = torch.tensor([-0.3, -1.7], requires_grad=True)
        >>> bits_back_length(terms, torch.tensor([0.8, 0.2]), torch.tensor([0.5, 0.5])).backward()
        >>> terms.grad
        tensor([-1.1542, -0.2885])

        A latent that is never chosen costs nothing, one that the prior rules out has no code:

        >>> terms = torch.tensor([[-1.0, -9.0], [-1.0, -9.0]]) * torch.log(torch.tensor(2.0))
        >>> q, p = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.5, 0.5], [1.0, 0.0]])
        >>> bits_back_length(terms, q, p)
        tensor([2., inf])
    """
    return (kl_divergence(q, p) - total(q * log_px_z)) / math.log(2)
