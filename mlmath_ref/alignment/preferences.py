r"""Preferences: learning from which of two answers was liked better.

The Bradley-Terry model says that the answer with the higher reward wins with a probability that is
the logistic function of the difference. Reward models are fitted to such choices by maximum
likelihood, and so are the ratings of players and of chat models; a common constant in all rewards
changes nothing. A policy is then moved to higher reward, at a price on its divergence from a
reference. That price limits how far the policy goes after the reward model's mistakes and does not
rule them out. It stands in the reward of each draw, as in InstructGPT, or beside the objective, as
in DeepSeek-R1 :cite:p:`deepseek2025r1{v1, eq. (1)}`; DAPO does without
:cite:p:`yu2025dapo{sec. 2.3}`.

For the penalized problem the best policy is known: the reference, reweighted by the exponential of
the reward. Read backwards, every policy is the best one for some reward, up to a constant of each
prompt, and that constant cancels in a comparison. So the policy can be fitted to the choices
directly. This and the reward-model route have the same optimum with unlimited data, a Bradley-Terry
world and unrestricted policies; they are not the same algorithm, and with finite data they differ.

:map: 6.8 Alignment
"""

from mlmath_ref.activations.gates import sigmoid
from mlmath_ref.arrays import Array, softplus, total
from mlmath_ref.sets import Nonneg, Nonpositive, Positive, Real, Unit, checked


@checked
def bradley_terry(r_w: Real[Array, "*shape"], r_l: Real[Array, "*shape"]) -> Unit[Array, "*shape"]:
    r"""Bradley-Terry model: how likely one of two rivals wins, given the strength of both.

    .. math:: P(w \succ l) = \frac{e^{r_w}}{e^{r_w} + e^{r_l}}

    It is the logistic sigmoid :math:`\sigma(r_w - r_l) = 1 / (1 + e^{-(r_w - r_l)})` and the
    softmax of two scores, :math:`1/2` at equal strength. With strengths :math:`s = e^r` it is
    :math:`s_w / (s_w + s_l)`, with Elo ratings :math:`R = 400 \, r / \log 10` it is
    :math:`1 / (1 + 10^{(R_l - R_w) / 400})`. Fitted to the outcomes of pairwise games or votes, the
    strengths rank the players; only the difference counts, and
    :math:`P(w \succ l) + P(l \succ w) = 1`.

    Args:
        r_w: :math:`r_w`, the strength or reward of :math:`w`, as a logarithm of odds.
        r_l: :math:`r_l`, that of its rival :math:`l`.

    Returns:
        :math:`P(w \succ l)`, the probability that :math:`w` is preferred to :math:`l`.

    Also called:
        BT model, Bradley-Terry-Luce, BTL, Elo expected score.

    Asked as:
        paired comparison model; pairwise comparison model; preference probability; win probability;
        Elo rating; arena score; who wins.

    Role in ML:
        - metric -- Chatbot Arena: the strengths of chat models are those under which the votes are
          most likely; a draw counts as half a win, and :math:`r` times :math:`400 / \log 10` is
          shown :cite:p:`chiang2024chatbot{code: lm-sys/FastChat,
          fastchat/serve/monitor/rating_systems.py, lines 165-171, 197-217}`.
        - objective -- Deep reinforcement learning from human preferences: the summed rewards of two
          clips of a robot's behavior say which one people choose
          :cite:p:`christiano2017deep{eq. (1)}`.

    Numerics:
        Computed from the difference, so that strengths of 1000 overflow nothing. Far below 0 the
        relative precision stays, far above the result rounds to 1: the rival's chance is the call
        with the arguments exchanged, not 1 less the result.

    Checked against:
        ``torch.sigmoid(r_w - r_l)``, ``scipy.special.softmax(np.stack([r_w, r_l]), axis=0)[0]``

    Examples:
        By hand, strengths 6 and 2 have odds of 3 to 1:

        >>> import numpy as np
        >>> round(float(bradley_terry(np.log(np.asarray(6.0)), np.log(np.asarray(2.0)))), 4)
        0.75

        Other pairs, as ``scipy.special.expit`` of the difference has them; exchanged, they give the
        rest to 1:

        >>> r_w, r_l = np.asarray([1.3, -0.4]), np.asarray([0.2, 2.1])
        >>> bradley_terry(r_w, r_l).round(4).tolist(), bradley_terry(r_l, r_w).round(4).tolist()
        ([0.7503, 0.0759], [0.2497, 0.9241])

        A lead of 100 and of 400 points on the scale of Elo:

        >>> points = np.asarray([1214.0, 1514.0]) * np.log(10) / 400
        >>> bradley_terry(points, np.full(2, 1114.0) * np.log(10) / 400).round(4).tolist()
        [0.6401, 0.9091]

        The gradient is :math:`P (1 - P)` in one strength, the opposite in the other:

        >>> import torch
        >>> r_w, r_l = torch.tensor(3.0).log().requires_grad_(), torch.zeros((), requires_grad=True)
        >>> bradley_terry(r_w, r_l).backward()
        >>> r_w.grad, r_l.grad
        (tensor(0.1875), tensor(-0.1875))

        Equal strength, a hopeless rival and a hopeless case, whose chance is :math:`e^{-100}`:

        >>> r_w, r_l = np.asarray([1e3, 1e3, 0.0]), np.asarray([1e3, 0.0, 100.0])
        >>> [f"{p:.4g}" for p in bradley_terry(r_w, r_l)]
        ['0.5', '1', '3.72e-44']
    """
    return sigmoid(r_w - r_l)


