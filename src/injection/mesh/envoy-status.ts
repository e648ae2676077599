/** HTTP status codes Envoy has a name for. */

const RANGES = [
  [100, 100],
  [200, 208],
  [226, 226],
  [300, 305],
  [307, 308],
  [400, 418],
  [421, 424],
  [426, 426],
  [428, 429],
  [431, 431],
  [500, 508],
  [510, 511],
] as const

/** Source: Envoy's enum type.v3.StatusCode. */
export const ENVOY_STATUS_CODES: ReadonlySet<number> = new Set(
  RANGES.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
)
