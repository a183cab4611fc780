"""
datatrove's own signature step over texts, for bench/dedup.ts: a JSON array of texts on standard input; seconds, how words
were split and the sums of the signatures on standard output.

Needs datatrove (a checkout on PYTHONPATH will do) and NumPy. What the step does not use is replaced where it is not
installed, and so is spaCy: texts are then split at spaces, which is faster than spaCy and the same for plain prose.
"""
import importlib.util
import json
import sys
import time
import types


class Nothing:
    def __init__(self, *arguments, **options):
        pass

    def __getattr__(self, name):
        return Nothing()

    def __call__(self, *arguments, **options):
        return Nothing()


def replace(name, **content):
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


class SplitAtSpaces:
    def word_tokenize(self, text):
        return text.split(" ")


def missing(name):
    return importlib.util.find_spec(name) is None


root = importlib.util.find_spec("datatrove").submodule_search_locations[0]
if missing("loguru") or missing("fsspec"):
    replace("datatrove.utils.logging", logger=Nothing())
    replace("datatrove.pipeline.base", PipelineStep=object)
    replace("datatrove.io", DataFolderLike=object, get_datafolder=lambda folder: folder)
    replace("datatrove.data", DocumentsPipeline=object)
    replace("datatrove.pipeline.writers.disk_base", DiskWriter=object)
    for package in ["pipeline", "pipeline/dedup", "pipeline/writers"]:
        replace("datatrove." + package.replace("/", ".")).__path__ = [f"{root}/{package}"]
if missing("tqdm"):
    replace("tqdm", tqdm=lambda items, **options: items)
words = "spaCy"
if missing("spacy"):
    words = "str.split"
    replace("datatrove.utils.word_tokenizers", load_word_tokenizer=lambda language: SplitAtSpaces())

from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature  # noqa: E402
from datatrove.utils.hashing import HashConfig  # noqa: E402

step = MinhashDedupSignature("unused", MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1")))
texts = json.load(sys.stdin)
step.get_signature(step.get_shingles(texts[0]))
began = time.process_time()
signatures = [step.get_signature(step.get_shingles(text)) for text in texts]
seconds = time.process_time() - began
sums = [str(sum(value for bucket in signature for value in bucket) % 2**64) for signature in signatures]
json.dump({"seconds": seconds, "words": words, "sums": sums}, sys.stdout)