@checked
def reward_model_loss(
    r_w: Real[Array, "*batch n"], r_l: Real[Array, "*batch n"]
) -> Nonneg[Array, "*batch"]:
    r"""Reward model loss: how badly the rewards explain which answers people preferred.

    .. math::
        \mathcal{L} = -\frac1n \sum_{i=1}^{n} \log \sigma\left( r_\phi(x_i, y_i^{+})
            - r_\phi(x_i, y_i^{-}) \right)

    In expectations it is :math:`-\mathbb{E}_{(x, y^{+}, y^{-})}[\log \sigma(r_\phi(x, y^{+}) -
    r_\phi(x, y^{-}))]`, the negative log-likelihood of the choices (human preferences) in the
    Bradley-Terry model, with :math:`\sigma(u) = 1 / (1 + e^{-u})`, and :math:`\log 2` where all
    rewards are equal. A constant added to all rewards of a prompt changes nothing: they compare
    answers to one prompt only.

    Args:
        r_w: :math:`r_\phi(x_i, y_i^{+})`, the reward that the model with parameters :math:`\phi`
            gives to the preferred answer to prompt :math:`x_i`.
        r_l: :math:`r_\phi(x_i, y_i^{-})`, the reward of the other answer.

    Returns:
        :math:`\mathcal{L}`, in nats, the mean over :math:`n` pairs.

    Also called:
        Bradley-Terry loss, RM loss, RankNet loss, pairwise logistic loss, reward modeling loss.

    Asked as:
        pairwise ranking loss; preference loss; pairwise preference loss; log-sigmoid loss; train a
        reward model; minus log sigmoid of chosen minus rejected.

    Role in ML:
        - objective -- Tulu 3: trains the reward model of 8B parameters, one scalar for each answer
          :cite:p:`lambert2024tulu{code: allenai/open-instruct, open_instruct/reward_modeling.py,
          line 357; docs/algorithms/reward_modeling.md, line 37}`.
        - objective -- InstructGPT: takes all pairs of 4 to 9 ranked answers to a prompt as one
          element of a batch :cite:p:`ouyang2022training{sec. 3.5, eq. (1)}`.
          Witness: ``trl.RewardTrainer``.

    Numerics:
        :math:`-\log \sigma(u) = \log(1 + e^{-u})` is computed without overflow: a margin of -1000
        costs 1000, one of 1000 nothing. The gradient with respect to a preferred reward is
        :math:`-\sigma(-u) / n`, between :math:`-1/n` and 0. Second derivatives are finite at every
        margin; those of ``torch.logaddexp`` are NaN from 89 on in float32. The loss does not
        constrain the sum of two rewards; TRL has an optional penalty on its square.

    Checked against:
        ``-torch.nn.functional.logsigmoid(r_w - r_l).mean()``,
        ``torch.nn.functional.binary_cross_entropy_with_logits(r_w - r_l, torch.ones_like(r_w))``

    Examples:
        By hand, margins of :math:`\log 3` and :math:`-\log 3` cost :math:`\log \tfrac43` and
        :math:`\log 4`, on average :math:`\tfrac12 \log \tfrac{16}{3}`:

        >>> import numpy as np
        >>> r_w, r_l = np.log(np.asarray([6.0, 1.0])), np.log(np.asarray([2.0, 3.0]))
        >>> round(float(reward_model_loss(r_w, r_l)), 4)
        0.837

        Two sets of three pairs, as ``torch.nn.functional.binary_cross_entropy_with_logits`` has the
        margins:

        >>> r_w = np.asarray([[0.3, -1.1, 2.4], [1.7, 0.2, -0.6]])
        >>> r_l = np.asarray([[1.2, -1.5, 0.1], [-0.8, 0.9, 2.0]])
        >>> reward_model_loss(r_w, r_l).round(4).tolist()
        [0.6166, 1.2846]

        The pair that is wrong pulls three times as much as the one that is right:

        >>> import torch
        >>> r_w = torch.tensor([6.0, 1.0]).log().requires_grad_()
        >>> reward_model_loss(r_w, torch.tensor([2.0, 3.0]).log()).backward()
        >>> r_w.grad
        tensor([-0.1250, -0.3750])

        The second derivative with respect to a margin is :math:`\sigma(u) \sigma(-u) / n`, also at
        a margin of 100:

        >>> curvature = torch.func.hessian(lambda r: reward_model_loss(r, torch.zeros(1)))
        >>> [f"{curvature(torch.tensor([u])).item():.2g}" for u in (0.0, 100.0)]
        ['0.25', '3.8e-44']

        Equal rewards cost :math:`\log 2`, hopeless pairs their margin, clear ones nothing:

        >>> r_w = np.asarray([[5.0], [-1000.0], [1000.0]])
        >>> reward_model_loss(r_w, np.asarray([[5.0], [0.0], [0.0]])).round(4).tolist()
        [0.6931, 1000.0, 0.0]
    """
    return total(softplus(r_l - r_w) / r_w.shape[-1])


