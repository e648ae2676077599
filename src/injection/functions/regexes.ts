/** Sprig's regular expressions: RE2 syntax in linear time, on bytes as in Go. */
import { RE2JS } from 're2js'
import { FunctionError } from '../template/errors.ts'
import { fn, integer, tableOf, text, type FunctionTable, type TemplateFunction } from '../template/function-table.ts'
import { fromBytes, hasRawBytes, toBytes } from '../template/go/byte-text.ts'
import { canBackquote, quote } from '../template/go/quote.ts'
import { checkListLength, checkTextLength, LimitReached } from '../template/limits.ts'
import { stringList } from '../template/value.ts'

/** Bounds of a match and of its groups, in bytes; -1 where a group is not part of it. */
type Match = readonly number[]

const match = fn([text, text], (pattern, given) => {
  const regex = tryCompile(pattern)
  return regex !== undefined && firstMatch(regex, toBytes(given)) !== undefined
})
const mustMatch = fn([text, text], (pattern, given) => firstMatch(compile(pattern), toBytes(given)) !== undefined)
/** Functions that exist in two forms: with `must` the error is the parser's own, without it Go's panic. */
type Compile = (pattern: string) => RE2JS

const find = (compileWith: Compile): TemplateFunction =>
  fn([text, text], (pattern, given) => {
    const bytes = toBytes(given)
    const found = firstMatch(compileWith(pattern), bytes)
    return found === undefined ? '' : sliceOf(bytes, found[0], found[1])
  })
const findAll = (compileWith: Compile): TemplateFunction =>
  fn([text, text, integer], (pattern, given, count) => {
    const bytes = toBytes(given)
    const matches = allMatches(compileWith(pattern), bytes, count)
    return stringList(matches.length === 0 ? null : matches.map(([from, to]) => sliceOf(bytes, from, to)))
  })
const replace = (compileWith: Compile): TemplateFunction =>
  fn([text, text, text], (pattern, given, replacement) => {
    const regex = compileWith(pattern)
    const bytes = toBytes(given)
    return replaceMatches(regex, bytes, (found) => expand(replacement, { regex, bytes, found }))
  })
const replaceLiteral = (compileWith: Compile): TemplateFunction =>
  fn([text, text, text], (pattern, given, replacement) =>
    replaceMatches(compileWith(pattern), toBytes(given), () => replacement),
  )
const split = (compileWith: Compile): TemplateFunction =>
  fn([text, text, integer], (pattern, given, count) =>
    stringList(splitText(compileWith(pattern), given, { pattern, count })),
  )

