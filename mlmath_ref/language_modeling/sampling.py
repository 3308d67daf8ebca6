r"""Sampling: which token comes next?

A language model ends in one score for each token of its vocabulary, and the softmax turns the
scores into probabilities. A temperature makes them sharper or flatter before the draw; it moves
every probability and rules out none. To draw from all of them is to be led astray now and then: a
hundred thousand unlikely tokens together hold a noticeable share. Filters therefore cut the tail:
top-k keeps a fixed number of tokens, top-p as many as hold a fixed share.

Filters take scores and return scores, so that they can be chained, with the division by a
temperature first and a softmax, which shares out the probability anew, last. The order matters for
top-p, whose shares depend on the temperature, and not for top-k, which looks at ranks only.

:map: 6.5 Language models
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.softmax import softmax
from mlmath_ref.arrays import Array, widest
from mlmath_ref.sets import Logits, Natural, Positive, Share, Simplex, checked


@checked
def temperature_softmax(
    z: Logits[Array, "*batch n"], tau: Positive[float, ""]
) -> Simplex[Array, "*batch n"]:
    r"""Temperature scaling: makes a distribution sharper (less random) below 1 and flatter above.

    .. math:: s_i = \frac{e^{z_i / \tau}}{\sum_{j=1}^{n} e^{z_j / \tau}}

    It is :math:`\operatorname{softmax}(z / \tau)`, or the probabilities :math:`p` at
    :math:`\tau = 1`, the softmax itself, as :math:`p_i^{1/\tau} / \sum_j p_j^{1/\tau}`; the order
    of the outcomes never changes. As :math:`\tau \to 0` the largest score takes all, and equal
    largest scores share it; as :math:`\tau \to \infty` all outcomes of finite score
    become equally likely. In
    between the entropy :math:`H` only rises, with
    :math:`\partial H / \partial \tau = \operatorname{Var}_s(z) / \tau^3`.

    Args:
        z: :math:`z`, the scores (logits); :math:`-\infty` rules an outcome out.
        tau: :math:`\tau`, the temperature, in the unit of the scores.

    Returns:
        :math:`s`, probabilities along the last axis.

    Also called:
        softmax with temperature, softmax temperature, tempered softmax.

    Asked as:
        temperature sampling; sampling temperature; LLM temperature; temperature 0; greedy decoding;
        Boltzmann exploration; TemperatureLogitsWarper; temperature scaling for calibration; output
        is repetitive; output is too random; softmax(z/T).

    Role in ML:
        - sampling -- gpt-oss: the reference generator divides the scores by the temperature, 1
          unless told otherwise, and takes the largest score where it is 0
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 461-465}`.
          Witness: ``transformers.TemperatureLogitsWarper``.
        - sampling -- Gemma 3: the released sampler scales the scores in place before it cuts by
          top-p and top-k; with no temperature it takes the largest
          :cite:p:`gemma2025three{code: gemma_pytorch, gemma/model.py, lines 58-62}`.
        - sampling -- nanochat: chats at 0.6 and evaluates at 0, where the draw is replaced by the
          largest score :cite:p:`karpathy2025nanochat{code: scripts/chat_cli.py, line 18;
          scripts/chat_eval.py, line 184; nanochat/engine.py, lines 144-145}`.

    Numerics:
        The largest score is subtracted before the division, so that a small :math:`\tau` sends the
        others to :math:`-\infty` and not the largest to :math:`\infty`. At :math:`\tau = 0` the
        formula is 0 / 0, and the argument is refused; systems take the largest score instead, of
        equal ones the first, where the limit has them share. At a low temperature the output of a
        language model is less random and more repetitive, at a high one more random, more creative
        and in the end incoherent; a model that is overconfident is calibrated by a :math:`\tau`
        above 1, fitted on held-out data. A high entropy says that the model is unsure, not that it
        is wrong.

    Checked against:
        ``scipy.special.softmax(z / tau, axis=-1)``, ``torch.softmax(z / tau, dim=-1)``

    Examples:
        By hand, shares of 1 : 2 : 4 from their logarithms; :math:`\tau = \tfrac12` squares them to
        1 : 4 : 16, :math:`\tau = 2` takes their roots:

        >>> import numpy as np
        >>> z = np.log(np.asarray([1.0, 2.0, 4.0]))
        >>> temperature_softmax(z, 0.5).round(4).tolist()
        [0.0476, 0.1905, 0.7619]
        >>> temperature_softmax(z, 2.0).round(4).tolist()
        [0.2265, 0.3204, 0.4531]

        Each row by itself, as ``scipy.special.softmax`` has it for the divided scores:

        >>> scores = np.asarray([[1.3, -0.4, 0.7, 2.2], [-0.9, 0.2, 0.5, -1.6]])
        >>> temperature_softmax(scores, 0.7).round(4).tolist()
        [[0.1949, 0.0172, 0.0827, 0.7051], [0.0737, 0.3547, 0.5445, 0.0271]]

        The entropy rises with the temperature, toward :math:`\log 3 = 1.0986`:

        >>> from mlmath_ref.information.entropy import entropy
        >>> s = np.stack([temperature_softmax(z, tau) for tau in (0.5, 1.0, 2.0, 4.0)])
        >>> entropy(s).round(4).tolist()
        [0.668, 0.9557, 1.0597, 1.0887]

        The derivative is that of the softmax, :math:`s_3 (\delta_{3j} - s_j)`, over :math:`\tau`:

        >>> import torch
        >>> leaf = torch.tensor([1.0, 2.0, 4.0]).log().requires_grad_()
        >>> temperature_softmax(leaf, 0.5)[2].backward()
        >>> leaf.grad
        tensor([-0.0726, -0.2902,  0.3628])

        Near 0 the largest takes all, equal largest share, and nothing overflows, also if the precision
        of the scores has no number as small:

        >>> near = torch.tensor([[3.0, 1.0, 2.0], [2.0, 2.0, -torch.inf]], dtype=torch.float64)
        >>> temperature_softmax(near, 1e-320)
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000]], dtype=torch.float64)
        >>> temperature_softmax(near.float(), 1e-320)[1]
        tensor([0.5000, 0.5000, 0.0000])

        At a high temperature all are equally likely but the one that is ruled out:

        >>> temperature_softmax(torch.tensor([0.0, 1.0, -torch.inf]), 1e9)
        tensor([0.5000, 0.5000, 0.0000])

        At 0 itself nothing is guessed:

        >>> temperature_softmax(near, 0.0)
        Traceback (most recent call last):
        ValueError: temperature_softmax: tau must hold finite numbers above zero, got 0.0
    """
    xp = array_namespace(z)
    info = xp.finfo(z.dtype)
    tau = min(max(tau, float(info.smallest_normal)), float(info.max))  # as a number of z's type
    return softmax((z - xp.max(z, axis=-1, keepdims=True)) / tau)


@checked
def top_k_filter(
    z: Logits[Array, "*batch V"], k: Natural[int, "", "V"]
) -> Logits[Array, "*batch V"]:
    r"""Top-k filter: rules out all but the k tokens with the largest scores.

    .. math::
        y_i = \begin{cases}
        z_i & \text{if } \sum_{j=1}^{V} \mathbb{1}[z_j > z_i] < k \\
        -\infty & \text{otherwise}
        \end{cases}

    A token stays while fewer than :math:`k` others have a larger score. Those that stay are drawn
    with the renormalized probabilities :math:`p_i / \sum_{j \in S} p_j`, for the set :math:`S` of
    them, and unlikely tokens that would derail a text are never drawn. Without ties exactly
    :math:`k` stay; tokens that tie with the last of them stay too, so the order of the vocabulary
    has no say.

    Args:
        z: :math:`z`, the scores (logits) of the :math:`V` tokens.
        k: :math:`k`, how many tokens to keep.

    Returns:
        :math:`y`, the scores, with :math:`-\infty` outside the top; softmax makes a distribution of
        them.

    Also called:
        top-k sampling, top k, top-k decoding.

    Asked as:
        truncated sampling; TopKLogitsWarper; greedy decoding for k = 1; top_k=50; keep the k most
        likely tokens; model picks nonsense tokens.

    Role in ML:
        - sampling -- Gemma 3: the released generator keeps 64 tokens unless told otherwise, beside
          a top-p of 0.95 :cite:p:`gemma2025three{code: gemma_pytorch, gemma/gemma3_model.py, lines
          215-216; gemma/model.py, lines 73-77}`.
          Witness: ``transformers.TopKLogitsWarper``.
        - sampling -- nanochat: the scores of the :math:`k` best tokens alone are divided by the
          temperature and drawn from; the rest of the vocabulary is never exponentiated
          :cite:p:`karpathy2025nanochat{code: nanochat/engine.py, lines 146-152}`.

    Numerics:
        Scores are compared and never changed, so the result is exact. Implementations that take
        the first :math:`k` of a sorted list split ties by position, and then the draw depends on
        the order of the vocabulary. A :math:`k` beyond :math:`V` is refused; some implementations
        lower it to :math:`V`. A fixed :math:`k` cuts good tokens of a flat distribution and keeps
        bad ones of a sharp one. The cost here is that of a sort, where a partial selection would
        do.

    Checked against:
        ``torch.where(z >= torch.topk(z, k).values[..., -1:], z, -torch.inf)``

    Examples:
        By hand: of the probabilities 0.5, 0.3, 0.15 and 0.05 the first two stay, and softmax shares
        out 5 : 3 between them:

        >>> import torch
        >>> z = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
        >>> top_k_filter(z, 2)
        tensor([-0.6931, -1.2040,    -inf,    -inf])
        >>> softmax(top_k_filter(z, 2))
        tensor([0.6250, 0.3750, 0.0000, 0.0000])

        Two rows in other orders, each cut by itself:

        >>> import numpy as np
        >>> scores = np.asarray([[0.7, -0.8, 1.6, -0.3, 0.9], [2.4, 3.1, -1.7, 0.6, 1.2]])
        >>> top_k_filter(scores, 3).tolist()
        [[0.7, -inf, 1.6, -inf, 0.9], [2.4, 3.1, -inf, -inf, 1.2]]

        No gradient reaches what was cut:

        >>> z = z.requires_grad_()
        >>> softmax(top_k_filter(z, 2))[0].backward()
        >>> z.grad
        tensor([ 0.2344, -0.2344,  0.0000,  0.0000])

        Ties stay together: two tokens share the third place, so four stay. One is the largest
        alone, :math:`V` is all:

        >>> tied = torch.tensor([1.0, 4.0, 2.0, 1.0, 0.0])
        >>> top_k_filter(tied, 3)
        tensor([1., 4., 2., 1., -inf])
        >>> top_k_filter(tied, 1)
        tensor([-inf, 4., -inf, -inf, -inf])
        >>> bool((top_k_filter(tied, 5) == tied).all())
        True
    """
    xp = array_namespace(z)
    rising = xp.take_along_axis(z, xp.argsort(z, axis=-1), axis=-1)
    return xp.where(z >= rising[..., -k, None], z, -math.inf)


@checked
def top_p_filter(z: Logits[Array, "*batch V"], p: Share[float, ""]) -> Logits[Array, "*batch V"]:
    r"""Top-p filter: rules out all but the most probable tokens that together hold the share p.

    .. math::
        y_i = \begin{cases}
        z_i & \text{if } \sum_{j : z_j > z_i} \operatorname{softmax}(z)_j < p \\
        -\infty & \text{otherwise}
        \end{cases}

    A token stays while the tokens above it hold less than :math:`p`. Without ties the tokens kept
    are the smallest set :math:`S` whose probability reaches :math:`p`,
    :math:`\sum_{i \in S} p_i \ge p`, and they are drawn with :math:`p_i / \sum_{j \in S} p_j`, so
    that how many tokens may be drawn depends on how sure the model is. Tokens of equal score stay
    or go together, so the order of the vocabulary has no say.

    Args:
        z: :math:`z`, the scores (logits) of the :math:`V` tokens, after any temperature.
        p: :math:`p`, the share of the probability that is to be kept.

    Returns:
        :math:`y`, the scores, with :math:`-\infty` outside the nucleus; softmax makes a
        distribution of them.

    Also called:
        nucleus sampling, top-p sampling, top p, top-p decoding.

    Asked as:
        truncated sampling; TopPLogitsWarper; sample_top_p; top_p=0.9; cut the tail of the
        distribution; model picks nonsense tokens.

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
        The probabilities are computed and summed up in 64 bits, from the smallest, and a token stays if those not above it
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
        and :math:`p = 1` cuts only tokens whose probability underflows to 0:

        >>> top_p_filter(torch.tensor([[2.0, 2.0, 2.0, 0.0], [0.5, 3.5, -3.0, 3.0]]), 0.5)
        tensor([[2.0000, 2.0000, 2.0000,   -inf],
                [  -inf, 3.5000,   -inf,   -inf]])
        >>> top_p_filter(torch.tensor([0.0, -40.0]), 0.999)
        tensor([0., -inf])
        >>> top_p_filter(torch.tensor([0.0, -40.0]), 1.0)
        tensor([  0., -40.])
        >>> top_p_filter(torch.tensor([0.0, -1000.0]), 1.0)
        tensor([0., -inf])
    """
    xp = array_namespace(z)
    rising = xp.astype(xp.take_along_axis(z, xp.argsort(z, axis=-1), axis=-1), widest(z))
    upto = xp.cumulative_sum(softmax(rising), axis=-1)
    kept = xp.where(upto > 1 - p, rising, rising[..., -1:])
    return xp.where(z >= xp.min(kept, axis=-1, keepdims=True), z, -math.inf)
