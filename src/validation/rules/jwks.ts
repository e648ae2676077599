/** Inline JSON Web Key Sets: is it one, and does it hold what must stay private. */

export type KeySet = { readonly error: string } | { readonly privateKeys: readonly number[] }
type Key = Readonly<Record<string, unknown>>

/** Members that hold big numbers or octets: base64url text. */
const BINARY = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y', 'k', 'x5t', 'x5t#S256']
const TEXTS = ['kid', 'alg', 'use', 'crv', 'x5u']
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
}
const CURVES: Readonly<Record<string, readonly string[]>> = {
  EC: ['P-256', 'P-384', 'P-521', 'secp256k1'],
  OKP: ['Ed25519', 'Ed448', 'X25519', 'X448'],
}
/** Go's decoder takes base64url with or without padding. */
const BASE64URL = /^[A-Za-z0-9_-]*={0,2}$/

/** Indexes of keys with private material, or why the text is no key set. */
export function readKeySet(text: string): KeySet {
  const value = parse(text)
  if (!isKey(value)) return { error: 'failed to unmarshal JWK set: not a JSON object' }
  const keys: unknown = Object.hasOwn(value, 'keys') ? value['keys'] : [value]
  if (!Array.isArray(keys)) return { error: 'failed to unmarshal JWK set: keys must be a list' }
  const privateKeys: number[] = []
  for (const [i, key] of (keys as readonly unknown[]).entries()) {
    const wrong = isKey(key) ? wrongKey(key) : 'not an object'
    if (wrong !== undefined) return { error: `failed to unmarshal key #${i}: ${wrong}` }
    if (isKey(key) && (key['kty'] === 'oct' || Object.hasOwn(key, 'd'))) privateKeys.push(i)
  }
  return { privateKeys }
}

const isKey = (value: unknown): value is Key => typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function wrongKey(key: Key): string | undefined {
  const kty = key['kty']
  if (typeof kty !== 'string' || !Object.hasOwn(REQUIRED, kty))
    return `invalid key type ${JSON.stringify(kty) ?? '(missing)'}`
  const missing = REQUIRED[kty]?.find((name) => typeof key[name] !== 'string' || key[name] === '')
  if (missing !== undefined) return `required field ${missing} is missing`
  const broken = BINARY.find(
    (name) => Object.hasOwn(key, name) && !(typeof key[name] === 'string' && BASE64URL.test(key[name])),
  )
  if (broken !== undefined) return `field ${broken} is not base64url`
  const curves = CURVES[kty]
  if (curves !== undefined && !curves.includes(String(key['crv']))) return `invalid curve ${JSON.stringify(key['crv'])}`
  const wrongText = TEXTS.find((name) => Object.hasOwn(key, name) && typeof key[name] !== 'string')
  return wrongText === undefined ? undefined : `field ${wrongText} must be a text`
}
