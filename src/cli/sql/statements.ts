/** Cuts what is typed into statements, each up to its semicolon. */

/** Texts, names in quotes, dollar quotes and comments, whole or as far as they go; a semicolon; anything else. */
const TOKEN =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[^'"$\-/;]+|[\s\S]/g;

export interface Cut {
  /** Complete statements, without their semicolons. */
  readonly statements: readonly string[];
  /** What follows the last semicolon. */
  readonly rest: string;
}

export function cutStatements(text: string): Cut {
  const statements: string[] = [];
  let current = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token !== ';') {
      current += token;
      continue;
    }
    if (current.trim() !== '') statements.push(current.trim());
    current = '';
  }
  return { statements, rest: current.trim() === '' ? '' : current };
}
