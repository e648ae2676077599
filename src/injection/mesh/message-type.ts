/**
 * Protobuf messages as Go types: the descriptors of template/types.ts plus what protobuf's JSON needs to know.
 *
 * In-memory form of a message: a plain object keyed by JSON names that holds set fields only; a plain scalar, list or
 * map with its zero value is absent, a set member of a oneof is there even when it is zero. Enums are numbers, 64-bit
 * integers numbers where that is exact and else bigints, a wrapper is `{ value }`, a duration
 * `{ seconds, nanos }` with equal signs, `Struct`, `Value` and `IntOrString` are plain JSON.
 */
import { DURATION } from '../template/go/duration-type.ts'
import { normalizeInteger } from '../template/go/parse-number.ts'
import { BOOL, FLOAT64, INT32, INT64, STRING, UINT32, mapOf, pointerTo, sliceOf } from '../template/types.ts'
import type { GoType, ScalarType, StructField, StructType } from '../template/types.ts'
import { messageText } from './message-text.ts'

/** In-memory form of a message; see the head of this file. */
export type Message = Readonly<Record<string, unknown>>

/** In-memory form of a duration. */
export interface DurationValue {
  readonly seconds: number
  readonly nanos: number
}

export interface MessageField extends StructField {
  /** Name in the proto file; protobuf's JSON accepts it next to the JSON name. */
  readonly proto: string
  /** Go name of the oneof this field is a member of. istiod: such members are reached through getters only. */
  readonly oneof?: string
}

/** Messages whose JSON is not an object with their fields. */
export type WellKnown = 'wrapper' | 'duration' | 'struct' | 'value' | 'intOrString'

export interface MessageType extends StructType {
  /** Name with the package of the proto file. */
  readonly fullName: string
  readonly fields: readonly MessageField[]
  readonly message: true
  readonly wellKnown?: WellKnown
  /** Its own marshaller. istiod: Istio's messages write themselves as protobuf's JSON. */
  readonly toJson?: (self: unknown) => string
}

export interface EnumType extends ScalarType {
  readonly kind: 'int32'
  readonly fullName: string
  readonly enumNames: Readonly<Record<number, string>>
  readonly numbers: ReadonlyMap<string, number>
}

/**
 * Package -> message -> its fields, written as `type name` and separated by `;`. `name@group` is a member of a oneof,
 * `name=json` has a JSON name of its own. Types are scalars, `T[]`, `map<T>` (keys are strings), names of messages and
 * enums of the same or another package of the table, `.T` for one nested in this message, and protobuf's well-known ones.
 */
export type FieldTable = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Package -> enum -> `NAME=number`, separated by spaces. */
export type EnumTable = Readonly<Record<string, Readonly<Record<string, string>>>>

const SCALARS: Readonly<Record<string, ScalarType>> = {
  string: STRING,
  bool: BOOL,
  int32: INT32,
  uint32: UINT32,
  int64: INT64,
  double: FLOAT64,
}

function wellKnown(fullName: string, name: string, kind: WellKnown, extra: Partial<MessageType> = {}): MessageType {
  return printing({ kind: 'struct', name, fullName, fields: [], message: true, wellKnown: kind, ...extra })
}

/** The same message, which prints itself. */
function printing<T extends MessageType>(type: T): T {
  return Object.assign(type, {
    toText: (self: unknown) => messageText(type, (self ?? {}) as Message),
    textOnPointer: true,
  })
}

function wrapper(name: string, value: ScalarType): MessageType {
  const field: MessageField = { name: 'Value', json: 'value', proto: 'value', type: value, omitEmpty: true }
  return wellKnown(`google.protobuf.${name}`, `wrapperspb.${name}`, 'wrapper', { fields: [field] })
}

function nanosOf(self: unknown): number | bigint {
  const { seconds = 0, nanos = 0 } = (self ?? {}) as Partial<DurationValue>
  return normalizeInteger(BigInt(seconds) * 1_000_000_000n + BigInt(nanos))
}

const WELL_KNOWN: Readonly<Record<string, MessageType>> = {
  BoolValue: wrapper('BoolValue', BOOL),
  Int32Value: wrapper('Int32Value', INT32),
  UInt32Value: wrapper('UInt32Value', UINT32),
  Int64Value: wrapper('Int64Value', INT64),
  Duration: wellKnown('google.protobuf.Duration', 'durationpb.Duration', 'duration', {
    opaque: 'duration',
    fields: [
      { name: 'Seconds', json: 'seconds', proto: 'seconds', type: INT64, omitEmpty: true },
      { name: 'Nanos', json: 'nanos', proto: 'nanos', type: INT32, omitEmpty: true },
    ],
    methods: { AsDuration: { params: [], result: DURATION, nilSafe: true, onPointer: true, call: nanosOf } },
  }),
  Struct: wellKnown('google.protobuf.Struct', 'structpb.Struct', 'struct', { opaque: 'rawJson' }),
  Value: wellKnown('google.protobuf.Value', 'structpb.Value', 'value', { opaque: 'rawJson' }),
  IntOrString: wellKnown('istio.operator.v1alpha1.IntOrString', 'apis.IntOrString', 'intOrString', {
    opaque: 'intOrString',
  }),
}

