/** Answers recorded injection cases with our engine. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import jsonPatch from 'fast-json-patch'
import { ProjectError, messageOf } from '../../src/base/errors.ts'
import { compileConfig, createInjector } from '../../src/injection/index.ts'
import type { CompiledConfig, Injector, InjectorInputs } from '../../src/injection/index.ts'
import type { Compatibility } from '../../src/injection/inject.ts'
import type { ProxyConfigResource } from '../../src/injection/mesh/proxy-config-resources.ts'
import { nodeFactsOf } from '../../src/injection/native-sidecars.ts'
import type { Answerer } from './answerer.ts'

export interface InjectionCase {
  readonly id?: string
  readonly mode?: 'webhook' | 'offline'
  readonly configRef?: string
  readonly configYaml?: string
  readonly valuesRef?: string
  readonly values?: string
  readonly meshRef?: string
  readonly mesh?: string
  readonly revision?: string
  readonly nativeSidecars?: string
  readonly nodes?: readonly { readonly name: string; readonly kubeletVersion: string }[]
  readonly platform?: string
  readonly compliancePolicy?: string
  readonly namespace?: string
  readonly namespaceAnnotations?: Readonly<Record<string, string>>
  readonly proxyConfigs?: readonly ProxyConfigResource[]
  readonly injectPath?: string
  /** The pod, or for the offline command the whole input, as text. */
  readonly object?: string
}

export interface InjectionAnswer {
  readonly id?: string
  readonly ok: boolean
  readonly injected?: boolean
  readonly status?: number
  readonly error?: string
  readonly object?: unknown
}

export interface AnswerOptions {
  /** Folder of `<name>.config.yaml`, `.values.json`, `.mesh.yaml`. */
  readonly configs: string
  readonly compat: Compatibility
  /** A configuration document in place of the named one. */
  readonly configText?: (name: string) => string | undefined
}

/** Answers cases; compiled configurations are kept. */
export function injectionAnswerer(options: AnswerOptions): Answerer {
  const injectors = injectorCache(options)
  return (line) => {
    let given: InjectionCase = {}
    try {
      const parsed = JSON.parse(line) as InjectionCase & { case?: InjectionCase }
      given = parsed.case ?? parsed
      return answerCase(given, injectors(given))
    } catch (thrown) {
      return { ...idOf(given), ok: false, error: messageOf(thrown) }
    }
  }
}

/** One list, so that what depends on it alone is computed once. */
const NO_PROXY_CONFIGS: readonly ProxyConfigResource[] = []

const idOf = ({ id }: InjectionCase): { id?: string } => (id === undefined ? {} : { id })

function answerCase(given: InjectionCase, injector: Injector): InjectionAnswer {
  const path = decodedPath(given.injectPath ?? '/inject')
  // istiod: Go's router redirects to the cleaned path, which no webhook call survives
  if (!isClean(path)) return { ...idOf(given), ok: false, injected: false, status: 307 }
  const pod: unknown = JSON.parse(given.object ?? 'null')
  const result = injector.inject(
    { pod, namespace: given.namespace ?? '', path },
    {
      proxyConfigs: given.proxyConfigs ?? NO_PROXY_CONFIGS,
      ...(given.nodes && { nodes: nodeFactsOf(given.nodes) }),
      ...(given.namespaceAnnotations && { namespaceAnnotations: given.namespaceAnnotations }),
    },
  )
  const id = idOf(given)
  if ('denied' in result) return { ...id, ok: false, injected: false, status: 200, error: result.denied }
  if (!result.injected) return { ...id, ok: true, injected: false, status: 200, object: pod }
  const object = jsonPatch.applyPatch(pod, structuredClone(result.patch) as jsonPatch.Operation[], true).newDocument
  return { ...id, ok: true, injected: true, status: 200, object }
}

function decodedPath(path: string): string {
  const [bare = ''] = path.split('?')
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}

const isClean = (path: string): boolean =>
  !path
    .split('/')
    .slice(1)
    .some((part, at, all) => part === '.' || part === '..' || (part === '' && at < all.length - 1))

function injectorCache({ configs, compat, configText }: AnswerOptions): (given: InjectionCase) => Injector {
  const texts = new Map<string, string>()
  const known = new Map<string, Injector | ProjectError>()
  const compiled = new Map<string, CompiledConfig>()
  const read = (name: string): string => {
    const text = texts.get(name) ?? readFileSync(join(configs, name), 'utf8')
    texts.set(name, text)
    return text
  }
  const inputsOf = (given: InjectionCase): InjectorInputs => ({
    configText:
      given.configYaml ??
      configText?.(given.configRef ?? 'default') ??
      read(`${given.configRef ?? 'default'}.config.yaml`),
    valuesText: given.values ?? read(`${given.valuesRef ?? 'default'}.values.json`),
    meshTexts: [given.mesh ?? read(`${given.meshRef ?? 'default'}.mesh.yaml`)],
    revision: given.revision ?? 'default',
    nativeSidecars: given.nativeSidecars ?? 'auto',
    platform: given.platform ?? '',
    compliancePolicy: given.compliancePolicy ?? '',
    compat,
    env: () => undefined,
    warn: () => undefined,
  })
  return (given) => {
    const key = JSON.stringify(SETTINGS.map((name) => given[name] ?? null))
    const injector = known.get(key) ?? load(inputsOf(given), compiled)
    known.set(key, injector)
    if (injector instanceof ProjectError) throw injector
    return injector
  }
}

/** Fields of a case that make an injector. */
const SETTINGS = [
  'configRef',
  'configYaml',
  'valuesRef',
  'values',
  'meshRef',
  'mesh',
  'revision',
  'nativeSidecars',
  'platform',
  'compliancePolicy',
] as const satisfies readonly (keyof InjectionCase)[]

/** istiod: what its start would say. */
const LOAD_STAGES = {
  config: 'failed to get initial configuration',
  values: 'failed to process webhook config: failed to create new values config',
}

function load(inputs: InjectorInputs, known: Map<string, CompiledConfig>): Injector | ProjectError {
  try {
    const compiled = known.get(inputs.configText) ?? compileConfig(inputs)
    known.set(inputs.configText, compiled)
    return createInjector({ ...inputs, compiled })
  } catch (thrown) {
    if (!(thrown instanceof ProjectError)) throw thrown
    const stage = LOAD_STAGES[thrown.details['part'] === 'values' ? 'values' : 'config']
    return new ProjectError(thrown.code, `load: ${stage}: ${thrown.message}`, { cause: thrown })
  }
}
