/** Answers recorded template cases: one JSON object in, one out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { injectorFunctions } from '../../src/injection/functions/functions.ts'
import type { Message, MessageType } from '../../src/injection/mesh/message-type.ts'
import { protoToJson } from '../../src/injection/mesh/proto-to-json.ts'
import { TemplateError } from '../../src/injection/template/errors.ts'
import { hasRawBytes, replaceLoneSurrogates } from '../../src/injection/template/go/byte-text.ts'
import { normalizeInteger } from '../../src/injection/template/go/parse-number.ts'
import { encodeOutput, parseTemplate, type Template } from '../../src/injection/template/template.ts'
import { INT, INT64 } from '../../src/injection/template/types.ts'
import { stringList, stringMap, TypedValue } from '../../src/injection/template/value.ts'

/** The injector's own data, as a case describes it. */
export interface IstioSpec {
  readonly pod: string
  readonly values?: string
  readonly mesh?: string
  readonly namespace?: string
  readonly revision?: string
  readonly nativeSidecars?: boolean
}

export interface TemplateContext {
  /** Members of the shared data file, by name. */
  readonly data: Readonly<Record<string, unknown>>
  /** Text of a template of an injector configuration, named `<configuration>/<template>`. */
  readonly templateText: (reference: string) => string
  /** Makes the injector's data; cases that need it fail without. */
  readonly buildIstioData?: (spec: IstioSpec) => unknown
}

export interface TemplateCase {
  readonly id: string
  readonly template?: string
  readonly templateRef?: string
  readonly data?: unknown
  readonly dataRef?: string
}

export interface TemplateAnswer {
  readonly id: string
  readonly ok: boolean
  readonly output?: string
  readonly outputB64?: string
  readonly stage?: string
  readonly error?: string
}

/** What our engine makes of a case; whatever is thrown becomes an answer. */
export function answerTemplateCase(asked: TemplateCase, context: TemplateContext): TemplateAnswer {
  try {
    return { id: asked.id, ok: true, ...encoded(render(asked, context)) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown)
    return { id: asked.id, ok: false, ...(thrown instanceof TemplateError ? { stage: thrown.stage } : {}), error }
  }
}

/** Answers a file of cases, line by line. */
export async function* answerTemplate(
  lines: AsyncIterable<string> | Iterable<string>,
  context: TemplateContext,
): AsyncGenerator<TemplateAnswer> {
  for await (const line of lines) {
    if (line.trim() !== '') yield answerTemplateCase(JSON.parse(line) as TemplateCase, context)
  }
}

/** Context from a data file and a folder of injector configurations (`<name>.config.yaml`). */
export function readContext(options: {
  readonly dataFile?: string
  readonly configsFolder?: string
  /** Reads the document of an injector configuration. */
  readonly readYaml: (text: string) => unknown
  readonly buildIstioData?: TemplateContext['buildIstioData']
}): TemplateContext {
  const { dataFile, configsFolder = '.', readYaml, buildIstioData } = options
  const data = dataFile === undefined ? {} : (JSON.parse(readFileSync(dataFile, 'utf8')) as Record<string, unknown>)
  const configs = new Map<string, unknown>()
  const templateText = (reference: string): string => {
    const [config = '', name = ''] = reference.split('/')
    if (!configs.has(config))
      configs.set(config, readYaml(readFileSync(join(configsFolder, `${config}.config.yaml`), 'utf8')))
    const { templates } = configs.get(config) as { templates: Readonly<Record<string, string>> }
    return templates[name] ?? ''
  }
  return { data, templateText, ...(buildIstioData === undefined ? {} : { buildIstioData }) }
}

const FUNCTIONS = injectorFunctions({
  env: () => undefined,
  warn: () => undefined,
  nowMs: Date.now,
  messageJson: (type, value) => protoToJson(type as MessageType, value as Message),
})
const parsed = new Map<string, Template>()

function render(asked: TemplateCase, context: TemplateContext): string {
  const text = asked.template ?? context.templateText(asked.templateRef ?? '')
  const template = asked.templateRef === undefined ? undefined : parsed.get(text)
  const used = template ?? parseTemplate('inject', text, { functions: FUNCTIONS })
  if (asked.templateRef !== undefined) parsed.set(text, used)
  const data = asked.dataRef === undefined ? asked.data : context.data[asked.dataRef]
  return used.render(decodeTop(data, context))
}

function decodeTop(data: unknown, { buildIstioData }: TemplateContext): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, '$istio')) return decode(data)
  if (buildIstioData === undefined) throw new Error('the data of the injector is not available')
  return buildIstioData((data as { $istio: IstioSpec }).$istio)
}

/** Markers such as `{"$int": 5}` become typed values; everything else stays JSON. */
function decode(data: unknown): unknown {
  if (typeof data === 'string') return replaceLoneSurrogates(data)
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) return data.map(decode)
  const entries = Object.entries(data as Record<string, unknown>)
  const [first] = entries
  const marked = entries.length === 1 && first !== undefined ? decodeMarked(first[0], first[1]) : undefined
  if (marked !== undefined) return marked
  const map = Object.create(null) as Record<string, unknown>
  for (const [key, value] of entries) map[replaceLoneSurrogates(key)] = decode(value)
  return map
}

function decodeMarked(marker: string, value: unknown): unknown {
  switch (marker) {
    case '$int':
      return new TypedValue(INT, normalizeInteger(BigInt(value as number)))
    case '$int64':
      return new TypedValue(INT64, normalizeInteger(BigInt(value as number | string)))
    case '$strmap':
      return stringMap(value as Record<string, string>)
    case '$strlist':
      return stringList(value as string[])
    default:
      return undefined
  }
}

function encoded(output: string): { output: string } | { outputB64: string } {
  if (!hasRawBytes(output)) return { output }
  return { outputB64: Buffer.from(encodeOutput(output)).toString('base64') }
}
