/** Names and values of HTTP headers. */
import { entry, field, index } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import type { Report } from '../report.ts'
import { entriesOf } from '../schema/keys.ts'
import type { Headers } from '../schema/kinds/virtual-service.ts'

/** istiod: the comma is in by accident of a character range (`+-.`). */
const NAME = /^[a-zA-Z0-9!#$%&'*+,\-.^_~`|]+$/
const PSEUDO_HEADERS: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':status'])
const JWT_CLAIMS = '@request.auth.claims'

/** `@request.auth.claims.sub`, `@request.auth.claims[sub]`: routing by a claim of the token. */
export function isJwtClaim(name: string): boolean {
  if (name.slice(0, JWT_CLAIMS.length).toLowerCase() !== JWT_CLAIMS) return false
  const rest = name.slice(JWT_CLAIMS.length)
  if (rest.startsWith('.')) return rest.length > 1
  return rest.startsWith('[') && rest.endsWith(']') && rest.length > 2
}

export function wrongMatchedHeader(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty'
  return isJwtClaim(name) || PSEUDO_HEADERS.has(name) || NAME.test(name)
    ? undefined
    : `header name ${name} is not a valid header name`
}

export function wrongCorsHeader(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty'
  return name === '*' || NAME.test(name) ? undefined : `header name ${name} is not a valid header name`
}

function wrongRequestHeader(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty'
  const pseudo = name.startsWith(':') && name.toLowerCase() !== ':authority'
  return pseudo ? `header ${name} cannot have ":" prefix` : undefined
}

function wrongOtherHeader(name: string): string | undefined {
  if (name === '') return 'header name cannot be empty'
  if (name.toLowerCase() === 'host') return 'cannot set Host header'
  return name.startsWith(':') ? `header ${name} cannot have ":" prefix` : undefined
}

/** The add, set and remove lists of a request and a response. */
export function checkHeaderOperations(headers: Headers | undefined, at: FieldPath, report: Report): void {
  if (headers === undefined) return
  const { request, response } = headers
  const requestAt = field(at, 'request')
  const responseAt = field(at, 'response')
  checkWritten(request?.add, { at: field(requestAt, 'add'), wrongName: wrongRequestHeader, report })
  checkWritten(request?.set, { at: field(requestAt, 'set'), wrongName: wrongRequestHeader, report })
  checkRemoved(request?.remove, field(requestAt, 'remove'), report)
  checkWritten(response?.add, { at: field(responseAt, 'add'), wrongName: wrongOtherHeader, report })
  checkWritten(response?.set, { at: field(responseAt, 'set'), wrongName: wrongOtherHeader, report })
  checkRemoved(response?.remove, field(responseAt, 'remove'), report)
}

interface Written {
  readonly at: FieldPath
  readonly wrongName: (name: string) => string | undefined
  readonly report: Report
}

function checkWritten(headers: Readonly<Record<string, string>> | undefined, { at, wrongName, report }: Written): void {
  if (headers === undefined) return
  for (const [name, value] of entriesOf(headers)) {
    const badName = wrongName(name)
    if (badName !== undefined) report.error('HEADER_NAME', entry(at, name), badName)
    const badValue = wrongHeaderValue(value)
    if (badValue !== undefined) report.error('HEADER_VALUE', entry(at, name), badValue)
  }
}

function checkRemoved(names: readonly string[] | undefined, at: FieldPath, report: Report): void {
  for (const [i, name] of (names ?? []).entries()) {
    const bad = wrongOtherHeader(name)
    if (bad !== undefined) report.error('HEADER_NAME', index(at, i), bad)
  }
}

/** All but the tab. */
const CONTROL_CHARACTER = /[\u0000-\u0008\u000A-\u001F\u007F]/

type State = 'text' | 'name' | 'arguments' | 'quote' | 'string' | 'comma' | 'paren' | 'close'

/**
 * Envoy's `%NAME(["arg", "arg"])%` inside a header value.
 * istiod: an empty argument list never ends, and the name of a variable is not looked at.
 */
export function wrongHeaderValue(value: string): string | undefined {
  if (CONTROL_CHARACTER.test(value)) return 'header value contains invalid characters'
  if (!value.includes('%')) return undefined
  let state: State = 'text'
  for (let i = 0; i < value.length; i++) {
    const char = value.charAt(i)
    if (state === 'text' && char === '%') {
      if (i === value.length - 1) return 'invalid header value: un-escaped % at the end'
      if (value.charAt(i + 1) === '%') i += 1
      else state = 'name'
      continue
    }
    if (state === 'string' && char === '\\') {
      if (i === value.length - 1) return 'invalid header value: un-terminated backslash'
      i += 1
      continue
    }
    const next = nextState(state, char)
    if (next === undefined) return `invalid header value: unexpected ${JSON.stringify(char)} at offset ${i}`
    state = next
  }
  return state === 'text' ? undefined : 'invalid header value: un-terminated variable expression'
}

function nextState(state: State, char: string): State | undefined {
  switch (state) {
    case 'text':
      return 'text'
    case 'name':
      if (char === '%') return 'text'
      return char === '(' ? 'arguments' : 'name'
    case 'arguments':
      if (char === '[') return 'quote'
      return char === ' ' ? 'arguments' : 'string'
    case 'quote':
      if (char === '"') return 'string'
      return char === ' ' ? 'quote' : undefined
    case 'string':
      if (char === ')') return 'close'
      return char === '"' ? 'comma' : 'string'
    case 'comma':
      if (char === ',') return 'quote'
      if (char === ']') return 'paren'
      return char === ' ' ? 'comma' : undefined
    case 'paren':
      if (char === ')') return 'close'
      return char === ' ' ? 'paren' : undefined
    case 'close':
      if (char === '%') return 'text'
      return char === ' ' ? 'close' : undefined
  }
}
