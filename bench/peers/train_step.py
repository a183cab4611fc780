"""Steps of a Llama-style model in PyTorch for bench/trainer.ts: the same weights, batches and optimizer.

    python train_step.py FOLDER eager|sdpa THREADS

FOLDER has config.json, model.safetensors (Hugging Face names) and batches.safetensors (ids and targets, [steps, batch,
context]). `eager` writes attention and norms out and uses AdamW as it comes; `sdpa` takes PyTorch's fused kernels for
attention, norm and AdamW. Each line on stdin is a number of steps to run; the answer is a line of JSON with losses, norms,
seconds of each step, and the peak resident set in bytes.
"""
import json
import math
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

folder, mode, threads = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
config = json.loads((folder / 'config.json').read_text())
weights = {name: value.requires_grad_() for name, value in load_file(folder / 'model.safetensors').items()}
batches = load_file(folder / 'batches.safetensors')
fused = mode == 'sdpa'
layers, heads, width = config['num_hidden_layers'], config['num_attention_heads'], config['hidden_size']
head_width, epsilon = width // heads, config['rms_norm_eps']
batch, context = batches['ids'].shape[1:]

angles = torch.outer(torch.arange(context).float(), config['rope_parameters']['rope_theta'] ** (
    -torch.arange(0, head_width, 2).float() / head_width))
cosine, sine = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
future = torch.full((context, context), -math.inf).triu(1)


def norm(x, name):
    if fused:
        return F.rms_norm(x, (width,), weights[name], epsilon)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * weights[name]


def rotate(x):
    half = head_width // 2
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], -1) * sine


def attention(x, prefix):
    q, k, v = (F.linear(x, weights[f'{prefix}.{name}_proj.weight']).view(batch, context, heads, head_width).transpose(1, 2)
               for name in 'qkv')
    q, k = rotate(q), rotate(k)
    if fused:
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        mixed = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(head_width) + future, -1) @ v
    return F.linear(mixed.transpose(1, 2).reshape(batch, context, width), weights[f'{prefix}.o_proj.weight'])


def feed_forward(x, prefix):
    gate, up = (F.linear(x, weights[f'{prefix}.{name}_proj.weight']) for name in ('gate', 'up'))
    return F.linear(F.silu(gate) * up, weights[f'{prefix}.down_proj.weight'])


def loss_of(ids, targets):
    x = F.embedding(ids, weights['model.embed_tokens.weight'])
    for index in range(layers):
        prefix = f'model.layers.{index}'
        x = x + attention(norm(x, f'{prefix}.input_layernorm.weight'), f'{prefix}.self_attn')
        x = x + feed_forward(norm(x, f'{prefix}.post_attention_layernorm.weight'), f'{prefix}.mlp')
    logits = F.linear(norm(x, 'model.norm.weight'), weights['lm_head.weight'])
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


training = json.loads((folder / 'training.json').read_text())
groups = [dict(params=[w for w in weights.values() if w.dim() >= 2], weight_decay=training['weight_decay']),
          dict(params=[w for w in weights.values() if w.dim() == 1], weight_decay=0.0)]
optimizer = torch.optim.AdamW(groups, lr=training['learning_rate'], betas=(training['beta1'], training['beta2']),
                              eps=training['epsilon'], fused=fused or None)


def step(index):
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(batches['ids'][index].long(), batches['targets'][index].long())
    loss.backward()
    size = torch.nn.utils.clip_grad_norm_(weights.values(), training['clip_norm'])
    optimizer.step()
    return loss.item(), size.item()


def peak_bytes():
    status = pathlib.Path('/proc/self/status').read_text()
    return int(status.split('VmHWM:')[1].split()[0]) * 1024


done = 0
for line in sys.stdin:
    results, seconds = [], []
    for _ in range(int(line)):
        started = time.perf_counter()
        results.append(step(done % len(batches['ids'])))
        seconds.append(time.perf_counter() - started)
        done += 1
    losses, norms = zip(*results)
    print(json.dumps(dict(version=torch.__version__, losses=losses, norms=norms, seconds=seconds, peak_bytes=peak_bytes())),
          flush=True)
