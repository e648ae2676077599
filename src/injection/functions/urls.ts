/** Sprig's `urlParse` and `urlJoin`. Rules: Go, net/url. */
import { FunctionError } from '../template/errors.ts'
import { fn, map, tableOf, text, type FunctionTable } from '../template/function-table.ts'
import { fromBytes, toBytes } from '../template/go/byte-text.ts'
import { quote } from '../template/go/quote.ts'
import { kindName } from '../template/type-names.ts'
import { getKey, newMap, setKey, typeOf, type PlainMap } from '../template/value.ts'

interface Url {
  readonly scheme: string
  readonly opaque: string
  /** Undefined where there is none. */
  readonly user: User | undefined
  readonly host: string
  readonly path: string
  readonly query: string
  readonly forceQuery: boolean
  readonly fragment: string
}

interface User {
  readonly name: string
  readonly password: string | undefined
}

export const URL_FUNCTIONS: FunctionTable = tableOf({
  urlParse: fn([text], (given) => asMap(parseUrl(given))),
  urlJoin: fn([map], (parts) => joinUrl(parts ?? newMap())),
})

function asMap(url: Url): PlainMap {
  const { scheme, host, path, query, opaque, fragment, user } = url
  const userinfo = user === undefined ? '' : userText(user)
  const made = newMap()
  for (const [key, value] of Object.entries({
    scheme,
    host,
    hostname: hostname(host),
    path,
    query,
    opaque,
    fragment,
    userinfo,
  })) {
    setKey(made, key, value)
  }
  return made
}

function joinUrl(parts: PlainMap): string {
  const part = (key: string): string => textPart(parts, key)
  const [scheme, host, path, query] = [part('scheme'), part('host'), part('path'), part('query')]
  const [opaque, fragment, userinfo] = [part('opaque'), part('fragment'), part('userinfo')]
  const user = userinfo === '' ? undefined : parseUrl(`proto://${userinfo}@host`).user
  return urlText({ scheme, host, path, query, opaque, fragment, user, forceQuery: false })
}

function textPart(parts: PlainMap, key: string): string {
  const value = getKey(parts, key)
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  const type = typeOf(value)
  if (type === undefined) throw new FunctionError('runtime error: invalid memory address or nil pointer dereference')
  throw new FunctionError(`unable to parse ${key} key, must be of type string, but ${kindName(type)} found`)
}

type Mode = 'path' | 'host' | 'user' | 'fragment'

/** Characters each part keeps as they are, besides letters and digits. */
const KEPT: Readonly<Record<Mode, RegExp>> = {
  path: /[-_.~$&+,/:;=@]/,
  host: /[-_.~!$&'()*+,;=:[\]<>"]/,
  user: /[-_.~$&+,;=]/,
  fragment: /[-_.~$&+,/:;=?@!()*]/,
}

function parseUrl(given: string): Url {
  const fail = (problem: string): never => {
    throw new FunctionError(`unable to parse url: parse ${quote(given)}: ${problem}`)
  }
  const hash = given.indexOf('#')
  const main = hash === -1 ? given : given.slice(0, hash)
  const fragment = unescape(hash === -1 ? '' : given.slice(hash + 1), 'fragment', fail)

  if (/[\x00-\x1f\x7f]/.test(main)) fail('net/url: invalid control character in URL')
  const empty = { scheme: '', opaque: '', user: undefined, host: '', path: '', query: '', forceQuery: false, fragment }
  if (main === '*') return { ...empty, path: '*' }
  const { scheme, rest: afterScheme } = splitScheme(main, fail)
  const { rest, query, forceQuery } = splitQuery(afterScheme)
  const base = { ...empty, scheme, query, forceQuery }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...base, opaque: rest }
    if ((rest.split('/')[0] ?? '').includes(':')) fail('first path segment in URL cannot contain colon')
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))
  if (!hasAuthority) return { ...base, path: unescape(rest, 'path', fail) }
  const slash = rest.indexOf('/', 2)
  const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash)
  return {
    ...base,
    ...parseAuthority(authority, fail),
    path: unescape(slash === -1 ? '' : rest.slice(slash), 'path', fail),
  }
}

type Fail = (problem: string) => never

function splitScheme(given: string, fail: Fail): { scheme: string; rest: string } {
  if (given.startsWith(':')) fail('missing protocol scheme')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(given)?.[1]
  return scheme === undefined
    ? { scheme: '', rest: given }
    : { scheme: scheme.toLowerCase(), rest: given.slice(scheme.length + 1) }
}

