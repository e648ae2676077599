/**
 * Inline JSON Web Key Sets: is it one, and does it hold what must stay private.
 * istiod: what its library takes; points need not lie on their curve, and text behind the set is not looked at.
 */

export type KeySet = { readonly error: string } | { readonly privateKeys: readonly number[] }
type Key = Readonly<Record<string, unknown>>

interface KeyForm {
  /** Binary members that must be there. */
  readonly required: readonly string[]
  /** Members that are looked at in a private key only; `d` must be there. */
  readonly ofPrivate: readonly string[]
  readonly hasCurve: boolean
}
const FORMS: Readonly<Record<string, KeyForm>> = {
  RSA: { required: ['n', 'e'], ofPrivate: ['d', 'p', 'q', 'dp', 'dq', 'qi'], hasCurve: false },
  EC: { required: ['x', 'y'], ofPrivate: ['d'], hasCurve: true },
  OKP: { required: ['x'], ofPrivate: ['d'], hasCurve: true },
  oct: { required: ['k'], ofPrivate: [], hasCurve: false },
}
const TEXTS = ['alg', 'kid', 'use', 'x5t', 'x5t#S256']

/** Indexes of keys with private material, or why the text is no key set. */
export function readKeySet(text: string): KeySet {
  const value = parse(text)
  if (!isKey(value)) return { error: 'failed to unmarshal JWK set: not a JSON object' }
  const keys: unknown = Object.hasOwn(value, 'keys') ? (value['keys'] ?? []) : [value]
  if (!Array.isArray(keys)) return { error: 'failed to unmarshal JWK set: keys must be a list' }
  const privateKeys: number[] = []
  for (const [i, key] of (keys as readonly unknown[]).entries()) {
    const wrong = isKey(key) ? wrongKey(key) : 'not an object'
    if (wrong !== undefined) return { error: `failed to unmarshal key #${i}: ${wrong}` }
    if (isKey(key) && (hinted(key, 'kty') === 'oct' || isPrivate(key))) privateKeys.push(i)
  }
  return { privateKeys }
}

const isKey = (value: unknown): value is Key => typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text.slice(0, endOfObject(text))) as unknown
  } catch {
    return undefined
  }
}

/** Where the brace is closed that the text begins with. */
function endOfObject(text: string): number {
  let depth = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '"') isQuoted = !isQuoted
    else if (isQuoted) i += char === '\\' ? 1 : 0
    else if (char === '{') depth += 1
    else if (char === '}') depth -= 1
    if (depth === 0 && char === '}') return i + 1
  }
  return text.length
}

/** Go: which type of key it is, is found out without regard to case; the last one counts. */
function hinted(key: Key, name: string): unknown {
  const spelling = Object.keys(key).findLast((member) => member.toLowerCase() === name)
  return spelling === undefined ? undefined : key[spelling]
}
const isPrivate = (key: Key): boolean => hinted(key, 'd') !== undefined

function wrongKey(key: Key): string | undefined {
  const kty = hinted(key, 'kty')
  const form = typeof kty === 'string' && Object.hasOwn(FORMS, kty) ? FORMS[kty] : undefined
  if (form === undefined || (Object.hasOwn(key, 'kty') && key['kty'] !== kty))
    return `invalid key type ${JSON.stringify(kty) ?? '(missing)'}`
  const looksPrivate = kty !== 'oct' && isPrivate(key)
  const required = [...form.required, ...(form.hasCurve ? ['crv'] : []), ...(looksPrivate ? ['d'] : [])]
  const missing = required.find((name) => !Object.hasOwn(key, name))
  if (missing !== undefined) return `required field ${missing} is missing`
  const binary = [...form.required, ...(looksPrivate ? form.ofPrivate : [])]
  const broken = binary.find((name) => !isBinary(key[name]))
  if (broken !== undefined) return `field ${broken} is not base64`
  const wrongText = [...TEXTS, ...(form.hasCurve ? ['crv'] : [])].find((name) => !isText(key[name]))
  if (wrongText !== undefined) return `field ${wrongText} must be a text`
  if (!isListOf(key['key_ops'], isText)) return 'field key_ops must be a list of texts'
  return isListOf(key['x5c'], isCertificate) ? undefined : 'field x5c must be a list of certificates'
}

/** null is the empty text. */
const isText = (value: unknown): boolean => value === undefined || value === null || typeof value === 'string'
const isBinary = (value: unknown): boolean => isText(value) && isBase64(typeof value === 'string' ? value : '')
const isListOf = (value: unknown, isElement: (element: unknown) => boolean): boolean =>
  value === undefined || value === null || (Array.isArray(value) && (value as readonly unknown[]).every(isElement))

const PLAIN = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3})?$/
const PADDED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Either alphabet, with or without padding. Go: line breaks do not count. */
function isBase64(text: string): boolean {
  const isForUrls = !/[+/]/.test(text)
  const joined = text.replaceAll(/[\r\n]/g, '')
  const usual = isForUrls ? joined.replaceAll('-', '+').replaceAll('_', '/') : joined
  return (text.endsWith('=') ? PADDED : PLAIN).test(usual)
}

const MIN_CERTIFICATE = 200
/** By its size and first bytes, those of a long sequence. */
const isCertificate = (value: unknown): boolean =>
  typeof value === 'string' && value.length >= MIN_CERTIFICATE && /^MI[GHIJ]/.test(value) && isBase64(value)
