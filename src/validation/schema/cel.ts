/** Walks a value along the schema and asks the CEL rules on the way. */
import { entry, field, index, pathText } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { CelRule, Schema } from './dsl.ts'
import { keysOf } from './keys.ts'

export interface CelFinding {
  readonly path: string
  readonly message: string
  readonly at: FieldPath
}

/** Every rule that does not hold. The value must have passed the structural check, its non-blocking errors aside. */
export function checkCel(schema: Schema, value: unknown, at: FieldPath): CelFinding[] {
  const findings: CelFinding[] = []
  const plan = planOf(schema)
  if (plan !== undefined) walk(plan, value, { at, findings })
  return findings
}

interface Place {
  readonly at: FieldPath
  readonly findings: CelFinding[]
}

/** A schema reduced to its rules and to the ways that lead to rules. */
interface Plan {
  readonly schema: Schema
  readonly rules: readonly CelRule[]
  readonly fields: ReadonlyMap<string, Plan>
  /** Of lists and maps. */
  readonly elements: Plan | undefined
}

const PLANS = new WeakMap<Schema, { readonly plan: Plan | undefined }>()

/** Undefined when there is no rule on the schema or below; made once per schema. */
function planOf(schema: Schema): Plan | undefined {
  const known = PLANS.get(schema)
  if (known !== undefined) return known.plan
  const children = schema.kind === 'object' ? [...schema.declared] : []
  const fields = new Map(
    children.flatMap(([name, child]) => {
      const plan = planOf(child)
      return plan === undefined ? [] : [[name, plan] as const]
    }),
  )
  const elements = elementsOf(schema)
  const rules = schema.cel ?? []
  const leads = rules.length > 0 || fields.size > 0 || elements !== undefined
  const plan = leads ? { schema, rules, fields, elements } : undefined
  PLANS.set(schema, { plan })
  return plan
}

function elementsOf(schema: Schema): Plan | undefined {
  if (schema.kind === 'list') return planOf(schema.items)
  return schema.kind === 'map' ? planOf(schema.values) : undefined
}

function walk(plan: Plan, value: unknown, place: Place): void {
  if (value === null || value === undefined) return
  for (const rule of plan.rules) ask(rule, plan.schema, value, place)
  const { at, findings } = place
  const { elements } = plan
  if (plan.fields.size > 0) {
    for (const key in value) {
      const child = plan.fields.get(key)
      if (child === undefined) continue
      walk(child, (value as Readonly<Record<string, unknown>>)[key], { at: field(at, key), findings })
    }
  } else if (elements !== undefined && Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) walk(elements, value[i], { at: index(at, i), findings })
  } else if (elements !== undefined) {
    for (const key of keysOf(value)) {
      walk(elements, (value as Readonly<Record<string, unknown>>)[key], { at: entry(at, key), findings })
    }
  }
}

/** Whoever has this many findings knows enough. */
const MAX_FINDINGS = 1000

function ask(rule: CelRule, schema: Schema, value: unknown, place: Place): void {
  if (place.findings.length >= MAX_FINDINGS) return
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
