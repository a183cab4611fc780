/**
 * Gzip files of any number of members (RFC 1952, section 2.2), with the exact boundaries of the members.
 *
 * Small members are inflated in runs in zlib's threads, since a call costs more than a page: a member is guessed to reach
 * to the next magic number, and the guesses of a run are accepted only if size and CRC-32 of each fit. A run that is not
 * accepted is taken apart, and a member alone must end exactly before its trailer, too. Whatever is not accepted
 * then (large members, a magic number by chance inside of one, damage) is streamed.
 *
 * Invariants: content and damage are a function of the file alone, not of where reading began or how the bytes
 * arrived. Content that a checksum refutes is not delivered, where it is no longer than HELD_BYTES; of a
 * member that breaks off, what came before is.
 */
import type { ByteReader } from '../sources/bytes.js';
import { CompressedWindow } from './compressed-window.js';
import {
  GZIP_MAGIC,
  MAX_MEMBER_HEADER_BYTES,
  TRAILER_BYTES,
  inflateRun,
  inflateStart,
  inflateStream,
  inflateWhole,
  memberHeaderLength,
  type StreamEnd,
} from './gzip-member.js';
import type { Damage, Piece } from './pieces.js';

/** Runs that are inflated at the same time. */
const PARALLEL_RUNS = 4;
/** Sum of their contents: the bound on how far inflation runs ahead of the consumer. */
const PARALLEL_BYTES = 4_000_000;
/** Content of a run of more than one member, and how many members it has. */
const RUN_BYTES = 512 * 1024;
const RUN_MEMBERS = 256;
/** A member above one of these is streamed. */
const SMALL_MEMBER_BYTES = 512 * 1024;
const SMALL_CONTENT_BYTES = 2_000_000;
/** Content of a member that is held back until its checksum is verified. */
const HELD_BYTES = 4_000_000;
/** Input of one step of a streamed member, counted from the member's start, so that steps never depend on reads. */
const INPUT_STEP_BYTES = 64 * 1024;
/** Compressed bytes of a streamed member that stay in memory, to search the next member in them after damage. */
const SEARCH_BACK_BYTES = 1_000_000;
/** Compressed bytes that are inflated to see whether a magic number begins a member. */
const PROBE_BYTES = 16 * 1024;

/** Where a member is thought to be: its header, its deflate stream, the end of its trailer. */
interface Guess {
  readonly start: number;
  readonly body: number;
  readonly end: number;
  /** Of its content, as its trailer says. */
  readonly size: number;
}

interface Run {
  readonly guesses: readonly Guess[];
  readonly size: number;
  readonly content: Promise<Buffer | undefined>;
}

/**
 * Pieces of a gzip file from the member boundary `from` on.
 * @param startsRecord whether content may be the beginning of a member where reading goes on after damage
 */
