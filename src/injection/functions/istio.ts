/** Istio's own template functions; they replace sprig's of the same name. */
import { FunctionError } from '../template/errors.ts'
import { sprint, sprintf } from '../template/format.ts'
import {
  any,
  fn,
  integer,
  lookup,
  message,
  tableOf,
  text,
  textMap,
  unsteady,
  variadic,
  type FunctionTable,
  type Param,
} from '../template/function-table.ts'
import { durationText } from '../template/go/duration.ts'
import { goJson, jsonOf, plainJson } from '../template/go/json-write.ts'
import { readJson } from '../template/go/json-read.ts'
import { writeYaml } from '../template/go/yaml-write.ts'
import { checkDepth, checkTextLength } from '../template/limits.ts'
import { pointerTo, STRING_MAP, type StructType } from '../template/types.ts'
import { isPlainMap, newMap, setKey, stringMap, type PlainMap, type TypedValue } from '../template/value.ts'
import { replaceAll, toLower } from './strings.ts'
import { swallow } from './json.ts'
import { multusFunction } from './multus.ts'
import { OTEL_FUNCTION } from './otel.ts'

export interface IstioOptions {
  /** Environment of the injector. */
  readonly env: (name: string) => string | undefined
  /** Told of input that a function could not read. */
  readonly warn: (text: string) => void
  /** `protoToJSON` of a message; a nil one is `{}` without being asked. */
  readonly messageJson?: (type: StructType, value: unknown) => string
}

type Texts = Readonly<Record<string, string>> | null

interface DurationValue {
  readonly seconds?: number | bigint
  readonly nanos?: number
}

/** Named like the types of the model and of the messages; parameters compare types by name. */
const duration: Param<DurationValue | null> = {
  type: pointerTo({ kind: 'struct', name: 'durationpb.Duration', fields: [] }),
}
const objectMeta: Param<{ readonly annotations?: Texts } | undefined> = {
  type: { kind: 'struct', name: 'v1.ObjectMeta', fields: [] },
}

const has = (texts: Texts, key: string): boolean => texts !== null && Object.hasOwn(texts, key)

/** Functions that need the world are made from what is handed in. */
export function istioFunctions({ env, warn, messageJson }: IstioOptions): FunctionTable {
  return new Map([
    ...PURE_FUNCTIONS,
    ...tableOf({
      env: unsteady(fn([text, text], (name, fallback) => env(name) || fallback)),
      expandenv: unsteady(fn([text], (given) => expandEnvironment(given, env))),
      fromJSON: unsteady(fn([text], (given) => swallow(() => readJson(given), brokenJson(given, warn)))),
      appendMultusNetwork: unsteady(multusFunction(warn)),
      protoToJSON: fn([message], (given) => (given === null ? '{}' : protoJson(given, messageJson))),
    }),
  ])
}

const PURE_FUNCTIONS: FunctionTable = tableOf({
  formatDuration: fn([duration], (given) => durationText(nanosOf(given))),
  isset: lookup(fn([textMap, text], has)),
  annotation: lookup(fn([objectMeta, text, any], annotationOr), 'Annotations'),
  valueOrDefault: fn([any, any], (value, fallback) => (value === null || value === '' ? fallback : value)),
  kubevirtInterfaces: fn([text], (given) => given),
  excludeInterfaces: fn([text], (given) => given),
  toJSON: fn([textMap], (given) => (given === null ? '{}' : goJson(STRING_MAP, given))),
  toJsonMap: variadic([], textMap, (...maps) => goJson(STRING_MAP, mergeTexts(maps))),
  mergeMaps: variadic([], textMap, (...maps) => stringMap(mergeTexts(maps))),
  strdict: variadic([], text, strdict),
  omit: variadic([textMap], text, (from, ...keys) => stringMap(omitKeys(from, keys))),
  structToJSON: fn([any], (value) => (value === null ? '{}' : swallow(() => jsonOf(value), '{}'))),
  toYaml: fn([any], (value) => swallow(() => yamlText(value), '')),
  indent: fn([integer, text], indentRest),
  directory: fn([text], (path) => path.slice(0, path.lastIndexOf('/') + 1)),
  contains: fn([text, text], (needle, given) => given.includes(needle)),
  toLower: fn([text], (given) => toLower(given)),
  omitNil: fn([any], (value) => withoutNils(value, 0) ?? null),
  otelResourceAttributes: OTEL_FUNCTION,
})

