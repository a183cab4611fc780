"""Makes the small reference models in tests/trainer/data with Hugging Face transformers.

    python bench/peers/make_reference.py [NAME...]     # transformers 5.18, torch 2.13, safetensors; default: all
    npx oxfmt tests/trainer/data

Each folder has config.json, model.safetensors, reference.safetensors (input_ids, labels, logits, loss and grad.<name>
for every trained tensor of the checkpoint, labels shifted inside of the model) and training.json: loss and global gradient
norm of a few steps of torch.optim.AdamW with clipping on the same batch, from the same weights. The loss there is without
what balances experts; routing biases change by the rule of Wang et al., 2024, which transformers does not have.
"""
import json
import pathlib
import sys

import torch
from checkpoint_names import checkpoint_gradients
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, BloomConfig, CohereConfig, DeepseekV3Config, GPT2Config, GPTJConfig,
                          LlamaConfig, MixtralConfig, Olmo2Config, OPTConfig, Qwen2Config, Qwen3Config, XGLMConfig)

DATA = pathlib.Path(__file__).parents[2] / 'tests' / 'trainer' / 'data'
SMALL = dict(vocab_size=24, hidden_size=8, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=32, initializer_range=0.4)
GPT = dict(vocab_size=24, n_embd=8, n_layer=2, n_head=2, n_positions=32, initializer_range=0.4,
           resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=0, eos_token_id=0)
OPT = dict(vocab_size=24, hidden_size=8, ffn_dim=20, num_hidden_layers=2, num_attention_heads=2, dropout=0,
           max_position_embeddings=32, init_std=0.4)
DEEPSEEK = SMALL | dict(num_key_value_heads=2, num_hidden_layers=2, first_k_dense_replace=1, moe_intermediate_size=6,
                        n_routed_experts=6, n_group=3, topk_group=2, num_experts_per_tok=2, n_shared_experts=1,
                        q_lora_rank=5, kv_lora_rank=4, qk_rope_head_dim=4, qk_nope_head_dim=3, v_head_dim=5)
MODELS = {
    'llama': LlamaConfig(**SMALL),
    # everything that differs from the plain model in one: tied embeddings, biases, a head width of its own
    'llama-variant': LlamaConfig(**SMALL | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=6,
                                                rms_norm_eps=1e-3,
                                                rope_parameters=dict(rope_type='default', rope_theta=500.0))),
    'gpt2': GPT2Config(**GPT),
    'gpt2-variant': GPT2Config(**GPT | dict(activation_function='gelu', n_inner=12, tie_word_embeddings=False,
                                            scale_attn_by_inverse_layer_idx=True)),
    'qwen2': Qwen2Config(**SMALL | dict(tie_word_embeddings=True,
                                        rope_parameters=dict(rope_type='linear', rope_theta=1e4, factor=2.0))),
    'qwen3': Qwen3Config(**SMALL | dict(head_dim=6, rope_parameters=dict(
        rope_type='llama3', rope_theta=100.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=2.0,
        original_max_position_embeddings=16))),
    'olmo2': Olmo2Config(**SMALL | dict(num_key_value_heads=2)),
    'opt': OPTConfig(**OPT),
    'opt-post-norm': OPTConfig(**OPT | dict(do_layer_norm_before=False, word_embed_proj_dim=4)),
    'gptj': GPTJConfig(**GPT | dict(rotary_dim=2)),
    # heads that are not a power of two
    'bloom': BloomConfig(vocab_size=24, hidden_size=12, n_layer=2, n_head=3, initializer_range=0.4),
    'mixtral': MixtralConfig(**SMALL | dict(num_local_experts=4, num_experts_per_tok=2, intermediate_size=10,
                                            output_router_logits=True, router_aux_loss_coef=0.1)),
    'deepseek_v3': DeepseekV3Config(**DEEPSEEK),
    'deepseek_v3-variant': DeepseekV3Config(**DEEPSEEK | dict(
        q_lora_rank=None, rope_interleave=False, attention_bias=True, norm_topk_prob=False, n_shared_experts=2,
        rope_parameters=dict(rope_type='yarn', rope_theta=100.0, factor=4.0, beta_fast=4.0, beta_slow=1.0, mscale=1.0,
                             mscale_all_dim=0.7, original_max_position_embeddings=16))),
    # PaLM's architecture
    'cohere': CohereConfig(**SMALL | dict(logit_scale=1.0, pad_token_id=None, bos_token_id=0, eos_token_id=0)),
    'xglm': XGLMConfig(vocab_size=24, d_model=8, ffn_dim=20, num_layers=2, attention_heads=2, max_position_embeddings=32,
                       init_std=0.4, dropout=0, attention_dropout=0),
}
OPTIMIZER = dict(betas=(0.9, 0.95), eps=1e-8)
WEIGHT_DECAY = 0.1
CLIP_NORM = 1.0
STEPS = 6

BALANCING_SPEED = 0.001


def balance(gate, _inputs, outputs):
    """Remembers what the routing bias has to become after the step."""
    load = torch.bincount(outputs[2].flatten(), minlength=len(gate.e_score_correction_bias)).float()
    gate.balanced = gate.e_score_correction_bias + BALANCING_SPEED * torch.sign(load.mean() - load)


def routers(model):
    return [module for module in model.modules() if hasattr(module, 'e_score_correction_bias')]


for seed, (name, config) in enumerate(MODELS.items()):
    if sys.argv[1:] and name not in sys.argv[1:]:
        continue
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation='eager', experts_implementation='eager').float()
    with torch.no_grad():  # biases and norms away from 0 and 1, so that an error in them shows
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
        for router in routers(model):
            router.weight.normal_(std=0.4)
            router.e_score_correction_bias.normal_(std=0.1)
            router.register_forward_hook(balance)
    folder = DATA / name
    model.save_pretrained(folder)
    (folder / 'generation_config.json').unlink(missing_ok=True)

    ids = torch.randint(0, config.vocab_size, (2, 7))
    labels = ids.clone()
    labels[1, 3] = -100
    output = model(input_ids=ids, labels=labels)
    output.loss.backward()
    reference = dict(input_ids=ids, labels=labels, logits=output.logits.detach(), loss=output.loss.detach())
    reference |= {f'grad.{key}': value for key, value in checkpoint_gradients(model).items()}
    save_file({key: value.contiguous() for key, value in reference.items()}, folder / 'reference.safetensors')

    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    # Adam's first steps are signs: where a gradient is nearly 0, rounding decides. Small steps keep paths together.
    rate = 0.01 if name.startswith('llama') else 0.001
    optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=WEIGHT_DECAY),
                                   dict(params=vectors, weight_decay=0.0)], lr=rate, **OPTIMIZER)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        output = model(input_ids=ids, labels=labels)
        output.loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM).item())
        optimizer.step()
        for router in routers(model):
            router.e_score_correction_bias.copy_(router.balanced)
        balancing = getattr(output, 'aux_loss', None)
        losses.append((output.loss - (0 if balancing is None else config.router_aux_loss_coef * balancing)).item())
    training = dict(learning_rate=rate, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=WEIGHT_DECAY,
                    clip_norm=CLIP_NORM, losses=losses, norms=norms)
    biases = {key: value.tolist() for key, value in model.named_buffers() if key.endswith('e_score_correction_bias')}
    training |= dict(routing_biases=biases) if biases else {}
    (folder / 'training.json').write_text(json.dumps(training, indent=2) + '\n')
