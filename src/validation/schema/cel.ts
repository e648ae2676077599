/** Walks a value along the schema and asks the CEL rules on the way. */
import { entry, field, index, pathText } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { CelRule, Schema } from './dsl.ts'

export interface CelFinding {
  readonly path: string
  readonly message: string
  readonly at: FieldPath
}

/** Every rule that does not hold. The value must have passed the structural check, its non-blocking errors aside. */
export function checkCel(schema: Schema, value: unknown, at: FieldPath): CelFinding[] {
  const findings: CelFinding[] = []
  walk(schema, value, { at, findings })
  return findings
}

interface Place {
  readonly at: FieldPath
  readonly findings: CelFinding[]
}

function walk(schema: Schema, value: unknown, place: Place): void {
  if (!leadsToRules(schema) || value === null || value === undefined) return
  if (schema.cel !== undefined) for (const rule of schema.cel) ask(rule, schema, value, place)
  const { at, findings } = place
  switch (schema.kind) {
    case 'object':
      for (const key of Object.keys(value)) {
        const declared = schema.declared.get(key)
        if (declared === undefined || !leadsToRules(declared)) continue
        walk(declared, (value as Readonly<Record<string, unknown>>)[key], { at: field(at, key), findings })
      }
      return
    case 'list':
      for (const [i, item] of (value as readonly unknown[]).entries())
        walk(schema.items, item, { at: index(at, i), findings })
      return
    case 'map':
      for (const [key, item] of Object.entries(value)) walk(schema.values, item, { at: entry(at, key), findings })
      return
    case 'string':
    case 'enum':
    case 'boolean':
    case 'integer':
    case 'number':
    case 'free':
  }
}

function ask(rule: CelRule, schema: Schema, value: unknown, place: Place): void {
  const outcome = (rule.holds as (self: unknown) => boolean | string)(value)
  if (outcome === true) return
  const message =
    outcome === false
      ? `Invalid value: ${shown(value)}${rule.message}`
      : `Invalid value: "${celType(schema)}": ${outcome} evaluating rule: ${rule.message}`
  place.findings.push({ at: place.at, path: pathText(place.at), message })
}

/** Objects and lists print no value. */
const shown = (value: unknown): string => (typeof value === 'object' ? '' : `${JSON.stringify(value)}: `)

const celType = (schema: Schema): string => {
  if (schema.kind === 'list') return 'array'
  if (schema.kind === 'enum') return 'string'
  return schema.kind === 'map' || schema.kind === 'free' ? 'object' : schema.kind
}

const KNOWN = new WeakMap<Schema, boolean>()

/** Whether there is any rule on this schema or below; asked once per schema. */
function leadsToRules(schema: Schema): boolean {
  const known = KNOWN.get(schema)
  if (known !== undefined) return known
  const leads = schema.cel !== undefined || childrenOf(schema).some(leadsToRules)
  KNOWN.set(schema, leads)
  return leads
}

function childrenOf(schema: Schema): readonly Schema[] {
  if (schema.kind === 'object') return Object.values(schema.fields)
  if (schema.kind === 'list') return [schema.items]
  return schema.kind === 'map' ? [schema.values] : []
}
