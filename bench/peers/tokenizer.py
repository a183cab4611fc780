"""Peers of the tokenizer's benchmark: native tiktoken and Hugging Face tokenizers, one thread, CPU time.

    python tokenizer.py encode RANKS_FOLDER NAME FILE   {"megabytes_per_second", "tokens", "sha256"}, tiktoken, median of 3
    python tokenizer.py encode_hf TOKENIZER_JSON FILE   the same of tokenizers, one pass
    python tokenizer.py merges FILE VOCAB_SIZE OUT      merges as JSON, of the file as one text, pattern of GPT-2
    python tokenizer.py train FILE VOCAB_SIZE           {"seconds", "peak_megabytes", "base_megabytes"}, pattern of GPT-2

Texts are documents of 64 kB; the digest is of all ids in order, 32 bits each, little-endian.
"""

import os

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import base64
import json
import sys
import time

DOCUMENT_BYTES = 65536


def documents(path):
    """Documents one after another, so that training never holds the file."""
    rest = b""
    with open(path, "rb") as file:
        while True:
            content = rest + file.read(DOCUMENT_BYTES - len(rest))
            if not content:
                return
            end = len(content) if len(content) < DOCUMENT_BYTES else content.rindex(b"\n") + 1
            rest = content[end:]
            yield content[:end].decode()


def digest(lists):
    import array
    import hashlib

    sha256 = hashlib.sha256()
    for ids in lists:
        sha256.update(array.array("I", ids).tobytes())
    return sha256.hexdigest()


def peak_megabytes():
    """Largest resident set since the program began; getrusage would count what it was forked from, too."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith("VmHWM"))


def encode(folder, name, path):
    import tiktoken
    import tiktoken_ext.openai_public as public

    def load(file):
        with open(f"{folder}/{file}", "rb") as ranks:
            return {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in ranks if line.strip()}

    public.load_tiktoken_bpe = lambda url, expected_hash=None: load(url.rsplit("/", 1)[-1])
    public.data_gym_to_mergeable_bpe_ranks = lambda **_: load("r50k_base.tiktoken")
    encoding = tiktoken.Encoding(**getattr(public, name)())
    texts = list(documents(path))
    size = os.path.getsize(path)
    times = []
    for _ in range(3):
        start = time.process_time()
        tokens = sum(len(encoding.encode_ordinary(text)) for text in texts)
        times.append(time.process_time() - start)
    return {
        "megabytes_per_second": size / 1e6 / sorted(times)[1],
        "tokens": tokens,
        "sha256": digest(encoding.encode_ordinary(text) for text in texts),
    }


def encode_hf(path, corpus):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    texts = list(documents(corpus))
    start = time.process_time()
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    seconds = time.process_time() - start
    return {
        "megabytes_per_second": os.path.getsize(corpus) / 1e6 / seconds,
        "tokens": sum(map(len, ids)),
        "sha256": digest(ids),
    }


def train(path, vocab_size):
    base = peak_megabytes()
    tokenizer, trainer = byte_level_trainer(vocab_size)
    start = time.process_time()
    tokenizer.train_from_iterator(documents(path), trainer)
    seconds = time.process_time() - start
    return {"seconds": seconds, "peak_megabytes": peak_megabytes(), "base_megabytes": base}


def merges(path, vocab_size, out):
    tokenizer, trainer = byte_level_trainer(vocab_size)
    with open(path, encoding="utf-8", newline="") as file:
        tokenizer.train_from_iterator([file.read()], trainer)
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    with open(out, "w") as file:
        json.dump([pair if isinstance(pair, str) else " ".join(pair) for pair in pairs], file)
    return {"merges": len(pairs)}


def byte_level_trainer(vocab_size):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=int(vocab_size),
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return tokenizer, trainer


print(json.dumps({"encode": encode, "encode_hf": encode_hf, "merges": merges, "train": train}[sys.argv[1]](*sys.argv[2:])))
