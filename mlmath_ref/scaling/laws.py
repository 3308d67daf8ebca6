r"""Scaling laws: the loss of a language model as a function of its size and its data.

Trained to the end with settings that suit their size, models of one family have a final loss that
is well described by a floor and two power laws: one term is what a finite model misses, one is
what finite data misses, and the floor is the entropy of the text. Such a law is fitted to small
runs and read at sizes that nobody has trained.

With :math:`C = 6 N D` floating-point operations to spend, the law also says how to divide them
between parameters and tokens, and so how many tokens suit a model of a given size. That ratio is
fragile. The well-known 20 tokens a parameter comes from two other analyses in the Chinchilla paper;
the coefficients printed there imply 93 at the budget of 5.76e23, a later refit to data read off its
plots 18, as the examples below show
:cite:p:`besiroglu2024chinchilla{abstract; code: epoch-research/analyzing-chinchilla,
data_analysis.ipynb}`. It is also the best ratio for training alone: a model that will be used a
great deal is better made smaller and trained for longer.

:map: 6.6 Efficiency and scale
"""

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Positive, Share, checked


@checked
def chinchilla_loss(
    n: Positive[Array, "*batch"],
    d: Positive[Array, "*batch"],
    *,
    e: Positive[float, ""] = 1.8169,
    a: Positive[float, ""] = 482.01,
    b: Positive[float, ""] = 2085.43,
    alpha: Positive[float, ""] = 0.3478,
    beta: Positive[float, ""] = 0.3658,
) -> Positive[Array, "*batch"]:
    r"""Chinchilla law: the pre-training loss that a model of given size and data should reach.

    .. math:: L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}

    It falls in both arguments and never below :math:`E`. At the best split of a fixed budget the
    weighted terms :math:`\alpha A / N^{\alpha}` and :math:`\beta B / D^{\beta}` are equal.

    Args:
        n: :math:`N`, parameters.
        d: :math:`D`, training tokens.
        e: :math:`E`, the loss that remains with unlimited size and data, in nats a token.
        a: :math:`A`, the weight of the finite model.
        b: :math:`B`, the weight of the finite data.
        alpha: :math:`\alpha`, the exponent of size.
        beta: :math:`\beta`, the exponent of data. The defaults are those of
            ``chinchilla_optimal_tokens``, the refit to the data of the paper.

    Returns:
        :math:`L(N, D)`, in nats a token.

    Also called:
        Chinchilla scaling law, parametric loss, Hoffmann scaling law.

    Asked as:
        neural scaling law; power-law scaling; compute-optimal training; tokens per parameter;
        predict the loss of a larger model; loss as a function of parameters and tokens; E A B alpha
        beta; irreducible loss.

    Role in ML:
        - analysis -- Chinchilla: fitted to more than 400 runs, as the third of three ways to find
          the size and the data for a budget :cite:p:`hoffmann2022training{sec. 3.3, eq. (10)}`.
        - analysis -- MiniCPM: the same form, fitted to runs that branch from one constant learning
          rate, put the best data far higher, at 192 tokens a parameter on average
          :cite:p:`hu2024minicpm{sec. 4.5}`.
        - analysis -- Llama 3: the 405B model, at about 39 tokens a parameter, is near the optimum
          of its own scaling runs; the 8B model got about 1,900, far past what this law calls best
          :cite:p:`grattafiori2024llama3{sec. 1 and 3.2.1}`.

    Numerics:
        Two powers per element; no term overflows at sizes in use. The defaults are the refit of
        :cite:p:`besiroglu2024chinchilla{code: epoch-research/analyzing-chinchilla at 9225883,
        data_analysis.ipynb}`, rounded to the digits shown. The paper itself prints :math:`E = 1.69`,
        :math:`A = 406.4`, :math:`B = 410.7`, :math:`\alpha = 0.34` and :math:`\beta = 0.28`; these
        exponents are rounded to two digits, which moves the best ratio by itself. The constants belong to one tokenizer,
        one data set and one count of parameters: they do not predict another family's loss. Written
        with negative exponents it is :math:`E + A N^{-\alpha} + B D^{-\beta}`. The earlier law of
        one variable has no floor, :math:`L(N) = (N_c / N)^{\alpha_N}`
        :cite:p:`kaplan2020scaling{eq. (1.1)}`.

    Checked against:
        ``np.exp(np.logaddexp(np.logaddexp(np.log(a) - alpha * np.log(n),
        np.log(b) - beta * np.log(d)), np.log(e)))``

    Examples:
        By hand, :math:`1 + 6 / \sqrt 4 + 54 / 9^{3/2} = 1 + 3 + 2`; the slope in :math:`N` is
        :math:`-\alpha A N^{-\alpha - 1} = -3 / 8`:

        >>> import torch
        >>> n, d = torch.tensor(4.0, requires_grad=True), torch.tensor(9.0)
        >>> loss = chinchilla_loss(n, d, e=1.0, a=6.0, b=54.0, alpha=0.5, beta=1.5)
        >>> loss.item()
        6.0
        >>> loss.backward()
        >>> n.grad
        tensor(-0.3750)

        Chinchilla, 70B parameters and 1.4T tokens, beside Gopher, 280B and 300B, under the refit and
        under the printed fit:

        >>> import numpy as np
        >>> n, d = np.asarray([70e9, 280e9]), np.asarray([1.4e12, 300e9])
        >>> chinchilla_loss(n, d).round(4).tolist()
        [1.9736, 1.9993]
        >>> printed = dict(e=1.69, a=406.4, b=410.7, alpha=0.34, beta=0.28)
        >>> chinchilla_loss(n, d, **printed).round(4).tolist()
        [1.9366, 1.9933]

        The best ratio :math:`D / N` at 5.76e23 operations, by trying many: 18 under the refit, 93
        under the printed fit; 20 is a rule of thumb and follows from neither.

        >>> ratio = np.linspace(1.0, 200.0, 1991)
        >>> n = np.sqrt(5.76e23 / 6 / ratio)
        >>> float(ratio[np.argmin(chinchilla_loss(n, ratio * n))].round(1))
        18.4
        >>> float(ratio[np.argmin(chinchilla_loss(n, ratio * n, **printed))].round(1))
        92.6
    """
    return e + a / n**alpha + b / d**beta


