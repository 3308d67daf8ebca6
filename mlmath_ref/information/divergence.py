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
the two variables although the divergence is not in its arguments. Asked of a question and a class
it is the information gain, by which a decision tree chooses its splits. From samples alone it is
hard to estimate; contrastive learning bounds it from below, by how well a model tells true pairs
from others, and such a bound cannot say more than the logarithm of the number of candidates.

:map: 4 Information theory
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total, widest
from mlmath_ref.numerics.logarithms import log_sum_exp, xlogy
from mlmath_ref.sets import ExtendedNonneg, Joint, Masses, Nonneg, Real, Simplex, checked


@checked
def kl_divergence(
    p: Simplex[Array, "*batch n"], q: Simplex[Array, "*batch n"]
) -> ExtendedNonneg[Array, "*batch"]:
    r"""Kullback-Leibler divergence: how different p is from q, in extra nats of a code made for q.

    .. math:: D_{\mathrm{KL}}(p \,\|\, q) = \sum_{i=1}^{n} p_i \log \frac{p_i}{q_i}

    Zero exactly when :math:`p = q`, and not symmetric: :math:`p` decides where :math:`q` may not be
    small. In expectations it is
    :math:`\mathbb{E}_{x \sim p}[\log \frac{p(x)}{q(x)}] = H(p, q) - H(p)`, written out
    :math:`\sum_i p_i (\log p_i - \log q_i)`, for densities
    :math:`\int p(x) \log \frac{p(x)}{q(x)} \, dx`, and for two events
    :math:`p \log \frac{p}{q} + (1 - p) \log \frac{1 - p}{1 - q}`. It measures how different two
    distributions are but is no distance; fitting :math:`q` to :math:`p` by it covers all modes of
    :math:`p` (forward, mode-covering), by :math:`D_{\mathrm{KL}}(q \,\|\, p)` it may keep to one
    (reverse, mode-seeking).

    Args:
        p: :math:`p`, the distribution that events are drawn from.
        q: :math:`q`, the distribution that is judged.

    Returns:
        :math:`D_{\mathrm{KL}}(p \,\|\, q)`, in nats, one number per batch element.

    Also called:
        relative entropy, information divergence, KL, KL divergence, KLD, Kullback Leibler distance.

    Asked as:
        KL(p||q); D_KL(p||q); how different are two distributions; I-divergence; forward KL; reverse
        KL; mode-covering; mode-seeking; why is my KL infinite; negative KL.

    Role in ML:
        - objective -- Qwen3: the small models are distilled by bringing the student's logits to the
          teacher's under this divergence :cite:p:`qwen2025three{sec. 4.5}`.
        - constraint -- Trust-region policy optimization: bounds how far one update may move
          the policy; the old policy stands first :cite:p:`schulman2015trust{eq. (12)}`.
        - regularizer -- Variational autoencoder: the rate term of the evidence lower bound
          holds the encoder's posterior near the prior :cite:p:`kingma2014auto{eq. (3)}`.

    Numerics:
        A term with :math:`p_i = 0` counts as 0, in the value and in the gradient with respect to
        :math:`q`. If :math:`q_i = 0 < p_i`, the result is :math:`\infty`, its derivative with
        respect to :math:`q_i` is :math:`-\infty` and that with respect to :math:`p_i` is
        :math:`\infty`; no epsilon bounds it. A sum that rounding puts below 0, which happens if
        :math:`p` and :math:`q` differ by less than about :math:`10^{-8}`, is replaced by 0, with
        gradient 0. From logits, subtract log-softmaxes instead: a probability that underflowed to 0
        cannot be recovered.

    Checked against:
        ``scipy.stats.entropy(p, q, axis=-1)``,
        ``torch.nn.functional.kl_div(torch.log(q), p, reduction="sum")``,
        ``scipy.special.rel_entr(p, q).sum()``

    Examples:
        By hand, :math:`\tfrac12 \log 2 + \tfrac12 \log \tfrac23`:

        >>> import numpy as np
        >>> p, q = np.asarray([0.5, 0.5]), np.asarray([0.25, 0.75])
        >>> round(float(kl_divergence(p, q)), 4)
        0.1438

        The order matters, as ``scipy.stats.entropy`` has it:

        >>> p, q = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.15, 0.6, 0.25])
        >>> round(float(kl_divergence(p, q)), 4), round(float(kl_divergence(q, p)), 4)
        (0.767, 0.6572)

        The gradient in :math:`q` is :math:`-p/q`, which is why small :math:`q_i` are felt:

        >>> import torch
        >>> q = torch.tensor([0.25, 0.75], requires_grad=True)
        >>> kl_divergence(torch.tensor([0.5, 0.5]), q).backward()
        >>> q.grad
        tensor([-2.0000, -0.6667])

        An event that :math:`q` calls impossible costs without bound, and the gradient says so; each
        row is one pair:

        >>> p = torch.full((2, 2), 0.5)
        >>> q = torch.tensor([[1.0, 0.0], [0.25, 0.75]], requires_grad=True)
        >>> divergence = kl_divergence(p, q)
        >>> divergence.detach()
        tensor([   inf, 0.1438])
        >>> divergence.sum().backward()
        >>> q.grad
        tensor([[-0.5000,    -inf],
                [-2.0000, -0.6667]])

        It is never negative, although its terms cancel for distributions that nearly agree:

        >>> p = np.asarray([0.4, 0.59, 0.01])
        >>> q = p + np.asarray([1e-9, -1e-9, 0.0])
        >>> float(kl_divergence(p, q))
        0.0

        An event that does not happen costs nothing, and :math:`q` is free to call it impossible:

        >>> q = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> cost = kl_divergence(torch.tensor([1.0, 0.0]), q)
        >>> cost.backward()
        >>> cost.detach(), q.grad
        (tensor(0.), tensor([-1.,  0.]))
    """
    xp = array_namespace(p, q)
    divergence = total(xlogy(p, p) - xlogy(p, q))
    return xp.where(divergence < 0, 0.0, divergence)  # below 0 by rounding alone


