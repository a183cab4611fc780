/**
 * Short lines that announce other texts, name sources or ask for something: in the middle of a text no markup tells them
 * from it, but the same few phrases are used everywhere. In the languages of the large part of the web that
 * writes them; in others such a line stays in the text.
 */

/** Longer lines are text. */
const MAX_CHARS = 200;

/** A line that begins with one of these and is short. */
const OPENERS = [
  // English
  "read (?:more|also|next|further)|see also|more on this|more from|you (?:may|might) (?:also )?(?:like|be interested)|don'?t miss|explore further|share this|follow us",
  // German
  '(?:noch )?mehr (?:zum thema|infos|dazu)|auch interessant|das könnte (?:sie|dich)|lesen sie (?:auch|hier|mehr|das)|lies auch|lesetipp|weiterlesen|weitere (?:informationen|artikel|themen|inhalte|[a-z]+tipps)|weiterführende?r? (?:informationen|links?|artikel)|schon gelesen|passend dazu',
  // French, Spanish, Italian, Portuguese, Dutch, Polish
  'lire aussi|à lire|voir aussi|sur le même sujet|en savoir plus|[tl]e puede interesar|lea también|lee también|leer más|ver más|temas relacionados|noticias relacionadas|leggi anche|leia (?:também|mais)|saiba mais|lees ook|czytaj (?:też|także|również)|zobacz (?:też|także)|polecane',
];
/** A label before a colon: who made the picture, who wrote it, when. */
const LABELS =
  '(?:titel|symbol)?(?:foto|bild|photo|crédit)s?|image|source|quelle|fotograf|photograph|text|crédito|fuente|illustration|grafik|screenshot|autor|author|by|von|published|posted|updated|publiziert|aktualisiert|veröffentlicht|stand|publicado|publié|data|datum';
const RIGHTS =
  '©|\\(c\\)|copyright|all rights reserved|alle rechte vorbehalten|tous droits réservés|todos los derechos|tutti i diritti|wszelkie prawa';
/** Anywhere in a line. */
const REQUESTS =
  'newsletter|suscríbete|subscribe (?:to|now)|sign up (?:for|here)|jetzt abonnieren|zum abo|abonnez-vous|download the [a-z]+ app|follow us on|folgen sie uns|folge uns|síguenos';
/** A whole line. */
const BUTTONS =
  'related(?: (?:articles?|posts?|stories|content|links|topics|news|reading|videos?))?|recommended(?: for you)?|advertisement|leave a comment|comments?|zum thema|empfehlungen(?: (?:aus|der) .{3,20})?|anzeige|werbung|kommentare|kommentar schreiben|externer inhalt|drucken|e-?mail|facebook|flipboard|instagram|linkedin|pdf|pinterest|pocket|print|reddit|twitter|tweet|whatsapp|xing|teilen|share|merken|nach oben|zurück|back to top|top|weiter|next|previous|kontakt|contact|tags?|schlagworte|schlagwörter';

/** Marks before and behind a phrase. `\\W` would be wrong: to it, letters beyond ASCII are marks too. */
const MARKS = '[^\\p{L}\\p{N}]*';

const PHRASE = new RegExp(
  [
    `^[^\\p{L}\\p{N}©]*(?:${RIGHTS})`,
    `^${MARKS}(?:${OPENERS.join('|')})(?!\\p{L}).{0,60}$`,
    `^${MARKS}(?:${LABELS})\\s*(?:credit|source|via|by|von|courtesy)?\\s*:.{0,80}$`,
    `(?:${REQUESTS}).{0,120}$`,
    `^${MARKS}(?:${BUTTONS})${MARKS}$`,
  ].join('|'),
  'iu',
);

export function isBoilerplatePhrase(text: string): boolean {
  return text.length < MAX_CHARS && PHRASE.test(text);
}
