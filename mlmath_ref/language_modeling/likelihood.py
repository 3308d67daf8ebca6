r"""Likelihood: how probable does a model find a text?

A language model gives, for each place of a text, a distribution over the next token given all
before it. By the chain rule of probability the product of the probabilities that it gave to the
tokens that came is the probability of the whole text. Nothing is assumed in this: any
distribution over sequences factors so, and a model is free only in how it computes the factors. A
text of a hundred tokens has a probability that no float holds, so the logarithm is kept, and the
product becomes a sum.

The sum scores a text: it ranks answers, and a ratio of two policies is a difference of two sums.
Divided by the number of tokens and negated it is the loss of pre-training, whose exponential is the
perplexity. Sum and mean differ by the length, which decides what a long answer weighs; each page
says which of the two it takes.

The first token needs something before it. Here the first row of scores is what the model gives
after a begin-of-sequence token, or after the last token of a prompt. In the other alignment the
scores at a token belong to the one after it, and one of the two is shifted by a place first.

:map: 6.5 Language models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.losses.classification import softmax_cross_entropy
from mlmath_ref.sets import ExtendedNonneg, ExtendedNonpositive, Labels, Logits, Mask, checked


@checked
def sequence_log_probability(
    z: Logits[Array, "*batch n V"], y: Labels[Array, "*batch n", "V"]
) -> ExtendedNonpositive[Array, "*batch"]:
    r"""Autoregressive log-probability: the chain rule adds up what every token was given.

    .. math:: \ell(y) = \sum_{t=1}^{n} \log \frac{e^{z_{t, y_t + 1}}}{\sum_{c=1}^{V} e^{z_{t c}}}

    This is :math:`\log P(y_1, \dots, y_n) = \sum_t \log P(y_t \mid y_1, \dots, y_{t-1})`, the
    logarithm of the product :math:`P(y) = \prod_{t=1}^{n} P(y_t \mid y_{<t})`, with the factor at
    :math:`t = 1` conditioned on a begin-of-sequence token or a prompt. Every token makes it smaller
    or leaves it, so that among equally good texts the shorter one scores higher.

    Args:
        z: :math:`z`, scores (logits), :math:`z_{t c}` that of token :math:`c` at place :math:`t`,
            computed from what stands before that place.
        y: :math:`y`, the tokens, :math:`y_t` at place :math:`t`, numbered from 0.

    Returns:
        :math:`\ell(y)`, in nats, one number per sequence.

    Also called:
        sequence log-likelihood, log-probability of a sequence, cumulative log-probability.

    Asked as:
        log-prob; logprobs; logps; log P(x); joint probability; chain rule of probability;
        language-model factorization; autoregressive factorization; score an answer; probability of
        a sentence underflows; length normalization.

    Role in ML:
        - metric -- LM Evaluation Harness: the score of an answer is this sum over its tokens, given
          the question, next to whether every token was the most probable one
          :cite:p:`gao2024harness{code: lm_eval/models/huggingface.py, lines 1546-1557}`.
        - analysis -- Llama 3: the released generator gives back the single terms for prompt and
          answer, as negated cross-entropies
          :cite:p:`grattafiori2024llama3{code: llama3, llama/generation.py, def generate}`.
        - primitive -- DPO: four of these enter the loss of one pair, of
          the preferred and the other answer under the policy and under the reference
          :cite:p:`rafailov2023direct{eq. (7)}`.
          Witness: ``trl.trainer.utils.selective_log_softmax``.

    Numerics:
        The product of 400 probabilities of 0.1 is 0 in double precision; the sum is -921. Each term
        is a score minus a log-sum-exp, so that large scores do no harm. A token that was ruled out,
        with a score of :math:`-\infty`, makes the sum :math:`-\infty`. In 16 bits the terms lose
        more than small differences between two models are worth; sum in 32. Divided by :math:`n`
        (length normalization) the sum compares texts of unequal length.

    Checked against:
        ``-torch.nn.functional.cross_entropy(z, y, reduction="sum")``,
        ``torch.distributions.Categorical(logits=z).log_prob(y).sum(-1)``

    Examples:
        By hand: the tokens got :math:`\tfrac14` and :math:`\tfrac12`, together :math:`\tfrac18`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]))
        >>> round(float(np.exp(sequence_log_probability(z, np.asarray([1, 0])))), 4)
        0.125

        Two texts of three tokens, as ``torch.distributions.Categorical`` has them:

        >>> z = np.asarray([[[0.3, -1.2, 2.5, 0.9], [0.8, 1.7, -0.4, 0.2], [1.1, 0.6, -2.3, 1.4]],
        ...                 [[-0.7, 0.4, 0.1, 1.9], [2.2, -0.5, 0.6, 1.3], [0.2, 0.9, 1.6, -1.8]]])
        >>> sequence_log_probability(z, np.asarray([[2, 0, 3], [1, 2, 2]])).round(4).tolist()
        [-2.5468, -4.5712]

        The chain rule: over all texts of two tokens the probabilities add up to 1.

        >>> rows = z[0, :2]
        >>> pairs = [np.asarray([a, b]) for a in range(4) for b in range(4)]
        >>> round(sum(float(np.exp(sequence_log_probability(rows, pair))) for pair in pairs), 4)
        1.0

        The derivative is truth minus prediction, at every place:

        >>> import torch
        >>> leaf = torch.tensor([[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]).log().requires_grad_()
        >>> sequence_log_probability(leaf, torch.tensor([1, 0])).backward()
        >>> leaf.grad
        tensor([[-0.1250,  0.7500, -0.6250],
                [ 0.5000, -0.3333, -0.1667]])

        Where the product of probabilities underflows the sum does not; large scores do no harm,
        and a token that was ruled out rules out the text:

        >>> long = np.broadcast_to(np.log(np.asarray([0.1, 0.9])), (400, 2))
        >>> round(float(sequence_log_probability(long, np.zeros(400, dtype=int))), 4)
        -921.034
        >>> 0.1**400
        0.0
        >>> far = torch.tensor([[[1e3, 1e3]], [[0.0, -torch.inf]]])
        >>> sequence_log_probability(far.double(), torch.tensor([[0], [1]]))
        tensor([-0.6931,    -inf], dtype=torch.float64)
    """
    return -total(softmax_cross_entropy(z[..., None, :], y[..., None]))


@checked
def next_token_loss(
    z: Logits[Array, "*batch b n V"],
    y: Labels[Array, "*batch b n", "V"],
    mask: Mask[Array, "*batch b n"] | None = None,
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Next-token loss: the mean surprise of a model at the tokens that count.

    .. math::
       \mathcal{L} = -\frac{1}{\sum_{i=1}^{b} \sum_{t=1}^{n} m_{it}}
       \sum_{i=1}^{b} \sum_{t=1}^{n} m_{it}
       \log \frac{e^{z_{i, t, y_{i, t} + 1}}}{\sum_{c=1}^{V} e^{z_{i t c}}}

    With the model's probabilities it is
    :math:`-\frac1n \sum_{t=1}^{n} \log p_\theta(y_t \mid y_{<t})` for one text, and in general a
    mean over all tokens of all sequences together, so each token weighs the same, whatever the
    length of its sequence. A uniform guess costs :math:`\log V`. The derivative in the scores of a
    token that counts is prediction minus truth, over the number of those tokens, and zero for the
    others.

    Args:
        z: :math:`z`, scores (logits), :math:`z_{i t c}` that of token :math:`c` at place :math:`t`
            of sequence :math:`i`, computed from what stands before that place.
        y: :math:`y`, the tokens that came, numbered from 0.
        mask: :math:`m`, true (1) for a token that counts; all of them if left out.

    Returns:
        :math:`\mathcal{L}`, in nats a token.

    Also called:
        language modeling loss, LM loss, causal language modeling loss, CLM loss, token-level
        cross-entropy, next-token prediction loss, pretraining loss, autoregressive loss.

    Asked as:
        causal language modeling; next-token prediction; teacher forcing; ignore_index; -100 labels;
        mask the prompt; mean over tokens or over sequences; gradient accumulation gives another
        loss; shift the labels; bits per byte.

    Role in ML:
        - objective -- OLMo 2: the 7B run computes it in one fused kernel and adds
          :math:`10^{-5}` times the mean square of the log-sum-exp of the logits
          :cite:p:`olmo2024two{code: allenai/OLMo at 59a53e3, olmo/train.py, lines 156-191 and
          238-240},
          olmo2024two{code: allenai/OLMo at 59a53e3,
          configs/official-1124/OLMo2-7B-stage1.yaml, lines 38-40}`.
        - objective -- nanochat: pre-training takes it over all places of the flattened batch, on
          scores that were capped at 15 before
          :cite:p:`karpathy2025nanochat{code: nanochat/gpt.py, lines 511-520}`.
          Witness: ``transformers.loss.loss_utils.ForCausalLMLoss``, which takes the scores at each
          token as those of the next and shifts the labels itself.
        - constraint -- nanochat: in fine-tuning the mask keeps prompt and padding out, by a label
          of -1 that the loss skips
          :cite:p:`karpathy2025nanochat{code: scripts/chat_sft.py, lines 285-296}`.
        - metric -- nanochat: validation reports it as bits per byte, the sum of nats over
          :math:`\log 2` and over the bytes that the tokens spell, special tokens left out
          :cite:p:`karpathy2025nanochat{code: nanochat/loss_eval.py, def evaluate_bpb}`.

    Numerics:
        The mean of the means of sequences, or of micro-batches, is another number where they hold
        unequal counts of tokens: sum first, divide once. Losses reported as sums are larger by the
        number of tokens, and so are their gradients. A token that does not count may even have a
        score of :math:`-\infty` and adds nothing; every sequence needs one that counts. Divided by
        :math:`\log 2` and by the bytes of a token it is comparable between tokenizers.

    Checked against:
        ``torch.nn.functional.cross_entropy(z.flatten(0, 1),
        (y if mask is None else torch.where(mask, y, -100)).flatten())``

    Examples:
        By hand: the tokens that came have the shares 2 of 8 and 3 of 6, so they cost
        :math:`\log 4` and :math:`\log 2`, on average :math:`\tfrac32 \log 2`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([[[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]]))
        >>> round(float(next_token_loss(z, np.asarray([[1, 0]]))), 4)
        1.0397

        Two sequences of three tokens, as ``torch.nn.functional.cross_entropy`` has them:

        >>> z = np.asarray([[[0.3, -1.2, 2.5, 0.9], [0.8, 1.7, -0.4, 0.2], [1.1, 0.6, -2.3, 1.4]],
        ...                 [[-0.7, 0.4, 0.1, 1.9], [2.2, -0.5, 0.6, 1.3], [0.2, 0.9, 1.6, -1.8]]])
        >>> y = np.asarray([[2, 0, 3], [1, 2, 2]])
        >>> round(float(next_token_loss(z, y)), 4)
        1.1863

        With one token that counts in the first and three in the second, the mean over tokens is not
        the mean of the two means; the sum is four times the first:

        >>> mask = np.asarray([[True, False, False], [True, True, True]])
        >>> round(float(next_token_loss(z, y, mask)), 4)
        1.2155
        >>> first = next_token_loss(z[:1], y[:1], mask[:1])
        >>> second = next_token_loss(z[1:], y[1:], mask[1:])
        >>> round(float((first + second) / 2), 4), round(float(first + 3 * second), 4)
        (0.9072, 4.8619)

        Two such batches at once, in single precision, where the result stays:

        >>> masks = np.asarray([[[1, 0, 0], [1, 1, 1]], [[1, 1, 0], [0, 0, 1]]]) == 1
        >>> both = next_token_loss(np.stack([z, z]).astype(np.float32), np.stack([y, y]), masks)
        >>> [round(float(loss), 4) for loss in both], both.dtype
        ([1.2155, 0.7754], dtype('float32'))

        Where a model gives at each token the scores of the one after it, all but the last row meet
        all but the first token:

        >>> round(float(next_token_loss(z[:, :-1], y[:, 1:])), 4)
        2.212

        The derivative is prediction minus truth over the number of tokens that count:

        >>> import torch
        >>> leaf = torch.tensor([[[1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]]).log().requires_grad_()
        >>> next_token_loss(leaf, torch.tensor([[1, 0]]), torch.tensor([[False, True]])).backward()
        >>> leaf.grad
        tensor([[[ 0.0000,  0.0000,  0.0000],
                 [-0.5000,  0.3333,  0.1667]]])

        A uniform guess costs :math:`\log 4`; a token that was ruled out costs without bound if it
        counts, and nothing if it does not:

        >>> flat = torch.zeros(1, 2, 4)
        >>> flat[0, 1, 3] = -torch.inf
        >>> came = torch.tensor([[0, 3]])
        >>> next_token_loss(flat, came), next_token_loss(flat, came, torch.tensor([[True, False]]))
        (tensor(inf), tensor(1.3863))
    """
    xp = array_namespace(z, y)
    cost = softmax_cross_entropy(z[..., None, :], y[..., None])
    counts = xp.ones_like(cost, dtype=xp.bool) if mask is None else mask
    flat = (*cost.shape[:-2], cost.shape[-2] * cost.shape[-1])
    number = total(xp.reshape(xp.astype(counts, z.dtype), flat))
    return total(xp.reshape(xp.where(counts, cost, 0.0), flat)) / number
