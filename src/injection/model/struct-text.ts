/** What the generated `String` methods of Kubernetes' types print. */
import type { GoType, MapType, StructField, StructType } from '../template/types.ts'
import { isJsonObject, memberOf, type JsonObject } from './members.ts'

/** `&Container{Name:a,...,}`: a struct behind a pointer, its fields in declaration order. */
export const structText = (type: StructType, value: unknown): string => `&${bodyText(type, value)}`

const plainName = (name: string): string => name.replace(/^.*\./, '')

function bodyText(type: StructType, value: unknown): string {
  if (type.opaque !== undefined) return opaqueText(type, value)
  const object = isJsonObject(value) ? value : {}
  const fields = printedFields(type).map((field) => `${field.name}:${fieldText(field, object)},`)
  return `${plainName(type.name)}{${fields.join('')}}`
}

/** The generated code goes by the numbers of the proto file, which here are not the order of the Go struct. */
const OTHER_ORDER: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'v1.SecurityContext',
    [
      'Capabilities',
      'Privileged',
      'SELinuxOptions',
      'RunAsUser',
      'RunAsNonRoot',
      'ReadOnlyRootFilesystem',
      'AllowPrivilegeEscalation',
      'RunAsGroup',
      'ProcMount',
      'WindowsOptions',
      'SeccompProfile',
      'AppArmorProfile',
    ],
  ],
])

function printedFields({ name, fields }: StructType): readonly StructField[] {
  const order = OTHER_ORDER.get(name)
  return order === undefined
    ? fields
    : order.flatMap((fieldName) => fields.find((field) => field.name === fieldName) ?? [])
}

/** An embedded struct whose JSON is inlined has the outer struct's object for its own. */
function fieldText({ json, type }: StructField, object: JsonObject): string {
  return valueText(type, json === '' ? object : memberOf(object, json))
}

function valueText(type: GoType, value: unknown): string {
  switch (type.kind) {
    case 'pointer':
      return pointerText(type.elem, value)
    case 'struct':
      return bodyText(type, value)
    case 'slice':
      return sliceText(type.elem, Array.isArray(value) ? value : [])
    case 'map':
      return mapText(type, isJsonObject(value) ? value : {})
    default:
      return scalarText(value ?? (type.kind === 'string' ? '' : type.kind === 'bool' ? false : 0))
  }
}

function pointerText(elem: GoType, value: unknown): string {
  if (value === null || value === undefined) return 'nil'
  return elem.kind === 'struct' ? structText(elem, value) : `*${valueText(elem, value)}`
}

function sliceText(elem: GoType, values: readonly unknown[]): string {
  if (elem.kind !== 'struct') return `[${values.map((one) => valueText(elem, one)).join(' ')}]`
  return `[]${plainName(elem.name)}{${values.map((one) => `${bodyText(elem, one)},`).join('')}}`
}

function mapText({ key, elem, name }: MapType, members: JsonObject): string {
  const head =
    name === undefined
      ? `map[${key.name ?? key.kind}]${elem.kind === 'struct' ? elem.name : elem.kind}`
      : plainName(name)
  const texts = Object.keys(members)
    .sort()
    .map((one) => `${one}: ${valueText(elem, members[one])},`)
  return `${head}{${texts.join('')}}`
}

function opaqueText(type: StructType, value: unknown): string {
  return (type.plainText ?? type.toText)?.(value) ?? scalarText(value)
}

const scalarText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
