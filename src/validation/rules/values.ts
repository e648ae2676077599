/** Checks of single values: durations, percentages, statuses, regular expressions, string matches. */
import { parseDurationNs } from '../../base/duration.ts'
import { RE2JS } from 're2js'
import { field } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import type { StringMatch } from '../schema/kinds/virtual-service.ts'

const MS = 1e6

/** At least 1 ms, in whole milliseconds. `text` has been decoded, so it parses. */
export function wrongDuration(text: string): string | undefined {
  const ns = parseDurationNs(text) ?? 0
  if (ns < MS) return 'duration must be greater than 1ms'
  return ns % MS === 0 ? undefined : 'only durations to ms precision are supported'
}

export function checkDuration(text: string | undefined, at: FieldPath, report: Report): void {
  const wrong = text === undefined ? undefined : wrongDuration(text)
  if (wrong !== undefined) report.error('DURATION_INVALID', at, `${wrong}, got ${JSON.stringify(text)}`)
}

export function checkPercent(percent: number | undefined, at: FieldPath, report: Report): void {
  if (percent === undefined || (percent >= 0 && percent <= 100)) return
  report.error('PERCENT_RANGE', at, `percentage ${percent} is not in range 0..100`)
}

/** istiod: 600 passes, although its own text says 599. */
export const isHttpStatus = (status: number): boolean => status >= 200 && status <= 600

const MAX_REGEX_BYTES = 1024
/** Same expressions come again and again in one object, and from apply to apply. */
const COMPILED = new Map<string, string | undefined>()
const MAX_COMPILED = 500

/** What RE2 thinks of an expression. Users' expressions never reach V8's engine. */
export function wrongRegex(regex: string): string | undefined {
  if (regex.length > MAX_REGEX_BYTES || byteLength(regex) > MAX_REGEX_BYTES) return 'regex is too large, max 1024 bytes'
  if (COMPILED.has(regex)) return COMPILED.get(regex)
  if (COMPILED.size >= MAX_COMPILED) COMPILED.clear()
  const wrong = compileError(regex)
  COMPILED.set(regex, wrong)
  return wrong
}

function compileError(regex: string): string | undefined {
  try {
    RE2JS.compile(regex)
    return undefined
  } catch (thrown) {
    return `invalid regex (RE2 syntax): ${thrown instanceof Error ? thrown.message : 'does not parse'}`
  }
}

export function byteLength(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return bytes
}

/** An empty prefix or regex is refused; an empty `exact` is not, and no member at all means "present". */
export function checkStringMatch(match: StringMatch | undefined, at: FieldPath, report: Report): void {
  if (match === undefined) return
  if (match.prefix === '') report.error('STRING_MATCH_EMPTY', field(at, 'prefix'), 'prefix match may not be empty')
  if (match.regex === undefined) return
  if (match.regex === '') report.error('STRING_MATCH_EMPTY', field(at, 'regex'), 'regex match may not be empty')
  else checkRegex(match.regex, field(at, 'regex'), report)
}

export function checkRegex(regex: string, at: FieldPath, report: Report): void {
  const wrong = wrongRegex(regex)
  if (wrong !== undefined) report.error('REGEX_INVALID', at, wrong)
}
