/** Tar archives byte by byte (POSIX ustar). */

/** A header of ustar with a size and a name, and the content in blocks. */
export function tarMember(
  name: string,
  content: Buffer | string,
  changes: (header: Buffer) => void = () => undefined,
): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0', 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('ustar\x0000', 257);
  header.write('0', 156);
  changes(header);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** What an archive ends with. */
export const tarEnd = Buffer.alloc(1024);
