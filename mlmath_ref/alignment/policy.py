r"""Policies: how are good actions made more likely, and how far may one step go?

A language model is a policy: the state is the text so far, the action is the next token. All that
fine-tuning does is to raise and lower logarithms of probabilities. Supervised fine-tuning raises
those of tokens that somebody else wrote. A policy gradient raises those of tokens that the model
drew itself, in proportion to an advantage, how much better things went than expected; where the
advantage is negative, it lowers them. With all advantages 1 the objective is minus the mean of the
supervised loss over the same tokens.

The estimate is right only while the actions come from the policy that is trained. To take several
steps on the same draws, PPO weighs each by the ratio of the new probability to the old one, and no
longer rewards ratios far from 1. An entropy bonus keeps the policy undecided while it learns; a
price on the divergence from a reference, which keeps it near the model that it started from, stands
in the reward of each draw or beside the objective.

Objectives are maximized: what an optimizer is given is their negative.

:map: 6.8 Alignment
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.activations.softmax import softmax
from mlmath_ref.arrays import Array, total
from mlmath_ref.information.entropy import entropy
from mlmath_ref.losses.classification import softmax_cross_entropy
from mlmath_ref.sets import (
    ExtendedNonneg,
    Labels,
    Logits,
    Mask,
    Nonneg,
    Nonpositive,
    OpenUnit,
    Real,
    checked,
)


@checked
def sft_loss(
    z: Logits[Array, "*batch T k"],
    y: Labels[Array, "*batch T", "k"],
    mask: Mask[Array, "*batch T"],
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Supervised fine-tuning loss: the mean surprise at the tokens of the answers alone.

    .. math:: \mathcal{L}_{\mathrm{SFT}} = -\frac{1}{\sum_{t=1}^{T} m_t} \sum_{t=1}^{T}
        m_t \log \frac{e^{z_{t, y_t + 1}}}{\sum_{c=1}^{k} e^{z_{tc}}}

    The tokens of the prompt are read and not learned: their scores get no gradient. With the
    model's probabilities it is :math:`-\sum_t m_t \log \pi_\theta(y_t \mid x, y_{<t})`, given the
    prompt :math:`x`, over :math:`\sum_t m_t`. It is a mean over tokens; the negative log-likelihood
    of the answers is :math:`\sum_t m_t` times as large.

    Args:
        z: :math:`z`, scores (logits) for the next token, a row for each of :math:`T` positions and
            a column for each of :math:`k` tokens of the vocabulary.
        y: :math:`y`, the tokens that follow, counted from 0, already shifted by one position.
        mask: :math:`m`, true at the tokens of answers, false in prompts and padding.

    Returns:
        :math:`\mathcal{L}_{\mathrm{SFT}}`, in nats, the mean over the tokens that count.

    Also called:
        SFT loss, instruction tuning loss, completion-only loss, assistant-only loss, response loss.

    Asked as:
        masked cross-entropy; behavior cloning; ignore_index; -100 labels; supervised fine-tuning;
        instruction fine-tuning; train on completions only; prompt masking; how to mask the prompt.

    Role in ML:
        - objective -- nanochat: targets outside of the assistant's turns, prompts and outputs of
          tools among them, are masked
          :cite:p:`karpathy2025nanochat{code: scripts/chat_sft.py, lines 285-290}`.
        - objective -- Tulu 3: prompts have the label -100 and are not learned; the losses of the
          answers are summed over their tokens, not averaged
          :cite:p:`lambert2024tulu{code: allenai/open-instruct at 816dcbfa, docs/tulu3.md, lines 49,
          105; open_instruct/finetune.py, lines 912-933}`.
        - objective -- Transformers: the loss of its language models averages over the labels other
          than -100 :cite:p:`wolf2020transformers{code: huggingface/transformers,
          src/transformers/loss/loss_utils.py, def ForCausalLMLoss}`.
          Witness: ``transformers.loss.loss_utils.ForCausalLMLoss``.

    Numerics:
        What a masked position holds has no say, even where it would cost :math:`\infty`. The mean
        is over one row of :math:`T` positions: for several texts put end to end it is a mean over
        all tokens, and long answers weigh more; called with a batch it gives one mean for each
        text. A mean of means over unequal batches weighs tokens unequally.

    Checked against:
        ``torch.nn.functional.cross_entropy(z, torch.where(mask, y, -100), ignore_index=-100)``

    Examples:
        By hand: of three positions the first is prompt; the shares of the other tokens are 2 of 8
        and 3 of 6, so the losses are :math:`\log 4` and :math:`\log 2`:

        >>> import numpy as np
        >>> z = np.log(np.asarray([[7.0, 1.0, 1.0], [1.0, 2.0, 5.0], [3.0, 2.0, 1.0]]))
        >>> y, mask = np.asarray([2, 1, 0]), np.asarray([False, True, True])
        >>> round(float(sft_loss(z, y, mask)), 4), round(1.5 * float(np.log(2)), 4)
        (1.0397, 1.0397)

        The sum is the negative log-likelihood of the answer, here 2 times the mean; with nothing
        masked the prompt is learned too:

        >>> total = sft_loss(z, y, mask) * mask.sum()
        >>> round(float(total), 4), round(float(-np.log(2 / 8) - np.log(3 / 6)), 4)
        (2.0794, 2.0794)
        >>> round(float(sft_loss(z, y, mask | True)), 4)
        1.4256

        Other scores, as ``torch.nn.functional.cross_entropy`` has them with the label -100 where
        the mask is false:

        >>> import torch
        >>> z = torch.tensor(
        ...     [[0.3, -1.2, 2.5], [0.8, 1.7, -0.4], [1.1, 0.6, -2.0], [-0.9, 0.4, 0.2]])
        >>> y, mask = torch.tensor([0, 2, 1, 2]), torch.tensor([False, True, True, False])
        >>> loss = sft_loss(z.requires_grad_(), y, mask)
        >>> loss.detach()
        tensor(1.7632)

        Prediction minus truth, over the number of tokens that count, and nothing in the prompt:

        >>> loss.backward()
        >>> z.grad
        tensor([[ 0.0000,  0.0000,  0.0000],
                [ 0.1330,  0.3270, -0.4600],
                [ 0.3027, -0.3164,  0.0136],
                [ 0.0000,  0.0000,  0.0000]])

        Three texts: a masked token that was ruled out costs nothing, one that counts costs all, and
        a certain one nothing either:

        >>> z = torch.tensor([[0.0, -torch.inf], [0.0, 0.0]]).expand(3, 2, 2)
        >>> mask = torch.tensor([[False, True], [True, True], [True, True]])
        >>> sft_loss(z, torch.tensor([[1, 0], [1, 0], [0, 0]]), mask)
        tensor([0.6931,    inf, 0.3466])
    """
    xp = array_namespace(z, y, mask)
    surprise = softmax_cross_entropy(z[..., None, :], y[..., None])
    share = xp.astype(mask, z.dtype) / xp.sum(xp.astype(mask, z.dtype), axis=-1, keepdims=True)
    return total(share * xp.where(mask, surprise, 0.0))