export async function* gzipPieces(
  reader: ByteReader,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece> {
  const window = new CompressedWindow(reader, from);
  const runs: Run[] = [];
  let position = from;
  /** Members that were part of a run that was not accepted. */
  let alone = 0;
  for (;;) {
    await runAhead(window, position, runs, alone > 0 ? 1 : RUN_MEMBERS);
    const run = runs.shift();
    const content = await run?.content;
    if (run !== undefined && content !== undefined) {
      let used = 0;
      for (const { size, end } of run.guesses) {
        yield { kind: 'content', bytes: content.subarray(used, used + size), memberEnd: end };
        used += size;
        position = end;
      }
      alone = Math.max(0, alone - run.guesses.length);
    } else if (run !== undefined && run.guesses.length > 1) {
      runs.length = 0;
      alone = run.guesses.length;
    } else {
      runs.length = 0;
      alone = Math.max(0, alone - 1);
      const header = await readHeader(window, position);
      if (header === 'end') return;
      if (typeof header === 'number') {
        position = yield* streamMember(window, position, position + header, startsRecord);
      } else {
        // Zeros between or behind members are padding of tapes and blocks, not damage.
        const used = await window.skipZeros(position);
        if (used === undefined) return;
        const gap = used > position ? undefined : await readGap(window, position, header, startsRecord);
        yield gap ?? { kind: 'boundary', file: used };
        position = gap?.end ?? used;
      }
    }
    window.discard(position);
  }
}

/** Starts the inflation of members that follow, as far as they are small and their ends can be guessed. */
async function runAhead(
  window: CompressedWindow,
  position: number,
  runs: Run[],
  members: number,
): Promise<void> {
  let ahead = runs.reduce((sum, { size }) => sum + size, 0);
  while (runs.length < PARALLEL_RUNS && ahead < PARALLEL_BYTES) {
    const run = await startRun(window, runs.at(-1)?.guesses.at(-1)?.end ?? position, members);
    if (run === undefined) return;
    runs.push(run);
    ahead += run.size;
  }
}

/** Starts the inflation of as many members from `start` on as make a run; undefined where no end can be guessed. */
async function startRun(window: CompressedWindow, start: number, members: number): Promise<Run | undefined> {
  const guesses: Guess[] = [];
  let size = 0;
  let end = start;
  while (guesses.length < members) {
    const guess = await guessMember(window, end);
    if (guess === undefined || (guesses.length > 0 && size + guess.size > RUN_BYTES)) break;
    guesses.push(guess);
    size += guess.size;
    end = guess.end;
  }
  if (guesses.length === 0) return undefined;
  const bytes = window.from(start).subarray(0, end - start);
  const content =
    guesses.length === 1
      ? inflateWhole(bytes.subarray(guesses[0].body - start), size)
      : inflateRun(
          bytes,
          guesses.map((guess) => ({ end: guess.end - start, size: guess.size })),
          size,
        );
  return { guesses, size, content };
}

async function guessMember(window: CompressedWindow, start: number): Promise<Guess | undefined> {
  const header = await readHeader(window, start);
  if (typeof header !== 'number') return undefined;
  let searched = start + header;
  let end = -1;
  for (;;) {
    const found = window.from(searched).indexOf(GZIP_MAGIC);
    if (found >= 0) {
      end = searched + found;
      break;
    }
    if (window.complete) {
      end = window.end;
      break;
    }
    if (window.end - start > SMALL_MEMBER_BYTES) return undefined;
    searched = Math.max(searched, window.end - GZIP_MAGIC.length + 1);
    await window.grow();
  }
  const body = window.from(start + header).subarray(0, end - start - header);
  if (body.length <= TRAILER_BYTES || body.length > SMALL_MEMBER_BYTES) return undefined;
  const size = body.readUInt32LE(body.length - 4);
  if (size > SMALL_CONTENT_BYTES) return undefined;
  return { start, body: start + header, end, size };
}

/** Length of the member header at `start`; 'end' of the file; 'short' where the file ends in it; else no header. */
async function readHeader(
  window: CompressedWindow,
  start: number,
): Promise<number | 'end' | 'short' | undefined> {
  let wanted = 64;
  for (;;) {
    const bytes = await window.require(start, wanted);
    if (bytes.length === 0) return 'end';
    const length = memberHeaderLength(bytes, 0);
    if (length !== 'short' || window.complete) return length;
    // The extra field has at most 64 kB; names without an end are cut off by `memberHeaderLength`.
    wanted = Math.min(wanted * 4, 2 * MAX_MEMBER_HEADER_BYTES);
    if (bytes.length >= wanted) wanted = bytes.length + 1;
  }
}

/** Streams one member. Returns where the next one begins. */
async function* streamMember(
  window: CompressedWindow,
  start: number,
  body: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece, number> {
  let fed = body;
  const stream = inflateStream(async () => {
    const bytes = (await window.require(fed, INPUT_STEP_BYTES)).subarray(0, INPUT_STEP_BYTES);
    fed += bytes.length;
    window.discard(fed - SEARCH_BACK_BYTES);
    return bytes.length === 0 ? undefined : bytes;
  });
  const held: Buffer[] = [];
  const ending = yield* deliver(stream, held);
  let damage: Damage;
  if (ending.kind === 'end') {
    const trailer = body + ending.consumed;
    const bytes = await window.require(trailer, TRAILER_BYTES);
    const end = trailer + TRAILER_BYTES;
    if (bytes.length < TRAILER_BYTES) {
      damage = await brokenOff(window, start, 'the file ends in the trailer of a gzip member', startsRecord);
    } else if (
      bytes.readUInt32LE(0) === ending.crc &&
      bytes.readUInt32LE(4) === ending.size % 0x1_0000_0000
    ) {
      for (const part of held) yield { kind: 'content', bytes: part };
      yield { kind: 'boundary', file: end };
      return end;
    } else {
      // Damage can end the deflate stream anywhere; the end is believed if something sensible follows it.
      const isEnd = typeof (await readHeader(window, end)) !== 'undefined';
      const next = isEnd ? end : await findMember(window, start + 1, startsRecord);
      const detail = 'CRC-32 or size of a gzip member does not fit';
      yield { kind: 'damage', start, end: next, reason: 'checksum', detail };
      return next;
    }
  } else if (ending.kind === 'truncated') {
    damage = await brokenOff(window, start, 'the file ends in a gzip member', startsRecord);
  } else {
    const end = await findMember(window, start + 1, startsRecord);
    damage = {
      kind: 'damage',
      start,
      end,
      reason: 'garbage',
      detail: `a gzip member is damaged: ${ending.detail}`,
    };
  }
  for (const part of held) yield { kind: 'content', bytes: part };
  yield damage;
  return damage.end;
}

/** Passes the content of a member on, all but what is to be held back until it is verified. */
async function* deliver(
  stream: AsyncGenerator<Buffer, StreamEnd>,
  held: Buffer[],
): AsyncGenerator<Piece, StreamEnd> {
  let heldBytes = 0;
  try {
    for (;;) {
      const step = await stream.next();
      if (step.done === true) return step.value;
      held.push(step.value);
      heldBytes += step.value.length;
      if (heldBytes > HELD_BYTES) for (const bytes of held.splice(0)) yield { kind: 'content', bytes };
    }
  } finally {
    await stream.return({ kind: 'truncated' });
  }
}

/**
 * A member that the file ends in: it was cut off, unless members follow behind its beginning, which it hides because a
 * length in it is wrong.
 */
async function brokenOff(
  window: CompressedWindow,
  start: number,
  detail: string,
  startsRecord: (content: Buffer) => boolean,
): Promise<Damage> {
  const end = await findMember(window, start + 1, startsRecord);
  if (end === window.end) return { kind: 'damage', start, end, reason: 'truncated', detail };
  return { kind: 'damage', start, end, reason: 'garbage', detail: 'a gzip member runs over later ones' };
}

/** Bytes that belong to no member, up to the next one. */
async function readGap(
  window: CompressedWindow,
  start: number,
  header: 'short' | undefined,
  startsRecord: (content: Buffer) => boolean,
): Promise<Damage> {
  if (header === 'short') {
    return brokenOff(window, start, 'the file ends in the header of a gzip member', startsRecord);
  }
  const end = await findMember(window, start + 1, startsRecord);
  return { kind: 'damage', start, end, reason: 'garbage', detail: 'bytes that belong to no gzip member' };
}

/** File offset of the next member at or behind `from` whose content begins a record; the end of the file if none. */
async function findMember(
  window: CompressedWindow,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<number> {
  let position = Math.max(from, window.start);
  for (;;) {
    const found = window.from(position).indexOf(GZIP_MAGIC);
    if (found === -1) {
      if (window.complete) return window.end;
      position = Math.max(position, window.end - GZIP_MAGIC.length + 1);
      window.discard(position);
      await window.grow();
      continue;
    }
    position += found;
    const header = await readHeader(window, position);
    if (typeof header === 'number') {
      const body = (await window.require(position + header, PROBE_BYTES)).subarray(0, PROBE_BYTES);
      const probe = inflateStart(body);
      if (probe !== undefined && startsRecord(probe.content)) return position;
    }
    position += 1;
  }
}