export const REGEX_FUNCTIONS: FunctionTable = tableOf({
  regexMatch: match,
  mustRegexMatch: mustMatch,
  regexFind: find(panicCompile),
  mustRegexFind: find(compile),
  regexFindAll: findAll(panicCompile),
  mustRegexFindAll: findAll(compile),
  regexReplaceAll: replace(panicCompile),
  mustRegexReplaceAll: replace(compile),
  regexReplaceAllLiteral: replaceLiteral(panicCompile),
  mustRegexReplaceAllLiteral: replaceLiteral(compile),
  regexSplit: split(panicCompile),
  mustRegexSplit: split(compile),
  regexQuoteMeta: fn([text], (given) => given.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
})

/** Longest pattern, in characters: compiling takes time and memory in proportion. */
const MAX_PATTERN_LENGTH = 64 * 1024
/** Work of matching is program size times text length; more than this is refused. */
const MAX_WORK = 300_000_000

/** As Go's `regexp.MustCompile`. */
function panicCompile(pattern: string): RE2JS {
  try {
    return compile(pattern)
  } catch (thrown) {
    if (!(thrown instanceof FunctionError)) throw thrown
    const shown = canBackquote(pattern) ? '`' + pattern + '`' : quote(pattern)
    throw new FunctionError(`regexp: Compile(${shown}): ${thrown.message}`)
  }
}

function tryCompile(pattern: string): RE2JS | undefined {
  try {
    return compile(pattern)
  } catch (thrown) {
    if (thrown instanceof FunctionError) return undefined
    throw thrown
  }
}

function compile(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new LimitReached(`pattern longer than ${MAX_PATTERN_LENGTH} characters`)
  if (hasRawBytes(pattern)) throw new FunctionError('error parsing regexp: invalid UTF-8')
  try {
    return RE2JS.compile(pattern)
  } catch (thrown) {
    if (thrown instanceof RangeError || !(thrown instanceof Error)) throw thrown
    throw new FunctionError(thrown.message)
  }
}

function checkWork(regex: RE2JS, bytes: Uint8Array): void {
  if (regex.programSize() * bytes.length > MAX_WORK)
    throw new LimitReached('regular expression too costly for this text')
}

function firstMatch(regex: RE2JS, bytes: Uint8Array): Match | undefined {
  checkWork(regex, bytes)
  return matchFrom(regex, bytes, 0)
}

function matchFrom(regex: RE2JS, bytes: Uint8Array, at: number): Match | undefined {
  const matcher = regex.matcher(bytes)
  if (!matcher.find(at)) return undefined
  const bounds: number[] = []
  for (let group = 0; group <= matcher.groupCount(); group++) bounds.push(matcher.start(group), matcher.end(group))
  return bounds
}

/** Go's rule: an empty match right behind the last match does not count. */
function allMatches(regex: RE2JS, bytes: Uint8Array, count: number): Match[] {
  checkWork(regex, bytes)
  const matches: Match[] = []
  let previousEnd = -1
  for (let at = 0; at <= bytes.length && (count < 0 || matches.length < count);) {
    const found = matchFrom(regex, bytes, at)
    if (found === undefined) break
    const [from = 0, to = 0] = found
    const counts = !(from === to && from === previousEnd)
    at = to > at ? to : at + charLength(bytes, at)
    previousEnd = to
    if (counts) matches.push(found)
    checkListLength(matches.length)
  }
  return matches
}

/** Bytes of the character at `at`; one for an invalid byte and at the end. */
function charLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  const length = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return length > 1 && hasRawBytes(fromBytes(bytes.subarray(at, at + length))) ? 1 : length
}

const sliceOf = (bytes: Uint8Array, from = 0, to = 0): string => fromBytes(bytes.subarray(from, to))

function replaceMatches(regex: RE2JS, bytes: Uint8Array, replacement: (found: Match) => string): string {
  const pieces: Uint8Array[] = []
  let length = 0
  let at = 0
  const add = (piece: Uint8Array): void => {
    pieces.push(piece)
    length += piece.length
    checkTextLength(length)
  }
  for (const found of allMatches(regex, bytes, -1)) {
    const [from = 0, to = 0] = found
    add(bytes.subarray(at, from))
    add(toBytes(replacement(found)))
    at = to
  }
  add(bytes.subarray(at))
  return fromBytes(joinBytes(pieces, length))
}

function joinBytes(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** `$1`, `$name`, `${1}`, `$$`; a name takes as many letters, digits and `_` as there are. */
function expand(template: string, { regex, bytes, found }: { regex: RE2JS; bytes: Uint8Array; found: Match }): string {
  return template.replace(
    /\$(?:\$|(\p{L}[\p{L}\p{Nd}_]*|[\p{Nd}_][\p{L}\p{Nd}_]*)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (whole, plain?: string, braced?: string) => {
      const name = plain ?? braced
      if (name === undefined) return whole === '$$' ? '$' : whole
      const group = /^\d+$/.test(name) ? Number(name) : (regex.namedGroups()[name] ?? -1)
      const from = found[2 * group]
      return from === undefined || from < 0 ? '' : sliceOf(bytes, from, found[2 * group + 1])
    },
  )
}

/** Go's `Regexp.Split`. */
function splitText(
  regex: RE2JS,
  given: string,
  { pattern, count }: { pattern: string; count: number },
): string[] | null {
  if (count === 0) return null
  if (pattern !== '' && given === '') return ['']
  const bytes = toBytes(given)
  const parts: string[] = []
  let from = 0
  let end = 0
  for (const [start = 0, stop = 0] of allMatches(regex, bytes, count)) {
    if (count > 0 && parts.length === count - 1) break
    end = start
    if (stop !== 0) parts.push(sliceOf(bytes, from, end))
    from = stop
  }
  if (end !== bytes.length) parts.push(sliceOf(bytes, from, bytes.length))
  return parts
}
