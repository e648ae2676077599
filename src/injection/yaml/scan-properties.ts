/** Anchors, aliases, tags and directives. */
import { type Cursor, type Mark, scanError } from './cursor.ts'
import type { TokenContent } from './tokens.ts'

const isWordChar = (char: string): boolean => /[0-9A-Za-z_-]/.test(char)

/** An anchor or alias, the cursor being on its `&` or `*`. */
export function scanAnchor(cursor: Cursor): TokenContent {
  const start = cursor.mark()
  const type = cursor.take() === '&' ? 'anchor' : 'alias'
  const value = cursor.takeWhile(isWordChar)
  if (value === '' || !(cursor.isBlankOrEnd() || '?:,]}%@`'.includes(cursor.at()))) {
    throw scanError(cursor.mark(), start, 'did not find expected alphabetic or numeric character')
  }
  return { type, value }
}

/** A tag, the cursor being on its first `!`. */
export function scanTag(cursor: Cursor): TokenContent {
  const start = cursor.mark()
  const tag = cursor.at(1) === '<' ? takeVerbatimTag(cursor, start) : takeTagParts(cursor, start)
  if (!cursor.isBlankOrEnd()) throw scanError(cursor.mark(), start, 'did not find expected whitespace or line break')
  return { type: 'tag', ...tag }
}

interface TagParts {
  readonly handle: string
  readonly suffix: string
}

function takeVerbatimTag(cursor: Cursor, start: Mark): TagParts {
  cursor.take(2)
  const suffix = takeSomeUri(cursor, start)
  if (cursor.at() !== '>') throw scanError(cursor.mark(), start, "did not find the expected '>'")
  cursor.take()
  return { handle: '', suffix }
}

function takeTagParts(cursor: Cursor, start: Mark): TagParts {
  const handle = cursor.take() + cursor.takeWhile(isWordChar)
  if (cursor.at() === '!') return { handle: handle + cursor.take(), suffix: takeSomeUri(cursor, start) }
  const suffix = takeUri(cursor, start, handle.slice(1))
  // A lone `!` says that the value is no special one; it has no handle at all.
  return suffix === '' ? { handle: '', suffix: '!' } : { handle: '!', suffix }
}

const isUriChar = (char: string): boolean => /[0-9A-Za-z_;/?:@&=+$,.!~*'()[\]%-]/.test(char)

function takeUri(cursor: Cursor, start: Mark, head: string): string {
  const uri = head + cursor.takeWhile(isUriChar)
  try {
    return decodeURIComponent(uri)
  } catch {
    throw scanError(cursor.mark(), start, 'did not find URI escaped octet')
  }
}

function takeSomeUri(cursor: Cursor, start: Mark): string {
  const uri = takeUri(cursor, start, '')
  if (uri === '') throw scanError(cursor.mark(), start, 'did not find expected tag URI')
  return uri
}

/** A directive, the cursor being on its `%`. */
export function scanDirective(cursor: Cursor): TokenContent {
  const start = cursor.mark()
  const fail = (problem: string): never => {
    throw scanError(cursor.mark(), start, problem)
  }
  cursor.take()
  const name = cursor.takeWhile(isWordChar)
  if (name === '') fail('could not find expected directive name')
  if (!cursor.isBlankOrEnd()) fail('found unexpected non-alphabetical character')
  cursor.takeBlanks()
  const content = name === 'YAML' ? takeVersion(cursor, fail) : name === 'TAG' ? takeTagPrefix(cursor, fail) : undefined
  if (content === undefined) return fail('found unknown directive name')
  cursor.takeBlanks()
  if (cursor.at() === '#') cursor.takeLine()
  if (!cursor.isBreakOrEnd()) fail('did not find expected comment or line break')
  cursor.takeBreak()
  return content
}

type Fail = (problem: string) => never

function takeVersion(cursor: Cursor, fail: Fail): TokenContent {
  const takeNumber = (): number => {
    const digits = cursor.takeWhile((char) => /[0-9]/.test(char))
    if (digits.length > 9) fail('found extremely long version number')
    return digits === '' ? fail('did not find expected version number') : Number(digits)
  }
  const major = takeNumber()
  if (cursor.at() !== '.') fail("did not find expected digit or '.' character")
  cursor.take()
  return { type: 'version-directive', major, minor: takeNumber() }
}

function takeTagPrefix(cursor: Cursor, fail: Fail): TokenContent {
  const takeMark = (): string => (cursor.at() === '!' ? cursor.take() : '')
  const handle = takeMark() + cursor.takeWhile(isWordChar) + takeMark()
  if (!/^!(?:.*!)?$/.test(handle)) fail("did not find expected '!'")
  if (!cursor.isBlank()) fail('did not find expected whitespace')
  cursor.takeBlanks()
  const prefix = cursor.takeWhile(isUriChar)
  if (prefix === '') fail('did not find expected tag URI')
  if (!cursor.isBlankOrEnd()) fail('did not find expected whitespace or line break')
  return { type: 'tag-directive', handle, prefix }
}