function annotationOr(meta: { readonly annotations?: Texts } | undefined, name: string, fallback: unknown): unknown {
  const annotations = meta?.annotations ?? null
  return annotations !== null && Object.hasOwn(annotations, name) ? annotations[name] : sprint([fallback])
}

function nanosOf(given: DurationValue | null): bigint {
  return BigInt(given?.seconds ?? 0) * 1_000_000_000n + BigInt(given?.nanos ?? 0)
}

/** istiod: broken JSON is a warning, and the value is the text `{}`. */
function brokenJson(given: string, warn: (text: string) => void): string {
  const isBroken = swallow(() => readJson(given) === undefined, true)
  if (isBroken) warn(`unable to unmarshal ${given}`)
  return '{}'
}

function protoJson(given: TypedValue, messageJson: IstioOptions['messageJson']): string {
  const type = given.type.kind === 'pointer' ? given.type.elem : given.type
  if (given.value === null || type.kind !== 'struct') return '{}'
  if (messageJson !== undefined) return messageJson(type, given.value)
  if (type.toJson !== undefined) return type.toJson(given.value)
  throw new FunctionError(`no JSON for messages of type ${type.name}`)
}

/** istiod: without maps the result is nil; later maps win. */
function mergeTexts(maps: readonly Texts[]): Record<string, string> | null {
  if (maps.length === 0) return null
  const merged = newMap()
  for (const one of maps) for (const [key, value] of Object.entries(one ?? {})) setKey(merged, key, value)
  return merged as Record<string, string>
}

function strdict(...pairs: readonly string[]): TypedValue {
  const made = newMap()
  for (let i = 0; i < pairs.length; i += 2) setKey(made, pairs[i] ?? '', pairs[i + 1] ?? '')
  return stringMap(made as Record<string, string>)
}

function omitKeys(from: Texts, keys: readonly string[]): Record<string, string> {
  const kept = newMap()
  for (const [key, value] of Object.entries(from ?? {})) if (!keys.includes(key)) setKey(kept, key, value)
  return kept as Record<string, string>
}

/** Through JSON, so that field names and omitted fields are those of JSON. */
const yamlText = (value: unknown): string => writeYaml(plainJson(value))

/** Go's largest width of `%*s` and the like. */
const MAX_WIDTH = 9_999_999

/** istiod: every line but the first, unlike sprig's; with `%<n>s`, so that a negative number indents as well. */
function indentRest(spaces: number, given: string): string {
  const lines = given.split('\n')
  if (Math.abs(spaces) > MAX_WIDTH)
    return lines.map((line, i) => (i === 0 ? line : sprintf(`% ${spaces}s%s`, ['', line]))).join('\n')
  checkTextLength(Math.abs(spaces) * (lines.length - 1))
  return replaceAll('\n', '\n' + ' '.repeat(Math.abs(spaces)), given)
}

/** istiod: containers that lose their last member vanish, too; those that were empty before stay. */
function withoutNils(value: unknown, depth: number): unknown {
  checkDepth(depth)
  if (Array.isArray(value)) return withoutNilItems(value, depth)
  return isPlainMap(value) ? withoutNilKeys(value, depth) : (value ?? undefined)
}

function withoutNilItems(list: readonly unknown[], depth: number): unknown {
  const kept = list.map((item) => withoutNils(item, depth + 1)).filter((item) => item !== undefined)
  return kept.length === 0 && list.length > 0 ? undefined : kept
}

function withoutNilKeys(map: PlainMap, depth: number): unknown {
  const kept = newMap()
  const keys = Object.keys(map)
  for (const key of keys) {
    const value = withoutNils(map[key], depth + 1)
    if (value !== undefined) setKey(kept, key, value)
  }
  return keys.length > 0 && Object.keys(kept).length === 0 ? undefined : kept
}

/** Go's `os.ExpandEnv`: `$name` and `${name}`. */
function expandEnvironment(given: string, env: IstioOptions['env']): string {
  const value = (name: string): string => env(name) ?? ''
  return given.replace(
    /\$(?:\{([^}]*)\}|([*#$@!?\-0-9])|([A-Za-z_][A-Za-z0-9_]*)|\{)/g,
    (_whole, braced?: string, special?: string, plain?: string) => value(braced ?? special ?? plain ?? ''),
  )
}
