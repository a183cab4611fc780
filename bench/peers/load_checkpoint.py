"""Loads checkpoints or exported models with Hugging Face transformers and compares logits, loss and gradients.

    python bench/peers/load_checkpoint.py workspace/models/default-tiny/checkpoints/step-000200 [FOLDER...]

It opens each folder with AutoModelForCausalLM, runs it on random ids, writes what transformers computes as a
reference.safetensors, and has `tokenmill eval DIR --against` compare its own results (tolerance 1e-4). If the folder has a
tokenizer, its ids are compared too. Needs torch, transformers and a compiled Tokenmill.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
from checkpoint_names import checkpoint_gradients
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = pathlib.Path(__file__).parents[2]
MAIN = ROOT / 'dist' / 'cli' / 'main.js'


def compare(folder):
    """Whether both agree."""
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, dtype=torch.float32,
                                                         experts_implementation='eager')
    assert not report['missing_keys'] and not report['unexpected_keys'], report
    torch.manual_seed(0)
    ids = torch.randint(0, model.config.vocab_size, (2, 48))
    output = model(input_ids=ids, labels=ids)
    output.loss.backward()
    reference = dict(input_ids=ids, labels=ids.clone(), logits=output.logits.detach(), loss=output.loss.detach())
    # Tied weights have one gradient, under the name that the checkpoint has.
    reference |= {f'grad.{name}': value for name, value in checkpoint_gradients(model).items()}
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / 'reference.safetensors'
        save_file({name: value.contiguous() for name, value in reference.items()}, path)
        result = subprocess.run(['node', MAIN, 'eval', folder, '--against', path], capture_output=True, text=True)
    lines = result.stdout.splitlines() or ['']
    print(model.config.model_type, '|', lines[0], '|', lines[-1], result.stderr, flush=True)
    return result.returncode == 0 and tokenizers_agree(folder)


def tokenizers_agree(folder):
    if not (folder / 'tokenizer.json').exists():
        return True
    text = (ROOT / 'README.md').read_text()
    theirs = AutoTokenizer.from_pretrained(folder)(text)['input_ids']
    encoded = subprocess.run(['node', MAIN, 'tokenizer', 'encode', ROOT / 'README.md', '--tokenizer', folder],
                             capture_output=True, text=True, check=True).stdout
    ours = [int(part) for part in encoded.strip('[]\n').split(',')]
    print(f'tokenizer: {len(ours)} ids, equal: {ours == theirs}', flush=True)
    return ours == theirs


sys.exit(not all([compare(pathlib.Path(folder)) for folder in sys.argv[1:]]))