@checked
def mutual_information(p: Joint[Array, "*batch m n"]) -> Nonneg[Array, "*batch"]:
    r"""Mutual information: how many nats one variable tells about another.

    .. math:: I(X; Y) = \sum_{i=1}^{m} \sum_{j=1}^{n}
       p_{ij} \log \frac{p_{ij}}{\left( \sum_{l=1}^{n} p_{il} \right)
       \left( \sum_{k=1}^{m} p_{kj} \right)}

    It is :math:`D_{\mathrm{KL}}` from the joint distribution to the product of its margins, and
    :math:`H(X) + H(Y) - H(X, Y) = H(X) - H(X \mid Y)`; in expectations it is
    :math:`\mathbb{E}[\log \frac{p(x, y)}{p(x) \, p(y)}]`, and unlike a correlation it sees every
    kind of dependence. Zero exactly when the variables :math:`X` and :math:`Y` are independent, and
    the same if they change places. It is at most the smaller of their entropies.

    Args:
        p: :math:`p`, the joint distribution, :math:`p_{ij}` the probability that :math:`X` is at
            its value :math:`i` and :math:`Y` at its value :math:`j`.

    Returns:
        :math:`I(X; Y)`, in nats, one number per batch element.

    Also called:
        MI, transinformation, shared information.

    Role in ML:
        - metric -- scGPT: normalized by the two entropies, it says how well clusters of cell embeddings
          agree with the cell types
          :cite:p:`cui2024scgpt{code: scgpt/utils/util.py, line 440}`.
        - estimator -- Contrastive predictive coding: the loss over :math:`N` candidates bounds it
          from below by :math:`\log N` minus the loss, so that no estimate exceeds :math:`\log N`
          :cite:p:`oord2018representation{sec. 2.3}`.

    Numerics:
        Cells with :math:`p_{ij} = 0` count as 0. A sum that rounding puts below 0, as it may for
        independent variables, is replaced by 0. The product of two small margins may underflow; each
        is divided by separately. The table has to be known: from samples, a table of
        counts over their number is the usual estimate, that of
        ``sklearn.metrics.mutual_info_score``, and it is too large on average.

    Checked against:
        ``scipy.stats.entropy(p.sum(1)) + scipy.stats.entropy(p.sum(0))
        - scipy.stats.entropy(p.ravel())``

    Examples:
        By hand: two fair coins that always agree share one bit, :math:`\log 2`:

        >>> import numpy as np
        >>> round(float(mutual_information(np.asarray([[0.5, 0.0], [0.0, 0.5]]))), 4)
        0.6931

        Two values against three, as ``sklearn.metrics.mutual_info_score`` has it for the counts;
        turned over, the table gives the same:

        >>> p = np.asarray([[30, 5, 10], [5, 20, 30]]) / 100
        >>> round(float(mutual_information(p)), 4), round(float(mutual_information(p.T)), 4)
        (0.1946, 0.1946)

        The derivative is :math:`\log (p_{ij} / p_i p_j) - 1`, with the margins :math:`p_i` and
        :math:`p_j`:

        >>> import torch
        >>> p = torch.tensor(p, requires_grad=True)
        >>> mutual_information(p).backward()
        >>> p.grad.float()
        tensor([[-0.3556, -1.8109, -1.5878],
                [-2.3481, -0.6253, -0.6898]])

        Margins of :math:`10^{-30}`, whose product underflows in float32, add
        :math:`10^{-30} \log 10^{30}`:

        >>> rare = mutual_information(torch.tensor([[1.0, 0.0], [0.0, 1e-30]]))
        >>> f"{rare.item():.4g}"
        '6.908e-29'

        Two tables: independent variables tell nothing of each other, and one that decides the other
        tells its entropy, :math:`-0.2 \log 0.2 - 0.8 \log 0.8`:

        >>> tables = np.asarray([[[0.06, 0.14], [0.24, 0.56]], [[0.0, 0.2], [0.8, 0.0]]])
        >>> mutual_information(tables).round(4).tolist()
        [0.0, 0.5004]
    """
    xp = array_namespace(p)
    p_i = total(p)[..., None]
    p_j = xp.broadcast_to(total(p.mT)[..., None, :], p.shape)
    given_i = p / xp.where(p_i > 0, p_i, 1.0)  # the product of the margins could underflow
    information = total(total(xlogy(p, given_i) - xlogy(p, p_j)))
    return xp.where(information < 0, 0.0, information)  # below 0 by rounding alone


