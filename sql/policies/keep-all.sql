-- Keeps every document. Signals are measured all the same, so that a policy can be chosen later.
SELECT ordinal FROM signals;
