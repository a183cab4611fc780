-- Gopher's repetition rules (Rae et al. 2021, arXiv 2112.11446, table A1) with the thresholds of datatrove 0.10,
-- GopherRepetitionFilter: all of its rules, in its order.
-- Variant: a copy is what repeats an earlier one, the first is none; shares are of all characters of the text.
SET VARIABLE max_duplicate_paragraph_ratio = 0.3; -- largest share of paragraphs that repeat an earlier one
SET VARIABLE max_duplicate_paragraph_character_ratio = 0.2; -- largest share of characters in such paragraphs
SET VARIABLE max_duplicate_line_ratio = 0.3; -- largest share of lines that repeat an earlier one
SET VARIABLE max_duplicate_line_character_ratio = 0.2; -- largest share of characters in such lines
SET VARIABLE max_top_2gram_character_ratio = 0.2; -- largest share of characters in the most frequent 2-gram
SET VARIABLE max_top_3gram_character_ratio = 0.18; -- largest share of characters in the most frequent 3-gram
SET VARIABLE max_top_4gram_character_ratio = 0.16; -- largest share of characters in the most frequent 4-gram
SET VARIABLE max_duplicate_5gram_character_ratio = 0.15; -- largest share of characters in 5-grams that repeat an earlier one
SET VARIABLE max_duplicate_6gram_character_ratio = 0.14; -- largest share of characters in 6-grams that repeat an earlier one
SET VARIABLE max_duplicate_7gram_character_ratio = 0.13; -- largest share of characters in 7-grams that repeat an earlier one
SET VARIABLE max_duplicate_8gram_character_ratio = 0.12; -- largest share of characters in 8-grams that repeat an earlier one
SET VARIABLE max_duplicate_9gram_character_ratio = 0.11; -- largest share of characters in 9-grams that repeat an earlier one
SET VARIABLE max_duplicate_10gram_character_ratio = 0.1; -- largest share of characters in 10-grams that repeat an earlier one

SELECT
  ordinal,
  drop_if(duplicate_paragraph_ratio > getvariable('max_duplicate_paragraph_ratio'), duplicate_paragraph_ratio) AS duplicate_paragraphs,
  drop_if(duplicate_paragraph_character_ratio > getvariable('max_duplicate_paragraph_character_ratio'), duplicate_paragraph_character_ratio) AS duplicate_paragraph_characters,
  drop_if(duplicate_line_ratio > getvariable('max_duplicate_line_ratio'), duplicate_line_ratio) AS duplicate_lines,
  drop_if(duplicate_line_character_ratio > getvariable('max_duplicate_line_character_ratio'), duplicate_line_character_ratio) AS duplicate_line_characters,
  drop_if(top_2gram_character_ratio > getvariable('max_top_2gram_character_ratio'), top_2gram_character_ratio) AS top_2gram,
  drop_if(top_3gram_character_ratio > getvariable('max_top_3gram_character_ratio'), top_3gram_character_ratio) AS top_3gram,
  drop_if(top_4gram_character_ratio > getvariable('max_top_4gram_character_ratio'), top_4gram_character_ratio) AS top_4gram,
  drop_if(duplicate_5gram_character_ratio > getvariable('max_duplicate_5gram_character_ratio'), duplicate_5gram_character_ratio) AS duplicate_5grams,
  drop_if(duplicate_6gram_character_ratio > getvariable('max_duplicate_6gram_character_ratio'), duplicate_6gram_character_ratio) AS duplicate_6grams,
  drop_if(duplicate_7gram_character_ratio > getvariable('max_duplicate_7gram_character_ratio'), duplicate_7gram_character_ratio) AS duplicate_7grams,
  drop_if(duplicate_8gram_character_ratio > getvariable('max_duplicate_8gram_character_ratio'), duplicate_8gram_character_ratio) AS duplicate_8grams,
  drop_if(duplicate_9gram_character_ratio > getvariable('max_duplicate_9gram_character_ratio'), duplicate_9gram_character_ratio) AS duplicate_9grams,
  drop_if(duplicate_10gram_character_ratio > getvariable('max_duplicate_10gram_character_ratio'), duplicate_10gram_character_ratio) AS duplicate_10grams
FROM signals;
