/** What a post-processing step is, and what it may know. */
import type { PodDraft } from '../draft.ts'

export interface PostContext {
  /** Variables from the request path, cluster and network among them. */
  readonly variables: ReadonlyMap<string, string>
  /** istiod: of the mesh's default config, neither of the values nor of the pod's own ProxyConfig. */
  readonly statusPort: number
  /** The mesh's `enablePrometheusMerge`; undefined when unset. */
  readonly mergesPrometheus: boolean | undefined
  /** Of the values: `sidecarInjectorWebhook.rewriteAppHTTPProbe`. */
  readonly rewritesProbes: boolean
  /** Containers wait until the proxy is ready, so it comes first. */
  readonly holdsApplication: boolean
  /** Text of the status annotation. */
  readonly status: string
  /** Annotations the injector's configuration sets on every pod. */
  readonly injectedAnnotations: Readonly<Record<string, string>>
  readonly warn: (text: string) => void
}

/** Changes the draft. @throws ProjectError INJECTION_FAILED where the pod must be refused. */
export type PostStep = (draft: PodDraft, context: PostContext) => void