@checked
def chinchilla_optimal_tokens(
    n: Positive[Array, "*batch"],
    *,
    a: Positive[float, ""] = 482.01,
    b: Positive[float, ""] = 2085.43,
    alpha: Share[float, ""] = 0.3478,
    beta: Share[float, ""] = 0.3658,
) -> Positive[Array, "*batch"]:
    r"""Compute-optimal tokens: the data for which a model of given size is the right size.

    .. math:: D^{\star} = \left( \frac{\beta B N^{\alpha}}{\alpha A} \right)^{1 / \beta}

    It answers on how many tokens to train a model: with :math:`N` and :math:`D^{\star}` exchanged
    against each other at constant :math:`6 N D`, the loss
    :math:`E + A / N^{\alpha} + B / D^{\beta}` with the same coefficients has its minimum here. The ratio :math:`D^{\star} / N`
    is constant only where :math:`\alpha = \beta`. The rule of thumb :math:`D = 20 N` is the size of
    the ratio, and no consequence of the printed fit.

    Args:
        n: :math:`N`, parameters.
        a: :math:`A`, the weight of the finite model.
        b: :math:`B`, the weight of the finite data.
        alpha: :math:`\alpha`, the exponent of size.
        beta: :math:`\beta`, the exponent of data. The defaults are the refit to the data of the
            paper.

    Returns:
        :math:`D^{\star}`, training tokens.

    Also called:
        Chinchilla optimal, compute-optimal ratio, Chinchilla ratio.

    Asked as:
        20 tokens per parameter; 20x rule; tokens per parameter; data-optimal; over-training; token
        budget; compute-optimal model size; how many tokens to train a 7B model.

    Role in ML:
        - contrast -- nanochat: the length of a run is a ratio times the parameters of matrices and
          output layer; the ratio, 12 unless told otherwise, was measured on the project's own runs
          and depends on which parameters are counted: 10 to 11 with these, 3 to 4 with all
          :cite:p:`karpathy2025nanochat{code: scripts/base_train.py, lines 58 and 261-269;
          dev/LOG.md, lines 505-525}`.
        - analysis -- Chinchilla: the third of its fits, done again, is compatible with the two
          analyses that gave 20; as printed it is not
          :cite:p:`besiroglu2024chinchilla{abstract; code: epoch-research/analyzing-chinchilla,
          data_analysis.ipynb}`.
        - planning -- MiniCPM: small models stay worth training far past this point, at 192 tokens a
          parameter by its own law :cite:p:`hu2024minicpm{sec. 4.5}`.

    Numerics:
        The power :math:`1 / \beta` nearly triples relative errors of the coefficients, and the
        exponents act on :math:`\log N`: two printed digits do not fix the answer. The defaults are the
        refit of :cite:p:`besiroglu2024chinchilla{code: epoch-research/analyzing-chinchilla at
        9225883, data_analysis.ipynb}`. No step overflows
        at sizes in use. The minimum is flat: twice the best number of tokens, at the same compute,
        costs a few thousandths of the loss. For a budget :math:`C = 6 N D` the paper solves it as
        :math:`N = G \, (C / 6)^{\beta / (\alpha + \beta)}` and :math:`D = G^{-1} (C / 6)^{\alpha /
        (\alpha + \beta)}`, with :math:`G = \left( \frac{\alpha A}{\beta B} \right)^{1 / (\alpha +
        \beta)}`.

    Checked against:
        ``np.vectorize(lambda n: math.exp(scipy.optimize.brentq(lambda s: float(mpmath.diff(
        lambda t: a * (n * mpmath.exp(-t)) ** -alpha + b * mpmath.exp(-beta * (s + t)), 0)),
        -200, 200, xtol=1e-14)))(n)``

    Examples:
        By hand, :math:`\sqrt{4} \cdot 54 / 6 = 18`, squared; at the same :math:`N D` a larger and a
        smaller model both do worse:

        >>> import numpy as np
        >>> law = dict(a=6.0, b=54.0, alpha=0.5, beta=0.5)
        >>> best = float(chinchilla_optimal_tokens(np.asarray(4.0), **law))
        >>> best
        324.0
        >>> n = np.asarray([3.0, 4.0, 5.0])
        >>> chinchilla_loss(n, 4 * best / n, e=1.0, **law).round(4).tolist()
        [7.0622, 7.0, 7.0374]

        Chinchilla has 70B parameters. The refit gives it 1.29T tokens, close to the 1.4T of the
        rule of thumb and of the paper; the printed coefficients ask for six times the refit:

        >>> chinchilla = np.asarray(70e9)
        >>> round(float(chinchilla_optimal_tokens(chinchilla)) / 1e12, 4)
        1.2894
        >>> float(20 * chinchilla / 1e12)
        1.4
        >>> printed = dict(a=406.4, b=410.7, alpha=0.34, beta=0.28)
        >>> round(float(chinchilla_optimal_tokens(chinchilla, **printed)) / 1e12, 4)
        7.66

        The ratio at 1e19, 1e21, 5.76e23 and 1e25 operations falls under the refit and rises under
        the printed coefficients:

        >>> sizes, budgets = np.logspace(7, 13, 20001), [1e19, 1e21, 5.76e23, 1e25]
        >>> for fit in ({}, printed):
        ...     tokens = chinchilla_optimal_tokens(sizes, **fit)
        ...     np.interp(budgets, 6 * sizes * tokens, tokens / sizes).round(1).tolist()
        [24.2, 21.6, 18.4, 17.1]
        [32.1, 50.1, 92.6, 122.1]

        Doubling the size calls for :math:`2^{\alpha / \beta}` times the tokens, so the slope is
        :math:`(\alpha / \beta) \, D^{\star} / N`:

        >>> import torch
        >>> leaf = torch.tensor(4.0, requires_grad=True)
        >>> chinchilla_optimal_tokens(leaf, a=6.0, b=54.0, alpha=0.25, beta=0.5).backward()
        >>> leaf.grad
        tensor(81.0000)

        The minimum is flat: half of the parameters on twice the tokens, or the other way round,
        costs a quarter of a percent:

        >>> d = chinchilla_optimal_tokens(chinchilla)
        >>> factor = np.asarray([0.5, 1.0, 2.0])
        >>> chinchilla_loss(factor * chinchilla, d / factor).round(4).tolist()
        [1.9807, 1.9759, 1.9808]
    """
    return (beta / alpha * (b / a) * n**alpha) ** (1 / beta)
