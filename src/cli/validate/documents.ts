/** Documents of YAML or JSON texts, each with a way to find the line of a path. */
import { isCollection, isMap, isPair, isScalar, LineCounter, parseAllDocuments } from 'yaml'
import type { Document, Node, Pair, ParsedNode } from 'yaml'
import { messageOf } from '../../base/errors.ts'
import { readYaml } from '../../injection/yaml/read.ts'

export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
}
export interface SyntaxProblem extends Position {
  readonly text: string
}
export interface SourceDocument {
  readonly start: Position
  /** Undefined when it cannot be read. */
  readonly value: unknown
  readonly problems: readonly SyntaxProblem[]
  /** Where the value at a path begins; its nearest parent when there is none. */
  locate(steps: readonly (string | number)[]): Position
}

/** Empty documents are left out. A duplicate key is a problem, though the last one counts. */
export function readDocuments(text: string): readonly SourceDocument[] {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, strict: true, uniqueKeys: true })
  const documents = 'empty' in parsed ? [] : parsed
  return documents
    .filter((document) => document.contents !== null || document.errors.length > 0)
    .map((document) => sourceDocument(document, text, lines))
}

function sourceDocument(document: Document.Parsed, text: string, lines: LineCounter): SourceDocument {
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems = document.errors.map(({ code, message, pos }) => ({
    text: code === 'DUPLICATE_KEY' ? duplicateText(text, pos[0]) : firstLine(message),
    ...at(pos[0]),
  }))
  const start = at(document.contents?.range[0] ?? document.range[0])
  const onlyDuplicates = document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  const read = onlyDuplicates ? readValue(text.slice(document.range[0], document.range[2])) : undefined
  if (read !== undefined && 'error' in read) problems.push({ text: read.error, ...start })
  return {
    start,
    value: read !== undefined && 'value' in read ? read.value : undefined,
    problems,
    locate: (steps) => at(offsetOf(document.contents, steps) ?? document.range[0]),
  }
}

/** The parser points at the key, but does not say its name. */
function duplicateText(text: string, offset: number): string {
  const key = /^[^\n:]{1,80}/.exec(text.slice(offset, offset + 80))?.[0].trim() ?? ''
  return `key ${key} stands here for the second time: keep one of them, or begin a new document with --- before it`
}

/** The parser adds a picture of the place below its sentence. */
const firstLine = (message: string): string =>
  (message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')

function readValue(text: string): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: readYaml(text) }
  } catch (err) {
    return { error: messageOf(err) }
  }
}

function offsetOf(root: ParsedNode | null, steps: readonly (string | number)[]): number | undefined {
  let node: unknown = root
  let offset = root?.range[0]
  for (const step of steps) {
    if (!isCollection(node)) return offset
    const pair: Pair | undefined = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      : undefined
    const child: unknown = pair ?? node.get(step, true)
    if (child === undefined || child === null) return offset
    const named = isPair(child) ? (child.key as Node) : (child as Node)
    offset = named.range?.[0] ?? offset
    node = isPair(child) ? child.value : child
  }
  return offset
}
