/** The difference of two texts as people read it. */
import { createTwoFilesPatch } from 'diff'
import { paint, type CommandContext } from './output.ts'

export interface DiffInput {
  /** What both texts are of; stands in the diff's header. */
  readonly name: string
  readonly before: string
  readonly after: string
}

const CONTEXT_LINES = 3

/** A unified diff, coloured where colours are wanted; empty where the texts are equal. */
export function unifiedDiff({ name, before, after }: DiffInput, context: Pick<CommandContext, 'color'>): string {
  if (before === after) return ''
  const patch = createTwoFilesPatch(name, name, before, after, 'before', 'after', { context: CONTEXT_LINES })
  const lines = patch.split('\n').filter((line) => !/^(?:Index: |={10})/.test(line))
  return lines.map((line) => paintLine(line, context)).join('\n')
}

function paintLine(line: string, context: Pick<CommandContext, 'color'>): string {
  if (line.startsWith('+')) return paint(line, 'green', context)
  if (line.startsWith('-')) return paint(line, 'red', context)
  return line.startsWith('@@') ? paint(line, 'cyan', context) : line
}
