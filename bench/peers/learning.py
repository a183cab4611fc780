"""Peer of bench/learning.ts: the same training in PyTorch. learning.py WORKSPACE EVAL_TOKENS, where run `run` has ended.

Reads the shards, the initial weights, the settings, the learning rate of every step of the run and which tokens it was
trained on, and trains transformers' LlamaForCausalLM on the same batches with torch.optim.AdamW. Prints {step, loss, validation_loss} a line.
"""

import json
import sys
from pathlib import Path

import numpy
import pyarrow
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

workspace, eval_tokens = Path(sys.argv[1]), int(sys.argv[2])
run = workspace / "models" / "run"
dataset = workspace / "datasets" / "documentation"
settings = json.loads((run / "run.json").read_text())["settings"]
metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
batch, context = settings["batch"], settings["context"]


def tokens_of(split):
    """All tokens of a split, in the order of the commits, and where each shard begins."""
    parts, starts, total = [], {}, 0
    for commit in sorted((dataset / "commits").glob("*.json")):
        for file in json.loads(commit.read_text())["files"]:
            if file["kind"] != "shard" or file["split"] != split:
                continue
            with pyarrow.ipc.open_file(dataset / file["path"]) as reader:
                column = reader.read_all()["tokens"].combine_chunks()
                parts.append(column.values.to_numpy().astype(numpy.int64))
            starts[Path(file["path"]).stem] = total
            total += len(parts[-1])
    return torch.from_numpy(numpy.concatenate(parts)), starts


train, starts = tokens_of("train")
valid = tokens_of("valid")[0][: eval_tokens + 1]
places = {}
for line in (run / "consumed.jsonl").read_text().splitlines():
    part = json.loads(line)
    start = starts[part["shard"]] + part["first_token"]
    places.setdefault(part["step"], []).append(torch.arange(start, start + part["tokens"]))

config = LlamaConfig(**json.loads((run / "config.json").read_text()), attn_implementation="sdpa")
model = LlamaForCausalLM(config).float()
missing, unexpected = model.load_state_dict(load_file(run / "initial.safetensors"), strict=False)
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
model.tie_weights()
parameters = list(model.parameters())
optimizer = torch.optim.AdamW(
    [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings["weight_decay"]},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ],
    lr=0.0,
    betas=(settings["beta1"], settings["beta2"]),
    eps=1e-8,
)


def validation_loss():
    """Every token but the first is a target once; the last sequence is filled up with targets that do not count."""
    rows = -(-(len(valid) - 1) // context)
    ids = torch.zeros(rows * context, dtype=torch.int64)
    targets = torch.full_like(ids, -100)
    ids[: len(valid) - 1] = valid[:-1]
    targets[: len(valid) - 1] = valid[1:]
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(ids), batch * context):
            part = slice(start, start + batch * context)
            logits = model(ids[part].view(-1, context)).logits
            total += cross_entropy(logits.flatten(0, 1), targets[part], reduction="sum").item()
    return total / (len(valid) - 1)


for line in metrics:
    step = line["step"]
    place = torch.cat(places[step])
    logits = model(train[place].view(batch, context)).logits
    # Epoch follows epoch without a seam.
    loss = cross_entropy(logits.view(batch * context, -1), train[(place + 1) % len(train)])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, settings["clip"])
    for group in optimizer.param_groups:
        group["lr"] = line["learning_rate"]
    optimizer.step()
    result = {"step": step, "loss": loss.item()}
    if "validation_loss" in line:
        result["validation_loss"] = validation_loss()
    print(json.dumps(result), flush=True)
