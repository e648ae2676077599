/** Fits arguments to the parameter types of functions and methods. Nothing is converted. Rules: Go, exec.go, validateType, evalArg. */
import type { Param } from '../function-table.ts'
import { normalizeInteger } from '../go/parse-number.ts'
import { printExpression, type NumberNode, type Operand } from '../nodes.ts'
import { isInteger, sameType, typeName } from '../type-names.ts'
import type { GoType } from '../types.ts'
import { COMPLEX128, int, rawOf, TypedValue, typeOf } from '../value.ts'
import { printComplex } from '../go/complex.ts'
import { fail, type Site } from './site.ts'

/** The value as the parameter takes it. @throws TemplateError where Go refuses it */
export function fit(value: unknown, { type }: Param<unknown>, site: Site): unknown {
  if (type === 'value') return value ?? undefined
  if (type === 'message') return fitMessage(value, site)
  if (type.kind === 'string' && typeof value === 'string' && type.name === undefined) return value
  if (type.kind === 'any') return withoutAddress(value)
  if (value === undefined) return canBeNil(type) ? null : fail(site, `invalid value; expected ${typeName(type)}`)
  return fitTyped(value, type, site)
}

/** What an interface holds has no address. */
function withoutAddress(value: unknown): unknown {
  if (value === undefined) return null
  return value instanceof TypedValue && value.addressable ? new TypedValue(value.type, value.value) : value
}

function fitTyped(value: unknown, type: GoType, site: Site): unknown {
  const given = typeOf(value)
  if (given !== undefined && isAssignable(given, type)) return deliver(rawOf(value), type)
  if (given?.kind === 'pointer' && isAssignable(given.elem, type)) {
    const raw = rawOf(value)
    return raw === null ? fail(site, `dereference of nil pointer of type ${typeName(type)}`) : deliver(raw, type)
  }
  const isAddress = type.kind === 'pointer' && given !== undefined && isAssignable(given, type.elem)
  if (isAddress && value instanceof TypedValue && value.addressable) return value.value
  const got = given === undefined ? 'interface {}' : typeName(given)
  return fail(site, `wrong type for value; expected ${typeName(type)}; got ${got}`)
}

/** Integers are handed to functions as numbers. */
const deliver = (raw: unknown, type: GoType): unknown =>
  typeof raw === 'bigint' && isInteger(type) ? Number(raw) : raw

function isAssignable(given: GoType, wanted: GoType): boolean {
  if (sameType(given, wanted)) return true
  if (given.kind === 'slice' && wanted.kind === 'slice') {
    return (given.name === undefined || wanted.name === undefined) && sameType(given.elem, wanted.elem)
  }
  if (given.kind !== 'map' || wanted.kind !== 'map' || (given.name !== undefined && wanted.name !== undefined))
    return false
  return sameType(given.key, wanted.key) && sameType(given.elem, wanted.elem)
}

/** A message of any type, with its type; nil is null. */
function fitMessage(value: unknown, site: Site): unknown {
  if (value === undefined || value === null) return null
  const type = typeOf(value)
  const target = type?.kind === 'pointer' ? type.elem : type
  const isMessage = target?.kind === 'struct' && (target.message === true || target.opaque === 'duration')
  if (isMessage && (type?.kind === 'pointer' || (value instanceof TypedValue && value.addressable))) return value
  return fail(
    site,
    `wrong type for value; expected protoreflect.ProtoMessage; got ${type === undefined ? 'interface {}' : typeName(type)}`,
  )
}

function canBeNil(type: GoType): boolean {
  return ['any', 'slice', 'map', 'pointer'].includes(type.kind)
}

/** A constant as the parameter takes it, or a function that fails each time it is reached. */
export function fitConstant(node: Operand, { type }: Param<unknown>, site: Site): (() => unknown) | undefined {
  const constant = (value: unknown) => () => value
  switch (node.kind) {
    case 'nil':
      return nilArgument(type, site)
    case 'string':
    case 'bool':
    case 'number':
      break
    default:
      return undefined
  }
  if (type === 'value' || (type !== 'message' && type.kind === 'any')) {
    const ideal = idealConstant(node, site)
    return typeof ideal === 'function' ? (ideal as () => never) : constant(ideal)
  }
  if (type === 'message')
    return () => fail(site, `can't handle ${printExpression(node)} for arg of type protoreflect.ProtoMessage`)
  const fitted = constantOfType(node, type)
  return fitted === undefined ? () => failConstant(node, type, site) : constant(fitted)
}

function nilArgument(type: GoType | 'value' | 'message', site: Site): () => unknown {
  if (type === 'value') return () => undefined
  if (type === 'message' || canBeNil(type)) return () => null
  return () => fail(site, `cannot assign nil to ${typeName(type)}`)
}

function constantOfType(node: Operand, type: GoType): unknown {
  if (node.kind === 'string' && type.kind === 'string') return node.text
  if (node.kind === 'bool' && type.kind === 'bool') return node.value
  if (node.kind !== 'number') return undefined
  if (type.kind === 'float64' || type.kind === 'float32') return node.float
  if (!isInteger(type)) return undefined
  const whole = type.kind.startsWith('u') ? node.uint : node.int
  return whole === undefined ? undefined : Number(whole)
}

function failConstant(node: Operand, type: GoType, site: Site): never {
  const found = printExpression(node)
  if (type.kind === 'string' || type.kind === 'bool') fail(site, `expected ${type.kind}; found ${found}`)
  if (type.kind.startsWith('float')) fail(site, `expected float; found ${found}`)
  if (isInteger(type))
    fail(site, `expected ${type.kind.startsWith('u') ? 'unsigned integer' : 'integer'}; found ${found}`)
  fail(site, `can't handle ${found} for arg of type ${typeName(type)}`)
}

/** What a constant is where nothing says its type; a function where it fails when reached. */
export function idealConstant(node: Operand, site: Site): unknown {
  if (node.kind === 'string') return node.text
  if (node.kind === 'bool') return node.value
  return node.kind === 'number' ? idealNumber(node, site) : undefined
}

function idealNumber(node: NumberNode, site: Site): unknown {
  if (node.imaginary !== undefined) return new TypedValue(COMPLEX128, printComplex(node.float ?? 0, node.imaginary))
  const isHexInteger = /^[+-]?0[xX]/.test(node.text) && !/[pP]/.test(node.text)
  const looksLikeFloat = /[.eEpP]/.test(node.text) && !isHexInteger && !node.text.startsWith("'")
  if (node.float !== undefined && looksLikeFloat) return node.float
  if (node.int === undefined) return () => fail(site, `${node.text} overflows int`)
  const whole = normalizeInteger(node.int)
  return typeof whole === 'number' ? int(whole) : new TypedValue(int(0).type, whole)
}
