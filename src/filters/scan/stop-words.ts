/** Gopher's stop words (arXiv 2112.11446, section A.1). */
export const STOP_WORDS = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'] as const;
