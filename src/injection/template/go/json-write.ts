/** Go's `encoding/json`: values as JSON, fields in declaration order, map keys sorted bytewise. */
import { FunctionError } from '../errors.ts'
import { checkDepth, checkTextLength, LimitReached, MAX_VALUE_DEPTH } from '../limits.ts'
import type { GoType, StructField, StructType } from '../types.ts'
import { newMap, rawOf, setKey, TypedValue, typeOf, type PlainMap } from '../value.ts'
import { compareText, hasRawBytes, replaceRawBytes } from './byte-text.ts'
import { formatFloat } from './format-float.ts'
import { readJson } from './json-read.ts'

export interface JsonOptions {
  /** Write `<`, `>`, `&` as escapes, as `json.Marshal` does. @default true */
  readonly escapeHtml?: boolean
  /** Indent each level by these characters, one member a line (`json.MarshalIndent`). */
  readonly indent?: string
}

/** A value of a template as JSON. @throws FunctionError for what JSON cannot hold: NaN, infinities, a value within itself */
export function jsonOf(value: unknown, options: JsonOptions = {}): string {
  const type = typeOf(value)
  return type === undefined ? 'null' : goJson(type, rawOf(value), options)
}

/** A value of a static type as JSON. @throws FunctionError as above; LimitReached */
export function goJson(type: GoType, value: unknown, options: JsonOptions = {}): string {
  return new JsonWriter(options).run(type, value)
}

/** A string as `encoding/json` writes it. */
export function jsonString(text: string, escapeHtml = true): string {
  const valid = hasRawBytes(text) ? replaceRawText(text) : quoteValid(text)
  if (!NEEDS_MORE.test(valid)) return valid
  return valid.replace(escapeHtml ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g, unicodeEscape)
}

const NEEDS_MORE = /[<>&\u2028\u2029]/

/** JavaScript escapes what Go escapes, but for DEL, which neither does, and the characters above. */
const quoteValid = (text: string): string => JSON.stringify(text)

/** istiod: an invalid byte becomes the escape `\ufffd`, a real U+FFFD stays as it is. */
function replaceRawText(text: string): string {
  return JSON.stringify(text.replace(/[\ud800-\udfff]/gu, '\ue000\ufffd')).replaceAll('\ue000\ufffd', '\\ufffd')
}

const unicodeEscape = (char: string): string => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0')

/** A float as `encoding/json` writes it: exponent form below 1e-6 and from 1e21. @throws FunctionError for NaN, infinities */
export function jsonFloat(value: number): string {
  if (!Number.isFinite(value))
    throw new FunctionError(`json: unsupported value: ${formatFloat(value, { verb: 'g', precision: -1 })}`)
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-6 && size < 1e21)) return formatFloat(value, { verb: 'f', precision: -1 })
  return formatFloat(value, { verb: 'e', precision: -1 }).replace(/e-0(\d)$/, 'e-$1')
}

/** Writes one value; lives for one call. */
class JsonWriter {
  private out = ''
  private readonly options: JsonOptions
  private readonly ancestors: unknown[] = []

  constructor(options: JsonOptions) {
    this.options = options
  }

  run(type: GoType, value: unknown): string {
    this.value(type, value)
    return this.out
  }

  private write(text: string): void {
    this.out += text
    checkTextLength(this.out.length)
  }

  private value(type: GoType, value: unknown): void {
    switch (type.kind) {
      case 'any': {
        const dynamic = typeOf(value)
        return dynamic === undefined ? this.write('null') : this.value(dynamic, rawOf(value))
      }
      case 'string':
        return this.string((value as string | undefined) ?? '')
      case 'bool':
        return this.write(value === true ? 'true' : 'false')
      case 'float32':
      case 'float64':
        return this.write(jsonFloat((value as number | undefined) ?? 0))
      case 'pointer':
        return value === null || value === undefined ? this.write('null') : this.value(type.elem, value)
      case 'slice':
        return this.list(type.elem, value as readonly unknown[] | null | undefined)
      case 'map':
        return this.map(type.elem, value as PlainMap | null | undefined)
      case 'struct':
        return this.struct(type, value)
      default:
        return this.write(String((value as number | bigint | undefined) ?? 0))
    }
  }

