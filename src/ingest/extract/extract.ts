export function extractMainText(
  html: string,
  _options: { url?: string } = {},
): { text: string; title: string | null; language: string | null; date: string | null } {
  return {
    text: html.replace(/<script[^]*?<\/script>/gi, '').replace(/<[^>]+>/g, ''),
    title: null,
    language: null,
    date: null,
  };
}
