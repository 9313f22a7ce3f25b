/** The middle one; of an even count the upper of the two. @throws RangeError without values. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError('no values to take the median of');
  return middle;
}
