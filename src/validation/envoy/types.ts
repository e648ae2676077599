/** Messages and enums of Envoy's v3 API, read from the generated text when an EnvoyFilter first asks. */
import { ENVOY_TYPES } from './generated/types.ts'

export interface EnvoyField {
  /** As the proto spells it. */
  readonly name: string
  /** As JSON spells it; both are legal. */
  readonly jsonName: string
  readonly shape: 'one' | 'list' | 'map'
  /** A letter for a scalar, `e12` for an enum, `34` for a message, `@google.protobuf.Any` for one of Google's own. */
  readonly type: string
}
export interface EnvoyMessage {
  readonly name: string
  readonly fields: readonly EnvoyField[]
}
interface Tables {
  readonly messageLines: readonly string[]
  readonly enumLines: readonly string[]
  readonly numbers: ReadonlyMap<string, number>
  readonly messages: Map<number, EnvoyMessage>
  readonly enums: Map<number, ReadonlyMap<string, number>>
}
let tables: Tables | undefined

function load(): Tables {
  const lines = ENVOY_TYPES.trim().split('\n')
  const messageLines = lines.filter((line) => !line.startsWith('='))
  const numbers = new Map(messageLines.map((line, i) => [line.split(' ', 1)[0] ?? '', i]))
  return { messageLines, enumLines: lines.slice(messageLines.length), numbers, messages: new Map(), enums: new Map() }
}

export function messageByName(name: string): EnvoyMessage | undefined {
  tables ??= load()
  const number = tables.numbers.get(name)
  return number === undefined ? undefined : messageByNumber(number)
}

export function messageByNumber(number: number): EnvoyMessage {
  tables ??= load()
  const known = tables.messages.get(number)
  if (known !== undefined) return known
  const [name = '', ...fields] = (tables.messageLines[number] ?? '').split(' ')
  const message = { name, fields: fields.map(readField) }
  tables.messages.set(number, message)
  return message
}

/** Names of an enum's values, and their numbers. */
export function enumByNumber(number: number): ReadonlyMap<string, number> {
  tables ??= load()
  const known = tables.enums.get(number)
  if (known !== undefined) return known
  const [, ...values] = (tables.enumLines[number] ?? '').split(' ')
  const read = new Map(values.map((value) => [value.split(':', 1)[0] ?? '', Number(value.split(':')[1])]))
  tables.enums.set(number, read)
  return read
}

const SHAPES: Readonly<Record<string, EnvoyField['shape']>> = { '*': 'list', '%': 'map' }

function readField(text: string): EnvoyField {
  const colon = text.indexOf(':')
  const name = text.slice(0, colon)
  const [coded = ''] = text.slice(colon + 1).split('|')
  const shape = SHAPES[coded.charAt(0)] ?? 'one'
  const jsonName = name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())
  return { name, jsonName, shape, type: shape === 'one' ? coded : coded.slice(1) }
}
