/** What all cutters share: turning a range of the window into a record or a bad record. */
import type { ContentWindow } from '../containers/content-window.js';
import type { Damage } from '../containers/pieces.js';
import type { BadReason, BadRecord, CutRecord } from '../records.js';

/** Hands out the next `length` bytes as a record. */
export async function takeRecord(window: ContentWindow, length: number): Promise<CutRecord> {
  const start = window.position;
  const place = await window.place(start, start + length, window.fileStart(start));
  const bytes = window.peek(0, length);
  window.skip(length);
  return { kind: 'record', ...place, bytes, next: await window.resumeAt(start + length) };
}

/** Reports content from `start` (of which `fileStart` was taken then) up to the window's position. */
export async function reportBad(
  window: ContentWindow,
  start: number,
  fileStart: number | undefined,
  reason: BadReason,
  detail: string,
): Promise<BadRecord> {
  const place = await window.place(start, window.position, fileStart);
  return { kind: 'bad', ...place, reason, detail, next: await window.resumeAt(window.position) };
}

/** Reports damage together with the record that it interrupts, which begins at `start`, and goes on behind it. */
export async function reportDamage(
  window: ContentWindow,
  start: number,
  fileStart: number | undefined,
): Promise<BadRecord> {
  const damage = window.damage as Damage;
  const place = await window.damagedPlace(start, fileStart, damage);
  window.passDamage();
  const next = { space: 'file', offset: damage.end } as const;
  return { kind: 'bad', ...place, reason: damage.reason, detail: damage.detail, next };
}