@checked
def kl_penalized_reward(
    reward: Real[Array, "*shape"],
    logp: Nonpositive[Array, "*shape"],
    logp_ref: Nonpositive[Array, "*shape"],
    *,
    beta: Nonneg[float, ""],
) -> Real[Array, "*shape"]:
    r"""KL-penalized reward: the reward of an answer, less a price for leaving the reference.

    .. math:: R = r - \beta \log \frac{\pi_\theta(y \mid x)}{\pi_{\mathrm{ref}}(y \mid x)}

    Over answers drawn from :math:`\pi_\theta` its mean is :math:`\mathbb{E}[r] - \beta
    D_{\mathrm{KL}}(\pi_\theta \,\|\, \pi_{\mathrm{ref}})`, the objective of RLHF; the price keeps
    the policy from drifting to where the reward model is wrong (reward hacking). The best policy is
    :math:`\pi_{\mathrm{ref}} \, e^{r / \beta}`, normalized, :math:`\pi^{*}(y \mid x) =
    \frac{1}{Z(x)} \pi_{\mathrm{ref}}(y \mid x) \exp(r(x, y) / \beta)`; under it all answers have
    the same :math:`R`.

    Args:
        reward: :math:`r`, the reward of the answer, from a reward model or a check.
        logp: :math:`\log \pi_\theta(y \mid x)`, of the answer :math:`y` to prompt :math:`x` under
            the policy that drew it.
        logp_ref: :math:`\log \pi_{\mathrm{ref}}(y \mid x)`, of the same answer under the reference.
        beta: :math:`\beta`, the price of one nat.

    Returns:
        :math:`R`, the reward that the policy is trained on, one number per answer, or per token.

    Also called:
        KL-regularized reward, KL reward shaping.

    Asked as:
        RLHF objective; KL penalty; non-score reward; KL control; reference model penalty; kl_coef;
        KL-constrained reward maximization; reward hacking.

    Role in ML:
        - regularizer -- Tulu 3: every token of an answer pays, with :math:`\beta = 0.05` for the 8B
          model; the last one also gets the verified reward
          :cite:p:`lambert2024tulu{code: allenai/open-instruct, docs/tulu3.md, line 338; at 4365dea
          open_instruct/ppo_vllm_thread_ray_gtrl.py, lines 1175-1193}`.
        - regularizer -- InstructGPT: holds the policy near the supervised model, and a term of
          pre-training is added :cite:p:`ouyang2022training{sec. 3.5, eq. (2)}`.
        - regularizer -- Fine-tuning from human preferences: the same by token, with a coefficient
          that is steered to a target divergence or held fixed
          :cite:p:`ziegler2019fine{code: openai/lm-human-preferences,
          lm_human_preferences/train_policy.py, lines 107-155}`.

    Numerics:
        One draw gives an estimate of the divergence, which may be negative: then the penalty pays.
        The mean over draws is right, the noise that of the log ratio. The reward is a constant for
        the policy gradient: its derivative in :math:`\log \pi_\theta`, :math:`-\beta`, is not to be
        followed. At :math:`\beta = 0` the reward is left as it is.

    Checked against:
        ``reward - beta * scipy.special.rel_entr(np.exp(logp), np.exp(logp_ref)) / np.exp(logp)``

    Examples:
        By hand, the policy makes an answer of reward 2 three times as likely as the reference does,
        at :math:`\beta = \tfrac12`: :math:`2 - \tfrac12 \log 3`.

        >>> import numpy as np
        >>> logp, logp_ref = np.log(np.asarray(0.6)), np.log(np.asarray(0.2))
        >>> round(float(kl_penalized_reward(np.asarray(2.0), logp, logp_ref, beta=0.5)), 4)
        1.4507

        Three answers: the mean of :math:`R` under the policy is the mean reward less
        :math:`\beta` times the divergence, as ``scipy.special.rel_entr`` has it; the unlikely last
        answer is paid for:

        >>> from scipy.special import rel_entr
        >>> p, ref = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.15, 0.6, 0.25])
        >>> r = np.asarray([1.0, -0.5, 2.0])
        >>> paid = kl_penalized_reward(r, np.log(p), np.log(ref), beta=0.3)
        >>> paid.round(4).tolist()
        [0.5379, -0.1704, 2.2749]
        >>> round(float(p @ paid), 4), round(float(p @ r - 0.3 * rel_entr(p, ref).sum()), 4)
        (0.5699, 0.5699)

        Under the best policy all answers have the same :math:`R`, which is
        :math:`\beta \log \sum_y \pi_{\mathrm{ref}}(y \mid x) \, e^{r / \beta}`:

        >>> best = ref * np.exp(r / 0.3)
        >>> best_logp = np.log(best / best.sum())
        >>> kl_penalized_reward(r, best_logp, np.log(ref), beta=0.3).round(4).tolist()
        [1.5906, 1.5906, 1.5906]
        >>> round(float(0.3 * np.log(best.sum())), 4)
        1.5906

        The derivative in :math:`\log \pi_\theta`, and a price of 0:

        >>> import torch
        >>> logp = torch.tensor([-1.0, -2.0], requires_grad=True)
        >>> reward, ref = torch.tensor([1.0, 3.0]), torch.tensor([-4.0, -0.5])
        >>> kl_penalized_reward(reward, logp, ref, beta=0.3).sum().backward()
        >>> logp.grad
        tensor([-0.3000, -0.3000])
        >>> kl_penalized_reward(reward, logp.detach(), ref, beta=0.0)
        tensor([1., 3.])
    """
    return reward - beta * (logp - logp_ref)


