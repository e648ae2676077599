/** Names of an object's members. V8 sorts those of a long map each time it is asked, and a validation asks five times. */

const LONG = 500

/** Of the validation that runs; none outside of one, as objects may be changed between two. */
let longOnes: WeakMap<object, readonly string[]> | undefined

/** As `Object.keys`; while `rememberingKeys` runs, a long list is made once. */
export function keysOf(bag: object): readonly string[] {
  const known = longOnes?.get(bag)
  if (known !== undefined) return known
  const keys = Object.keys(bag)
  if (keys.length >= LONG) longOnes?.set(bag, keys)
  return keys
}

/** What `run` answers. It must not change any object that it asks `keysOf` for. */
export function rememberingKeys<Result>(run: () => Result): Result {
  if (longOnes !== undefined) return run()
  longOnes = new WeakMap()
  try {
    return run()
  } finally {
    longOnes = undefined
  }
}

/** As `Object.entries`, with the keys of `keysOf`. */
export const entriesOf = <Value>(bag: Readonly<Record<string, Value>>): readonly (readonly [string, Value])[] =>
  keysOf(bag).map((key) => [key, bag[key] as Value])
