"""How the layers that systems are made of are called with the arguments of an entry.

A function is named after the entry and the end of the witness's dotted path. It takes the object at
that path, then the entry's arguments; what is keyword-only fixes a size or an argument. ``shipped``
asks for the object as it comes, without the translation that the note of the witness speaks of.
"""

import inspect
from types import SimpleNamespace as Config
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.func import functional_call

# Norms ----------------------------------------------------------------------------------------


def _normalized(system: Any, x: Tensor, weight: Tensor, eps: float) -> Any:
    return functional_call(system(len(weight), eps), {"weight": weight}, x)


def rms_norm__LlamaRMSNorm(system: Any, x: Tensor, gamma: Tensor, eps: float) -> Any:
    return _normalized(system, x, gamma, eps)


def rms_norm__Olmo2RMSNorm(system: Any, x: Tensor, gamma: Tensor, eps: float) -> Any:
    return _normalized(system, x, gamma, eps)


def rms_norm__GptOssRMSNorm(system: Any, x: Tensor, gamma: Tensor, eps: float) -> Any:
    return _normalized(system, x, gamma, eps)


def rms_norm__Gemma3RMSNorm(
    system: Any, x: Tensor, gamma: Tensor, eps: float, *, shipped: bool = False
) -> Any:
    return _normalized(system, x, gamma if shipped else gamma - 1, eps)


