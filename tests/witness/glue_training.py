"""How losses, optimizers, schedules and samplers are called with the arguments of an entry.

The names are those of ``glue_layers``.
"""

import contextlib
import functools
import tempfile
from types import SimpleNamespace as Config
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.func import functional_call

# Losses ---------------------------------------------------------------------------------------


def softmax_cross_entropy__ForCausalLMLoss(system: Any, z: Tensor, y: Tensor) -> Any:
    pairs = zip(z, y)
    return torch.stack([system(a, None, a.shape[-1], shift_labels=b) for a, b in pairs])


def focal_loss__sigmoid_focal_loss(
    system: Any, z: Tensor, y: Tensor, gamma: float, alpha: float
) -> Any:
    pairs = zip(z.reshape(-1, 1, 1), y.reshape(-1, 1, 1).to(z.dtype))
    return torch.stack([system(a, b, 1, alpha, gamma) for a, b in pairs])


def nt_xent_loss__NTXentLoss(system: Any, z1: Tensor, z2: Tensor, tau: float) -> Any:
    labels = torch.arange(z1.shape[1]).repeat(2)
    return torch.stack([system(temperature=tau)(torch.cat(pair), labels) for pair in zip(z1, z2)])


def dpo_loss__DPOTrainer(
    system: Any,
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    beta: float,
) -> Any:
    trainer = _dpo_trainer(system)
    trainer.beta = beta
    losses = []
    for chosen, rejected, *reference in zip(
        policy_chosen, policy_rejected, ref_chosen, ref_rejected
    ):
        outputs = _outputs(torch.cat([chosen, rejected])[:, None])
        tokens = torch.ones(len(outputs.log_probs), 2, dtype=torch.int64)
        inputs = {"input_ids": tokens, "attention_mask": tokens, "completion_mask": tokens}
        inputs |= dict(zip(("ref_chosen_logps", "ref_rejected_logps"), reference))
        losses.append(trainer.compute_loss(lambda _outputs=outputs, **_: _outputs, inputs))
    return torch.stack(losses)


def _outputs(log_probs: Tensor) -> Any:
    """What a model gives back for answers of one token."""
    logged = torch.zeros_like(log_probs)
    return Config(log_probs=log_probs, entropy=logged, mean_logits=logged, is_top1=logged == 1)


