/** A curve in one line of text. */

const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * The values in at most `width` characters, each the mean of neighbouring values, between the least and the largest of
 * these. Values that are not finite are left out.
 */
export function sparkline(values: readonly number[], width: number): string {
  const finite = values.filter(Number.isFinite);
  const count = Math.min(width, finite.length);
  const means = Array.from({ length: count }, (_, at) => {
    const part = finite.slice(
      Math.floor((at * finite.length) / count),
      Math.floor(((at + 1) * finite.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const level = (value: number): number =>
    high > low ? Math.round(((value - low) / (high - low)) * (LEVELS.length - 1)) : 0;
  return means.map((value) => LEVELS[level(value)]).join('');
}
