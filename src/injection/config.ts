/** The injector's configuration document (key `config` of its ConfigMap). */
import { ProjectError, messageOf } from '../base/errors.ts'
import { compileSelector } from '../base/selector.ts'
import type { CompiledSelector, LabelSelector } from '../base/selector.ts'
import type { InjectionPolicy } from './decision.ts'
import { decodeTyped } from './model/decode.ts'
import { isJsonObject, setMember } from './model/members.ts'
import type { JsonObject } from './model/members.ts'
import { structOf } from './model/define.ts'
import { META_TYPES } from './model/meta.ts'
import { STRING, STRING_MAP, mapOf, sliceOf } from './template/types.ts'
import type { GoType, StructField, StructType } from './template/types.ts'
import { readYaml } from './yaml/read.ts'

export interface InjectorConfig extends InjectionPolicy {
  /** Templates of pods that name none. */
  readonly defaultTemplates: readonly string[]
  /** Name -> text. */
  readonly templates: ReadonlyMap<string, string>
  /** Name -> names it stands for; one level deep. */
  readonly aliases: ReadonlyMap<string, readonly string[]>
  readonly injectedAnnotations: Readonly<Record<string, string>>
  /** What an operator should know of, none of it fatal. */
  readonly warnings: readonly string[]
}

const LABEL_SELECTOR = structOf(META_TYPES, 'LabelSelector')

const field = (json: string, type: GoType): StructField => ({ name: json, json, type, omitEmpty: true })

const CONFIG: StructType = {
  kind: 'struct',
  name: 'inject.Config',
  fields: [
    field('policy', STRING),
    field('defaultTemplates', sliceOf(STRING)),
    field('templates', { ...STRING_MAP, name: 'inject.RawTemplates' }),
    field('aliases', mapOf(sliceOf(STRING))),
    field('neverInjectSelector', sliceOf(LABEL_SELECTOR)),
    field('alwaysInjectSelector', sliceOf(LABEL_SELECTOR)),
    field('injectedAnnotations', STRING_MAP),
  ],
}

interface RawConfig {
  readonly policy?: string
  readonly defaultTemplates?: readonly string[]
  readonly templates?: Readonly<Record<string, string>>
  readonly aliases?: Readonly<Record<string, readonly string[] | null>>
  readonly neverInjectSelector?: readonly LabelSelector[]
  readonly alwaysInjectSelector?: readonly LabelSelector[]
  readonly injectedAnnotations?: Readonly<Record<string, string>>
}

/**
 * Reads the document. Unknown keys are ignored, and the case of known ones.
 * @throws ProjectError INJECTION_CONFIG_INVALID with istiod's text
 */
export function readInjectorConfig(text: string): InjectorConfig {
  const raw = decodeConfig(text)
  const warnings: string[] = []
  const compile = (key: string, selectors: readonly LabelSelector[] = []): readonly CompiledSelector[] =>
    selectors.flatMap((selector) => {
      const compiled = compileSelector(selector)
      if (!('problem' in compiled)) return [compiled]
      warnings.push(`ignoring an invalid selector of ${key}: ${compiled.problem}`)
      return []
    })
  const templates = new Map(Object.entries(raw.templates ?? {}))
  if (templates.size === 0) warnings.push('the injector configuration has no templates')
  return {
    policy: raw.policy ?? '',
    defaultTemplates: raw.defaultTemplates ?? ['sidecar'],
    templates,
    aliases: new Map(Object.entries(raw.aliases ?? {}).map(([name, names]) => [name, names ?? []])),
    never: compile('neverInjectSelector', raw.neverInjectSelector),
    always: compile('alwaysInjectSelector', raw.alwaysInjectSelector),
    injectedAnnotations: raw.injectedAnnotations ?? {},
    warnings,
  }
}

/** The text of a configuration document made of these templates, `parts` in front of each of them. */
export function configText({
  parts,
  templates,
}: {
  parts: string
  templates: Readonly<Record<string, string>>
}): string {
  const texts = Object.entries(templates).map(([name, text]) => [name, parts + text] as const)
  return JSON.stringify({
    policy: 'enabled',
    defaultTemplates: ['sidecar'],
    neverInjectSelector: [],
    alwaysInjectSelector: [],
    injectedAnnotations: {},
    templates: Object.fromEntries(texts),
  })
}

function decodeConfig(text: string): RawConfig {
  const refuse = (prefix: string, cause: unknown): never => {
    const message = `failed to unmarshal injection template: ${prefix}${messageOf(cause)}`
    throw new ProjectError('INJECTION_CONFIG_INVALID', message, { cause })
  }
  let json: unknown
  try {
    json = readYaml(text)
  } catch (thrown) {
    return refuse('error converting YAML to JSON: ', thrown)
  }
  try {
    return decodeTyped(CONFIG, withTextCoerced(CONFIG, json), { unknownFields: 'drop' }) as RawConfig
  } catch (thrown) {
    return refuse('error unmarshaling JSON: while decoding JSON: ', thrown)
  }
}

/** istiod: where a text is wanted, the YAML reader makes one of any other scalar (`policy: on` becomes `true`). */
function withTextCoerced(type: GoType, value: unknown): unknown {
  switch (type.kind) {
    case 'string':
      return typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
    case 'pointer':
      return withTextCoerced(type.elem, value)
    case 'slice':
      return Array.isArray(value) ? value.map((one: unknown) => withTextCoerced(type.elem, one)) : value
    case 'map':
      return isJsonObject(value) ? mapMembers(value, () => type.elem) : value
    case 'struct':
      return isJsonObject(value) ? mapMembers(value, (name) => typeOfField(type, name)) : value
    default:
      return value
  }
}

function mapMembers(value: JsonObject, typeOf: (name: string) => GoType | undefined): JsonObject {
  const result: JsonObject = {}
  for (const [name, member] of Object.entries(value)) {
    const type = typeOf(name)
    setMember(result, name, type === undefined ? member : withTextCoerced(type, member))
  }
  return result
}

const typeOfField = ({ fields }: StructType, name: string): GoType | undefined =>
  fields.find(({ json }) => json.toLowerCase() === name.toLowerCase())?.type
