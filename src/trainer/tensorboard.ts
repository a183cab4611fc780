/**
 * TensorBoard's event files: the curves of a run in models/<run>/tensorboard/, for `tensorboard --logdir`.
 *
 * A file is a series of TFRecords, each a serialized Event (tensorflow/core/lib/io/record_writer.cc and
 * tensorflow/core/util/event.proto): length as uint64, the masked CRC-32C of its bytes, the event, the masked CRC-32C of
 * that, all little-endian. A process writes one file, named by the step that it begins with; a file of that name was left
 * by a process that died before its first checkpoint and is replaced. Its first records say that everything from that step
 * on comes again, so TensorBoard forgets what earlier processes wrote of steps that no checkpoint had.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError } from '../core/errors.js';
import { ensureFolder, writeFileAtomic } from '../core/files.js';
import { ProtobufWriter } from './engines/onnx/protobuf.js';
import type { StepMetrics } from './metrics.js';

export const TENSORBOARD_FOLDER = 'tensorboard';

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 } as const;
const SESSION_LOG = { status: 1, start: 1 } as const;
const VERSION = 'brain.Event:2';

/** Tags by the names of the metrics. */
const TAGS = {
  loss: 'training/loss',
  learning_rate: 'training/learning_rate',
  gradient_norm: 'training/gradient_norm',
  tokens_per_second: 'training/tokens_per_second',
  validation_loss: 'validation/loss',
  bits_per_byte: 'validation/bits_per_byte',
} as const;

export class EventFile {
  private readonly path: string;
  private readonly now: () => number;

  /**
   * @param step of the checkpoint that the run resumes from; 0 for a run that begins
   * @param now seconds since 1970, which TensorBoard shows beside the steps
   */
  static async open(
    folder: string,
    step: number,
    now: () => number = () => Date.now() / 1000,
  ): Promise<EventFile> {
    const path = join(folder, TENSORBOARD_FOLDER, `events.out.tfevents.${String(step).padStart(10, '0')}`);
    await ensureFolder(join(folder, TENSORBOARD_FOLDER));
    const version = event(now(), 0, (writer) => writer.string(EVENT.fileVersion, VERSION));
    const start = event(now(), step + 1, (writer) =>
      writer.message(EVENT.sessionLog, (log) => log.integer(SESSION_LOG.status, SESSION_LOG.start)),
    );
    await writeFileAtomic(path, Buffer.concat([record(version), record(start)]));
    return new EventFile(path, now);
  }

  private constructor(path: string, now: () => number) {
    this.path = path;
    this.now = now;
  }

  /** Figures that are not there, or were not finite, are left out. */
  async append(metrics: StepMetrics): Promise<void> {
    const values = Object.entries(TAGS).flatMap(([name, tag]): [string, number][] => {
      const value = metrics[name as keyof typeof TAGS];
      return value === undefined || value === null ? [] : [[tag, value]];
    });
    const bytes = event(this.now(), metrics.step, (writer) =>
      writer.message(EVENT.summary, (summary) => {
        for (const [tag, value] of values) {
          summary.message(SUMMARY_VALUE, (one) => {
            one.string(VALUE.tag, tag);
            one.float(VALUE.simpleValue, value);
          });
        }
      }),
    );
    try {
      await appendFile(this.path, record(bytes));
    } catch (error) {
      throw fromSystemError(error, this.path);
    }
  }
}

function event(wallTime: number, step: number, write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter();
  writer.double(EVENT.wallTime, wallTime);
  writer.integer(EVENT.step, step);
  write(writer);
  return writer.finish();
}

/** A TFRecord. */
export function record(data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length + 4);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(maskedCrc(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return bytes;
}

/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL);
  return crc;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Rotated and moved, because the CRC of data that contain their own CRC is degenerate. */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}