def layer_norm__TransformerEncoderLayer(
    system: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> Any:
    d = len(gamma)
    layer = system(d, 1, 2, 0.0, layer_norm_eps=eps, batch_first=True, dtype=x.dtype)
    for parameter in layer.self_attn.parameters():  # the sublayer adds nothing to its input
        parameter.data.zero_()
    seen: list[Tensor] = []
    layer.norm1.register_forward_hook(lambda _module, _given, result: seen.append(result))
    functional_call(layer, {"norm1.weight": gamma, "norm1.bias": beta}, x)
    return seen[0]


# Activations and scores -----------------------------------------------------------------------


def sigmoid__DeepseekV3TopkRouter(system: Any, x: Tensor) -> Any:
    n = len(x)
    config = Config(num_experts_per_tok=n, num_local_experts=n, hidden_size=n, n_group=1)
    config.routed_scaling_factor, config.topk_group, config.norm_topk_prob = 1.0, 1, False
    _, scores, chosen = functional_call(system(config), {"weight": torch.eye(n)}, x[None])
    return torch.zeros_like(scores).scatter(1, chosen, scores)[0].to(x.dtype)


def silu__DeepseekV3MLP(system: Any, x: Tensor) -> Any:
    n = len(x)
    eye, one = torch.eye(n + 1, dtype=x.dtype), torch.zeros(n + 1, n + 1, dtype=x.dtype)
    one[:, n] = 1.0  # the last feature is 1, and it is what the gate is multiplied by
    weights = {"gate_proj.weight": eye, "up_proj.weight": one, "down_proj.weight": eye}
    mlp = system(Config(hidden_size=n + 1, intermediate_size=n + 1, hidden_act="silu"))
    return functional_call(mlp, weights, torch.cat([x, torch.ones_like(x[:1])]))[:n]


def gelu__DINOv3ViTMLP(system: Any, x: Tensor) -> Any:
    n = len(x)
    mlp = system(Config(hidden_size=n, intermediate_size=n, mlp_bias=False, hidden_act="gelu"))
    eye = torch.eye(n, dtype=x.dtype)
    return functional_call(mlp, {"up_proj.weight": eye, "down_proj.weight": eye}, x)


def softmax__eager_attention_forward(system: Any, z: Tensor) -> Any:
    keys = z[:, None, :, None]
    module = Config(num_key_value_groups=1, training=False)
    query = torch.ones_like(keys[:, :, :1])
    return system(module, query, keys, torch.zeros_like(keys), None, scaling=1.0)[1][:, 0, 0]


def softmax__GptOssTopKRouter(system: Any, z: Tensor) -> Any:
    n = z.shape[-1]
    router = system(Config(num_experts_per_tok=n, num_local_experts=n, hidden_size=1))
    rows = []
    for row in z:
        given = {"weight": torch.zeros(n, 1, dtype=z.dtype), "bias": row}
        _, scores, chosen = functional_call(router, given, torch.zeros(1, 1, dtype=z.dtype))
        rows.append(torch.zeros_like(scores).scatter(1, chosen, scores)[0])
    return torch.stack(rows)


def log_sum_exp__scaled_dot_product_flash_attention_for_cpu(system: Any, z: Tensor) -> Any:
    keys = z[:, None, :, None]
    return system(torch.ones_like(keys[:, :, :1]), keys, keys, scale=1.0)[1].reshape(len(z))


# Attention ------------------------------------------------------------------------------------


def _scores(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """A mask as what is added to the scores of every head."""
    if mask is None:
        return None
    return torch.zeros(mask.shape, dtype=like.dtype).masked_fill(~mask, -torch.inf)[:, None]


def scaled_dot_product_attention__modeling_llama_eager_attention_forward(
    system: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
) -> Any:
    module = Config(num_key_value_groups=1, training=False)
    given = (q[:, None], k[:, None], v[:, None], _scores(mask, q))
    return system(module, *given, scaling=q.shape[-1] ** -0.5)[0][:, :, 0]


def scaled_dot_product_attention__modeling_gpt_oss_eager_attention_forward(
    system: Any,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    *,
    shipped: bool = False,
) -> Any:
    sinks = torch.full((1,), 0.0 if shipped else -torch.inf, dtype=q.dtype)
    module = Config(num_key_value_groups=1, training=False, sinks=sinks)
    given = (q[:, None], k[:, None], v[:, None], _scores(mask, q))
    return system(module, *given, scaling=q.shape[-1] ** -0.5)[0][:, :, 0]


def scaled_dot_product_attention__scaled_dot_product_flash_attention_for_cpu(
    system: Any,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    *,
    d_k: int = 3,
    d_v: int = 3,
) -> Any:
    scores = _scores(mask, q)
    return system(q[:, None], k[:, None], v[:, None], attn_mask=scores)[0][:, 0]


def multi_head_attention__MultiheadAttention(
    system: Any,
    x: Tensor,
    y: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    w_o: Tensor,
    mask: Tensor | None = None,
    *,
    d: int = 6,
    h: int = 2,
    d_k: int = 3,
    d_v: int = 3,
) -> Any:
    layer = system(d, h, bias=False, batch_first=True)
    stacked = torch.cat([w.mT.reshape(d, d) for w in (w_q, w_k, w_v)])
    given = {"in_proj_weight": stacked, "out_proj.weight": w_o.mT}
    hidden = None if mask is None else ~mask.expand(len(x), -1, -1).repeat_interleave(h, 0)
    return functional_call(layer, given, (x, y, y), {"attn_mask": hidden, "need_weights": False})[0]


def causal_mask__create_causal_mask(system: Any, positions: Tensor) -> Any:
    config = _llama(4, 1)
    n = int(positions.max()) + 1
    full = system(config, torch.zeros(1, n, 4), None, None)[0, 0] == 0
    return full[positions[..., :, None], positions[..., None, :]]


def kv_cache_bytes__DynamicCache(
    system: Any,
    n_layers: int,
    n_kv_heads: int,
    d_head: int,
    n_tokens: int,
    batch: int,
    bytes_per_number: int,
) -> Any:
    import transformers

    halves = 2  # the model turns pairs, so its heads are twice as wide
    config = _llama(4, 2 * n_kv_heads, num_key_value_heads=n_kv_heads, head_dim=halves * d_head)
    config.num_hidden_layers = n_layers
    model = transformers.LlamaModel(config).to(torch.float64)
    cache = system(config=config)
    model(torch.zeros(batch, n_tokens, dtype=torch.int64), past_key_values=cache)
    stored = [t for layer in cache.layers for t in (layer.keys, layer.values)]
    return sum(t.numel() for t in stored) // halves * bytes_per_number


def _llama(width: int, heads: int, **more: Any) -> Any:
    import transformers

    return transformers.LlamaConfig(
        hidden_size=width * heads,
        intermediate_size=4,
        num_hidden_layers=1,
        num_attention_heads=heads,
        vocab_size=8,
        attn_implementation="eager",
        **more,
    )


# Positions, tokens, feed-forward --------------------------------------------------------------


def _turned(
    system: Any, embedding: str, x: Tensor, positions: Tensor, base: float, config: str
) -> Tensor:
    """Keys turned by a model's own function, at angles from its own table."""
    import transformers

    d = x.shape[-1]
    rope = {"rope_type": "default", "rope_theta": base}
    given = getattr(transformers, config)(
        head_dim=d, qk_rope_head_dim=d, hidden_size=d, num_attention_heads=1, rope_parameters=rope
    )
    table = getattr(inspect.getmodule(system), embedding)(given)
    cos, sin = table(x, positions[None])
    turned: Tensor = system(torch.zeros_like(x[:, None]), x[:, None], cos, sin)[1][:, 0]
    return turned


def _halves(d: int) -> Tensor:
    """The first feature of every pair, then the second of every pair."""
    return torch.cat([torch.arange(0, d, 2), torch.arange(1, d, 2)])


def rotary_position_embedding__modeling_llama_apply_rotary_pos_emb(
    system: Any, x: Tensor, positions: Tensor, base: float, *, shipped: bool = False
) -> Any:
    order = torch.arange(x.shape[-1]) if shipped else _halves(x.shape[-1])
    y = _turned(system, "LlamaRotaryEmbedding", x[..., order], positions, base, "LlamaConfig")
    return y[..., torch.argsort(order)]


def rotary_position_embedding__modeling_gpt_oss_apply_rotary_pos_emb(
    system: Any, x: Tensor, positions: Tensor, base: float, *, shipped: bool = False
) -> Any:
    order = torch.arange(x.shape[-1]) if shipped else _halves(x.shape[-1])
    y = _turned(system, "GptOssRotaryEmbedding", x[..., order], positions, base, "GptOssConfig")
    return y[..., torch.argsort(order)]


def rotary_position_embedding__apply_rotary_pos_emb_interleave(
    system: Any, x: Tensor, positions: Tensor, base: float, *, shipped: bool = False
) -> Any:
    order = torch.arange(x.shape[-1]) if shipped else _halves(x.shape[-1])
    y = _turned(system, "DeepseekV3RotaryEmbedding", x, positions, base, "DeepseekV3Config")
    return y[..., torch.argsort(order)]


def rotary_position_embedding__modeling_gptj_apply_rotary_pos_emb(
    system: Any, x: Tensor, positions: Tensor, *, base: float = 10000.0
) -> Any:
    table = inspect.getmodule(system).create_sinusoidal_positions(  # type: ignore[union-attr]
        int(positions.max()) + 1, x.shape[-1]
    )
    sin, cos = table[positions].chunk(2, -1)
    return system(x[:, :, None], sin[None], cos[None])[:, :, 0]


def embedding_lookup__Olmo2Model(
    system: Any,
    e: Tensor,
    ids: Tensor,
    *,
    d: int = 6,
    batch: tuple[int, ...] = (2, 3),
    shipped: bool = False,
) -> Any:
    import transformers

    config = transformers.Olmo2Config(
        hidden_size=d,
        intermediate_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        vocab_size=len(e),
        eos_token_id=0,
    )
    if not shipped:
        config.pad_token_id = None
    model = system(config).to(e.dtype)
    given = {"input_ids": ids, "output_hidden_states": True}
    return functional_call(model, {"embed_tokens.weight": e}, (), given).hidden_states[0]


def _gated(system: Any, x: Tensor, w: Tensor, v: Tensor, w_2: Tensor) -> Any:
    width, inner = w.shape
    mlp = system(
        Config(hidden_size=width, intermediate_size=inner, mlp_bias=False, hidden_act="silu")
    )
    given = {"gate_proj.weight": w.mT, "up_proj.weight": v.mT, "down_proj.weight": w_2.mT}
    return functional_call(mlp, given, x)


def swiglu__LlamaMLP(system: Any, x: Tensor, w: Tensor, v: Tensor, w_2: Tensor) -> Any:
    return _gated(system, x, w, v, w_2)


def swiglu__DeepseekV3MLP(system: Any, x: Tensor, w: Tensor, v: Tensor, w_2: Tensor) -> Any:
    return _gated(system, x, w, v, w_2)


def lstm_cell__slstm_forward_pointwise(
    system: Any, x: Tensor, h: Tensor, c: Tensor, w: Tensor, u: Tensor, b: Tensor
) -> Any:
    states = system(x @ w.mT, h @ u.mT, b[None], torch.stack([h, c]), {})[0]
    return states[0], states[1]


# Elsewhere ------------------------------------------------------------------------------------


def cosine_similarity__CLIPModel(system: Any, a: Tensor, b: Tensor) -> Any:
    import transformers

    n = len(a)
    small = {"hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1}
    small |= {"num_attention_heads": 1, "projection_dim": a.shape[-1]}
    config = transformers.CLIPConfig(
        text_config={**small, "vocab_size": 8, "eos_token_id": 7},
        vision_config={**small, "image_size": 4, "patch_size": 4},
        projection_dim=a.shape[-1],
        logit_scale_init_value=0.0,
    )
    model = system(config)
    model.visual_projection.register_forward_hook(lambda *_: a)
    model.text_projection.register_forward_hook(lambda *_: b)
    result = model(torch.full((n, 2), 7), torch.zeros(n, 3, 4, 4))
    return torch.linalg.diagonal(result.logits_per_image)


def gcn_layer__GCNConv(system: Any, a: Tensor, x: Tensor, w: Tensor) -> Any:
    layer = system(*w.shape, bias=False)
    rows = []
    for graph, features in zip(a, x):
        edges = graph.nonzero().T
        given = (features, edges, graph[edges[0], edges[1]])
        rows.append(functional_call(layer, {"lin.weight": w.mT}, given))
    return torch.stack(rows)


def gaussian_kl__DiagonalGaussianDistribution(system: Any, mu: Tensor, log_var: Tensor) -> Any:
    return system(torch.cat([mu, log_var], 1)[..., None, None]).kl()


def reparameterize__DiagonalGaussianDistribution(
    system: Any, mu: Tensor, log_var: Tensor, noise: Tensor
) -> Any:
    drawn = noise[..., None, None]
    with mock.patch.object(inspect.getmodule(system), "randn_tensor", return_value=drawn):
        return system(torch.cat([mu, log_var], 1)[..., None, None]).sample()[..., 0, 0]


def ddpm_add_noise__DDPMScheduler(system: Any, x0: Tensor, alpha_bar: Tensor, noise: Tensor) -> Any:
    scheduler = system(num_train_timesteps=len(x0))
    scheduler.alphas_cumprod = alpha_bar.expand(len(x0))
    return scheduler.add_noise(x0, noise, torch.arange(len(x0)))
