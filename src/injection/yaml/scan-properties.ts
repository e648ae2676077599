/** Anchors, aliases, tags and directives. */
import { type Cursor, type Mark, scanError } from './cursor.ts'
import { markToken, type Token } from './tokens.ts'

const isWordChar = (char: string): boolean => /[0-9A-Za-z_-]/.test(char)

/** An anchor or alias, the cursor being on its `&` or `*`. */
export function scanAnchor(cursor: Cursor): Token {
  const start = cursor.mark()
  const type = cursor.take() === '&' ? 'anchor' : 'alias'
  const value = cursor.takeWhile(isWordChar)
  if (value === '' || !(cursor.isBlankOrEnd() || '?:,]}%@`'.includes(cursor.at()))) {
    throw scanError(cursor.mark(), start, 'did not find expected alphabetic or numeric character')
  }
  return { ...markToken(type, start), value }
}

/** A tag, the cursor being on its first `!`. */
export function scanTag(cursor: Cursor): Token {
  const start = cursor.mark()
  const parts = cursor.at(1) === '<' ? takeVerbatimTag(cursor, start) : takeTagParts(cursor, start)
  if (!cursor.isBlankOrEnd()) throw scanError(cursor.mark(), start, 'did not find expected whitespace or line break')
  return { ...markToken('tag', start), ...parts }
}

interface TagParts {
  /** The handle. */
  readonly value: string
  readonly suffix: string
}

function takeVerbatimTag(cursor: Cursor, start: Mark): TagParts {
  cursor.take(2)
  const suffix = takeSomeUri(cursor, start)
  if (cursor.at() !== '>') throw scanError(cursor.mark(), start, "did not find the expected '>'")
  cursor.take()
  return { value: '', suffix }
}

function takeTagParts(cursor: Cursor, start: Mark): TagParts {
  const handle = cursor.take() + cursor.takeWhile(isWordChar)
  if (cursor.at() === '!') return { value: handle + cursor.take(), suffix: takeSomeUri(cursor, start) }
  const suffix = takeUri(cursor, start, handle.slice(1))
  // A lone `!` says that the value is no special one; it has no handle at all.
  return suffix === '' ? { value: '', suffix: '!' } : { value: '!', suffix }
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
export function scanDirective(cursor: Cursor): Token {
  const start = cursor.mark()
  const fail = (problem: string): never => {
    throw scanError(cursor.mark(), start, problem)
  }
  cursor.take()
  const name = cursor.takeWhile(isWordChar)
  if (name === '') fail('could not find expected directive name')
  if (!cursor.isBlankOrEnd()) fail('found unexpected non-alphabetical character')
  cursor.takeBlanks()
  const take = DIRECTIVES.get(name)
  const content = take === undefined ? fail('found unknown directive name') : take(cursor, fail)
  cursor.takeBlanks()
  if (cursor.at() === '#') cursor.takeLine()
  if (!cursor.isBreakOrEnd()) fail('did not find expected comment or line break')
  cursor.takeBreak()
  return { ...markToken(name === 'YAML' ? 'version-directive' : 'tag-directive', start), ...content }
}

type Fail = (problem: string) => never

function takeVersion(cursor: Cursor, fail: Fail): TagParts {
  const takeNumber = (): string => {
    const digits = cursor.takeWhile((char) => /[0-9]/.test(char))
    if (digits.length > 9) fail('found extremely long version number')
    return digits === '' ? fail('did not find expected version number') : String(Number(digits))
  }
  const major = takeNumber()
  if (cursor.at() !== '.') fail("did not find expected digit or '.' character")
  cursor.take()
  return { value: `${major}.${takeNumber()}`, suffix: '' }
}

function takeTagPrefix(cursor: Cursor, fail: Fail): TagParts {
  const takeMark = (): string => (cursor.at() === '!' ? cursor.take() : '')
  const handle = takeMark() + cursor.takeWhile(isWordChar) + takeMark()
  if (!/^!(?:.*!)?$/.test(handle)) fail("did not find expected '!'")
  if (!cursor.isBlank()) fail('did not find expected whitespace')
  cursor.takeBlanks()
  const prefix = cursor.takeWhile(isUriChar)
  if (prefix === '') fail('did not find expected tag URI')
  if (!cursor.isBlankOrEnd()) fail('did not find expected whitespace or line break')
  return { value: handle, suffix: prefix }
}

const DIRECTIVES: ReadonlyMap<string, (cursor: Cursor, fail: Fail) => TagParts> = new Map([
  ['YAML', takeVersion],
  ['TAG', takeTagPrefix],
])
