/** Names, kinds and identity of Go types. */
import type { GoType } from './types.ts'

/** The type as Go's `%T` prints it. */
export function typeName(type: GoType): string {
  switch (type.kind) {
    case 'any':
      return 'interface {}'
    case 'slice':
      return type.name ?? '[]' + typeName(type.elem)
    case 'map':
      return type.name ?? `map[${typeName(type.key)}]${typeName(type.elem)}`
    case 'pointer':
      return '*' + typeName(type.elem)
    case 'struct':
      return type.name
    default:
      return type.name ?? type.kind
  }
}

const KIND_NAMES: Readonly<Record<string, string>> = { any: 'interface', pointer: 'ptr' }

/** The kind as Go's `reflect.Kind` prints it. */
export function kindName(type: GoType): string {
  return type.kind === 'struct' && type.name === 'complex128' ? type.name : (KIND_NAMES[type.kind] ?? type.kind)
}

/** Whether both are the same Go type. */
export function sameType(a: GoType, b: GoType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind || nameOf(a) !== nameOf(b)) return false
  if (nameOf(a) !== undefined) return true
  if (a.kind === 'map' && b.kind === 'map') return sameType(a.key, b.key) && sameType(a.elem, b.elem)
  const isList = (a.kind === 'slice' && b.kind === 'slice') || (a.kind === 'pointer' && b.kind === 'pointer')
  return !isList || sameType(a.elem, b.elem)
}

/** Name of a defined type. */
const nameOf = (type: GoType): string | undefined => ('name' in type ? type.name : undefined)

export function isInteger(type: GoType): boolean {
  return type.kind.startsWith('int') || type.kind.startsWith('uint')
}

/** Name of an enum's number, or the number where it has none. */
export function enumText(names: Readonly<Record<number, string>>, number: unknown): string {
  return names[Number(number ?? 0)] ?? String(number)
}
