/** What Go's net/url thinks of a text: whether it parses, and with which scheme. */
import { isIpAddress } from '../base/ip-address.ts'

export interface GoUrl {
  /** Lower case; empty for a path. */
  readonly scheme: string
}

/** Go's `url.ParseRequestURI`: an absolute URL or a path. Text is the reason why not. */
export function parseRequestUri(text: string): GoUrl | string {
  if (hasControlCharacter(text)) return 'invalid control character in URL'
  if (text === '') return 'empty url'
  if (text === '*') return { scheme: '' }
  const split = splitScheme(text)
  if (typeof split === 'string') return split
  const { scheme, rest } = split
  if (!rest.startsWith('/')) return scheme === '' ? 'invalid URI for request' : { scheme }
  const path = rest.split('?', 1)[0] ?? ''
  // Without a scheme even what begins with two slashes is a path here.
  return scheme === '' ? checkPath(path, scheme) : checkHierarchy(path, scheme)
}

/** Go's `url.Parse`: as above, relative references included; a fragment is cut off first. */
export function parseUrl(text: string): GoUrl | string {
  const hash = text.indexOf('#')
  const body = hash === -1 ? text : text.slice(0, hash)
  if (hasControlCharacter(body)) return 'invalid control character in URL'
  if (hash !== -1 && !percentEscapesAreSound(text.slice(hash + 1))) return 'invalid URL escape'
  if (body === '') return { scheme: '' }
  const split = splitScheme(body)
  if (typeof split === 'string') return split
  const { scheme } = split
  const rest = split.rest.split('?', 1)[0] ?? ''
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { scheme }
    if ((rest.split('/', 1)[0] ?? '').includes(':')) return 'first path segment in URL cannot contain colon'
  }
  return checkHierarchy(rest, scheme)
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function splitScheme(text: string): { scheme: string; rest: string } | string {
  const [, scheme] = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text) ?? []
  if (scheme !== undefined) return { scheme: scheme.toLowerCase(), rest: text.slice(scheme.length + 1) }
  return text.startsWith(':') ? 'missing protocol scheme' : { scheme: '', rest: text }
}

function checkHierarchy(rest: string, scheme: string): GoUrl | string {
  let path = rest
  if ((scheme !== '' || !rest.startsWith('///')) && rest.startsWith('//')) {
    const authority = rest.slice(2).split('/', 1)[0] ?? ''
    const wrong = wrongAuthority(authority, scheme)
    if (wrong !== undefined) return wrong
    path = rest.slice(2 + authority.length)
  }
  return checkPath(path, scheme)
}

const checkPath = (path: string, scheme: string): GoUrl | string =>
  percentEscapesAreSound(path) ? { scheme } : 'invalid URL escape'

const USER_INFO = /^[a-zA-Z0-9\-._:~!$&'()*+,;=%@]*$/
function wrongAuthority(authority: string, scheme: string): string | undefined {
  const at = authority.lastIndexOf('@')
  if (at !== -1) {
    const user = authority.slice(0, at)
    if (!USER_INFO.test(user)) return 'net/url: invalid userinfo'
    if (!percentEscapesAreSound(user)) return 'invalid URL escape'
  }
  return wrongHost(authority.slice(at + 1), scheme)
}

/** ASCII that Go refuses in a host; whatever is beyond ASCII passes. */
const BAD_HOST = /[ \\^`{|}#/?]/

function wrongHost(host: string, scheme: string): string | undefined {
  const open = host.lastIndexOf('[')
  if (open > 0) return 'invalid IP-literal'
  if (open === 0) {
    const end = host.lastIndexOf(']')
    if (end < open) return "missing ']' in host"
    if (!portIsSound(host.slice(end + 1))) return `invalid port "${host.slice(end + 1)}" after host`
    const literal = host.slice(open + 1, end).replace('%25', '%')
    return literal.includes(':') && isIpAddress(literal) ? undefined : 'invalid host: no IPv6 address in brackets'
  }
  const isWeb = scheme === 'http' || scheme === 'https'
  // Since Go 1.26 a second colon is an error in these two; in others it may still stand before a port.
  const colon = isWeb ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon !== -1 && !portIsSound(host.slice(colon))) return `invalid port "${host.slice(colon)}" after host`
  return hostBytesAreSound(host) ? undefined : 'invalid character in host name'
}

const portIsSound = (text: string): boolean => text === '' || /^:\d*$/.test(text)

/** Only escapes beyond ASCII, and `%25` for a zone, are legal in a host. */
function hostBytesAreSound(host: string): boolean {
  if (BAD_HOST.test(host)) return false
  for (const [, hex] of host.matchAll(/%(.{0,2})/g)) {
    if (hex === undefined || !/^(?:25|[89a-fA-F][0-9a-fA-F])$/.test(hex)) return false
  }
  return true
}

const percentEscapesAreSound = (text: string): boolean => !/%(?![0-9a-fA-F]{2})/.test(text)
