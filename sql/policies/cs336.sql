-- The subset of Gopher's quality rules that Stanford's course CS336 (assignment 4) asks for: number and mean length of
-- the words, lines that end with an ellipsis, words with a letter. Nothing else is dropped.
SET VARIABLE min_words = 50; -- fewest words, punctuation not counted
SET VARIABLE max_words = 100000; -- most words, punctuation not counted
SET VARIABLE min_mean_word_length = 3; -- shortest mean word, characters
SET VARIABLE max_mean_word_length = 10; -- longest mean word, characters
SET VARIABLE max_ellipsis_line_ratio = 0.3; -- largest share of lines that end with an ellipsis
SET VARIABLE min_alphabetic_word_ratio = 0.8; -- smallest share of words with a letter

SELECT
  ordinal,
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(word_count > getvariable('max_words'), word_count) AS too_many_words,
  drop_if(mean_word_length < getvariable('min_mean_word_length'), mean_word_length) AS words_too_short,
  drop_if(mean_word_length > getvariable('max_mean_word_length'), mean_word_length) AS words_too_long,
  drop_if(ellipsis_line_ratio > getvariable('max_ellipsis_line_ratio'), ellipsis_line_ratio) AS too_many_ellipsis_lines,
  drop_if(alphabetic_word_ratio < getvariable('min_alphabetic_word_ratio'), alphabetic_word_ratio) AS too_few_alphabetic_words
FROM signals;
