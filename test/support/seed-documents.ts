/** YAML examples lifted out of the prose of the seed documents, and the table of verdicts on them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SeedRow {
  /** `002:4666`: seed document and line. */
  readonly id: string
  readonly kind: string
  readonly verdict: string
  /** The example as a user would have it in a file; fragments as they stand. */
  readonly text: string
}
interface Span {
  readonly from: number
  /** Last line, where the table gives a range; the end of the example otherwise. */
  readonly to?: number | undefined
}

/** Rows that judge several documents of one example, of which the table names the first line alone. */
const SEVERAL_DOCUMENTS: ReadonlySet<string> = new Set(['000:368', '002:2002'])
/** Fragments whose verdict is about what stands on the line before them. */
const FROM_LINE_BEFORE: ReadonlySet<string> = new Set(['001:234', '001:246'])

/** Every example of the table of section 20, in its order, one row for each line number. */
export function seedRows(reference: string, seeds: string): readonly SeedRow[] {
  const documents = new Map(readdirSync(seeds).map((name) => [name.slice(0, 3), linesOf(join(seeds, name))]))
  const section = /^## 20\. [^]*?(?=^## 21\. )/m.exec(readFileSync(reference, 'utf8'))?.[0] ?? ''
  const rows = section.matchAll(/^\| (\d{3}(?:, \d{3})*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|/gm)
  return [...rows].flatMap(([, names = '', places = '', kind = '', verdict = '']) =>
    names.split(', ').flatMap((name) => {
      const lines = documents.get(name) ?? []
      return spansOf(places, lines).map((span) => {
        const id = `${name}:${span.from}`
        return { id, kind, verdict: verdict.trim(), text: lift(lines, span, id) }
      })
    }),
  )
}

const linesOf = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n')

/** `38, 164, 4952–5067`; "all" means each line that begins an object. */
function spansOf(places: string, lines: readonly string[]): readonly Span[] {
  if (places.startsWith('all')) {
    return lines.flatMap((line, i) => (line.startsWith('apiVersion:') ? [{ from: i + 1 }] : []))
  }
  return places.split(', ').map((place) => {
    const [from = '', to] = place.split('–')
    return { from: Number(from), to: to === undefined ? undefined : Number(to) }
  })
}

/** Fenced examples end with their fence; those of a typeset book are bold lines up to an empty one. */
function lift(lines: readonly string[], { from, to }: Span, id: string): string {
  if (to !== undefined) return typesetExamples(lines.slice(from - 1, to)).join('\n---\n')
  // One line number of the table is that of the empty line above the example.
  const start = lines[from - 1] === '' ? from : FROM_LINE_BEFORE.has(id) ? from - 2 : from - 1
  const isTypeset = lines[start]?.startsWith('**') === true
  const rest = lines.slice(start)
  const end = rest.findIndex((line) => (isTypeset ? line === '' : /^(?:~~~|```)/.test(line)))
  const example = rest.slice(0, end).map((line) => (isTypeset ? plainText(line) : line))
  const next = SEVERAL_DOCUMENTS.has(id) ? -1 : example.indexOf('---')
  return `${example.slice(0, next === -1 ? undefined : next).join('\n')}\n`
}

/** All examples between lines of prose. */
const typesetExamples = (lines: readonly string[]): readonly string[] =>
  lines
    .join('\n')
    .split(/\n{2,}/)
    .filter((block) => block.startsWith('**'))
    .map((block) => block.split('\n').map(plainText).join('\n'))

/** Without bold marks and escapes, with ordinary spaces and quotes. */
const plainText = (line: string): string =>
  line
    .replaceAll(/\\(.)|\*\*/g, (_, escaped: string | undefined) => escaped ?? '')
    .replace(/\\$/, '')
    .replaceAll('\u00a0', ' ')
    .replaceAll(/[“”]/g, '"')
    .trimEnd()

const API_VERSIONS: Readonly<Record<string, string>> = {
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
  AuthorizationPolicy: 'security.istio.io/v1',
  Policy: 'authentication.istio.io/v1alpha1',
}
/** What a fragment of a spec begins with: its kind, and the lines that lead to it. */
const CONTEXTS: readonly (readonly [start: RegExp, kind: string, above: readonly string[], indent: string])[] = [
  [/^spec:\n {2}(?:hosts|http|tcp)/, 'VirtualService', [], ''],
  [/^spec:\n {2}(?:target|origins)/, 'Policy', [], ''],
  [/^spec:\n {2}action/, 'AuthorizationPolicy', [], ''],
  [/^- (?:match|route):/, 'VirtualService', ['spec:', '  hosts: [a]', '  http:'], '  '],
  [/^http:/, 'VirtualService', ['spec:', '  hosts: [a]'], '  '],
  [/^trafficPolicy:/, 'DestinationRule', ['spec:', '  host: a'], '  '],
  [/^configPatches:/, 'EnvoyFilter', ['spec:'], '  '],
  [/^- applyTo:/, 'EnvoyFilter', ['spec:', '  configPatches:'], '  '],
  [/^rules:/, 'AuthorizationPolicy', ['spec:'], '  '],
  [/^(?:to|when):/, 'AuthorizationPolicy', ['spec:', '  rules:', '  -'], '    '],
]

/** Makes an object of a fragment, line by line, so that its errors stay. Ellipses in column 0 are the author's "and so on". */
export function completed(fragment: string): string {
  const text = fragment.replaceAll(/^\.\.\.\n/gm, '')
  const [, kind, above, indent] = CONTEXTS.find(([start]) => start.test(text)) ?? []
  if (kind === undefined || above === undefined || indent === undefined) return fragment
  const header = [`apiVersion: ${API_VERSIONS[kind] ?? ''}`, `kind: ${kind}`, 'metadata: {name: a, namespace: a}']
  return [...header, ...above, text.replaceAll(/^(?=.)/gm, indent)].join('\n')
}
