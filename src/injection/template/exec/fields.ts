/** Steps into values: `.A.B.C`, with methods, getters of messages and embedded structs. Rules: Go, exec.go, evalField. */
import { enumText, typeName } from '../type-names.ts'
import {
  pointerTo,
  STRING,
  type GoType,
  type Method,
  type ScalarType,
  type StructField,
  type StructType,
} from '../types.ts'
import { isPlainMap, TypedValue, wrap, type PlainMap } from '../value.ts'
import { fail, type Site } from './site.ts'

/** Calls a method with the arguments the template gives it. */
export type CallMethod = (method: Method, self: unknown, name: string) => unknown

export interface LastStep {
  /** The last name is followed by arguments. */
  readonly hasArguments: boolean
  readonly call: CallMethod
}

/** What a name means on a struct type. */
type Member =
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly field: StructField }
  | { readonly kind: 'method'; readonly path: readonly string[]; readonly method: Method }
  | { readonly kind: 'oneof'; readonly fields: readonly StructField[]; readonly owner: StructType }

/** A place in a value while stepping; `type` undefined: plain JSON. Reused, so that steps allocate nothing. */
interface Cursor {
  type: GoType | undefined
  value: unknown
  addressable: boolean
}

/** Follows `names` from `receiver`. A missing receiver stays missing; `last` tells how to call a final method. */
export function stepThrough(
  receiver: unknown,
  names: readonly string[],
  options: { site: Site; last: LastStep },
): unknown {
  const cursor: Cursor = { type: undefined, value: receiver, addressable: false }
  enter(cursor)
  const end = names.length - 1
  for (let i = 0; i <= end; i++) {
    const name = names[i] ?? ''
    const hasArguments = i === end && options.last.hasArguments
    if (cursor.type !== undefined) stepTyped(cursor, name, { ...options, hasArguments })
    else if (cursor.value === undefined) return undefined
    else stepPlain(cursor, name, { site: options.site, hasArguments })
  }
  return cursor.type === undefined ? cursor.value : wrap(cursor.type, cursor.value, cursor.addressable)
}

/** Leaves the box of a typed value. */
function enter(cursor: Cursor): void {
  if (!(cursor.value instanceof TypedValue)) return
  cursor.type = cursor.value.type
  cursor.addressable = cursor.value.addressable
  cursor.value = cursor.value.value
}

function stepPlain(cursor: Cursor, name: string, { site, hasArguments }: { site: Site; hasArguments: boolean }): void {
  const { value } = cursor
  if (isPlainMap(value)) {
    if (hasArguments) fail(site, `${name} is not a method but has arguments`)
    cursor.value = Object.hasOwn(value, name) ? value[name] : undefined
    enter(cursor)
    return
  }
  if (value === null) fail(site, `nil pointer evaluating interface {}.${name}`)
  fail(site, `can't evaluate field ${name} in type interface {}`)
}

interface TypedStep {
  readonly site: Site
  readonly hasArguments: boolean
  readonly last: LastStep
  readonly isNilPointer?: boolean
}

function stepTyped(cursor: Cursor, name: string, step: TypedStep): void {
  const outer = cursor.type as GoType // only called with a type
  follow(cursor)
  const type = cursor.type as GoType
  const isNilPointer = outer.kind === 'pointer' && (cursor.value === null || cursor.value === undefined)
  if (type.kind === 'struct') return stepStruct(cursor, name, { ...step, type, outer, isNilPointer })
  const method = methodOf(type, name)
  if (method !== undefined && canCall(method, cursor))
    return callMethod(cursor, { method, self: cursor.value, name, step })
  if (type.kind === 'map' && type.key.kind === 'string' && type.key.name === undefined) {
    return stepMap(cursor, name, { ...step, elem: type.elem })
  }
  if (type.kind === 'any') fail(step.site, `can't evaluate field ${name} in type interface {}`)
  fail(step.site, `can't evaluate field ${name} in type ${typeName(outer)}`)
}

/** Follows pointers as far as they lead; a nil one leaves the type it would point to. */
function follow(cursor: Cursor): void {
  while (cursor.type?.kind === 'pointer') {
    cursor.type = cursor.type.elem
    cursor.addressable = true
  }
}

interface StructStep extends TypedStep {
  readonly type: StructType
  readonly outer: GoType
  readonly isNilPointer: boolean
}

function stepStruct(cursor: Cursor, name: string, step: StructStep): void {
  const member = memberOf(step.type, name)
  if (member === undefined) return fail(step.site, `can't evaluate field ${name} in type ${typeName(step.outer)}`)
  if (member.kind === 'method') {
    const self = walkPath(cursor.value, member.path)
    if (!canCall(member.method, cursor)) fail(step.site, `can't evaluate field ${name} in type ${typeName(step.outer)}`)
    return callMethod(cursor, { method: member.method, self, name, step })
  }
  if (step.isNilPointer) fail(step.site, `nil pointer evaluating ${typeName(step.outer)}.${name}`)
  if (step.hasArguments) fail(step.site, `${name} has arguments but cannot be invoked as function`)
  if (member.kind === 'oneof') return stepOneof(cursor, member)
  const holder = walkPath(cursor.value, member.path) as PlainMap | null | undefined
  const { json, type } = member.field
  setPlace(cursor, type, json === '' ? holder : ownValue(holder, json))
}

