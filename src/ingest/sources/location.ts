/** Where a source lies: a path, `-`, an address, or a member of an archive. */
import { resolve } from 'node:path';

/** Standard input. */
export const STDIN = '-';

/**
 * Locations of members of archives: `ARCHIVE!OFFSET+LENGTH!NAME`, where the archive is a path or an address and offset
 * and length are bytes of its decompressed content. Their sources are called `ARCHIVE!NAME`.
 */
export interface MemberLocation {
  readonly archive: string;
  readonly offset: number;
  readonly length: number;
  readonly name: string;
}

const LOCATION = /^(.+?)!(\d{1,15})\+(\d{1,15})!([^]+)$/;

export function memberLocation({ archive, offset, length, name }: MemberLocation): string {
  return `${archive}!${offset}+${length}!${name}`;
}

export function parseMemberLocation(location: string): MemberLocation | undefined {
  const match = LOCATION.exec(location);
  if (match === null) return undefined;
  const [, archive, offset, length, name] = match;
  return { archive, offset: Number(offset), length: Number(length), name };
}

/** Whether a location is an address and no path. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** Whether a location is the path of a file. */
export function isFileLocation(location: string): boolean {
  return location !== STDIN && !isUrl(location) && parseMemberLocation(location) === undefined;
}

/** So that a record can be fetched again from any folder. */
export function absoluteLocation(location: string): string {
  if (location === STDIN || isUrl(location)) return location;
  const member = parseMemberLocation(location);
  return member === undefined
    ? resolve(location)
    : memberLocation({ ...member, archive: absoluteLocation(member.archive) });
}