@checked
def policy_gradient(
    log_probs: Nonpositive[Array, "*batch T"], adv: Real[Array, "*batch T"]
) -> Real[Array, "*batch"]:
    r"""Policy gradient: an objective whose gradient makes good actions more likely.

    .. math:: J = \frac1T \sum_{t=1}^{T} \hat{A}_t \log \pi_\theta(a_t \mid s_t)

    It is maximized, and only its gradient means something: if the actions are drawn from
    :math:`\pi_\theta` and :math:`\hat{A}_t` is the return from step :math:`t` on, the expected
    gradient :math:`\nabla_\theta J = \mathbb{E}[\hat{A}_t \, \nabla_\theta \log \pi_\theta(a_t
    \mid s_t)]` is :math:`1/T` times that of the expected return of an episode of :math:`T` steps,
    and equal to it for :math:`T` episodes of one step each; a step is :math:`\theta \leftarrow
    \theta + \eta \, \hat{A}_t \nabla_\theta \log \pi_\theta(a_t \mid s_t)`. A baseline,
    subtracted from the returns, :math:`\hat{A}_t = G_t - b(s_t)`, changes the variance of the
    estimate, which is high, and not its mean. With :math:`\hat{A}_t = 1` it is maximum likelihood.

    Args:
        log_probs: :math:`\log \pi_\theta(a_t \mid s_t)`, of each action :math:`a_t` that was taken
            in its state :math:`s_t`, under the policy with parameters :math:`\theta`.
        adv: :math:`\hat{A}_t`, how much better the action was than expected, taken as a constant.

    Returns:
        :math:`J`, the mean over :math:`T` actions; a loss is :math:`-J`.

    Also called:
        REINFORCE, vanilla policy gradient, VPG, A2C policy loss, actor loss.

    Asked as:
        score function estimator; log-derivative trick; likelihood ratio gradient; policy gradient
        theorem; REINFORCE with baseline; actor-critic; minus log prob times advantage.

    Role in ML:
        - objective -- Gemma: after fine-tuning on demonstrations, the policy is trained on a learned
          reward by a variant of this, with a divergence from the tuned model as a penalty
          :cite:p:`gemma2024open{sec. "Reinforcement Learning from Human Feedback"}`.
        - objective -- nanochat: learns from graded answers to arithmetic problems, with the reward
          less the mean of its group as :math:`\hat{A}`; there is no ratio, since each batch of
          answers is used once
          :cite:p:`karpathy2025nanochat{code: scripts/chat_rl.py, lines 142-144, 264-272}`.
        - objective -- A2C: the part of the loss that trains the policy
          :cite:p:`mnih2016asynchronous{code: openai/baselines, baselines/a2c/a2c.py, line 60}`.
          Witness: ``stable_baselines3.A2C``.

    Numerics:
        The value may rise while the policy gets worse: it is no return, and not comparable between
        batches. The gradient in :math:`\log \pi_\theta` is :math:`\hat{A}_t / T`; advantages that
        still hang on parameters would add a second one, so detach them. On draws of an older policy
        it is biased; that is what the ratio of PPO corrects. The trick behind it is
        :math:`\nabla_\theta \pi_\theta = \pi_\theta \nabla_\theta \log \pi_\theta`.

    Checked against:
        ``-torch.nn.functional.binary_cross_entropy(
        torch.exp(log_probs), torch.ones_like(log_probs), weight=adv)``

    Examples:
        By hand, :math:`(2 \log \tfrac12 - 3 \log \tfrac14) / 2 = 2 \log 2`:

        >>> import numpy as np
        >>> log_probs, adv = np.log(np.asarray([0.5, 0.25])), np.asarray([2.0, -3.0])
        >>> round(float(policy_gradient(log_probs, adv)), 4)
        1.3863

        Two batches of three actions, as the weighted
        ``torch.nn.functional.binary_cross_entropy`` has them:

        >>> log_probs = np.asarray([[-0.3, -1.2, -2.5], [-0.8, -0.1, -0.4]])
        >>> adv = np.asarray([[1.5, -0.7, 0.2], [-2.1, 0.9, 3.0]])
        >>> policy_gradient(log_probs, adv).round(4).tolist()
        [-0.0367, 0.13]

        Three actions with probabilities 0.5, 0.25 and 0.25 and rewards 4, 0 and 8, of mean 4. Each
        action once, weighed by how often it is drawn, gives the gradient of the expected reward,
        :math:`\pi_a (r_a - 4)` in the scores, with the baseline 4 and without:

        >>> import torch
        >>> rewards = torch.tensor([4.0, 0.0, 8.0])
        >>> def gradient(baseline):
        ...     scores = torch.tensor([0.5, 0.25, 0.25]).log().requires_grad_()
        ...     often = 3 * torch.softmax(scores, 0).detach()
        ...     policy_gradient(scores.log_softmax(0), often * (rewards - baseline)).backward()
        ...     return scores.grad
        >>> gradient(0.0), gradient(4.0)
        (tensor([ 0., -1.,  1.]), tensor([ 0., -1.,  1.]))
        >>> scores = torch.tensor([0.5, 0.25, 0.25]).log().requires_grad_()
        >>> (scores.softmax(0) @ rewards).backward()
        >>> scores.grad
        tensor([ 0., -1.,  1.])
    """
    return total(adv / adv.shape[-1] * log_probs)


