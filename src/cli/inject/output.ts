/** Injected documents as YAML, JSON or a diff. */
import { parseAllDocuments } from 'yaml'
import { unifiedDiff } from '../diff.ts'
import type { CommandContext } from '../output.ts'
import type { InputFile } from './inputs.ts'

export const OUTPUT_FORMATS = ['yaml', 'json', 'diff'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** Takes the output of one file, piece by piece. */
export interface FileOutput {
  add(text: string): void
  close(): void
}

export interface Writer {
  begin(file: InputFile): FileOutput
  /** After the last file. */
  end(): void
}

/** YAML goes out as it comes; a diff once its file is complete; JSON at the end, as one object or one List. */
export function createWriter(format: OutputFormat, context: CommandContext): Writer {
  switch (format) {
    case 'yaml':
      return yamlWriter(context)
    case 'json':
      return jsonWriter(context)
    case 'diff':
      return diffWriter(context)
  }
}

const SEPARATOR = '---\n'

function yamlWriter(context: CommandContext): Writer {
  let endsDocument = true
  const write = (text: string): void => {
    if (text === '') return
    context.print(text)
    endsDocument = text === SEPARATOR || text.endsWith(`\n${SEPARATOR}`)
  }
  return {
    begin: () => {
      let isFirst = true
      return {
        add: (text) => {
          if (isFirst && !endsDocument && !text.startsWith('---')) write(SEPARATOR)
          isFirst &&= text === ''
          write(text)
        },
        close: () => undefined,
      }
    },
    end: () => undefined,
  }
}

function jsonWriter(context: CommandContext): Writer {
  const items: unknown[] = []
  return {
    begin: () => collecting((text) => items.push(...objectsIn(text))),
    end: () => {
      const whole = items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items }
      context.print(`${JSON.stringify(whole, null, 2)}\n`)
    },
  }
}

function diffWriter(context: CommandContext): Writer {
  return {
    begin: ({ name, text: before }) =>
      collecting((after) => context.print(unifiedDiff({ name, before, after }, context))),
    end: () => undefined,
  }
}

function collecting(take: (text: string) => void): FileOutput {
  let whole = ''
  return {
    add: (text) => void (whole += text),
    close: () => take(whole),
  }
}

/** YAML 1.1, as Kubernetes reads it. */
function objectsIn(text: string): unknown[] {
  const documents = parseAllDocuments(text, { version: '1.1', uniqueKeys: false })
  return [...documents].map((document) => document.toJS() as unknown).filter((object) => object !== null)
}
