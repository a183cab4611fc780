/** A text or HTML file: the whole content is one record. An empty file has none. */
import type { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CutRecord } from '../records.js';
import { reportBad, reportDamage, takeRecord } from './cutting.js';
import type { CutLimits } from './limits.js';

export async function* cutWhole(
  window: ContentWindow,
  limits: CutLimits,
): AsyncGenerator<CutRecord | BadRecord> {
  // Damage can be passed and more content follow, which is then a record of its own: nothing readable is lost.
  while ((await window.fill(1)) || window.damage !== undefined) {
    const start = window.position;
    const fileStart = window.fileStart(start);
    if (await window.fill(limits.fileBytes + 1)) {
      await window.skipStream(Number.MAX_SAFE_INTEGER);
      const detail = `${window.position - start} bytes; a text is a file, and its limit is ${limits.fileBytes}`;
      yield await reportBad(window, start, fileStart, 'too-large', detail);
    } else if (window.damage !== undefined) {
      yield await reportDamage(window, start, fileStart);
    } else {
      yield await takeRecord(window, window.available);
    }
  }
}