@checked
def ppo_clip_objective(
    logp: Nonpositive[Array, "*batch n"],
    logp_old: Nonpositive[Array, "*batch n"],
    adv: Real[Array, "*batch n"],
    *,
    eps: OpenUnit[float, ""] = 0.2,
) -> Real[Array, "*batch"]:
    r"""PPO clipped objective: a policy gradient that stops paying once an action has moved enough.

    .. math::
        \begin{aligned}
        \mathcal{L}^{\mathrm{CLIP}} &= \frac1n \sum_{i=1}^{n} \min\left( \rho_i \hat{A}_i, \;
            \min(\max(\rho_i, 1 - \epsilon), 1 + \epsilon) \, \hat{A}_i \right), \\
        \rho_i &= \frac{\pi_\theta(a_i \mid s_i)}{\pi_{\mathrm{old}}(a_i \mid s_i)}
        \end{aligned}

    It is maximized, although its symbol is that of a loss, and also written
    :math:`\mathbb{E}[\min(\rho_i \hat{A}_i, \, \operatorname{clip}(\rho_i, 1 - \epsilon, 1 +
    \epsilon) \, \hat{A}_i)]`; the clip takes away what there is to gain from moving the policy too
    far in one update. At :math:`\rho_i = 1` its gradient is that of the policy gradient. The
    minimum clips gains only: a ratio that moved the wrong way is always charged in full.

    Args:
        logp: :math:`\log \pi_\theta(a_i \mid s_i)`, of action :math:`a_i` in state :math:`s_i`
            under the policy that is trained.
        logp_old: :math:`\log \pi_{\mathrm{old}}(a_i \mid s_i)`, under the policy that drew the
            action, a constant.
        adv: :math:`\hat{A}_i`, how much better the action was than expected, a constant.
        eps: :math:`\epsilon`, how far the ratio :math:`\rho` may gain on either side of 1.

    Returns:
        :math:`\mathcal{L}^{\mathrm{CLIP}}`, the mean over :math:`n` actions; its negative is a
        loss.

    Also called:
        PPO, proximal policy optimization, clipped surrogate objective, PPO-clip, clipped policy
        loss, PPO loss.

    Asked as:
        importance ratio; probability ratio; clip range; GRPO objective; surrogate loss; PPO ratio
        overflow; policy loss is nan.

    Role in ML:
        - objective -- Tulu 3: the last stage rewards answers that a program can verify, with
          :math:`\epsilon = 0.2` on every token
          :cite:p:`lambert2024tulu{code: allenai/open-instruct at 4365dea,
          open_instruct/ppo_vllm_thread_ray_gtrl.py, lines 226, 1265-1269}`.
        - objective -- DeepSeek-R1: GRPO clips the ratio in this way and takes its advantages from
          the rewards of a group of answers to one question
          :cite:p:`deepseek2025r1{v1, eq. (1), sec. 2.2.1}`.
        - objective -- PPO: several epochs on the same draws of a simulated robot
          :cite:p:`schulman2017proximal{eq. (7), table 3}`.
          Witness: ``stable_baselines3.PPO``, with ``normalize_advantage`` off; it is on by default
          and standardizes the advantages of a batch.

    Numerics:
        A clipped action has gradient 0. The ratio is the exponential of the difference of the
        arguments, which overflows float32 above 88. The body decides by that difference what is
        clipped and exponentiates the rest only: if :math:`\hat{A}_i \geq 0`, value and gradient
        are finite at any ratio; if :math:`\hat{A}_i < 0`, the value is :math:`-\infty` once the
        ratio overflows. For a token it is the ratio of that token; for a whole answer it is the
        product of them, which soon overflows or underflows. Advantages without a critic are
        rewards, standardized within the group of answers to one prompt, :math:`\hat{A}_i = (r_i -
        \operatorname{mean}(r)) / \operatorname{std}(r)`, as in GRPO; in a group of equal rewards
        all are 0. The default :math:`\epsilon` is the best of three in the original experiments
        :cite:p:`schulman2017proximal{table 1}`.

    Checked against:
        ``np.mean(adv * np.where(adv >= 0, np.minimum(np.exp(logp - logp_old), 1 + eps),
        np.maximum(np.exp(logp - logp_old), 1 - eps)))``

    Examples:
        By hand, the ratios 0.5, 1 and 1.5, each with the advantage 1 and -1:

        >>> import numpy as np
        >>> logp, half = np.log(np.asarray([[0.25], [0.5], [0.75]])), np.log(np.full((3, 1), 0.5))
        >>> good = np.ones((3, 1))
        >>> ppo_clip_objective(logp, half, good).round(4).tolist()
        [0.5, 1.0, 1.2]
        >>> ppo_clip_objective(logp, half, -good).round(4).tolist()
        [-0.8, -1.0, -1.5]

        Two batches of three actions, as the case by case form has them:

        >>> logp = np.asarray([[-0.3, -1.2, -2.5], [-0.8, -0.1, -0.4]])
        >>> logp_old = np.asarray([[-0.5, -1.1, -1.9], [-0.9, -0.4, -0.2]])
        >>> adv = np.asarray([[1.5, -0.7, 0.2], [-2.1, 0.9, 3.0]])
        >>> ppo_clip_objective(logp, logp_old, adv).round(4).tolist()
        [0.4255, 0.4051]

        The gradient is :math:`\rho_i \hat{A}_i / n`, and 0 for gains beyond the clip, here a good
        action at 1.5 and a bad one at 0.5; at :math:`\rho = 1` it is that of the policy gradient:

        >>> import torch
        >>> logp = torch.tensor([0.75, 0.25, 0.25, 0.75, 0.5]).log().requires_grad_()
        >>> adv = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
        >>> ppo_clip_objective(logp, torch.full((5,), 0.5).log(), adv, eps=0.1).backward()
        >>> logp.grad
        tensor([ 0.0000,  0.0000,  0.1000, -0.3000,  0.2000])

        A ratio of :math:`e^{100}`, which overflows float32, is clipped for a good action and counts
        nothing for an advantage of 0, in the value and in the gradient; for a bad action the value
        is infinite:

        >>> logp, far = torch.zeros(2, requires_grad=True), torch.full((2,), -100.0)
        >>> ppo_clip_objective(logp, far, torch.tensor([1.0, 0.0])).backward()
        >>> logp.grad
        tensor([0., 0.])
        >>> adv = torch.tensor([[1.0], [0.0], [-1.0]])
        >>> ppo_clip_objective(torch.zeros(3, 1), torch.full((3, 1), -100.0), adv)
        tensor([1.2000, 0.0000,   -inf])
    """
    xp = array_namespace(logp, logp_old, adv)
    log_ratio, good = logp - logp_old, adv >= 0
    gain = xp.where(good, log_ratio > math.log1p(eps), log_ratio < math.log1p(-eps))
    ratio = xp.exp(xp.where(gain, 0.0, log_ratio))  # no exponential of what is clipped overflows
    limit = xp.where(good, xp.full_like(ratio, 1 + eps), 1 - eps)
    return total(xp.where(gain, limit, ratio) * (adv / adv.shape[-1]))