@checked
def information_gain(counts: Masses[Array, "*batch m k"]) -> Nonneg[Array, "*batch"]:
    r"""Information gain: how much less uncertain the class is once the branch is known.

    .. math::
        \begin{aligned}
        \mathrm{IG} &= \sum_{v=1}^{m} w_v \sum_{c=1}^{k} p_{vc} \log p_{vc}
        - \sum_{c=1}^{k} q_c \log q_c, \\
        w_v &= \frac{\sum_{c=1}^{k} C_{vc}}{\sum_{u=1}^{m} \sum_{c=1}^{k} C_{uc}}, \\
        p_{vc} &= \frac{C_{vc}}{\sum_{b=1}^{k} C_{vb}}, \\
        q_c &= \sum_{v=1}^{m} w_v p_{vc}
        \end{aligned}

    It is the entropy of the classes less the mean entropy within the branches,
    :math:`H(Y) - H(Y \mid A)` or :math:`H(S) - \sum_v \frac{|S_v|}{|S|} H(S_v)` for a class
    :math:`Y`, a branch :math:`A`, and the samples :math:`S` and :math:`S_v` of all and of one
    branch, which is the mutual information of branch and class, and the mean of
    :math:`D_{\mathrm{KL}}(p_v \,\|\, q)`, from the classes in a branch to those in all. Zero
    exactly when all branches have the same mixture, and at most the entropy of the class or of the
    branch, whichever is smaller. Here :math:`w_v` is the share of a branch.

    Args:
        counts: :math:`C`, how many samples of each class, in columns, are in each branch, in rows;
            weights will do. No branch is empty.

    Returns:
        :math:`\mathrm{IG}`, in nats, one number per split.

    Also called:
        IG, ID3 criterion, entropy criterion, mutual information of branch and class.

    Asked as:
        impurity decrease; decision tree split criterion; expected information gain; entropy
        reduction; which question to ask next; best split.

    Role in ML:
        - planning -- Uncertainty of Thoughts: a language model that may ask yes-or-no questions
          plans by the entropy of the shares that an answer would leave, which is this gain where
          the answer follows from the case; a factor punishes uneven splits
          :cite:p:`hu2024uncertainty{code: src/uot/uot.py, lines 92-93}`.
        - estimator -- scikit-learn: a classification tree with the entropy criterion takes the
          split with the largest gain at every node
          :cite:p:`pedregosa2011scikit{code: sklearn/tree/_criterion.pyx, class Entropy}`.
          Witness: ``sklearn.tree.DecisionTreeClassifier``, in bits.

    Numerics:
        Terms of both signs add up to the gain, so that its absolute error is some
        :math:`10^{-16}`, however small it is, also for float32, which is computed in 64 bits; it is
        never negative. A count of 0 adds nothing, and
        counts near the largest number do not overflow. A question that splits every sample off on its own has the largest possible
        gain and is worthless: the gain ratio divides by the entropy of the branch. Trees usually
        count in bits, as ``sklearn.tree.DecisionTreeClassifier`` does with ``criterion="entropy"``;
        divide by :math:`\log 2`. Of whole counts it is ``sklearn.metrics.mutual_info_score``.

    Checked against:
        ``scipy.stats.entropy(counts.ravel(), np.outer(counts.sum(1), counts.sum(0)).ravel())``,
        ``scipy.stats.entropy(counts.sum(0)) - np.average(scipy.stats.entropy(counts, axis=1),
        weights=counts.sum(1))``

    Examples:
        By hand, two classes of four: a split that parts them tells the whole bit; one that leaves
        one part to two in either branch tells nothing:

        >>> import numpy as np
        >>> splits = np.asarray([[[4.0, 0.0], [0.0, 4.0]], [[3.0, 6.0], [2.0, 4.0]]])
        >>> (information_gain(splits) / np.log(2)).round(4).tolist()
        [1.0, 0.0]

        Fourteen days, nine of them good: three kinds of sky tell more than two of humidity, as
        ``sklearn.metrics.mutual_info_score`` has it, over :math:`\log 2`:

        >>> sky = np.asarray([[2.0, 3.0], [4.0, 0.0], [3.0, 2.0]])
        >>> humidity = np.asarray([[3.0, 4.0], [6.0, 1.0]])
        >>> [round(float(information_gain(c) / np.log(2)), 4) for c in (sky, humidity)]
        [0.2467, 0.1518]

        Per sample of weight 1 more, the gain changes by :math:`\log (p_{vc} / q_c)` less the gain,
        over the total weight:

        >>> import torch
        >>> counts = torch.tensor([[3.0, 4.0], [6.0, 1.0]], requires_grad=True)
        >>> information_gain(counts).backward()
        >>> counts.grad
        tensor([[-0.0365,  0.0261],
                [ 0.0130, -0.0730]])

        A question with an answer of its own for every sample gains all there is, :math:`\log 4`,
        and would do so with shuffled classes:

        >>> round(float(information_gain(np.eye(4))), 4)
        1.3863

        Two branches that differ by one sample in four million gain 3.125e-14, and have it to within
        1e-15:

        >>> gain = information_gain(np.asarray([[1e6, 1e6], [1e6, 1e6 + 1]]))
        >>> bool(abs(gain - 3.125e-14) < 1e-15)
        True
    """
    xp = array_namespace(counts)
    wide = xp.astype(counts, widest(counts))  # the terms below cancel
    top = xp.max(wide, axis=-1, keepdims=True)  # divided by it, no sum overflows
    n = xp.sum(wide / top, axis=-1, keepdims=True)
    p = wide / top / n
    n = n * (top / xp.max(top, axis=-2, keepdims=True))
    w = n / xp.sum(n, axis=-2, keepdims=True)
    q = xp.broadcast_to(xp.sum(w * p, axis=-2, keepdims=True), p.shape)
    return xp.astype(total(w[..., 0] * kl_divergence(p, q)), counts.dtype)


