/**
 * Reads the members of a tar archive as sources of their own, in one pass over the archive: each has its own format,
 * container and places, and is called `ARCHIVE!MEMBER`.
 *
 * What is no file of a known kind is passed and counted. Reading goes on at the header of any member.
 */
import { headOf, openContent, openSource, contentBytesBefore, readHead } from '../containers/content.js';
import { ContentWindow } from '../containers/content-window.js';
import { startsWithTar, walkTar } from '../containers/tar.js';
import { TarMemberReader } from '../containers/tar-member.js';
import { isKnownName } from '../sources/names.js';
import { memberLocation } from '../sources/location.js';
import type { BadRecord, Position, SkippedRecord, Source } from '../records.js';
import type { SourceStream } from './cut.js';

/** A member that is to be read, before the next one is asked for. */
export interface ArchiveMember {
  readonly kind: 'member';
  readonly source: Source;
  readonly stream: SourceStream;
}

/** The archive is read up to `next`, where the header of a member begins. */
export interface ArchivePosition {
  readonly kind: 'position';
  readonly next: Position;
}

/** @param from position of an earlier reading; default: the beginning */
export async function* readArchive(
  archive: Source,
  from: Position = { space: 'file', offset: 0 },
): AsyncGenerator<ArchiveMember | ArchivePosition | BadRecord | SkippedRecord> {
  const { container } = await readHead(archive.location);
  const skipTo = container !== 'plain' && from.space === 'content' ? from.offset : 0;
  const file = skipTo > 0 ? 0 : from.offset;
  const opened = await openContent(archive.location, container, file, startsWithTar);
  const seen = new Map<string, string>();
  try {
    const window = new ContentWindow(opened.pieces, {
      plain: container === 'plain',
      file,
      contentBefore: () => contentBytesBefore(archive.location, container, file, startsWithTar),
    });
    await window.skipTo(skipTo);
    for await (const entry of walkTar(window)) {
      if (entry.kind === 'gap') {
        const next = await window.resumeAt(window.position);
        const length = Math.max(0, window.position - entry.start);
        const offset = await window.contentOffset(entry.start);
        const { reason, detail } = entry;
        yield { kind: 'bad', space: 'content', offset, length, reason, detail, next };
        continue;
      }
      const { name, size, offset: start } = entry;
      const next = await window.resumeAt(entry.header);
      const offset = await window.contentOffset(start);
      yield { kind: 'position', next };
      const skipped = (reason: string): SkippedRecord => ({
        kind: 'other',
        space: 'content',
        offset,
        length: size,
        reason,
        next,
      });
      if (!isKnownName(name)) {
        yield skipped('member-not-read');
        continue;
      }
      const reader = new TarMemberReader(window, size);
      const head = await headOf((count) => reader.peek(count), name);
      if (startsWithTar(head.content)) {
        yield skipped('member-archive');
        continue;
      }
      const place = { offset, length: size, name };
      const location = memberLocation({ archive: archive.location, ...place });
      const origin =
        archive.origin === undefined ? undefined : memberLocation({ archive: archive.origin, ...place });
      // Of members of the same name all are read, and each has a name of its own.
      const plainName = `${archive.name}!${name}`;
      const memberName = seen.has(plainName) ? `${plainName}@${offset}` : plainName;
      seen.set(memberName, location);
      yield {
        kind: 'member',
        source: { name: memberName, location, ...(origin && { origin }), size, modifiedMs: null },
        stream: {
          head,
          async open(at) {
            if (at < reader.position) return openSource(location, at);
            await reader.skipTo(at);
            return reader;
          },
        },
      };
    }
  } finally {
    await opened.close();
  }
}
