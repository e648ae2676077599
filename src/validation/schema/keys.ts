/** Names of an object's members. V8 sorts those of a long map each time it is asked, and a validation asks five times. */

const LONG = 500

/** Nothing is remembered outside of a validation, as objects may be changed between two. */
let isRemembering = false
/** Made for the first long map: nearly all objects have none, and are not to pay for looking. */
let longOnes: WeakMap<object, readonly string[]> | undefined

/** As `Object.keys`; while `rememberingKeys` runs, a long list is made once. */
export function keysOf(bag: object): readonly string[] {
  const known = longOnes?.get(bag)
  if (known !== undefined) return known
  const keys = Object.keys(bag)
  if (isRemembering && keys.length >= LONG) {
    longOnes ??= new WeakMap()
    longOnes.set(bag, keys)
  }
  return keys
}

/** As `Object.entries`, with the keys of `keysOf`. */
export const entriesOf = <Value>(bag: Readonly<Record<string, Value>>): readonly (readonly [string, Value])[] =>
  longOnes === undefined ? Object.entries(bag) : keysOf(bag).map((key) => [key, bag[key] as Value])

/** What `run` answers. It must not change any object that it asks `keysOf` for. */
export function rememberingKeys<Result>(run: () => Result): Result {
  if (isRemembering) return run()
  isRemembering = true
  try {
    return run()
  } finally {
    isRemembering = false
    longOnes = undefined
  }
}
