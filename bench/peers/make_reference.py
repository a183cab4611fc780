"""Makes the small reference models in tests/trainer/data with Hugging Face transformers.

    python bench/peers/make_reference.py          # transformers 5.18, torch 2.13, safetensors
    npx oxfmt tests/trainer/data

Each folder has config.json, model.safetensors, reference.safetensors (input_ids, labels, logits, loss and grad.<name>
for every tensor of the checkpoint, labels shifted inside of the model) and training.json: loss and global gradient norm of
a few steps of torch.optim.AdamW with clipping on the same batch, from the same weights.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

DATA = pathlib.Path(__file__).parents[2] / 'tests' / 'trainer' / 'data'
SMALL = dict(vocab_size=24, hidden_size=8, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=32, initializer_range=0.4)
MODELS = {
    'llama': LlamaConfig(**SMALL),
    # everything that differs from the plain model in one: tied embeddings, biases, a head width of its own
    'llama-variant': LlamaConfig(**SMALL | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=6,
                                                rms_norm_eps=1e-3,
                                                rope_parameters=dict(rope_type='default', rope_theta=500.0))),
}
OPTIMIZER = dict(lr=0.01, betas=(0.9, 0.95), eps=1e-8)
WEIGHT_DECAY = 0.1
CLIP_NORM = 1.0
STEPS = 6

for seed, (name, config) in enumerate(MODELS.items()):
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).float()
    with torch.no_grad():  # biases and norms away from 0 and 1, so that an error in them shows
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    folder = DATA / name
    model.save_pretrained(folder)
    (folder / 'generation_config.json').unlink()

    ids = torch.randint(0, config.vocab_size, (2, 7))
    labels = ids.clone()
    labels[1, 3] = -100
    output = model(input_ids=ids, labels=labels)
    output.loss.backward()
    reference = dict(input_ids=ids, labels=labels, logits=output.logits.detach(), loss=output.loss.detach())
    reference |= {f'grad.{key}': value.grad for key, value in model.named_parameters()}
    save_file({key: value.contiguous() for key, value in reference.items()}, folder / 'reference.safetensors')

    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=WEIGHT_DECAY),
                                   dict(params=vectors, weight_decay=0.0)], **OPTIMIZER)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM).item())
        optimizer.step()
        losses.append(loss.item())
    training = dict(learning_rate=OPTIMIZER['lr'], beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=WEIGHT_DECAY,
                    clip_norm=CLIP_NORM, losses=losses, norms=norms)
    (folder / 'training.json').write_text(json.dumps(training, indent=2) + '\n')
