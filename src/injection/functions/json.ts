/** Sprig's JSON functions. Those without `must` swallow errors. */
import { FunctionError } from '../template/errors.ts'
import { any, fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { jsonOf } from '../template/go/json-write.ts'
import { readJson } from '../template/go/json-read.ts'

const pretty = (value: unknown): string => jsonOf(value, { indent: '  ' })
const raw = (value: unknown): string => jsonOf(value, { escapeHtml: false })

export const JSON_FUNCTIONS: FunctionTable = tableOf({
  fromJson: fn([text], (given) => swallow(() => readJson(given), null)),
  mustFromJson: fn([text], readJson),
  toJson: fn([any], (value) => swallow(() => jsonOf(value), '')),
  mustToJson: fn([any], (value) => jsonOf(value)),
  toPrettyJson: fn([any], (value) => swallow(() => pretty(value), '')),
  mustToPrettyJson: fn([any], pretty),
  toRawJson: fn([any], raw),
  mustToRawJson: fn([any], raw),
})

/** The result, or `instead` where the function fails by itself; limits are never swallowed. */
export function swallow<T>(run: () => T, instead: T): T {
  try {
    return run()
  } catch (thrown) {
    if (thrown instanceof FunctionError) return instead
    throw thrown
  }
}