  private string(text: string): void {
    this.write(jsonString(text, this.options.escapeHtml))
  }

  private list(elem: GoType, items: readonly unknown[] | null | undefined): void {
    if (items === null || items === undefined) return this.write('null')
    this.nested(items, '[]', items.length, (i) => this.value(elem, unboxed(elem, items[i])))
  }

  private map(elem: GoType, map: PlainMap | null | undefined): void {
    if (map === null || map === undefined) return this.write('null')
    const keys = Object.keys(map).sort(compareText)
    this.nested(map, '{}', keys.length, (i) => {
      const key = keys[i] ?? ''
      this.key(key)
      this.value(elem, unboxed(elem, map[key]))
    })
  }

  private struct(type: StructType, value: unknown): void {
    if (type.toJson !== undefined) return this.ready(type.toJson(value))
    if (type.opaque !== undefined && type.opaque !== 'duration') return this.opaque(type.opaque, value)
    const members = membersOf(type, value as PlainMap | null | undefined)
    this.nested(value, '{}', members.length, (i) => {
      const member = members[i]
      if (member === undefined) return
      this.key(member.field.json)
      this.value(member.field.type, member.value)
    })
  }

  private opaque(kind: Exclude<StructType['opaque'], undefined | 'duration'>, value: unknown): void {
    if (value !== undefined && value !== null) {
      return kind === 'rawJson' ? this.write(jsonOf(value)) : this.value({ kind: 'any' }, value)
    }
    const zero = { quantity: '"0"', time: 'null', microTime: 'null', intOrString: '0', rawJson: 'null' }
    this.write(zero[kind])
  }

  private key(name: string): void {
    this.string(name)
    this.write(this.options.indent === undefined ? ':' : ': ')
  }

  /** A list or object: brackets, commas and lines around its members. */
  private nested(self: unknown, brackets: string, count: number, member: (i: number) => void): void {
    this.enter(self)
    this.write(brackets.charAt(0))
    for (let i = 0; i < count; i++) {
      if (i > 0) this.write(',')
      this.newLine()
      member(i)
    }
    this.ancestors.pop()
    if (count > 0) this.newLine()
    this.write(brackets.charAt(1))
  }

  private enter(self: unknown): void {
    if (this.ancestors.length > MAX_VALUE_DEPTH) {
      if (typeof self === 'object' && this.ancestors.includes(self)) {
        throw new FunctionError('json: unsupported value: encountered a cycle via map[string]interface {}')
      }
      checkDepth(this.ancestors.length)
    }
    this.ancestors.push(self)
  }

  private newLine(): void {
    const { indent } = this.options
    if (indent !== undefined) this.write('\n' + indent.repeat(this.ancestors.length))
  }

  /** JSON without white space, that a type writes of itself; it is indented like the rest. */
  private ready(json: string): void {
    const { indent } = this.options
    this.write(indent === undefined ? json : indented(json, { indent, depth: this.ancestors.length }))
  }
}

/** Strings, empty brackets, and the signs that lines are broken at. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g

function indented(json: string, { indent, depth }: { indent: string; depth: number }): string {
  let level = depth
  const newLine = (): string => '\n' + indent.repeat(level)
  return json.replace(TOKENS, (token) => {
    if (token === ',') return ',' + newLine()
    if (token === ':') return ': '
    if (token === '{' || token === '[') {
      level++
      return token + newLine()
    }
    if (token !== '}' && token !== ']') return token
    level--
    return newLine() + token
  })
}

/**
 * What a JSON reader would make of the value's JSON: plain objects, lists and scalars, but integers keep all digits.
 * @throws FunctionError as `jsonOf`
 */
export function plainJson(value: unknown): unknown {
  const type = typeOf(value)
  return type === undefined ? null : plainOf(type, rawOf(value), [])
}

