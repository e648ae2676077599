/** WebAssembly modules and the ports they apply to: what WasmPlugin and TrafficExtension share. */
import { field, index, SPEC } from '../field-path.ts'
import type { FieldPath } from '../field-path.ts'
import { parseRequestUri } from '../go-url.ts'
import type { Report } from '../report.ts'
import type { Wasm } from '../schema/kinds/traffic-extension.ts'
import type { TrafficSelectors } from '../schema/kinds/wasm-plugin.ts'
import { byteLength } from './values.ts'

const SCHEMES: ReadonlySet<string> = new Set(['', 'file', 'http', 'https', 'oci'])
const MAX_SECRET_BYTES = 253
const MAX_NAME_BYTES = 256
const SHA256_LENGTH = 64

export function checkWasm(wasm: Wasm, at: FieldPath, report: Report): void {
  const { url = '', sha256 = '', imagePullSecret = '', pluginName = '', vmConfig } = wasm
  const badUrl = wrongUrl(url)
  if (badUrl !== undefined) report.error('WASM_URL', field(at, 'url'), badUrl)
  const badSum = sha256 === '' ? undefined : wrongSum(sha256)
  if (badSum !== undefined) report.error('WASM_SHA256', field(at, 'sha256'), badSum)
  if (byteLength(imagePullSecret) > MAX_SECRET_BYTES) {
    report.error(
      'WASM_SECRET',
      field(at, 'imagePullSecret'),
      `imagePullSecret field must be less than ${MAX_SECRET_BYTES} characters long`,
    )
  }
  if (byteLength(pluginName) > MAX_NAME_BYTES) {
    report.error(
      'WASM_NAME',
      field(at, 'pluginName'),
      `pluginName field must be at most ${MAX_NAME_BYTES} characters long`,
    )
  }
  const badEnv = vmConfig?.env === undefined ? undefined : wrongEnvironment(vmConfig.env)
  if (badEnv !== undefined) report.error('WASM_ENV', field(field(at, 'vmConfig'), 'env'), badEnv)
}

/** istiod: a text that parses only with `http://` in front is judged by that scheme, so `r.io/a` passes. */
function wrongUrl(url: string): string | undefined {
  if (url === '') return 'url field needs to be set'
  const own = parseRequestUri(url)
  const parsed = typeof own === 'string' ? parseRequestUri(`http://${url}`) : own
  if (typeof parsed === 'string')
    return `failed to parse url: parse "${url}": ${typeof own === 'string' ? own : parsed}`
  return SCHEMES.has(parsed.scheme) ? undefined : `url contains unsupported scheme: ${parsed.scheme}`
}

function wrongSum(sha256: string): string | undefined {
  if (byteLength(sha256) !== SHA256_LENGTH) return `sha256 field must be ${SHA256_LENGTH} characters long`
  return /^[a-f0-9]*$/.test(sha256) ? undefined : 'sha256 field must match [a-f0-9]{64} pattern'
}

/** istiod: the first hit only. */
function wrongEnvironment(env: NonNullable<NonNullable<Wasm['vmConfig']>['env']>): string | undefined {
  const seen = new Set<string>()
  for (const { name = '', valueFrom = 'INLINE', value = '' } of env) {
    if (name === '') return 'spec.vmConfig.env invalid: name must be set'
    if (byteLength(name) > MAX_NAME_BYTES) return `env.name field must be at most ${MAX_NAME_BYTES} characters long`
    if (seen.has(name)) return `duplicate env ${name}`
    seen.add(name)
    if (valueFrom !== 'INLINE' && value !== '') return 'value may only be set when valueFrom is INLINE'
  }
  return undefined
}

/** istiod: the first hit only. */
export function checkTrafficSelectors(match: TrafficSelectors | undefined, report: Report): void {
  for (const [i, { ports = [] }] of (match ?? []).entries()) {
    for (const [j, { number = 0 }] of ports.entries()) {
      if (number >= 1 && number <= 65535) continue
      const at = index(field(index(field(SPEC, 'match'), i), 'ports'), j)
      report.error('PORT_RANGE', field(at, 'number'), `spec.Match[${i}].Ports[${j}] is out of range: ${number}`)
      return
    }
  }
}
