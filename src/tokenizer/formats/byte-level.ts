/**
 * The printable character by which GPT-2's files write each byte (`bytes_to_unicode` of its encoder.py): printable
 * Latin-1 stands for itself, the other bytes for U+0100 and following in their order. Space is U+0120, "Ġ".
 */

function buildCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}

const CHARACTERS = buildCharacters();

const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** Bytes in the order of their characters: the ids that a new vocabulary gives them. */
export const BYTES_IN_ORDER: readonly number[] = [...BYTES.keys()]
  .sort()
  .map((key) => BYTES.get(key) as number);

export function toByteLevel(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CHARACTERS[byte];
  return text;
}

/** The bytes of a token, or undefined where the text has a character that stands for no byte. */
export function fromByteLevel(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const byte = BYTES.get(text[index]);
    if (byte === undefined) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}
