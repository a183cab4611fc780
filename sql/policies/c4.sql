-- C4's rules for documents (Raffel et al. 2020, arXiv 1910.10683, section 2.2) as datatrove 0.10 has them, C4QualityFilter
-- and C4BadWordsFilter, in their order, and the paragraph rule of mC4, which is off by default.
-- Variant: sentences and spoilt lines are those of the lines that C4 keeps; the kept text is not changed by a policy, for
-- that ingest with `--transform c4`.
SET VARIABLE min_sentences = 5; -- fewest sentences in the lines that stay
SET VARIABLE max_bad_words = 0; -- most obscene words (LDNOOBW, in the language of the document)
SET VARIABLE min_long_paragraphs = 0; -- fewest lines of at least 200 characters; mC4 has 3

SELECT
  ordinal,
  drop_if(c4_lorem_ipsum_line > 0 AND (c4_curly_bracket_line = 0 OR c4_lorem_ipsum_line <= c4_curly_bracket_line), c4_lorem_ipsum_line) AS lorem_ipsum,
  drop_if(c4_curly_bracket_line > 0, c4_curly_bracket_line) AS curly_bracket,
  drop_if(c4_sentence_count < getvariable('min_sentences'), c4_sentence_count) AS too_few_sentences,
  drop_if(bad_word_count > getvariable('max_bad_words'), bad_word_count) AS bad_words,
  drop_if(long_paragraph_count < getvariable('min_long_paragraphs'), long_paragraph_count) AS too_few_long_paragraphs
FROM signals;