@checked
def dpo_loss(
    policy_chosen: Nonpositive[Array, "*batch n"],
    policy_rejected: Nonpositive[Array, "*batch n"],
    ref_chosen: Nonpositive[Array, "*batch n"],
    ref_rejected: Nonpositive[Array, "*batch n"],
    *,
    beta: Positive[float, ""] = 0.1,
) -> Nonneg[Array, "*batch"]:
    r"""DPO loss: how badly a policy's implicit reward explains the choices that people made.

    .. math::
        \mathcal{L}_{\mathrm{DPO}} = -\frac1n \sum_{i=1}^{n} \log \sigma\left( \beta
            \log \frac{\pi_\theta(y_i^{+} \mid x_i)}{\pi_{\mathrm{ref}}(y_i^{+} \mid x_i)} - \beta
            \log \frac{\pi_\theta(y_i^{-} \mid x_i)}{\pi_{\mathrm{ref}}(y_i^{-} \mid x_i)} \right)

    With the implicit reward :math:`\hat{r}(x, y) = \beta \log \frac{\pi_\theta(y \mid
    x)}{\pi_{\mathrm{ref}}(y \mid x)}` it is the Bradley-Terry loss :math:`-\mathbb{E}[\log
    \sigma(\hat{r}(x, y^{+}) - \hat{r}(x, y^{-}))]`, so that no reward model is needed. With the
    logistic function :math:`\sigma(u) = 1 / (1 + e^{-u})` it is :math:`\log 2` where the policy is
    the reference. Only the change of the log-odds between the two answers matters: both
    probabilities may fall while the loss does.

    Args:
        policy_chosen: :math:`\log \pi_\theta(y_i^{+} \mid x_i)`, log-probability, summed over
            tokens, that the trained policy gives to the preferred answer.
        policy_rejected: :math:`\log \pi_\theta(y_i^{-} \mid x_i)`, the same for the other answer.
        ref_chosen: :math:`\log \pi_{\mathrm{ref}}(y_i^{+} \mid x_i)`, the frozen reference's, for
            the preferred answer.
        ref_rejected: :math:`\log \pi_{\mathrm{ref}}(y_i^{-} \mid x_i)`, the reference's, for the
            other.
        beta: :math:`\beta`, the price of divergence from the reference in the problem that is
            solved.

    Returns:
        :math:`\mathcal{L}_{\mathrm{DPO}}`, in nats, the mean over :math:`n` pairs.

    Also called:
        direct preference optimization, DPO, DPO objective.

    Asked as:
        preference tuning; preference optimization; implicit reward; preference loss; chosen and
        rejected log probabilities fall.

    Role in ML:
        - objective -- Llama 3: post-training with :math:`\beta = 0.1`, masked formatting tokens and
          an added likelihood term of weight 0.2 on the preferred answers
          :cite:p:`grattafiori2024llama3{sec. 4.1.4}`.
        - objective -- Tulu 3: a length-normalized form, in which each log-probability is averaged
          over its tokens and :math:`\beta = 5`
          :cite:p:`lambert2024tulu{code: allenai/open-instruct, docs/tulu3.md, line 158}`.
        - objective -- Llama 3.2 quantized: the last stage, on backbone and adapters together
          :cite:p:`meta2024llama32{Quantization-Aware Training and LoRA}`.
        - objective -- DPO: fits the policy without a reward model and without sampling from it
          :cite:p:`rafailov2023direct{eq. (7)}`.
          Witness: ``trl.DPOTrainer``.

    Numerics:
        :math:`-\log \sigma(u) = \log(1 + e^{-u})` is computed without overflow, with finite first
        and second derivatives: a margin of -1000 costs 1000. The gradient with respect to a
        preferred log-probability is :math:`-\beta \sigma(-u) / n`, so pairs that are already right
        weigh little. The default :math:`\beta` is that of the original experiments
        :cite:p:`rafailov2023direct{appendix B}`.

    Checked against:
        ``-torch.nn.functional.logsigmoid(beta * ((policy_chosen - policy_rejected) - (ref_chosen -
        ref_rejected))).mean()``,
        ``-scipy.stats.logistic.logcdf(policy_chosen - ref_chosen,
        loc=policy_rejected - ref_rejected, scale=1 / beta).mean()``

    Examples:
        By hand: the policy raised the odds of the preferred answer by :math:`\log 3`, which with
        :math:`\beta = 1` is :math:`-\log \tfrac34`.

        >>> import numpy as np
        >>> chosen, rejected = np.log(np.asarray([0.6])), np.log(np.asarray([0.2]))
        >>> ref = np.log(np.asarray([0.3]))
        >>> round(float(dpo_loss(chosen, rejected, ref, ref, beta=1.0)), 4)
        0.2877

        Two pairs at the usual :math:`\beta = 0.1`, one right and one wrong, with margins 8 and -5
        and :math:`\tfrac12 (\log(1 + e^{-0.8}) + \log(1 + e^{0.5}))`:

        >>> import torch
        >>> policy_chosen = torch.tensor([-20.0, -41.0], requires_grad=True)
        >>> policy_rejected = torch.tensor([-30.0, -35.0])
        >>> ref_chosen, ref_rejected = torch.tensor([-23.0, -38.0]), torch.tensor([-25.0, -37.0])
        >>> loss = dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
        >>> loss.detach()
        tensor(0.6726)
        >>> loss.backward()
        >>> policy_chosen.grad
        tensor([-0.0155, -0.0311])

        Two sets of pairs: a policy equal to its reference is at :math:`\log 2`, and hopeless pairs
        cost their margin:

        >>> ref = torch.tensor([[-7.0, -9.0, -4.0], [-7.0, -9.0, -4.0]])
        >>> dpo_loss(ref - torch.tensor([[0.0], [1000.0]]), ref, ref, ref, beta=1.0)
        tensor([6.9315e-01, 1.0000e+03])
    """
    margin = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    return total(softplus(-margin) / margin.shape[-1])
