/**
 * The scanning kernel: `scan.wasm`, which the build makes from `assembly/`. One instance a thread, whose memory is laid out in
 * `layout.ts` and never grows, so that views of it stay valid. Where WebAssembly cannot be used everything is done in
 * TypeScript, with the same results.
 */
import { compileWasm } from '../../core/wasm.js';
import { UNIT_CLASSES } from '../scan/character-classes.js';
import {
  counts,
  describePiece,
  describeRare,
  kinds,
  lettersOf,
  normal,
  PHRASE_PARTS,
  STOP_WORD_KEYS,
  unicodeWords,
  words,
} from '../scan/describe-piece.js';
import { URL_UNITS } from '../scan/piece-facts.js';
import { separators } from '../scan/pieces.js';
import { kindOf, middle, plain } from '../scan/unicode-words.js';
import {
  CLASSES_AT,
  DESCRIBED,
  DESCRIBED_AT,
  DESCRIBED_FLAGS,
  DESCRIBED_NORMAL_HIGH,
  DESCRIBED_NORMAL_LOW,
  DESCRIBED_UNICODE_WORDS_AT,
  DESCRIBED_WORD_BYTES,
  DESCRIBED_WORDS_AT,
  END_AT,
  KINDS_AT,
  MAX_TEXT_UNITS,
  MIDDLE_AT,
  PHRASE_BYTES,
  PHRASES_AT,
  PLAIN_AT,
  SEPARATORS_AT,
  STOP_WORDS_AT,
  UNITS_AT,
  WORD_KINDS_AT,
} from './layout.js';

const PAGE_BYTES = 65536;
const ASCII = 128;
const SPACE = 0x20;

/** Functions of the module; the text and what is found of it are in its memory. */
interface KernelExports {
  /** Splits the text of so many code units. */
  readonly splitPieces: (length: number) => void;
  /** For the text that was split last. */
  readonly measureLines: () => void;
  readonly measurePhysicalLines: () => void;
  readonly fillSequences: () => void;
  /** Lists heads whose language facts are not those of a language, by filters at an address; returns how many. */
  readonly listForeign: (language: number, filters: number) => number;
  readonly sumPieces: () => void;
  /** Size of the text, whose bytes are in the memory, as one LZ4 block. */
  readonly compressedSize: (bytes: number) => number;
  /** Says how many slots of n-grams of languages there are, less one, and how many languages. */
  readonly configureLanguages: (mask: number, languages: number) => void;
  /** Adds up the scores of the prepared units of a sample; returns how many different n-grams they have. */
  readonly sumScores: (length: number) => number;
  /** Figures of a sequence of `count` words whose numbers are below `limit`. */
  readonly measureNgrams: (sequence: number, count: number, limit: number, skips: boolean) => void;
  /** Occurrences of its words that occur more than once, in the order of their first ones; returns how many. */
  readonly repeatedWords: (sequence: number, count: number, limit: number) => number;
}

export interface Kernel extends KernelExports {
  readonly memory: ArrayBuffer;
  readonly units: Uint16Array;
  /** Puts a text of less than MAX_TEXT_UNITS code units, and a space behind it, where `splitPieces` finds it. */
  takeText(text: string): void;
}

let instance: Kernel | null | undefined;
let isOff = false;

/** The kernel of this thread, null where it cannot be used. */
export function scanKernel(): Kernel | null {
  if (isOff) return null;
  instance = instance === undefined ? instantiate() : instance;
  return instance;
}

/** Runs `work` without the kernel: what it gives must be what the kernel gives. */
export function withoutKernel<Result>(work: () => Result): Result {
  isOff = true;
  try {
    return work();
  } finally {
    isOff = false;
  }
}

function instantiate(): Kernel | null {
  const module = compileWasm(import.meta.url, 'scan.wasm');
  if (module === null) return null;
  const pages = Math.ceil(END_AT / PAGE_BYTES);
  const wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const memory = wasmMemory.buffer as ArrayBuffer;
  writeTables(memory);
  const units = new Uint16Array(memory, UNITS_AT, MAX_TEXT_UNITS + 1);
  const bytes = Buffer.from(memory, UNITS_AT, 2 * MAX_TEXT_UNITS);
  let text = '';
  const described = new Int32Array(memory, DESCRIBED_AT, DESCRIBED);
  const { exports } = new WebAssembly.Instance(module, {
    env: {
      memory: wasmMemory,
      describeWide: (start: number, end: number) => {
        described[DESCRIBED_FLAGS] = describePiece(text, units, start, end);
        described.set(counts);
        described[DESCRIBED_NORMAL_LOW] = normal.low;
        described[DESCRIBED_NORMAL_HIGH] = normal.high;
        putWords(memory, DESCRIBED_WORDS_AT, words);
        putWords(memory, DESCRIBED_UNICODE_WORDS_AT, unicodeWords);
      },
      describeRare: (start: number, end: number) => {
        const flags = describeRare(text, units, start, end);
        described[URL_UNITS] = counts[URL_UNITS];
        return flags;
      },
    },
  });
  return {
    ...(exports as unknown as KernelExports),
    memory,
    units,
    takeText(taken) {
      text = taken;
      bytes.write(text, 0, 'utf16le');
      units[text.length] = SPACE;
    },
  };
}

function putWords(memory: ArrayBuffer, at: number, { count, low, high, characters }: DescribedWords): void {
  const out = new Int32Array(memory, at, (count * DESCRIBED_WORD_BYTES) / 4);
  for (let i = 0; i < count; i++) {
    out[3 * i] = low[i];
    out[3 * i + 1] = high[i];
    out[3 * i + 2] = characters[i];
  }
}

interface DescribedWords {
  readonly count: number;
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly characters: Uint32Array;
}

/** Writes the tables of characters, stop words and phrases. */
function writeTables(memory: ArrayBuffer): void {
  const bytes = new Uint8Array(memory);
  bytes.set(separators, SEPARATORS_AT);
  new Uint16Array(memory, CLASSES_AT, ASCII).set(UNIT_CLASSES.subarray(0, ASCII));
  new Uint16Array(memory, KINDS_AT, ASCII).set(kinds.subarray(0, ASCII));
  bytes.set(plain.subarray(0, ASCII), PLAIN_AT);
  bytes.set(Uint8Array.from(UNIT_CLASSES.subarray(0, ASCII), kindOf), WORD_KINDS_AT);
  bytes.set(middle.subarray(0, ASCII), MIDDLE_AT);
  new Int32Array(memory, STOP_WORDS_AT).set(
    STOP_WORD_KEYS.flatMap(({ low, high, packed }) => [low, high, packed]),
  );
  const view = new DataView(memory);
  view.setInt32(PHRASES_AT, PHRASE_PARTS.length, true);
  PHRASE_PARTS.forEach((part, index) => {
    const at = PHRASES_AT + 4 + index * PHRASE_BYTES;
    const partUnits = Uint16Array.from(Buffer.from(part));
    view.setInt32(at, lettersOf(partUnits, 0, part.length), true);
    view.setInt32(at + 4, part.length, true);
    bytes.set(partUnits, at + 8);
  });
}
