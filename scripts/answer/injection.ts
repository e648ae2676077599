/** Answers recorded injection cases with our engine. */
import jsonPatch from 'fast-json-patch'
import { ProjectError, messageOf } from '../../src/base/errors.ts'
import { createInjector } from '../../src/injection/index.ts'
import type { Injector, InjectorInputs } from '../../src/injection/index.ts'
import type { Compatibility } from '../../src/injection/inject.ts'
import type { ProxyConfigResource } from '../../src/injection/mesh/proxy-config-resources.ts'
import { nodeFactsOf } from '../../src/injection/native-sidecars.ts'
import { createOfflineInjector } from '../../src/injection/offline-pod.ts'
import type { OfflineInjector } from '../../src/injection/offline-pod.ts'
import { injectDocuments } from '../../src/injection/offline/inject-documents.ts'
import { splitDocuments } from '../../src/injection/offline/split.ts'
import { workloadOf } from '../../src/injection/workload.ts'
import { readYaml } from '../../src/injection/yaml/read.ts'
import type { Answerer } from './answerer.ts'
import type { InjectionAnswer, InjectionCase } from './injection-case.ts'
import { inputsReader, oncePerSettings } from './injector-inputs.ts'
import type { AnswerOptions } from './injector-inputs.ts'

/** Answers cases; compiled configurations are kept. */
export function injectionAnswerer(options: AnswerOptions): Answerer {
  const inputsOf = inputsReader(options)
  const webhook = oncePerSettings((given) => startInjector(inputsOf(given)))
  const offline = oncePerSettings((given) => createOfflineInjector(inputsOf(given)))
  return (line) => {
    let given: InjectionCase = {}
    try {
      const parsed = JSON.parse(line) as InjectionCase & { case?: InjectionCase }
      given = parsed.case ?? parsed
      if (given.mode === 'offline') return answerOffline(given, { inject: offline(given), compat: options.compat })
      return answerWebhook(given, webhook(given))
    } catch (thrown) {
      return { ...idOf(given), ok: false, error: messageOf(thrown) }
    }
  }
}

/** One list, so that what depends on it alone is computed once. */
const NO_PROXY_CONFIGS: readonly ProxyConfigResource[] = []

const idOf = ({ id }: InjectionCase): { id?: string } => (id === undefined ? {} : { id })

function answerWebhook(given: InjectionCase, injector: Injector): InjectionAnswer {
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
  const operations = structuredClone(result.patch) as jsonPatch.Operation[]
  // An annotation may be called __proto__; the document is ours alone, and has it as a member like any other.
  const object = jsonPatch.applyPatch(pod, operations, true, true, false).newDocument
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

function answerOffline(
  given: InjectionCase,
  { inject, compat }: { inject: OfflineInjector; compat: Compatibility },
): InjectionAnswer {
  const warnings: string[] = []
  let text = ''
  let injected = false
  const observed: OfflineInjector = (pod, workload) => {
    const result = inject(pod, workload)
    injected ||= result.injected
    return result
  }
  try {
    for (const document of injectDocuments(given.object ?? '', { inject: observed, workloadOf, compat })) {
      text += document.text
      warnings.push(...document.warnings.map((warning) => warning.trim()))
    }
  } catch (thrown) {
    return { ...idOf(given), ok: false, injected: false, error: messageOf(thrown) }
  }
  const object = [...splitDocuments(text)].map((document) => readYaml(document.text))
  return { ...idOf(given), ok: true, injected, object, text, ...(warnings.length > 0 && { warnings }) }
}

/** istiod: what its start would say. */
const LOAD_STAGES = {
  config: 'failed to get initial configuration',
  values: 'failed to process webhook config: failed to create new values config',
}

function startInjector(inputs: InjectorInputs): Injector {
  try {
    return createInjector(inputs)
  } catch (thrown) {
    if (!(thrown instanceof ProjectError)) throw thrown
    const stage = LOAD_STAGES[thrown.details['part'] === 'values' ? 'values' : 'config']
    throw new ProjectError(thrown.code, `load: ${stage}: ${thrown.message}`, { cause: thrown })
  }
}