@checked
def entropy_bonus(
    z: Logits[Array, "*batch n k"], *, coef: Nonneg[float, ""] = 0.01
) -> Nonneg[Array, "*batch"]:
    r"""Entropy bonus: what a policy is paid for staying undecided.

    .. math:: B = -\frac{c}{n} \sum_{i=1}^{n} \sum_{a=1}^{k} p_{ia} \log p_{ia}, \quad
        p_{ia} = \frac{e^{z_{ia}}}{\sum_{b=1}^{k} e^{z_{ib}}}

    It is :math:`c \, \mathbb{E}[H(\pi_\theta(\cdot \mid s))]`, the mean entropy times :math:`c`,
    and is added to an objective that is maximized, against a policy that collapses to one action
    and explores no more. It is at most :math:`c \log k`, for a policy that chooses at random, and 0
    once every choice is certain.

    Args:
        z: :math:`z`, scores (logits), a row for each of :math:`n` states and a column for each of
            :math:`k` actions.
        coef: :math:`c`, the weight of the bonus, in units of the objective per nat. The default is
            that of PPO for Atari games :cite:p:`schulman2017proximal{table 5}`.

    Returns:
        :math:`B`, the bonus, the weighted mean of the entropies of the :math:`n` rows, where
        :math:`p_{ia}` is the probability of action :math:`a` in state :math:`i`.

    Also called:
        entropy regularization, entropy loss, exploration bonus.

    Asked as:
        ent_coef; entropy coefficient; anti-collapse term; policy entropy; entropy collapse; maximum
        entropy; entropy-regularized reinforcement learning.

    Role in ML:
        - regularizer -- Skywork-OR1: the coefficient rises by 0.0001 a step while the entropy over
          the next token is below a target of 0.2, falls otherwise, and stays at most 0.005
          :cite:p:`he2025skywork{code: or1_scripts/train/7b_16k.sh, lines 12-17;
          verl/trainer/ppo/core_algos.py, lines 65-74; verl/workers/actor/dp_actor.py, line 283}`.
        - regularizer -- PPO: Atari games with the weight 0.01
          :cite:p:`schulman2017proximal{eq. (9); code: openai/baselines, baselines/ppo2/defaults.py,
          line 19}`.
          Witness: ``stable_baselines3.PPO``.

    Numerics:
        Where a policy is certain the gradient is 0 as well: the bonus keeps variety and cannot
        bring it back. Actions with the score :math:`-\infty` are ruled out and add nothing. The
        gradient in :math:`z_{ia}` is :math:`-c \, p_{ia} (\log p_{ia} + H_i) / n`, with :math:`H_i`
        the entropy of the row: the most likely action loses.

    Checked against:
        ``coef * torch.distributions.Categorical(logits=z).entropy().mean()``

    Examples:
        By hand, probabilities :math:`\tfrac12, \tfrac14, \tfrac14` in one state and a coin in the
        other: :math:`c \, (\tfrac32 \log 2 + \log 2) / 2`, with :math:`c = 0.1`.

        >>> import numpy as np
        >>> z = np.asarray([[np.log(2), 0.0, 0.0], [7.0, 7.0, -np.inf]])
        >>> round(float(entropy_bonus(z, coef=0.1)), 4), round(0.125 * float(np.log(2)), 4)
        (0.0866, 0.0866)

        Two batches, as ``torch.distributions.Categorical`` has them; the default is 0.01:

        >>> z = np.asarray([0.3, -1.2, 2.5, 0.8, 1.7, -0.4, 1.1, 0.6, -2.0, -0.9, 0.4, 0.2])
        >>> (1000 * entropy_bonus(z.reshape(2, 2, 3))).round(3).tolist()
        [6.272, 8.777]

        The gradient takes from the likeliest action and gives to the others:

        >>> import torch
        >>> z = torch.tensor([[0.5, 0.25, 0.25]]).log().requires_grad_()
        >>> entropy_bonus(z, coef=1.0).backward()
        >>> z.grad
        tensor([[-0.1733,  0.0866,  0.0866]])

        At random :math:`c \log 4`, certain nothing, and no gradient either:

        >>> z = torch.tensor([[[0.0, 0.0, 0.0, 0.0]], [[900.0, 0.0, 0.0, 0.0]]], requires_grad=True)
        >>> bonus = entropy_bonus(z, coef=1.0)
        >>> bonus.detach()
        tensor([1.3863, 0.0000])
        >>> bonus.sum().backward()
        >>> z.grad.abs().max().item() < 1e-6
        True
    """
    return coef * total(entropy(softmax(z)) / z.shape[-2])
