r"""Natural gradient: the curvature of a model's own distribution.

The Euclidean length of a step in the parameters says little about how far the model's answers move.
The Fisher information says it: :math:`\tfrac12 \delta^\top F \delta` is, to second order, the
divergence between the distributions before and after the step :math:`\delta`, whatever the
parameters are called. Unlike a Hessian it is always positive semidefinite. If the outputs are the
logits of a softmax, it is the Gauss-Newton matrix of the cross-entropy. The gradient multiplied by
its inverse is the natural gradient.

For a network nobody can store it. K-FAC keeps one block for each linear layer and writes the block
as a Kronecker product of two small matrices, one of the layer's inputs and one of the gradients at
its outputs. Labels are drawn from the model in both; with the labels of the data the matrix is the
empirical Fisher, which is no curvature away from a good fit.

:map: 2.4 Curvature
"""

import math
from collections.abc import Callable

from mlmath_ref.arrays import Array, Tensor
from mlmath_ref.calculus.derivatives import jacobian
from mlmath_ref.sets import PSD, Real, checked


@checked
def fisher_information(
    f: Callable[[Real[Tensor, "n"]], Real[Tensor, "m"]], theta: Real[Tensor, "n"]
) -> PSD[Tensor, "n n"]:
    r"""Fisher information matrix: how far the model's distribution moves with its parameters.

    .. math::
        F_{ij} = \sum_k p_k \, s_{ki} s_{kj}, \quad
        p = \operatorname{softmax}(f(\boldsymbol\theta)), \quad
        s_{ki} = \frac{\partial f_k(\boldsymbol\theta)}{\partial \boldsymbol\theta_i}
        - \sum_l p_l \frac{\partial f_l(\boldsymbol\theta)}{\partial \boldsymbol\theta_i}

    The score :math:`s_{ki}` is the slope of :math:`\log p_k`, and the mean is taken under the
    model's own :math:`p`, not over labels of the data. Never indefinite; equal to the Hessian of
    :math:`D_{\mathrm{KL}}(p(\boldsymbol\theta) \,\|\, p(\boldsymbol\theta'))` in
    :math:`\boldsymbol\theta'` where the two are equal, and to the mean under :math:`p` of the
    Hessians of :math:`-\log p_k`. In expectations :math:`F = \mathbb{E}_{k \sim p}[\nabla \log p_k
    \, \nabla \log p_k^\top]` or :math:`F = -\mathbb{E}_{k \sim p}[\nabla^2 \log p_k]`, in matrices
    :math:`J^\top (\operatorname{diag}(p) - p p^\top) J` with the Jacobian :math:`J` of :math:`f`.

    Args:
        f: :math:`f`, the logits of :math:`m` outcomes, made of PyTorch operations; logarithms of
            probabilities are logits too.
        theta: :math:`\boldsymbol\theta`, the parameters.

    Returns:
        :math:`F`, the information in one observation.

    Also called:
        FIM, Fisher matrix, Fisher metric, Fisher information, score covariance, expected
        information.

    Asked as:
        natural gradient; natural gradient metric; generalized Gauss-Newton matrix; empirical
        Fisher; Cramer-Rao bound; variance of the score; curvature of the KL divergence; elastic
        weight consolidation.

    Role in ML:
        - analysis -- Kronfluence: the curvature behind its influence scores is this matrix by
          default, with labels drawn from the model; a switch puts the labels of the data in their
          place, which it calls the empirical Fisher
          :cite:p:`bae2024training{code: pomonam/kronfluence, kronfluence/arguments.py,
          use_empirical_fisher}`.
        - optimizer -- K-FAC: inverted, in an approximation layer by layer, it turns the gradient
          into the natural gradient :cite:p:`martens2015optimizing{sec. 3-4}`.

    Numerics:
        Scores come from a log-softmax, so large logits do not overflow. Where the model is certain
        the information vanishes and the matrix cannot be inverted. It has :math:`n^2` entries and
        rank :math:`m - 1` at most; for several inputs it is their mean. The Hessian of the loss of
        one label is another matrix, unless the logits are linear in the parameters, and the square
        of that label's score is a third. The natural gradient step is :math:`\boldsymbol\theta -
        \eta F^{-1} \nabla \mathcal{L}(\boldsymbol\theta)`. For one parameter it is
        :math:`\mathbb{E}[(\partial \log p / \partial \theta)^2]`, and the Cramer-Rao bound says
        that no unbiased estimate from :math:`n` observations has a variance below
        :math:`1 / (n F)`.

    Checked against:
        ``torch.func.hessian(lambda t: -torch.softmax(f(theta), 0) @ torch.log_softmax(f(t), 0))(
        theta)``,
        ``(lambda j, p: j.mT @ (torch.diag(p) - torch.outer(p, p)) @ j)(
        torch.func.jacfwd(f)(theta), torch.softmax(f(theta), 0))``

    Examples:
        By hand, a coin with the logit :math:`\log 3` has :math:`p = 3/4` and, in the logit, the
        information :math:`p (1 - p) = 3/16`; in :math:`p` itself it is :math:`1 / (p (1 - p))`:

        >>> import math
        >>> import torch
        >>> logit = lambda x: torch.stack([x[0], 0 * x[0]])
        >>> fisher_information(logit, torch.tensor([math.log(3)]))
        tensor([[0.1875]])
        >>> probability = lambda x: torch.stack([x[0].log(), (1 - x[0]).log()])
        >>> fisher_information(probability, torch.tensor([0.75]))
        tensor([[5.3333]])

        Three outcomes whose logits are linear in two parameters. The Hessian of the loss is then
        the same for every label and is this matrix; the square of a label's score is not:

        >>> from mlmath_ref.calculus.curvature import hessian
        >>> a = torch.tensor([[0.5, -0.7], [1.4, 0.3], [-0.2, 0.9]])
        >>> f, theta = lambda x: a @ x, torch.tensor([0.8, -1.3])
        >>> fisher_information(f, theta)
        tensor([[0.2220, 0.1449],
                [0.1449, 0.2845]])
        >>> hessian(lambda x: -torch.log_softmax(f(x), 0)[2], theta)
        tensor([[0.2220, 0.1449],
                [0.1449, 0.2845]])
        >>> score = torch.func.grad(lambda x: torch.log_softmax(f(x), 0)[2])(theta)
        >>> torch.outer(score, score)
        tensor([[ 0.9570, -1.1610],
                [-1.1610,  1.4084]])

        With curved logits the Hessian of one label's loss can be negative, which no information is:

        >>> f, theta = lambda x: torch.stack([x[0] ** 2, 0 * x[0]]), torch.tensor([0.3])
        >>> fisher_information(f, theta)
        tensor([[0.0898]])
        >>> hessian(lambda x: -torch.log_softmax(f(x), 0)[0], theta)
        tensor([[-0.8652]])

        The slope of :math:`p (1 - p)` in the logit is :math:`p (1 - p) (1 - 2p) = -3/32`:

        >>> x = torch.tensor([math.log(3)], requires_grad=True)
        >>> fisher_information(logit, x).sum().backward()
        >>> x.grad
        tensor([-0.0938])

        A model that is certain has no information, and large logits do no harm:

        >>> fisher_information(logit, torch.tensor([1000.0]))
        tensor([[0.]])
    """
    import torch

    p = torch.softmax(f(theta), -1)
    scores = jacobian(lambda x: torch.log_softmax(f(x), -1), theta)
    return scores.mT @ (p[:, None] * scores)


