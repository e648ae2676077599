/** What a Go type knows of a JSON value. */
import { isJsonObject, setMember } from './model/members.ts'
import type { JsonObject } from './model/members.ts'
import type { GoType, StructType } from './template/types.ts'

/** Fields the type does not know would be lost in istiod's typed round trip; directives (`$patch`) are for the merge. */
export function withoutUnknownFields(type: GoType, value: unknown): unknown {
  switch (type.kind) {
    case 'pointer':
      return withoutUnknownFields(type.elem, value)
    case 'slice':
      return Array.isArray(value) ? knownElements(type.elem, value) : value
    case 'map':
      return value
    case 'struct':
      return type.opaque === undefined && isJsonObject(value) ? knownMembers(type, value) : value
    default:
      return value
  }
}

/** A copy is made from the first member on that goes or changes. */
function knownMembers(type: StructType, value: JsonObject): JsonObject {
  const fields = fieldTypes(type)
  const names = Object.keys(value)
  let copy: JsonObject | undefined
  for (const [n, name] of names.entries()) {
    const fieldType = fields.get(name) ?? fields.get(name.toLowerCase())
    const member = fieldType === undefined ? value[name] : withoutUnknownFields(fieldType, value[name])
    const isKept = fieldType !== undefined || name.startsWith('$')
    if (!isKept || member !== value[name]) copy ??= firstMembers(value, names.slice(0, n))
    if (copy !== undefined && isKept) setMember(copy, name, member)
  }
  return copy ?? value
}

function firstMembers(value: JsonObject, names: readonly string[]): JsonObject {
  const copy: JsonObject = {}
  for (const name of names) setMember(copy, name, value[name])
  return copy
}

/** Known fields of every element; the list itself where nothing else is in it. */
function knownElements(elem: GoType, list: readonly unknown[]): readonly unknown[] {
  const known = list.map((one) => withoutUnknownFields(elem, one))
  return known.every((one, i) => one === list[i]) ? list : known
}

const FIELD_TYPES = new WeakMap<StructType, ReadonlyMap<string, GoType>>()

/** Types of a struct's fields by JSON name and, as Go ignores case, by its lower case. */
export function fieldTypes(type: StructType): ReadonlyMap<string, GoType> {
  const known = FIELD_TYPES.get(type)
  if (known !== undefined) return known
  const types = new Map<string, GoType>()
  const add = ({ fields }: StructType): void => {
    for (const { json, type: fieldType } of fields) {
      if (json === '' && fieldType.kind === 'struct') add(fieldType)
      else types.set(json, fieldType).set(json.toLowerCase(), fieldType)
    }
  }
  add(type)
  FIELD_TYPES.set(type, types)
  return types
}