@functools.cache
def _dpo_trainer(system: Any) -> Any:
    """A trainer as a user makes it, on a small random model and one preference."""
    import datasets
    import tokenizers
    import transformers
    import trl

    words = tokenizers.models.WordLevel({"<pad>": 0, "<eos>": 1, "a": 2, "b": 3}, unk_token="<pad>")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(words), pad_token="<pad>", eos_token="<eos>"
    )
    sizes = {"hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1}
    config = transformers.LlamaConfig(**sizes, num_attention_heads=1, vocab_size=4)
    rows = [{"prompt": "a", "chosen": "b", "rejected": "a"}]
    with tempfile.TemporaryDirectory() as folder:
        trainer = system(
            transformers.LlamaForCausalLM(config),
            ref_model=transformers.LlamaForCausalLM(config),
            args=trl.DPOConfig(folder, report_to="none", use_cpu=True, bf16=False),
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=tokenizer,
        )
    trainer.precompute_ref_logps = True  # the reference's log-probabilities come with the inputs
    return trainer


# Reinforcement learning -----------------------------------------------------------------------


def generalized_advantage_estimation__RolloutBuffer(
    system: Any, rewards: Tensor, values: Tensor, gamma: float, lam: float
) -> Any:
    from gymnasium import spaces

    n, steps = rewards.shape
    buffer = system(
        steps, spaces.Discrete(2), spaces.Discrete(2), gae_lambda=lam, gamma=gamma, n_envs=n
    )
    buffer.rewards, buffer.values = rewards.detach().T.numpy(), values.detach()[:, :-1].T.numpy()
    buffer.advantages = buffer.advantages.astype(float)
    buffer.compute_returns_and_advantage(values.detach()[:, -1], torch.zeros(n).numpy())
    return torch.as_tensor(buffer.advantages.T)


def entropy__CategoricalDistribution(system: Any, p: Tensor) -> Any:
    return system(p.shape[-1]).proba_distribution(torch.log(p)).entropy()


# Optimizers and schedules ---------------------------------------------------------------------


def clip_grad_norm__clip_grad_norm_(system: Any, g: Tensor, c: float) -> Any:
    rows = []
    for row in g.detach():
        parts = [torch.nn.Parameter(torch.zeros_like(part)) for part in (row[:1], row[1:])]
        for part, grad in zip(parts, (row[:1], row[1:])):
            part.grad = grad.clone()
        system(parts, c)
        rows.append(torch.cat([part.grad for part in parts if part.grad is not None]))
    return torch.stack(rows)


def gradient_descent__recurrent_kimi_delta_attention(
    system: Any, theta: Tensor, g: Tensor, eta: float, *, shipped: bool = False
) -> Any:
    one = torch.ones(1, 1, 1, 1, dtype=theta.dtype)  # the key; the loss is |theta - value|^2 / 2
    value, state = (theta - g)[None, None, None], theta[None, None, None]
    forget = -one if shipped else 0 * one
    return system(one, one, value, forget, eta * one[..., 0], state, True)[1][0, 0, 0].to(
        theta.dtype
    )


def muon__Muon(
    system: Any,
    w: Tensor,
    g: Tensor,
    b: Tensor,
    eta: float,
    mu: float,
    *,
    eps: float = 1e-7,
    shipped: bool = False,
) -> Any:
    in_full = mock.patch.object(Tensor, "bfloat16", lambda t: t.clone())
    moved, buffers = [], []
    for weight, gradient, buffer in zip(w.detach(), g.detach(), b.detach()):
        parameter = torch.nn.Parameter(weight.clone())
        parameter.grad = gradient.clone()
        size = 0.2 * max(weight.shape) ** 0.5
        settings = {"lr": eta / size, "weight_decay": 0.0, "momentum": mu, "eps": eps}
        optimizer = system([parameter], adjust_lr_fn="match_rms_adamw", **settings)
        optimizer.state[parameter]["momentum_buffer"] = (1 - mu) * buffer
        with contextlib.nullcontext() if shipped else in_full:
            optimizer.step()
        moved.append(parameter.detach())
        buffers.append(optimizer.state[parameter]["momentum_buffer"] / (1 - mu))
    return torch.stack(moved), torch.stack(buffers)


def _rate(schedule: Any, t: int) -> float:
    """The learning rate at a step, in shares of the largest."""
    return float(schedule.lr_lambdas[0](t))


def _optimizer() -> Any:
    return torch.optim.SGD([torch.zeros(1)], lr=1.0)


def warmup_cosine__get_cosine_with_min_lr_schedule_with_warmup(
    system: Any,
    t: int,
    total: int,
    warmup: int,
    eta_max: float,
    eta_min: float,
    *,
    shipped: bool = False,
) -> Any:
    schedule = system(_optimizer(), warmup, total, min_lr_rate=eta_min / eta_max)
    return eta_max * _rate(schedule, t if shipped else min(t, total))


def warmup_stable_decay__get_wsd_schedule(
    system: Any,
    t: int,
    warmup: int,
    stable: int,
    decay: int,
    eta_max: float,
    eta_min: float,
    *,
    shipped: bool = False,
) -> Any:
    given = {"num_warmup_steps": warmup, "num_stable_steps": stable, "num_decay_steps": decay}
    kind = {} if shipped else {"decay_type": "linear"}
    least = eta_min / eta_max if shipped or t >= warmup else 0.0
    return eta_max * _rate(system(_optimizer(), min_lr_ratio=least, **given, **kind), t)


# Adapters and compression ---------------------------------------------------------------------


def lora_update__tuners_lora_layer_Linear(
    system: Any, w0: Tensor, b: Tensor, a: Tensor, alpha: float
) -> Any:
    from peft import LoraConfig

    return _adapted(system, LoraConfig(), w0, b, a, alpha)


def lora_update__LoraConfig(
    system: Any, w0: Tensor, b: Tensor, a: Tensor, alpha: float, *, shipped: bool = False
) -> Any:
    from peft.tuners.lora.layer import Linear

    scale = alpha if shipped else alpha / a.shape[-2] ** 0.5
    return _adapted(Linear, system(use_rslora=True), w0, b, a, scale)


def _adapted(layer: Any, config: Any, w0: Tensor, b: Tensor, a: Tensor, alpha: float) -> Any:
    (d, k), r = w0.shape[1:], a.shape[1]
    rows = []
    for weight, up, down in zip(w0, b, a):
        base = torch.nn.Linear(k, d, bias=False, dtype=w0.dtype)
        adapted = layer(base, "default", config, r=r, lora_alpha=alpha)
        given = {"base_layer.weight": weight, "lora_A.default.weight": down}
        given["lora_B.default.weight"] = up
        rows.append(functional_call(adapted, given, torch.eye(k, dtype=w0.dtype)).mT)
    return torch.stack(rows)


def low_rank_approximation__tuners_lora_layer_Linear(system: Any, a: Tensor, k: int) -> Any:
    from peft import LoraConfig

    rows = []
    for matrix in a.detach():
        base = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False)
        base.weight.data = matrix.float()
        config = LoraConfig(init_lora_weights="pissa")
        adapted = system(base, "default", config, r=k, lora_alpha=1.0)
        rows.append(adapted.get_delta_weight("default").detach().to(a.dtype))
    return torch.stack(rows)


def quantize_affine__quantize_affine(
    system: Any, x: Tensor, zero_point: int, *, scale: float = 0.1, bits: int = 4
) -> Any:
    low = -(2 ** (bits - 1))
    x, step, zero = x.detach().float(), torch.tensor(scale), torch.tensor(zero_point)
    return system(x, x.shape, step, zero, torch.int32, low, -low - 1).to(torch.int64)


def spectral_norm__spectral_norm(system: Any, a: Tensor, *, shipped: bool = False) -> Any:
    norms = []
    for matrix in a:
        layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, dtype=a.dtype)
        layer.weight.data = matrix.detach().clone()
        layer = system(layer, n_power_iterations=1 if shipped else 2000)
        given = {"parametrizations.weight.original": matrix}
        divided = functional_call(layer, given, torch.eye(matrix.shape[1], dtype=a.dtype)).mT
        norms.append(torch.linalg.norm(matrix) / torch.linalg.norm(divided))
    return torch.stack(norms)


# Sampling, inference, primitives --------------------------------------------------------------


def top_p_filter__TopPLogitsWarper(system: Any, z: Tensor, p: float) -> Any:
    return system(p)(None, z)


def bayes_theorem__BayesianDetectorModel(
    system: Any, likelihood: Tensor, prior: Tensor, *, n: int = 2
) -> Any:
    from transformers import BayesianDetectorConfig

    model = system(BayesianDetectorConfig(watermarking_depth=1))
    marked, unmarked = likelihood.T[..., None, None]
    seen = torch.ones(len(likelihood), 1, dtype=likelihood.dtype)
    share = prior[..., 0].expand(len(likelihood))
    posterior = model._compute_posterior(marked, unmarked, seen, share)
    return torch.stack([posterior, 1 - posterior], -1)


def xlogy__xlogy(system: Any, x: Tensor, y: Tensor) -> Any:
    return system(x, y)
