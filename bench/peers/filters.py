"""datatrove's own filters as an oracle and as a peer, without what surrounds them.

    python filters.py verdicts DATATROVE_SRC BAD_WORDS.json < documents.jsonl
        a line {"id", "gopher", "gopher-repetition", "c4", "bad_words", "fineweb"}: the reason, or null
        a document is {"id", "text", "words": [...], "cleaned_words": {text: [...]}, "sentences": {line: number}}
    python filters.py speed DATATROVE_SRC < documents.jsonl
        {"own_words", "white_space"}: MB per second of CPU time of the four filters of FineWeb, a second pass, with
        datatrove's word and sentence splitters (spaCy), then with words split at white space

DATATROVE_SRC is the folder `src/datatrove` of its repository. For verdicts the filters' files are loaded as they are, and
pipeline, writers and word splitters around them are replaced; for speed the package is used as it is.
"""

import importlib.util
import json
import os
import sys
import tempfile
import time
import types

MODE, SOURCE = sys.argv[1], sys.argv[2]


def speed():
    sys.path.insert(0, os.path.dirname(SOURCE.rstrip("/")))
    from datatrove.data import Document
    from datatrove.pipeline.filters import c4_filters, fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter

    steps = [
        gopher_repetition_filter.GopherRepetitionFilter(),
        gopher_quality_filter.GopherQualityFilter(),
        c4_filters.C4QualityFilter(filter_no_terminal_punct=False),
        fineweb_quality_filter.FineWebQualityFilter(),
    ]
    texts = [json.loads(line)["text"] for line in sys.stdin]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6

    def run():
        started = time.process_time()
        for number, text in enumerate(texts):
            # Every filter sees every document, as the signals of all are measured.
            for step in steps:
                try:
                    step.filter(Document(text=text, id=str(number), metadata={"language": "en"}))
                except ZeroDivisionError:
                    pass
        return megabytes / (time.process_time() - started)

    run()
    own_words = run()
    for module in (gopher_repetition_filter, gopher_quality_filter, fineweb_quality_filter):
        module.split_into_words = lambda text, language=None: text.split()
    c4_filters.split_into_sentences = lambda line, language=None: line.split(". ")
    run()
    print(json.dumps({"own_words": own_words, "white_space": run()}))


if MODE == "speed":
    speed()
    sys.exit()


def stub(name, **content):
    module = types.ModuleType(name)
    module.__path__ = []
    for key, value in content.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Document:
    def __init__(self, text, language="en"):
        self.text = text
        self.metadata = {"language": language}


class BaseFilter:
    def __init__(self, exclusion_writer=None, batch_size=1):
        pass

    def stat_update(self, *labels, **_):
        pass


class Languages:
    english = "eng"


bad_word_files = {}

for package in ("datatrove", "datatrove.utils", "datatrove.pipeline", "datatrove.pipeline.filters", "datatrove.pipeline.writers"):
    stub(package)
stub("datatrove.data", Document=Document)
stub("datatrove.io", cached_asset_path_or_download=lambda url, **_: bad_word_files[url.rsplit("/", 1)[1]])
stub("datatrove.pipeline.writers.disk_base", DiskWriter=object)
stub("datatrove.pipeline.filters.base_filter", BaseFilter=BaseFilter)
stub("datatrove.utils.typeshelper", Languages=Languages)
load("datatrove.utils.text", f"{SOURCE}/utils/text.py")
filters = f"{SOURCE}/pipeline/filters"
repetition = load("datatrove.pipeline.filters.gopher_repetition_filter", f"{filters}/gopher_repetition_filter.py")
quality = load("datatrove.pipeline.filters.gopher_quality_filter", f"{filters}/gopher_quality_filter.py")
c4 = load("datatrove.pipeline.filters.c4_filters", f"{filters}/c4_filters.py")
fineweb = load("datatrove.pipeline.filters.fineweb_quality_filter", f"{filters}/fineweb_quality_filter.py")


def reason_of(filter, document):
    try:
        result = filter.filter(document)
    except ZeroDivisionError:
        return "division by zero"
    return None if result is True else result[1]


def chain():
    return [
        repetition.GopherRepetitionFilter(),
        quality.GopherQualityFilter(),
        c4.C4QualityFilter(filter_no_terminal_punct=False),
        fineweb.FineWebQualityFilter(),
    ]


def first_reason(filters, document):
    for filter in filters:
        reason = reason_of(filter, document)
        if reason is not None:
            return reason
    return None


def verdicts(bad_words_path):
    with open(bad_words_path) as file:
        lists = json.load(file)
    for language, words in lists.items():
        with tempfile.NamedTemporaryFile("w", suffix=language, delete=False) as file:
            file.write("\n".join(words))
        bad_word_files[language] = file.name
    known = {}
    sentences = {}

    def words_of(text, language=None):
        return known[text]

    for module in (repetition, quality, fineweb):
        module.split_into_words = words_of
    c4.split_into_sentences = lambda line, language=None: [None] * sentences[line]
    steps = chain()
    strict = c4.C4QualityFilter()
    obscene = c4.C4BadWordsFilter(fail_on_missing_language=False)
    for line in sys.stdin:
        record = json.loads(line)
        text = record["text"]
        known.clear()
        known.update(record["cleaned_words"])
        known[text] = record["words"]
        sentences.clear()
        sentences.update(record["sentences"])
        print(
            json.dumps(
                {
                    "id": record["id"],
                    "gopher": reason_of(steps[1], Document(text)),
                    "gopher-repetition": reason_of(steps[0], Document(text)),
                    "c4": reason_of(strict, Document(text)),
                    "bad_words": reason_of(obscene, Document(text)),
                    "fineweb": first_reason(steps, Document(text)),
                }
            )
        )


verdicts(sys.argv[3])
