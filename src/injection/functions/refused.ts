/** Functions that texts may name but not call: they need random numbers, the network or cryptography with keys. */
import { any, variadic, type FunctionTable, type TemplateFunction } from '../template/function-table.ts'
import { LimitReached } from '../template/limits.ts'

const NAMES = [
  'randAlphaNum',
  'randAlpha',
  'randAscii',
  'randNumeric',
  'randBytes',
  'randInt',
  'shuffle',
  'uuidv4',
  'bcrypt',
  'htpasswd',
  'genPrivateKey',
  'derivePassword',
  'buildCustomCert',
  'genCA',
  'genCAWithKey',
  'genSelfSignedCert',
  'genSelfSignedCertWithKey',
  'genSignedCert',
  'genSignedCertWithKey',
  'encryptAES',
  'decryptAES',
  'getHostByName',
] as const

/** @throws LimitReached always */
export function refuse(name: string): never {
  throw new LimitReached(`function ${name} is not available here`)
}

export const REFUSED_FUNCTIONS: FunctionTable = new Map(
  NAMES.map((name): [string, TemplateFunction] => [name, variadic([], any, () => refuse(name))]),
)