@checked
def info_nce_bound(s: Real[Array, "*batch n n"]) -> Real[Array, "*batch"]:
    r"""InfoNCE bound: how much two variables share at least, by how well pairs are told apart.

    .. math::
        \hat{I} = \frac{1}{n} \sum_{i=1}^{n} \log \frac{n e^{s_{ii}}}{\sum_{j=1}^{n} e^{s_{ij}}}

    It is :math:`\log n` minus the cross-entropy of finding the partner among :math:`n`, and the
    mean of :math:`\log \frac{e^{s_{ii}}}{\frac1n \sum_j e^{s_{ij}}}`. For pairs drawn independently
    its mean is at most the mutual information,
    :math:`I(X; Y) \ge \log n - \mathbb{E}[\mathcal{L}_{\mathrm{NCE}}]`, whatever the scores; no
    value exceeds :math:`\log n`, and scores that tell nothing give 0.

    Args:
        s: :math:`s`, the scores: :math:`s_{ij}` says how well the :math:`i`-th :math:`x` and the
            :math:`j`-th :math:`y` go together; true pairs stand on the diagonal.

    Returns:
        :math:`\hat{I}`, in nats, one estimate per batch of pairs.

    Also called:
        InfoNCE lower bound, CPC bound, NCE bound.

    Asked as:
        contrastive mutual information estimator; variational lower bound on mutual information;
        goodness of fit of a contrastive model; log n minus the contrastive loss.

    Role in ML:
        - metric -- CEBRA: the goodness of fit of an embedding of neural recordings is the logarithm
          of the number of candidates less the contrastive loss, given in bits
          :cite:p:`schneider2025time{code: AdaptiveMotorControlLab/CEBRA,
          cebra/integrations/sklearn/metrics.py, lines 250-252}`.
        - objective -- CLIP: each direction of its loss, from images to texts and back, is
          :math:`\log n` less this bound
          :cite:p:`radford2021learning{code: huggingface/transformers,
          src/transformers/models/clip/modeling_clip.py, def contrastive_loss}`.
          Witness: ``transformers.models.clip.modeling_clip.contrastive_loss``.
        - estimator -- Contrastive predictive coding: the bound was derived for it, and gets tighter
          with more candidates :cite:p:`oord2018representation{sec. 2.3}`.

    Numerics:
        Computed as a log-sum-exp, so that scores of 1000 do no harm; shifting a row changes
        nothing. The best scores are :math:`\log p(y \mid x) / p(y)` plus anything that depends on
        :math:`x` alone. Where more than :math:`\log n` is shared the bound cannot show it: twice
        the candidates buy 0.69 nats. One batch may come out above the mutual information, and
        below 0.

    Checked against:
        ``math.log(len(s)) - torch.nn.functional.cross_entropy(s, torch.arange(len(s)))``,
        ``np.mean(np.diag(s - scipy.special.logsumexp(s, axis=1, keepdims=True, b=1 / len(s))))``

    Examples:
        By hand: the partner weighs 3, the other 1, so the partner is found with 3/4, against 1/2 by
        chance; :math:`\log \tfrac32`:

        >>> import numpy as np
        >>> round(float(info_nce_bound(np.log(np.asarray([[3.0, 1.0], [1.0, 3.0]])))), 4)
        0.4055

        Three pairs, as ``torch.nn.functional.cross_entropy`` has it, and the same turned over,
        where the strangers are the other :math:`x`:

        >>> s = np.asarray([[1.2, -0.3, 0.5], [0.1, 0.7, -1.1], [0.9, 0.4, 1.6]])
        >>> round(float(info_nce_bound(s)), 4), round(float(info_nce_bound(s.T)), 4)
        (0.5427, 0.4946)

        Ten pairs that are spread as a joint distribution says, with the best scores: the bound is
        the mutual information itself:

        >>> p = np.asarray([[0.3, 0.1], [0.2, 0.4]])
        >>> x, y = np.repeat([0, 0, 1, 1], [3, 1, 2, 4]), np.repeat([0, 1, 0, 1], [3, 1, 2, 4])
        >>> best = np.log(p / p.sum(1, keepdims=True) / p.sum(0))
        >>> round(float(info_nce_bound(best[x][:, y])), 4), round(float(mutual_information(p)), 4)
        (0.0863, 0.0863)

        The derivative is truth minus softmax, over :math:`n`:

        >>> import torch
        >>> s = torch.tensor([[3.0, 1.0], [1.0, 3.0]]).log().requires_grad_()
        >>> info_nce_bound(s).backward()
        >>> s.grad
        tensor([[ 0.1250, -0.1250],
                [-0.1250,  0.1250]])

        Perfect scores show :math:`\log 4` and no more, equal ones 0, and wrong ones less:

        >>> s = torch.stack([1e3 * torch.eye(4), torch.full((4, 4), -7.0), -torch.eye(4)])
        >>> info_nce_bound(s[None])
        tensor([[ 1.3863,  0.0000, -0.8280]])
    """
    xp = array_namespace(s)
    n = s.shape[-1]
    return total((xp.linalg.diagonal(s) - log_sum_exp(s)) / n) + math.log(n)