/** A oneof holds the struct that wraps its set member. */
function stepOneof(cursor: Cursor, { fields, owner }: { fields: readonly StructField[]; owner: StructType }): void {
  const value = cursor.value as PlainMap
  const set = fields.find(({ json }) => Object.hasOwn(value, json))
  if (set === undefined) return setPlace(cursor, undefined, null)
  const { oneof: _, ...field } = set
  setPlace(cursor, pointerTo({ kind: 'struct', name: `${owner.name}_${set.name}`, fields: [field] }), value)
}

function stepMap(cursor: Cursor, name: string, step: TypedStep & { elem: GoType }): void {
  if (step.hasArguments) fail(step.site, `${name} is not a method but has arguments`)
  const map = cursor.value as PlainMap | null | undefined
  const isPresent = map !== null && map !== undefined && Object.hasOwn(map, name)
  if (!isPresent) return setPlace(cursor, undefined, undefined)
  setPlace(cursor, step.elem, map[name])
  cursor.addressable = false
}

function callMethod(
  cursor: Cursor,
  { method, self, name, step }: { method: Method; self: unknown; name: string; step: TypedStep },
): void {
  const isNil = self === null || self === undefined
  if (isNil && !method.nilSafe && step.isNilPointer === true) {
    fail(step.site, `error calling ${name}: runtime error: invalid memory address or nil pointer dereference`)
  }
  const result = step.hasArguments ? step.last.call(method, self, name) : callBare(method, { self, name, step })
  cursor.value = result
  cursor.type = undefined
  cursor.addressable = false
  enter(cursor)
}

function callBare(method: Method, { self, name, step }: { self: unknown; name: string; step: TypedStep }): unknown {
  if (method.params.length > 0) {
    fail(step.site, `wrong number of args for ${name}: want ${method.params.length} got 0`)
  }
  return wrap(method.result, method.call(self, []))
}

const canCall = (method: Method, cursor: Cursor): boolean => method.onPointer !== true || cursor.addressable

function setPlace(cursor: Cursor, type: GoType | undefined, value: unknown): void {
  cursor.type = type?.kind === 'any' ? undefined : type
  cursor.value = type?.kind === 'any' ? (value ?? null) : value
  if (cursor.type === undefined) enter(cursor)
}

function ownValue(holder: PlainMap | null | undefined, key: string): unknown {
  return holder !== null && holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined
}

function walkPath(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const key of path) at = ownValue(at as PlainMap | null | undefined, key)
  return at
}

const members = new WeakMap<StructType, Map<string, Member | undefined>>()

/** What `name` means on the type, remembered per type. */
function memberOf(type: StructType, name: string): Member | undefined {
  let known = members.get(type)
  if (known === undefined) members.set(type, (known = new Map<string, Member | undefined>()))
  if (!known.has(name)) known.set(name, findMember(type, name))
  return known.get(name)
}

/** Methods before fields, the type's own before those of embedded structs. */
function findMember(type: StructType, name: string): Member | undefined {
  const method = methodOf(type, name)
  if (method !== undefined) return { kind: 'method', path: [], method }
  for (const field of type.fields) {
    if (field.name === name && field.oneof === undefined) return { kind: 'field', path: [], field }
  }
  const oneof = type.fields.filter((field) => field.oneof === name)
  if (oneof.length > 0) return { kind: 'oneof', fields: oneof, owner: type }
  for (const field of type.fields) {
    const inner = field.embedded === true && field.type.kind === 'struct' ? findMember(field.type, name) : undefined
    if (inner === undefined || inner.kind === 'oneof') continue
    return field.json === '' ? inner : { ...inner, path: [field.json, ...inner.path] }
  }
  return undefined
}

function methodOf(type: GoType, name: string): Method | undefined {
  switch (type.kind) {
    case 'struct':
      return ownMethod(type.methods, name) ?? (type.message === true ? getterOf(type, name) : undefined)
    case 'map':
      return ownMethod(type.methods, name)
    case 'any':
    case 'slice':
    case 'pointer':
      return undefined
    default:
      return ownMethod(type.methods, name) ?? enumMethod(type, name)
  }
}

const ownMethod = (methods: Readonly<Record<string, Method>> | undefined, name: string): Method | undefined =>
  methods !== undefined && Object.hasOwn(methods, name) ? methods[name] : undefined

/** Every field of a message has a getter that works on nil. */
function getterOf(type: StructType, name: string): Method | undefined {
  const field = name.startsWith('Get') ? type.fields.find((one) => one.name === name.slice(3)) : undefined
  if (field === undefined) return undefined
  return {
    params: [],
    result: field.type,
    nilSafe: true,
    onPointer: true,
    call: (self) => ownValue(self as PlainMap | null | undefined, field.json),
  }
}

const ENUM_NUMBER: Method = {
  params: [],
  result: { kind: 'int32', name: 'protoreflect.EnumNumber' },
  nilSafe: false,
  call: (self) => self,
}

function enumMethod({ enumNames }: ScalarType, name: string): Method | undefined {
  if (enumNames === undefined) return undefined
  if (name === 'Number') return ENUM_NUMBER
  if (name !== 'String') return undefined
  return { params: [], result: STRING, nilSafe: false, call: (self) => enumText(enumNames, self) }
}
