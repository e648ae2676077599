/** One call of the CNI plugin: which command, is it well formed, and what is printed. */
import { messageOf } from '../../base/errors.ts'
import { GoTypeError, isObject, parseJson, stringField, type JsonObject } from './go-json.ts'
import { SUPPORTED_VERSIONS } from './result.ts'

/** Codes of the CNI specification; 999 is anything that the plugin itself fails with. */
export type CniErrorCode = 1 | 3 | 4 | 6 | 7 | 8 | 11 | 50 | 999

export interface CniError {
  readonly code: CniErrorCode
  readonly msg: string
  readonly details?: string
}

export interface CniCall {
  /** The CNI_* variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: string
}

/** A call whose form is right. */
export type CniRequest =
  | {
      readonly command: 'ADD'
      readonly config: JsonObject
      readonly netns: string
      readonly args: string
      readonly netnsOverride: boolean
    }
  | { readonly command: 'VERSION' }
  | { readonly command: 'DEL'; readonly netns: string; readonly netnsOverride: boolean }
  /** Nothing to do, or nothing but to say how things stand. */
  | { readonly command: 'CHECK' | 'GC' | 'STATUS' }
  | { readonly command: 'ABOUT' }

export type CniParsed =
  { readonly ok: true; readonly request: CniRequest } | { readonly ok: false; readonly error: CniError }

interface Needs {
  readonly variables: readonly string[]
  /** Configurations below this version do not know the command. */
  readonly since?: string
}

const NEEDS: ReadonlyMap<string, Needs> = new Map<string, Needs>([
  ['ADD', { variables: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'] }],
  ['CHECK', { variables: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'], since: '0.4.0' }],
  ['DEL', { variables: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'] }],
  ['GC', { variables: ['CNI_PATH'], since: '1.1.0' }],
  ['STATUS', { variables: ['CNI_PATH'], since: '1.1.0' }],
])

/** Reads a call. Never throws for what the caller sends. */
export function parseCall({ env, stdin }: CniCall): CniParsed {
  try {
    return { ok: true, request: readCall(env, stdin) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.error }
    throw error
  }
}

/** Ends the reading of a call; never leaves this file. */
class Refusal extends Error {
  readonly error: CniError
  constructor(code: CniErrorCode, msg: string, details?: string) {
    super(msg)
    this.error = { code, msg, ...(details === undefined ? {} : { details }) }
  }
}

function readCall(env: CniCall['env'], stdin: string): CniRequest {
  const valueOf = (name: string): string => (Object.hasOwn(env, name) ? (env[name] ?? '') : '')
  const command = valueOf('CNI_COMMAND')
  if (command === '') return { command: 'ABOUT' }
  const needs = NEEDS.get(command)
  checkVariables(needs?.variables ?? [], valueOf)
  if (command === 'VERSION') return { command }
  const config = readNamedConfig(stdin)
  if (needs === undefined) throw new Refusal(4, `unknown CNI_COMMAND: ${command}`)
  checkVersion(command, needs, readVersion(config))
  if (command !== 'ADD' && command !== 'DEL') return { command: command as 'CHECK' | 'GC' | 'STATUS' }
  const override = valueOf('CNI_NETNS_OVERRIDE')
  const place = { netns: valueOf('CNI_NETNS'), netnsOverride: override.toUpperCase() === 'TRUE' || override === '1' }
  return command === 'DEL' ? { command, ...place } : { command, config, args: valueOf('CNI_ARGS'), ...place }
}

/** A bad one is told before those that are missing. */
function checkVariables(names: readonly string[], valueOf: (name: string) => string): void {
  const missing: string[] = []
  for (const name of names) {
    const value = valueOf(name)
    if (value === '') missing.push(name)
    else if (name === 'CNI_CONTAINERID') checkContainerId(value)
    else if (name === 'CNI_IFNAME') checkInterfaceName(value)
  }
  if (missing.length > 0) throw new Refusal(4, `required env variables [${missing.join(',')}] missing`)
}

function readNamedConfig(stdin: string): JsonObject {
  const config = refuseWrongForm('error unmarshall network config', () => {
    const parsed = parseJson(stdin)
    if (parsed === null) return {}
    if (!isObject(parsed)) throw new GoTypeError('json: the network config is not an object')
    return parsed
  })
  const name = refuseWrongForm('error unmarshall network config', () =>
    stringField({ object: config, name: 'name', of: 'Config' }),
  )
  if (name === '') throw new Refusal(7, 'missing network name')
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new Refusal(7, 'invalid characters found in network name', name)
  return config
}

function readVersion(config: JsonObject): string {
  const version = refuseWrongForm('decoding version from network config', () =>
    stringField({ object: config, name: 'cniVersion', of: 'Config' }),
  )
  return version === '' ? '0.1.0' : version
}

function refuseWrongForm<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Refusal(6, `${what}: ${messageOf(error)}`)
  }
}

function checkContainerId(id: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(id)) throw new Refusal(4, 'invalid characters in containerID', id)
}

function checkInterfaceName(name: string): void {
  if (new TextEncoder().encode(name).length > 15)
    throw new Refusal(4, 'interface name is too long', 'interface name should be less than 16 characters')
  if (name === '.' || name === '..') throw new Refusal(4, 'interface name is . or ..')
  if (/[/:\s]/.test(name)) throw new Refusal(4, 'interface name contains / or : or whitespace characters')
}

function checkVersion(command: string, { since }: Needs, version: string): void {
  if (since !== undefined) {
    const parts = versionParts(version)
    if (parts === undefined)
      throw new Refusal(6, `cniVersion: expected up to three numbers, got ${JSON.stringify(version)}`)
    if (compareVersions(parts, versionParts(since) ?? []) < 0) {
      throw new Refusal(1, `config version does not allow ${command}`)
    }
    if (compareVersions(parts, [1, 1, 0]) > 0) throw new Refusal(1, `plugin version does not allow ${command}`)
  }
  if ((SUPPORTED_VERSIONS as readonly string[]).includes(version)) return
  const supported = SUPPORTED_VERSIONS.map((one) => JSON.stringify(one)).join(' ')
  throw new Refusal(
    1,
    'incompatible CNI versions',
    `config is ${JSON.stringify(version)}, plugin supports [${supported}]`,
  )
}

function versionParts(version: string): number[] | undefined {
  const parts = version.split('.')
  if (parts.length > 3 || !parts.every((part) => /^[+-]?[0-9]+$/.test(part))) return undefined
  return [0, 1, 2].map((i) => Number(parts[i] ?? '0'))
}

function compareVersions(left: readonly number[], right: readonly number[]): number {
  for (const [i, part] of left.entries()) {
    const difference = part - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** What the plugin prints as its error: four spaces, no newline at the end, no version. istiod: as it does. */
export function renderError(error: CniError): string {
  return JSON.stringify(error, undefined, 4)
}