@checked
def kfac(
    a: Real[Array, "*batch n d_in"], g: Real[Array, "*batch n d_out"]
) -> tuple[PSD[Array, "*batch d_in d_in"], PSD[Array, "*batch d_out d_out"]]:
    r"""K-FAC: the curvature of a linear layer, as one matrix of its inputs and one of its outputs.

    .. math::
        A_{ij} = \frac{1}{n} \sum_{k=1}^{n} a_{ki} a_{kj}, \qquad
        G_{ij} = \frac{1}{n} \sum_{k=1}^{n} g_{ki} g_{kj}

    The block of the Fisher information that belongs to :math:`W`, its columns stacked, is
    :math:`\mathbb{E}[a a^\top \otimes g g^\top]` and is taken to be :math:`A \otimes G`, where
    :math:`A = \mathbb{E}[a a^\top]` and :math:`G = \mathbb{E}[g g^\top]`. Exact for one example,
    and where inputs and output gradients are independent. Its inverse is
    :math:`A^{-1} \otimes G^{-1}`, so the natural gradient is
    :math:`G^{-1} (\nabla_W \mathcal{L}) A^{-1}`.

    Args:
        a: :math:`a`, the inputs of the layer, one example a row; a bias adds a column of ones.
        g: :math:`g`, the gradients of the examples' log-likelihoods at the layer's outputs, one a
            row, for labels drawn from the model.

    Returns:
        :math:`(A, G)`, the two factors.

    Also called:
        Kronecker-factored approximate curvature, KFAC.

    Asked as:
        Kronecker factors; Kronecker-factored preconditioner; EK-FAC; EKFAC; activation covariance;
        gradient covariance; second-order optimizer for networks; influence functions; invert the
        Fisher matrix of a layer.

    Role in ML:
        - analysis -- Kronfluence: both sums are gathered by hooks at every tracked linear layer,
          inputs on the way forward and output gradients on the way back, to invert the curvature of
          language models for influence functions
          :cite:p:`bae2024training{code: pomonam/kronfluence, kronfluence/module/tracker/factor.py,
          CovarianceTracker}`.
        - analysis -- Influence functions at 52B: the eigenvectors of both factors, with eigenvalues
          fitted anew, make the inverse-Hessian products affordable for language models of up to 52
          billion parameters :cite:p:`grosse2023studying{abstract}`.

    Numerics:
        Rows are divided by :math:`\sqrt n` first, so that no sum overflows if the mean does not.
        Two matrices of :math:`d_{\mathrm{in}}^2` and :math:`d_{\mathrm{out}}^2` entries stand for
        one of :math:`d_{\mathrm{in}}^2 d_{\mathrm{out}}^2`. No mean is removed. With fewer examples
        than features the factors are singular, and a multiple of the identity is added before they
        are inverted. Gradients of a mean loss carry a factor :math:`1/n` that has to be taken out
        first; with labels of the data the product is of the empirical Fisher. A transformer shares
        its weights over positions, whose rows are counted as examples.

    Checked against:
        ``tuple(np.cov(x.T, bias=True) + np.outer(x.mean(0), x.mean(0)) for x in (a, g))``

    Examples:
        By hand, one example with inputs (1, 2) and the slope 3 at its one output:

        >>> import numpy as np
        >>> [x.tolist() for x in kfac(np.asarray([[1.0, 2.0]]), np.asarray([[3.0]]))]
        [[[1.0, 2.0], [2.0, 4.0]], [[9.0]]]

        Three examples, two inputs, three outputs, as ``numpy.cov`` has it with the mean put back:

        >>> a = np.asarray([[0.5, -1.2], [1.7, 0.3], [-0.4, 2.2]])
        >>> g = np.asarray([[0.2, -0.5, 0.3], [-0.6, 0.1, 0.5], [0.4, 0.3, -0.7]])
        >>> factors = kfac(a, g)
        >>> factors[0].round(4).tolist()
        [[1.1, -0.3233], [-0.3233, 2.1233]]
        >>> factors[1].round(4).tolist()
        [[0.1867, -0.0133, -0.1733], [-0.0133, 0.1167, -0.1033], [-0.1733, -0.1033, 0.2767]]

        Against the mean of the outer products of whole gradients the Kronecker product is an
        approximation here, and exact for the first example alone:

        >>> def gap(a, g):
        ...     rows = np.stack([np.kron(x, y) for x, y in zip(a, g)])
        ...     return np.abs(np.kron(*kfac(a, g)) - rows.T @ rows / len(a)).max()
        >>> round(float(gap(a, g)), 4)
        0.2538
        >>> bool(gap(a[:1], g[:1]) < 1e-12)
        True

        A softmax over three outcomes behind the layer, one input: with all labels, weighted by
        their probabilities, the product is the Fisher information of the weights:

        >>> import torch
        >>> x, w = torch.tensor([0.5, -1.2]), torch.tensor([[0.3, 0.1], [-0.8, 0.4], [1.1, -0.6]])
        >>> p = torch.softmax(w @ x, 0)
        >>> labels = (3 * p).sqrt()[:, None] * (torch.eye(3) - p)
        >>> product = torch.kron(*kfac(x.expand(3, 2), labels))
        >>> fisher = fisher_information(lambda v: v.reshape(2, 3).mT @ x, w.mT.flatten())
        >>> torch.allclose(product, fisher, atol=1e-7)
        True

        The inverse of the product acts on a gradient through the two small inverses:

        >>> left, right = factors[1] + 0.1 * np.eye(3), factors[0]
        >>> slope = np.asarray([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
        >>> natural = np.linalg.solve(left, slope) @ np.linalg.inv(right)
        >>> natural.round(4).tolist()
        [[23.6373, 26.0124], [27.0229, 27.982], [28.179, 28.6545]]
        >>> np.linalg.solve(np.kron(right, left), slope.T.ravel()).round(4).tolist()
        [23.6373, 27.0229, 28.179, 26.0124, 27.982, 28.6545]

        The trace of :math:`A` is the mean square length of the inputs; its slope is
        :math:`2 a / n`:

        >>> inputs = torch.tensor([[3.0, 1.0], [5.0, -2.0]], requires_grad=True)
        >>> kfac(inputs, torch.ones(2, 1))[0].trace().backward()
        >>> inputs.grad
        tensor([[ 3.0000,  1.0000],
                [ 5.0000, -2.0000]])
    """
    scale = math.sqrt(a.shape[-2])  # taken out first, so that no sum overflows
    a, g = a / scale, g / scale
    return a.mT @ a, g.mT @ g
