/** Which files inside folders and archives are read; one that is given by its own name is read whatever it is called. */

const PACKED = String.raw`(?:\.(?:gz|bz2|zst|zstd|lz4))?`;
const KNOWN = new RegExp(
  String.raw`\.(?:warc|wet|wat|jsonl|ndjson|json|csv|tsv|parquet|txt|text|md|markdown|html?|xhtml)${PACKED}$`,
  'i',
);
const ARCHIVE = new RegExp(String.raw`\.(?:tar${PACKED}|tgz|tbz2?|tzst)$`, 'i');

/** Whether a path is that of a file of a known kind, and no part of it is hidden. */
export function isKnownName(path: string): boolean {
  return KNOWN.test(path) && !/(?:^|\/)\.(?!\.?\/)/.test(path);
}

export function isArchiveName(path: string): boolean {
  return ARCHIVE.test(path);
}