function splitQuery(given: string): { rest: string; query: string; forceQuery: boolean } {
  const mark = given.indexOf('?')
  if (mark === -1) return { rest: given, query: '', forceQuery: false }
  return { rest: given.slice(0, mark), query: given.slice(mark + 1), forceQuery: mark === given.length - 1 }
}

function parseAuthority(authority: string, fail: Fail): { user: User | undefined; host: string } {
  const at = authority.lastIndexOf('@')
  const host = parseHost(authority.slice(at + 1), fail)
  if (at === -1) return { user: undefined, host }
  const userinfo = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) fail('net/url: invalid userinfo')
  const colon = userinfo.indexOf(':')
  const name = unescape(colon === -1 ? userinfo : userinfo.slice(0, colon), 'user', fail)
  return {
    user: { name, password: colon === -1 ? undefined : unescape(userinfo.slice(colon + 1), 'user', fail) },
    host,
  }
}

const isPort = (given: string): boolean => /^(?::\d*)?$/.test(given)

function parseHost(host: string, fail: Fail): string {
  const close = host.lastIndexOf(']')
  if (host.startsWith('[')) {
    if (close === -1) fail("missing ']' in host")
    if (!isPort(host.slice(close + 1))) fail(`invalid port ${quote(host.slice(close + 1))} after host`)
  } else {
    const colon = host.indexOf(':')
    if (colon !== -1 && !isPort(host.slice(colon)))
      fail(`invalid port ${quote(host.slice(host.lastIndexOf(':')))} after host`)
  }
  return unescape(host, 'host', fail)
}

function unescape(given: string, mode: Mode, fail: Fail): string {
  if (mode === 'host') {
    const bad = [...given].find((char) => /[\x00-\x7f]/.test(char) && char !== '%' && !isKept(char, 'host'))
    if (bad !== undefined) fail(`invalid character ${quote(bad)} in host name`)
  }
  if (!given.includes('%')) return given
  const bytes = toBytes(given)
  const out: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x25) {
      out.push(bytes[i] ?? 0)
      continue
    }
    const escape = fromBytes(bytes.subarray(i, i + 3))
    const isBad =
      !/^%[0-9A-Fa-f]{2}$/.test(escape) || (mode === 'host' && parseInt(escape.slice(1, 2), 16) < 8 && escape !== '%25')
    if (isBad) fail(`invalid URL escape ${quote(escape)}`)
    out.push(parseInt(escape.slice(1), 16))
    i += 2
  }
  return fromBytes(Uint8Array.from(out))
}

const isKept = (char: string, mode: Mode): boolean => /[A-Za-z0-9]/.test(char) || KEPT[mode].test(char)

function escape(given: string, mode: Mode): string {
  let out = ''
  for (const byte of toBytes(given)) {
    const char = String.fromCharCode(byte)
    out += byte < 0x80 && isKept(char, mode) ? char : '%' + byte.toString(16).toUpperCase().padStart(2, '0')
  }
  return out
}

const userText = ({ name, password }: User): string =>
  escape(name, 'user') + (password === undefined ? '' : ':' + escape(password, 'user'))

function hostname(host: string): string {
  const colon = host.lastIndexOf(':')
  const name = colon !== -1 && isPort(host.slice(colon)) ? host.slice(0, colon) : host
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name
}

/** Go's `URL.String`. */
function urlText(url: Url): string {
  const { scheme, opaque, query, forceQuery, fragment } = url
  const middle = opaque === '' ? hierarchyText(url) : opaque
  return (
    (scheme === '' ? '' : scheme + ':') +
    middle +
    (forceQuery || query !== '' ? '?' + query : '') +
    (fragment === '' ? '' : '#' + escape(fragment, 'fragment'))
  )
}

function hierarchyText({ scheme, host, path, user }: Url): string {
  const hasAuthority = scheme !== '' || host !== '' || user !== undefined
  const slashes = hasAuthority && (host !== '' || path !== '' || user !== undefined) ? '//' : ''
  const authority = slashes + (user === undefined ? '' : userText(user) + '@') + escape(host, 'host')
  const escaped = path === '*' ? '*' : escape(path, 'path')
  if (escaped !== '' && !escaped.startsWith('/') && host !== '') return `${authority}/${escaped}`
  const isAmbiguous = scheme === '' && authority === '' && (escaped.split('/')[0] ?? '').includes(':')
  return authority + (isAmbiguous ? './' : '') + escaped
}
