"""Reads token shards with pyarrow, an Arrow implementation that is not Tokenmill's.

    python bench/peers/read_shards.py FOLDER

Prints documents and tokens of every *.arrow file below FOLDER and in total. Each file is mapped into memory, its
columns are validated in full, and its token_count and vocabulary are checked; the exit status is 1 where one differs.
Needs pyarrow and numpy.
"""

import sys
from pathlib import Path

import numpy
import pyarrow


def read_shard(path: Path) -> tuple[int, int]:
    """Documents and tokens of one shard. Raises ValueError where it is not as its metadata says."""
    with pyarrow.memory_map(str(path)) as source:
        reader = pyarrow.ipc.open_file(source)
        if reader.num_record_batches != 1:
            raise ValueError(f"{reader.num_record_batches} record batches")
        batch = reader.get_batch(0)
        batch.validate(full=True)
        metadata = {key.decode(): value.decode() for key, value in batch.schema.metadata.items()}
        vocabulary = int(metadata["vocab_size"])
        item = pyarrow.uint16() if vocabulary <= 65536 else pyarrow.uint32()
        tokens = batch.column("tokens")
        if tokens.type.value_type != item or batch.schema.field("document_id").type != pyarrow.utf8():
            raise ValueError(f"columns {batch.schema.types}")
        # Without a copy: fails unless the values are one buffer without nulls.
        values: numpy.ndarray = tokens.values.to_numpy(zero_copy_only=True)
        if len(values) != int(metadata["token_count"]):
            raise ValueError(f"{len(values)} tokens, metadata says {metadata['token_count']}")
        if len(values) > 0 and int(values.max()) >= vocabulary:
            raise ValueError(f"token {values.max()} outside the vocabulary of {vocabulary}")
        return batch.num_rows, len(values)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    paths = sorted(Path(sys.argv[1]).rglob("*.arrow"))
    failed = documents = tokens = 0
    for path in paths:
        try:
            rows, count = read_shard(path)
        except (ValueError, KeyError, pyarrow.ArrowException) as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        documents += rows
        tokens += count
        print(f"{path}\t{rows} documents\t{count} tokens")
    print(f"{len(paths)} shards\t{documents} documents\t{tokens} tokens\t{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
