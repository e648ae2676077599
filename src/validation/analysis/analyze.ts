/** Runs the analyzers over a set of objects. */
import type { MeshObject } from '../api-server.ts'
import { ANALYZERS } from './analyzers.ts'
import type { Level, Message } from './messages.ts'
import type { Bag } from './read.ts'
import type { World } from './world.ts'
import { createWorld, RUNTIME_KINDS } from './world.ts'

export interface Analyzer {
  readonly name: string
  /** What it reads. Where a kind is not at hand at all, the analyzer is skipped. */
  readonly inputs: readonly string[]
  readonly analyze: (world: World) => Iterable<Message>
}
export interface AnalyzeOptions {
  /** The document of the mesh configuration. */
  readonly mesh?: Bag
  /** The document of the mesh networks. */
  readonly networks?: Bag
  /** False: Service, Namespace, Node, Pod and Secret are not looked at, as with files alone. */
  readonly runtime?: boolean
  /** Milliseconds since 1970, to tell certificates that have expired. */
  readonly nowMs?: number
  /** What is wrong with the text of the annotation `proxy.istio.io/config`. Without it that text is not looked at. */
  readonly wrongProxyConfig?: (yaml: string) => string | undefined
}
const SUPPRESS = 'galley.istio.io/analyze-suppress'
const ORDER: readonly Level[] = ['Error', 'Warning', 'Info']

/** All messages, the worst first; equal ones once. */
export function analyze(
  objects: readonly MeshObject[],
  { mesh = {}, networks = {}, runtime = true, nowMs, wrongProxyConfig }: AnalyzeOptions = {},
): readonly Message[] {
  const world = createWorld(objects, { mesh, networks, runtime, nowMs, wrongProxyConfig })
  const found = new Map<string, Message>()
  for (const { inputs, analyze: run } of ANALYZERS) {
    if (!runtime && inputs.some((kind) => RUNTIME_KINDS.has(kind))) continue
    for (const one of run(world)) {
      if (!isSuppressed(one)) found.set([one.code, originOf(one), one.path ?? '', one.text].join('\n'), one)
    }
  }
  const rank = ({ level, code, resource, text }: Message): string =>
    [ORDER.indexOf(level), code, originOf({ resource }), text].join('\n')
  return [...found.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

/** `Kind namespace/name`. */
export const originOf = ({ resource }: Pick<Message, 'resource'>): string =>
  `${resource.kind === 'KubernetesGateway' ? 'Gateway' : resource.kind} ${resource.fullName}`

/** istiod: codes separated by commas, not trimmed; or a star. */
function isSuppressed({ code, resource }: Message): boolean {
  const codes = resource.annotations[SUPPRESS]?.split(',') ?? []
  return codes.includes('*') || codes.includes(code)
}