const GO_PACKAGES: Readonly<Record<string, string>> = {
  'istio.mesh.v1alpha1': 'v1alpha1',
  'istio.networking.v1alpha3': 'v1alpha3',
  'istio.networking.v1beta1': 'v1beta1',
  'istio.operator.v1alpha1': 'apis',
}

const goTypeName = (pkg: string, name: string): string => `${GO_PACKAGES[pkg] ?? pkg}.${name.replaceAll('.', '_')}`

const jsonName = (proto: string): string => proto.replace(/_(.)/g, (_, next: string) => next.toUpperCase())

/** Go name of a field, as protoc-gen-go makes it: a letter after an underscore or a digit begins a word. */
export function goFieldName(proto: string): string {
  return proto
    .replace(/_([a-z])/g, (_, next: string) => next.toUpperCase())
    .replace(/^[a-z]/, (first) => first.toUpperCase())
    .replace(/([0-9])([a-z])/g, (_, digit: string, next: string) => digit + next.toUpperCase())
}

/** The elements of a row, without white space around them and without empty ones. */
const split = (row: string, separator: string): string[] =>
  row
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')

function defineEnum(pkg: string, name: string, members: string): EnumType {
  const pairs = split(members, ' ').map((member) => {
    const [text = '', number = ''] = member.split('=')
    return [text, Number(number)] as const
  })
  return {
    kind: 'int32',
    name: goTypeName(pkg, name),
    fullName: `${pkg}.${name}`,
    enumNames: Object.fromEntries(pairs.map(([text, number]) => [number, text])),
    numbers: new Map(pairs),
  }
}

/** All entries of a table by their full names. */
function entriesOf<T>(table: Readonly<Record<string, Readonly<Record<string, T>>>>): [string, string, T][] {
  return Object.entries(table).flatMap(([pkg, byName]) =>
    Object.entries(byName).map(([name, entry]): [string, string, T] => [pkg, name, entry]),
  )
}

/** Writes a message as JSON. */
export type WriteMessage = (type: MessageType, message: Message) => string

/**
 * The types of a table, by full name (`istio.mesh.v1alpha1.ProxyConfig`), with `write` as their marshaller.
 * @throws Error when a row of the table names an unknown type, which is a mistake in our own tables.
 */
export function defineMessages(options: {
  fields: FieldTable
  enums: EnumTable
  write: WriteMessage
}): (fullName: string) => MessageType {
  const { fields, enums, write } = options
  const packages = Object.keys(fields)
  const enumTypes = new Map(entriesOf(enums).map(([pkg, name, row]) => [`${pkg}.${name}`, defineEnum(pkg, name, row)]))
  const messages = new Map<string, MessageType & { readonly fields: MessageField[] }>()
  for (const [pkg, name] of entriesOf(fields)) {
    const fullName = `${pkg}.${name}`
    const type: MessageType & { readonly fields: MessageField[] } = printing({
      kind: 'struct',
      name: goTypeName(pkg, name),
      fullName,
      fields: [],
      message: true,
      toJson: (self) => write(type, self as Message),
    })
    messages.set(fullName, type)
  }

  const named = (pkg: string, name: string): GoType => {
    const known = WELL_KNOWN[name]
    if (known !== undefined) return pointerTo(known)
    for (const place of [pkg, ...packages]) {
      const message = messages.get(`${place}.${name}`)
      if (message !== undefined) return pointerTo(message)
      const enumType = enumTypes.get(`${place}.${name}`)
      if (enumType !== undefined) return enumType
    }
    throw new Error(`no type ${name} in ${pkg}`)
  }
  const typeOf = (pkg: string, owner: string, text: string): GoType => {
    if (text.endsWith('[]')) return sliceOf(typeOf(pkg, owner, text.slice(0, -2)))
    if (text.startsWith('map<')) return mapOf(typeOf(pkg, owner, text.slice(4, -1)))
    return SCALARS[text] ?? named(pkg, text.startsWith('.') ? owner + text : text)
  }
  const fieldOf = (pkg: string, owner: string, row: string): MessageField => {
    const [type = '', spelled = ''] = row.split(' ')
    const [withGroup = '', ownJson] = spelled.split('=')
    const [proto = '', oneof] = withGroup.split('@')
    const json = ownJson ?? jsonName(proto)
    const field = { name: goFieldName(proto), json, proto, type: typeOf(pkg, owner, type), omitEmpty: true }
    return oneof === undefined ? field : { ...field, oneof: goFieldName(oneof) }
  }
  for (const [pkg, name, row] of entriesOf(fields)) {
    messages.get(`${pkg}.${name}`)?.fields.push(...split(row, ';').map((one) => fieldOf(pkg, name, one)))
  }
  return (fullName) => {
    const message = messages.get(fullName)
    if (message === undefined) throw new Error(`no message ${fullName}`)
    return message
  }
}
