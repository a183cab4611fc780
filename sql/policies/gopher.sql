-- Gopher's quality rules (Rae et al. 2021, arXiv 2112.11446, table A1) with the thresholds of datatrove 0.10,
-- GopherQualityFilter: all of its rules, in its order.
-- Variant: mean length of words; ellipses are `...` and `…`; stop words are different ones, case matters. Repetition has a
-- policy of its own, `gopher-repetition`, as it has a filter of its own in datatrove.
SET VARIABLE min_words = 50; -- fewest words, punctuation not counted
SET VARIABLE max_words = 100000; -- most words, punctuation not counted
SET VARIABLE min_mean_word_length = 3; -- shortest mean word, characters
SET VARIABLE max_mean_word_length = 10; -- longest mean word, characters
SET VARIABLE max_symbol_word_ratio = 0.1; -- most hash signs per word, and most ellipses per word
SET VARIABLE max_bullet_line_ratio = 0.9; -- largest share of lines that begin with a bullet or hyphen
SET VARIABLE max_ellipsis_line_ratio = 0.3; -- largest share of lines that end with an ellipsis
SET VARIABLE min_alphabetic_word_ratio = 0.8; -- smallest share of words with a letter
SET VARIABLE min_stop_words = 2; -- fewest different words of: the, be, to, of, and, that, have, with

SELECT
  ordinal,
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(word_count > getvariable('max_words'), word_count) AS too_many_words,
  drop_if(mean_word_length < getvariable('min_mean_word_length'), mean_word_length) AS words_too_short,
  drop_if(mean_word_length > getvariable('max_mean_word_length'), mean_word_length) AS words_too_long,
  drop_if(hash_word_ratio > getvariable('max_symbol_word_ratio'), hash_word_ratio) AS too_many_hashes,
  drop_if(ellipsis_word_ratio > getvariable('max_symbol_word_ratio'), ellipsis_word_ratio) AS too_many_ellipses,
  drop_if(bullet_line_ratio > getvariable('max_bullet_line_ratio'), bullet_line_ratio) AS too_many_bullet_lines,
  drop_if(ellipsis_line_ratio > getvariable('max_ellipsis_line_ratio'), ellipsis_line_ratio) AS too_many_ellipsis_lines,
  drop_if(alphabetic_word_ratio < getvariable('min_alphabetic_word_ratio'), alphabetic_word_ratio) AS too_few_alphabetic_words,
  drop_if(stop_word_count < getvariable('min_stop_words'), stop_word_count) AS too_few_stop_words
FROM signals;