function plainOf(type: GoType, value: unknown, ancestors: readonly unknown[]): unknown {
  const deeper =
    type.kind === 'slice' || type.kind === 'map' || type.kind === 'struct' ? within(value, ancestors) : ancestors
  switch (type.kind) {
    case 'any': {
      const dynamic = typeOf(value)
      return dynamic === undefined ? null : plainOf(dynamic, rawOf(value), ancestors)
    }
    case 'string':
      return replaceRawBytes((value as string | undefined) ?? '')
    case 'bool':
      return value === true
    case 'float32':
    case 'float64':
      return Number(jsonFloat((value as number | undefined) ?? 0))
    case 'pointer':
      return value === null || value === undefined ? null : plainOf(type.elem, value, ancestors)
    case 'slice':
      return (
        (value as readonly unknown[] | null | undefined)?.map((item) =>
          plainOf(type.elem, unboxed(type.elem, item), deeper),
        ) ?? null
      )
    case 'map':
      return plainMap(type.elem, value as PlainMap | null | undefined, deeper)
    case 'struct':
      return plainStruct(type, value, deeper)
    default:
      return BigInt((value as number | bigint | undefined) ?? 0)
  }
}

function plainMap(elem: GoType, map: PlainMap | null | undefined, ancestors: readonly unknown[]): unknown {
  if (map === null || map === undefined) return null
  const plain = newMap()
  for (const key of Object.keys(map)) {
    setKey(plain, replaceRawBytes(key), plainOf(elem, unboxed(elem, map[key]), ancestors))
  }
  return plain
}

function plainStruct(type: StructType, value: unknown, ancestors: readonly unknown[]): unknown {
  if (type.toJson !== undefined || (type.opaque !== undefined && type.opaque !== 'duration'))
    return readJson(goJson(type, value))
  const plain = newMap()
  for (const member of membersOf(type, value as PlainMap | null | undefined)) {
    setKey(plain, member.field.json, plainOf(member.field.type, member.value, ancestors))
  }
  return plain
}

/** The way down to a value; a value within itself has no JSON. */
function within(value: unknown, ancestors: readonly unknown[]): readonly unknown[] {
  if (typeof value === 'object' && value !== null && ancestors.includes(value)) {
    throw new FunctionError('json: unsupported value: encountered a cycle')
  }
  checkDepth(ancestors.length)
  return [...ancestors, value]
}

/** Typed values inside untyped JSON keep their type; the elements of typed lists are bare. */
const unboxed = (elem: GoType, value: unknown): unknown =>
  elem.kind !== 'any' && value instanceof TypedValue ? value.value : value

interface MemberValue {
  readonly field: StructField
  readonly value: unknown
}

/** Members in Go's order, inlined structs in place, empty ones left out. */
function membersOf(type: StructType, holder: PlainMap | null | undefined): MemberValue[] {
  const members: MemberValue[] = []
  for (const field of type.fields) {
    if (field.json === '') {
      if (field.type.kind === 'struct') members.push(...membersOf(field.type, holder))
      continue
    }
    const has = holder !== null && holder !== undefined && Object.hasOwn(holder, field.json)
    const value = has ? holder[field.json] : undefined
    if (!field.omitEmpty || !isEmpty(field.type, value)) members.push({ field, value })
  }
  return members
}

function isEmpty(type: GoType, value: unknown): boolean {
  if (value === undefined || value === null) return type.kind !== 'struct' || type.opaque !== undefined
  switch (type.kind) {
    case 'any':
    case 'pointer':
    case 'struct':
      return false
    case 'slice':
      return (value as readonly unknown[]).length === 0
    case 'map':
      return Object.keys(value).length === 0
    default:
      return value === '' || value === 0 || value === false
  }
}

/** Whether an error came from a limit, which no function may swallow. */
export const isLimit = (thrown: unknown): boolean => thrown instanceof LimitReached || thrown instanceof RangeError
