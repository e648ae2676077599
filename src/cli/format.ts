/** How a command's results are written: for people, or for programs. */
import type { Command } from 'commander'
import { Option } from 'commander'
import { stringify } from 'yaml'

export const FORMATS = ['text', 'json', 'yaml'] as const
export type Format = (typeof FORMATS)[number]

export function addFormatFlag(command: Command): void {
  command.addOption(new Option('-o, --output <format>', 'how the result is printed').choices(FORMATS).default('text'))
}

/** A value for programs to read. */
export function structured(value: unknown, format: Exclude<Format, 'text'>): string {
  if (format === 'json') return `${JSON.stringify(value, undefined, 2)}\n`
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** Rows of equal length as columns, two spaces apart; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
