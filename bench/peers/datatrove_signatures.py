"""
datatrove's own signature step over texts, for bench/dedup.ts: a JSON array of texts on standard input; CPU seconds, how
words were split and the sums of the signatures on standard output. Needs datatrove (a checkout on PYTHONPATH will do) with
what it imports, and spaCy.
"""
import importlib.metadata  # noqa: F401  (datatrove expects it to be loaded)
import json
import sys
import tempfile
import time

from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig

step = MinhashDedupSignature(
    tempfile.mkdtemp(), MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"))
)
texts = json.load(sys.stdin)
step.get_signature(step.get_shingles(texts[0]))
began = time.process_time()
shingles = [step.get_shingles(text) for text in texts]
split = time.process_time()
signatures = [step.get_signature(each) for each in shingles]
seconds = time.process_time() - began
sums = [str(sum(value for bucket in signature for value in bucket) % 2**64) for signature in signatures]
json.dump(
    {
        "seconds": seconds,
        "shingle_seconds": split - began,
        "words": type(step.word_tokenizer).__name__,
        "sums": sums,
    },
    sys.stdout,
)
