r"""Penalties, noise and constraints: three ways to hold a model back.

A penalty adds a price to the loss. The L2 penalty asks for small parameters: its pull is
proportional to the parameter, so that none is ever pulled to zero exactly. The L1 penalty pulls all
with the same force, and what is not worth it becomes zero. Both are the negative logarithm of a
prior, Gaussian and Laplace, and the penalized minimum is the most probable parameter.

Dropout adds noise instead: units are left out at random while the model trains, so that none can
rely on a particular other. Spectral normalization is a constraint: a weight matrix is divided by
the most that it stretches, and the layer cannot amplify a difference.

A penalty reaches the parameters through the gradient. With plain gradient descent the L2 penalty
and weight decay are the same step. An optimizer that rescales gradients, as Adam does, rescales the
penalty with them, and the two part; the decay of AdamW goes around the moments
:cite:p:`loshchilov2019decoupled`.

:map: 6.2 Losses
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.linear_algebra.norms import spectral_norm
from mlmath_ref.sets import Binary, Decay, Nonneg, NonzeroMatrix, Real, checked


@checked
def l2_penalty(
    theta: Real[Array, "*batch p"], *, lam: Nonneg[float, ""]
) -> Nonneg[Array, "*batch"]:
    r"""L2 penalty: a price on large parameters that grows with their square.

    .. math:: R(\boldsymbol\theta) = \frac{\lambda}{2} \sum_{i=1}^{p} \boldsymbol\theta_i^2

    The gradient is :math:`\lambda \boldsymbol\theta`, so that a step of gradient descent with
    learning rate :math:`\eta` multiplies the parameters by :math:`1 - \eta \lambda` and then
    follows the loss, :math:`\boldsymbol\theta_t = (1 - \eta \lambda) \, \boldsymbol\theta_{t-1} -
    \eta \nabla \mathcal{L}(\boldsymbol\theta_{t-1})`. It is the negative logarithm of a Gaussian
    prior of variance :math:`1 / \lambda`, up to a constant. In Adam it is not weight decay.

    Args:
        theta: :math:`\boldsymbol\theta`, the parameters.
        lam: :math:`\lambda`, the weight of the penalty, what optimizers call ``weight_decay``.

    Returns:
        :math:`R(\boldsymbol\theta)`, to be added to the loss.

    Also called:
        L2 regularization, ridge penalty, Tikhonov regularization, L2 regularizer.

    Asked as:
        weight decay; Gaussian prior; weight penalty; squared L2 norm; is L2 the same as weight
        decay; lambda/2 ||theta||^2; prevent overfitting.

    Role in ML:
        - regularizer -- Community Notes: the mean squares of the factors and of the intercepts of
          raters and notes are added to the loss, those of the intercepts with five times the weight
          :cite:p:`communitynotes2025{code: twitter/communitynotes at 273c895,
          scoring/src/scoring/matrix_factorization/matrix_factorization.py, lines 40-44 and
          419-469}`.
        - regularizer -- PyTorch: ``weight_decay`` of ``torch.optim.SGD`` adds
          :math:`\lambda \boldsymbol\theta`, the gradient of this, to the gradient of the loss before
          the momentum :cite:p:`ansel2024pytorch2{code: torch/optim/sgd.py, line 355}`.
        - regularizer -- Graph convolutional network: on the weights of the first layer alone, with
          :math:`\lambda = 5 \cdot 10^{-4}` and the same half in front of the sum
          :cite:p:`kipf2017semi{code: gcn/models.py, line 149, and gcn/train.py, line 24}`.
        - contrast -- AdamW: the paper shows that the penalty and the decay agree for plain gradient
          descent and not for adaptive methods, and takes the decay out of the gradient
          :cite:p:`loshchilov2019decoupled{sec. 2}`.

    Numerics:
        Against overfitting one minimizes :math:`\mathcal{L}(\boldsymbol\theta) + \frac{\lambda}{2}
        \lVert \boldsymbol\theta \rVert_2^2`. Many texts write
        :math:`\lambda \sum_i \boldsymbol\theta_i^2`; its gradient is
        :math:`2 \lambda \boldsymbol\theta`, twice what ``weight_decay`` of ``torch.optim.SGD`` set
        to :math:`\lambda` adds. The pull vanishes with the parameter, so that no parameter becomes
        exactly 0. Adam divides the pull by the size of the gradients, and parameters with large
        gradients are decayed less.

    Checked against:
        ``lam / 2 * torch.linalg.vector_norm(theta) ** 2``

    Examples:
        By hand, :math:`\tfrac{0.1}{2} (2^2 + 1^2 + 3^2) = 0.7`:

        >>> import numpy as np
        >>> round(float(l2_penalty(np.asarray([2.0, -1.0, 3.0]), lam=0.1)), 4)
        0.7

        Two sets of parameters, as half of a squared norm from NumPy:

        >>> theta = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> l2_penalty(theta, lam=0.03).round(4).tolist()
        [0.1263, 0.4568]
        >>> [round(float(0.015 * np.linalg.norm(row) ** 2), 4) for row in theta]
        [0.1263, 0.4568]

        The gradient is :math:`\lambda \theta`, here 0.2 at :math:`\theta = 2`, as ``weight_decay``
        adds it; without the half it would be 0.4:

        >>> import torch
        >>> theta = torch.tensor([2.0], requires_grad=True)
        >>> l2_penalty(theta, lam=0.1).backward()
        >>> theta.grad
        tensor([0.2000])
        >>> p = torch.nn.Parameter(torch.tensor([2.0]))
        >>> p.grad = torch.zeros(1)
        >>> torch.optim.SGD([p], lr=1.0, weight_decay=0.1).step()
        >>> p.data
        tensor([1.8000])
        >>> theta = torch.tensor([2.0], requires_grad=True)
        >>> torch.autograd.grad(0.1 * (theta**2).sum(), theta)
        (tensor([0.4000]),)

        In Adam the penalty is not weight decay. Twenty steps from 1 with a gradient of 1, plain,
        with the penalty and with the decay of AdamW. The penalty does not shrink the parameter, for
        Adam divides the gradient by its own size, and the decay does:

        >>> from mlmath_ref.optimization.descent import adamw
        >>> def train(lam, weight_decay):
        ...     theta, m, v = np.asarray([1.0]), np.zeros(1), np.zeros(1)
        ...     for t in range(1, 21):
        ...         g = 1.0 + lam * theta
        ...         theta, m, v = adamw(
        ...             theta, g, m, v, t, eta=0.01, weight_decay=weight_decay)
        ...     return round(float(theta[0]), 4)
        >>> train(0.0, 0.0), train(0.1, 0.0), train(0.0, 0.1)
        (0.8, 0.8002, 0.7821)

        No parameters, no price; a parameter of :math:`10^{20}` is too large for float32:

        >>> l2_penalty(torch.tensor([[0.0, 0.0], [1e20, 0.0]]), lam=0.1)
        tensor([0., inf])
    """
    # the factor first, so that only the result can overflow
    return total((math.sqrt(lam / 2) * theta) ** 2)


@checked
def l1_penalty(
    theta: Real[Array, "*batch p"], *, lam: Nonneg[float, ""]
) -> Nonneg[Array, "*batch"]:
    r"""L1 penalty: a price on every parameter that is not zero, by its absolute value.

    .. math:: R(\boldsymbol\theta) = \lambda \sum_{i=1}^{p} |\boldsymbol\theta_i|

    As a norm it is :math:`\lambda \lVert \boldsymbol\theta \rVert_1`; away from zero every
    parameter is pulled with the same force, :math:`\lambda
    \operatorname{sign}(\boldsymbol\theta_i)`, so that one whose loss has a smaller slope ends at
    zero exactly. If no :math:`|\boldsymbol\theta_i|` exceeds 1, it is :math:`\lambda` times the
    largest convex function below the number of nonzero parameters. It is the negative logarithm of a Laplace prior of scale :math:`1 / \lambda`, up to a constant.

    Args:
        theta: :math:`\boldsymbol\theta`, the parameters, or activations.
        lam: :math:`\lambda`, the weight of the penalty.

    Returns:
        :math:`R(\boldsymbol\theta)`, to be added to the loss.

    Also called:
        L1 regularization, sparsity penalty, L1 regularizer, lasso regularization.

    Asked as:
        absolute shrinkage; Laplace prior; basis pursuit; elastic net (with an L2 penalty beside
        it); elastic net; make weights exactly zero; lambda ||theta||_1; sparse features.

    Role in ML:
        - regularizer -- SAELens: makes the features of a standard sparse autoencoder sparse; each
          activation is weighted by the length of its decoder row, so that it cannot shrink while
          the decoder grows :cite:p:`bloom2024saelens{code: sae_lens/saes/standard_sae.py, lines
          148-152}`.
        - estimator -- Lasso: linear regression that selects its variables
          :cite:p:`tibshirani1996regression{abstract}`.

    Numerics:
        At 0 automatic differentiation returns 0, one of the slopes from :math:`-\lambda` to
        :math:`\lambda` that are all allowed. Gradient descent therefore steps over zero and back
        and never lands on it; the proximal step, soft thresholding
        (``torch.nn.functional.softshrink``), :math:`\operatorname{sign}(\boldsymbol\theta_i)
        \max(|\boldsymbol\theta_i| - \eta \lambda, 0)`, does. What is kept is shrunk by
        :math:`\lambda` too. With an L2 penalty beside it, :math:`\lambda_1 \lVert \boldsymbol\theta
        \rVert_1 + \lambda_2 \lVert \boldsymbol\theta \rVert_2^2`, it is the elastic net, as in
        ``sklearn.linear_model.ElasticNet``. Inside the sum stand absolute values of single
        parameters, not norms.

    Checked against:
        ``lam * torch.linalg.vector_norm(theta, ord=1)``, ``lam * scipy.linalg.norm(theta, 1)``

    Examples:
        By hand, :math:`0.1 \cdot (2 + 1 + 3) = 0.6`:

        >>> import numpy as np
        >>> round(float(l1_penalty(np.asarray([2.0, -1.0, 3.0]), lam=0.1)), 4)
        0.6

        Two sets of parameters, as ``numpy.linalg.norm`` of order 1 has them:

        >>> theta = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> l1_penalty(theta, lam=0.03).round(4).tolist()
        [0.144, 0.237]
        >>> [round(float(0.03 * np.linalg.norm(row, 1)), 4) for row in theta]
        [0.144, 0.237]

        The pull does not depend on the size of the parameter, and is 0 at zero:

        >>> import torch
        >>> theta = torch.tensor([5.0, -0.01, 0.0], requires_grad=True)
        >>> l1_penalty(theta, lam=0.1).backward()
        >>> theta.grad
        tensor([ 0.1000, -0.1000,  0.0000])

        Gradient descent on the penalty alone jumps to and fro around zero; soft thresholding,
        which minimizes half the squared distance plus the penalty, lands on it:

        >>> theta, path = torch.tensor([0.15]), []
        >>> for _ in range(4):
        ...     theta = theta - 0.1 * torch.sign(theta)
        ...     path.append(round(theta.item(), 4))
        >>> path
        [0.05, -0.05, 0.05, -0.05]
        >>> x = torch.tensor([0.15, -0.05, 0.7])
        >>> torch.nn.functional.softshrink(x, 0.1) + 0.0
        tensor([0.0500, 0.0000, 0.6000])
        >>> grid = torch.linspace(-1, 1, 2001)[:, None]
        >>> price = 0.5 * (x - grid) ** 2 + l1_penalty(grid, lam=0.1)[:, None]
        >>> grid[price.argmin(dim=0), 0].round(decimals=3) + 0.0
        tensor([0.0500, 0.0000, 0.6000])
    """
    xp = array_namespace(theta)
    return total(xp.abs(lam * theta))


@checked
def dropout(
    x: Real[Array, "*shape"], mask: Binary[Array, "*shape"], *, p: Decay[float, ""] = 0.5
) -> Real[Array, "*shape"]:
    r"""Inverted dropout: features left out at random, the others enlarged to make up for it.

    .. math:: y = \frac{m \, x}{1 - p}

    Here :math:`p` is the probability that a feature, such as a neuron, is randomly set to zero:
    :math:`m` is 1 with probability :math:`1 - p` and 0 otherwise, independently for each feature.
    Then :math:`\mathbb{E}[y] = x`, with the variance :math:`x^2 p / (1 - p)`. It works against
    overfitting, and nothing is left to do at inference, where :math:`y = x`.

    Args:
        x: :math:`x`, a feature.
        mask: :math:`m`, 1 where the feature is kept, a draw from a Bernoulli law of :math:`1 - p`.
        p: :math:`p`, the probability that a feature is dropped.

    Returns:
        :math:`y`, the feature as the next layer sees it in training.

    Also called:
        Dropout, nn.Dropout, unit dropout, dropout regularization.

    Asked as:
        drop probability; Bernoulli noise; stochastic regularization; DropPath; stochastic depth;
        predictions change at inference; forgot model.eval(); prevent overfitting.

    Role in ML:
        - regularizer -- Boltz-1: on the updates of the pair representation, with :math:`p = 0.25`;
          all entries of a row share one number of the mask, in one update all of a column
          :cite:p:`wohlwend2024boltz1{code: src/boltz/model/layers/dropout.py, lines 31-33, and
          scripts/train/configs/structure.yaml, line 110}`.
        - regularizer -- DINOv3: stochastic depth, in which an image skips a whole residual branch,
          at a rate of 0.4 in the training of the 7B model
          :cite:p:`simeoni2025dinov3{code: dinov3/configs/train/dinov3_vit7b16_pretrain.yaml,
          line 64}`.
          Witness: ``transformers.models.dinov3_vit.modeling_dinov3_vit.Dinov3ViTDropPath``.
        - contrast -- OLMo 2: switched off in pre-training; the probability on the residual
          branches is set to 0
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, line 26}`.

    Numerics:
        The mask is an argument; draw it with the probability :math:`1 - p`, not :math:`p`, or the
        expectation becomes :math:`x p / (1 - p)`. The original paper does not divide in training,
        :math:`y = r \odot x` with :math:`r_i \sim \operatorname{Bernoulli}(p)`, and multiplies the
        weights by the probability to be kept at test time, and its :math:`p` is that probability
        :cite:p:`srivastava2014dropout{sec. 10}`. ``torch.nn.Dropout`` takes the probability to be
        dropped, by default 0.5 as here. Where predictions at inference are different every time,
        the model is still in training mode and ``model.eval()`` is missing. :math:`p = 1` is
        refused: nothing would be left to enlarge.

    Checked against:
        ``torch.ops.aten.native_dropout_backward(x, mask == 1, 1 / (1 - p))``

    Examples:
        By hand, with the default :math:`p = \tfrac12` what is kept is doubled:

        >>> import numpy as np
        >>> dropout(np.asarray([1.0, -2.0, 3.0]), np.asarray([1, 0, 1])).tolist()
        [2.0, 0.0, 6.0]

        With :math:`p = 0.1`, as ``torch.nn.functional.dropout`` has it for the mask that it drew:

        >>> import torch
        >>> x = torch.tensor([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> mask = torch.tensor([[1, 1, 0, 1], [0, 1, 1, 1]])
        >>> dropout(x, mask, p=0.1)
        tensor([[ 0.3333, -1.3333,  0.0000,  0.8889],
                [ 0.0000,  0.4444, -0.6667,  5.7778]])
        >>> _ = torch.manual_seed(0)
        >>> drawn = torch.nn.functional.dropout(x, 0.6)
        >>> bool(torch.all(torch.abs(dropout(x, (drawn != 0).int(), p=0.6) - drawn) < 1e-6))
        True

        The gradient passes where the feature did, enlarged alike:

        >>> x = x.requires_grad_()
        >>> dropout(x, mask, p=0.1).sum().backward()
        >>> x.grad[0]
        tensor([1.1111, 1.1111, 0.0000, 1.1111])

        The expectation over both values of the mask is :math:`x`, here 3, if it is 1 with
        probability :math:`1 - p`; with probability :math:`p` it is not. The variance is
        :math:`9 \cdot 0.2 / 0.8`:

        >>> x, p = np.asarray(3.0), 0.2
        >>> kept, dropped = (float(dropout(x, np.asarray(m), p=p)) for m in (1, 0))
        >>> (1 - p) * kept + p * dropped, p * kept + (1 - p) * dropped
        (3.0, 0.75)
        >>> (1 - p) * (kept - 3) ** 2 + p * (dropped - 3) ** 2
        2.25

        Nothing dropped, nothing enlarged; and :math:`p = 1` is refused:

        >>> float(dropout(x, np.asarray(1), p=0.0))
        3.0
        >>> dropout(x, np.asarray(1), p=1.0)
        Traceback (most recent call last):
        ValueError: dropout: p must hold numbers from 0 up to, not including, 1, got 1.0
    """
    xp = array_namespace(x, mask)
    return xp.where(mask > 0, x / (1 - p), 0.0)


@checked
def spectral_normalization(w: NonzeroMatrix[Array, "*batch m n"]) -> Real[Array, "*batch m n"]:
    r"""Spectral normalization: a weight matrix divided by the most that it stretches a vector.

    .. math:: \bar{W} = \frac{W}{\sigma_1(W)}

    The largest singular value of :math:`\bar{W}` is 1, so that the map :math:`x \mapsto \bar{W} x`
    has the Lipschitz constant 1: outputs are never farther apart than inputs, :math:`\lVert \bar{W}
    x - \bar{W} y \rVert_2 \leq \lVert x - y \rVert_2`. Multiplying :math:`W` by a positive number
    changes nothing. A chain of such layers with activations of slope at most 1 has a Lipschitz
    constant of at most 1.

    Args:
        w: :math:`W`, a weight matrix, with the largest singular value :math:`\sigma_1(W)`.

    Returns:
        :math:`\bar{W}`, the matrix that the layer uses.

    Also called:
        spectral normalisation, SN, spectral weight normalization.

    Asked as:
        SN-GAN; Lipschitz constraint; torch spectral_norm; make a layer 1-Lipschitz; W / sigma_1(W).

    Role in ML:
        - constraint -- Lipschitz-enforced transformers: one of the methods compared to bound the
          weights after every step; only matrices whose largest singular value exceeds 1 are divided
          :cite:p:`newhouse2025lipschitz{code: Arongil/lipschitz-transformers,
          modula/atom.py, lines 138-141}`.
        - constraint -- SN-GAN: keeps the discriminator 1-Lipschitz layer by layer, which steadies
          the game with the generator
          :cite:p:`miyato2018spectral{eq. (8)}`.
          Witness: ``torch.nn.utils.parametrizations.spectral_norm``, run until it has converged.

    Numerics:
        Here :math:`\sigma_1` comes from all singular values, at a cost of order
        :math:`m n \min(m, n)`. Libraries, as ``torch.nn.utils.parametrizations.spectral_norm``, run
        one power iteration a step, from the vector of the step before, :math:`v \leftarrow W^\top u
        / \lVert W^\top u \rVert_2` and :math:`u \leftarrow W v / \lVert W v \rVert_2`, and divide
        by :math:`u^\top W v`; an estimate of this kind is never above :math:`\sigma_1`, so that the
        norm of the result is at least 1. The gradient has no part along :math:`W`, and is not
        defined where the largest singular value is repeated. The second derivative is NaN in
        PyTorch if any two singular values are equal, or one is 0. Small singular values are scaled, not
        raised: a matrix of rank one stays of rank one. A zero matrix is refused.

    Checked against:
        ``w / np.linalg.norm(w, 2)``, ``w / np.sqrt(np.linalg.eigvalsh(w.T @ w)[-1])``

    Examples:
        By hand: :math:`W^\top W` has the eigenvalues 45 and 5, so :math:`\sigma_1 = \sqrt{45}`, and
        :math:`3 / \sqrt{45} = 1 / \sqrt{5} = 0.4472`:

        >>> import numpy as np
        >>> w = np.asarray([[3.0, 0.0], [4.0, 5.0]])
        >>> spectral_normalization(w).round(4).tolist()
        [[0.4472, 0.0], [0.5963, 0.7454]]

        Two rows and three columns, as ``numpy.linalg.norm`` of order 2 has it; the largest singular
        value is 1, the other is scaled alike:

        >>> w = np.asarray([[1.5, -2.0, 0.7], [0.3, 2.5, -1.2]])
        >>> spectral_normalization(w).round(4).tolist()
        [[0.4213, -0.5618, 0.1966], [0.0843, 0.7022, -0.3371]]
        >>> np.linalg.svd(w)[1].round(4).tolist()
        [3.5602, 1.3583]
        >>> np.linalg.svd(spectral_normalization(w))[1].round(4).tolist()
        [1.0, 0.3815]

        The gradient of one entry; moving along :math:`W` itself changes nothing:

        >>> import torch
        >>> t = torch.tensor(w, requires_grad=True)
        >>> spectral_normalization(t)[0, 0].backward()
        >>> t.grad.float()
        tensor([[ 0.2633,  0.0714, -0.0304],
                [ 0.0194, -0.0786,  0.0334]])
        >>> abs(torch.sum(t * t.grad).item()) < 1e-12
        True

        One power iteration from (1, 1) estimates :math:`\sigma_1` from below, and the norm of the
        result is above 1:

        >>> u = np.ones(2) / np.sqrt(2)
        >>> v = w.T @ u / np.linalg.norm(w.T @ u)
        >>> estimate = float(np.linalg.norm(w @ v))
        >>> round(estimate, 4), round(float(np.linalg.norm(w / estimate, 2)), 4)
        (1.4194, 2.5083)

        Two matrices of rank one: each keeps its direction and gets length 1:

        >>> pair = np.asarray([[[3.0, 4.0]], [[0.0, -7.0]]])
        >>> spectral_normalization(pair).round(4).tolist()
        [[[0.6, 0.8]], [[0.0, -1.0]]]
    """
    return w / spectral_norm(w)[..., None, None]
