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
import { TypedValue, typeOf, wrap, type PlainMap } from '../value.ts'
import { fail, type Site } from './site.ts'

/** Calls a method with the arguments the template gives it. */
export type CallMethod = (method: Method, self: unknown, name: string) => unknown

/** A chain of names, compiled once. */
export interface Chain {
  readonly site: Site
  readonly names: readonly string[]
  /** What each name meant on the struct type it was last looked up on. */
  readonly lookups: (Lookup | undefined)[]
}

interface Lookup {
  readonly type: StructType
  readonly member: Member | undefined
}

export const chainOf = (site: Site, names: readonly string[]): Chain => ({
  site,
  names,
  lookups: names.map(() => undefined),
})

/** What a name means on a struct type. */
type Member =
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly field: StructField }
  | { readonly kind: 'method'; readonly path: readonly string[]; readonly method: Method }
  | { readonly kind: 'oneof'; readonly fields: readonly StructField[]; readonly owner: StructType }

/**
 * Follows a chain from `receiver`. A missing receiver stays missing. `call` is there when the last name is followed by
 * arguments, and calls the method it must then be.
 */
export function stepThrough(receiver: unknown, chain: Chain, call?: CallMethod): unknown {
  const { names } = chain
  let value = receiver
  for (let i = 0; i < names.length; i++) {
    if (value instanceof TypedValue) return new Walk(chain, value, call).run(i)
    if (value === undefined) return undefined
    const isCalled = call !== undefined && i === names.length - 1
    value = stepPlain(value, names[i] ?? '', { chain, isCalled, isFirst: i === 0 })
  }
  return value
}

interface PlainStep {
  readonly chain: Chain
  readonly isCalled: boolean
  /** What a chain begins with has its own type; later values are those of interfaces. */
  readonly isFirst: boolean
}

function stepPlain(value: unknown, name: string, { chain, isCalled, isFirst }: PlainStep): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    if (isCalled) fail(chain.site, `${name} is not a method but has arguments`)
    return Object.hasOwn(value, name) ? (value as PlainMap)[name] : undefined
  }
  if (value === null) fail(chain.site, `nil pointer evaluating interface {}.${name}`)
  const type = isFirst ? typeOf(value) : undefined
  return fail(
    chain.site,
    `can't evaluate field ${name} in type ${type === undefined ? 'interface {}' : typeName(type)}`,
  )
}

/** Walks through typed values without boxing what lies between; lives for one chain. */
class Walk {
  private type: GoType | undefined
  private value: unknown
  private addressable: boolean
  /** Before pointers were followed; what messages name. */
  private outer: GoType
  private isCalled = false
  private readonly chain: Chain
  private readonly call: CallMethod | undefined

  constructor(chain: Chain, start: TypedValue, call: CallMethod | undefined) {
    this.chain = chain
    this.call = call
    this.type = start.type
    this.outer = start.type
    this.value = start.value
    this.addressable = start.addressable
  }

  run(from: number): unknown {
    const { names } = this.chain
    for (let i = from; i < names.length; i++) {
      const name = names[i] ?? ''
      this.isCalled = this.call !== undefined && i === names.length - 1
      if (this.type !== undefined) this.step(name, i, this.type)
      else if (this.value === undefined) return undefined
      else this.enter(stepPlain(this.value, name, { chain: this.chain, isCalled: this.isCalled, isFirst: false }))
    }
    return this.type === undefined ? this.value : wrap(this.type, this.value, this.addressable)
  }

  private step(name: string, index: number, outer: GoType): void {
    this.outer = outer
    const type = this.follow(outer)
    if (type.kind === 'struct') return this.stepStruct(name, index, type)
    const method = methodOf(type, name)
    if (method !== undefined && this.reaches(method)) return this.callMethod(method, this.value, name)
    const isTextMap = type.kind === 'map' && type.key.kind === 'string' && type.key.name === undefined
    if (!isTextMap) return this.noSuchField(name)
    if (this.isCalled) this.fail(`${name} is not a method but has arguments`)
    const map = this.value as PlainMap | null | undefined
    const isPresent = map !== null && map !== undefined && Object.hasOwn(map, name)
    this.addressable = false
    if (isPresent) this.goTo(type.elem, map[name])
    else this.goTo(undefined, undefined)
  }

  /** Follows pointers as far as they lead; a nil one leaves the type it would point to. */
  private follow(outer: GoType): GoType {
    let type = outer
    while (type.kind === 'pointer') {
      type = type.elem
      this.addressable = true
    }
    return type
  }

  private stepStruct(name: string, index: number, type: StructType): void {
    const member = this.lookUp(name, index, type)
    if (member === undefined) return this.noSuchField(name)
    if (member.kind === 'method') {
      if (!this.reaches(member.method)) return this.noSuchField(name)
      return this.callMethod(member.method, walkPath(this.value, member.path), name)
    }
    const isNil = this.value === null || this.value === undefined
    if (isNil && this.outer.kind === 'pointer') this.fail(`nil pointer evaluating ${typeName(this.outer)}.${name}`)
    if (this.isCalled) this.fail(`${name} has arguments but cannot be invoked as function`)
    if (member.kind === 'oneof') return this.stepOneof(member.fields, member.owner)
    const { json, type: fieldType } = member.field
    const holder = member.path.length === 0 ? this.value : walkPath(this.value, member.path)
    this.goTo(fieldType, json === '' ? holder : ownValue(holder as PlainMap | null | undefined, json))
  }

  private lookUp(name: string, index: number, type: StructType): Member | undefined {
    const known = this.chain.lookups[index]
    if (known?.type === type) return known.member
    const member = memberOf(type, name)
    this.chain.lookups[index] = { type, member }
    return member
  }

  /** A oneof holds the struct that wraps its set member. */
  private stepOneof(fields: readonly StructField[], owner: StructType): void {
    const value = this.value as PlainMap
    const set = fields.find(({ json }) => Object.hasOwn(value, json))
    if (set === undefined) return this.goTo(undefined, null)
    const { oneof: _, ...field } = set
    this.goTo(pointerTo({ kind: 'struct', name: `${owner.name}_${set.name}`, fields: [field] }), value)
  }

  private callMethod(method: Method, self: unknown, name: string): void {
    const isNil = self === null || self === undefined
    if (isNil && !method.nilSafe && this.outer.kind === 'pointer') {
      this.fail(`error calling ${name}: runtime error: invalid memory address or nil pointer dereference`)
    }
    if (!this.isCalled && method.params.length > 0) {
      this.fail(`wrong number of args for ${name}: want ${method.params.length} got 0`)
    }
    this.addressable = false
    const { call } = this
    if (this.isCalled && call !== undefined) this.enter(call(method, self, name))
    else this.goTo(method.result, method.call(self, []))
  }

  private reaches = (method: Method): boolean => method.onPointer !== true || this.addressable

  private goTo(type: GoType | undefined, value: unknown): void {
    if (type?.kind === 'any') return this.enter(value ?? null)
    this.type = type
    this.value = value
  }

  /** Goes on with a value of its own type. */
  private enter(value: unknown): void {
    const isTyped = value instanceof TypedValue
    this.type = isTyped ? value.type : undefined
    this.value = isTyped ? value.value : value
    if (isTyped) this.addressable = value.addressable
  }

  private noSuchField(name: string): never {
    return this.fail(`can't evaluate field ${name} in type ${typeName(this.outer)}`)
  }

  private fail(message: string): never {
    return fail(this.chain.site, message)
  }
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
