/**
 * Repairs UTF-8 that somebody read as Windows-1252 and saved again: `cafÃ©`, `itâ€™s`, `ÐŸÑ€Ð¸Ð²ÐµÑ‚`.
 *
 * The idea is that of ftfy (Speer 2019): a sequence of characters that are bytes of one UTF-8 character under
 * Windows-1252 is hardly ever meant. Where it may be meant, because its parts stand next to each other in good text
 * too (`CAFÉ»`, `MANHÃ”`), it is left alone. Linear in the text.
 */

/** Characters that Windows-1252 has at 0x80 to 0x9F; where it has none, the control character of that number. */
const HIGH = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ';
const BYTE_OF = new Map<string, number>(Array.from(HIGH, (character, index) => [character, 0x80 + index]));

const CONTINUATION = `[\\u0080-\\u00BF${HIGH}]`;
/** Runs of UTF-8 sequences of two, three and four bytes. */
const SEQUENCES = new RegExp(
  `(?:[\\u00C2-\\u00DF]${CONTINUATION}|[\\u00E0-\\u00EF]${CONTINUATION}{2}|[\\u00F0-\\u00F4]${CONTINUATION}{3})+`,
  'g',
);

/** A text that was spoilt more often than this is not put right. */
const MAX_ROUNDS = 3;
/** Marks that close or go on behind a word, and are continuation bytes: behind a capital letter they are meant. */
const BEHIND_WORDS = new Set('»”’“‘…–—™®°º·');
/** Languages of one byte beyond ASCII a word; others give whole words, so two sequences must stand together. */
const LATIN_LEADS = new Set('ÂÃÄÅ');
/** Leads of punctuation (U+2000 to U+2FFF), of full-width forms and of emoji, which stand alone. */
const LONE_LEADS = new Set('âïð');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** With the control characters at 0x80 to 0x9F, which a text has that was spoilt twice. */
const PLAUSIBLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\uFEFF\u200B-\u200F\u00AD\u0080-\u009F]+$/u;

export function repairMojibake(text: string): string {
  let result = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // A letter by itself is a word where others of its script were spoilt too.
    const leads = new Set<string>();
    for (const [run] of result.matchAll(SEQUENCES)) {
      const decoded = decodeRun(run);
      if (decoded !== undefined && [...decoded].length > 1) leads.add(run[0]);
    }
    const repaired = result.replace(SEQUENCES, (run, offset: number) =>
      isMeant(run, result[offset - 1] ?? '', leads) ? run : (decodeRun(run) ?? run),
    );
    if (repaired === result) break;
    result = repaired;
  }
  return result;
}

/** What a run was; undefined where it was nothing that a text has. */
function decodeRun(run: string): string | undefined {
  const bytes = Uint8Array.from(run, (character) => BYTE_OF.get(character) ?? character.charCodeAt(0));
  try {
    const decoded = utf8.decode(bytes);
    return PLAUSIBLE.test(decoded) ? decoded : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a run may be what its author wrote. @param leads first characters of runs that are more than one character */
function isMeant(run: string, before: string, leads: ReadonlySet<string>): boolean {
  const [lead] = run;
  if (run.length > lengthOf(lead) || leads.has(lead) || LONE_LEADS.has(lead)) return false;
  if (!LATIN_LEADS.has(lead)) return true;
  return /\p{Lu}/u.test(before) && BEHIND_WORDS.has(run[1]);
}

/** Characters of a sequence that begins with this one. */
function lengthOf(lead: string): number {
  return lead < 'à' ? 2 : lead < 'ð' ? 3 : 4;
}
