/** Sprig's functions on truth, types and defaults. */
import { deepEqual } from '../template/comparison.ts'
import { FunctionError } from '../template/errors.ts'
import { any, bool, fn, tableOf, text, variadic, type FunctionTable } from '../template/function-table.ts'
import { kindName, typeName } from '../template/type-names.ts'
import { isTrue, typeOf } from '../template/value.ts'
import { textOf } from './convert.ts'

const nameOf = (given: unknown): string => {
  const type = typeOf(given)
  return type === undefined ? '<nil>' : typeName(type)
}

const kindOf = (given: unknown): string => {
  const type = typeOf(given)
  return type === undefined ? 'invalid' : kindName(type)
}

const isEmpty = (given: unknown): boolean => !isTrue(given)

export const LOGIC_FUNCTIONS: FunctionTable = tableOf({
  default: variadic([any], any, (fallback, ...given) =>
    given.length === 0 || isEmpty(given[0]) ? fallback : given[0],
  ),
  empty: fn([any], isEmpty),
  coalesce: variadic([], any, (...given) => given.find(isTrue) ?? null),
  all: variadic([], any, (...given) => given.every(isTrue)),
  any: variadic([], any, (...given) => given.some(isTrue)),
  ternary: fn([any, any, bool], (yes, no, condition) => (condition ? yes : no)),
  fail: fn([text], (message) => {
    throw new FunctionError(message)
  }),
  kindOf: fn([any], kindOf),
  kindIs: fn([text, any], (kind, given) => kindOf(given) === kind),
  typeOf: fn([any], nameOf),
  typeIs: fn([text, any], (name, given) => nameOf(given) === name),
  typeIsLike: fn([text, any], (name, given) => nameOf(given) === name || nameOf(given) === '*' + name),
  deepEqual: fn([any, any], deepEqual),
  toString: fn([any], textOf),
  hello: fn([], () => 'Hello!'),
})
