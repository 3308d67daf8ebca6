r"""Sampling: which token comes next?

A language model ends in one score for each token of its vocabulary, and the softmax turns the
scores into probabilities. To draw from all of them is to be led astray now and then: a hundred
thousand unlikely tokens together hold a noticeable share. Filters of this kind therefore cut the
tail before the draw. They take scores and return scores, so that they can be chained, with the
division by a temperature first and a softmax, which shares out the probability anew, last.

:map: 6.5 Language models
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.softmax import softmax
from mlmath_ref.arrays import Array
from mlmath_ref.sets import Logits, Share, checked


@checked
def top_p_filter(z: Logits[Array, "*batch V"], p: Share[float, ""]) -> Logits[Array, "*batch V"]:
    r"""Top-p filter: rules out all but the most probable tokens that together hold the share p.

    .. math::
        y_i = \begin{cases}
        z_i & \text{if } \sum_{j : z_j > z_i} \operatorname{softmax}(z)_j < p \\
        -\infty & \text{otherwise}
        \end{cases}

    A token stays while the tokens above it hold less than :math:`p`. Without ties the tokens kept
    are the smallest set whose probability reaches :math:`p`. Tokens of equal score stay or go
    together, so the order of the vocabulary has no say.

    Args:
        z: :math:`z`, the scores (logits) of the :math:`V` tokens, after any temperature.
        p: :math:`p`, the share of the probability that is to be kept.

    Returns:
        :math:`y`, the scores, with :math:`-\infty` outside the nucleus; softmax makes a
        distribution of them.

    Also called:
        nucleus sampling, top-p sampling, top p, TopPLogitsWarper, sample_top_p.

    Role in ML:
        - sampling -- Qwen3: evaluated with :math:`p = 0.95` in thinking mode and 0.8 otherwise,
          next to a temperature and a top-k of 20 :cite:p:`qwen2025three{sec. 4.6}`.
        - sampling -- Llama 3: the released generation code sorts, sums up and drops a token when
          those before it hold more than :math:`p`, 0.9 by default
          :cite:p:`grattafiori2024llama3{code: llama/generation.py, lines 343-365}`.
        - sampling -- Nucleus sampling: proposed because a fixed number of tokens is too many for
          a sure model and too few for an unsure one :cite:p:`holtzman2020curious{sec. 3.1, 3.2}`.
          Witness: ``transformers.TopPLogitsWarper``.

    Numerics:
        The probabilities are summed up from the smallest, and a token stays if those not above it
        hold more than :math:`1 - p`: the same rule, but a tail of :math:`10^{-18}` is not lost
        beside 1, and :math:`p = 1` keeps every token whose probability is not 0. The most probable
        token always stays. Where the sum meets :math:`p` exactly, rounding decides, and
        implementations differ. The cost is that of a sort.

    Checked against:
        ``np.where([scipy.special.softmax(z)[z > one].sum() < p for one in z], z, -np.inf)``

    Examples:
        By hand: of the probabilities 0.5, 0.3, 0.15 and 0.05 the first two hold 0.8, so they are
        enough for :math:`p = 0.75`; for 0.85 the third is needed:

        >>> import torch
        >>> z = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
        >>> top_p_filter(z, 0.75)
        tensor([-0.6931, -1.2040,    -inf,    -inf])
        >>> top_p_filter(z, 0.85)
        tensor([-0.6931, -1.2040, -1.8971,    -inf])

        In another order, as a loop over the definition with SciPy's softmax gives it; the
        probabilities are 0.2191, 0.0489, 0.5391, 0.0806 and 0.1123:

        >>> import numpy as np
        >>> scores = np.asarray([0.7, -0.8, 1.6, -0.3, 0.032])
        >>> [np.flatnonzero(top_p_filter(scores, p) > -np.inf).tolist() for p in (0.5, 0.7, 0.9)]
        [[2], [0, 2], [0, 2, 3, 4]]

        Softmax shares out what is left, 0.5 : 0.3; no gradient reaches what was cut:

        >>> z = z.requires_grad_()
        >>> share = softmax(top_p_filter(z, 0.75))
        >>> share[0].backward()
        >>> share.tolist(), z.grad
        ([0.625, 0.375, 0.0, 0.0], tensor([ 0.2344, -0.2344,  0.0000,  0.0000]))

        Ties stay together, each row is cut by itself, a token that is nearly certain stands alone,
        and :math:`p = 1` cuts nothing:

        >>> top_p_filter(torch.tensor([[2.0, 2.0, 2.0, 0.0], [0.5, 3.5, -3.0, 3.0]]), 0.5)
        tensor([[2.0000, 2.0000, 2.0000,   -inf],
                [  -inf, 3.5000,   -inf,   -inf]])
        >>> top_p_filter(torch.tensor([0.0, -40.0]), 0.999)
        tensor([0., -inf])
        >>> top_p_filter(torch.tensor([0.0, -40.0]), 1.0)
        tensor([  0., -40.])
    """
    xp = array_namespace(z)
    rising = xp.take_along_axis(z, xp.argsort(z, axis=-1), axis=-1)
    upto = xp.cumulative_sum(softmax(rising), axis=-1)
    kept = xp.where(upto > 1 - p, rising, rising[..., -1:])
    return xp.where(z >= xp.min(kept, axis=-1, keepdims=True), z, -math.inf)
